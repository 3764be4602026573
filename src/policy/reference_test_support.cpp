#include "policy/reference_test_support.h"

#include <algorithm>

namespace bongsu::policy::test {
namespace {

using Strings = std::vector<std::string>;

template <class Set>
Strings list(const Set& set) {
  return Strings(set.begin(), set.end());
}
bool is_in(const std::string& item, const Strings& items) {
  return std::find(items.begin(), items.end(), item) != items.end();
}
bool some_in(const Strings& items, const Strings& others) {
  for (const auto& item : items)
    if (is_in(item, others)) return true;
  return false;
}
bool all_in(const Strings& items, const Strings& others) {
  for (const auto& item : items)
    if (!is_in(item, others)) return false;
  return true;
}

// Everything that one label says, with the questions in the order of release-rules A.
std::set<Reason> about_label(const Label& label, const ObjectFacts& object, const std::string& member,
                             const MemberStanding* who, const Agreement* mou, const PolicyState& state, Instant now) {
  std::set<Reason> no;
  const bool charter = state.charter_version != 0;

  // R1: what is not understood denies.
  if (label.unknown) no.insert(Reason::kUnknownMarking);

  // V8: expiry.
  if (label.expires.has_value() && !(now < *label.expires)) no.insert(Reason::kLabelExpired);

  // Whose information is it, beside ours and the asker's own?
  Strings all_givers{object.origin};
  for (const auto& giver : label.reveals) all_givers.push_back(giver);
  Strings third;
  for (const auto& giver : all_givers)
    if (giver != state.self && giver != member) third.push_back(giver);

  // R4: TLP 1's AMBER is AMBER+STRICT unless each of those who gave it says otherwise.
  stix::Tlp tlp = label.tlp;
  if (label.tlp1_amber) {
    bool all_say_amber = true;
    for (const auto& giver : all_givers) {
      const bool says =
          giver != state.self && state.agreements.count(giver) == 1 && state.agreements.at(giver).tlp1_amber_is_amber;
      if (!says) all_say_amber = false;
    }
    if (all_say_amber) tlp = stix::Tlp::kAmber;
  }

  // R5: RED to named persons; GREEN and above within a community; nothing above the agreement.
  bool person_here = false;
  if (label.persons.has_value())
    for (const auto& person : *label.persons)
      if (person.substr(0, person.find('/')) == member) person_here = true;
  if (tlp == stix::Tlp::kRed) {
    if (!(mou != nullptr && mou->red_to_persons && mou->highest_tlp >= stix::Tlp::kAmberStrict && person_here))
      no.insert(Reason::kTlpRed);
  } else if (mou != nullptr && static_cast<int>(tlp) > static_cast<int>(mou->highest_tlp)) {
    no.insert(Reason::kTlpTooHigh);
  }
  if (tlp != stix::Tlp::kRed && label.persons.has_value() && !person_here) no.insert(Reason::kNoNamedPerson);
  if (mou != nullptr && tlp != stix::Tlp::kClear) {
    if (mou->communities.has_value()) {
      if (who == nullptr || !some_in(list(*mou->communities), list(who->communities)))
        no.insert(Reason::kOutsideCommunity);
    } else if (charter) {
      if (who == nullptr || !some_in(list(state.own.communities), list(who->communities)))
        no.insert(Reason::kOutsideCommunity);
    }
  }

  // R6: classification, each mark by its own nation's and authority's row, agreed with the asker's nation.
  int rank = static_cast<int>(label.rank);
  for (const auto& mark : label.national) {
    bool good = false;
    for (const auto& [of, row] : state.equivalences) {
      if (of.first != mark.nation || of.second != mark.authority) continue;
      if (row.levels.count(mark.level) == 0) continue;
      rank = std::max(rank, static_cast<int>(row.levels.at(mark.level)));
      if (who == nullptr) continue;
      if (is_in("*", list(row.accepted_by))) good = true;
      if (who->nation != "" && (who->nation == mark.nation || is_in(who->nation, list(row.accepted_by)))) good = true;
    }
    if (!good) no.insert(Reason::kNoEquivalence);
  }
  if (rank > 0) {
    if (who != nullptr) {
      bool can_protect = false;
      for (const auto& [of, row] : state.equivalences)
        if (of.first == who->nation && of.second == who->kind)
          for (const auto& [_, level] : row.levels)
            if (static_cast<int>(level) >= rank) can_protect = true;
      if (!can_protect) no.insert(Reason::kNoEquivalence);
      if (rank > static_cast<int>(who->clearance.rank)) no.insert(Reason::kNotCleared);
    }
    if (mou != nullptr && rank > static_cast<int>(mou->highest_class)) no.insert(Reason::kClassTooHigh);
  }
  if (who != nullptr && !all_in(list(label.categories), list(who->clearance.categories)))
    no.insert(Reason::kCategoryNotHeld);
  if (mou != nullptr && !all_in(list(label.categories), list(mou->categories))) no.insert(Reason::kCategoryNotAgreed);
  if (mou != nullptr && !all_in(list(label.caveats), list(mou->caveats))) no.insert(Reason::kCaveatNotAgreed);
  if (who != nullptr && who->ceiling.has_value()) {
    if (static_cast<int>(tlp) > static_cast<int>(who->ceiling->tlp)) no.insert(Reason::kAboveCeiling);
    if (rank > static_cast<int>(who->ceiling->rank)) no.insert(Reason::kAboveCeiling);
  }

  // R7, R9: by name and by group, then and now. Nobody is nobody.
  if (label.releasable_to.has_value() && !is_in(member, list(*label.releasable_to)))
    no.insert(Reason::kNotReleasableTo);
  for (const auto& clause : label.clauses) {
    bool in = is_in(member, list(clause.members));
    for (const auto& ref : clause.groups) {
      if (state.groups.count(ref.group) == 0) continue;
      const Group& group = state.groups.at(ref.group);
      bool then = false, today = false;
      for (const auto& [version, members] : group.versions) {
        if (version == ref.version && is_in(member, list(members))) then = true;
        if (version == group.current && is_in(member, list(members))) today = true;
      }
      if (then && today) in = true;
    }
    if (!in) no.insert(Reason::kNotReleasableTo);
  }

  // R8: third parties' information.
  for (const auto& giver : third) {
    bool named = false, consents = false;
    if (state.agreements.count(giver) == 1) {
      const Strings to = list(state.agreements.at(giver).passes_on);
      named = is_in(member, to);
      consents = named || (is_in("*", to) && tlp != stix::Tlp::kAmber && tlp != stix::Tlp::kAmberStrict &&
                           tlp != stix::Tlp::kRed);
    }
    if (mou == nullptr || !mou->onward) no.insert(Reason::kThirdParty);
    if (!consents) no.insert(Reason::kNoConsent);
    if (label.originator_controlled && !named) no.insert(Reason::kOriginatorControl);
  }
  return no;
}

// Deny overrides: one clause suffices, and what is not said counts as named.
bool forbidden(const std::vector<Denial>& denials, const std::string& type, const std::string& collection,
               const std::set<std::string>& sectors, const Label& label, Purpose purpose) {
  for (const auto& d : denials) {
    bool all = true;
    if (d.collections.has_value() && !is_in(collection, list(*d.collections))) all = false;
    if (d.types.has_value() && !is_in(type, list(*d.types))) all = false;
    if (d.sectors.has_value() && !sectors.empty() && !some_in(list(sectors), list(*d.sectors))) all = false;
    if (d.categories.has_value() && !some_in(list(label.categories), list(*d.categories))) all = false;
    if (d.purposes.has_value() && d.purposes->count(purpose) == 0) all = false;
    if (d.tlp_from.has_value() && static_cast<int>(label.tlp) < static_cast<int>(*d.tlp_from)) all = false;
    if (d.class_from.has_value() && label.national.empty() &&
        static_cast<int>(label.rank) < static_cast<int>(*d.class_from))
      all = false;
    if (all) return true;
  }
  return false;
}

Expected by_agreement(const ObjectFacts& object, const std::string& member, Purpose purpose, Purpose asked,
                      const MemberStanding* who, const Agreement* mou, const std::vector<const Agreement*>& mous,
                      const PolicyState& state, Instant now, std::size_t& left_out) {
  std::set<Reason> no;
  if (who == nullptr) no.insert(Reason::kUnknownMember);
  if (who != nullptr && who->stopped) no.insert(Reason::kStopped);
  if (now == kUnknownTime) no.insert(Reason::kTimeUnknown);
  if (mou == nullptr) no.insert(Reason::kNoAgreement);
  if (mou != nullptr) {
    if (mou->valid_from.has_value() && *mou->valid_from > now) no.insert(Reason::kNotYetValid);
    if (!(mou->valid_until > now)) no.insert(Reason::kExpired);
    if (mou->direction == Direction::kFromPartner) no.insert(Reason::kDirectionNotAgreed);
    if (!is_in(object.collection, mou->collections)) no.insert(Reason::kCollectionNotAgreed);
    if (object.type != "marking-definition") {
      if (!is_in("*", list(mou->types)) && !is_in(object.type, list(mou->types))) no.insert(Reason::kTypeNotAgreed);
      if (mou->sectors.has_value() && !some_in(list(object.sectors), list(*mou->sectors)))
        no.insert(Reason::kSectorNotAgreed);
    }
  }
  bool purpose_agreed = mou == nullptr && purpose == Purpose::kOperations;
  if (mou != nullptr)
    for (const Purpose agreed : mou->purposes)
      if (agreed == purpose) purpose_agreed = true;
  if (!purpose_agreed) no.insert(Reason::kWrongPurpose);
  // Deny overrides: a clause of any agreement with the member, whichever is asked here.
  std::vector<Denial> denials;
  for (const auto& [id, agreement] : state.agreements)
    if (id == member) denials.insert(denials.end(), agreement.denies.begin(), agreement.denies.end());
  for (const auto& [id, agreements] : state.further)
    if (id == member)
      for (const auto& agreement : agreements)
        denials.insert(denials.end(), agreement.denies.begin(), agreement.denies.end());
  if (forbidden(denials, object.type, object.collection, object.sectors, object.label, purpose))
    no.insert(Reason::kDenyClause);
  // EXERCISE: a drill's things in its own collections, for its own purpose.
  const std::string drill = state.exercises.count(object.collection) == 1 ? state.exercises.at(object.collection) : "";
  for (const auto& bears : object.label.exercises)
    if (bears != drill) no.insert(Reason::kOfAnExercise);
  // D2, D3, D4: an id is data. Each of what it refers to would have to go to this member from somewhere.
  for (const auto& target : object.targets) {
    if (target.sighter && object.names_sighters && mou != nullptr && mou->anonymise_sightings) continue;
    Strings places = list(target.collections);
    const bool known = !places.empty();
    if (!known) places.push_back("");
    bool goes = is_in(member, list(target.givers));
    for (const auto& place : places) {
      const Purpose there = state.exercises.count(place) == 1 ? Purpose::kExercise : asked;
      if (forbidden(denials, target.type, place, target.sectors, object.label, there)) continue;
      for (const Agreement* one : mous) {
        if (one == nullptr || (one->valid_from.has_value() && *one->valid_from > now) || !(one->valid_until > now))
          continue;
        if (one->direction == Direction::kFromPartner || one->purposes.count(there) == 0) continue;
        if (!is_in("*", list(one->types)) && !is_in(target.type, list(one->types))) continue;
        if (known && !is_in(place, one->collections)) continue;
        if (known && one->sectors.has_value() && !some_in(list(target.sectors), list(*one->sectors))) continue;
        goes = true;
      }
    }
    if (!goes) no.insert(Reason::kRefersToWithheld);
  }
  // D6: sightings flow back, and only back.
  if (object.sighting_of.has_value() && *object.sighting_of != member) no.insert(Reason::kSightingOfAnother);

  const bool in_parts = object.can_redact && !object.label.parts.empty();
  const Label own = in_parts ? object.label.parts[0].label : object.label;
  no.merge(about_label(own, object, member, who, mou, state, now));
  const bool hide_sighters = object.names_sighters && mou != nullptr && mou->anonymise_sightings;
  if (hide_sighters && !object.can_redact) no.insert(Reason::kNamesSighters);
  // Who made it cannot be left out of it; whoever made it knows.
  if (object.sighted_by.has_value() && mou != nullptr && mou->anonymise_sightings && *object.sighted_by != member)
    no.insert(Reason::kNamesSighters);
  left_out = 0;
  if (!no.empty()) return {Verdict::kWithhold, no, {}};

  Expected out{Verdict::kRelease, {Reason::kAgreed}, {}};
  const auto leave_out = [&](const std::set<std::string>& selectors, const std::set<Reason>& why) {
    out.verdict = Verdict::kRedact;
    out.reasons.erase(Reason::kAgreed);
    out.reasons.insert(Reason::kAgreedInPart);
    out.reasons.insert(why.begin(), why.end());
    out.redact.insert(selectors.begin(), selectors.end());
    ++left_out;
  };
  if (hide_sighters) leave_out({"where_sighted_refs"}, {Reason::kNamesSighters});
  auto persons = own.persons;
  for (std::size_t i = 1; in_parts && i < object.label.parts.size(); ++i) {
    Label part = join(own, object.label.parts[i].label);
    // RED without persons stays for nobody.
    const bool nobody = part.tlp == stix::Tlp::kRed && !part.persons.has_value();
    if (persons.has_value() && !nobody) {
      std::set<std::string> both;
      for (const auto& person : *persons)
        if (!object.label.parts[i].label.persons.has_value() || object.label.parts[i].label.persons->count(person) == 1)
          both.insert(person);
      part.persons = both;
    }
    const auto why = about_label(part, object, member, who, mou, state, now);
    if (why.empty())
      persons = part.persons;
    else
      leave_out(object.label.parts[i].selectors, why);
  }
  return out;
}

}  // namespace

Expected reference(const ObjectFacts& object, const std::string& member, Purpose purpose, const PolicyState& state,
                   Instant now) {
  if (member != "" && member == state.self) return {Verdict::kRelease, {Reason::kOwn}, {}};
  const Purpose asked = purpose;
  if (state.exercises.count(object.collection) == 1) purpose = Purpose::kExercise;
  const MemberStanding* who = nullptr;
  for (const auto& [id, standing] : state.members)
    if (id == member) who = &standing;
  std::vector<const Agreement*> mous;
  for (const auto& [id, agreement] : state.agreements)
    if (id == member) mous.push_back(&agreement);
  for (const auto& [id, agreements] : state.further)
    if (id == member)
      for (const auto& agreement : agreements) mous.push_back(&agreement);
  if (mous.empty()) mous.push_back(nullptr);

  std::optional<Expected> best;
  std::size_t best_left_out = 0;
  for (const Agreement* mou : mous) {
    std::size_t left_out = 0;
    const Expected next = by_agreement(object, member, purpose, asked, who, mou, mous, state, now, left_out);
    const auto rank = [](const Expected& v) { return v.verdict == Verdict::kWithhold ? 0 : 1; };
    bool better = !best.has_value() || rank(next) > rank(*best);
    if (best.has_value() && rank(next) == rank(*best))
      better = rank(next) == 1 ? left_out < best_left_out : *next.reasons.begin() > *best->reasons.begin();
    if (!better) continue;
    best = next;
    best_left_out = left_out;
  }
  return *best;
}

}  // namespace bongsu::policy::test
