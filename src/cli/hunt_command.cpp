#include "cli/hunt_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "cli/terminal.h"
#include "detect/engine.h"
#include "detect/hunt/hunter.h"
#include "detect/hunt/log_index.h"
#include "detect/indicator_file.h"
#include "telemetry/inputs.h"
#include "telemetry/store/store.h"

namespace bongsu::cli {
namespace {

namespace fs = std::filesystem;
using Seconds = std::chrono::duration<double>;
using detect::LogIndex;
using telemetry::SegmentFilePtr;
using telemetry::TelemetryStore;

constexpr const char* kCacheName = ".bongsu-hunt";
constexpr std::size_t kShown = 5;

std::string megabytes(std::uint64_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

// Says what went wrong on standard error, and remembers that something did.
class Troubles {
 public:
  explicit Troubles(std::FILE* err) : err_(err) {}
  void add(const Error& error) {
    const std::lock_guard lock(mutex_);
    any_ = true;
    fmt::print(err_, "bongsu hunt: {}\n", printable(error.text(), 500));
  }
  bool any() const { return any_; }

 private:
  std::FILE* err_;
  std::mutex mutex_;
  bool any_ = false;
};

// A log file, where its index is, and what it is called there.
struct Log {
  std::string path, cache, key;
};

std::vector<Log> find_logs(const HuntOptions& options, Troubles& troubles) {
  std::vector<Log> out;
  for (const std::string& given : options.logs) {
    if (given == "-") {
      troubles.add({ErrorCode::kInvalid, "standard input cannot be hunted in; bongsu match reads it", {}});
      continue;
    }
    std::error_code ec;
    const bool directory = fs::is_directory(given, ec);
    const fs::path root = directory                               ? fs::path(given)
                          : fs::path(given).parent_path().empty() ? fs::path(".")
                                                                  : fs::path(given).parent_path();
    const telemetry::Inputs inputs = telemetry::find_inputs({given});
    for (const Error& error : inputs.errors) troubles.add(error);
    for (const std::string& path : inputs.files) {
      // Beside the logs the index goes where they go; in a cache of its own, the whole path tells files apart.
      const std::string key = options.cache.empty() ? fs::path(path).lexically_relative(root).string()
                                                    : fs::absolute(path, ec).lexically_normal().string();
      out.push_back({path, options.cache.empty() ? (root / kCacheName).string() : options.cache, key});
    }
  }
  return out;
}

using Indexes = std::map<std::string, std::unique_ptr<LogIndex>>;

Result<Indexes> open_indexes(const std::vector<Log>& logs, const Clock& clock, Random& random, bool update) {
  Indexes out;
  for (const Log& log : logs) {
    if (out.contains(log.cache)) continue;
    auto opened = LogIndex::open(log.cache, clock, random, update);
    if (!opened && (opened.error().code == ErrorCode::kDenied || opened.error().code == ErrorCode::kIo))
      opened.error().message += "; name a directory for the index with --cache";
    if (!opened) return std::unexpected(opened.error());
    out.emplace(log.cache, std::move(*opened));
  }
  return out;
}

// Brings every file's index up to date, several at a time.
void update_indexes(const std::vector<Log>& logs, Indexes& indexes, const HuntOptions& options, std::FILE* err,
                    Troubles& troubles) {
  std::uint64_t total = 0;
  for (const Log& log : logs) {
    std::error_code ec;
    const auto size = fs::file_size(log.path, ec);
    if (!ec) total += size;
  }
  std::mutex mutex;
  std::uint64_t done = 0, read = 0, anew = 0, grown = 0;
  telemetry::BadLines bad;
  const auto start = std::chrono::steady_clock::now();
  {
    std::optional<Progress> progress;
    if (!options.quiet) progress.emplace("indexing", total);
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
      for (std::size_t i = next++; i < logs.size() && (options.stop == nullptr || !options.stop->load()); i = next++) {
        std::uint64_t told = 0;
        auto updated = indexes.at(logs[i].cache)
                           ->update(
                               logs[i].path, logs[i].key,
                               [&](std::uint64_t consumed) {
                                 const std::lock_guard lock(mutex);
                                 done += consumed - std::min(consumed, told);
                                 told = consumed;
                                 if (progress) progress->update(done);
                               },
                               options.stop);
        if (!updated) {
          troubles.add(updated.error());
          continue;
        }
        const std::lock_guard lock(mutex);
        read += updated->read;
        anew += updated->anew && updated->read > 0;
        grown += !updated->anew && updated->read > 0;
        bad.merge(updated->bad);
      }
    };
    const int jobs = std::clamp(
        options.jobs > 0 ? options.jobs : static_cast<int>(std::max(1U, std::thread::hardware_concurrency())), 1, 64);
    std::vector<std::thread> threads;
    for (int i = 1; i < jobs && static_cast<std::size_t>(i) < logs.size(); ++i) threads.emplace_back(work);
    work();
    for (auto& thread : threads) thread.join();
  }
  if (options.quiet) return;
  const double seconds = Seconds(std::chrono::steady_clock::now() - start).count();
  fmt::print(err, "Index: {} files, {} read from the start, {} grown; {} in {:.2f} s\n", logs.size(), anew, grown,
             megabytes(read), seconds);
  if (bad.count() > 0)
    fmt::print(err, "  skipped: {} lines: {}\n", bad.count(), printable(bad.first().front().text(), 300));
}

// What is to be searched: with what a file is called now.
struct Part {
  std::unique_ptr<TelemetryStore> store;
  std::vector<SegmentFilePtr> segments;
  std::shared_ptr<const std::string> source;
};

Result<Part> open_node_store(const std::string& directory, const Clock& clock, Random& random) {
  std::error_code ec;
  if (!fs::is_directory(directory, ec))
    return fail(ErrorCode::kNotFound, "is no directory of stored telemetry", {.source = directory});
  BONGSU_TRY(auto files, telemetry::open_directory(directory));
  Part part;
  BONGSU_TRY(part.store, TelemetryStore::open(std::move(files), {.read_only = true}, clock, random));
  part.segments = part.store->segments();
  // What was read last is not indexed yet; it is looked at whole.
  for (auto& spool : part.store->spools()) part.segments.push_back(std::move(spool.file));
  return part;
}

Result<std::vector<Part>> open_parts(const HuntOptions& options, const std::vector<Log>& logs, const Clock& clock,
                                     Random& random, Troubles& troubles) {
  std::vector<Part> out;
  if (!options.store.empty()) {
    BONGSU_TRY(Part part, open_node_store(options.store, clock, random));
    for (const Error& error : part.store->damage()) troubles.add(error);
    out.push_back(std::move(part));
    return out;
  }
  BONGSU_TRY(const Indexes indexes, open_indexes(logs, clock, random, false));
  for (const Log& log : logs) {
    auto found = indexes.at(log.cache)->find(log.key);
    if (!found) {
      troubles.add(found.error());
      continue;
    }
    out.push_back({std::move(found->store), std::move(found->segments), std::make_shared<const std::string>(log.path)});
  }
  return out;
}

Result<std::optional<Instant>> time_of(const std::string& text, const char* flag) {
  if (text.empty()) return std::optional<Instant>();
  const auto time = Instant::parse(text);
  if (!time)
    return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is no time; write it as 2026-11-21T00:00:00Z", text),
                {.field = flag});
  return time;
}

bool nothing_named(const HuntOptions& options, Troubles& troubles) {
  if (options.logs.empty() == options.store.empty()) {
    troubles.add({ErrorCode::kInvalid, "name log files or directories, or a node's store with --store, not both", {}});
    return true;
  }
  return false;
}

}  // namespace

int run_hunt(const HuntOptions& options, std::FILE* out, std::FILE* err) {
  Troubles troubles(err);
  if (options.indicators.empty())
    troubles.add({ErrorCode::kInvalid, "name a file of indicators: --indicators FILE", {}});
  detect::HuntQuery query;
  if (auto from = time_of(options.since, "--since"))
    query.from = *from;
  else
    troubles.add(from.error());
  if (auto until = time_of(options.until, "--until"))
    query.until = *until;
  else
    troubles.add(until.error());
  if (nothing_named(options, troubles) || troubles.any()) return kExitTrouble;

  const SystemClock clock;
  SystemRandom random;
  detect::Engine engine(clock);
  std::vector<detect::Indicator> indicators;
  detect::IndicatorFiles files(
      engine.index(), {.min_confidence = options.min_confidence, .each = [&](std::span<const detect::Indicator> some) {
                         indicators.insert(indicators.end(), some.begin(), some.end());
                       }});
  for (const std::string& path : options.indicators)
    if (const auto loaded = files.load(path); !loaded) troubles.add(loaded.error());
  engine.set_origins([&](std::uint64_t ref) { return files.origin(ref); });
  if (indicators.empty()) {
    troubles.add({ErrorCode::kInvalid, "no indicator could be loaded", {}});
    return kExitTrouble;
  }
  if (!options.quiet) {
    fmt::print(err, "Indicators: {} values\n", indicators.size());
    const auto& refused = files.report().refused;
    if (refused.count() > 0) fmt::print(err, "  refused: {}\n", refused.count());
    for (std::size_t i = 0; i < std::min(kShown, refused.first().size()); ++i)
      fmt::print(err, "    {}\n", printable(refused.first()[i].text(), 300));
  }
  if (!options.warning_lists.empty()) {
    auto lists = std::make_shared<detect::WarningLists>();
    for (const std::string& path : options.warning_lists)
      if (const auto loaded = lists->load(path); !loaded) troubles.add(loaded.error());
    lists->finish();
    engine.set_warning_lists(std::move(lists));
  }

  const std::vector<Log> logs = find_logs(options, troubles);
  if (options.store.empty()) {
    auto indexes = open_indexes(logs, clock, random, true);
    if (!indexes) {
      troubles.add(indexes.error());
      return kExitTrouble;
    }
    update_indexes(logs, *indexes, options, err, troubles);
  }
  auto parts = open_parts(options, logs, clock, random, troubles);
  if (!parts) {
    troubles.add(parts.error());
    return kExitTrouble;
  }

  const auto start = std::chrono::steady_clock::now();
  const bool table = !options.json && is_terminal(out);
  bool first = true, broken_pipe = false, stopped = false;
  std::uint64_t alerts = 0, blocks = 0, blocks_read = 0, read_whole = 0, segments = 0, done = 0, total = 0;
  for (const Part& part : *parts) total += part.segments.size();
  {
    std::optional<Progress> progress;
    if (!options.quiet && !table) progress.emplace("hunting", total);
    std::map<std::uint64_t, std::unique_ptr<detect::HuntKeys>> keys_by_seed;
    for (const Part& part : *parts) {
      for (const SegmentFilePtr& segment : part.segments) {
        auto& keys = keys_by_seed[segment->seed()];
        if (!keys) {
          // A directory's logs have a store each, and a seed each: what one store was asked by is not kept for all.
          if (keys_by_seed.size() > 4) {
            keys_by_seed.clear();
          }
          auto& made = keys_by_seed[segment->seed()];
          made = std::make_unique<detect::HuntKeys>(segment->seed());
          if (const auto added = made->add(indicators); !added) {
            troubles.add(added.error());
            return kExitTrouble;
          }
          made->sort();
        }
        query.keys = keys_by_seed[segment->seed()].get();
        query.source = part.source;
        const auto result = detect::hunt(
            engine, query, std::span(&segment, 1), {.stop = options.stop, .keep_dictionaries = false},
            [&](std::vector<detect::Alert>&& found) {
              std::string text;
              for (const detect::Alert& alert : found) {
                if (table) {
                  if (first)
                    fmt::print(out, "{:<20}  {:<18}  {:<34}  {:<24}  {}\n", "TIME", "KIND", "INDICATOR", "FIELD",
                               "WHERE");
                  first = false;
                  fmt::print(
                      out, "{:<20}  {:<18}  {:<34}  {:<24}  {}:{}{}\n",
                      alert.event_time ? alert.event_time->text(0) : "-", detect::to_string(alert.value.kind),
                      printable(alert.value.text, 34), printable(alert.field, 24), printable(alert.position.source, 60),
                      alert.position.line,
                      alert.warning_lists.empty() ? "" : "  ⚠ " + printable(alert.warning_lists.front().list, 40));
                } else {
                  text += to_text(alert.json());
                  text += '\n';
                }
              }
              broken_pipe = std::fwrite(text.data(), 1, text.size(), out) != text.size();
              return !broken_pipe;
            });
        for (const Error& error : result.damage) troubles.add(error);
        alerts += result.alerts;
        blocks += result.blocks;
        blocks_read += result.blocks_read;
        read_whole += result.read_whole;
        ++segments;
        stopped = result.stopped;
        if (progress) progress->update(++done, fmt::format("{} alerts", alerts));
        if (stopped) break;
      }
      if (stopped) break;
    }
  }
  broken_pipe = std::fflush(out) != 0 || broken_pipe;
  if (broken_pipe) troubles.add({ErrorCode::kIo, "the alerts could not be written", {}});
  if (!options.quiet) {
    const double seconds = Seconds(std::chrono::steady_clock::now() - start).count();
    fmt::print(err, "Hunt: {} of {} blocks in {} segments opened in {:.3f} s{}\n", blocks_read, blocks, segments,
               seconds,
               read_whole > 0 ? fmt::format(" ({} segments without an index were read whole)", read_whole) : "");
    fmt::print(err, "Alerts: {}{}\n", alerts, stopped ? " (stopped before the end)" : "");
  }
  if (troubles.any()) return kExitTrouble;
  return alerts > 0 ? kExitOk : kExitNo;
}

int run_hunt_index(const HuntOptions& options, std::FILE*, std::FILE* err) {
  Troubles troubles(err);
  if (options.logs.empty()) troubles.add({ErrorCode::kInvalid, "name log files or directories", {}});
  const SystemClock clock;
  SystemRandom random;
  const std::vector<Log> logs = find_logs(options, troubles);
  auto indexes = open_indexes(logs, clock, random, true);
  if (!indexes) {
    troubles.add(indexes.error());
    return kExitTrouble;
  }
  update_indexes(logs, *indexes, options, err, troubles);
  return troubles.any() ? kExitTrouble : kExitOk;
}

int run_hunt_verify(const HuntOptions& options, std::FILE* out, std::FILE* err) {
  Troubles troubles(err);
  if (nothing_named(options, troubles)) return kExitTrouble;
  const SystemClock clock;
  SystemRandom random;
  Troubles opening(err);
  auto parts =
      open_parts(options, find_logs(options, troubles), clock, random, options.store.empty() ? troubles : opening);
  if (!parts) {
    troubles.add(parts.error());
    return kExitTrouble;
  }
  std::uint64_t total = 0, segments = 0, damaged = opening.any() ? 1 : 0, done = 0;
  for (const Part& part : *parts) total += part.segments.size();
  {
    Progress progress("verifying", total);
    for (const Part& part : *parts)
      for (const SegmentFilePtr& segment : part.segments) {
        for (const Error& error : segment->verify()) {
          fmt::print(out, "{}\n", printable(error.text(), 500));
          ++damaged;
        }
        segment->forget_dictionary();
        ++segments;
        progress.update(++done);
      }
  }
  if (!options.quiet)
    fmt::print(err, "Verified: {} segments, {}\n", segments,
               damaged == 0 ? "all is well" : fmt::format("{} faults", damaged));
  if (troubles.any()) return kExitTrouble;
  return damaged > 0 ? kExitNo : kExitOk;
}

int run_hunt_status(const HuntOptions& options, std::FILE* out, std::FILE* err) {
  Troubles troubles(err);
  if (nothing_named(options, troubles)) return kExitTrouble;
  const SystemClock clock;
  SystemRandom random;
  auto parts = open_parts(options, find_logs(options, troubles), clock, random, troubles);
  if (!parts) {
    troubles.add(parts.error());
    return kExitTrouble;
  }
  std::uint64_t segments = 0, unindexed = 0, blocks = 0, events = 0, lines = 0, stored = 0, dictionaries = 0;
  std::int64_t first = 0, last = 0;
  bool timed = false;
  for (const Part& part : *parts)
    for (const SegmentFilePtr& segment : part.segments) {
      ++(segment->has_manifest() ? segments : unindexed);
      blocks += segment->blocks().size();
      events += segment->events();
      lines += segment->lines_bytes();
      stored += segment->size();
      dictionaries += segment->dictionary_bytes();
      for (const auto& block : segment->blocks()) {
        if (block.facts.first_s > block.facts.last_s || block.facts.events == 0) continue;
        first = timed ? std::min(first, block.facts.first_s) : block.facts.first_s;
        last = timed ? std::max(last, block.facts.last_s) : block.facts.last_s;
        timed = true;
      }
    }
  const std::string from = timed ? Instant{first, 0}.text(0) : "", to = timed ? Instant{last, 0}.text(0) : "";
  if (options.json || !is_terminal(out)) {
    JsonObject json{
        {"segments", segments}, {"without_index", unindexed}, {"blocks", blocks},           {"events", events},
        {"bytes", lines},       {"stored_bytes", stored},     {"index_bytes", dictionaries}};
    if (timed) json["first"] = from, json["last"] = to;
    fmt::print(out, "{}\n", to_text(json));
  } else {
    fmt::print(out, "segments  {}{}\nevents    {} in {} blocks\nlines     {}\nstored    {}, of them index {}\n",
               segments, unindexed > 0 ? fmt::format(", and {} not indexed yet", unindexed) : "", events, blocks,
               megabytes(lines), megabytes(stored), megabytes(dictionaries));
    if (timed) fmt::print(out, "times     {} to {}\n", from, to);
  }
  return troubles.any() ? kExitTrouble : kExitOk;
}

}  // namespace bongsu::cli
