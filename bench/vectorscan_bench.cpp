// Vectorscan as a rival of `bongsu match`: the values of a list as literals, and the lines of a log that hold one.
//
//   vectorscan_bench LITERALS LOG > lines      (a value a line; numbers of lines, rising)
//
// Literals are compiled by hs_compile_lit_multi, and the log is scanned in blocks of whole lines of about a mebibyte,
// the way that suits Vectorscan best. It says on standard error what compiling and scanning took (seconds of CPU).
#include <fmt/format.h>
#include <hs/hs.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "cpu_time.h"

namespace {

constexpr std::size_t kBlockBytes = 1 << 20;

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: vectorscan_bench LITERALS LOG\n");
    return 2;
  }
  std::vector<std::string> literals;
  std::ifstream list(argv[1]);
  for (std::string line; std::getline(list, line);)
    if (!line.empty()) literals.push_back(line);
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& literal : literals) {
    texts.push_back(literal.data());
    sizes.push_back(literal.size());
  }
  // Each its own number: with one for all, Vectorscan spends minutes on bringing them together.
  const std::vector<unsigned> flags(literals.size(), 0);
  std::vector<unsigned> ids(literals.size());
  std::iota(ids.begin(), ids.end(), 0U);
  const double start = bongsu::bench::cpu_seconds();
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), sizes.data(), static_cast<unsigned>(literals.size()),
                           HS_MODE_BLOCK, nullptr, &database, &error) != HS_SUCCESS) {
    fmt::print(stderr, "vectorscan: {}\n", error != nullptr ? error->message : "not compiled");
    return 2;
  }
  hs_scratch_t* scratch = nullptr;
  if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS) return 2;
  const double compiled = bongsu::bench::cpu_seconds();

  std::ifstream log(argv[2], std::ios::binary);
  std::string block, rest;
  std::uint64_t lines_before = 0, bytes = 0, found = 0;
  std::vector<std::size_t> ends;
  for (bool more = true; more;) {
    block = std::move(rest);
    const std::size_t had = block.size();
    block.resize(had + kBlockBytes);
    log.read(block.data() + had, kBlockBytes);
    block.resize(had + static_cast<std::size_t>(log.gcount()));
    more = log.gcount() > 0;
    const std::size_t whole = more ? block.rfind('\n') + 1 : block.size();
    rest = block.substr(whole);
    block.resize(whole);
    bytes += whole;
    ends.clear();
    const auto note = [](unsigned, unsigned long long, unsigned long long to, unsigned, void* context) {
      static_cast<std::vector<std::size_t>*>(context)->push_back(to);
      return 0;
    };
    if (hs_scan(database, block.data(), static_cast<unsigned>(block.size()), 0, scratch, note, &ends) != HS_SUCCESS) {
      fmt::print(stderr, "vectorscan: the scan failed\n");
      return 2;
    }
    std::ranges::sort(ends);
    std::uint64_t line = lines_before + 1, last = 0;
    std::size_t at = 0;
    for (const std::size_t end : ends) {
      // A match ends behind its last byte, which is on the line that it belongs to.
      line += static_cast<std::uint64_t>(std::count(block.begin() + static_cast<std::ptrdiff_t>(at),
                                                    block.begin() + static_cast<std::ptrdiff_t>(end - 1), '\n'));
      at = end - 1;
      if (line == last) continue;
      last = line;
      ++found;
      fmt::print("{}\n", line);
    }
    lines_before += static_cast<std::uint64_t>(std::ranges::count(block, '\n'));
  }
  const double done = bongsu::bench::cpu_seconds();
  fmt::print(stderr, "{} literals, compiled in {:.3f} s; {} bytes scanned in {:.3f} s; {} lines\n", literals.size(),
             compiled - start, bytes, done - compiled, found);
  hs_free_scratch(scratch);
  hs_free_database(database);
  return 0;
}
