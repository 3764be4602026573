// Signatures of others by the algorithms that browsers, authenticators and identity providers use: ES256 (ECDSA on
// P-256 with SHA-256), RS256 (RSASSA-PKCS1-v1_5 with SHA-256) and EdDSA (Ed25519). RFC 7518 §3, RFC 8037, RFC 9053.
//
//   crypto::PublicKey key{.scheme = crypto::SignatureScheme::kEs256, .x = x, .y = y};
//   if (verify(key, message, signature)) …
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bongsu::crypto {

enum class SignatureScheme : std::uint8_t { kEs256, kRs256, kEdDsa };
std::string_view to_string(SignatureScheme scheme);  // as JOSE writes it: "ES256", "RS256", "EdDSA"
std::optional<SignatureScheme> parse_signature_scheme(std::string_view text);

// Big-endian numbers and coordinates, as COSE keys and JWKs have them.
struct PublicKey {
  SignatureScheme scheme = SignatureScheme::kEs256;
  std::string x, y;  // ES256: 32 bytes each; EdDSA: x alone
  std::string n, e;  // RS256
  bool operator==(const PublicKey&) const = default;
};

inline constexpr std::size_t kMinRsaBits = 2048, kMaxRsaBits = 8192;
inline constexpr std::size_t kMaxSignatureBytes = 1024;

// kInvalid: no point of the curve, a length that is none, an RSA key too short, too long or with an even exponent.
Result<void> check(const PublicKey& key);
// False for a wrong signature and for anything malformed. ECDSA signatures are in ASN.1 DER (WebAuthn §6.5.5).
bool verify(const PublicKey& key, std::string_view message, std::string_view signature);

}  // namespace bongsu::crypto
