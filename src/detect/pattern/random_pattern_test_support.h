// Patterns and observations at random, over few types, names and values, so that they meet. For tests and the bench.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "detect/pattern/observation.h"

namespace bongsu::detect {

class RandomPatterns {
 public:
  explicit RandomPatterns(std::uint64_t seed) : random_(seed) {}

  std::string pattern();     // a whole pattern, valid in grammar; a few need more observations than there are
  std::string expression();  // [ … ]
  // `lasting`: with first < last and more than one observed.
  std::vector<Observation> observations(bool lasting);

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool one_in(int n) { return below(n) == 0; }
  std::string type();
  std::string path(const std::string& type);
  std::string constant(const std::string& path);
  std::string comparison(const std::string& type);
  std::string comparisons(const std::string& type, int depth);
  std::string observed(int depth);
  std::string json_value(int depth);

  std::mt19937_64 random_;
};

}  // namespace bongsu::detect
