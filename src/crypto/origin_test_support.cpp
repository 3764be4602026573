#include "crypto/origin_test_support.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "base/uuid.h"
#include "crypto/disclosure.h"

namespace bongsu::crypto::test {

Sha256 slow_root(const Placed& entries, const BatchTree::Secret& secret, std::size_t level, std::size_t first) {
  const std::size_t size = std::size_t{1} << level;
  const auto in = entries.lower_bound(first);
  if (in == entries.end() || in->first >= first + size) return BatchTree::empty_node(secret, level, first / size);
  if (level == 0) return sha256(std::string(1, '\0').append(as_text(in->second)));
  const Sha256 left = slow_root(entries, secret, level - 1, first),
               right = slow_root(entries, secret, level - 1, first + size / 2);
  return sha256(std::string(1, '\1').append(as_text(left)).append(as_text(right)));
}

std::vector<Sha256> slow_path(std::size_t place, const Placed& entries, const BatchTree::Secret& secret,
                              std::size_t level, std::size_t first) {
  if (level == 0) return {};
  const std::size_t middle = first + (std::size_t{1} << (level - 1));
  std::vector<Sha256> path = slow_path(place, entries, secret, level - 1, place < middle ? first : middle);
  path.push_back(slow_root(entries, secret, level - 1, place < middle ? middle : first));
  return path;
}

namespace {

Json random_value(SeededRandom& random, int depth) {
  switch (random.below(depth > 3 ? 6 : 9)) {
    case 0:
      return nullptr;
    case 1:
      return random.below(2) == 0;
    case 2:
      return static_cast<std::int64_t>(random.below(5)) - 2;
    case 3:
      return 0.5 * static_cast<double>(random.below(7));
    case 4:
      return Json(fmt::format("value {}", random.below(4)));  // few: equal neighbours are likely
    case 5:
      return random.below(2) == 0 ? Json(JsonArray()) : Json(JsonObject());
    case 6:
    case 7: {
      JsonArray list;
      for (std::uint64_t i = random.below(5); i > 0; --i) list.push_back(random_value(random, depth + 1));
      return list;
    }
    default: {
      JsonObject dictionary;
      for (std::uint64_t i = 1 + random.below(4); i > 0; --i)
        dictionary[fmt::format("key_{}", random.below(6))] = random_value(random, depth + 1);
      return dictionary;
    }
  }
}

void collect_selectors(const Json& value, const std::string& at, std::vector<std::string>& out) {
  out.push_back(at);
  if (value.is_object())
    for (const auto& [name, inner] : value.get_object()) collect_selectors(inner, at + "." + std::string(name), out);
  if (value.is_array())
    for (std::size_t i = 0; i < value.get_array().size(); ++i)
      collect_selectors(value.get_array()[i], fmt::format("{}.[{}]", at, i), out);
}

struct Cutter {
  SeededRandom& random;
  unsigned kept;
  std::map<std::string, std::string> moved;  // old selector → new one, of everything that stays

  bool stays() { return random.below(10) < kept; }
  // nullopt: nothing of it stays.
  std::optional<Json> cut(const Json& value, const std::string& old_at, const std::string& new_at) {
    if (value.is_object() && !value.get_object().empty()) {
      JsonObject out;
      for (const auto& [name, inner] : value.get_object())
        if (stays())
          if (auto some = cut(inner, old_at + "." + std::string(name), new_at + "." + std::string(name)))
            out[name] = std::move(*some);
      if (out.empty()) return std::nullopt;
      moved[old_at] = new_at;
      return out;
    }
    if (value.is_array() && !value.get_array().empty()) {
      JsonArray out;
      for (std::size_t i = 0; i < value.get_array().size(); ++i)
        if (stays())
          if (auto some = cut(value.get_array()[i], fmt::format("{}.[{}]", old_at, i),
                              fmt::format("{}.[{}]", new_at, out.size())))
            out.push_back(std::move(*some));
      if (out.empty()) return std::nullopt;
      moved[old_at] = new_at;
      return out;
    }
    moved[old_at] = new_at;
    return value;
  }
};

}  // namespace

JsonObject random_object(SeededRandom& random) {
  JsonObject out{{"type", "indicator"},
                 {"spec_version", "2.1"},
                 {"id", "indicator--" + Uuid::random(random).text()},
                 {"created", "2026-01-01T00:00:00.000Z"},
                 {"modified", "2026-01-02T00:00:00.000Z"},
                 {"object_marking_refs", JsonArray{"marking-definition--a", "marking-definition--b"}}};
  std::vector<std::string> selectors;
  for (std::uint64_t i = 2 + random.below(8); i > 0; --i) {
    const std::string name = fmt::format("x_property_{}", random.below(12));
    out[name] = random_value(random, 0);
  }
  for (const auto& [name, value] : out)
    if (name.starts_with("x_")) collect_selectors(value, std::string(name), selectors);
  JsonArray markings;
  for (std::uint64_t i = 1 + random.below(3); i > 0; --i) {
    JsonArray some;
    for (std::uint64_t n = 1 + random.below(2); n > 0; --n)
      some.push_back(Json(selectors[random.below(selectors.size())]));
    if (random.below(4) == 0)
      markings.push_back(JsonObject{{"lang", "ko"}, {"selectors", std::move(some)}});
    else
      markings.push_back(
          JsonObject{{"marking_ref", fmt::format("marking-definition--{}", random.below(3))}, {"selectors", some}});
  }
  if (!markings.empty()) out["granular_markings"] = std::move(markings);
  return out;
}

JsonObject random_part(const JsonObject& object, SeededRandom& random, unsigned kept) {
  Cutter cutter{random, kept, {}};
  JsonObject out;
  for (const auto& [name, value] : object) {
    if (name == "granular_markings") continue;
    if (std::ranges::find(kCoreProperties, std::string_view(name)) != kCoreProperties.end()) {
      out[name] = value;
    } else if (cutter.stays()) {
      if (auto some = cutter.cut(value, std::string(name), std::string(name))) out[name] = std::move(*some);
    }
  }
  if (const Json* markings = object.if_contains("granular_markings")) {
    JsonArray left;
    for (const Json& marking : markings->get_array()) {
      JsonObject entry = marking.get_object();
      JsonArray selectors;
      for (const Json& selector : entry["selectors"].get_array())
        if (const auto at = cutter.moved.find(std::string(selector.get_string())); at != cutter.moved.end())
          selectors.push_back(Json(at->second));
      if (selectors.empty()) continue;
      entry["selectors"] = std::move(selectors);
      left.push_back(std::move(entry));
    }
    if (!left.empty()) out["granular_markings"] = std::move(left);
  }
  return out;
}

}  // namespace bongsu::crypto::test
