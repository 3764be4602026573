// Zeek header lines and rows: the first lines are headers, the rest rows under them.
#include <cstddef>
#include <cstdint>
#include <string>

#include "telemetry/line_batch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::telemetry;
  BadLines bad;
  LineBatch batch{std::make_shared<const std::string>("fuzz"),
                  "#separator \\x09\n#fields\tts\tid.orig_h\tanswers\n#types\ttime\taddr\tvector[string]\n" +
                      std::string(reinterpret_cast<const char*>(data), size),
                  0, 1, nullptr};
  EventParser parser(bad);
  parser.start(batch);
  std::vector<std::string> storage;
  while (const EventView* event = parser.next()) fields_of(*event, storage);
  return 0;
}
