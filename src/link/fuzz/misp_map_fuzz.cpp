// MISP events into STIX: every attribute is counted once, and what comes out conforms.
#include <cstdlib>

#include "link/misp_map.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  formats::MispProblems problems;
  const auto event = formats::parse_misp_event({reinterpret_cast<const char*>(data), size}, problems);
  if (!event) return 0;
  const auto mapped = link::map_misp_event(*event, {.feed_label = stix::Tlp::kGreen, .self = "cert-lt"});
  const auto counted = mapped.indicators + mapped.observed + mapped.vulnerabilities + mapped.others +
                       mapped.kept_as_they_are + mapped.deleted_attributes;
  if (counted > mapped.attributes || mapped.attributes - counted > mapped.problems.count) std::abort();
  return 0;
}
