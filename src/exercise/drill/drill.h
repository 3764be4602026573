// A drill that runs: scenario, seed and inputs in; deliveries, telemetry and physics out; everything in the log first.
//
//   BONGSU_TRY(Begun begun, Drill::open(scenario, {}, make_range, now));
//   do_it(begun.step);                                           // see below
//   BONGSU_TRY(Step step, begun.drill.take(Control{.verb = Verb::kStart, .by = "white"}, now));
//   do_it(step);
//   for (;;) { wait_until(drill.next_wake()); do_it(drill.advance(now)); }
//
//   do_it(step): 1. append step.entries to the log (LogWriter) and make them durable;
//                2. deliver step.deliveries, write step.telemetry, mirror range(team) to its control systems;
//                3. report each id: take(Evidence{.as = As::kDelivered, .object = id}), which makes an entry of its own
//
// After a crash: Drill::resume(scenario, make_range, entries) lives through the log's inputs again, finds
// every entry equal to what the log has (else kCorrupt: another scenario, program or hand), and gives as its step what
// the log lacks yet, and again all that was never reported as delivered, under the same ids. A log cut after any whole
// line goes on to the same end. The clock goes on, too: a host that was away for long takes kPause at last_wall() and
// kResume at now, so that the time between does not count.
//
// Deterministic: same scenario, seed, settings and inputs (with their wall times) give the same entries, byte for byte,
// however often advance() is called between. What is due by the clock is logged with the wall time at which the clock
// reached it.
//
// Time: the drill's clock starts at 0 with kStart and runs at `speed`. What is due at one moment happens in this order:
// ranges advance and conditions are asked (every settings.step), probes, samples, events, injects, effects, telemetry,
// then what gives up waiting, then ends.
//
// Teams: the outermost entities with role Blue. Each has its own range, so an inject's conditions on range and services
// are asked, and the inject fires, for each of its teams alone; those it also goes to outside teams (media, exercise
// control) hear of it with its first team. An inject without a team fires once, when its conditions hold on any range,
// and its physics reach every team's range. `chance` and `spread` are drawn by seed, occurrence and inject alone: all
// teams get the same.
//
// A service belongs to a team if its entity does; one that belongs to no team is probed on every team's range.
// Label violations that the drill sees itself, in evidence that shares: no label; a label laxer than the exercise's;
// one laxer than the scenario asks for these indicators; a recipient that the label itself keeps out. Nodes report
// theirs as evidence.
//
// One thread owns a Drill. Nothing here waits, reads clocks or touches files.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "exercise/drill/input.h"
#include "exercise/drill/log.h"
#include "exercise/drill/range_copy.h"
#include "exercise/scenario/scenario.h"

namespace bongsu::exercise::drill {

inline constexpr std::size_t kMaxTeams = 256;
inline constexpr std::size_t kMaxFirings = 5'000'000;  // injects × occurrences × teams

struct Settings {
  scenario::Duration step{5'000};         // ranges advance, conditions are asked
  scenario::Duration sample{60'000};      // consequences
  scenario::Duration background{60'000};  // benign telemetry comes in batches of this length; 0: none
  double background_per_minute = 12;      // records for each team
  std::optional<std::uint64_t> seed;      // in place of the scenario's
};

// Something for participants to read. Ids are stable: "1/phish-1/0/lt-blue/0" (run / inject / occurrence / entity /
// number); a complaint's is "1/~complaint/portal/lt-blue/2". A recipient that has seen an id shows it once.
struct Delivery {
  std::string id;
  std::string inject;  // empty: a complaint
  std::string to;      // the entity; empty: everyone outside teams who plays one of the roles
  scenario::Channel via = scenario::Channel::kConsole;
  std::vector<scenario::Role> roles;  // who of them reads it; empty: all
  std::string from;                   // entity
  std::string sender, subject, text;  // as shown; text bears no label: the host shows `label` at head and foot
  std::string label;                  // "TLP:AMBER …", as policy::Label::text()
  std::int64_t due_ms = 0;            // drill time

  bool operator==(const Delivery&) const = default;
};

// Lines for the sensor of a team's node; each bears its own drill-time stamp as a date (scenario start + drill time).
struct TelemetryLines {
  std::string id;  // "1/phish-1/0/lt-blue/t0", "1/~background/lt-blue/17"
  std::string team;
  std::string inject;  // empty: background
  std::string lines;
  bool operator==(const TelemetryLines&) const = default;
};

struct Step {
  std::vector<Entry> entries;        // seqs follow on those before
  std::vector<Delivery> deliveries;  // those among entries, in order
  std::vector<TelemetryLines> telemetry;
  std::uint64_t own = 0;  // the entry that records the input; 0: none was needed, it said nothing new
};

enum class State : std::uint8_t { kReady, kRunning, kPaused, kEnded };
std::string_view to_string(State state);

struct Waiting {  // for exercise control's hand
  std::string inject, team;
  std::int64_t since_ms = 0;
};

struct ServiceNow {
  std::string service;
  bool up = true;
  std::string why;
  std::int64_t since_ms = 0;
};

struct Begun;

class Drill {
 public:
  // kInvalid: no blue team, or more than the limits; whatever make_range says. The scenario is copied and trusted to be
  // checked (scenario/check.h).
  static Result<Begun> open(const scenario::Scenario& scenario, const Settings& settings, RangeMaker make_range,
                            Instant wall);
  // kCorrupt names the first entry that differs.
  static Result<Begun> resume(const scenario::Scenario& scenario, RangeMaker make_range, std::span<const Entry> log);

  Drill(Drill&&) noexcept;
  Drill& operator=(Drill&&) noexcept;
  ~Drill();

  // First lives up to `wall`, then takes the input. An error leaves the input out of everything: kConflict (not in this
  // state), kNotFound (no such inject, team, form), kInvalid, kTooLarge; what was due by the clock comes with the next
  // call. Wall time never goes back: an earlier one counts as the latest there was.
  Result<Step> take(const Input& input, Instant wall);
  // Everything that is due until `wall`; or about `most` entries of it, in its order, with the rest left for the next
  // call (is_behind): a great moment goes out as it is made. The entries are the same either way.
  Step advance(Instant wall, std::size_t most = SIZE_MAX);
  bool is_behind() const;  // something was due by last_wall and has not come yet

  State state() const;
  std::int64_t now_ms() const;  // drill time at last_wall
  Instant last_wall() const;
  double speed() const;
  std::uint32_t run() const;
  std::uint64_t next_seq() const;
  std::optional<Instant> next_wake() const;  // when something is due; nothing while it stands
  std::size_t fired() const;                 // injects × teams, on this branch
  std::vector<Waiting> waiting() const;
  const std::vector<std::string>& teams() const;
  std::vector<ServiceNow> services(std::string_view team) const;
  RangeCopy* range(std::string_view team);  // to read from; nullptr: no such team. Another object after a jump back
  // Not reported as delivered or acknowledged; `from`: what outs() was before, to hear of later ones alone.
  std::vector<Delivery> pending_deliveries(std::uint64_t from = 0) const;
  std::vector<TelemetryLines> pending_telemetry(std::uint64_t from = 0) const;
  std::uint64_t outs() const;      // that were ever offered
  std::string label_text() const;  // "EXERCISE · TLP:AMBER …"

 private:
  struct Impl;
  explicit Drill(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct Begun {
  Drill drill;
  Step step;
};

// What a log's first entry says it was opened with. kCorrupt: it opens no drill.
Result<Settings> settings_of(const Entry& opened);

// The label's words for people, with what every exercise bears: "EXERCISE · TLP:AMBER".
std::string exercise_banner(const scenario::Scenario& scenario);
// SHA-256 of what the scenario says, in hexadecimal.
std::string digest_of(const scenario::Scenario& scenario);

}  // namespace bongsu::exercise::drill
