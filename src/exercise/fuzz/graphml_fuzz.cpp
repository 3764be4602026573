// Operators' topologies from any bytes: what is taken can be put on the map and live.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exercise/range/telecom/graphml.h"
#include "exercise/range/telecom/live.h"
#include "exercise/range/telecom/tables.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::exercise;
  const auto topology = telecom::read_graphml({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!topology) return 0;
  const telecom::Network network =
      telecom::on_the_map(*topology, "x.", [](std::string_view) { return Position{55, 24}; });
  if (!telecom::LiveTelecom::make(network)) std::abort();
  return 0;
}
