// Members that were caught lying: with a wrong proof of origin, or a ledger that shows two histories. Nothing is taken
// from them, and where stops_giving says so (on_change tells who does it) nothing is given to them, until a person
// resumes; through restarts.
//
//   suspensions.suspend({.member = "cert-ua", .reason = "indicator--… has a proof in the name of cert-ee that …"});
//   suspensions.reason_of("cert-ua")       // asked before each connection and each batch
//   suspensions.resume("cert-ua");         // bongsu link resume cert-ua
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "journal/journal.h"

namespace bongsu::link {

inline constexpr std::size_t kMaxSuspensionReasonBytes = 2'000;

struct Suspension {
  std::string member, reason;
  JsonObject evidence{};
  bool stops_giving = false;  // a wrong proof may be a mistake, and ends what is taken; two histories are none
  Instant since{};            // set by suspend()
  Json json() const;          // {"member", "reason", "at", "evidence", "stops_giving"}
};

// Safe from any thread.
class Suspensions {
 public:
  static Result<std::unique_ptr<Suspensions>> load(journal::Journal& journal, const Clock& clock);

  // Holds at once, whatever the disk says. The first reason stays, unless the second one ends more.
  Result<void> suspend(Suspension suspension);
  Result<void> resume(std::string_view member);  // kNotFound: it is not suspended
  std::optional<std::string> reason_of(std::string_view member) const;
  std::optional<Suspension> find(std::string_view member) const;
  std::vector<Suspension> list() const;

  // Called without locks when a member was suspended, or resumed, on the thread that did it: what else stops or goes
  // on.
  using OnChange = std::function<Result<void>(const Suspension& suspension, bool suspended)>;
  void on_change(OnChange callback);

 private:
  Suspensions(journal::Journal& journal, const Clock& clock) : journal_(journal), clock_(clock) {}
  journal::Journal& journal_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<std::string, Suspension, std::less<>> suspended_;
  OnChange on_change_;
};

}  // namespace bongsu::link
