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
  return from[random.below(from.size())];
}

inline std::set<MemberId> some_members(Random& random) {
  std::set<MemberId> out;
  for (const auto& member : kMembers)
    if (chance(random, 2)) out.insert(member);
  return out;
}

inline Label random_label(Random& random) {
  Label label;
  label.tlp = static_cast<stix::Tlp>(random.below(5));
  if (chance(random, 2)) label.releasable_to = some_members(random);
  label.unknown = chance(random, 6);
  label.marked = chance(random, 2);
  if (chance(random, 3)) label.redact = {"name", "x [0] %,:" + std::string(1, static_cast<char>(random.below(256)))};
  if (chance(random, 3)) label.reveals = some_members(random);
  return label;
}

inline Agreement random_agreement(Random& random, const MemberId& partner) {
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
  return a;
}

inline PolicyState random_state(Random& random) {
  PolicyState state;
  state.self = "cert-self";
  state.epoch = random.below(100);
  for (const auto& member : kMembers) {
    if (!chance(random, 5)) state.members[member].stopped = chance(random, 5);
    if (!chance(random, 5)) state.agreements[member] = random_agreement(random, member);
  }
  return state;
}

inline ObjectFacts random_facts(Random& random) {
  ObjectFacts facts;
  facts.type = pick(random, kTypes);
  facts.object_id = facts.type + "--x";
  facts.collection = pick(random, kCollections);
  facts.origin = chance(random, 2) ? "cert-self" : pick(random, kMembers);
  facts.label = random_label(random);
  return facts;
}

}  // namespace bongsu::policy::test
