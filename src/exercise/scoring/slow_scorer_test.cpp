// The scorer and its slow twin on random evidence.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "base/random.h"
#include "exercise/drill/drill.h"
#include "exercise/drill/drill_test_support.h"
#include "exercise/scenario/read.h"
#include "exercise/scoring/score.h"
#include "exercise/scoring/slow_scorer_test_support.h"

namespace bongsu::exercise::scoring {
namespace {

using namespace drill;
constexpr std::int64_t kMin = 60'000, kLength = 240 * kMin;

// Values that two injects have, teams within teams, expectations of every kind, some of them for one team alone.
constexpr const char* kScenario = R"(name: Twins
exercise: {id: twins, start: 2027-01-19T07:00:00Z, time-zone: Europe/Vilnius, duration: 4h, label: TLP:GREEN, weights: {detect: 2, share: 3, restore: 0.5, label-violation: 7.5}}
services:
  portal: {name: Portal, entity: lt, probe: http, target: "https://portal.example/", score: 10}
  line: {name: Line, entity: control, probe: http, target: "https://line.example/", score: 7}
entities:
  control: {name: Exercise control, role: White}
  red: {name: Red, role: Red}
  lt: {name: LT, role: Blue, member: cert-lt, nation: lt, entities: {soc: {name: SOC, role: Blue}}}
  ua: {name: UA, role: Blue, member: cert-ua, nation: ua}
  pl: {name: PL, role: Blue, member: csirt-pl, nation: pl}
conditions:
  back: {name: It is back, service: {of: line, up: true}}
  calm: {name: Calm, service: {of: portal, up: true}}
metrics:
  care: {type: Manual, max-score: 20, description: Care}
  speech: {type: Manual, max-score: 10, description: Speech}
  steady: {type: Conditional, condition: calm, max-score: 30}
evaluations:
  most: {metrics: [care, steady], min-score: 50}
  all: {metrics: [care, speech, steady], min-score: {absolute: 20}}
tlos: {one: {name: One, evaluation: most}, two: {name: Two, evaluation: all}}
injects:
  phish:
    from-entity: red
    to-entities: [lt, ua, pl]
    tlos: [one]
    deliver: [{via: console, roles: [Blue], subject: Look, text: Look}]
    telemetry: [{template: zeek-dns, parameters: {source: 10.0.0.5, query: evil.example}, after: 1min, count: 2, every: 2min}]
    indicators: [{id: name, type: domain-name, value: evil.example}, {id: address, type: ipv4-addr, value: 203.0.113.9}]
    expectations:
      - {id: seen, act: detect, score: 10, expires: 20min, seen: {as: alert}, metric: care}
      - {id: sighted, act: detect, score: 4, starts: 3min, expires: 25min, seen: {as: sighting}}
      - {id: sitrep, act: form, score: 10, expires: 30min, seen: {as: form, of: sitrep}}
      - {id: told, act: share, score: 5, expires: 15min, seen: {as: reply}, metric: care}
      - {id: judged, act: decide, score: 6, expires: 20min, seen: {as: manual, of: Well done}, metric: care}
    share:
      - {id: values, what: indicators, to: [ua, lt.soc, pl], label: TLP:AMBER, by: 20min, score: 9}
      - {id: paper, what: report, from: [lt], to: [ua], label: TLP:GREEN, by: 30min, score: 5}
  breaker:
    from-entity: red
    to-entities: [lt, ua]
    tlos: [two]
    physics: [{kind: breaker-open, target: a.breaker1}]
    telemetry: [{template: zeek-dns, parameters: {source: 10.0.0.6, query: other.example}, after: 1min}]
    indicators: [{id: address, type: ipv4-addr, value: 203.0.113.9}, {id: like, pattern: "[url:value LIKE '%bad%']"}]
    expectations:
      - {id: closed, act: restore, score: 12, starts: 2min, expires: 25min, seen: {as: order, of: breaker-close, target: a.breaker1}}
      - {id: any, act: contain, score: 3, expires: 10min, seen: {as: order, of: load-shed}, teams: [ua]}
      - {id: again, act: restore, score: 8, starts: 5min, expires: 1h, seen: {as: condition, of: back}}
      - {id: paper, act: report, score: 6, expires: 30min, seen: {as: object, of: report}}
      - {id: isolate, act: contain, score: 9, expires: 20min, seen: {as: playbook, of: isolate}}
    share:
      - {id: warn, what: warning, to: [pl], label: TLP:GREEN, by: 15min, score: 6}
      - {id: seen, what: sighting, from: [ua], to: [lt, pl], label: TLP:AMBER, by: 15min, score: 4}
    response: playbook--5a2d4d0a-9a3c-4f0e-8d3b-5d7c0f4f8a10
  rumour:
    from-entity: red
    to-entities: [pl]
    tlos: [one]
    deliver: [{via: console, roles: [Blue], subject: Rumour, text: Rumour}]
    expectations:
      - {id: words, act: inform, score: 5, expires: 30min, seen: {as: form, of: press-release}, metric: speech}
      - {id: judged, act: decide, score: 4, starts: 5min, expires: 20min, seen: {as: manual, of: Well said}}
events: {one: {injects: [phish, breaker, rumour]}}
scripts: {day: {start-time: 0s, end-time: 4h, speed: 1, events: {one: 1min}}}
stories: {main: {scripts: [day]}}
)";

scenario::Scenario twins() {
  auto read = scenario::read_scenario(kScenario, "twins.yaml");
  if (read) return std::move(*read);
  for (const Error& e : read.error().list) ADD_FAILURE() << e.text();
  return {};
}

class RandomLog {
 public:
  RandomLog(const scenario::Scenario& scenario, const Entry& opened, std::uint64_t seed)
      : scenario_(scenario), random_(seed), log_{opened} {
    const std::size_t count = 5 + random_.below(70);
    while (log_.size() < count) step();
    if (random_.below(4) != 0) {
      add({.kind = Kind::kControl, .ref = "end", .data = {{"clock", true}}});
      for (std::size_t i = random_.below(4); i > 0; --i) afterwards();
    }
  }
  const std::vector<Entry>& entries() const { return log_; }

 private:
  template <class... T>
  std::string one(T... of) {
    const std::string all[] = {of...};
    return all[random_.below(sizeof...(of))];
  }
  std::string team() { return one("lt", "ua", "pl", "lt.soc"); }
  std::string inject() { return one("phish", "breaker", "rumour"); }
  void add(Entry entry) {
    entry.seq = log_.size() + 1;
    entry.run = run_;
    entry.at_ms = now_;
    log_.push_back(std::move(entry));
  }
  void input(const Input& input) { add(*entry_of(input)); }

  // What an entry of this kind said last, of what counts: probes and conditions are told when they change.
  bool last(Kind kind, const std::string& of, const std::string& whose, const char* key, bool before) const {
    bool out = before;
    for (const Entry* e : counting(log_))
      if (e->kind == kind && e->ref == of && e->team == whose) out = e->data.at(key) == true;
    return out;
  }

  Evidence carrying(As as) {
    Evidence e{
        .as = as, .team = team(), .object = one("indicator--1", "report--2", "1/phish/0/lt/0", "1/rumour/1/pl/0")};
    for (std::size_t i = random_.below(3); i > 0; --i)
      e.patterns.push_back(one("[domain-name:value = 'EVIL.example']", "[ipv4-addr:value = '203.0.113.9']",
                               "[url:value LIKE '%bad%']", "[domain-name:value = 'good.example']",
                               "[ipv4-addr:value = '203.0.113.9'] AND [domain-name:value = 'evil.example']"));
    if (random_.below(4) == 0) e.inject = inject();
    if (random_.below(4) == 0) e.telemetry_ms = now_ - static_cast<std::int64_t>(random_.below(5)) * kMin;
    return e;
  }

  void step() {
    if (random_.below(3) != 0)
      now_ = std::min(
          kLength,
          now_ + static_cast<std::int64_t>(random_.below(2) == 0 ? random_.below(6) : random_.below(30)) * kMin);
    switch (random_.below(16)) {
      case 0:
      case 1:
      case 2: {
        const std::string which = inject();
        const scenario::Inject& it = *scenario::find(scenario_.injects, which);
        for (const std::string& to : it.to_entities)
          if (random_.below(4) != 0)
            add({.kind = Kind::kFired,
                 .team = to,
                 .ref = which,
                 .data = {{"occurrence", static_cast<std::int64_t>(random_.below(3))}}});
        return;
      }
      case 3:
        return input(carrying(As::kAlert));
      case 4:
      case 5:
      case 6: {
        Evidence e = carrying(random_.below(3) == 0 ? As::kSighting : As::kShared);
        e.type = one("indicator", "report", "warning", "cap", "sighting", "playbook");
        for (std::size_t i = random_.below(3); i > 0; --i) e.to.push_back(one("lt", "ua", "pl", "lt.soc", "control"));
        e.label = one("amber marked", "green marked", "clear marked", "");
        return input(e);
      }
      case 7: {
        Evidence e = carrying(one("o", "f", "p") == "o" ? As::kObject : As::kForm);
        if (random_.below(4) == 0) e.as = As::kPlaybook;
        e.type = e.as == As::kForm     ? one("sitrep", "press-release")
                 : e.as == As::kObject ? "report"
                                       : one("isolate", "other");
        if (e.as == As::kPlaybook)
          e.object = one("playbook--5a2d4d0a-9a3c-4f0e-8d3b-5d7c0f4f8a10",
                         "playbook--0d6b1b0e-3c0f-4d3d-8a6f-6f0a52c1e7aa", "");
        return input(e);
      }
      case 8:
        return input(carrying(As::kReply));
      case 9:
        return judged();
      case 10:
        return add({.kind = Kind::kOrder,
                    .team = team(),
                    .ref = one("a.breaker1", "a.breaker2"),
                    .data = {{"kind", one("breaker-close", "load-shed")},
                             {"by", one("team", "team", "inject")},
                             {"accepted", random_.below(4) != 0}}});
      case 11: {
        const std::string whose = one("lt", "ua", "pl"), of = one("portal", "line");
        const bool up = !last(Kind::kProbe, of, whose, "up", false);
        JsonObject data = {{"up", up}};
        if (!up) data["injects"] = JsonArray{Json(inject())};
        return add({.kind = Kind::kProbe, .team = whose, .ref = of, .data = std::move(data)});
      }
      case 12: {  // one is each team's own, the other is of all
        const std::string of = one("back", "calm"), whose = of == "back" ? "" : one("lt", "ua", "pl");
        return add({.kind = Kind::kCondition,
                    .team = whose,
                    .ref = of,
                    .data = {{"holds", !last(Kind::kCondition, of, whose, "holds", false)}}});
      }
      case 13:
        return add({.kind = Kind::kViolation,
                    .team = team(),
                    .ref = one("indicator--1", "report--2"),
                    .data = {{"rule", one("no-label", "outside")}, {"evidence", 2}}});
      case 14:
        return words();
      case 15:
        if (random_.below(4) != 0) return words();
        const std::int64_t to =
            static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(now_ / kMin) + 1)) * kMin;
        now_ = to;
        ++run_;
        return add({.kind = Kind::kControl, .ref = "jump_back", .data = {{"to_ms", to}}});
    }
  }
  void judged() {
    Evidence e{.as = As::kJudged, .team = team(), .value = static_cast<double>(random_.below(5)) / 4};
    e.expectation = one("judged", "care", "speech", "seen");
    if (e.expectation == "judged") e.inject = inject();
    input(e);
  }
  void words() {
    std::vector<std::uint64_t> forms;
    for (const Entry* e : counting(log_))
      if (e->kind == Kind::kEvidence && e->ref == "form") forms.push_back(e->seq);
    if (forms.empty()) return;
    const std::uint64_t form = forms[random_.below(forms.size())];
    const double part = static_cast<double>(random_.below(11)) / 10;
    switch (random_.below(6)) {
      case 0:
        return input(Appeal{.form = form, .team = log_[form - 1].team, .why = "no"});
      case 1:
        return input(Ruling{.form = form, .by = "white", .part = part});
      default:
        return input(Grade{.form = form, .by = one("ana", "bo", "cy"), .part = part});
    }
  }
  void afterwards() { random_.below(2) == 0 ? judged() : words(); }

  const scenario::Scenario& scenario_;
  SeededRandom random_;
  std::vector<Entry> log_;
  std::int64_t now_ = 0;
  std::uint32_t run_ = 1;
};

std::string words_of(const std::vector<Entry>& log) {
  std::string out;
  for (const Entry& e : log)
    out += fmt::format("{:>4} {:>4} min {} {} {} {}\n", e.seq, e.at_ms / kMin, to_string(e.kind), e.ref, e.team,
                       to_text(e.data));
  return out;
}

template <class P>
std::string point_words(const P& p) {
  return fmt::format("{} {} {}: {:.9f} of {:.9f}{}", p.rule, p.inject, p.about, p.earned, p.most,
                     p.open ? ", open" : "");
}

std::string minutes(const std::optional<std::int64_t>& at) { return at ? std::to_string(*at / kMin) : "-"; }

// What of a card the twin speaks of, as text; zeros have one sign.
template <class Team>
std::string told(const Team& team) {
  std::string out = fmt::format("{} {:.9f}{} precision {:.9f} violations {}\n", team.team, team.total + 0.0,
                                team.open ? " open" : "", team.precision, team.violations);
  for (const auto& p : team.points) out += point_words(p) + '\n';
  for (const auto& t : team.times)
    out += fmt::format("{} at {}: detected {} shared {} contained {}\n", t.inject, t.start_ms / kMin,
                       minutes(t.detected_ms), minutes(t.shared_ms), minutes(t.contained_ms));
  return out;
}

TEST(ScoreDifferential, TheScorerAndItsSlowTwinSayTheSameOfAnyEvidence) {
  const scenario::Scenario scenario = twins();
  const Entry opened =
      Drill::open(scenario, {}, switch_ranges(), *Instant::parse("2026-12-01T09:00:00Z"))->step.entries[0];
  const std::uint64_t logs = std::getenv("BONGSU_LONG") != nullptr ? 100'000 : 3'000;
  std::size_t earning = 0, late = 0, open = 0, wrong = 0, kept = 0, restored = 0, steps = 0, others = 0;
  for (std::uint64_t seed = 1; seed <= logs; ++seed) {
    const RandomLog random(scenario, opened, seed);
    const auto card = score(scenario, random.entries());
    ASSERT_TRUE(card) << card.error().text();
    const std::vector<SlowTeam> slow = score_slowly(scenario, random.entries());
    ASSERT_EQ(card->teams.size(), slow.size());
    for (std::size_t i = 0; i < slow.size(); ++i) {
      const TeamScore& fast = card->teams[i];
      ASSERT_EQ(told(fast), told(slow[i])) << "seed " << seed << "\n" << words_of(random.entries());
      ASSERT_EQ(fast.metrics.size(), slow[i].metrics.size());
      for (std::size_t m = 0; m < fast.metrics.size(); ++m) {
        ASSERT_NEAR(fast.metrics[m].earned, slow[i].metrics[m].first, 1e-9)
            << "seed " << seed << " " << fast.metrics[m].metric;
        ASSERT_EQ(fast.metrics[m].open, slow[i].metrics[m].second) << "seed " << seed << " " << fast.metrics[m].metric;
      }
      for (std::size_t e = 0; e < fast.evaluations.size(); ++e)
        ASSERT_EQ(fast.evaluations[e].passed, slow[i].passed[e]) << "seed " << seed;
      for (const Point& p : fast.points) {
        earning += p.earned > 0 && p.rule != "availability";
        open += p.open;
        late += p.most > 0 && p.earned == 0 && p.text.find("later than") != std::string::npos;
        wrong += p.rule == "share-in-time" && p.text.find("label") != std::string::npos;
        kept += p.rule == "nothing-to-restore";
        restored += p.about == "again" && p.earned > 0;
        steps += p.rule == "playbook-step" && p.earned > 0;
        others += p.text.find("not the inject's playbook") != std::string::npos;
      }
    }
  }
  // The evidence is of all kinds.
  for (const std::size_t count : {earning, open, late, wrong}) EXPECT_GT(count, logs / 10);
  for (const std::size_t count : {kept, restored, steps, others}) EXPECT_GT(count, logs / 100);
}

}  // namespace
}  // namespace bongsu::exercise::scoring
