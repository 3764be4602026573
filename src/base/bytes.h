// Bytes as text: hexadecimal and base64 (RFC 4648), constant-time comparison.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bongsu {

using Bytes = std::span<const std::uint8_t>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::string to_hex(Bytes bytes);  // lower case
// Either case; kInvalid for an odd length or another character.
Result<std::string> from_hex(std::string_view hex);

std::string to_base64(Bytes bytes);      // RFC 4648 §4, padded
std::string to_base64url(Bytes bytes);   // RFC 4648 §5, not padded
Result<std::string> from_base64(std::string_view text);     // §4; padding required; kInvalid otherwise
Result<std::string> from_base64url(std::string_view text);  // §5; padding refused

// Compares without a branch on the content; the lengths may show.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace bongsu
