// Words for decisions, and the small functions of what they are made from.
#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/hash.h"
#include "policy/decide.h"

namespace bongsu::policy {
namespace {

constexpr std::array<std::string_view, 3> kRoles = {"sponsoring-nation", "contributing-participant", "observer"};
constexpr std::array<std::string_view, 3> kVerdicts = {"release", "redact", "withhold"};

struct Words {
  Reason reason;
  std::string_view word, sentence;
};
constexpr std::array<Words, kReasons> kWords = {{
    {Reason::kOwn, "own", "released: this node itself asks"},
    {Reason::kAgreed, "agreed", "released: the agreement and the object's markings permit it"},
    {Reason::kAgreedInPart, "agreed_in_part", "released without the parts that may not flow"},
    {Reason::kUnknownMember, "unknown_member", "withheld: no such member is paired with this node"},
    {Reason::kStopped, "stopped", "withheld: release to this member was stopped by hand"},
    {Reason::kTimeUnknown, "time_unknown", "withheld: the time is not known for certain, so no agreement can be valid"},
    {Reason::kNoAgreement, "no_agreement", "withheld: there is no agreement with this member"},
    {Reason::kNotYetValid, "not_yet_valid", "withheld: the agreement has not begun"},
    {Reason::kExpired, "expired", "withheld: the agreement has ended"},
    {Reason::kDirectionNotAgreed, "direction_not_agreed",
     "withheld: by the agreement the partner gives and does not get"},
    {Reason::kCollectionNotAgreed, "collection_not_agreed", "withheld: the agreement does not name this collection"},
    {Reason::kTypeNotAgreed, "type_not_agreed", "withheld: the agreement does not cover this type of object"},
    {Reason::kSectorNotAgreed, "sector_not_agreed", "withheld: the agreement is about other sectors"},
    {Reason::kUnknownMarking, "unknown_marking", "withheld: a marking on the object is not understood here"},
    {Reason::kLabelExpired, "label_expired", "withheld: its marking let it be released until a time that has passed"},
    {Reason::kTlpRed, "tlp_red", "withheld: TLP:RED goes to named persons only"},
    {Reason::kTlpTooHigh, "tlp_too_high", "withheld: the object's TLP is above what the agreement allows"},
    {Reason::kOutsideCommunity, "outside_community",
     "withheld: the member is not of the community that this TLP is for"},
    {Reason::kNoEquivalence, "no_equivalence",
     "withheld: no equivalence is agreed between this member's nation and the one that classified it"},
    {Reason::kNotCleared, "not_cleared", "withheld: it is classified above the member's clearance"},
    {Reason::kClassTooHigh, "class_too_high", "withheld: it is classified above what the agreement allows"},
    {Reason::kCategoryNotHeld, "category_not_held", "withheld: the member is not cleared for one of its categories"},
    {Reason::kCategoryNotAgreed, "category_not_agreed", "withheld: the agreement does not cover one of its categories"},
    {Reason::kCaveatNotAgreed, "caveat_not_agreed", "withheld: the agreement does not honour one of its caveats"},
    {Reason::kAboveCeiling, "above_ceiling", "withheld: it is above the ceiling of a member on probation"},
    {Reason::kNotReleasableTo, "not_releasable_to",
     "withheld: the object is releasable to named members, and this one is not among them"},
    {Reason::kNoNamedPerson, "no_named_person", "withheld: it is for named persons, and none of them is this member's"},
    {Reason::kThirdParty, "third_party",
     "withheld: it holds what a third member gave us, and the agreement with this member has no onward sharing"},
    {Reason::kNoConsent, "no_consent",
     "withheld: it holds what a third member gave us, and by the agreement with that one it is not passed on to this one"},
    {Reason::kOriginatorControl, "originator_control",
     "withheld: its originator controls who gets it and has not named this member"},
    {Reason::kSightingOfAnother, "sighting_of_another",
     "withheld: a sighting goes back to whoever gave what was sighted, and to nobody else"},
    {Reason::kNamesSighters, "names_sighters", "withheld: it says who saw it, and by the agreement that is not told"},
    {Reason::kWrongPurpose, "wrong_purpose", "withheld: the agreement is not for this purpose"},
    {Reason::kDenyClause, "deny_clause", "withheld: a clause of an agreement forbids it, whatever else is permitted"},
    {Reason::kOfAnExercise, "of_an_exercise",
     "withheld: it belongs to an exercise, and this collection is not that exercise's"},
    {Reason::kRefersToWithheld, "refers_to_withheld",
     "withheld: it refers to what the member may not have, and an id tells that it is there"},
    {Reason::kEnginesDiffer, "engines_differ",
     "withheld: the two engines of this node decide differently, which is a fault of the program; please report it"},
}};
static_assert([] {
  for (std::size_t i = 0; i < kWords.size(); ++i)
    if (kWords[i].reason != static_cast<Reason>(i)) return false;
  return true;
}());

}  // namespace

std::string_view to_string(Reason reason) { return kWords.at(static_cast<std::size_t>(reason)).word; }
std::string_view sentence(Reason reason) { return kWords.at(static_cast<std::size_t>(reason)).sentence; }
std::string_view to_string(Verdict verdict) { return kVerdicts.at(static_cast<std::size_t>(verdict)); }

std::string_view to_string(Role role) { return kRoles.at(static_cast<std::size_t>(role)); }
std::optional<Role> parse_role(std::string_view text) {
  const auto* found = std::ranges::find(kRoles, text);
  if (found == kRoles.end()) return std::nullopt;
  return static_cast<Role>(found - kRoles.begin());
}

std::string group_version(std::string_view group_id, std::uint64_t number, const std::set<MemberId>& members) {
  std::string text = "bongsu/group/v1\n" + std::string(group_id) + '\n' + std::to_string(number) + '\n';
  for (const MemberId& member : members) text += member + '\n';
  return to_hex(sha256(text)).substr(0, 32);
}

}  // namespace bongsu::policy
