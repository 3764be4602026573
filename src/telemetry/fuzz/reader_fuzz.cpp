// Any bytes through decompression, line cutting and every line format; each event's views must lie within its line, but
// for the path of a TSV, which its header says.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "telemetry/batch_reader.h"
#include "telemetry/line_batch.h"

using namespace bongsu::telemetry;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  BadLines bad;
  BatchReader reader(open_memory({reinterpret_cast<const char*>(data), size}, "fuzz"), "fuzz", bad);
  EventParser parser(bad, FieldMap::standard(), true);
  std::vector<std::string> storage;
  std::size_t total = 0;
  while (total < (4U << 20)) {
    auto batch = reader.next();
    if (!batch || !*batch) break;
    total += (*batch)->data.size();
    parser.start(**batch);
    while (const EventView* event = parser.next()) {
      for (const Leaf& leaf : event->leaves)
        if (!(event->format == Format::kZeekTsv && std::string_view(leaf.key, leaf.key_size) == "_path") &&
            (leaf.value < event->raw.data() || leaf.value + leaf.size > event->raw.data() + event->raw.size()))
          std::abort();
      fields_of(*event, storage);
      event->time();
    }
  }
  return 0;
}
