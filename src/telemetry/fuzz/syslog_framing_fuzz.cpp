// A syslog stream in one piece and byte by byte gives the same lines, and holds back no more than the limit.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "telemetry/syslog_framing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::telemetry;
  const std::string_view stream(reinterpret_cast<const char*>(data), size);
  SyslogFraming whole, pieces;
  std::string once, often;
  const bool good = whole.feed(stream, once).has_value();
  bool all = true;
  for (std::size_t i = 0; i < size && all; ++i) all = pieces.feed(stream.substr(i, 1), often).has_value();
  if (good != all) std::abort();
  if (!good) return 0;
  whole.finish(once);
  pieces.finish(often);
  if (once != often) std::abort();
  return 0;
}
