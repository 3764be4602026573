// Log-in, log-out, who asks, and the defence against requests that other sites make in the analyst's name.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/console/impl.h"
#include "base/text.h"

namespace bongsu::api {

// "10.0.0.7:50412" → "10.0.0.7": the port changes with each connection.
std::string ConsoleApi::Impl::address_of(const net::Request& request) {
  return request.peer.address.substr(0, request.peer.address.rfind(':'));
}

net::Response ConsoleApi::Impl::too_many_tries() {
  auto response = console::error_answer({.code = ErrorCode::kUnavailable,
                                         .message = "too many wrong log-ins from this address; wait a minute",
                                         .where = {}});
  response.status = 429;
  response.headers.set("Retry-After", "60");
  return response;
}

// SameSite=Strict keeps the cookie at home already. The custom header forces a preflight on other origins, which nobody
// answers; Origin and Sec-Fetch-Site say who really asks.
Result<void> ConsoleApi::Impl::check_origin(const net::Request& request) const {
  const auto site = request.headers.get("Sec-Fetch-Site");
  if (site && *site != "same-origin" && *site != "none")
    return fail(ErrorCode::kDenied, "this request was made by another site", {.field = "Sec-Fetch-Site"});
  if (request.method == "GET" || request.method == "HEAD") return {};
  if (!request.headers.get("X-Bongsu-Console"))
    return fail(ErrorCode::kDenied, "a request that changes something carries the header X-Bongsu-Console",
                {.field = "X-Bongsu-Console"});
  const auto origin = request.headers.get("Origin");
  const auto host = request.headers.get("Host");
  if (!origin || !host)
    return fail(ErrorCode::kDenied, "a request that changes something carries its Origin", {.field = "Origin"});
  const std::string_view scheme = request.peer.tls_version.empty() ? "http://" : "https://";
  if (lowered(*origin) != lowered(std::string(scheme) + std::string(*host)))
    return fail(ErrorCode::kDenied, "this request was made by another site", {.field = "Origin"});
  return {};
}

std::optional<identity::Principal> ConsoleApi::Impl::principal(const std::string& account) const {
  const auto found = deps.accounts.find(account);
  if (!found || found->disabled || found->member != deps.node.self) return std::nullopt;
  return identity::principal_of(*found);
}

Result<ConsoleApi::Impl::Caller> ConsoleApi::Impl::caller_of(const net::Request& request) {
  const std::string header = request.headers.joined("Cookie");
  if (const auto secret = console::session_cookie(header)) {
    if (const auto account = sessions.account_of(*secret)) {
      if (auto who = principal(*account)) {
        auto view = views.of(*who);
        return Caller{.who = std::move(*who), .secret = std::string(*secret), .view = std::move(view)};
      }
      sessions.close(*secret);  // the account is gone, disabled, or another member's now
    }
  }
  return fail(ErrorCode::kUnauthenticated, "log in with an account's token first");
}

Json ConsoleApi::Impl::session_json(const identity::Principal& who) const {
  JsonObject out;
  out["account"] = console::text_json(who.account);
  out["role"] = console::text_json(identity::to_string(who.role));
  out["member"] = console::text_json(who.member);
  return out;
}

Result<net::Response> ConsoleApi::Impl::log_in(net::Request& request) {
  const std::string address = address_of(request);
  if (!sessions.may_try(address)) return too_many_tries();
  BONGSU_TRY(const Json body, console::json_body(request));
  const auto token = string_at(body, "token");
  if (!token || token->empty() || token->size() > 1'000)
    return fail(ErrorCode::kInvalid, "the token that the node printed is missing", {.field = "token"});
  const auto proven = deps.accounts.by_token(*token);
  if (!proven) {
    sessions.failed(address);
    deps.log.warn("console.log_in_refused", {{"address", address}});
    return fail(ErrorCode::kUnauthenticated, "no account has this token");
  }
  const auto who = principal(proven->account);
  if (!who)
    return fail(ErrorCode::kDenied,
                fmt::format("this console belongs to {}; accounts of other members read over TAXII", deps.node.self));
  return signed_in(*who, address, "token");
}

// By the certificate that the browser showed: it has to be one of the account's (its fingerprint, whoever signed it).
Result<net::Response> ConsoleApi::Impl::log_in_by_certificate(net::Request& request) {
  const std::string address = address_of(request);
  if (!sessions.may_try(address)) return too_many_tries();
  if (request.peer.certificate_fingerprint.empty())
    return fail(ErrorCode::kUnauthenticated, "the browser showed no certificate");
  const auto proven = deps.accounts.by_certificate(request.peer.certificate_fingerprint);
  const auto who = proven ? principal(proven->account) : std::nullopt;
  if (!who) {
    sessions.failed(address);
    deps.log.warn("console.log_in_refused", {{"address", address}, {"by", "certificate"}});
    return fail(ErrorCode::kUnauthenticated, "this certificate opens no account of this node");
  }
  return signed_in(*who, address, "certificate");
}

// What the log-in page offers; says nothing of accounts.
Result<net::Response> ConsoleApi::Impl::ways_in(const net::Request& request) const {
  return console::answer(200, JsonObject{{"token", true},
                                         {"passkey", relying_party(request).has_value()},
                                         {"oidc", deps.oidc != nullptr && relying_party(request).has_value()},
                                         {"certificate", !request.peer.certificate_fingerprint.empty()}});
}

net::Response ConsoleApi::Impl::signed_in(const identity::Principal& who, const std::string& address,
                                          std::string_view by) {
  const std::string secret = sessions.open(who.account);
  note("console.log_in", who, {{"address", address}, {"by", by}});
  auto response = console::answer(200, session_json(who));
  response.headers.add("Set-Cookie", console::set_session_cookie(secret, options.sessions.absolute));
  return response;
}

Result<net::Response> ConsoleApi::Impl::log_out(const Caller& caller) {
  sessions.close(caller.secret);
  note("console.log_out", caller.who, {});
  hub->wake();  // so that this session's streams notice
  auto response = net::Response::empty(204);
  response.headers.add("Set-Cookie", console::clear_session_cookie());
  response.headers.set("Cache-Control", "no-store");
  return response;
}

// In the journal, for whoever asks later; a full disk must not keep the analyst out, so failure is only logged.
void ConsoleApi::Impl::note(std::string_view event, const identity::Principal& who, JsonObject details) {
  JsonObject payload;
  payload["event"] = console::text_json(event);
  payload["account"] = console::text_json(who.account);
  payload["at"] = console::text_json(deps.clock.now().text(6));
  for (auto& [key, value] : details) payload[key] = std::move(value);
  journal::Batch batch;
  batch.entries.push_back({.kind = journal::EntryKind::kNote, .origin = deps.node.self, .payload = to_text(payload)});
  if (const auto receipt = deps.journal.append(batch); !receipt)
    deps.log.warn("console.note_not_kept",
                  {{"event", event}, {"account", who.account}, {"reason", receipt.error().message}});
}

Result<net::Response> ConsoleApi::Impl::events(Call& call) {
  std::optional<journal::Seq> after;
  auto text = call.request.headers.get("Last-Event-ID");
  if (!text) text = call.parameter("after");
  if (text) {
    journal::Seq number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || end != text->data() + text->size())
      return fail(ErrorCode::kInvalid, "an event id is a number that this node gave out", {.field = "Last-Event-ID"});
    after = number;
  }
  // Account and rights are looked up anew at each pull: a disabled account's page goes dark at once.
  auto viewer = [self = weak_from_this(), secret = call.caller.secret]() -> std::optional<identity::Principal> {
    const auto impl = self.lock();
    if (!impl) return std::nullopt;
    const auto account = impl->sessions.account_of(secret);
    return account ? impl->principal(*account) : std::nullopt;
  };
  auto stream = hub->open(after, std::move(viewer));
  if (!stream) return fail(ErrorCode::kUnavailable, "too many pages are open on this node");
  auto response = net::Response::empty(200);
  response.headers.set("Content-Type", "text/event-stream");
  response.headers.set("Cache-Control", "no-store");
  response.body = std::move(stream);
  return response;
}

}  // namespace bongsu::api
