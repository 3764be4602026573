#include "policy/lowering.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace bongsu::policy {
namespace {

// The label that holds for what a selector names.
Label covering(const Label& label, const std::string& selector) {
  Label out = whole(own_part(label));
  for (const LabelPart& part : label.parts)
    if (part.selectors.contains(selector)) out = join(out, whole(part.label));
  return out;
}

// Parts are told apart only where there are any; a label with granular markings but without parts is all of them
// joined.
bool has_parts(const Label& label) { return !label.parts.empty(); }

std::string text_of(const std::optional<std::set<std::string>>& set) {
  if (!set) return "";
  return set->empty() ? "nobody" : fmt::format("{}", fmt::join(*set, ", "));
}

std::string text_of(const std::set<std::string>& set) { return fmt::format("{}", fmt::join(set, ", ")); }

std::string clauses_of(const Label& label) {
  std::string out;
  for (const ReleaseClause& clause : label.clauses) {
    if (!out.empty()) out += "; ";
    std::vector<std::string> names(clause.members.begin(), clause.members.end());
    for (const GroupRef& group : clause.groups) names.push_back("group " + group.group);
    out += names.empty() ? "nobody" : fmt::format("{}", fmt::join(names, ", "));
  }
  return out;
}

std::string national_of(const Label& label) {
  std::vector<std::string> marks;
  for (const NationalMark& mark : label.national)
    marks.push_back(fmt::format("{}/{}/{}", mark.nation, to_string(mark.authority), mark.level));
  return fmt::format("{}", fmt::join(marks, ", "));
}

std::string parts_of(const Label& label) {
  std::string out;
  for (const LabelPart& part : label.parts) {
    if (part.selectors.empty()) continue;
    if (!out.empty()) out += "; ";
    out += fmt::format("{}: {}", fmt::join(part.selectors, ", "), part.label.text());
  }
  return out;
}

}  // namespace

bool lowers(const Label& before, const Label& after) {
  if (!at_most(before, after)) return true;
  if (!has_parts(before) && !has_parts(after)) return false;
  if (!at_most(whole(own_part(before)), whole(own_part(after)))) return true;
  return std::ranges::any_of(before.parts, [&](const LabelPart& part) {
    return std::ranges::any_of(part.selectors, [&](const std::string& selector) {
      return !at_most(covering(before, selector), covering(after, selector));
    });
  });
}

bool is_guarded(const Label& label, stix::Tlp from) {
  return label.unknown || label.rank != ClassRank::kUnclassified || !label.national.empty() ||
         !label.categories.empty() || label.tlp >= from;
}

bool needs_second_person(const Label& before, const Label& after, stix::Tlp from) {
  return is_guarded(before, from) && lowers(before, after);
}

std::vector<Difference> differences(const Label& before, const Label& after) {
  std::vector<Difference> out;
  const auto add = [&](std::string_view what, std::string was, std::string is) {
    if (was != is) out.push_back({std::string(what), std::move(was), std::move(is)});
  };
  const auto both = [&](std::string_view what, auto text) { add(what, text(before), text(after)); };
  both("TLP", [](const Label& l) { return std::string(stix::to_string(l.tlp)); });
  both("understood", [](const Label& l) { return std::string(l.unknown ? "no" : "yes"); });
  both("classification", [](const Label& l) { return std::string(to_string(l.rank)); });
  both("national markings", national_of);
  both("releasable to", [](const Label& l) { return text_of(l.releasable_to); });
  both("and within", clauses_of);
  both("persons", [](const Label& l) { return text_of(l.persons); });
  both("categories", [](const Label& l) { return text_of(l.categories); });
  both("caveats", [](const Label& l) { return text_of(l.caveats); });
  both("originator controlled", [](const Label& l) { return std::string(l.originator_controlled ? "yes" : "no"); });
  both("PAP", [](const Label& l) { return std::string(stix::to_string(l.pap)); });
  both("expires", [](const Label& l) { return l.expires ? l.expires->text(0) : std::string(); });
  both("refers to what members gave", [](const Label& l) { return text_of(l.reveals); });
  both("exercises", [](const Label& l) { return text_of(l.exercises); });
  both("around its parts", [](const Label& l) { return has_parts(l) ? own_part(l).text() : std::string(); });
  both("parts", parts_of);
  return out;
}

}  // namespace bongsu::policy
