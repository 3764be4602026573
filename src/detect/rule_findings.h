// Rules against events, in two steps: what each event shows by itself, found by several threads, and what follows from
// it in the order of events (FOLLOWEDBY, WITHIN, REPEATS; Sigma's correlations), said once.
//
//   RuleFinder finder;                              // one a thread
//   finder.use(book.sets());
//   finder.match(event, source, findings);          // for each event of a batch
//
//   RuleSequencer sequencer;                        // one
//   sequencer.take(findings, source, now, [&](RuleHit&& hit) { … });    // batch after batch, in their order
//   sequencer.finish([&](RuleHit&& hit) { … });                         // no more events: open windows are judged
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "detect/alert.h"
#include "detect/pattern/event_matcher.h"
#include "detect/pattern/pattern_sequencer.h"
#include "detect/rule_book.h"
#include "detect/sigma/sequencer.h"
#include "detect/work_slot.h"
#include "detect/yara/yara_matcher.h"

namespace bongsu::detect {

inline constexpr std::size_t kRememberedPositions = 1'000'000;  // of events that may yet complete a rule

// Of one batch.
struct RuleFindings {
  struct Event {
    std::uint64_t offset = 0, line = 0;
    std::optional<Instant> time;
    std::string raw;  // cut to kMaxAlertEventBytes
    bool cut = false;
    Entity entity;  // whom it is about
    std::vector<PatternHit> patterns;
    std::vector<sigma::SigmaMatch> sigma;
    std::vector<YaraHit> yara;
  };
  RuleSetsPtr sets;  // that the numbers refer to
  std::vector<Event> events;
  std::optional<Instant> newest;  // time of the batch's last event: windows end by it
  std::optional<Error> gave_up;   // an event was too much for a rule's limit: the last one's reason
};

class RuleFinder {
 public:
  // At the beginning of a batch. kInternal: no memory for the matchers; then nothing is matched.
  Result<void> use(RuleSetsPtr sets);
  const RuleSetsPtr& sets() const { return sets_; }
  // Writes down what it does from now on; null: nowhere. `source`: the hash of the name of what is read.
  void note_in(WorkSlot* slot, std::uint64_t source) { slot_ = slot, source_ = source; }
  // Appends the event if a rule has anything to say of it. The batch's last event with a time moves the clock of
  // correlations, if there are any. Languages of `left_out` (bits) do not see it.
  void match(const telemetry::EventView& event, const std::string& source, RuleFindings& findings, unsigned left_out = 0);

 private:
  RuleSetsPtr sets_;
  std::unique_ptr<EventMatcher> patterns_;
  std::unique_ptr<sigma::SigmaMatcher> sigma_;
  std::unique_ptr<YaraMatcher> yara_;
  bool correlations_ = false;
  WorkSlot* slot_ = nullptr;
  std::uint64_t source_ = 0;
  std::vector<PatternHit> pattern_hits_;
  std::vector<sigma::SigmaMatch> sigma_hits_;
  std::vector<YaraHit> yara_hits_;
};

// A rule that is true, with the event that made it so.
struct RuleHit {
  std::optional<std::uint64_t> ref;  // of the indicator; none: a rule of a file
  std::string rule_id;               // of a rule of a file: "sigma:ID", "yara:FILE:NAME"
  std::string rule_file;
  AlertRule rule;
  std::string field, matched;
  int confidence = -1;
  telemetry::Position position;  // of the last event that took part
  std::optional<Instant> time;
  const RuleFindings::Event* event = nullptr;  // that event, if it is of this batch
};

class RuleSequencer {
 public:
  void take(const RuleFindings& findings, const std::string& source, const Instant& now,
            const std::function<void(RuleHit&&)>& hit);
  void finish(const std::function<void(RuleHit&&)>& hit);
  // Sentences about bounds that were hit.
  std::vector<std::string> remarks() const;

 private:
  using Say = std::function<void(RuleHit&&)>;
  void use(const RuleSetsPtr& sets);
  const RuleTerms* terms_of(std::uint64_t ref, const Instant& time) const;
  bool place(RuleHit& hit, const std::string& rule_source, std::string id, const Instant& time) const;
  void say_pattern(const PatternFound& found, const Say& hit, RuleHit out) const;
  void say_sigma(const RuleFindings::Event* event, const Say& hit);
  void say_yara(const YaraHit& found, const Say& hit, RuleHit out) const;
  telemetry::Position position_of(std::uint64_t number) const;
  void name_events(AlertRule& rule, std::span<const std::uint64_t> numbers) const;

  RuleSetsPtr sets_;
  std::unique_ptr<PatternSequencer> patterns_;
  std::unique_ptr<sigma::SigmaSequencer> sigma_;
  std::uint64_t next_ = 0;  // number of the next event
  struct Place {
    std::shared_ptr<const std::string> source;
    std::uint64_t offset, line;
  };
  std::deque<Place> places_;  // of the newest events; the last is next_ - 1
  std::vector<PatternFound> found_;
  std::vector<sigma::SigmaHit> sigma_hits_;
};

}  // namespace bongsu::detect
