// Map documents: any text is read or refused, and what was read can be built and looked up.
#include <cstdint>
#include <cstdlib>

#include "telemetry/field_map_document.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::telemetry;
  FieldMapBuilder builder;
  const auto read = read_map_document({reinterpret_cast<const char*>(data), size}, "fuzz", builder);
  const auto map = builder.build();
  if (!map) return 0;
  if (!read && !(*map)->rows().empty()) std::abort();
  for (const FieldRow& row : (*map)->rows())
    if ((*map)->row((*map)->field(row.path)).path != row.path) std::abort();
  return 0;
}
