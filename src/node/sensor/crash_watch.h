// Which rule ends the sensor? Told after each end what was at work, says what the next process is to try apart, and at
// last which rule is to be set aside.
//
//   if (const auto guilty = watch.ended({.how = "signal 11", .work = memory.crashed_at()}, now)) set_aside(*guilty);
//   start.suspects = watch.suspects();
//   start.held = watch.held();
//
// 1. After kCrashesBeforeTrial crashes of one language's rules within kCrashWindow, the next process tries them apart
// (detect/rule_trial.h): on the event at which
//    the last one died, or before it builds them.
// 2. A process that dies while it tries a part leaves a smaller range to the next, down to one rule: that one is
// guilty.
// 3. Rules that do no harm apart but die together: they do not see that event. After kMaxLeftOut of these, or if they
// cannot be built, the language is held: its
//    rules are refused until the node starts again.
// So each way leads out of the loop. What is told is a sensor's word, and it is not trusted with more than it has: to
// set aside rules that it was to match.
//
// No clock, no process: a table of ends is its test.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "detect/work_slot.h"

namespace bongsu::node {

inline constexpr std::size_t kCrashesBeforeTrial = 2;
inline constexpr std::chrono::minutes kCrashWindow{10};
inline constexpr std::size_t kMaxLeftOut = 8;  // events of a language
inline constexpr std::size_t kMaxSuspects = 64;

class CrashWatch {
 public:
  struct End {
    std::string how;                   // "signal 11"
    std::optional<detect::Work> work;  // none: it was no rule
  };
  struct Guilty {
    std::uint64_t ref = 0;
    detect::Language language = detect::Language::kStix;
    std::string reason;
  };
  std::optional<Guilty> ended(const End& end, std::chrono::steady_clock::time_point now);

  const detect::Suspects& suspects() const { return suspects_; }
  const std::vector<detect::Language>& held() const { return held_; }
  // What was decided in the last call beside a guilty rule, for people; empty: nothing.
  const std::string& said() const { return said_; }

 private:
  struct Crash {
    detect::Language language;
    std::chrono::steady_clock::time_point at;
  };
  detect::Suspect* suspect_of(const detect::Work& work);
  void hold(detect::Language language);

  std::deque<Crash> crashes_;
  detect::Suspects suspects_;
  std::vector<detect::Language> held_;
  std::string said_;
};

}  // namespace bongsu::node
