// Files of stored telemetry: any bytes as a segment and as a spool; and, past the checksums, as a block and as a
// dictionary. Nothing that is given out may lie beyond what there is.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "telemetry/store/memory_files.h"
#include "telemetry/store/segment.h"

using namespace bongsu::telemetry;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  switch (data[0] % 3) {
    case 0: {
      MemoryFiles files;
      (void)files.create("a");
      files.bytes("a") = bytes;
      for (const auto& opened : {SegmentFile::open(files, "a"), SegmentFile::open_spool(files, "a")})
        if (opened) (void)(*opened)->verify();
      break;
    }
    case 1:
      if (const auto block = decode_block(bytes)) {
        std::size_t lines = 0;
        for (const auto& run : block->runs) lines += run.data.size();
        if (lines > bytes.size()) std::abort();
        // Each run alone: together they are all of it.
        const std::vector<bool> odd = {false, true, false, true}, even = {true, false, true, false};
        for (const auto* wanted : {&odd, &even}) {
          const auto some = decode_block(bytes, wanted);
          if (!some) std::abort();
          for (const auto& run : some->runs) lines -= std::min(lines, run.data.size());
        }
      }
      break;
    default: {
      const std::uint32_t blocks = data[1];
      const auto dictionary = KeyDictionary::open(bytes, blocks);
      if (!dictionary) break;
      const auto check = [&](std::span<const std::uint32_t> in) {
        for (const std::uint32_t block : in)
          if (block >= blocks) std::abort();
      };
      std::vector<std::uint64_t> asked;
      for (std::uint64_t i = 0; i < 64; ++i) asked.push_back(i << 58 | i << 16);
      dictionary->find(asked, [&](std::size_t, auto in) { check(in); });
      dictionary->find_range(0, ~std::uint64_t{0}, check);
    }
  }
  return 0;
}
