// Drill logs out of any text: what is taken can be written again to the same bytes, and what is not is named.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "exercise/drill/input.h"
#include "exercise/drill/log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::exercise::drill;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const LogRead read = read_log(text, "fuzz");
  if (!read.trouble != (read.whole_bytes == size)) std::abort();
  LogWriter writer;
  std::string again;
  for (const Entry& entry : read.entries) {
    again += writer.line(entry);
    const auto input = input_of(entry);
    if (input && *input && !entry_of(**input)) std::abort();
  }
  if (again != text.substr(0, read.whole_bytes)) std::abort();
  static_cast<void>(counting(read.entries));
  return 0;
}
