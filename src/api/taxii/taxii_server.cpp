#include "api/taxii/taxii_server.h"

#include <fmt/format.h>

#include <exception>
#include <iterator>
#include <utility>

#include "api/taxii/negotiation.h"
#include "api/taxii/taxii_parts.h"
#include "base/json.h"
#include "base/uuid.h"

namespace bongsu::api {
namespace {

constexpr const char* kRetryAfterSeconds = "5";

void append_member(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (out.back() != '{') out.push_back(',');
  append_json_string(out, name);
  out.push_back(':');
  append_json_string(out, value);
}

std::string discovery_json(const TaxiiOptions& options) {  // §4.1.1
  const std::string root = options.public_url + "/" + options.api_root + "/";
  std::string out = "{";
  append_member(out, "title", options.title);
  append_member(out, "description", options.description);
  append_member(out, "contact", options.contact);
  append_member(out, "default", root);
  out.append(",\"api_roots\":[");
  append_json_string(out, root);
  out.append("]}");
  return out;
}

std::string api_root_json(const TaxiiOptions& options) {  // §4.2.1
  std::string out = "{";
  append_member(out, "title", options.api_root_title);
  append_member(out, "description", options.description);
  out.append(",\"versions\":[");
  append_json_string(out, kTaxiiMediaType);
  fmt::format_to(std::back_inserter(out), "],\"max_content_length\":{}}}", options.max_content_length);
  return out;
}

void append_collection(std::string& out, const Access& access) {  // §5.2.1
  std::string text = "{";
  append_member(text, "id", access.collection.id);
  append_member(text, "title", access.collection.title.empty() ? access.collection.id : access.collection.title);
  append_member(text, "description", access.collection.description);
  append_member(text, "alias", access.collection.alias);
  fmt::format_to(std::back_inserter(text), R"(,"can_read":{},"can_write":{},"media_types":[{}]}})", access.can_read,
                 access.can_write, R"("application/stix+json;version=2.1","application/stix+json;version=2.0")");
  out.append(text);
}

net::Response get_collections(TaxiiParts& parts, const identity::Principal& asker) {
  std::string list;
  for (auto& collection : parts.deps.collections.list()) {  // sorted by alias: a consistent order (§3.3)
    const Access access = access_to(parts, asker, std::move(collection));
    if (!access.can_read && !access.can_write) continue;
    if (!list.empty()) list.push_back(',');
    append_collection(list, access);
  }
  return taxii_ok(200, list.empty() ? "{}" : "{\"collections\":[" + list + "]}");
}

net::Response get_collection(TaxiiParts& parts, const identity::Principal& asker, const Route& route) {
  const auto access = access_to(parts, asker, route.collection);
  if (!access) return taxii_not_found("collection");
  std::string out;
  append_collection(out, *access);
  return taxii_ok(200, std::move(out));
}

net::Response get_status(TaxiiParts& parts, const identity::Principal& asker, const Route& route) {
  const auto id = Uuid::parse(route.status_id);
  if (!id) return taxii_not_found("status");
  auto body = parts.statuses->get(owner_name(asker), id->text());
  if (body) return taxii_ok(200, std::move(*body));
  if (body.error().code == ErrorCode::kNotFound) return taxii_not_found("status");
  return taxii_failure(parts, body.error(), "reading a status");
}

Result<identity::Principal> authenticate(identity::AccountBook& accounts, const net::Request& request) {
  if (const auto field = request.headers.get("Authorization")) return accounts.by_authorization(*field);
  if (!request.peer.certificate_fingerprint.empty())
    return accounts.by_certificate(request.peer.certificate_fingerprint);
  return fail(ErrorCode::kUnauthenticated, "credentials are needed");
}

net::Response unauthenticated() {  // RFC 9110 §15.5.2, RFC 7617, RFC 6750
  auto response =
      taxii_error(401, "Unauthorized",
                  "Log in with HTTP Basic, a bearer token or a client certificate of an account of this node.");
  response.headers.add("WWW-Authenticate", R"(Basic realm="bongsu", charset="UTF-8")");
  response.headers.add("WWW-Authenticate", R"(Bearer realm="bongsu")");
  return response;
}

net::Response dispatch(TaxiiParts& parts, const net::Request& request) {
  const auto asker = authenticate(parts.deps.accounts, request);
  if (!asker && asker.error().code == ErrorCode::kUnauthenticated) return unauthenticated();
  if (!asker) {
    auto response = taxii_error(429, "Too Many Requests", asker.error().message);
    response.headers.add("Retry-After", kRetryAfterSeconds);
    return response;
  }

  const auto where = route(request.path, parts.options.api_root);
  if (!where) return taxii_not_found("resource (the path of every TAXII endpoint ends with a slash)");
  const bool reading = request.method == "GET" || request.method == "HEAD";
  const bool posting = request.method == "POST" && where->endpoint == Endpoint::kObjects;
  const bool deleting = request.method == "DELETE" && where->endpoint == Endpoint::kObject;
  if (!reading && !posting && !deleting) {
    auto response = request.method == "OPTIONS"
                        ? taxii_ok(200, "")
                        : taxii_error(405, "Method Not Allowed", "This endpoint does not have that method.");
    response.headers.add("Allow", std::string(allowed_methods(where->endpoint)));
    return response;
  }
  if (!accepts_taxii(request.headers, where->endpoint == Endpoint::kManifest))
    return taxii_error(406, "Not Acceptable", fmt::format("This endpoint answers with {}.", kTaxiiMediaType));

  if (posting) return post_objects(parts, *asker, *where, request);
  if (deleting) return delete_object(parts, *asker, *where, request);
  switch (where->endpoint) {
    case Endpoint::kDiscovery:
      return taxii_ok(200, discovery_json(parts.options));
    case Endpoint::kApiRoot:
      return taxii_ok(200, api_root_json(parts.options));
    case Endpoint::kStatus:
      return get_status(parts, *asker, *where);
    case Endpoint::kCollections:
      return get_collections(parts, *asker);
    case Endpoint::kCollection:
      return get_collection(parts, *asker, *where);
    case Endpoint::kManifest:
    case Endpoint::kObjects:
    case Endpoint::kObject:
    case Endpoint::kVersions:
      return get_page(parts, *asker, *where, request);
  }
  return taxii_not_found("resource");
}

// What another member's account may write: what that member has agreed on, as long as it does, and is not stopped.
// Otherwise who may read nothing any more could go on asking by posting.
bool may_give(TaxiiParts& parts, const std::string& member, const std::string& collection) {
  const auto state = parts.deps.release.state();
  if (!state || member == state->self) return state != nullptr;
  const auto standing = state->members.find(member);
  if (standing == state->members.end() || standing->second.stopped) return false;
  const Instant now = parts.deps.clock.now();
  const auto lets = [&](const policy::Agreement& one) {
    return one.direction != policy::Direction::kToPartner &&
           std::ranges::find(one.collections, collection) != one.collections.end() &&
           one.in_force(now);
  };
  if (const auto found = state->agreements.find(member); found != state->agreements.end() && lets(found->second))
    return true;
  const auto further = state->further.find(member);
  return further != state->further.end() && std::ranges::any_of(further->second, lets);
}

}  // namespace

Access access_to(TaxiiParts& parts, const identity::Principal& asker, flow::Collection collection) {
  Access access;
  access.can_read =
      asker.may_read(collection.id) && parts.deps.release.view_of(asker.member, collection.id).has_value();
  access.can_write = asker.may_write(collection.id) && collection.writable && collection.mirror_of.empty() &&
                     may_give(parts, asker.member, collection.id);
  access.collection = std::move(collection);
  return access;
}

std::optional<Access> access_to(TaxiiParts& parts, const identity::Principal& asker, std::string_view id_or_alias) {
  auto collection = parts.deps.collections.find(id_or_alias);
  if (const auto id = Uuid::parse(id_or_alias); !collection && id) collection = parts.deps.collections.find(id->text());
  if (!collection) return std::nullopt;
  Access access = access_to(parts, asker, std::move(*collection));
  if (!access.can_read && !access.can_write) return std::nullopt;
  return access;
}

std::function<bool(const std::string& label)> sees_of(TaxiiParts& parts, const identity::Principal& asker) {
  if (asker.link) return {};
  return [view = parts.views->of(asker)](const std::string& label) { return view->sees_label(label); };
}

std::string owner_name(const identity::Principal& asker) {
  return asker.account.empty() ? "member:" + asker.member : asker.account;
}

net::Response taxii_ok(int status, std::string body) {
  net::Response response{.status = status, .headers = {}, .body = std::move(body)};
  response.headers.add("Content-Type", std::string(kTaxiiMediaType));
  response.headers.add("Cache-Control", "no-store");
  return response;
}

net::Response taxii_error(int status, std::string_view title, std::string_view description) {
  std::string out = "{";
  append_member(out, "title", title);
  append_member(out, "description", description);
  append_member(out, "http_status", std::to_string(status));
  out.push_back('}');
  return taxii_ok(status, std::move(out));
}

net::Response taxii_not_found(std::string_view what) {
  return taxii_error(404, "Not Found", fmt::format("There is no such {}.", what));
}

net::Response taxii_failure(TaxiiParts& parts, const Error& error, std::string_view doing) {
  switch (error.code) {
    case ErrorCode::kInvalid:
      return taxii_error(400, "Bad Request", error.text());
    case ErrorCode::kNotFound:
      return taxii_not_found("resource");
    case ErrorCode::kDenied:
      return taxii_error(403, "Forbidden", error.message);
    case ErrorCode::kConflict:
      return taxii_error(409, "Conflict", error.message);
    default:
      break;
  }
  const std::string id = Uuid::random(parts.deps.random).text();
  parts.deps.log.error("taxii.failure", {{"doing", doing}, {"error_id", id}, {"error", error.text()}});
  const bool passing = error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout ||
                       error.code == ErrorCode::kNoSpace || error.code == ErrorCode::kCancelled;
  std::string body = "{";
  append_member(body, "title", passing ? "Service Unavailable" : "Internal Server Error");
  append_member(body, "description",
                error.code == ErrorCode::kNoSpace ? "The node has no space left to store objects. Reading goes on."
                : passing                         ? "The node cannot do this now. Try again later."
                                                  : "The node failed. Its log has the details under the error's id.");
  append_member(body, "error_id", id);
  append_member(body, "error_code", to_string(error.code));
  append_member(body, "http_status", passing ? "503" : "500");
  body.push_back('}');
  auto response = taxii_ok(passing ? 503 : 500, std::move(body));
  if (passing) response.headers.add("Retry-After", kRetryAfterSeconds);
  return response;
}

struct TaxiiServer::Impl {
  TaxiiParts parts;
};

TaxiiServer::TaxiiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TaxiiServer::~TaxiiServer() = default;

Result<std::unique_ptr<TaxiiServer>> TaxiiServer::open(TaxiiDeps deps, TaxiiOptions options) {
  if (options.api_root.empty() || options.api_root == "taxii2" || options.max_page == 0 ||
      options.max_content_length == 0 || net::percent_encode(options.api_root) != options.api_root)
    return fail(ErrorCode::kInvalid, "the API root is one plain path segment, and limits are above zero",
                {.field = "taxii"});
  BONGSU_TRY(auto tokens, NextTokens::load(deps.journal, deps.random));
  BONGSU_TRY(auto statuses, StatusBook::load(deps.journal, deps.log));
  return std::unique_ptr<TaxiiServer>(new TaxiiServer(
      std::make_unique<Impl>(TaxiiParts{deps, std::move(options), std::move(tokens), std::move(statuses),
                                        std::make_unique<flow::PersonalViews>(deps.release)})));
}

void TaxiiServer::close() { impl_->parts.statuses->close(); }

net::Response TaxiiServer::handle(net::Request&& request) {
  TaxiiParts& parts = impl_->parts;
  try {
    return dispatch(parts, request);  // HEAD as GET: the transport leaves the body out (RFC 9110 §9.3.2)
  } catch (const std::exception& e) {
    return taxii_failure(parts, Error{.code = ErrorCode::kInternal, .message = e.what()}, "answering a request");
  }
}

}  // namespace bongsu::api
