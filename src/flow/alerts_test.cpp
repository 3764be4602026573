#include "flow/alerts.h"

#include <gtest/gtest.h>

#include "flow/flow_test_support.h"
#include "flow/sighting.h"
#include "stix/validate.h"

namespace bongsu::flow {
namespace {

using namespace test;
using stix::Tlp;

class AlertsTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* member : {"cert-a", "cert-b"}) node.agree(member, agreement({"c1", "sightings"}, Tlp::kAmber));
    node.apply({"c1", "mirror-a", "sightings"});
    make();
  }
  void make() {
    alerts = std::make_unique<Alerts>(
        *node.journal, *node.release, *node.markings, node.clock, node.random, *node.log,
        AlertsOptions{
            .self = "cert-self", .identity_id = id_of("identity", 0xfe1f), .sightings_collection = "sightings"});
  }
  void restart() {
    node.reopen();
    node.apply({"c1", "mirror-a", "sightings"});
    make();
    ASSERT_TRUE(alerts->rebuild(nullptr));
  }
  // An indicator of a member, admitted here; its alert by number of the hit.
  detect::Alert hit(const AdmitReport& indicator, const std::string& source, unsigned n) {
    const auto entry = node.journal->snapshot()->entry(indicator.items.back().seq);
    detect::Alert a;
    a.indicator_id = entry->object_id;
    a.indicator_ref = entry->seq;
    a.value = {detect::Kind::kIpv4, "198.51.100.7"};
    a.field = "id.resp_h";
    a.matched = "198.51.100.7";
    a.position = {"conn.log", n, n + 1};
    a.entity = {detect::EntityKind::kAddress, "10.0." + std::to_string(n / 250) + "." + std::to_string(n % 250)};
    a.event_time = Instant{1'767'225'600 + n, 0};
    a.detected = node.clock.now();
    a.event = "{\"n\":" + std::to_string(n) + "}";
    a.source = source;
    a.label = entry->label;
    a.id = detect::alert_id(a.position, a.indicator_id, a.field);
    return a;
  }
  std::vector<AlertRecord> raise(const std::vector<detect::Alert>& batch) {
    auto raised = alerts->raise(batch, {});
    EXPECT_TRUE(raised) << raised.error().text();
    return raised ? *raised : std::vector<AlertRecord>();
  }
  // Payloads of the sightings that a member sees, every version.
  std::vector<Json> sightings(const std::string& member) {
    std::vector<Json> out;
    auto reading = node.release->open(member, "sightings");
    if (!reading) return out;
    const auto page = reading->snapshot->page(
        {.view = reading->view, .types = {"sighting"}, .last = false, .all = true, .limit = 1000});
    for (const auto& row : page->rows)
      out.push_back(*parse_json(*reading->snapshot->released_payload(reading->view, row.pos)));
    return out;
  }

  TestNode node;
  std::unique_ptr<Alerts> alerts;
};

TEST_F(AlertsTest, TheOriginatorAloneGetsTheSightingAnonymised) {
  const auto admitted = node.admit({indicator(1, {std::string(kAmber)})}, "mirror-a", "cert-a");
  const auto raised = raise({hit(admitted, "cert-a", 0)});
  ASSERT_EQ(raised.size(), 1U);
  const auto seen = sightings("cert-a");
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_TRUE(sightings("cert-b").empty());
  EXPECT_EQ(string_at(seen[0], "id"), raised[0].sighting_id);
  EXPECT_EQ(string_at(seen[0], "sighting_of_ref"), id_of("indicator", 1));
  EXPECT_EQ(string_at(seen[0], "created_by_ref"), id_of("identity", 0xfe1f));
  EXPECT_EQ(int_at(seen[0], "count"), 1);
  EXPECT_EQ(string_at(seen[0], "first_seen"), "2026-01-01T00:00:00Z");
  EXPECT_EQ(find(seen[0], "where_sighted_refs"), nullptr);
  EXPECT_EQ(find(seen[0], "observed_data_refs"), nullptr);
  EXPECT_EQ(to_text(seen[0]).find("conn.log"), std::string::npos);
  const auto object = stix::Object::parse(to_text(seen[0]));
  ASSERT_TRUE(object);
  EXPECT_TRUE(stix::validate(*object).empty());
}

TEST_F(AlertsTest, TheStoredLabelOfASightingIsWhatAdmissionWouldMakeOfIt) {
  const auto admitted =
      node.admit({releasable_to({"cert-self"}), indicator(1, {std::string(kAmber), releasable_id({"cert-self"})})},
                 "mirror-a", "cert-a");
  const auto raised = raise({hit(admitted, "cert-a", 0)});
  const auto versions = node.journal->snapshot()->versions("sightings", raised[0].sighting_id);
  ASSERT_EQ(versions->size(), 1U);
  const auto object = stix::Object::parse(*node.journal->snapshot()->payload(versions->front().seq));
  const auto facts = node.admission->facts_of(*object, {.collection = "sightings", .origin = "cert-self"});
  EXPECT_EQ(versions->front().label, facts->label.text());
  EXPECT_EQ(facts->label.text(), "amber marked to:cert-a reveals:cert-a")
      << "a list that names us does not keep it from its originator";
  EXPECT_EQ(sightings("cert-a").size(), 1U);
}

TEST_F(AlertsTest, TheMarkingOfTheSightingReachesTheOriginatorBeforeIt) {
  raise({hit(node.admit({indicator(1, {std::string(kGreen)})}, "mirror-a", "cert-a"), "cert-a", 0)});
  const auto seen = node.sees("cert-a", "sightings");
  ASSERT_EQ(seen->size(), 2U);
  EXPECT_TRUE(seen->front().starts_with("marking-definition--"));
  EXPECT_EQ(node.sees("cert-b", "sightings")->size(), 0U);
}

TEST_F(AlertsTest, SightingsOfOwnIndicatorsStayHere) {
  const auto raised = raise({hit(node.admit({indicator(1, {std::string(kClear)})}), "cert-self", 0)});
  EXPECT_FALSE(raised[0].sighting_id.empty());
  EXPECT_TRUE(sightings("cert-a").empty());
  EXPECT_TRUE(sightings("cert-b").empty());
  EXPECT_EQ(sightings("cert-self").size(), 1U);
}

TEST_F(AlertsTest, MatchesOfPlainListsMakeNoSighting) {
  detect::Alert a = hit(node.admit({indicator(1)}), "blocklist.txt", 0);
  a.indicator_id = "list:blocklist.txt:7";
  EXPECT_TRUE(raise({a})[0].sighting_id.empty());
  EXPECT_TRUE(sightings("cert-self").empty());
}

TEST_F(AlertsTest, SightingsOfWhatNobodyMayHaveStayHere) {
  raise({hit(node.admit({indicator(1, {std::string(kRed)})}, "mirror-a", "cert-a"), "cert-a", 0),
         hit(node.admit({indicator(2, {std::string(kGreen), releasable_id({"cert-x"})})}, "mirror-a", "cert-a"),
             "cert-a", 1)});
  EXPECT_TRUE(sightings("cert-a").empty());
  EXPECT_EQ(sightings("cert-self").size(), 2U);
}

TEST_F(AlertsTest, TheSameMatchIsTheSameAlert) {
  const auto admitted = node.admit({indicator(1)}, "mirror-a", "cert-a");
  EXPECT_EQ(raise({hit(admitted, "cert-a", 0), hit(admitted, "cert-a", 0)}).size(), 1U);
  EXPECT_EQ(raise({hit(admitted, "cert-a", 0)}).size(), 0U);
  restart();
  EXPECT_EQ(raise({hit(admitted, "cert-a", 0)}).size(), 0U);
  EXPECT_EQ(alerts->counts().total, 1U);
}

TEST_F(AlertsTest, OneSightingForEachIndicatorAndWindowLaterHitsInANewVersion) {
  const auto admitted = node.admit({indicator(1, {std::string(kGreen)})}, "mirror-a", "cert-a");
  const auto first = raise({hit(admitted, "cert-a", 0), hit(admitted, "cert-a", 1)});
  EXPECT_EQ(int_at(sightings("cert-a")[0], "count"), 2) << "the hits of one batch are told together";
  node.clock.advance(std::chrono::seconds(20));
  raise({hit(admitted, "cert-a", 200)});
  ASSERT_TRUE(alerts->flush_sightings());
  EXPECT_EQ(sightings("cert-a").size(), 1U) << "the window has not passed";
  node.clock.advance(std::chrono::seconds(45));
  ASSERT_TRUE(alerts->flush_sightings());
  ASSERT_TRUE(alerts->flush_sightings());
  const auto seen = sightings("cert-a");
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(int_at(seen[1], "count"), 2) << "three: at least two";
  EXPECT_EQ(string_at(seen[1], "id"), first[0].sighting_id);
  EXPECT_EQ(string_at(seen[1], "created"), *string_at(seen[0], "created"));
  EXPECT_GT(*string_at(seen[1], "modified"), *string_at(seen[0], "modified"));
  EXPECT_EQ(string_at(seen[1], "last_seen"), "2026-01-01T00:03:00Z");
  EXPECT_NE(raise({hit(admitted, "cert-a", 300)})[0].sighting_id, first[0].sighting_id) << "a new window";
}

TEST_F(AlertsTest, D6_ASightingTellsNeitherTheMomentNorHowOften) {
  const auto admitted = node.admit({indicator(1, {std::string(kGreen)})}, "mirror-a", "cert-a");
  node.clock.advance(std::chrono::milliseconds(34'567));
  std::vector<detect::Alert> hits;
  for (unsigned i = 0; i < 57; ++i) hits.push_back(hit(admitted, "cert-a", i));
  raise(hits);
  raise({hit(admitted, "cert-a", 57)});
  restart();
  // Within the minute of the first version, and after the clock went back.
  node.clock.jump_to(Instant{1'767'225'605, 0});
  ASSERT_TRUE(alerts->flush_sightings());
  const auto seen = sightings("cert-a");
  ASSERT_EQ(seen.size(), 2U);
  for (const Json& version : seen) {
    EXPECT_EQ(int_at(version, "count"), 10) << "57 and 58: at least ten";
    EXPECT_EQ(string_at(version, "created"), "2026-01-01T00:00:00.000Z");
  }
  EXPECT_EQ(string_at(seen[0], "modified"), "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(string_at(seen[1], "modified"), "2026-01-01T00:01:00.000Z")
      << "later than the version before, all the same";
  for (const auto& [hits_seen, told] :
       {std::pair{1, 1}, {2, 2}, {9, 2}, {10, 10}, {99, 10}, {100, 100}, {12'345, 10'000}})
    EXPECT_EQ(told_count(hits_seen), told) << hits_seen;
  EXPECT_EQ(told_count(kMaxSightingCount), 100'000'000);
}

TEST_F(AlertsTest, TwoSourcesOfOneIndicatorIdAreEachToldOfTheirOwnHits) {
  const auto of_a = node.admit({indicator(1, {std::string(kGreen)})}, "mirror-a", "cert-a");
  const auto of_b = node.admit({indicator(1, {std::string(kGreen)})}, "c1", "cert-b");
  const auto counts = [&](const std::string& member) {
    std::vector<std::int64_t> out;
    for (const auto& seen : sightings(member)) {
      EXPECT_EQ(string_at(seen, "sighting_of_ref"), id_of("indicator", 1));
      out.push_back(int_at(seen, "count").value_or(0));
    }
    return out;
  };
  const auto raised = raise({hit(of_a, "cert-a", 0), hit(of_b, "cert-b", 1), hit(of_a, "cert-a", 2)});
  ASSERT_EQ(raised.size(), 3U);
  EXPECT_NE(raised[0].sighting_id, raised[1].sighting_id);
  EXPECT_EQ(raised[0].sighting_id, raised[2].sighting_id);
  EXPECT_EQ(counts("cert-a"), std::vector<std::int64_t>{2});
  EXPECT_EQ(counts("cert-b"), std::vector<std::int64_t>{1});
  EXPECT_EQ(string_at(sightings("cert-b").at(0), "id"), raised[1].sighting_id);

  // Both windows stay open beside each other, and both are there again after a stop.
  const auto later = raise({hit(of_b, "cert-b", 3), hit(of_a, "cert-a", 4), hit(of_b, "cert-b", 5)});
  ASSERT_EQ(later.size(), 3U);
  EXPECT_EQ(later[0].sighting_id, raised[1].sighting_id);
  EXPECT_EQ(later[1].sighting_id, raised[0].sighting_id);
  restart();
  ASSERT_TRUE(alerts->flush_sightings());
  EXPECT_EQ(counts("cert-a"), (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(counts("cert-b"), (std::vector<std::int64_t>{1, 2}));
}

TEST_F(AlertsTest, HitsThatWereNotToldBeforeAStopAreToldAfterIt) {
  const auto admitted = node.admit({indicator(1, {std::string(kGreen)})}, "mirror-a", "cert-a");
  raise({hit(admitted, "cert-a", 0)});
  raise({hit(admitted, "cert-a", 1), hit(admitted, "cert-a", 2)});
  restart();
  ASSERT_TRUE(alerts->flush_sightings());
  const auto seen = sightings("cert-a");
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(int_at(seen[1], "count"), 2);
  restart();
  ASSERT_TRUE(alerts->flush_sightings());
  EXPECT_EQ(sightings("cert-a").size(), 2U);
}

TEST_F(AlertsTest, JudgementsAreDurableAndKeepTheirHistory) {
  const auto admitted = node.admit({indicator(1)}, "mirror-a", "cert-a");
  const auto raised = raise({hit(admitted, "cert-a", 0), hit(admitted, "cert-a", 1)});
  ASSERT_TRUE(alerts->judge(raised[0].alert.id, {.acknowledged = true, .assignee = "olena", .by = "olena"}));
  const auto judged = alerts->judge(
      raised[0].alert.id, {.verdict = AlertVerdict::kTrue, .reason = "beacon in the proxy log", .by = "olena"});
  ASSERT_TRUE(judged) << judged.error().text();
  EXPECT_EQ(judged->verdict, AlertVerdict::kTrue);
  EXPECT_EQ(judged->history.size(), 2U);
  EXPECT_EQ(alerts->counts(), (Alerts::Counts{.total = 2, .open = 1, .confirmed = 1}));
  restart();
  const auto found = alerts->find(raised[0].alert.id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->history, judged->history);
  EXPECT_EQ(found->assignee, "olena");
  EXPECT_TRUE(found->acknowledged);
  EXPECT_EQ(alerts->counts(), (Alerts::Counts{.total = 2, .open = 1, .confirmed = 1}));
  EXPECT_EQ(alerts->list({.open_only = true}).size(), 1U);
  ASSERT_TRUE(alerts->judge(raised[0].alert.id, {.verdict = AlertVerdict::kOpen, .by = "petr"}));
  EXPECT_EQ(alerts->counts().open, 2U);
}

TEST_F(AlertsTest, JudgementsThatSayNothingAreRefusedByField) {
  const auto raised = raise({hit(node.admit({indicator(1)}, "mirror-a", "cert-a"), "cert-a", 0)});
  const std::string& id = raised[0].alert.id;
  const auto last = node.journal->last_seq();
  EXPECT_EQ(alerts->judge(id, {.by = "olena"}).error().where.field, "verdict");
  EXPECT_EQ(alerts->judge(id, {.verdict = AlertVerdict::kFalse, .by = "olena"}).error().where.field, "reason");
  EXPECT_EQ(alerts->judge(id, {.acknowledged = true}).error().where.field, "by");
  EXPECT_EQ(
      alerts->judge(id, {.verdict = AlertVerdict::kFalse, .reason = std::string(5000, 'x'), .by = "o"}).error().code,
      ErrorCode::kTooLarge);
  EXPECT_EQ(
      alerts->judge("alert--28bb3599-77cd-5a82-a950-b5bc3caf07c4", {.acknowledged = true, .by = "o"}).error().code,
      ErrorCode::kNotFound);
  EXPECT_EQ(alerts->judge("nonsense", {.acknowledged = true, .by = "o"}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(node.journal->last_seq(), last);
}

TEST_F(AlertsTest, ListsAreNewestFirstFilteredAndPaged) {
  const auto one = node.admit({indicator(1)}, "mirror-a", "cert-a");
  const auto two = node.admit({indicator(2)}, "mirror-a", "cert-a");
  for (unsigned n = 0; n < 10; ++n) raise({hit(n % 2 == 0 ? one : two, "cert-a", n)});
  EXPECT_EQ(alerts->list({.indicator_id = id_of("indicator", 1)}).size(), 5U);
  EXPECT_EQ(alerts->list({.text = "CONN.log"}).size(), 10U);
  EXPECT_EQ(alerts->list({.text = "nowhere"}).size(), 0U);
  std::vector<journal::Seq> seqs;
  for (journal::Seq before = 0;;) {
    const auto page = alerts->list({.before = before, .limit = 3});
    if (page.empty()) break;
    for (const auto& record : page) seqs.push_back(record.seq);
    before = seqs.back();
  }
  EXPECT_EQ(seqs.size(), 10U);
  EXPECT_TRUE(std::ranges::is_sorted(seqs, std::greater<>()));
}

TEST_F(AlertsTest, WhatIsTooOldForMemoryIsReadFromTheJournal) {
  const auto admitted = node.admit({indicator(1)}, "mirror-a", "cert-a");
  std::vector<detect::Alert> batch;
  for (unsigned n = 0; n < kRecentAlerts + 50; ++n) batch.push_back(hit(admitted, "cert-a", n));
  const auto raised = raise(batch);
  ASSERT_TRUE(alerts->judge(raised[3].alert.id, {.verdict = AlertVerdict::kFalse, .reason = "scanner", .by = "olena"}));
  const auto check = [&] {
    const auto old = alerts->find(raised[3].alert.id);
    ASSERT_TRUE(old);
    EXPECT_EQ(old->alert.event, "{\"n\":3}");
    EXPECT_EQ(old->verdict, AlertVerdict::kFalse);
    EXPECT_EQ(old->history.size(), 1U);
    const auto page = alerts->list({.before = raised[5].seq, .limit = 10});
    ASSERT_EQ(page.size(), 5U);
    EXPECT_EQ(page[1].alert.id, raised[3].alert.id);
    EXPECT_EQ(alerts->list({.open_only = true, .before = raised[5].seq, .limit = 10}).size(), 4U);
    EXPECT_EQ(alerts->counts(),
              (Alerts::Counts{.total = kRecentAlerts + 50, .open = kRecentAlerts + 49, .false_positive = 1}));
  };
  check();
  ASSERT_TRUE(alerts->flush_sightings());  // saves the places
  restart();
  check();
}

TEST_F(AlertsTest, RebuildEqualsTheLiveState) {
  const auto one = node.admit({indicator(1)}, "mirror-a", "cert-a");
  const auto two = node.admit({indicator(2)});
  SeededRandom random(9);
  std::vector<std::string> ids;
  for (unsigned n = 0; n < 400; ++n) {
    for (const auto& record :
         raise({hit(random.below(2) == 0 ? one : two, random.below(2) == 0 ? "cert-a" : "cert-self", n)}))
      ids.push_back(record.alert.id);
    if (random.below(3) == 0)
      ASSERT_TRUE(alerts->judge(
          ids[random.below(ids.size())],
          {.acknowledged = true, .verdict = static_cast<AlertVerdict>(random.below(4)), .reason = "r", .by = "o"}));
    node.clock.advance(std::chrono::seconds(random.below(40)));
    if (random.below(4) == 0) ASSERT_TRUE(alerts->flush_sightings());
  }
  const auto live = alerts->list({.limit = 1000});
  const auto counts = alerts->counts();
  restart();
  const auto rebuilt = alerts->list({.limit = 1000});
  ASSERT_EQ(live.size(), rebuilt.size());
  for (std::size_t i = 0; i < live.size(); ++i) {
    EXPECT_EQ(live[i].alert.json(), rebuilt[i].alert.json());
    EXPECT_EQ(live[i].seq, rebuilt[i].seq);
    EXPECT_EQ(live[i].added_us, rebuilt[i].added_us);
    EXPECT_EQ(live[i].verdict, rebuilt[i].verdict);
    EXPECT_EQ(live[i].acknowledged, rebuilt[i].acknowledged);
    EXPECT_EQ(live[i].history, rebuilt[i].history);
    EXPECT_EQ(live[i].sighting_id, rebuilt[i].sighting_id);
  }
  EXPECT_EQ(alerts->counts(), counts);
}

TEST_F(AlertsTest, NothingIsRaisedWhenNothingCouldBeWritten) {
  const auto admitted = node.admit({indicator(1)}, "mirror-a", "cert-a");
  const auto alert = hit(admitted, "cert-a", 0);
  node.journal->close();
  EXPECT_FALSE(alerts->raise(std::vector{alert}, {}));
  EXPECT_EQ(alerts->counts().total, 0U);
  EXPECT_FALSE(alerts->find(alert.id));
}

TEST_F(AlertsTest, PositionsOfTelemetryAreWrittenInTheSameCommit) {
  ASSERT_TRUE(alerts->raise({}, {{"positions", "conn.log", "99"}}));
  EXPECT_EQ(*node.journal->state("positions", "conn.log"), "99");
}

}  // namespace
}  // namespace bongsu::flow
