// How long does YARA take over files and over fields of events, beside the yara program on the same files?
//
//   yara_bench files RULES DIRECTORY     equality with `yara -r -N -f` first, then CPU seconds of both
//   yara_bench events RULES EVENTS       events a second of CPU, how many fields were known from before
//
// RULES is a directory of rule files. External variables are empty on both sides, so that the rules mean the same.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include "cpu_time.h"
#include "detect/yara/yara_matcher.h"
#include "telemetry/batch_reader.h"
#include "telemetry/line_batch.h"

namespace {

using namespace bongsu;
using namespace bongsu::detect;
namespace fs = std::filesystem;

YaraSetPtr load(const std::string& rules, bool for_events) {
  YaraOptions options{.externals = {}, .for_events = for_events};
  for (const char* name : {"filename", "filepath", "extension", "filetype", "owner"})
    options.externals.emplace_back(name, "");
  const double before = bench::cpu_seconds(RUSAGE_SELF);
  auto set = YaraSet::load({rules}, options);
  fmt::print("loaded {} rules of {} files ({} for events), {} left out, in {:.2f} s CPU\n", set->rules().size(),
             set->files(), set->event_rules(), set->error_count(), bench::cpu_seconds(RUSAGE_SELF) - before);
  return set;
}

int files(const std::string& rules, const std::string& directory) {
  const auto set = load(rules, false);
  double before = bench::cpu_seconds(RUSAGE_SELF);
  std::multiset<std::string> ours, theirs;
  YaraMatcher matcher(set, {.max_file_bytes = 2'000'000'000});
  std::vector<YaraHit> hits;
  std::uint64_t refused = 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory, fs::directory_options::skip_permission_denied)) {
    if (entry.is_symlink() || !entry.is_regular_file()) continue;
    hits.clear();
    if (!matcher.scan_file(entry.path().string(), hits)) ++refused;
    for (const YaraHit& hit : hits) ours.insert(hit.rule->name + " " + entry.path().string());
  }
  const double own = bench::cpu_seconds(RUSAGE_SELF) - before;
  const auto counts = matcher.counts();
  fmt::print("bongsu: {} files, {:.1f} MB, {} hits, {} not scanned: {:.2f} s CPU, {:.1f} MB/s\n", counts.files,
             static_cast<double>(counts.bytes) / 1e6, ours.size(), refused, own,
             static_cast<double>(counts.bytes) / 1e6 / own);

  // Each rule file its own namespace there, too.
  std::string command = "yara -r -N -f -w -p 1 -d filename= -d filepath= -d extension= -d filetype= -d owner=";
  std::size_t n = 0;
  for (const auto& entry : fs::recursive_directory_iterator(rules))
    if (entry.path().extension() == ".yar" || entry.path().extension() == ".yara")
      command += fmt::format(" n{}:{}", n++, entry.path().string());
  command += " " + directory + " 2>/dev/null";
  before = bench::cpu_seconds(RUSAGE_CHILDREN);
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return 2;
  char line[8192];
  while (std::fgets(line, sizeof line, pipe) != nullptr) {
    std::string text(line);
    if (!text.empty() && text.back() == '\n') text.pop_back();
    theirs.insert(std::move(text));
  }
  ::pclose(pipe);
  fmt::print("yara:   {} hits: {:.2f} s CPU (compiling its rules included)\n", theirs.size(),
             bench::cpu_seconds(RUSAGE_CHILDREN) - before);
  fmt::print("{}\n", ours == theirs ? "equal, hit by hit" : "NOT EQUAL");
  return ours == theirs ? 0 : 1;
}

int events(const std::string& rules, const std::string& path) {
  const auto set = load(rules, true);
  auto source = telemetry::open_source(path);
  if (!source) return fmt::print(stderr, "{}\n", source.error().text()), 2;
  telemetry::BadLines bad;
  telemetry::BatchReader reader(std::move(*source), path, bad);
  telemetry::EventParser parser(bad);
  YaraMatcher matcher(set);
  std::vector<YaraHit> hits;
  std::uint64_t found = 0;
  const double before = bench::cpu_seconds(RUSAGE_SELF);
  while (true) {
    auto batch = reader.next();
    if (!batch || !*batch) break;
    parser.start(**batch);
    while (const telemetry::EventView* event = parser.next()) {
      hits.clear();
      matcher.match(*event, hits);
      found += hits.size();
    }
  }
  const double spent = bench::cpu_seconds(RUSAGE_SELF) - before;
  const auto counts = matcher.counts();
  fmt::print(
      "{} events in {:.2f} s CPU: {:.0f} events/s; {} fields, {} known from before, {} cut, {} gave up; {} hits\n",
      parser.events(), spent, static_cast<double>(parser.events()) / spent, counts.fields, counts.remembered,
      counts.cut_fields, counts.timeouts + counts.faults, found);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc == 4 ? argv[1] : "";
  if (what == "files") return files(argv[2], argv[3]);
  if (what == "events") return events(argv[2], argv[3]);
  fmt::print(stderr, "usage: yara_bench files RULES DIRECTORY | events RULES EVENTS\n");
  return 2;
}
