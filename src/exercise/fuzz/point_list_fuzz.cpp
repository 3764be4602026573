// Lists of points out of any text: what is taken can be put on the wire.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exercise/wire/modbus/client.h"
#include "exercise/wire/point_list.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::exercise::wire;
  const auto list = read_point_list({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!list) {
    if (list.error().message.empty()) std::abort();
    return 0;
  }
  const Points points(points_of(*list));
  for (const auto& read : modbus::plan_reads(*list)) static_cast<void>(modbus::to_pdu(read.request));
  return 0;
}
