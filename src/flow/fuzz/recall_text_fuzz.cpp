// What a partner sends about recalls: what is read once is written and read again the same.
#include <cstdlib>

#include "flow/recall_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::flow;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto tombstone = Tombstone::parse(text)) {
    const auto again = Tombstone::parse(tombstone->text());
    if (!again || again->text() != tombstone->text()) std::abort();
  }
  if (const auto receipt = RecallReceipt::parse(text)) {
    const auto again = RecallReceipt::parse(receipt->text());
    if (!again || again->text() != receipt->text()) std::abort();
  }
  if (const auto json = bongsu::parse_json(text)) (void)SignedText::parse(*json);
  return 0;
}
