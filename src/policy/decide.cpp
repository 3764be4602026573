#include "policy/decide.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/hash.h"

namespace bongsu::policy {
namespace {

bool is_self(std::string_view member, const PolicyState& state) { return !member.empty() && member == state.self; }

const Agreement* agreement_of(const MemberId& member, const PolicyState& state) {
  const auto found = state.agreements.find(member);
  return found == state.agreements.end() ? nullptr : &found->second;
}

// Reasons against reading the collection, in the order of Reason.
void gate(std::vector<Reason>& out, std::string_view collection, const MemberId& member, const Agreement* agreement,
          const PolicyState& state, Instant now) {
  const auto standing = state.members.find(member);
  if (standing == state.members.end())
    out.push_back(Reason::kUnknownMember);
  else if (standing->second.stopped)
    out.push_back(Reason::kStopped);
  if (agreement == nullptr) {
    out.push_back(Reason::kNoAgreement);
    return;
  }
  if (agreement->valid_from && now < *agreement->valid_from) out.push_back(Reason::kNotYetValid);
  if (now >= agreement->valid_until) out.push_back(Reason::kExpired);
  if (std::ranges::find(agreement->collections, collection) == agreement->collections.end())
    out.push_back(Reason::kCollectionNotAgreed);
}

Decision finish(std::vector<Reason> against, std::uint64_t epoch) {
  Decision out;
  out.epoch = epoch;
  if (against.empty()) {
    out.verdict = Verdict::kRelease;
    out.reasons = {Reason::kAgreed};
  } else {
    out.reasons = std::move(against);
  }
  return out;
}

Decision own(const PolicyState& state) {
  return {.verdict = Verdict::kRelease, .reasons = {Reason::kOwn}, .epoch = state.epoch};
}

}  // namespace

namespace {
constexpr std::array<std::string_view, 3> kRoles = {"sponsoring-nation", "contributing-participant", "observer"};
}

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

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::kOwn:
      return "own";
    case Reason::kAgreed:
      return "agreed";
    case Reason::kUnknownMember:
      return "unknown_member";
    case Reason::kStopped:
      return "stopped";
    case Reason::kNoAgreement:
      return "no_agreement";
    case Reason::kNotYetValid:
      return "not_yet_valid";
    case Reason::kExpired:
      return "expired";
    case Reason::kCollectionNotAgreed:
      return "collection_not_agreed";
    case Reason::kTypeNotAgreed:
      return "type_not_agreed";
    case Reason::kUnknownMarking:
      return "unknown_marking";
    case Reason::kTlpRed:
      return "tlp_red";
    case Reason::kTlpTooHigh:
      return "tlp_too_high";
    case Reason::kNotReleasableTo:
      return "not_releasable_to";
    case Reason::kThirdParty:
      return "third_party";
    case Reason::kWrongPurpose:
      return "wrong_purpose";
  }
  return "unknown_marking";
}

std::string_view sentence(Reason reason) {
  switch (reason) {
    case Reason::kOwn:
      return "released: this node itself asks";
    case Reason::kAgreed:
      return "released: the agreement and the object's markings permit it";
    case Reason::kUnknownMember:
      return "withheld: no such member is paired with this node";
    case Reason::kStopped:
      return "withheld: release to this member was stopped by hand";
    case Reason::kNoAgreement:
      return "withheld: there is no agreement with this member";
    case Reason::kNotYetValid:
      return "withheld: the agreement has not begun";
    case Reason::kExpired:
      return "withheld: the agreement has ended";
    case Reason::kCollectionNotAgreed:
      return "withheld: the agreement does not name this collection";
    case Reason::kTypeNotAgreed:
      return "withheld: the agreement does not cover this type of object";
    case Reason::kUnknownMarking:
      return "withheld: a marking on the object is not understood here";
    case Reason::kTlpRed:
      return "withheld: TLP:RED goes to named persons only";
    case Reason::kTlpTooHigh:
      return "withheld: the object's TLP is above what the agreement allows";
    case Reason::kNotReleasableTo:
      return "withheld: the object is releasable to named members, and this one is not among them";
    case Reason::kThirdParty:
      return "withheld: it holds what a third member gave us, and the agreement has no onward sharing";
    case Reason::kWrongPurpose:
      return "withheld: it is marked for an exercise";
  }
  return "withheld";
}

Decision decide(const ObjectFacts& object, std::string_view member, Purpose purpose, const PolicyState& state,
                Instant now) {
  if (is_self(member, state)) return own(state);
  const MemberId id(member);
  const Agreement* agreement = agreement_of(id, state);
  const Label& label = object.label;

  std::vector<Reason> against;
  gate(against, object.collection, id, agreement, state, now);
  if (agreement != nullptr && object.type != "marking-definition" && !agreement->types.contains("*") &&
      !agreement->types.contains(object.type))
    against.push_back(Reason::kTypeNotAgreed);
  if (label.unknown) against.push_back(Reason::kUnknownMarking);
  if (label.tlp >= stix::Tlp::kRed)
    against.push_back(Reason::kTlpRed);
  else if (agreement != nullptr && label.tlp > agreement->highest_tlp)
    against.push_back(Reason::kTlpTooHigh);
  if (label.releasable_to && !label.releasable_to->contains(id)) against.push_back(Reason::kNotReleasableTo);
  if (agreement == nullptr || !agreement->onward) {
    const auto third = [&](const MemberId& giver) { return giver != state.self && giver != id; };
    if (third(object.origin) || std::ranges::any_of(label.reveals, third)) against.push_back(Reason::kThirdParty);
  }
  if (agreement == nullptr ? purpose != Purpose::kOperations : !agreement->purposes.contains(purpose))
    against.push_back(Reason::kWrongPurpose);
  return finish(std::move(against), state.epoch);
}

Decision may_read(std::string_view collection, std::string_view member, const PolicyState& state, Instant now) {
  if (is_self(member, state)) return own(state);
  const MemberId id(member);
  std::vector<Reason> against;
  gate(against, collection, id, agreement_of(id, state), state, now);
  return finish(std::move(against), state.epoch);
}

}  // namespace bongsu::policy
