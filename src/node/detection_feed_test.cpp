#include "node/detection_feed.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "base/json.h"
#include "node/stored_journal_test_support.h"

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;  // of a test that waits for the feed's thread

// What a sensor would look for: value → how many entries ask for it. Every generation begins with nothing.
class RecordingSensor final : public IndicatorSink {
 public:
  Result<void> add(std::uint64_t generation, const std::vector<detect::Indicator>& indicators) override {
    const std::lock_guard lock(mutex_);
    if (generation != generation_ || (fail_at_ > 0 && --fail_at_ == 0)) return gone();
    for (const auto& indicator : indicators) {
      held_[indicator.ref].insert(indicator.value.text);
      ever_.insert(indicator.value.text);
    }
    changed_.notify_all();
    return {};
  }
  Result<void> add_rules(std::uint64_t generation, const std::vector<detect::Rule>& rules) override {
    const std::lock_guard lock(mutex_);
    if (generation != generation_) return gone();
    for (const auto& rule : rules) held_[rule.ref].insert("rule:" + std::string(to_string(rule.language)) + ":" + rule.text);
    changed_.notify_all();
    return {};
  }
  Result<void> remove(std::uint64_t generation, const std::vector<std::uint64_t>& refs) override {
    const std::lock_guard lock(mutex_);
    if (generation != generation_) return gone();
    for (const auto ref : refs) held_.erase(ref);
    changed_.notify_all();
    return {};
  }
  Result<void> loaded(std::uint64_t generation) override {
    const std::lock_guard lock(mutex_);
    if (generation != generation_) return gone();
    loaded_ = true;
    changed_.notify_all();
    return {};
  }
  void restart() override {
    const std::lock_guard lock(mutex_);
    ++restarts;
  }
  std::uint64_t generation() const override {
    const std::lock_guard lock(mutex_);
    return generation_;
  }

  void begin() {
    const std::lock_guard lock(mutex_);
    ++generation_;
    held_.clear();
    ever_.clear();
    loaded_ = false;
  }
  void fail_at(int call) {
    const std::lock_guard lock(mutex_);
    fail_at_ = call;
  }
  bool wait_for(const std::string& value) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return ever_.contains(value); });
  }
  bool wait_loaded() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return loaded_; });
  }
  bool wait_failed() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return failed_; });
  }
  // Values looked for, each as often as entries ask for it.
  std::multiset<std::string> values() const {
    const std::lock_guard lock(mutex_);
    std::multiset<std::string> out;
    for (const auto& [ref, values] : held_)
      for (const auto& value : values)
        if (!value.starts_with("marker")) out.insert(value);
    return out;
  }
  std::atomic<int> restarts = 0;

 private:
  std::unexpected<Error> gone() {
    failed_ = true;
    changed_.notify_all();
    return fail(ErrorCode::kUnavailable, "the sensor is gone");
  }
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t generation_ = 0;
  std::map<std::uint64_t, std::set<std::string>> held_;
  std::set<std::string> ever_;  // of this generation
  bool loaded_ = false, failed_ = false;
  int fail_at_ = 0;
};

using Values = std::multiset<std::string>;

bool wait_until(const std::function<bool()>& done) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!done() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(1ms);
  return done();
}

class DetectionFeedTest : public ::testing::Test {
 protected:
  explicit DetectionFeedTest(bool in_file = false)
      : journal(in_file ? stored.open(clock) : journal::make_memory_journal(clock, random)) {}

  FakeClock clock;
  SeededRandom random{11};
  std::unique_ptr<Log> log = make_null_log();
  test::StoredJournal stored;
  std::unique_ptr<journal::Journal> journal;
  RecordingSensor sensor;
  std::unique_ptr<RulesAside> aside = *RulesAside::open(stored.directory() / "rules-aside.json");
  DetectionFeed feed{*journal, sensor, *aside, clock, *log};
  int markers = 0;

  void SetUp() override { feed.start(); }
  void new_sensor() {
    sensor.begin();
    feed.sensor_started();
  }

  static std::string id_of(int number) { return fmt::format("indicator--00000000-0000-4000-8000-{:012}", number); }
  static std::string time_of(int version) {
    return fmt::format("2026-01-01T00:{:02}:{:02}Z", version / 60, version % 60);
  }
  journal::Seq append(journal::NewEntry entry) {
    journal::Batch batch;
    batch.entries.push_back(std::move(entry));
    const auto receipt = journal->append(batch);
    EXPECT_TRUE(receipt) << receipt.error().text();
    return receipt->entries.at(0).seq;
  }
  journal::NewEntry entry(int number, int version, const std::string& origin, std::string payload) {
    return {.collection = "of-" + origin,
            .object_id = id_of(number),
            .version = time_of(version),
            .version_key = fmt::format("{:09}", version),
            .origin = origin,
            .payload = std::move(payload)};
  }
  static std::string bytes(int number, int version, const std::string& pattern, bool revoked = false,
                           const char* pattern_type = "stix") {
    JsonObject o;
    o["type"] = "indicator";
    o["spec_version"] = "2.1";
    o["id"] = id_of(number);
    o["created"] = time_of(0);
    o["modified"] = time_of(version);
    o["pattern"] = pattern;
    o["pattern_type"] = pattern_type;
    o["valid_from"] = time_of(0);
    if (revoked) o["revoked"] = true;
    return to_text(o);
  }
  static std::string domain(const std::string& name) { return fmt::format("[domain-name:value = '{}']", name); }
  journal::Seq give(int number, int version, const std::string& origin, const std::string& name) {
    return append(entry(number, version, origin, bytes(number, version, domain(name))));
  }
  journal::Seq revoke(int number, int version, const std::string& origin) {
    return append(entry(number, version, origin, bytes(number, version, domain("revoked.example"), true)));
  }
  // Of one version, or of all (0).
  void withdraw(int number, const std::string& origin, int version = 0) {
    append({.kind = journal::EntryKind::kDeletion,
            .collection = "of-" + origin,
            .object_id = id_of(number),
            .version = version == 0 ? "" : time_of(version),
            .version_key = version == 0 ? "" : fmt::format("{:09}", version),
            .origin = origin});
  }
  void erase(int number) { ASSERT_TRUE(journal->erase(id_of(number), "cert-lt")); }

  // Everything that was committed before has reached the sensor.
  Values settled() {
    const int marker = ++markers;
    give(900'000 + marker, 1, "cert-lt", fmt::format("marker{}.example", marker));
    EXPECT_TRUE(sensor.wait_for(fmt::format("marker{}.example", marker))) << "the feed stands still";
    // What it says of itself follows what it sent.
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (feed.status().cursor < journal->last_seq() && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return sensor.values();
  }
  // What a sensor that starts now is given.
  Values anew() {
    new_sensor();
    EXPECT_TRUE(sensor.wait_loaded());
    return sensor.values();
  }
};

class StoredDetectionFeedTest : public DetectionFeedTest {
 protected:
  StoredDetectionFeedTest() : DetectionFeedTest(true) {}
};

TEST_F(DetectionFeedTest, FollowsAnIndicatorFromItsFirstVersionToItsRevocation) {
  new_sensor();
  EXPECT_EQ(settled(), Values{});
  give(1, 1, "cert-ua", "one.example");
  EXPECT_EQ(settled(), Values{"one.example"});
  give(1, 2, "cert-ua", "two.example");
  EXPECT_EQ(settled(), Values{"two.example"});
  revoke(1, 3, "cert-ua");
  EXPECT_EQ(settled(), Values{});
  EXPECT_EQ(sensor.restarts, 0);
}

TEST_F(DetectionFeedTest, AnIndicatorOfSeveralValuesGoesAsAWhole) {
  new_sensor();
  append(entry(1, 1, "cert-ua",
               bytes(1, 1, "[domain-name:value IN ('a.example', 'b.example')] OR [ipv4-addr:value = '198.51.100.7']")));
  EXPECT_EQ(settled(), (Values{"198.51.100.7", "a.example", "b.example"}));
  withdraw(1, "cert-ua");
  EXPECT_EQ(settled(), Values{});
}

TEST_F(DetectionFeedTest, AnOlderVersionThatComesLateChangesNothing) {
  new_sensor();
  give(1, 5, "cert-ua", "new.example");
  give(1, 4, "cert-ua", "old.example");
  EXPECT_EQ(settled(), Values{"new.example"});
  revoke(2, 5, "cert-ua");
  give(2, 4, "cert-ua", "revoked-before.example");
  EXPECT_EQ(settled(), Values{"new.example"});
  EXPECT_EQ(anew(), Values{"new.example"});
}

TEST_F(DetectionFeedTest, WhatIsWithdrawnOrErasedGoesAndDoesNotComeBack) {
  new_sensor();
  for (int i = 1; i <= 4; ++i) give(i, 1, "cert-ua", fmt::format("d{}.example", i));
  EXPECT_EQ(settled().size(), 4u);
  withdraw(1, "cert-ua");
  erase(2);
  revoke(3, 2, "cert-ua");
  EXPECT_EQ(settled(), Values{"d4.example"});
  EXPECT_EQ(anew(), Values{"d4.example"});
  EXPECT_EQ(settled(), Values{"d4.example"});
}

TEST_F(DetectionFeedTest, WhatIsLeftOfAnObjectDecides) {
  new_sensor();
  give(1, 1, "cert-ua", "one.example");
  give(1, 2, "cert-ua", "two.example");
  EXPECT_EQ(settled(), Values{"two.example"});
  withdraw(1, "cert-ua", 2);
  EXPECT_EQ(settled(), Values{"one.example"});
  EXPECT_EQ(anew(), Values{"one.example"});
}

TEST_F(DetectionFeedTest, ACopyInAnotherCollectionKeepsItInForce) {
  new_sensor();
  give(1, 1, "cert-ua", "one.example");
  auto copy = entry(1, 1, "cert-ua", bytes(1, 1, domain("one.example")));
  copy.collection = "second";
  append(std::move(copy));
  EXPECT_EQ(settled(), Values{"one.example"}) << "once, not twice";
  withdraw(1, "cert-ua");
  EXPECT_EQ(settled(), Values{"one.example"});
  EXPECT_EQ(anew(), Values{"one.example"});
}

TEST_F(DetectionFeedTest, APartnerReplacesAndWithdrawsItsOwnVersionsOnly) {
  new_sensor();
  give(1, 1, "cert-ua", "ua.example");
  give(1, 9, "cert-pl", "pl.example");
  EXPECT_EQ(settled(), (Values{"pl.example", "ua.example"})) << "a later version of another does not replace";
  give(1, 2, "cert-ua", "ua2.example");
  EXPECT_EQ(settled(), (Values{"pl.example", "ua2.example"}));
  revoke(1, 10, "cert-pl");
  EXPECT_EQ(settled(), Values{"ua2.example"});
  EXPECT_EQ(anew(), Values{"ua2.example"});
  give(2, 1, "cert-ua", "second.example");
  give(2, 1, "cert-pl", "second.example");
  withdraw(2, "cert-pl");
  EXPECT_EQ(settled(), (Values{"second.example", "ua2.example"}));
  EXPECT_EQ(anew(), (Values{"second.example", "ua2.example"}));
  erase(2);
  EXPECT_EQ(settled(), Values{"ua2.example"}) << "erased is erased, whoever gave it";
}

TEST_F(DetectionFeedTest, ASensorThatStartsAgainGetsTheLivingAndNothingElse) {
  for (int i = 1; i <= 30; ++i) give(i, 1, "cert-ua", fmt::format("d{}.example", i));
  for (int i = 1; i <= 10; ++i) revoke(i, 2, "cert-ua");
  for (int i = 11; i <= 20; ++i) withdraw(i, "cert-ua");
  Values living;
  for (int i = 21; i <= 30; ++i) living.insert(fmt::format("d{}.example", i));
  for (int round = 0; round < 3; ++round) EXPECT_EQ(anew(), living);
  EXPECT_EQ(settled(), living);
  const DetectionStatus status = feed.status();
  EXPECT_TRUE(status.loaded);
  EXPECT_EQ(status.indicators, living.size() + 1) << "and the marker";
}

TEST_F(DetectionFeedTest, ASensorThatDiesInTheMiddleIsServedAnewWithoutBeingRestarted) {
  for (int i = 1; i <= 20; ++i) give(i, 1, "cert-ua", fmt::format("d{}.example", i));
  sensor.fail_at(1);
  new_sensor();
  ASSERT_TRUE(sensor.wait_failed());
  EXPECT_EQ(anew().size(), 20u);
  EXPECT_EQ(sensor.restarts, 0) << "the supervisor sees itself that it is gone";
}

TEST_F(DetectionFeedTest, WhatCannotBeMatchedIsSaidAndCostsItselfOnly) {
  new_sensor();
  append(entry(1, 1, "cert-ua", bytes(1, 1, "alert tcp any", false, "snort")));
  append(entry(2, 1, "cert-ua", bytes(2, 1, "[file:name = ")));
  append(entry(3, 1, "cert-ua", bytes(3, 1, "alert udp any", false, "snort")));
  append(entry(4, 1, "cert-ua", "{not JSON"));
  give(5, 1, "cert-ua", "good.example");
  EXPECT_EQ(settled(), Values{"good.example"});
  const auto unsupported = feed.status().unsupported;
  std::uint64_t total = 0;
  for (const auto& [reason, count] : unsupported) total += count;
  EXPECT_EQ(total, 4u);
  EXPECT_EQ(unsupported.at("patterns of type snort are not matched"), 2u);
  EXPECT_EQ(sensor.restarts, 0);
  // A version that cannot be matched takes the place of one that could.
  append(entry(5, 2, "cert-ua", bytes(5, 2, "alert ip any", false, "snort")));
  EXPECT_EQ(settled(), Values{});
  EXPECT_EQ(anew(), Values{});
}

TEST_F(DetectionFeedTest, ARuleThatIsSetAsideIsGivenToNoFurtherSensorWhoeverElseGivesTheSameText) {
  new_sensor();
  const auto bad = append(entry(1, 1, "cert-ua", bytes(1, 1, "rule a { condition: true }", false, "yara")));
  append(entry(2, 1, "cert-ua", bytes(2, 1, "rule b { condition: true }", false, "yara")));
  append(entry(3, 1, "cert-pl", bytes(3, 1, "rule a { condition: true }", false, "yara")));
  const auto value = give(4, 1, "cert-ua", "d.example");
  EXPECT_EQ(settled().size(), 4U);
  ASSERT_TRUE(feed.set_aside(bad, "it ended the sensor"));
  EXPECT_FALSE(feed.set_aside(value, "no rule"));
  EXPECT_FALSE(feed.set_aside(999'999, "no entry"));
  EXPECT_EQ(anew(), (Values{"rule:yara:rule b { condition: true }", "d.example"}));
  EXPECT_EQ(feed.status().rules, 1U);
  EXPECT_EQ(feed.status().unsupported.at("set aside: it ended the sensor"), 2U);
  const auto list = aside->list();
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].indicator, id_of(1));
  EXPECT_EQ(list[0].giver, "cert-ua");
  // A corrected version is tried.
  append(entry(1, 2, "cert-ua", bytes(1, 2, "rule a { condition: false }", false, "yara")));
  EXPECT_TRUE(settled().contains("rule:yara:rule a { condition: false }"));
  // One that ran into its limit is set aside by what the sensor says of it.
  const auto slow = append(entry(5, 1, "cert-ua", bytes(5, 1, "rule slow { condition: true }", false, "yara")));
  settled();
  feed.refused(sensor.generation(), {.rules = {{slow, "no end within 1 s", true}}});
  EXPECT_EQ(feed.status().unsupported.at("set aside: no end within 1 s"), 1U);
  EXPECT_FALSE(anew().contains("rule:yara:rule slow { condition: true }"));
  // And comes back when a person says so.
  ASSERT_TRUE(aside->take_back(list[0].digest.substr(0, 12)));
  EXPECT_TRUE(anew().contains("rule:yara:rule a { condition: true }"));
}

TEST_F(DetectionFeedTest, RulesGoTheWayOfValuesAndRefusedOnesAreSaid) {
  new_sensor();
  append(entry(1, 1, "cert-ua", bytes(1, 1, "[file:name MATCHES 'x.*']")));
  const auto bad = append(entry(2, 1, "cert-ua", bytes(2, 1, "title: x", false, "sigma")));
  append(entry(3, 1, "cert-ua", bytes(3, 1, "rule a { condition: true }", false, "yara")));
  const Values all{"rule:stix:[file:name MATCHES 'x.*']", "rule:sigma:title: x", "rule:yara:rule a { condition: true }"};
  EXPECT_EQ(settled(), all);
  EXPECT_EQ(anew(), all);
  EXPECT_EQ(feed.status().rules, 3U);
  const std::uint64_t before = feed.status().indicators;
  feed.refused(sensor.generation() - 1, {.rules = {{bad, "of a sensor that is gone", false}}});
  EXPECT_EQ(feed.status().rules, 3U);
  feed.refused(sensor.generation(), {.rules = {{bad, "no condition", false}, {bad, "no condition", false}, {999'999, "unknown", false}}});
  EXPECT_EQ(feed.status().rules, 2U);
  EXPECT_EQ(feed.status().indicators, before - 1);
  EXPECT_EQ(feed.status().unsupported.at("no condition"), 1U);
  // A value takes the place of a rule, and a rule that of a value.
  give(1, 2, "cert-ua", "value.example");
  append(entry(3, 2, "cert-ua", bytes(3, 2, "rule b { condition: true }", false, "yara")));
  EXPECT_EQ(settled(), (Values{"value.example", "rule:sigma:title: x", "rule:yara:rule b { condition: true }"}));
  withdraw(3, "cert-ua", 2);
  withdraw(2, "cert-ua");
  EXPECT_EQ(settled(), (Values{"rule:yara:rule a { condition: true }", "value.example"})) << "what is left of it";
}

TEST_F(StoredDetectionFeedTest, APayloadThatDoesNotOpenIsSaidAndCostsItselfOnly) {
  const auto older = give(1, 1, "cert-ua", "older.example");
  give(1, 2, "cert-ua", "newer.example");
  const auto lost = give(2, 1, "cert-ua", "lost.example");
  give(3, 1, "cert-ua", "good.example");
  stored.damage(older);
  stored.lose_key(lost);
  EXPECT_EQ(anew(), (Values{"good.example", "newer.example"}));
  EXPECT_EQ(feed.status().unsupported.at(std::string(kUnopened)), 2U);
  // What is left of the first is the damaged version; it is met by following now.
  withdraw(1, "cert-ua", 2);
  EXPECT_EQ(settled(), Values{"good.example"});
  EXPECT_EQ(feed.status().unsupported.at(std::string(kUnopened)), 3U);
  EXPECT_EQ(sensor.restarts, 0);
}

TEST_F(StoredDetectionFeedTest, BeginsAnewWhenTheJournalWasUnavailableAndTheSensorWasNot) {
  give(1, 1, "cert-ua", "one.example");
  std::vector<std::unique_ptr<journal::Snapshot>> all;
  for (;;) {
    all.push_back(journal->snapshot());
    if (!all.back()->entries(0, 1)) break;
    ASSERT_LT(all.size(), 10'000U);
  }
  new_sensor();
  EXPECT_TRUE(wait_until([&] { return sensor.restarts > 0; })) << "nobody else would see that the feed stands still";
  all.clear();
  EXPECT_EQ(anew(), Values{"one.example"});
}

// Hundreds of changes in an order that nobody chose: what was followed, what is read anew and what the rule says are
// one.
TEST_F(DetectionFeedTest, FollowedAndReadAnewAreTheSame) {
  struct Version {
    std::string name;  // empty: revoked
    bool gone = false;
  };
  const std::vector<std::string> members{"cert-ua", "cert-pl", "cert-fr"};
  std::map<std::pair<int, std::string>, std::map<int, Version>> model;
  const auto living = [&] {
    Values out;
    for (const auto& [_, versions] : model)
      for (auto at = versions.rbegin(); at != versions.rend(); ++at) {
        if (at->second.gone) continue;
        if (!at->second.name.empty()) out.insert(at->second.name);
        break;
      }
    return out;
  };
  const auto dice = [&](std::uint64_t sides) {
    std::array<std::uint8_t, 8> raw{};
    random.fill(raw);
    std::uint64_t out = 0;
    for (const auto byte : raw) out = out << 8 | byte;
    return static_cast<int>(out % sides);
  };
  new_sensor();
  std::set<int> erased;
  for (int step = 0; step < 600; ++step) {
    const int number = 1 + dice(12);
    const std::string& member = members[static_cast<std::size_t>(dice(3))];
    auto& versions = model[{number, member}];
    const int version = 1 + dice(40);
    if (const int what = dice(20); what < 11) {
      if (erased.contains(number) || versions.contains(version)) continue;
      const std::string name = fmt::format("i{}-{}-v{}.example", number, member, version);
      give(number, version, member, name);
      versions[version] = {name};
    } else if (what < 14) {
      if (erased.contains(number) || versions.contains(version)) continue;
      revoke(number, version, member);
      versions[version] = {};
    } else if (what < 16) {
      if (versions.empty()) continue;
      withdraw(number, member);
      for (auto& [_, one] : versions) one.gone = true;
    } else if (what < 18) {
      if (versions.empty()) continue;
      auto at = versions.begin();
      std::advance(at, dice(versions.size()));
      withdraw(number, member, at->first);
      at->second.gone = true;
    } else if (what == 18 && dice(10) == 0) {
      erase(number);
      erased.insert(number);
      for (auto& [key, all] : model)
        if (key.first == number)
          for (auto& [_, one] : all) one.gone = true;
    }
    if (step % 50 == 0) EXPECT_EQ(settled(), living()) << "after step " << step;
    if (step % 200 == 199) EXPECT_EQ(anew(), living()) << "anew after step " << step;
  }
  EXPECT_EQ(settled(), living());
  EXPECT_EQ(anew(), living());
  EXPECT_EQ(sensor.restarts, 0);
}

}  // namespace
}  // namespace bongsu::node
