// STIX patterns (STIX 2.1 §9), compiled: a hundred thousand cost little more per event than a hundred.
//
//   PatternSet::Builder builder;                                  // for observed data; Builder(map) for telemetry
//   BONGSU_TRY_VOID(builder.add(ref, "[file:name = 'a.exe' AND file:size > 100]", from, until));
//   BONGSU_TRY(PatternSetPtr set, builder.build());
//
//   ObservationMatcher matcher(set);                              // or EventMatcher, one a thread (event_matcher.h)
//   matcher.match(observation, hits);                             // which [ … ] of which pattern are true
//   PatternSequencer sequencer(set);                              // one: FOLLOWEDBY, AND, WITHIN, REPEATS, in order
//   for (const PatternHit& hit : hits) sequencer.take(hit, …, found);
//
// A set never changes once it is built: any thread may use it. README.md says how it works and where the text of the
// standard left a choice.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "detect/pattern/observation.h"
#include "stix/pattern.h"
#include "telemetry/field_map.h"

namespace bongsu::detect {

inline constexpr std::size_t kMaxPatterns = 2'000'000;          // of a set
inline constexpr std::size_t kMaxPatternObservations = 10'000;  // that one pattern needs: REPEATS multiplies

// A [ … ] that is true of an observation.
struct PatternHit {
  std::uint32_t pattern = 0;     // index into the set
  std::uint32_t expression = 0;  // number of the [ … ] within the set
};

struct PatternParts;  // pattern_parts.h

class PatternSet {
 public:
  class Builder {
   public:
    Builder();  // for Observations
    // For telemetry: a property is looked for where the map's rows say that it stands. Names of files and hosts, paths,
    // registry keys, hashes and addresses are compared in normal form, as indicators are (README.md).
    explicit Builder(telemetry::FieldMapPtr map);
    ~Builder();

    // kInvalid with the offset of what is wrong; kTooLarge beyond a limit; kUnsupported for a pattern that no telemetry
    // can match, naming the property that no field stands for. The builder goes on without it.
    Result<void> add(std::uint64_t ref, std::string_view pattern, std::optional<Instant> valid_from = {},
                     std::optional<Instant> valid_until = {});
    Result<void> add(std::uint64_t ref, const stix::Pattern& pattern, std::optional<Instant> valid_from = {},
                     std::optional<Instant> valid_until = {});
    Result<std::shared_ptr<const PatternSet>> build();  // once

   private:
    std::unique_ptr<PatternParts> parts_;
  };

  ~PatternSet();

  std::size_t size() const;
  std::uint64_t ref(std::uint32_t pattern) const;
  // True of a single observation or not at all: no FOLLOWEDBY, AND of observations, or REPEATS.
  bool single(std::uint32_t pattern) const;
  // Rows of the map that some pattern reads; FieldMapBuilder::want makes the parser emit them all.
  std::vector<telemetry::FieldId> fields() const;

  const PatternParts& parts() const { return *parts_; }

 private:
  explicit PatternSet(std::unique_ptr<PatternParts> parts);
  std::unique_ptr<PatternParts> parts_;
};
using PatternSetPtr = std::shared_ptr<const PatternSet>;

// Observations against a set. One thread at a time.
class ObservationMatcher {
 public:
  explicit ObservationMatcher(PatternSetPtr set);
  ~ObservationMatcher();
  // Appends what is true of it, each expression once.
  void match(const Observation& observation, std::vector<PatternHit>& hits);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One pattern against all of some observations: by number, those that make it true; empty: it is not. kTooLarge when it
// was given up after kMaxBindingSteps.
Result<std::vector<std::size_t>> evaluate(const stix::Pattern& pattern, const std::vector<Observation>& observations);
// The same of each pattern of a set, in its order.
std::vector<Result<std::vector<std::size_t>>> evaluate(const PatternSetPtr& set,
                                                       const std::vector<Observation>& observations);

}  // namespace bongsu::detect
