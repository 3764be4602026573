// CBOR as authenticators write it: RFC 8949, restricted to CTAP2's canonical form (CTAP 2.1 §8): definite lengths,
// numbers and lengths in their shortest form, no tags, no floating point, no key twice in a map.
//
//   BONGSU_TRY(const Cbor value, read_cbor(bytes));            // one value and nothing behind it
//   const Cbor* format = value.find("fmt");
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace bongsu::identity {

inline constexpr std::size_t kMaxCborDepth = 8;
inline constexpr std::size_t kMaxCborItems = 512;         // in all
inline constexpr std::size_t kMaxCborBytes = 256 * 1024;  // of the input

struct Cbor {
  enum class Kind : std::uint8_t { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kBool, kNull };
  Kind kind = Kind::kNull;
  std::uint64_t number = 0;                    // kNegative: −1 − number; kBool: 0 or 1
  std::string bytes;                           // of kBytes and kText
  std::vector<Cbor> items;                     // of kArray
  std::vector<std::pair<Cbor, Cbor>> members;  // of kMap, in order

  const Cbor* find(std::string_view text_key) const;  // nullptr: no map, or no such member
  const Cbor* find(std::int64_t number_key) const;
  bool is(std::int64_t value) const;  // this very number
  bool operator==(const Cbor&) const = default;
};

// kInvalid names the offset: what CTAP2 does not allow, text that is no UTF-8, or that ends too early. kTooLarge:
// deeper or more than the limits.
Result<Cbor> read_cbor(std::string_view bytes);  // nothing may follow
Result<Cbor> read_cbor_prefix(std::string_view bytes, std::size_t& used);
std::string write_cbor(const Cbor& value);  // the canonical bytes

}  // namespace bongsu::identity
