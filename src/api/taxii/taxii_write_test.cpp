// Adding and deleting (TAXII 2.1 §4.3, §5.5, §5.7).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/taxii/status_book.h"
#include "api/taxii/taxii_test_support.h"
#include "stix/marking.h"

namespace bongsu::api {
namespace {

std::string envelope(const std::vector<std::string>& objects) {
  std::string body = R"({"objects":[)";
  for (const auto& object : objects) body.append(&object == objects.data() ? "" : ",").append(object);
  return body + "]}";
}

struct Counts {
  std::int64_t total, success, failure;
  bool operator==(const Counts&) const = default;
};
Counts counts(const Answer& answer) {
  const Json json = answer.json();
  return {int_at(json, "total_count").value_or(-1), int_at(json, "success_count").value_or(-1),
          int_at(json, "failure_count").value_or(-1)};
}
void PrintTo(const Counts& c, std::ostream* out) { *out << c.total << "/" << c.success << "/" << c.failure; }

const Json& first_of(const Json& json, std::string_view list) {
  static const Json kNothing;
  const Json* found = find(json, list);
  return found && !found->get_array().empty() ? found->get_array().front() : kNothing;
}

TEST(TaxiiPost, AnswersWithACompleteStatus) {
  World world;
  const auto answer = world.post(envelope({indicator(1), address(1)}));
  ASSERT_EQ(answer.status, 202) << answer.body;
  const Json json = answer.json();
  EXPECT_EQ(string_at(json, "status"), "complete");
  EXPECT_EQ(string_at(json, "request_timestamp"), "2026-01-01T00:00:00.000000Z");
  EXPECT_EQ(counts(answer), (Counts{2, 2, 0}));
  EXPECT_EQ(int_at(json, "pending_count"), 0);
  EXPECT_EQ(find(json, "failures"), nullptr);  // §2: no empty lists
  EXPECT_EQ(string_at(first_of(json, "successes"), "id"), indicator_id(1));
  EXPECT_EQ(string_at(first_of(json, "successes"), "version"), indicator_version(1));
}

TEST(TaxiiPost, TheVersionOfAnObjectWithoutOneIsItsDateAdded) {
  World world;
  const auto answer = world.post(envelope({address(1)}));
  const std::string version(*string_at(first_of(answer.json(), "successes"), "version"));
  const auto manifest = world.get("/api1/collections/shared/manifest/").json();
  EXPECT_EQ(string_at(first_of(manifest, "objects"), "version"), version);
  EXPECT_EQ(string_at(first_of(manifest, "objects"), "date_added"), version);
}

TEST(TaxiiPost, StatusIsFoundAgainAlsoAfterARestartButOnlyByItsAccount) {
  World world;
  const auto answer = world.post(envelope({indicator(1)}));
  const std::string path = fmt::format("/api1/status/{}/", *string_at(answer.json(), "id"));
  EXPECT_EQ(world.get(path).body, answer.body);
  EXPECT_EQ(world.get(path, "reader").status, 404);
  world.restart();
  EXPECT_EQ(world.get(path).body, answer.body);
  EXPECT_EQ(world.get(path, "second").status, 404);
}

TEST(TaxiiPost, AnExactDuplicateSucceedsAndIsNotStoredTwice) {
  World world;
  world.add({indicator(1), address(1)});
  const auto again = world.post(envelope({indicator(1), address(1)}));
  EXPECT_EQ(counts(again), (Counts{2, 2, 0}));
  EXPECT_EQ(ids_of(world.get(world.objects("?match[version]=all"))).size(), 2U);
}

TEST(TaxiiPost, TheSameObjectWrittenDifferentlyIsADuplicateToo) {
  World world;
  world.add({indicator(1)});
  std::string spaced = indicator(1);
  spaced.replace(spaced.find(",\"spec_version\""), 1, " ,\n ");
  const auto again = world.post(envelope({spaced}));
  EXPECT_EQ(counts(again), (Counts{1, 1, 0})) << again.body;
  EXPECT_NE(world.get(world.objects()).body.find(indicator(1)), std::string::npos);  // the first one's bytes stay
}

TEST(TaxiiPost, TheSameVersionWithOtherContentIsRefusedAndTheFirstStays) {
  World world;
  world.add({indicator(1)});
  const auto again = world.post(envelope({indicator(1, 1, R"(,"name":"changed")"), indicator(2)}));
  EXPECT_EQ(counts(again), (Counts{2, 1, 1}));
  const Json json = again.json();
  EXPECT_EQ(string_at(first_of(json, "failures"), "id"), indicator_id(1));
  EXPECT_EQ(string_at(first_of(json, "failures"), "version"), indicator_version(1));
  EXPECT_NE(string_at(first_of(json, "failures"), "message").value_or("").find("other content"), std::string::npos);
  EXPECT_EQ(world.get(world.objects()).body.find("changed"), std::string::npos);
}

TEST(TaxiiPost, AnObjectWithoutVersionsThatComesWithOtherBytesIsANewVersion) {
  World world;
  world.add({address(1)});
  world.add({address(1, R"(,"x_note":"more")")});
  const auto path = world.objects(address_id(1) + "/");
  const auto versions = world.get(path + "versions/").json();
  const auto& list = find(versions, "versions")->get_array();
  ASSERT_EQ(list.size(), 2U);
  EXPECT_NE(world.get(path).body.find("more"), std::string::npos);  // the last added is the newest
  EXPECT_EQ(ids_of(world.get(path)).size(), 1U);
  const std::string first(list[0].get_string()), second(list[1].get_string());
  EXPECT_EQ(world.get(path + "?match[version]=" + first).body.find("more"), std::string::npos);
  EXPECT_NE(world.get(path + "?match[version]=" + second).body.find("more"), std::string::npos);
  EXPECT_EQ(world.remove(path + "?match[version]=" + first).status, 200);
  EXPECT_EQ(find(world.get(path + "versions/").json(), "versions")->get_array().size(), 1U);
  EXPECT_EQ(world.get(path + "?match[version]=" + first).status, 404);
}

TEST(TaxiiPost, ABadObjectDoesNotCostTheGoodOnes) {
  World world;
  std::string without_pattern = indicator(2);
  without_pattern.erase(without_pattern.find("\"pattern\":"),
                        std::string_view("\"pattern\":\"[domain-name:value = 'n2.example']\",").size());
  const auto answer = world.post(envelope({indicator(1), without_pattern, R"({"type":"indicator","id":"not-an-id"})",
                                           "7", R"({"id":)" + ("\"" + indicator_id(3)) + R"(","a":x})", indicator(4)}));
  ASSERT_EQ(answer.status, 202) << answer.body;
  EXPECT_EQ(counts(answer), (Counts{6, 2, 4}));
  const Json json = answer.json();
  for (const Json& failure : find(json, "failures")->get_array()) {
    EXPECT_TRUE(string_at(failure, "id") && !string_at(failure, "id")->empty());
    EXPECT_TRUE(string_at(failure, "version") && !string_at(failure, "version")->empty());  // required, §4.3.1
    EXPECT_TRUE(string_at(failure, "message") && !string_at(failure, "message")->empty());
  }
  EXPECT_EQ(ids_of(world.get(world.objects())), (std::vector<std::string>{indicator_id(1), indicator_id(4)}));
}

TEST(TaxiiPost, TwiceInOneEnvelope) {
  World world;
  const auto answer = world.post(envelope({indicator(1), indicator(1), indicator(1, 2)}));
  EXPECT_EQ(counts(answer), (Counts{3, 3, 0})) << answer.body;
  EXPECT_EQ(ids_of(world.get(world.objects("?match[version]=all"))).size(), 2U);
}

TEST(TaxiiPost, MoreObjectsThanOneAdmissionTakes) {
  World world;
  std::vector<std::string> objects;
  for (int i = 0; i < 5500; ++i) objects.push_back(address(i % 250, fmt::format(R"(,"x_n":{})", i)));
  EXPECT_EQ(counts(world.post(envelope(objects))), (Counts{5500, 5500, 0}));
}

TEST(TaxiiPost, TooManyObjectsAre422AndNothingIsStored) {
  World world;
  std::string body = R"({"objects":[)" + indicator(1);
  for (std::uint64_t i = 0; i < kMaxObjectsInEnvelope; ++i) body += ",1";
  EXPECT_EQ(world.post(body + "]}").status, 422);
  EXPECT_EQ(world.get(world.objects()).body, "{}");
}

TEST(TaxiiPost, ABrokenEnvelopeStoresNothingOfIt) {
  World world;
  EXPECT_EQ(world.post(R"({"objects":[)" + indicator(1) + "],}").status, 422);
  EXPECT_EQ(world.get(world.objects()).body, "{}");
}

TEST(TaxiiPost, AClosedJournalIs503AndNothingIsClaimed) {
  World world;
  world.journal->close();
  const auto answer = world.post(envelope({indicator(1)}));
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_NE(answer.header("Retry-After"), "(none)");
}

// ── §5.7 ──
TEST(TaxiiDelete, OneVersionLeavesTheOthers) {
  World world;
  world.add({indicator(1, 1), indicator(1, 2), indicator(1, 3)});
  const auto path = world.objects(indicator_id(1) + "/");
  const auto gone = world.remove(path + "?match[version]=" + indicator_version(3));
  EXPECT_EQ(gone.status, 200);
  EXPECT_TRUE(gone.body.empty());
  EXPECT_EQ(world.get(path + "?match[version]=" + indicator_version(3)).status, 404);
  EXPECT_NE(world.get(path).body.find(indicator_version(2)), std::string::npos);  // now the last
  EXPECT_EQ(world.remove(path + "?match[version]=" + indicator_version(3)).status, 404);
  EXPECT_EQ(world.remove(path + "?match[version]=first").status, 200);
  EXPECT_EQ(find(world.get(path + "versions/").json(), "versions")->get_array().size(), 1U);
}

TEST(TaxiiDelete, WithoutAVersionTheWholeObjectGoes) {
  World world;
  world.add({indicator(1, 1), indicator(1, 2), indicator(2)});
  const auto path = world.objects(indicator_id(1) + "/");
  EXPECT_EQ(world.remove(path).status, 200);
  EXPECT_EQ(world.get(path).status, 404);
  EXPECT_EQ(world.get(path + "?match[version]=all").status, 404);
  EXPECT_EQ(world.get(path + "versions/").status, 404);
  EXPECT_EQ(world.remove(path).status, 404);
  EXPECT_EQ(ids_of(world.get(world.objects("?match[version]=all"))), (std::vector<std::string>{indicator_id(2)}));
  EXPECT_EQ(ids_of(world.get("/api1/collections/shared/manifest/?match[version]=all")),
            (std::vector<std::string>{indicator_id(2)}));
}

TEST(TaxiiDelete, ParametersThatItDoesNotHaveAre400AndDeleteNothing) {
  World world;
  world.add({indicator(1)});
  const auto path = world.objects(indicator_id(1) + "/");
  for (const char* query : {"match[type]=malware", "match[id]=x", "match[foo]=1", "added_after=2024-01-01T00:00:00Z",
                            "limit=1", "foo=bar", "match[version]=nonsense"})
    EXPECT_EQ(world.remove(path + "?" + query).status, 400) << query;
  EXPECT_EQ(world.remove(path + "?match[spec_version]=2.0").status, 404);
  EXPECT_EQ(world.get(path).status, 200);
}

TEST(TaxiiDelete, WhatTheAskerCannotSeeItCannotDelete) {
  World world;
  auto list = world.accounts->accounts();
  list["reader"].write = {"*"};
  world.accounts->replace(list);
  const std::string amber = stix::tlp_marking_id(stix::Tlp::kAmber).text();
  world.add({indicator(1, 1, "", kTlpRed), indicator(2, 2, "", amber), indicator(3)});
  ASSERT_EQ(world.post(envelope({indicator(2, 1)}), "reader").status, 202);
  EXPECT_EQ(world.remove(world.objects(indicator_id(1) + "/"), "reader").status, 404);
  EXPECT_EQ(world.get(world.objects(indicator_id(1) + "/")).status, 200);
  // It sees this one, but another gave it (§5.7: access to the object, but not to delete it).
  EXPECT_EQ(world.remove(world.objects(indicator_id(3) + "/"), "reader").status, 403);
  EXPECT_EQ(world.get(world.objects(indicator_id(3) + "/")).status, 200);
  // Of an object that is partly hidden, the hidden versions stay.
  EXPECT_EQ(world.remove(world.objects(indicator_id(2) + "/"), "reader").status, 200);
  const Json versions = world.get(world.objects(indicator_id(2) + "/versions/")).json();
  EXPECT_EQ(find(versions, "versions")->get_array().size(), 1U);
  EXPECT_NE(world.get(world.objects(indicator_id(2) + "/")).body.find(indicator_version(2)), std::string::npos);
}

TEST(TaxiiDelete, ADeletedVersionMayComeAgain) {
  World world;
  world.add({indicator(1)});
  EXPECT_EQ(world.remove(world.objects(indicator_id(1) + "/")).status, 200);
  world.add({indicator(1)});
  EXPECT_EQ(ids_of(world.get(world.objects())), (std::vector<std::string>{indicator_id(1)}));
}

// ── retention of statuses ──
TEST(StatusBook, KeepsTheNewestOfEachAccountWithinItsBounds) {
  FakeClock clock;
  SeededRandom random(1);
  const auto journal = journal::make_memory_journal(clock, random);
  const auto log = make_null_log();
  auto book = StatusBook::load(*journal, *log);
  ASSERT_TRUE(book);
  const auto id = [](std::size_t n) { return fmt::format("00000000-0000-4000-8000-{:012d}", n); };
  (*book)->add("quiet", id(999'999), "{}", clock.now());
  for (std::size_t i = 0; i < kMaxStatusesPerAccount + 5; ++i) {
    clock.advance(std::chrono::milliseconds(1));
    (*book)->add("busy", id(i), "{}", clock.now());
  }
  EXPECT_FALSE((*book)->get("busy", id(4)));
  EXPECT_TRUE((*book)->get("busy", id(5)));
  EXPECT_TRUE((*book)->get("quiet", id(999'999)));
  book->reset();  // writes what is not written yet
  EXPECT_EQ(journal->states("taxii.status")->size(), kMaxStatusesPerAccount + 1);
  EXPECT_EQ(journal->states("taxii.status.index")->size(), kMaxStatusesPerAccount + 1);
  book = StatusBook::load(*journal, *log);
  ASSERT_TRUE(book);

  clock.advance(kKeepStatus + std::chrono::hours(1));
  (*book)->add("busy", id(777'777), "{}", clock.now());
  EXPECT_FALSE((*book)->get("busy", id(5)));
  book->reset();  // writes what is not written yet
  EXPECT_EQ(journal->states("taxii.status")->size(), 2U) << "the newest of busy and that of quiet";
  auto again = StatusBook::load(*journal, *log);
  ASSERT_TRUE(again);
  EXPECT_TRUE((*again)->get("busy", id(777'777)));
  EXPECT_FALSE((*again)->get("quiet", id(777'777)));
}

TEST(StatusBook, IsFoundAtOnceAndAfterARestart) {
  FakeClock clock;
  SeededRandom random(1);
  const auto journal = journal::make_memory_journal(clock, random);
  const auto log = make_null_log();
  for (int round = 0; round < 50; ++round) {
    auto book = StatusBook::load(*journal, *log);
    ASSERT_TRUE(book);
    for (int i = 0; i < 20; ++i) {
      const std::string id = fmt::format("{}-{}", round, i), body = fmt::format("{{\"n\":{}}}", i);
      (*book)->add("one", id, body, clock.now());
      EXPECT_EQ((*book)->get("one", id).value_or("missing"), body);
    }
    for (int before = 0; before <= round; ++before)
      EXPECT_TRUE((*book)->get("one", fmt::format("{}-{}", before, 19))) << before;
    clock.advance(std::chrono::milliseconds(1));
  }
}

TEST(StatusBook, LargeStatusesAreBoundedByTheirBytes) {
  FakeClock clock;
  SeededRandom random(1);
  const auto journal = journal::make_memory_journal(clock, random);
  const auto log = make_null_log();
  auto book = StatusBook::load(*journal, *log);
  const std::string large(kMaxStatusBytesPerAccount / 2 - 10, 'x');
  for (const char* id : {"a", "b", "c"}) (*book)->add("one", id, large, clock.now());
  EXPECT_FALSE((*book)->get("one", "a"));
  EXPECT_TRUE((*book)->get("one", "b"));
  EXPECT_TRUE((*book)->get("one", "c"));
}

}  // namespace
}  // namespace bongsu::api
