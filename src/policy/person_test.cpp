#include "policy/person.h"

#include <gtest/gtest.h>

#include "policy/policy_test_support.h"

namespace bongsu::policy {
namespace {

using test::chance;
using test::random_label;
using test::some_of;

const std::array<std::string, 3> kNationsCaveats = {"nationals:lt", "nationals:se,fr", "nationals:"};

Person random_person(Random& random) {
  Person out{
      .member = test::pick(random, test::kMembers), .name = chance(random, 2) ? "olena" : "petro", .clearance = {}};
  out.clearance.rank = static_cast<ClassRank>(random.below(5));
  out.clearance.categories = some_of(random, test::kWords, 2);
  out.clearance.nationalities = some_of(random, test::kNations, 2);
  out.clearance.custodian = chance(random, 3);
  return out;
}

Label random_personal_label(Random& random) {
  Label label = random_label(random);
  if (chance(random, 4))
    label = join(label, [&] {
      Label more = bottom();
      more.caveats = {test::pick(random, kNationsCaveats)};
      return more;
    }());
  return label;
}

// The same, slowly: the label taken apart into what each item asks for, and each asked of the person by itself.
bool slow(const Label& label, const Person& person, const PolicyState& state) {
  std::vector<std::string> missing;
  const bool named = label.persons && label.persons->count(person.member + "/" + person.name) == 1;
  if (label.tlp == stix::Tlp::kRed && !named) missing.push_back("red");
  if (label.persons.has_value() && !named) missing.push_back("name");
  std::string nation;
  if (person.member == state.self)
    nation = state.own.nation;
  else if (state.members.contains(person.member))
    nation = state.members.at(person.member).nation;
  int asked = static_cast<int>(label.rank);
  bool understood = !label.unknown;
  for (const auto& mark : label.national) {
    bool found = false;
    for (const auto& [of, equivalence] : state.equivalences)
      for (const auto& [level, rank] : equivalence.levels) {
        if (of.first != mark.nation || of.second != mark.authority || level != mark.level) continue;
        for (const std::string& by : equivalence.accepted_by)
          if (by == "*" || (by == nation && nation != "")) found = true;
        if (nation == mark.nation && nation != "") found = true;
        asked = std::max(asked, static_cast<int>(rank));
      }
    if (!found) {
      understood = false;
      asked = 4;
    }
  }
  if (!understood && !person.clearance.custodian) missing.push_back("custodian");
  if (static_cast<int>(person.clearance.rank) < asked) missing.push_back("rank");
  for (const auto& category : label.categories)
    if (person.clearance.categories.count(category) == 0) missing.push_back(category);
  for (const std::string& caveat : label.caveats) {
    if (caveat.rfind("nationals:", 0) != 0) continue;
    const std::string list = "," + caveat.substr(10) + ",";
    bool any = false;
    for (const auto& mine : person.clearance.nationalities)
      any = any || list.find("," + mine + ",") != std::string::npos;
    if (!any) missing.push_back(caveat);
  }
  return missing.empty();
}

TEST(Person, AgreesWithASlowTwinAndNeverSeesWhatEitherOfTwoLabelsRefuses) {
  SeededRandom random{11};
  int seen = 0, hidden = 0;
  for (int i = 0; i < 20'000; ++i) {
    const PolicyState state = test::random_state(random);
    const Person person = random_person(random);
    const Label a = random_personal_label(random), b = random_personal_label(random);
    const bool sees_a = person_may_see(a, person, state);
    ASSERT_EQ(sees_a, slow(a, person, state)) << a.text() << " for " << person.text();
    const Label both = join(a, b);
    if (person_may_see(both, person, state))
      ASSERT_TRUE(sees_a && person_may_see(b, person, state)) << a.text() << " | " << b.text();
    (sees_a ? seen : hidden)++;
  }
  EXPECT_GT(seen, 500);
  EXPECT_GT(hidden, 500);
}

// Each rule by itself: what it hides, and what opens it.
TEST(Person, EveryRuleHidesByItself) {
  PolicyState state;
  state.self = "cert-lt";
  state.own.nation = "lt";
  state.equivalences[{"lt", Authority::kCivil}] = {.levels = {{"SLAPTAI", ClassRank::kSecret}}, .accepted_by = {}};
  const struct {
    const char* label;
    PersonalClearance enough, not_enough;
  } kRows[] = {
      {"clear class:secret", {.rank = ClassRank::kSecret}, {.rank = ClassRank::kConfidential}},
      {"clear national:lt/civil/SLAPTAI", {.rank = ClassRank::kSecret}, {.rank = ClassRank::kRestricted}},
      {"clear national:se/civil/HEMLIG",
       {.rank = ClassRank::kTopSecret, .custodian = true},
       {.rank = ClassRank::kTopSecret}},
      {"clear categories:alpha", {.categories = {"alpha"}}, {.rank = ClassRank::kTopSecret, .custodian = true}},
      {"clear unknown", {.custodian = true}, {.rank = ClassRank::kTopSecret}},
  };
  for (const auto& row : kRows) {
    const auto label = Label::parse(row.label);
    ASSERT_TRUE(label) << row.label << label.error().text();
    EXPECT_TRUE(person_may_see(*label, {"cert-lt", "olena", row.enough}, state)) << row.label;
    EXPECT_FALSE(person_may_see(*label, {"cert-lt", "olena", row.not_enough}, state)) << row.label;
  }
  Label nationals = bottom();
  nationals.caveats = {"nationals:lt,lv"};
  EXPECT_TRUE(person_may_see(nationals, {"cert-lt", "olena", {.nationalities = {"lv"}}}, state));
  EXPECT_FALSE(person_may_see(nationals, {"cert-lt", "olena", {.nationalities = {"l", "lt,lv", "ee"}}}, state));
}

TEST(Person, R5RedGoesToNamedPersonsOnlyAndWithoutNamesToNobody) {
  const PolicyState state{.self = "cert-lt"};
  const PersonalClearance all{
      .rank = ClassRank::kTopSecret, .categories = {"alpha"}, .nationalities = {}, .custodian = true};
  Label red = bottom();
  red.tlp = stix::Tlp::kRed;
  EXPECT_FALSE(person_may_see(red, {"cert-lt", "olena", all}, state));
  red.persons = {"cert-lt/olena"};
  EXPECT_TRUE(person_may_see(red, {"cert-lt", "olena", {}}, state));
  EXPECT_FALSE(person_may_see(red, {"cert-lt", "otto", all}, state)) << "R12: no role and no clearance is exempt";
  EXPECT_FALSE(person_may_see(red, {"cert-ua", "olena", all}, state)) << "another member's olena";
}

}  // namespace
}  // namespace bongsu::policy
