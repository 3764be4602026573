#include "crypto/keys.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/bytes.h"
#include "crypto/openssl_types.h"

namespace bongsu::crypto {
namespace {

using NamePtr = std::unique_ptr<X509_NAME, Freer<X509_NAME_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;
using BignumPtr = std::unique_ptr<BIGNUM, Freer<BN_free>>;

constexpr const char* kCaUnit = "Bongsu certification authority";

std::unexpected<Error> internal(std::string_view what) {
  return fail(ErrorCode::kInternal, fmt::format("{}: {}", what, take_openssl_error()));
}

std::string bio_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

Result<std::string> to_pem(EVP_PKEY* key) {
  BioPtr bio(BIO_new(BIO_s_mem()));  // wiped when freed
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return internal("writing a private key");
  return bio_text(bio.get());
}

Result<std::string> to_pem(X509* certificate) {
  BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) return internal("writing a certificate");
  return bio_text(bio.get());
}

Result<X509Ptr> read_x509(std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return fail(ErrorCode::kTooLarge, "certificate files end at one megabyte");
  BioPtr bio = text_bio(pem);
  X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
  if (!certificate)
    return fail(ErrorCode::kInvalid, fmt::format("no certificate in PEM form: {}", take_openssl_error()));
  return certificate;
}

Result<PkeyPtr> read_private_key(std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return fail(ErrorCode::kTooLarge, "key files end at one megabyte");
  BioPtr bio = text_bio(pem);
  PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();  // its text could tell of the key
  if (!key) return fail(ErrorCode::kInvalid, "no private key in PEM form");
  return key;
}

std::optional<Instant> instant_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return Instant{timegm(&parts), 0};
}

// RFC 5280 §4.1.2.2: positive, at most 20 octets; 159 random bits leave the sign bit clear.
bool set_serial(X509* certificate) {
  BignumPtr serial(BN_new());
  return serial && BN_rand(serial.get(), 159, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_validity(X509* certificate, Instant from, Instant until) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate), from.seconds) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), until.seconds) != nullptr;
}

bool add_name(X509_NAME* name, const char* field, std::string_view value) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

// `value` is in OpenSSL's configuration syntax and always a constant of ours: nothing from outside is pasted into it.
bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// RFC 1123 §2.1 with RFC 952: letters, digits, hyphens inside; labels to 63, names to 253.
bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  std::size_t label = 0;
  char last = '.';
  for (const char c : name) {
    const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (c == '.') {
      if (last == '.' || last == '-') return false;
      label = 0;
    } else if (alnum || (c == '-' && last != '.')) {
      if (++label > 63) return false;
    } else {
      return false;
    }
    last = c;
  }
  return last != '.' && last != '-';
}

GENERAL_NAME* general_name(const std::string& name) {
  std::array<unsigned char, 16> address;
  int size = 0;
  if (inet_pton(AF_INET, name.c_str(), address.data()) == 1) size = 4;
  if (inet_pton(AF_INET6, name.c_str(), address.data()) == 1) size = 16;
  GENERAL_NAME* general = GENERAL_NAME_new();
  ASN1_STRING* value = size > 0 ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
  const bool ok = general != nullptr && value != nullptr &&
                  (size > 0 ? ASN1_STRING_set(value, address.data(), size)
                            : ASN1_STRING_set(value, name.data(), static_cast<int>(name.size()))) == 1;
  if (!ok) {
    GENERAL_NAME_free(general);
    ASN1_STRING_free(value);
    return nullptr;
  }
  GENERAL_NAME_set0_value(general, size > 0 ? GEN_IPADD : GEN_DNS, value);
  return general;
}

Result<void> add_names(X509* certificate, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  if (names.size() > kMaxNames)
    return fail(ErrorCode::kTooLarge, fmt::format("a certificate takes {} names", kMaxNames));
  GeneralNamesPtr list(sk_GENERAL_NAME_new_null());
  for (const std::string& name : names) {
    std::array<unsigned char, 16> address;
    const bool is_address =
        name.find('\0') == std::string::npos && (inet_pton(AF_INET, name.c_str(), address.data()) == 1 ||
                                                 inet_pton(AF_INET6, name.c_str(), address.data()) == 1);
    if (!is_address && !is_host_name(name))
      return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is neither a host name nor an address", name),
                  {.field = "names"});
    GENERAL_NAME* general = general_name(name);
    if (general == nullptr || !list || sk_GENERAL_NAME_push(list.get(), general) <= 0) {
      GENERAL_NAME_free(general);
      return internal("adding a name");
    }
  }
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, X509V3_ADD_DEFAULT) != 1)
    return internal("adding names");
  return {};
}

Result<void> check_common_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxCommonNameBytes)
    return fail(ErrorCode::kInvalid, fmt::format("a name has 1 to {} bytes", kMaxCommonNameBytes),
                {.field = "common_name"});
  if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return fail(ErrorCode::kInvalid, "a name has no control characters", {.field = "common_name"});
  return {};
}

Result<void> check_lifetime(std::chrono::seconds lifetime) {
  using namespace std::chrono_literals;
  if (lifetime <= 0s || lifetime > 24h * 366 * 100)
    return fail(ErrorCode::kInvalid, "a lifetime is more than nothing and at most a hundred years",
                {.field = "lifetime"});
  return {};
}

// What both kinds of certificate have in common.
Result<X509Ptr> start_certificate(EVP_PKEY* key, Instant from, Instant until) {
  X509Ptr certificate(X509_new());
  if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1 || !set_serial(certificate.get()) ||
      !set_validity(certificate.get(), from, until) || X509_set_pubkey(certificate.get(), key) != 1)
    return internal("making a certificate");
  return certificate;
}

Result<PkeyPtr> make_tls_key() {
  PkeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return internal("making a P-256 key");
  return key;
}

Result<PkeyPtr> ed25519_public(std::string_view raw) {
  PkeyPtr key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(raw.data()),
                                          raw.size()));
  if (!key) return internal("reading an Ed25519 key");
  return key;
}

}  // namespace

Result<Identity> make_ca(std::string_view member, std::chrono::seconds lifetime, const Clock& clock) {
  BONGSU_TRY_VOID(check_common_name(member));
  BONGSU_TRY_VOID(check_lifetime(lifetime));
  BONGSU_TRY(PkeyPtr key, make_tls_key());
  const Instant now = clock.now();
  BONGSU_TRY(X509Ptr certificate, start_certificate(key.get(), now - kBackdate, now + lifetime));
  X509* ca = certificate.get();
  // The unit keeps the authority's name different from its leaves', which carry the same member.
  X509_NAME* subject = X509_get_subject_name(ca);
  if (!add_name(subject, "OU", kCaUnit) || !add_name(subject, "CN", member)) {
    ERR_clear_error();
    return fail(ErrorCode::kInvalid, "the member's name is not UTF-8", {.field = "member"});
  }
  if (X509_set_issuer_name(ca, subject) != 1 ||
      !add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(ca, ca, NID_subject_key_identifier, "hash") ||
      !add_extension(ca, ca, NID_authority_key_identifier, "keyid:always") ||
      X509_sign(ca, key.get(), EVP_sha256()) == 0)
    return internal("signing a certificate");
  Identity identity;
  BONGSU_TRY(identity.certificate_pem, to_pem(ca));
  BONGSU_TRY(identity.private_key_pem, to_pem(key.get()));
  return identity;
}

Result<Identity> issue(const Identity& ca, const LeafRequest& request, const Clock& clock) {
  BONGSU_TRY_VOID(check_common_name(request.common_name));
  BONGSU_TRY_VOID(check_lifetime(request.lifetime));
  BONGSU_TRY(X509Ptr issuer, read_x509(ca.certificate_pem));
  BONGSU_TRY(PkeyPtr issuer_key, read_private_key(ca.private_key_pem));
  if (X509_check_ca(issuer.get()) != 1) return fail(ErrorCode::kInvalid, "the issuer is not an authority");
  if (X509_check_private_key(issuer.get(), issuer_key.get()) != 1) {
    ERR_clear_error();
    return fail(ErrorCode::kInvalid, "the private key is not the issuer's");
  }
  const Instant now = clock.now();
  const auto issuer_end = instant_of(X509_get0_notAfter(issuer.get()));
  if (!issuer_end || *issuer_end <= now) return fail(ErrorCode::kInvalid, "the issuer's certificate has expired");

  BONGSU_TRY(PkeyPtr key, make_tls_key());
  BONGSU_TRY(X509Ptr certificate,
             start_certificate(key.get(), now - kBackdate, std::min(now + request.lifetime, *issuer_end)));
  X509* leaf = certificate.get();
  if (!add_name(X509_get_subject_name(leaf), "CN", request.common_name)) {
    ERR_clear_error();
    return fail(ErrorCode::kInvalid, "the common name is not UTF-8", {.field = "common_name"});
  }
  const char* usages = request.server && request.client ? "serverAuth,clientAuth"
                       : request.server                 ? "serverAuth"
                                                        : "clientAuth";
  if (X509_set_issuer_name(leaf, X509_get_subject_name(issuer.get())) != 1 ||
      !add_extension(leaf, issuer.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(leaf, issuer.get(), NID_key_usage, "critical,digitalSignature") ||
      ((request.server || request.client) && !add_extension(leaf, issuer.get(), NID_ext_key_usage, usages)) ||
      !add_extension(leaf, issuer.get(), NID_subject_key_identifier, "hash") ||
      !add_extension(leaf, issuer.get(), NID_authority_key_identifier, "keyid:always"))
    return internal("making a certificate");
  BONGSU_TRY_VOID(add_names(leaf, request.names));
  if (X509_sign(leaf, issuer_key.get(), EVP_sha256()) == 0) return internal("signing a certificate");

  Identity identity;
  BONGSU_TRY(identity.certificate_pem, to_pem(leaf));
  BONGSU_TRY(std::string issuer_pem, to_pem(issuer.get()));
  identity.certificate_pem += issuer_pem;
  BONGSU_TRY(identity.private_key_pem, to_pem(key.get()));
  return identity;
}

Result<CertificateFacts> read_certificate(std::string_view pem) {
  BONGSU_TRY(X509Ptr certificate, read_x509(pem));
  CertificateFacts facts;
  std::array<unsigned char, 32> digest;
  unsigned size = 0;
  if (X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size) != 1) return internal("hashing a certificate");
  facts.fingerprint = to_hex(digest);

  const auto not_before = instant_of(X509_get0_notBefore(certificate.get()));
  const auto not_after = instant_of(X509_get0_notAfter(certificate.get()));
  if (!not_before || !not_after) {
    ERR_clear_error();
    return fail(ErrorCode::kInvalid, "the certificate's validity is malformed");
  }
  facts.not_before = *not_before;
  facts.not_after = *not_after;

  // The last common name is the most specific one. A certificate without one (names in SAN only) has an empty subject.
  const X509_NAME* subject = X509_get_subject_name(certificate.get());
  int index = -1;
  for (int next = -1; (next = X509_NAME_get_index_by_NID(subject, NID_commonName, next)) >= 0;) index = next;
  if (index >= 0) {
    unsigned char* utf8 = nullptr;
    const int length = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
    if (length < 0) {
      ERR_clear_error();
      return fail(ErrorCode::kInvalid, "the certificate's common name is malformed");
    }
    facts.subject.assign(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(length));
    OPENSSL_free(utf8);
    if (facts.subject.find('\0') != std::string::npos)  // would read as another name in C programs
      return fail(ErrorCode::kInvalid, "the certificate's common name contains a zero byte");
  }
  return facts;
}

std::string spoken_fingerprint(std::string_view hex_fingerprint) {
  const auto hash = from_hex(hex_fingerprint);
  if (!hash || hash->size() != 32) return {};
  // Horner's rule modulo 10^40, on ten groups of four digits, least significant first.
  std::array<std::uint32_t, 10> groups{};
  for (const char c : *hash) {
    std::uint32_t carry = static_cast<std::uint8_t>(c);
    for (auto& group : groups) {
      const std::uint32_t value = group * 256 + carry;
      group = value % 10'000;
      carry = value / 10'000;
    }
  }
  std::string text;
  for (auto group = groups.rbegin(); group != groups.rend(); ++group)
    text += fmt::format("{}{:04}", text.empty() ? "" : " ", *group);
  return text;
}

Result<SigningKey> make_signing_key() {
  PkeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!key) return internal("making an Ed25519 key");
  SigningKey signing;
  signing.public_key.resize(32);
  std::size_t size = signing.public_key.size();
  if (EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(signing.public_key.data()), &size) != 1)
    return internal("reading an Ed25519 key");
  BONGSU_TRY(signing.private_key_pem, to_pem(key.get()));
  return signing;
}

namespace {

class KeySigner final : public Signer {
 public:
  explicit KeySigner(PkeyPtr key) : key_(std::move(key)) {}
  Result<std::string> sign(std::string_view message) const override {
    MdCtxPtr context(EVP_MD_CTX_new());
    std::string signature(64, '\0');
    std::size_t size = signature.size();
    if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                       reinterpret_cast<const unsigned char*>(message.data()), message.size()) != 1)
      return internal("signing");
    return signature;
  }

 private:
  PkeyPtr key_;
};

}  // namespace

Result<std::shared_ptr<const Signer>> open_signer(const SigningKey& key) {
  if (key.token) return key.token;
  BONGSU_TRY(PkeyPtr pkey, read_private_key(key.private_key_pem));
  if (EVP_PKEY_get_base_id(pkey.get()) != EVP_PKEY_ED25519) return fail(ErrorCode::kInvalid, "not an Ed25519 key");
  return std::make_shared<const KeySigner>(std::move(pkey));
}

Result<std::string> sign(const SigningKey& key, std::string_view message) {
  BONGSU_TRY(const auto signer, open_signer(key));
  return signer->sign(message);
}

bool verify(std::string_view public_key, std::string_view message, std::string_view signature) {
  if (public_key.size() != 32 || signature.size() != 64) return false;
  const auto key = ed25519_public(public_key);
  if (!key) return false;
  MdCtxPtr context(EVP_MD_CTX_new());
  const bool good =
      context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key->get()) == 1 &&
      EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                       reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace bongsu::crypto
