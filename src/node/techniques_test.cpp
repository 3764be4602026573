#include "node/techniques.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/random.h"

namespace bongsu::node {
namespace {

using detect::triage::Technique;

// A journal in memory and the search that reads it.
struct Fixture {
  FakeClock clock;
  SeededRandom random{3};
  std::unique_ptr<journal::Journal> journal = journal::make_memory_journal(clock, random);
  std::unique_ptr<journal::Search> search = std::move(*journal::open_search({}));
  unsigned version = 0;

  static std::string id(std::string_view type, unsigned n) {
    return fmt::format("{}--{:08x}-1111-4111-8111-111111111111", type, n);
  }
  void put(const std::string& collection, const std::string& object_id, const std::string& rest) {
    const std::string stamp = fmt::format("2026-01-01T00:00:{:02}.000Z", ++version);
    const std::string type = object_id.substr(0, object_id.find("--"));
    const std::string payload = fmt::format(
        R"({{"type":"{}","spec_version":"2.1","id":"{}","created":"2026-01-01T00:00:00.000Z","modified":"{}"{}}})",
        type, object_id, stamp, rest);
    ASSERT_TRUE(parse_json(payload)) << payload;
    journal::Batch batch;
    batch.entries.push_back({.collection = collection,
                             .object_id = object_id,
                             .version = stamp,
                             .version_key = stamp,
                             .origin = "cert-a",
                             .payload = payload});
    const auto receipt = journal->append(batch);
    ASSERT_TRUE(receipt);
    const std::vector<journal::Search::Item> items{{*journal->snapshot()->entry(receipt->entries.at(0).seq), payload}};
    ASSERT_TRUE(search->apply(items));
  }
  void put_attack(const std::string& collection, unsigned n, const std::string& technique) {
    put(collection, id("attack-pattern", n),
        R"(,"name":"Web Protocols","external_references":[{"source_name":"capec","external_id":"CAPEC-1"},)"
        R"({"source_name":"mitre-attack","external_id":")" +
            technique +
            R"("}],"kill_chain_phases":[{"kill_chain_name":"mitre-attack","phase_name":"command-and-control"},)"
            R"({"kill_chain_name":"lockheed-martin-cyber-kill-chain","phase_name":"delivery"}])");
  }
  void put_relation(const std::string& collection, unsigned n, const std::string& kind, unsigned attack,
                    const std::string& more = "") {
    put(collection, id("relationship", n),
        fmt::format(R"(,"relationship_type":"{}","source_ref":"{}","target_ref":"{}"{})", kind, id("indicator", 1),
                    id("attack-pattern", attack), more));
  }
  std::vector<Technique> of(unsigned n) {
    TechniqueBook book(*journal, *search);  // remembers nothing
    detect::Alert alert;
    alert.indicator_id = id("indicator", n);
    return book.of(alert);
  }
};

TEST(TechniqueBook, TellsWhatRelationsSayAndInWhichCollectionTheyDo) {
  Fixture f;
  f.put("c1", f.id("indicator", 1),
        R"(,"pattern":"[url:value = 'http://a.example/']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z")");
  f.put_attack("c1", 1, "T1071.001");
  EXPECT_TRUE(f.of(1).empty()) << "no relation yet";
  f.put_relation("c1", 1, "indicates", 1);
  const Technique known{
      .id = "T1071.001", .name = "Web Protocols", .tactics = {"command-and-control"}, .collection = "c1"};
  EXPECT_EQ(f.of(1), std::vector<Technique>{known});
  EXPECT_TRUE(f.of(2).empty());
  detect::Alert of_list;
  of_list.indicator_id = "list:bad.txt:1";
  EXPECT_TRUE(TechniqueBook(*f.journal, *f.search).of(of_list).empty());
}

TEST(TechniqueBook, OtherRelationsAndOtherAttackPatternsCountForNothing) {
  Fixture f;
  f.put_attack("c1", 1, "T1071.001");
  f.put_relation("c1", 1, "related-to", 1);
  f.put("c1", f.id("attack-pattern", 2), R"(,"name":"Home-made")");
  f.put_relation("c1", 2, "indicates", 2);
  EXPECT_TRUE(f.of(1).empty());
}

TEST(TechniqueBook, WhatAnotherCollectionSaysOfAnAttackPatternIsNotToldAlong) {
  Fixture f;
  f.put_attack("secret", 1, "T1071.001");
  f.put_relation("open", 1, "indicates", 1);
  EXPECT_TRUE(f.of(1).empty()) << "not even its id";
  f.put_attack("open", 1, "T1071.002");
  const auto told = f.of(1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].id, "T1071.002");
  EXPECT_EQ(told[0].collection, "open");
}

TEST(TechniqueBook, ARevokedRelationSaysNothingAnyMore) {
  Fixture f;
  f.put_attack("c1", 1, "T1071.001");
  f.put_relation("c1", 1, "indicates", 1);
  ASSERT_EQ(f.of(1).size(), 1U);
  f.put_relation("c1", 1, "indicates", 1, R"(,"revoked":true)");
  EXPECT_TRUE(f.of(1).empty());
}

}  // namespace
}  // namespace bongsu::node
