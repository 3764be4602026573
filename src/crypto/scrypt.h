// scrypt (RFC 7914): the part beneath hash_password.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bongsu::crypto {

struct ScryptCost {
  std::uint32_t log2_n = 15;
  std::uint32_t r = 8;
  std::uint32_t p = 1;
};

// What a stored password may ask of us at most: 128·N·r bytes and N·r·p steps.
inline constexpr std::uint64_t kScryptMaxMemory = 128ull * 1024 * 1024;
inline constexpr std::uint32_t kScryptMaxP = 16;

// `length` bytes of key. kInvalid when the cost is out of range, kInternal when memory is short.
Result<std::string> scrypt(std::string_view password, std::string_view salt, const ScryptCost& cost,
                           std::size_t length);

}  // namespace bongsu::crypto
