// The drill on the table: a Drill with its log on disk, for many hands. Whatever it decides is durable before anyone
// hears of it; whoever opens the directory again goes on where it was.
//
//   BONGSU_TRY(auto table, Table::open(dir, scenario, {}, make_range, clock));
//   BONGSU_TRY_VOID(table->come_back());                  // once all is ready: a drill that went on runs again
//   BONGSU_TRY_VOID(table->take(Control{.verb = Verb::kStart, .by = "white"}));
//   while (*table->advance()) hand_out();                 // often: what is due by the clock, piece by piece
//   for (const TelemetryLines& lines : table->look([](const Tabled& t) { return t.drill.pending_telemetry(); })) …
//
// A log that can't be written ends it: every call from then on says so, since what the drill decided last is not on
// disk. Safe from any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/result.h"
#include "exercise/drill/drill.h"

namespace bongsu::desk {

inline constexpr std::size_t kPieceEntries = 4'000;  // of a great moment, made and written at once
inline constexpr std::size_t kMaxLogBytes = std::size_t{4} * 1024 * 1024 * 1024;
// Of it, what is kept for the drill itself and exercise control: teams' deeds are refused before.
inline constexpr std::size_t kLogReserveBytes = std::size_t{256} * 1024 * 1024;

// A delivery with what became of it.
struct Letter {
  exercise::drill::Delivery delivery;
  std::string team;                        // "": outside teams
  std::uint64_t seq = 0;                   // its entry
  std::optional<std::int64_t> arrived_ms;  // carried out
  std::optional<std::int64_t> read_ms;     // acknowledged
  std::string by_way_of;                   // where it went, if not by the channel that was asked for
};

// What look() shows; references are good during the call.
struct Tabled {
  exercise::drill::Drill& drill;  // to read from
  const exercise::scenario::Scenario& scenario;
  const std::vector<exercise::drill::Entry>& log;
  const std::vector<Letter>& letters;  // of the branch that counts
};

class Table {
 public:
  // Opens DIR/drill.ndjson, or goes on with the one that is there: a last line that a crash cut off is removed, and a
  // drill that ran is paused at its last moment. kCorrupt: it is another scenario's, or was changed; the error names
  // the line. A file that is there is never begun anew.
  static Result<std::unique_ptr<Table>> open(const std::filesystem::path& directory,
                                             const exercise::scenario::Scenario& scenario,
                                             const exercise::drill::Settings& settings,
                                             exercise::drill::RangeMaker make_range, const Clock& clock);

  // Ends the pause since the last moment of a drill that went on, so that the time while nobody was here does not
  // count.
  Result<void> come_back();
  // The number of the entry that records the input. An error leaves the input out; what was due by the clock is kept.
  Result<std::uint64_t> take(const exercise::drill::Input& input);
  // Many, one after the other, with one write to the disk: for each, what take() says of it. The outer error: the log
  // can't be written.
  Result<std::vector<Result<std::uint64_t>>> take_all(std::span<const exercise::drill::Input> inputs);
  // What is due by the clock, or a piece of it; true: more is due already.
  Result<bool> advance();

  template <class F>
  auto look(F&& f) const {
    const std::lock_guard lock(mutex_);
    return f(Tabled{*drill_, scenario_, log_, letters_});
  }
  std::optional<Instant> next_wake() const;
  bool went_on() const { return went_on_; }
  std::uint64_t log_bytes() const;
  // What a crash had cut off of the log; empty: nothing.
  const std::string& mended() const { return mended_; }
  // Called after new entries are durable, without the lock; set before threads come.
  void on_change(std::function<void()> f) { on_change_ = std::move(f); }

 private:
  Table(const exercise::scenario::Scenario& scenario, const Clock& clock);
  Result<void> keep(exercise::drill::Step&& step);  // with mutex_ held
  void note(const exercise::drill::Entry& entry);
  void count_again();  // letters of the branch that counts

  const exercise::scenario::Scenario scenario_;
  std::unordered_map<std::string_view, const exercise::scenario::Inject*> injects_;  // by id
  const std::string label_;                                                          // of letters
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::unique_ptr<exercise::drill::Drill> drill_;
  exercise::drill::LogWriter writer_;
  std::optional<DurableFile> file_;
  std::optional<Error> broken_;
  std::vector<exercise::drill::Entry> log_;
  std::vector<Letter> letters_;
  std::unordered_map<std::string, std::size_t> letter_of_;       // by id
  std::unordered_map<std::string, std::string> last_complaint_;  // by team and service
  std::function<void()> on_change_;
  bool went_on_ = false;
  std::string mended_;
};

}  // namespace bongsu::desk
