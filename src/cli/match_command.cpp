#include "cli/match_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/json.h"
#include "cli/terminal.h"
#include "detect/engine.h"
#include "detect/indicator_file.h"
#include "detect/scan.h"
#include "telemetry/field_map_document.h"
#include "telemetry/inputs.h"

namespace bongsu::cli {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr int kMatched = 0, kNothing = 1, kTrouble = 2;
constexpr std::size_t kShown = 5;  // bad lines and indicators that are named

void say(std::FILE* to, std::string_view line) { fmt::print(to, "{}\n", line); }

std::string size_text(double bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 1000 && unit < 4) bytes /= 1000, ++unit;
  return unit == 0 ? fmt::format("{:.0f} {}", bytes, kUnits[unit]) : fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

std::string count_text(std::uint64_t n) {
  std::string digits = std::to_string(n);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

// Draws on standard error while the scan runs, from a thread of its own.
class ProgressLine {
 public:
  ProgressLine(std::FILE* err, const detect::ScanProgress& progress, std::uint64_t total)
      : err_(err), progress_(progress), total_(total), thread_([this] { run(); }) {}
  ~ProgressLine() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    wake_.notify_all();
    thread_.join();
    fmt::print(err_, "\r\x1b[K");
    std::fflush(err_);
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::milliseconds(100), [this] { return done_; })) draw();
  }
  void draw() {
    constexpr int kWidth = 24;
    const double seconds = Seconds(std::chrono::steady_clock::now() - start_).count();
    const std::uint64_t read = progress_.bytes_read.load();
    const double rate = static_cast<double>(progress_.bytes.load()) / std::max(seconds, 0.001);
    std::string line = "\r\x1b[K";
    if (total_ > 0) {
      const double part = std::min(1.0, static_cast<double>(read) / static_cast<double>(total_));
      const int full = static_cast<int>(part * kWidth);
      line += '[';
      for (int i = 0; i < kWidth; ++i) line += i < full ? "█" : "·";
      line += fmt::format("] {:3.0f} %  ", part * 100);
    }
    line += fmt::format("{} events  {}/s  {} alerts", count_text(progress_.events.load()), size_text(rate),
                        count_text(progress_.alerts.load()));
    fmt::print(err_, "{}", line);
    std::fflush(err_);
  }

  std::FILE* err_;
  const detect::ScanProgress& progress_;
  const std::uint64_t total_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::condition_variable wake_;
  bool done_ = false;
  std::thread thread_;
};

void name_first(std::FILE* err, const telemetry::BadLines& bad, std::string_view what) {
  if (bad.count() == 0) return;
  say(err, fmt::format("  {}: {}", what, count_text(bad.count())));
  for (const auto& [reason, count] : bad.reasons()) say(err, fmt::format("    {:>9}  {}", count_text(count), reason));
  for (std::size_t i = 0; i < std::min(kShown, bad.first().size()); ++i)
    say(err, "    " + printable(bad.first()[i].text(), 300));
  if (bad.count() > kShown) say(err, fmt::format("    … and {} more", count_text(bad.count() - kShown)));
}

void indicators_summary(std::FILE* err, const detect::LoadReport& report) {
  std::string kinds;
  for (const auto& [kind, count] : report.by_kind) {
    if (!kinds.empty()) kinds += ", ";
    kinds += fmt::format("{} {}", count_text(count), detect::to_string(kind));
  }
  say(err, fmt::format("Indicators: {} with {} values{}{}", count_text(report.indicators), count_text(report.values),
                       kinds.empty() ? "" : ": ", kinds));
  if (!report.guessed.empty()) {
    std::string guessed;
    for (const auto& [kind, count] : report.guessed)
      guessed += fmt::format("{}{} {}", guessed.empty() ? "" : ", ", count_text(count), detect::to_string(kind));
    say(err, "  kind guessed from the value: " + guessed);
  }
  if (report.revoked > 0) say(err, fmt::format("  revoked, left out: {}", count_text(report.revoked)));
  if (report.low_confidence > 0)
    say(err, fmt::format("  below the confidence asked for, left out: {}", count_text(report.low_confidence)));
  if (report.other_objects > 0)
    say(err, fmt::format("  STIX objects that are no indicators: {}", count_text(report.other_objects)));
  name_first(err, report.refused, "refused");
}

void rules_summary(std::FILE* err, const detect::RuleBuild& built,
                   const std::function<std::string(std::uint64_t ref)>& name) {
  if (built.patterns + built.sigma + built.yara + built.refused.size() + built.errors.size() == 0) return;
  say(err, fmt::format("Rules: {} STIX patterns, {} Sigma, {} YARA", count_text(built.patterns),
                       count_text(built.sigma), count_text(built.yara)));
  std::vector<std::string> refused;
  for (const auto& one : built.refused) refused.push_back(name(one.ref) + ": " + one.error.text());
  for (const Error& error : built.errors) refused.push_back(error.text());
  if (!refused.empty()) say(err, fmt::format("  refused: {}", count_text(refused.size())));
  for (std::size_t i = 0; i < std::min(kShown, refused.size()); ++i) say(err, "    " + printable(refused[i], 300));
  if (refused.size() > kShown) say(err, fmt::format("    … and {} more", count_text(refused.size() - kShown)));
  if (!built.remarks.empty())
    say(err, fmt::format("  looked for in part: {}, the first: {}", count_text(built.remarks.size()),
                         printable(built.remarks.front().text(), 200)));
}

void scan_summary(std::FILE* err, const detect::ScanResult& result, const std::vector<std::string>& remarks,
                  double seconds) {
  std::string formats;
  for (std::size_t i = 0; i < telemetry::kFormats; ++i)
    if (result.by_format[i] > 0)
      formats += fmt::format("{}{} {}", formats.empty() ? "" : ", ", count_text(result.by_format[i]),
                             telemetry::to_string(static_cast<telemetry::Format>(i)));
  say(err, fmt::format("Events: {} in {} files{}{}", count_text(result.events), count_text(result.files),
                       formats.empty() ? "" : ": ", formats));
  say(err, fmt::format("  {} in {:.2f} s, {}/s", size_text(static_cast<double>(result.bytes)), seconds,
                       size_text(static_cast<double>(result.bytes) / std::max(seconds, 1e-6))));
  name_first(err, result.bad, "bad lines, not matched");
  say(err, fmt::format("Alerts: {}, of them {} on a warning list", count_text(result.alerts),
                       count_text(result.warning_listed)));
  for (const std::string& remark : remarks) say(err, "  " + remark);
  if (result.dropped_hits > 0)
    say(err, fmt::format("  left out: {} hits of events with more than {}", count_text(result.dropped_hits),
                         detect::kMaxHitsPerEvent));
  if (result.stopped) say(err, "  stopped before the end");
}

void print_table_head(std::FILE* out) {
  fmt::print(out, "{:<20}  {:<18}  {:<34}  {:<24}  {}\n", "TIME", "KIND", "INDICATOR", "FIELD", "WHERE");
}

void print_row(std::FILE* out, const detect::Alert& alert) {
  const std::string kind = alert.rule ? alert.rule->language + (alert.rule->level.empty() ? "" : " " + alert.rule->level)
                                      : std::string(detect::to_string(alert.value.kind));
  fmt::print(out, "{:<20}  {:<18}  {:<34}  {:<24}  {}:{}{}\n", alert.event_time ? alert.event_time->text(0) : "-",
             kind, printable(alert.value.text, 34), printable(alert.field, 24),
             printable(alert.position.source, 60), alert.position.line,
             alert.warning_lists.empty() ? "" : "  ⚠ " + printable(alert.warning_lists.front().list, 40));
}

}  // namespace

int run_match(const MatchOptions& options, std::FILE* out, std::FILE* err) {
  const auto trouble = [&](const Error& error) {
    say(err, "bongsu match: " + printable(error.text(), 500));
    return kTrouble;
  };
  std::vector<std::string> indicator_files = options.indicators;
  indicator_files.insert(indicator_files.end(), options.patterns.begin(), options.patterns.end());
  if (indicator_files.empty() && options.sigma.empty() && options.yara.empty())
    return trouble({ErrorCode::kInvalid,
                    "name what to look for: --indicators FILE (STIX JSON or one value a line), --patterns, --sigma or --yara",
                    {}});
  std::vector<std::string> logs = options.logs;
  if (logs.empty()) {
    if (::isatty(STDIN_FILENO) != 0)
      return trouble({ErrorCode::kInvalid, "name log files or directories, or \"-\" for standard input", {}});
    logs.push_back("-");
  }
  if (std::count(logs.begin(), logs.end(), "-") +
          std::count(indicator_files.begin(), indicator_files.end(), "-") >
      1)
    return trouble({ErrorCode::kInvalid, "standard input can be read once only", {}});

  const SystemClock clock;
  detect::Engine engine(clock, {.values_directory = detect::ValueStore::usual_directory(), .seed = {}});
  detect::IndicatorFiles files(engine.index(), {.min_confidence = options.min_confidence});
  bool failed = false;
  const auto try_to = [&](const Result<void>& done) {
    if (done) return;
    trouble(done.error());
    failed = true;
  };
  auto map = telemetry::read_maps(options.maps);
  if (!map) return trouble(map.error());
  engine.set_field_map(std::move(*map));
  for (const std::string& path : indicator_files) try_to(files.load(path));
  try_to(engine.rules().add(files.take_rules()));
  for (const std::string& path : options.pipelines) try_to(engine.rules().load_pipeline(path));
  for (const std::string& path : options.sigma) try_to(engine.rules().load(detect::Language::kSigma, path));
  for (const std::string& path : options.yara) try_to(engine.rules().load(detect::Language::kYara, path));
  const detect::RuleBuild built = engine.rules().build();
  engine.set_origins([&](std::uint64_t ref) { return files.origin(ref); });
  if (!options.quiet && !indicator_files.empty()) indicators_summary(err, files.report());
  if (!options.quiet) rules_summary(err, built, [&](std::uint64_t ref) { return files.origin(ref).indicator_id; });
  if (options.strict && (files.report().refused.count() > 0 || !built.refused.empty() || !built.errors.empty())) failed = true;
  if (files.report().values == 0 && engine.rules().sets()->empty())
    return trouble({ErrorCode::kInvalid, "no indicator or rule could be loaded", {}});

  auto lists = std::make_shared<detect::WarningLists>();
  for (const std::string& path : options.warning_lists) {
    if (const auto loaded = lists->load(path); !loaded) {
      trouble(loaded.error());
      failed = true;
    }
  }
  if (!options.warning_lists.empty()) {
    lists->finish();
    if (!options.quiet) {
      say(err,
          fmt::format("Warning lists: {} with {} entries", count_text(lists->lists()), count_text(lists->entries())));
      name_first(err, lists->troubles(), "entries not understood");
    }
    engine.set_warning_lists(lists);
  }

  const telemetry::Inputs inputs = telemetry::find_inputs(logs);
  for (const Error& error : inputs.errors) {
    trouble(error);
    failed = true;
  }
  detect::ScanProgress progress;
  detect::ScanOptions scan_options;
  scan_options.jobs =
      options.jobs > 0 ? options.jobs : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  scan_options.progress = &progress;
  scan_options.stop = options.stop;
  const bool table = !options.json && ::isatty(::fileno(out)) != 0;
  const auto start = std::chrono::steady_clock::now();
  bool first = true, broken_pipe = false;
  detect::ScanResult result;
  {
    std::optional<ProgressLine> line;
    if (!options.quiet && !table && ::isatty(::fileno(err)) != 0) line.emplace(err, progress, inputs.bytes);
    result = detect::scan(engine, inputs.files, scan_options, [&](std::vector<detect::Alert>&& alerts) {
      std::string text;
      for (const detect::Alert& alert : alerts) {
        if (table) {
          if (first) print_table_head(out);
          first = false;
          print_row(out, alert);
        } else {
          text += to_text(alert.json());
          text += '\n';
        }
      }
      broken_pipe = std::fwrite(text.data(), 1, text.size(), out) != text.size();
      return !broken_pipe;
    });
  }
  broken_pipe = std::fflush(out) != 0 || broken_pipe;
  const double seconds = Seconds(std::chrono::steady_clock::now() - start).count();
  for (const Error& error : result.errors) {
    trouble(error);
    failed = true;
  }
  if (broken_pipe) {
    trouble({ErrorCode::kIo, "the alerts could not be written", {}});
    failed = true;
  }
  if (!options.quiet) scan_summary(err, result, engine.remarks(), seconds);
  if (options.strict && result.bad.count() > 0) failed = true;
  if (failed) return kTrouble;
  return result.alerts > 0 ? kMatched : kNothing;
}

}  // namespace bongsu::cli
