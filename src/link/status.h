// What the console and the metrics show of a link.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"

namespace bongsu::link {

enum class LinkPhase { kIdle, kConnecting, kCatchingUp, kLive, kBackingOff, kRefused, kStopped, kSuspended };
std::string_view to_string(LinkPhase phase);

struct LinkStatus {
  std::string member, collection;        // remote collection's alias
  LinkPhase phase = LinkPhase::kIdle;
  std::uint64_t cursor = 0;              // last position applied
  std::uint64_t applied = 0, refused = 0;
  std::optional<std::int64_t> delay_us;  // publish at the partner → durable here, of the newest object
  std::optional<Instant> last_heard;
  std::string last_error;
  std::uint64_t withheld = 0;  // objects that could not be sealed to us, since the connection began anew
  std::string sealing;         // what is wrong with sealing on this link; empty: nothing that is known
};

}  // namespace bongsu::link
