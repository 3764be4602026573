#include "link/trust_exchange.h"

#include <fmt/format.h>

#include <charconv>

#include "base/json.h"

namespace bongsu::link {
namespace {

constexpr std::string_view kCharterPath = "/link/v1/charter", kAgreementsPath = "/link/v1/agreements";

net::Response nothing_here() {
  return net::Response::json(404, R"({"error":"not_found","message":"there is nothing here"})");
}

net::Response list_response(std::string_view name, const std::vector<std::string>& documents) {
  JsonArray list;
  std::size_t bytes = 0;
  for (const auto& document : documents) {
    if ((bytes += document.size()) > kMaxTrustBytes / 2) break;  // the quotes of JSON take room, too
    list.emplace_back(document);
  }
  return net::Response::json(200, to_text(JsonObject{{name, std::move(list)}}));
}

Result<std::vector<std::string>> texts_of(std::string_view body, std::string_view name, std::size_t most) {
  if (body.size() > kMaxTrustBytes)
    return fail(ErrorCode::kTooLarge, "endless data: the answer is too long", {.field = std::string(name)});
  BONGSU_TRY(const Json json, parse_json(body));
  const Json* list = find(json, name);
  if (list == nullptr || !list->is_array())
    return fail(ErrorCode::kInvalid, "must be a list", {.field = std::string(name)});
  if (list->get_array().size() > most)
    return fail(ErrorCode::kTooLarge, fmt::format("endless data: more than {} documents", most),
                {.field = std::string(name)});
  std::vector<std::string> out;
  for (const Json& item : list->get_array()) {
    if (!item.is_string()) return fail(ErrorCode::kInvalid, "holds texts", {.field = std::string(name)});
    out.emplace_back(item.get_string());
  }
  return out;
}

}  // namespace

bool TrustServer::is_for(const net::Request& request) {
  return request.path == kCharterPath || request.path == kAgreementsPath;
}

net::Response TrustServer::handle(const std::optional<std::string>& member, const net::Request& request) const {
  if (!member)
    return net::Response::json(403, R"({"error":"denied","message":"your certificate is not one of a paired member"})");
  if (request.method != "GET") {
    auto response = net::Response::json(405, R"({"error":"invalid","message":"only GET"})");
    response.headers.add("Allow", "GET");
    return response;
  }
  if (!books_.is_member(*member)) return nothing_here();
  if (request.path == kAgreementsPath) return list_response("agreements", books_.agreements(*member));
  std::int64_t after = 0;
  const auto query = net::parse_query(request.query);
  if (!query) return net::Response::json(400, R"({"error":"invalid","message":"broken query"})");
  for (const auto& [key, value] : *query) {
    if (key != "after") continue;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), after);
    if (error != std::errc() || end != value.data() + value.size() || after < 0)
      return net::Response::json(400, R"({"error":"invalid","message":"after is a version"})");
  }
  const auto versions = books_.versions(after, kMaxTrustVersions);
  if (!versions) return net::Response::json(503, R"({"error":"unavailable","message":"try again later"})");
  return list_response("versions", *versions);
}

Result<void> fetch_trust(const LinkGet& get, const TrustBooks& books, std::string_view partner, Log& log) {
  const auto refused = [&](std::string_view what, const Error& error) {
    log.warn("trust.refused",
             {{"member", std::string(partner)}, {"document", std::string(what)}, {"error", error.text()}});
  };
  // The first charter is trusted by its digest, compared by people: it is not asked for.
  for (std::size_t round = 0; round < kMaxTrustRounds; ++round) {
    const auto version = books.version();
    if (!version || !books.is_member(partner)) return {};
    BONGSU_TRY(const std::string body, get(fmt::format("{}?after={}", kCharterPath, *version)));
    BONGSU_TRY(const auto documents, texts_of(body, "versions", kMaxTrustVersions));
    if (documents.empty()) break;
    if (const auto accepted = books.accept_charter(documents); !accepted) {
      refused("charter", accepted.error());
      break;
    }
    if (books.version() == version) break;  // what came was known
  }
  if (!books.is_member(partner)) return {};
  BONGSU_TRY(const std::string body, get(kAgreementsPath));
  BONGSU_TRY(const auto documents, texts_of(body, "agreements", kMaxTrustAgreements));
  for (const auto& document : documents)
    if (const auto accepted = books.accept_agreement(document); !accepted) refused("agreement", accepted.error());
  return {};
}

}  // namespace bongsu::link
