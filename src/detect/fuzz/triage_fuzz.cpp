// What is stored of alerts and what is asked of suppressions: read without a crash, and the same again after writing.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "detect/triage/groups.h"
#include "detect/triage/risk.h"
#include "detect/triage/suppression.h"

using namespace bongsu;
using namespace bongsu::detect;

template <class T>
void round_trip(const Json& json) {
  const auto read = T::parse(json);
  if (!read) return;
  const auto again = T::parse(*parse_json(to_text(read->json())));
  if (!again || !(*again == *read)) std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto pattern = EntityPattern::parse(text.substr(0, text.find('\n'))))
    for (const auto kind : {EntityKind::kHost, EntityKind::kAddress, EntityKind::kUser, EntityKind::kLog})
      pattern->matches({kind, kind == EntityKind::kAddress ? "10.1.2.3" : std::string(text.substr(text.size() / 2))});
  const auto json = parse_json(text);
  if (!json) return 0;
  round_trip<Entity>(*json);
  round_trip<triage::RiskFactors>(*json);
  round_trip<triage::Technique>(*json);
  round_trip<triage::Tally>(*json);
  round_trip<triage::Subject>(*json);
  if (const auto rule = triage::Suppression::parse(*json)) {
    (void)rule->check(Instant{1'000, 0});
    triage::Suppressions all;
    all.put(*rule);
    Alert alert;
    alert.entity = {EntityKind::kHost, "dc1"};
    (void)all.find(alert, Instant{1'000, 0});
  }
  return 0;
}
