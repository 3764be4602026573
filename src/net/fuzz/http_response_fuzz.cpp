// A response, whole and in pieces: both ways must give the same status, body and end.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/http_parser.h"

namespace {

std::string read_one(std::string_view raw, std::uint8_t seed, bool head) {
  bongsu::net::ResponseParser parser({.max_header_bytes = 2048, .max_body_bytes = 512});
  parser.expect(head);
  std::string body;
  unsigned state = seed;
  bool ended = false;
  while (true) {
    auto step = parser.advance();
    if (step == bongsu::net::ParseState::kNeedMore && raw.empty()) {
      step = parser.end_of_input();
      ended = true;
    }
    body += parser.take_body();
    if (body.size() > 512) std::abort();
    if (step == bongsu::net::ParseState::kNeedMore) {
      state = state * 1'103'515'245u + 12'345u;
      const std::size_t piece = seed == 0 ? raw.size() : 1 + (state >> 16) % 17;
      parser.append(raw.substr(0, piece));
      raw.remove_prefix(std::min(piece, raw.size()));
    } else if (step == bongsu::net::ParseState::kComplete) {
      return std::to_string(parser.status()) + (parser.keep_alive() ? "K" : "C") + (ended ? "E" : "") + body;
    } else if (step == bongsu::net::ParseState::kBad) {
      return "bad " + std::to_string(parser.error().status) + parser.error().message;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view raw(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool head = (data[0] & 0x80) != 0;
  if (read_one(raw, 0, head) != read_one(raw, static_cast<std::uint8_t>(data[0] | 1), head)) std::abort();
  return 0;
}
