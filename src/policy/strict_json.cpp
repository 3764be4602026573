#include "policy/strict_json.h"

#include <fmt/format.h>

#include <algorithm>

namespace bongsu::policy {

StrictObject::StrictObject(const Json& json, std::string path) : json_(json), path_(std::move(path)) {}

std::string StrictObject::path_of(std::string_view key) const {
  if (key.empty()) return path_;
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

std::unexpected<Error> StrictObject::wrong(std::string_view key, std::string message) const {
  return fail(ErrorCode::kInvalid, std::move(message), {.field = path_of(key)});
}

bool StrictObject::has(std::string_view key) const { return find(json_, key) != nullptr; }

Result<const Json*> StrictObject::required(std::string_view key) {
  if (!json_.is_object()) return wrong("", "is an object: {…}");
  const Json* value = find(json_, key);
  if (value == nullptr) return wrong(key, "is required");
  taken_.emplace(key);
  return value;
}

Result<std::string> StrictObject::text(std::string_view key, std::size_t most) {
  BONGSU_TRY(const Json* value, required(key));
  if (!value->is_string()) return wrong(key, "is a text");
  const auto& text = value->get_string();
  if (text.size() > most) return wrong(key, fmt::format("has at most {} bytes", most));
  return std::string(text);
}

Result<std::int64_t> StrictObject::integer(std::string_view key, std::int64_t least, std::int64_t most) {
  BONGSU_TRY(const Json* value, required(key));
  if (!value->is_int64() || value->get_int64() < least || value->get_int64() > most)
    return wrong(key, fmt::format("is a whole number from {} to {}", least, most));
  return value->get_int64();
}

Result<bool> StrictObject::flag(std::string_view key) {
  BONGSU_TRY(const Json* value, required(key));
  if (!value->is_bool()) return wrong(key, "is true or false");
  return value->get_bool();
}

Result<Instant> StrictObject::instant(std::string_view key) {
  BONGSU_TRY(const std::string text, this->text(key, 40));
  const auto at = Instant::parse(text);
  if (!at || at->text(0) != text) return wrong(key, "is a time in UTC to the second: 2027-01-01T00:00:00Z");
  return *at;
}

Result<std::string> StrictObject::hex(std::string_view key, std::size_t bytes) {
  BONGSU_TRY(const std::string text, this->text(key, bytes * 2));
  if (!is_lower_hex(text, bytes)) return wrong(key, fmt::format("is {} bytes in lower-case hexadecimal", bytes));
  return text;
}

Result<std::vector<std::string>> StrictObject::texts(std::string_view key, std::size_t most_items,
                                                     std::size_t most_bytes) {
  BONGSU_TRY(const JsonArray* items, list(key, most_items));
  std::vector<std::string> out;
  std::set<std::string_view> seen;
  for (const Json& item : *items) {
    if (!item.is_string() || item.get_string().size() > most_bytes)
      return wrong(key, fmt::format("holds texts of at most {} bytes", most_bytes));
    if (!seen.insert(item.get_string()).second)
      return wrong(key, fmt::format("names \"{}\" twice", std::string(item.get_string())));
    out.emplace_back(item.get_string());
  }
  return out;
}

Result<const JsonArray*> StrictObject::list(std::string_view key, std::size_t most_items) {
  BONGSU_TRY(const Json* value, required(key));
  if (!value->is_array()) return wrong(key, "is a list: […]");
  if (value->get_array().size() > most_items)
    return fail(ErrorCode::kTooLarge, fmt::format("holds at most {} items", most_items), {.field = path_of(key)});
  return &value->get_array();
}

Result<const Json*> StrictObject::object(std::string_view key) {
  BONGSU_TRY(const Json* value, required(key));
  if (!value->is_object()) return wrong(key, "is an object: {…}");
  return value;
}

Result<void> StrictObject::done() const {
  if (!json_.is_object()) return wrong("", "is an object: {…}");
  for (const auto& [key, _] : json_.get_object())
    if (!taken_.contains(std::string_view(key)))
      return wrong(std::string_view(key).substr(0, 80),
                   "is not known here: a signed document holds nothing that its reader skips");
  return {};
}

bool is_lower_hex(std::string_view text, std::size_t bytes) {
  return text.size() == bytes * 2 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_plain_line(std::string_view text) {
  return !text.empty() && std::ranges::none_of(text, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
  });
}

}  // namespace bongsu::policy
