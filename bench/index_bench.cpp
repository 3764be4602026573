// Indicators that come and go while events are matched: is a matching thread held up, is anything missed or late?
//
//   index_bench LIST [SECONDS]          make_indicators 10000000 > /var/tmp/10m.txt first
//
// Loads the list, matches batches of a hundred events in one thread for some seconds (the measure), and then again
// while another adds 10,000 indicators a second and removes 10,000, ten at a time. After each addition the next batch
// holds an event with one of the new values, which must hit, and every batch holds one with a lasting value and one
// with a removed one.
#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include "detect/indicator_file.h"
#include "detect/matcher.h"
#include "telemetry/line_batch.h"

namespace {

using namespace bongsu;
using Steady = std::chrono::steady_clock;

double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double cpu_of(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

std::string name(std::uint64_t n) { return fmt::format("passing{}.example", n); }
constexpr std::uint64_t kFirstRef = 1ULL << 50;

struct Delays {
  std::vector<double> wall, cpu;  // ms a batch
  std::uint64_t batches = 0, missed = 0, ghosts = 0;
  void print(const char* what) {
    const auto at = [](std::vector<double>& v, double q) {
      std::sort(v.begin(), v.end());
      return v.empty() ? 0 : v[std::min(v.size() - 1, static_cast<std::size_t>(q * static_cast<double>(v.size())))];
    };
    fmt::print(
        "  {:<28} {:>8} batches; CPU a batch p50 {:.3f} p99 {:.3f} worst {:.3f} ms; wall p50 {:.3f} p99 {:.3f} "
        "worst {:.3f} ms; missed or late {}, after removal {}\n",
        what, batches, at(cpu, 0.5), at(cpu, 0.99), at(cpu, 1), at(wall, 0.5), at(wall, 0.99), at(wall, 1), missed,
        ghosts);
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: index_bench LIST [SECONDS]\n");
    return 2;
  }
  const double seconds = std::max(1.0, argc > 2 ? std::atof(argv[2]) : 60);
  const double before = resident_bytes(), start = cpu_of(CLOCK_PROCESS_CPUTIME_ID);
  detect::Index index({.values_directory = "/var/tmp", .seed = std::nullopt});
  detect::IndicatorFiles files(index, {});
  if (const auto loaded = files.load(argv[1]); !loaded) {
    fmt::print(stderr, "{}\n", loaded.error().text());
    return 2;
  }
  const double entries = static_cast<double>(index.size());
  fmt::print("{} values loaded in {:.2f} s of CPU; resident memory grew by {:.1f} bytes a value (index {:.1f})\n",
             index.size(), cpu_of(CLOCK_PROCESS_CPUTIME_ID) - start, (resident_bytes() - before) / entries,
             static_cast<double>(index.memory_bytes()) / entries);
  const auto lasting = *detect::normalise(detect::Kind::kDomain, "lasting.example");
  if (!index.add(std::vector<detect::Indicator>{{kFirstRef, lasting, {}, {}, -1}})) return 2;

  std::atomic<std::uint64_t> added{0}, removed{0};  // of the passing ones, by number: those below
  const auto match = [&](const std::atomic<bool>& stop, Delays& out) {
    telemetry::BadLines bad;
    telemetry::EventParser parser(bad);
    detect::Matcher matcher;
    std::vector<detect::Hit> hits;
    const Instant now{1'800'000'000, 0};
    std::uint64_t round = 0;
    while (!stop.load()) {
      const std::uint64_t newest = added.load(), gone = removed.load();
      std::string lines;
      for (int i = 0; i < 97; ++i)
        lines += fmt::format(
            R"({{"_path":"dns","ts":"2026-11-25T12:00:00.{:06}Z","uid":"C{:x}","id.orig_h":"10.1.{}.{}","id.resp_h":"192.0.2.1","query":"w{}.cdn{}.example","answers":["203.0.113.{}"]}})"
            "\n",
            i, round * 97 + static_cast<std::uint64_t>(i), i, round % 251, round % 4099, i, round % 256);
      lines += "{\"query\":\"www.lasting.example\"}\n";
      const bool fresh = newest > gone;
      if (fresh) lines += "{\"query\":\"" + name(newest - 1) + "\"}\n";
      if (gone > 0) lines += "{\"query\":\"" + name(gone - 1) + "\"}\n";
      const telemetry::LineBatch batch{std::make_shared<const std::string>("bench"), lines, 0, 1, nullptr};
      const auto wall = Steady::now();
      const double cpu = cpu_of(CLOCK_THREAD_CPUTIME_ID);
      bool hit_lasting = false, hit_fresh = false;
      matcher.use(index.snapshot());
      parser.start(batch);
      while (const auto* event = parser.next()) {
        hits.clear();
        matcher.match(*event, now, hits);
        for (const auto& hit : hits) {
          hit_lasting = hit_lasting || hit.ref == kFirstRef;
          hit_fresh = hit_fresh || (fresh && hit.ref == kFirstRef + newest);
          if (gone > 0 && hit.ref == kFirstRef + gone) ++out.ghosts;
        }
      }
      out.cpu.push_back((cpu_of(CLOCK_THREAD_CPUTIME_ID) - cpu) * 1e3);
      out.wall.push_back(std::chrono::duration<double, std::milli>(Steady::now() - wall).count());
      // The newest may have been removed in the meantime.
      out.missed += !hit_lasting || (fresh && !hit_fresh && removed.load() < newest);
      ++out.batches;
      ++round;
    }
  };

  std::atomic<bool> stop{false};
  Delays still, changing;
  {
    std::thread matching([&] { match(stop, still); });
    std::this_thread::sleep_for(std::chrono::duration<double>(std::min(seconds, 10.0)));
    stop = true;
    matching.join();
  }
  still.print("nothing changes");
  stop = false;
  std::thread matching([&] { match(stop, changing); });
  std::uint64_t number = 0;
  std::vector<double> calls;
  double resident_most = 0;
  const double changing_cpu = cpu_of(CLOCK_THREAD_CPUTIME_ID);
  const auto begin = Steady::now();
  while (std::chrono::duration<double>(Steady::now() - begin).count() < seconds) {
    std::this_thread::sleep_until(begin + std::chrono::milliseconds(number / 10));
    std::vector<detect::Indicator> batch;
    std::vector<std::uint64_t> gone;
    for (std::uint64_t n = number; n < number + 10; ++n) {
      batch.push_back({kFirstRef + n + 1, *detect::normalise(detect::Kind::kDomain, name(n)), {}, {}, -1});
      if (n >= 20'000) gone.push_back(kFirstRef + n - 20'000 + 1);
    }
    const auto call = Steady::now();
    if (!index.add(batch)) return 2;
    added.store(number + 10);
    if (!gone.empty()) {
      index.remove(gone);
      removed.store(number + 10 - 20'000);
    }
    calls.push_back(std::chrono::duration<double, std::milli>(Steady::now() - call).count());
    number += 10;
    if (number % 10'000 == 0) resident_most = std::max(resident_most, resident_bytes());
  }
  stop = true;
  matching.join();
  changing.print("10,000 in, 10,000 out a second");
  std::sort(calls.begin(), calls.end());
  fmt::print(
      "  {} added, {} removed; the changing thread took {:.2f} s of CPU; an addition with a removal p50 {:.3f} p99 "
      "{:.3f} worst {:.3f} ms; index {} entries, {:.1f} bytes each; resident at most {:.1f} bytes a value\n",
      number, number > 20'000 ? number - 20'000 : 0, cpu_of(CLOCK_THREAD_CPUTIME_ID) - changing_cpu,
      calls[calls.size() / 2], calls[calls.size() * 99 / 100], calls.back(), index.size(),
      static_cast<double>(index.memory_bytes()) / static_cast<double>(index.size()),
      (resident_most - before) / entries);
  return changing.missed + changing.ghosts == 0 ? 0 : 1;
}
