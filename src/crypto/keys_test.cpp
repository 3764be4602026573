#include "crypto/keys.h"

#include <gtest/gtest.h>

#include <set>

#include "base/bytes.h"
#include "crypto/openssl_types.h"

namespace bongsu::crypto {
namespace {

using namespace std::chrono_literals;

X509Ptr x509(const std::string& pem, int index = 0) {
  BioPtr bio = text_bio(pem);
  X509Ptr certificate;
  for (int i = 0; i <= index; ++i) certificate.reset(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
  return certificate;
}

// OpenSSL's own path validation at `when`, with only `ca` trusted.
int verify_error(const Identity& leaf, const Identity& ca, Instant when, int purpose) {
  std::unique_ptr<X509_STORE, Freer<X509_STORE_free>> store(X509_STORE_new());
  X509Ptr anchor = x509(ca.certificate_pem);
  X509_STORE_add_cert(store.get(), anchor.get());
  std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
  X509Ptr certificate = x509(leaf.certificate_pem);
  X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
  X509_STORE_CTX_set_purpose(context.get(), purpose);
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), when.seconds);
  X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context.get()), X509_V_FLAG_X509_STRICT);
  X509_verify_cert(context.get());
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  return error;
}

struct Certificates : testing::Test {
  FakeClock clock;
  Identity ca = make_ca("cert-lt", 24h * 3650, clock).value();
  Identity leaf(LeafRequest request) const {
    auto made = issue(ca, request, clock);
    EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().text());
    return made.value_or(Identity{});
  }
};

TEST_F(Certificates, LeafVerifiesUnderItsAuthorityByTheStrictRules) {
  const Identity both =
      leaf({.common_name = "cert-lt", .names = {"localhost", "127.0.0.1", "::1", "node.cert.example"}});
  EXPECT_EQ(verify_error(both, ca, clock.now(), X509_PURPOSE_SSL_SERVER), X509_V_OK);
  EXPECT_EQ(verify_error(both, ca, clock.now(), X509_PURPOSE_SSL_CLIENT), X509_V_OK);
  EXPECT_EQ(verify_error(both, ca, clock.now() - 4min, X509_PURPOSE_SSL_SERVER), X509_V_OK) << "a slow partner's clock";
  EXPECT_EQ(verify_error(both, ca, clock.now() + 398 * 24h, X509_PURPOSE_SSL_SERVER), X509_V_ERR_CERT_HAS_EXPIRED);
  const Identity other = make_ca("cert-lt", 24h, clock).value();
  EXPECT_NE(verify_error(both, other, clock.now(), X509_PURPOSE_SSL_SERVER), X509_V_OK) << "same name, another key";

  const Identity client_only = leaf({.common_name = "c", .server = false});
  EXPECT_EQ(verify_error(client_only, ca, clock.now(), X509_PURPOSE_SSL_SERVER), X509_V_ERR_INVALID_PURPOSE);
  EXPECT_EQ(verify_error(client_only, ca, clock.now(), X509_PURPOSE_SSL_CLIENT), X509_V_OK);
}

TEST_F(Certificates, NamesMatchAsHostsAndAsAddresses) {
  const X509Ptr certificate =
      x509(leaf({.common_name = "x", .names = {"node.example", "192.0.2.7", "2001:db8::7"}}).certificate_pem);
  EXPECT_EQ(X509_check_host(certificate.get(), "node.example", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(certificate.get(), "other.example", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "192.0.2.7", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "2001:db8::7", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "192.0.2.8", 0), 0);
}

TEST_F(Certificates, AuthoritySignsLeavesButNoAuthorities) {
  const X509Ptr authority = x509(ca.certificate_pem);
  EXPECT_EQ(X509_get_pathlen(authority.get()), 0);
  EXPECT_EQ(X509_check_ca(authority.get()), 1);
  const Identity server = leaf({.common_name = "x"});
  EXPECT_EQ(X509_check_ca(x509(server.certificate_pem).get()), 0);
  EXPECT_EQ(issue(server, {.common_name = "y"}, clock).error().code, ErrorCode::kInvalid);
  // Leaf first, then the issuer.
  const X509Ptr second = x509(server.certificate_pem, 1);
  ASSERT_TRUE(second);
  EXPECT_EQ(X509_cmp(second.get(), authority.get()), 0);
}

TEST_F(Certificates, SerialsAreLongPositiveAndDifferent) {
  std::set<std::string> seen;
  for (int i = 0; i < 20; ++i) {
    const X509Ptr certificate = x509(leaf({.common_name = "x"}).certificate_pem);
    const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate.get());
    EXPECT_GE(ASN1_STRING_length(serial), 16);
    EXPECT_LE(ASN1_STRING_length(serial), 20);
    EXPECT_EQ(ASN1_STRING_type(serial), V_ASN1_INTEGER);
    seen.emplace(reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)),
                 static_cast<std::size_t>(ASN1_STRING_length(serial)));
  }
  EXPECT_EQ(seen.size(), 20u);
}

TEST_F(Certificates, FactsAreTheOnesIssued) {
  const auto facts = read_certificate(leaf({.common_name = "봉수 노드", .lifetime = 24h}).certificate_pem).value();
  EXPECT_EQ(facts.subject, "봉수 노드");
  EXPECT_EQ(facts.not_before, clock.now() - 5min);
  EXPECT_EQ(facts.not_after, clock.now() + 24h);
  EXPECT_EQ(facts.fingerprint.size(), 64u);
  EXPECT_EQ(read_certificate(ca.certificate_pem).value().subject, "cert-lt");
}

TEST_F(Certificates, LeafNeverOutlivesItsAuthority) {
  const Identity brief = make_ca("cert-lt", 48h, clock).value();
  EXPECT_EQ(read_certificate(issue(brief, {.common_name = "x"}, clock).value().certificate_pem).value().not_after,
            clock.now() + 48h);
  clock.advance(49h);
  EXPECT_EQ(issue(brief, {.common_name = "x"}, clock).error().code, ErrorCode::kInvalid);
}

TEST_F(Certificates, RefuseNamesThatAreNone) {
  for (const std::string& bad :
       {std::string(""), std::string("a b"), std::string("*.example"), std::string("-a.example"), std::string("a..b"),
        std::string("example."), std::string("a,DNS:b"), std::string("a\0b", 3), std::string("127.0.0.1\0x", 11),
        std::string(64, 'a'), std::string("ü.example")})
    EXPECT_EQ(issue(ca, {.common_name = "x", .names = {bad}}, clock).error().code, ErrorCode::kInvalid) << bad;
  EXPECT_EQ(issue(ca, {.common_name = ""}, clock).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(issue(ca, {.common_name = std::string(65, 'x')}, clock).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(issue(ca, {.common_name = "a\nb"}, clock).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(issue(ca, {.common_name = "\xff\xfe"}, clock).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(make_ca("x", 0s, clock).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(issue(ca, {.common_name = "x", .names = std::vector<std::string>(101, "a")}, clock).error().code,
            ErrorCode::kTooLarge);
}

TEST_F(Certificates, RefuseAnothersKeyAndTextThatIsNone) {
  const Identity other = make_ca("cert-lv", 24h, clock).value();
  EXPECT_EQ(issue({ca.certificate_pem, other.private_key_pem}, {.common_name = "x"}, clock).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(issue({ca.certificate_pem, "none"}, {.common_name = "x"}, clock).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(read_certificate("").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(read_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(read_certificate(ca.private_key_pem).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(read_certificate(std::string(2'000'000, ' ')).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(read_certificate("words before\n" + ca.certificate_pem).value().subject, "cert-lt");
}

TEST(SpokenFingerprint, IsTheHashModuloTenToTheFortieth) {
  // By hand: int("ba78…15ad", 16) % 10**40 in any language with big integers.
  EXPECT_EQ(spoken_fingerprint("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            "0104 8836 9501 6514 3774 6298 5829 7168 1708 9965");
  EXPECT_EQ(spoken_fingerprint(std::string(64, '0')), "0000 0000 0000 0000 0000 0000 0000 0000 0000 0000");
  EXPECT_EQ(spoken_fingerprint(std::string(62, '0') + "ff"), "0000 0000 0000 0000 0000 0000 0000 0000 0000 0255");
  EXPECT_EQ(spoken_fingerprint(std::string(62, 'f')), "");
  EXPECT_EQ(spoken_fingerprint("not hexadecimal"), "");
}

struct Ed25519Vector {
  const char* seed;
  const char* public_key;
  const char* message;
  const char* signature;
};

// RFC 8032 §7.1, tests 1 to 3.
const Ed25519Vector kEd25519Vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe246"
     "55141438e"
     "7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb"
     "00d291612"
     "bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc"
     "027beceea"
     "1ec40a"},
};

std::string raw(std::string_view hex) { return from_hex(hex).value(); }

TEST(Ed25519, AgreesWithRfc8032) {
  for (const auto& v : kEd25519Vectors) {
    // RFC 8410 §7: PKCS#8 of a seed is this prefix and the seed.
    const std::string der = raw(std::string("302e020100300506032b657004220420") + v.seed);
    const SigningKey key{"-----BEGIN PRIVATE KEY-----\n" + to_base64(as_bytes(der)) + "\n-----END PRIVATE KEY-----\n",
                         raw(v.public_key)};
    EXPECT_EQ(to_hex(as_bytes(sign(key, raw(v.message)).value())), v.signature);
    EXPECT_TRUE(verify(raw(v.public_key), raw(v.message), raw(v.signature)));
    EXPECT_FALSE(verify(raw(v.public_key), raw(v.message) + "x", raw(v.signature)));
  }
}

TEST(Ed25519, AnythingMalformedIsFalse) {
  const SigningKey key = make_signing_key().value();
  const std::string signature = sign(key, "message").value();
  ASSERT_TRUE(verify(key.public_key, "message", signature));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    std::string changed = signature;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(verify(key.public_key, "message", changed)) << "byte " << i;
  }
  // RFC 8032 §5.1.7: S must be below the group's order; S + L verifies where that is not checked.
  std::string malleable = signature;
  const std::string order = raw("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  int carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    const int sum = static_cast<unsigned char>(malleable[32 + i]) + static_cast<unsigned char>(order[i]) + carry;
    malleable[32 + i] = static_cast<char>(sum & 0xff);
    carry = sum >> 8;
  }
  EXPECT_FALSE(verify(key.public_key, "message", malleable));
  EXPECT_FALSE(verify("", "message", signature));
  EXPECT_FALSE(verify(key.public_key, "message", ""));
  EXPECT_FALSE(verify(key.public_key, "message", signature + "x"));
  EXPECT_FALSE(verify(std::string(32, '\xff'), "message", signature));
  EXPECT_EQ(sign({"not a key", ""}, "message").error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace bongsu::crypto
