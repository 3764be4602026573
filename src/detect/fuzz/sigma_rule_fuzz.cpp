// Rule files of any bytes: read, compiled, and put to an event.
#include <cstddef>
#include <cstdint>

#include "detect/sigma/set.h"
#include "telemetry/line_batch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu;
  using namespace bongsu::detect::sigma;
  if (size > 20'000) return 0;
  static const auto map = telemetry::FieldMap::standard();
  Collection collection;
  collection.add({reinterpret_cast<const char*>(data), size}, "fuzz");
  telemetry::FieldMapBuilder builder(*map);
  SigmaReport report;
  const auto set = SigmaSet::compile(std::move(collection).finish(), *map, builder, report);
  if (!set || (*set)->rules().empty()) return 0;
  const auto wide = builder.build();
  if (!wide) return 0;
  SigmaMatcher matcher;
  if (!matcher.use(*set)) return 0;
  telemetry::BadLines bad;
  telemetry::EventParser parser(bad, *wide);
  static const telemetry::LineBatch batch{
      std::make_shared<const std::string>("fuzz"),
      "{\"F\":\"a-b\",\"EventID\":1,\"Channel\":\"Security\",\"G\":null}\nsome text\n", 0, 1, nullptr};
  parser.start(batch);
  std::vector<SigmaMatch> matches;
  while (const auto* event = parser.next()) matcher.match(*event, matches);
  return 0;
}
