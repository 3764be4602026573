// How fast are STIX patterns matched over telemetry, and how little does it matter how many there are?
//
//   pattern_bench real-indicators.tsv LOG…       (at most kMostBytes of each log, decompressed into memory first)
//   pattern_bench --count 10000 real-indicators.tsv LOG…    that many, once, without the comparison: for a profiler
//
// Patterns are made over the values of real feeds: half have several comparisons, 10 % FOLLOWEDBY, WITHIN or REPEATS,
// 10 % LIKE or MATCHES, the rest one equality. First the hits of 10,000 patterns, and of some more about the sample's
// own values, on a sample of the events are compared with the slow evaluator's, expression by expression; then 100,
// 10,000 and 100,000 are timed: one core, seconds of CPU, the best of three, with the events' parse and without it.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <random>

#include "cpu_time.h"
#include "detect/pattern/event_matcher.h"
#include "detect/pattern/pattern_parts.h"
#include "detect/pattern/pattern_sequencer.h"
#include "detect/pattern/slow_event_test_support.cpp"
#include "detect/pattern/slow_pattern_test_support.cpp"
#include "telemetry/batch_reader.h"
#include "telemetry/byte_source.h"
#include "telemetry/line_batch.h"

namespace {

using namespace bongsu;
using detect::PatternSetPtr;
using telemetry::FieldMapPtr;
using telemetry::LineBatch;

constexpr std::uint64_t kMostBytes = 400'000'000;

int rounds = 3;

double best_of_three(const std::function<void()>& work) {
  double best = 1e9;
  for (int i = 0; i < rounds; ++i) {
    const double start = bench::cpu_seconds();
    work();
    best = std::min(best, bench::cpu_seconds() - start);
  }
  return best;
}

// Patterns as analysts write them, over values of feeds.
class Generator {
 public:
  explicit Generator(const std::string& path) {
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
      const std::size_t tab = line.find('\t'), end = line.find('\t', tab + 1);
      if (tab == line.npos) continue;
      values_[line.substr(0, tab)].push_back(line.substr(tab + 1, end - tab - 1));
    }
  }
  bool good() const { return values_.contains("ADDR") && values_.contains("DOMAIN") && values_.contains("URL"); }

  std::string pattern() {
    const int kind = below(10);
    if (kind < 5) return several();
    if (kind == 5) return temporal();
    if (kind == 6) return text();
    return "[" + simple() + "]";
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  const std::string& value(const char* type) {
    const auto& all = values_[type];
    return all[random_() % all.size()];
  }
  std::string quoted(const std::string& text) { return stix::quote_literal(text); }

  std::string hash() {
    const std::string& h = value("FILE_HASH");
    return fmt::format("file:hashes.{} = {}",
                       h.size() == 32   ? "MD5"
                       : h.size() == 40 ? "'SHA-1'"
                                        : "'SHA-256'",
                       quoted(h));
  }
  std::string simple() {
    switch (below(6)) {
      case 0:
        return "domain-name:value = " + quoted(value("DOMAIN"));
      case 1:
        return "url:value = " + quoted(value("URL"));
      case 2:
        return hash();
      case 3:
        return "network-traffic:dst_ref.value = " + quoted(value("ADDR"));
      case 4:
        return "email-addr:value = " + quoted(value("EMAIL"));
      default:
        return "ipv4-addr:value = " + quoted(value("ADDR"));
    }
  }
  std::string several() {
    switch (below(7)) {
      case 0:
        return fmt::format("[network-traffic:dst_ref.value = {} AND network-traffic:dst_port = {}]",
                           quoted(value("ADDR")), std::array{80, 443, 8080, 4444}[static_cast<std::size_t>(below(4))]);
      case 1:
        return fmt::format("[domain-name:value = {} OR domain-name:value = {} OR url:value = {}]",
                           quoted(value("DOMAIN")), quoted(value("DOMAIN")), quoted(value("URL")));
      case 2:
        return fmt::format("[{} AND file:name = {}]", hash(),
                           quoted(fmt::format("{}.exe", value("DOMAIN").substr(0, 6))));
      case 3:
        return fmt::format("[network-traffic:protocols[*] = 'tcp' AND network-traffic:dst_ref.value IN ({}, {}, {})]",
                           quoted(value("ADDR")), quoted(value("ADDR")), quoted(value("ADDR")));
      case 4:
        return fmt::format("[process:image_ref.name = 'powershell.exe' AND process:command_line LIKE {}]",
                           quoted("%" + value("DOMAIN") + "%"));
      case 5:
        return fmt::format(
            "[network-traffic:dst_ref.value = {} AND network-traffic:src_ref.value NOT ISSUBSET '10.0.0.0/8']",
            quoted(value("ADDR")));
      default:
        return fmt::format("[(file:name = 'a.exe' OR file:name = 'svch0st.exe') AND ({} OR {})]", hash(), hash());
    }
  }
  std::string temporal() {
    switch (below(3)) {
      case 0:
        return fmt::format("([{}] FOLLOWEDBY [{}]) WITHIN 300 SECONDS", simple(), simple());
      case 1:
        return fmt::format("[{}] REPEATS 5 TIMES WITHIN 1800 SECONDS", simple());
      default:
        return fmt::format("[{}] FOLLOWEDBY [{}]", simple(), simple());
    }
  }
  std::string text() {
    const std::string& domain = value("DOMAIN");
    std::string escaped;
    for (const char c : domain) escaped += c == '.' ? "\\\\." : std::string(1, c);
    switch (below(5)) {
      case 0:
        return fmt::format("[domain-name:value LIKE {}]", quoted("%." + domain));
      case 1:
        return fmt::format("[url:value LIKE {}]", quoted("http://" + domain + "/%"));
      case 2:
        return fmt::format("[process:command_line LIKE {}]", quoted("%" + domain + "%"));
      case 3:
        return fmt::format("[domain-name:value MATCHES '(^|\\\\.){}$']", escaped);
      default:
        return fmt::format("[process:command_line MATCHES 'https?://([a-z0-9-]+\\\\.)*{}/']", escaped);
    }
  }

  std::mt19937_64 random_{7};
  std::map<std::string, std::vector<std::string>> values_;
};

struct Made {
  std::vector<stix::Pattern> patterns;
  PatternSetPtr set;
  double seconds = 0;
};

Made make(const std::string& indicators, const FieldMapPtr& map, std::size_t count,
          const std::vector<std::string>& more = {}) {
  Generator generator(indicators);
  Made out;
  const double start = bench::cpu_seconds();
  detect::PatternSet::Builder builder(map);
  while (out.patterns.size() < count + more.size()) {
    const std::size_t n = out.patterns.size();
    const std::string text = n < count ? generator.pattern() : more[n - count];
    auto pattern = stix::parse_pattern(text);
    const auto added = pattern ? builder.add(out.patterns.size(), *pattern) : Result<void>();
    if (!pattern || !added) {
      fmt::print(stderr, "{}: {}\n", text, pattern ? added.error().text() : pattern.error().text());
      std::exit(2);
    }
    out.patterns.push_back(*std::move(pattern));
  }
  out.set = *builder.build();
  out.seconds = bench::cpu_seconds() - start;
  return out;
}

void expressions_of(const stix::ObservationExpression& e, std::vector<stix::ComparisonExpression>& out) {
  if (const auto* inner = std::get_if<stix::ComparisonExpression>(&e.node)) {
    out.push_back(detect::in_event_form(*inner));
    return;
  }
  for (const auto& part : std::get<std::unique_ptr<stix::ObservationGroup>>(e.node)->parts) expressions_of(part, out);
}

// Patterns that are true of some of the events.
std::vector<std::string> about(const LineBatch& sample, const FieldMapPtr& map) {
  std::vector<std::string> out;
  telemetry::BadLines bad;
  telemetry::EventParser parser(bad, map);
  parser.start(sample);
  for (std::size_t n = 0; const auto* event = parser.next(); ++n) {
    if (n % 7 != 0) continue;
    const detect::Observation observation = detect::observe(*event, *map);
    for (const detect::CyberObjectPtr& object : observation.objects) {
      std::string all;
      for (const detect::ObservedMember& m : object->properties.members)
        if (m.value.kind == detect::ObservedValue::Kind::kString && m.value.text.size() < 200)
          all +=
              fmt::format("{}{}:'{}' {} {}", all.empty() ? "" : " AND ", object->type, m.name,
                          n % 2 == 0 ? "=" : "IN ('x',", stix::quote_literal(m.value.text) + (n % 2 == 0 ? "" : ")"));
      if (!all.empty()) out.push_back("[" + all + "]");
    }
  }
  return out;
}

// Every expression of every pattern on each of the events in the batch; exits on a difference.
void compare(const Made& made, const FieldMapPtr& map, const LineBatch& sample) {
  std::vector<stix::ComparisonExpression> forms;
  for (const stix::Pattern& pattern : made.patterns) expressions_of(pattern.root, forms);
  telemetry::BadLines bad;
  telemetry::EventParser parser(bad, map);
  detect::EventMatcher matcher(made.set);
  parser.start(sample);
  std::size_t pairs = 0, matches = 0;
  std::vector<detect::PatternHit> hits;
  while (const auto* event = parser.next()) {
    const detect::Observation observation = detect::observe(*event, *map);
    if (!observation.id.empty()) continue;  // two fields for one property: the slow one keeps but one
    hits.clear();
    matcher.match(*event, hits);
    std::vector<bool> fast(forms.size());
    for (const detect::PatternHit& hit : hits) fast[hit.expression] = true;
    for (std::size_t i = 0; i < forms.size(); ++i) {
      const bool slow = detect::slow_matches(forms[i], observation);
      ++pairs;
      matches += slow ? 1 : 0;
      if (slow == fast[i]) continue;
      fmt::print(stderr, "DIFFERENT: expression {} on {}\n", i, event->raw);
      std::exit(1);
    }
  }
  fmt::print("  equal to the slow evaluator: {} pairs, {} match\n", pairs, matches);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::size_t> counts = {100, 10'000, 100'000};
  if (argc > 3 && std::string_view(argv[1]) == "--count") {
    counts = {std::stoul(argv[2])};
    rounds = 1;
    argc -= 2;
    argv += 2;
  }
  if (argc < 3 || !Generator(argv[1]).good()) {
    fmt::print(stderr, "usage: pattern_bench real-indicators.tsv LOG…\n");
    return 2;
  }
  const FieldMapPtr standard = telemetry::FieldMap::standard();
  telemetry::FieldMapBuilder wide(*standard);
  for (const telemetry::FieldRow& row : standard->rows())
    if (!row.stix.empty()) (void)wide.want(row.path);
  const FieldMapPtr all = *wide.build();

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
    while (bytes < kMostBytes) {
      auto batch = reader.next();
      if (!batch || !*batch) break;
      bytes += (*batch)->data.size();
      batches.push_back(std::move(**batch));
    }
    fmt::print("{}: {:.1f} MB\n", argv[i], static_cast<double>(bytes) / 1e6);
    LineBatch sample;
    sample.source = std::make_shared<const std::string>("sample");
    for (std::size_t b = 0; b < batches.size() && sample.data.size() < 500'000;
         b += std::max<std::size_t>(1, batches.size() / 20)) {
      const std::string& data = batches[b].data;
      sample.data += data.substr(0, data.find('\n', std::min<std::size_t>(25'000, data.size() - 1)) + 1);
    }
    if (rounds > 1) compare(make(argv[1], all, 10'000, about(sample, all)), all, sample);

    std::uint64_t events = 0;
    const double parse = best_of_three([&] {
      telemetry::EventParser parser(bad, standard);
      for (const LineBatch& batch : batches) {
        parser.start(batch);
        while (parser.next() != nullptr) {
        }
      }
      events = parser.events();
    });
    fmt::print("  {:<26} {:>8.3f} s  {:>10.0f} events/s\n", "parse alone", parse, static_cast<double>(events) / parse);

    for (const std::size_t count : counts) {
      const Made made = make(argv[1], all, count);
      // What the set reads is emitted, nothing more.
      telemetry::FieldMapBuilder builder(*standard);
      for (const telemetry::FieldId field : made.set->fields()) (void)builder.want(all->row(field).path);
      const FieldMapPtr map = *builder.build();
      std::uint64_t hits_total = 0, found_total = 0, evaluated = 0;
      std::string remark;
      const double match = best_of_three([&] {
        telemetry::EventParser parser(bad, map);
        detect::EventMatcher matcher(made.set);
        detect::PatternSequencer sequencer(made.set);
        std::vector<detect::PatternHit> hits;
        std::vector<detect::PatternFound> found;
        std::uint64_t number = 0;
        hits_total = found_total = 0;
        for (const LineBatch& batch : batches) {
          parser.start(batch);
          for (const auto* event = parser.next(); event != nullptr; event = parser.next(), ++number) {
            hits.clear();
            matcher.match(*event, hits);
            if (hits.empty()) continue;
            hits_total += hits.size();
            found.clear();
            sequencer.take(hits, event->time().value_or(Instant{}), number, found);
            found_total += found.size();
          }
        }
        evaluated = matcher.evaluated();
        remark = sequencer.remark().value_or("");
      });
      fmt::print(
          "  {:>7} patterns           {:>8.3f} s  {:>10.0f} events/s  ({:.0f} ns an event over the parse; {} "
          "expressions evaluated, {} true, {} found; built in {:.2f} s){}\n",
          count, match, static_cast<double>(events) / match, (match - parse) / static_cast<double>(events) * 1e9,
          evaluated, hits_total, found_total, made.seconds, remark.empty() ? "" : "  " + remark);
    }
  }
  return 0;
}
