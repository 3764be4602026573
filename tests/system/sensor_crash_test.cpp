// Rules that end the sensor, or keep it for ever: the real supervisor, feed and journal, and a sensor that really dies,
// again and again, until the rule is found.
//
// This program is its own sensor: started as `… sensor --fd 3 --work 4` it runs run_sensor_process. In it the names of
// rules say what they do to the process (sensor_crash_faults.cpp).
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "journal/journal.h"
#include "node/detection_feed.h"
#include "node/rules_aside.h"
#include "node/sensor/sensor_process.h"
#include "node/sensor/supervisor.h"

namespace bongsu::node {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kPatience = 90s;
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSandbox = false;  // it refuses what sanitizers need
#else
constexpr bool kSandbox = true;
#endif

std::string rule_named(const std::string& name, std::string_view marker) {
  return fmt::format("rule {} {{ strings: $a = \"{}\" condition: $a }}", name, marker);
}

class SensorCrash : public ::testing::Test {
 protected:
  fs::path base;
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<journal::Journal> journal = journal::make_memory_journal(clock, random);
  std::unique_ptr<RulesAside> aside;
  std::unique_ptr<SensorSupervisor> sensor;
  std::unique_ptr<DetectionFeed> feed;
  bool archive = false;
  std::mutex mutex;
  std::map<std::string, std::string> positions;
  std::multiset<std::pair<std::string, std::uint64_t>> hits;  // name of the rule, line
  std::set<std::tuple<std::uint64_t, std::uint64_t, std::string>> alert_keys;
  int next = 1;

  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "bongsu-sensor-crash-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    base = pattern;
    fs::create_directories(base / "logs");
  }
  void TearDown() override {
    stop();
    std::error_code ec;
    fs::remove_all(base, ec);
  }

  // As node.cpp does it.
  void start(const SupervisorTimes& times = {
                 .silence = 20s, .longest_step = 20s, .first_wait = 50ms, .longest_wait = 400ms}) {
    aside = std::move(*RulesAside::open(base / "rules-aside.json"));
    sensor = std::make_unique<SensorSupervisor>(
        "/proc/self/exe",
        SensorCallbacks{
            .configure =
                [this] {
                  StartMessage message{.sources = {{.path = (base / "logs").string()}}, .sandbox = kSandbox};
                  if (archive) {
                    fs::create_directories(base / "telemetry");
                    message.archive = {.directory = (base / "telemetry").string(),
                                       .share_percent = 100,
                                       .commit_every_ms = 20,
                                       .hunt_every_ms = 50};
                  }
                  const std::lock_guard lock(mutex);
                  for (const auto& [file, position] : positions) message.positions.push_back({file, position});
                  return message;
                },
            .started = [this] { feed->sensor_started(); },
            .alerts = [this](AlertsMessage&& message) -> Result<void> {
              const std::lock_guard lock(mutex);
              for (const auto& alert : message.alerts)
                if (alert_keys.emplace(alert.indicator_ref, alert.position.offset, alert.field).second)
                  hits.emplace(alert.rule ? alert.rule->name : alert.value.text, alert.position.line);
              for (auto& update : message.positions) positions.insert_or_assign(update.file, update.position);
              return {};
            },
            .stats = {},
            .refused = [this](std::uint64_t generation,
                              const RefusedMessage& rules) { feed->refused(generation, rules); },
            .guilty = [this](const CrashWatch::Guilty& rule) { EXPECT_TRUE(feed->set_aside(rule.ref, rule.reason)); }},
        *log, times);
    feed = std::make_unique<DetectionFeed>(*journal, *sensor, *aside, clock, *log);
    feed->start();
    sensor->start();
  }
  void stop() {
    if (feed) feed->stop();
    if (sensor) sensor->stop();
    feed.reset();
    sensor.reset();
  }

  std::string give(const std::string& pattern, const std::string& type = "yara") {
    const int number = next++;
    const std::string id = fmt::format("indicator--00000000-0000-4000-8000-{:012}", number),
                      time = "2026-01-01T00:00:00Z";
    journal::Batch batch;
    batch.entries.push_back({.collection = "of-cert-ua",
                             .object_id = id,
                             .version = time,
                             .version_key = "1",
                             .origin = "cert-ua",
                             .payload = to_text(JsonObject{{"type", "indicator"},
                                                           {"spec_version", "2.1"},
                                                           {"id", id},
                                                           {"created", time},
                                                           {"modified", time},
                                                           {"pattern", pattern},
                                                           {"pattern_type", type},
                                                           {"valid_from", time}})});
    EXPECT_TRUE(journal->append(batch));
    return id;
  }
  void good_rules(int count) {
    for (int i = 0; i < count; ++i) give(rule_named(fmt::format("good_{}", i), fmt::format("good-marker-{:03}", i)));
  }
  void write_line(std::string_view text) {
    std::ofstream(base / "logs" / "events.ndjson", std::ios::app)
        << fmt::format("{{\"CommandLine\":\"program.exe {} and a little more of it\"}}\n", text);
  }
  void until(const std::string& what, const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!done()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end)
          << what << "; " << fmt::format("{}", fmt::join(sensor->status().problems, "\n"));
      std::this_thread::sleep_for(5ms);
    }
  }
  bool hit(const std::string& rule, std::uint64_t line) {
    const std::lock_guard lock(mutex);
    return hits.contains({rule, line});
  }
  void until_quiet() {
    until("loaded", [&] { return sensor->status().running && feed->status().loaded; });
    until("all in force", [&] { return sensor->status().applied >= feed->status().rules; });
  }

  // What every kind of bad rule comes to: set aside with its reason, everything else found, the sensor in peace.
  void expect_found(const std::string& bad, const std::string& reason, std::uint64_t most_restarts) {
    until("set aside", [&] { return !aside->list().empty(); });
    until("what came after it", [&] { return hit("good_7", 3); });
    EXPECT_TRUE(hit("good_3", 2)) << "the event itself";
    const auto list = aside->list();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0].indicator, bad);
    EXPECT_EQ(list[0].giver, "cert-ua");
    EXPECT_NE(list[0].reason.find(reason), std::string::npos) << list[0].reason;
    until_quiet();
    const auto status = sensor->status();
    EXPECT_LE(status.restarts, most_restarts);
    std::this_thread::sleep_for(1s);  // of peace
    EXPECT_EQ(sensor->status().restarts, status.restarts);
    EXPECT_EQ(feed->status().rules, 70U);
    std::uint64_t said = 0;
    for (const auto& [why, count] : feed->status().unsupported) said += why.starts_with("set aside: ") ? count : 0;
    EXPECT_EQ(said, 1U);
    // And after a restart of the keeper.
    stop();
    start();
    until_quiet();
    write_line("TRIGGER good-marker-009");
    until("an event like it", [&] { return hit("good_9", 4); });
    EXPECT_EQ(sensor->status().restarts, 0U);
    const std::lock_guard lock(mutex);
    EXPECT_EQ(hits.size(), 4U) << "each once";
  }
  void meet(const std::string& bad_rule, const std::string& reason, std::uint64_t most_restarts,
            const SupervisorTimes* times = nullptr) {
    good_rules(35);
    const std::string bad = give(bad_rule);
    for (int i = 35; i < 70; ++i) give(rule_named(fmt::format("good_{}", i), fmt::format("good-marker-{:03}", i)));
    times != nullptr ? start(*times) : start();
    until("loaded", [&] { return feed->status().loaded || sensor->status().restarts > 0; });
    write_line("good-marker-001");
    write_line("TRIGGER good-marker-003");
    write_line("good-marker-007");
    expect_found(bad, reason, most_restarts);
  }
};

TEST_F(SensorCrash, ARuleThatEndsTheSensorByASignalIsFoundAndSetAside) {
  meet(rule_named("ends_by_signal", "x-marker"), "signal 11", 4);
}

#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
TEST_F(SensorCrash, SoIsOneThatRunsOverTheStack) { meet(rule_named("ends_by_stack", "x-marker"), "signal 11", 4); }
#endif

TEST_F(SensorCrash, SoIsOneThatNeverComesBack) {
  const SupervisorTimes times{.silence = 3s, .longest_step = 3s, .first_wait = 50ms, .longest_wait = 400ms};
  meet(rule_named("ends_by_silence", "x-marker"), "no answer", 4, &times);
}

TEST_F(SensorCrash, SoIsOneThatEndsItWhileItIsBuilt) {
  meet(rule_named("ends_when_built", "x-marker"), "while it was built", 4);
}

// libyara's own limit ends each scan after a second; three such events, and the rules are tried apart, without a crash.
TEST_F(SensorCrash, OneThatRunsIntoItsLimitAgainAndAgainIsSetAsideWithoutACrash) {
  good_rules(10);
  const std::string bad = give(
      "rule endless { strings: $a = \"slow-marker\" condition: $a and for all i in (1..1000000000000) : (i > 0) }");
  start();
  until_quiet();
  for (int i = 0; i < 4; ++i) write_line(fmt::format("slow-marker {} good-marker-00{}", i, i));
  until("set aside", [&] { return !aside->list().empty(); });
  // The others are built without it while matching goes on: what came meanwhile was given up as before.
  std::uint64_t line = 4;
  until("what came after it", [&] {
    write_line(fmt::format("slow-marker again {} good-marker-009", ++line));
    std::this_thread::sleep_for(200ms);
    return hit("good_9", line) || hit("good_9", line - 1);
  });
  EXPECT_EQ(aside->list()[0].indicator, bad);
  EXPECT_NE(aside->list()[0].reason.find("did not come to an end"), std::string::npos) << aside->list()[0].reason;
  EXPECT_EQ(sensor->status().restarts, 0U);
  until("counted", [&] { return feed->status().rules == 10; });
}

TEST_F(SensorCrash, RulesThatDoHarmOnlyTogetherDoNotSeeTheEventAndNoneIsBlamed) {
  good_rules(8);
  give(rule_named("ends_together_a", "x-marker"));
  give(rule_named("ends_together_b", "y-marker"));
  for (int i = 0; i < 70; ++i) give(rule_named(fmt::format("more_{}", i), fmt::format("more-marker-{:03}", i)));
  start();
  until_quiet();
  write_line("TRIGGER good-marker-003");
  write_line("good-marker-007 and x-marker");
  until("what came after it", [&] { return hit("good_7", 2) && hit("ends_together_a", 2); });
  EXPECT_FALSE(hit("good_3", 1)) << "it was left out";
  EXPECT_TRUE(aside->list().empty());
  EXPECT_LE(sensor->status().restarts, 3U);
  const auto problems = sensor->status().problems;
  EXPECT_TRUE(std::ranges::any_of(problems, [](const std::string& text) {
    return text.find("do not see it") != std::string::npos;
  })) << fmt::format("{}", fmt::join(problems, "\n"));
}

TEST_F(SensorCrash, ARuleThatEndsItWhileItLooksBackIsFoundAsWell) {
  archive = true;
  good_rules(5);
  start();
  until_quiet();
  write_line("good-marker-001");
  write_line("TRIGGER good-marker-003");
  until("both", [&] { return hit("good_1", 1) && hit("good_3", 2); });
  const std::string bad = give(rule_named("ends_by_signal", "x-marker"));
  const std::string late = give(rule_named("late", "good-marker-001"));
  until("set aside", [&] { return !aside->list().empty(); });
  EXPECT_EQ(aside->list()[0].indicator, bad);
  until("the other one's hunt", [&] { return hit("late", 1); });
  const std::lock_guard lock(mutex);
  EXPECT_EQ(hits.size(), 3U);
}

// Whoever kills it, again and again, while rules are at work, makes no rule guilty.
TEST_F(SensorCrash, KillsFromOutsideAccuseNobody) {
  good_rules(70);
  start();
  for (int i = 0; i < 12; ++i) {
    write_line(fmt::format("good-marker-{:03}", i));
    until("running", [&] { return sensor->status().running; });
    std::this_thread::sleep_for(std::chrono::milliseconds(i * 7 % 40));
    // Its parent is this process, and it has no other child.
    std::ifstream children(fmt::format("/proc/self/task/{}/children", ::getpid()));
    for (const auto& task : fs::directory_iterator("/proc/self/task")) {
      std::ifstream of(task.path() / "children");
      for (pid_t child; of >> child;) ::kill(child, SIGKILL);
    }
    until("it is gone", [&, before = sensor->status().restarts] {
      return sensor->status().restarts > before || sensor->status().running;
    });
  }
  until_quiet();
  until("all lines", [&] { return hit("good_11", 12); });
  EXPECT_TRUE(aside->list().empty());
}

}  // namespace
}  // namespace bongsu::node

int main(int count, char** words) {
  if (count == 6 && std::string_view(words[1]) == "sensor")
    return bongsu::node::run_sensor_process(std::atoi(words[3]), std::atoi(words[5]));
  testing::InitGoogleTest(&count, words);
  return RUN_ALL_TESTS();
}
