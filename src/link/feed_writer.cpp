#include "link/feed_writer.h"

#include <fmt/format.h>

#include "base/uuid.h"

namespace bongsu::link {
namespace {

constexpr std::size_t kBatchObjects = 2'000;
constexpr std::size_t kBatchBytes = 16 * 1024 * 1024;
constexpr int kMaxReturns = 1000;  // how often an object may come back after it was revoked
constexpr int kMaxLoggedRefusals = 10;
const Uuid kNamespace = *Uuid::parse("b0a4c1de-52f7-4d0b-9a3e-7c1f60e2d894");

// STIX timestamps are written in milliseconds here; anything finer in a stored version is rounded up.
std::string at_least_after(std::string_view earlier, Instant wanted) {
  const auto before = stix::Timestamp::parse(earlier);
  if (!before || wanted > before->instant()) return wanted.text(3);
  const auto next = Instant::parse((before->instant() + std::chrono::milliseconds(1)).text(3));
  return (*next > before->instant() ? *next : before->instant() + std::chrono::milliseconds(2)).text(3);
}

void replace_ids(Json& value, const std::map<std::string, std::string>& names) {
  if (value.is_string()) {
    const auto found = names.find(std::string(value.get_string()));
    if (found != names.end()) value = found->second;
  } else if (value.is_array()) {
    for (Json& item : value.get_array()) replace_ids(item, names);
  } else if (value.is_object()) {
    for (auto& [key, item] : value.get_object()) replace_ids(item, names);
  }
}

}  // namespace

WriteCounts& WriteCounts::operator+=(const WriteCounts& o) {
  added += o.added;
  changed += o.changed;
  unchanged += o.unchanged;
  revoked += o.revoked;
  refused += o.refused;
  return *this;
}

bool FeedWriter::Known::revoked() const { return body && bool_at(Json(*body), "revoked").value_or(false); }

Result<FeedWriter::Known> FeedWriter::known(journal::Snapshot& snapshot, std::string_view id) {
  BONGSU_TRY(const auto versions, snapshot.versions(target_.collection, id));
  if (versions.empty()) return Known{};
  if (versions.back().erased) return Known{.erased = true};
  BONGSU_TRY(const std::string payload, snapshot.payload(versions.back().seq));
  BONGSU_TRY(const Json json, parse_json(payload));
  if (!json.is_object()) return fail(ErrorCode::kCorrupt, "a stored object is none", {.field = std::string(id)});
  return Known{.body = json.get_object()};
}

Result<std::optional<Json>> FeedWriter::newest(std::string_view id) {
  const auto snapshot = journal_.snapshot();
  BONGSU_TRY(auto found, known(*snapshot, id));
  if (!found.body) return std::optional<Json>();
  return std::optional<Json>(std::move(*found.body));
}

Result<void> FeedWriter::rename_revoked(std::vector<PreparedObject>& objects) {
  std::map<std::string, std::string> names;
  const auto snapshot = journal_.snapshot();
  for (const PreparedObject& object : objects) {
    if (!object.versioned) continue;
    const std::string id = object.id();
    std::string name = id;
    for (int n = 1; n <= kMaxReturns; ++n) {
      BONGSU_TRY(const Known there, known(*snapshot, name));
      if (!there.revoked()) break;
      name = fmt::format("{}--{}", id.substr(0, id.find("--")),
                         Uuid::from_name(kNamespace, fmt::format("{}/{}", id, n)).text());
    }
    if (name != id) names[id] = name;
  }
  if (names.empty()) return {};
  for (PreparedObject& object : objects) {
    Json body = std::move(object.body);
    replace_ids(body, names);
    object.body = std::move(body.get_object());
  }
  return {};
}

Result<void> FeedWriter::admit(std::vector<std::string>& texts, WriteCounts& counts,
                               std::vector<journal::StateChange> states) {
  std::vector<Result<stix::Object>> objects;
  objects.reserve(texts.size());
  for (const auto& text : texts) objects.push_back(stix::Object::parse(text));
  texts.clear();
  BONGSU_TRY(const auto report, admission_.admit(objects, {.collection = target_.collection,
                                                           .origin = target_.origin,
                                                           .fallback = target_.fallback,
                                                           .states = std::move(states),
                                                           .proofs = {},
                                                           .received_from = "feed",
                                                           .authority = "feed",
                                                           .authority_reason = "as the feed marks it"}));
  counts.refused += report.refused;
  int logged = 0;
  for (const auto& item : report.items)
    if ((item.outcome == flow::AdmitItem::Outcome::kRefused || item.outcome == flow::AdmitItem::Outcome::kOtherBytes) &&
        logged++ < kMaxLoggedRefusals)
      log_.warn("feed.refused", {{"feed", feed_}, {"object", item.id}, {"reason", item.message}});
  return {};
}

Result<WriteCounts> FeedWriter::write(std::vector<PreparedObject> objects, std::vector<journal::StateChange> states,
                                      const std::function<bool()>& stop) {
  BONGSU_TRY_VOID(rename_revoked(objects));
  WriteCounts counts;
  std::vector<std::string> texts;
  std::size_t bytes = 0;
  auto snapshot = journal_.snapshot();
  for (PreparedObject& object : objects) {
    BONGSU_TRY(const Known there, known(*snapshot, object.id()));
    if (there.erased || (there.body && !object.versioned)) {
      ++counts.unchanged;
      continue;
    }
    if (!there.body) {
      const std::string stamp = object.changed.text(3);
      texts.push_back(text_of(object, stamp, stamp));
      ++counts.added;
    } else {
      const Json before(*there.body);
      const std::string created(string_at(before, "created").value_or("")),
          modified(string_at(before, "modified").value_or(""));
      if (object.keep_valid_from)
        if (const Json* from = find(before, "valid_from")) object.body["valid_from"] = *from;
      if (text_of(object, created, modified) == to_text(before)) {
        ++counts.unchanged;
        continue;
      }
      texts.push_back(text_of(object, created, at_least_after(modified, object.changed)));
      ++counts.changed;
    }
    bytes += texts.back().size();
    if (texts.size() < kBatchObjects && bytes < kBatchBytes) continue;
    if (stop && stop()) return fail(ErrorCode::kCancelled, "stopped");
    BONGSU_TRY_VOID(admit(texts, counts, {}));
    bytes = 0;
    snapshot = journal_.snapshot();
  }
  if (stop && stop()) return fail(ErrorCode::kCancelled, "stopped");
  BONGSU_TRY_VOID(admit(texts, counts, std::move(states)));
  return counts;
}

Result<WriteCounts> FeedWriter::revoke(std::span<const std::string> ids, Instant at,
                                       std::vector<journal::StateChange> states, const std::function<bool()>& stop) {
  WriteCounts counts;
  std::vector<std::string> texts;
  auto snapshot = journal_.snapshot();
  for (const std::string& id : ids) {
    BONGSU_TRY(Known there, known(*snapshot, id));
    // After a return the object lives under a name made of the old one.
    for (int n = 1; n <= kMaxReturns && there.revoked(); ++n) {
      BONGSU_TRY(Known next,
                 known(*snapshot, fmt::format("{}--{}", id.substr(0, id.find("--")),
                                              Uuid::from_name(kNamespace, fmt::format("{}/{}", id, n)).text())));
      if (!next.body) break;
      there = std::move(next);
    }
    if (!there.body || there.revoked() || !there.body->contains("modified")) continue;
    JsonObject body = std::move(*there.body);
    body["modified"] = at_least_after(string_at(Json(body), "modified").value_or(""), at);
    body["revoked"] = true;
    texts.push_back(to_text(body));
    ++counts.revoked;
    if (texts.size() < kBatchObjects) continue;
    if (stop && stop()) return fail(ErrorCode::kCancelled, "stopped");
    BONGSU_TRY_VOID(admit(texts, counts, {}));
    snapshot = journal_.snapshot();
  }
  if (stop && stop()) return fail(ErrorCode::kCancelled, "stopped");
  if (!texts.empty() || !states.empty()) BONGSU_TRY_VOID(admit(texts, counts, std::move(states)));
  return counts;
}

}  // namespace bongsu::link
