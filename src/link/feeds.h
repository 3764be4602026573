// Feeds in: a MISP feed or a plain list, looked at on a schedule and put into a collection under a label.
//
//   link::FeedRunner runner({.name = "infoblox", .kind = FeedKind::kMisp, .url = "https://…/", .collection = id, .label = stix::Tlp::kGreen},
//                           self, journal, admission, clock, random, log);
//   runner.start();  …  runner.status();  …  runner.stop();          // or runner.run_once()
//
// What a feed gave before and gives no more: entries of a list, and attributes of a MISP event, are revoked; an event that leaves the
// manifest stays (feeds drop old events without taking them back). State is in the journal ("feed", "<name>/…"), written with the objects.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "flow/admit.h"
#include "journal/journal.h"
#include "link/feed_source.h"
#include "link/feed_writer.h"
#include "net/client.h"
#include "stix/marking.h"

namespace bongsu::link {

enum class FeedKind { kMisp, kList };
std::optional<FeedKind> parse_feed_kind(std::string_view text);  // "misp", "list"

struct FeedSettings {
  std::string name;                                // [a-z0-9-]+, part of ids and state: a renamed feed is another one
  FeedKind kind = FeedKind::kList;
  std::string url;
  std::string collection;                          // id
  stix::Tlp label = stix::Tlp::kAmberStrict;       // nothing of it becomes wider than this
  std::chrono::milliseconds interval{3'600'000};
  std::chrono::milliseconds deadline{120'000};     // of one document
  net::ClientOptions client;                       // authorities, or own certificate
};

struct FeedReport {
  WriteCounts objects;
  std::uint64_t documents = 0;        // events of a MISP feed, 1 for a list
  std::uint64_t changed = 0;          // of them, since the last look
  std::uint64_t failed = 0;           // could not be fetched or read: tried again next time
  std::uint64_t entries = 0;          // attributes or lines that hold a value, in what changed
  std::uint64_t kept_as_they_are = 0; // attributes of types that STIX does not have (x-misp-attribute)
  std::uint64_t problems = 0;         // values that are not what they should be
  std::vector<std::string> first_problems;  // at most 20, for people
};

// One look. Errors are for the feed as a whole (no manifest, journal full); a bad event or line is counted and costs only itself.
struct FeedParts {
  journal::Journal& journal;
  flow::Admission& admission;
  const Clock& clock;
  Log& log;
  std::string self;                   // own member id
};
Result<FeedReport> look_at_misp_feed(const FeedSettings& feed, FeedSource& source, FeedParts& parts, const std::function<bool()>& stop);
Result<FeedReport> look_at_list(const FeedSettings& feed, FeedSource& source, FeedParts& parts, const std::function<bool()>& stop);

// When to look next: the interval with a tenth of jitter; after failures sooner, from 30 s doubling up to the interval.
class FeedSchedule {
 public:
  FeedSchedule(std::chrono::milliseconds interval, Random& random) : interval_(interval), random_(random) {}
  std::chrono::milliseconds after_success();
  std::chrono::milliseconds after_failure();

 private:
  std::chrono::milliseconds interval_;
  Random& random_;
  int failures_ = 0;
};

struct FeedStatus {
  std::string name;
  bool looking = false;
  std::optional<Instant> last_success, last_attempt, next;
  std::string last_error;
  FeedReport last_report;             // of the last success
  std::uint64_t total_added = 0;      // since the start of the process
};

// A thread that looks on schedule. start and stop from one thread; status from any. `random` must be safe from any thread.
class FeedRunner {
 public:
  FeedRunner(FeedSettings feed, FeedParts parts, Random& random);
  ~FeedRunner();  // stops
  void start();
  void stop();    // prompt: a running fetch is cancelled; objects of a batch that was begun are written
  Result<FeedReport> run_once();
  FeedStatus status() const;
  void look_now();  // out of turn

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::link
