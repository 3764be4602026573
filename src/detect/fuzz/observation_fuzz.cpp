// Any bytes as observed data; what is read is held against patterns of every operator.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "detect/pattern/pattern_set.h"

using namespace bongsu::detect;

static PatternSetPtr patterns() {
  PatternSet::Builder builder;
  for (const char* text :
       {"[file:name = 'a' AND file:size > 1]", "[a:b LIKE 'a%'] FOLLOWEDBY [a:b MATCHES '^b']",
        "[NOT EXISTS a:b_ref.c]", "[ipv4-addr:value ISSUBSET '10.0.0.0/8'] REPEATS 3 TIMES WITHIN 5 SECONDS",
        "[a:b[*][0].'c-d' != h'00']",
        "[a:l_refs[*].l_refs[*].l_refs[*].n IN (1, 2.5)] AND [a:t >= t'2020-01-01T00:00:00Z']"})
    if (!builder.add(0, text)) std::abort();
  return *builder.build();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const PatternSetPtr set = patterns();
  const auto read = read_observed_data({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (read) (void)evaluate(set, read->observations);
  return 0;
}
