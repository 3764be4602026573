#include "crypto/origin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>

#include "base/bytes.h"
#include "crypto/origin_test_support.h"

namespace bongsu::crypto {
namespace {

using ::testing::HasSubstr;

struct Origin : ::testing::Test {
  SeededRandom random{11};
  SigningKey key = *make_signing_key();
  OriginSigner signer = *OriginSigner::make("cert-lt", key);
  Instant now = *Instant::parse("2026-05-01T12:00:00.123456Z");

  std::vector<std::string> proofs(const std::vector<std::string>& objects, const OriginClaim& claim = {}) {
    const std::vector<std::string_view> views(objects.begin(), objects.end());
    return *signer.sign(views, claim, now, random);
  }
};

TEST(OriginTree, RootsAndPathsAreThoseOfRfc6962) {
  SeededRandom random{5};
  for (const std::size_t count : {1, 2, 3, 5, 17, 64, 333, 1023, 1024}) {
    BatchTree::Secret secret{};
    random.fill(secret);
    const auto places = random_places(count, random);
    std::vector<Sha256> entries;
    test::Placed placed;
    for (std::size_t i = 0; i < count; ++i) {
      entries.push_back(sha256(std::to_string(i)));
      placed.emplace(places[i], entries.back());
    }
    ASSERT_EQ(placed.size(), count) << "all places are different";
    const BatchTree tree(entries, places, secret);
    ASSERT_EQ(tree.root(), test::slow_root(placed, secret)) << count;
    for (std::size_t i = 0; i < count; i += 1 + count / 20) {
      const auto path = tree.path(places[i]);
      ASSERT_THAT(path, ::testing::ElementsAreArray(test::slow_path(places[i], placed, secret)))
          << i << " of " << count;
      ASSERT_EQ(root_from_path(entries[i], places[i], path), tree.root());
      // Another entry, another place.
      EXPECT_NE(root_from_path(sha256("other"), places[i], path), tree.root());
      for (std::uint16_t other = 0; other < kBatchPlaces; ++other)
        if (other != places[i]) ASSERT_NE(root_from_path(entries[i], other, path), tree.root());
    }
  }
}

// Leak rule D9: who gets one object of a batch learns nothing of the others.
TEST_F(Origin, D9_AProofTellsNeitherHowManyWereSignedNorWhichItWas) {
  const std::string object = R"({"type":"indicator"})";
  for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{40}, kBatchPlaces}) {
    const std::vector<std::string> objects(count, object);
    double first = 0, last = 0;
    constexpr int kRounds = 200;
    const int rounds = count > 100 ? 20 : kRounds;
    std::set<std::uint16_t> seen;
    for (int round = 0; round < rounds; ++round) {
      const auto made = proofs(objects);
      EXPECT_EQ(made.front().size(), proofs({object}).front().size());
      const auto a = *OriginProof::parse(made.front()), b = *OriginProof::parse(made.back());
      first += a.place, last += b.place;
      seen.insert(a.place);
      // No two nodes of a path are alike, and none is what an empty tree would always have.
      EXPECT_EQ(std::set(a.path.begin(), a.path.end()).size(), kBatchDepth);
    }
    EXPECT_GT(seen.size(), static_cast<std::size_t>(rounds) / 2) << "places are random";
    // The mean of uniform places is 511.5, its deviation 296 / sqrt(rounds): six of them are wide enough for ever.
    const double width = 6 * 296 / std::sqrt(rounds);
    EXPECT_NEAR(first / rounds, 511.5, width) << count;
    EXPECT_NEAR(last / rounds, 511.5, width) << count;
  }
  const std::vector<std::string> many(kBatchPlaces + 1, object);
  const std::vector<std::string_view> views(many.begin(), many.end());
  EXPECT_EQ(signer.sign(views, {}, now, random).error().code, ErrorCode::kTooLarge);
}

TEST_F(Origin, EachObjectOfABatchIsProvenByItself) {
  for (const std::size_t count : {1, 2, 3, 7, 64, 100}) {
    std::vector<std::string> objects;
    for (std::size_t i = 0; i < count; ++i) objects.push_back(to_text(test::random_object(random)));
    const auto made = proofs(objects);
    ASSERT_EQ(made.size(), count);
    OriginVerifier verifier;
    for (std::size_t i = 0; i < count; ++i) {
      const auto proof = OriginProof::parse(made[i]);
      ASSERT_TRUE(proof) << proof.error().text();
      EXPECT_EQ(proof->bytes(), made[i]);
      EXPECT_EQ(proof->originator, "cert-lt");
      EXPECT_EQ(proof->time.text(6), "2026-05-01T12:00:00.123456Z");
      EXPECT_TRUE(proof->claim.author);
      EXPECT_EQ(verifier.verify(*proof, objects[i], key.public_key), OriginFault::kNone);
      EXPECT_EQ(verifier.verify(*proof, objects[i] + " ", key.public_key), OriginFault::kNotSigned);
      if (count > 1)
        EXPECT_EQ(verifier.verify(*proof, objects[(i + 1) % count], key.public_key), OriginFault::kNotSigned);
    }
  }
}

struct Tampering {
  const char* what;
  std::function<void(OriginProof&)> change;
  OriginFault expected;
};

TEST_F(Origin, EveryChangeOfAProofIsFoundAndNamed) {
  const std::string object = to_text(test::random_object(random));
  const auto made = proofs({object, "{}", R"({"a":1})"});
  const SigningKey other = *make_signing_key();
  const Tampering kTable[] = {
      {"nothing", [](OriginProof&) {}, OriginFault::kNone},
      {"the originator", [](OriginProof& p) { p.originator = "cert-ua"; }, OriginFault::kSignature},
      {"the claim", [](OriginProof& p) { p.claim = {false, "feed"}; }, OriginFault::kSignature},
      {"the time", [](OriginProof& p) { p.time = Instant::from_micros(p.time.micros() + 1); }, OriginFault::kSignature},
      {"the key id", [&](OriginProof& p) { p.key_id = key_id_of(other.public_key); }, OriginFault::kOtherKey},
      {"the place", [](OriginProof& p) { p.place ^= 1; }, OriginFault::kNotSigned},
      {"the path", [](OriginProof& p) { p.path[0][0] ^= 1; }, OriginFault::kNotSigned},
      {"two nodes of the path", [](OriginProof& p) { std::swap(p.path[3], p.path[4]); }, OriginFault::kNotSigned},
      {"the root", [](OriginProof& p) { p.root[0] ^= 1; }, OriginFault::kNotSigned},
      {"the signature", [](OriginProof& p) { p.signature[5] = static_cast<char>(p.signature[5] ^ 1); },
       OriginFault::kSignature},
      {"the seed", [](OriginProof& p) { std::get<FullDisclosure>(p.disclosure).seed[0] ^= 1; },
       OriginFault::kNotSigned},
      {"the content", [](OriginProof& p) { std::get<FullDisclosure>(p.disclosure).content[0] ^= 1; },
       OriginFault::kNotSigned},
      {"a part's proof for the whole", [&](OriginProof& p) { p = *p.for_part(object, object); }, OriginFault::kNone},
      {"a part's proof without a salt",
       [&](OriginProof& p) {
         p = *p.for_part(object, object);
         std::get<RedactedDisclosure>(p.disclosure).bytes[0] ^= 1;
       },
       OriginFault::kNotDerived},
  };
  for (const Tampering& row : kTable) {
    OriginProof proof = *OriginProof::parse(made[0]);
    row.change(proof);
    EXPECT_EQ(verify_origin(proof, object, key.public_key), row.expected)
        << row.what << ": " << sentence_of(verify_origin(proof, object, key.public_key));
  }
  EXPECT_EQ(verify_origin(*OriginProof::parse(made[0]), object, other.public_key), OriginFault::kOtherKey);
  // Any one bit: refused while reading, or found.
  for (std::size_t bit = 0; bit < made[0].size() * 8; ++bit) {
    std::string bytes = made[0];
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    const auto proof = OriginProof::parse(bytes);
    if (proof) EXPECT_NE(verify_origin(*proof, object, key.public_key), OriginFault::kNone) << bit;
  }
  for (std::size_t size = 0; size < made[0].size(); ++size)
    EXPECT_FALSE(OriginProof::parse(std::string_view(made[0]).substr(0, size))) << size;
  EXPECT_THAT(OriginProof::parse(made[0] + "x").error().message, HasSubstr("behind its end"));
  EXPECT_EQ(OriginProof::parse("\1").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(OriginProof::parse("rubbish").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(OriginProof::parse(std::string(kMaxProofBytes + 1, '\2')).error().code, ErrorCode::kTooLarge);
}

TEST_F(Origin, AnImporterSaysFromWhomItReceived) {
  const auto made = proofs({"{}"}, {.author = false, .received_from = "cert-ee"});
  const auto proof = OriginProof::parse(made[0]);
  ASSERT_TRUE(proof);
  EXPECT_FALSE(proof->claim.author);
  EXPECT_EQ(proof->claim.received_from, "cert-ee");
  EXPECT_EQ(verify_origin(*proof, "{}", key.public_key), OriginFault::kNone);
}

TEST_F(Origin, G6_PartsAreProvenFromHandToHand) {
  for (int round = 0; round < 50; ++round) {
    const JsonObject object = test::random_object(random);
    const std::string bytes = to_text(object);
    const auto made = proofs({bytes, "{}"});
    const JsonObject part = test::random_part(object, random, 7), less = test::random_part(part, random, 7);
    const auto first = OriginProof::parse(made[0])->for_part(bytes, to_text(part));
    ASSERT_TRUE(first);
    const auto second = OriginProof::parse(first->bytes())->for_part(to_text(part), to_text(less));
    ASSERT_TRUE(second);
    EXPECT_EQ(verify_origin(*first, to_text(part), key.public_key), OriginFault::kNone);
    EXPECT_EQ(verify_origin(*second, to_text(less), key.public_key), OriginFault::kNone);
    if (to_text(part) != bytes) EXPECT_EQ(verify_origin(*first, bytes, key.public_key), OriginFault::kNotDerived);
  }
}

TEST_F(Origin, SignsWithAnEd25519KeyInTheNameOfAMember) {
  EXPECT_FALSE(OriginSigner::make("", key));
  EXPECT_FALSE(OriginSigner::make(std::string(64, 'a'), key));
  EXPECT_FALSE(OriginSigner::make("cert-lt", {.private_key_pem = "no key", .public_key = key.public_key}));
  const std::vector<std::string_view> none;
  EXPECT_TRUE(signer.sign(none, {}, now, random)->empty());
  const std::vector<std::string_view> broken{R"({"granular_markings")"};
  EXPECT_FALSE(signer.sign(broken, {}, now, random));
}

TEST_F(Origin, ObjectsWithoutPartsAreSignedAsAWhole) {
  const std::string object = R"({"type":"indicator","id":"indicator--1","name":"n","labels":["a"]})";
  const auto proof = *OriginProof::parse(proofs({object})[0]);
  EXPECT_EQ(verify_origin(proof, object, key.public_key), OriginFault::kNone);
  const auto part = proof.for_part(object, R"({"type":"indicator","id":"indicator--1"})");
  ASSERT_FALSE(part);
  EXPECT_THAT(part.error().message, HasSubstr("as a whole"));
}

}  // namespace
}  // namespace bongsu::crypto
