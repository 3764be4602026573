// Labels, bindings and policies in XML: what is read is written and read back as the same value.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "formats/spif.h"
#include "formats/stanag4774.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::formats;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto read = read_confidentiality_label(text, ""))
    if (const auto again = write_confidentiality_label(read->label))
      if (const auto back = read_confidentiality_label(*again, "");
          !back || back->label.classification != read->label.classification ||
          back->label.categories != read->label.categories)
        std::abort();
  if (const auto read = read_binding(text, ""); read && read->bindings.empty()) std::abort();
  if (const auto policy = read_spif(text, ""))
    (void)policy->problems_of({.policy = "NATO", .classification = "SECRET"});
  return 0;
}
