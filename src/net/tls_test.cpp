#include "net/tls.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <set>

#include "crypto/openssl_types.h"
#include "net/net_test_support.h"
#include "net/tls_context.h"

namespace bongsu::net {
namespace {

using namespace testing_support;

struct TlsServer {
  RecordingLog log;
  Server server;
  explicit TlsServer(TlsServerOptions tls) : TlsServer(ServerOptions{.name = "tls", .tls = std::move(tls)}) {}
  explicit TlsServer(ServerOptions options) : server(std::move(options), describe_peer, log) {
    const auto started = server.start();
    EXPECT_TRUE(started.has_value()) << (started ? "" : started.error().text());
  }
  static Response describe_peer(Request&& request) {
    if (request.path == "/address") return Response::text(200, request.peer.address);
    return Response::text(200, request.peer.tls_version + " " + request.peer.certificate_fingerprint + " " +
                                   request.peer.issuer_fingerprint);
  }
};

ClientOptions with_certificate(ClientOptions options, const crypto::Identity& identity) {
  options.tls.certificate_pem = identity.certificate_pem;
  options.tls.private_key_pem = identity.private_key_pem;
  return options;
}

// One request on a new connection; the body, or the error's code and text.
std::string ask(const Server& server, ClientOptions options, const std::string& host = "127.0.0.1") {
  Client client(std::move(options));
  Url url = url_of(server);
  url.host = host;
  const auto response = client.send({.url = url}, 20s);
  return response ? response->body : std::string(to_string(response.error().code)) + ": " + response.error().message;
}

// A handshake with OpenSSL's own settings, for what our client would never offer. The result: the protocol version or
// "".
std::string handshake(std::uint16_t port, const std::function<void(SSL_CTX*)>& configure, std::string* alpn = nullptr) {
  std::unique_ptr<SSL_CTX, crypto::Freer<SSL_CTX_free>> context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  configure(context.get());
  RawConnection connection(port);
  std::unique_ptr<SSL, crypto::Freer<SSL_free>> ssl(SSL_new(context.get()));
  SSL_set_fd(ssl.get(), connection.fd());
  const bool connected = SSL_connect(ssl.get()) == 1;
  ERR_clear_error();
  if (!connected) return "";
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl.get(), &chosen, &size);
  if (alpn != nullptr) alpn->assign(reinterpret_cast<const char*>(chosen), size);
  return SSL_get_version(ssl.get());
}

TEST(Tls, SpeaksOneThreeByDefaultAndShowsThePeerNothingMore) {
  TlsServer s(server_tls());
  EXPECT_EQ(ask(s.server, client_trusting()), "TLSv1.3  ");
}

TEST(Tls, RefusesOneTwoWhereTheFloorIsOneThree) {
  TlsServer s(server_tls());
  EXPECT_EQ(handshake(s.server.port(), [](SSL_CTX* c) { SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION); }), "");
  EXPECT_FALSE(s.log.wait_for("net.handshake_failed", "unsupported protocol").empty());
}

TEST(Tls, TakesOneTwoWithAeadOnlyWhereThatIsTheFloor) {
  TlsServerOptions options = server_tls();
  options.floor = TlsFloor::kTls12Aead;
  TlsServer s(options);
  const auto with = [&](const char* suites, int version = TLS1_2_VERSION) {
    return handshake(s.server.port(), [&](SSL_CTX* c) {
      SSL_CTX_set_max_proto_version(c, version);
      SSL_CTX_set_cipher_list(c, suites);
      SSL_CTX_set_security_level(c, 0);
    });
  };
  EXPECT_EQ(with("ECDHE-ECDSA-AES128-GCM-SHA256"), "TLSv1.2");
  EXPECT_EQ(with("ECDHE-ECDSA-CHACHA20-POLY1305"), "TLSv1.2");
  EXPECT_EQ(with("ECDHE-ECDSA-AES128-SHA256"), "") << "CBC";
  EXPECT_EQ(with("ECDHE-ECDSA-AES256-SHA"), "") << "CBC with SHA-1";
  EXPECT_EQ(with("AES128-GCM-SHA256"), "") << "no forward secrecy";
  EXPECT_EQ(with("ALL:@SECLEVEL=0", TLS1_1_VERSION), "");
  EXPECT_EQ(with("DEFAULT", TLS1_3_VERSION), "TLSv1.3");
}

TEST(Tls, AgreesOnHttp11AndOnNothingElse) {
  TlsServer s(server_tls());
  const auto offering = [&](std::string_view protocols, std::string* alpn) {
    return handshake(
        s.server.port(),
        [&](SSL_CTX* c) {
          SSL_CTX_set_alpn_protos(c, reinterpret_cast<const unsigned char*>(protocols.data()),
                                  static_cast<unsigned>(protocols.size()));
        },
        alpn);
  };
  std::string alpn;
  EXPECT_EQ(offering("\x02h2\x08http/1.1", &alpn), "TLSv1.3");
  EXPECT_EQ(alpn, "http/1.1");
  EXPECT_EQ(offering("\x02h2", &alpn), "") << "RFC 7301 §3.2";
}

TEST(Tls, OffersNoEarlyDataAndNoTicketWhereClientsShowCertificates) {
  TlsServerOptions options = server_tls();
  options.client_certificate = ClientCertificate::kOptional;
  for (const bool optional : {false, true}) {
    TlsServer s(optional ? options : server_tls());
    std::unique_ptr<SSL_CTX, crypto::Freer<SSL_CTX_free>> context(SSL_CTX_new(TLS_client_method()));
    RawConnection connection(s.server.port());
    std::unique_ptr<SSL, crypto::Freer<SSL_free>> ssl(SSL_new(context.get()));
    SSL_set_fd(ssl.get(), connection.fd());
    ASSERT_EQ(SSL_connect(ssl.get()), 1);
    const std::string request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    ASSERT_GT(SSL_write(ssl.get(), request.data(), static_cast<int>(request.size())), 0);
    char buffer[4096];
    while (SSL_read(ssl.get(), buffer, sizeof buffer) > 0) {
    }
    SSL_SESSION* session = SSL_get0_session(ssl.get());
    EXPECT_EQ(SSL_SESSION_get_max_early_data(session), 0u);
    EXPECT_EQ(SSL_SESSION_has_ticket(session), optional ? 0 : 1);
    ERR_clear_error();
  }
}

TEST(PinnedClients, LeafOrItsAuthorityMayBePinnedAndOthersFailTheHandshake) {
  std::set<std::string> pins;
  TlsServerOptions options = server_tls();
  options.client_certificate = ClientCertificate::kPinned;
  options.is_pinned = [&](const std::string& fingerprint) { return pins.contains(fingerprint); };
  const Member& client = client_member();
  const Member stranger = make_member("stranger");

  pins = {client.leaf_fingerprint};
  {
    TlsServer s(options);
    EXPECT_EQ(ask(s.server, with_certificate(client_trusting(), client.leaf)),
              "TLSv1.3 " + client.leaf_fingerprint + " " + client.ca_fingerprint);
    EXPECT_TRUE(ask(s.server, with_certificate(client_trusting(), stranger.leaf)).starts_with("unauthenticated: "));
    EXPECT_TRUE(ask(s.server, client_trusting()).starts_with("unauthenticated: ")) << "no certificate at all";
  }
  pins = {client.ca_fingerprint};
  {
    TlsServer s(options);
    EXPECT_EQ(ask(s.server, with_certificate(client_trusting(), client.leaf)),
              "TLSv1.3 " + client.leaf_fingerprint + " " + client.ca_fingerprint);
    // A leaf that was renewed under the same authority is the same member.
    const auto renewed = crypto::issue(client.ca, {.common_name = "new"}, SystemClock()).value();
    EXPECT_TRUE(ask(s.server, with_certificate(client_trusting(), renewed)).starts_with("TLSv1.3 "));
    // The authority's certificate beside a leaf that it did not sign proves nothing: it is public.
    crypto::Identity forged = stranger.leaf;
    forged.certificate_pem =
        forged.certificate_pem.substr(0, forged.certificate_pem.find("-----END CERTIFICATE-----") + 26) +
        client.ca.certificate_pem;
    EXPECT_TRUE(ask(s.server, with_certificate(client_trusting(), forged)).starts_with("unauthenticated: "));
    // A certificate for servers only does not open the door to a client.
    const auto server_only = crypto::issue(client.ca, {.common_name = "x", .client = false}, SystemClock()).value();
    EXPECT_TRUE(ask(s.server, with_certificate(client_trusting(), server_only)).starts_with("un"));
  }
}

TEST(PinnedClients, ExpiredCertificatesAreRefusedInEveryMode) {
  const Instant past = SystemClock().now() - 48h;
  const Member expired = make_member("expired", past, 24h);
  for (const auto mode : {ClientCertificate::kPinned, ClientCertificate::kOptional}) {
    TlsServerOptions options = server_tls();
    options.client_certificate = mode;
    options.is_pinned = [](const std::string&) { return true; };
    TlsServer s(options);
    EXPECT_TRUE(ask(s.server, with_certificate(client_trusting(), expired.leaf)).starts_with("unauthenticated: "));
    EXPECT_TRUE(ask(s.server, with_certificate(client_trusting(), client_member().leaf)).starts_with("TLSv1.3 "));
  }
}

TEST(OptionalClients, AreKnownByTheirFingerprintOrNotAtAll) {
  TlsServerOptions options = server_tls();
  options.client_certificate = ClientCertificate::kOptional;
  TlsServer s(options);
  EXPECT_EQ(ask(s.server, client_trusting()), "TLSv1.3  ");
  const Member& client = client_member();
  EXPECT_EQ(ask(s.server, with_certificate(client_trusting(), client.leaf)),
            "TLSv1.3 " + client.leaf_fingerprint + " " + client.ca_fingerprint);
  // Without the authority along, its fingerprint is not proven.
  crypto::Identity alone = client.leaf;
  alone.certificate_pem.resize(alone.certificate_pem.find("-----END CERTIFICATE-----") + 26);
  EXPECT_EQ(ask(s.server, with_certificate(client_trusting(), alone)), "TLSv1.3 " + client.leaf_fingerprint + " ");
}

TEST(ServerCertificates, ArePinnedByLeafOrAuthorityOrVerifiedByName) {
  TlsServer s(server_tls());
  const Member& member = server_member();
  const auto pinned = [](std::string fingerprint) {
    return ClientOptions{.tls = {.pinned_fingerprints = {std::move(fingerprint)}}};
  };
  EXPECT_EQ(ask(s.server, pinned(member.leaf_fingerprint)), "TLSv1.3  ");
  EXPECT_EQ(ask(s.server, pinned(member.ca_fingerprint)), "TLSv1.3  ");
  EXPECT_TRUE(ask(s.server, pinned(client_member().ca_fingerprint)).starts_with("denied: "));

  const ClientOptions verified{.tls = {.authorities_pem = member.ca.certificate_pem}};
  EXPECT_EQ(ask(s.server, verified), "TLSv1.3  ");
  EXPECT_EQ(ask(s.server, verified, "localhost"), "TLSv1.3  ");
  EXPECT_TRUE(ask(s.server, verified, "other.localhost").starts_with("denied: "))
      << "the name is not in the certificate";
  EXPECT_TRUE(ask(s.server, {.tls = {.authorities_pem = client_member().ca.certificate_pem}}).starts_with("denied: "));
  EXPECT_TRUE(ask(s.server, {}).starts_with("denied: ")) << "the system's authorities do not know it";
}

TEST(ServerCertificates, ExpiredOnesAreDeniedEvenWhenPinned) {
  const Member expired = make_member("expired", SystemClock().now() - 48h, 24h);
  TlsServer s(server_tls(expired));
  EXPECT_TRUE(ask(s.server, {.tls = {.pinned_fingerprints = {expired.leaf_fingerprint}}}).starts_with("denied: "));
  EXPECT_TRUE(ask(s.server, {.tls = {.authorities_pem = expired.ca.certificate_pem}}).starts_with("denied: "));
}

TEST(Rotation, NewCertificatesServeNewConnectionsAndOldOnesGoOn) {
  TlsServer s(server_tls());
  Client kept(client_trusting());
  ASSERT_TRUE(kept.send({.url = url_of(s.server)}, 20s).has_value());
  EXPECT_EQ(kept.server_fingerprint(), server_member().leaf_fingerprint);

  const Member next = make_member("cert-server");
  ASSERT_TRUE(s.server.replace_tls(server_tls(next)).has_value());
  EXPECT_TRUE(kept.send({.url = url_of(s.server)}, 20s).has_value());
  EXPECT_EQ(kept.server_fingerprint(), server_member().leaf_fingerprint) << "still the same connection";
  Client fresh(client_trusting(next));
  ASSERT_TRUE(fresh.send({.url = url_of(s.server)}, 20s).has_value());
  EXPECT_EQ(fresh.server_fingerprint(), next.leaf_fingerprint);

  TlsServerOptions broken = server_tls();
  broken.private_key_pem = next.leaf.private_key_pem;
  EXPECT_EQ(s.server.replace_tls(broken).error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(fresh.send({.url = url_of(s.server)}, 20s).has_value()) << "what is broken changes nothing";
}

TEST(TlsContexts, SayWhatIsWrongWithTheirSettings) {
  EXPECT_EQ(TlsContext::server({}).error().code, ErrorCode::kInvalid);
  TlsServerOptions no_predicate = server_tls();
  no_predicate.client_certificate = ClientCertificate::kPinned;
  EXPECT_EQ(TlsContext::server(no_predicate).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(TlsContext::client({.authorities_pem = "none"}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(TlsContext::client({.certificate_pem = server_member().leaf.certificate_pem,
                                .private_key_pem = client_member().leaf.private_key_pem})
                .error()
                .code,
            ErrorCode::kInvalid);
}

TEST(PlainText, ToATlsPortEndsTheConnection) {
  TlsServer s(server_tls());
  RawConnection connection(s.server.port());
  connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(connection.read_all().find("HTTP/1.1"), std::string::npos);
  EXPECT_FALSE(s.log.wait_for("net.handshake_failed").empty());
}

TEST(Handshakes, ThatDoNotGoOnAreEnded) {
  TlsServer s(ServerOptions{.name = "tls", .tls = server_tls(), .header_timeout = 60ms});
  RawConnection connection(s.server.port());
  EXPECT_EQ(connection.read_all(), "");
  EXPECT_FALSE(s.log.wait_for("net.handshake_failed", "timeout").empty());
}

TEST(DropPeer, CutsTheConnectionsOfThatMemberOnly) {
  TlsServerOptions options = server_tls();
  options.client_certificate = ClientCertificate::kOptional;
  TlsServer s(options);
  const Member other = make_member("other");
  Client dropped(with_certificate(client_trusting(), client_member().leaf));
  Client stays(with_certificate(client_trusting(), other.leaf));
  // The port it comes from tells one connection of a client from its next.
  const auto port_of = [&](Client& client) {
    return client.send({.url = url_of(s.server, "/address")}, 20s).value().body;
  };
  const std::string dropped_port = port_of(dropped);
  const std::string stays_port = port_of(stays);
  EXPECT_EQ(port_of(dropped), dropped_port);
  s.server.drop_peer(client_member().ca_fingerprint);
  EXPECT_TRUE(eventually([&] { return port_of(dropped) != dropped_port; }));
  EXPECT_EQ(port_of(stays), stays_port);
}

}  // namespace
}  // namespace bongsu::net
