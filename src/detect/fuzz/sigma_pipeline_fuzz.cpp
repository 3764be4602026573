// Pipelines of any bytes, applied to a rule and a correlation.
#include <cstddef>
#include <cstdint>

#include "detect/sigma/collection.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::detect::sigma;
  if (size > 20'000) return 0;
  auto pipeline = Pipeline::read({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!pipeline) return 0;
  Collection collection;
  collection.add_pipeline(std::move(*pipeline));
  collection.add(
      "title: r\nname: r\nlogsource: {product: windows}\ndetection: {s: {F|expand: 'a%b%c', G: 5, H: null, I|re: x}, "
      "t: [k], condition: s "
      "and not t}\nlevel: low\ntags: [attack.t1059]\n---\ntitle: c\ncorrelation: {type: event_count, rules: [r], "
      "group-by: [F], timespan: 1m, "
      "condition: {gte: 2}}\n",
      "r.yml");
  (void)std::move(collection).finish();
  return 0;
}
