#include "link/recall_server.h"

#include <fmt/format.h>

#include "base/json.h"

namespace bongsu::link {

std::string signed_texts_body(std::string_view name, const std::vector<flow::SignedText>& texts, std::uint64_t upto) {
  JsonArray list;
  for (const auto& text : texts) list.push_back(text.json());
  JsonObject body;
  body[name] = std::move(list);
  if (upto > 0) body["upto"] = upto;
  return to_text(body);
}

Result<SignedTexts> parse_signed_texts(std::string_view name, std::string_view body, std::size_t most) {
  if (body.size() > kMaxRecallAnswer)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} bytes", kMaxRecallAnswer));
  BONGSU_TRY(const Json json, parse_json(body));
  const Json* list = find(json, name);
  if (list == nullptr || !list->is_array()) return fail(ErrorCode::kInvalid, "is a list", {.field = std::string(name)});
  if (list->get_array().size() > most)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} at once", most), {.field = std::string(name)});
  SignedTexts out;
  const auto upto = int_at(json, "upto").value_or(0);
  if (upto < 0) return fail(ErrorCode::kInvalid, "is a number of tombstones", {.field = "upto"});
  out.upto = static_cast<std::uint64_t>(upto);
  for (const Json& item : list->get_array()) {
    BONGSU_TRY(auto text, flow::SignedText::parse(item));
    out.texts.push_back(std::move(text));
  }
  return out;
}

RecallServer::RecallServer(flow::Recall& recall, MemberOf member_of, Log& log)
    : recall_(recall), member_of_(std::move(member_of)), log_(log) {}

bool RecallServer::is_for(const net::Request& request) {
  return request.path == kRecallsPath || request.path == kReceiptsPath;
}

net::Response RecallServer::handle(net::Request&& request) {
  const auto member = member_of_(request.peer);
  if (!member)
    return net::Response::json(403, R"({"error":"denied","message":"your certificate is not one of a paired member"})");
  const bool asks = request.path == kRecallsPath;
  if (request.method != (asks ? "GET" : "POST")) {
    auto response = net::Response::json(405, R"({"error":"invalid","message":"another method is due here"})");
    response.headers.add("Allow", asks ? "GET" : "POST");
    return response;
  }
  if (asks) {
    const auto told = recall_.told(*member);
    if (!told) {
      log_.error("recall.not_told", {{"member", *member}, {"error", told.error().text()}});
      return net::Response::json(503, R"({"error":"unavailable","message":"try again later"})");
    }
    return net::Response::json(200, signed_texts_body("tombstones", told->tombstones, told->upto));
  }
  const auto receipts = parse_signed_texts("receipts", request.body, flow::kMaxReceiptsAtOnce);
  if (!receipts)
    return net::Response::json(400, to_text(JsonObject{{"error", "invalid"}, {"message", receipts.error().text()}}));
  std::uint64_t accepted = 0, refused = 0;
  for (const auto& receipt : receipts->texts) {
    const auto taken = recall_.take_receipt(*member, receipt);
    if (!taken && taken.error().code != ErrorCode::kDenied)
      return net::Response::json(503, R"({"error":"unavailable","message":"try again later"})");
    ++(taken ? accepted : refused);
  }
  return net::Response::json(200, to_text(JsonObject{{"accepted", accepted}, {"refused", refused}}));
}

}  // namespace bongsu::link
