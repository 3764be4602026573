// One log of a store in memory: its right edge, and what is not in tiles on disk yet. Private to the store.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ledger/store.h"

namespace bongsu::ledger {

struct Store::Log {
  std::string name;
  std::uint64_t size = 0;
  std::vector<std::vector<Hash>> edge;  // per level: hashes of the tile that is not full
  std::vector<std::string> entries;     // of the bundle that is not full
  std::map<std::string, std::string> pending;  // tiles and bundles that are full: path in the log → bytes
  std::uint64_t settled = 0;                   // entries that tiles on disk cover
  std::vector<Opening> openings;               // of entries from `settled` on
  std::vector<std::string> partials;           // files of partial tiles on disk
  std::optional<Note> cosigned;

  std::string path(std::string_view rest) const { return "logs/" + name + "/" + std::string(rest); }
  Hash root() const;
  void add(Sealed&& entry);
};

std::string segment_path(std::uint64_t segment);
std::string openings_path(std::uint64_t bundle);
Hash tile_root(std::vector<Hash> hashes);  // of a number of hashes that is a power of two

}  // namespace bongsu::ledger
