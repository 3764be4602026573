// A seed makes patterns and observations; the engine and the slow evaluator must agree. With more bytes, these are a
// pattern.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "detect/pattern/pattern_sequencer.h"
#include "detect/pattern/random_pattern_test_support.cpp"
#include "detect/pattern/slow_pattern_test_support.cpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bongsu::detect;
  std::uint64_t seed = 0;
  if (size < sizeof seed) return 0;
  std::memcpy(&seed, data, sizeof seed);
  RandomPatterns random(seed);
  const auto observations = random.observations(seed % 2 == 0);
  std::string text(reinterpret_cast<const char*>(data) + sizeof seed, size - sizeof seed);
  if (text.empty()) text = random.pattern();
  const auto pattern = bongsu::stix::parse_pattern(text);
  if (!pattern) return 0;
  PatternSet::Builder builder;
  if (const auto added = builder.add(0, *pattern); !added) return 0;
  const auto fast = evaluate(*pattern, observations);
  if (!fast || text.size() > 200) return 0;  // REPEATS 10000 TIMES is the slow one's end
  for (const char* costly : {"REPEATS", "MATCHES"})
    if (size > sizeof seed && text.find(costly) != text.npos) return 0;
  const auto slow = slow_matches(*pattern, observations);
  if (slow && *slow == fast->empty()) std::abort();
  return 0;
}
