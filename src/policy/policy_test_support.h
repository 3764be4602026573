// Random labels, agreements and worlds for property tests: small alphabets, so that collisions and edges happen often.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/random.h"
#include "policy/decide.h"

namespace bongsu::policy::test {

inline const std::array<MemberId, 4> kMembers = {"cert-a", "cert-b", "cert-c", "cert-d"};
inline const std::array<std::string, 3> kCollections = {"c1", "c2", "c3"};
inline const std::array<std::string, 3> kTypes = {"indicator", "malware", "marking-definition"};

inline bool chance(Random& random, std::uint64_t one_in) { return random.below(one_in) == 0; }

template <class Array>
const auto& pick(Random& random, const Array& from) {
  return from[random.below(std::size(from))];
}

inline std::set<MemberId> some_members(Random& random) {
  std::set<MemberId> out;
  for (const auto& member : kMembers)
    if (chance(random, 2)) out.insert(member);
  return out;
}

inline const std::array<std::string, 2> kGroupIds = {"6f0e1b3c-520d-4a7d-9a3e-8e415bd27710",
                                                     "7a0e1b3c-520d-4a7d-9a3e-8e415bd27711"};
inline const std::array<std::string, 3> kVersions = {
    "00000000000000000000000000000001", "00000000000000000000000000000002", "00000000000000000000000000000003"};
inline const std::array<std::string, 2> kCommunities = {"baltic", "alliance"};
inline const std::array<std::string, 3> kNations = {"se", "lt", "fr"};
inline const std::array<std::string, 3> kWords = {"alpha", "be ta,/%", "gamma"};
inline const std::array<std::string, 2> kExercises = {"0e0e1b3c-520d-4a7d-9a3e-8e415bd27710",
                                                      "0e0e1b3c-520d-4a7d-9a3e-8e415bd27711"};
inline const std::array<std::string, 3> kPersons = {"cert-a/olena", "cert-a/petro", "cert-b/jonas"};
inline const std::array<NationalMark, 4> kMarks = {
    NationalMark{"se", Authority::kMilitary, "HEMLIG/SECRET"}, NationalMark{"se", Authority::kCivil, "HEMLIG"},
    NationalMark{"lt", Authority::kCivil, "SLAPTAI"}, NationalMark{"fr", Authority::kMilitary, "SECRET"}};

template <class Array>
auto some_of(Random& random, const Array& from, std::uint64_t one_in) {
  std::set<typename Array::value_type> out;
  for (const auto& item : from)
    if (chance(random, one_in)) out.insert(item);
  return out;
}

// Without parts.
inline Label random_flat_label(Random& random) {
  Label label;
  label.tlp = static_cast<stix::Tlp>(random.below(5));
  if (chance(random, 2)) label.releasable_to = some_members(random);
  label.unknown = chance(random, 6);
  label.marked = chance(random, 2);
  if (chance(random, 3)) label.redact = {"name", "x [0] %,:" + std::string(1, static_cast<char>(random.below(256)))};
  if (chance(random, 3)) label.reveals = some_members(random);
  label.tlp1_amber = label.tlp == stix::Tlp::kAmberStrict && chance(random, 2);
  if (chance(random, 3)) label.rank = static_cast<ClassRank>(random.below(5));
  if (chance(random, 4)) label.national = some_of(random, kMarks, 3);
  if (chance(random, 4)) label.pap = static_cast<stix::Pap>(random.below(4));
  for (std::uint64_t n = chance(random, 3) ? random.below(3) : 0; n > 0; --n) {
    ReleaseClause clause{.members = some_members(random),
                         .groups = {{pick(random, kGroupIds), pick(random, kVersions)}}};
    if (chance(random, 3)) clause.groups.insert({pick(random, kGroupIds), pick(random, kVersions)});
    Label more = bottom();
    more.clauses = {std::move(clause)};
    more.pap = label.pap;
    more.tlp = label.tlp;
    more.tlp1_amber = label.tlp1_amber;
    label = join(label, more);
  }
  if (chance(random, 5)) label.categories = some_of(random, kWords, 3);
  label.originator_controlled = chance(random, 6);
  if (chance(random, 5)) label.caveats = some_of(random, kWords, 3);
  if (chance(random, 5)) label.persons = some_of(random, kPersons, 2);
  if (label.tlp == stix::Tlp::kRed && label.persons && label.persons->empty()) label.persons.reset();
  if (chance(random, 8)) label.exercises = some_of(random, kExercises, 2);
  if (chance(random, 5))
    label.expires = Instant{static_cast<std::int64_t>(random.below(22)), 500'000'000 * chance(random, 2)};
  return label;
}

// With granular parts: what label_of makes of an object with such markings.
inline Label random_label(Random& random) {
  Label label = random_flat_label(random);
  if (!chance(random, 3)) return label;
  label.redact.clear();
  const Label own = label;
  static const std::array<std::string, 4> kSelectors = {"name", "labels.[1]", "pattern", "description"};
  for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
    LabelPart part{.selectors = {pick(random, kSelectors)}, .label = random_flat_label(random)};
    part.label.marked = false;
    part.label.redact.clear();
    Label with = join(own, part.label);
    with.redact = part.selectors;
    with.parts = {{.selectors = {}, .label = own}, std::move(part)};
    label = join(label, with);
  }
  return label;
}

inline Agreement random_agreement(Random& random, const MemberId& partner, bool rich = false) {
  Agreement a;
  a.partner = partner;
  for (const auto& collection : kCollections)
    if (!chance(random, 3)) a.collections.push_back(collection);
  a.highest_tlp = static_cast<stix::Tlp>(random.below(4));
  if (chance(random, 2))
    a.types = {"*"};
  else if (!chance(random, 4))
    a.types = {"indicator"};
  if (chance(random, 2)) a.valid_from = Instant{static_cast<std::int64_t>(random.below(10)), 0};
  a.valid_until = Instant{static_cast<std::int64_t>(10 + random.below(10)), 0};
  a.onward = chance(random, 2);
  if (chance(random, 2)) a.passes_on = chance(random, 2) ? std::set<MemberId>{"*"} : some_members(random);
  if (!rich) return a;
  a.highest_tlp = static_cast<stix::Tlp>(chance(random, 2) ? 3 : random.below(5));
  a.id = chance(random, 2) ? "00000000-0000-4000-8000-00000000000a" : "";
  a.version = random.below(3);
  if (chance(random, 10)) a.direction = Direction::kFromPartner;
  if (chance(random, 3)) a.purposes.insert(Purpose::kExercise);
  if (chance(random, 8)) a.purposes.erase(Purpose::kOperations);
  if (chance(random, 8)) a.sectors = some_of(random, kWords, 2);
  if (chance(random, 4)) a.communities = some_of(random, kCommunities, 2);
  a.highest_class = static_cast<ClassRank>(random.below(5));
  if (chance(random, 2)) a.categories = some_of(random, kWords, 2);
  if (chance(random, 2)) a.caveats = some_of(random, kWords, 2);
  if (chance(random, 4)) a.passes_on.insert("*");
  a.anonymise_sightings = chance(random, 2);
  a.red_to_persons = chance(random, 2);
  a.tlp1_amber_is_amber = chance(random, 2);
  if (chance(random, 8)) {
    Denial& denial = a.denies.emplace_back();
    if (chance(random, 2)) denial.collections = {pick(random, kCollections)};
    if (chance(random, 2)) denial.types = {"indicator"};
    if (chance(random, 3)) denial.sectors = some_of(random, kWords, 2);
    if (chance(random, 3)) denial.categories = some_of(random, kWords, 2);
    if (chance(random, 3)) denial.purposes = std::set<Purpose>{Purpose::kOperations, Purpose::kCrisis};
    if (chance(random, 2)) denial.tlp_from = static_cast<stix::Tlp>(random.below(5));
    if (chance(random, 3)) denial.class_from = static_cast<ClassRank>(random.below(5));
  }
  return a;
}

// A third of the worlds has local agreements only; the others have a charter and everything that one brings.
inline PolicyState random_state(Random& random) {
  PolicyState state;
  state.self = "cert-self";
  state.epoch = random.below(100);
  for (const auto& collection : kCollections)
    if (chance(random, 5)) state.exercises[collection] = pick(random, kExercises);
  const bool rich = !chance(random, 3);
  for (const auto& member : kMembers) {
    if (!chance(random, 5)) state.members[member].stopped = chance(random, 8);
    if (!chance(random, 5)) state.agreements[member] = random_agreement(random, member, rich);
  }
  if (!rich) return state;
  state.charter_version = chance(random, 4) ? 0 : 1 + random.below(5);
  state.own.communities = some_of(random, kCommunities, 2);
  for (auto& [id, m] : state.members) {
    m.nation = chance(random, 6) ? "" : pick(random, kNations);
    m.kind = static_cast<Authority>(random.below(2));
    m.clearance.rank = static_cast<ClassRank>(random.below(5));
    if (chance(random, 2)) m.clearance.categories = some_of(random, kWords, 2);
    m.communities = some_of(random, kCommunities, 2);
    if (chance(random, 6))
      m.ceiling = Ceiling{static_cast<stix::Tlp>(random.below(4)), static_cast<ClassRank>(random.below(3))};
    if (chance(random, 4)) state.further[id] = {random_agreement(random, id, true)};
    if (chance(random, 12)) state.further[id].push_back(random_agreement(random, id, false));
  }
  for (const auto& id : kGroupIds) {
    if (chance(random, 5)) continue;
    Group& group = state.groups[id];
    for (const auto& version : kVersions)
      if (!chance(random, 4)) group.versions[version] = some_members(random);
    if (!chance(random, 6)) group.current = pick(random, kVersions);
  }
  for (const auto& nation : kNations) {
    for (const Authority kind : {Authority::kCivil, Authority::kMilitary}) {
      if (chance(random, 5)) continue;
      ClassEquivalence& row = state.equivalences[{nation, kind}];
      for (const auto& mark : kMarks)
        if (!chance(random, 5)) row.levels[mark.level] = static_cast<ClassRank>(random.below(5));
      row.accepted_by = some_of(random, kNations, 2);
      if (chance(random, 5)) row.accepted_by.insert("*");
    }
  }
  return state;
}

inline ObjectFacts random_facts(Random& random) {
  ObjectFacts facts;
  facts.type = pick(random, kTypes);
  facts.object_id = facts.type + "--x";
  facts.collection = pick(random, kCollections);
  facts.origin = chance(random, 2) ? "cert-self" : chance(random, 20) ? "cert-nobody" : pick(random, kMembers);
  facts.label = random_label(random);
  facts.sectors = some_of(random, kWords, 3);
  if (chance(random, 12)) facts.sighting_of = chance(random, 4) ? "cert-self" : pick(random, kMembers);
  facts.names_sighters = chance(random, 12);
  if (chance(random, 12)) facts.sighted_by = chance(random, 3) ? "" : pick(random, kMembers);
  facts.can_redact = chance(random, 2);
  for (std::uint64_t n = chance(random, 4) ? 1 + random.below(3) : 0; n > 0; --n)
    facts.targets.insert({.type = kTypes[random.below(2)],
                          .collections = chance(random, 4) ? std::set<std::string>() : some_of(random, kCollections, 2),
                          .sectors = some_of(random, kWords, 2),
                          .givers = chance(random, 4) ? some_members(random) : std::set<MemberId>(),
                          .sighter = chance(random, 4)});
  return facts;
}

// An object that most agreements let flow, so that what decides is one or two things at a time.
inline ObjectFacts mild_facts(Random& random) {
  ObjectFacts facts = random_facts(random);
  const auto mild = [&](Label& label) {
    Label out = bottom();
    const Label other = random_flat_label(random);
    switch (random.below(9)) {
      case 0:
        out.tlp = other.tlp;
        out.tlp1_amber = other.tlp1_amber;
        out.persons = other.persons;
        break;
      case 1:
        out.releasable_to = other.releasable_to;
        break;
      case 2:
        out.clauses = other.clauses;
        break;
      case 3:
        out.rank = other.rank;
        out.national = other.national;
        break;
      case 4:
        out.categories = other.categories;
        break;
      case 5:
        out.caveats = other.caveats;
        out.originator_controlled = other.originator_controlled;
        break;
      case 6:
        out.reveals = other.reveals;
        break;
      case 7:
        out.exercises = other.exercises.empty() ? std::set{pick(random, kExercises)} : other.exercises;
        break;
      default:
        out.persons = other.persons;
        out.expires = other.expires;
        break;
    }
    if (out.tlp == stix::Tlp::kRed && out.persons && out.persons->empty()) out.persons.reset();
    label = out;
  };
  Label own;
  mild(own);
  facts.label = own;
  for (std::uint64_t n = random.below(4); n > 0; --n) {
    static const std::array<std::string, 3> kSelectors = {"name", "labels.[1]", "description"};
    LabelPart part{.selectors = {pick(random, kSelectors)}, .label = {}};
    mild(part.label);
    part.label.reveals.clear();
    Label with = join(own, part.label);
    with.redact = part.selectors;
    with.parts = {{.selectors = {}, .label = own}, std::move(part)};
    facts.label = join(facts.label, with);
  }
  return facts;
}

}  // namespace bongsu::policy::test
