// The fixed parts of a segment file; README.md tells them byte by byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bongsu::telemetry::segment_format {

inline constexpr std::uint64_t kMagic = 0x3147455355534742;     // "BGSUSEG1"
inline constexpr std::uint64_t kEndMagic = 0x31444e4555534742;  // "BGSUEND1"
inline constexpr std::uint32_t kBlockMagic = 0x4b4c4247;        // "GBLK"
// 1: a dictionary names blocks, which have one part each. 2: parts of blocks; the manifest says which runs they have.
inline constexpr std::uint32_t kOldestVersion = 1, kVersion = 2;

inline constexpr std::size_t kHeadBytes = 32, kBlockHeadBytes = 72, kFootBytes = 72;

// XXH3, 64 bits. The seed is the place in the file, so that whole parts cannot be exchanged unseen.
std::uint64_t checksum(std::string_view bytes, std::uint64_t place);

}  // namespace bongsu::telemetry::segment_format
