#include "identity/passkey.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "crypto/keys.h"
#include "identity/authenticator_test_support.h"
#include "identity/cbor.h"

namespace bongsu::identity {
namespace {

using test::Authenticator;
using test::hex;
using test::none_object;

// ── CBOR ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
TEST(CborReader, TakesTheCanonicalFormAndSaysWhereItIsLeft) {
  const struct {
    const char* bytes;
    const char* error;  // "": good
  } kRows[] = {
      {"00", ""},
      {"17", ""},
      {"1818", ""},
      {"1bffffffffffffffff", ""},
      {"20", ""},
      {"3903e7", ""},
      {"40", ""},
      {"4401020304", ""},
      {"60", ""},
      {"6449455446", ""},
      {"62c3bc", ""},
      {"80", ""},
      {"83010203", ""},
      {"a0", ""},
      {"a201020304", ""},
      {"f4", ""},
      {"f5", ""},
      {"f6", ""},
      {"", "ends too early"},
      {"18", "ends too early"},
      {"1817", "shortest"},
      {"190018", "shortest"},
      {"1a0000ffff", "shortest"},
      {"1b00000000ffffffff", "shortest"},
      {"1c", "indefinite or reserved"},
      {"5f", "indefinite or reserved"},
      {"9fff", "indefinite or reserved"},
      {"c000", "tag"},
      {"f90000", "not allowed"},
      {"f7", "not allowed"},
      {"44010203", "beyond the end"},
      {"61ff", "UTF-8"},
      {"63eda080", "UTF-8"},
      {"62c080", "UTF-8"},
      {"a201020103", "twice"},
      {"bb7fffffffffffffff", "beyond the end"},
      {"0000", "follows"},
      {"818181818181818100", "deeply"},
  };
  for (const auto& row : kRows) {
    const std::string bytes = hex(row.bytes);
    const auto value = read_cbor(bytes);
    if (std::string_view(row.error).empty()) {
      ASSERT_TRUE(value) << row.bytes << " " << value.error().text();
      EXPECT_EQ(to_hex(as_bytes(write_cbor(*value))), row.bytes);
    } else {
      ASSERT_FALSE(value) << row.bytes;
      EXPECT_NE(value.error().text().find(row.error), std::string::npos) << row.bytes << " " << value.error().text();
    }
  }
  EXPECT_EQ(read_cbor(std::string(1, '\x99') + "\x03\xe8" + std::string(1000, '\0')).error().code,
            ErrorCode::kTooLarge);
}

// ── The specification's own vectors: WebAuthn Level 3 §16 (rpId example.org) ─────────────────────────────────────────
struct Vector {
  const char *name, *registration_challenge, *registration_data, *attestation, *authenticator, *challenge, *data,
      *signature;
};
// `attestation`: where the format is "none" the attestation object, else the authenticator data of it.
const Vector kVectors[] = {
#include "identity/testdata/webauthn_vectors.inc"
};
const RelyingParty kParty{.id = "example.org", .origin = "https://example.org", .user_verification = false};

TEST(Passkey, TheSpecificationsVectorsRegisterAndLogIn) {
  for (const Vector& v : kVectors) {
    const bool none = std::string_view(v.name).starts_with("none");
    const std::string object = none ? hex(v.attestation) : none_object(hex(v.attestation));
    const auto passkey = register_passkey(kParty, hex(v.registration_challenge), hex(v.registration_data), object);
    ASSERT_TRUE(passkey) << v.name << " " << passkey.error().text();
    const auto log_in = [&](std::string data, std::string authenticator, std::string signature) {
      return assert_passkey(kParty, hex(v.challenge), *passkey, data, authenticator, signature);
    };
    const auto proven = log_in(hex(v.data), hex(v.authenticator), hex(v.signature));
    ASSERT_TRUE(proven) << v.name << " " << proven.error().text();
    // Every bit counts.
    for (std::size_t i = 0; i < hex(v.signature).size(); i += 7) {
      std::string wrong = hex(v.signature);
      wrong[i] = static_cast<char>(wrong[i] ^ 1);
      EXPECT_FALSE(log_in(hex(v.data), hex(v.authenticator), wrong)) << v.name << i;
    }
    std::string other = hex(v.data);
    other[other.size() - 2] = other[other.size() - 2] == 'e' ? 'f' : ' ';
    EXPECT_FALSE(log_in(other, hex(v.authenticator), hex(v.signature)));
    RelyingParty strict = kParty;
    strict.user_verification = true;
    EXPECT_FALSE(
        assert_passkey(strict, hex(v.challenge), *passkey, hex(v.data), hex(v.authenticator), hex(v.signature)))
        << "these vectors have no user verification";
    const auto back = Passkey::parse(passkey->json());
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(*back, *passkey);
  }
}

// With a finger that was verified, as the page asks for it.
TEST(Passkey, WhatABrowserMakesIsTaken) {
  static const Vector kChromium[] = {
#include "identity/testdata/chromium_vector.inc"
  };
  const Vector& v = kChromium[0];
  const RelyingParty local{.id = "localhost", .origin = "http://localhost:41421"};
  const auto passkey =
      register_passkey(local, hex(v.registration_challenge), hex(v.registration_data), hex(v.attestation));
  ASSERT_TRUE(passkey) << passkey.error().text();
  const auto proven =
      assert_passkey(local, hex(v.challenge), *passkey, hex(v.data), hex(v.authenticator), hex(v.signature));
  ASSERT_TRUE(proven) << proven.error().text();
  EXPECT_GT(proven->counter, passkey->counter);
  EXPECT_FALSE(assert_passkey(local, hex(v.challenge), *proven, hex(v.data), hex(v.authenticator), hex(v.signature)))
      << "the same answer again";
}

TEST(Passkey, AnAttestationThatWasNotAskedForIsRefused) {
  const Vector& v = kVectors[0];
  std::string object = hex(v.attestation);
  object.replace(object.find("none"), 4, "pack");
  const auto passkey = register_passkey(kParty, hex(v.registration_challenge), hex(v.registration_data), object);
  ASSERT_FALSE(passkey);
  EXPECT_EQ(passkey.error().code, ErrorCode::kDenied);
}

// ── An authenticator that can lie ────────────────────────────────────────────────────────────────────────────────────
const RelyingParty kNode{.id = "node.example", .origin = "https://node.example:8444"};

struct Lie {
  const char* name;
  void (*tell)(Authenticator&);
  const char* error;
};
const Lie kLies[] = {
    {"another host", [](Authenticator& a) { a.rp_id = "evil.example"; }, "rpIdHash"},
    {"another page", [](Authenticator& a) { a.origin = "https://node.example:8444.evil.example"; }, "origin"},
    {"plain HTTP", [](Authenticator& a) { a.origin = "http://node.example:8444"; }, "origin"},
    {"in a frame", [](Authenticator& a) { a.more = R"(,"crossOrigin":true)"; }, "crossOrigin"},
    {"in a frame, as text", [](Authenticator& a) { a.more = R"(,"crossOrigin":"false")"; }, "crossOrigin"},
    {"under another page", [](Authenticator& a) { a.more = R"(,"topOrigin":"https://evil.example")"; }, "topOrigin"},
    {"nobody there", [](Authenticator& a) { a.flags = 0x04; }, "UP"},
    {"nobody verified", [](Authenticator& a) { a.flags = 0x01; }, "UV"},
    {"backed up though it cannot", [](Authenticator& a) { a.flags = 0x15; }, "BS"},
    {"bytes behind", [](Authenticator& a) { a.extra = "x"; }, "follows"},
    {"extensions that are none",
     [](Authenticator& a) {
       a.flags |= 0x80;
       a.extra = "\x01";
     },
     "no map"},
    {"extensions missing", [](Authenticator& a) { a.flags |= 0x80; }, "too early"},
};

TEST(Passkey, EveryLieIsRefusedByNameInBothCeremonies) {
  const Authenticator honest;
  const auto passkey =
      register_passkey(kNode, "one", honest.client_data("webauthn.create", "one"), honest.attestation());
  ASSERT_TRUE(passkey) << passkey.error().text();
  EXPECT_EQ(passkey->id, "cred");
  for (const Lie& lie : kLies) {
    Authenticator liar = honest;
    lie.tell(liar);
    const auto made = register_passkey(kNode, "one", liar.client_data("webauthn.create", "one"), liar.attestation());
    ASSERT_FALSE(made) << lie.name;
    EXPECT_NE(made.error().text().find(lie.error), std::string::npos) << lie.name << ": " << made.error().text();
    liar.counter = 2;
    const std::string data = liar.client_data("webauthn.get", "two");
    const auto proven = assert_passkey(kNode, "two", *passkey, data, liar.assertion(), liar.signature(data));
    ASSERT_FALSE(proven) << lie.name;
    EXPECT_NE(proven.error().text().find(lie.error), std::string::npos) << lie.name << ": " << proven.error().text();
  }
  // One ceremony's answer is no answer in the other, and no answer to another challenge.
  EXPECT_FALSE(register_passkey(kNode, "one", honest.client_data("webauthn.get", "one"), honest.attestation()));
  EXPECT_FALSE(register_passkey(kNode, "one", honest.client_data("webauthn.create", "other"), honest.attestation()));
  EXPECT_FALSE(
      register_passkey(kNode, "one", honest.client_data("webauthn.create", "one"), none_object(honest.head(0))));
}

TEST(Passkey, TheCounterGrowsOrTheAuthenticatorIsACopy) {
  Authenticator device;
  const auto passkey =
      register_passkey(kNode, "one", device.client_data("webauthn.create", "one"), device.attestation());
  ASSERT_TRUE(passkey);
  const auto log_in = [&](const Passkey& known, std::uint32_t counter) {
    device.counter = counter;
    const std::string data = device.client_data("webauthn.get", "two");
    return assert_passkey(kNode, "two", known, data, device.assertion(), device.signature(data));
  };
  const auto next = log_in(*passkey, 5);
  ASSERT_TRUE(next) << next.error().text();
  EXPECT_EQ(next->counter, 5U);
  for (const std::uint32_t counter : {0U, 4U, 5U}) EXPECT_FALSE(log_in(*next, counter)) << counter;
  Passkey does_not_count = *passkey;
  does_not_count.counter = 0;
  EXPECT_TRUE(log_in(does_not_count, 0));
  device.flags |= 0x08;
  EXPECT_FALSE(log_in(*passkey, 9)) << "BE is fixed for the credential's life";
  Passkey elsewhere = *passkey;
  elsewhere.rp_id = "old.example";
  device.flags = 0x05;
  EXPECT_FALSE(log_in(elsewhere, 9));
}

TEST(Passkey, AKeyThatIsNoneIsRefused) {
  const struct {
    const char *bytes, *error;
  } kRows[] = {
      {"a0", "algorithm"},
      {"01", "no COSE key"},
      {"a4010103272006215820"
       "0202020202020202020202020202020202020202020202020202020202020202",
       ""},
      {"a40101032720062158"
       "1f"
       "02020202020202020202020202020202020202020202020202020202020202",
       "no public key"},
      {"a4010203272006215820"
       "0202020202020202020202020202020202020202020202020202020202020202",
       "Ed25519"},
      {"a50102032620012158200000000000000000000000000000000000000000000000000000000000000001225820"
       "0000000000000000000000000000000000000000000000000000000000000001",
       "no public key"},  // not on the curve
      {"a4010303390100"
       "2041ff"
       "2143010001",
       "no public key"},  // 8 bits of RSA
  };
  for (const auto& row : kRows) {
    std::size_t used = 0;
    const auto key = read_cose_key(hex(row.bytes), used);
    EXPECT_EQ(key.has_value(), std::string_view(row.error).empty()) << row.bytes;
    if (!key) EXPECT_NE(key.error().text().find(row.error), std::string::npos) << row.bytes << key.error().text();
  }
}

TEST(Challenges, AreGoodOnceForOnePurposeAndNotForLong) {
  FakeClock clock;
  SeededRandom random{3};
  Challenges book(clock, random);
  const std::string one = book.issue("log in");
  EXPECT_EQ(one.size(), 32U);
  EXPECT_TRUE(book.take(one, "log in"));
  EXPECT_FALSE(book.take(one, "log in")) << "single use";
  const std::string two = book.issue("register:olena");
  EXPECT_FALSE(book.take(two, "register:otto"));
  EXPECT_FALSE(book.take(two, "register:olena")) << "a wrong use is a use";
  const std::string three = book.issue("log in");
  clock.advance(kChallengeLifetime);
  EXPECT_FALSE(book.take(three, "log in"));
  const std::string first = book.issue("log in");
  clock.advance(std::chrono::seconds(1));
  for (std::size_t i = 0; i < kMaxOpenChallenges; ++i) (void)book.issue("log in");
  EXPECT_FALSE(book.take(first, "log in")) << "the oldest went";
}

}  // namespace
}  // namespace bongsu::identity
