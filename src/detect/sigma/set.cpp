#include "detect/sigma/set.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "detect/sigma/compiled.h"
#include "detect/sigma/fold.h"

namespace bongsu::detect::sigma {
namespace {

using telemetry::FieldMap;
using telemetry::FieldMapBuilder;
using telemetry::LogSource;

constexpr std::size_t kMaxNodes = 500'000;  // of one rule

// Builds one group: atoms, trees, and at the end what its fields are looked through for.
class GroupBuilder {
 public:
  GroupBuilder(const FieldMap& map, FieldMapBuilder& wanted, const LogSource* source)
      : map_(map), wanted_(wanted), source_(source) {}

  Group group;

  Result<std::vector<FieldId>> fields_of(const std::string& name) {
    const auto [known, fresh] = names_.try_emplace(name);
    if (fresh) {
      for (const std::string& path : paths_of(name, source_, map_)) {
        auto id = wanted_.want(path);
        if (!id) {
          Error error = std::move(id).error();
          names_.erase(known);
          return std::unexpected(std::move(error));
        }
        known->second.push_back(*id);
      }
      std::ranges::sort(known->second);
    }
    return known->second;
  }

  // On an error the group is as it was, but for atoms that nobody uses.
  Result<void> add(const Rule& rule, std::uint32_t index) {
    tree_ = {};
    tree_.rule = index;
    rule_ = &rule;
    detections_.clear();
    std::vector<std::uint32_t> roots;
    std::vector<Guard> guards;
    for (const Condition& condition : rule.conditions) {
      BONGSU_TRY(Built built, condition_node(condition));
      roots.push_back(built.node);
      guards.push_back(std::move(built.guard));
    }
    const Built root = join(Node::Kind::kOr, roots, std::move(guards));
    tree_.root = root.node;
    const auto tree = static_cast<std::uint32_t>(group.trees.size());
    group.trees.push_back(std::move(tree_));
    if (!root.guard.possible) {
      group.always.push_back(tree);
      return {};
    }
    for (const Clue& clue : root.guard.clues) clues_.emplace_back(clue, tree);
    return {};
  }

  Result<void> finish(SigmaReport& report) {
    std::map<FieldId, LiteralScanner::Builder> literals;
    LiteralScanner::Builder keywords;
    for (auto& [clue, tree] : clues_) {
      const Atom& atom = group.atoms[clue.atom];
      const auto place = [&](FieldScan& scan, LiteralScanner::Builder& builder) {
        switch (clue.kind) {
          case Clue::Kind::kLiteral:
            builder.add(clue.text, {tree, clue.at_start, clue.at_end});
            break;
          case Clue::Kind::kWhole:
            scan.whole[clue.text].push_back(tree);
            if (atom.test.kind == CompiledTest::Kind::kNumber) scan.numbers = true;
            break;
          case Clue::Kind::kPresent:
            scan.present.push_back(tree);
            break;
        }
      };
      if (atom.keyword) place(group.keywords, keywords);
      for (const FieldId field : atom.fields) place(group.fields[field], literals[field]);
    }
    clues_.clear();
    std::vector<
        std::pair<std::vector<std::pair<std::string, LiteralScanner::Use>>, std::shared_ptr<const LiteralScanner>>>
        made;
    const auto tidy = [&](FieldScan& scan, LiteralScanner::Builder& builder) -> Result<void> {
      const auto unique = [](std::vector<std::uint32_t>& list) {
        std::ranges::sort(list);
        list.erase(std::unique(list.begin(), list.end()), list.end());
      };
      for (auto& [text, trees] : scan.whole) unique(trees);
      unique(scan.present);
      if (builder.empty()) return {};
      builder.tidy();
      const auto known = std::ranges::find_if(made, [&](const auto& one) { return one.first == builder.literals; });
      if (known != made.end()) {
        scan.literals = known->second;
        return {};
      }
      BONGSU_TRY(scan.literals, builder.build());
      made.emplace_back(std::move(builder.literals), scan.literals);
      ++report.scanners;
      report.literals += scan.literals->literals();
      return {};
    };
    for (auto& [field, scan] : group.fields) BONGSU_TRY_VOID(tidy(scan, literals[field]));
    return tidy(group.keywords, keywords);
  }

 private:
  struct Built {
    std::uint32_t node = 0;
    Guard guard;
  };

  std::uint32_t node(Node n) {
    tree_.nodes.push_back(n);
    return static_cast<std::uint32_t>(tree_.nodes.size() - 1);
  }
  Built join(Node::Kind kind, const std::vector<std::uint32_t>& children, std::vector<Guard> guards) {
    if (children.size() == 1) return {children[0], std::move(guards[0])};
    Built out;
    const auto first = static_cast<std::uint32_t>(tree_.children.size());
    tree_.children.insert(tree_.children.end(), children.begin(), children.end());
    out.node = node({kind, first, static_cast<std::uint32_t>(children.size())});
    out.guard = kind == Node::Kind::kAnd ? guard_of_all(std::move(guards)) : guard_of_any(std::move(guards));
    return out;
  }
  Built negate(std::uint32_t child) {
    const auto first = static_cast<std::uint32_t>(tree_.children.size());
    tree_.children.push_back(child);
    return {node({Node::Kind::kNot, first, 1}), {false, 1, {}}};
  }

  Result<Built> condition_node(const Condition& condition) {
    if (tree_.nodes.size() > kMaxNodes)
      return fail(ErrorCode::kTooLarge, "the rule has too many parts",
                  at(rule_->source, rule_->condition_place, "detection.condition"));
    using Kind = Condition::Kind;
    if (condition.kind == Kind::kName) {
      // A detection that the condition names again is the same node.
      if (const auto known = detections_.find(condition.name); known != detections_.end()) return known->second;
      BONGSU_TRY(Built built, detection_node(*rule_->detection(condition.name), condition.name));
      detections_.emplace(condition.name, built);
      return built;
    }
    std::vector<std::uint32_t> children;
    std::vector<Guard> guards;
    for (const Condition& child : condition.children) {
      BONGSU_TRY(Built built, condition_node(child));
      children.push_back(built.node);
      guards.push_back(std::move(built.guard));
    }
    if (condition.kind == Kind::kNot) return negate(children[0]);
    return join(condition.kind == Kind::kAnd ? Node::Kind::kAnd : Node::Kind::kOr, children, std::move(guards));
  }

  Result<Built> detection_node(const Detection& detection, const std::string& name) {
    std::vector<std::uint32_t> children;
    std::vector<Guard> guards;
    for (const auto& child : detection.children) {
      const Item* item = std::get_if<Item>(&child);
      BONGSU_TRY(Built built,
                 item != nullptr ? item_node(*item, name) : detection_node(std::get<Detection>(child), name));
      children.push_back(built.node);
      guards.push_back(std::move(built.guard));
    }
    return join(detection.any ? Node::Kind::kOr : Node::Kind::kAnd, children, std::move(guards));
  }

  Result<Built> item_node(const Item& item, const std::string& name) {
    const auto wrong = [&](Error error) {
      error.where = at(rule_->source, item.place, "detection." + name + "." + item.key);
      return std::unexpected(std::move(error));
    };
    std::vector<FieldId> fields;
    if (item.field) {
      auto ids = fields_of(*item.field);
      if (!ids) return wrong(std::move(ids).error());
      fields = std::move(*ids);
    }
    std::vector<std::uint32_t> values;
    std::vector<Guard> value_guards;
    for (const std::vector<Test>& value : item.values) {
      std::vector<std::uint32_t> tests;
      std::vector<Guard> guards;
      for (const Test& test : value) {
        auto atom = atom_of(item, fields, test);
        if (!atom) return wrong(std::move(atom).error());
        tests.push_back(node({Node::Kind::kAtom, *atom, 0}));
        guards.push_back(guard_of(group.atoms[*atom].test, *atom, !item.field));
      }
      Built built = join(Node::Kind::kOr, tests, std::move(guards));
      values.push_back(built.node);
      value_guards.push_back(std::move(built.guard));
    }
    Built built = join(item.all ? Node::Kind::kAnd : Node::Kind::kOr, values, std::move(value_guards));
    return item.negated ? negate(built.node) : built;
  }

  Result<std::uint32_t> atom_of(const Item& item, const std::vector<FieldId>& fields, const Test& test) {
    Atom atom;
    atom.keyword = !item.field;
    atom.fields = fields;
    for (const std::string& other : test.other_fields) {
      BONGSU_TRY(std::vector<FieldId> ids, fields_of(other));
      atom.other_fields.insert(atom.other_fields.end(), ids.begin(), ids.end());
    }
    const std::string key = key_of(atom, test);
    if (const auto known = atoms_.find(key); known != atoms_.end()) return known->second;
    BONGSU_TRY(atom.test, CompiledTest::make(test, atom.keyword));
    const auto index = static_cast<std::uint32_t>(group.atoms.size());
    group.atoms.push_back(std::move(atom));
    atoms_.emplace(key, index);
    return index;
  }

  static std::string key_of(const Atom& atom, const Test& test) {
    std::string out(1, atom.keyword ? 'k' : 'f');
    const auto number = [&](std::uint64_t n) { out += std::to_string(n) + ','; };
    for (const FieldId field : atom.fields) number(field);
    out += ';';
    for (const FieldId field : atom.other_fields) number(field);
    out += ';';
    for (const std::uint64_t n : {static_cast<std::uint64_t>(test.kind), static_cast<std::uint64_t>(test.compare),
                                  static_cast<std::uint64_t>(test.part), static_cast<std::uint64_t>(test.cased),
                                  static_cast<std::uint64_t>(test.flag), static_cast<std::uint64_t>(test.ignore_case),
                                  static_cast<std::uint64_t>(test.multi_line), static_cast<std::uint64_t>(test.dot_all),
                                  static_cast<std::uint64_t>(test.at_start), static_cast<std::uint64_t>(test.at_end)})
      number(n);
    for (const Part& part : test.pattern.parts) {
      number(static_cast<std::uint64_t>(part.kind));
      number(part.text.size());
      out += part.text;
    }
    out += ';' + test.text;
    return out;
  }

  const FieldMap& map_;
  FieldMapBuilder& wanted_;
  const LogSource* source_;
  const Rule* rule_ = nullptr;
  Tree tree_;
  std::map<std::string, Built> detections_;
  std::map<std::string, std::vector<FieldId>> names_;
  std::unordered_map<std::string, std::uint32_t> atoms_;
  std::vector<std::pair<Clue, std::uint32_t>> clues_;
};

// The fields by their own names that `field` of a correlation stands for: itself, or what its alias says.
std::vector<std::string> names_of(const Correlation& correlation, const std::string& field) {
  const auto alias = correlation.aliases.find(field);
  if (alias == correlation.aliases.end()) return {field};
  std::vector<std::string> out;
  for (const auto& [rule, name] : alias->second) out.push_back(name);
  return out;
}

// Every field name that correlations ask for, and which rules they ask.
void collect_names(const std::vector<LinkedCorrelation>& correlations, std::vector<std::string>& names,
                   std::vector<bool>& asked_rules) {
  for (const LinkedCorrelation& one : correlations) {
    for (const auto* fields : {&one.correlation.group_by, &one.correlation.value_fields})
      for (const std::string& field : *fields)
        for (const std::string& name : names_of(one.correlation, field))
          if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    for (const auto& reference : one.references)
      if (!reference.correlation) asked_rules[reference.index] = true;
  }
}

// `error`, of the first correlation that asks for `name`.
Error no_field(const std::vector<LinkedCorrelation>& correlations, const std::string& name, Error error) {
  for (const LinkedCorrelation& one : correlations)
    for (const auto* fields : {&one.correlation.group_by, &one.correlation.value_fields})
      for (const std::string& field : *fields)
        if (const auto names = names_of(one.correlation, field); std::ranges::find(names, name) != names.end()) {
          error.where = at(one.correlation.source, one.correlation.place, "correlation");
          error.message += ": \"" + name.substr(0, 80) + "\"";
          return error;
        }
  return error;
}

}  // namespace

SigmaSet::~SigmaSet() = default;

Result<SigmaSetPtr> SigmaSet::compile(RuleSet rules, const FieldMap& map, FieldMapBuilder& builder,
                                      SigmaReport& report) {
  std::shared_ptr<SigmaSet> set(new SigmaSet);
  auto compiled = std::make_unique<Compiled>();
  report.files = rules.files;
  report.filters = rules.filters;
  report.errors = std::move(rules.errors);
  report.waiting = std::move(rules.waiting);
  rules.errors.clear();
  rules.waiting.clear();

  compiled->rule_asked.assign(rules.rules.size(), false);
  collect_names(rules.correlations, set->value_names_, compiled->rule_asked);
  for (const std::string& name : set->value_names_)
    compiled->counted.push_back(std::ranges::any_of(rules.correlations, [&](const LinkedCorrelation& one) {
      const Correlation& rule = one.correlation;
      if (rule.type != Correlation::Type::kValueCount || rule.value_fields.size() != 1) return false;
      const auto names = names_of(rule, rule.value_fields[0]);
      return std::ranges::find(names, name) != names.end();
    }));

  const auto rows = map.log_sources();
  // How events are told apart. Fields of `when` are wanted even if no rule is there for the source.
  std::map<std::string, std::uint32_t> tellers;
  for (const LogSource& row : rows) {
    Compiled::Source source;
    source.format = row.format;
    source.has_product = !row.product.empty();
    for (const auto& [field, values] : row.when) {
      const auto [known, fresh] = tellers.try_emplace(field, static_cast<std::uint32_t>(compiled->tellers.size()));
      if (fresh) {
        std::vector<FieldId> ids;
        for (const std::string& path : paths_of(field, nullptr, map)) {
          BONGSU_TRY(const FieldId id, builder.want(path));
          ids.push_back(id);
        }
        compiled->tellers.push_back(std::move(ids));
      }
      std::vector<std::string> wanted;
      for (const std::string& value : values) wanted.push_back(folded(value));
      source.when.emplace_back(known->second, std::move(wanted));
    }
    compiled->sources.push_back(std::move(source));
  }

  std::map<std::size_t, GroupBuilder> groups;
  std::vector<bool> refused(rules.rules.size(), false);
  for (std::size_t i = 0; i < rules.rules.size(); ++i) {
    const Rule& rule = rules.rules[i];
    Sources sources = sources_of(rule.log_source, map);
    if (sources.fit == Sources::Fit::kNone) sources.rows.push_back(Compiled::kNoSource);
    bool good = true;
    for (const std::size_t row : sources.rows) {
      auto [group, fresh] = groups.try_emplace(row, map, builder, row == Compiled::kNoSource ? nullptr : &rows[row]);
      if (auto added = group->second.add(rule, static_cast<std::uint32_t>(i)); !added) {
        report.errors.push_back(std::move(added).error());
        good = false;
        break;
      }
    }
    refused[i] = !good;
    if (good && sources.fit != Sources::Fit::kDeclared)
      report.unmapped.push_back(Error{
          ErrorCode::kNotFound,
          sources.fit == Sources::Fit::kNone
              ? "no map for " + rule.log_source.text() + ": looked for in events of no declared product"
              : "no map for " + rule.log_source.text() + ": looked for in all events of the nearest declared source",
          at(rule.source, rule.place, "logsource")});
  }
  // A rule that could not be compiled for one of its sources is out of all; correlations that need it can never match.
  for (auto& [row, group] : groups) {
    for (Tree& tree : group.group.trees)
      if (refused[tree.rule]) {
        tree.nodes = {{Node::Kind::kOr, 0, 0}};  // false
        tree.root = 0;
      }
  }
  for (const LinkedCorrelation& one : rules.correlations)
    for (const auto& reference : one.references)
      if (!reference.correlation && refused[reference.index])
        report.errors.push_back(Error{ErrorCode::kInvalid,
                                      "the rule \"" + reference.written + "\" that it refers to cannot be used",
                                      at(one.correlation.source, one.correlation.rules_place, "correlation.rules")});
  report.rules = static_cast<std::size_t>(std::ranges::count(refused, false));
  report.correlations = rules.correlations.size();

  compiled->groups_of_source.resize(rows.size() + 1);  // the last: no declared product
  std::set<std::string> told;
  for (auto& [row, group] : groups) {
    Group& g = group.group;
    g.source = row;
    for (const std::string& name : set->value_names_) {
      // A field that cannot be had is absent from every event; what groups by it or counts it is told.
      auto ids = group.fields_of(name);
      if (!ids && told.insert(name).second) report.errors.push_back(no_field(rules.correlations, name, ids.error()));
      g.value_fields.push_back(ids ? std::move(*ids) : std::vector<FieldId>());
    }
    BONGSU_TRY_VOID(group.finish(report));
    g.first_atom = compiled->atoms;
    g.first_tree = compiled->trees;
    compiled->atoms += static_cast<std::uint32_t>(g.atoms.size());
    compiled->trees += static_cast<std::uint32_t>(g.trees.size());
    report.unguarded += g.always.size();
    const std::size_t slot = row == Compiled::kNoSource ? rows.size() : row;
    compiled->groups_of_source[slot].push_back(static_cast<std::uint32_t>(compiled->groups.size()));
    compiled->groups.push_back(std::move(g));
  }
  report.groups = compiled->groups.size();
  compiled->field_count = 1;
  const auto grow = [&](FieldId id) { compiled->field_count = std::max<std::size_t>(compiled->field_count, id + 1U); };
  for (const Group& g : compiled->groups) {
    for (const auto& [field, scan] : g.fields) grow(field);
    for (const Atom& atom : g.atoms) {
      for (const FieldId field : atom.fields) grow(field);
      for (const FieldId field : atom.other_fields) grow(field);
    }
    for (const auto& fields : g.value_fields)
      for (const FieldId field : fields) grow(field);
  }
  for (const auto& fields : compiled->tellers)
    for (const FieldId field : fields) grow(field);
  compiled->teller_of.assign(compiled->field_count, 0);
  for (std::size_t t = 0; t < compiled->tellers.size(); ++t)
    for (const FieldId field : compiled->tellers[t]) compiled->teller_of[field] = static_cast<std::uint32_t>(t + 1);

  set->rules_ = std::move(rules);
  set->compiled_ = std::move(compiled);
  return SigmaSetPtr(std::move(set));
}

}  // namespace bongsu::detect::sigma
