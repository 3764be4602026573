// Tiles and entry bundles (C2SP tlog-tiles): their names and their bytes.
//
//   tile_path({.level = 0, .index = 1234067})              "tile/0/x001/x234/067"
//   tile_path({.entries = true, .index = 0, .width = 17})  "tile/entries/000.p/17"
#pragma once

#include <cstdint>
#include <string>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ledger/merkle.h"

namespace bongsu::ledger {

inline constexpr unsigned kTileWidth = 256;
inline constexpr unsigned kTileHeight = 8;
inline constexpr unsigned kMaxTileLevel = 63;
inline constexpr std::size_t kMaxEntryBytes = 0xffff;  // the length prefix has 16 bits

struct TileName {
  bool entries = false;     // a bundle of entries; level is 0
  unsigned level = 0;
  std::uint64_t index = 0;
  unsigned width = kTileWidth;  // less: partial

  bool operator==(const TileName&) const = default;
};

std::string tile_path(const TileName& name);
Result<TileName> parse_tile_path(std::string_view path);  // kInvalid

std::string tile_bytes(std::span<const Hash> hashes);
// kCorrupt unless it has exactly `width` hashes.
Result<std::vector<Hash>> parse_tile(std::string_view bytes, unsigned width);

std::string bundle_bytes(std::span<const std::string> entries);
// kCorrupt with the offset unless it has exactly `width` entries.
Result<std::vector<std::string>> parse_bundle(std::string_view bytes, unsigned width);

// The tile of a log of `size` entries at `level` that holds its right edge: floor(size / 256^level) hashes are at that level.
std::uint64_t hashes_at_level(std::uint64_t size, unsigned level);

}  // namespace bongsu::ledger
