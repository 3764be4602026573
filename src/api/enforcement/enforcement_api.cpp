#include "api/enforcement/enforcement_api.h"

#include <algorithm>

#include "base/text.h"
#include "net/response_head.h"

namespace bongsu::api {
namespace {

net::Response refusal(int status, std::string_view error, std::string_view message) {
  return net::Response::json(status, to_text(JsonObject{{"error", error}, {"message", message}}));
}

// If-None-Match compares weakly: "W/" does not count (RFC 9110 §13.1.2).
bool matches(std::string_view field, std::string_view etag) {
  if (trim(field) == "*") return true;
  while (!field.empty()) {
    const std::size_t comma = std::min(field.find(','), field.size());
    std::string_view tag = trim(field.substr(0, comma));
    field.remove_prefix(std::min(comma + 1, field.size()));
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == etag) return true;
  }
  return false;
}

Result<identity::Principal> authenticate(identity::AccountBook& accounts, const net::Request& request) {
  if (const auto field = request.headers.get("Authorization")) return accounts.by_authorization(*field);
  if (!request.peer.certificate_fingerprint.empty())
    return accounts.by_certificate(request.peer.certificate_fingerprint);
  return fail(ErrorCode::kUnauthenticated, "credentials are needed");
}

}  // namespace

net::Response EnforcementApi::handle(net::Request&& request) const {
  // Who asks comes first: a stranger does not learn which files there are.
  const auto asker = authenticate(accounts_, request);
  if (!asker) {
    const bool slowed = asker.error().code == ErrorCode::kUnavailable;
    auto response =
        refusal(slowed ? 503 : 401, slowed ? "unavailable" : "unauthenticated",
                "log in with HTTP Basic, a bearer token or a client certificate of an account of this node");
    if (!slowed) {
      response.headers.add("WWW-Authenticate", R"(Basic realm="bongsu", charset="UTF-8")");
      response.headers.add("WWW-Authenticate", R"(Bearer realm="bongsu")");
    }
    return response;
  }
  if (!asker->enforcement || asker->member != self_)
    return refusal(403, "denied", "this account has no right to the files for enforcement points");
  if (request.method != "GET" && request.method != "HEAD") {
    auto response = refusal(405, "method", "files are read with GET");
    response.headers.set("Allow", "GET, HEAD");
    return response;
  }
  const std::string_view rest = std::string_view(request.path).substr(kEnforcementPath.size());
  if (rest.empty()) {
    auto response = net::Response::json(200, to_text(source_.listing()));
    response.headers.set("Cache-Control", "no-store");
    return response;
  }
  const std::size_t slash = rest.find('/');
  auto body = slash == rest.npos ? Result<EnforcementBody>(fail(ErrorCode::kNotFound, "no file"))
                                 : source_.open(rest.substr(0, slash), rest.substr(slash + 1));
  if (!body && body.error().code == ErrorCode::kUnavailable) {
    auto response = refusal(503, "unavailable", body.error().message);
    response.headers.set("Retry-After", "60");
    response.headers.set("Cache-Control", "no-store");
    return response;
  }
  if (!body) return refusal(404, "not_found", "there is no such file; GET /enforcement/ lists them");

  auto response = net::Response::empty(200);
  const std::string etag = "\"" + body->etag + "\"";
  const std::string date = net::http_date(body->changed);
  response.headers.set("ETag", etag);
  response.headers.set("Last-Modified", date);
  response.headers.set("Cache-Control", "private, no-cache");
  response.headers.set("X-Content-Type-Options", "nosniff");
  const std::string tags = request.headers.joined("If-None-Match");
  const auto since = request.headers.get("If-Modified-Since");
  if (tags.empty() ? since && *since == date : matches(tags, etag)) {
    response.status = 304;
    return response;
  }
  response.headers.set("Content-Type", body->content_type);
  response.body = std::move(body->body);
  return response;
}

}  // namespace bongsu::api
