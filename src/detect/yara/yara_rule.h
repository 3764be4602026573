// A YARA rule as its author described it, and what matched it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bongsu::detect {

inline constexpr std::size_t kMaxYaraHits = 1'000;     // of one file or field; the rest is counted
inline constexpr std::size_t kMaxYaraStrings = 64;     // shown of one hit
inline constexpr std::size_t kMaxYaraShownBytes = 64;  // of one string's match

struct YaraRule {
  std::string name;
  std::string name_space;  // the file that it stands in
  std::vector<std::string> tags;
  std::vector<std::pair<std::string, std::string>> meta;  // in their order; numbers and booleans as text

  // The first meta value of that name; empty: none.
  std::string_view meta_value(std::string_view name) const;
  // meta "score" (0 to 100); -1: none, or no number.
  int score() const;
  // From the score: ≥ 80 "high", ≥ 60 "medium", ≥ 40 "low", else "informational"; "medium" without one.
  std::string_view level() const;
  // ATT&CK technique ids (T1059, T1059.001) in tags and in meta values of fields named for it (mitre, attack,
  // technique).
  std::vector<std::string> techniques() const;
};

struct YaraString {
  std::string name;          // "$s1"
  std::uint64_t offset = 0;  // of its first match
  std::uint64_t length = 0;
  std::string data;  // at most kMaxYaraShownBytes of it
};

struct YaraHit {
  const YaraRule* rule = nullptr;   // lives as long as the set
  std::vector<YaraString> strings;  // first match of each string, at most kMaxYaraStrings
  std::string field;                // of an event: the path of the field; of a file: empty
};

}  // namespace bongsu::detect
