// Tiles, bundles, their paths, and the store's own files.
#include <cstdlib>

#include "ledger/leaf.h"
#include "ledger/tile.h"
#include "ledger/wal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::ledger;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const unsigned width = data[0] == 0 ? kTileWidth : data[0];
  if (const auto name = parse_tile_path(text); name && tile_path(*name) != text) std::abort();
  if (const auto hashes = parse_tile(text, width); hashes && tile_bytes(*hashes) != text) std::abort();
  if (const auto entries = parse_bundle(text, width); entries && bundle_bytes(*entries) != text) std::abort();
  if (const auto group = decode_group(text)) {
    const auto again = decode_group(encode_group(*group));
    if (!again || again->logs.size() != group->logs.size() || again->cursors != group->cursors) std::abort();
  }
  (void)read_segment(text, 1);
  (void)read_openings(text);
  if (const auto leaf = Leaf::parse(text); leaf && leaf->text() != text) std::abort();
  return 0;
}
