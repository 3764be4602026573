#include "flow/recall_states.h"

#include <fmt/format.h>

#include <charconv>

#include "stix/object.h"

namespace bongsu::flow {
namespace {

constexpr std::size_t kDigits = 16;

JsonArray ranges_json(const std::vector<RecallRange>& ranges) {
  JsonArray out;
  for (const auto& range : ranges) out.push_back(JsonArray{Json(range.object_id), Json(range.version)});
  return out;
}

std::vector<RecallRange> ranges_at(const Json& json) {
  std::vector<RecallRange> out;
  if (const Json* list = find(json, "objects"); list != nullptr && list->is_array())
    for (const Json& item : list->get_array())
      if (item.is_array() && item.get_array().size() == 2 && item.get_array()[0].is_string() &&
          item.get_array()[1].is_string())
        out.push_back({std::string(item.get_array()[0].get_string()), std::string(item.get_array()[1].get_string())});
  return out;
}

std::string text_at(const Json& json, std::string_view key) { return std::string(string_at(json, key).value_or("")); }
std::uint64_t count_at(const Json& json, std::string_view key) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, int_at(json, key).value_or(0)));
}

std::unexpected<Error> corrupt(std::string_view space, std::string_view key) {
  return fail(ErrorCode::kCorrupt, "what is known of a recall cannot be read",
              {.source = fmt::format("state {}/{}", space, key)});
}

}  // namespace

std::string numbered_key(std::string_view member, std::uint64_t number) {
  return fmt::format("{}/{:016}", member, number);
}

std::optional<std::pair<std::string, std::uint64_t>> parse_numbered_key(std::string_view key) {
  const auto slash = key.rfind('/');
  if (slash == std::string_view::npos || key.size() - slash - 1 != kDigits) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(key.data() + slash + 1, key.data() + key.size(), number);
  if (error != std::errc() || end != key.data() + key.size()) return std::nullopt;
  return std::pair(std::string(key.substr(0, slash)), number);
}

std::string later_state(const LaterCopies& later) {
  JsonArray out;
  for (const auto& [version, number] : later) out.push_back(JsonArray{Json(version), Json(number)});
  return to_text(out);
}

Result<LaterCopies> parse_later_state(std::string_view key, std::string_view text) {
  const auto json = parse_json(text);
  if (!json || !json->is_array()) return corrupt(kRecallLater, key);
  LaterCopies out;
  for (const Json& item : json->get_array()) {
    if (!item.is_array() || item.get_array().size() != 2 || !item.get_array()[0].is_string())
      return corrupt(kRecallLater, key);
    const Json& number = item.get_array()[1];
    if (!number.is_int64() && !number.is_uint64()) return corrupt(kRecallLater, key);
    out[std::string(item.get_array()[0].get_string())] = number.to_number<std::uint64_t>();
  }
  return out;
}

Result<std::uint64_t> parse_number_state(std::string_view space, std::string_view key, std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return corrupt(space, key);
  return number;
}

std::string order_state(const RecallOrder& order) {
  JsonObject out{{"reason", to_string(order.reason)},
                 {"issued", order.issued.text(6)},
                 {"deadline", order.deadline.text(6)},
                 {"objects", ranges_json(order.objects)},
                 {"label", order.label}};
  for (const auto& [key, value] : {std::pair{"by", &order.by}, {"note", &order.note}})
    if (!value->empty()) out[key] = *value;
  if (!order.parents.empty()) out["parents"] = JsonArray(order.parents.begin(), order.parents.end());
  if (!order.givers.empty()) out["givers"] = JsonArray(order.givers.begin(), order.givers.end());
  if (!order.handed.empty()) {
    JsonArray views;
    for (const auto& [view, pos] : order.handed) views.push_back(JsonArray{Json(view), Json(pos)});
    out["handed"] = std::move(views);
  }
  if (!order.unsettled.empty()) {
    JsonArray rows;
    for (const auto& [collection, pos] : order.unsettled) rows.push_back(JsonArray{Json(collection), Json(pos)});
    out["unsettled"] = std::move(rows);
  }
  if (order.fetched) out["fetched"] = true;
  if (order.told) out["told"] = order.told->text(6);
  if (order.receipt) out["receipt"] = order.receipt->text();
  return to_text(out);
}

Result<RecallOrder> parse_order_state(std::string_view key, std::string_view text) {
  const auto name = parse_numbered_key(key);
  const auto json = parse_json(text);
  if (!name || !json) return corrupt(kRecallOrders, key);
  RecallOrder out;
  out.member = name->first;
  out.number = name->second;
  const auto reason = parse_recall_reason(text_at(*json, "reason"));
  const auto issued = Instant::parse(text_at(*json, "issued")), deadline = Instant::parse(text_at(*json, "deadline"));
  out.objects = ranges_at(*json);
  if (!reason || !issued || !deadline || out.objects.empty()) return corrupt(kRecallOrders, key);
  out.reason = *reason;
  out.issued = *issued;
  out.deadline = *deadline;
  out.label = text_at(*json, "label");
  out.by = text_at(*json, "by");
  out.note = text_at(*json, "note");
  const auto texts_at = [&](std::string_view field, auto put) {
    const Json* list = find(*json, field);
    if (list == nullptr) return true;
    if (!list->is_array()) return false;
    for (const Json& item : list->get_array()) {
      if (!item.is_string()) return false;
      put(std::string(item.get_string()));
    }
    return true;
  };
  if (!texts_at("parents", [&](std::string text) { out.parents.push_back(std::move(text)); }) ||
      !texts_at("givers", [&](std::string text) { out.givers.insert(std::move(text)); }))
    return corrupt(kRecallOrders, key);
  // What earlier builds wrote: one at most.
  if (auto parent = text_at(*json, "parent"); !parent.empty()) out.parents.push_back(std::move(parent));
  if (const Json* views = find(*json, "handed"); views != nullptr) {
    if (!views->is_array()) return corrupt(kRecallOrders, key);
    for (const Json& view : views->get_array()) {
      if (!view.is_array() || view.get_array().size() != 2) return corrupt(kRecallOrders, key);
      const Json &id = view.get_array()[0], &pos = view.get_array()[1];
      if ((!id.is_int64() && !id.is_uint64()) || (!pos.is_int64() && !pos.is_uint64()))
        return corrupt(kRecallOrders, key);
      out.handed[id.to_number<journal::ViewId>()] = pos.to_number<journal::Pos>();
    }
  }
  if (const Json* rows = find(*json, "unsettled"); rows != nullptr && rows->is_array()) {
    for (const Json& row : rows->get_array()) {
      if (!row.is_array() || row.get_array().size() != 2 || !row.get_array()[0].is_string())
        return corrupt(kRecallOrders, key);
      const Json& pos = row.get_array()[1];
      if (!pos.is_int64() && !pos.is_uint64()) return corrupt(kRecallOrders, key);
      out.unsettled.emplace_back(row.get_array()[0].get_string(), pos.to_number<std::uint64_t>());
    }
    if (out.unsettled.size() != out.objects.size()) return corrupt(kRecallOrders, key);
  }
  out.fetched = bool_at(*json, "fetched").value_or(false);
  if (const auto told = string_at(*json, "told")) out.told = Instant::parse(*told);
  if (const auto receipt = string_at(*json, "receipt")) {
    auto parsed = RecallReceipt::parse(*receipt);
    if (!parsed) return corrupt(kRecallOrders, key);
    out.receipt = std::move(*parsed);
  }
  return out;
}

std::string taken_state(const TakenState& taken) {
  return to_text(JsonObject{{"reason", to_string(taken.recall.reason)},
                            {"at", taken.recall.at.text(6)},
                            {"objects", ranges_json(taken.recall.objects)},
                            {"destroyed", taken.recall.destroyed},
                            {"onward_open", taken.recall.onward_open},
                            {"hash", taken.hash},
                            {"serial", taken.serial},
                            {"acknowledged", taken.acknowledged}});
}

Result<TakenState> parse_taken_state(std::string_view key, std::string_view text) {
  const auto name = parse_numbered_key(key);
  const auto json = parse_json(text);
  if (!name || !json) return corrupt(kRecallTaken, key);
  TakenState out;
  const auto reason = parse_recall_reason(text_at(*json, "reason"));
  const auto at = Instant::parse(text_at(*json, "at"));
  out.recall.objects = ranges_at(*json);
  out.hash = text_at(*json, "hash");
  if (!reason || !at || out.recall.objects.empty() || out.hash.empty()) return corrupt(kRecallTaken, key);
  out.recall.from = name->first;
  out.recall.number = name->second;
  out.recall.reason = *reason;
  out.recall.at = *at;
  out.recall.destroyed = count_at(*json, "destroyed");
  out.recall.onward_open = count_at(*json, "onward_open");
  out.serial = count_at(*json, "serial");
  out.acknowledged = count_at(*json, "acknowledged");
  out.recall.acknowledged = out.acknowledged >= out.serial;
  return out;
}

std::string version_told(const journal::Entry& entry) {
  return entry.version == Instant::from_micros(entry.added_us).text(6) ? std::string() : entry.version;
}

std::string key_of_version(std::string_view version) {
  const auto parsed = stix::Timestamp::parse(version);
  return parsed ? parsed->key() : std::string();
}

std::string key_told(const journal::Entry& entry) {
  return version_told(entry).empty() ? std::string() : entry.version_key;
}

void add_objects(JsonObject& details, const std::vector<RecallRange>& objects) {
  details["objects"] = objects.size();
  if (objects.size() == 1) details["object"] = objects.front().object_id;
}

}  // namespace bongsu::flow
