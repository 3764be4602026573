#include "policy/charter_state.h"

#include <algorithm>

namespace bongsu::policy {
namespace {

MemberStanding standing_of(const CharterMember& m, bool stopped, Instant now) {
  MemberStanding out;
  out.stopped = stopped;
  out.nation = m.nation;
  out.kind = static_cast<Authority>(m.kind);
  out.role = static_cast<Role>(m.role);
  out.clearance.rank = static_cast<ClassRank>(m.clearance);
  out.clearance.categories = m.categories;
  out.communities = m.communities;
  if (m.probation && now < m.probation->until)
    out.ceiling = Ceiling{.tlp = m.probation->highest_tlp, .rank = static_cast<ClassRank>(m.probation->highest_rank)};
  out.admitted_epoch = static_cast<std::uint64_t>(m.admitted);
  return out;
}

Group group_of(const std::string& name, const CharterGroup& group, Instant now) {
  Group out{.name = name, .current = "", .versions = {}};
  std::uint64_t number = 0;
  for (const auto& version : group.versions) {
    const std::string id = group_version(group.id, ++number, version.members);
    out.versions.emplace(id, version.members);
    if (version.valid_from <= now) out.current = id;
  }
  return out;
}

bool may_consent(const Agreement& agreement, Instant now, bool crisis) {
  return agreement.in_force(now) && (crisis || !agreement.waits_for_crises());
}

// What a partner lets this node do with what it gave stands in the first agreement with it. Clauses speak of certain
// collections and types, which what was given does not remember: so what all of them permit is permitted. Clauses for
// crises narrow at any time what others permit (what they brought may be here still), and permit while one lasts.
void take_consent(Agreement& first, const std::vector<Agreement>& incoming, Instant now, bool crisis) {
  std::optional<std::set<MemberId>> passes_on;
  std::optional<std::int64_t> days;
  bool any = false, amber = true, widens = true;
  for (const Agreement& a : incoming) {
    if (!a.in_force(now)) continue;
    any = any || may_consent(a, now, crisis);
    amber = amber && a.tlp1_amber_is_amber;
    widens = widens && a.widens;
    if (a.personal_data_days) days = std::min(days.value_or(*a.personal_data_days), *a.personal_data_days);
    // "*" is less than a name (it does not reach what is AMBER or under originator control), so it implies none.
    if (!passes_on)
      passes_on = a.passes_on;
    else
      std::erase_if(*passes_on, [&](const MemberId& id) { return !a.passes_on.contains(id); });
  }
  first.passes_on = any ? std::move(*passes_on) : std::set<MemberId>{};
  first.tlp1_amber_is_amber = any && amber;
  first.widens = any && widens;
  first.personal_data_days = days;
}

Agreement denials_alone(const Agreement& agreement) {
  Agreement out;
  out.partner = agreement.partner;
  out.direction = agreement.direction;
  out.id = agreement.id;
  out.version = agreement.version;
  out.parties = agreement.parties;
  out.valid_from = agreement.valid_from;
  out.valid_until = agreement.valid_until;
  out.denies = agreement.denies;
  return out;
}

}  // namespace

void end_consents(PolicyState& state, Instant now, bool crisis) {
  for (auto& [giver, first] : state.agreements) {
    const auto further = state.further.find(giver);
    const bool any = may_consent(first, now, crisis) ||
                     (further != state.further.end() && std::ranges::any_of(further->second, [&](const Agreement& a) {
                        return may_consent(a, now, crisis);
                      }));
    if (!any || !state.members.contains(giver)) first.passes_on.clear();
  }
}

void apply_trust(PolicyState& state, const TrustedCharter& trusted, std::span<const SignedMemorandum> agreements,
                 Instant now, bool crisis) {
  const Charter& charter = trusted.charter();
  state.charter_version = static_cast<std::uint64_t>(charter.version);
  std::map<MemberId, MemberStanding> members;
  for (const auto& [id, member] : charter.members) {
    const auto paired = state.members.find(id);
    const bool stopped = paired != state.members.end() && paired->second.stopped;
    if (id == state.self)
      state.own = standing_of(member, false, now);
    else
      members.emplace(id, standing_of(member, stopped, now));
  }
  state.members = std::move(members);
  state.groups.clear();
  for (const auto& [name, group] : charter.groups) state.groups.emplace(group.id, group_of(name, group, now));
  state.equivalences.clear();
  for (const auto& [row, rank] : charter.equivalences) {
    ClassEquivalence& equivalence = state.equivalences[{row.nation, static_cast<Authority>(row.kind)}];
    equivalence.levels[row.marking] = static_cast<ClassRank>(rank);
    equivalence.accepted_by = {"*"};
  }
  state.agreements.clear();
  state.further.clear();
  // Who is out of the charter itself gives nothing by it either.
  if (!trusted.in_force(now) || !charter.members.contains(state.self)) return;
  std::map<MemberId, std::vector<Agreement>> outgoing, incoming;
  for (const auto& document : agreements) {
    if (!document.terms.parties.contains(state.self)) continue;
    const bool counts = verify_memorandum(document, charter).has_value();
    for (Agreement& agreement : compile(document, state.self)) {
      if (!counts) {
        if (agreement.direction == Direction::kFromPartner || agreement.denies.empty()) continue;
        agreement = denials_alone(agreement);
      }
      agreement.valid_until = std::min(agreement.valid_until, charter.expires);
      auto& list = agreement.direction == Direction::kFromPartner ? incoming : outgoing;
      list[agreement.partner].push_back(std::move(agreement));
    }
  }
  for (auto& [partner, list] : outgoing) {
    // What only denies stands behind what permits.
    if (const auto permits = std::ranges::find_if(list, [](const Agreement& a) { return !a.collections.empty(); });
        permits != list.end())
      std::rotate(list.begin(), permits, permits + 1);
    state.agreements.emplace(partner, list.front());
    if (list.size() > 1) state.further[partner].assign(list.begin() + 1, list.end());
  }
  for (const auto& [partner, list] : incoming) {
    Agreement& first = state.agreements.try_emplace(partner, list.front()).first->second;
    take_consent(first, list, now, crisis);
  }
}

bool may_widen(std::span<const SignedMemorandum> agreements, const Charter& charter, const MemberId& originator,
               const MemberId& member, Instant now) {
  if (!charter.members.contains(originator) || !charter.members.contains(member)) return false;
  if (originator == member) return true;
  return std::ranges::any_of(agreements, [&](const SignedMemorandum& document) {
    if (now < document.terms.valid_from || now >= end_of(document) || !verify_memorandum(document, charter))
      return false;
    return std::ranges::any_of(document.terms.permits, [&](const PermitClause& p) {
      return p.widens && p.from.contains(originator) && p.to.contains(member);
    });
  });
}

}  // namespace bongsu::policy
