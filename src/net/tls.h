// TLS settings (OpenSSL 3 behind them). No 0-RTT, no renegotiation, no compression; TLS 1.2 only with AEAD suites.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace bongsu::net {

enum class TlsFloor { kTls12Aead, kTls13 };
enum class ClientCertificate {
  kNone,      // not asked for
  kOptional,  // asked for; accepted whatever its issuer, the handler decides by Peer::certificate_fingerprint
  kPinned,  // required; its fingerprint, or that of the authority that came along and signed it, must satisfy is_pinned
};
// Expired certificates are refused in every mode.

struct TlsServerOptions {
  std::string certificate_pem;  // leaf first, then the chain
  std::string private_key_pem;
  TlsFloor floor = TlsFloor::kTls13;
  ClientCertificate client_certificate = ClientCertificate::kNone;
  // Asked at every handshake, on the server's threads: must be quick and may be called several at a time.
  std::function<bool(const std::string& fingerprint)> is_pinned;
};

struct TlsClientOptions {
  std::string certificate_pem;  // empty = none shown
  std::string private_key_pem;
  TlsFloor floor = TlsFloor::kTls12Aead;
  // Either the server's leaf certificate or its issuer must have this SHA-256 fingerprint (lower-case hex) …
  std::vector<std::string> pinned_fingerprints;
  // … or, if nothing is pinned, its chain must verify against these (PEM; empty = the system's store) and the host name
  // must match.
  std::string authorities_pem;
};

}  // namespace bongsu::net
