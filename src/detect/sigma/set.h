// Sigma rules compiled: an immutable set, matchers over it, and the sequencer for correlations.
//
//   Collection collection;
//   BONGSU_TRY_VOID(collection.load("sigma/rules"));
//   RuleSet rules = std::move(collection).finish();
//   telemetry::FieldMapBuilder builder(*map);                         // shared with whatever else reads fields
//   SigmaSetPtr set = SigmaSet::compile(std::move(rules), *map, builder, report);
//   BONGSU_TRY(map, builder.build());                                 // the parser's map: emits what the rules read
//
//   SigmaMatcher matcher;                                             // one a thread
//   matcher.use(set);
//   matcher.match(event, matches);                                    // no state from event to event
//   SigmaSequencer sequencer(set);                                    // one, in the order of events
//   sequencer.take(matches, position, time, hits);
//
// A set is shared by pointer and may be replaced while others still match with it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detect/sigma/collection.h"
#include "detect/sigma/log_source.h"
#include "telemetry/event.h"

namespace bongsu::detect::sigma {

class SigmaSet;
using SigmaSetPtr = std::shared_ptr<const SigmaSet>;

// What became of the rules.
struct SigmaReport {
  std::vector<Error> errors;    // rules and files that were refused
  std::vector<Error> waiting;   // well-formed, but placeholders have no values
  std::vector<Error> unmapped;  // compiled; their log source is not declared as such by the map
  std::size_t files = 0, rules = 0, correlations = 0, filters = 0;
  std::size_t groups = 0, scanners = 0, literals = 0, unguarded = 0;  // of the compiled form
};

// A rule or correlation that matched on one event. `values` are those fields that correlations ask for, in the order of
// SigmaSet::value_names; empty when none does.
struct SigmaMatch {
  std::uint32_t rule = 0;  // index into SigmaSet::rules()
  std::vector<std::optional<std::string>> values;
  // The other values of fields that have several: (index into value_names, value).
  std::vector<std::pair<std::uint32_t, std::string>> more{};
};

class SigmaSet {
 public:
  // Fields that rules read are wanted from `builder`, which must have begun with `map`. Rules that cannot be compiled
  // are errors of the report, and everything else stays.
  static Result<SigmaSetPtr> compile(RuleSet rules, const telemetry::FieldMap& map, telemetry::FieldMapBuilder& builder,
                                     SigmaReport& report);
  ~SigmaSet();

  const std::vector<Rule>& rules() const { return rules_.rules; }
  const std::vector<LinkedCorrelation>& correlations() const { return rules_.correlations; }
  bool rule_speaks(std::size_t rule) const { return rules_.rule_speaks[rule]; }
  bool correlation_speaks(std::size_t correlation) const { return rules_.correlation_speaks[correlation]; }
  // Names of the fields that correlations group by or count; SigmaMatch::values stand in this order.
  const std::vector<std::string>& value_names() const { return value_names_; }

  struct Compiled;
  const Compiled& compiled() const { return *compiled_; }

 private:
  SigmaSet() = default;
  RuleSet rules_;
  std::vector<std::string> value_names_;
  std::unique_ptr<const Compiled> compiled_;
};

class SigmaMatcher {
 public:
  SigmaMatcher();
  ~SigmaMatcher();
  SigmaMatcher(SigmaMatcher&&) noexcept;
  SigmaMatcher& operator=(SigmaMatcher&&) noexcept;

  // kInternal: no memory for scanning.
  Result<void> use(SigmaSetPtr set);
  // Replaces `out` by what matches, by rising rule.
  void match(const telemetry::EventView& event, std::vector<SigmaMatch>& out);

  // How much work it was, for measuring.
  struct Counters {
    std::uint64_t events = 0;
    std::uint64_t of_sources = 0;  // events that some rule's log source means
    std::uint64_t scanned_bytes = 0, scans = 0, candidates = 0, tests = 0, matches = 0;
    std::vector<std::uint32_t> candidates_by_rule, matches_by_rule;
  };
  const Counters& counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::detect::sigma
