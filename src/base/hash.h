// Message digests (OpenSSL behind them). SHA-1 is here for UUIDv5 only (RFC 9562 §5.5); content is addressed by SHA-256.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace bongsu {

using Sha256 = std::array<std::uint8_t, 32>;
using Sha1 = std::array<std::uint8_t, 20>;

Sha256 sha256(std::string_view data);
Sha1 sha1(std::string_view data);

// Fast, not for adversaries who choose the input: 64-bit hash for tables and filters, stable across builds.
std::uint64_t hash64(std::string_view data, std::uint64_t seed = 0);

}  // namespace bongsu
