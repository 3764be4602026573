// The scoreboard of a drill that runs: what the log is worth so far, for whom exercise control lets see it.
//
//   Scoreboard board(table);
//   board.for_control()            // the whole card (scoring/score.h) with "shown"
//   board.show(true);
//   board.for_team("lt-blue")      // totals of all; its own points, times and evidence once the drill has ended (then
//   also
//                                  // while it is hidden, without the others)
//
// A card names injects that a team has not found yet, so teams see points only afterwards. Safe from any thread.
#pragma once

#include <atomic>
#include <mutex>

#include "desk/table.h"

namespace bongsu::desk {

class Scoreboard {
 public:
  explicit Scoreboard(const Table& table) : table_(table) {}  // outlives it

  void show(bool to_teams) { shown_ = to_teams; }
  bool shown() const { return shown_; }
  Result<JsonObject> for_control();
  // kDenied: exercise control keeps it hidden, and the drill has not ended.
  Result<JsonObject> for_team(std::string_view team);

 private:
  Result<JsonObject> card();

  const Table& table_;
  std::atomic<bool> shown_{false};
  std::mutex mutex_;
  std::size_t scored_ = 0;  // entries that card_ is of
  JsonObject card_;
};

}  // namespace bongsu::desk
