// Cases for tests: our samples, and MATPOWER's from the shared data when it is there.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/places_test_support.h"
#include "exercise/range/power/matpower.h"

namespace bongsu::exercise::power {

inline std::string text_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline Network load(const std::string& path) {
  auto network = read_case(text_of(path), path);
  EXPECT_TRUE(network) << network.error().text();
  return network ? *network : Network{};
}

inline Network sample(const std::string& name) { return load(source_dir() + "/samples/exercise/" + name); }

// Paths of MATPOWER's cases in ascending size; none without shared data. The largest only if `all`.
inline std::vector<std::string> shared_cases(bool all = true) {
  std::vector<std::string> paths;
  const std::string dir = shared_data("exercise/power");
  if (dir.empty()) return paths;
  for (const auto& entry : std::filesystem::directory_iterator(dir))
    if (entry.path().extension() == ".m" && (all || entry.file_size() < 1'000'000)) paths.push_back(entry.path().string());
  std::ranges::sort(paths, {}, [](const std::string& path) { return std::filesystem::file_size(path); });
  return paths;
}

}  // namespace bongsu::exercise::power
