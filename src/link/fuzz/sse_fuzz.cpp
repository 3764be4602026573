// An event stream, whole and byte by byte: both ways the parser hands out the same events, whatever their fields. And
// what append_sse_data writes is read back as it was.
#include <fmt/format.h>

#include <cstdlib>

#include "link/sse.h"

namespace {

std::string events(std::string_view stream, std::size_t step) {
  using namespace bongsu;
  link::SseParser parser;
  std::string out;
  for (std::size_t at = 0; at < stream.size(); at += step) {
    const auto fed = parser.feed(stream.substr(at, step), [&](const link::SseEvent& event) {
      out += fmt::format("{}|{}|{}|{}\n", event.type, event.data, event.id, event.own_id);
      return true;
    });
    if (!fed) std::abort();  // nothing that fits in a fuzzer's input is too large
  }
  return out + fmt::format("{} {}", parser.retry_ms().value_or(0), parser.pending_bytes());
}

void round_trip(std::string_view data) {
  if (data.contains('\r')) return;
  std::string stream;
  bongsu::link::append_sse_data(stream, data);
  stream += '\n';
  bongsu::link::SseParser parser;
  int seen = 0;
  const auto fed = parser.feed(stream, [&](const bongsu::link::SseEvent& event) {
    if (event.data != data || event.type != "message") std::abort();
    ++seen;
    return true;
  });
  if (!fed || seen > 1 || (seen == 0 && !data.empty())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view stream(reinterpret_cast<const char*>(data), size);
  if (events(stream, size + 1) != events(stream, 1)) std::abort();
  round_trip(stream);
  return 0;
}
