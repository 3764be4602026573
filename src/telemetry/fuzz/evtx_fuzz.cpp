// Any bytes as a chunk of a Windows event log: what comes out must be lines of JSON, within the limits.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/json.h"
#include "telemetry/evtx.h"

using namespace bongsu::telemetry;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string chunk("ElfChnk\0", 8);
  chunk.resize(512, '\0');
  chunk.append(reinterpret_cast<const char*>(data), std::min(size, kEvtxChunkBytes - 512));
  // The records' frames are hard to guess: the first is put right.
  if (chunk.size() > 512 + 32) {
    const auto record = static_cast<std::uint32_t>(chunk.size() - 512);
    chunk.replace(512, 4, std::string("**\0\0", 4));
    chunk.replace(516, 4, reinterpret_cast<const char*>(&record), 4);
    chunk.replace(chunk.size() - 4, 4, reinterpret_cast<const char*>(&record), 4);
  }
  std::string lines;
  std::vector<bongsu::Error> troubles;
  render_evtx_chunk(chunk, 0, lines, troubles);
  if (lines.size() > kMaxEvtxChunkText) std::abort();
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = lines.find('\n', at);
    if (end == lines.npos || !bongsu::parse_json(std::string_view(lines).substr(at, end - at))) std::abort();
    at = end + 1;
  }
  return 0;
}
