#include "policy/label.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/uuid.h"
#include "policy/label_together.h"

namespace bongsu::policy {
namespace {

constexpr std::array<std::string_view, 5> kRankNames = {"unclassified", "restricted", "confidential", "secret",
                                                        "top-secret"};
constexpr std::array<std::string_view, 3> kAuthorityNames = {"civil", "military", "operator"};

bool includes(const auto& larger, const auto& smaller) { return std::ranges::includes(larger, smaller); }

template <class T>
void add_all(std::set<T>& to, const std::set<T>& from) {
  to.insert(from.begin(), from.end());
}

template <class T>
std::set<T> common(const std::set<T>& a, const std::set<T>& b) {
  std::set<T> out;
  std::ranges::set_intersection(a, b, std::inserter(out, out.end()));
  return out;
}

// Sets of recipients: no set is everybody, so it is the smallest restriction.
using Recipients = std::optional<std::set<std::string>>;
Recipients narrower(const Recipients& a, const Recipients& b) {
  if (!a) return b;
  return b ? Recipients(common(*a, *b)) : a;
}
Recipients wider(const Recipients& a, const Recipients& b) {
  if (!a || !b) return std::nullopt;
  Recipients out = a;
  add_all(*out, *b);
  return out;
}
bool as_wide(const Recipients& a, const Recipients& b) { return !a || (b && includes(*a, *b)); }

// Whoever satisfies `stronger` satisfies `weaker`.
bool implies(const ReleaseClause& stronger, const ReleaseClause& weaker) {
  return includes(weaker.members, stronger.members) && includes(weaker.groups, stronger.groups);
}
bool implied(const ReleaseClause& clause, const Recipients& to, const std::set<ReleaseClause>& by) {
  if (to && includes(clause.members, *to)) return true;
  return std::ranges::any_of(by, [&](const ReleaseClause& other) { return implies(other, clause); });
}

// The clauses without those that others imply.
std::set<ReleaseClause> least(const std::set<ReleaseClause>& clauses, const Recipients& to) {
  std::set<ReleaseClause> out;
  for (const auto& clause : clauses) {
    if (to && includes(clause.members, *to)) continue;
    if (std::ranges::none_of(clauses, [&](const auto& other) { return other != clause && implies(other, clause); }))
      out.insert(clause);
  }
  return out;
}

// TLP levels with TLP 1's AMBER between AMBER and AMBER+STRICT.
std::pair<stix::Tlp, bool> strictness(const Label& label) { return {label.tlp, !label.tlp1_amber}; }

void set_tlp(Label& out, const Label& from) {
  out.tlp = from.tlp;
  out.tlp1_amber = from.tlp1_amber;
}

// TLP:RED without persons is for nobody.
Recipients persons_of(const Label& label) {
  return label.tlp == stix::Tlp::kRed && !label.persons ? Recipients(std::set<std::string>()) : label.persons;
}

Label join_whole(const Label& a, const Label& b) {
  Label out;
  set_tlp(out, strictness(a) < strictness(b) ? b : a);
  out.releasable_to = narrower(a.releasable_to, b.releasable_to);
  out.unknown = a.unknown || b.unknown;
  out.marked = a.marked || b.marked;
  out.redact = a.redact;
  add_all(out.redact, b.redact);
  out.reveals = a.reveals;
  add_all(out.reveals, b.reveals);
  out.rank = std::max(a.rank, b.rank);
  out.national = a.national;
  add_all(out.national, b.national);
  out.pap = std::max(a.pap, b.pap);
  out.clauses = a.clauses;
  add_all(out.clauses, b.clauses);
  if (!out.clauses.empty()) out.clauses = least(out.clauses, out.releasable_to);
  out.categories = a.categories;
  add_all(out.categories, b.categories);
  out.originator_controlled = a.originator_controlled || b.originator_controlled;
  out.caveats = a.caveats;
  add_all(out.caveats, b.caveats);
  out.persons = narrower(persons_of(a), persons_of(b));
  settle_red(out);
  out.expires = a.expires && b.expires ? std::min(a.expires, b.expires) : (a.expires ? a.expires : b.expires);
  out.exercises = a.exercises;
  add_all(out.exercises, b.exercises);
  return out;
}

}  // namespace

std::string_view to_string(ClassRank rank) { return kRankNames.at(static_cast<std::size_t>(rank)); }
std::optional<ClassRank> parse_class_rank(std::string_view text) {
  const auto* found = std::ranges::find(kRankNames, text);
  if (found == kRankNames.end()) return std::nullopt;
  return static_cast<ClassRank>(found - kRankNames.begin());
}

std::string_view to_string(Authority kind) { return kAuthorityNames.at(static_cast<std::size_t>(kind)); }
std::optional<Authority> parse_authority(std::string_view text) {
  const auto* found = std::ranges::find(kAuthorityNames, text);
  if (found == kAuthorityNames.end()) return std::nullopt;
  return static_cast<Authority>(found - kAuthorityNames.begin());
}

bool is_member_id(std::string_view text) {
  if (text.empty() || text.size() > 63 || text.front() == '-') return false;
  return std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

bool is_nation(std::string_view text) {
  if (text.size() < 2 || text.size() > 16 || text.front() < 'a' || text.front() > 'z') return false;
  return is_member_id(text);
}

bool is_label_word(std::string_view text) {
  if (text.empty() || text.size() > kMaxLabelWord) return false;
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_person(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == text.npos || !is_member_id(text.substr(0, slash))) return false;
  const std::string_view name = text.substr(slash + 1);
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 63 && alphanumeric(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_exercise(std::string_view text) { return Uuid::is_text(text); }

bool Label::operator==(const Label& other) const = default;

void settle_red(Label& label) {
  if (label.tlp == stix::Tlp::kRed && label.persons && label.persons->empty()) label.persons.reset();
}

Label together(const Label& a, const Label& b) {
  Label out = join_whole(a, b);
  out.persons = narrower(a.persons, b.persons);
  return out;
}

Label join(const Label& a, const Label& b) {
  if (a.parts.empty() && b.parts.empty()) return join_whole(a, b);
  Label out = join_whole(a, b);
  const Label own = join_whole(own_part(a), own_part(b));
  // By the label's text, which is also the order.
  std::map<std::string, LabelPart> parts;
  for (const Label* from : {&a, &b}) {
    for (std::size_t i = 1; i < from->parts.size(); ++i) {
      const LabelPart& part = from->parts[i];
      const auto [at, fresh] = parts.emplace(part.label.text(), part);
      if (!fresh) add_all(at->second.selectors, part.selectors);
    }
  }
  if (parts.size() > kMaxLabelParts) return out;
  out.parts.push_back({{}, own});
  for (auto& [_, part] : parts) out.parts.push_back(std::move(part));
  return out;
}

Label join(std::span<const Label> labels) {
  Label out = bottom();
  for (const Label& label : labels) out = join(out, label);
  return out;
}

Label meet(const Label& a, const Label& b) {
  Label out;
  set_tlp(out, strictness(a) < strictness(b) ? a : b);
  out.releasable_to = wider(a.releasable_to, b.releasable_to);
  out.unknown = a.unknown && b.unknown;
  out.marked = a.marked && b.marked;
  out.redact = common(a.redact, b.redact);
  out.reveals = common(a.reveals, b.reveals);
  out.rank = std::min(a.rank, b.rank);
  out.national = common(a.national, b.national);
  out.pap = std::min(a.pap, b.pap);
  // Each of a's restrictions or each of b's holds: so every pair, one of a's or one of b's, does.
  const auto all = [](const Label& label) {
    std::vector<ReleaseClause> clauses(label.clauses.begin(), label.clauses.end());
    if (label.releasable_to) clauses.push_back({*label.releasable_to, {}});
    return clauses;
  };
  for (const auto& one : all(a)) {
    for (const auto& other : all(b)) {
      ReleaseClause either = one;
      add_all(either.members, other.members);
      add_all(either.groups, other.groups);
      if (!either.groups.empty()) out.clauses.insert(std::move(either));
    }
  }
  out.clauses = least(out.clauses, out.releasable_to);
  out.categories = common(a.categories, b.categories);
  out.originator_controlled = a.originator_controlled && b.originator_controlled;
  out.caveats = common(a.caveats, b.caveats);
  out.persons = wider(persons_of(a), persons_of(b));
  settle_red(out);
  if (a.expires && b.expires) out.expires = std::max(a.expires, b.expires);
  out.exercises = common(a.exercises, b.exercises);
  return out;
}

bool at_most(const Label& a, const Label& b) {
  if (strictness(a) > strictness(b) || (a.unknown && !b.unknown)) return false;
  if (a.rank > b.rank || a.pap > b.pap || (a.originator_controlled && !b.originator_controlled)) return false;
  if (!as_wide(a.releasable_to, b.releasable_to) || !as_wide(persons_of(a), persons_of(b))) return false;
  for (const auto& clause : a.clauses)
    if (!implied(clause, b.releasable_to, b.clauses)) return false;
  if (a.expires && !(b.expires && *b.expires <= *a.expires)) return false;
  return includes(b.reveals, a.reveals) && includes(b.national, a.national) && includes(b.categories, a.categories) &&
         includes(b.caveats, a.caveats) && includes(b.exercises, a.exercises);
}

Label bottom() { return Label{.tlp = stix::Tlp::kClear}; }

Label deny_all() { return Label{.tlp = stix::Tlp::kRed, .releasable_to = std::set<MemberId>{}, .unknown = true}; }

const Label& own_part(const Label& label) { return label.parts.empty() ? label : label.parts.front().label; }

Label whole(Label label) {
  label.redact.clear();
  label.parts.clear();
  return label;
}

}  // namespace bongsu::policy
