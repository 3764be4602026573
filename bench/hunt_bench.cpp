// How fast are new indicators looked up in stored telemetry, and what does the index cost?
//
//   hunt_bench INDICATORS DIRECTORY LOG…      (DIRECTORY: where the store is made; what is there is used again)
//
// Makes a store of the logs if there is none, opens it, and hunts: 1,000 indicators (several draws of the list), the
// whole list, and a million (the list and made-up values of its kinds). Each hunt's alerts are first compared with
// those of a full scan of the same store by the same indicators: ids must be equal, one by one. Seconds of CPU, one
// core, the best of three; bytes of lines as they were read.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <set>

#include "base/clock.h"
#include "base/random.h"
#include "cpu_time.h"
#include "detect/engine.h"
#include "detect/hunt/hunt_indexer.h"
#include "detect/hunt/hunter.h"
#include "detect/indicator_file.h"
#include "telemetry/batch_reader.h"
#include "telemetry/byte_source.h"
#include "telemetry/store/store.h"

namespace {

using namespace bongsu;
using detect::Alert;
using detect::Engine;
using detect::HuntIndexer;
using detect::HuntKeys;
using detect::HuntResult;
using detect::Indicator;
using telemetry::SegmentFilePtr;
using telemetry::TelemetryStore;

double best_of_three(const std::function<void()>& work) {
  double best = 1e9;
  for (int i = 0; i < 3; ++i) {
    const double start = bench::cpu_seconds();
    work();
    best = std::min(best, bench::cpu_seconds() - start);
  }
  return best;
}

[[noreturn]] void stop(const Error& error) {
  fmt::print(stderr, "{}\n", error.text());
  std::exit(2);
}

template <class T>
T need(Result<T> result) {
  if (!result) stop(result.error());
  return std::move(*result);
}
void need(Result<void> result) {
  if (!result) stop(result.error());
}

void fill(TelemetryStore& store, const Clock& clock, const std::vector<std::string>& logs) {
  std::unique_ptr<HuntIndexer> indexer;
  const auto finish = [&] {
    if (!indexer) return;
    need(indexer->finish({.created = clock.now()}));
    need(store.replaced());
    indexer.reset();
  };
  const double start = bench::cpu_seconds();
  std::uint64_t bytes = 0;
  for (const auto& log : logs) {
    telemetry::BadLines bad;
    telemetry::BatchReader reader(need(telemetry::open_source(log)), log, bad);
    while (auto batch = need(reader.next())) {
      if (!indexer)
        indexer =
            std::make_unique<HuntIndexer>(need(store.new_segment()), store.seed(), telemetry::FieldMap::standard());
      bytes += batch->data.size();
      need(indexer->add(*batch));
      if (indexer->lines_bytes() >= detect::kSegmentBytes) finish();
    }
  }
  finish();
  const double seconds = bench::cpu_seconds() - start;
  fmt::print("stored and indexed {:.1f} MB in {:.2f} s, {:.3f} GB/s\n", static_cast<double>(bytes) / 1e6, seconds,
             static_cast<double>(bytes) / seconds / 1e9);
}

std::multiset<std::string> ids(Engine& engine, const HuntKeys* keys, const std::vector<SegmentFilePtr>& segments) {
  std::multiset<std::string> out;
  detect::hunt(engine, {.keys = keys}, segments, {}, [&](std::vector<Alert>&& alerts) {
    for (const Alert& alert : alerts) out.insert(alert.id);
    return true;
  });
  return out;
}

void measure(const char* name, const std::vector<Indicator>& indicators, TelemetryStore& store, const Clock& clock) {
  const auto segments = store.segments();
  Engine engine(clock);
  need(engine.add(indicators));
  engine.set_origins([](std::uint64_t ref) { return detect::Origin{.indicator_id = fmt::format("list:{}", ref)}; });
  HuntKeys check(store.seed());
  need(check.add(indicators));
  check.sort();
  const auto fast = ids(engine, &check, segments);
  const double scan_start = bench::cpu_seconds();
  const auto slow = ids(engine, nullptr, segments);
  const double scan = bench::cpu_seconds() - scan_start;
  HuntResult result;
  double keys_seconds = 0, candidates = 0;
  const double seconds = best_of_three([&] {
    const double start = bench::cpu_seconds();
    HuntKeys keys(store.seed());
    need(keys.add(indicators));
    keys.sort();
    keys_seconds = bench::cpu_seconds() - start;
    HuntResult ignored;
    for (const auto& segment : segments) (void)detect::parts_to_read(*segment, {.keys = &keys}, ignored);
    candidates = bench::cpu_seconds() - start;
  });
  const double all = best_of_three([&] {
    HuntKeys keys(store.seed());
    need(keys.add(indicators));
    keys.sort();
    result = detect::hunt(engine, {.keys = &keys}, segments, {}, [](std::vector<Alert>&&) { return true; });
  });
  fmt::print(
      "  {:<26} {:>9} indicators  dictionaries {:>8.2f} ms (keys {:.2f})  with blocks and matching {:>8.2f} ms  full "
      "scan {:>8.0f} ms  "
      "{} of {} blocks, {} alerts{}\n",
      name, indicators.size(), seconds * 1e3, keys_seconds * 1e3, all * 1e3, scan * 1e3, result.blocks_read,
      result.blocks, result.alerts, fast == slow ? "" : "  NOT THOSE OF THE FULL SCAN");
  if (fast != slow) std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "usage: hunt_bench INDICATORS DIRECTORY LOG…\n");
    return 2;
  }
  const SystemClock clock;
  SystemRandom system;
  const std::string directory = argv[2];
  {
    auto store =
        need(TelemetryStore::open(need(telemetry::open_directory(directory)), {.keep_bytes = ~0ULL}, clock, system));
    if (store->segments().empty()) fill(*store, clock, {argv + 3, argv + argc});
  }
  const double open_start = bench::cpu_seconds();
  auto store =
      need(TelemetryStore::open(need(telemetry::open_directory(directory)), {.keep_bytes = ~0ULL}, clock, system));
  std::uint64_t keys = 0, dictionaries = 0, lines = 0, events = 0, blocks = 0;
  for (const auto& segment : store->segments()) {
    const auto dictionary = need(segment->dictionary());
    keys += dictionary->keys() + dictionary->ordered_keys();
    dictionaries += segment->dictionary_bytes();
    lines += segment->lines_bytes();
    events += segment->events();
    blocks += segment->blocks().size();
  }
  fmt::print(
      "opened in {:.0f} ms: {} segments, {} blocks, {} events, {:.1f} MB of lines; on disk {:.1f} MB ({:.2f} %), of "
      "them dictionaries {:.1f} MB "
      "({:.2f} % of the lines) with {} keys\n",
      (bench::cpu_seconds() - open_start) * 1e3, store->segments().size(), blocks, events, static_cast<double>(lines) / 1e6,
      static_cast<double>(store->bytes()) / 1e6, static_cast<double>(store->bytes()) * 100 / static_cast<double>(lines),
      static_cast<double>(dictionaries) / 1e6, static_cast<double>(dictionaries) * 100 / static_cast<double>(lines),
      keys);

  std::vector<Indicator> all;
  {
    Engine engine(clock);
    detect::IndicatorFiles files(engine.index(), {.each = [&](std::span<const Indicator> batch) {
                                   all.insert(all.end(), batch.begin(), batch.end());
                                 }});
    need(files.load(argv[1]));
  }
  SeededRandom random(20261125);
  for (int draw = 0; draw < 4; ++draw) {
    std::vector<Indicator> some;
    for (int i = 0; i < 1000; ++i) some.push_back(all[random.below(all.size())]);
    measure(fmt::format("a draw of the list ({})", draw + 1).c_str(), some, *store, clock);
  }
  {
    // A thousand of which every one that finds anything is one: what blocks and matching cost.
    Engine engine(clock);
    need(engine.add(all));
    engine.set_origins([](std::uint64_t ref) { return detect::Origin{.indicator_id = fmt::format("list:{}", ref)}; });
    HuntKeys keys(store->seed());
    need(keys.add(all));
    keys.sort();
    std::set<std::uint64_t> refs;
    detect::hunt(engine, {.keys = &keys}, store->segments(), {}, [&](std::vector<Alert>&& alerts) {
      for (const Alert& alert : alerts) refs.insert(alert.indicator_ref);
      return true;
    });
    std::vector<Indicator> some;
    for (const Indicator& one : all)
      if (refs.contains(one.ref) && some.size() < 1000) some.push_back(one);
    const std::size_t hitting = some.size();
    while (some.size() < 1000) some.push_back(all[random.below(all.size())]);
    measure(fmt::format("a draw with all {} that hit", hitting).c_str(), some, *store, clock);
    // And one with ten of them.
    std::vector<Indicator> ten(some.begin(),
                               some.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(hitting, 10)));
    while (ten.size() < 1000) ten.push_back(all[random.below(all.size())]);
    measure("a draw with ten that hit", ten, *store, clock);
  }
  measure("the list", all, *store, clock);
  std::uint64_t ref = 1ULL << 40;
  while (all.size() < 1'000'000) {
    const std::uint64_t r = random.next();
    detect::Value value;
    switch (r % 4) {
      case 0:
        value = {detect::Kind::kDomain, fmt::format("x{:x}.example{}.net", r >> 20, r % 1000)};
        break;
      case 1:
        value = {detect::Kind::kMd5, fmt::format("{:016x}{:016x}", random.next(), random.next())};
        break;
      case 2:
        value = {detect::Kind::kSha256, fmt::format("{:016x}{:016x}{:016x}{:016x}", random.next(), random.next(),
                                                    random.next(), random.next())};
        break;
      default:
        value = {detect::Kind::kIpv4,
                 fmt::format("{}.{}.{}.{}", 11 + (r >> 8) % 100, (r >> 16) % 256, (r >> 24) % 256, (r >> 32) % 256)};
    }
    all.push_back({.ref = ref++, .value = std::move(value)});
  }
  measure("the list and made-up ones", all, *store, clock);
  return 0;
}
