#include "ledger/witness.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "ledger/ledger_test_support.h"

namespace bongsu::ledger {
namespace {

// A log that can be made to lie.
struct FakeLog {
  std::vector<std::string> entries;
  std::string origin = origin_of("cert-lt", "pair/cert-ua");
  Note checkpoint(std::uint64_t size, int key = 0) const {
    Note note;
    note.text = Checkpoint{.origin = origin, .size = size, .root = slow_root(entries, 0, size), .extensions = {}}.text();
    note.signatures = {*sign_note(note.text, origin, test_key(key))};
    return note;
  }
  std::string request(std::uint64_t old, std::uint64_t size) const {
    return add_checkpoint_request({.old_size = old, .proof = old == 0 || old >= size ? std::vector<Hash>{} : slow_consistency(old, entries, 0, size, true), .checkpoint = checkpoint(size)});
  }
};

struct WitnessTest : ::testing::Test {
  WitnessTest() {
    for (int i = 0; i < 40; ++i) log.entries.push_back("entry " + std::to_string(i));
    fork = log;
    fork.entries[12] = "another";
  }
  MemoryWitnessRecord record;
  FakeClock clock;
  const VerifierKey own = witness_key("cert-ua", test_key(1).public_key);
  Witness witness{{.name = own.name, .key = test_key(1)}, record, clock};
  WitnessAnswer add(const std::string& body) {
    return witness.add_checkpoint(body, [](std::string_view origin) {
      return origin == origin_of("cert-lt", "pair/cert-ua") ? std::vector{log_key("cert-lt", "pair/cert-ua", test_key(0).public_key)} : std::vector<VerifierKey>{};
    });
  }
  FakeLog log, fork;
};

TEST_F(WitnessTest, CosignsWhatContinuesAndTheLogCanUseIt) {
  std::uint64_t old = 0;
  for (const std::uint64_t size : {3, 3, 8, 17, 40}) {
    const auto answer = add(log.request(old, size));
    ASSERT_EQ(answer.status, 200) << answer.body;
    const auto says = read_add_checkpoint(answer.status, answer.body, log.checkpoint(size), own);
    ASSERT_EQ(says.kind, WitnessSays::Kind::kCosigned) << says.reason;
    const std::vector<VerifierKey> both = {own, log_key("cert-lt", "pair/cert-ua", test_key(0).public_key)};
    const auto by = says.note.verify(both);
    ASSERT_TRUE(by);
    EXPECT_EQ(by->size(), 2u);
    EXPECT_EQ(record.notes.at(log.origin), log.checkpoint(size).whole());
    old = size;
  }
}

TEST_F(WitnessTest, AnswersByTheSpecification) {
  EXPECT_EQ(add("").status, 400);
  EXPECT_EQ(add("old x\n\n" + log.checkpoint(3).whole()).status, 400);
  EXPECT_EQ(add("old 0\nAAAA\n\n" + log.checkpoint(3).whole()).status, 400);
  EXPECT_EQ(add(add_checkpoint_request({.old_size = 4, .proof = {}, .checkpoint = log.checkpoint(3)})).status, 400);
  FakeLog unknown = log;
  unknown.origin = origin_of("cert-fi", "pair/cert-ua");
  EXPECT_EQ(add(unknown.request(0, 3)).status, 404);
  EXPECT_EQ(witness.add_checkpoint(log.request(0, 3), [](std::string_view) { return std::vector<VerifierKey>{}; }).status, 404) << "known, but not his to submit";
  EXPECT_EQ(add(add_checkpoint_request({.old_size = 0, .proof = {}, .checkpoint = log.checkpoint(3, 2)})).status, 403);
  EXPECT_EQ(add(add_checkpoint_request({.old_size = 0, .proof = {Hash{}}, .checkpoint = log.checkpoint(3)})).status, 422);
  EXPECT_TRUE(record.notes.empty());
  ASSERT_EQ(add(log.request(0, 8)).status, 200);
  const auto other = add(log.request(3, 17));
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(other.body, "8\n");
  EXPECT_EQ(other.content_type, kSizeType);
  EXPECT_FALSE(other.forked || other.rolled_back);
  const auto says = read_add_checkpoint(other.status, other.body, log.checkpoint(17), own);
  EXPECT_EQ(says.kind, WitnessSays::Kind::kOtherSize);
  EXPECT_EQ(says.size, 8u);
}

TEST_F(WitnessTest, NamesTwoHistoriesWithBothCheckpoints) {
  ASSERT_EQ(add(log.request(0, 17)).status, 200);
  // The same size with another root proves it by itself.
  for (const std::uint64_t old : {0, 17}) {
    const auto same = add(fork.request(old, 17));
    EXPECT_EQ(same.status, 409);
    ASSERT_TRUE(same.forked);
    EXPECT_EQ(same.forked->first, log.checkpoint(17).whole());
    EXPECT_EQ(same.forked->second, fork.checkpoint(17).whole());
  }
  // A longer one whose proof does not start from what was cosigned.
  const auto longer = add(fork.request(17, 30));
  EXPECT_EQ(longer.status, 422);
  ASSERT_TRUE(longer.forked);
  EXPECT_NE(longer.forked->reason.find("17"), std::string::npos);
  EXPECT_EQ(longer.forked->second, fork.checkpoint(30).whole());
  // Nothing of it was recorded; the honest history goes on.
  EXPECT_EQ(add(log.request(17, 30)).status, 200);
}

TEST_F(WitnessTest, RefusesToGoBack) {
  ASSERT_EQ(add(log.request(0, 30)).status, 200);
  for (const std::uint64_t old : {0, 8}) {
    const auto back = add(log.request(old, 8));
    EXPECT_EQ(back.status, 409);
    EXPECT_EQ(back.body, "30\n");
    ASSERT_TRUE(back.rolled_back);
    EXPECT_EQ(back.rolled_back->first, log.checkpoint(30).whole());
    EXPECT_FALSE(back.forked);
  }
  EXPECT_EQ(record.notes.at(log.origin), log.checkpoint(30).whole());
}

TEST_F(WitnessTest, SignsNothingThatItCouldNotRecord) {
  record.broken = true;
  const auto answer = add(log.request(0, 3));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body.find("\xe2\x80\x94"), std::string::npos);
}

TEST_F(WitnessTest, ACosignatureOfAnotherIsWorthNothingToTheLog) {
  const Note checkpoint = log.checkpoint(3);
  const std::string forged = cosign_note(checkpoint.text, own.name, test_key(2), 5)->line();
  EXPECT_EQ(read_add_checkpoint(200, forged, checkpoint, own).kind, WitnessSays::Kind::kRefused);
  const std::string of_another_text = cosign_note(log.checkpoint(4).text, own.name, test_key(1), 5)->line();
  EXPECT_EQ(read_add_checkpoint(200, of_another_text, checkpoint, own).kind, WitnessSays::Kind::kRefused);
  EXPECT_EQ(read_add_checkpoint(200, "", checkpoint, own).kind, WitnessSays::Kind::kRefused);
  EXPECT_EQ(read_add_checkpoint(409, "x\n", checkpoint, own).kind, WitnessSays::Kind::kRefused);
}

}  // namespace
}  // namespace bongsu::ledger
