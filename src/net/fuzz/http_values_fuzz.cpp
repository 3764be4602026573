// URLs, queries, Accept and Content-Type: what is accepted must come out the same when it is written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/http.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::net;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto url = parse_url(text)) {
    const auto again = parse_url(url->text());
    if (!again || again->host != url->host || again->port != url->port || again->target != url->target) std::abort();
    if (url->target.empty() || url->target[0] != '/') std::abort();
  }
  if (const auto pairs = parse_query(text)) {
    std::string written;
    for (const auto& [name, value] : *pairs) written += percent_encode(name) + "=" + percent_encode(value) + "&";
    if (parse_query(written).value() != *pairs) std::abort();
  }
  (void)parse_query(text, true);
  if (percent_decode(percent_encode(text)).value() != text) std::abort();
  if (const auto ranges = parse_accept(text))
    for (const auto& range : *ranges)
      if (range.q < 0 || range.q > 1 || range.type.empty() || range.subtype.empty()) std::abort();
  if (const auto type = parse_media_type(text))
    if (type->type == "*" || type->q != 1) std::abort();
  return 0;
}
