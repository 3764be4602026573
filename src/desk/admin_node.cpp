#include "desk/admin_node.h"

#include <fmt/format.h>

#include <algorithm>

namespace bongsu::desk {
namespace {

using namespace std::chrono_literals;
constexpr std::chrono::milliseconds kPatienceWithSilent = 300ms;
constexpr auto kSilentFor = 2s;

std::string text_at(const Json& json, std::string_view key) { return std::string(string_at(json, key).value_or("")); }

Result<const JsonArray*> list_at(const Json& json, std::string_view key) {
  const Json* list = find(json, key);
  if (list == nullptr || !list->is_array())
    return fail(ErrorCode::kInternal, fmt::format("the node's answer has no {}", key));
  return &list->get_array();
}

}  // namespace

AdminNode::AdminNode(const std::filesystem::path& data_directory)
    : socket_((std::filesystem::absolute(data_directory) / "admin.sock").string()),
      member_(data_directory.filename().string()),
      client_(net::ClientOptions{}) {}

Result<Json> AdminNode::send(std::string_view method, std::string_view path, std::string body,
                             std::string_view content_type) {
  net::ClientRequest request;
  request.method = std::string(method);
  request.url = {.scheme = "unix", .host = socket_, .port = 0, .target = "/admin/v1" + std::string(path)};
  if (!body.empty()) request.headers.add("Content-Type", std::string(content_type));
  request.body = std::move(body);
  auto response = client_.send(request, ask_again_ ? std::min(patience_, kPatienceWithSilent) : patience_);
  if (response)
    ask_again_.reset();
  else if (response.error().code == ErrorCode::kTimeout)
    ask_again_ = clock_.monotonic() + kSilentFor;
  if (!response) {
    response.error().where.source = member_;
    return std::unexpected(std::move(response.error()));
  }
  if (response->status >= 300) {
    const auto json = parse_json(response->body);
    const auto message = json ? string_at(*json, "message") : std::nullopt;
    return fail(response->status == 409   ? ErrorCode::kConflict
                : response->status == 404 ? ErrorCode::kNotFound
                : response->status >= 500 ? ErrorCode::kUnavailable
                                          : ErrorCode::kInvalid,
                message ? std::string(*message) : fmt::format("the node answered {}", response->status),
                {.source = member_});
  }
  return response->body.empty() ? Json(nullptr) : parse_json(response->body);
}

Result<Json> AdminNode::call(std::string_view method, std::string_view path, const Json& body) {
  return send(method, path, body.is_null() ? "" : to_text(body), "application/json");
}

bool AdminNode::silent() const { return ask_again_ && clock_.monotonic() < *ask_again_; }

bool AdminNode::answers() { return call("GET", "/collections").has_value(); }

Result<std::vector<NodeAlert>> AdminNode::alerts(std::uint32_t limit) {
  BONGSU_TRY(const Json answer, call("GET", fmt::format("/alerts?limit={}", limit)));
  BONGSU_TRY(const JsonArray* list, list_at(answer, "alerts"));
  std::vector<NodeAlert> out;
  for (const Json& line : *list) {
    const Json* alert = find(line, "alert");
    if (alert == nullptr) return fail(ErrorCode::kInternal, "an alert's line has no alert", {.source = member_});
    NodeAlert item{.id = text_at(*alert, "id"),
                   .indicator = text_at(*alert, "indicator"),
                   .matched = text_at(*alert, "matched"),
                   .event_time = {}};
    if (const auto time = string_at(*alert, "event_time")) item.event_time = Instant::parse(*time);
    out.push_back(std::move(item));
  }
  return out;
}

Result<std::vector<NodeCollection>> AdminNode::collections() {
  BONGSU_TRY(const Json answer, call("GET", "/collections"));
  BONGSU_TRY(const JsonArray* list, list_at(answer, "collections"));
  std::vector<NodeCollection> out;
  for (const Json& c : *list)
    out.push_back(
        {.alias = text_at(c, "alias"), .mirror_of = text_at(c, "mirror_of"), .exercise = text_at(c, "exercise")});
  return out;
}

Result<ObjectPage> AdminNode::objects(const std::string& collection, std::uint64_t after) {
  BONGSU_TRY(const Json answer, call("GET", fmt::format("/export?collection={}&after={}&versions=all",
                                                        net::percent_encode(collection), after)));
  BONGSU_TRY(const JsonArray* list, list_at(answer, "objects"));
  ObjectPage out{.objects = {}, .next = after, .more = bool_at(answer, "more").value_or(false)};
  for (const Json& body : *list) {
    NodeObject object{.id = text_at(body, "id"), .type = text_at(body, "type"), .version = {}, .body = body};
    object.version = text_at(body, find(body, "modified") != nullptr ? "modified" : "created");
    out.objects.push_back(std::move(object));
  }
  if (const std::string next = text_at(answer, "next"); !next.empty())
    out.next = std::strtoull(next.c_str(), nullptr, 10);
  return out;
}

Result<std::string> AdminNode::label_of(const std::string& object, const std::string& collection) {
  BONGSU_TRY(const Json answer, call("GET", fmt::format("/why?object={}&member={}", net::percent_encode(object),
                                                        net::percent_encode(member_))));
  BONGSU_TRY(const JsonArray* versions, list_at(answer, "versions"));
  std::string label;  // of the newest version: they come in order
  for (const Json& version : *versions)
    if (string_at(version, "collection") == collection) label = text_at(version, "label");
  if (label.empty())
    return fail(ErrorCode::kNotFound, fmt::format("{} is not in {}", object, collection), {.source = member_});
  return label;
}

Result<Published> AdminNode::publish(const std::string& collection, const JsonArray& objects) {
  BONGSU_TRY(const Json answer, send("POST", "/import?collection=" + net::percent_encode(collection),
                                     to_text(JsonObject{{"objects", objects}}), "application/taxii+json;version=2.1"));
  Published out{.admitted = static_cast<std::uint64_t>(int_at(answer, "admitted").value_or(0)),
                .duplicates = static_cast<std::uint64_t>(int_at(answer, "duplicates").value_or(0)),
                .problems = {}};
  BONGSU_TRY(const JsonArray* problems, list_at(answer, "problems"));
  for (const Json& problem : *problems) {
    std::string text = text_at(problem, "id") + ": " + text_at(problem, "message");
    if (const Json* findings = find(problem, "findings"); findings != nullptr && findings->is_array())
      for (const Json& finding : findings->get_array())
        text += " (" + text_at(finding, "property") + ": " + text_at(finding, "rule") + ")";
    out.problems.push_back(std::move(text));
  }
  return out;
}

}  // namespace bongsu::desk
