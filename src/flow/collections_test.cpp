#include "flow/collections.h"

#include <gtest/gtest.h>

#include "base/uuid.h"
#include "flow/flow_test_support.h"

namespace bongsu::flow {
namespace {

class CollectionsTest : public testing::Test {
 protected:
  FakeClock clock;
  SeededRandom random{1};
  std::unique_ptr<journal::Journal> journal = journal::make_memory_journal(clock, random);
  std::unique_ptr<Collections> collections = std::move(*Collections::load(*journal));
};

TEST_F(CollectionsTest, AreFoundByIdAndAliasAndSurviveARestart) {
  const auto added = collections->add(
      {.alias = "shared", .title = "Shared", .description = "d", .fallback = stix::Tlp::kGreen}, random);
  ASSERT_TRUE(added) << added.error().text();
  EXPECT_TRUE(Uuid::parse(added->id));
  collections = std::move(*Collections::load(*journal));
  EXPECT_EQ(collections->find("shared"), *added);
  EXPECT_EQ(collections->find(added->id), *added);
  EXPECT_EQ(collections->find("other"), std::nullopt);
  ASSERT_TRUE(collections->add({.alias = "a"}, random));
  EXPECT_EQ(collections->list().front().alias, "a");
}

TEST_F(CollectionsTest, TakenAliasesAndIdsConflict) {
  const auto added = collections->add({.alias = "shared"}, random);
  EXPECT_EQ(collections->add({.alias = "shared"}, random).error().code, ErrorCode::kConflict);
  EXPECT_EQ(collections->add({.id = added->id, .alias = "other"}, random).error().code, ErrorCode::kConflict);
}

TEST_F(CollectionsTest, BadNamesAreRefusedByField) {
  for (const char* alias : {"", "*", "Shared", "a b", ".a", "-a", "a/b", "28bb3599-77cd-5a82-a950-b5bc3caf07c4"}) {
    const auto added = collections->add({.alias = alias, .title = "t"}, random);
    ASSERT_FALSE(added) << alias;
    EXPECT_EQ(added.error().where.field, "alias");
  }
  EXPECT_EQ(collections->add({.id = "x", .alias = "a"}, random).error().where.field, "id");
}

TEST_F(CollectionsTest, AMirrorIsMadeOnceAndIsNeverWritable) {
  const auto mirror =
      collections->mirror("cert-ua", "91a7b528-80eb-42ed-a74d-c6fbd5a26116", "shared", "Shared by UA", "", random);
  ASSERT_TRUE(mirror) << mirror.error().text();
  EXPECT_EQ(mirror->alias, "cert-ua.shared");
  EXPECT_FALSE(mirror->writable);
  EXPECT_EQ(mirror->fallback, stix::Tlp::kAmberStrict);
  collections = std::move(*Collections::load(*journal));
  EXPECT_EQ(*collections->mirror("cert-ua", "91a7b528-80eb-42ed-a74d-c6fbd5a26116", "renamed", "", "", random), *mirror);
  EXPECT_EQ(collections->list().size(), 1U);
}

TEST_F(CollectionsTest, AMirrorStaysWhatItWasMadeFor) {
  const std::string drill = "0e0e1b3c-520d-4a7d-9a3e-8e415bd27710";
  ASSERT_TRUE(collections->mirror("cert-ua", "91a7b528-80eb-42ed-a74d-c6fbd5a26116", "shared", "", "", random));
  const auto drilled = collections->mirror("cert-ua", "91a7b528-80eb-42ed-a74d-c6fbd5a26116", "shared", "", drill, random);
  ASSERT_FALSE(drilled);
  EXPECT_EQ(drilled.error().code, ErrorCode::kConflict);
  EXPECT_EQ(collections->mirror("cert-ua", "r2", "drill", "", "no-uuid", random).error().where.field, "exercise");
  ASSERT_TRUE(collections->mirror("cert-ua", "r2", "drill", "", drill, random));
  EXPECT_FALSE(collections->mirror("cert-ua", "r2", "drill", "", "", random)) << "nor the other way round";
  collections = std::move(*Collections::load(*journal));
  EXPECT_FALSE(collections->own_of(drill)) << "a partner's is not ours";
  const auto own = collections->add({.alias = "drill", .exercise = drill}, random);
  EXPECT_EQ(collections->own_of(drill)->id, own->id);
}

TEST_F(CollectionsTest, WhatAPartnerCallsItsCollectionsCannotHarm) {
  std::set<std::string> aliases;
  for (const char* alias : {"../../etc", "Über", "", "shared", "shared", "*", "a b\n"}) {
    const auto mirror = collections->mirror("cert-ua", "id-" + std::to_string(aliases.size()) + "/..", alias,
                                            std::string(9000, 'x'), "", random);
    ASSERT_TRUE(mirror) << alias << mirror.error().text();
    EXPECT_TRUE(aliases.insert(mirror->alias).second) << mirror->alias;
    EXPECT_TRUE(mirror->alias.starts_with("cert-ua."));
  }
}

TEST_F(CollectionsTest, AgreementsGetIdsForAliases) {
  const auto added = collections->add({.alias = "shared"}, random);
  policy::Agreement a{.partner = "cert-ua", .collections = {"shared", added->id}};
  EXPECT_EQ(with_collection_ids(a, *collections)->collections, (std::vector<std::string>{added->id, added->id}));
  a.collections = {"shraed"};
  EXPECT_EQ(with_collection_ids(a, *collections).error().code, ErrorCode::kNotFound);
}

TEST_F(CollectionsTest, StoredTextThatIsBrokenIsNamed) {
  journal::Batch batch;
  batch.states.push_back({"collections", "28bb3599-77cd-5a82-a950-b5bc3caf07c4",
                          R"({"id":"28bb3599-77cd-5a82-a950-b5bc3caf07c4","alias":"x"})"});
  ASSERT_TRUE(journal->append(batch));
  const auto loaded = Collections::load(*journal);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace bongsu::flow
