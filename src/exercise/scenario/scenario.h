// A scenario of an exercise, as values: who takes part, what the range is, what happens when, and what is then expected
// of whom. Its text form is YAML in the words of the Open Cyber Range SDL (sdl-parser 0.21), with words of our own
// beside.
//
//   name: Lithuania and Ukraine, winter
//   exercise: {id: lt-ua-winter, start: 2027-01-19T07:00:00Z, duration: 6h, label: TLP:AMBER}
//   range: {power: {countries: [LT, UA]}, telecom: [litnet, uran]}
//   entities:
//     lt-blue: {name: CERT-LT, role: Blue, member: cert-lt, nation: lt}
//     white: {name: Exercise control, role: White}
//   injects:
//     breakers-open:
//       from-entity: red
//       to-entities: [lt-blue]
//       description: Red opens the breakers of three substations.
//       ttp: [T0855]
//       deliver: [{via: console, roles: [Blue], subject: Alarm, text: "CB-1 open, no command of ours."}]
//       physics: [{kind: breaker-open, target: lt.substation.vilnius.breaker1}]
//       expectations:
//         - {id: seen, act: detect, score: 10, expires: 20min, seen: {as: alert}}
//       share: [{id: warn, what: warning, to: [ua-blue], label: TLP:AMBER, by: 45min, score: 20}]
//   events: {first-wave: {injects: [breakers-open]}}
//   scripts: {day: {start-time: 0, end-time: 6h, speed: 1, events: {first-wave: 30min}}}
//   stories: {main: {scripts: [day]}}
//
// A story runs its scripts side by side. A script's event at 30min comes 30 minutes of the drill's time after its
// start, divided by the speeds of script and story; then every inject of the event is due, when the event's conditions
// hold.
//
// What SDL says of virtual machines (nodes, infrastructure, features, vulnerabilities, accounts, content, `source`,
// `environment`, a condition's `command`) has no meaning here and is refused by the reader (read.h). Lists keep the
// order of the text: a scenario that is written and read again is equal.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "policy/label.h"

namespace bongsu::exercise::scenario {

using Duration = std::chrono::milliseconds;

// Who an entity plays; and who reads an inject. The first four are SDL's.
enum class Role : std::uint8_t { kBlue, kRed, kWhite, kGreen, kUserSimulation, kLegal, kMedia, kObserver };

// Where a piece of news comes from, for those who want to read on.
struct Reference {
  std::string title, url;
  bool operator==(const Reference&) const = default;
};

// ——— exercise: the head ———

struct SpeedLimits {  // of the drill's clock: hours of the drill an hour of the day
  double least = 1, most = 1;
  bool operator==(const SpeedLimits&) const = default;
};

// How much of the whole score each kind of deed counts, by proportion: 1 and 1 are the same as 50 and 50.
struct Weights {
  double detect = 1, report = 1, share = 1, contain = 1, restore = 1, decide = 1, availability = 1;
  double label_violation = 5;  // no proportion: points of the hundred that each costs
  bool operator==(const Weights&) const = default;
};

struct Exercise {
  std::string id;         // [a-z0-9][a-z0-9-]{0,62}
  Instant start;          // of the drill's time
  std::string time_zone;  // of the IANA database, for people: "Europe/Vilnius"
  Duration duration{0};
  SpeedLimits speed;
  policy::Label label;     // what everything of the drill bears, beside the word EXERCISE
  std::uint64_t seed = 1;  // of everything random
  Weights weights;
  std::vector<Reference> references;  // public reports that the scenario follows
  bool operator==(const Exercise&) const = default;
};

// ——— range: the world that the drill happens in ———

struct PowerNetwork {                  // one of the three
  std::vector<std::string> countries;  // built from the ENTSO-E extract: ISO 3166 alpha-2, upper case
  std::string case_file;               // `case`: a MATPOWER case
  std::string sample;                  // a small network that comes with the program, by name
  bool operator==(const PowerNetwork&) const = default;
};
struct Range {
  std::optional<PowerNetwork> power;
  std::vector<std::string> telecom;  // graphs by name or file
  std::vector<std::string> rail;     // likewise
  bool operator==(const Range&) const = default;
};

// Something that people use. While it is down, the user simulation complains.
struct Service {
  std::string id;
  std::string name, description;
  std::string entity;                           // whose it is
  std::vector<std::string> depends_on;          // sites, nodes, links or buses of the range, or other services
  std::string probe;                            // how it is asked: a word of kProbes (vocabulary.h)
  std::string target;                           // what is asked: a name of the range, an address, a URL of the drill
  Duration interval{std::chrono::seconds(30)};  // between two probes
  Duration timeout{std::chrono::seconds(5)};    // then it counts as down
  Duration complain{std::chrono::minutes(5)};   // of being down, until users complain, and again as long after
  std::vector<std::string> complaints;          // what they write; taken in turn
  std::uint32_t score = 0;                      // for being up the whole drill, in proportion
  bool operator==(const Service&) const = default;
};

// ——— SDL: who ———

struct Entity {
  std::string id;  // of one within another: "lt-blue.soc"; in YAML nested under `entities`
  std::string name, description, mission;
  std::optional<Role> role;
  std::vector<std::string> categories;
  std::vector<std::string> tlos;
  std::map<std::string, std::string> facts;
  std::string member;  // ours: the member of the exchange that plays it, "cert-lt"
  std::string nation;  // ours: "lt", "eu"
  bool operator==(const Entity&) const = default;
};

// ——— SDL: conditions; tests of our own in place of a command on a machine ———

enum class Comparison : std::uint8_t { kBelow, kAbove };
struct RangeTest {       // of a quantity of the range
  std::string quantity;  // a word of kQuantities (vocabulary.h): "load-served"
  std::string target;    // of what: a bus, a site, a country; empty: of everything
  Comparison is = Comparison::kBelow;
  double value = 0;
  bool operator==(const RangeTest&) const = default;
};
struct ServiceTest {
  std::string of;
  bool up = false;
  bool operator==(const ServiceTest&) const = default;
};

// What teams do.
enum class Act : std::uint8_t {
  kDetect,   // notice it
  kReport,   // tell the own leadership or an authority
  kShare,    // give a partner indicators, sightings, a warning
  kContain,  // stop it from going on
  kRestore,  // bring back what was lost
  kForm,     // fill in a form (SITREP)
  kDecide,   // choose and say why
  kInform,   // tell the public
  kAnswer,   // reply to who wrote
};
// A team's deed or its absence, after an inject.
struct ActTest {
  std::string team;  // an entity
  Act did = Act::kReport;
  std::string inject;  // about which; empty: any
  bool done = true;    // false: it was not done
  Duration within{0};  // after the inject; 0: until now. A deed that is missing counts as missing only after it
  bool operator==(const ActTest&) const = default;
};
// Exactly one of range, service, act, all, any and none is there.
struct Condition {
  std::string id;
  std::string name, description;
  std::optional<RangeTest> range;
  std::optional<ServiceTest> service;
  std::optional<ActTest> act;
  std::vector<std::string> all, any, none;  // of other conditions
  Duration holds{0};                        // it must be so for this long
  bool operator==(const Condition&) const = default;
};

// ——— SDL: what counts ———

struct Metric {
  enum class Type : std::uint8_t { kManual, kConditional };
  std::string id;
  std::string name, description;
  Type type = Type::kManual;
  bool artifact = false;  // manual: a document has to be handed in
  std::string condition;  // conditional: points while it holds
  std::uint32_t max_score = 0;
  bool operator==(const Metric&) const = default;
};
struct MinScore {
  bool percentage = true;  // else: points
  std::uint32_t value = 0;
  bool operator==(const MinScore&) const = default;
};
struct Evaluation {
  std::string id;
  std::string name, description;
  std::vector<std::string> metrics;
  MinScore min_score;
  bool operator==(const Evaluation&) const = default;
};
struct Tlo {  // training learning objective
  std::string id;
  std::string name, description;
  std::string evaluation;
  bool operator==(const Tlo&) const = default;
};
struct Goal {
  std::string id;
  std::string name, description;
  std::vector<std::string> tlos;
  bool operator==(const Goal&) const = default;
};

// ——— SDL: what happens ———

// When an inject comes, once its event did: `delay` and a random part of `spread` later it is due; then `chance`
// decides with the drill's seed whether it comes at all, then it waits for its conditions, then for a hand of exercise
// control.
struct When {
  Duration delay{0}, spread{0};
  double chance = 1;
  std::vector<std::string> conditions;  // all of them
  std::optional<Duration> until;        // after it was due, it is given up; nothing: it waits until the end
  bool manual = false;
  bool operator==(const When&) const = default;
};

enum class Channel : std::uint8_t { kConsole, kMail, kTaxii, kCap };
struct Delivery {
  Channel via = Channel::kConsole;
  std::vector<Role> roles;  // who reads it; of the inject's to-entities, and of everyone outside teams
  std::string sender;       // as it is shown: "duty officer, Litgrid"
  std::string subject, text;
  bool operator==(const Delivery&) const = default;
};

// An order to the range, in its words.
struct Effect {
  std::string kind;               // a word of kEffects (vocabulary.h): "breaker-open"
  std::string target;             // a name of the range
  std::optional<double> value;    // where the kind has one, in its unit
  Duration after{0};              // the inject
  std::optional<Duration> lasts;  // then it is undone; nothing: until somebody does
  bool operator==(const Effect&) const = default;
};

// What red's deed leaves in a team's logs: lines made from a template. Records of behaviour, never anything that acts.
struct Telemetry {
  std::string template_name;  // `template`: a word of kTemplates (vocabulary.h): "zeek-conn"
  std::string team;           // in whose logs; empty: of every blue team that the inject goes to
  std::map<std::string, std::string> parameters;
  Duration after{0};        // the inject
  std::uint32_t count = 1;  // records,
  Duration every{0};        // so far apart
  bool operator==(const Telemetry&) const = default;
};

// The truth: what belongs to the attack. Shared indicators are graded against it.
struct Indicator {
  std::string id;
  std::string pattern;  // STIX pattern; or
  std::string type;     // "ipv4-addr", "domain-name", "file-sha256", … (kIndicatorTypes)
  std::string value;
  std::string description;
  std::vector<std::string> ttp;
  bool operator==(const Indicator&) const = default;
};

// How one sees that a team did what it should.
enum class Seen : std::uint8_t {
  kAlert,      // an alert of the team about the inject's telemetry
  kSighting,   // a sighting of one of its indicators
  kObject,     // an object of type `of` that the team published
  kForm,       // the form `of`, filled in
  kOrder,      // an order of kind `of` that the team gave the range, at `target`
  kCondition,  // condition `of` holds
  kPlaybook,   // step `of` of the playbook in `response` was done; the team says so, at its desk
  kReply,      // a reply in the console
  kManual,     // exercise control judges, by what `of` says
};
struct Evidence {
  Seen as = Seen::kManual;
  std::string of, target;
  bool operator==(const Evidence&) const = default;
};

struct Expectation {
  std::string id;
  Act act = Act::kDetect;
  std::string description;
  std::vector<std::string> teams;  // of whom; empty: of every blue team that the inject goes to
  std::uint32_t score = 0;
  Duration starts{0};   // after the inject; before, it does not count
  Duration expires{0};  // after the inject
  Evidence seen;
  std::string metric;  // that it adds to; empty: only to its act's weight
  bool operator==(const Expectation&) const = default;
};

enum class Shared : std::uint8_t { kIndicators, kSighting, kReport, kWarning, kPlaybook };
struct ShareExpectation {
  std::string id;
  Shared what = Shared::kIndicators;
  std::string description;
  std::vector<std::string> from;  // teams; empty: every blue team that the inject goes to
  std::vector<std::string> to;    // teams, each has to have it
  policy::Label label;            // as what is shared bears it
  Duration by{0};                 // after the inject
  std::uint32_t score = 0;
  bool operator==(const ShareExpectation&) const = default;
};

struct Inject {
  std::string id;
  std::string name, description;  // for exercise control; participants read what `deliver` says
  std::string from_entity;
  std::vector<std::string> to_entities;
  std::vector<std::string> tlos;
  When when;
  std::vector<std::string> ttp;  // ATT&CK: "T0855", "T1059.001"
  std::vector<Delivery> deliver;
  std::vector<Effect> physics;
  std::vector<Telemetry> telemetry;
  std::vector<Indicator> indicators;
  std::vector<Expectation> expectations;
  std::vector<ShareExpectation> share;
  std::string response;  // a CACAO playbook: "playbook--…" or a file
  bool operator==(const Inject&) const = default;
};

struct Event {
  std::string id;
  std::string name, description;
  std::vector<std::string> conditions;  // all of them; then it comes
  std::vector<std::string> injects;
  bool operator==(const Event&) const = default;
};

struct EventTime {
  std::string event;
  Duration at{0};
  bool operator==(const EventTime&) const = default;
};
struct Script {
  std::string id;
  std::string name, description;
  Duration start_time{0}, end_time{0};
  double speed = 1;
  std::vector<EventTime> events;
  bool operator==(const Script&) const = default;
};
struct Story {
  std::string id;
  std::string name, description;
  double speed = 1;
  std::vector<std::string> scripts;
  bool operator==(const Story&) const = default;
};

struct Scenario {
  std::string name, description;
  Exercise exercise;
  Range range;
  std::vector<Service> services;
  std::vector<Entity> entities;
  std::vector<Condition> conditions;
  std::vector<Metric> metrics;
  std::vector<Evaluation> evaluations;
  std::vector<Tlo> tlos;
  std::vector<Goal> goals;
  std::vector<Inject> injects;
  std::vector<Event> events;
  std::vector<Script> scripts;
  std::vector<Story> stories;
  bool operator==(const Scenario&) const = default;
};

// What has this id; nullptr: nothing.
template <class T>
const T* find(const std::vector<T>& things, std::string_view id) {
  for (const T& thing : things)
    if (thing.id == id) return &thing;
  return nullptr;
}

// The teams that an inject asks something of: the blue ones among its to-entities, in order.
std::vector<const Entity*> blue_teams(const Scenario& scenario, const Inject& inject);

// When each event comes, after the drill's start: its time, divided by the speeds of script and story. An event of
// several scripts comes several times. In order of time, then of the text.
struct Occurrence {
  const Event* event;
  const Script* script;
  const Story* story;
  Duration at;
};
std::vector<Occurrence> occurrences(const Scenario& scenario);

// "1h 30min", "45s", "0s"; and what reads it and everything like it: numbers with units (ms, s, sec, m, min, h, d, w
// and their English names), blanks between them as one likes. nullopt: none, without a unit, or beyond kMaxDuration.
// "0" is 0.
inline constexpr Duration kMaxDuration = std::chrono::hours(24 * 366);
std::string text_of(Duration duration);
std::optional<Duration> parse_duration(std::string_view text);

}  // namespace bongsu::exercise::scenario
