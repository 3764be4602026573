// A stream of requests, whole and in pieces: both ways must give the same messages and the same error. The first bytes
// choose the pieces.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/http_parser.h"

namespace {

std::string read_all(std::string_view raw, std::uint8_t seed) {
  bongsu::net::RequestParser parser({.max_header_bytes = 2048, .max_body_bytes = 512});
  std::string seen;
  unsigned state = seed;
  while (true) {
    switch (parser.advance()) {
      case bongsu::net::ParseState::kNeedMore: {
        if (raw.empty()) return seen;
        state = state * 1'103'515'245u + 12'345u;
        const std::size_t piece = seed == 0 ? raw.size() : 1 + (state >> 16) % 17;
        parser.append(raw.substr(0, piece));
        raw.remove_prefix(std::min(piece, raw.size()));
        break;
      }
      case bongsu::net::ParseState::kHeader:
        seen += parser.expects_continue() && !parser.in_header() ? "h" : "H";
        break;
      case bongsu::net::ParseState::kComplete: {
        seen += parser.keep_alive() ? "K" : "C";
        seen += parser.http_1_0() ? "0" : "1";
        const auto request = parser.take();
        if (request.body.size() > 512 || request.path.empty()) std::abort();
        seen += request.method + '\0' + request.path + '\0' + request.query + '\0' + request.body + '\0';
        for (const auto& [name, value] : request.headers) seen += name + '\0' + value + '\0';
        break;
      }
      case bongsu::net::ParseState::kBad:
        return seen + std::to_string(parser.error().status) + parser.error().message;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view raw(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (read_all(raw, 0) != read_all(raw, static_cast<std::uint8_t>(data[0] | 1))) std::abort();
  return 0;
}
