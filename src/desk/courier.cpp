#include "desk/courier.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace bongsu::desk {

using namespace exercise::drill;

Result<void> Courier::went(const std::string& id, const std::string& how) {
  if (untold_.empty()) untold_since_ = clock_.monotonic();
  untold_.emplace_back(Evidence{.as = As::kDelivered, .object = id, .text = how});
  if (!telling_) return {};
  if (untold_.size() < kMostToldAtOnce && clock_.monotonic() - untold_since_ < kToldAtLeastEvery) return {};
  return tell();
}

Result<void> Courier::tell() {
  if (untold_.empty()) return {};
  const std::vector<Input> all = std::exchange(untold_, {});
  for (std::size_t begin = 0; begin < all.size(); begin += kMostToldAtOnce) {
    const auto told = std::span(all).subspan(begin, std::min(kMostToldAtOnce, all.size() - begin));
    BONGSU_TRY(const auto taken, table_.take_all(told));
    for (std::size_t i = 0; i < told.size(); ++i)  // a jump back may have taken away what went
      if (!taken[i])
        say_(fmt::format("{} is not taken: {}", std::get<Evidence>(told[i]).object, taken[i].error().text()));
  }
  return {};
}

Result<void> Courier::carry_out_new() { return carry_out_from(offered_, false); }

Result<void> Courier::carry_out() {
  BONGSU_TRY_VOID(tell());  // of what went before, so that it is not offered again
  return carry_out_from(0, true);
}

Result<void> Courier::carry_out_from(std::uint64_t from, bool telling) {
  telling_ = telling;
  auto [telemetry, deliveries] = table_.look([&](const Tabled& t) {
    offered_ = t.drill.outs();
    return std::pair(t.drill.pending_telemetry(from), t.drill.pending_deliveries(from));
  });
  for (const TelemetryLines& lines : telemetry) {
    if (auto done = post_.write(lines); !done) {
      BONGSU_TRY_VOID(tell());
      return done;
    }
    BONGSU_TRY_VOID(went(lines.id, ""));
  }
  for (const Delivery& delivery : deliveries) {
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
  if (!telling) return {};
  return tell();
}

}  // namespace bongsu::desk
