#include "exercise/drill/drill.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "exercise/drill/drill_test_support.h"

namespace bongsu::exercise::drill {
namespace {

using namespace std::chrono_literals;
const Instant kBegin = *Instant::parse("2026-12-01T09:00:00Z");

// A host without I/O: keeps the log as text and what it was told to do.
class Host {
 public:
  explicit Host(scenario::Scenario scenario = small_scenario(), Settings settings = quiet())
      : scenario_(std::move(scenario)) {
    auto begun = Drill::open(scenario_, settings, switch_ranges(), kBegin);
    EXPECT_TRUE(begun) << begun.error().text();
    drill_.emplace(std::move(begun->drill));
    keep(begun->step);
  }
  static Settings quiet() { return {.background = scenario::Duration(0)}; }

  void keep(const Step& step) {
    for (const Entry& entry : step.entries) {
      text_ += writer_.line(entry);
      log_.push_back(entry);
    }
    for (const Delivery& delivery : step.deliveries) {
      deliveries_.push_back(delivery);
      to_report_.push_back(delivery.id);
    }
    for (const TelemetryLines& lines : step.telemetry) {
      telemetry_.push_back(lines);
      to_report_.push_back(lines.id);
    }
  }
  Instant at(std::int64_t ms) const { return kBegin + std::chrono::milliseconds(ms); }
  Result<void> take(const Input& input, std::int64_t wall_ms) {
    auto step = drill_->take(input, at(wall_ms));
    if (!step) return std::unexpected(step.error());
    keep(*step);
    return {};
  }
  void must(const Input& input, std::int64_t wall_ms) {
    const auto done = take(input, wall_ms);
    EXPECT_TRUE(done) << done.error().text();
  }
  void advance(std::int64_t wall_ms) { keep(drill_->advance(at(wall_ms))); }

  std::vector<const Entry*> of(Kind kind, std::string_view ref = "", std::string_view team = "") const {
    std::vector<const Entry*> out;
    for (const Entry& entry : log_)
      if (entry.kind == kind && (ref.empty() || entry.ref == ref) && (team.empty() || entry.team == team))
        out.push_back(&entry);
    return out;
  }
  Drill& drill() { return *drill_; }

  scenario::Scenario scenario_;
  std::optional<Drill> drill_;
  LogWriter writer_;
  std::string text_;
  std::vector<Entry> log_;
  std::vector<Delivery> deliveries_;
  std::vector<TelemetryLines> telemetry_;
  std::vector<std::string> to_report_;
};

constexpr std::int64_t kMin = 60'000;

Evidence alert(const std::string& team, const std::string& value = "evil.example") {
  return {.as = As::kAlert,
          .team = team,
          .object = "alert--" + team,
          .patterns = {"[domain-name:value = '" + value + "']"}};
}
Evidence share(const std::string& team, std::vector<std::string> to, const std::string& label = "amber marked") {
  return {.as = As::kShared,
          .team = team,
          .object = "indicator--" + team,
          .type = "indicator",
          .patterns = {"[domain-name:value = 'evil.example']", "[ipv4-addr:value = '203.0.113.9']"},
          .to = std::move(to),
          .label = label};
}

// A drill with a hand in everything: what the tests of determinism and of crashes live through.
std::vector<std::pair<std::int64_t, Input>> whole_story() {
  return {
      {0, Control{.verb = Verb::kStart, .by = "white"}},
      {12 * kMin, alert("lt-blue")},
      {13 * kMin, Control{.verb = Verb::kPause, .by = "white"}},
      {14 * kMin, alert("ua-blue")},
      {15 * kMin, Control{.verb = Verb::kResume, .by = "white"}},
      {16 * kMin, share("lt-blue", {"ua-blue", "pl-blue"})},
      {17 * kMin, Control{.verb = Verb::kSpeed, .by = "white", .speed = 2}},
      {24 * kMin + 137, Evidence{.as = As::kOrder, .team = "ua-blue", .type = "breaker-close", .target = "cb1"}},
      {25 * kMin, Control{.verb = Verb::kApprove, .by = "white", .inject = "rumour", .team = "lt-blue"}},
      {26 * kMin,
       Control{.verb = Verb::kRefuse, .by = "white", .inject = "rumour", .team = "pl-blue", .reason = "enough"}},
      {27 * kMin, Control{.verb = Verb::kJumpBack, .by = "white", .to_ms = 21 * kMin}},
      {28 * kMin,
       Evidence{.as = As::kForm, .team = "lt-blue", .object = "f1", .type = "sitrep", .fields = {{"what", "a mail"}}}},
      {29 * kMin, Control{.verb = Verb::kInject, .by = "white", .inject = "never", .team = "ua-blue"}},
      {31 * kMin, Evidence{.as = As::kOrder, .team = "lt-blue", .type = "breaker-close", .target = "cb9"}},
      {33 * kMin, Control{.verb = Verb::kApprove, .by = "white", .inject = "rumour"}},
      {70 * kMin, Control{.verb = Verb::kSpeed, .by = "white", .speed = 60}}};
}
void play(Host& host, std::int64_t tick) {
  std::int64_t last = 0;
  for (const auto& [at, input] : whole_story()) {
    if (tick > 0)
      for (std::int64_t t = last; t < at; t += tick) host.advance(t);
    const auto done = host.take(input, at);
    EXPECT_TRUE(done) << at << ": " << done.error().text();
    last = at;
  }
  host.advance(90 * kMin);
}

TEST(Drill, InjectsComeWhenTheirScriptSaysToEveryTeam) {
  Host host;
  host.must(Control{.verb = Verb::kStart, .by = "white"}, 0);
  host.advance(121 * kMin);
  EXPECT_EQ(host.drill().state(), State::kEnded);
  const auto fired = host.of(Kind::kFired, "phish");
  ASSERT_EQ(fired.size(), 3U);
  for (const Entry* entry : fired) {
    EXPECT_EQ(entry->at_ms, 10 * kMin) << "20 min at twice the speed";
    EXPECT_EQ(entry->wall, kBegin + 10min);
  }
  const auto open = host.of(Kind::kFired, "open");
  ASSERT_EQ(open.size(), 3U);
  EXPECT_GE(open[0]->at_ms, 20 * kMin);
  EXPECT_LE(open[0]->at_ms, 22 * kMin);
  EXPECT_EQ(open[0]->at_ms, open[2]->at_ms) << "all teams get the same";
  // The mail goes to the teams alone.
  EXPECT_EQ(std::ranges::count_if(host.deliveries_, [](const Delivery& d) { return d.inject == "phish"; }), 3);
  // Records come when they are there.
  const auto records = host.of(Kind::kTelemetry, "1/phish/0/lt-blue/t0.0");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0]->at_ms, 10 * kMin + 94'000) << "three records two seconds apart go together";
  const auto lines = std::ranges::find(host.telemetry_, "1/phish/0/lt-blue/t0.0", &TelemetryLines::id);
  ASSERT_NE(lines, host.telemetry_.end());
  EXPECT_EQ(std::ranges::count(lines->lines, '\n'), 3);
  EXPECT_NE(lines->lines.find("\"ts\":\"2027-01-19T07:11:30.000000Z\""), std::string::npos) << lines->lines;
}

TEST(Drill, WhatDidNotFireSaysWhy) {
  Host host;
  host.must(Control{.verb = Verb::kStart}, 0);
  host.advance(121 * kMin);
  std::map<std::string, std::string> why;
  for (const Entry* entry : host.of(Kind::kNotFired))
    why[entry->ref + " " + entry->team] = std::string(entry->data.at("why").as_string());
  EXPECT_EQ(why["never lt-blue"], "conditions");
  EXPECT_EQ(why["second ua-blue"], "conditions");
  EXPECT_EQ(why["rumour lt-blue"], "story_ended") << "its script ends with the drill, and first";
  EXPECT_EQ(why["late pl-blue"], "drill_ended");
  const bool lucky = !host.of(Kind::kFired, "luck").empty();
  EXPECT_EQ(host.of(Kind::kFired, "luck").size(), lucky ? 3U : 0U);
  if (!lucky) EXPECT_EQ(why["luck ua-blue"], "chance");
  // Every inject of every team is accounted for.
  EXPECT_EQ(host.of(Kind::kFired).size() + host.of(Kind::kNotFired).size(), 7U * 3 + 1);
}

TEST(Drill, ChanceIsTheSeedsAlone) {
  int fired = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Settings settings = Host::quiet();
    settings.seed = seed;
    settings.step = scenario::Duration(600'000);
    settings.sample = scenario::Duration(600'000);
    Host host(small_scenario(), settings);
    host.must(Control{.verb = Verb::kStart}, 0);
    host.advance(31 * kMin);
    fired += host.of(Kind::kFired, "luck", "lt-blue").empty() ? 0 : 1;
  }
  EXPECT_GT(fired, 70);
  EXPECT_LT(fired, 130);
}

TEST(Drill, TheRangeSaysWhatAnInjectLedTo) {
  Host host;
  host.must(Control{.verb = Verb::kStart}, 0);
  host.advance(60 * kMin);
  const auto orders = host.of(Kind::kOrder, "cb1", "lt-blue");
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0]->data.at("inject"), "open");
  const auto dark = host.of(Kind::kEvent, "site.cb1", "lt-blue");
  ASSERT_EQ(dark.size(), 1U);
  EXPECT_EQ(dark[0]->data.at("inject"), "open") << "by its cause";
  const auto probes = host.of(Kind::kProbe, "portal", "lt-blue");
  ASSERT_GE(probes.size(), 2U);
  EXPECT_EQ(probes[0]->data.at("up"), true);
  EXPECT_EQ(probes[1]->data.at("up"), false);
  EXPECT_EQ(probes[1]->data.at("injects"), JsonArray{"open"});
  EXPECT_EQ(host.of(Kind::kProbe, "phones", "ua-blue").size(), 0U) << "another team's service";
  const auto phones = host.of(Kind::kProbe, "phones", "lt-blue");
  ASSERT_EQ(phones.size(), 2U);
  EXPECT_EQ(phones[1]->data.at("injects"), JsonArray{"open"}) << "through the portal";
  // Users lose patience, again and again, in their own words.
  const auto complaints = host.of(Kind::kComplaint, "portal", "lt-blue");
  ASSERT_GE(complaints.size(), 3U);
  EXPECT_EQ(complaints[0]->text, "The portal is down!");
  EXPECT_EQ(complaints[1]->text, "Still down!");
  EXPECT_EQ(complaints[2]->text, "The portal is down!");
  EXPECT_GE(complaints[0]->at_ms - probes[1]->at_ms, 3 * kMin);
  EXPECT_EQ(complaints[0]->at_ms - probes[1]->at_ms, complaints[1]->at_ms - complaints[0]->at_ms);
  EXPECT_FALSE(host.of(Kind::kSample, "", "lt-blue").empty());
}

TEST(Drill, TeamsAreAlone) {
  Host host;
  host.must(Control{.verb = Verb::kStart}, 0);
  host.advance(23 * kMin);
  host.must(Evidence{.as = As::kOrder, .team = "ua-blue.nobody", .type = "breaker-close", .target = "cb1"}, 23 * kMin);
  host.advance(40 * kMin);
  EXPECT_TRUE(host.drill().services("ua-blue")[0].up) << "an entity within a team is the team";
  EXPECT_FALSE(host.drill().services("lt-blue")[0].up);
  // ddos waits for darkness that holds: ua-blue had closed its breaker.
  EXPECT_EQ(host.of(Kind::kFired, "ddos", "lt-blue").size(), 1U);
  EXPECT_EQ(host.of(Kind::kFired, "ddos", "ua-blue").size(), 0U);
  const auto conditions = host.of(Kind::kCondition, "powered", "ua-blue");
  ASSERT_EQ(conditions.size(), 3U);
  EXPECT_EQ(conditions[2]->data.at("holds"), true);
}

TEST(Drill, WhatATeamDidMovesTheStory) {
  Host host;
  host.must(Control{.verb = Verb::kStart}, 0);
  host.must(share("lt-blue", {"ua-blue"}), 5 * kMin);
  host.advance(11 * kMin);
  EXPECT_TRUE(host.of(Kind::kFired, "second").empty()) << "before the inject it is about nothing";
  host.must(share("lt-blue", {"ua-blue"}), 11 * kMin);
  host.advance(12 * kMin);
  ASSERT_EQ(host.of(Kind::kFired, "second").size(), 1U);
  EXPECT_EQ(host.of(Kind::kCondition, "lt-shared").at(0)->team, "") << "the same for all";
}

TEST(Drill, ExerciseControlInjectsApprovesAndRefuses) {
  Host host;
  EXPECT_EQ(host.take(Control{.verb = Verb::kInject, .inject = "phish"}, 0).error().code, ErrorCode::kConflict)
      << "not begun";
  host.must(Control{.verb = Verb::kStart}, 0);
  EXPECT_EQ(host.take(Control{.verb = Verb::kInject, .inject = "phisch"}, 0).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(host.take(Control{.verb = Verb::kApprove, .inject = "rumour"}, 0).error().code, ErrorCode::kConflict);
  host.must(Control{.verb = Verb::kInject, .by = "ana", .inject = "phish", .team = "ua-blue"}, 1 * kMin);
  host.advance(31 * kMin);
  EXPECT_EQ(host.of(Kind::kFired, "phish", "ua-blue").size(), 2U) << "by hand, and in its time";
  ASSERT_EQ(host.drill().waiting().size(), 3U);
  EXPECT_EQ(host.drill().waiting()[0].inject, "rumour");
  host.must(Control{.verb = Verb::kApprove, .by = "ana", .inject = "rumour", .team = "lt-blue"}, 32 * kMin);
  host.must(Control{.verb = Verb::kRefuse, .by = "ana", .inject = "rumour", .team = "pl-blue", .reason = "enough"},
            32 * kMin);
  EXPECT_EQ(host.drill().waiting().size(), 1U);
  EXPECT_EQ(host.of(Kind::kFired, "rumour", "lt-blue").at(0)->data.at("by"), "ana");
  EXPECT_EQ(host.of(Kind::kNotFired, "rumour", "pl-blue").at(0)->data.at("why"), "refused");
  EXPECT_NE(host.of(Kind::kNotFired, "rumour", "pl-blue").at(0)->text.find("enough"), std::string::npos);
  // The press and exercise control hear of it once, with the first team.
  host.must(Control{.verb = Verb::kApprove, .by = "ana", .inject = "rumour"}, 33 * kMin);
  std::vector<std::string> to;
  for (const Delivery& d : host.deliveries_)
    if (d.inject == "rumour") to.push_back(d.to);
  EXPECT_EQ(to, (std::vector<std::string>{"lt-blue", "press", "", "ua-blue"}));
}

TEST(Drill, TheClockStandsAndRunsAtTheSpeedThatIsAsked) {
  Host host;
  host.must(Control{.verb = Verb::kStart}, 0);
  host.must(Control{.verb = Verb::kPause}, 5 * kMin);
  host.advance(60 * kMin);
  EXPECT_EQ(host.drill().now_ms(), 5 * kMin);
  EXPECT_FALSE(host.drill().next_wake());
  host.must(Control{.verb = Verb::kResume}, 60 * kMin);
  EXPECT_EQ(host.take(Control{.verb = Verb::kSpeed, .speed = 61}, 60 * kMin).error().where.field, "speed");
  host.must(Control{.verb = Verb::kSpeed, .speed = 60}, 60 * kMin);
  host.advance(60 * kMin + 5'000);
  EXPECT_EQ(host.drill().now_ms(), 10 * kMin);
  EXPECT_EQ(host.of(Kind::kFired, "phish").at(0)->wall, host.at(60 * kMin + 5'000));
  EXPECT_EQ(host.take(Control{.verb = Verb::kStart}, 61 * kMin).error().code, ErrorCode::kConflict);
  // A clock that goes back is the latest that there was.
  const auto now = host.drill().now_ms();
  host.must(alert("lt-blue"), 0);
  EXPECT_GE(host.drill().now_ms(), now);
}

TEST(Drill, TheSameInputsGiveTheSameBytesHoweverOftenTheClockIsLookedAt) {
  Host once, often, odd;
  play(once, 0);
  play(often, 1'000);
  play(odd, 7'919);
  EXPECT_GT(once.log_.size(), 200U);
  EXPECT_EQ(once.text_, often.text_);
  EXPECT_EQ(once.text_, odd.text_);
  EXPECT_EQ(once.deliveries_, odd.deliveries_);
  EXPECT_EQ(once.telemetry_, often.telemetry_);
}

TEST(Drill, AGreatMomentComesInPiecesInOrderToTheSameBytes) {
  auto crowded = small_scenario();
  for (int i = 0; i < 40; ++i) {
    scenario::Inject inject = crowded.injects[0];
    inject.id = "crowd-" + std::to_string(i);
    crowded.events[0].injects.push_back(inject.id);
    crowded.injects.push_back(std::move(inject));
  }
  Host whole(crowded), pieces(crowded);
  for (Host* host : {&whole, &pieces}) host->must(Control{.verb = Verb::kStart, .by = "white"}, 0);
  whole.advance(30 * kMin);
  std::size_t calls = 0, largest = 0;
  do {
    const Step step = pieces.drill().advance(pieces.at(30 * kMin), 50);
    largest = std::max(largest, step.entries.size());
    EXPECT_TRUE(step.entries.size() >= 50 || !pieces.drill().is_behind()) << "a piece is no less than was asked";
    pieces.keep(step);
    ++calls;
  } while (pieces.drill().is_behind());
  EXPECT_FALSE(whole.drill().is_behind());
  EXPECT_GT(calls, 5U);
  EXPECT_LT(largest, 50U + 1'000U) << "what one event brings at once stays whole, nothing else does";
  EXPECT_EQ(pieces.text_, whole.text_);
  EXPECT_EQ(pieces.drill().now_ms(), whole.drill().now_ms());
  // An input in the middle of a moment comes after all of it.
  Host between(crowded);
  between.must(Control{.verb = Verb::kStart, .by = "white"}, 0);
  between.keep(between.drill().advance(between.at(30 * kMin), 50));
  EXPECT_TRUE(between.drill().is_behind());
  between.must(alert("lt-blue"), 30 * kMin);
  whole.must(alert("lt-blue"), 30 * kMin);
  EXPECT_EQ(between.text_, whole.text_);
  // Later offers alone.
  const std::uint64_t before = whole.drill().outs();
  EXPECT_EQ(whole.drill().pending_deliveries().size() + whole.drill().pending_telemetry().size(), before);
  EXPECT_TRUE(whole.drill().pending_deliveries(before).empty());
}

TEST(Drill, EntriesAreAsAReaderOfTheLogSeesThem) {
  Host host;
  play(host, 0);
  const LogRead read = read_log(host.text_, "t");
  ASSERT_FALSE(read.trouble) << read.trouble->text();
  ASSERT_EQ(read.entries.size(), host.log_.size());
  // Kinds of numbers are the same, too: whoever asks is_int64 gets one answer.
  const auto kinds = [](const JsonObject& data) {
    std::map<std::string, int> out;
    for (const auto& pair : data) out[std::string(pair.key())] = static_cast<int>(pair.value().kind());
    return out;
  };
  for (std::size_t i = 0; i < read.entries.size(); ++i)
    EXPECT_EQ(kinds(read.entries[i].data), kinds(host.log_[i].data)) << i;
}

TEST(Drill, GoesOnFromEveryEntryToTheSameEnd) {
  Host whole;
  play(whole, 0);
  const auto story = whole_story();
  std::multimap<std::string, int> ids;
  for (const Delivery& d : whole.deliveries_) ids.emplace(d.id, 0);
  std::set<std::string> unique;
  for (const Delivery& d : whole.deliveries_) unique.insert(d.id);
  EXPECT_EQ(unique.size(), ids.size()) << "no id twice";
  std::size_t checked = 0;
  for (std::size_t cut = 1; cut <= whole.log_.size(); ++cut) {
    const std::span<const Entry> before(whole.log_.data(), cut);
    auto begun = Drill::resume(whole.scenario_, switch_ranges(), before);
    ASSERT_TRUE(begun) << cut << ": " << begun.error().text();
    std::vector<Entry> log(before.begin(), before.end());
    std::set<std::string> out;
    // What was logged before the cut on a branch that a jump undid is offered no more.
    for (const Entry* entry : counting(before))
      if (entry->kind == Kind::kDelivery) out.insert(entry->ref);
    std::set<std::string> offered;
    for (const Delivery& d : begun->step.deliveries) offered.insert(d.id);
    for (const std::string& id : out) ASSERT_TRUE(offered.contains(id)) << cut << ": " << id << " is lost";
    const auto keep = [&](const Step& step) { log.insert(log.end(), step.entries.begin(), step.entries.end()); };
    keep(begun->step);
    std::size_t inputs = 0;
    for (const Entry& entry : before)
      if (*input_of(entry)) ++inputs;
    for (std::size_t i = inputs; i < story.size(); ++i) {
      auto step = begun->drill.take(story[i].second, kBegin + std::chrono::milliseconds(story[i].first));
      ASSERT_TRUE(step) << cut << ": " << step.error().text();
      keep(*step);
    }
    keep(begun->drill.advance(kBegin + 90min));
    LogWriter writer;
    std::string text;
    for (const Entry& entry : log) text += writer.line(entry);
    ASSERT_EQ(text, whole.text_) << "cut after entry " << cut;
    ++checked;
  }
  EXPECT_EQ(checked, whole.log_.size());
}

TEST(Drill, WhatIsNotReportedDeliveredIsOfferedAgainUnderTheSameId) {
  Host host;
  host.must(Control{.verb = Verb::kStart}, 0);
  host.advance(12 * kMin);
  ASSERT_EQ(host.deliveries_.size(), 3U);
  host.must(Evidence{.as = As::kDelivered, .object = host.deliveries_[0].id}, 12 * kMin);
  host.must(Evidence{.as = As::kAcknowledged, .team = "ua-blue", .object = host.deliveries_[1].id}, 12 * kMin);
  const std::size_t before = host.log_.size();
  host.must(Evidence{.as = As::kDelivered, .object = host.deliveries_[0].id}, 12 * kMin);
  EXPECT_EQ(host.log_.size(), before) << "told twice, kept once";
  host.must(Evidence{.as = As::kDelivered, .object = host.deliveries_[1].id}, 12 * kMin);
  host.must(Evidence{.as = As::kDelivered, .object = host.deliveries_[1].id}, 12 * kMin);
  EXPECT_EQ(host.log_.size(), before + 1) << "it was acknowledged before: that it went is kept, once";
  EXPECT_EQ(host.take(Evidence{.as = As::kDelivered, .object = "1/phish/9/lt-blue/0"}, 12 * kMin).error().code,
            ErrorCode::kNotFound);
  const auto again = Drill::resume(host.scenario_, switch_ranges(), host.log_);
  ASSERT_TRUE(again) << again.error().text();
  ASSERT_EQ(again->step.deliveries.size(), 1U);
  EXPECT_EQ(again->step.deliveries[0], host.deliveries_[2]);
  EXPECT_EQ(again->step.telemetry, host.telemetry_);
  EXPECT_TRUE(again->step.entries.empty());
}

TEST(Drill, ALogOfAnotherScenarioOrWithAnotherEntryIsRefused) {
  Host host;
  host.must(Control{.verb = Verb::kStart}, 0);
  host.advance(30 * kMin);
  auto other = small_scenario();
  other.injects[0].when.delay = 1min;
  EXPECT_EQ(Drill::resume(other, switch_ranges(), host.log_).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(Drill::resume(host.scenario_, switch_ranges(), {}).error().code, ErrorCode::kCorrupt);
  std::vector<Entry> log = host.log_;
  const auto fired = std::ranges::find(log, Kind::kFired, &Entry::kind);
  fired->ref = "open";
  const auto refused = Drill::resume(host.scenario_, switch_ranges(), log);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().where.line, fired->seq);
  log = host.log_;
  log.erase(log.begin() + 3);
  EXPECT_FALSE(Drill::resume(host.scenario_, switch_ranges(), log));
}

TEST(Drill, AJumpBackLivesTheTimeAgainWithoutWhatCameAfter) {
  Host host;
  host.must(Control{.verb = Verb::kStart}, 0);
  host.must(alert("lt-blue"), 12 * kMin);
  host.must(Evidence{.as = As::kOrder, .team = "lt-blue", .type = "breaker-open", .target = "cb2"}, 13 * kMin);
  host.advance(50 * kMin);
  EXPECT_FALSE(host.drill().services("lt-blue")[0].up);
  EXPECT_EQ(host.take(Control{.verb = Verb::kJumpBack, .to_ms = 51 * kMin}, 50 * kMin).error().where.field, "to_ms");
  host.must(Control{.verb = Verb::kJumpBack, .by = "white", .to_ms = 15 * kMin}, 50 * kMin);
  EXPECT_EQ(host.drill().now_ms(), 15 * kMin);
  EXPECT_EQ(host.drill().run(), 2U);
  EXPECT_TRUE(host.drill().services("lt-blue")[0].up) << "cb1 is closed again";
  EXPECT_FALSE(host.drill().services("lt-blue")[1].up) << "what was ordered before stays";
  EXPECT_EQ(host.drill().fired(), 3U);
  host.advance(70 * kMin);  // drill: 35 min
  EXPECT_FALSE(host.drill().services("lt-blue")[0].up);
  std::size_t undone = 0;
  const auto counts = counting(host.log_);
  std::set<std::string> ids;
  for (const Entry* entry : counts)
    if (entry->kind == Kind::kDelivery || entry->kind == Kind::kTelemetry)
      EXPECT_TRUE(ids.insert(entry->ref).second) << entry->ref;
  for (const Entry& entry : host.log_)
    if (entry.run == 1 && entry.at_ms > 15 * kMin) ++undone;
  EXPECT_EQ(counts.size(), host.log_.size() - undone);
  const auto open = host.of(Kind::kFired, "open", "lt-blue");
  ASSERT_EQ(open.size(), 2U);
  EXPECT_EQ(open[0]->at_ms, open[1]->at_ms) << "the same seed, the same moment";
  EXPECT_EQ(open[1]->run, 2U);
  for (const Delivery& d : host.drill().pending_deliveries())
    EXPECT_TRUE(d.due_ms <= 15 * kMin ? d.id.starts_with("1/") : d.id.starts_with("2/")) << d.id;
}

TEST(Drill, LabelsThatLetTooMuchThroughAreToldAtOnce) {
  Host host;
  host.must(Control{.verb = Verb::kStart}, 0);
  host.advance(11 * kMin);
  const auto rules = [&](const Evidence& evidence) {
    const std::size_t before = host.log_.size();
    host.must(evidence, 11 * kMin);
    std::vector<std::string> out;
    for (std::size_t i = before; i < host.log_.size(); ++i)
      if (host.log_[i].kind == Kind::kViolation) out.emplace_back(host.log_[i].data.at("rule").as_string());
    return out;
  };
  using Rules = std::vector<std::string>;
  EXPECT_EQ(rules(share("lt-blue", {"ua-blue"})), Rules{});
  EXPECT_EQ(rules(share("lt-blue", {"ua-blue"}, "amber marked to:cert-ua")), Rules{})
      << "stricter, and the recipient is named";
  EXPECT_EQ(rules(share("lt-blue", {"ua-blue"}, "green marked")), Rules{"laxer-than-asked"});
  EXPECT_EQ(rules(share("lt-blue", {"ua-blue"}, "clear marked")), (Rules{"laxer-than-asked", "laxer-than-exercise"}));
  EXPECT_EQ(rules(share("lt-blue", {"ua-blue"}, "")), Rules{"no-label"});
  EXPECT_EQ(rules(share("lt-blue", {"ua-blue"}, "pink")), Rules{"no-label"});
  EXPECT_EQ(rules(share("lt-blue", {"pl-blue"}, "amber marked to:cert-ua")), Rules{"recipient-kept-out"});
  EXPECT_EQ(rules(share("lt-blue", {"ua-blue"}, "red marked")), Rules{"recipient-kept-out"});
  EXPECT_EQ(rules(share("lt-blue", {"the-world"})), Rules{"outside"});
  EXPECT_EQ(rules(share("lt-blue", {"lt-blue.soc"}, "")), Rules{}) << "at home";
  EXPECT_EQ(rules({.as = As::kViolation,
                   .team = "lt-blue",
                   .object = "report--1",
                   .type = "caveat",
                   .to = {"ua-blue"},
                   .text = "NOFORN"}),
            Rules{"caveat"});
}

TEST(Drill, FormsAreGradedAndAppealedAlsoAfterTheEnd) {
  Host host;
  host.must(Control{.verb = Verb::kStart}, 0);
  host.must(Evidence{.as = As::kForm, .team = "lt-blue", .object = "f1", .type = "sitrep"}, 20 * kMin);
  const std::uint64_t form = host.log_.back().seq;
  host.must(Control{.verb = Verb::kEnd, .by = "white"}, 30 * kMin);
  EXPECT_EQ(host.drill().state(), State::kEnded);
  EXPECT_EQ(host.take(alert("lt-blue"), 31 * kMin).error().code, ErrorCode::kConflict);
  EXPECT_EQ(host.take(Control{.verb = Verb::kJumpBack}, 31 * kMin).error().code, ErrorCode::kConflict);
  EXPECT_EQ(host.take(Grade{.form = 1, .by = "g1", .part = 1}, 31 * kMin).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(host.take(Grade{.form = form, .part = 1}, 31 * kMin).error().where.field, "by");
  host.must(Grade{.form = form, .by = "g1", .part = 0.5}, 31 * kMin);
  EXPECT_EQ(host.take(Appeal{.form = form, .team = "ua-blue", .why = "no"}, 31 * kMin).error().code,
            ErrorCode::kDenied);
  host.must(Appeal{.form = form, .team = "lt-blue", .by = "lt/jonas", .why = "it was there"}, 31 * kMin);
  host.must(Ruling{.form = form, .by = "white", .part = 1, .why = "it was"}, 32 * kMin);
  const auto again = Drill::resume(host.scenario_, switch_ranges(), host.log_);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->drill.state(), State::kEnded);
}

TEST(Drill, BackgroundComesInBatchesUnderTheSeed) {
  Host host(small_scenario(), {.background = scenario::Duration(60'000), .background_per_minute = 30});
  host.must(Control{.verb = Verb::kStart}, 0);
  host.advance(5 * kMin);
  EXPECT_EQ(host.telemetry_.size(), 15U);
  for (const TelemetryLines& lines : host.telemetry_) EXPECT_EQ(std::ranges::count(lines.lines, '\n'), 30);
  EXPECT_NE(host.telemetry_[0].lines, host.telemetry_[3].lines);
}

TEST(Drill, NobodyToExerciseIsAnError) {
  auto scenario = small_scenario();
  std::erase_if(scenario.entities, [](const auto& e) { return e.role == scenario::Role::kBlue; });
  EXPECT_EQ(Drill::open(scenario, {}, switch_ranges(), kBegin).error().code, ErrorCode::kInvalid);
  const RangeMaker none = [](const std::string& team) -> Result<std::unique_ptr<RangeCopy>> {
    return fail(ErrorCode::kInvalid, "no range for " + team);
  };
  EXPECT_EQ(Drill::open(small_scenario(), {}, none, kBegin).error().message, "no range for lt-blue");
}

}  // namespace
}  // namespace bongsu::exercise::drill
