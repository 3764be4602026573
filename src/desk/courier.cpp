#include "desk/courier.h"

#include <fmt/format.h>

namespace bongsu::desk {

using namespace exercise::drill;

Result<void> Courier::went(const std::string& id, const std::string& how) {
  if (untold_.empty()) untold_since_ = clock_.monotonic();
  untold_.emplace_back(Evidence{.as = As::kDelivered, .object = id, .text = how});
  if (untold_.size() < kMostToldAtOnce && clock_.monotonic() - untold_since_ < kToldAtLeastEvery) return {};
  return tell();
}

Result<void> Courier::tell() {
  if (untold_.empty()) return {};
  const std::vector<Input> told = std::exchange(untold_, {});
  BONGSU_TRY(const auto taken, table_.take_all(told));
  for (std::size_t i = 0; i < told.size(); ++i)  // a jump back may have taken away what went
    if (!taken[i])
      say_(fmt::format("{} is not taken: {}", std::get<Evidence>(told[i]).object, taken[i].error().text()));
  return {};
}

Result<void> Courier::carry_out() {
  for (const TelemetryLines& lines : table_.look([](const Tabled& t) { return t.drill.pending_telemetry(); })) {
    if (auto done = post_.write(lines); !done) {
      BONGSU_TRY_VOID(tell());
      return done;
    }
    BONGSU_TRY_VOID(went(lines.id, ""));
  }
  for (const Delivery& delivery : table_.look([](const Tabled& t) { return t.drill.pending_deliveries(); })) {
    const auto waits = again_at_.find(delivery.id);
    if (waits != again_at_.end() && clock_.monotonic() < waits->second) continue;
    const auto done = post_.deliver(delivery);
    if (!done) {
      // Said once, until it goes.
      if (waits == again_at_.end()) say_(fmt::format("delivery {}: {}", delivery.id, done.error().text()));
      again_at_[delivery.id] = clock_.monotonic() + kDeliverAgain;
      continue;
    }
    if (waits != again_at_.end()) again_at_.erase(waits);
    if (!done->empty()) say_(fmt::format("{} goes out {}", delivery.id, *done));
    BONGSU_TRY_VOID(went(delivery.id, *done));
  }
  return tell();
}

}  // namespace bongsu::desk
