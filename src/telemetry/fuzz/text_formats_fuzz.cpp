// Syslog, CEF, LEEF, key=value and CSV: every field's view lies within its line, and the line's own text is always
// there.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "telemetry/batch_reader.h"
#include "telemetry/line_batch.h"

using namespace bongsu::telemetry;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const char* first : {"no header\n", "time,src,url\n", "<34>1 2003-10-11T22:14:15.003Z h a - - ",
                            "CEF:0|a|b|c|d|e|1|", "LEEF:2.0|a|b|c|d|^|"}) {
    BadLines bad;
    BatchReader reader(open_memory(first + text, "fuzz"), "fuzz", bad);
    EventParser parser(bad, FieldMap::standard(), true);
    std::vector<std::string> storage;
    while (true) {
      auto batch = reader.next();
      if (!batch || !*batch) break;
      parser.start(**batch);
      while (const EventView* event = parser.next()) {
        bool whole =
            event->raw.starts_with('{') || event->format == Format::kZeekTsv || event->raw.find('{') != event->raw.npos;
        for (const Leaf& leaf : event->leaves) {
          if (event->format == Format::kZeekTsv) continue;
          if (leaf.value < event->raw.data() || leaf.value + leaf.size > event->raw.data() + event->raw.size())
            std::abort();
          whole = whole || leaf.raw() == event->raw;
        }
        if (!whole) std::abort();
        fields_of(*event, storage);
        event->time();
      }
    }
  }
  return 0;
}
