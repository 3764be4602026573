// Archives of warning lists.
#include <cstddef>
#include <cstdint>

#include "detect/tar.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto source = bongsu::telemetry::open_memory({reinterpret_cast<const char*>(data), size}, "fuzz");
  (void)bongsu::detect::read_tar(*source, [](const std::string&, const std::string&) { return true; });
  return 0;
}
