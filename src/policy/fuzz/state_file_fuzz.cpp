// Any text is a policy state or an error; what is read reads back from what is written.
#include "policy/state_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  const auto state = policy::parse_state({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!state) {
    BONGSU_CHECK(!state.error().message.empty());
    return 0;
  }
  const auto again = policy::parse_state(to_text(policy::to_json(*state)), "again");
  BONGSU_CHECK(again && *again == *state);
  return 0;
}
