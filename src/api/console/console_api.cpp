#include "api/console/console_api.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/console/impl.h"

namespace bongsu::api {
namespace console {

net::Response answer(int status, const Json& body) {
  auto response = net::Response::json(status, to_text(body));
  response.headers.set("Cache-Control", "no-store");
  return response;
}

net::Response error_answer(const Error& error) {
  const int status = [&] {
    switch (error.code) {
      case ErrorCode::kInvalid:
        return 400;
      case ErrorCode::kNotFound:
        return 404;
      case ErrorCode::kDenied:
        return 403;
      case ErrorCode::kUnauthenticated:
        return 401;
      case ErrorCode::kConflict:
        return 409;
      case ErrorCode::kTooLarge:
        return 413;
      case ErrorCode::kUnsupported:
        return 422;
      case ErrorCode::kUnavailable:
      case ErrorCode::kCancelled:
        return 503;
      case ErrorCode::kTimeout:
        return 504;
      case ErrorCode::kNoSpace:
        return 507;
      case ErrorCode::kIo:
      case ErrorCode::kCorrupt:
      case ErrorCode::kInternal:
        return 500;
    }
    return 500;
  }();
  JsonObject inner;
  inner["code"] = text_json(to_string(error.code));
  inner["message"] = text_json(error.message);
  inner["field"] = text_json(error.where.field);
  JsonObject body;
  body["error"] = std::move(inner);
  return answer(status, body);
}

Result<Json> json_body(const net::Request& request) {
  const auto type = net::parse_media_type(request.headers.get("Content-Type").value_or(""));
  if (!type || type->type != "application" || type->subtype != "json")
    return fail(ErrorCode::kUnsupported, "the body is application/json", {.field = "Content-Type"});
  if (request.body.size() > kConsoleMaxBodyBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("the body is larger than {} bytes", kConsoleMaxBodyBytes));
  BONGSU_TRY(Json body, parse_json(request.body));
  if (!body.is_object()) return fail(ErrorCode::kInvalid, "the body is a JSON object");
  return body;
}

Result<void> require(const identity::Principal& who, identity::Role least) {
  if (static_cast<int>(who.role) >= static_cast<int>(least)) return {};
  return fail(ErrorCode::kDenied, fmt::format("this takes the role {}; {} is {}", identity::to_string(least),
                                              who.account, identity::to_string(who.role)));
}

}  // namespace console

using console::answer;
using console::error_answer;

namespace {

net::Response method_not_allowed(std::string allowed) {
  auto response = answer(
      405, JsonObject{{"error",
                       JsonObject{{"code", "invalid"}, {"message", "this address takes " + allowed}, {"field", ""}}}});
  response.headers.set("Allow", std::move(allowed));
  return response;
}

constexpr std::string_view kApi = "/api/v1/";

}  // namespace

ConsoleApi::ConsoleApi(ConsoleDeps deps, ConsoleOptions options)
    : impl_(std::make_shared<Impl>(std::move(deps), options)) {}

ConsoleApi::~ConsoleApi() { impl_->hub->stop(); }

net::Response ConsoleApi::handle(net::Request&& request) {
  net::Response response;
  if (!request.path.starts_with("/api/")) {
    response = console::serve_static(impl_->deps.files, request);
  } else {
    auto result = impl_->api(request);
    response = result ? std::move(*result) : error_answer(result.error());
    if (!result && result.error().code == ErrorCode::kInternal)
      impl_->deps.log.error("console.fault", {{"path", request.path}, {"message", result.error().message}});
  }
  console::add_security_headers(response);
  return response;
}

void ConsoleApi::on_commit() { impl_->hub->wake(); }

void ConsoleApi::tick() {
  Impl& i = *impl_;
  i.sessions.sweep();
  if (i.deps.counters) {
    std::map<std::string, console::LabelledRates::Labelled> by_label;
    for (const auto& [label, counts] : i.deps.alerts.counts_by_label()) by_label[label].alerts = counts.total;
    for (const auto& [label, objects] : i.hub->admitted()) by_label[label].admitted = objects;
    i.rates.sample(i.deps.clock.now(), i.deps.clock.monotonic(), i.deps.counters(), by_label);
  }
  i.hub->tick(
      [&rates = i.rates](const flow::PersonalView& view) {
        return rates.newest([&](const std::string& label) { return view.sees_label(label); });
      },
      i.members_json());
}

std::optional<std::string_view> ConsoleApi::Impl::Call::parameter(std::string_view name) const {
  const auto it = std::ranges::find(query, name, &std::pair<std::string, std::string>::first);
  if (it == query.end()) return std::nullopt;
  return it->second;
}

Result<net::Response> ConsoleApi::Impl::api(net::Request& request) {
  BONGSU_TRY_VOID(check_origin(request));
  if (!request.path.starts_with(kApi)) return fail(ErrorCode::kNotFound, "the console's interface is under /api/v1/");

  // What is asked before there is a session.
  if (request.method == "POST") {
    if (request.path == "/api/v1/session") return log_in(request);
    if (request.path == "/api/v1/session/passkey/options") return passkey_challenge(request);
    if (request.path == "/api/v1/session/passkey") return log_in_by_passkey(request);
    if (request.path == "/api/v1/session/oidc/options") return oidc_begin(request);
    if (request.path == "/api/v1/session/oidc") return log_in_by_oidc(request);
    if (request.path == "/api/v1/session/certificate") return log_in_by_certificate(request);
  }
  if (request.path == "/api/v1/session/ways" && request.method == "GET") return ways_in(request);
  BONGSU_TRY(Caller caller, caller_of(request));
  Call call{.request = request, .path = {}, .query = {}, .caller = std::move(caller)};
  std::string_view rest = std::string_view(request.path).substr(kApi.size());
  while (true) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    BONGSU_TRY(std::string segment, net::percent_decode(rest.substr(0, slash)));
    call.path.push_back(std::move(segment));
    if (slash == rest.size()) break;
    rest.remove_prefix(slash + 1);
  }
  BONGSU_TRY(call.query, net::parse_query(request.query, true));
  return route(call);
}

// The table of paths; src/api/console/README.md shows the same with its shapes.
Result<net::Response> ConsoleApi::Impl::route(Call& call) {
  const auto& p = call.path;
  const bool get = call.request.method == "GET", post = call.request.method == "POST";
  const auto is = [&](std::initializer_list<std::string_view> pattern) {
    return p.size() == pattern.size() &&
           std::equal(p.begin(), p.end(), pattern.begin(), [](const std::string& have, std::string_view want) {
             return want == "*" ? !have.empty() : have == want;
           });
  };
  if (is({"session"})) {
    if (get) return answer(200, session_json(call.caller.who));
    if (call.request.method == "DELETE") return log_out(call.caller);
    return method_not_allowed("GET, POST, DELETE");
  }
  if (is({"suppressions"})) {
    if (get) return suppressions(call);
    if (post) return suppress(call);
    return method_not_allowed("GET, POST");
  }
  if (is({"passkeys"})) {
    if (get) return passkeys(call);
    if (post) return add_passkey(call);
    return method_not_allowed("GET, POST");
  }
  if (is({"passkeys", "*"}) && call.request.method == "DELETE") return remove_passkey(call, p[1]);
  struct Row {
    std::initializer_list<std::string_view> pattern;
    bool post;
    Result<net::Response> (*run)(Impl&, Call&);
  };
  static const Row kRows[] = {
      {{"events"}, false, [](Impl& i, Call& c) { return i.events(c); }},
      {{"overview"}, false, [](Impl& i, Call& c) { return i.overview(c); }},
      {{"detection"}, false, [](Impl& i, Call& c) { return i.detection(c); }},
      {{"crisis"}, false, [](Impl& i, Call& c) { return i.crisis(c); }},
      {{"alerts"}, false, [](Impl& i, Call& c) { return i.alerts(c); }},
      {{"alerts", "*"}, false, [](Impl& i, Call& c) { return i.alert(c, c.path[1]); }},
      {{"alerts", "*", "judgement"}, true, [](Impl& i, Call& c) { return i.judge(c, c.path[1]); }},
      {{"alerts", "*", "hits"}, false, [](Impl& i, Call& c) { return i.hits(c, c.path[1]); }},
      {{"groups"}, false, [](Impl& i, Call& c) { return i.groups(c); }},
      {{"groups", "*"}, false, [](Impl& i, Call& c) { return i.group(c, c.path[1]); }},
      {{"suppressions", "*", "end"}, true, [](Impl& i, Call& c) { return i.unsuppress(c, c.path[1]); }},
      {{"search"}, false, [](Impl& i, Call& c) { return i.search(c); }},
      {{"objects", "*"}, false, [](Impl& i, Call& c) { return i.object(c, c.path[1]); }},
      {{"objects", "*", "versions", "*"},
       false,
       [](Impl& i, Call& c) { return i.object_version(c, c.path[1], c.path[3]); }},
      {{"objects", "*", "withdrawal"}, true, [](Impl& i, Call& c) { return i.withdraw(c, c.path[1]); }},
      {{"indicators", "values"}, true, [](Impl& i, Call& c) { return i.read_values(c); }},
      {{"indicators", "preview"}, true, [](Impl& i, Call& c) { return i.preview(c); }},
      {{"indicators"}, true, [](Impl& i, Call& c) { return i.publish(c); }},
      {{"passkeys", "options"}, true, [](Impl& i, Call& c) { return i.passkey_options(c); }},
      {{"quarantine"}, false, [](Impl& i, Call& c) { return i.quarantine(c); }},
      {{"quarantine", "*"}, false, [](Impl& i, Call& c) { return i.held(c, c.path[1]); }},
      {{"quarantine", "*", "admit"}, true, [](Impl& i, Call& c) { return i.decide_held(c, c.path[1], true); }},
      {{"quarantine", "*", "discard"}, true, [](Impl& i, Call& c) { return i.decide_held(c, c.path[1], false); }},
      {{"approvals"}, false, [](Impl& i, Call& c) { return i.approvals(c); }},
      {{"approvals", "*"}, false, [](Impl& i, Call& c) { return i.approval(c, c.path[1]); }},
      {{"approvals", "*", "approve"}, true, [](Impl& i, Call& c) { return i.decide_approval(c, c.path[1], true); }},
      {{"approvals", "*", "refuse"}, true, [](Impl& i, Call& c) { return i.decide_approval(c, c.path[1], false); }},
      {{"members", "*", "stop"}, true, [](Impl& i, Call& c) { return i.stop_member(c, c.path[1]); }},
  };
  for (const Row& row : kRows) {
    if (!is(row.pattern)) continue;
    if (row.post ? !post : !get) return method_not_allowed(row.post ? "POST" : "GET");
    return row.run(*this, call);
  }
  return fail(ErrorCode::kNotFound, "the console has no such address");
}

}  // namespace bongsu::api
