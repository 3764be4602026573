#include "exercise/wire/iec104/time.h"

#include <chrono>

namespace bongsu::exercise::wire::iec104 {

WireTime wire_time(const Instant& instant) {
  using namespace std::chrono;
  const sys_seconds second{seconds{instant.seconds}};
  const auto day = floor<days>(second);
  const year_month_day date{day};
  const hh_mm_ss clock{second - day};
  WireTime out;
  out.milliseconds = static_cast<std::uint16_t>(clock.seconds().count() * 1000 + instant.nanos / 1'000'000);
  out.minute = static_cast<std::uint8_t>(clock.minutes().count());
  out.hour = static_cast<std::uint8_t>(clock.hours().count());
  out.day = static_cast<std::uint8_t>(static_cast<unsigned>(date.day()));
  out.weekday = static_cast<std::uint8_t>(weekday{day}.iso_encoding());
  out.month = static_cast<std::uint8_t>(static_cast<unsigned>(date.month()));
  const int year = static_cast<int>(date.year());
  out.invalid = year < 2000 || year > 2099;
  out.year = static_cast<std::uint8_t>(((year % 100) + 100) % 100);
  return out;
}

std::optional<Instant> instant_of(const WireTime& time) {
  using namespace std::chrono;
  if (time.milliseconds > 59'999 || time.minute > 59 || time.hour > 23 || time.year > 99) return std::nullopt;
  const year_month_day date{year{2000 + time.year}, month{time.month}, day{time.day}};
  if (!date.ok()) return std::nullopt;
  const auto seconds_of = sys_days{date}.time_since_epoch() + hours{time.hour} + minutes{time.minute};
  return Instant{duration_cast<seconds>(seconds_of).count() + time.milliseconds / 1000,
                 static_cast<std::int32_t>(time.milliseconds % 1000) * 1'000'000};
}

}  // namespace bongsu::exercise::wire::iec104
