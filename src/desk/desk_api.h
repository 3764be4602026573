// The desk's web API: what exercise control, the teams and observers ask of a running drill, as a function from Request
// to Response. src/desk/README.md lists every path with its shapes.
//
//   DeskApi api({.table = table, …}, DeskTokens::fresh(players, random));
//   table.on_change([&] { api.wake(); });
//   net::Server server({.name = "desk"}, [&](net::Request&& r) { return api.handle(std::move(r)); }, log);
//
// Who asks is told by a token, as a bearer or by the session that it was exchanged for: exercise control sees and does
// everything, a team its own, observers see and do nothing, graders see and grade, a role outside teams has its
// letters. It listens on loopback alone; the Host field has to name it, so that no page of another name reaches it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "api/console/embedded_files.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "desk/players.h"
#include "desk/table.h"
#include "net/http.h"

namespace bongsu::desk {

inline constexpr std::size_t kMaxLogPage = 1000;
inline constexpr std::size_t kMaxFieldBytes = 64 * 1024;  // of a text that somebody writes
inline constexpr std::size_t kMaxStreams = 256;
inline constexpr std::size_t kMaxStreamsPerAccount = 16;
// Of a team: as many deeds at once, and so many a second from then on; more are answered with 429.
inline constexpr double kDeedsAtOnce = 100, kDeedsPerSecond = 10;
inline constexpr std::string_view kDeskCookie = "bongsu-desk";

inline constexpr std::size_t kGraders = 3;  // seats of those who only grade: two, and a third where they differ

// By account: "white", "observer", "grader/1", "team/lt-blue", "role/media".
struct DeskTokens {
  std::map<std::string, std::string> by_account;
  static DeskTokens fresh(const Players& players, Random& random);
};

struct DeskApiDeps {
  Table& table;
  const Players& players;
  const Clock& clock;
  Random& random;
  std::function<Json()> nodes;                      // Nodes::status; any thread
  std::function<Json()> troubles;                   // [{at, text}]; any thread
  std::function<Json()> scoreboard;                 // [{team, total, …}] of the log so far; any thread
  std::span<const api::console::StaticFile> files;  // the pages: api::console::embedded_desk_files()
  // Teams' deeds are refused once the log has so many bytes.
  std::uint64_t most_log_bytes = kMaxLogBytes - kLogReserveBytes;
};

class DeskApi {
 public:
  // What deps refers to outlives it.
  DeskApi(DeskApiDeps deps, DeskTokens tokens);
  ~DeskApi();
  DeskApi(const DeskApi&) = delete;
  DeskApi& operator=(const DeskApi&) = delete;

  // Never throws. Safe from any thread. Streams that it gave out end when it is gone.
  net::Response handle(net::Request&& request);
  void wake();  // something is new: streams look; returns at once

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace bongsu::desk
