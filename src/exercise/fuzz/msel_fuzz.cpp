// Lists of strangers: a scenario, or reasons; what is read goes out and in again as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exercise/scenario/msel.h"
#include "formats/csv.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::exercise::scenario;
  const auto sheets = bongsu::formats::read_csv_sheets({reinterpret_cast<const char*>(data), size}, "fuzz.csv");
  if (!sheets) return 0;
  const auto scenario = from_msel(*sheets, "fuzz.csv");
  if (!scenario) {
    if (scenario.error().list.empty()) std::abort();
    return 0;
  }
  const auto again = from_msel(to_msel(*scenario), "again.csv");
  if (!again || *again != *scenario) std::abort();
  return 0;
}
