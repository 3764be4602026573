#include "policy/person.h"

#include <algorithm>

namespace bongsu::policy {
namespace {

// Who asks as a member: this node itself, or a partner.
const MemberStanding* standing_of(const MemberId& member, const PolicyState& state) {
  if (member == state.self) return &state.own;
  const auto found = state.members.find(member);
  return found == state.members.end() ? nullptr : &found->second;
}

// nullopt: some mark has no equivalence that holds for this member's nation.
std::optional<ClassRank> rank_of(const Label& label, const MemberStanding* standing, const PolicyState& state) {
  ClassRank rank = label.rank;
  for (const NationalMark& mark : label.national) {
    const auto row = state.equivalences.find({mark.nation, mark.authority});
    if (row == state.equivalences.end()) return std::nullopt;
    const std::string_view nation = standing == nullptr ? std::string_view() : standing->nation;
    const auto level = row->second.levels.find(mark.level);
    if (!holds_between(row->second, mark.nation, nation) || level == row->second.levels.end()) return std::nullopt;
    rank = std::max(rank, level->second);
  }
  return rank;
}

bool has_nationality(std::string_view caveat, const std::set<std::string>& nationalities) {
  for (std::string_view rest = caveat.substr(kNationalsCaveat.size()); !rest.empty();) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    if (nationalities.contains(std::string(rest.substr(0, end)))) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

}  // namespace

bool person_may_see(const Label& label, const Person& person, const PolicyState& state) {
  const PersonalClearance& clearance = person.clearance;
  if (label.persons) {
    if (!label.persons->contains(person.text())) return false;
  } else if (label.tlp >= stix::Tlp::kRed) {
    return false;
  }
  const auto rank = rank_of(label, standing_of(person.member, state), state);
  if ((label.unknown || !rank) && !clearance.custodian) return false;
  if (rank.value_or(ClassRank::kTopSecret) > clearance.rank) return false;
  if (!std::ranges::includes(clearance.categories, label.categories)) return false;
  return std::ranges::all_of(label.caveats, [&](const std::string& caveat) {
    return !caveat.starts_with(kNationalsCaveat) || has_nationality(caveat, clearance.nationalities);
  });
}

}  // namespace bongsu::policy
