// How many events a second do all Sigma rules take, parsing included?
//
//   sigma_bench RULES EVENTS [SAMPLE]
//
// EVENTS is read into memory first. Before anything is timed, every SAMPLE-th event (default 500; 0: none) is also put
// to each rule alone, in a set of its own, and the hits must be equal.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "cpu_time.h"
#include "detect/sigma/set.h"
#include "telemetry/batch_reader.h"
#include "telemetry/byte_source.h"
#include "telemetry/line_batch.h"

namespace {

using namespace bongsu;
using namespace bongsu::detect::sigma;

double cpu_s() { return bench::cpu_seconds(RUSAGE_THREAD); }

[[noreturn]] void stop(const std::string& why) {
  fmt::print(stderr, "sigma_bench: {}\n", why);
  std::exit(2);
}

struct Loaded {
  SigmaSetPtr set;
  telemetry::FieldMapPtr map;
  SigmaReport report;
};

Loaded compile(RuleSet rules) {
  Loaded out;
  const auto base = telemetry::FieldMap::standard();
  telemetry::FieldMapBuilder builder(*base);
  auto set = SigmaSet::compile(std::move(rules), *base, builder, out.report);
  if (!set) stop(set.error().text());
  auto map = builder.build();
  if (!map) stop(map.error().text());
  out.set = *set;
  out.map = *map;
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) stop("usage: sigma_bench RULES EVENTS [SAMPLE]");
  const std::uint64_t sample = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 500;

  double begin = cpu_s();
  Collection collection;
  if (auto loaded = collection.load(argv[1]); !loaded) stop(loaded.error().text());
  RuleSet rules = std::move(collection).finish();
  const double read_s = cpu_s() - begin;
  RuleSet copy = rules;
  begin = cpu_s();
  const Loaded all = compile(std::move(rules));
  const double compile_s = cpu_s() - begin;
  fmt::print("rules {} of {} files, refused {}, waiting {}, without a map {}\n", all.report.rules, all.report.files,
             all.report.errors.size(), all.report.waiting.size(), all.report.unmapped.size());
  for (const Error& error : all.report.errors) fmt::print("  {}\n", error.text());
  fmt::print("read in {:.2f} s, compiled in {:.2f} s: {} groups, {} scanners, {} literals, {} always evaluated\n",
             read_s, compile_s, all.report.groups, all.report.scanners, all.report.literals, all.report.unguarded);

  telemetry::BadLines bad;
  auto source = telemetry::open_source(argv[2]);
  if (!source) stop(source.error().text());
  telemetry::BatchReader reader(std::move(*source), argv[2], bad);
  std::vector<telemetry::LineBatch> batches;
  std::size_t bytes = 0;
  while (true) {
    auto batch = reader.next();
    if (!batch) stop(batch.error().text());
    if (!*batch) break;
    bytes += (**batch).data.size();
    batches.push_back(std::move(**batch));
  }

  if (sample > 0) {
    std::uint64_t compared = 0;
    // One rule at a time, over the sampled events: guards and automata of one rule cannot lean on those of another.
    std::vector<std::pair<std::uint64_t, std::string>> lines;
    {
      telemetry::EventParser parser(bad, all.map);
      std::uint64_t n = 0;
      for (const auto& batch : batches) {
        parser.start(batch);
        while (const auto* event = parser.next())
          if (n++ % sample == 0) lines.emplace_back(n, std::string(event->raw));
      }
    }
    telemetry::LineBatch small{std::make_shared<const std::string>("sample"), {}, 0, 1, nullptr};
    for (const auto& [n, line] : lines) small.data += line + "\n";
    std::map<std::pair<std::uint64_t, std::string>, int> together, alone;
    const auto run = [&](const Loaded& loaded, auto& hits) {
      SigmaMatcher matcher;
      if (auto used = matcher.use(loaded.set); !used) stop(used.error().text());
      telemetry::EventParser parser(bad, loaded.map);
      parser.start(small);
      std::vector<SigmaMatch> matches;
      while (const auto* event = parser.next()) {
        matcher.match(*event, matches);
        for (const SigmaMatch& match : matches) ++hits[{event->line, loaded.set->rules()[match.rule].source}];
        ++compared;
      }
    };
    run(all, together);
    for (std::size_t i = 0; i < copy.rules.size(); ++i) {
      RuleSet one;
      one.rules.push_back(copy.rules[i]);
      one.rule_speaks.push_back(true);
      run(compile(std::move(one)), alone);
    }
    if (together != alone) stop(fmt::format("hits differ: {} together, {} alone", together.size(), alone.size()));
    fmt::print("equal: {} hits over {} events, all rules together and each alone\n", together.size(), lines.size());
  }

  SigmaMatcher matcher;
  if (auto used = matcher.use(all.set); !used) stop(used.error().text());
  std::vector<SigmaMatch> matches;
  double best = 1e9, parse_best = 1e9;
  std::uint64_t events = 0, hits = 0;
  for (int round = 0; round < 3; ++round) {
    telemetry::EventParser parser(bad, all.map);
    begin = cpu_s();
    for (const auto& batch : batches) {
      parser.start(batch);
      while (parser.next() != nullptr) {
      }
    }
    parse_best = std::min(parse_best, cpu_s() - begin);
    telemetry::EventParser again(bad, all.map);
    if (auto used = matcher.use(all.set); !used) stop(used.error().text());
    hits = 0;
    begin = cpu_s();
    for (const auto& batch : batches) {
      again.start(batch);
      while (const auto* event = again.next()) {
        matcher.match(*event, matches);
        hits += matches.size();
      }
    }
    best = std::min(best, cpu_s() - begin);
    events = again.events();
  }
  const auto& counters = matcher.counters();
  fmt::print("{} events, {:.2f} GB: {:.3f} s of CPU, {:.0f} events/s/core, {:.0f} MB/s (parsing alone {:.3f} s)\n",
             events, static_cast<double>(bytes) / 1e9, best, static_cast<double>(events) / best,
             static_cast<double>(bytes) / best / 1e6, parse_best);
  const auto each = [&](std::uint64_t n) { return static_cast<double>(n) / static_cast<double>(events); };
  fmt::print("an event: {:.2f} scans of {:.0f} bytes, {:.2f} rules evaluated with {:.2f} tests, {:.4f} hits\n",
             each(counters.scans), each(counters.scanned_bytes), each(counters.candidates), each(counters.tests),
             each(hits));
  std::vector<std::uint32_t> order(all.set->rules().size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto top = [&](const char* what, const std::vector<std::uint32_t>& counts) {
    std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
      return counts[a] != counts[b] ? counts[a] > counts[b] : a < b;
    });
    fmt::print("{}:\n", what);
    for (std::size_t i = 0; i < std::min<std::size_t>(12, order.size()) && counts[order[i]] > 0; ++i)
      fmt::print("  {:>9}  {}\n", counts[order[i]], all.set->rules()[order[i]].title);
  };
  top("hits by rule", counters.matches_by_rule);
  top("evaluated most", counters.candidates_by_rule);
}
