#include "flow/collections.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/uuid.h"

namespace bongsu::flow {
namespace {

constexpr std::string_view kSpace = "collections";
constexpr std::string_view kTlpNames[] = {"clear", "green", "amber", "amber+strict", "red"};

bool alias_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool is_alias(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, alias_character) && text.front() != '.' &&
         text.front() != '_' && text.front() != '-' && !Uuid::parse(text);
}

Result<void> check(const Collection& c) {
  if (!is_alias(c.alias))
    return fail(ErrorCode::kInvalid,
                "an alias has lower-case letters, digits, '.', '_' and '-', at most 128, and is no UUID",
                {.field = "alias"});
  if (!Uuid::is_text(c.id))
    return fail(ErrorCode::kInvalid, "a collection's id is a UUID in lower case", {.field = "id"});
  if (c.title.empty() || c.title.size() > kMaxCollectionText)
    return fail(ErrorCode::kInvalid, "a collection needs a title (TAXII 2.1 §5.1)", {.field = "title"});
  if (c.description.size() > kMaxCollectionText)
    return fail(ErrorCode::kInvalid, "a description is too long", {.field = "description"});
  if (!c.exercise.empty() && !policy::is_exercise(c.exercise))
    return fail(ErrorCode::kInvalid, "an exercise's id is a UUID in lower case", {.field = "exercise"});
  if (!c.mirror_of.empty() && !policy::is_member_id(c.mirror_of))
    return fail(ErrorCode::kInvalid, "is not a member's name", {.field = "mirror_of"});
  return {};
}

}  // namespace

Json Collection::json() const {
  JsonObject out{{"id", id},
                 {"alias", alias},
                 {"title", title},
                 {"description", description},
                 {"writable", writable},
                 {"fallback", std::string_view(kTlpNames[static_cast<std::size_t>(fallback)])}};
  if (!mirror_of.empty()) {
    out["mirror_of"] = mirror_of;
    out["remote_id"] = remote_id;
  }
  if (!exercise.empty()) out["exercise"] = exercise;
  return out;
}

Result<Collection> Collection::parse(const Json& json) {
  Collection c;
  const auto text = [&json](std::string_view key) { return std::string(string_at(json, key).value_or("")); };
  c.id = text("id");
  c.alias = text("alias");
  c.title = text("title");
  c.description = text("description");
  c.mirror_of = text("mirror_of");
  c.remote_id = text("remote_id");
  c.exercise = text("exercise");
  const auto writable = bool_at(json, "writable");
  if (!writable) return fail(ErrorCode::kInvalid, "is required", {.field = "writable"});
  c.writable = *writable;
  const auto* fallback = std::ranges::find(kTlpNames, text("fallback"));
  if (fallback == std::end(kTlpNames)) return fail(ErrorCode::kInvalid, "is not a TLP level", {.field = "fallback"});
  c.fallback = static_cast<stix::Tlp>(fallback - kTlpNames);
  BONGSU_TRY_VOID(check(c));
  return c;
}

Result<std::unique_ptr<Collections>> Collections::load(journal::Journal& journal) {
  std::unique_ptr<Collections> out(new Collections(journal));
  BONGSU_TRY(const auto stored, journal.states(kSpace));
  for (const auto& [id, text] : stored) {
    auto json = parse_json(text);
    auto collection = json ? Collection::parse(*json) : std::unexpected(json.error());
    if (!collection)
      return fail(ErrorCode::kCorrupt, "a stored collection cannot be read: " + collection.error().text(),
                  {.source = "state collections/" + id});
    out->by_id_.emplace(id, std::move(*collection));
  }
  return out;
}

std::vector<Collection> Collections::list() const {
  std::vector<Collection> out;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [_, collection] : by_id_) out.push_back(collection);
  }
  std::ranges::sort(out, {}, &Collection::alias);
  return out;
}

std::optional<Collection> Collections::find(std::string_view id_or_alias) const {
  const std::shared_lock lock(mutex_);
  if (const auto found = by_id_.find(std::string(id_or_alias)); found != by_id_.end()) return found->second;
  for (const auto& [_, collection] : by_id_)
    if (collection.alias == id_or_alias) return collection;
  return std::nullopt;
}

Result<Collection> Collections::add(Collection collection, Random& random) {
  const std::lock_guard writing(writing_);
  return add_locked(std::move(collection), random);
}

Result<Collection> Collections::add_locked(Collection collection, Random& random) {
  if (collection.id.empty()) collection.id = Uuid::random(random).text();
  if (collection.title.empty()) collection.title = collection.alias;
  if (!collection.mirror_of.empty()) collection.writable = false;
  BONGSU_TRY_VOID(check(collection));
  if (find(collection.alias))
    return fail(ErrorCode::kConflict, "another collection has this alias", {.field = "alias"});
  {
    const std::shared_lock lock(mutex_);
    if (by_id_.contains(collection.id))
      return fail(ErrorCode::kConflict, "another collection has this id", {.field = "id"});
    if (by_id_.size() >= kMaxCollections)
      return fail(ErrorCode::kTooLarge, fmt::format("a node has at most {} collections", kMaxCollections));
  }
  BONGSU_TRY_VOID(journal_.put({{.space = std::string(kSpace), .key = collection.id, .value = to_text(collection.json())}}));
  const std::unique_lock lock(mutex_);
  by_id_.emplace(collection.id, collection);
  return collection;
}

Result<Collection> Collections::mirror(std::string_view member, std::string_view remote_id,
                                       std::string_view remote_alias, std::string_view title,
                                       std::string_view exercise, Random& random) {
  const std::lock_guard writing(writing_);
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [_, collection] : by_id_)
      if (collection.mirror_of == member && collection.remote_id == remote_id) {
        if (collection.exercise != exercise)
          return fail(ErrorCode::kConflict,
                      fmt::format("{}'s collection \"{}\" was {} when it was first followed and is {} now", member,
                                  remote_alias, collection.exercise.empty() ? "live" : "an exercise's",
                                  exercise.empty() ? "live" : "another exercise's"),
                      {.field = "exercise"});
        return collection;
      }
  }
  if (remote_id.empty() || remote_id.size() > 128)
    return fail(ErrorCode::kInvalid, "a remote collection needs an id of at most 128 characters",
                {.field = "remote_id"});
  const auto tame = [](std::string_view text, std::size_t most) {
    std::string out(text.substr(0, most));
    for (char& c : out) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      if (!alias_character(c)) c = '-';
    }
    return out;
  };
  const std::string tail = tame(remote_id, 8);
  Collection collection;
  collection.mirror_of = member;
  collection.remote_id = remote_id;
  collection.exercise = exercise;
  collection.alias = fmt::format("{}.{}", member, remote_alias.empty() ? tail : tame(remote_alias, 48));
  if (find(collection.alias)) collection.alias += "-" + tail;
  for (int n = 2; find(collection.alias) && n < 100; ++n) collection.alias = fmt::format("{}.{}-{}", member, tail, n);
  collection.title = title.empty() ? collection.alias : std::string(title.substr(0, kMaxCollectionText));
  collection.writable = false;
  return add_locked(std::move(collection), random);
}

std::optional<Collection> Collections::own_of(std::string_view exercise) const {
  for (Collection& collection : list())
    if (collection.exercise == exercise && collection.mirror_of.empty()) return std::move(collection);
  return std::nullopt;
}

Result<policy::Agreement> with_collection_ids(policy::Agreement agreement, const Collections& collections) {
  for (auto& name : agreement.collections) {
    const auto found = collections.find(name);
    if (!found)
      return fail(ErrorCode::kNotFound, fmt::format("there is no collection \"{}\"", name), {.field = "collections"});
    name = found->id;
  }
  return agreement;
}

}  // namespace bongsu::flow
