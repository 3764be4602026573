// How fast is the search projection: following, and looking up a value, words and relations among a million objects?
//
//   build/bench/bench/search_bench [objects=1000000] [directory]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "base/random.h"
#include "base/uuid.h"
#include "journal/search.h"

namespace bongsu {
namespace {

namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;

double since(Steady::time_point start) { return std::chrono::duration<double>(Steady::now() - start).count(); }

void must(bool good, const char* what) {
  if (good) return;
  fmt::print(stderr, "search_bench: {}\n", what);
  std::exit(2);
}

std::string address(std::size_t i) {
  return fmt::format("{}.{}.{}.{}", 1 + i / 16'777'216 % 200, i / 65'536 % 256, i / 256 % 256, i % 256);
}

// Three of four are indicators with a pattern, the fourth a relationship between two of them.
journal::Search::Item make(const std::vector<std::string>& uuids, std::size_t i) {
  journal::Search::Item item;
  journal::Entry& entry = item.entry;
  const bool relationship = i % 4 == 3;
  entry.seq = i + 1;
  entry.kind = journal::EntryKind::kObject;
  entry.collection = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";
  entry.object_id = fmt::format("{}--{}", relationship ? "relationship" : "indicator", uuids[i]);
  entry.version = "2024-01-01T00:00:00.000Z";
  entry.version_key = "2024-01-01T00:00:00";
  entry.origin = "cert-lt";
  const std::string head = fmt::format(
      R"({{"type":"{}","spec_version":"2.1","id":"{}","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z",)",
      relationship ? "relationship" : "indicator", entry.object_id);
  item.payload =
      relationship
          ? head +
                fmt::format(
                    R"("relationship_type":"related-to","source_ref":"indicator--{}","target_ref":"indicator--{}"}})",
                    uuids[i - 1], uuids[i - 2])
          : head +
                fmt::format(
                    R"("name":"Scanner {} seen in campaign {}","pattern":"[ipv4-addr:value = '{}']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"}})",
                    i, i % 997, address(i));
  return item;
}

template <class Body>
void lookups(const char* what, std::size_t count, Body&& body) {
  std::vector<double> times;
  for (std::size_t i = 0; i < count; ++i) {
    const auto start = Steady::now();
    body();
    times.push_back(since(start));
  }
  std::sort(times.begin(), times.end());
  fmt::print("{:<32} median {:>8.1f} µs, 99th percentile {:>8.1f} µs, worst {:>8.1f} µs\n", what,
             times[times.size() / 2] * 1e6, times[times.size() * 99 / 100] * 1e6, times.back() * 1e6);
}

int run(std::size_t count, const fs::path& directory) {
  SeededRandom random(3);
  std::vector<std::string> uuids(count);
  for (auto& uuid : uuids) uuid = Uuid::random(random).text();
  auto search = journal::open_search(directory);
  must(search.has_value(), "open failed");
  constexpr std::size_t kBatch = 5000;
  double applying = 0;
  for (std::size_t from = 0; from < count; from += kBatch) {
    std::vector<journal::Search::Item> items;
    for (std::size_t i = from; i < std::min(count, from + kBatch); ++i) items.push_back(make(uuids, i));
    const auto start = Steady::now();
    must((*search)->apply(items).has_value(), "apply failed");
    applying += since(start);
  }
  fmt::print("{:<32} {:.0f} objects/s, {} objects, {} bytes of file each\n", "followed",
             static_cast<double>(count) / applying, count, fs::file_size(directory / "search.db") / count);
  const auto start = Steady::now();
  search->reset();
  search = journal::open_search(directory);
  must(search && (*search)->cursor() == count, "reopen failed");
  fmt::print("{:<32} {:.1f} ms\n", "open again", since(start) * 1e3);
  const auto indicator = [&] {
    std::size_t i = random.below(count);
    return i % 4 == 3 ? i - 1 : i;
  };
  constexpr std::size_t kLookups = 5000;
  lookups("value", kLookups,
          [&] { must((*search)->value("ipv4-addr", address(indicator()), 10)->size() == 1, "a value is missing"); });
  lookups("value, kind not given", kLookups,
          [&] { must((*search)->value("", address(indicator()), 10)->size() == 1, "a value is missing"); });
  lookups("relations", kLookups, [&] {
    must((*search)->relations(fmt::format("indicator--{}", uuids[indicator() / 4 * 4 + 2]), 10)->size() == 1,
         "a relation is missing");
  });
  lookups("text, one rare word", 200,
          [&] { must((*search)->text(fmt::format("{} ", indicator()), 10)->size() >= 1, "a word is missing"); });
  lookups("text, two common words", 200,
          [&] { must((*search)->text("scanner campaign", 20)->size() == 20, "words are missing"); });
  search->reset();
  fs::remove_all(directory);
  return 0;
}

}  // namespace
}  // namespace bongsu

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const std::filesystem::path directory =
      argc > 2 ? std::filesystem::path(argv[2]) : std::filesystem::temp_directory_path() / "bongsu-search-bench";
  std::filesystem::create_directories(directory);
  return bongsu::run(std::max<std::size_t>(count / 4 * 4, 1000), directory);
}
