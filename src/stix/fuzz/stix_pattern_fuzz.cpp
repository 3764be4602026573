// The pattern parser over any bytes: an error has an offset within the text.
#include <cstdlib>

#include "stix/pattern.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto pattern = bongsu::stix::parse_pattern(text);
  if (!pattern && (!pattern.error().where.has_offset || pattern.error().where.offset > size) &&
      size <= bongsu::stix::kMaxPatternBytes)
    std::abort();
  return 0;
}
