// Hits become alerts and groups, durably: counts conserved, rebuilt equal, suppressed without a sound.
#include "flow/alert_triage.h"

#include <gtest/gtest.h>

#include "flow/alerts.h"
#include "flow/flow_test_support.h"

namespace bongsu::flow {
namespace {

using namespace test;
using namespace detect::triage;
using std::chrono::seconds;

const Sight kAll{.everything = true, .subjects = {}, .reads = {}};

class AlertTriageTest : public testing::Test {
 protected:
  void SetUp() override {
    node.agree("cert-a", agreement({"c1", "sightings"}, stix::Tlp::kAmber));
    node.apply({"c1", "mirror-a", "sightings"});
    make();
  }
  void make() {
    alerts = std::make_unique<Alerts>(*node.journal, *node.release, *node.markings, node.clock, node.random, *node.log,
                                      AlertsOptions{.self = "cert-self",
                                                    .identity_id = id_of("identity", 0xfe1f),
                                                    .sightings_collection = "sightings",
                                                    .triage = policy,
                                                    .techniques = techniques});
  }
  void restart() {
    node.reopen();
    node.apply({"c1", "mirror-a", "sightings"});
    make();
    ASSERT_TRUE(alerts->rebuild(nullptr));
  }
  const journal::Entry& indicator_entry(unsigned number) {
    auto& entry = entries[number];
    if (entry.seq == 0) {
      const auto seq = node.admit({indicator(number, {std::string(kGreen)})}, "mirror-a", "cert-a").items.back().seq;
      entry = node.journal->snapshot()->entry(seq).value();
    }
    return entry;
  }
  // Hit `n` of an indicator on host-`host`, so many seconds after the beginning of 2026.
  detect::Alert hit(unsigned number, unsigned host, unsigned n, unsigned second = 0) {
    const journal::Entry& entry = indicator_entry(number);
    detect::Alert a;
    a.indicator_id = entry.object_id;
    a.indicator_ref = entry.seq;
    a.value = {detect::Kind::kDomain, "evil" + std::to_string(number) + ".example"};
    a.field = "query";
    a.matched = "www." + a.value.text;
    a.position = {"dns.log", n, n + 1};
    a.entity = {detect::EntityKind::kHost, "host-" + std::to_string(host)};
    a.event_time = Instant{1'767'225'600 + second, 0};
    a.detected = node.clock.now() + seconds(1'000'000);
    a.event = "{\"n\":" + std::to_string(n) + "}";
    a.confidence = 80;
    a.source = "cert-a";
    a.label = entry.label;
    a.assign_id();
    return a;
  }
  std::vector<AlertRecord> raise(const std::vector<detect::Alert>& batch) {
    auto raised = alerts->raise(batch, {});
    EXPECT_TRUE(raised) << raised.error().text();
    return raised ? *raised : std::vector<AlertRecord>();
  }
  std::vector<std::int64_t> told() {  // counts of the sighting versions that cert-a sees
    std::vector<std::int64_t> out;
    auto reading = node.release->open("cert-a", "sightings");
    if (!reading) return out;
    const auto page = reading->snapshot->page(
        {.view = reading->view, .types = {"sighting"}, .last = false, .all = true, .limit = 1000});
    for (const auto& row : page->rows)
      out.push_back(*int_at(*parse_json(*reading->snapshot->released_payload(reading->view, row.pos)), "count"));
    return out;
  }
  Suppression suppression(SuppressionMatch match) {
    return {.id = {},
            .author = "olena",
            .reason = "our scanner",
            .created = {},
            .until = node.clock.now() + std::chrono::hours(24),
            .match = std::move(match)};
  }

  TestNode node;
  TriagePolicy policy;
  TechniqueLookup techniques;
  std::map<unsigned, journal::Entry> entries;
  std::unique_ptr<Alerts> alerts;
};

TEST_F(AlertTriageTest, AThousandHitsAreOneLineWithAThousandInside) {
  std::vector<detect::Alert> batch;
  for (unsigned n = 0; n < 1000; ++n) batch.push_back(hit(1, 7, n, n));
  EXPECT_EQ(raise(batch).size(), 1U);
  const auto check = [&] {
    const auto page = alerts->groups({}, kAll);
    ASSERT_EQ(page.groups.size(), 1U);
    const GroupView& group = page.groups[0];
    EXPECT_EQ(group.entity.text(), "host:host-7");
    EXPECT_EQ(group.hits, 1000U);
    EXPECT_EQ(group.unkept, 1000U - 1 - policy.kept_hits);
    EXPECT_EQ(group.first, (Instant{1'767'225'600, 0}));
    EXPECT_EQ(group.last, (Instant{1'767'225'600 + 999, 0}));
    EXPECT_EQ(group.risk, 56) << "80 % × 70 %";
    const auto part = alerts->group(group.id, false, 0, 10, kAll);
    ASSERT_TRUE(part);
    ASSERT_EQ(part->alerts.size(), 1U);
    EXPECT_EQ(part->alerts[0].tally.hits, 1000U);
    const auto hits = alerts->hits(part->alerts[0].alert.id, 0, 1000);
    ASSERT_TRUE(hits) << hits.error().text();
    ASSERT_EQ(hits->size(), 1 + policy.kept_hits);
    EXPECT_EQ((*hits)[0].position.line, 1U);
    EXPECT_EQ((*hits)[100].position.line, 101U);
    EXPECT_EQ((*hits)[100].matched, "www.evil1.example");
    EXPECT_EQ(alerts->hits(part->alerts[0].alert.id, 99, 50)->size(), 2U);
    EXPECT_EQ(alerts->counts().total, 1U);
  };
  check();
  restart();
  check();
  EXPECT_EQ(told(), std::vector<std::int64_t>{1000}) << "the originator is told of every hit";
}

TEST_F(AlertTriageTest, AnAlertIsOfOneIndicatorOneEntityAndOneWindow) {
  const struct {
    detect::Alert hit;
    std::size_t alerts, groups;  // after it
  } steps[] = {
      {hit(1, 1, 0, 0), 1, 1},
      {hit(1, 1, 1, 3599), 1, 1},  // within the window
      {hit(1, 1, 2, 3600), 2, 1},  // beyond it
      {hit(2, 1, 3, 10), 3, 1},    // another indicator, the same host
      {hit(1, 2, 4, 10), 4, 2},    // another host
      {hit(1, 1, 5, 86'399), 5, 1 + 1},
      {hit(1, 1, 6, 86'400), 5, 2},  // joins the alert a second before it, whatever its group
      {hit(1, 1, 7, 90'100), 6, 3},  // a day later: another group
      {hit(1, 1, 8, 2), 6, 3},       // late, as a hunt brings it: joins what it belongs to
  };
  for (const auto& step : steps) {
    raise({step.hit});
    EXPECT_EQ(alerts->counts().total, step.alerts) << step.hit.position.line;
    EXPECT_EQ(alerts->groups({}, kAll).total, step.groups) << step.hit.position.line;
  }
}

TEST_F(AlertTriageTest, TheSameMatchIsCountedOnceAlsoAcrossAStart) {
  raise({hit(1, 1, 0), hit(1, 1, 1), hit(1, 1, 2), hit(1, 1, 1)});
  raise({hit(1, 1, 2), hit(1, 1, 0)});
  EXPECT_EQ(alerts->totals(kAll).hits, 3U);
  restart();
  raise({hit(1, 1, 2), hit(1, 1, 1)});
  EXPECT_EQ(alerts->totals(kAll).hits, 3U);
  EXPECT_EQ(told(), std::vector<std::int64_t>{2}) << "more than one (told_count)";
}

TEST_F(AlertTriageTest, ASuppressedHitIsStoredAndCountedAndMakesNoSighting) {
  const auto rule = alerts->suppress(suppression({.entity = "host-9"}));
  ASSERT_TRUE(rule) << rule.error().text();
  raise({hit(1, 9, 0), hit(1, 9, 1), hit(1, 8, 2)});
  const auto check = [&] {
    EXPECT_EQ(alerts->counts(), (Alerts::Counts{.total = 1, .open = 1, .suppressed = 1}));
    EXPECT_EQ(alerts->list({}).size(), 1U);
    const auto hidden = alerts->list({.suppressed = true});
    ASSERT_EQ(hidden.size(), 1U);
    EXPECT_EQ(hidden[0].assessment.suppressed_by, rule->id);
    EXPECT_EQ(hidden[0].tally.hits, 2U);
    EXPECT_TRUE(hidden[0].sighting_id.empty());
    EXPECT_EQ(alerts->suppressed_hits(rule->id, kAll), 2U);
    EXPECT_EQ(alerts->groups({}, kAll).total, 1U);
    const auto groups = alerts->groups({.suppressed = true}, kAll);
    ASSERT_EQ(groups.total, 1U);
    EXPECT_EQ(groups.groups[0].suppressed_hits, 2U);
    EXPECT_EQ(groups.groups[0].hits, 0U);
    EXPECT_EQ(told(), std::vector<std::int64_t>{1});
  };
  check();
  restart();
  check();
  EXPECT_EQ(alerts->suppressions().at(0), *rule);
  node.clock.advance(std::chrono::hours(25));
  raise({hit(1, 9, 3)});
  EXPECT_EQ(alerts->counts().total, 2U) << "it has ended";
}

TEST_F(AlertTriageTest, SuppressionsAreRefusedByFieldAndEndByWhoeverSaysSo) {
  const auto good = suppression({.value = "evil1.example"});
  const auto with = [&](auto change) {
    auto s = good;
    change(s);
    return alerts->suppress(s).error().where.field;
  };
  EXPECT_EQ(with([](auto& s) { s.author = " "; }), "author");
  EXPECT_EQ(with([](auto& s) { s.reason = ""; }), "reason");
  EXPECT_EQ(with([](auto& s) { s.until = {}; }), "until");
  EXPECT_EQ(with([&](auto& s) { s.until = node.clock.now(); }), "until");
  EXPECT_EQ(with([&](auto& s) { s.until = node.clock.now() + kLongestSuppression + seconds(1); }), "until");
  EXPECT_EQ(with([](auto& s) { s.match = {}; }), "match");
  EXPECT_EQ(with([](auto& s) { s.match.entity = "user:10.0.0.0/8"; }), "match.entity");
  const auto made = alerts->suppress(good);
  ASSERT_TRUE(made);
  EXPECT_EQ(alerts->unsuppress("suppression--nowhere", "olena").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(alerts->unsuppress(made->id, "petr"));
  EXPECT_TRUE(alerts->suppressions().empty());
  raise({hit(1, 1, 0)});
  EXPECT_EQ(alerts->counts().total, 1U);
  restart();
  EXPECT_TRUE(alerts->suppressions().empty());
}

TEST_F(AlertTriageTest, BeyondTheRateHitsAreCountedByIndicatorAndStillToldHome) {
  policy.alerts_per_minute = 3;
  make();
  std::vector<detect::Alert> batch;
  for (unsigned n = 0; n < 10; ++n) batch.push_back(hit(1, n, n));
  EXPECT_EQ(raise(batch).size(), 3U);
  raise({hit(1, 0, 20)});
  const auto check = [&] {
    const auto unlisted = alerts->unlisted(kAll);
    ASSERT_EQ(unlisted.size(), 1U);
    EXPECT_EQ(unlisted[0].hits, 7U);
    EXPECT_EQ(unlisted[0].subject->indicator_id, id_of("indicator", 1));
    EXPECT_EQ(unlisted[0].subject->value.text, "") << "no values in what is not erased";
    const auto totals = alerts->totals(kAll);
    EXPECT_EQ(totals.hits, 4U) << "a hit on an alert that is there joins it, whatever the rate";
    EXPECT_EQ(totals.unlisted, 7U);
  };
  check();
  restart();
  check();
  ASSERT_TRUE(alerts->flush_sightings());
  EXPECT_EQ(told(), (std::vector<std::int64_t>{10, 10}));
  node.clock.advance(seconds(20));
  raise({hit(2, 30, 30), hit(2, 31, 31), hit(2, 32, 32), hit(2, 33, 33)});
  EXPECT_EQ(alerts->totals(kAll).unlisted, 8U) << "full again after the restart: three";
}

TEST_F(AlertTriageTest, TechniquesAreThoseOfTheRuleAndOfTheRelationsThatOneMayRead) {
  techniques = [](const detect::Alert&) {
    return std::vector<Technique>{{.id = "T1071",
                                   .name = "Application Layer Protocol",
                                   .tactics = {"command-and-control"},
                                   .collection = "secret"}};
  };
  make();
  detect::Alert a = hit(1, 1, 0);
  a.rule = detect::AlertRule{
      .language = "sigma", .name = "DNS to evil", .level = "critical", .techniques = {"T1568"}, .events = {}};
  raise({a});
  const auto names = [&](const Sight& sight) {
    std::vector<std::string> out;
    for (const auto& t : alerts->groups({}, sight).groups.at(0).techniques) out.push_back(t.id);
    return out;
  };
  EXPECT_EQ(names(kAll), (std::vector<std::string>{"T1071", "T1568"}));
  EXPECT_EQ(
      names({.everything = true, .subjects = {}, .reads = [](const Technique& t) { return t.collection != "secret"; }}),
      std::vector<std::string>{"T1568"});
  restart();
  EXPECT_EQ(names(kAll), (std::vector<std::string>{"T1071", "T1568"}));
  EXPECT_EQ(alerts->groups({}, kAll).groups.at(0).risk, 80) << "80 % × critical";
}

// Random hits, judgements and suppressions: every raised hit is in exactly one place, and a start changes nothing.
TEST_F(AlertTriageTest, HitsAreConservedAndARebuildEqualsTheLiveState) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    node.~TestNode();
    new (&node) TestNode(seed);
    entries.clear();
    policy = {};
    policy.kept_hits = 3;
    policy.alerts_per_minute = 12;
    SetUp();
    SeededRandom random(seed);
    std::set<std::string> raised;
    std::vector<std::string> ids;
    std::size_t suppressed_rules = 0;
    for (unsigned round = 0; round < 60; ++round) {
      std::vector<detect::Alert> batch;
      for (std::size_t k = random.below(20); k > 0; --k) {
        const unsigned n = static_cast<unsigned>(random.below(5000));
        // The same n is the same match: its indicator and entity follow from it.
        batch.push_back(hit(1 + n % 4, n / 4 % 6, n, n * 37 % 200'000));
        if (n % 5 == 0) batch.back().warning_lists.push_back({"Top 1000", "hostname"});
        raised.insert(batch.back().id);
      }
      for (const auto& record : raise(batch)) ids.push_back(record.alert.id);
      if (round % 15 == 5 && suppressed_rules++ < 3)
        ASSERT_TRUE(alerts->suppress(suppression({.entity = "host-" + std::to_string(random.below(6))})));
      if (!ids.empty() && random.below(3) == 0)
        ASSERT_TRUE(alerts->judge(ids[random.below(ids.size())],
                                  {.verdict = static_cast<AlertVerdict>(random.below(4)), .reason = "r", .by = "o"}));
      node.clock.advance(seconds(random.below(30)));
      if (random.below(4) == 0) ASSERT_TRUE(alerts->flush_sightings());
    }
    const auto totals = alerts->totals(kAll);
    // A hit beyond the rate has no id that is remembered: the same match may be counted there again.
    EXPECT_GE(totals.hits + totals.suppressed_hits + totals.unlisted, raised.size()) << "seed " << seed;
    EXPECT_LE(totals.hits + totals.suppressed_hits, raised.size()) << "seed " << seed;
    EXPECT_GT(totals.unlisted, 0U);
    EXPECT_GT(totals.suppressed_hits, 0U);
    const auto live = alerts->groups({.limit = 1000}, kAll);
    const auto live_hidden = alerts->groups({.suppressed = true, .limit = 1000}, kAll);
    std::uint64_t in_groups = 0, in_alerts = 0;
    for (const auto& group : live.groups) {
      in_groups += group.hits;
      for (const auto& record : alerts->group(group.id, false, 0, 1000, kAll)->alerts) in_alerts += record.tally.hits;
    }
    EXPECT_EQ(in_groups, totals.hits);
    EXPECT_EQ(in_alerts, totals.hits);
    const auto list = alerts->list({.limit = 1000});
    const auto counts = alerts->counts();
    restart();
    EXPECT_EQ(alerts->groups({.limit = 1000}, kAll).groups, live.groups) << "seed " << seed;
    EXPECT_EQ(alerts->groups({.suppressed = true, .limit = 1000}, kAll).groups, live_hidden.groups);
    EXPECT_EQ(alerts->totals(kAll), totals);
    EXPECT_EQ(alerts->counts(), counts);
    const auto again = alerts->list({.limit = 1000});
    ASSERT_EQ(again.size(), list.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
      EXPECT_EQ(again[i].alert.json(), list[i].alert.json());
      EXPECT_EQ(again[i].assessment, list[i].assessment);
      EXPECT_EQ(again[i].tally, list[i].tally);
      EXPECT_EQ(again[i].group, list[i].group);
      EXPECT_EQ(again[i].verdict, list[i].verdict);
    }
  }
}

// Without a limit of the rate the sum is exact.
TEST_F(AlertTriageTest, WithoutARateEveryMatchIsInOneGroupOnce) {
  policy.kept_hits = 2;
  policy.alerts_per_minute = 0;
  make();
  ASSERT_TRUE(alerts->suppress(suppression({.indicator = id_of("indicator", 2)})));
  SeededRandom random(3);
  std::set<std::string> raised, quiet;
  for (unsigned round = 0; round < 100; ++round) {
    std::vector<detect::Alert> batch;
    for (std::size_t k = random.below(30); k > 0; --k) {
      const unsigned n = static_cast<unsigned>(random.below(3000));
      batch.push_back(hit(1 + n % 4, n / 4 % 6, n, n * 37 % 200'000));
      (n % 4 == 1 ? quiet : raised).insert(batch.back().id);
    }
    raise(batch);
  }
  EXPECT_EQ(alerts->totals(kAll).hits, raised.size());
  EXPECT_EQ(alerts->totals(kAll).suppressed_hits, quiet.size());
  EXPECT_EQ(alerts->totals(kAll).unlisted, 0U);
}

TEST_F(AlertTriageTest, NothingCountsWhenNothingCouldBeWritten) {
  raise({hit(1, 1, 0)});
  const auto more = hit(1, 1, 1);
  node.journal->fail_after(1);
  EXPECT_FALSE(alerts->raise(std::vector{more}, {}));
  EXPECT_FALSE(alerts->suppress(suppression({.entity = "host-1"})));
  EXPECT_EQ(alerts->totals(kAll).hits, 1U);
  EXPECT_TRUE(alerts->suppressions().empty());
  node.journal->heal();
  raise({more});
  EXPECT_EQ(alerts->totals(kAll).hits, 2U);
}

}  // namespace
}  // namespace bongsu::flow
