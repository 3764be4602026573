#include "crypto/secret.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "crypto/gcm.h"
#include "crypto/scrypt.h"

namespace bongsu::crypto {
namespace {

std::string bytes(std::string_view hex) { return from_hex(hex).value(); }
std::string hex(std::string_view raw) { return to_hex(as_bytes(raw)); }

template <class Array>
Array array_of(std::string_view hex_text) {
  Array out{};
  const std::string raw = bytes(hex_text);
  std::copy_n(raw.begin(), std::min(raw.size(), out.size()), out.begin());
  return out;
}

struct GcmVector {
  const char* name;
  const char* key;
  const char* nonce;
  const char* plaintext;
  const char* context;
  const char* sealed;  // ciphertext ‖ tag
};

constexpr const char* kKeyFeff = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
constexpr const char* kKeyZero = "0000000000000000000000000000000000000000000000000000000000000000";

// McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B: the cases with 256-bit keys and 96-bit nonces.
const GcmVector kGcmVectors[] = {
    {"case 13", kKeyZero, "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"case 14", kKeyZero, "000000000000000000000000", "00000000000000000000000000000000", "",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"case 15", kKeyFeff, "cafebabefacedbaddecaf888",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
     "",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
     "b094dac5d93471bdec1a502270e3cc6c"},
    {"case 16", kKeyFeff, "cafebabefacedbaddecaf888",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

TEST(Gcm, AgreesWithThePublishedVectorsBothWays) {
  for (const auto& v : kGcmVectors) {
    SCOPED_TRACE(v.name);
    const auto key = array_of<Key256>(v.key);
    const auto nonce = array_of<Nonce96>(v.nonce);
    EXPECT_EQ(hex(gcm_seal(key, nonce, bytes(v.plaintext), bytes(v.context))), v.sealed);
    EXPECT_EQ(hex(gcm_open(key, nonce, bytes(v.sealed), bytes(v.context)).value()), v.plaintext);
  }
}

TEST(Payloads, AnyChangedByteIsCorrupt) {
  SeededRandom random(1);
  const Key256 key = fresh_key(random);
  const std::string sealed = seal_payload(key, "a sentence that matters", "42|indicator--1");
  ASSERT_EQ(open_payload(key, sealed, "42|indicator--1").value(), "a sentence that matters");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    auto opened = open_payload(key, changed, "42|indicator--1");
    ASSERT_FALSE(opened.has_value()) << "byte " << i;
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_EQ(open_payload(key, sealed, "43|indicator--1").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(open_payload(fresh_key(random), sealed, "42|indicator--1").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(open_payload(key, sealed.substr(0, 15), "42|indicator--1").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(open_payload(key, "", "42|indicator--1").error().code, ErrorCode::kCorrupt);
  // A refused payload leaves the thread's context fit for the next one.
  EXPECT_EQ(open_payload(key, sealed, "42|indicator--1").value(), "a sentence that matters");
}

TEST(Payloads, SealUnderManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::vector<int> good(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &good] {
      SeededRandom random(static_cast<std::uint64_t>(t));
      for (int i = 0; i < 500; ++i) {
        const Key256 key = fresh_key(random);
        const std::string body(static_cast<std::size_t>(i), 'x');
        const auto opened = open_payload(key, seal_payload(key, body, "c"), "c");
        good[static_cast<std::size_t>(t)] += opened.has_value() && *opened == body;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, (std::vector<int>{500, 500, 500, 500}));
}

TEST(WrappedKeys, ComeBackUnderTheSameMasterOnly) {
  SeededRandom random(2);
  const Key256 master = fresh_key(random);
  const Key256 key = fresh_key(random);
  const std::string wrapped = wrap_key(master, key, random);
  EXPECT_EQ(wrapped.size(), 60u);
  EXPECT_EQ(unwrap_key(master, wrapped).value(), key);
  EXPECT_NE(wrap_key(master, key, random), wrapped) << "the nonce is fresh each time";
  EXPECT_EQ(unwrap_key(fresh_key(random), wrapped).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(unwrap_key(master, wrapped.substr(0, 59)).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(unwrap_key(master, wrapped + "x").error().code, ErrorCode::kCorrupt);
}

struct ScryptVector {
  const char* password;
  const char* salt;
  ScryptCost cost;
  const char* key;
};

// RFC 7914 §12 (the fourth case takes a gigabyte and stays out).
const ScryptVector kScryptVectors[] = {
    {"",
     "",
     {4, 1, 1},
     "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628c"
     "f35e20c"
     "38d18906"},
    {"password",
     "NaCl",
     {10, 8, 16},
     "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8"
     "360cbdf"
     "a2cc0640"},
    {"pleaseletmein",
     "SodiumChloride",
     {14, 8, 1},
     "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40d"
     "fcf017b"
     "45575887"},
};

TEST(Scrypt, AgreesWithRfc7914) {
  for (const auto& v : kScryptVectors)
    EXPECT_EQ(hex(scrypt(v.password, v.salt, v.cost, 64).value()), v.key) << v.password;
}

TEST(Scrypt, RefusesCostsThatWouldTakeTheMachine) {
  EXPECT_EQ(scrypt("p", "s", {20, 8, 1}, 32).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(scrypt("p", "s", {10, 8, 1000}, 32).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(scrypt("p", "s", {0, 8, 1}, 32).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(scrypt("p", "s", {10, 0, 1}, 32).error().code, ErrorCode::kInvalid);
}

TEST(Passwords, VerifyOnlyTheRightOne) {
  SeededRandom random(3);
  const std::string stored = hash_password("뜨거운 봉수대", random);
  EXPECT_TRUE(stored.starts_with("scrypt$15$8$1$")) << stored;
  EXPECT_TRUE(verify_password("뜨거운 봉수대", stored));
  EXPECT_FALSE(verify_password("뜨거운 봉수", stored));
  EXPECT_FALSE(verify_password("", stored));
  EXPECT_NE(hash_password("뜨거운 봉수대", random), stored) << "the salt is fresh each time";
}

TEST(Passwords, MalformedStoredTextNeverVerifies) {
  SeededRandom random(4);
  const std::string stored = hash_password("p", random);
  for (const std::string& bad :
       {std::string(), std::string("scrypt"), std::string("scrypt$15$8$1$$"), stored + "$",
        stored.substr(0, stored.size() - 1), "x" + stored, std::string("scrypt$99$8$1$AAAA$AAAA"),
        std::string("scrypt$15$8$1$AAAA$AA"), std::string("scrypt$-1$8$1$AAAA$AAAA"), std::string(10'000, '$')})
    EXPECT_FALSE(verify_password("p", bad)) << bad.substr(0, 80);
}

TEST(Tokens, AreLongDifferentAndStoredAsADigest) {
  SeededRandom random(5);
  const std::string token = fresh_token(random);
  EXPECT_TRUE(token.starts_with("bst_"));
  EXPECT_EQ(token.size(), 4u + 43u);
  EXPECT_NE(fresh_token(random), token);
  EXPECT_EQ(token_digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace bongsu::crypto
