#include "ledger/tile.h"

#include <fmt/format.h>

#include <cstring>

#include "ledger/text_lines.h"

namespace bongsu::ledger {
namespace {

std::unexpected<Error> invalid(std::string_view path) {
  return fail(ErrorCode::kInvalid, "is not the path of a tile", {.source = std::string(path.substr(0, 100))});
}

}  // namespace

std::string tile_path(const TileName& name) {
  std::string index = fmt::format("{:03}", name.index % 1000);
  for (std::uint64_t rest = name.index / 1000; rest > 0; rest /= 1000) index = fmt::format("x{:03}/{}", rest % 1000, index);
  std::string path = name.entries ? "tile/entries/" + index : fmt::format("tile/{}/{}", name.level, index);
  if (name.width < kTileWidth) path += fmt::format(".p/{}", name.width);
  return path;
}

Result<TileName> parse_tile_path(std::string_view path) {
  std::string_view rest = path;
  if (!rest.starts_with("tile/")) return invalid(path);
  rest.remove_prefix(5);
  TileName name;
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return invalid(path);
  if (rest.substr(0, slash) == "entries") {
    name.entries = true;
  } else {
    const auto level = parse_decimal(rest.substr(0, slash));
    if (!level || *level > kMaxTileLevel) return invalid(path);
    name.level = static_cast<unsigned>(*level);
  }
  rest.remove_prefix(slash + 1);
  if (const std::size_t partial = rest.find(".p/"); partial != std::string_view::npos) {
    const auto width = parse_decimal(rest.substr(partial + 3));
    if (!width || *width == 0 || *width >= kTileWidth) return invalid(path);
    name.width = static_cast<unsigned>(*width);
    rest = rest.substr(0, partial);
  }
  // All elements but the last begin with x; no more than needed.
  for (int elements = 0;; ++elements) {
    const bool last = !rest.starts_with('x');
    if (!last) rest.remove_prefix(1);
    if (rest.size() < 3 || elements == 6) return invalid(path);
    unsigned number = 0;
    for (const char c : rest.substr(0, 3)) {
      if (c < '0' || c > '9') return invalid(path);
      number = number * 10 + static_cast<unsigned>(c - '0');
    }
    if (elements == 0 && !last && number == 0) return invalid(path);
    name.index = name.index * 1000 + number;
    rest.remove_prefix(3);
    if (last) break;
    if (!rest.starts_with('/')) return invalid(path);
    rest.remove_prefix(1);
  }
  if (!rest.empty()) return invalid(path);
  return name;
}

std::string tile_bytes(std::span<const Hash> hashes) {
  std::string out(hashes.size() * sizeof(Hash), '\0');
  for (std::size_t i = 0; i < hashes.size(); ++i) std::memcpy(out.data() + i * sizeof(Hash), hashes[i].data(), sizeof(Hash));
  return out;
}

Result<std::vector<Hash>> parse_tile(std::string_view bytes, unsigned width) {
  if (bytes.size() != width * sizeof(Hash))
    return fail(ErrorCode::kCorrupt, fmt::format("a tile of {} hashes has {} bytes, this has {}", width, width * sizeof(Hash), bytes.size()));
  std::vector<Hash> hashes(width);
  for (std::size_t i = 0; i < width; ++i) std::memcpy(hashes[i].data(), bytes.data() + i * sizeof(Hash), sizeof(Hash));
  return hashes;
}

std::string bundle_bytes(std::span<const std::string> entries) {
  std::string out;
  for (const auto& entry : entries) {
    BONGSU_CHECK(entry.size() <= kMaxEntryBytes);
    out += static_cast<char>(entry.size() >> 8);
    out += static_cast<char>(entry.size() & 0xff);
    out += entry;
  }
  return out;
}

Result<std::vector<std::string>> parse_bundle(std::string_view bytes, unsigned width) {
  std::vector<std::string> entries;
  std::size_t at = 0;
  const auto corrupt = [&](std::string why) {
    return fail(ErrorCode::kCorrupt, std::move(why), {.offset = at, .has_offset = true});
  };
  while (at < bytes.size()) {
    if (entries.size() == width) return corrupt(fmt::format("a bundle of {} entries goes on behind them", width));
    if (bytes.size() - at < 2) return corrupt("a bundle ends within a length");
    const std::size_t length = static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[at])) << 8 | static_cast<std::uint8_t>(bytes[at + 1]);
    if (bytes.size() - at - 2 < length) return corrupt("a bundle ends within an entry");
    entries.emplace_back(bytes.substr(at + 2, length));
    at += 2 + length;
  }
  if (entries.size() != width) return corrupt(fmt::format("a bundle of {} entries has {}", width, entries.size()));
  return entries;
}

std::uint64_t hashes_at_level(std::uint64_t size, unsigned level) {
  return level * kTileHeight >= 64 ? 0 : size >> (level * kTileHeight);
}

}  // namespace bongsu::ledger
