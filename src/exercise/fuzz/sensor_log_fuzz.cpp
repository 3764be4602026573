// A sensor that hears anything, in either direction: whole lines of JSON, whatever it was.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exercise/wire/sensor_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  using namespace exercise::wire;
  if (size < 1) return 0;
  SensorLog log((data[0] & 1) != 0 ? Protocol::kIec104 : Protocol::kModbus, {"198.51.100.1", 40001},
                {"198.51.100.2", 502}, {});
  // Turns: pieces whose first octet says how long they are and who speaks.
  for (std::size_t at = 1; at < size;) {
    const std::size_t length = std::min<std::size_t>(data[at] >> 1, size - at - 1);
    const Side side = (data[at] & 1) != 0 ? Side::kServer : Side::kClient;
    const std::string lines = log.take(side, {reinterpret_cast<const char*>(data) + at + 1, length}, {});
    for (std::size_t begin = 0; begin < lines.size();) {
      const std::size_t end = lines.find('\n', begin);
      if (end == std::string::npos || !parse_json(std::string_view(lines).substr(begin, end - begin))) std::abort();
      begin = end + 1;
    }
    at += length + 1;
  }
  return 0;
}
