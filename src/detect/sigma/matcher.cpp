#include <algorithm>
#include <cstring>
#include <map>

#include "detect/sigma/compiled.h"
#include "detect/sigma/fold.h"
#include "detect/sigma/set.h"
#include "formats/yaml.h"

namespace bongsu::detect::sigma {
namespace {

using telemetry::EventView;
using telemetry::Leaf;
using telemetry::Role;

constexpr std::size_t kMaxClasses = 4096;  // kinds of events that are kept; more: begun anew
constexpr std::uint32_t kNone = static_cast<std::uint32_t>(-1);

// Most values of a log have been seen just before (an image, a user, a host): what they gave is kept.
constexpr std::size_t kKeptValues = 8192;  // a power of two
constexpr std::size_t kKeptValueBytes = 160;

std::uint64_t hash_of(std::string_view text, std::uint64_t seed) {
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    const unsigned __int128 m = static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15) * (b ^ 0xe7037ed1a0b428db);
    return static_cast<std::uint64_t>(m) ^ static_cast<std::uint64_t>(m >> 64);
  };
  std::uint64_t out = seed ^ text.size();
  const char* p = text.data();
  std::size_t n = text.size();
  std::uint64_t a = 0, b = 0;
  for (; n >= 16; p += 16, n -= 16) {
    std::memcpy(&a, p, 8);
    std::memcpy(&b, p + 8, 8);
    out = mix(out ^ a, b);
  }
  a = b = 0;
  std::memcpy(&a, p, std::min<std::size_t>(n, 8));
  if (n > 8) std::memcpy(&b, p + 8, n - 8);
  return mix(out ^ a, b);
}

bool is_null(const Leaf& leaf) { return !leaf.quoted && leaf.size == 4 && std::memcmp(leaf.value, "null", 4) == 0; }
// Keywords are looked for in texts, but not where the map says that nothing of interest stands.
bool keyword_field(const Leaf& leaf) { return leaf.quoted && leaf.role != Role::kIgnore; }

// What events of one kind (Channel, EventID, …) are looked through for.
struct Class {
  struct Scan {
    const Group* group;
    const FieldScan* fields;
  };
  std::vector<const Group*> groups;
  std::vector<std::uint16_t> slot;  // FieldId → 1 + index into scans; 0: nothing
  std::vector<std::vector<Scan>> scans;
  std::vector<Scan> keywords;
};

// The trees that one value makes candidates of, where it was looked through in one way.
struct Kept {
  const std::vector<Class::Scan>* scans = nullptr;
  std::uint32_t size = 0;
  std::uint8_t written = 0;  // quotes, escapes
  char value[kKeptValueBytes];
  std::vector<std::pair<const Group*, std::uint32_t>> trees;
};

struct Text {
  std::string_view plain, folded;
  bool has_plain = false, has_folded = false;
};

}  // namespace

struct SigmaMatcher::Impl {
  SigmaSetPtr set;
  const SigmaSet::Compiled* compiled = nullptr;
  ScanScratch scratch;
  std::map<std::vector<std::size_t>, std::unique_ptr<Class>> made;  // by the sources that an event belongs to
  std::unordered_map<std::string, const Class*> classes;            // by what tells them
  std::vector<std::pair<FieldId, std::uint32_t>> tellers;
  Counters counters;

  // The event at hand.
  const EventView* event = nullptr;
  std::uint32_t epoch = 0;
  std::vector<std::uint32_t> head, head_epoch;  // FieldId → first leaf
  std::vector<std::uint32_t> next;              // leaf → next of the same field
  std::vector<Text> texts;                      // by leaf
  std::unique_ptr<char[]> arena;
  std::size_t arena_size = 0, arena_used = 0;
  std::string scratch_text, key;
  std::vector<std::uint32_t> atom_seen;  // by atom: epoch * 2 + value
  std::vector<std::uint32_t> tree_seen;  // by tree: epoch
  std::vector<std::uint32_t> rule_seen;  // by rule: epoch
  std::vector<std::uint32_t> found;
  std::vector<std::pair<const Group*, std::uint32_t>> candidates, trees_of_value;
  std::vector<Kept> kept;

  Result<void> use(SigmaSetPtr next_set);
  void match(const EventView& view, std::vector<SigmaMatch>& out);

  std::string_view text(std::uint32_t leaf);
  std::string_view folded(std::uint32_t leaf);
  std::uint32_t first(FieldId field) const { return head_epoch[field] == epoch ? head[field] : kNone; }
  const Class& class_of(const EventView& view);
  const Class& make_class(const EventView& view);
  void look_through(const std::vector<Class::Scan>& scans, std::uint32_t leaf);
  void scan(const Class::Scan& scan, std::uint32_t leaf);
  void candidate(const Group& group, std::uint32_t tree);
  bool atom(const Group& group, std::uint32_t index);
  bool test(const Atom& atom);
  bool eval(const Group& group, const Tree& tree, std::uint32_t node);
  char* room(std::size_t size);
};

Result<void> SigmaMatcher::Impl::use(SigmaSetPtr next_set) {
  classes.clear();
  made.clear();
  kept.assign(kKeptValues, {});
  set = std::move(next_set);
  compiled = &set->compiled();
  for (const Group& group : compiled->groups) {
    for (const auto& [field, scan] : group.fields)
      if (scan.literals != nullptr) BONGSU_TRY_VOID(scratch.prepare(*scan.literals));
    if (group.keywords.literals != nullptr) BONGSU_TRY_VOID(scratch.prepare(*group.keywords.literals));
  }
  head.assign(compiled->field_count, 0);
  head_epoch.assign(compiled->field_count, 0);
  atom_seen.assign(compiled->atoms, 0);
  tree_seen.assign(compiled->trees, 0);
  rule_seen.assign(set->rules().size(), 0);
  epoch = 0;
  counters = {};
  counters.candidates_by_rule.assign(set->rules().size(), 0);
  counters.matches_by_rule.assign(set->rules().size(), 0);
  return {};
}

char* SigmaMatcher::Impl::room(std::size_t size) {
  BONGSU_CHECK(arena_used + size <= arena_size);
  char* out = arena.get() + arena_used;
  arena_used += size;
  return out;
}

std::string_view SigmaMatcher::Impl::text(std::uint32_t leaf) {
  Text& text = texts[leaf];
  if (text.has_plain) return text.plain;
  const Leaf& l = event->leaves[leaf];
  text.has_plain = true;
  if (l.escape == Leaf::Escape::kNone) {
    text.plain = l.raw();
  } else {
    const std::string_view plain = event->text(l, scratch_text);
    char* copy = room(plain.size());
    std::memcpy(copy, plain.data(), plain.size());
    text.plain = {copy, plain.size()};
  }
  return text.plain;
}

std::string_view SigmaMatcher::Impl::folded(std::uint32_t leaf) {
  Text& t = texts[leaf];
  if (t.has_folded) return t.folded;
  const std::string_view plain = text(leaf);
  char* copy = room(plain.size());
  t.folded = {copy, fold_into(plain, copy)};
  t.has_folded = true;
  return texts[leaf].folded;
}

const Class& SigmaMatcher::Impl::make_class(const EventView& view) {
  std::vector<std::size_t> sources;
  bool claimed = false;
  for (std::size_t s = 0; s < compiled->sources.size(); ++s) {
    const auto& source = compiled->sources[s];
    if (!same_format(source.format, view.format)) continue;
    const bool holds = std::ranges::all_of(source.when, [&](const auto& when) {
      for (const FieldId field : compiled->tellers[when.first])
        for (std::uint32_t leaf = first(field); leaf != kNone; leaf = next[leaf])
          if (!is_null(view.leaves[leaf]) && std::ranges::find(when.second, folded(leaf)) != when.second.end())
            return true;
      return false;
    });
    if (!holds) continue;
    sources.push_back(s);
    claimed = claimed || source.has_product;
  }
  if (!claimed) sources.push_back(compiled->sources.size());
  std::unique_ptr<Class>& out = made[sources];
  if (out != nullptr) return *out;
  out = std::make_unique<Class>();
  for (const std::size_t source : sources)
    for (const std::uint32_t group : compiled->groups_of_source[source])
      out->groups.push_back(&compiled->groups[group]);
  out->slot.assign(compiled->field_count, 0);
  for (const Group* group : out->groups) {
    for (const auto& [field, scan] : group->fields) {
      if (out->slot[field] == 0) {
        out->scans.emplace_back();
        out->slot[field] = static_cast<std::uint16_t>(out->scans.size());
      }
      out->scans[out->slot[field] - 1U].push_back({group, &scan});
    }
    if (group->keywords.literals != nullptr || !group->keywords.whole.empty() || !group->keywords.present.empty())
      out->keywords.push_back({group, &group->keywords});
  }
  return *out;
}

const Class& SigmaMatcher::Impl::class_of(const EventView& view) {
  tellers.clear();
  for (std::uint32_t i = 0; i < view.leaves.size(); ++i) {
    const FieldId field = view.leaves[i].field;
    if (field != telemetry::kNoField && field < compiled->field_count && compiled->teller_of[field] != 0)
      tellers.emplace_back(field, i);
  }
  std::ranges::sort(tellers);  // writers put fields in any order
  key.assign(1, static_cast<char>(view.format));
  for (const auto& [field, leaf] : tellers) {
    const std::string_view value = folded(leaf);
    const auto size = static_cast<std::uint32_t>(value.size());
    key += static_cast<char>(field & 0xff);
    key += static_cast<char>(field >> 8);
    key += view.leaves[leaf].quoted ? 'q' : 'p';
    key.append(reinterpret_cast<const char*>(&size), sizeof size);
    key += value;
  }
  const auto known = classes.find(key);
  if (known != classes.end()) return *known->second;
  if (classes.size() >= kMaxClasses) {
    classes.clear();
    made.clear();
    for (Kept& one : kept) one.scans = nullptr;
  }
  const Class& out = make_class(view);
  classes.emplace(key, &out);
  return out;
}

void SigmaMatcher::Impl::candidate(const Group& group, std::uint32_t tree) {
  std::uint32_t& seen = tree_seen[group.first_tree + tree];
  if (seen == epoch) return;
  seen = epoch;
  candidates.emplace_back(&group, tree);
}

void SigmaMatcher::Impl::look_through(const std::vector<Class::Scan>& scans, std::uint32_t leaf) {
  const Leaf& l = event->leaves[leaf];
  const auto written =
      static_cast<std::uint8_t>(static_cast<unsigned>(l.escape) << 1 | static_cast<unsigned>(l.quoted));
  Kept* place = nullptr;
  if (l.size <= kKeptValueBytes) {
    place = &kept[hash_of(l.raw(), reinterpret_cast<std::uintptr_t>(&scans)) & (kKeptValues - 1)];
    if (place->scans == &scans && place->size == l.size && place->written == written &&
        std::memcmp(place->value, l.value, l.size) == 0) {
      for (const auto& [group, tree] : place->trees) candidate(*group, tree);
      return;
    }
  }
  trees_of_value.clear();
  for (const Class::Scan& one : scans) scan(one, leaf);
  for (const auto& [group, tree] : trees_of_value) candidate(*group, tree);
  if (place == nullptr) return;
  place->scans = &scans;
  place->size = l.size;
  place->written = written;
  std::memcpy(place->value, l.value, l.size);
  place->trees = trees_of_value;
}

void SigmaMatcher::Impl::scan(const Class::Scan& scan, std::uint32_t leaf) {
  const FieldScan& fields = *scan.fields;
  for (const std::uint32_t tree : fields.present) trees_of_value.emplace_back(scan.group, tree);
  if (is_null(event->leaves[leaf])) return;
  const std::string_view value = folded(leaf);
  if (!fields.whole.empty()) {
    auto hit = fields.whole.find(value);
    if (hit != fields.whole.end())
      for (const std::uint32_t tree : hit->second) trees_of_value.emplace_back(scan.group, tree);
    if (fields.numbers && !value.empty() && (value[0] <= '9' && value[0] >= '+')) {
      if (const auto canonical = formats::canonical_number(value); canonical && *canonical != value) {
        hit = fields.whole.find(std::string_view(*canonical));
        if (hit != fields.whole.end())
          for (const std::uint32_t tree : hit->second) trees_of_value.emplace_back(scan.group, tree);
      }
    }
  }
  if (fields.literals != nullptr) {
    ++counters.scans;
    counters.scanned_bytes += value.size();
    found.clear();
    fields.literals->scan(value, scratch, found);
    for (const std::uint32_t tree : found) trees_of_value.emplace_back(scan.group, tree);
  }
}

bool SigmaMatcher::Impl::test(const Atom& a) {
  ++counters.tests;
  using Kind = CompiledTest::Kind;
  const auto leaves = event->leaves;
  if (a.keyword) {
    for (std::uint32_t leaf = 0; leaf < leaves.size(); ++leaf)
      if (keyword_field(leaves[leaf]) && a.test.matches(text(leaf), folded(leaf))) return true;
    return false;
  }
  const auto any = [&](const std::vector<FieldId>& fields, auto&& f) {
    for (const FieldId field : fields)
      for (std::uint32_t leaf = first(field); leaf != kNone; leaf = next[leaf])
        if (f(leaf)) return true;
    return false;
  };
  switch (a.test.kind) {
    case Kind::kExists:
      return any(a.fields, [](std::uint32_t) { return true; }) == a.test.test.flag;
    case Kind::kNull:
      return !any(a.fields, [&](std::uint32_t leaf) { return !is_null(leaves[leaf]); });
    case Kind::kFieldRef:
      return any(a.fields, [&](std::uint32_t leaf) {
        return !is_null(leaves[leaf]) && any(a.other_fields, [&](std::uint32_t other) {
          return !is_null(leaves[other]) && reference_matches(a.test.test, folded(leaf), folded(other));
        });
      });
    case Kind::kNumber:
    case Kind::kRegex:
    case Kind::kCidr:
    case Kind::kTimePart:
      return any(a.fields,
                 [&](std::uint32_t leaf) { return !is_null(leaves[leaf]) && a.test.matches(text(leaf), {}); });
    default:
      return any(a.fields, [&](std::uint32_t leaf) {
        return !is_null(leaves[leaf]) &&
               (a.test.cased ? a.test.matches(text(leaf), {}) : a.test.matches({}, folded(leaf)));
      });
  }
}

bool SigmaMatcher::Impl::atom(const Group& group, std::uint32_t index) {
  std::uint32_t& seen = atom_seen[group.first_atom + index];
  if (seen >> 1 == epoch) return (seen & 1) != 0;
  const bool out = test(group.atoms[index]);
  seen = epoch << 1 | static_cast<std::uint32_t>(out);
  return out;
}

// The depth is bounded by what a rule file may nest.
bool SigmaMatcher::Impl::eval(const Group& group, const Tree& tree, std::uint32_t index) {
  const Node& n = tree.nodes[index];
  switch (n.kind) {
    case Node::Kind::kAtom:
      return atom(group, n.first);
    case Node::Kind::kNot:
      return !eval(group, tree, tree.children[n.first]);
    case Node::Kind::kAnd:
      for (std::uint32_t i = n.first; i < n.first + n.count; ++i)
        if (!eval(group, tree, tree.children[i])) return false;
      return true;
    case Node::Kind::kOr:
      for (std::uint32_t i = n.first; i < n.first + n.count; ++i)
        if (eval(group, tree, tree.children[i])) return true;
      return false;
  }
  return false;
}

void SigmaMatcher::Impl::match(const EventView& view, std::vector<SigmaMatch>& out) {
  out.clear();
  if (compiled == nullptr) return;
  ++counters.events;
  event = &view;
  if (++epoch >= 1U << 31) {
    std::ranges::fill(head_epoch, 0);
    std::ranges::fill(atom_seen, 0);
    std::ranges::fill(tree_seen, 0);
    std::ranges::fill(rule_seen, 0);
    epoch = 1;
  }
  // Room for every leaf's text, unescaped and folded. A broken escape of two bytes becomes a character of three.
  std::size_t need = 64;
  const auto leaves = view.leaves;
  texts.assign(leaves.size(), {});
  if (next.size() < leaves.size()) next.resize(leaves.size());
  for (std::uint32_t i = static_cast<std::uint32_t>(leaves.size()); i-- > 0;) {
    const Leaf& leaf = leaves[i];
    need += leaf.size;
    if (leaf.field == telemetry::kNoField || leaf.field >= compiled->field_count) continue;
    next[i] = first(leaf.field);
    head[leaf.field] = i;
    head_epoch[leaf.field] = epoch;
  }
  need *= 3;
  if (need > arena_size) {
    arena_size = need * 2;
    arena = std::make_unique_for_overwrite<char[]>(arena_size);
  }
  arena_used = 0;

  const Class& kind = class_of(view);
  if (kind.groups.empty()) return;
  ++counters.of_sources;
  candidates.clear();
  for (const Group* group : kind.groups)
    for (const std::uint32_t tree : group->always) candidate(*group, tree);
  for (std::uint32_t i = 0; i < leaves.size(); ++i) {
    const Leaf& leaf = leaves[i];
    if (leaf.field != telemetry::kNoField && leaf.field < compiled->field_count)
      if (const std::uint16_t slot = kind.slot[leaf.field]; slot != 0) look_through(kind.scans[slot - 1U], i);
    if (!kind.keywords.empty() && keyword_field(leaf)) look_through(kind.keywords, i);
  }
  counters.candidates += candidates.size();
  for (const auto& [group, index] : candidates) {
    const Tree& tree = group->trees[index];
    if (rule_seen[tree.rule] == epoch) continue;  // matched by another of its sources
    ++counters.candidates_by_rule[tree.rule];
    if (!eval(*group, tree, tree.root)) continue;
    rule_seen[tree.rule] = epoch;
    SigmaMatch match{tree.rule, {}, {}};
    if (compiled->rule_asked[tree.rule]) {
      for (const auto& fields : group->value_fields) {
        std::optional<std::string>& value = match.values.emplace_back();
        for (const FieldId field : fields)
          for (std::uint32_t leaf = first(field); leaf != kNone; leaf = next[leaf]) {
            if (is_null(leaves[leaf])) continue;
            if (!value)
              value = std::string(text(leaf));
            else if (compiled->counted[match.values.size() - 1])
              match.more.emplace_back(match.values.size() - 1, text(leaf));
            else
              break;
          }
      }
    }
    out.push_back(std::move(match));
  }
  std::ranges::sort(out, {}, &SigmaMatch::rule);
  for (const SigmaMatch& match : out) ++counters.matches_by_rule[match.rule];
  counters.matches += out.size();
}

SigmaMatcher::SigmaMatcher() : impl_(std::make_unique<Impl>()) {}
SigmaMatcher::~SigmaMatcher() = default;
SigmaMatcher::SigmaMatcher(SigmaMatcher&&) noexcept = default;
SigmaMatcher& SigmaMatcher::operator=(SigmaMatcher&&) noexcept = default;
Result<void> SigmaMatcher::use(SigmaSetPtr set) { return impl_->use(std::move(set)); }
void SigmaMatcher::match(const EventView& event, std::vector<SigmaMatch>& out) { impl_->match(event, out); }
const SigmaMatcher::Counters& SigmaMatcher::counters() const { return impl_->counters; }

}  // namespace bongsu::detect::sigma
