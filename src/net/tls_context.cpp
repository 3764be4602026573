#include "net/tls_context.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "crypto/openssl_types.h"
#include "crypto/secret.h"

namespace bongsu::net {
namespace {

using crypto::X509Ptr;

// AEAD suites with forward secrecy (RFC 9325 §4.2). TLS 1.3's own suites are all AEAD.
constexpr const char* kTls12Suites =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr long kMaxCertificateBytes = 32 * 1024;  // a peer's whole chain
constexpr std::array<unsigned char, 9> kAlpnHttp11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

std::string fingerprint(X509* certificate) {
  std::array<unsigned char, 32> digest;
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  return to_hex(digest);
}

bool in_time(X509* certificate) {
  return X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0 &&
         X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

// The certificate of `chain` whose key signed `leaf`: an authority, in time, and not the leaf itself.
X509* proven_issuer(X509* leaf, STACK_OF(X509) * chain) {
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    X509* candidate = sk_X509_value(chain, i);
    if (X509_cmp(candidate, leaf) == 0 || X509_check_ca(candidate) != 1 || !in_time(candidate)) continue;
    if (X509_check_issued(candidate, leaf) == X509_V_OK && X509_verify(leaf, X509_get0_pubkey(candidate)) == 1)
      return candidate;
  }
  ERR_clear_error();
  return nullptr;
}

Result<void> use_identity(SSL_CTX* context, const std::string& certificate_pem, const std::string& private_key_pem) {
  const auto invalid = [](std::string_view what) {
    return fail(ErrorCode::kInvalid, fmt::format("{}: {}", what, tls_error_text()));
  };
  crypto::BioPtr bio = crypto::text_bio(certificate_pem);
  X509Ptr leaf(PEM_read_bio_X509(bio.get(), nullptr, crypto::no_passphrase, nullptr));
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) return invalid("the TLS certificate is unusable");
  while (X509Ptr next{PEM_read_bio_X509(bio.get(), nullptr, crypto::no_passphrase, nullptr)})
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1) return invalid("the TLS certificate's chain is unusable");
  ERR_clear_error();  // the end of the text is an error to OpenSSL
  crypto::BioPtr key_bio = crypto::text_bio(private_key_pem);
  crypto::PkeyPtr key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, crypto::no_passphrase, nullptr));
  if (!key || SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return invalid("the TLS private key is unusable");
  return {};
}

bool set_common(SSL_CTX* context, TlsFloor floor) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_max_cert_list(context, kMaxCertificateBytes);
  SSL_CTX_set_max_early_data(context, 0);
  const int least = floor == TlsFloor::kTls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  return SSL_CTX_set_min_proto_version(context, least) == 1 && SSL_CTX_set_cipher_list(context, kTls12Suites) == 1 &&
         SSL_CTX_set1_groups_list(context, kGroups) == 1;
}

int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                unsigned offered_size, void*) {
  for (unsigned i = 0; i < offered_size; i += 1u + offered[i]) {
    const unsigned size = 1u + offered[i];
    if (size != kAlpnHttp11.size() || i + size > offered_size) continue;
    if (!std::equal(kAlpnHttp11.begin(), kAlpnHttp11.end(), offered + i)) continue;
    *out = offered + i + 1;
    *out_size = offered[i];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 §3.2: no_application_protocol
}

}  // namespace

struct TlsCallbacks {
  static int refuse(X509_STORE_CTX* store, int error) {
    X509_STORE_CTX_set_error(store, error);
    return 0;
  }

  // In place of path validation: any certificate in time, and one that is pinned where pins are asked for.
  static int verify_client(X509_STORE_CTX* store, void* argument) {
    const TlsServerOptions& options = static_cast<TlsContext*>(argument)->server_options_;
    X509* leaf = X509_STORE_CTX_get0_cert(store);
    if (!in_time(leaf)) return refuse(store, X509_V_ERR_CERT_HAS_EXPIRED);
    if (options.client_certificate == ClientCertificate::kPinned) {
      const auto pinned = [&](X509* certificate) { return options.is_pinned(fingerprint(certificate)); };
      X509* issuer = nullptr;
      if (!pinned(leaf)) {
        issuer = proven_issuer(leaf, X509_STORE_CTX_get0_untrusted(store));
        if (issuer == nullptr || !pinned(issuer)) return refuse(store, X509_V_ERR_CERT_UNTRUSTED);
        if (X509_check_purpose(leaf, X509_PURPOSE_SSL_CLIENT, 0) != 1) return refuse(store, X509_V_ERR_INVALID_PURPOSE);
      }
    }
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
  }

  static int verify_pinned_server(X509_STORE_CTX* store, void* argument) {
    const auto& pins = static_cast<TlsContext*>(argument)->client_options_.pinned_fingerprints;
    const auto pinned = [&](X509* certificate) {
      return std::find(pins.begin(), pins.end(), fingerprint(certificate)) != pins.end();
    };
    X509* leaf = X509_STORE_CTX_get0_cert(store);
    if (!in_time(leaf)) return refuse(store, X509_V_ERR_CERT_HAS_EXPIRED);
    if (!pinned(leaf)) {
      X509* issuer = proven_issuer(leaf, X509_STORE_CTX_get0_untrusted(store));
      if (issuer == nullptr || !pinned(issuer)) return refuse(store, X509_V_ERR_CERT_UNTRUSTED);
      if (X509_check_purpose(leaf, X509_PURPOSE_SSL_SERVER, 0) != 1) return refuse(store, X509_V_ERR_INVALID_PURPOSE);
    }
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
  }

  // A callback that throws would unwind through OpenSSL: an error of ours refuses the peer.
  template <int (*Callback)(X509_STORE_CTX*, void*)>
  static int guarded(X509_STORE_CTX* store, void* argument) {
    try {
      return Callback(store, argument);
    } catch (...) {
      return refuse(store, X509_V_ERR_APPLICATION_VERIFICATION);
    }
  }
};

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

Result<std::shared_ptr<TlsContext>> TlsContext::server(const TlsServerOptions& options) {
  if (options.client_certificate == ClientCertificate::kPinned && !options.is_pinned)
    return fail(ErrorCode::kInvalid, "pinned client certificates need is_pinned");
  std::shared_ptr<TlsContext> made(new TlsContext(SSL_CTX_new(TLS_server_method())));
  SSL_CTX* context = made->context_;
  if (context == nullptr || !set_common(context, options.floor))
    return fail(ErrorCode::kInternal, fmt::format("making a TLS context: {}", tls_error_text()));
  BONGSU_TRY_VOID(use_identity(context, options.certificate_pem, options.private_key_pem));
  made->server_options_ = options;
  crypto::wipe(made->server_options_.private_key_pem);  // OpenSSL has its own copy
  SSL_CTX_set_alpn_select_cb(context, choose_alpn, nullptr);
  if (options.client_certificate != ClientCertificate::kNone) {
    const bool required = options.client_certificate == ClientCertificate::kPinned;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
    SSL_CTX_set_cert_verify_callback(context, TlsCallbacks::guarded<TlsCallbacks::verify_client>, made.get());
    // A resumed session skips this callback and with it pins and expiry: such clients do the whole handshake each time.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
  } else {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets only: no memory of ours a client could fill
    SSL_CTX_set_num_tickets(context, 1);
  }
  return made;
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(const TlsClientOptions& options) {
  std::shared_ptr<TlsContext> made(new TlsContext(SSL_CTX_new(TLS_client_method())));
  SSL_CTX* context = made->context_;
  if (context == nullptr || !set_common(context, options.floor) ||
      SSL_CTX_set_alpn_protos(context, kAlpnHttp11.data(), kAlpnHttp11.size()) != 0)
    return fail(ErrorCode::kInternal, fmt::format("making a TLS context: {}", tls_error_text()));
  if (!options.certificate_pem.empty())
    BONGSU_TRY_VOID(use_identity(context, options.certificate_pem, options.private_key_pem));
  made->client_options_ = options;
  crypto::wipe(made->client_options_.private_key_pem);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (made->pins_servers()) {
    SSL_CTX_set_cert_verify_callback(context, TlsCallbacks::guarded<TlsCallbacks::verify_pinned_server>, made.get());
    return made;
  }
  if (options.authorities_pem.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1)
      return fail(ErrorCode::kIo, fmt::format("the system's certificate store: {}", tls_error_text()));
    return made;
  }
  crypto::BioPtr bio = crypto::text_bio(options.authorities_pem);
  int count = 0;
  while (X509Ptr authority{PEM_read_bio_X509(bio.get(), nullptr, crypto::no_passphrase, nullptr)}) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
    ++count;
  }
  ERR_clear_error();
  if (count == 0) return fail(ErrorCode::kInvalid, "there is no certificate among the authorities");
  return made;
}

TlsFacts tls_facts(SSL* ssl) {
  TlsFacts facts;
  facts.version = SSL_get_version(ssl);
  const X509Ptr leaf(SSL_get1_peer_certificate(ssl));
  if (!leaf) return facts;
  facts.leaf_fingerprint = fingerprint(leaf.get());
  if (X509* issuer = proven_issuer(leaf.get(), SSL_get_peer_cert_chain(ssl)))
    facts.issuer_fingerprint = fingerprint(issuer);
  return facts;
}

std::string tls_error_text() { return crypto::take_openssl_error(); }

}  // namespace bongsu::net
