// MISP events and manifests: whatever they hold, problems are counted and no part is invented.
#include <cstdlib>

#include "formats/misp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  bongsu::formats::MispProblems problems;
  const auto event = bongsu::formats::parse_misp_event(text, problems);
  if (event && event->attributes.size() > size) std::abort();
  bongsu::formats::MispProblems others;
  const auto manifest = bongsu::formats::parse_misp_manifest(text, others);
  if (manifest && manifest->size() > size) std::abort();
  if (others.first.size() > others.count) std::abort();
  return 0;
}
