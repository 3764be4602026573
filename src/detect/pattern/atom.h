// One comparison of a pattern, ready to be held against values (STIX 2.1 §9.6), and the paths that comparisons have.
// Internal to the folder.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "detect/pattern/compare.h"
#include "detect/pattern/observation.h"
#include "stix/pattern.h"

namespace re2 {
class RE2;
}

namespace bongsu::detect {

// A value without its storage: of an observation, or of a field of an event.
struct ValueView {
  ObservedValue::Kind kind = ObservedValue::Kind::kNull;
  bool boolean = false;
  std::int64_t integer = 0;
  double number = 0;
  std::string_view text;

  static ValueView of(const ObservedValue& value, const Observation& observation) {
    const bool text = value.text_otherwise && observation.find(value.text) == nullptr;
    return {text ? ObservedValue::Kind::kString : value.kind, value.boolean, value.integer, value.number, value.text};
  }
  // There, and of a kind that can be looked at.
  bool obtainable() const { return kind != ObservedValue::Kind::kNull && kind != ObservedValue::Kind::kUnreadable; }
};

struct Atom {
  std::uint32_t path = 0;
  stix::ComparisonOperator op = stix::ComparisonOperator::kEqual;
  bool negated = false;
  bool octets = false;                                      // the property is binary by its name
  std::vector<stix::Literal> constants;                     // IN of text: sorted by text
  std::vector<std::optional<std::string>> octet_constants;  // of text constants
  std::vector<stix::Timestamp> times;                       // of timestamp constants
  std::string wildcards;                                    // LIKE, in NFC
  std::string octet_wildcards;                              // the same for octets
  bool never = false;  // LIKE or MATCHES with characters that no octet is: false of all octets
  std::optional<AddressBlock> block;
  std::shared_ptr<const re2::RE2> regex, octet_regex;
  bool ignore_case = false;  // of the regular expression

  // One value, without `negated`.
  bool holds(const ValueView& value) const;
};

// kInvalid for a regular expression that cannot be run, with the offset of what it has that RE2 has not, or of the
// constant; kTooLarge for one beyond the limits.
Result<Atom> compile_atom(const stix::Comparison& comparison, std::uint32_t path, bool ignore_case);

// All paths of a set of patterns, each once; walked through an object at once.
class PathTable {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  std::uint32_t add(const stix::ObjectPath& path);
  const stix::ObjectPath& path(std::uint32_t id) const { return paths_[id]; }
  std::size_t size() const { return paths_.size(); }
  // By text ("file:hashes.MD5"); kNone: no pattern has it.
  std::uint32_t find(const std::string& text) const;

  // By which step of a path which object was reached through a reference: it leads to the same values again.
  struct VisitedHash {
    std::size_t operator()(const std::pair<std::size_t, const CyberObject*>& v) const {
      return std::hash<const void*>()(v.second) * 31 + v.first;
    }
  };
  using Visited = std::unordered_set<std::pair<std::size_t, const CyberObject*>, VisitedHash>;

  // Calls take(path, value) for every value that some path of the set (those with wanted[path]) leads to. `visited` is
  // empty.
  template <class Take>
  void walk(const Observation& observation, const CyberObject& root, const std::vector<bool>& wanted, Visited& visited,
            Take&& take) const {
    const auto at = roots_.find(root.type);
    if (at != roots_.end()) step(observation, at->second, root.properties, wanted, visited, take);
  }

 private:
  struct Node {
    std::uint32_t path = kNone;  // ends here
    std::map<std::string, std::uint32_t, std::less<>> properties;
    std::map<std::int64_t, std::uint32_t> indices;
    std::uint32_t any = 0;  // [*]; 0: none
  };

  template <class Take>
  void step(const Observation& observation, std::uint32_t at, const ObservedValue& value,
            const std::vector<bool>& wanted, Visited& visited, Take& take) const {
    const Node& node = nodes_[at];
    if (value.kind == ObservedValue::Kind::kNull) return;
    if (node.path != kNone && wanted[node.path]) take(node.path, value);
    if (value.kind == ObservedValue::Kind::kList) {
      for (const auto& [index, next] : node.indices)
        if (index < static_cast<std::int64_t>(value.list.size()))
          step(observation, next, value.list[static_cast<std::size_t>(index)], wanted, visited, take);
      if (node.any != 0)
        for (const ObservedValue& item : value.list) step(observation, node.any, item, wanted, visited, take);
      return;
    }
    if (node.properties.empty()) return;
    const ObservedValue* members = &value;
    if (value.kind == ObservedValue::Kind::kReference) {
      const CyberObject* object = observation.find(value.text);
      if (object == nullptr || !visited.insert({at, object}).second) return;
      members = &object->properties;
    }
    if (members->kind != ObservedValue::Kind::kDictionary) return;
    for (const auto& [name, member] : members->members)
      if (const auto next = node.properties.find(name); next != node.properties.end())
        step(observation, next->second, member, wanted, visited, take);
  }

  std::vector<stix::ObjectPath> paths_;
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::unordered_map<std::string, std::uint32_t> roots_;
  std::vector<Node> nodes_;
};

}  // namespace bongsu::detect
