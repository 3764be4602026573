// UUIDs (RFC 9562): 16 bytes, random (v4) or from a name (v5).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"

namespace bongsu {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  // "8-4-4-4-12" hexadecimal of either case; nullopt for anything else.
  static std::optional<Uuid> parse(std::string_view text);
  // The one text that text() writes for some UUID.
  static bool is_text(std::string_view text);
  static Uuid random(Random& random);                                   // version 4
  static Uuid from_name(const Uuid& name_space, std::string_view name); // version 5, SHA-1

  std::string text() const;  // lower case
  int version() const { return bytes[6] >> 4; }
  bool is_rfc_variant() const { return (bytes[8] & 0xc0) == 0x80; }

  auto operator<=>(const Uuid&) const = default;
};

struct UuidHash {
  std::size_t operator()(const Uuid& uuid) const noexcept;
};

}  // namespace bongsu
