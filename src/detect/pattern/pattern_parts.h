// What a PatternSet consists of. Internal to the folder.
#pragma once

#include <algorithm>
#include <functional>
#include <limits>

#include "detect/pattern/atom.h"
#include "detect/pattern/event_paths.h"
#include "detect/pattern/pattern_set.h"
#include "detect/pattern/triggers.h"

namespace bongsu::detect {

using Nanos = __int128;  // since 1970: the years 0 to 9999 do not fit 64 bits
inline Nanos nanos(const Instant& t) { return static_cast<Nanos>(t.seconds) * 1'000'000'000 + t.nanos; }

// The observations' side of a pattern, REPEATS written out. Node 0 is the root; children follow their parent.
struct BindNode {
  enum class Op : std::uint8_t { kExpression, kAnd, kOr, kFollowedBy } op = Op::kExpression;
  bool alike = false;  // kAnd of copies (REPEATS): any order of them is the same
  std::uint32_t parent = kNoParent;
  std::uint32_t place = 0;       // among the parent's children
  std::uint32_t expression = 0;  // kExpression: number within the pattern
  std::uint32_t first_child = 0, children = 0;
  Nanos within = -1;                                       // -1: none
  Nanos start = std::numeric_limits<std::int64_t>::min();  // far outside the years that timestamps have
  Nanos stop = -1;                                         // meaningful with has_span
  bool has_span = false;
  static constexpr std::uint32_t kNoParent = 0xffffffff;
};
using BindTree = std::vector<BindNode>;

// The comparisons of one [ … ], in prefix form.
struct ExpressionNode {
  enum class Op : std::uint8_t { kAtom, kAnd, kOr } op = Op::kAtom;
  std::uint32_t atom = 0;
  std::uint32_t end = 0;  // of the node's part of the program
};

struct Expression {
  std::uint32_t pattern = 0;
  std::uint32_t begin = 0;  // of its program
};

struct CompiledPattern {
  std::uint64_t ref = 0;
  std::optional<Instant> from, until;
  std::uint32_t first_expression = 0, expressions = 0;
  bool single = false;
  std::uint64_t fingerprint = 0;         // of comparisons and tree
  std::shared_ptr<const BindTree> tree;  // nothing: it is single and has no START STOP
};

struct PatternParts {
  PathTable paths;
  std::vector<Atom> atoms;
  std::unordered_map<std::string, std::uint32_t> atom_ids;  // until build
  std::vector<ExpressionNode> program;
  std::vector<Expression> expressions;
  std::vector<CompiledPattern> patterns;
  Triggers triggers;
  telemetry::FieldMapPtr map;
  std::unordered_set<std::string> reachable;  // paths that the map's rows stand for; until build
  std::optional<Error> map_error;             // a row's stix column is wrong
  EventPathsPtr event_paths;                  // with a map

  // Is the expression true of a root object? `values(path, take)` calls take(ValueView) for each of the path's values
  // and `is(type)` says whether the object has that type.
  template <class Values, class Is>
  bool holds(std::uint32_t expression, const Values& values, const Is& is) const {
    return node_holds(expressions[expression].begin, values, is);
  }

 private:
  template <class Values, class Is>
  bool node_holds(std::uint32_t at, const Values& values, const Is& is) const {
    const ExpressionNode& node = program[at];
    if (node.op == ExpressionNode::Op::kAtom) return atom_holds(atoms[node.atom], values, is);
    const bool conjunction = node.op == ExpressionNode::Op::kAnd;
    for (std::uint32_t child = at + 1; child < node.end; child = program[child].end)
      if (node_holds(child, values, is) != conjunction) return !conjunction;
    return conjunction;
  }

  // A comparison is false where there is no value, NOT or no NOT (STIX 2.1 §9.6); with several values (§9.7.2) one that
  // holds is enough, and NOT negates the comparison as a whole.
  template <class Values, class Is>
  bool atom_holds(const Atom& atom, const Values& values, const Is& is) const {
    if (!is(paths.path(atom.path).type)) return false;
    bool there = false, obtainable = false, any = false;
    values(atom.path, [&](const ValueView& value) {
      there = true;
      if (!value.obtainable()) return;
      obtainable = true;
      any = any || atom.holds(value);
    });
    if (atom.op == stix::ComparisonOperator::kExists) return there != atom.negated;
    return obtainable && any != atom.negated;
  }
};

}  // namespace bongsu::detect
