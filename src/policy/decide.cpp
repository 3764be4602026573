#include "policy/decide.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace bongsu::policy {
namespace {

using Reasons = std::set<Reason>;  // in order of weight

bool is_self(std::string_view member, const PolicyState& state) { return !member.empty() && member == state.self; }

bool intersects(const std::set<std::string>& a, const std::set<std::string>& b) {
  return std::ranges::any_of(a, [&](const std::string& item) { return b.contains(item); });
}

// The agreements with a member, the one on this node first.
std::vector<const Agreement*> agreements_of(const MemberId& member, const PolicyState& state) {
  std::vector<const Agreement*> out;
  if (const auto found = state.agreements.find(member); found != state.agreements.end()) out.push_back(&found->second);
  if (const auto found = state.further.find(member); found != state.further.end())
    for (const Agreement& agreement : found->second) out.push_back(&agreement);
  return out;
}

// One question asked of one agreement.
struct Question {
  const ObjectFacts& object;
  const MemberId& member;
  Purpose purpose;
  const PolicyState& state;
  Instant now;
  const MemberStanding* standing;  // nullptr: unknown
  const Agreement* agreement;      // nullptr: there is none
  Purpose asked;                   // before the collection decided it

  bool chartered() const { return state.charter_version > 0; }
  Reasons against_reading() const;
  Reasons against_object() const;             // apart from its label
  Reasons against(const Label& label) const;  // the label, whichever part of the object has it
  stix::Tlp effective_tlp(const Label& label) const;
  void classification(const Label& label, Reasons& no, ClassRank& rank) const;
  void recipients(const Label& label, Reasons& no) const;
  std::set<MemberId> third_parties(const Label& label) const;
  bool names(const MemberId& giver) const;
  bool consents(const MemberId& giver, stix::Tlp tlp) const;
  void third_parties(const Label& label, stix::Tlp tlp, Reasons& no) const;
};

Reasons Question::against_reading() const {
  Reasons no;
  if (standing == nullptr)
    no.insert(Reason::kUnknownMember);
  else if (standing->stopped)
    no.insert(Reason::kStopped);
  if (now == kUnknownTime) no.insert(Reason::kTimeUnknown);
  if (agreement == nullptr) {
    no.insert(Reason::kNoAgreement);
    return no;
  }
  if (agreement->valid_from && now < *agreement->valid_from) no.insert(Reason::kNotYetValid);
  if (now >= agreement->valid_until) no.insert(Reason::kExpired);
  if (agreement->direction == Direction::kFromPartner) no.insert(Reason::kDirectionNotAgreed);
  if (std::ranges::find(agreement->collections, object.collection) == agreement->collections.end())
    no.insert(Reason::kCollectionNotAgreed);
  if (state.exercises.contains(object.collection) && !agreement->purposes.contains(Purpose::kExercise))
    no.insert(Reason::kWrongPurpose);
  return no;
}

Reasons Question::against_object() const {
  Reasons no;
  if (agreement != nullptr) {
    if (object.type != "marking-definition") {
      if (!agreement->types.contains("*") && !agreement->types.contains(object.type)) no.insert(Reason::kTypeNotAgreed);
      if (agreement->sectors && !intersects(*agreement->sectors, object.sectors)) no.insert(Reason::kSectorNotAgreed);
    }
    if (!agreement->purposes.contains(purpose)) no.insert(Reason::kWrongPurpose);
  } else if (purpose != Purpose::kOperations) {
    no.insert(Reason::kWrongPurpose);
  }
  if (object.sighting_of && *object.sighting_of != member) no.insert(Reason::kSightingOfAnother);
  if (denied(object, member, purpose, state)) no.insert(Reason::kDenyClause);
  // A drill is not live, whichever part of the object says so.
  const auto of = state.exercises.find(object.collection);
  if (std::ranges::any_of(object.label.exercises, [&](const std::string& exercise) {
        return of == state.exercises.end() || exercise != of->second;
      }))
    no.insert(Reason::kOfAnExercise);
  return no;
}

// Whether the member may know that it is there, by any agreement: the label of what it stands for is in the object's own.
bool may_know(const Target& target, const Question& q) {
  if (target.givers.contains(q.member)) return true;
  ObjectFacts there{
      .object_id = {}, .type = target.type, .collection = {}, .origin = {}, .label = q.object.label, .sectors = target.sectors};
  const std::vector<const Agreement*> agreements = agreements_of(q.member, q.state);
  const auto permits = [&](bool known) {
    const Purpose purpose = q.state.exercises.contains(there.collection) ? Purpose::kExercise : q.asked;
    if (denied(there, q.member, purpose, q.state)) return false;
    return std::ranges::any_of(agreements, [&](const Agreement* agreement) {
      const bool holds = agreement->in_force(q.now) && agreement->direction != Direction::kFromPartner &&
                         agreement->purposes.contains(purpose);
      if (!holds || !(agreement->types.contains("*") || agreement->types.contains(target.type))) return false;
      if (!known) return true;
      return std::ranges::find(agreement->collections, there.collection) != agreement->collections.end() &&
             (!agreement->sectors || intersects(*agreement->sectors, target.sectors));
    });
  };
  if (target.collections.empty()) return permits(false);
  return std::ranges::any_of(target.collections, [&](const std::string& collection) {
    there.collection = collection;
    return permits(true);
  });
}

// Everybody who may have meant AMBER+STRICT by TLP 1's AMBER has to have said that they did not.
stix::Tlp Question::effective_tlp(const Label& label) const {
  if (!label.tlp1_amber) return label.tlp;
  const auto meant_amber = [&](const MemberId& giver) {
    const auto found = state.agreements.find(giver);
    return giver != state.self && found != state.agreements.end() && found->second.tlp1_amber_is_amber;
  };
  const bool all = meant_amber(object.origin) && std::ranges::all_of(label.reveals, meant_amber);
  return all ? stix::Tlp::kAmber : label.tlp;
}

void Question::classification(const Label& label, Reasons& no, ClassRank& rank) const {
  rank = label.rank;
  for (const NationalMark& mark : label.national) {
    const auto row = state.equivalences.find({mark.nation, mark.authority});
    const auto* equivalence = row == state.equivalences.end() ? nullptr : &row->second;
    const bool between_these =
        equivalence != nullptr && standing != nullptr && holds_between(*equivalence, mark.nation, standing->nation);
    const ClassRank* level = nullptr;
    if (equivalence != nullptr)
      if (const auto found = equivalence->levels.find(mark.level); found != equivalence->levels.end())
        level = &found->second;
    if (!between_these || level == nullptr) no.insert(Reason::kNoEquivalence);
    if (level != nullptr) rank = std::max(rank, *level);
  }
  if (rank == ClassRank::kUnclassified) return;
  if (standing != nullptr) {
    // Whoever gets it has to have a level that protects it at least as well.
    const auto own = state.equivalences.find({standing->nation, standing->kind});
    if (own == state.equivalences.end() ||
        std::ranges::none_of(own->second.levels, [&](const auto& level) { return level.second >= rank; }))
      no.insert(Reason::kNoEquivalence);
    if (rank > standing->clearance.rank) no.insert(Reason::kNotCleared);
  }
  if (agreement != nullptr && rank > agreement->highest_class) no.insert(Reason::kClassTooHigh);
}

void Question::recipients(const Label& label, Reasons& no) const {
  if (label.releasable_to && !label.releasable_to->contains(member)) no.insert(Reason::kNotReleasableTo);
  const auto in_group = [&](const GroupRef& ref) {
    const auto group = state.groups.find(ref.group);
    if (group == state.groups.end()) return false;
    // Who joined later does not see what was marked before; who left sees nothing any more.
    const auto then = group->second.versions.find(ref.version);
    const auto today = group->second.versions.find(group->second.current);
    return then != group->second.versions.end() && today != group->second.versions.end() &&
           then->second.contains(member) && today->second.contains(member);
  };
  for (const ReleaseClause& clause : label.clauses)
    if (!clause.members.contains(member) && std::ranges::none_of(clause.groups, in_group))
      no.insert(Reason::kNotReleasableTo);
}

// Whose information it holds, beside this node's and the member's own.
std::set<MemberId> Question::third_parties(const Label& label) const {
  std::set<MemberId> givers = label.reveals;
  givers.insert(object.origin);
  givers.erase(state.self);
  givers.erase(member);
  return givers;
}

// By the agreement with the giver it may be passed on to this member, who is named there.
bool Question::names(const MemberId& giver) const {
  const auto with_giver = state.agreements.find(giver);
  return with_giver != state.agreements.end() && with_giver->second.passes_on.contains(member);
}

bool Question::consents(const MemberId& giver, stix::Tlp tlp) const {
  if (names(giver)) return true;
  const auto with_giver = state.agreements.find(giver);
  return with_giver != state.agreements.end() && with_giver->second.passes_on.contains("*") && tlp < stix::Tlp::kAmber;
}

void Question::third_parties(const Label& label, stix::Tlp tlp, Reasons& no) const {
  for (const MemberId& giver : third_parties(label)) {
    if (agreement == nullptr || !agreement->onward) no.insert(Reason::kThirdParty);
    if (!consents(giver, tlp)) no.insert(Reason::kNoConsent);
    if (label.originator_controlled && !names(giver)) no.insert(Reason::kOriginatorControl);
  }
}

std::set<std::string> persons_of(const std::optional<std::set<std::string>>& persons, const MemberId& member) {
  std::set<std::string> out;
  if (persons)
    for (const std::string& person : *persons)
      if (person.starts_with(member + "/")) out.insert(person);
  return out;
}

Reasons Question::against(const Label& label) const {
  Reasons no;
  if (label.unknown) no.insert(Reason::kUnknownMarking);
  if (label.expires && now >= *label.expires) no.insert(Reason::kLabelExpired);

  const stix::Tlp tlp = effective_tlp(label);
  const bool has_person = !persons_of(label.persons, member).empty();
  if (tlp >= stix::Tlp::kRed) {
    // An agreement that stops below RED's neighbour cannot have RED.
    if (agreement == nullptr || !agreement->red_to_persons || agreement->highest_tlp < stix::Tlp::kAmberStrict ||
        !has_person)
      no.insert(Reason::kTlpRed);
  } else if (agreement != nullptr && tlp > agreement->highest_tlp) {
    no.insert(Reason::kTlpTooHigh);
  }
  if (tlp >= stix::Tlp::kGreen && agreement != nullptr && (chartered() || agreement->communities)) {
    const auto& community = agreement->communities ? *agreement->communities : state.own.communities;
    if (standing == nullptr || !intersects(standing->communities, community)) no.insert(Reason::kOutsideCommunity);
  }

  ClassRank rank = ClassRank::kUnclassified;
  classification(label, no, rank);
  const auto holds_all = [](const std::set<std::string>& held, const std::set<std::string>& asked) {
    return std::ranges::includes(held, asked);
  };
  if (standing != nullptr && !holds_all(standing->clearance.categories, label.categories))
    no.insert(Reason::kCategoryNotHeld);
  if (agreement != nullptr && !holds_all(agreement->categories, label.categories))
    no.insert(Reason::kCategoryNotAgreed);
  if (agreement != nullptr && !holds_all(agreement->caveats, label.caveats)) no.insert(Reason::kCaveatNotAgreed);
  if (standing != nullptr && standing->ceiling && (tlp > standing->ceiling->tlp || rank > standing->ceiling->rank))
    no.insert(Reason::kAboveCeiling);

  recipients(label, no);
  if (tlp < stix::Tlp::kRed && label.persons && !has_person) no.insert(Reason::kNoNamedPerson);
  third_parties(label, tlp, no);
  return no;
}

struct Answer {
  Reasons against;        // empty: released or redacted
  Reasons against_parts;  // why parts are left out
  std::set<std::string> redact;
  std::vector<LeftOut> left_out;
  std::optional<std::set<std::string>> persons;
  std::set<MemberId> no_consent_of;
};

Answer ask(const Question& q) {
  Answer out;
  out.against = q.against_reading();
  out.against.merge(q.against_object());
  const Label& label = q.object.label;
  const bool in_parts = q.object.can_redact && !label.parts.empty();
  const Label& own = in_parts ? label.parts.front().label : label;
  out.against.merge(q.against(own));
  const bool anonymous = q.agreement != nullptr && q.agreement->anonymise_sightings;
  const bool names_sighters = q.object.names_sighters && anonymous;
  if (names_sighters && !q.object.can_redact) out.against.insert(Reason::kNamesSighters);
  if (anonymous && q.object.sighted_by && *q.object.sighted_by != q.member) out.against.insert(Reason::kNamesSighters);
  for (const Target& target : q.object.targets)
    if (!(target.sighter && names_sighters) && !may_know(target, q)) out.against.insert(Reason::kRefersToWithheld);
  const auto note_consent = [&](const Reasons& against, const Label& of) {
    if (!against.contains(Reason::kNoConsent)) return;
    for (const MemberId& giver : q.third_parties(of))
      if (!q.consents(giver, q.effective_tlp(of))) out.no_consent_of.insert(giver);
  };
  note_consent(out.against, own);
  if (!out.against.empty()) return out;
  if (names_sighters) {
    out.redact.insert("where_sighted_refs");
    out.left_out.push_back({{"where_sighted_refs"}, {Reason::kNamesSighters}});
    out.against_parts.insert(Reason::kNamesSighters);
  }
  // Each part with the object around it; and somebody has to be left for whom all that is accepted is.
  std::optional<std::set<std::string>> persons = own.persons;
  for (std::size_t i = 1; in_parts && i < label.parts.size(); ++i) {
    Label accepted = bottom();
    accepted.persons = persons;
    const Label with = join(join(own, label.parts[i].label), accepted);
    Reasons against = q.against(with);
    if (against.empty()) {
      persons = with.persons;
      continue;
    }
    out.redact.insert(label.parts[i].selectors.begin(), label.parts[i].selectors.end());
    out.left_out.push_back({label.parts[i].selectors, {against.begin(), against.end()}});
    note_consent(against, with);
    out.against_parts.merge(against);
  }
  if (persons) out.persons = persons_of(persons, q.member);
  return out;
}

Decision own(const PolicyState& state) {
  return {.verdict = Verdict::kRelease,
          .reasons = {Reason::kOwn},
          .redact = {},
          .left_out = {},
          .epoch = state.epoch,
          .versions = {.epoch = state.epoch, .charter_version = state.charter_version, .agreement = {}},
          .persons = {},
          .no_consent_of = {}};
}

Decision finish(const Answer& answer, const Agreement* agreement, const PolicyState& state) {
  Decision out = own(state);
  out.reasons.clear();
  if (agreement != nullptr) {
    out.versions.agreement = agreement->id;
    out.versions.agreement_version = agreement->version;
  }
  out.no_consent_of = answer.no_consent_of;
  if (!answer.against.empty()) {
    out.verdict = Verdict::kWithhold;
    out.reasons.assign(answer.against.begin(), answer.against.end());
    return out;
  }
  out.persons = answer.persons;
  if (answer.redact.empty()) {
    out.reasons = {Reason::kAgreed};
    return out;
  }
  out.verdict = Verdict::kRedact;
  out.reasons = {Reason::kAgreedInPart};
  out.reasons.insert(out.reasons.end(), answer.against_parts.begin(), answer.against_parts.end());
  out.redact.assign(answer.redact.begin(), answer.redact.end());
  out.left_out = answer.left_out;
  return out;
}

// Of several agreements the first that permits the whole, else the first that permits most by leaving out least, else
// the one that came furthest: whose weightiest reason weighs least.
bool better(const Answer& a, const Answer& b) {
  if (a.against.empty() != b.against.empty()) return a.against.empty();
  if (a.against.empty()) return a.left_out.size() < b.left_out.size();
  return *a.against.begin() > *b.against.begin();
}

}  // namespace

Decision decide(const ObjectFacts& object, std::string_view member, Purpose purpose, const PolicyState& state,
                Instant now) {
  if (is_self(member, state)) return own(state);
  const MemberId id(member);
  const auto found = state.members.find(id);
  const MemberStanding* standing = found == state.members.end() ? nullptr : &found->second;
  const Purpose asked = purpose;
  if (state.exercises.contains(object.collection)) purpose = Purpose::kExercise;
  std::vector<const Agreement*> agreements = agreements_of(id, state);
  if (agreements.empty()) agreements.push_back(nullptr);
  std::optional<Answer> best;
  const Agreement* by = nullptr;
  for (const Agreement* agreement : agreements) {
    Answer answer = ask({object, id, purpose, state, now, standing, agreement, asked});
    if (best && !better(answer, *best)) continue;
    best = std::move(answer);
    by = agreement;
  }
  return finish(*best, by, state);
}

Decision may_read(std::string_view collection, std::string_view member, const PolicyState& state, Instant now) {
  if (is_self(member, state)) return own(state);
  const MemberId id(member);
  const auto found = state.members.find(id);
  const MemberStanding* standing = found == state.members.end() ? nullptr : &found->second;
  const ObjectFacts object{
      .object_id = {}, .type = {}, .collection = std::string(collection), .origin = {}, .label = {}};
  std::vector<const Agreement*> agreements = agreements_of(id, state);
  if (agreements.empty()) agreements.push_back(nullptr);
  std::optional<Answer> best;
  const Agreement* by = nullptr;
  for (const Agreement* agreement : agreements) {
    Answer answer;
    answer.against = 
        Question{object, id, Purpose::kOperations, state, now, standing, agreement, Purpose::kOperations}
            .against_reading();
    if (best && !better(answer, *best)) continue;
    best = std::move(answer);
    by = agreement;
  }
  return finish(*best, by, state);
}

bool is_current(const Decision& decision, const PolicyState& state) {
  return decision.versions.epoch == state.epoch && decision.versions.charter_version == state.charter_version;
}

bool holds_between(const ClassEquivalence& equivalence, std::string_view marked_by, std::string_view nation) {
  if (equivalence.accepted_by.contains("*")) return true;
  return !nation.empty() && (nation == marked_by || equivalence.accepted_by.contains(std::string(nation)));
}

std::optional<NationalMark> equivalent(const NationalMark& mark, std::string_view nation, Authority authority,
                                       const Equivalences& equivalences) {
  const auto from = equivalences.find({mark.nation, mark.authority});
  const auto to = equivalences.find({std::string(nation), authority});
  if (from == equivalences.end() || to == equivalences.end()) return std::nullopt;
  if (!holds_between(from->second, mark.nation, nation)) return std::nullopt;
  const auto level = from->second.levels.find(mark.level);
  if (level == from->second.levels.end()) return std::nullopt;
  const std::pair<const std::string, ClassRank>* lowest = nullptr;
  for (const auto& candidate : to->second.levels)
    if (candidate.second >= level->second && (lowest == nullptr || candidate.second < lowest->second))
      lowest = &candidate;
  if (lowest == nullptr) return std::nullopt;
  return NationalMark{std::string(nation), authority, lowest->first};
}

std::string terms_of(const PolicyState& state, std::string_view member, std::string_view collection) {
  std::string out;
  const auto list = [&](std::string_view name, const auto& items) {
    out += name;
    for (const std::string& item : items) out += std::to_string(item.size()) + ':' + item + ',';
    out += '\n';
  };
  const MemberId id(member);
  for (const Agreement* agreement : agreements_of(id, state)) {
    if (std::ranges::find(agreement->collections, collection) == agreement->collections.end()) continue;
    Agreement terms = *agreement;
    terms.partner.clear();
    terms.collections = {std::string(collection)};
    terms.valid_from.reset();
    terms.valid_until = {};
    terms.parties.clear();
    terms.id.clear();
    terms.version = 0;
    // What the partner lets us pass on is about what it gave, not about what it gets.
    terms.passes_on.clear();
    terms.tlp1_amber_is_amber = false;
    out += terms.terms();
  }
  if (const auto found = state.members.find(id); found != state.members.end()) {
    const MemberStanding& m = found->second;
    if (m != MemberStanding{.stopped = m.stopped}) {
      list("nation ", std::array{m.nation, std::string(to_string(m.kind))});
      out += "clearance " + std::string(to_string(m.clearance.rank)) + '\n';
      list("categories ", m.clearance.categories);
      list("communities ", m.communities);
      if (m.ceiling)
        out += "ceiling " + std::string(stix::to_string(m.ceiling->tlp)) + ' ' +
               std::string(to_string(m.ceiling->rank)) + '\n';
    }
  }
  if (const auto of = state.exercises.find(std::string(collection)); of != state.exercises.end())
    list("exercise ", std::array{of->second});
  // What holds for all: when it changes, everything is decided again.
  if (state.charter_version > 0) list("chartered ", state.own.communities);
  for (const auto& [group_id, group] : state.groups) {
    list("group ", std::array{group_id, group.current});
    for (const auto& [version, members] : group.versions) list(version, members);
  }
  for (const auto& [of, row] : state.equivalences) {
    list("equivalence ", std::array{of.first, std::string(to_string(of.second))});
    for (const auto& [level, rank] : row.levels) list("level ", std::array{level, std::string(to_string(rank))});
    list("accepted by ", row.accepted_by);
  }
  for (const auto& [giver, agreement] : state.agreements) {
    if (!agreement.passes_on.empty()) {
      list("passes on ", std::array{giver});
      list("to ", agreement.passes_on);
    }
    if (agreement.tlp1_amber_is_amber) list("tlp1 ", std::array{giver});
  }
  return out;
}

}  // namespace bongsu::policy
