#include "policy/compiled_policy.h"

#include <algorithm>
#include <array>
#include <bit>

namespace bongsu::policy {
namespace {

constexpr std::uint64_t bit(Reason reason) { return std::uint64_t{1} << static_cast<unsigned>(reason); }
static_assert(kReasons <= 64);
static_assert(kMaxLabelParts <= 64);

}  // namespace

std::vector<Reason> reasons_of(const CompiledDecision& decision) {
  std::vector<Reason> out;
  for (std::uint64_t rest = decision.reasons; rest != 0; rest &= rest - 1)
    out.push_back(static_cast<Reason>(std::countr_zero(rest)));
  return out;
}

std::set<std::string> selectors_of(std::uint64_t parts, bool without_sighters, const ObjectFacts& facts) {
  std::set<std::string> out;
  for (std::size_t i = 1; i < facts.label.parts.size(); ++i)
    if ((parts >> (i - 1) & 1) != 0)
      out.insert(facts.label.parts[i].selectors.begin(), facts.label.parts[i].selectors.end());
  if (without_sighters) out.emplace("where_sighted_refs");
  return out;
}

Decision if_both_say_so(Decision decision, const CompiledDecision& compiled, const ObjectFacts& facts) {
  const auto redact = selectors_of(compiled.parts, compiled.without_sighters, facts);
  const bool same = compiled.verdict == decision.verdict && reasons_of(compiled) == decision.reasons &&
                    std::ranges::equal(redact, decision.redact);
  if (same) return decision;
  return {.verdict = Verdict::kWithhold,
          .reasons = {Reason::kEnginesDiffer},
          .redact = {},
          .left_out = {},
          .epoch = decision.epoch,
          .versions = std::move(decision.versions),
          .persons = {},
          .no_consent_of = {}};
}

CompiledPolicy::CompiledPolicy(const PolicyState& state)
    : self_(state.self),
      chartered_(state.charter_version > 0),
      equivalences_(state.equivalences),
      exercises_(state.exercises) {
  std::set<MemberId> members;
  const auto each_agreement = [&](const auto& use) {
    for (const auto& [member, agreement] : state.agreements) use(member, agreement);
    for (const auto& [member, agreements] : state.further)
      for (const Agreement& agreement : agreements) use(member, agreement);
  };
  for (const auto& [member, standing] : state.members) {
    members.insert(member);
    nations_.add(standing.nation);
    for (const auto& category : standing.clearance.categories) categories_.add(category);
  }
  each_agreement([&](const MemberId& member, const Agreement& agreement) {
    members.insert(member);
    for (const auto& item : agreement.collections) collections_.add(item);
    for (const auto& item : agreement.types) types_.add(item);
    for (const auto& item : agreement.categories) categories_.add(item);
    for (const auto& item : agreement.caveats) caveats_.add(item);
    if (agreement.sectors)
      for (const auto& item : *agreement.sectors) sectors_.add(item);
  });
  members.erase(state.self);
  for (const MemberId& member : members) {
    member_numbers_.add(member);
    names_of_members_.push_back(member);
  }
  const auto bits = [](const Names& names, const auto& items) {
    Bits out(names.size());
    for (const auto& item : items)
      if (const auto number = names.find(item); number != Names::kNone) out.add(number);
    return out;
  };

  for (const auto& [of, row] : equivalences_) {
    rows_.emplace(of, static_cast<std::uint32_t>(accepting_.size()));
    Bits& accepting = accepting_.emplace_back(nations_.size(), row.accepted_by.contains("*"));
    for (const auto& nation : row.accepted_by)
      if (const auto number = nations_.find(nation); number != Names::kNone && !nation.empty()) accepting.add(number);
    if (const auto number = nations_.find(of.first); number != Names::kNone && !of.first.empty()) accepting.add(number);
  }
  for (const auto& [id, group] : state.groups) {
    const auto now = group.versions.find(group.current);
    for (const auto& [version, then] : group.versions) {
      Bits both(member_numbers_.size());
      if (now != group.versions.end()) {
        both = bits(member_numbers_, then);
        both.keep(bits(member_numbers_, now->second));
      }
      groups_.emplace(std::pair(id, version), std::move(both));
    }
  }

  members_.resize(names_of_members_.size());
  givers_.resize(names_of_members_.size());
  for (std::size_t m = 0; m < members_.size(); ++m) {
    const MemberId& id = names_of_members_[m];
    Member& member = members_[m];
    const auto found = state.members.find(id);
    member.known = found != state.members.end();
    std::set<std::string> communities;
    if (member.known) {
      const MemberStanding& standing = found->second;
      if (standing.stopped) member.reasons |= bit(Reason::kStopped);
      member.nation = nations_.find(standing.nation);
      if (const auto own = equivalences_.find({standing.nation, standing.kind}); own != equivalences_.end())
        for (const auto& [_, rank] : own->second.levels)
          for (std::size_t r = 0; r <= static_cast<std::size_t>(rank); ++r) member.has_level[r] = true;
      member.clearance = standing.clearance.rank;
      member.categories = bits(categories_, standing.clearance.categories);
      member.ceiling = standing.ceiling.has_value();
      if (standing.ceiling) member.most = *standing.ceiling;
      communities = standing.communities;
    } else {
      member.reasons |= bit(Reason::kUnknownMember);
    }
    const auto add = [&](const Agreement& a) {
      const auto& community = a.communities ? *a.communities : state.own.communities;
      Terms& terms = member.agreements.emplace_back();
      terms.valid_from = a.valid_from;
      terms.valid_until = a.valid_until;
      terms.outbound = a.direction != Direction::kFromPartner;
      terms.all_types = a.types.contains("*");
      terms.any_sector = !a.sectors;
      terms.onward = a.onward;
      terms.red_to_persons = a.red_to_persons && a.highest_tlp >= stix::Tlp::kAmberStrict;
      terms.anonymise = a.anonymise_sightings;
      terms.asks_community = chartered_ || a.communities;
      terms.in_community =
          std::ranges::any_of(community, [&](const std::string& name) { return communities.contains(name); });
      for (const Purpose purpose : a.purposes)
        terms.purposes = static_cast<std::uint8_t>(terms.purposes | (1U << static_cast<unsigned>(purpose)));
      terms.highest_tlp = a.highest_tlp;
      terms.highest_class = a.highest_class;
      terms.collections = bits(collections_, a.collections);
      terms.types = bits(types_, a.types);
      if (a.sectors) terms.sectors = bits(sectors_, *a.sectors);
      terms.categories = bits(categories_, a.categories);
      terms.caveats = bits(caveats_, a.caveats);
      if (a.denies.empty()) return;
      if (denials_.empty() || denials_.back().first != m)
        denials_.emplace_back(static_cast<std::uint32_t>(m), a.denies);
      else
        denials_.back().second.insert(denials_.back().second.end(), a.denies.begin(), a.denies.end());
    };
    if (const auto local = state.agreements.find(id); local != state.agreements.end()) {
      add(local->second);
      Giver& giver = givers_[m];
      giver.amber = local->second.tlp1_amber_is_amber;
      giver.to_all = local->second.passes_on.contains("*");
      giver.named = bits(member_numbers_, local->second.passes_on);
    } else {
      givers_[m].named = Bits(member_numbers_.size());
    }
    if (const auto more = state.further.find(id); more != state.further.end())
      for (const Agreement& agreement : more->second) add(agreement);
  }
}

CompiledObject::Part CompiledPolicy::compile_label(const Label& label, const MemberId& origin) const {
  CompiledObject::Part out;
  const std::size_t count = member_numbers_.size();
  out.unknown = label.unknown;
  out.expires = label.expires;
  out.orcon = label.originator_controlled;

  std::set<MemberId> givers = label.reveals;
  givers.insert(origin);
  const bool all_meant_amber = std::ranges::all_of(givers, [&](const MemberId& giver) {
    const auto number = member_numbers_.find(giver);
    return number != Names::kNone && givers_[number].amber;
  });
  out.tlp = label.tlp1_amber && all_meant_amber ? stix::Tlp::kAmber : label.tlp;

  givers.erase(self_);
  out.givers = Bits(count);
  out.consent = Bits(count, true);
  out.named = Bits(count, true);
  for (const MemberId& giver : givers) {
    const auto number = member_numbers_.find(giver);
    if (number == Names::kNone) {
      out.stranger = true;
      out.named = Bits(count);
      out.consent = Bits(count);
      continue;
    }
    out.givers.add(number);
    ++out.givers_count;
    const Giver& says = givers_[number];
    Bits named = says.named;
    named.add(number);  // what came from itself
    Bits consent = named;
    if (says.to_all && out.tlp < stix::Tlp::kAmber) consent = Bits(count, true);
    out.consent.keep(consent);
    out.named.keep(named);
  }

  out.rank = label.rank;
  out.nations = Bits(nations_.size(), true);
  out.marks_any_nation = label.national.empty();
  for (const NationalMark& mark : label.national) {
    const auto row = equivalences_.find({mark.nation, mark.authority});
    if (row == equivalences_.end()) {
      out.unmapped = true;
      continue;
    }
    const auto level = row->second.levels.find(mark.level);
    if (level == row->second.levels.end()) {
      out.unmapped = true;
      continue;
    }
    out.nations.keep(accepting_[rows_.at(row->first)]);
    out.rank = std::max(out.rank, level->second);
  }

  out.restricted = label.releasable_to || !label.clauses.empty();
  out.to = Bits(count, true);
  const auto members = [&](const std::set<MemberId>& names) {
    Bits bits(count);
    for (const MemberId& name : names)
      if (const auto number = member_numbers_.find(name); number != Names::kNone) bits.add(number);
    return bits;
  };
  if (label.releasable_to) out.to.keep(members(*label.releasable_to));
  for (const ReleaseClause& clause : label.clauses) {
    Bits any = members(clause.members);
    for (const GroupRef& ref : clause.groups)
      if (const auto found = groups_.find({ref.group, ref.version}); found != groups_.end()) any.put(found->second);
    out.to.keep(any);
  }

  out.categories = Bits(categories_.size());
  for (const auto& category : label.categories) {
    const auto number = categories_.find(category);
    if (number == Names::kNone)
      out.foreign_category = true;
    else
      out.categories.add(number);
  }
  out.caveats = Bits(caveats_.size());
  for (const auto& caveat : label.caveats) {
    const auto number = caveats_.find(caveat);
    if (number == Names::kNone)
      out.foreign_caveat = true;
    else
      out.caveats.add(number);
  }
  return out;
}

Bits CompiledPolicy::sector_bits(const std::set<std::string>& sectors) const {
  Bits out(sectors_.size());
  for (const auto& sector : sectors)
    if (const auto number = sectors_.find(sector); number != Names::kNone) out.add(number);
  return out;
}

CompiledObject::Denied CompiledPolicy::compile_denied(const ObjectFacts& facts) const {
  CompiledObject::Denied out;
  for (const auto& [member, denials] : denials_) {
    if (out.empty()) out.resize(members_.size());
    for (const Purpose purpose : {Purpose::kOperations, Purpose::kExercise, Purpose::kCrisis})
      if (std::ranges::any_of(denials, [&](const Denial& denial) { return matches(denial, facts, purpose); }))
        out[member] = static_cast<std::uint8_t>(out[member] | (1U << static_cast<unsigned>(purpose)));
  }
  return out;
}

CompiledObject::Target CompiledPolicy::compile_target(const Target& target, const ObjectFacts& facts) const {
  CompiledObject::Target out;
  out.type = types_.find(target.type);
  out.sighter = target.sighter;
  out.known = !target.collections.empty();
  out.sectors = sector_bits(target.sectors);
  out.givers = Bits(member_numbers_.size());
  for (const MemberId& giver : target.givers)
    if (const auto number = member_numbers_.find(giver); number != Names::kNone) out.givers.add(number);
  ObjectFacts there{.object_id = {},
                    .type = target.type,
                    .collection = {},
                    .origin = {},
                    .label = {},
                    .sectors = target.sectors};
  if (!denials_.empty()) there.label = facts.label;
  const auto add = [&](const std::string& collection) {
    there.collection = collection;
    out.places.push_back({.collection = collections_.find(collection),
                          .in_exercise = exercises_.contains(collection),
                          .denied = compile_denied(there)});
  };
  if (!out.known) add({});
  for (const std::string& collection : target.collections) add(collection);
  return out;
}

CompiledObject CompiledPolicy::compile(const ObjectFacts& facts) const {
  CompiledObject out;
  out.collection = collections_.find(facts.collection);
  out.type = types_.find(facts.type);
  out.marking_definition = facts.type == "marking-definition";
  out.names_sighters = facts.names_sighters;
  out.can_redact = facts.can_redact;
  const auto of = exercises_.find(facts.collection);
  out.in_exercise = of != exercises_.end();
  out.of_another_exercise = std::ranges::any_of(
      facts.label.exercises, [&](const std::string& name) { return !out.in_exercise || name != of->second; });
  out.is_sighting = facts.sighting_of.has_value();
  if (facts.sighting_of) out.sighting_of = member_numbers_.find(*facts.sighting_of);
  out.says_who_made_it = facts.sighted_by.has_value();
  if (facts.sighted_by) out.sighted_by = member_numbers_.find(*facts.sighted_by);
  out.sectors = sector_bits(facts.sectors);
  out.denied = compile_denied(facts);
  for (const Target& target : facts.targets) out.targets.push_back(compile_target(target, facts));

  const bool in_parts = facts.can_redact && !facts.label.parts.empty();
  const Label& own = in_parts ? facts.label.parts.front().label : facts.label;
  std::map<std::string, std::uint8_t> person_numbers;
  const auto add = [&](const Label& label, const std::optional<std::set<std::string>>& persons) {
    CompiledObject::Part& part = out.parts.emplace_back(compile_label(label, facts.origin));
    part.has_persons = persons.has_value();
    part.nobody = label.tlp == stix::Tlp::kRed && !label.persons;
    if (!persons) return;
    for (const std::string& person : *persons) {
      // Those of no member here cannot decide anything; no more than a label may name fit, the rest are nobody.
      const auto member = member_numbers_.find(person.substr(0, person.find('/')));
      if (member == Names::kNone) continue;
      auto number = person_numbers.find(person);
      if (number == person_numbers.end()) {
        if (out.persons.size() == kMaxLabelItems) continue;
        number = person_numbers.emplace(person, static_cast<std::uint8_t>(out.persons.size())).first;
        out.persons.push_back(member);
      }
      part.persons.push_back(number->second);
    }
  };
  add(own, own.persons);
  for (std::size_t i = 1; in_parts && i < facts.label.parts.size(); ++i)
    add(join(own, facts.label.parts[i].label), facts.label.parts[i].label.persons);
  return out;
}

std::uint64_t CompiledPolicy::against(const CompiledObject::Part& label, const Member& member, std::uint32_t number,
                                      const Terms* terms, bool has_person, Instant now) const {
  std::uint64_t no = 0;
  const auto say = [&no](bool wrong, Reason reason) { no |= wrong ? bit(reason) : 0; };
  say(label.unknown, Reason::kUnknownMarking);
  say(label.expires && now >= *label.expires, Reason::kLabelExpired);
  if (label.tlp >= stix::Tlp::kRed)
    say(terms == nullptr || !terms->red_to_persons || !has_person, Reason::kTlpRed);
  else
    say(terms != nullptr && label.tlp > terms->highest_tlp, Reason::kTlpTooHigh);
  say(label.tlp >= stix::Tlp::kGreen && terms != nullptr && terms->asks_community && !terms->in_community,
      Reason::kOutsideCommunity);
  const bool mapped = label.marks_any_nation || (!label.unmapped && member.known && label.nations.has(member.nation));
  say(!mapped, Reason::kNoEquivalence);
  // A rank that could not be mapped for this member is as the marking says it.
  const ClassRank rank = label.rank;
  if (rank != ClassRank::kUnclassified) {
    say(member.known && !member.has_level[static_cast<std::size_t>(rank)], Reason::kNoEquivalence);
    say(member.known && rank > member.clearance, Reason::kNotCleared);
    say(terms != nullptr && rank > terms->highest_class, Reason::kClassTooHigh);
  }
  say(member.known && (label.foreign_category || !label.categories.within(member.categories)),
      Reason::kCategoryNotHeld);
  if (terms != nullptr) {
    say(label.foreign_category || !label.categories.within(terms->categories), Reason::kCategoryNotAgreed);
    say(label.foreign_caveat || !label.caveats.within(terms->caveats), Reason::kCaveatNotAgreed);
  }
  say(member.ceiling && (label.tlp > member.most.tlp || rank > member.most.rank), Reason::kAboveCeiling);
  say(label.restricted && !label.to.has(number), Reason::kNotReleasableTo);
  if (label.stranger || label.givers_count > (label.givers.has(number) ? 1U : 0U)) {
    say(terms == nullptr || !terms->onward, Reason::kThirdParty);
    say(!label.consent.has(number), Reason::kNoConsent);
    say(label.orcon && !label.named.has(number), Reason::kOriginatorControl);
  }
  return no;
}

bool CompiledPolicy::may_know(const CompiledObject::Target& target, const Member& member, std::uint32_t number,
                              Purpose asked, Instant now) const {
  if (target.givers.has(number)) return true;
  return std::ranges::any_of(target.places, [&](const CompiledObject::Place& place) {
    const unsigned purpose = static_cast<unsigned>(place.in_exercise ? Purpose::kExercise : asked);
    if (!place.denied.empty() && ((place.denied[number] >> purpose) & 1) != 0) return false;
    return std::ranges::any_of(member.agreements, [&](const Terms& terms) {
      const bool in_force = (!terms.valid_from || now >= *terms.valid_from) && now < terms.valid_until &&
                            terms.outbound && ((terms.purposes >> purpose) & 1) != 0;
      if (!in_force || !(terms.all_types || (target.type != Names::kNone && terms.types.has(target.type)))) return false;
      if (!target.known) return true;
      return place.collection != Names::kNone && terms.collections.has(place.collection) &&
             (terms.any_sector || terms.sectors.meets(target.sectors));
    });
  });
}

CompiledDecision CompiledPolicy::decide(const CompiledObject& object, std::uint32_t number, Purpose purpose,
                                        Instant now) const {
  const Member& member = members_[number];
  bool hidden = false, hidden_sighter = false;  // among what it refers to
  for (const CompiledObject::Target& target : object.targets)
    if (!may_know(target, member, number, purpose, now)) (target.sighter ? hidden_sighter : hidden) = true;
  if (object.in_exercise) purpose = Purpose::kExercise;
  CompiledDecision best;
  int best_left_out = 0;
  const std::size_t agreements = member.agreements.size();
  // Persons by number of the object's: which parts that name some still leave one of this member's.
  using Persons = std::array<std::uint64_t, kMaxLabelItems / 64>;
  const auto persons_of = [&](const CompiledObject::Part& part) {
    Persons out{};
    for (const std::uint8_t person : part.persons)
      if (object.persons[person] == number) out[person / 64] |= std::uint64_t{1} << (person % 64);
    return out;
  };
  const auto some = [](const Persons& persons) {
    return std::ranges::any_of(persons, [](std::uint64_t word) { return word != 0; });
  };

  for (std::size_t a = 0; a < std::max<std::size_t>(agreements, 1); ++a) {
    const Terms* terms = agreements == 0 ? nullptr : &member.agreements[a];
    std::uint64_t no = member.reasons;
    const auto say = [&no](bool wrong, Reason reason) { no |= wrong ? bit(reason) : 0; };
    say(now == kUnknownTime, Reason::kTimeUnknown);
    if (terms == nullptr) {
      no |= bit(Reason::kNoAgreement);
      say(purpose != Purpose::kOperations, Reason::kWrongPurpose);
    } else {
      say(terms->valid_from && now < *terms->valid_from, Reason::kNotYetValid);
      say(now >= terms->valid_until, Reason::kExpired);
      say(!terms->outbound, Reason::kDirectionNotAgreed);
      say(object.collection == Names::kNone || !terms->collections.has(object.collection),
          Reason::kCollectionNotAgreed);
      if (!object.marking_definition) {
        say(!terms->all_types && (object.type == Names::kNone || !terms->types.has(object.type)),
            Reason::kTypeNotAgreed);
        say(!terms->any_sector && !terms->sectors.meets(object.sectors), Reason::kSectorNotAgreed);
      }
      say(((terms->purposes >> static_cast<unsigned>(purpose)) & 1) == 0, Reason::kWrongPurpose);
    }
    say(object.is_sighting && object.sighting_of != number, Reason::kSightingOfAnother);
    say(!object.denied.empty() && ((object.denied[number] >> static_cast<unsigned>(purpose)) & 1) != 0,
        Reason::kDenyClause);
    say(object.of_another_exercise, Reason::kOfAnExercise);

    const CompiledObject::Part& own = object.parts.front();
    Persons persons = persons_of(own);
    bool restricted_to_persons = own.has_persons;
    bool has_person = own.has_persons && some(persons);
    no |= against(own, member, number, terms, has_person, now);
    say(own.tlp < stix::Tlp::kRed && own.has_persons && !has_person, Reason::kNoNamedPerson);
    const bool anonymous = terms != nullptr && terms->anonymise;
    const bool names_sighters = object.names_sighters && anonymous;
    say(anonymous && object.says_who_made_it && object.sighted_by != number, Reason::kNamesSighters);
    say(names_sighters && !object.can_redact, Reason::kNamesSighters);
    say(hidden || (hidden_sighter && !names_sighters), Reason::kRefersToWithheld);

    CompiledDecision answer;
    answer.agreement = terms == nullptr ? Names::kNone : static_cast<std::uint32_t>(a);
    answer.reasons = no;
    if (no == 0) {
      std::uint64_t why = 0;
      if (names_sighters) {
        answer.without_sighters = true;
        why |= bit(Reason::kNamesSighters);
      }
      for (std::size_t i = 1; i < object.parts.size(); ++i) {
        const CompiledObject::Part& part = object.parts[i];
        Persons left = persons;
        bool some_left = has_person;
        if (part.has_persons) {
          const Persons of_part = persons_of(part);
          for (std::size_t w = 0; w < left.size(); ++w)
            left[w] = restricted_to_persons ? left[w] & of_part[w] : of_part[w];
          some_left = some(left);
        }
        const bool asks = restricted_to_persons || part.has_persons;
        if (part.nobody) some_left = false;
        std::uint64_t part_no = against(part, member, number, terms, asks && some_left, now);
        if (part.tlp < stix::Tlp::kRed && asks && !some_left) part_no |= bit(Reason::kNoNamedPerson);
        if (part_no == 0) {
          persons = left;
          has_person = some_left;
          restricted_to_persons = asks;
        } else {
          answer.parts |= std::uint64_t{1} << (i - 1);
          why |= part_no;
        }
      }
      const bool whole = answer.parts == 0 && !answer.without_sighters;
      answer.verdict = whole ? Verdict::kRelease : Verdict::kRedact;
      answer.reasons = whole ? bit(Reason::kAgreed) : bit(Reason::kAgreedInPart) | why;
    }
    const int left_out = std::popcount(answer.parts) + (answer.without_sighters ? 1 : 0);
    const bool good = answer.verdict != Verdict::kWithhold, had_good = best.verdict != Verdict::kWithhold;
    const bool better = a == 0 || (good != had_good ? good
                                   : good           ? left_out < best_left_out
                                          : std::countr_zero(answer.reasons) > std::countr_zero(best.reasons));
    if (better) {
      best = answer;
      best_left_out = left_out;
    }
  }
  return best;
}

}  // namespace bongsu::policy
