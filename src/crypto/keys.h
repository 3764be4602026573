// A node's keys and certificates: its own small CA, the leaf certificates it shows, and what people read out to compare
// them.
//
//   BONGSU_TRY(auto ca, crypto::make_ca("cert-lt", lifetime, clock));
//   BONGSU_TRY(auto leaf, crypto::issue(ca, {.common_name = "cert-lt", .names = {"localhost", "127.0.0.1"}}, clock));
//
// Keys are P-256 for TLS (every TLS 1.2 and 1.3 peer takes it) and Ed25519 for signatures.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace bongsu::crypto {

struct Identity {               // a certificate with its private key, PEM
  std::string certificate_pem;  // leaf first, then the issuer where there is one
  std::string private_key_pem;  // PKCS#8
};

// Everything is valid from five minutes before now, for partners whose clocks are behind.
inline constexpr std::chrono::minutes kBackdate{5};
inline constexpr std::size_t kMaxPemBytes = 1024 * 1024;  // beyond: kTooLarge
inline constexpr std::size_t kMaxCommonNameBytes = 64;    // RFC 5280 appendix A, ub-common-name
inline constexpr std::size_t kMaxNames = 100;

struct LeafRequest {
  std::string common_name;
  std::vector<std::string> names;  // subjectAltName: host names and numeric addresses
  bool server = true;              // extendedKeyUsage serverAuth
  bool client = true;              // extendedKeyUsage clientAuth
  std::chrono::seconds lifetime{std::chrono::hours{24 * 397}};
};

// A self-signed P-256 authority, CA:TRUE with path length 0: it signs leaves, never another authority. kInvalid for a
// member name that is empty, too long or not UTF-8, or a lifetime that is not positive.
Result<Identity> make_ca(std::string_view member, std::chrono::seconds lifetime, const Clock& clock);
// A leaf with a key of its own; it ends with its authority at the latest. kInvalid for a name that is neither a host
// name nor an address, for an authority that has expired or is none, and for a key that is not the authority's.
Result<Identity> issue(const Identity& ca, const LeafRequest& request, const Clock& clock);

struct CertificateFacts {
  std::string subject;      // common name
  std::string fingerprint;  // SHA-256 of the DER, lower-case hex
  Instant not_before, not_after;
};
// The first certificate in the text. kInvalid when there is none, kTooLarge beyond kMaxPemBytes.
Result<CertificateFacts> read_certificate(std::string_view pem);

// For reading out over the telephone: the fingerprint as ten groups of four decimal digits, "0123 4567 …". That is the
// hash as a big-endian integer modulo 10^40, 132 bits of it (crypto/README.md). Empty for what is no SHA-256 in
// hexadecimal.
std::string spoken_fingerprint(std::string_view hex_fingerprint);

// Signs by a key that may lie elsewhere, in a token (pkcs11.h). Safe from any thread.
class Signer {
 public:
  virtual ~Signer() = default;
  virtual Result<std::string> sign(std::string_view message) const = 0;  // 64 raw bytes
};

// Ed25519 (RFC 8032).
struct SigningKey {
  std::string private_key_pem;  // empty when a token has it
  std::string public_key;       /* 32 raw bytes */
  std::shared_ptr<const Signer> token = nullptr;
  bool can_sign() const { return token != nullptr || !private_key_pem.empty(); }
};
Result<SigningKey> make_signing_key();
Result<std::string> sign(const SigningKey& key, std::string_view message);  // 64 raw bytes
// The same key read once, for many signatures.
Result<std::shared_ptr<const Signer>> open_signer(const SigningKey& key);
bool verify(std::string_view public_key, std::string_view message,
            std::string_view signature);  // false for anything malformed

}  // namespace bongsu::crypto
