// The small questions of STIX 2.1 §9.6: normal forms, wildcards, blocks of addresses, regular expressions.
//
//   like("C:\\Windows\\%\\foo", value, false)               // %: any run, _: one character
//   block_of("198.51.100.7/24")->contains(*block_of("198.51.100.9"))
//   *re2_of("^a\\s+b$", false)                                // PCRE's meaning, written for RE2
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bongsu::detect {

inline constexpr std::size_t kMaxRegexBytes = 16 * 1024;          // of one MATCHES
inline constexpr std::int64_t kMaxRegexMemory = 2 * 1024 * 1024;  // of one, compiled

// Of a LIKE: a part with _ that stands between two % is tried at each place of a value.
inline constexpr std::size_t kMaxLikePiece = 1024;

// NFC (Unicode Annex 15). `scratch` holds the result where it differs. Text that is not UTF-8 stays as it is.
std::string_view nfc(std::string_view text, std::string& scratch);
std::string nfc(std::string_view text);

// Code points below U+0100 as octets (STIX 2.1 §9.2); nothing if there are others, or no UTF-8.
std::optional<std::string> octets_of(std::string_view text);
// And back: each octet as a code point, in UTF-8.
std::string text_of_octets(std::string_view octets);

// SQL's LIKE over the whole value. With `octets`, `_` is one octet, else one code point.
bool like(std::string_view wildcards, std::string_view value, bool octets);
// Bytes of the longest part that kMaxLikePiece bounds.
std::size_t longest_free_piece(std::string_view wildcards);

struct AddressBlock {
  std::array<std::uint8_t, 16> bytes{};  // host bits cleared; IPv4 in the first four
  std::uint8_t prefix = 0;
  bool v6 = false;

  // All of `other` lies in this block; the same block does, too.
  bool contains(const AddressBlock& other) const;
  bool operator==(const AddressBlock&) const = default;
};
// An address or CIDR block as STIX 2.1 §6.8 and §6.9 write them.
std::optional<AddressBlock> block_of(std::string_view text);

// PCRE text so that RE2 means the same by it (README.md lists what differs between them). kInvalid with the offset of
// what RE2 has no equal for. With `octets`, case is ASCII's (STIX 2.1 §9.6.1), and RE2 shall not ignore it once more.
Result<std::string> re2_of(std::string_view pcre, bool octets, bool ignore_case = false);

}  // namespace bongsu::detect
