// CSV of strangers: rows, or an error with its line; what is read is written and read again as the same.
#include <cstdint>
#include <cstdlib>

#include "formats/csv.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::formats;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto rows = read_csv(text, "fuzz.csv");
  if (!rows) {
    if (rows.error().message.empty()) std::abort();
    return 0;
  }
  if (*read_csv(write_csv(*rows), "again.csv") != *rows) std::abort();
  static_cast<void>(read_csv_sheets(text, "fuzz.csv"));
  return 0;
}
