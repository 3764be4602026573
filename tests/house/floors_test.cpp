// The house rules that a compiler does not check: a module includes modules of lower floors only (docs/architecture.md), and every
// header stands alone.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const std::map<std::string, int> kFloor = {
    {"base", 0},   {"stix", 1},     {"formats", 1}, {"crypto", 1},  {"net", 1},   {"journal", 2},
    {"ledger", 2}, {"policy", 2},   {"identity", 2}, {"telemetry", 2}, {"detect", 3}, {"assess", 3},
    {"respond", 3}, {"exercise", 3}, {"trace", 3},   {"flow", 4},    {"api", 5},   {"link", 5},
    {"node", 6},   {"desk", 6},   {"cli", 7},
};

struct Include {
  std::string path;
  int line;
};

std::vector<Include> includes_of(const fs::path& file) {
  std::ifstream in(file);
  std::vector<Include> found;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (!line.starts_with("#include \"")) continue;
    const std::size_t end = line.find('"', 10);
    if (end != std::string::npos) found.push_back({line.substr(10, end - 10), number});
  }
  return found;
}

struct File {
  fs::path path;
  std::string module;
};

std::vector<File> sources() {
  std::vector<File> files;
  const fs::path src = fs::path(BONGSU_SOURCE_DIR) / "src";
  for (const auto& entry : fs::recursive_directory_iterator(src)) {
    const auto extension = entry.path().extension();
    if (extension != ".h" && extension != ".cpp") continue;
    files.push_back({entry.path(), fs::relative(entry.path(), src).begin()->string()});
  }
  return files;
}

// Empty = permitted.
std::string broken_rule(const std::string& from, const std::string& to) {
  if (from == to) return "";
  if (!kFloor.contains(to)) return "";
  if (!kFloor.contains(from)) return "module " + from + " stands on no floor: give it one in docs/architecture.md and here";
  if (from == "net" && to == "crypto") return "";
  if (kFloor.at(to) < kFloor.at(from)) return "";
  return from + " (floor " + std::to_string(kFloor.at(from)) + ") may not include " + to + " (floor " + std::to_string(kFloor.at(to)) + ")";
}

TEST(Floors, AModuleIncludesLowerFloorsOnly) {
  std::size_t seen = 0;
  for (const File& file : sources()) {
    for (const Include& include : includes_of(file.path)) {
      ++seen;
      const std::string to = include.path.substr(0, include.path.find('/'));
      const std::string broken = broken_rule(file.module, to);
      EXPECT_EQ(broken, "") << file.path.string() << ":" << include.line << ": " << include.path;
    }
  }
  EXPECT_GT(seen, 100u) << "no includes were read: the test looks in the wrong place";
}

TEST(Floors, TheRuleRefusesUpwardAndSidewaysIncludes) {
  EXPECT_EQ(broken_rule("flow", "journal"), "");
  EXPECT_EQ(broken_rule("net", "crypto"), "");
  EXPECT_NE(broken_rule("crypto", "net"), "");
  EXPECT_NE(broken_rule("stix", "journal"), "");
  EXPECT_NE(broken_rule("detect", "trace"), "");
  EXPECT_NE(broken_rule("basement", "stix"), "");
}

TEST(Floors, AsioAndItsKinStayInTheirModules) {
  const std::map<std::string, std::set<std::string>> kHome = {
      {"boost/asio", {"net"}},  {"boost/beast", {"net"}}, {"openssl/ssl.h", {"net"}},     {"sqlite3.h", {"journal"}},
      {"CLI/", {"cli"}},        {"spdlog/", {"base"}},    {"prometheus/", {"node"}},      {"seccomp.h", {"node"}},
  };
  for (const File& file : sources()) {
    std::ifstream in(file.path);
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
      if (!line.starts_with("#include <")) continue;
      for (const auto& [library, homes] : kHome)
        EXPECT_FALSE(line.find(library) != std::string::npos && !homes.contains(file.module))
            << file.path.string() << ":" << number << ": " << library << " belongs to another module";
    }
  }
}

// A header that some source includes first is compiled alone by that source, in dev and release. The others are compiled here.
// Tests and fuzz targets do not count: the sanitizer builds, where they are compiled, have precompiled headers.
TEST(Headers, StandAlone) {
  std::set<std::string> first;
  std::vector<std::string> headers;
  const fs::path src = fs::path(BONGSU_SOURCE_DIR) / "src";
  for (const File& file : sources()) {
    if (file.path.extension() == ".h") {
      headers.push_back(fs::relative(file.path, src).string());
      continue;
    }
    const std::string stem = file.path.stem().string();
    if (stem.ends_with("_test") || stem.ends_with("_test_support") || stem.ends_with("_fuzz")) continue;
    std::ifstream in(file.path);
    std::string line;
    while (std::getline(in, line)) {
      if (!line.starts_with("#include ")) continue;
      if (line.starts_with("#include \"")) first.insert(line.substr(10, line.find('"', 10) - 10));
      break;
    }
  }
  ASSERT_GT(headers.size(), 30u);
  for (const std::string& header : headers) {
    if (first.contains(header)) continue;
    const std::string command = std::string(BONGSU_COMPILER) + " -std=c++23 -fsyntax-only -Wno-pragma-once-outside-header -x c++ " + BONGSU_INCLUDE_FLAGS + " " + (src / header).string();
    EXPECT_EQ(std::system(command.c_str()), 0) << header << " does not stand alone";
  }
}

}  // namespace
