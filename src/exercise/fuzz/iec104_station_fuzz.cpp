// A station that hears anything: it ends the connection or answers with whole frames.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exercise/wire/iec104/frame.h"
#include "exercise/wire/iec104/station.h"
#include "exercise/wire/local_process.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  using namespace exercise::wire;
  static const PointList list = *read_point_list(
      "name,kind,value,ioa,command,select,cyclic_s\ncb,double,1,100,1100,yes,\nu,real,110,140,,,1\ntap,step,0,120,1120,"
      ",\ne,counter,7,200,,,\n",
      "fuzz");
  FakeClock clock;
  Points points(points_of(list), clock.now());
  LocalProcess process(list, points, clock);
  iec104::Station station(list, points, process, {.max_events = 20}, clock);
  const auto session = station.accept("fuzz");
  if (!session->receive(iec104::unnumbered_frame(iec104::Function::kStartAct))) std::abort();
  // Pieces of up to 64 octets; between them time passes.
  for (std::size_t at = 0; at < size; at += 64) {
    const bool open =
        session->receive({reinterpret_cast<const char*>(data) + at, std::min<std::size_t>(64, size - at)}).has_value();
    const std::string out = session->take_output();
    for (std::size_t begin = 0; begin < out.size();) {
      const auto frame = iec104::take_frame(out, begin);
      if (!frame || !*frame) std::abort();
    }
    clock.advance(std::chrono::milliseconds(700));
    if (!open || !session->wake()) break;
  }
  return 0;
}
