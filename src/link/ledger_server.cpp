#include "link/ledger_server.h"

#include "base/json.h"
#include "ledger/evidence.h"

namespace bongsu::link {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8", kBytes = "application/octet-stream";

net::Response answer(int status, std::string_view type, std::string body) {
  net::Response response{.status = status, .headers = {}, .body = std::move(body)};
  response.headers.set("Content-Type", std::string(type));
  response.headers.set("Cache-Control", "no-store");
  return response;
}

// One answer for what is not there and what is not the caller's.
net::Response nothing() { return net::Response::json(404, R"({"error":"not_found","message":"there is no such thing for you"})"); }

}  // namespace

bool LedgerServer::is_for(const net::Request& request) { return request.path.starts_with(kLedgerPrefix); }

net::Response LedgerServer::handle(net::Request&& request) const {
  const auto member = deps_.member_of(request.peer);
  if (!member || !deps_.key_of(*member)) return net::Response::json(403, R"({"error":"denied","message":"your certificate is not one of a paired member"})");
  const std::string_view rest = std::string_view(request.path).substr(kLedgerPrefix.size());
  if (rest == "add-checkpoint") {
    if (request.method != "POST") return net::Response::text(405, "only POST");
    return add_checkpoint(*member, request.body);
  }
  if (request.method != "GET") return net::Response::text(405, "only GET");
  if (rest.starts_with("pair/")) return read(ledger::pair_log(*member), rest.substr(5), request, true);
  if (rest.starts_with("node/") && deps_.is_auditor(*member)) return read(std::string(ledger::kNodeLog), rest.substr(5), request, false);
  return nothing();
}

net::Response LedgerServer::add_checkpoint(const std::string& member, const std::string& body) const {
  const auto key = deps_.key_of(member);
  auto said = deps_.witness.add_checkpoint(body, [&](std::string_view origin) -> std::vector<ledger::VerifierKey> {
    for (const std::string& log : {ledger::pair_log(deps_.self), std::string(ledger::kNodeLog)})
      if (key && origin == ledger::origin_of(member, log)) return {ledger::log_key(member, log, *key)};
    return {};
  });
  if (said.forked) deps_.on_fork(member, *said.forked, true);
  if (said.rolled_back) deps_.on_fork(member, *said.rolled_back, false);
  return answer(said.status, said.content_type, std::move(said.body));
}

net::Response LedgerServer::read(const std::string& log, std::string_view rest, const net::Request& request, bool openings) const {
  const auto head = deps_.store.head(log);
  if (!head) return nothing();
  if (rest == "checkpoint") {
    auto note = deps_.store.cosigned(log);
    if (!note || !note->text.starts_with(ledger::Checkpoint{.origin = ledger::origin_of(deps_.self, log), .size = head->size, .root = head->root, .extensions = {}}.text())) {
      auto signed_now = deps_.store.checkpoint(log);
      if (!signed_now) return net::Response::json(503, R"({"error":"unavailable","message":"the ledger cannot be read now"})");
      note = std::move(*signed_now);
    }
    return answer(200, kText, note->whole());
  }
  if (rest == "evidence" && openings) {
    const auto query = net::parse_query(request.query);
    if (!query) return net::Response::json(400, R"({"error":"invalid","message":"the query cannot be read"})");
    for (const auto& [name, value] : *query) {
      std::uint64_t index = 0;
      if (name != "index" || value.empty() || value.size() > 18 || value.find_first_not_of("0123456789") != std::string::npos) continue;
      for (const char c : value) index = index * 10 + static_cast<std::uint64_t>(c - '0');
      const auto item = ledger::evidence_item(deps_.store, log, index);
      return item ? answer(200, "application/json", to_text(*item)) : nothing();
    }
    return net::Response::json(400, R"({"error":"invalid","message":"index=N is missing"})");
  }
  const auto name = ledger::parse_tile_path(rest);
  if (!name) return nothing();
  auto bytes = deps_.store.resource(log, *name);
  if (!bytes) return nothing();
  return answer(200, kBytes, std::move(*bytes));
}

}  // namespace bongsu::link
