// What partners say to each other about recalls, before any signature is looked at.
#include <cstdlib>
#include <string>

#include "link/recall_server.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto resting = link::parse_resting_cursors(text)) {
    const auto again = link::parse_resting_cursors(link::resting_cursors_body(*resting));
    if (!again || again->run != resting->run || again->cursors.size() != resting->cursors.size()) std::abort();
  }
  for (const char* name : {"tombstones", "receipts"}) {
    const auto told = link::parse_signed_texts(name, text, flow::kMaxToldAtOnce);
    if (!told) continue;
    const auto again = link::parse_signed_texts(name, link::signed_texts_body(name, told->texts, told->upto, told->run),
                                                flow::kMaxToldAtOnce);
    if (!again || again->upto != told->upto || again->run != told->run || again->texts.size() != told->texts.size())
      std::abort();
  }
  return 0;
}
