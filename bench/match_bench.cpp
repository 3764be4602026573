// How fast are indicators matched, beside simdjson's own parse of the same bytes and `rg -F -f`?
//
//   match_bench INDICATORS LOG…        (decompressed into memory first; one core; seconds of CPU, the best of three)
//
// Rows: simdjson's tree parse of every line; the event parser alone; the matcher (parse, match, alerts). With ripgrep
// installed, `rg -F -f` over the values as text: it finds substrings anywhere, in the case in which they are written,
// so its lines are a superset of those where a value stands as it is written; the table says how many of the matcher's
// lines it found.
#include <fmt/format.h>
#include <simdjson.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <set>

#include "base/clock.h"
#include "cpu_time.h"
#include "detect/engine.h"
#include "detect/indicator_file.h"
#include "telemetry/batch_reader.h"
#include "telemetry/byte_source.h"

namespace {

using namespace bongsu;
using telemetry::LineBatch;

constexpr std::uint64_t kRivalBytes = 8ULL << 30;  // of address space: with millions of values rg would take all that there is

double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double best_of_three(const std::function<void()>& work) {
  double best = 1e9;
  for (int i = 0; i < 3; ++i) {
    const double start = bench::cpu_seconds(RUSAGE_SELF);
    work();
    best = std::min(best, bench::cpu_seconds(RUSAGE_SELF) - start);
  }
  return best;
}

void row(const char* what, std::uint64_t bytes, double seconds, std::uint64_t events, const std::string& found) {
  fmt::print("  {:<32} {:>8.3f} s  {:>7.3f} GB/s  {:>10.0f} events/s  {}\n", what, seconds,
             static_cast<double>(bytes) / seconds / 1e9, static_cast<double>(events) / seconds, found);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: match_bench INDICATORS LOG…\n");
    return 2;
  }
  const SystemClock clock;
  const double resident_before = resident_bytes();
  detect::Engine engine(clock, {.values_directory = "/var/tmp", .seed = std::nullopt});
  detect::IndicatorFiles files(engine.index(), {});
  const double load_start = bench::cpu_seconds(RUSAGE_SELF);
  if (const auto loaded = files.load(argv[1]); !loaded) {
    fmt::print(stderr, "{}\n", loaded.error().text());
    return 2;
  }
  const double load = bench::cpu_seconds(RUSAGE_SELF) - load_start;
  engine.set_origins([&](std::uint64_t ref) { return files.origin(ref); });
  const auto values = static_cast<double>(files.report().values);
  fmt::print("{} values loaded in {:.2f} s; resident memory grew by {:.1f} bytes a value (index {:.1f})\n",
             files.report().values, load, (resident_bytes() - resident_before) / values,
             static_cast<double>(engine.index().memory_bytes()) / values);

  for (int i = 2; i < argc; ++i) {
    telemetry::BadLines bad;
    auto source = telemetry::open_source(argv[i]);
    if (!source) {
      fmt::print(stderr, "{}\n", source.error().text());
      return 2;
    }
    telemetry::BatchReader reader(std::move(*source), argv[i], bad);
    std::vector<LineBatch> batches;
    std::uint64_t bytes = 0;
    while (true) {
      auto batch = reader.next();
      if (!batch || !*batch) break;
      (*batch)->data.reserve((*batch)->data.size() + simdjson::SIMDJSON_PADDING);
      bytes += (*batch)->data.size();
      batches.push_back(std::move(**batch));
    }
    fmt::print("{}: {:.1f} MB\n", argv[i], static_cast<double>(bytes) / 1e6);

    std::uint64_t documents = 0;
    simdjson::dom::parser parser;
    const double dom = best_of_three([&] {
      documents = 0;
      for (const LineBatch& batch : batches) {
        simdjson::dom::document_stream stream;
        if (parser.parse_many(batch.data.data(), batch.data.size(), 4 << 20).get(stream)) continue;
        for (auto document : stream) documents += document.error() == simdjson::SUCCESS;
      }
    });
    row("simdjson, tree of every line", bytes, dom, documents, "");

    std::uint64_t events = 0;
    const double walk = best_of_three([&] {
      telemetry::EventParser events_parser(bad);
      for (const LineBatch& batch : batches) {
        events_parser.start(batch);
        while (events_parser.next() != nullptr) {
        }
      }
      events = events_parser.events();
    });
    row("events, leaves with roles", bytes, walk, events, "");

    std::vector<detect::Alert> alerts;
    const double match = best_of_three([&] {
      alerts.clear();
      detect::Engine::Session session(engine, bad);
      for (const LineBatch& batch : batches) session.match(batch, alerts);
    });
    std::set<std::uint64_t> lines;
    for (const auto& alert : alerts) lines.insert(alert.position.line);
    row("bongsu match, one core", bytes, match, events,
        fmt::format("{} alerts on {} lines", alerts.size(), lines.size()));

    if (std::getenv("BONGSU_NO_RIVALS") != nullptr || std::system("command -v rg >/dev/null 2>&1") != 0) continue;
    char list[] = "/tmp/match-bench-XXXXXX", log[] = "/tmp/match-bench-XXXXXX", out[] = "/tmp/match-bench-XXXXXX";
    close(mkstemp(list));
    close(mkstemp(log));
    close(mkstemp(out));
    {
      std::ofstream list_file(list);
      engine.index().snapshot()->each([&](const detect::Snapshot::Entry& entry) {
        const std::string text = detect::key_text(entry.kind, entry.bytes);
        if (text.find('\n') == text.npos) list_file << text << "\n";
      });
      std::ofstream plain(log, std::ios::binary);
      for (const LineBatch& batch : batches) plain << batch.data;
    }
    const std::string command = fmt::format("prlimit --as={} rg -j1 -a -F -n -f {} {} | cut -d: -f1 > {}", kRivalBytes, list, log, out);
    const double start = bench::cpu_seconds(RUSAGE_CHILDREN);
    const int status = std::system(command.c_str());
    const double seconds = bench::cpu_seconds(RUSAGE_CHILDREN) - start;
    std::set<std::uint64_t> found;
    std::ifstream numbers(out);
    for (std::uint64_t n; numbers >> n;) found.insert(n);
    const auto both = std::count_if(lines.begin(), lines.end(), [&](std::uint64_t n) { return found.contains(n); });
    row("rg -F -f (loads included)", bytes, seconds, events,
        fmt::format("{} lines, {} of the {} that match{}", found.size(), both, lines.size(),
                    status == 0 ? "" : " (failed)"));
    unlink(list);
    unlink(log);
    unlink(out);
  }
  return 0;
}
