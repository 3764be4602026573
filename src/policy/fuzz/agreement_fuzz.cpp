// Any text is an agreement or an error; what is read reads back from what is written.
#include "policy/agreement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  const auto agreement = policy::parse_agreement({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!agreement) return 0;
  const auto again = policy::parse_agreement(policy::to_toml(*agreement), "again");
  BONGSU_CHECK(again && *again == *agreement);
  BONGSU_CHECK(!policy::explain(*agreement).empty() && !agreement->terms().empty());
  return 0;
}
