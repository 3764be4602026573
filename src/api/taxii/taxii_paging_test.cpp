// Filters, order and paging over a collection (TAXII 2.1 §3.3 to §3.5, §5.3, §5.4, §5.6, §5.8).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "api/taxii/taxii_test_support.h"

namespace bongsu::api {
namespace {

using Ids = std::vector<std::string>;

Ids strings(const Answer& answer, std::string_view key) {
  Ids out;
  const Json json = answer.json();
  if (const Json* list = find(json, key))
    for (const Json& item : list->get_array()) out.emplace_back(item.get_string());
  return out;
}

Ids versions_in(const Answer& answer, std::string_view key) {
  Ids out;
  const Json json = answer.json();
  if (const Json* list = find(json, "objects"))
    for (const Json& item : list->get_array()) out.emplace_back(string_at(item, key).value_or("?"));
  return out;
}

class Paging : public ::testing::Test {
 protected:
  Answer objects(std::string_view query, std::string_view account = "writer") {
    return world_.get(world_.objects(fmt::format("?{}", query)), account);
  }
  Answer manifest(std::string_view query, std::string_view account = "writer") {
    return world_.get(fmt::format("/api1/collections/shared/manifest/?{}", query), account);
  }
  World world_;
};

TEST_F(Paging, ObjectsComeByteForByteInTheOrderTheyWereAdded) {
  const std::string odd = indicator(2, 1, R"(,  "x_note" : "\u00e9 é",	"x_n":1.10)");
  world_.add({indicator(3)});
  world_.add({odd, indicator(1)});
  const auto answer = objects("");
  EXPECT_EQ(ids_of(answer), (Ids{indicator_id(3), indicator_id(2), indicator_id(1)}));
  EXPECT_NE(answer.body.find(odd), std::string::npos);
  EXPECT_EQ(find(answer.json(), "more"), nullptr);
}

TEST_F(Paging, TypeAndIdAreOrWithinAndAndBetween) {
  world_.add({indicator(1), indicator(2), address(1), address(2)});
  EXPECT_EQ(ids_of(objects("match[type]=ipv4-addr")), (Ids{address_id(1), address_id(2)}));
  EXPECT_EQ(ids_of(objects("match[type]=ipv4-addr,indicator")).size(), 4U);
  EXPECT_EQ(
      ids_of(objects(fmt::format("match[type]=ipv4-addr,campaign&match[id]={},{}", address_id(2), indicator_id(1)))),
      (Ids{address_id(2)}));
  EXPECT_EQ(objects("match[type]=campaign").body, "{}");
  EXPECT_EQ(ids_of(objects(fmt::format("match%5Bid%5D={}", indicator_id(2)))), (Ids{indicator_id(2)}));
}

TEST_F(Paging, VersionsAreLastUnlessAskedOtherwise) {
  world_.add({indicator(1, 2)});  // not in the order of their versions
  world_.add({indicator(1, 1), indicator(1, 3)});
  world_.add({indicator(2, 1)});
  const auto got = [&](std::string_view query) {
    Ids out = versions_in(objects(fmt::format("match[id]={}{}", indicator_id(1), query)), "modified");
    std::ranges::sort(out);
    return out;
  };
  const Ids v = {"", indicator_version(1), indicator_version(2), indicator_version(3)};
  EXPECT_EQ(got(""), (Ids{v[3]}));
  EXPECT_EQ(got("&match[version]=last"), (Ids{v[3]}));
  EXPECT_EQ(got("&match[version]=first"), (Ids{v[1]}));
  EXPECT_EQ(got("&match[version]=all"), (Ids{v[1], v[2], v[3]}));
  EXPECT_EQ(got("&match[version]=last,first"), (Ids{v[1], v[3]}));
  EXPECT_EQ(got("&match[version]=" + v[2]), (Ids{v[2]}));
  EXPECT_EQ(got("&match[version]=first," + v[2] + ",last"), (Ids{v[1], v[2], v[3]}));
  EXPECT_EQ(got("&match[version]=2024-01-02T00:00:00Z"), (Ids{v[2]}));  // the same instant, written shorter
  EXPECT_EQ(got("&match[version]=2023-01-02T00:00:00Z"), (Ids{}));
  EXPECT_EQ(ids_of(objects("")), (Ids{indicator_id(1), indicator_id(2)}));
}

TEST_F(Paging, ManifestSaysWhenAndWhichVersion) {  // §5.3.1
  world_.add({indicator(1, 1), indicator(1, 2), address(1)});
  const auto answer = manifest("match[version]=all");
  const Ids dates = versions_in(answer, "date_added");
  ASSERT_EQ(dates.size(), 3U);
  for (const auto& date : dates) EXPECT_EQ(date.size(), std::string_view("2026-01-01T00:00:00.000000Z").size()) << date;
  EXPECT_LT(dates[0], dates[1]);
  EXPECT_LT(dates[1], dates[2]);
  EXPECT_EQ(versions_in(answer, "version"), (Ids{indicator_version(1), indicator_version(2), dates[2]}));
  EXPECT_EQ(versions_in(answer, "media_type"), Ids(3, "application/stix+json;version=2.1"));
  EXPECT_EQ(answer.header("X-TAXII-Date-Added-First"), dates[0]);
  EXPECT_EQ(answer.header("X-TAXII-Date-Added-Last"), dates[2]);
  EXPECT_EQ(ids_of(manifest("match[type]=indicator")), (Ids{indicator_id(1)}));
}

TEST_F(Paging, VersionsOfAnObject) {  // §5.8
  world_.add({indicator(1, 2), indicator(1, 1)});
  const auto path = world_.objects(indicator_id(1) + "/versions/");
  const auto answer = world_.get(path);
  EXPECT_EQ(strings(answer, "versions"), (Ids{indicator_version(2), indicator_version(1)}));
  EXPECT_LT(answer.header("X-TAXII-Date-Added-First"), answer.header("X-TAXII-Date-Added-Last"));
  const auto first = world_.get(path + "?limit=1");
  EXPECT_EQ(strings(first, "versions").size(), 1U);
  EXPECT_EQ(bool_at(first.json(), "more"), true);
  const auto second = world_.get(path + "?limit=1&added_after=" + first.header("X-TAXII-Date-Added-Last"));
  EXPECT_EQ(strings(second, "versions"), (Ids{indicator_version(1)}));
  EXPECT_EQ(world_.get(path + "?match[spec_version]=2.0").body, "{}");
  EXPECT_EQ(world_.get(world_.objects(indicator_id(2) + "/versions/")).status, 404);
}

TEST_F(Paging, OneObjectIsAnEnvelopeOr404) {  // §5.6
  world_.add({indicator(1, 1), indicator(1, 2)});
  const auto path = world_.objects(indicator_id(1) + "/");
  EXPECT_EQ(versions_in(world_.get(path), "modified"), (Ids{indicator_version(2)}));
  EXPECT_EQ(versions_in(world_.get(path + "?match[version]=all"), "modified").size(), 2U);
  EXPECT_EQ(world_.get(path + "?match[version]=2020-01-01T00:00:00Z").status, 404);
  EXPECT_EQ(world_.get(path + "?added_after=2999-01-01T00:00:00.000000Z").body, "{}");
  EXPECT_EQ(world_.get(path + "?match[spec_version]=2.0").body, "{}");
  EXPECT_EQ(world_.get(world_.objects(indicator_id(9) + "/")).status, 404);
  EXPECT_EQ(world_.get(world_.objects("nonsense/")).status, 404);
}

TEST_F(Paging, LimitMoreAndNextWalkEverythingOnce) {  // §3.5
  std::vector<std::string> all;
  Ids wanted;
  for (int i = 0; i < 25; ++i) {
    all.push_back(indicator(i));
    wanted.push_back(indicator_id(i));
  }
  world_.add(all);
  for (const bool by_next : {true, false}) {
    Ids got;
    std::string way;
    for (int page = 0; page < 20; ++page) {
      const auto answer = objects("limit=10" + way);
      ASSERT_EQ(answer.status, 200) << answer.body;
      std::ranges::copy(ids_of(answer), std::back_inserter(got));
      const Json json = answer.json();
      if (!bool_at(json, "more").value_or(false)) {
        EXPECT_FALSE(find(json, "next"));
        break;
      }
      EXPECT_EQ(ids_of(answer).size(), 10U);
      way = by_next ? "&next=" + std::string(*string_at(json, "next"))
                    : "&added_after=" + answer.header("X-TAXII-Date-Added-Last");
    }
    EXPECT_EQ(got, wanted) << (by_next ? "next" : "added_after");
  }
  EXPECT_EQ(find(objects("limit=25").json(), "more"), nullptr);  // it just fits
}

TEST_F(Paging, ManifestGivesNextTooBecauseItTakesIt) {
  world_.add({indicator(1), indicator(2), indicator(3)});
  const Json first = manifest("limit=2").json();
  const auto next = string_at(first, "next");
  ASSERT_TRUE(next);
  EXPECT_EQ(ids_of(manifest("limit=2&next=" + std::string(*next))), (Ids{indicator_id(3)}));
}

TEST_F(Paging, ServersOwnMaximumHolds) {
  World world({.max_page = 3});
  world.add({indicator(1), indicator(2), indicator(3), indicator(4)});
  for (const char* query : {"", "?limit=100", "?limit=9007199254740991"}) {
    const auto answer = world.get(world.objects(query));
    EXPECT_EQ(ids_of(answer).size(), 3U);
    EXPECT_EQ(bool_at(answer.json(), "more"), true);
  }
}

TEST_F(Paging, DeletedObjectsNeitherBreakNorShiftThePages) {
  std::vector<std::string> all;
  for (int i = 0; i < 8; ++i) all.push_back(indicator(i));
  world_.add(all);
  const auto first = objects("limit=3");
  const auto next = "&next=" + std::string(*string_at(first.json(), "next"));
  for (const int gone : {2, 3, 5}) EXPECT_EQ(world_.remove(world_.objects(indicator_id(gone) + "/")).status, 200);
  EXPECT_EQ(ids_of(objects("limit=3" + next)), (Ids{indicator_id(4), indicator_id(6), indicator_id(7)}));
  // All that was left is gone: the follow-on query is empty, as §3.5 allows.
  for (const int gone : {4, 6, 7}) EXPECT_EQ(world_.remove(world_.objects(indicator_id(gone) + "/")).status, 200);
  const auto empty = objects("limit=3" + next);
  EXPECT_EQ(empty.body, "{}");
  EXPECT_EQ(empty.header("X-TAXII-Date-Added-Last"), first.header("X-TAXII-Date-Added-Last"));
}

TEST_F(Paging, WhatIsAddedWhileWalkingComesAtTheEnd) {
  world_.add({indicator(1), indicator(2), indicator(3)});
  const auto first = objects("limit=2");
  world_.add({indicator(4)});
  const auto rest = objects("limit=5&next=" + std::string(*string_at(first.json(), "next")));
  EXPECT_EQ(ids_of(rest), (Ids{indicator_id(3), indicator_id(4)}));
}

TEST_F(Paging, DatesStayUniqueAndOrderedWhenTheClockJumpsBack) {
  world_.add({indicator(1), indicator(2)});
  const auto before = objects("").header("X-TAXII-Date-Added-Last");
  world_.clock.jump_to({0, 0});
  world_.add({indicator(3), indicator(4)});
  EXPECT_EQ(ids_of(objects("added_after=" + before)), (Ids{indicator_id(3), indicator_id(4)}));
  std::set<std::string> dates;
  for (const auto& date : versions_in(manifest(""), "date_added")) EXPECT_TRUE(dates.insert(date).second) << date;
}

TEST_F(Paging, NextIsBoundToItsCollectionAndSurvivesARestart) {
  world_.add({indicator(1), indicator(2), indicator(3)});
  const auto next = std::string(*string_at(objects("limit=1").json(), "next"));
  EXPECT_EQ(world_.get("/api1/collections/other/objects/?next=" + next).status, 400);
  std::string bent = next;
  for (std::size_t i = 0; i < bent.size(); ++i) {
    bent = next;
    bent[i] = bent[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(objects("next=" + bent).status, 400) << i;
  }
  EXPECT_EQ(objects("next=" + next + "A").status, 400);
  world_.restart();
  EXPECT_EQ(ids_of(objects("limit=1&next=" + next)), (Ids{indicator_id(2)}));
  // The value is evaluated anew within the query that it comes with (Appendix B).
  EXPECT_EQ(objects("match[type]=ipv4-addr&next=" + next).body, "{}");
  EXPECT_EQ(ids_of(objects("limit=5&next=" + next, "reader")), (Ids{indicator_id(2), indicator_id(3)}));
}

TEST_F(Paging, SpecVersions) {
  world_.add({indicator(1)});
  EXPECT_EQ(ids_of(objects("match[spec_version]=2.1")), (Ids{indicator_id(1)}));
  EXPECT_EQ(ids_of(objects("match[spec_version]=2.0,2.1")), (Ids{indicator_id(1)}));
  EXPECT_EQ(ids_of(objects("match[spec_version]=2.0")), (Ids{}));
}

TEST_F(Paging, WithoutSpecVersionOnlyTheNewestOfEachObjectIsGiven) {  // §3.4.1
  // Straight into the journal: what a feed of STIX 2.0 may have left there.
  const auto put = [&](int n, int version, std::string spec) {
    const std::string text = indicator(n, version);
    journal::NewEntry entry;
    entry.collection = world_.shared.id;
    entry.object_id = indicator_id(n);
    entry.version = indicator_version(version);
    entry.version_key = stix::Timestamp::parse(entry.version)->key();
    entry.spec_version = std::move(spec);
    entry.origin = "cert-lt";
    entry.label = policy::Label{.tlp = stix::Tlp::kClear}.text();
    entry.payload = text;
    const auto view = world_.release->view_of("cert-lt", world_.shared.id);
    ASSERT_TRUE(view);
    entry.releases = {{.view = *view, .payload = {}}};
    journal::Batch batch;
    batch.epoch = world_.journal->epoch();
    batch.entries.push_back(std::move(entry));
    ASSERT_TRUE(world_.journal->append(batch));
  };
  put(1, 1, "2.0");
  put(1, 2, "2.1");
  put(2, 1, "2.0");
  put(2, 2, "2.0");
  const auto count = [&](std::string_view query) { return ids_of(manifest(query)).size(); };
  EXPECT_EQ(count("match[version]=all"), 3U);  // of the first only 2.1; of the second there is nothing newer
  EXPECT_EQ(count("match[version]=all&match[spec_version]=2.0,2.1"), 4U);
  EXPECT_EQ(count("match[version]=all&match[spec_version]=2.0"), 3U);
  EXPECT_EQ(ids_of(manifest("match[version]=all&limit=1")),
            (Ids{indicator_id(1)}));  // never an empty page with more to come
  EXPECT_EQ(versions_in(manifest("match[spec_version]=2.0"), "media_type"),
            Ids(2, "application/stix+json;version=2.0"));
}

// ── What may be seen ──
TEST_F(Paging, PartnersSeeTheirViewWithoutGaps) {
  world_.add({indicator(1), indicator(2, 1, "", kTlpRed), indicator(3)});
  EXPECT_EQ(ids_of(objects("")).size(), 3U);
  EXPECT_EQ(ids_of(objects("", "reader")), (Ids{indicator_id(1), indicator_id(3)}));
  EXPECT_EQ(ids_of(manifest("", "reader")), (Ids{indicator_id(1), indicator_id(3)}));
  EXPECT_EQ(find(objects("limit=2", "reader").json(), "more"), nullptr);
  const auto hidden = world_.get(world_.objects(indicator_id(2) + "/"), "reader");
  EXPECT_EQ(hidden.status, 404);
  EXPECT_EQ(hidden.body, world_.get(world_.objects(indicator_id(9) + "/"), "reader").body);
}

TEST_F(Paging, StopEndsAPageThatIsBeingWritten) {
  std::vector<std::string> all;
  const std::string filler = fmt::format(R"(,"x_filler":"{}")", std::string(30'000, 'f'));
  for (int i = 0; i < 10; ++i) all.push_back(indicator(i, 1, filler));
  world_.add(all);
  net::Request request{
      .method = "GET", .path = world_.objects(), .query = {}, .headers = {}, .body = {}, .peer = {}, .received = {}};
  request.headers.add("Authorization", "Bearer reader-token");
  auto response = world_.server->handle(std::move(request));
  auto& source = std::get<std::unique_ptr<net::BodySource>>(response.body);
  std::string body;
  ASSERT_TRUE(source->read(body));
  const auto sent = body.size();
  world_.policy.members["cert-ee"].stopped = true;
  world_.apply_policy();
  EXPECT_FALSE(source->read(body));
  EXPECT_EQ(body.size(), sent);
  EXPECT_EQ(objects("", "reader").status, 404);
}

TEST_F(Paging, APageIsReadInPieces) {
  std::vector<std::string> all;
  const std::string filler = fmt::format(R"(,"x_filler":"{}")", std::string(30'000, 'f'));
  for (int i = 0; i < 20; ++i) all.push_back(indicator(i, 1, filler));
  world_.add(all);
  net::Request request{
      .method = "GET", .path = world_.objects(), .query = {}, .headers = {}, .body = {}, .peer = {}, .received = {}};
  request.headers.add("Authorization", "Bearer writer-token");
  auto response = world_.server->handle(std::move(request));
  auto& source = std::get<std::unique_ptr<net::BodySource>>(response.body);
  std::size_t pieces = 0, largest = 0;
  for (;;) {
    std::string piece;
    const auto more = source->read(piece);
    ASSERT_TRUE(more);
    if (!*more) break;
    ++pieces;
    largest = std::max(largest, piece.size());
  }
  EXPECT_GE(pieces, 5U);
  EXPECT_LT(largest, 150'000U);
}

TEST_F(Paging, AnErasedObjectIsLeftOutOfThePage) {
  world_.add({indicator(1), indicator(2), indicator(3)});
  ASSERT_TRUE(world_.journal->erase(indicator_id(1), "cert-lt"));
  const auto answer = objects("");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(ids_of(answer), (Ids{indicator_id(2), indicator_id(3)}));
}

}  // namespace
}  // namespace bongsu::api
