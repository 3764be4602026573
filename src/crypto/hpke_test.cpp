#include "crypto/hpke.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/bytes.h"
#include "base/json.h"
#include "base/places_test_support.h"

namespace bongsu::crypto {
namespace {

std::string bytes(std::string_view hex) { return from_hex(hex).value(); }
std::string hex(std::string_view raw) { return to_hex(as_bytes(raw)); }

std::string at(const Json& vector, std::string_view key) {
  const auto text = string_at(vector, key);
  return text ? bytes(*text) : std::string();
}

Json vectors() {
  std::ifstream in(source_dir() + "/src/crypto/testdata/hpke_vectors.json");
  std::stringstream text;
  text << in.rdbuf();
  return parse_json(text.str()).value();
}

X25519Key key_of(std::string_view private_key) { return x25519_key_of(private_key).value(); }

struct Pair {
  HpkeSender sender;
  HpkeContext receiver;
};
// A pair of contexts of fresh keys, for the hostile cases.
Pair fresh_pair(HpkeAead aead, std::uint64_t seed = 1) {
  SeededRandom random(seed);
  const X25519Key receiver = make_x25519_key(random).value();
  HpkeSender sender = hpke_setup_sender({.aead = aead, .info = "i"}, receiver.public_key, random).value();
  HpkeContext other = hpke_setup_receiver({.aead = aead, .info = "i"}, receiver, sender.encapsulated).value();
  return {std::move(sender), std::move(other)};
}

constexpr HpkeAead kBoth[] = {HpkeAead::kAes256Gcm, HpkeAead::kChaCha20Poly1305};

TEST(Hpke, AgreesWithThePublishedVectorsOfItsSuitesInAllFourModes) {
  const Json all = vectors();
  ASSERT_EQ(all.as_array().size(), 9u);  // 2 ciphers × 4 modes, and RFC 9180 A.2.1
  SeededRandom random(1);
  for (const Json& v : all.as_array()) {
    const auto mode = int_at(v, "mode").value();
    const auto aead = static_cast<HpkeAead>(int_at(v, "aead_id").value());
    SCOPED_TRACE(testing::Message() << "mode " << mode << ", aead " << static_cast<int>(aead));
    const X25519Key receiver = hpke_derive_key(at(v, "ikmR")).value();
    EXPECT_EQ(std::string(receiver.private_key.begin(), receiver.private_key.end()), at(v, "skRm"));
    EXPECT_EQ(receiver.public_key, at(v, "pkRm"));
    const X25519Key ephemeral = hpke_derive_key(at(v, "ikmE")).value();
    EXPECT_EQ(ephemeral.public_key, at(v, "pkEm"));
    X25519Key author;
    const std::string info = at(v, "info"), psk = at(v, "psk"), psk_id = at(v, "psk_id");
    HpkeParameters p{.aead = aead, .info = info, .psk = psk, .psk_id = psk_id};
    HpkeParameters q = p;
    if (mode >= 2) {
      author = hpke_derive_key(at(v, "ikmS")).value();
      EXPECT_EQ(author.public_key, at(v, "pkSm"));
      p.sender = &author;
      q.sender_public_key = author.public_key;
    }
    HpkeSender sender = hpke_setup_sender(p, receiver.public_key, random, &ephemeral).value();
    EXPECT_EQ(sender.encapsulated, at(v, "enc"));
    HpkeContext opener = hpke_setup_receiver(q, receiver, at(v, "enc")).value();
    for (const HpkeContext* context : {&sender.context, &opener}) {
      EXPECT_EQ(to_hex(context->secrets().key), string_at(v, "key"));
      EXPECT_EQ(to_hex(context->secrets().base_nonce), string_at(v, "base_nonce"));
      EXPECT_EQ(to_hex(context->secrets().exporter), string_at(v, "exporter_secret"));
      for (const Json& e : v.at("exports").as_array()) {
        const std::string exporter_context = bytes(e.as_array()[0].as_string());
        const auto length = static_cast<std::size_t>(e.as_array()[1].as_int64());
        EXPECT_EQ(hex(context->export_secret(exporter_context, length).value()), e.as_array()[2].as_string());
      }
    }
    std::size_t compared = 0;
    for (int i = 0; i <= 256; ++i) {
      const std::string aad = "Count-" + std::to_string(i);
      const std::string sealed = sender.context.seal(at(v, "plaintext"), aad).value();
      if (const auto expected = string_at(v.at("sealed"), std::to_string(i))) {
        EXPECT_EQ(hex(sealed), *expected) << i;
        ++compared;
      }
      EXPECT_EQ(opener.open(sealed, aad).value(), at(v, "plaintext"));
    }
    EXPECT_EQ(compared, 6u);
  }
}

TEST(Hpke, X25519AgreesWithRfc7748Section61) {
  const X25519Key alice = key_of(bytes("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  const X25519Key bob = key_of(bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  EXPECT_EQ(hex(alice.public_key), "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(to_hex(x25519(alice, bob.public_key).value()),
            "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  EXPECT_EQ(x25519(bob, alice.public_key).value(), x25519(alice, bob.public_key).value());
}

TEST(Hpke, PublicKeysOfSmallOrderAreRefusedByBothSides) {
  // The seven points of order 1, 2, 4, 8 on the curve and its twist with their other encodings; the last byte's top bit
  // is ignored by RFC 7748.
  const char* const kSmall[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "0000000000000000000000000000000000000000000000000000000000000080",
  };
  SeededRandom random(3);
  const X25519Key own = make_x25519_key(random).value();
  for (const char* const point : kSmall) {
    SCOPED_TRACE(point);
    EXPECT_EQ(x25519(own, bytes(point)).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(hpke_setup_sender({}, bytes(point), random).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(hpke_setup_receiver({}, own, bytes(point)).error().code, ErrorCode::kInvalid);
    EXPECT_EQ(hpke_setup_receiver({.sender_public_key = bytes(point)}, own, own.public_key).error().code,
              ErrorCode::kInvalid);
  }
}

TEST(Hpke, KeysAndInputsOfAnotherLengthAreRefused) {
  SeededRandom random(4);
  const X25519Key own = make_x25519_key(random).value();
  for (const std::size_t size : {0u, 1u, 31u, 33u, 64u}) {
    EXPECT_EQ(x25519_key_of(std::string(size, 'k')).error().code, ErrorCode::kInvalid) << size;
    EXPECT_EQ(hpke_setup_sender({}, std::string(size, 'k'), random).error().code, ErrorCode::kInvalid) << size;
    EXPECT_EQ(hpke_setup_receiver({}, own, std::string(size, 'k')).error().code, ErrorCode::kInvalid) << size;
  }
  EXPECT_EQ(hpke_derive_key(std::string(31, 'i')).error().code, ErrorCode::kInvalid);
  const std::string psk(32, 'p'), big(kHpkeMaxFieldBytes + 1, 'x');
  const struct {
    HpkeParameters parameters;
    ErrorCode code;
  } kBad[] = {
      {{.psk = psk}, ErrorCode::kInvalid},
      {{.psk_id = "id"}, ErrorCode::kInvalid},
      {{.psk = std::string_view(psk).substr(1), .psk_id = "id"}, ErrorCode::kInvalid},
      {{.info = big}, ErrorCode::kTooLarge},
      {{.psk = psk, .psk_id = big}, ErrorCode::kTooLarge},
      {{.psk = big, .psk_id = "id"}, ErrorCode::kTooLarge},
      {{.aead = static_cast<HpkeAead>(1)}, ErrorCode::kUnsupported},
      {{.aead = static_cast<HpkeAead>(0xffff)}, ErrorCode::kUnsupported},
  };
  for (const auto& bad : kBad) {
    EXPECT_EQ(hpke_setup_sender(bad.parameters, own.public_key, random).error().code, bad.code);
    EXPECT_EQ(hpke_setup_receiver(bad.parameters, own, own.public_key).error().code, bad.code);
  }
  const Pair pair = fresh_pair(HpkeAead::kAes256Gcm);
  EXPECT_EQ(pair.receiver.export_secret("c", kHpkeMaxExportBytes).value().size(), kHpkeMaxExportBytes);
  EXPECT_EQ(pair.receiver.export_secret("c", 0).value(), "");
  EXPECT_EQ(pair.receiver.export_secret("c", kHpkeMaxExportBytes + 1).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(pair.receiver.export_secret(big, 32).error().code, ErrorCode::kTooLarge);
}

TEST(Hpke, AnExhaustedSequenceSealsAndOpensNoMore) {
  for (const HpkeAead aead : kBoth) {
    const Pair pair = fresh_pair(aead);
    HpkeContext sender(aead, pair.sender.context.secrets(), kHpkeLastSequence - 1);
    HpkeContext receiver(aead, pair.sender.context.secrets(), kHpkeLastSequence - 1);
    const std::string last = sender.seal("last", "").value();
    EXPECT_EQ(receiver.open(last, "").value(), "last");
    EXPECT_EQ(sender.seal("more", "").error().code, ErrorCode::kTooLarge);
    EXPECT_EQ(receiver.open(last, "").error().code, ErrorCode::kTooLarge);
  }
}

TEST(Hpke, AnythingChangedOrOutOfOrderIsCorruptAndUsesNoNumberUp) {
  for (const HpkeAead aead : kBoth) {
    Pair pair = fresh_pair(aead);
    const std::string first = pair.sender.context.seal("first", "aad").value();
    const std::string second = pair.sender.context.seal("second", "aad").value();
    EXPECT_EQ(pair.receiver.open(second, "aad").error().code, ErrorCode::kCorrupt) << "out of order";
    for (std::size_t i = 0; i < first.size(); ++i) {
      std::string changed = first;
      changed[i] = static_cast<char>(changed[i] ^ 0x40);
      ASSERT_EQ(pair.receiver.open(changed, "aad").error().code, ErrorCode::kCorrupt) << i;
    }
    EXPECT_EQ(pair.receiver.open(first, "aae").error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(pair.receiver.open("", "aad").error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(pair.receiver.open(first.substr(0, 15), "aad").error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(pair.receiver.open(first, "aad").value(), "first");
    EXPECT_EQ(pair.receiver.open(first, "aad").error().code, ErrorCode::kCorrupt) << "replayed";
    EXPECT_EQ(pair.receiver.open(second, "aad").value(), "second");
  }
}

TEST(Hpke, OpensOnlyWithTheSameInfoSecretSenderAndKey) {
  SeededRandom random(6);
  const X25519Key receiver = make_x25519_key(random).value(), author = make_x25519_key(random).value(),
                  stranger = make_x25519_key(random).value();
  const std::string psk(32, 'p'), other_psk(32, 'q');
  const HpkeParameters sent{.info = "info", .psk = psk, .psk_id = "id", .sender = &author};
  const HpkeSealed sealed = hpke_seal(sent, receiver.public_key, "text", "aad", random).value();
  const HpkeParameters right{.info = "info", .psk = psk, .psk_id = "id", .sender_public_key = author.public_key};
  EXPECT_EQ(hpke_open(right, receiver, sealed.encapsulated, sealed.ciphertext, "aad").value(), "text");
  HpkeParameters wrong[6];
  for (auto& w : wrong) w = right;
  wrong[0].info = "Info";
  wrong[1].psk = other_psk;
  wrong[2].psk_id = "ie";
  wrong[3].sender_public_key = stranger.public_key;
  wrong[4].sender_public_key = {};
  wrong[5].psk = wrong[5].psk_id = {};
  for (const auto& w : wrong)
    EXPECT_EQ(hpke_open(w, receiver, sealed.encapsulated, sealed.ciphertext, "aad").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(hpke_open(right, stranger, sealed.encapsulated, sealed.ciphertext, "aad").error().code,
            ErrorCode::kCorrupt);
  EXPECT_EQ(hpke_open(right, receiver, stranger.public_key, sealed.ciphertext, "aad").error().code,
            ErrorCode::kCorrupt);
}

// RFC 5869 A.1 and A.3.
TEST(Hkdf, AgreesWithRfc5869) {
  const Key256 prk = hkdf_extract(bytes("000102030405060708090a0b0c"), std::string(22, '\x0b'));
  EXPECT_EQ(to_hex(prk), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
  EXPECT_EQ(hex(hkdf_expand(prk, bytes("f0f1f2f3f4f5f6f7f8f9"), 42).value()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  EXPECT_EQ(hex(hkdf_expand(hkdf_extract("", std::string(22, '\x0b')), "", 42).value()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
  EXPECT_EQ(hkdf_expand(prk, "", 8161).error().code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace bongsu::crypto
