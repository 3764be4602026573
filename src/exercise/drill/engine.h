// The inside of a drill: what is due when, in the drill's own time. It knows neither wall time nor the log's numbers;
// Drill (drill.h) gives it both and rebuilds it by playing inputs again. Not for others.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "exercise/drill/conditions.h"
#include "exercise/drill/deeds.h"
#include "exercise/drill/drill.h"

namespace bongsu::exercise::drill {

inline constexpr std::int64_t kMaxAhead_ms = 60'000;  // how far a sensor's clock may be before the drill's

// What of a scenario never changes during a drill, worked out once.
struct Plan {
  explicit Plan(const scenario::Scenario& from, const Settings& with);
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  scenario::Scenario scenario;
  Settings settings;
  std::uint64_t seed;
  Roster roster;
  std::string label;  // of deliveries
  std::vector<scenario::Occurrence> occurrences;
  std::vector<std::int64_t> gives_up_ms;                // by occurrence: its script's end
  std::vector<std::vector<std::size_t>> event_injects;  // by occurrence: numbers of its injects
  std::vector<std::set<scenario::Role>> roles_within;   // by team: its own and those of entities in it
  std::unordered_map<std::string, std::size_t> services;
};

class Engine {
 public:
  // `run`: the number in the ids of what it fires.
  static Result<std::unique_ptr<Engine>> make(std::shared_ptr<const Plan> plan, const RangeMaker& make_range,
                                              std::uint32_t run);

  void set_run(std::uint32_t run) { run_ = run; }
  void start();
  // Everything due until then, or as much of it as makes `most` entries (what comes at once is not torn apart); after
  // the drill's end nothing is.
  void live_until(std::int64_t at_ms, std::size_t most = SIZE_MAX);
  // Would `apply` take it? An error says why not.
  Result<void> check(const Input& input) const;
  // At the present time. `entry` records it.
  void apply(const Input& input, const Entry& entry);

  std::int64_t now_ms() const { return now_ms_; }
  bool ended() const { return ended_; }
  std::optional<std::int64_t> next_ms() const;
  std::size_t fired() const { return fired_; }
  std::vector<Waiting> waiting() const;
  std::vector<ServiceNow> services(std::size_t team) const;
  RangeCopy* range(std::size_t team) { return teams_[team].range.get(); }
  bool known(const std::string& id) const { return out_number_.contains(id); }
  bool delivered(const std::string& id) const {  // as reported: somebody may have acknowledged it before
    const auto number = out_number_.find(id);
    return number != out_number_.end() && delivered_.contains(number->second);
  }
  std::uint64_t outs() const { return outs_; }
  std::vector<Delivery> pending_deliveries(std::uint64_t from) const;
  std::vector<TelemetryLines> pending_telemetry(std::uint64_t from) const;

  // What happened since the last call; at, kind, team, ref, text and data are set.
  struct Made {
    std::vector<Entry> entries;
    std::vector<Delivery> deliveries;
    std::vector<TelemetryLines> telemetry;
  };
  Made take_made();

 private:
  enum class What : std::uint8_t {
    kStep,
    kProbe,
    kSample,
    kOccur,
    kDue,
    kEffect,
    kUndo,
    kTelemetry,
    kBackground,
    kGiveUp,
    kScriptEnd,
    kEnd
  };
  struct Item {
    std::int64_t at_ms = 0;
    What what = What::kStep;
    std::uint64_t order = 0;          // of being planned
    std::size_t a = 0, b = 0, c = 0;  // what each needs: instance, number, …
  };
  struct Later {
    bool operator()(const Item& x, const Item& y) const {
      return std::tie(x.at_ms, x.what, x.order) > std::tie(y.at_ms, y.what, y.order);
    }
  };
  enum class Stage : std::uint8_t { kEvent, kDelay, kConditions, kHand, kFired, kNever };
  // An inject of an occurrence, for a team or for those outside.
  struct Instance {
    std::size_t occurrence = 0, inject = 0, team = kOutside;
    Stage stage = Stage::kEvent;
    std::int64_t since_ms = 0;  // of the stage
    std::int64_t fired_ms = 0;
    bool first = false;  // of its occurrence's firings
  };
  struct ServiceRun {
    bool asked = false, up = true;
    std::string why;
    std::int64_t since_ms = 0;
    std::int64_t complaints = 0;
    bool forced_down = false;  // service-down
    std::int64_t slow_ms = 0;
  };
  struct TeamRun {
    std::unique_ptr<RangeCopy> range;
    std::vector<ServiceRun> services;
    std::unordered_map<std::string, std::set<std::size_t>> touched;  // thing → injects that reached it
    std::unordered_map<std::uint64_t, std::size_t> roots;            // range event → inject
    JsonObject sampled;
    std::unordered_set<std::string> unmeasured;  // conditions that could not be asked, told once
  };
  Engine(std::shared_ptr<const Plan> plan, std::uint32_t run);
  void plan_item(std::int64_t at_ms, What what, std::size_t a = 0, std::size_t b = 0, std::size_t c = 0);
  void run_item(const Item& item);
  Entry& made(Kind kind, const std::string& team, std::string ref, std::string text, JsonObject data = {});
  const std::string& team_name(std::size_t team) const;
  std::vector<std::size_t>& waiting_of(std::size_t team) { return waiting_[team == kOutside ? teams_.size() : team]; }
  std::size_t add_instance(const Instance& instance);

  void step();
  void probe(std::size_t team, std::size_t service);
  void sample(std::size_t team);
  void occur(std::size_t occurrence);
  void come(std::size_t instance);  // the event's conditions hold
  void due(std::size_t instance);
  void go_on(std::size_t instance);  // its own conditions hold, or it has none
  void fire(std::size_t instance, const std::string& by);
  void never(std::size_t instance, std::string_view why, const std::string& text);
  void release();
  bool hold(std::size_t team, const std::vector<std::string>& conditions) const;
  std::optional<double> measure(std::size_t team, const scenario::Condition& condition);
  void deliver(std::size_t instance);
  void send(Delivery delivery, JsonObject data, const std::string& team);
  void effect(std::size_t instance, std::size_t number, bool undo);
  // `inject` is not looked at for a team's order.
  void order(std::size_t team, const RangeOrder& order, std::string_view by, std::size_t inject);
  Result<std::uint64_t> carry_out(std::size_t team, const RangeOrder& order);
  void range_events(std::size_t team);
  void plan_telemetry(std::size_t instance, std::size_t number, std::size_t first);
  void telemetry(std::size_t instance, std::size_t number_and_last, std::size_t first);
  void background(std::size_t team, std::size_t number);
  void put_telemetry(const std::string& id, std::size_t team, const std::string& inject, std::string lines,
                     std::int64_t first_ms);
  void injects_beneath(const TeamRun& run, const scenario::Service& service, std::set<std::size_t>& out,
                       std::size_t depth) const;
  void end(bool by_clock);

  void control(const Control& c);
  void evidence(const Evidence& e, const Entry& entry);
  void watch_labels(const Evidence& e, const Entry& entry, std::size_t team);
  // In this stage; without one: those that may still fire.
  std::vector<std::size_t> instances_of(std::size_t inject, std::size_t team, std::optional<Stage> stage) const;
  Result<std::vector<std::size_t>> teams_meant(const Control& c, std::size_t inject) const;

  std::shared_ptr<const Plan> plan_;
  std::uint32_t run_;
  std::int64_t now_ms_ = 0;
  bool started_ = false, ended_ = false;
  std::uint64_t planned_ = 0;
  std::priority_queue<Item, std::vector<Item>, Later> items_;
  std::vector<TeamRun> teams_;
  std::vector<Instance> instances_;
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> by_inject_;  // inject → instances
  std::unordered_set<std::uint64_t> first_seen_;   // occurrence × inject that fired for somebody
  std::vector<std::vector<std::size_t>> waiting_;  // by team, last: outside; in kEvent or kConditions
  std::vector<std::vector<std::size_t>> occurrence_instances_;
  std::set<std::size_t> at_hand_;  // instances in kHand
  std::size_t occurred_ = 0, by_hand_ = 0, fired_ = 0;
  Conditions conditions_;
  Deeds deeds_;
  Made made_;
  struct Out {
    std::optional<Delivery> delivery;
    std::optional<TelemetryLines> telemetry;
  };
  std::uint64_t outs_ = 0;
  std::map<std::uint64_t, Out> out_;                           // neither reported as delivered nor acknowledged
  std::unordered_map<std::string, std::uint64_t> out_number_;  // of every id so far
  std::unordered_set<std::uint64_t> delivered_;
};

}  // namespace bongsu::exercise::drill
