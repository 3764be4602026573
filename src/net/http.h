// HTTP messages as values (RFC 9110): what a server's handler receives and answers, what a client sends and gets back.
// No socket is in here, so that protocol logic (TAXII, links, console) is a function from Request to Response.
//
//   net::Response handle(const net::Request& request) {
//     if (request.method != "GET") return net::Response::text(405, "only GET");
//     return net::Response::json(200, R"({"title":"..."})");
//   }
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace bongsu::net {

// Field names compare without case (RFC 9110 §5.1); order and repetition are kept.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  void set(std::string_view name, std::string value);                // replaces every field of that name
  std::optional<std::string_view> get(std::string_view name) const;  // the first one
  // All fields of that name joined by ", " (RFC 9110 §5.3); empty if none.
  std::string joined(std::string_view name) const;
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  bool empty() const { return fields_.empty(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// Who is at the other end, as far as the transport proved it.
struct Peer {
  std::string address;                  // "127.0.0.1:50412", or "local" on a Unix socket
  std::string certificate_fingerprint;  // SHA-256 of the DER client certificate, lower-case hex; empty = none shown
  // The same of the authority that signed it, when the client sent that along and the signature is good; else empty.
  std::string issuer_fingerprint;
  std::string tls_version;  // "TLSv1.3", …; empty = no TLS
  bool local = false;       // came over the admin socket or in process: the operator of this node
};

struct Request {
  std::string method;  // upper case as received
  std::string path;    // percent-encoded as received, without the query: "/taxii2/"
  std::string query;   // as received, without '?'
  Headers headers;
  std::string body;  // whole; limited by ServerOptions::max_body_bytes
  Peer peer;
  Instant received;  // when the first byte of the request came
};

// A body that is written while it is read. Pulled on a worker thread, never two calls at a time.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // Appends the next piece (any size; about 64 KiB is good) to `out`; false = end. An error cuts the connection, so
  // that the client cannot take half a body for a whole one.
  virtual Result<bool> read(std::string& out) = 0;
};

// A body without an end: server-sent events. Pulled after `wake` was called or a deadline passed; never two calls at a
// time.
class TailSource {
 public:
  virtual ~TailSource() = default;
  using Wake =
      std::function<void()>;  // may be called from any thread, any number of times, also after the stream is gone
  virtual void on_ready(Wake wake) = 0;  // called once, on a worker, before the first pull; that one follows unasked
  // Appends what is there now to `out` (nothing = wait for wake or heartbeat). false = end of stream; the connection
  // closes. `heartbeat` is true when nothing was sent for ServerOptions::heartbeat: append a comment line then.
  virtual Result<bool> pull(std::string& out, bool heartbeat) = 0;
};

struct Response {
  int status = 200;
  Headers headers;
  std::variant<std::string, std::unique_ptr<BodySource>, std::unique_ptr<TailSource>> body;

  static Response text(int status, std::string body);  // text/plain; charset=utf-8
  static Response json(int status, std::string body);  // application/json
  static Response empty(int status) { return Response{.status = status, .headers = {}, .body = std::string()}; }
};

using Handler = std::function<Response(Request&&)>;  // called on a worker thread; must not throw

// "a=1&b=x%20y" → pairs, percent-decoded ('+' stays '+' unless `plus_is_space`). kInvalid for broken escapes.
// kTooLarge beyond kMaxQueryPairs.
inline constexpr std::size_t kMaxQueryPairs = 1000;
Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query,
                                                                     bool plus_is_space = false);
Result<std::string> percent_decode(std::string_view text);
std::string percent_encode(std::string_view text);  // everything but RFC 3986 unreserved

// One element of an Accept header (RFC 9110 §12.5.1).
struct MediaRange {
  std::string type;                                             // lower case, "*" possible
  std::string subtype;                                          // lower case, "*" possible
  std::vector<std::pair<std::string, std::string>> parameters;  // lower-case names, unquoted values, without q
  double q = 1.0;
};
// kInvalid if the field breaks the grammar, kTooLarge beyond kMaxMediaRanges. An empty field gives an empty list.
inline constexpr std::size_t kMaxMediaRanges = 256;
Result<std::vector<MediaRange>> parse_accept(std::string_view field);
Result<MediaRange> parse_media_type(std::string_view field);  // Content-Type; q stays 1

// "https://host[:port]/path?query", "http://…", or a Unix socket and the target on it:
// "unix:/run/bongsu/admin.sock:/status".
struct Url {
  std::string scheme;      // "https", "http", "unix"
  std::string host;        // lower case, without brackets for IPv6; the socket's path for "unix"
  std::uint16_t port = 0;  // 443 or 80 when the text names none; 0 for "unix"
  std::string target;      // path and query, "/" at least
  std::string text() const;
};
// kInvalid for another scheme, user information, a host that is none, or characters that no URL has (RFC 3986 §2). A
// fragment is cut off: it is not sent.
Result<Url> parse_url(std::string_view text);

}  // namespace bongsu::net
