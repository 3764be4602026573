// Cases from any bytes: what is taken comes back the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exercise/range/power/matpower.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::exercise::power;
  const auto network = read_case({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!network) return 0;
  const auto again = read_case(write_case(*network), "written");
  if (!again) std::abort();
  Network first = *network, second = *again;
  first.name = second.name = "";
  // A line's end within a name is written as a space.
  for (auto* one : {&first, &second})
    for (Bus& bus : one->buses) bus.name.clear();
  if (!(first == second)) std::abort();
  return 0;
}
