// A partner's stream, whole and byte by byte: both ways the consumer hands out the same rows, dense, and within its
// bounds.
#include <cstdlib>

#include "link/consumer.h"

namespace {

std::string rows(std::string_view stream, std::size_t step) {
  using namespace bongsu;
  static FakeClock clock;
  static SeededRandom random(1);
  link::Consumer consumer({.member = "m", .collection = "c", .alias = "a", .link_url = {"https", "p", 1, "/"}}, clock,
                          random, {});
  (void)consumer.request();
  if (!consumer.head(200, {{"Content-Type", "text/event-stream"}})) std::abort();
  for (std::size_t at = 0; at < stream.size(); at += step)
    if (!consumer.data(stream.substr(at, step))) break;
  std::string out;
  journal::Pos last = 0;
  for (auto batch = consumer.take(); !batch.items.empty(); batch = consumer.take()) {
    for (const auto& item : batch.items) {
      if (item.pos != last && item.pos != last + 1) std::abort();
      last = item.pos;
      out += item.cursor + "\n" + item.object_id + "\n" + item.bytes + "\n";
    }
    consumer.applied(batch, {});
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view stream(reinterpret_cast<const char*>(data), size);
  if (rows(stream, size + 1) != rows(stream, 1)) std::abort();
  bongsu::link::TailItem item{.kind = bongsu::link::TailItem::Kind::kObject, .pos = 1};
  (void)bongsu::link::read_tail_object(std::string(stream), item);  // what stands inside of a sealed object
  return 0;
}
