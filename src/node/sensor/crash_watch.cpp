#include "node/sensor/crash_watch.h"

#include <fmt/format.h>

#include <algorithm>

namespace bongsu::node {

using detect::Step;
using detect::Suspect;
using detect::Work;

Suspect* CrashWatch::suspect_of(const Work& work) {
  const auto at = std::ranges::find_if(
      suspects_, [&](const Suspect& s) { return s.language == work.language && s.event == work.event; });
  return at == suspects_.end() ? nullptr : &*at;
}

void CrashWatch::hold(detect::Language language) {
  std::erase_if(suspects_, [&](const Suspect& s) { return s.language == language; });
  if (std::ranges::find(held_, language) == held_.end()) held_.push_back(language);
  said_ = fmt::format(
      "{} rules end the sensor, and no single one of them is to blame: all are held until the node starts again",
      to_string(language));
}

std::optional<CrashWatch::Guilty> CrashWatch::ended(const End& end, std::chrono::steady_clock::time_point now) {
  said_.clear();
  if (!end.work) return std::nullopt;
  const Work& work = *end.work;
  const std::string name(to_string(work.language));
  if (work.step == Step::kTry) {
    // Also without a suspect: rules whose time ran out are tried apart by the sensor itself.
    Suspect* suspect = suspect_of(work);
    if (work.refs.first == work.refs.last) {
      if (suspect != nullptr) suspects_.erase(suspects_.begin() + (suspect - suspects_.data()));
      return Guilty{.ref = work.refs.first,
                    .language = work.language,
                    .reason = fmt::format("it ended the sensor by itself ({}) {}", end.how,
                                          work.event ? "while it looked at an event" : "while it was built")};
    }
    if (suspect == nullptr) {
      if (suspects_.size() >= kMaxSuspects) suspects_.erase(suspects_.begin());
      suspect = &suspects_.emplace_back(Suspect{.language = work.language, .event = work.event});
    }
    suspect->refs = work.refs;
    said_ = fmt::format("{} rules end the sensor: one of the entries {} to {}", name, work.refs.first, work.refs.last);
    return std::nullopt;
  }
  std::erase_if(crashes_, [&](const Crash& crash) { return now - crash.at > kCrashWindow; });
  crashes_.push_back({work.language, now});
  if (Suspect* suspect = suspect_of(work)) {
    // The process that died had tried them apart, and they did no harm.
    if (!work.event) {
      hold(work.language);
      return std::nullopt;
    }
    suspect->leave_out = true;
    const auto left_out =
        std::ranges::count_if(suspects_, [&](const Suspect& s) { return s.language == work.language && s.leave_out; });
    if (static_cast<std::size_t>(left_out) > kMaxLeftOut)
      hold(work.language);
    else
      said_ = fmt::format(
          "{} rules end the sensor at one event, and no single one of them is to blame: they do not see it", name);
    return std::nullopt;
  }
  const auto same = std::ranges::count(crashes_, work.language, &Crash::language);
  if (static_cast<std::size_t>(same) < kCrashesBeforeTrial) return std::nullopt;
  if (suspects_.size() >= kMaxSuspects) suspects_.erase(suspects_.begin());
  suspects_.push_back({.language = work.language, .event = work.event});
  said_ = fmt::format("{} rules have ended the sensor {} times within {} minutes: they are tried apart", name, same,
                      kCrashWindow.count());
  return std::nullopt;
}

}  // namespace bongsu::node
