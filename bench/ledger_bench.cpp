// How many entries a second does the ledger take durably, and how long until an entry is under a signed checkpoint?
//
//   ledger_bench [DIRECTORY] [SECONDS] [RATE]
//
// Events come on a fixed beat (an open loop: what is late is not forgiven), each through record_all like those of a node's feed.
// An entry counts as included when a checkpoint that covers it is signed, after the fsync that holds it. Beside it: as fast as it goes.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/log.h"
#include "cpu_time.h"
#include "ledger/ledger.h"

namespace {

using namespace bongsu;
using namespace std::chrono;

ledger::Ledger::Addressed event(std::uint64_t number, bool pair) {
  return {.log = pair ? ledger::pair_log("cert-ua") : std::string(ledger::kNodeLog),
          .event = {.kind = "release",
                    .time = Instant::from_micros(1'767'225'600'000'000 + static_cast<std::int64_t>(number)),
                    .details = {{"object", "indicator--00000000-0000-4000-8000-000000000000"}, {"version", "2026-01-01T00:00:00.000Z"}, {"collection", "91a7b528-80eb-42ed-a74d-c6fbd5a26116"},
                                {"sha256", std::string(64, 'a')}, {"agreement", std::string(64, 'b')}, {"number", number}},
                    .subject = "indicator--00000000-0000-4000-8000-000000000000"}};
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path root = argc > 1 ? argv[1] : "/var/tmp/ledger_bench";
  const double duration = argc > 2 ? std::atof(argv[2]) : 20;
  const double rate = argc > 3 ? std::atof(argv[3]) : 10'000;
  std::filesystem::remove_all(root);
  const auto log = make_stderr_log(LogLevel::kWarn);
  SystemRandom random;
  const auto key = crypto::make_signing_key();
  auto opened = ledger::Ledger::open(root, {.member = "cert-lt", .key = *key, .salt = {}}, random, *log);
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().text().c_str());
    return 1;
  }
  auto& ledger = **opened;

  // Open loop: eight callers, each with its share of the beat; what has come due goes in one call.
  constexpr int kCallers = 8;
  std::vector<std::vector<double>> waits(kCallers);
  std::vector<std::thread> callers;
  const auto start = steady_clock::now();
  const double cpu_before = bench::cpu_seconds();
  for (int c = 0; c < kCallers; ++c)
    callers.emplace_back([&, c] {
      const double beat = rate / kCallers;
      std::uint64_t done = 0;
      for (;;) {
        const double now = duration_cast<std::chrono::duration<double>>(steady_clock::now() - start).count();
        const auto due = static_cast<std::uint64_t>(std::min(now, duration) * beat);
        if (due == done) {
          if (now >= duration) return;
          std::this_thread::sleep_for(milliseconds(1));
          continue;
        }
        std::vector<ledger::Ledger::Addressed> events;
        for (std::uint64_t i = done; i < due; ++i) events.push_back(event(i, c % 2 == 1));
        const auto placed = ledger.record_all(std::move(events), {{"caller" + std::to_string(c), std::to_string(due)}});
        if (!placed || !ledger.store().checkpoint(placed->back().log)) {
          std::fprintf(stderr, "%s\n", placed ? "no checkpoint" : placed.error().text().c_str());
          std::exit(1);
        }
        const double included = duration_cast<std::chrono::duration<double>>(steady_clock::now() - start).count();
        for (std::uint64_t i = done; i < due; ++i) waits[static_cast<std::size_t>(c)].push_back(included - static_cast<double>(i + 1) / beat);
        done = due;
      }
    });
  for (auto& caller : callers) caller.join();
  const double took = duration_cast<std::chrono::duration<double>>(steady_clock::now() - start).count();
  const double cpu = bench::cpu_seconds() - cpu_before;
  std::vector<double> all;
  for (auto& part : waits) all.insert(all.end(), part.begin(), part.end());
  std::ranges::sort(all);
  const auto at = [&](double q) { return 1000 * all[std::min(all.size() - 1, static_cast<std::size_t>(q * static_cast<double>(all.size())))]; };
  std::printf("at %.0f/s: %zu durable entries in %.1f s = %.0f/s; included after p50 %.1f ms, p99 %.1f ms, p99.9 %.1f ms, max %.1f ms; %.1f us CPU each\n", rate, all.size(), took,
              static_cast<double>(all.size()) / took, at(0.5), at(0.99), at(0.999), 1000 * all.back(), 1e6 * cpu / static_cast<double>(all.size()));

  // As fast as it goes: four callers, batches of 500.
  callers.clear();
  const auto began = steady_clock::now();
  const double cpu_began = bench::cpu_seconds();
  std::atomic<std::uint64_t> total = 0;
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&, c] {
      while (steady_clock::now() - began < 5s) {
        std::vector<ledger::Ledger::Addressed> events;
        for (std::uint64_t i = 0; i < 500; ++i) events.push_back(event(i, c % 2 == 1));
        if (!ledger.record_all(std::move(events), {})) std::exit(1);
        total += 500;
      }
    });
  for (auto& caller : callers) caller.join();
  const double seconds_taken = duration_cast<std::chrono::duration<double>>(steady_clock::now() - began).count();
  std::printf("as fast as it goes: %.0f durable entries/s; %.1f us CPU each\n", static_cast<double>(total) / seconds_taken, 1e6 * (bench::cpu_seconds() - cpu_began) / static_cast<double>(total));

  // Proofs from tiles on disk.
  if (!ledger.settle()) return 1;
  const std::uint64_t size = ledger.store().head(ledger::kNodeLog)->size;
  const auto proving = steady_clock::now();
  constexpr int kProofs = 2'000;
  for (std::uint64_t i = 0; i < kProofs; ++i)
    if (!ledger.store().inclusion(ledger::kNodeLog, i * 7919 % size, size)) return 1;
  std::printf("inclusion proofs in a log of %llu: %.0f us each\n", static_cast<unsigned long long>(size), 1e6 * duration_cast<std::chrono::duration<double>>(steady_clock::now() - proving).count() / kProofs);
  opened->reset();
  const auto opening = steady_clock::now();
  auto again = ledger::Ledger::open(root, {.member = "cert-lt", .key = *key, .salt = {}}, random, *log);
  if (!again) return 1;
  std::printf("opened again in %.0f ms\n", 1e3 * duration_cast<std::chrono::duration<double>>(steady_clock::now() - opening).count());
  again->reset();
  std::filesystem::remove_all(root);
  return 0;
}
