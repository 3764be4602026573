#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/random.h"
#include "exercise/range/rail/live.h"
#include "exercise/range/rail/tables.h"

namespace bongsu::exercise::rail {
namespace {

// Four stations in a row, 20 km apart, 15 minutes each; the last segment has one track.
Network row() {
  Network n;
  for (int i = 0; i < 4; ++i) n.stations.push_back({.name = "s" + std::to_string(i), .at = {55, 24 + 0.31 * i}});
  for (std::uint32_t i = 0; i < 3; ++i) n.segments.push_back({.name = "g" + std::to_string(i), .a = i, .b = i + 1, .run_s = 900, .tracks = i == 2 ? 1 : 2, .blocks = 2});
  n.lines = {{.name = "line", .stations = {0, 1, 2, 3}, .headway_s = 1800, .first_s = 3600, .last_s = 20 * 3600}};
  return n;
}

TEST(LiveRail, ADayWithoutTroubleHasNoDelay) {
  auto live = LiveRail::make(row(), 0);
  ASSERT_TRUE(live);
  EventLog log;
  live->run_to(3 * 86'400, log);
  EXPECT_TRUE(log.take().empty());
  EXPECT_EQ(live->train_minutes(3 * 86'400), 0);
  EXPECT_EQ(live->arrived(), live->trains().size() * 3);
}

TEST(LiveRail, AClosedSegmentHoldsItsTrainsAndThoseBehindThem) {
  auto live = LiveRail::make(row(), 0);
  EventLog log;
  live->run_to(3600 + 600, log);
  ASSERT_EQ(live->trains_on(0, 0).size(), 1U);
  const std::uint32_t train = live->trains_on(0, 0).front();
  live->set_traction(0, false, 77);
  live->settle(4200, log);
  EXPECT_EQ(live->state(train), LiveRail::TrainState::kHalted);
  const Position halted = live->position(train, 4200);
  live->run_to(4200 + 1200, log);
  EXPECT_EQ(live->position(train, 5400), halted);
  EXPECT_NEAR(live->delay_s(train, 5400), 1200, 40) << "less what its stops leave";
  live->set_traction(0, true, 78);
  live->settle(5400, log);
  live->run_to(86'400, log);
  const auto events = log.take();
  ASSERT_GE(events.size(), 4U);
  EXPECT_EQ(events[0].kind, WorldEventKind::kSegmentClosed);
  EXPECT_EQ(events[0].cause, 77U);
  EXPECT_EQ(events[1].kind, WorldEventKind::kTrainHeld);
  EXPECT_EQ(events[1].cause, events[0].id);
  EXPECT_TRUE(std::ranges::any_of(events, [](const WorldEvent& e) { return e.kind == WorldEventKind::kTrainArrived && e.magnitude > 3 && e.cause != 0; }));
  EXPECT_GT(live->train_minutes(86'400), 3);
}

TEST(LiveRail, ARadioStopHaltsAllTrainsInItsAreaAndNoOthers) {
  Network n = row();
  n.segments[1].electric = false;
  auto live = LiveRail::make(n, 0);
  EventLog log;
  live->run_to(5 * 3600, log);
  live->radio_stop({55, 24.31}, 5, 5);  // around s1: touches the first and second segment
  live->settle(5 * 3600, log);
  EXPECT_FALSE(live->open(0));
  EXPECT_FALSE(live->open(1));
  EXPECT_TRUE(live->open(2));
  EXPECT_EQ(live->radio_clear({56, 20}, 5, 6), 0U) << "not from there";
  EXPECT_EQ(live->radio_clear({55, 24.31}, 1, 6), 1U);
  live->settle(6 * 3600, log);
  EXPECT_TRUE(live->open(0));
}

// Random closings of every kind; at each moment, blocks hold one train, a single track one direction, and nothing moves where it may not.
TEST(LiveRail, NoTrainMovesWhereItMayNot) {
  std::size_t halted = 0, moved = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SeededRandom random(seed);
    Network n = row();
    for (Segment& s : n.segments) {
      s.electric = random.below(2) == 0;
      s.blocks = static_cast<int>(1 + random.below(3));
      s.tracks = static_cast<int>(1 + random.below(2));
    }
    n.lines[0].headway_s = static_cast<double>(600 + 300 * random.below(6));
    auto made = LiveRail::make(n, 3600);
    ASSERT_TRUE(made);
    LiveRail live = *made, again = *made;
    EventLog log, other;
    std::vector<char> traction(3, 1), circuit(3, 1), cut(3, 0), signals(4, 1);
    for (int step = 0; step < 600; ++step) {
      const double now = 30.0 * (step + 1);
      std::map<std::uint32_t, Position> before;
      for (std::uint32_t t = 0; t < live.trains().size(); ++t)
        if (live.segment_of(t) != LiveRail::kNowhere && !live.open(live.segment_of(t))) before[t] = live.position(t, now - 30);
      live.run_to(now, log);
      for (const auto& [t, at] : before) {
        ASSERT_EQ(live.position(t, now), at) << "it moved on a closed segment";
        ++halted;
      }
      if (random.below(10) == 0) {
        const auto k = static_cast<std::uint32_t>(random.below(3));
        const auto s = static_cast<std::uint32_t>(random.below(4));
        switch (random.below(4)) {
          case 0: live.set_traction(k, (traction[k] = !traction[k]) != 0, 1); break;
          case 1: live.set_circuit(k, (circuit[k] = !circuit[k]) != 0, 1); break;
          case 2: live.set_cut(k, (cut[k] = !cut[k]) != 0, 1); break;
          default: live.set_signals(s, (signals[s] = !signals[s]) != 0, 1); break;
        }
        live.settle(now, log);
      }
      for (std::uint32_t k = 0; k < 3; ++k) {
        const Segment& s = n.segments[k];
        ASSERT_EQ(live.open(k), cut[k] == 0 && circuit[k] != 0 && signals[s.a] != 0 && signals[s.b] != 0 && (!s.electric || traction[k] != 0));
        if (s.tracks == 1) ASSERT_TRUE(live.trains_on(k, 0).empty() || live.trains_on(k, 1).empty()) << "two ways on one track";
        for (const int way : {0, 1}) {
          ASSERT_LE(live.trains_on(k, way).size(), static_cast<std::size_t>(s.blocks)) << "more trains than blocks";
          std::vector<double> along;
          for (const std::uint32_t t : live.trains_on(k, way)) {
            ASSERT_EQ(live.segment_of(t), k);
            ASSERT_EQ(live.state(t) == LiveRail::TrainState::kHalted, !live.open(k));
            const Position at = live.position(t, now), from = n.stations[way == 0 ? s.a : s.b].at;
            along.push_back(std::abs(at.lon - from.lon) / 0.31);
            ++moved;
          }
          for (std::size_t i = 1; i < along.size(); ++i) ASSERT_GE(along[i - 1] - along[i], 1.0 / s.blocks - 1e-9) << "two trains in a block";
        }
      }
      ASSERT_GE(live.train_minutes(now), 0);
    }
    // Time in one go or in many is the same.
    LiveRail halves = again;
    for (int k = 1; k <= 1000; ++k) halves.run_to(37.5 * k, other);
    again.run_to(37'500, other);
    for (std::uint32_t t = 0; t < again.trains().size(); ++t) ASSERT_EQ(again.position(t, 37'500), halves.position(t, 37'500));
  }
  EXPECT_GT(halted, 1000U);
  EXPECT_GT(moved, 10'000U);
}

TEST(RailTables, LinesSegmentsAndSingleTrains) {
  const auto n = read_tables({"name,lat,lon\na,55,24\nb,55,24.3\n", "from,to,minutes,tracks,electric\na,b,12,1,no\n", "name,stations,headway_min,first,last\na-b,a;b,60,5:30,7:30\n",
                              "train,station,time\nx,b,8:00\nx,a,8:12\n"}, "lt.");
  ASSERT_TRUE(n) << n.error().text();
  EXPECT_EQ(n->segments[0].name, "lt.segment.a-b");
  EXPECT_EQ(n->segments[0].run_s, 720);
  const auto trains = timetable(*n);
  ASSERT_TRUE(trains);
  EXPECT_EQ(trains->size(), 7U) << "one named singly, three in each direction";
  EXPECT_EQ((*trains)[0].name, "lt.train.x");
  const auto error = [](std::string_view stations, std::string_view segments, std::string_view lines) {
    auto made = read_tables({stations, segments, lines, ""}, "");
    if (!made) return made.error().text();
    auto live = LiveRail::make(std::move(*made), 0);
    return live ? std::string() : live.error().text();
  };
  EXPECT_EQ(error("name,lat,lon\na,95,24\n", "", ""), "stations.csv:2: lat: 95 is not from -90 to 90");
  EXPECT_EQ(error("name,lat,lon\na,,24\n", "", ""), "stations.csv:2: lat: a station has a position");
  EXPECT_EQ(error("name,lat,lon\na,5,24\n", "from,to\na,c\n", ""), "segments.csv:2: to: there is no station \"c\"");
  EXPECT_EQ(error("name,lat,lon\na,5,24\nb,5,25\n", "from,to\na,b\n", "name,stations,first\nx,a;b,25:99\n"), "lines.csv:2: first: \"25:99\" is no time of the day (5:30)");
  EXPECT_EQ(error("name,lat,lon\na,5,24\nb,5,25\nc,6,25\n", "from,to\na,b\n", "name,stations\nx,a;b;c\n"), "lines[0] train.x: no segment joins station.b and station.c");
}

TEST(RailTables, StationAndEdgeListsMakeALine) {
  const auto n = read_lists("Station,Latitude,Longitude\n서울역,37.557,126.972\n남영역,37.540,126.971\n용산역,37.529,126.964\n", "Source,Target,Weight\n서울역,남영역,60.1\n남영역,용산역,79.1\n", "kr.", "gyeongbu");
  ASSERT_TRUE(n) << n.error().text();
  EXPECT_EQ(n->lines[0].stations.size(), 3U);
  EXPECT_EQ(n->segments[0].run_s, 60.1);
  auto live = LiveRail::make(*n, 0);
  ASSERT_TRUE(live) << live.error().text();
  EventLog log;
  live->run_to(86'400, log);
  EXPECT_EQ(live->train_minutes(86'400), 0);
}

}  // namespace
}  // namespace bongsu::exercise::rail
