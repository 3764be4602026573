// Times on the wire: CP56Time2a (seven octets, to the millisecond), CP24Time2a (three octets: within the hour), IEC
// 60870-5-4 §6.8 and 60870-5-101 §7.2.6.18, .19.
//
// The standard leaves open whether stations use UTC or local time; ours use UTC, and the bit for summer time stays 0.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace bongsu::exercise::wire::iec104 {

struct WireTime {
  std::uint16_t milliseconds = 0;  // within the minute: 0 to 59,999
  std::uint8_t minute = 0;
  bool invalid = false;      // IV: the station's clock isn't set
  bool substituted = false;  // GEN: not by the station itself
  // CP56Time2a only:
  std::uint8_t hour = 0;
  bool summer = false;       // SU
  std::uint8_t day = 0;      // 1 to 31
  std::uint8_t weekday = 0;  // 1 = Monday, 0: not used
  std::uint8_t month = 0;    // 1 to 12
  std::uint8_t year = 0;     // 0 to 99: 2000 to 2099
  bool operator==(const WireTime&) const = default;
};

// The instant in UTC, cut to milliseconds. Years outside of 2000 to 2099 are marked invalid.
WireTime wire_time(const Instant& instant);
// nullopt when a field is out of its range, or the day doesn't exist.
std::optional<Instant> instant_of(const WireTime& time);

}  // namespace bongsu::exercise::wire::iec104
