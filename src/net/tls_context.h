// OpenSSL contexts from our settings, and what a finished handshake proved. OpenSSL's types are forward-declared only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/tls.h"

using SSL_CTX = struct ssl_ctx_st;
using SSL = struct ssl_st;

namespace bongsu::net {

// Owns the context and the settings that its callbacks look at; every connection keeps it alive. Safe from any thread.
class TlsContext {
 public:
  // kInvalid: certificate or key unreadable or not a pair, or pinned mode without is_pinned.
  static Result<std::shared_ptr<TlsContext>> server(const TlsServerOptions& options);
  static Result<std::shared_ptr<TlsContext>> client(const TlsClientOptions& options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  SSL_CTX* native() const { return context_; }
  bool pins_servers() const { return !client_options_.pinned_fingerprints.empty(); }

 private:
  friend struct TlsCallbacks;
  explicit TlsContext(SSL_CTX* context) : context_(context) {}

  SSL_CTX* context_;
  TlsServerOptions server_options_;
  TlsClientOptions client_options_;
};

struct TlsFacts {
  std::string version;             // "TLSv1.3"
  std::string leaf_fingerprint;    // of the peer's certificate; empty = none shown
  std::string issuer_fingerprint;  // of a certificate that came along and whose key signed the leaf; else empty
};
TlsFacts tls_facts(SSL* ssl);

// This thread's oldest OpenSSL error as text for a log or an error; empties the queue.
std::string tls_error_text();

}  // namespace bongsu::net
