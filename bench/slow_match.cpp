// The slow matcher's hits, for comparing `bongsu match` with: whole logs, lists of any size.
//
//   slow_match INDICATORS LOG… > hits.tsv      (one hit a line: log, offset, indicator as alerts call it, field)
//   slow_match --values INDICATORS > values    (the list's values in normal form, one a line)
//
// The values of the list lie sorted in a file without a name, so that ten million need little memory; each candidate
// of each event is looked up by bisection. `bench/rivals.mjs` runs it and compares.
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "base/clock.h"
#include "detect/engine.h"
#include "detect/indicator_file.h"
#include "detect/slow_matcher_test_support.h"
#include "telemetry/batch_reader.h"
#include "telemetry/byte_source.h"

namespace {

using namespace bongsu;
using detect::Indicator;
using detect::Kind;

class Sorted final : public detect::SlowIndicators {
 public:
  Sorted() : file_(std::tmpfile()) {
    if (file_ == nullptr) throw std::runtime_error("no temporary file");
  }
  ~Sorted() override {
    if (bytes_ != nullptr) munmap(const_cast<char*>(bytes_), size_);
    std::fclose(file_);
  }
  void add(const Indicator& indicator) {
    if (indicator.valid_from || indicator.valid_until) throw std::runtime_error("a list with times of validity");
    note_prefix(indicator.value);
    entries_.push_back({indicator.ref, size_, static_cast<std::uint32_t>(indicator.value.text.size()),
                        static_cast<std::uint32_t>(indicator.value.kind)});
    size_ += indicator.value.text.size();
    if (std::fwrite(indicator.value.text.data(), 1, indicator.value.text.size(), file_) != indicator.value.text.size())
      throw std::runtime_error("the temporary file cannot be written");
  }
  void finish() {
    void* mapped = std::fflush(file_) == 0
                       ? mmap(nullptr, std::max<std::size_t>(size_, 1), PROT_READ, MAP_PRIVATE, fileno(file_), 0)
                       : MAP_FAILED;
    if (mapped == MAP_FAILED) throw std::runtime_error("the temporary file cannot be read");
    bytes_ = static_cast<const char*>(mapped);
    std::ranges::sort(entries_, {}, [&](const Entry& entry) { return key(entry); });
  }
  std::vector<Indicator> with(Kind kind, const std::string& text) const override {
    std::vector<Indicator> out;
    const std::pair<std::uint32_t, std::string_view> wanted(static_cast<std::uint32_t>(kind), text);
    for (const Entry& entry : std::ranges::equal_range(entries_, wanted, {}, [&](const Entry& e) { return key(e); }))
      out.push_back({.ref = entry.ref, .value = {kind, text}, .valid_from = {}, .valid_until = {}});
    return out;
  }

 private:
  struct Entry {
    std::uint64_t ref, at;
    std::uint32_t size, kind;
  };
  std::pair<std::uint32_t, std::string_view> key(const Entry& entry) const {
    return {entry.kind, {bytes_ + entry.at, entry.size}};
  }
  std::FILE* file_;
  std::size_t size_ = 0;
  const char* bytes_ = nullptr;
  std::vector<Entry> entries_;
};

int print_values(const std::string& list) {
  const SystemClock clock;
  detect::Engine engine(clock, {.values_directory = "/var/tmp", .seed = std::nullopt});
  detect::IndicatorFiles files(engine.index(), {.each = [&](std::span<const Indicator> batch) {
                                 for (const Indicator& one : batch)
                                   if (one.value.text.find('\n') == std::string::npos)
                                     fmt::print("{}\n", one.value.text);
                               }});
  const auto loaded = files.load(list);
  if (!loaded) fmt::print(stderr, "slow_match: {}\n", loaded.error().text());
  return loaded ? 0 : 2;
}

int run(const std::string& list, const std::vector<std::string>& logs) {
  const SystemClock clock;
  auto known = std::make_shared<Sorted>();
  detect::Engine engine(clock, {.values_directory = "/var/tmp", .seed = std::nullopt});  // the reader's; not asked
  detect::IndicatorFiles files(engine.index(), {.each = [&](std::span<const Indicator> batch) {
                                 for (const Indicator& one : batch) known->add(one);
                               }});
  if (const auto loaded = files.load(list); !loaded) throw std::runtime_error(loaded.error().text());
  known->finish();
  for (const std::string& log : logs) {
    detect::SlowMatcher slow(known, clock.now());
    telemetry::BadLines bad;
    auto source = telemetry::open_source(log);
    if (!source) throw std::runtime_error(source.error().text());
    telemetry::BatchReader reader(std::move(*source), log, bad);
    while (true) {
      const auto batch = reader.next();
      if (!batch) throw std::runtime_error(batch.error().text());
      if (!*batch) break;
      std::set<detect::SlowHit> hits;
      std::string_view rest = (*batch)->data;
      for (std::uint64_t offset = (*batch)->offset; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        slow.line(rest.substr(0, end), offset, hits);
        offset += end + 1;
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
      for (const auto& [offset, ref, field] : hits)
        fmt::print("{}\t{}\t{}\t{}\n", log, offset, files.origin(ref).indicator_id, field);
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--values") return print_values(argv[2]);
  if (argc < 3) {
    fmt::print(stderr, "usage: slow_match INDICATORS LOG…\n       slow_match --values INDICATORS\n");
    return 2;
  }
  try {
    return run(argv[1], {argv + 2, argv + argc});
  } catch (const std::exception& error) {
    fmt::print(stderr, "slow_match: {}\n", error.what());
    return 2;
  }
}
