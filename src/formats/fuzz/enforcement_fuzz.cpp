// Any bytes as a value of any kind, in every format: nothing that ends a line, and only printable ASCII and tabs.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "formats/enforcement.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::formats;
  if (size < 1) return 0;
  const std::string value(reinterpret_cast<const char*>(data) + 1, size - 1);
  const EnforcementItem item{static_cast<EnforcementKind>(data[0] % 12), value, value, value};
  for (std::size_t f = 0; f < kEnforcementFormats; ++f) {
    EnforcementWriter writer(static_cast<EnforcementFormat>(f), {.zone = value, .serial = 1});
    (void)writer.write(item, [](std::size_t, std::string_view text) {
      if (!text.ends_with('\n')) std::abort();
      std::size_t lines = 0;
      for (const char c : text) {
        if (c != '\n' && c != '\t' && (c < ' ' || c > '~')) std::abort();
        lines += c == '\n' ? 1 : 0;
      }
      if (lines > 2) std::abort();
    });
  }
  return 0;
}
