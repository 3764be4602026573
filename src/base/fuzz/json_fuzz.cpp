// Whatever parses must print and parse again to the same value, and have one canonical text.
#include <cstdint>
#include <string_view>

#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = bongsu::parse_json({reinterpret_cast<const char*>(data), size});
  if (!value) return 0;
  const auto again = bongsu::parse_json(bongsu::to_text(*value));
  BONGSU_CHECK(again.has_value() && *again == *value);
  const auto canonical = bongsu::to_canonical_text(*value);
  if (!canonical) return 0;
  const auto reread = bongsu::parse_json(*canonical);
  BONGSU_CHECK(reread.has_value());
  const auto again_canonical = bongsu::to_canonical_text(*reread);
  // A double beyond 2^53 is written as an integer, which we refuse to read as one.
  if (again_canonical) BONGSU_CHECK(*again_canonical == *canonical);
  return 0;
}
