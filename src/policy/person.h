// The last part of a decision: may this person have what the member holds? Members get objects; people look at them.
//
//   policy::Person olena{.member = "cert-lt", .name = "olena", .clearance = {.rank = ClassRank::kSecret}};
//   if (policy::person_may_see(label, olena, state)) …
//
// What a member may have is decide()'s; this narrows it and never widens it. Roles don't come in: an administrator
// without the clearance does not see it.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "policy/decide.h"

namespace bongsu::policy {

struct PersonalClearance {
  ClassRank rank = ClassRank::kUnclassified;
  std::set<std::string> categories;     // compartments
  std::set<std::string> nationalities;  // "lt": ISO 3166-1 alpha-2, lower case
  // Appointed to look at what this node does not understand: unknown markings, and national levels without an
  // equivalence, which count as top secret.
  bool custodian = false;
  bool operator==(const PersonalClearance&) const = default;
};

struct Person {
  MemberId member;
  std::string name;  // as in "cert-lt/olena" without the member
  PersonalClearance clearance;
  std::string text() const { return member + '/' + name; }
  bool operator==(const Person&) const = default;
};

// A caveat that begins so names the nationalities of which a reader has to have one: "nationals:lt,lv". (Agreements
// honour it as a word, like every caveat.)
inline constexpr std::string_view kNationalsCaveat = "nationals:";

// May this person see what the label marks, where the person's member may have it? Pure and total:
//
//   it is one of the persons that the label names, where it names any, and TLP:RED goes to named persons only: RED that
//   names nobody is for nobody (admission names who brought it in); the classification, national marks mapped for this
//   member's nation, is not above the clearance, which holds all categories; one of the nationalities that a caveat
//   asks for; what is not understood is for custodians.
//
// A label that was joined with another goes to nobody whom either of the two refuses.
bool person_may_see(const Label& label, const Person& person, const PolicyState& state);

}  // namespace bongsu::policy
