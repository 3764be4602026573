// Detection in one piece, for the command line and for the sensor: index, rules, warning lists, and where indicators
// come from.
//
//   Engine engine(clock);
//   engine.add(indicators, {.indicator_id = "indicator--…", .source = "cert-lt", .label = "TLP:AMBER"});
//
//   Engine::Session session(engine, bad);             // one a thread
//   std::vector<Alert> alerts;
//   session.match(batch, alerts);                     // events of a file, a follower, a request
//   engine.rules().add(rules), engine.rules().build();          // Sigma, YARA, patterns of several comparisons
//   engine.remove(ref);
//
// Several threads: each finds in its batch, and what was found is settled in the order of the batches.
//
//   Found found;
//   session.find(batch, found);                       // side by side
//   engine.settle(*batch.source, std::move(found), alerts);     // one after the other
//
// Threads: add, remove and find_origin from any thread at any time. A Session belongs to one thread; it takes the
// newest indicators and rules at the beginning of each batch and is never held up by add or remove. Warning lists are set before
// matching begins.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "detect/alert.h"
#include "detect/index.h"
#include "detect/matcher.h"
#include "detect/rule_findings.h"
#include "detect/warning_lists.h"
#include "telemetry/line_batch.h"

namespace bongsu::detect {

// Who says so, and under which label.
struct Origin {
  std::string indicator_id;  // STIX id, or "list:FILE:LINE"
  std::string source;
  std::string label;
};

// Events that ran into a rule's limit before the rules are tried apart to find which; twice as many when that found none.
inline constexpr std::uint64_t kGaveUpBeforeTrial = 3;

// What one batch holds: alerts of indicators, and of rules what each event shows by itself.
struct Found {
  std::vector<Alert> alerts;  // in the order of events and fields
  RuleFindings rules;
};

class Engine {
 public:
  explicit Engine(const Clock& clock, IndexOptions index = {});

  // All values of one indicator, in force from the next batch on. Replaces what was there under this ref. Errors as
  // Index::add.
  Result<void> add(std::uint64_t ref, std::span<const Value> values, std::optional<Instant> valid_from,
                   std::optional<Instant> valid_until, int confidence, Origin origin);
  // Many at once; origins come from the look-up that set_origins gave. Nothing is replaced.
  Result<void> add(std::span<const Indicator> indicators) { return index_.add(indicators); }
  void set_origins(std::function<Origin(std::uint64_t ref)> look_up) { look_up_ = std::move(look_up); }
  void remove(std::uint64_t ref);
  void set_warning_lists(std::shared_ptr<const WarningLists> lists) { warning_lists_ = std::move(lists); }

  Origin find_origin(std::uint64_t ref) const;
  // Events are read by this map instead of FieldMap::standard(). Before rules are added and matching begins.
  void set_field_map(telemetry::FieldMapPtr map) { rules_.begin_with(std::move(map)); }
  RuleBook& rules() { return rules_; }
  const RuleBook& rules() const { return rules_; }
  // Appends the batch's alerts, those of rules among them, in the order of events. Batches in their order.
  void settle(const std::string& source, Found&& found, std::vector<Alert>& alerts);
  // No more events follow: correlations whose windows are still open are judged.
  void finish(std::vector<Alert>& alerts);
  // Sentences about what rules may have missed: a bound was hit.
  std::vector<std::string> remarks() const;
  // For one session at a time, before it begins: it writes down what it does with rules, tries suspects apart, and has
  // rules whose limit ran out again and again tried likewise.
  void watch(WorkSlot* slot, Suspects suspects);
  // Rules that alone ran into their limit, since the last call.
  std::vector<RuleBuild::Refused> take_too_slow();
  Index& index() { return index_; }
  const Index& index() const { return index_; }

  class Session {
   public:
    Session(Engine& engine, telemetry::BadLines& bad) : engine_(&engine), parser_bad_(&bad), parser_(bad) {}
    // Appends an alert for each hit, in the order of events and fields.
    void match(const telemetry::LineBatch& batch, std::vector<Alert>& alerts);
    void find(const telemetry::LineBatch& batch, Found& found);

    std::uint64_t events() const { return parser_.events(); }
    const auto& by_format() const { return parser_.by_format(); }
    std::uint64_t dropped() const { return matcher_.dropped(); }

   private:
    void raise(const telemetry::LineBatch& batch, const telemetry::EventView& event, Hit&& hit, const Instant& now,
               std::vector<Alert>& alerts);
    const std::vector<WarningListHit>& warnings(const Value& value);
    unsigned try_suspects(const telemetry::EventView& event, const std::string& source, const EventMark& mark);
    bool try_apart(Language language, const RefRange& refs, const telemetry::EventView& event, const std::string& source, const EventMark& mark);

    Engine* engine_;
    telemetry::BadLines* parser_bad_;
    telemetry::EventParser parser_;
    Matcher matcher_;
    RuleFinder finder_;
    std::uint64_t gave_up_ = 0, gave_up_until_ = kGaveUpBeforeTrial;  // events; how many before rules are tried apart
    std::vector<Hit> hits_;
    std::unordered_map<std::string, std::vector<WarningListHit>> warnings_;  // of values that hit lately
  };

 private:
  Alert alert_of(RuleHit&& hit, const Instant& now) const;

  const Clock& clock_;
  Index index_;
  RuleBook rules_{telemetry::FieldMap::standard()};
  mutable std::mutex sequencer_mutex_;
  RuleSequencer sequencer_;
  WorkSlot* slot_ = nullptr;
  Suspects suspects_;
  std::mutex too_slow_mutex_;
  std::vector<RuleBuild::Refused> too_slow_;
  std::shared_ptr<const WarningLists> warning_lists_;
  std::function<Origin(std::uint64_t)> look_up_;
  mutable std::shared_mutex origins_mutex_;
  std::unordered_map<std::uint64_t, std::shared_ptr<const Origin>> origins_;
};

}  // namespace bongsu::detect
