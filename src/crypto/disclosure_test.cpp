#include "crypto/disclosure.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>

#include "base/bytes.h"
#include "crypto/byte_reader.h"
#include "crypto/origin_test_support.h"

namespace bongsu::crypto {
namespace {

using test::random_object;
using test::random_part;
using ::testing::HasSubstr;

bool same(const Result<Sha256>& found, const Sha256& expected) { return found && *found == expected; }

TEST(Disclosure, EveryPartOfAnObjectComesToTheCommitmentOfTheWhole) {
  SeededRandom random(7);
  const int rounds = std::getenv("BONGSU_LONG") != nullptr ? 20'000 : 400;
  for (int round = 0; round < rounds; ++round) {
    const JsonObject object = random_object(random);
    const std::string bytes = to_text(object);
    const auto made = commit_object(bytes, random);
    ASSERT_TRUE(made);
    EXPECT_EQ(commitment_of_full(bytes, made->full), made->commitment);
    const JsonObject part = random_part(object, random, 3 + static_cast<unsigned>(random.below(8)));
    const auto proof = disclose(bytes, made->full, to_text(part));
    ASSERT_TRUE(proof) << proof.error().text() << "\n" << bytes << "\n" << to_text(part);
    ASSERT_TRUE(same(commitment_of_redacted(to_text(part), *proof), made->commitment)) << bytes;

    const JsonObject less = random_part(part, random, 7);
    const auto further = disclose_further(to_text(part), *proof, to_text(less));
    ASSERT_TRUE(further) << further.error().text() << "\n" << to_text(part) << "\n" << to_text(less);
    ASSERT_TRUE(same(commitment_of_redacted(to_text(less), *further), made->commitment));
    // What was not given cannot be given on.
    if (to_text(part) != bytes) EXPECT_FALSE(disclose_further(to_text(part), *proof, bytes) && to_text(part) != bytes);

    std::string encoded;
    append_disclosure(encoded, *further);
    ByteReader reader(encoded);
    const auto read = parse_disclosure(reader);
    ASSERT_TRUE(read && reader.done());
    EXPECT_TRUE(same(commitment_of_redacted(to_text(less), *read), made->commitment));
    for (std::size_t cut = 0; cut < encoded.size(); cut += 1 + cut / 7) {
      ByteReader early(std::string_view(encoded).substr(0, cut));
      EXPECT_FALSE(parse_disclosure(early));
    }
  }
}

struct Change {
  const char* what;
  std::function<void(JsonObject&)> change;
};

const std::string kObject =
    R"({"type":"indicator","spec_version":"2.1","id":"indicator--1","created":"2026-01-01T00:00:00Z",)"
    R"("modified":"2026-01-01T00:00:00Z","created_by_ref":"identity--1","valid_until":"2027-01-01T00:00:00Z",)"
    R"("object_marking_refs":["marking-definition--red"],"name":"secret","description":"seen here","confidence":85,)"
    R"("labels":["a","b","c"],"kill_chain_phases":[{"kill_chain_name":"k","phase_name":"p"},)"
    R"({"kill_chain_name":"k","phase_name":"q"}],"granular_markings":[)"
    R"({"marking_ref":"marking-definition--amber","selectors":["description","labels.[2]"]}]})";
// Without name, and without the first two labels.
const std::string kPart =
    R"({"type":"indicator","spec_version":"2.1","id":"indicator--1","created":"2026-01-01T00:00:00Z",)"
    R"("modified":"2026-01-01T00:00:00Z","created_by_ref":"identity--1","valid_until":"2027-01-01T00:00:00Z",)"
    R"("object_marking_refs":["marking-definition--red"],"description":"seen here","confidence":85,)"
    R"("labels":["c"],"kill_chain_phases":[{"kill_chain_name":"k","phase_name":"p"},)"
    R"({"kill_chain_name":"k","phase_name":"q"}],"granular_markings":[)"
    R"({"marking_ref":"marking-definition--amber","selectors":["description","labels.[0]"]}]})";

// Leak rule G6, and G3: what moved with the lists.
TEST(Disclosure, G6_NothingButTakingAwayIsProven) {
  SeededRandom random(1);
  const auto made = commit_object(kObject, random);
  ASSERT_TRUE(made);
  const auto proof = disclose(kObject, made->full, kPart);
  ASSERT_TRUE(proof) << proof.error().text();
  ASSERT_TRUE(same(commitment_of_redacted(kPart, *proof), made->commitment));

  const Change changes[] = {
      {"a changed value", [](JsonObject& o) { o["description"] = "seen there"; }},
      {"a changed type", [](JsonObject& o) { o["confidence"] = "85"; }},
      {"a changed number", [](JsonObject& o) { o["confidence"] = 86; }},
      {"a renamed property", [](JsonObject& o) { o["x_confidence"] = o["confidence"], o.erase("confidence"); }},
      {"an added property", [](JsonObject& o) { o["x_more"] = 1; }},
      {"a guessed name", [](JsonObject& o) { o["name"] = "secret"; }},
      {"a property taken away", [](JsonObject& o) { o.erase("confidence"); }},
      {"another id", [](JsonObject& o) { o["id"] = "indicator--2"; }},
      {"another version", [](JsonObject& o) { o["modified"] = "2026-01-02T00:00:00Z"; }},
      {"no creator", [](JsonObject& o) { o.erase("created_by_ref"); }},
      {"no marking", [](JsonObject& o) { o.erase("object_marking_refs"); }},
      {"another marking", [](JsonObject& o) { o["object_marking_refs"] = JsonArray{"marking-definition--green"}; }},
      {"no end of validity", [](JsonObject& o) { o.erase("valid_until"); }},
      {"revoked", [](JsonObject& o) { o["revoked"] = true; }},
      {"no granular markings", [](JsonObject& o) { o.erase("granular_markings"); }},
      {"another granular marking",
       [](JsonObject& o) { o["granular_markings"].at(0).at("marking_ref") = "marking-definition--green"; }},
      {"a marking that moved",
       [](JsonObject& o) { o["granular_markings"].at(0).at("selectors").at(1) = "confidence"; }},
      {"a marking of nothing",
       [](JsonObject& o) { o["granular_markings"].at(0).at("selectors").at(1) = "labels.[7]"; }},
      {"elements in another order",
       [](JsonObject& o) {
         auto& list = o["kill_chain_phases"].get_array();
         std::swap(list[0], list[1]);
       }},
      {"an element twice", [](JsonObject& o) { o["labels"].get_array().push_back("c"); }},
  };
  for (const Change& change : changes) {
    JsonObject other = parse_json(kPart)->get_object();
    change.change(other);
    EXPECT_FALSE(same(commitment_of_redacted(to_text(other), *proof), made->commitment)) << change.what;
    // Nor does the maker of parts help: only taking away is a part.
    const auto again = disclose(kObject, made->full, to_text(other));
    const std::string what = change.what;
    if (what != "a guessed name" && what != "a property taken away" && what != "a marking that moved")
      EXPECT_FALSE(again) << change.what;
    else if (what != "a marking that moved")
      EXPECT_TRUE(again) << change.what;
  }
  // Damaged proofs.
  for (const auto& damage : std::initializer_list<std::function<void(RedactedDisclosure&)>>{
           [](auto& p) { p.salts[0][3] ^= 1; }, [](auto& p) { p.numbers[0] += 1; },
           [](auto& p) { p.hidden[0][0] ^= 1; }, [](auto& p) { p.bytes[0] ^= 1; }, [](auto& p) { p.hidden.pop_back(); },
           [](auto& p) { p.hidden.push_back({}); }, [](auto& p) { p.salts.pop_back(); },
           [](auto& p) { p.places[0] = static_cast<char>(p.places[0] ^ 1); }, [](auto& p) { p.depth += 1; },
           [](auto& p) { p.depth = 200; }, [](auto& p) { p.numbers.push_back(9); }}) {
    RedactedDisclosure other = *proof;
    damage(other);
    EXPECT_FALSE(same(commitment_of_redacted(kPart, other), made->commitment));
  }
}

// Leak rules G3, D9: neither names, values, the hash of the original, nor how many are hidden.
TEST(Disclosure, G6_WhatIsHiddenCannotBeTriedOutOrCounted) {
  SeededRandom random(2);
  const auto made = commit_object(kObject, random);
  const auto proof = disclose(kObject, made->full, kPart);
  ASSERT_TRUE(proof);
  std::string text;
  append_disclosure(text, *proof);
  const Sha256 whole = sha256(kObject);
  EXPECT_EQ(text.find("name"), std::string::npos);
  EXPECT_EQ(text.find("secret"), std::string::npos);
  EXPECT_EQ(text.find(as_text(whole)), std::string::npos);
  EXPECT_EQ(text.find(as_text(made->full.seed)), std::string::npos);
  EXPECT_EQ(text.find(as_text(made->full.content)), std::string::npos);

  // A copy that hides nothing has hidden nodes as well, and as many bytes as the tree's places make it, whatever is
  // behind them: with eight leaves shown, seven more and eight decoys, and no more and fifteen decoys look alike.
  const auto proof_of = [&](std::size_t hidden) {
    JsonObject object{{"type", "x"}, {"id", "x--1"}}, shown = object;
    for (int i = 0; i < 8; ++i) object[fmt::format("a{}", i)] = shown[fmt::format("a{}", i)] = i;
    for (std::size_t i = 0; i < hidden; ++i) object[fmt::format("b{}", i)] = 1;
    const auto committed = commit_object(to_text(object), random);
    return *disclose(to_text(object), committed->full, to_text(shown));
  };
  for (const std::size_t hidden : {0, 1, 7}) {
    const auto made_of = proof_of(hidden);
    EXPECT_EQ(made_of.depth, 4) << hidden;
    EXPECT_EQ(made_of.salts.size(), 8u);
    EXPECT_FALSE(made_of.hidden.empty());
  }
}

TEST(Disclosure, ObjectsThatCannotBeTakenApartAreSignedAsAWhole) {
  SeededRandom random(3);
  JsonObject large{{"type", "report"}, {"id", "report--1"}};
  JsonArray list;
  for (int i = 0; i < 17'000; ++i) list.push_back(i);
  large["object_refs"] = std::move(list);
  JsonObject odd{{"type", "report"}, {"id", "report--1"}, {"granular_markings", JsonArray{1}}};
  for (const JsonObject& object : {large, odd}) {
    const std::string bytes = to_text(object);
    const auto made = commit_object(bytes, random);
    ASSERT_TRUE(made);
    EXPECT_EQ(commitment_of_full(bytes, made->full), made->commitment);
    const auto part = disclose(bytes, made->full, R"({"type":"report","id":"report--1"})");
    ASSERT_FALSE(part);
    EXPECT_THAT(part.error().message, HasSubstr("as a whole"));
  }
  EXPECT_FALSE(commit_object("[]", random));
  EXPECT_FALSE(commit_object("{", random));
}

TEST(Disclosure, FindingAPartEndsInBoundedTime) {
  SeededRandom random(4);
  // Each element of the part fits the beginning of each element of the whole, and none fits to the end.
  JsonArray many, some;
  JsonObject element, other;
  for (int i = 0; i < 60; ++i) element[fmt::format("k{}", i)] = other[fmt::format("k{}", i)] = 0;
  other["k59"] = 1;
  for (int i = 0; i < 250; ++i) many.push_back(element), some.push_back(other);
  const std::string whole = to_text(JsonObject{{"type", "x"}, {"id", "x--1"}, {"l", many}});
  const auto made = commit_object(whole, random);
  EXPECT_FALSE(disclose(whole, made->full, to_text(JsonObject{{"type", "x"}, {"id", "x--1"}, {"l", some}})));
}

}  // namespace
}  // namespace bongsu::crypto
