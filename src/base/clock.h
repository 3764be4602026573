// Time: instants of UTC to the nanosecond, and clocks as an interface.
//
//   Instant is exact and covers the years 0 to 9999 (STIX uses 9999-12-31 for "for ever").
//   Text is RFC 3339: Instant::parse("2026-11-21T21:00:00.123456Z").
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace bongsu {

struct Instant {
  std::int64_t seconds = 0;  // since 1970-01-01T00:00:00Z, no leap seconds
  std::int32_t nanos = 0;    // 0 … 999,999,999

  // RFC 3339 date-time with "Z" or an offset; digits beyond nanoseconds are cut. A leap second (:60) becomes the next second.
  // nullopt for anything else (also for dates that do not exist).
  static std::optional<Instant> parse(std::string_view text);
  static Instant from_micros(std::int64_t micros);
  static Instant from_nanos(std::int64_t nanos);

  // RFC 3339 in UTC with exactly this many fractional digits (0 to 9), cut, not rounded. TAXII wants 6.
  std::string text(int digits = 6) const;
  std::int64_t micros() const;  // floor; saturates outside ±292,000 years
  std::int64_t millis() const;

  Instant operator+(std::chrono::nanoseconds d) const;
  Instant operator-(std::chrono::nanoseconds d) const { return *this + (-d); }
  std::chrono::nanoseconds operator-(const Instant& other) const;  // saturates at ±292 years
  auto operator<=>(const Instant&) const = default;
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;                          // UTC; may jump
  virtual std::chrono::nanoseconds monotonic() const = 0;   // never goes back
};

class SystemClock final : public Clock {
 public:
  Instant now() const override;
  std::chrono::nanoseconds monotonic() const override;
};

// For tests and simulation: stands still until told. Safe from any thread.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Instant start = {1'767'225'600, 0}) : now_(start) {}  // 2026-01-01T00:00:00Z
  Instant now() const override;
  std::chrono::nanoseconds monotonic() const override;
  void advance(std::chrono::nanoseconds d);
  void jump_to(Instant now);  // moves UTC, not the monotonic time

 private:
  mutable std::mutex mutex_;
  Instant now_;
  std::chrono::nanoseconds monotonic_{0};
};

}  // namespace bongsu
