#include "link/prekey_server.h"

#include <fmt/format.h>

#include "base/json.h"

namespace bongsu::link {
namespace {

constexpr int kRounds = 2;  // a second one where the partner has few keys left

net::Response refused(int status, std::string_view code, std::string_view message) {
  return net::Response::json(status, to_text(JsonObject{{"error", code}, {"message", message}}));
}

}  // namespace

PrekeyServer::PrekeyServer(Sealing& sealing, MemberOf member_of, Log& log, OnTaken on_taken)
    : sealing_(sealing), member_of_(std::move(member_of)), log_(log), on_taken_(std::move(on_taken)) {}

bool PrekeyServer::is_for(const net::Request& request) { return request.path == kPrekeysPath; }

net::Response PrekeyServer::handle(net::Request&& request) {
  const auto member = member_of_(request.peer);
  if (!member) return refused(403, "denied", "your certificate is not one of a paired member");
  if (request.method == "GET") {
    const auto bundle = sealing_.bundle_for(*member);
    if (!bundle) {
      log_.error("link.prekeys_failed", {{"member", *member}, {"error", bundle.error().text()}});
      return refused(503, "unavailable", "try again later");
    }
    return net::Response::json(200, *bundle);
  }
  if (request.method != "POST") {
    auto response = refused(405, "invalid", "only GET and POST");
    response.headers.add("Allow", "GET, POST");
    return response;
  }
  const auto left = sealing_.take_bundle(*member, request.body);
  if (!left) {
    log_.warn("link.prekeys_refused", {{"member", *member}, {"error", left.error().text()}});
    return refused(left.error().code == ErrorCode::kIo || left.error().code == ErrorCode::kNoSpace ? 503 : 400,
                   to_string(left.error().code), left.error().message);
  }
  if (on_taken_) on_taken_(*member);
  return net::Response::json(200, to_text(JsonObject{{"one_time_left", *left}}));
}

PrekeyExchange exchange_prekeys(Sealing& sealing, const std::string& partner, const SendOnLink& send) {
  std::optional<std::size_t> left;
  for (int round = 0; round < kRounds; ++round) {
    const auto bundle = sealing.bundle_for(partner, left);
    if (!bundle) return {.problem = "our prekeys cannot be made: " + bundle.error().text()};
    const auto answer = send("POST", kPrekeysPath, *bundle);
    if (!answer) return {.problem = "our prekeys do not reach the partner: " + answer.error().text()};
    if (answer->status == 404 || answer->status == 405)
      return {.problem =
                  "the partner runs an older version, which seals nothing: it cannot be sealed to, and keeps back what "
                  "it would have to seal"};
    if (answer->status != 200)
      return {.problem = fmt::format("the partner does not take our prekeys (HTTP {})", answer->status)};
    const auto json = parse_json(answer->body);
    const auto count = json ? int_at(*json, "one_time_left") : std::nullopt;
    if (!count || *count < 0) return {.problem = "the partner's answer to our prekeys is not understood"};
    left = static_cast<std::size_t>(*count);
    if (*left >= kFewPrekeys) break;
  }
  if (!sealing.can_seal_to(partner) || sealing.one_time_left(partner) < kFewPrekeys) {
    const auto answer = send("GET", kPrekeysPath, "");
    if (!answer) return {.problem = "the partner's prekeys cannot be fetched: " + answer.error().text()};
    if (answer->status != 200)
      return {.problem = fmt::format("the partner gives no prekeys (HTTP {})", answer->status)};
    if (const auto taken = sealing.take_bundle(partner, answer->body); !taken)
      return {.problem = "the partner's prekeys are refused: " + taken.error().text()};
  }
  return {.done = true};
}

}  // namespace bongsu::link
