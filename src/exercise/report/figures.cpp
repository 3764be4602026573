#include "exercise/report/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "exercise/report/report.h"

namespace bongsu::exercise::report {
namespace {

constexpr std::size_t kLaneLetters = 30;  // that fit left of the lanes
constexpr double kWide = 900, kLeft = 190, kRight = 880, kLane = 20;

double across(std::int64_t ms, std::int64_t ended_ms) {
  return kLeft + (kRight - kLeft) * static_cast<double>(ms) / static_cast<double>(std::max<std::int64_t>(ended_ms, 1));
}

// A step between marks of time that gives no more than eight of them, whose words fit.
std::int64_t tick(std::int64_t ended_ms) {
  constexpr std::int64_t kSteps[] = {60'000,    300'000,    600'000,    1'800'000,  3'600'000,
                                     7'200'000, 14'400'000, 21'600'000, 86'400'000, 604'800'000};
  for (const std::int64_t step : kSteps)
    if (ended_ms / step <= 8) return step;
  return std::max<std::int64_t>(ended_ms / 8, 1);
}

// What a range counts, in words, and its unit.
struct Counted {
  std::string_view id, words, unit;
};
constexpr Counted kCounted[] = {{"unserved_mwh", "energy not served", "MWh"},
                                {"customers_out", "customers without power", "customers"},
                                {"most_customers_out", "customers without power, most at once", "customers"},
                                {"customer_hours", "hours without power, of all customers", "customer hours"},
                                {"uncontrolled_mw", "generation out of control", "MW"},
                                {"uncontrolled_mwh", "energy from generation out of control", "MWh"},
                                {"circuits_down", "circuits down", "circuits"},
                                {"circuit_hours", "hours down, of all circuits", "circuit hours"},
                                {"calls_lost", "calls lost", "calls"},
                                {"nodes_down", "telecom nodes down", "nodes"},
                                {"trains_held", "trains held", "trains"},
                                {"train_minutes", "delay of all trains", "minutes"}};

Counted counted(const std::string& id) {
  const auto found = std::ranges::find(kCounted, id, &Counted::id);
  return found == std::end(kCounted) ? Counted{id, id, ""} : *found;
}

void axis(Figure& figure, std::int64_t ended_ms, double bottom) {
  const std::int64_t step = tick(ended_ms);
  for (std::int64_t at = 0; at <= ended_ms; at += step) {
    const double x = across(at, ended_ms);
    figure.shapes.push_back(Stroke{{{x, 0}, {x, bottom}}, Tone::kFaint, 0.3});
    figure.shapes.push_back(Words{x, bottom + 14, clock(at), Tone::kFaint, 'm'});
  }
}

}  // namespace

std::string clock(std::int64_t ms) {
  const std::int64_t minutes = ms / 60'000;
  if (minutes >= 60) return fmt::format("{}h {:02}min", minutes / 60, minutes % 60);
  if (ms % 60'000 == 0) return fmt::format("{}min", minutes);
  return fmt::format("{}min {:02}s", minutes, ms / 1000 % 60);
}
std::string clock(const std::optional<std::int64_t>& ms) { return ms ? clock(*ms) : "–"; }

std::string clipped(const std::string& text, std::size_t letters) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U;
    if (begins && count++ == letters) return text.substr(0, i) + "…";
  }
  return text;
}

Figure time_lines(const scenario::Scenario& scenario, const scoring::TeamScore& team, std::int64_t ended_ms,
                  std::size_t& left) {
  Figure out{.title = "Time-lines: begun, seen, shared, contained, restored", .width = kWide};
  const std::size_t lanes = std::min(team.times.size(), kMaxLanes);
  left = team.times.size() - lanes;
  const double bottom = static_cast<double>(lanes) * kLane + 22;
  out.height = bottom + 22;
  axis(out, ended_ms, bottom);
  constexpr std::pair<const char*, Tone> kMarks[] = {{"begun", Tone::kStart},
                                                     {"seen", Tone::kDetected},
                                                     {"shared", Tone::kShared},
                                                     {"contained", Tone::kContained},
                                                     {"restored", Tone::kRestored}};
  double x = kLeft;
  for (const auto& [name, tone] : kMarks) {
    out.shapes.push_back(Dot{x + 5, 8, 4, tone, name});
    out.shapes.push_back(Words{x + 14, 12, name, tone});
    x += 95;
  }
  for (std::size_t i = 0; i < lanes; ++i) {
    const scoring::Times& t = team.times[i];
    const double y = 32 + static_cast<double>(i) * kLane;
    const std::string name = name_in(scenario.injects, t.inject);
    out.shapes.push_back(Words{kLeft - 8, y + 4, clipped(name, kLaneLetters), Tone::kText, 'e'});
    std::int64_t last = t.start_ms;
    for (const auto& at : {t.detected_ms, t.shared_ms, t.contained_ms, t.restored_ms})
      last = std::max(last, at.value_or(0));
    out.shapes.push_back(Stroke{{{across(t.start_ms, ended_ms), y}, {across(last, ended_ms), y}}, Tone::kFaint, 2});
    const auto mark = [&](const std::optional<std::int64_t>& at, std::size_t which, bool asked) {
      if (at)
        out.shapes.push_back(Dot{across(*at, ended_ms), y, 4.5, kMarks[which].second,
                                 fmt::format("{}: {} {}", name, kMarks[which].first, clock(*at))});
      else if (asked)
        return true;
      return false;
    };
    mark(t.start_ms, 0, true);
    std::string missed;
    const auto note = [&](bool miss, const char* name) {
      if (miss) missed += (missed.empty() ? "not " : ", ") + std::string(name);
    };
    note(mark(t.detected_ms, 1, t.can_detect), "seen");
    note(mark(t.shared_ms, 2, t.can_share), "shared");
    note(mark(t.contained_ms, 3, t.can_contain), "contained");
    note(mark(t.restored_ms, 4, t.can_restore), "restored");
    if (!missed.empty()) {
      const double end = across(last, ended_ms) + 10;
      const bool room = end < kRight - 150;
      out.shapes.push_back(
          Words{room ? end : across(t.start_ms, ended_ms) - 10, y + 4, missed, Tone::kBad, room ? 's' : 'e'});
    }
  }
  return out;
}

std::vector<Figure> consequence_curves(std::span<const drill::Entry* const> samples, std::int64_t ended_ms) {
  std::map<std::string, std::vector<std::pair<std::int64_t, double>>> series;
  for (const drill::Entry* sample : samples)
    for (const auto& [name, value] : sample->data)
      if (value.is_number()) series[name].emplace_back(sample->at_ms, value.to_number<double>());
  std::vector<Figure> out;
  for (const auto& [name, points] : series) {
    double most = 0;
    for (const auto& [_, value] : points) most = std::max(most, value);
    if (!(most > 0)) continue;
    constexpr double kHigh = 90, kTopRoom = 14;
    const Counted what = counted(name);
    const std::string greatest = fmt::format("{:g}{}{}", most, what.unit.empty() ? "" : " ", what.unit);
    Figure figure{.title = fmt::format("{}: at most {}", what.words, greatest), .width = kWide, .height = kHigh + 24};
    axis(figure, ended_ms, kHigh);
    const auto y_of = [&](double value) { return kHigh - (kHigh - kTopRoom) * value / most; };
    Stroke curve{.tone = Tone::kBad};
    // Samples come when something changed: between two of them it was as at the first.
    double last = 0;
    curve.points.emplace_back(across(0, ended_ms), y_of(0));
    for (const auto& [at, value] : points) {
      curve.points.emplace_back(across(at, ended_ms), y_of(last));
      curve.points.emplace_back(across(at, ended_ms), y_of(value));
      last = value;
    }
    curve.points.emplace_back(across(ended_ms, ended_ms), y_of(last));
    figure.shapes.push_back(std::move(curve));
    figure.shapes.push_back(Words{kLeft - 8, kTopRoom + 4, greatest, Tone::kFaint, 'e'});
    figure.shapes.push_back(Words{kLeft - 8, kHigh, "0", Tone::kFaint, 'e'});
    out.push_back(std::move(figure));
  }
  return out;
}

}  // namespace bongsu::exercise::report
