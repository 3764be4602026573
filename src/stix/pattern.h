// STIX patterns (STIX 2.1 §9): the grammar, as a tree.
//
//   BONGSU_TRY(auto pattern, stix::parse_pattern("[ipv4-addr:value = '198.51.100.7' OR domain-name:value =
//   'evil.example']"));
//
// The whole grammar is parsed. Errors are kInvalid with the offset of the first character that cannot stand.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "stix/object.h"

namespace bongsu::stix {

inline constexpr std::size_t kMaxPatternBytes = 1024 * 1024;
inline constexpr std::size_t kMaxPatternDepth = 128;
inline constexpr std::size_t kMaxPathSteps = 128;  // of one object path: as deep as JSON goes

struct PathStep {  // after "type:"
  enum class Kind { kProperty, kIndex, kAny } kind = Kind::kProperty;
  std::string name;        // kProperty: a.b, or 'quoted'; also dictionary keys
  std::int64_t index = 0;  // kIndex: [3]; kAny: [*]
};
struct ObjectPath {
  std::string type;
  std::vector<PathStep> steps;
  std::string text() const;  // normalised: file:hashes.'SHA-256'
};

enum class ComparisonOperator {
  kEqual,
  kNotEqual,
  kGreater,
  kLess,
  kGreaterEqual,
  kLessEqual,
  kIn,
  kLike,
  kMatches,
  kIsSubset,
  kIsSuperset,
  kExists
};

struct Literal {
  enum class Kind { kString, kInteger, kFloat, kBoolean, kTimestamp, kBinary, kHex } kind = Kind::kString;
  std::string text;  // string value unescaped; binary and hex decoded; timestamp as written
  std::int64_t integer = 0;
  double number = 0;
  bool boolean = false;
  std::size_t offset = 0;  // where it stands in the pattern
};

struct Comparison {
  ObjectPath path;
  bool negated = false;  // NOT before the operator
  ComparisonOperator op = ComparisonOperator::kEqual;
  std::vector<Literal> values;  // one, or the set of IN; empty for EXISTS
  std::size_t offset = 0;       // of the object path in the pattern
};

struct ComparisonExpression;  // inside one [ … ]
struct ComparisonGroup {
  enum class Op { kAnd, kOr } op = Op::kAnd;
  std::vector<ComparisonExpression> parts;
};
struct ComparisonExpression {
  std::variant<Comparison, std::unique_ptr<ComparisonGroup>> node;
};

struct Qualifier {
  enum class Kind { kWithin, kRepeats, kStartStop } kind = Kind::kWithin;
  double seconds = 0;                    // WITHIN
  std::int64_t times = 0;                // REPEATS
  std::optional<Timestamp> start, stop;  // START … STOP …
  std::size_t offset = 0;                // of its first word in the pattern
};

struct ObservationExpression;
struct ObservationGroup {
  enum class Op { kAnd, kOr, kFollowedBy } op = Op::kAnd;
  std::vector<ObservationExpression> parts;
};
struct ObservationExpression {
  std::variant<ComparisonExpression, std::unique_ptr<ObservationGroup>> node;
  std::vector<Qualifier> qualifiers;  // in order of writing
};

struct Pattern {
  ObservationExpression root;
};

Result<Pattern> parse_pattern(std::string_view text);
std::string quote_literal(std::string_view value);  // 'it\'s' form for patterns we write

}  // namespace bongsu::stix
