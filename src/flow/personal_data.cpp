#include "flow/personal_data.h"

#include <algorithm>
#include <array>

#include "flow/facts.h"
#include "policy/label.h"

namespace bongsu::flow {
namespace {

std::string_view type_of(std::string_view id) { return id.substr(0, id.find("--")); }

bool is_present(const Json& object, std::string_view key) {
  const Json* value = find(object, key);
  return value != nullptr && !(value->is_array() && value->get_array().empty());
}

bool content_is_personal(std::string_view type, const Json& object) {
  if (type == "user-account" || type == "email-addr") return true;
  if (type == "identity") return string_at(object, "identity_class") == "individual";
  if (type == "email-message")
    return std::ranges::any_of(std::array{"from_ref", "sender_ref", "to_refs", "cc_refs", "bcc_refs", "raw_email_ref",
                                          "additional_header_fields", "received_lines"},
                               [&](const char* key) { return is_present(object, key); });
  if (type == "observed-data") {
    const Json* inside = find(object, "objects");
    if (inside == nullptr || !inside->is_object()) return false;
    return std::ranges::any_of(inside->get_object(), [](const auto& item) {
      const auto inner = string_at(item.value(), "type");
      return inner && *inner != "observed-data" && content_is_personal(*inner, item.value());
    });
  }
  return false;
}

bool has_category(const policy::Label& label) {
  return std::ranges::any_of(label.categories, [](const std::string& c) { return is_personal_category(c); });
}

}  // namespace

bool is_personal_category(std::string_view category) {
  return std::ranges::equal(category, kPersonalCategory, [](char have, char want) {
    if (have == ' ' || have == '_') have = '-';
    if (have >= 'A' && have <= 'Z') have = static_cast<char>(have - 'A' + 'a');
    return have == want;
  });
}

bool personal_by_content(std::string_view object_id) {
  const std::string_view type = type_of(object_id);
  return type == "identity" || type == "email-message" || type == "observed-data";
}

bool is_personal(std::string_view object_id, std::string_view stored, const Json& object) {
  if (content_is_personal(type_of(object_id), object)) return true;
  const auto label = policy::Label::parse(stored_label(stored));
  return label && has_category(*label);  // categories of a label are those of its parts, too
}

}  // namespace bongsu::flow
