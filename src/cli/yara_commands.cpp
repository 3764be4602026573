#include "cli/yara_commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "base/json.h"
#include "cli/terminal.h"
#include "detect/yara/yara_matcher.h"

namespace bongsu::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxScanFiles = 10'000'000;
constexpr std::size_t kFilesAhead = 256;  // scanned and not yet written
constexpr std::size_t kNamed = 20;        // files that could not be scanned
constexpr int kMaxJobs = 256;

void write_line(std::FILE* to, const JsonObject& object) { fmt::print(to, "{}\n", to_text(Json(object))); }

// Text that is no UTF-8 goes into JSON as hexadecimal digits beside it.
std::string hex_of(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

std::string utf8_of(std::string_view bytes) {
  std::string quoted;
  append_json_string(quoted, bytes);
  const auto value = parse_json(quoted);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

JsonObject json_of(const std::string& file, const detect::YaraHit& hit) {
  const detect::YaraRule& rule = *hit.rule;
  JsonArray tags, strings, techniques;
  JsonObject meta;
  for (const std::string& tag : rule.tags) tags.emplace_back(tag);
  for (const std::string& id : rule.techniques()) techniques.emplace_back(id);
  for (const auto& [key, value] : rule.meta) meta[utf8_of(key)] = utf8_of(value);
  for (const detect::YaraString& string : hit.strings)
    strings.emplace_back(JsonObject{{"name", string.name},
                                    {"offset", string.offset},
                                    {"length", string.length},
                                    {"data_hex", hex_of(string.data)}});
  return {{"kind", "hit"},
          {"file", utf8_of(file)},
          {"rule", rule.name},
          {"namespace", utf8_of(rule.name_space)},
          {"level", rule.level()},
          {"tags", std::move(tags)},
          {"techniques", std::move(techniques)},
          {"meta", std::move(meta)},
          {"strings", std::move(strings)}};
}

// Regular files below the paths; what was named itself is tried whatever it is.
class FileList {
 public:
  explicit FileList(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      std::error_code ec;
      if (!fs::is_directory(path, ec)) {
        add(path, true);
        continue;
      }
      fs::recursive_directory_iterator it(path, fs::directory_options::skip_permission_denied, ec), end;
      const std::size_t before = files.size();
      while (!ec && it != end && files.size() < kMaxScanFiles) {
        std::error_code status;
        const auto type = it->symlink_status(status).type();
        if (type == fs::file_type::regular) {
          add(it->path().string(), false);
        } else if (type != fs::file_type::directory) {
          ++left_out;
        }
        it.increment(ec);
      }
      if (ec) errors.push_back({ErrorCode::kIo, "cannot list: " + ec.message(), {.source = path}});
      std::sort(files.begin() + static_cast<std::ptrdiff_t>(before), files.end());
    }
    if (files.size() >= kMaxScanFiles)
      errors.push_back({ErrorCode::kTooLarge, fmt::format("more than {} files", kMaxScanFiles), {}});
  }

  std::vector<std::pair<std::string, bool>> files;  // path, named
  std::vector<Error> errors;
  std::uint64_t left_out = 0;  // links, FIFOs, devices, sockets in directories

 private:
  void add(std::string path, bool named) {
    if (files.size() < kMaxScanFiles) files.emplace_back(std::move(path), named);
  }
};

struct Scanned {
  std::vector<detect::YaraHit> hits;
  std::optional<Error> error;
};

// Files to workers and back in their order, with at most kFilesAhead results waiting.
class OrderedScan {
 public:
  OrderedScan(const FileList& list, const detect::YaraSetPtr& set, const detect::YaraLimits& limits, int jobs)
      : list_(list) {
    for (int i = 0; i < jobs; ++i) threads_.emplace_back([this, set, limits] { work(set, limits); });
  }
  ~OrderedScan() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Scanned take(std::size_t index) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_.contains(index); });
    Scanned out = std::move(done_.extract(index).mapped());
    taken_ = index + 1;
    changed_.notify_all();
    return out;
  }
  std::uint64_t bytes() {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  void work(const detect::YaraSetPtr& set, const detect::YaraLimits& limits) {
    detect::YaraMatcher matcher(set, limits);
    std::uint64_t counted = 0;
    while (true) {
      std::size_t index = 0;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stopped_ || next_ >= list_.files.size() || next_ < taken_ + kFilesAhead; });
        if (stopped_ || next_ >= list_.files.size()) return;
        index = next_++;
      }
      Scanned scanned;
      if (auto result = matcher.scan_file(list_.files[index].first, scanned.hits); !result)
        scanned.error = std::move(result.error());
      const std::lock_guard lock(mutex_);
      bytes_ += matcher.counts().bytes - counted;
      counted = matcher.counts().bytes;
      done_.emplace(index, std::move(scanned));
      changed_.notify_all();
    }
  }

  const FileList& list_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::size_t, Scanned> done_;
  std::size_t next_ = 0, taken_ = 0;
  std::uint64_t bytes_ = 0;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

void tell_errors(const detect::YaraSet& set, std::FILE* err) {
  for (std::size_t i = 0; i < std::min(set.errors().size(), kNamed); ++i)
    fmt::print(err, "bongsu: {}\n", printable(set.errors()[i].text()));
  if (set.error_count() > kNamed)
    fmt::print(err, "bongsu: and {} more; bongsu yara check names them\n", set.error_count() - kNamed);
}

}  // namespace

int run_yara_check(const YaraCheckOptions& options, std::FILE* out, std::FILE* err) {
  const auto set = detect::YaraSet::load(options.rules);
  bool trouble = set->rules().empty();
  for (const Error& error : set->errors()) {
    trouble = trouble || error.code != ErrorCode::kInvalid;
    if (options.json) {
      write_line(out, {{"kind", error.code == ErrorCode::kInvalid ? "bad" : "trouble"},
                       {"file", utf8_of(error.where.source)},
                       {"line", error.where.line},
                       {"statement", utf8_of(error.where.field)},
                       {"message", utf8_of(error.message)}});
    } else {
      fmt::print(out, "{}\n", printable(error.text()));
    }
  }
  if (options.json) {
    write_line(out, {{"kind", "summary"},
                     {"files", set->files()},
                     {"rules", set->rules().size()},
                     {"event_rules", set->event_rules()},
                     {"strings", set->strings()},
                     {"bad", set->error_count()}});
  } else {
    fmt::print(err, "{} rules with {} strings in {} files; {} for fields of events; {} left out\n", set->rules().size(),
               set->strings(), set->files(), set->event_rules(), set->error_count());
  }
  if (trouble) return kExitTrouble;
  return set->error_count() > 0 ? kExitNo : kExitOk;
}

int run_yara_scan(const YaraScanOptions& options, std::FILE* out, std::FILE* err) {
  const auto trouble = [&](const Error& error) {
    fmt::print(err, "bongsu: {}\n", printable(error.text()));
    return kExitTrouble;
  };
  detect::YaraOptions rules{.externals = {}, .for_events = false};
  for (const std::string& define : options.defines) {
    const std::size_t equals = define.find('=');
    if (equals == define.npos || equals == 0)
      return trouble({ErrorCode::kInvalid, "a variable is defined as NAME=VALUE", {.field = define}});
    rules.externals.emplace_back(define.substr(0, equals), define.substr(equals + 1));
  }
  const auto set = detect::YaraSet::load(options.rules, rules);
  tell_errors(*set, err);
  if (set->rules().empty()) return trouble({ErrorCode::kInvalid, "no rule could be loaded", {}});
  bool failed = std::any_of(set->errors().begin(), set->errors().end(),
                            [](const Error& error) { return error.code != ErrorCode::kInvalid; });

  const FileList list(options.paths);
  for (const Error& error : list.errors) trouble(error), failed = true;
  const bool table = !options.json && ::isatty(::fileno(out)) != 0;
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const int jobs = std::clamp(options.jobs > 0 ? options.jobs : cores, 1, kMaxJobs);
  std::uint64_t hits = 0, hit_files = 0, skipped = list.left_out, refused = 0, bytes = 0;
  bool broken = false;
  {
    OrderedScan scan(list, set,
                     {.max_file_bytes = options.max_file_bytes, .file_timeout_seconds = options.timeout_seconds}, jobs);
    const auto progress = options.quiet ? nullptr : std::make_unique<Progress>("Scanning", list.files.size());
    for (std::size_t i = 0; i < list.files.size() && !broken; ++i) {
      const Scanned scanned = scan.take(i);
      const auto& [file, named] = list.files[i];
      for (const detect::YaraHit& hit : scanned.hits) {
        if (table) {
          fmt::print(out, "{:<13}  {:<40}  {}\n", hit.rule->level(), printable(hit.rule->name), printable(file));
        } else {
          write_line(out, json_of(file, hit));
        }
      }
      broken = std::ferror(out) != 0;
      hits += scanned.hits.size();
      hit_files += scanned.hits.empty() ? 0 : 1;
      if (scanned.error) {
        const ErrorCode code = scanned.error->code;
        const bool skip = code == ErrorCode::kTooLarge || code == ErrorCode::kUnsupported;
        ++(skip ? skipped : refused);
        if (!skip) failed = true;
        if (named || (!skip && refused <= kNamed)) trouble(*scanned.error);
      }
      if (progress) progress->update(i + 1);
    }
    bytes = scan.bytes();
  }
  if (std::fflush(out) != 0 || broken) return trouble({ErrorCode::kIo, "the hits could not be written", {}});
  if (!options.quiet)
    fmt::print(
        err, "{} hits in {} of {} files ({} bytes) by {} rules; {} left out (too large, links, no files), {} failed\n",
        hits, hit_files, list.files.size(), bytes, set->rules().size(), skipped, refused);
  if (failed) return kExitTrouble;
  return hits > 0 ? kExitOk : kExitNo;
}

}  // namespace bongsu::cli
