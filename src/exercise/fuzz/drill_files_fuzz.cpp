// What people and earlier drills hand in: policies of scripted teams, items to get better, scorecards, patterns. What
// is taken can be written again, and is then the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "exercise/drill/baseline.h"
#include "exercise/report/items.h"
#include "exercise/scoring/score.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto policy = exercise::drill::read_policy(text, "fuzz");
      policy && !(policy->does >= 0 && policy->does <= 1))
    std::abort();
  if (const auto items = exercise::report::read_items(text, "fuzz")) {
    const auto again = exercise::report::read_items(exercise::report::write_items(*items, "x"), "fuzz");
    if (!again || *again != *items) std::abort();
  }
  if (const auto json = parse_json(text))
    if (const auto card = exercise::scoring::scorecard_of(*json)) {
      const auto written = exercise::scoring::to_json(*card);
      const auto again = exercise::scoring::scorecard_of(written);
      if (!again || exercise::scoring::to_json(*again) != written) std::abort();
    }
  for (const std::string& value : exercise::drill::values_of(text))
    if (value.size() > text.size() + 1) std::abort();
  return 0;
}
