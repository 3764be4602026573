// Alerts from any JSON: what is taken comes back the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "detect/alert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  const auto json = parse_json({reinterpret_cast<const char*>(data), size});
  if (!json) return 0;
  const auto alert = detect::Alert::parse(*json);
  if (!alert) return 0;
  const std::string text = to_text(alert->json());
  const auto again = detect::Alert::parse(*parse_json(text));
  if (!again || to_text(again->json()) != text) std::abort();
  return 0;
}
