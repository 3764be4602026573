// What SigmaSet holds and SigmaMatcher walks; internal to both.
//
// A group is one declared log source with the rules that look at it; a rule that looks at several is in several groups,
// because Sigma's names stand for other fields there. Within a group equal tests of equal fields are one atom,
// evaluated once an event. A rule is a tree over atoms, and waits for one of its clues (guard.h); only then is it
// evaluated.
#pragma once

#include <unordered_map>

#include "detect/sigma/guard.h"
#include "detect/sigma/literal_scanner.h"
#include "detect/sigma/set.h"
#include "detect/sigma/test_match.h"

namespace bongsu::detect::sigma {

using telemetry::FieldId;

struct Atom {
  bool keyword = false;
  std::vector<FieldId> fields;        // any of them
  std::vector<FieldId> other_fields;  // kFieldRef
  CompiledTest test;
};

struct Node {
  enum class Kind : std::uint8_t { kAtom, kAnd, kOr, kNot };
  Kind kind = Kind::kAtom;
  std::uint32_t first = 0, count = 0;  // children: Tree::children[first, first + count); kAtom: first is the atom
};

struct Tree {
  std::uint32_t rule = 0;  // of SigmaSet::rules()
  std::vector<Node> nodes;
  std::vector<std::uint32_t> children;
  std::uint32_t root = 0;
};

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

// What one field of one group is looked through for. Values are indexes into Group::trees.
struct FieldScan {
  std::shared_ptr<const LiteralScanner> literals;  // null: none; fields that one name stands for have one together
  std::unordered_map<std::string, std::vector<std::uint32_t>, TextHash, std::equal_to<>> whole;
  bool numbers = false;  // some of `whole` are numbers
  std::vector<std::uint32_t> present;
};

struct Group {
  std::size_t source = 0;  // row of the map's log sources; npos: events of no declared product
  std::vector<Atom> atoms;
  std::uint32_t first_atom = 0;  // among all groups'
  std::vector<Tree> trees;
  std::uint32_t first_tree = 0;
  std::unordered_map<FieldId, FieldScan> fields;
  FieldScan keywords;
  std::vector<std::uint32_t> always;  // trees without clues
  // value_names → fields; empty: correlations do not ask for it here.
  std::vector<std::vector<FieldId>> value_fields;
};

struct SigmaSet::Compiled {
  static constexpr std::size_t kNoSource = static_cast<std::size_t>(-1);
  // A declared log source, as events are told by it.
  struct Source {
    telemetry::Format format;
    bool has_product = false;
    std::vector<std::pair<std::uint32_t, std::vector<std::string>>> when;  // index into `tellers`, folded values
  };
  std::vector<Source> sources;                // as the map's rows
  std::vector<std::vector<FieldId>> tellers;  // fields that `when` asks for
  std::vector<std::uint32_t> teller_of;       // FieldId → index into tellers + 1; 0: none
  std::vector<Group> groups;
  std::vector<std::vector<std::uint32_t>> groups_of_source;
  std::uint32_t atoms = 0, trees = 0;
  std::size_t field_count = 0;   // FieldIds are below it
  std::vector<bool> rule_asked;  // rules that correlations ask values of
  std::vector<bool> counted;     // value_names of which every value counts (value_count), not the first alone
};

}  // namespace bongsu::detect::sigma
