#include "link/recall_server.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/uuid.h"
#include "link/tail_event.h"

namespace bongsu::link {

namespace {

Result<Json> parse_body(std::string_view body) {
  if (body.size() > kMaxRecallAnswer)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} bytes", kMaxRecallAnswer));
  return parse_json(body);
}

Result<const JsonArray*> list_at(const Json& json, std::string_view name, std::size_t most) {
  const Json* list = find(json, name);
  if (list == nullptr || !list->is_array()) return fail(ErrorCode::kInvalid, "is a list", {.field = std::string(name)});
  if (list->get_array().size() > most)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} at once", most), {.field = std::string(name)});
  return &list->get_array();
}

net::Response try_again() { return net::Response::json(503, R"({"error":"unavailable","message":"try again later"})"); }

net::Response invalid(const Error& error) {
  return net::Response::json(400, to_text(JsonObject{{"error", "invalid"}, {"message", error.text()}}));
}

}  // namespace

std::string resting_cursors_body(const RestingCursors& resting) {
  JsonArray list;
  for (const auto& one : resting.cursors)
    list.push_back(JsonObject{{"collection", one.collection}, {"cursor", one.cursor}});
  return to_text(JsonObject{{"run", resting.run}, {"cursors", std::move(list)}});
}

Result<RestingCursors> parse_resting_cursors(std::string_view body) {
  BONGSU_TRY(const Json json, parse_body(body));
  RestingCursors out;
  out.run = string_at(json, "run").value_or("");
  if (out.run.empty() || out.run.size() > kMaxRunBytes)
    return fail(ErrorCode::kInvalid, fmt::format("is text of 1 to {} bytes", kMaxRunBytes), {.field = "run"});
  BONGSU_TRY(const JsonArray* const list, list_at(json, "cursors", kMaxRestingCursors));
  for (const Json& item : *list) {
    RestingCursor one{std::string(string_at(item, "collection").value_or("")),
                      std::string(string_at(item, "cursor").value_or(""))};
    if (!Uuid::parse(one.collection))
      return fail(ErrorCode::kInvalid, "a collection's id is a UUID", {.field = "collection"});
    if (one.cursor.empty() || one.cursor.size() > kMaxCursorBytes)
      return fail(ErrorCode::kInvalid, fmt::format("is text of 1 to {} bytes", kMaxCursorBytes), {.field = "cursor"});
    out.cursors.push_back(std::move(one));
  }
  return out;
}

std::string signed_texts_body(std::string_view name, const std::vector<flow::SignedText>& texts, std::uint64_t upto,
                              std::string_view run) {
  JsonArray list;
  for (const auto& text : texts) list.push_back(text.json());
  JsonObject body;
  body[name] = std::move(list);
  if (upto > 0) body["upto"] = upto;
  if (!run.empty()) body["run"] = run;
  return to_text(body);
}

Result<SignedTexts> parse_signed_texts(std::string_view name, std::string_view body, std::size_t most) {
  BONGSU_TRY(const Json json, parse_body(body));
  BONGSU_TRY(const JsonArray* const list, list_at(json, name, most));
  SignedTexts out;
  const auto upto = int_at(json, "upto").value_or(0);
  if (upto < 0) return fail(ErrorCode::kInvalid, "is a number of tombstones", {.field = "upto"});
  out.upto = static_cast<std::uint64_t>(upto);
  out.run = string_at(json, "run").value_or("");
  if (out.run.size() > kMaxRunBytes)
    return fail(ErrorCode::kInvalid, fmt::format("is text of at most {} bytes", kMaxRunBytes), {.field = "run"});
  for (const Json& item : *list) {
    BONGSU_TRY(auto text, flow::SignedText::parse(item));
    out.texts.push_back(std::move(text));
  }
  return out;
}

RecallServer::RecallServer(flow::Recall& recall, MemberOf member_of, CursorShown shown, std::string run, Log& log)
    : recall_(recall), member_of_(std::move(member_of)), shown_(std::move(shown)), run_(std::move(run)), log_(log) {}

bool RecallServer::is_for(const net::Request& request) {
  return request.path == kRecallsPath || request.path == kReceiptsPath;
}

net::Response RecallServer::handle(net::Request&& request) {
  const auto member = member_of_(request.peer);
  if (!member)
    return net::Response::json(403, R"({"error":"denied","message":"your certificate is not one of a paired member"})");
  const bool asks = request.path == kRecallsPath;
  if (request.method != "POST" && !(asks && request.method == "GET")) {
    auto response = net::Response::json(405, R"({"error":"invalid","message":"another method is due here"})");
    response.headers.add("Allow", asks ? "GET, POST" : "POST");
    return response;
  }
  if (!asks) return take_receipts(*member, request.body);
  if (request.method == "POST") {
    const auto resting = parse_resting_cursors(request.body);
    if (!resting) return invalid(resting.error());
    if (resting->run == run_)
      for (const auto& one : resting->cursors)
        if (const auto shown = shown_(*member, one.collection, one.cursor); !shown) {
          log_.error("recall.cursor", {{"member", *member}, {"error", shown.error().text()}});
          return try_again();
        }
  }
  return tell(*member);
}

net::Response RecallServer::tell(const std::string& member) {
  const auto told = recall_.told(member);
  if (!told) {
    log_.error("recall.not_told", {{"member", member}, {"error", told.error().text()}});
    return try_again();
  }
  return net::Response::json(200, signed_texts_body("tombstones", told->tombstones, told->upto, run_));
}

net::Response RecallServer::take_receipts(const std::string& member, const std::string& body) {
  const auto receipts = parse_signed_texts("receipts", body, flow::kMaxReceiptsAtOnce);
  if (!receipts) return invalid(receipts.error());
  std::uint64_t accepted = 0, refused = 0;
  for (const auto& receipt : receipts->texts) {
    const auto taken = recall_.take_receipt(member, receipt);
    if (!taken && taken.error().code != ErrorCode::kDenied) return try_again();
    ++(taken ? accepted : refused);
  }
  return net::Response::json(200, to_text(JsonObject{{"accepted", accepted}, {"refused", refused}}));
}

}  // namespace bongsu::link
