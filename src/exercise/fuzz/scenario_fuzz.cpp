// Scenarios of strangers: read or refused with reasons; what is read is written and read again as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exercise/scenario/read.h"
#include "exercise/scenario/write.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::exercise::scenario;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto form = parse_scenario(text, "fuzz.yaml");
  if (!form) {
    if (form.error().list.empty()) std::abort();
    return 0;
  }
  const auto again = parse_scenario(write_scenario(*form), "again.yaml");
  if (!again || *again != *form) std::abort();
  const auto whole = read_scenario(text, "fuzz.yaml");
  if (!whole && whole.error().list.empty()) std::abort();
  return 0;
}
