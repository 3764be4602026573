// A crisis that a person declared on this node: until it ends, agreements that are for the purpose `crisis` hold here.
//
//   BONGSU_TRY_VOID(registry.declare_crisis({.since = now, .until = now + 72h, .reason = "attacks on the grid", .by =
//   "olena"}));
//
// It ends by itself. What an agreement for crises alone released stays with its partner, as with any agreement that has
// ended; nothing new goes to it, and nothing is read by it, until the next one is declared. Where another agreement
// with the partner goes on, what the crisis alone permitted is taken back at its end, as when one of several agreements
// ends.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "policy/decide.h"

namespace bongsu::node {

inline constexpr std::chrono::hours kMaxCrisis{30 * 24};
inline constexpr std::size_t kMaxCrisisReason = 1024;

struct Crisis {
  Instant since, until;  // until exclusive
  std::string reason, by;

  bool in_force(Instant now) const { return now >= since && now < until; }
  JsonObject json() const;
  static Result<Crisis> parse(const Json& json);
  bool operator==(const Crisis&) const = default;
};

// kInvalid: no reason, no end ahead, one too far ahead.
Result<void> check_crisis(const Crisis& crisis, Instant now);

// What the newest crisis, which may have ended, makes of the agreements: those for crises and not for operations are
// for operations from its beginning to its end; clauses that forbid something in crises forbid it while it lasts.
void apply_crisis(policy::PolicyState& state, const Crisis& crisis, Instant now);

}  // namespace bongsu::node
