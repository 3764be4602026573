// Syslog, CEF, LEEF, key=value and CSV: every field's view lies within its line, and the line's own text is always
// there.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "telemetry/line_batch.h"

using namespace bongsu::telemetry;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const char* first : {"no header\n", "time,src,url\n", "<34>1 2003-10-11T22:14:15.003Z h a - - ",
                            "CEF:0|a|b|c|d|e|1|", "LEEF:2.0|a|b|c|d|^|"}) {
    // Kept from input to input: their buffers cost more than reading one. Batches are cut by reader_fuzz.
    static BadLines bad;
    static EventParser parser(bad, FieldMap::standard(), true);
    static const auto source = std::make_shared<const std::string>("fuzz");
    parser.use(FieldMap::standard());
    std::vector<std::string> storage;
    const LineBatch batch{source, first + text, 0, 1, nullptr};
    parser.start(batch);
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
  return 0;
}
