// Clauses that forbid: they hold over every agreement with the same member.
#include <algorithm>

#include "policy/decide.h"

namespace bongsu::policy {

bool matches(const Denial& denial, const ObjectFacts& object, Purpose purpose) {
  const Label& label = object.label;
  if (denial.collections && !denial.collections->contains(object.collection)) return false;
  if (denial.types && !denial.types->contains(object.type)) return false;
  if (denial.purposes && !denial.purposes->contains(purpose)) return false;
  if (denial.sectors && !object.sectors.empty() &&
      std::ranges::none_of(*denial.sectors, [&](const std::string& s) { return object.sectors.contains(s); }))
    return false;
  if (denial.categories &&
      std::ranges::none_of(*denial.categories, [&](const std::string& c) { return label.categories.contains(c); }))
    return false;
  if (denial.tlp_from && label.tlp < *denial.tlp_from) return false;
  // National marks are not mapped here: an object that has one may be classified as high as any.
  if (denial.class_from && label.rank < *denial.class_from && label.national.empty()) return false;
  return true;
}

bool denied(const ObjectFacts& object, const MemberId& member, Purpose purpose, const PolicyState& state) {
  const auto by = [&](const Agreement& agreement) {
    return std::ranges::any_of(agreement.denies, [&](const Denial& d) { return matches(d, object, purpose); });
  };
  const auto first = state.agreements.find(member);
  if (first != state.agreements.end() && by(first->second)) return true;
  const auto more = state.further.find(member);
  return more != state.further.end() && std::ranges::any_of(more->second, by);
}

}  // namespace bongsu::policy
