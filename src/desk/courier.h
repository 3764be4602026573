// Takes what a drill has to send to its way (post.h) and tells the drill that it went, many at a time: one write to the
// log for all that went in a tenth of a second.
//
//   Courier courier(table, post, clock, [](const std::string& sentence) { … });
//   BONGSU_TRY_VOID(courier.carry_out());        // often: whatever can go now goes
//   BONGSU_TRY_VOID(courier.carry_out_new());    // between the pieces of a great moment: what is new goes
//
// To tell that something went, the drill has to live all that is due: between pieces it waits for the last of them.
//
// What went and was not told before a crash goes again.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "desk/post.h"
#include "desk/table.h"

namespace bongsu::desk {

inline constexpr std::size_t kMostToldAtOnce = 1'000;
inline constexpr std::chrono::milliseconds kToldAtLeastEvery{100};
inline constexpr std::chrono::milliseconds kDeliverAgain{1000};  // what could not go

class Courier {
 public:
  // All of it outlives the courier. `say`: what people should know.
  Courier(Table& table, Post& post, const Clock& clock, std::function<void(const std::string&)> say)
      : table_(table), post_(post), clock_(clock), say_(std::move(say)) {}

  // Until nothing is left that can go now. An error ends the desk: telemetry or the log can't be written.
  Result<void> carry_out();
  // What was offered since the last call, once; nothing is told yet.
  Result<void> carry_out_new();

 private:
  Result<void> carry_out_from(std::uint64_t from, bool telling);
  Result<void> went(const std::string& id, const std::string& how);
  Result<void> tell();

  Table& table_;
  Post& post_;
  const Clock& clock_;
  const std::function<void(const std::string&)> say_;
  std::vector<exercise::drill::Input> untold_;
  std::uint64_t offered_ = 0;  // known of, by the drill's count
  bool telling_ = true;
  std::chrono::nanoseconds untold_since_{0};
  std::map<std::string, std::chrono::nanoseconds> again_at_;  // deliveries that could not go
};

}  // namespace bongsu::desk
