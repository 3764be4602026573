// The rules that are looked for: added and withdrawn while others match, built into sets, exchanged as a whole.
//
//   RuleBook book(FieldMap::standard());
//   book.add(rules);                                  // of indicators, by ref
//   book.load(Language::kSigma, "sigma/rules");       // of files
//   RuleBuild done = book.build();                    // what is no good is named
//   std::shared_ptr<const RuleSets> sets = book.sets();       // what a session matches with
//
// Only the languages that changed are built anew; the sequencers take over what they held (engine.h).
// A Sigma text of an indicator sees only itself: filters, names and correlations of one member do not reach the rules of
// others. Files that are loaded see each other.
//
// add and remove are cheap; build is not (seconds for thousands of Sigma rules), and matching goes on meanwhile with the sets before.
//
// Threads: add, remove and sets from any; load and build one at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "detect/pattern/pattern_set.h"
#include "detect/rule.h"
#include "detect/sigma/set.h"
#include "detect/work_slot.h"
#include "detect/yara/yara_set.h"
#include "telemetry/field_map.h"

namespace bongsu::detect {

inline constexpr std::size_t kMaxRulesOfBook = 1'000'000;
inline constexpr std::size_t kMaxRuleBytesOfBook = 512 * 1024 * 1024;
inline constexpr std::size_t kShownPatternBytes = 200;

// What the refs of rules say beside their text.
struct RuleTerms {
  std::optional<Instant> valid_from, valid_until;
  int confidence = -1;
  std::string name;  // of a pattern: its text, or the beginning of it
  bool in_force(const Instant& time) const {
    return (!valid_from || *valid_from <= time) && (!valid_until || time < *valid_until);
  }
};

struct RuleSets {
  telemetry::FieldMapPtr map;           // with every field that the rules read
  PatternSetPtr patterns;               // null: no rules of that language
  sigma::SigmaSetPtr sigma;
  YaraSetPtr yara;
  std::unordered_map<std::uint64_t, RuleTerms> terms;  // by ref, of rules that came as indicators
  std::uint64_t version = 0;            // differs when anything does

  bool empty() const { return !patterns && !sigma && !yara; }
};
using RuleSetsPtr = std::shared_ptr<const RuleSets>;

// A rule that came as an indicator is known to its set by this name: as the source of a Sigma document, as the namespace of a
// YARA rule.
std::string rule_source(std::uint64_t ref);
std::optional<std::uint64_t> ref_of_source(std::string_view source);

struct RuleBuild {
  struct Refused {
    std::uint64_t ref = 0;
    Error error;
  };
  std::vector<Refused> refused;  // of indicators; not looked for, and not built again
  std::vector<Error> errors;     // of files: each cost itself alone
  std::vector<Error> remarks;    // rules that wait for values of placeholders, log sources that no map declares
  std::size_t patterns = 0, sigma = 0, yara = 0;  // in effect
};

class RuleBook {
 public:
  explicit RuleBook(telemetry::FieldMapPtr map);

  // Another map than that of the constructor, before anything is added.
  void begin_with(telemetry::FieldMapPtr map);

  // A rule replaces what was there under its ref. kTooLarge at kMaxRulesOfBook; the rest of the batch is added.
  Result<void> add(std::span<const Rule> rules);
  void remove(std::span<const std::uint64_t> refs);
  // A file or directory of rules, built in with the next build. kNotFound, kIo.
  Result<void> load(Language language, const std::string& path);
  // For Sigma rules of files: pySigma processing pipelines.
  Result<void> load_pipeline(const std::string& path);

  // Builds write down what they are at; null: nowhere. Before the first build.
  void note_in(WorkSlot* slot) { slot_ = slot; }

  bool changed() const;  // there is something to build
  RuleBuild build();
  RuleSetsPtr sets() const;
  std::size_t size() const;  // rules of indicators
  std::vector<Rule> rules(Language language, const RefRange& refs = {}) const;  // of indicators, by ref

 private:
  struct Kept {
    std::map<std::uint64_t, Rule> rules;  // by ref
    bool changed = false;
  };
  static void build_patterns(RuleSets& sets, const std::vector<Rule>& rules, RuleBuild& done);
  void build_sigma(RuleSets& sets, const std::vector<Rule>& rules, RuleBuild& done) const;
  void build_yara(RuleSets& sets, const std::vector<Rule>& rules, RuleBuild& done) const;

  void drop(Kept& kept, std::uint64_t ref);

  mutable std::mutex mutex_;
  Kept kept_[kLanguages];
  std::size_t bytes_ = 0;  // of the rules' texts
  WorkSlot* slot_ = nullptr;
  RuleSetsPtr sets_;
  std::vector<std::string> sigma_paths_, yara_paths_, pipeline_paths_;  // under building_
  mutable std::mutex building_;
};

}  // namespace bongsu::detect
