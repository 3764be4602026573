// Any text is an agreement to be signed or an error; what is read reads back from what is written, in text and
// container.
#include "policy/memorandum.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto document = policy::parse_signed_memorandum(text, "fuzz"); document) {
    const auto again = policy::parse_signed_memorandum(document->text(), "again");
    BONGSU_CHECK(again && *again == *document && again->digest() == document->digest());
  }
  const auto terms = policy::parse_memorandum(text, "fuzz");
  BONGSU_CHECK(!terms || policy::is_memorandum(text));
  if (!terms) return 0;
  const auto again = policy::parse_memorandum(policy::to_toml(*terms), "again");
  BONGSU_CHECK(again && *again == *terms);
  BONGSU_CHECK(!policy::explain(*terms).empty() && policy::differences(*terms, *again).empty());
  return 0;
}
