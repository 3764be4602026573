// A railway that lives: trains by the timetable, blocks that hold one train, signals and traction that may be gone, and delay that
// spreads from train to train.
//
//   BONGSU_TRY(LiveRail live, LiveRail::make(network, 6 * 3600));   // second 0 is six in the morning
//   live.set_traction(3, false, cause);                            // the wire is dead
//   live.settle(now_s, log);
//   live.run_to(now_s + 600, log);
//   live.train_minutes(now_s + 600);
//
// Rules: a train leaves a station when it is due, has stopped long enough, and the next segment is open and its first block free (and, on a
// single track, nobody comes the other way); first come, first served, then the lower number. It takes the segment's running time, and halts on the way while the segment is closed. A segment is
// open with traction (if its trains need it), signals at both ends, their circuit, a whole track, and no radio stop. A station holds any number of
// trains, so that nothing locks for ever. Every day has the same timetable; a train that is not back yet begins late. Lines' trains are
// planned as they would run undisturbed: where they wait for each other is part of their plan.
#pragma once

#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "exercise/range/event.h"
#include "exercise/range/rail/network.h"

namespace bongsu::exercise::rail {

// kInvalid names table, row and cause; kTooLarge.
Result<void> check(const Network& network);

// Trains of all lines, in both directions, and those named singly. kInvalid: two stations of a line without a segment between them.
Result<std::vector<Train>> timetable(const Network& network);

class LiveRail {
 public:
  static Result<LiveRail> make(Network network, double begins_s);

  // Inputs; they take effect at the next `settle`.
  void set_traction(std::uint32_t segment, bool live, std::uint64_t cause);
  void set_signals(std::uint32_t station, bool live, std::uint64_t cause);     // the grid's
  void set_switched(std::uint32_t station, bool on, std::uint64_t cause);      // power-out, power-back: signals
  void set_traction_switched(std::uint32_t segment, bool on, std::uint64_t cause);
  void set_circuit(std::uint32_t segment, bool up, std::uint64_t cause);
  void set_cut(std::uint32_t segment, bool cut, std::uint64_t cause);
  void radio_stop(const Position& at, double radius_km, std::uint64_t cause);
  // Clears every stop that was sent from within the radius; how many.
  std::size_t radio_clear(const Position& at, double radius_km, std::uint64_t cause);
  void settle(double now_s, EventLog& log);
  // What trains do until then, settled at every moment before it.
  void run_to(double until_s, EventLog& log);

  const Network& network() const { return n_; }
  const std::vector<Train>& trains() const { return trains_; }
  bool open(std::uint32_t segment) const { return segments_[segment].open; }
  bool cut(std::uint32_t segment) const { return segments_[segment].cut; }
  bool circuit(std::uint32_t segment) const { return segments_[segment].circuit; }
  bool traction(std::uint32_t segment) const { return segments_[segment].traction && segments_[segment].traction_on; }
  bool signals(std::uint32_t station) const { return stations_[station].live && stations_[station].switched; }
  std::uint64_t segment_event(std::uint32_t segment) const { return segments_[segment].event; }
  enum class TrainState : std::uint8_t { kWaiting, kRunning, kHalted };  // at a station; on the way; halted on the way
  TrainState state(std::uint32_t train) const { return runs_[train].state; }
  // The segment that it runs or stands on; kNowhere.
  static constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t segment_of(std::uint32_t train) const { return runs_[train].on; }
  Position position(std::uint32_t train, double now_s) const;
  double delay_s(std::uint32_t train, double now_s) const;
  double train_minutes(double now_s) const;
  std::size_t arrived() const { return arrived_; }
  std::size_t held() const;  // halted on the way, or at a closed segment when they should leave
  // The trains on a segment in a direction (0: from a to b), the first that entered first.
  const std::vector<std::uint32_t>& trains_on(std::uint32_t segment, int direction) const { return segments_[segment].trains[direction]; }

 private:
  struct SegmentState {
    bool traction = true, traction_on = true, circuit = true, cut = false, open = true;
    std::uint64_t traction_cause = 0, circuit_cause = 0, cut_cause = 0, radio_cause = 0;
    std::uint64_t event = 0, last_cause = 0;  // of its state; the latest input
    std::size_t radio_stops = 0;
    std::vector<std::uint32_t> trains[2];           // by direction
    std::uint32_t entering[2] = {kNowhere, kNowhere};  // in the first block
    std::set<std::pair<double, std::uint32_t>> waiting;  // since when, which train
  };
  struct StationState {
    bool live = true, switched = true;
    std::uint64_t cause = 0;
  };
  struct RadioStop {
    Position at;
    std::vector<std::uint32_t> segments;
  };
  struct Run {
    TrainState state = TrainState::kWaiting;
    std::int64_t day = 0;
    std::size_t stop = 0;        // where it is, or left last
    double due_s = 0;            // when it acts next: leaves, or arrives
    double left_s = 0;           // of the running time, when halted
    double waits_since_s = -1;   // ready to leave, and could not; below 0: not so
    std::uint32_t on = kNowhere;
    bool entering = false;       // in the first block of several
    bool held = false;           // told as held
    std::uint64_t cause = 0;     // of its delay
  };
  LiveRail(Network network, std::vector<Train> trains, double begins_s);
  std::uint32_t segment_between(std::uint32_t a, std::uint32_t b) const;
  double planned_s(std::uint32_t train, std::size_t stop) const;  // leaves
  void plan_as_they_run();
  double rest_s(const Run& run) const;  // of the running time, after what it does now
  bool should_be_open(std::uint32_t segment) const;
  std::pair<std::string, std::uint64_t> why_closed(std::uint32_t segment) const;
  void schedule(std::uint32_t train, double at_s);
  bool try_leave(std::uint32_t train, double now_s, EventLog& log);
  void arrive(std::uint32_t train, double now_s, EventLog& log);
  void hold(std::uint32_t train, std::uint32_t segment, double now_s, EventLog& log);
  void release(std::uint32_t train, double now_s, EventLog& log);
  void serve(std::uint32_t segment, double now_s, EventLog& log);

  Network n_;
  std::vector<Train> trains_;
  std::vector<std::pair<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t>> between_;  // ends (lower first) → segment, sorted
  double begins_s_;
  std::vector<SegmentState> segments_;
  std::vector<StationState> stations_;
  std::vector<RadioStop> stops_;
  std::vector<Run> runs_;
  std::set<std::pair<double, std::uint32_t>> due_;
  std::size_t arrived_ = 0;
  double late_s_ = 0;  // of runs that have ended
  std::vector<std::vector<double>> ran_;  // while planning: when the first day's trains left each stop, and came to the last
};

}  // namespace bongsu::exercise::rail
