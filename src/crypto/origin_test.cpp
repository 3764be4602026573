#include "crypto/origin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

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
  std::vector<Sha256> entries;
  for (std::size_t count = 1; count <= 70; ++count) {
    entries.push_back(sha256(std::to_string(count)));
    const BatchTree tree(entries);
    ASSERT_EQ(tree.root(), test::slow_root(entries)) << count;
    for (std::size_t i = 0; i < count; ++i) {
      const auto path = tree.path(i);
      ASSERT_EQ(path, test::slow_path(i, entries)) << i << " of " << count;
      ASSERT_EQ(path.size(), path_length(count, i));
      ASSERT_EQ(root_from_path(entries[i], i, count, path), tree.root());
      // Another entry, another place, another length.
      EXPECT_NE(root_from_path(sha256("other"), i, count, path), tree.root());
      for (std::size_t other = 0; other < count; ++other)
        if (other != i) EXPECT_NE(root_from_path(entries[i], other, count, path), tree.root());
      auto longer = path;
      longer.emplace_back();
      EXPECT_EQ(root_from_path(entries[i], i, count, longer), std::nullopt);
      EXPECT_EQ(root_from_path(entries[i], count, count, path), std::nullopt);
    }
  }
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
      {"the number of objects", [](OriginProof& p) { p.count = 4; }, OriginFault::kSignature},
      {"the place", [](OriginProof& p) { p.index = 1; }, OriginFault::kNotSigned},
      {"the path", [](OriginProof& p) { p.path[0][0] ^= 1; }, OriginFault::kNotSigned},
      {"the path's length", [](OriginProof& p) { p.path.pop_back(); }, OriginFault::kNotSigned},
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
  EXPECT_EQ(OriginProof::parse("\2").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(OriginProof::parse(std::string(kMaxProofBytes + 1, '\1')).error().code, ErrorCode::kTooLarge);
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
