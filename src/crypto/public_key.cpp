#include "crypto/public_key.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "crypto/openssl_types.h"

namespace bongsu::crypto {
namespace {

using BnPtr = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using ParamBldPtr = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using ParamPtr = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;
using PkeyCtxPtr = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;

constexpr std::size_t kCoordinateBytes = 32;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

BnPtr number_of(std::string_view big_endian) {
  return BnPtr(BN_bin2bn(bytes_of(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

PkeyPtr from_data(const char* type, OSSL_PARAM_BLD* builder) {
  const ParamPtr params(OSSL_PARAM_BLD_to_param(builder));
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return nullptr;
  return PkeyPtr(key);
}

// nullptr: it is none.
PkeyPtr open(const PublicKey& key) {
  switch (key.scheme) {
    case SignatureScheme::kEdDsa:
      if (key.x.size() != kCoordinateBytes) return nullptr;
      return PkeyPtr(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(key.x), key.x.size()));
    case SignatureScheme::kEs256: {
      if (key.x.size() != kCoordinateBytes || key.y.size() != kCoordinateBytes) return nullptr;
      const std::string point = '\x04' + key.x + key.y;  // SEC 1 §2.3.3, uncompressed
      const ParamBldPtr builder(OSSL_PARAM_BLD_new());
      if (!builder ||
          OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
          OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
        return nullptr;
      PkeyPtr opened = from_data("EC", builder.get());
      if (!opened) return nullptr;
      const PkeyCtxPtr check(EVP_PKEY_CTX_new(opened.get(), nullptr));
      return check && EVP_PKEY_public_check(check.get()) == 1 ? std::move(opened) : nullptr;
    }
    case SignatureScheme::kRs256: {
      const BnPtr n = number_of(key.n), e = number_of(key.e);
      if (key.n.size() > kMaxRsaBits / 8 || key.e.size() > 8 || !n || !e) return nullptr;
      const auto bits = static_cast<std::size_t>(BN_num_bits(n.get()));
      if (bits < kMinRsaBits || bits > kMaxRsaBits || BN_is_odd(n.get()) == 0 || BN_is_odd(e.get()) == 0 ||
          BN_num_bits(e.get()) < 2)
        return nullptr;
      const ParamBldPtr builder(OSSL_PARAM_BLD_new());
      if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
          OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
        return nullptr;
      return from_data("RSA", builder.get());
    }
  }
  return nullptr;
}

}  // namespace

std::string_view to_string(SignatureScheme scheme) {
  switch (scheme) {
    case SignatureScheme::kEs256:
      return "ES256";
    case SignatureScheme::kRs256:
      return "RS256";
    case SignatureScheme::kEdDsa:
      return "EdDSA";
  }
  return "";
}

std::optional<SignatureScheme> parse_signature_scheme(std::string_view text) {
  for (const auto scheme : {SignatureScheme::kEs256, SignatureScheme::kRs256, SignatureScheme::kEdDsa})
    if (text == to_string(scheme)) return scheme;
  return std::nullopt;
}

Result<void> check(const PublicKey& key) {
  const bool good = open(key) != nullptr;
  ERR_clear_error();
  if (!good)
    return fail(ErrorCode::kInvalid, std::string("is no public key for ") + std::string(to_string(key.scheme)));
  return {};
}

bool verify(const PublicKey& key, std::string_view message, std::string_view signature) {
  if (signature.empty() || signature.size() > kMaxSignatureBytes) return false;
  const PkeyPtr opened = open(key);
  const MdCtxPtr context(EVP_MD_CTX_new());
  const EVP_MD* digest = key.scheme == SignatureScheme::kEdDsa ? nullptr : EVP_sha256();
  const bool good =
      opened && context && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, opened.get()) == 1 &&
      EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message), message.size()) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace bongsu::crypto
