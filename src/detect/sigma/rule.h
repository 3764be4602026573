// A Sigma document as values: a rule, a correlation, or a filter (Sigma specification 2.1), with the place of
// everything that can be wrong in it.
//
//   detection:
//     selection:
//       Image|endswith: '\cmd.exe'          →  Detection{Item{field "Image", tests {*\cmd.exe}}}
//     condition: selection and not filter   →  Condition
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "detect/sigma/value.h"
#include "formats/yaml.h"

namespace bongsu::detect::sigma {

using formats::at;
using formats::Place;
using formats::Yaml;

inline constexpr std::size_t kMaxValues = 100'000;   // of one rule
inline constexpr std::size_t kMaxFieldNameBytes = 256;  // of those that correlations name
inline constexpr std::ptrdiff_t kMaxFieldNameDots = 10;
inline constexpr std::size_t kMaxOrderedRules = 32;  // of one temporal_ordered correlation

// One line of a selection: a field (none: a keyword, looked for in every field), and values.
struct Item {
  std::optional<std::string> field;
  // Each value with its expansions (base64offset gives three): the value matches when one of them does.
  std::vector<std::vector<Test>> values;
  bool all = false;      // every value must match instead of one
  bool negated = false;  // neq: the item is true when this is not
  Place place;
  std::string key;                   // as written: "CommandLine|contains|all"
  std::vector<std::string> applied;  // ids of the pipeline's items that changed it
};

// What one search identifier stands for.
struct Detection {
  bool any = false;  // children joined by OR instead of AND
  std::vector<std::variant<Item, Detection>> children;
  Place place;
};

// A condition's tree (rules specification, Condition).
struct Condition {
  enum class Kind : std::uint8_t { kOr, kAnd, kNot, kName, kOneOf, kAllOf };
  Kind kind = Kind::kName;
  std::string name;  // kName: the identifier; kOneOf, kAllOf: the pattern, empty for `them`
  std::vector<Condition> children;
  bool operator==(const Condition&) const = default;
};

struct LogSourceName {
  std::string product, category, service;  // empty: not named
  bool operator==(const LogSourceName&) const = default;
  auto operator<=>(const LogSourceName&) const = default;
  // Every attribute that this one names is the other's, too.
  bool contains(const LogSourceName& other) const {
    return (product.empty() || product == other.product) && (category.empty() || category == other.category) &&
           (service.empty() || service == other.service);
  }
  std::string text() const;  // "product: windows, category: process_creation"
};

enum class Level : std::uint8_t { kNone, kInformational, kLow, kMedium, kHigh, kCritical };
std::string_view to_string(Level level);  // "" for kNone
std::optional<Level> parse_level(std::string_view text);
bool is_status(std::string_view text);  // stable, test, …

// What rules, correlations and filters have in common.
struct Header {
  std::string source;  // file
  Place place;         // of the document
  std::string title, id, name, status, description, author, date, modified, license, taxonomy;
  std::vector<std::string> references, tags, falsepositives, fields, scope;
  Level level = Level::kNone;
  std::map<std::string, std::string> custom;  // other attributes that are text
  // "attack.t1059.001" → "T1059.001"
  std::vector<std::string> techniques() const;
  const std::string& reference() const { return !id.empty() ? id : !name.empty() ? name : title; }
};

struct Rule : Header {
  LogSourceName log_source;
  std::vector<std::pair<std::string, Detection>> detections;  // in the order of the file
  std::vector<Condition> conditions;                          // joined by OR
  Place condition_place;
  bool joined = false;  // made of `action: global` or `repeat`: such documents of a file may have one id

  const Detection* detection(std::string_view name) const;
};

struct Correlation : Header {
  enum class Type : std::uint8_t {
    kEventCount,
    kValueCount,
    kTemporal,
    kTemporalOrdered,
    kValueSum,
    kValueAvg,
    kValueMin,
    kValueMax,
    kValueMedian,
    kValuePercentile,
  };
  enum class Operator : std::uint8_t { kLess, kLessEqual, kGreater, kGreaterEqual, kEqual, kNotEqual };

  Type type = Type::kEventCount;
  std::vector<std::string> rules;  // ids or names
  std::vector<std::string> group_by;
  // Alias → (rule → field).
  std::map<std::string, std::map<std::string, std::string>> aliases;
  std::int64_t timespan_s = 0;
  std::vector<std::pair<Operator, double>> compare;  // all must hold
  std::vector<std::string> value_fields;             // condition.field
  std::optional<double> percentile;
  std::optional<Condition> expression;  // temporal: "rule_a and not rule_b"
  bool generate = false;
  Place rules_place;
};
std::string_view to_string(Correlation::Type type);
// A field that a correlation may group by or count: not empty, within the limits above.
bool good_field_name(std::string_view name);

struct Filter : Header {
  LogSourceName log_source;
  bool any_rule = false;
  std::vector<std::string> rules;  // ids or names
  std::vector<std::pair<std::string, Detection>> detections;
  Condition condition;
};

using Document = std::variant<Rule, Correlation, Filter>;

// The documents of one file (a file of old may have `action: global`, `reset` and `repeat`). Each document that cannot
// be taken is an error with its place; the others are taken.
struct ReadFile {
  std::vector<Document> documents;
  std::vector<Error> errors;
};
ReadFile read_sigma(std::string_view text, const std::string& source);

// A selection of a rule, also of `add_condition` in pipelines.
Result<Detection> read_detection(const Yaml& node, const std::string& source, std::size_t& values, int depth = 0);
// `field|modifier|…: value`.
Result<Item> read_item(std::string_view key, Place key_place, const Yaml& value, const std::string& source,
                       std::size_t& values);

// Every search identifier of the condition is defined, every pattern finds one.
Result<void> check_condition(const Condition& condition,
                             const std::vector<std::pair<std::string, Detection>>& detections,
                             const std::string& source, Place place);
// Does `pattern` (with *) name the identifier? Those that begin with "_" are named by no pattern.
bool pattern_names(std::string_view pattern, std::string_view identifier);

}  // namespace bongsu::detect::sigma
