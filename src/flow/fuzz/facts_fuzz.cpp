// Any text is the facts of an object or an error, and what is read has one text.
#include "flow/facts.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto facts = flow::parse_facts(text);
  if (!facts) return 0;
  BONGSU_CHECK(flow::stored_facts(*facts) == flow::without_given(text));
  BONGSU_CHECK(flow::stored_label(text) == facts->label.text());
  return 0;
}
