// CAP alerts of strangers: an alert, or an error with its line; what is read is written and read again as the same.
#include <cstdint>
#include <cstdlib>

#include "formats/cap.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::formats;
  const auto alert = read_cap({reinterpret_cast<const char*>(data), size}, "fuzz.xml");
  if (!alert) {
    if (alert.error().message.empty()) std::abort();
    return 0;
  }
  const auto written = write_cap(*alert);
  if (!written || *read_cap(*written, "again.xml") != *alert) std::abort();
  return 0;
}
