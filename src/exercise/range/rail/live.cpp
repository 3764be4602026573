#include "exercise/range/rail/live.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bongsu::exercise::rail {
namespace {

constexpr double kDay_s = 86'400, kLeastStop_s = 30, kWorthTelling_s = 180;
constexpr double kPlanned_s = 4 * kDay_s;  // the latest that a train of the first day runs
constexpr int kPlanRounds = 8;
constexpr double kMaxRun_s = kDay_s, kLeastHeadway_s = 60, kMaxDeparture_s = 2 * kDay_s;
constexpr double kSample_km = 0.5;  // how closely a segment is looked at for a radio area

// Whether some part of the way from a to b lies within the circle.
bool touches(const Position& a, const Position& b, const Position& centre, double radius_km) {
  const int steps = std::clamp(static_cast<int>(std::ceil(distance_km(a, b) / kSample_km)), 1, 10'000);
  for (int k = 0; k <= steps; ++k)
    if (distance_km(between(a, b, static_cast<double>(k) / steps), centre) <= radius_km) return true;
  return false;
}

std::pair<std::uint32_t, std::uint32_t> pair_of(std::uint32_t a, std::uint32_t b) { return std::minmax(a, b); }

// Ends → segment; of parallel ones the first.
std::vector<std::pair<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t>> segments_between(const Network& n) {
  std::vector<std::pair<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t>> out;
  for (std::uint32_t k = 0; k < n.segments.size(); ++k) out.emplace_back(pair_of(n.segments[k].a, n.segments[k].b), k);
  std::ranges::sort(out);
  return out;
}

std::uint32_t find_between(const std::vector<std::pair<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t>>& all, std::uint32_t a, std::uint32_t b) {
  const auto found = std::ranges::lower_bound(all, std::pair(pair_of(a, b), 0U));
  return found == all.end() || found->first != pair_of(a, b) ? LiveRail::kNowhere : found->second;
}

std::unexpected<Error> wrong(std::string_view table, std::size_t row, const std::string& name, std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message), {.field = fmt::format("{}[{}] {}", table, row, name)});
}

}  // namespace

Result<void> check(const Network& n) {
  if (n.stations.size() > kMaxStations || n.segments.size() > kMaxSegments || n.lines.size() > kMaxLines || n.trains.size() > kMaxTrains)
    return fail(ErrorCode::kTooLarge, fmt::format("a railway has at most {} stations, {} segments, {} lines, {} trains", kMaxStations, kMaxSegments, kMaxLines, kMaxTrains));
  for (std::size_t i = 0; i < n.stations.size(); ++i)
    if (!on_earth(n.stations[i].at)) return wrong("stations", i, n.stations[i].name, "a position is -90 to 90 and -180 to 180 degrees");
  for (std::size_t i = 0; i < n.segments.size(); ++i) {
    const Segment& s = n.segments[i];
    if (s.a >= n.stations.size() || s.b >= n.stations.size() || s.a == s.b) return wrong("segments", i, s.name, "joins two stations");
    if (!(s.run_s > 0 && s.run_s <= kMaxRun_s)) return wrong("segments", i, s.name, "a train runs up to a day on a segment");
    if ((s.tracks != 1 && s.tracks != 2) || s.blocks < 1 || s.blocks > kMaxBlocks) return wrong("segments", i, s.name, fmt::format("has one track or two, and 1 to {} blocks", kMaxBlocks));
  }
  for (std::size_t i = 0; i < n.lines.size(); ++i) {
    const Line& l = n.lines[i];
    if (l.stations.size() < 2) return wrong("lines", i, l.name, "has two stations or more");
    for (const std::uint32_t station : l.stations)
      if (station >= n.stations.size()) return wrong("lines", i, l.name, "stops at a station that is not there");
    if (!(l.headway_s >= kLeastHeadway_s && std::isfinite(l.headway_s)) || !(l.first_s >= 0 && l.first_s <= l.last_s && l.last_s <= kMaxDeparture_s) ||
        !(l.dwell_s >= kLeastStop_s && l.dwell_s <= 3600))
      return wrong("lines", i, l.name, fmt::format("headway is {} s or more, departures lie within two days, stops last {} s to an hour", kLeastHeadway_s, kLeastStop_s));
  }
  for (std::size_t i = 0; i < n.trains.size(); ++i) {
    const Train& t = n.trains[i];
    if (t.stops.size() < 2) return wrong("trains", i, t.name, "has two stops or more");
    for (std::size_t k = 0; k < t.stops.size(); ++k) {
      if (t.stops[k].station >= n.stations.size()) return wrong("trains", i, t.name, "stops at a station that is not there");
      if (!(t.stops[k].at_s >= 0 && t.stops[k].at_s <= 2 * kMaxDeparture_s) || (k > 0 && t.stops[k].at_s < t.stops[k - 1].at_s))
        return wrong("trains", i, t.name, "its times go on from stop to stop, within four days");
    }
  }
  return {};
}

Result<std::vector<Train>> timetable(const Network& n) {
  std::vector<Train> out = n.trains;
  std::size_t stops = 0;
  const auto segments = segments_between(n);
  for (std::size_t i = 0; i < n.lines.size(); ++i) {
    const Line& line = n.lines[i];
    for (const bool back : {false, true}) {
      std::vector<std::uint32_t> way = line.stations;
      if (back) std::ranges::reverse(way);
      std::vector<Stop> pattern{{way[0], 0}};
      double at = 0;
      for (std::size_t k = 1; k < way.size(); ++k) {
        const std::uint32_t segment = find_between(segments, way[k - 1], way[k]);
        if (segment == LiveRail::kNowhere)
          return wrong("lines", i, line.name, fmt::format("no segment joins {} and {}", n.stations[way[k - 1]].name, n.stations[way[k]].name));
        at += n.segments[segment].run_s + (k + 1 < way.size() ? line.dwell_s : 0);
        pattern.push_back({way[k], at});
      }
      const auto count = static_cast<std::size_t>((line.last_s - line.first_s) / line.headway_s) + 1;
      for (std::size_t k = 0; k < count; ++k) {
        stops += pattern.size();
        if (out.size() == kMaxTrains || stops > kMaxStops)
          return fail(ErrorCode::kTooLarge, fmt::format("a timetable has at most {} trains and {} stops", kMaxTrains, kMaxStops), {.field = line.name});
        Train train{.name = fmt::format("{}.{}", line.name, 2 * k + (back ? 2 : 1)), .stops = pattern};  // odd numbers go out, even ones back
        for (Stop& stop : train.stops) stop.at_s += line.first_s + static_cast<double>(k) * line.headway_s;
        out.push_back(std::move(train));
      }
    }
  }
  for (std::size_t i = 0; i < n.trains.size(); ++i)
    for (std::size_t k = 1; k < n.trains[i].stops.size(); ++k)
      if (find_between(segments, n.trains[i].stops[k - 1].station, n.trains[i].stops[k].station) == LiveRail::kNowhere)
        return wrong("trains", i, n.trains[i].name, fmt::format("no segment leads to its stop {}", k + 1));
  return out;
}

LiveRail::LiveRail(Network network, std::vector<Train> trains, double begins_s)
    : n_(std::move(network)), trains_(std::move(trains)), between_(segments_between(n_)), begins_s_(begins_s) {
  segments_.resize(n_.segments.size());
  stations_.resize(n_.stations.size());
  runs_.resize(trains_.size());
  for (std::uint32_t t = 0; t < trains_.size(); ++t) {
    if (planned_s(t, 0) < 0) runs_[t].day = static_cast<std::int64_t>(std::ceil(-planned_s(t, 0) / kDay_s));
    schedule(t, planned_s(t, 0));
  }
}

Result<LiveRail> LiveRail::make(Network network, double begins_s) {
  BONGSU_TRY_VOID(check(network));
  if (!(begins_s >= 0 && begins_s < kDay_s)) return fail(ErrorCode::kInvalid, "a day has 86,400 seconds", {.field = "begins_s"});
  BONGSU_TRY(auto trains, timetable(network));
  LiveRail planned(network, std::move(trains), 0);
  planned.plan_as_they_run();
  return LiveRail(std::move(network), std::move(planned.trains_), begins_s);
}

std::uint32_t LiveRail::segment_between(std::uint32_t a, std::uint32_t b) const { return find_between(between_, a, b); }

double LiveRail::planned_s(std::uint32_t train, std::size_t stop) const {
  return trains_[train].stops[stop].at_s + static_cast<double>(runs_[train].day) * kDay_s - begins_s_;
}

// The plan of lines' trains becomes what they do when nothing comes between, so that waiting for a block is no delay.
void LiveRail::plan_as_they_run() {
  for (int round = 0; round < kPlanRounds; ++round) {
    LiveRail trial(n_, trains_, 0);
    for (const Train& train : trains_) trial.ran_.emplace_back(train.stops.size(), -1);
    EventLog unheard;
    trial.run_to(kPlanned_s, unheard);
    bool same = true;
    for (std::size_t t = n_.trains.size(); t < trains_.size(); ++t)  // the others' plan is given
      for (std::size_t k = 0; k < trains_[t].stops.size(); ++k) {
        const double at = trial.ran_[t][k];
        if (at < 0 || at <= trains_[t].stops[k].at_s) continue;
        trains_[t].stops[k].at_s = at;
        same = false;
      }
    if (same) return;
  }
}

double LiveRail::rest_s(const Run& run) const {
  const Segment& s = n_.segments[run.on];
  return run.entering ? s.run_s - s.run_s / s.blocks : 0;
}

void LiveRail::schedule(std::uint32_t train, double at_s) {
  runs_[train].due_s = at_s;
  due_.emplace(at_s, train);
}

// -- inputs ------------------------------------------------------------------------------------------------------------

void LiveRail::set_traction(std::uint32_t segment, bool live, std::uint64_t cause) {
  segments_[segment].traction = live;
  segments_[segment].traction_cause = segments_[segment].last_cause = cause;
}

void LiveRail::set_traction_switched(std::uint32_t segment, bool on, std::uint64_t cause) {
  segments_[segment].traction_on = on;
  segments_[segment].traction_cause = segments_[segment].last_cause = cause;
}

void LiveRail::set_signals(std::uint32_t station, bool live, std::uint64_t cause) {
  stations_[station].live = live;
  stations_[station].cause = cause;
}

void LiveRail::set_switched(std::uint32_t station, bool on, std::uint64_t cause) {
  stations_[station].switched = on;
  stations_[station].cause = cause;
}

void LiveRail::set_circuit(std::uint32_t segment, bool up, std::uint64_t cause) {
  segments_[segment].circuit = up;
  segments_[segment].circuit_cause = segments_[segment].last_cause = cause;
}

void LiveRail::set_cut(std::uint32_t segment, bool cut, std::uint64_t cause) {
  segments_[segment].cut = cut;
  segments_[segment].cut_cause = segments_[segment].last_cause = cause;
}

void LiveRail::radio_stop(const Position& at, double radius_km, std::uint64_t cause) {
  RadioStop stop{.at = at};
  for (std::uint32_t k = 0; k < n_.segments.size(); ++k) {
    const Segment& s = n_.segments[k];
    if (!touches(n_.stations[s.a].at, n_.stations[s.b].at, at, radius_km)) continue;
    stop.segments.push_back(k);
    ++segments_[k].radio_stops;
    segments_[k].radio_cause = segments_[k].last_cause = cause;
  }
  stops_.push_back(std::move(stop));
}

std::size_t LiveRail::radio_clear(const Position& at, double radius_km, std::uint64_t cause) {
  const auto cleared = [&](const RadioStop& stop) {
    if (distance_km(stop.at, at) > radius_km) return false;
    for (const std::uint32_t k : stop.segments) {
      --segments_[k].radio_stops;
      segments_[k].last_cause = cause;
    }
    return true;
  };
  return std::erase_if(stops_, cleared);
}

// -- what follows ------------------------------------------------------------------------------------------------------

bool LiveRail::should_be_open(std::uint32_t k) const {
  const Segment& s = n_.segments[k];
  const SegmentState& state = segments_[k];
  return !state.cut && state.radio_stops == 0 && state.circuit && signals(s.a) && signals(s.b) && (!s.electric || traction(k));
}

std::pair<std::string, std::uint64_t> LiveRail::why_closed(std::uint32_t k) const {
  const Segment& s = n_.segments[k];
  const SegmentState& state = segments_[k];
  if (state.cut) return {"the track is broken", state.cut_cause};
  if (state.radio_stops > 0) return {"a radio stop is in force", state.radio_cause};
  if (s.electric && !traction(k)) return {"no traction power", state.traction_cause};
  for (const std::uint32_t end : {s.a, s.b})
    if (!signals(end)) return {fmt::format("the signals at {} have no power", n_.stations[end].name), stations_[end].cause};
  return {"its signals do not reach the control room", state.circuit_cause};
}

void LiveRail::hold(std::uint32_t train, std::uint32_t segment, double now_s, EventLog& log) {
  Run& run = runs_[train];
  if (run.held) return;
  run.held = true;
  run.cause = log.add(now_s, WorldEventKind::kTrainHeld, trains_[train].name, 0,
                      fmt::format("{} is held {} {}", trains_[train].name, run.state == TrainState::kHalted ? "on" : "before", n_.segments[segment].name), segments_[segment].event);
}

void LiveRail::release(std::uint32_t train, double now_s, EventLog& log) {
  Run& run = runs_[train];
  if (!run.held) return;
  run.held = false;
  const double late = delay_s(train, now_s) / 60;
  log.add(now_s, WorldEventKind::kTrainMoves, trains_[train].name, late, fmt::format("{} goes on, {:.0f} minutes late", trains_[train].name, late), run.cause);
}

bool LiveRail::try_leave(std::uint32_t train, double now_s, EventLog& log) {
  Run& run = runs_[train];
  const std::vector<Stop>& stops = trains_[train].stops;
  const std::uint32_t from = stops[run.stop].station, segment = segment_between(from, stops[run.stop + 1].station);
  SegmentState& state = segments_[segment];
  const int way = n_.segments[segment].a == from ? 0 : 1;
  // Who stands in the way: a train in the first block, or one that comes along the only track.
  std::uint32_t before = state.entering[way];
  if (before == kNowhere && n_.segments[segment].tracks == 1 && !state.trains[1 - way].empty()) before = state.trains[1 - way].front();
  if (!state.open || before != kNowhere) {
    if (run.waits_since_s < 0) {
      run.waits_since_s = now_s;
      state.waiting.emplace(now_s, train);
    }
    if (!state.open) hold(train, segment, now_s, log);
    else if (run.cause == 0) run.cause = runs_[before].cause;  // its delay is that of the train before
    return false;
  }
  if (run.waits_since_s >= 0) state.waiting.erase({run.waits_since_s, train});
  run.waits_since_s = -1;
  state.entering[way] = train;
  state.trains[way].push_back(train);
  run.on = segment;
  run.entering = n_.segments[segment].blocks > 1;
  run.state = TrainState::kRunning;
  if (!ran_.empty() && run.day == 0) ran_[train][run.stop] = now_s;
  schedule(train, now_s + n_.segments[segment].run_s / n_.segments[segment].blocks);
  release(train, now_s, log);
  return true;
}

void LiveRail::arrive(std::uint32_t train, double now_s, EventLog& log) {
  Run& run = runs_[train];
  const std::uint32_t segment = run.on;
  SegmentState& state = segments_[segment];
  for (const int way : {0, 1}) {
    if (state.entering[way] == train) state.entering[way] = kNowhere;
    if (!run.entering) std::erase(state.trains[way], train);
  }
  if (run.entering) {  // the first block is behind it
    const double rest = rest_s(run);
    run.entering = false;
    schedule(train, now_s + rest);
    return serve(segment, now_s, log);
  }
  run.on = kNowhere;
  run.state = TrainState::kWaiting;
  ++run.stop;
  if (run.stop + 1 < trains_[train].stops.size()) {
    schedule(train, std::max(planned_s(train, run.stop), now_s + kLeastStop_s));
  } else {
    const double late = std::max(0.0, now_s - planned_s(train, run.stop));
    if (!ran_.empty() && run.day == 0) ran_[train][run.stop] = now_s;
    late_s_ += late;
    ++arrived_;
    if (late >= kWorthTelling_s)
      log.add(now_s, WorldEventKind::kTrainArrived, trains_[train].name, late / 60, fmt::format("{} arrives {:.0f} minutes late", trains_[train].name, late / 60), run.cause);
    run.cause = 0;
    run.stop = 0;
    ++run.day;
    schedule(train, std::max(planned_s(train, 0), now_s + kLeastStop_s));
  }
  serve(segment, now_s, log);
}

// Those that wait for a segment go, in the order in which they became ready.
void LiveRail::serve(std::uint32_t segment, double now_s, EventLog& log) {
  const std::vector<std::pair<double, std::uint32_t>> waiting(segments_[segment].waiting.begin(), segments_[segment].waiting.end());
  for (const auto& [since, train] : waiting) try_leave(train, now_s, log);
}

void LiveRail::settle(double now_s, EventLog& log) {
  for (std::uint32_t k = 0; k < segments_.size(); ++k) {
    SegmentState& state = segments_[k];
    const bool open = should_be_open(k);
    if (open == state.open) continue;
    state.open = open;
    const std::string& name = n_.segments[k].name;
    if (open) {
      const Segment& s = n_.segments[k];
      state.event = log.add(now_s, WorldEventKind::kSegmentOpen, name, 0, fmt::format("{} is open", name), std::max({state.last_cause, stations_[s.a].cause, stations_[s.b].cause}));
    } else {
      const auto [why, cause] = why_closed(k);
      state.event = log.add(now_s, WorldEventKind::kSegmentClosed, name, 0, fmt::format("{} is closed: {}", name, why), cause);
    }
    std::vector<std::uint32_t> there = state.trains[0];
    there.insert(there.end(), state.trains[1].begin(), state.trains[1].end());
    for (const std::uint32_t train : there) {
      Run& run = runs_[train];
      if (open) {
        run.state = TrainState::kRunning;
        schedule(train, now_s + run.left_s);
        release(train, now_s, log);
      } else {
        due_.erase({run.due_s, train});
        run.left_s = run.due_s - now_s;
        run.state = TrainState::kHalted;
        hold(train, k, now_s, log);
      }
    }
    if (open) serve(k, now_s, log);
    else
      for (const auto& [since, train] : state.waiting) hold(train, k, now_s, log);
  }
}

void LiveRail::run_to(double until_s, EventLog& log) {
  while (!due_.empty() && due_.begin()->first <= until_s) {
    const auto [at, train] = *due_.begin();
    due_.erase(due_.begin());
    if (runs_[train].state == TrainState::kRunning) arrive(train, at, log);
    else try_leave(train, at, log);
  }
}

// -- what is so --------------------------------------------------------------------------------------------------------

double LiveRail::delay_s(std::uint32_t train, double now_s) const {
  const Run& run = runs_[train];
  double late = 0;
  if (run.state == TrainState::kWaiting) {
    late = std::max(now_s, run.waits_since_s >= 0 ? run.waits_since_s : run.due_s) - planned_s(train, run.stop);
  } else {
    const bool last = run.stop + 2 == trains_[train].stops.size();
    const double arrives = (run.state == TrainState::kHalted ? now_s + run.left_s : run.due_s) + rest_s(run);
    late = arrives + (last ? 0 : kLeastStop_s) - planned_s(train, run.stop + 1);
  }
  return std::max(0.0, late);
}

double LiveRail::train_minutes(double now_s) const {
  double seconds = late_s_;
  for (std::uint32_t t = 0; t < trains_.size(); ++t) seconds += delay_s(t, now_s);
  return seconds / 60;
}

std::size_t LiveRail::held() const {
  return static_cast<std::size_t>(std::ranges::count_if(runs_, [](const Run& run) { return run.held; }));
}

Position LiveRail::position(std::uint32_t train, double now_s) const {
  const Run& run = runs_[train];
  const std::vector<Stop>& stops = trains_[train].stops;
  const Position& from = n_.stations[stops[run.stop].station].at;
  if (run.on == kNowhere) return from;
  const double left = (run.state == TrainState::kHalted ? run.left_s : run.due_s - now_s) + rest_s(run);
  return between(from, n_.stations[stops[run.stop + 1].station].at, std::clamp(1 - left / n_.segments[run.on].run_s, 0.0, 1.0));
}

}  // namespace bongsu::exercise::rail
