// Workbooks of strangers: within the limits or an error; what is read is written and read again as the same.
#include <cstdint>
#include <cstdlib>

#include "formats/xlsx.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::formats;
  const auto book = read_xlsx({reinterpret_cast<const char*>(data), size}, "fuzz.xlsx");
  if (!book) {
    if (book.error().message.empty()) std::abort();
    return 0;
  }
  const auto bytes = write_xlsx(*book);
  if (!bytes) return 0;  // names and lengths that are read and not written
  const auto again = read_xlsx(*bytes, "again.xlsx");
  if (!again || *again != *book) std::abort();
  return 0;
}
