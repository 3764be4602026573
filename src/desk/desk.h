// The white desk of a drill on one machine: members' nodes, the drill, its log, what it sends, what it sees, and the
// API that the desks ask. One call runs it all.
//
//   BONGSU_TRY(auto desk, Desk::open(scenario, options));       // makes nodes, pairs them, opens or resumes the log
//   say(desk->url(), desk->tokens());
//   BONGSU_TRY(const Scorecard card, desk->run([&] { return stop_signal_came(); }));
//
// The directory holds everything: scenario.yaml, desk.json (the exercise's id and tokens, 0600), drill.ndjson, nodes/,
// telemetry/, score.json at the end. Opened again it goes on where it was. One program at a time: it is locked.
//
// open and run belong to the program's main thread: nodes end when it does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "desk/desk_api.h"
#include "exercise/drill/baseline.h"
#include "exercise/scoring/score.h"

namespace bongsu::desk {

struct DeskNews {
  std::string said;                               // a sentence of the desk itself, or
  const exercise::drill::Entry* entry = nullptr;  // an entry of the log
  std::int64_t now_ms = 0, duration_ms = 0;       // the drill's clock
};

struct DeskOptions {
  std::filesystem::path directory;
  std::string program;  // this one: nodes are started with it
  exercise::drill::Settings settings;
  exercise::drill::RangeMaker make_range;
  std::optional<double> speed;                             // set at the start; nothing: the scenario's least
  std::string mail;                                        // smtp://HOST:PORT; none: mail goes to the console
  std::string cap_post;                                    // URL that CAP alerts are posted to, beside the file
  bool wait = false;                                       // exercise control starts the clock
  std::uint16_t port = 0;                                  // of the API
  std::map<std::string, exercise::drill::Policy> scripts;  // by team
  std::uint64_t script_seed = 1;
  std::function<void(const DeskNews&)> news;  // called on the thread of open and run
};

class Desk {
 public:
  // kConflict: another program runs this drill; kInvalid, kCorrupt, kTimeout as of its parts.
  static Result<std::unique_ptr<Desk>> open(const exercise::scenario::Scenario& scenario, DeskOptions options);
  ~Desk();

  std::string pages() const;  // "http://127.0.0.1:41234/": for browsers
  std::string url() const;    // "http://127.0.0.1:41234/desk/v1/"
  const DeskTokens& tokens() const;
  bool went_on() const;
  std::string mended() const;
  // Until the drill's end, or until `stop` says so: then it can be opened again. nullopt: it was stopped.
  Result<std::optional<exercise::scoring::Scorecard>> run(const std::function<bool()>& stop);

 private:
  struct Impl;
  explicit Desk(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::desk
