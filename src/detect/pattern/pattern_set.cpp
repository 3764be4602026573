#include "detect/pattern/pattern_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "detect/pattern/pattern_parts.h"

namespace bongsu::detect {
namespace {

using stix::Comparison;
using stix::ComparisonExpression;
using stix::ComparisonGroup;
using stix::ObservationExpression;
using stix::ObservationGroup;
using stix::Qualifier;

// The same comparison twice is one atom. Constants by kind and bytes, unambiguously.
std::string key_of(const Comparison& c, bool ignore_case) {
  std::string out = c.path.text();
  out += fmt::format("\x01{}{}{}", static_cast<int>(c.op), c.negated ? "!" : "", ignore_case ? "i" : "");
  for (const stix::Literal& l : c.values)
    out += fmt::format("\x02{}:{}:{}:{}:{}:{}", static_cast<int>(l.kind), l.text.size(), l.text, l.integer, l.number,
                       l.boolean);
  return out;
}

// Times are whole nanoseconds, and less than the width apart: a fraction of one rounds up. What only the binary form of
// the number adds to it is none.
Nanos width_of(double seconds) {
  constexpr long double kAllTime = 1e21L;  // more than the years 0 to 9999
  const long double width = static_cast<long double>(seconds) * 1e9L;
  if (width >= kAllTime) return static_cast<Nanos>(kAllTime);
  const long double nearest = std::round(width);
  const bool whole = nearest >= 1 && std::abs(width - nearest) <= width * 1e-15L;
  return static_cast<Nanos>(whole ? nearest : std::ceil(width));
}

// With [*] for every index.
std::string any_index(const stix::ObjectPath& path) {
  stix::ObjectPath out = path;
  for (stix::PathStep& step : out.steps)
    if (step.kind == stix::PathStep::Kind::kIndex) step.kind = stix::PathStep::Kind::kAny;
  return out.text();
}

// What is compiled of one pattern before any of it is kept.
class Compiler {
 public:
  explicit Compiler(PatternParts& parts) : parts_(parts) {}

  // Changes `parts` only by paths and atoms, which others may use as well.
  Result<CompiledPattern> compile(const stix::Pattern& pattern, BindTree& tree) {
    tree.emplace_back();
    BONGSU_TRY_VOID(observation(pattern.root, tree, 0));
    CompiledPattern out;
    out.expressions = static_cast<std::uint32_t>(expressions.size());
    out.single = is_single(tree, 0);
    for (const BindNode& n : tree)
      mix(fmt::format("{}:{}:{}:{}:{}:{}", static_cast<int>(n.op), n.parent, n.expression,
                      static_cast<std::int64_t>(n.within), static_cast<std::int64_t>(n.start % 1'000'000'007),
                      static_cast<std::int64_t>(n.stop % 1'000'000'007)));
    for (const ExpressionNode& n : program) mix(fmt::format("{}:{}", static_cast<int>(n.op), n.end));
    out.fingerprint = fingerprint_;
    if (parts_.map && !possible(tree, 0))
      return fail(ErrorCode::kUnsupported, fmt::format("no field of telemetry stands for {}", unreachable_),
                  {.offset = unreachable_at_, .has_offset = true, .field = "pattern"});
    return out;
  }

  std::vector<ExpressionNode> program;
  std::vector<std::uint32_t> expressions;  // their beginnings in `program`

 private:
  static bool is_single(const BindTree& tree, std::uint32_t at) {
    const BindNode& node = tree[at];
    if (node.op == BindNode::Op::kExpression) return true;
    if (node.op != BindNode::Op::kOr && node.children > 1) return false;
    for (std::uint32_t i = 0; i < node.children; ++i)
      if (!is_single(tree, node.first_child + i)) return false;
    return true;
  }

  // Fills tree[at], whose parent and place are set.
  Result<void> observation(const ObservationExpression& e, BindTree& tree, std::uint32_t at) {
    // Qualifiers are applied in the order in which they are written (§9.5.1): the last is the outermost. Those behind
    // a REPEATS hold of all its repetitions, those before it of each.
    return qualified(e, e.qualifiers.size(), tree, at);
  }

  Result<void> qualified(const ObservationExpression& e, std::size_t qualifiers, BindTree& tree, std::uint32_t at) {
    while (qualifiers > 0) {
      const Qualifier& q = e.qualifiers[--qualifiers];
      if (q.kind == Qualifier::Kind::kWithin) {
        tree[at].within = width_of(q.seconds);
      } else if (q.kind == Qualifier::Kind::kStartStop) {
        tree[at].has_span = true;
        tree[at].start = nanos(q.start->instant());
        tree[at].stop = nanos(q.stop->instant());
      } else {
        if (static_cast<std::uint64_t>(q.times) > kMaxPatternObservations) return too_many(q.offset);
        tree[at].op = BindNode::Op::kAnd;
        tree[at].alike = true;
        BONGSU_TRY(const std::uint32_t first, children(tree, at, static_cast<std::size_t>(q.times), q.offset));
        for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(q.times); ++i) {
          if (i == 0) {
            BONGSU_TRY_VOID(qualified(e, qualifiers, tree, first));
          } else {
            BONGSU_TRY_VOID(copy(tree, first, first + i, q.offset));
          }
        }
        return {};
      }
    }
    if (const auto* inner = std::get_if<ComparisonExpression>(&e.node)) {
      tree[at].op = BindNode::Op::kExpression;
      BONGSU_TRY(tree[at].expression, expression(*inner));
      return {};
    }
    const auto& group = *std::get<std::unique_ptr<ObservationGroup>>(e.node);
    tree[at].op = group.op == ObservationGroup::Op::kOr           ? BindNode::Op::kOr
                  : group.op == ObservationGroup::Op::kFollowedBy ? BindNode::Op::kFollowedBy
                                                                  : BindNode::Op::kAnd;
    BONGSU_TRY(const std::uint32_t first, children(tree, at, group.parts.size(), 0));
    for (std::uint32_t i = 0; i < group.parts.size(); ++i)
      BONGSU_TRY_VOID(observation(group.parts[i], tree, first + i));
    return {};
  }

  static std::unexpected<Error> too_many(std::size_t offset) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("the pattern needs more than {} observations", kMaxPatternObservations),
                {.offset = offset, .has_offset = true});
  }

  Result<std::uint32_t> children(BindTree& tree, std::uint32_t at, std::size_t count, std::size_t offset) {
    if (tree.size() + count > 2 * kMaxPatternObservations) return too_many(offset);
    const auto first = static_cast<std::uint32_t>(tree.size());
    tree[at].first_child = first;
    tree[at].children = static_cast<std::uint32_t>(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      tree.emplace_back();
      tree.back().parent = at;
      tree.back().place = i;
    }
    return first;
  }

  Result<void> copy(BindTree& tree, std::uint32_t from, std::uint32_t to, std::size_t offset) {
    const BindNode node = tree[from];
    const std::uint32_t parent = tree[to].parent, place = tree[to].place;
    tree[to] = node;
    tree[to].parent = parent;
    tree[to].place = place;
    if (node.children == 0) return {};
    BONGSU_TRY(const std::uint32_t first, children(tree, to, node.children, offset));
    for (std::uint32_t i = 0; i < node.children; ++i)
      BONGSU_TRY_VOID(copy(tree, node.first_child + i, first + i, offset));
    return {};
  }

  Result<std::uint32_t> expression(const ComparisonExpression& e) {
    expressions.push_back(static_cast<std::uint32_t>(program.size()));
    BONGSU_TRY_VOID(comparison(e));
    return static_cast<std::uint32_t>(expressions.size() - 1);
  }

  Result<void> comparison(const ComparisonExpression& e) {
    const std::size_t at = program.size();
    program.emplace_back();
    if (const auto* c = std::get_if<Comparison>(&e.node)) {
      atom_places_.push_back(static_cast<std::uint32_t>(at));
      BONGSU_TRY(program[at].atom, atom(*c));
    } else {
      const auto& group = *std::get<std::unique_ptr<ComparisonGroup>>(e.node);
      program[at].op = group.op == ComparisonGroup::Op::kAnd ? ExpressionNode::Op::kAnd : ExpressionNode::Op::kOr;
      for (const auto& part : group.parts) BONGSU_TRY_VOID(comparison(part));
    }
    program[at].end = static_cast<std::uint32_t>(program.size());
    return {};
  }

  Result<std::uint32_t> atom(const Comparison& written) {
    bool ignore_case = false;
    if (parts_.map && !parts_.reachable.contains(any_index(written.path))) {
      dead_.push_back(true);
      if (unreachable_.empty()) {
        unreachable_ = written.path.text();
        unreachable_at_ = written.offset;
      }
    } else {
      dead_.push_back(false);
    }
    const Comparison c = parts_.map ? event_form(written, ignore_case) : written;
    const std::string key = key_of(c, ignore_case);
    mix(key);
    if (const auto known = parts_.atom_ids.find(key); known != parts_.atom_ids.end()) return known->second;
    BONGSU_TRY(Atom atom, compile_atom(c, parts_.paths.add(c.path), ignore_case));
    parts_.atoms.push_back(std::move(atom));
    const auto id = static_cast<std::uint32_t>(parts_.atoms.size() - 1);
    parts_.atom_ids.emplace(key, id);
    return id;
  }

  // Could it be true of telemetry at all? A comparison of what no field stands for is false (§9.6).
  bool possible(const BindTree& tree, std::uint32_t at) const {
    const BindNode& node = tree[at];
    if (node.op == BindNode::Op::kExpression) return possible(expressions[node.expression]);
    const bool all = node.op != BindNode::Op::kOr;
    for (std::uint32_t i = 0; i < node.children; ++i)
      if (possible(tree, node.first_child + i) != all) return !all;
    return all;
  }
  bool possible(std::uint32_t at) const {
    const ExpressionNode& node = program[at];
    if (node.op == ExpressionNode::Op::kAtom)
      return !dead_[static_cast<std::size_t>(std::ranges::lower_bound(atom_places_, at) - atom_places_.begin())];
    const bool all = node.op == ExpressionNode::Op::kAnd;
    for (std::uint32_t child = at + 1; child < node.end; child = program[child].end)
      if (possible(child) != all) return !all;
    return all;
  }

  void mix(std::string_view text) { fingerprint_ = hash64(text, fingerprint_); }

  PatternParts& parts_;
  std::uint64_t fingerprint_ = 0;
  std::vector<bool> dead_;                  // of the program's comparisons, in order
  std::vector<std::uint32_t> atom_places_;  // where they stand in the program
  std::string unreachable_;
  std::size_t unreachable_at_ = 0;
};

// The comparisons of which one holds whenever the expression does, the cheapest such set.
struct Choice {
  double cost = 0;
  std::vector<std::uint32_t> atoms;
};
Choice choose(const PatternParts& parts, std::uint32_t at) {
  const ExpressionNode& node = parts.program[at];
  if (node.op == ExpressionNode::Op::kAtom) return {parts.triggers.cost(parts.atoms[node.atom]), {node.atom}};
  Choice out;
  bool first = true;
  for (std::uint32_t child = at + 1; child < node.end; child = parts.program[child].end) {
    Choice one = choose(parts, child);
    if (node.op == ExpressionNode::Op::kOr) {
      out.cost += one.cost;
      out.atoms.insert(out.atoms.end(), one.atoms.begin(), one.atoms.end());
    } else if (first || one.cost < out.cost) {
      out = std::move(one);
    }
    first = false;
  }
  return out;
}

}  // namespace

PatternSet::PatternSet(std::unique_ptr<PatternParts> parts) : parts_(std::move(parts)) {}
PatternSet::~PatternSet() = default;
std::size_t PatternSet::size() const { return parts_->patterns.size(); }
std::uint64_t PatternSet::ref(std::uint32_t pattern) const { return parts_->patterns[pattern].ref; }
bool PatternSet::single(std::uint32_t pattern) const { return parts_->patterns[pattern].single; }

std::vector<telemetry::FieldId> PatternSet::fields() const {
  std::vector<telemetry::FieldId> out;
  if (!parts_->event_paths) return out;
  for (telemetry::FieldId f = 1; f < parts_->event_paths->fields(); ++f)
    if (!parts_->event_paths->targets(f).empty()) out.push_back(f);
  return out;
}

PatternSet::Builder::Builder() : parts_(std::make_unique<PatternParts>()) {}

PatternSet::Builder::Builder(telemetry::FieldMapPtr map) : Builder() {
  auto reachable = EventPaths::reachable(*map);
  if (reachable) {
    parts_->reachable = *std::move(reachable);
  } else {
    parts_->map_error = std::move(reachable).error();
  }
  parts_->map = std::move(map);
}

PatternSet::Builder::~Builder() = default;

Result<void> PatternSet::Builder::add(std::uint64_t ref, std::string_view pattern, std::optional<Instant> valid_from,
                                      std::optional<Instant> valid_until) {
  BONGSU_TRY(const stix::Pattern tree, stix::parse_pattern(pattern));
  return add(ref, tree, valid_from, valid_until);
}

Result<void> PatternSet::Builder::add(std::uint64_t ref, const stix::Pattern& pattern,
                                      std::optional<Instant> valid_from, std::optional<Instant> valid_until) {
  if (parts_->map_error) return std::unexpected(*parts_->map_error);
  if (parts_->patterns.size() >= kMaxPatterns)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} patterns", kMaxPatterns));
  Compiler compiler(*parts_);
  BindTree tree;
  BONGSU_TRY(CompiledPattern compiled, compiler.compile(pattern, tree));
  compiled.ref = ref;
  compiled.from = valid_from;
  compiled.until = valid_until;
  compiled.first_expression = static_cast<std::uint32_t>(parts_->expressions.size());
  const bool spans = std::ranges::any_of(tree, &BindNode::has_span);
  if (!compiled.single || spans) compiled.tree = std::make_shared<const BindTree>(std::move(tree));
  const auto base = static_cast<std::uint32_t>(parts_->program.size());
  for (const std::uint32_t begin : compiler.expressions)
    parts_->expressions.push_back({static_cast<std::uint32_t>(parts_->patterns.size()), base + begin});
  for (ExpressionNode node : compiler.program) {
    node.end += base;
    parts_->program.push_back(node);
  }
  parts_->patterns.push_back(std::move(compiled));
  return {};
}

Result<PatternSetPtr> PatternSet::Builder::build() {
  PatternParts& parts = *parts_;
  if (parts.map_error) return std::unexpected(*parts.map_error);
  parts.atom_ids = {};
  parts.reachable = {};
  for (const Atom& atom : parts.atoms) parts.triggers.count(atom);
  for (std::uint32_t i = 0; i < parts.expressions.size(); ++i) {
    Choice choice = choose(parts, parts.expressions[i].begin);
    std::ranges::sort(choice.atoms);
    choice.atoms.erase(std::unique(choice.atoms.begin(), choice.atoms.end()), choice.atoms.end());
    for (const std::uint32_t id : choice.atoms) {
      const Atom& atom = parts.atoms[id];
      if (atom.op == stix::ComparisonOperator::kExists && atom.negated) {
        parts.triggers.add_type(parts.paths.path(atom.path).type, i);
      } else {
        parts.triggers.add(atom, i);
      }
    }
  }
  // NOT EXISTS is asked of every object of the type, and an object is there when any of its fields is: each says its
  // type.
  std::vector<std::string> types;
  for (const Atom& atom : parts.atoms)
    if (atom.op == stix::ComparisonOperator::kExists && atom.negated) types.push_back(parts.paths.path(atom.path).type);
  for (const std::string& type : types) parts.paths.add({type, {{stix::PathStep::Kind::kProperty, "type", 0}}});
  BONGSU_TRY_VOID(parts.triggers.build(parts.paths.size()));
  if (parts.map) {
    BONGSU_TRY(parts.event_paths, EventPaths::make(*parts.map, parts.paths));
  }
  parts.program.shrink_to_fit();
  return PatternSetPtr(new PatternSet(std::move(parts_)));
}

struct ObservationMatcher::Impl {
  PatternSetPtr set;
  Triggers::Scratch scratch;
  std::vector<std::uint32_t> found;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> candidates;  // expression, object
  PathTable::Visited visited;

  void match(const Observation& observation, std::vector<PatternHit>& hits) {
    const PatternParts& parts = set->parts();
    candidates.clear();
    for (std::uint32_t o = 0; o < observation.objects.size(); ++o) {
      const CyberObject& root = *observation.objects[o];
      found.clear();
      visited.clear();
      parts.triggers.find_type(root.type, found);
      parts.paths.walk(observation, root, parts.triggers.wanted(), visited,
                       [&](std::uint32_t path, const ObservedValue& value) {
                         parts.triggers.find(path, ValueView::of(value, observation), scratch, found);
                       });
      for (const std::uint32_t expression : found) candidates.emplace_back(expression, o);
    }
    std::ranges::sort(candidates);
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
    std::uint32_t done = 0xffffffff;
    for (const auto& [expression, o] : candidates) {
      if (expression == done) continue;
      const CyberObject& root = *observation.objects[o];
      const bool holds = parts.holds(
          expression,
          [&](std::uint32_t path, const auto& take) {
            visited.clear();
            each_value(observation, root.properties, parts.paths.path(path).steps, take);
          },
          [&](const std::string& type) { return root.type == type; });
      if (!holds) continue;
      done = expression;
      hits.push_back({parts.expressions[expression].pattern, expression});
    }
  }

  // The values that a path leads to (§9.7). An object that a step of the path came to before leads to nothing new.
  template <class Take>
  void each_value(const Observation& observation, const ObservedValue& at, std::span<const stix::PathStep> rest,
                  const Take& take) {
    using Kind = ObservedValue::Kind;
    if (at.kind == Kind::kNull) return;
    if (rest.empty()) return take(ValueView::of(at, observation));
    const stix::PathStep& step = rest.front();
    if (step.kind == stix::PathStep::Kind::kProperty) {
      const ObservedValue* members = &at;
      if (at.kind == Kind::kReference) {
        const CyberObject* object = observation.find(at.text);
        if (object == nullptr || !visited.insert({rest.size(), object}).second) return;
        members = &object->properties;
      }
      if (members->kind != Kind::kDictionary) return;
      if (const ObservedValue* next = members->find(step.name)) each_value(observation, *next, rest.subspan(1), take);
      return;
    }
    if (at.kind != Kind::kList) return;
    for (std::size_t i = 0; i < at.list.size(); ++i)
      if (step.kind == stix::PathStep::Kind::kAny || static_cast<std::int64_t>(i) == step.index)
        each_value(observation, at.list[i], rest.subspan(1), take);
  }
};

ObservationMatcher::ObservationMatcher(PatternSetPtr set) : impl_(std::make_unique<Impl>()) {
  impl_->set = std::move(set);
}
ObservationMatcher::~ObservationMatcher() = default;
void ObservationMatcher::match(const Observation& observation, std::vector<PatternHit>& hits) {
  impl_->match(observation, hits);
}

}  // namespace bongsu::detect
