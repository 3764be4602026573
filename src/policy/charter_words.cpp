#include "policy/charter_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace bongsu::policy {
namespace {

std::string_view role_words(CharterMember::Role role) {
  switch (role) {
    case CharterMember::Role::kSponsoringNation:
      return "of a sponsoring nation";
    case CharterMember::Role::kContributingParticipant:
      return "contributing participant";
    case CharterMember::Role::kObserver:
      return "observer";
  }
  return "";
}

std::string probation_words(const Probation& p) {
  return fmt::format("on probation until {}: nothing above {} and {}", p.until.text(0), stix::to_string(p.highest_tlp),
                     kReferenceRanks[p.highest_rank]);
}

std::string names(const auto& set) {
  return set.empty() ? std::string("nobody") : fmt::format("{}", fmt::join(set, ", "));
}

std::string member_words(const MemberId& id, const CharterMember& m) {
  std::string out = fmt::format("{}, \"{}\" ({}, {}, {}), cleared up to {}", id, m.title, m.nation, to_string(m.kind),
                                role_words(m.role), kReferenceRanks[m.clearance]);
  if (!m.communities.empty()) out += fmt::format(", in {}", fmt::join(m.communities, ", "));
  if (m.probation) out += ", " + probation_words(*m.probation);
  return out;
}

std::string short_keys(const std::vector<std::string>& keys) {
  std::vector<std::string> out;
  for (const auto& key : keys) out.push_back(key.substr(0, 12) + "…");
  return fmt::format("{}", fmt::join(out, ", "));
}

const CharterSponsor* sponsor_of(const Charter& c, std::string_view nation) {
  const auto at = std::ranges::find(c.sponsors, nation, &CharterSponsor::nation);
  return at == c.sponsors.end() ? nullptr : &*at;
}

void member_changes(const Charter& before, const Charter& after, std::vector<std::string>& out) {
  for (const auto& [id, m] : after.members) {
    const auto was = before.members.find(id);
    if (was == before.members.end()) {
      std::string line = "Comes in: " + member_words(id, m);
      if (m.invitation) line += fmt::format("; invited by {}", m.invitation->sponsor);
      out.push_back(line + ".");
      continue;
    }
    const CharterMember& b = was->second;
    if (b.title != m.title) out.push_back(fmt::format("{} is called \"{}\" now, not \"{}\".", id, m.title, b.title));
    if (b.nation != m.nation || b.kind != m.kind || b.role != m.role)
      out.push_back(fmt::format("{} was {}, {}, {}; it is {}, {}, {}.", id, b.nation, to_string(b.kind),
                                role_words(b.role), m.nation, to_string(m.kind), role_words(m.role)));
    if (b.keys != m.keys)
      out.push_back(fmt::format("{} signs with {}, no longer with {}.", id, short_keys(m.keys), short_keys(b.keys)));
    if (b.ca_fingerprint != m.ca_fingerprint)
      out.push_back(
          fmt::format("{} has another certificate authority: {}, not {}.", id, m.ca_fingerprint, b.ca_fingerprint));
    if (b.identity != m.identity)
      out.push_back(fmt::format("{} speaks as {}, not as {}.", id, m.identity.empty() ? "no identity" : m.identity,
                                b.identity.empty() ? "none" : b.identity));
    if (b.clearance != m.clearance)
      out.push_back(fmt::format("{} is cleared up to {}, not {}.", id, kReferenceRanks[m.clearance],
                                kReferenceRanks[b.clearance]));
    if (b.communities != m.communities)
      out.push_back(fmt::format("{} belongs to the communities {}; before, to {}.", id, names(m.communities),
                                names(b.communities)));
    if (b.probation != m.probation)
      out.push_back(m.probation ? fmt::format("{} is {}.", id, probation_words(*m.probation))
                                : fmt::format("{} is no longer on probation.", id));
  }
  for (const auto& [id, version] : after.removed)
    if (!before.removed.contains(id))
      out.push_back(fmt::format("Goes out: {}. It gets nothing from version {} on, and its name is never given again.",
                                id, version));
}

}  // namespace

std::string explain(const Charter& c) {
  std::string out = fmt::format("The charter \"{}\" ({}), version {}, in force from {} until {}.\n", c.title, c.id,
                                c.version, c.issued.text(0), c.expires.text(0));
  out += fmt::format("A new version needs {} of these {} sponsors, and as many of its own as it says:\n", c.threshold,
                     c.sponsors.size());
  for (const auto& s : c.sponsors) out += fmt::format("  {}, \"{}\", with {}\n", s.nation, s.title, short_keys(s.keys));
  if (static_cast<std::size_t>(c.threshold) * 2 <= c.sponsors.size())
    out += "  Take care: so few can agree on one version and as many others on another one.\n";
  out += fmt::format("{} members:\n", c.members.size());
  for (const auto& [id, m] : c.members) out += "  " + member_words(id, m) + "\n";
  for (const auto& [id, version] : c.removed) out += fmt::format("  {} was a member until version {}.\n", id, version);
  if (!c.communities.empty()) out += "Communities:\n";
  for (const auto& [name, title] : c.communities)
    out += fmt::format("  {}, \"{}\": {}\n", name, title, names(c.community(name)));
  if (!c.groups.empty()) out += "Groups to release to:\n";
  for (const auto& [name, group] : c.groups)
    for (const auto& v : group.versions)
      out += fmt::format("  {} from {}: {}\n", name, v.valid_from.text(0), names(v.members));
  if (!c.equivalences.empty()) out += "National markings in the reference scale:\n";
  for (const auto& [row, rank] : c.equivalences)
    out += fmt::format("  {} ({}) {} is {}\n", row.nation, to_string(row.kind), row.marking, kReferenceRanks[rank]);
  return out;
}

std::vector<std::string> changes(const Charter& before, const Charter& after) {
  std::vector<std::string> out;
  if (before.id != after.id) out.push_back(fmt::format("This is another charter: {}, not {}.", after.id, before.id));
  if (before.title != after.title)
    out.push_back(fmt::format("It is called \"{}\", not \"{}\".", after.title, before.title));
  if (before.expires != after.expires)
    out.push_back(fmt::format("It ends at {}, not {}.", after.expires.text(0), before.expires.text(0)));
  if (before.threshold != after.threshold || before.sponsors.size() != after.sponsors.size())
    out.push_back(fmt::format("A new version will need {} of {} sponsors; before, {} of {}.", after.threshold,
                              after.sponsors.size(), before.threshold, before.sponsors.size()));
  for (const auto& s : after.sponsors) {
    const CharterSponsor* was = sponsor_of(before, s.nation);
    if (was == nullptr)
      out.push_back(fmt::format("New sponsor: {}, \"{}\", with {}.", s.nation, s.title, short_keys(s.keys)));
    else if (was->keys != s.keys)
      out.push_back(fmt::format("Sponsor {} signs with {}, no longer with {}.", s.nation, short_keys(s.keys),
                                short_keys(was->keys)));
    else if (was->title != s.title)
      out.push_back(fmt::format("Sponsor {} is called \"{}\".", s.nation, s.title));
  }
  for (const auto& s : before.sponsors)
    if (sponsor_of(after, s.nation) == nullptr) out.push_back(fmt::format("{} is no longer a sponsor.", s.nation));
  member_changes(before, after, out);
  for (const auto& [name, title] : after.communities) {
    const auto was = before.communities.find(name);
    if (was == before.communities.end())
      out.push_back(fmt::format("New community: {}, \"{}\".", name, title));
    else if (was->second != title)
      out.push_back(fmt::format("The community {} is called \"{}\".", name, title));
  }
  for (const auto& [name, _] : before.communities)
    if (!after.communities.contains(name)) out.push_back(fmt::format("The community {} is no more.", name));
  for (const auto& [name, group] : after.groups) {
    const auto was = before.groups.find(name);
    for (const auto& v : group.versions)
      if (was == before.groups.end() || std::ranges::find(was->second.versions, v) == was->second.versions.end())
        out.push_back(fmt::format("The group {} is, from {}: {}.", name, v.valid_from.text(0), names(v.members)));
    if (was == before.groups.end()) continue;
    for (const auto& v : was->second.versions)
      if (std::ranges::find(group.versions, v) == group.versions.end())
        out.push_back(fmt::format("Of the group {} it is no longer said that it is, from {}: {}.", name,
                                  v.valid_from.text(0), names(v.members)));
  }
  for (const auto& [name, _] : before.groups)
    if (!after.groups.contains(name)) out.push_back(fmt::format("The group {} is no more.", name));
  for (const auto& [row, rank] : after.equivalences) {
    const auto was = before.equivalences.find(row);
    if (was == before.equivalences.end())
      out.push_back(
          fmt::format("{} ({}) {} counts as {}.", row.nation, to_string(row.kind), row.marking, kReferenceRanks[rank]));
    else if (was->second != rank)
      out.push_back(fmt::format("{} ({}) {} counts as {}, not {}.", row.nation, to_string(row.kind), row.marking,
                                kReferenceRanks[rank], kReferenceRanks[was->second]));
  }
  for (const auto& [row, rank] : before.equivalences)
    if (!after.equivalences.contains(row))
      out.push_back(
          fmt::format("{} ({}) {} counts as nothing any more.", row.nation, to_string(row.kind), row.marking));
  return out;
}

}  // namespace bongsu::policy
