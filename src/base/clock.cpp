#include "base/clock.h"

#include <time.h>

#include <fmt/format.h>

#include <limits>

namespace bongsu {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

bool digits(std::string_view text, std::size_t at, std::size_t count, int& out) {
  if (at + count > text.size()) return false;
  out = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  return true;
}

std::int64_t saturate(__int128 value) {
  if (value > std::numeric_limits<std::int64_t>::max()) return std::numeric_limits<std::int64_t>::max();
  if (value < std::numeric_limits<std::int64_t>::min()) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value);
}

}  // namespace

std::optional<Instant> Instant::parse(std::string_view text) {
  int year, month, day, hour, minute, second;
  if (!digits(text, 0, 4, year) || !digits(text, 5, 2, month) || !digits(text, 8, 2, day) ||
      !digits(text, 11, 2, hour) || !digits(text, 14, 2, minute) || !digits(text, 17, 2, second))
    return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') return std::nullopt;
  if (text[10] != 'T' && text[10] != 't') return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;

  std::size_t at = 19;
  std::int32_t nanos = 0;
  if (at < text.size() && text[at] == '.') {
    ++at;
    const std::size_t first = at;
    std::int32_t scale = 100'000'000;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      nanos += (text[at] - '0') * scale;
      scale /= 10;
      ++at;
    }
    if (at == first) return std::nullopt;
  }

  int offset_seconds = 0;
  if (at + 1 == text.size() && (text[at] == 'Z' || text[at] == 'z')) {
    // UTC
  } else if (at + 6 == text.size() && (text[at] == '+' || text[at] == '-') && text[at + 3] == ':') {
    int offset_hours, offset_minutes;
    if (!digits(text, at + 1, 2, offset_hours) || !digits(text, at + 4, 2, offset_minutes)) return std::nullopt;
    if (offset_hours > 23 || offset_minutes > 59) return std::nullopt;
    offset_seconds = (offset_hours * 3600 + offset_minutes * 60) * (text[at] == '-' ? -1 : 1);
  } else {
    return std::nullopt;
  }

  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  return Instant{days * 86400 + hour * 3600 + minute * 60 + second - offset_seconds, nanos};
}

Instant Instant::from_micros(std::int64_t micros) {
  std::int64_t seconds = micros / 1'000'000;
  std::int64_t rest = micros % 1'000'000;
  if (rest < 0) {
    rest += 1'000'000;
    --seconds;
  }
  return {seconds, static_cast<std::int32_t>(rest * 1000)};
}

Instant Instant::from_nanos(std::int64_t nanos) {
  std::int64_t seconds = nanos / kNanosPerSecond;
  std::int64_t rest = nanos % kNanosPerSecond;
  if (rest < 0) {
    rest += kNanosPerSecond;
    --seconds;
  }
  return {seconds, static_cast<std::int32_t>(rest)};
}

std::string Instant::text(int digits) const {
  std::int64_t days = seconds / 86400;
  std::int64_t rest = seconds % 86400;
  if (rest < 0) {
    rest += 86400;
    --days;
  }
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days}}};
  std::string out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), rest / 3600,
                                rest / 60 % 60, rest % 60);
  if (digits > 0) {
    const std::string fraction = fmt::format("{:09}", nanos);
    out += '.';
    out += std::string_view(fraction).substr(0, static_cast<std::size_t>(std::min(digits, 9)));
  }
  return out + 'Z';
}

std::int64_t Instant::micros() const { return saturate(static_cast<__int128>(seconds) * 1'000'000 + nanos / 1000); }
std::int64_t Instant::millis() const { return saturate(static_cast<__int128>(seconds) * 1000 + nanos / 1'000'000); }

Instant Instant::operator+(std::chrono::nanoseconds d) const {
  std::int64_t s = seconds + d.count() / kNanosPerSecond;
  std::int64_t n = nanos + d.count() % kNanosPerSecond;
  if (n < 0) {
    n += kNanosPerSecond;
    --s;
  } else if (n >= kNanosPerSecond) {
    n -= kNanosPerSecond;
    ++s;
  }
  return {s, static_cast<std::int32_t>(n)};
}

std::chrono::nanoseconds Instant::operator-(const Instant& other) const {
  return std::chrono::nanoseconds{
      saturate(static_cast<__int128>(seconds - other.seconds) * kNanosPerSecond + (nanos - other.nanos))};
}

Instant SystemClock::now() const {
  timespec ts{};
  ::clock_gettime(CLOCK_REALTIME, &ts);
  return {ts.tv_sec, static_cast<std::int32_t>(ts.tv_nsec)};
}

std::chrono::nanoseconds SystemClock::monotonic() const { return std::chrono::steady_clock::now().time_since_epoch(); }

Instant FakeClock::now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}
std::chrono::nanoseconds FakeClock::monotonic() const {
  const std::lock_guard lock(mutex_);
  return monotonic_;
}
void FakeClock::advance(std::chrono::nanoseconds d) {
  const std::lock_guard lock(mutex_);
  now_ = now_ + d;
  monotonic_ += d;
}
void FakeClock::jump_to(Instant now) {
  const std::lock_guard lock(mutex_);
  now_ = now;
}

}  // namespace bongsu
