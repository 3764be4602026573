// YAML as a tree of our own, with the place of every node: what rule files, pipelines and scenarios are read from.
//
//   BONGSU_TRY(std::vector<Yaml> documents, read_yaml(text, "rule.yml"));
//   const Yaml* title = documents[0].find("title");
//
// yaml-cpp parses (YAML 1.2) and stays in yaml.cpp. Plain scalars are resolved by the 1.2 core schema: `yes` and `on`
// are strings. Anchors and aliases are expanded; the number of nodes is bounded, so an alias bomb is an error, not a
// full memory. A key that comes twice in one map is an error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace bongsu::formats {

inline constexpr std::size_t kMaxYamlBytes = 8 * 1024 * 1024;  // of one file
inline constexpr std::size_t kMaxYamlNodes = 500'000;          // of one file, aliases expanded
inline constexpr std::size_t kMaxYamlDepth = 64;

// Where something stands in a file. 1-based; 0 = not known.
struct Place {
  std::uint32_t line = 0, column = 0;
};

struct Yaml {
  enum class Kind : std::uint8_t { kScalar, kList, kMap };

  Kind kind = Kind::kScalar;
  bool quoted = false;  // scalars: written with quotes or as a block, or tagged !!str
  Place place;
  std::string text;                                 // scalars, as written between the quotes
  std::vector<Yaml> items;                          // of a list; of a map: the values
  std::vector<std::pair<std::string, Place>> keys;  // of a map

  bool is_map() const { return kind == Kind::kMap; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_null() const;
  std::optional<bool> boolean() const;
  // A plain scalar that the core schema reads as a number, in decimal: "0x10" → "16", "1.50" → "1.5".
  std::optional<std::string> number() const;
  // A scalar that is not null, whatever else it looks like.
  const std::string* string() const { return is_scalar() && !is_null() ? &text : nullptr; }

  const Yaml* find(std::string_view key) const;  // nullptr when absent or not a map
  Yaml* find(std::string_view key);
  void set(std::string key, Yaml value);  // replaces or appends
};

// Every document of the text. Errors name the source, the line and the column (as where.offset).
Result<std::vector<Yaml>> read_yaml(std::string_view text, const std::string& source);

// The error's place, for messages: line and column of `place`.
Where at(const std::string& source, Place place, std::string field = {});

// Decimal text of a number, the same for every way to write it: "007" → "7", "1.50" → "1.5", "1e3" → "1000". Nothing
// when the text is no number.
std::optional<std::string> canonical_number(std::string_view text);

}  // namespace bongsu::formats
