// Extracts from any bytes, cut in four: what is built has a solution and comes back from its case.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exercise/range/power/build_grid.h"
#include "exercise/range/power/matpower.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::exercise::power;
  std::string_view rest(reinterpret_cast<const char*>(data), size), part[4];
  for (auto& one : part) {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    one = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const auto grid = build_grid({part[0], part[1], part[2], part[3]}, {.countries = {"LT"}});
  if (grid && !read_case(write_case(grid->network, grid->remarks), "built")) std::abort();
  return 0;
}
