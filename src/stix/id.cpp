#include "stix/object.h"
#include "stix/type_table.h"

namespace bongsu::stix {

// Lower case only, so that text() gives back exactly what was read: references resolve by exact match (STIX 2.1 §3.3).
std::optional<Id> Id::parse(std::string_view text) {
  constexpr std::size_t kUuidLength = 36;
  if (text.size() < kMinTypeLength + 2 + kUuidLength) return std::nullopt;
  const std::string_view type = text.substr(0, text.size() - kUuidLength - 2);
  const std::string_view uuid_text = text.substr(text.size() - kUuidLength);
  if (text.substr(type.size(), 2) != "--" || !is_type_name(type)) return std::nullopt;
  for (const char c : uuid_text)
    if (c >= 'A' && c <= 'F') return std::nullopt;
  const std::optional<Uuid> uuid = Uuid::parse(uuid_text);
  if (!uuid) return std::nullopt;
  return Id{std::string(type), *uuid};
}

}  // namespace bongsu::stix
