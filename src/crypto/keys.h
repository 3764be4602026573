// A node's keys and certificates: its own small CA, the leaf certificates it shows, and what people read out to compare them.
//
//   BONGSU_TRY(auto ca, crypto::make_ca("cert-lt", lifetime, clock, random));
//   BONGSU_TRY(auto leaf, crypto::issue(ca, {.common_name = "cert-lt", .names = {"localhost", "127.0.0.1"}, ...}));
//
// Keys are P-256 for TLS (every TLS 1.2 and 1.3 peer takes it) and Ed25519 for signatures.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace bongsu::crypto {

struct Identity {                 // a certificate with its private key, PEM
  std::string certificate_pem;    // leaf first, then the issuer where there is one
  std::string private_key_pem;    // PKCS#8
};

struct LeafRequest {
  std::string common_name;
  std::vector<std::string> names;  // subjectAltName: host names and numeric addresses
  bool server = true;              // extendedKeyUsage serverAuth
  bool client = true;              // extendedKeyUsage clientAuth
  std::chrono::seconds lifetime{std::chrono::hours{24 * 397}};
};

Result<Identity> make_ca(std::string_view member, std::chrono::seconds lifetime, const Clock& clock);
Result<Identity> issue(const Identity& ca, const LeafRequest& request, const Clock& clock);

struct CertificateFacts {
  std::string subject;             // common name
  std::string fingerprint;         // SHA-256 of the DER, lower-case hex
  Instant not_before, not_after;
};
Result<CertificateFacts> read_certificate(std::string_view pem);  // the first certificate in the text

// For reading out over the telephone: the fingerprint as ten groups of four decimal digits
// (the first 128 bits or so of the hash; see crypto/README.md for the exact derivation).
std::string spoken_fingerprint(std::string_view hex_fingerprint);

// Ed25519 (RFC 8032).
struct SigningKey { std::string private_key_pem; std::string public_key; /* 32 raw bytes */ };
Result<SigningKey> make_signing_key();
Result<std::string> sign(const SigningKey& key, std::string_view message);                       // 64 raw bytes
bool verify(std::string_view public_key, std::string_view message, std::string_view signature);  // false for anything malformed

}  // namespace bongsu::crypto
