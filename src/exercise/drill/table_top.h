// A whole drill in one process: the drill, a script for each team, and what exercise control and graders do by rote.
//
//   BONGSU_TRY(TableTop table, TableTop::make(scenario, settings, make_range, {good, slow, leaky}, now));
//   keep(table.start());
//   while (const auto next = table.next()) keep(table.live(*next));    // each step is to be logged in order
//   keep(table.close());                                               // grades and judgements
//
// Its wall clock runs with the drill's: whoever wants to watch sleeps between the steps (bongsu exercise run --speed
// 60). The same scenario, settings, policies and first moment give the same log, byte for byte.
//
// By rote: exercise control lets injects go a minute after they wait for its hand, and judges what it has to by the
// policies' quality; two graders grade every form by it, a little apart.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "exercise/drill/baseline.h"
#include "exercise/drill/drill.h"

namespace bongsu::exercise::drill {

class TableTop {
 public:
  // Policies go round if there are fewer than teams. kInvalid: none.
  static Result<TableTop> make(const scenario::Scenario& scenario, const Settings& settings, RangeMaker make_range,
                               const std::vector<Policy>& policies, Instant wall);
  TableTop(TableTop&&) noexcept;
  TableTop& operator=(TableTop&&) noexcept;
  ~TableTop();

  Step start();
  // When something happens next; nothing: the drill has ended.
  std::optional<Instant> next() const;
  Step live(Instant until);
  Step close();

  Drill& drill();
  const std::vector<Policy>& policies() const;  // by team

 private:
  struct Impl;
  explicit TableTop(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::exercise::drill
