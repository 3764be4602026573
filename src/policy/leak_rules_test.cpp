// One test for each rule by which systems of this kind have leaked, named for it. Each fails when its rule is switched
// off (tests/mutation). The rules are asked of decide() and of the compiled policy alike.
#include <gtest/gtest.h>

#include "policy/compiled_policy.h"
#include "policy/decide.h"
#include "policy/policy_test_support.h"

namespace bongsu::policy {
namespace {

using stix::Tlp;

constexpr Instant kNow{100, 0};
const std::string kGroup = "6f0e1b3c-520d-4a7d-9a3e-8e415bd27710";

// Three members, every agreement generous: what is denied is denied by the rule at hand.
PolicyState world() {
  PolicyState state;
  state.self = "cert-self";
  state.epoch = 7;
  state.charter_version = 3;
  state.own.communities = {"baltic"};
  for (const char* member : {"cert-a", "cert-b", "cert-c"}) {
    MemberStanding& standing = state.members[member];
    standing.nation = member[5] == 'a' ? "se" : member[5] == 'b' ? "lt" : "fr";
    standing.kind = Authority::kMilitary;
    standing.clearance = {ClassRank::kTopSecret, {"CRYPTO"}};
    standing.communities = {"baltic"};
    Agreement& a = state.agreements[member];
    a.partner = member;
    a.id = std::string("agreement-") + member;
    a.version = 2;
    a.collections = {"c1"};
    a.highest_tlp = Tlp::kAmberStrict;
    a.types = {"*"};
    a.valid_until = {200, 0};
    a.onward = true;
    a.purposes = {Purpose::kOperations, Purpose::kExercise, Purpose::kCrisis};
    a.highest_class = ClassRank::kTopSecret;
    a.categories = {"CRYPTO"};
    a.caveats = {"EYES"};
    a.red_to_persons = true;
  }
  using R = ClassRank;
  state.equivalences[{"se", Authority::kMilitary}] = {
      {{"HEMLIG/RESTRICTED", R::kRestricted}, {"HEMLIG/SECRET", R::kSecret}, {"HEMLIG/TOP SECRET", R::kTopSecret}},
      {"lt"}};
  state.equivalences[{"se", Authority::kCivil}] = {{{"HEMLIG", R::kSecret}}, {"lt"}};
  state.equivalences[{"lt", Authority::kMilitary}] = {
      {{"RIBOTO NAUDOJIMO", R::kRestricted}, {"SLAPTAI", R::kSecret}, {"VISISKAI SLAPTAI", R::kTopSecret}}, {"fr"}};
  state.equivalences[{"fr", Authority::kMilitary}] = {{{"SECRET", R::kSecret}, {"TRES SECRET", R::kTopSecret}}, {"*"}};
  return state;
}

ObjectFacts facts(Label label = bottom()) {
  return {.object_id = "indicator--x",
          .type = "indicator",
          .collection = "c1",
          .origin = "cert-self",
          .label = std::move(label)};
}

// Both engines; they have to say the same.
Decision ask(const ObjectFacts& f, std::string_view member, const PolicyState& state = world(), Instant now = kNow,
             Purpose purpose = Purpose::kOperations) {
  const Decision d = decide(f, member, purpose, state, now);
  const CompiledPolicy policy(state);
  for (std::uint32_t m = 0; m < policy.members().size(); ++m)
    if (policy.members()[m] == member) {
      const CompiledDecision compiled = policy.decide(policy.compile(f), m, purpose, now);
      EXPECT_EQ(compiled.verdict, d.verdict);
      EXPECT_EQ(reasons_of(compiled), d.reasons);
    }
  return d;
}
std::vector<Reason> why(const ObjectFacts& f, std::string_view member, const PolicyState& state = world(),
                        Instant now = kNow) {
  return ask(f, member, state, now).reasons;
}
const std::vector<Reason> kYes{Reason::kAgreed};

Label with(const std::function<void(Label&)>& change) {
  Label label = bottom();
  change(label);
  return label;
}

TEST(LeakRules, R1_WhatIsNotUnderstoodDenies) {
  EXPECT_EQ(why(facts(), "cert-a"), kYes);
  EXPECT_EQ(why(facts(with([](Label& l) { l.unknown = true; })), "cert-a"), std::vector{Reason::kUnknownMarking});
  MarkingMeaning meaning = meaning_of(*parse_json(R"({"type":"marking-definition","definition_type":"acme"})"));
  EXPECT_TRUE(meaning.label.unknown);
}

TEST(LeakRules, R2_AllMarkingsHaveToBeSatisfiedNotAny) {
  const Label a = with([](Label& l) { l.releasable_to = std::set<MemberId>{"cert-a", "cert-b"}; });
  const Label b = with([](Label& l) { l.releasable_to = std::set<MemberId>{"cert-b", "cert-c"}; });
  EXPECT_EQ(why(facts(join(a, b)), "cert-a"), std::vector{Reason::kNotReleasableTo});
  EXPECT_EQ(why(facts(join(a, b)), "cert-b"), kYes);
}

TEST(LeakRules, R3_TwoTlpLevelsAreJoined) {
  const Label amber = with([](Label& l) { l.tlp = Tlp::kAmber; });
  const Label red = with([](Label& l) { l.tlp = Tlp::kRed; });
  EXPECT_EQ(join(amber, red).tlp, Tlp::kRed);
  EXPECT_EQ(why(facts(join(red, amber)), "cert-a"), std::vector{Reason::kTlpRed});
}

TEST(LeakRules, R4_Tlp1AmberIsStrictUnlessItsGiversAgreementSaysOtherwise) {
  PolicyState state = world();
  state.agreements["cert-a"].highest_tlp = Tlp::kAmber;
  state.agreements["cert-b"].passes_on = std::set<MemberId>{"cert-a"};
  ObjectFacts f = facts(with([](Label& l) {
    l.tlp = Tlp::kAmberStrict;
    l.tlp1_amber = true;
  }));
  f.origin = "cert-b";
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kTlpTooHigh});
  state.agreements["cert-b"].tlp1_amber_is_amber = true;
  EXPECT_EQ(why(f, "cert-a", state), kYes);
  f.label.reveals = {"cert-c"};  // who has not said so
  state.agreements["cert-c"].passes_on = std::set<MemberId>{"cert-a"};
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kTlpTooHigh});
}

TEST(LeakRules, R5_RedGoesToNamedPersonsOnly) {
  Label red = with([](Label& l) { l.tlp = Tlp::kRed; });
  EXPECT_EQ(why(facts(red), "cert-a"), std::vector{Reason::kTlpRed});
  red.persons = std::set<std::string>{"cert-a/olena", "cert-b/jonas"};
  const Decision d = ask(facts(red), "cert-a");
  EXPECT_EQ(d.reasons, kYes);
  EXPECT_EQ(d.persons, std::set<std::string>{"cert-a/olena"});
  EXPECT_EQ(why(facts(red), "cert-c"), std::vector{Reason::kTlpRed});
  // Persons that something else names are not RED's.
  EXPECT_EQ(why(facts(join(with([](Label& l) { l.tlp = Tlp::kRed; }),
                           with([](Label& l) { l.persons = std::set<std::string>{"cert-a/olena"}; }))),
                "cert-a"),
            std::vector{Reason::kTlpRed});
  PolicyState state = world();
  state.agreements["cert-a"].red_to_persons = false;
  EXPECT_EQ(why(facts(red), "cert-a", state), std::vector{Reason::kTlpRed});
}

TEST(LeakRules, R5_GreenStaysInTheCommunityThatTheCharterNames) {
  PolicyState state = world();
  state.members["cert-c"].communities = {"other"};
  const Label green = with([](Label& l) { l.tlp = Tlp::kGreen; });
  EXPECT_EQ(why(facts(green), "cert-a", state), kYes);
  EXPECT_EQ(why(facts(green), "cert-c", state), std::vector{Reason::kOutsideCommunity});
  EXPECT_EQ(why(facts(), "cert-c", state), kYes) << "CLEAR is for any";
  state.agreements["cert-a"].communities = std::set<std::string>{};
  EXPECT_EQ(why(facts(green), "cert-a", state), std::vector{Reason::kOutsideCommunity}) << "an empty set is nobody";
}

TEST(LeakRules, R5_AmberIsPassedOnOnlyToMembersThatItsGiverNamed) {
  PolicyState state = world();
  state.agreements["cert-b"].passes_on = std::set<MemberId>{"*"};
  ObjectFacts f = facts(with([](Label& l) { l.tlp = Tlp::kGreen; }));
  f.origin = "cert-b";
  EXPECT_EQ(why(f, "cert-a", state), kYes);
  f.label.tlp = Tlp::kAmber;
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kNoConsent});
  state.agreements["cert-b"].passes_on.insert("cert-a");
  EXPECT_EQ(why(f, "cert-a", state), kYes);
}

TEST(LeakRules, R6_EquivalenceIsPerNationAndKindOfAuthorityAndNeverComposed) {
  const auto marked = [](std::string nation, Authority kind, std::string level) {
    return facts(with([&](Label& l) { l.national = {{nation, kind, level}}; }));
  };
  EXPECT_EQ(why(marked("se", Authority::kMilitary, "HEMLIG/SECRET"), "cert-b"), kYes);
  EXPECT_EQ(why(marked("se", Authority::kCivil, "HEMLIG/SECRET"), "cert-b"), std::vector{Reason::kNoEquivalence})
      << "another kind of authority writes other levels";
  // se agreed with lt, lt agreed with fr; that is no agreement of se with fr.
  EXPECT_EQ(why(marked("lt", Authority::kMilitary, "SLAPTAI"), "cert-c"), kYes);
  EXPECT_EQ(why(marked("se", Authority::kMilitary, "HEMLIG/SECRET"), "cert-c"), std::vector{Reason::kNoEquivalence});
  EXPECT_EQ(why(marked("xx", Authority::kMilitary, "SECRET"), "cert-c"), std::vector{Reason::kNoEquivalence});
  // The mapped rank counts, whatever lower rank the marking says beside it.
  PolicyState state = world();
  state.members["cert-b"].clearance.rank = ClassRank::kConfidential;
  ObjectFacts f = marked("se", Authority::kMilitary, "HEMLIG/SECRET");
  f.label.rank = ClassRank::kRestricted;
  EXPECT_EQ(why(f, "cert-b", state), std::vector{Reason::kNotCleared});
  state = world();
  state.agreements["cert-b"].highest_class = ClassRank::kConfidential;
  EXPECT_EQ(why(f, "cert-b", state), std::vector{Reason::kClassTooHigh});
  // Who has no level that protects it as well cannot be given it.
  state = world();
  state.equivalences[{"lt", Authority::kMilitary}].levels = {{"RIBOTO NAUDOJIMO", ClassRank::kRestricted}};
  EXPECT_EQ(why(f, "cert-b", state), std::vector{Reason::kNoEquivalence});
}

TEST(LeakRules, R6_ThereAndBackNeverLowers) {
  SeededRandom random(3);
  int mapped = 0;
  for (int i = 0; i < 5'000; ++i) {
    Equivalences rows;
    for (const char* nation : {"se", "lt"})
      for (const char* level : {"A", "B", "C", "D"})
        if (!test::chance(random, 4))
          rows[{nation, Authority::kCivil}].levels[level] = static_cast<ClassRank>(random.below(5));
    for (auto& [_, row] : rows) row.accepted_by = {"se", "lt"};
    for (const char* level : {"A", "B", "C", "D"}) {
      const NationalMark x{"se", Authority::kCivil, level};
      const auto there = equivalent(x, "lt", Authority::kCivil, rows);
      if (!there) continue;
      const auto rank = [&](const NationalMark& m) { return rows.at({m.nation, m.authority}).levels.at(m.level); };
      EXPECT_GE(rank(*there), rank(x));
      if (const auto back = equivalent(*there, "se", Authority::kCivil, rows)) {
        EXPECT_GE(rank(*back), rank(x));
        ++mapped;
      }
    }
  }
  EXPECT_GT(mapped, 1'000);
  EXPECT_FALSE(
      equivalent({"se", Authority::kMilitary, "HEMLIG/SECRET"}, "fr", Authority::kMilitary, world().equivalences))
      << "not through a third";
}

TEST(LeakRules, R7_AGroupIsWhoWasInItThenAndIsNow) {
  PolicyState state = world();
  Group& group = state.groups[kGroup];
  group.versions = {{"v1", {"cert-a", "cert-b"}}, {"v2", {"cert-b", "cert-c"}}};
  group.current = "v2";
  const ObjectFacts f = facts(with([](Label& l) { l.clauses = {{{}, {{kGroup, "v1"}}}}; }));
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kNotReleasableTo}) << "left since";
  EXPECT_EQ(why(f, "cert-b", state), kYes);
  EXPECT_EQ(why(f, "cert-c", state), std::vector{Reason::kNotReleasableTo}) << "joined later";
  group.current.clear();
  EXPECT_EQ(why(f, "cert-b", state), std::vector{Reason::kNotReleasableTo}) << "the group is no more";
}

TEST(LeakRules, R8_OnwardNeedsTheOriginatorsConsentWhateverTheRecipientsAgreementSays) {
  PolicyState state = world();
  ObjectFacts f = facts(with([](Label& l) { l.releasable_to = std::set<MemberId>{"cert-a"}; }));
  f.origin = "cert-b";
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kNoConsent});
  state.agreements["cert-b"].passes_on = std::set<MemberId>{"cert-a"};
  EXPECT_EQ(why(f, "cert-a", state), kYes);
  state.agreements["cert-a"].onward = false;
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kThirdParty});
  f.origin = "cert-self";
  f.label.reveals = {"cert-b"};
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kThirdParty}) << "an id of it is its information";
}

TEST(LeakRules, R8_OnwardNeedsConsentWithoutACharterToo) {
  PolicyState state = world();
  state.charter_version = 0;
  ObjectFacts f = facts(with([](Label& l) { l.tlp = Tlp::kGreen; }));
  f.origin = "cert-b";
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kNoConsent}) << "an agreement that says nothing says no";
  EXPECT_EQ(ask(f, "cert-a", state).no_consent_of, std::set<MemberId>{"cert-b"});
  state.agreements["cert-b"].passes_on = {"cert-c"};
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kNoConsent}) << "consent for another";
  state.agreements["cert-b"].passes_on = {"cert-a"};
  EXPECT_EQ(why(f, "cert-a", state), kYes);
  EXPECT_TRUE(ask(f, "cert-a", state).no_consent_of.empty());
  state.agreements["cert-a"].onward = false;
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kThirdParty}) << "one yes of two";
  state.agreements["cert-a"].onward = true;
  f.label.reveals = {"cert-c"};
  EXPECT_EQ(ask(f, "cert-a", state).no_consent_of, std::set<MemberId>{"cert-c"}) << "each giver has to consent";
  state.agreements.erase("cert-c");
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kNoConsent}) << "no agreement is no consent";
  f.label.reveals = {"cert-a"};
  EXPECT_EQ(why(f, "cert-a", state), kYes) << "its own is no third member's";
}

TEST(LeakRules, R8_OriginatorControlWantsTheMemberNamed) {
  PolicyState state = world();
  state.agreements["cert-b"].passes_on = std::set<MemberId>{"*"};
  ObjectFacts f = facts(with([](Label& l) { l.originator_controlled = true; }));
  EXPECT_EQ(why(f, "cert-a", state), kYes) << "we are the originator";
  f.origin = "cert-b";
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kOriginatorControl});
  state.agreements["cert-b"].passes_on.insert("cert-a");
  EXPECT_EQ(why(f, "cert-a", state), kYes);
}

TEST(LeakRules, Exercise_ADrillStaysInItsOwnCollections) {
  const std::string drill = "0e0e1b3c-520d-4a7d-9a3e-8e415bd27710", other = "0e0e1b3c-520d-4a7d-9a3e-8e415bd27711";
  const ObjectFacts of_drill = facts(with([&](Label& l) { l.exercises = {drill}; }));
  const ObjectFacts of_both = facts(with([&](Label& l) { l.exercises = {drill, other}; }));
  PolicyState state = world();
  EXPECT_EQ(why(of_drill, "cert-a", state), std::vector{Reason::kOfAnExercise}) << "into a live collection";
  state.exercises["c1"] = drill;
  EXPECT_EQ(why(of_drill, "cert-a", state), kYes);
  EXPECT_EQ(why(of_both, "cert-a", state), std::vector{Reason::kOfAnExercise});
  state.exercises["c1"] = other;
  EXPECT_EQ(why(of_drill, "cert-a", state), std::vector{Reason::kOfAnExercise}) << "into another drill's";
  // A part of it that names a drill makes the whole a drill's: it is not left out and the rest live.
  ObjectFacts in_part = facts();
  const Label own = in_part.label;
  LabelPart part{.selectors = {"name"}, .label = with([&](Label& l) { l.exercises = {drill}; })};
  in_part.label = join(own, part.label);
  in_part.label.redact = {"name"};
  in_part.label.parts = {{.selectors = {}, .label = own}, part};
  in_part.can_redact = true;
  EXPECT_EQ(why(in_part, "cert-a", world()), std::vector{Reason::kOfAnExercise});
}

TEST(LeakRules, Exercise_ItsCollectionsAreForThePurposeOfExercisesAlone) {
  PolicyState state = world();
  state.exercises["c1"] = "0e0e1b3c-520d-4a7d-9a3e-8e415bd27710";
  state.agreements["cert-a"].purposes = {Purpose::kOperations, Purpose::kCrisis};
  EXPECT_EQ(why(facts(), "cert-a", state), std::vector{Reason::kWrongPurpose});
  state.agreements["cert-a"].purposes = {Purpose::kExercise};
  EXPECT_EQ(why(facts(), "cert-a", state), kYes) << "whatever purpose is asked for";
}

TEST(LeakRules, R9_EmptySetIsNobody) {
  EXPECT_EQ(why(facts(with([](Label& l) { l.releasable_to.emplace(); })), "cert-a"),
            std::vector{Reason::kNotReleasableTo});
  EXPECT_EQ(why(facts(with([](Label& l) { l.persons.emplace(); })), "cert-a"), std::vector{Reason::kNoNamedPerson});
  EXPECT_EQ(why(facts(with([](Label& l) { l.clauses = {{{}, {{kGroup, "v"}}}}; })), "cert-a"),
            std::vector{Reason::kNotReleasableTo})
      << "an unknown group is nobody";
  PolicyState state = world();
  state.groups[kGroup] = {"", "v", {{"v", {}}}};
  EXPECT_EQ(why(facts(with([](Label& l) { l.clauses = {{{}, {{kGroup, "v"}}}}; })), "cert-a", state),
            std::vector{Reason::kNotReleasableTo});
  for (const auto& empty : std::vector<std::function<void(Agreement&)>>{
           [](Agreement& a) { a.collections.clear(); }, [](Agreement& a) { a.types.clear(); },
           [](Agreement& a) { a.purposes.clear(); }, [](Agreement& a) { a.sectors.emplace(); }}) {
    state = world();
    empty(state.agreements["cert-a"]);
    EXPECT_EQ(ask(facts(), "cert-a", state).verdict, Verdict::kWithhold);
  }
}

TEST(LeakRules, R10_GroupsAreUuidAndVersionNeverALocalName) {
  PolicyState state = world();
  state.groups[kGroup] = {"NATO", "v1", {{"v1", {"cert-a"}}}};
  EXPECT_EQ(why(facts(with([](Label& l) { l.clauses = {{{}, {{"NATO", "v1"}}}}; })), "cert-a", state),
            std::vector{Reason::kNotReleasableTo});
  EXPECT_FALSE(Label::parse("green groups:NATO@00112233445566778899aabbccddeeff"));
  EXPECT_FALSE(Label::parse("green groups:7@1"));
  EXPECT_NE(group_version(kGroup, 1, {"cert-a"}), group_version(kGroup, 1, {"cert-a", "cert-b"}));
  EXPECT_NE(group_version(kGroup, 1, {"cert-a"}), group_version(kGroup, 2, {"cert-a"}));
}

TEST(LeakRules, R11_AContainerCapsItsContents) {
  const Label container = with([](Label& l) { l.tlp = Tlp::kRed; });
  const Label part = with([](Label& l) { l.tlp = Tlp::kClear; });
  EXPECT_EQ(why(facts(join(container, part)), "cert-a"), std::vector{Reason::kTlpRed});
}

TEST(LeakRules, R12_NoNameRoleOrKindIsExempt) {
  PolicyState state = world();
  Label red = with([](Label& l) { l.tlp = Tlp::kRed; });
  for (const char* name : {"admin", "sync", "root", "*", "", "cert-self ", "operator"})
    EXPECT_EQ(decide(facts(), name, Purpose::kOperations, state, kNow).verdict, Verdict::kWithhold) << name;
  for (const Role role : {Role::kSponsoringNation, Role::kContributingParticipant, Role::kObserver}) {
    for (const Authority kind : {Authority::kCivil, Authority::kMilitary, Authority::kOperator}) {
      state.members["cert-a"].role = role;
      state.members["cert-a"].kind = kind;
      EXPECT_EQ(why(facts(red), "cert-a", state), std::vector{Reason::kTlpRed});
    }
  }
  state.members["cert-a"].ceiling = Ceiling{};
  EXPECT_EQ(why(facts(with([](Label& l) { l.tlp = Tlp::kAmber; })), "cert-a", state),
            std::vector{Reason::kAboveCeiling});
}

TEST(LeakRules, D1_WhatIsDerivedIsTheJoinOfAllInputs) {
  const Label inputs[] = {with([](Label& l) { l.categories = {"CRYPTO"}; }),
                          with([](Label& l) { l.caveats = {"EYES"}; }),
                          with([](Label& l) { l.releasable_to = std::set<MemberId>{"cert-b"}; })};
  const Label derived = join(inputs);
  for (const Label& input : inputs) EXPECT_TRUE(at_most(input, derived));
  PolicyState state = world();
  EXPECT_EQ(why(facts(derived), "cert-b", state), kYes);
  EXPECT_EQ(why(facts(derived), "cert-a", state), std::vector{Reason::kNotReleasableTo});
  state.members["cert-b"].clearance.categories.clear();
  EXPECT_EQ(why(facts(derived), "cert-b", state), std::vector{Reason::kCategoryNotHeld});
  state = world();
  state.agreements["cert-b"].categories.clear();
  EXPECT_EQ(why(facts(derived), "cert-b", state), std::vector{Reason::kCategoryNotAgreed});
  state = world();
  state.agreements["cert-b"].caveats.clear();
  EXPECT_EQ(why(facts(derived), "cert-b", state), std::vector{Reason::kCaveatNotAgreed});
}

TEST(LeakRules, D2_ARelationIsTheJoinOfItselfAndBothEnds) {
  SeededRandom random(4);
  for (int i = 0; i < 3'000; ++i) {
    const PolicyState state = test::random_state(random);
    ObjectFacts own = test::mild_facts(random), source = own, target = own, relation = own;
    own.label = whole(own.label);
    source.label = whole(test::mild_facts(random).label);
    target.label = whole(test::mild_facts(random).label);
    relation.label = join(own.label, join(source.label, target.label));
    for (const auto& member : test::kMembers) {
      if (decide(relation, member, Purpose::kOperations, state, {12, 0}).verdict == Verdict::kWithhold) continue;
      for (const auto* end : {&own, &source, &target})
        ASSERT_NE(decide(*end, member, Purpose::kOperations, state, {12, 0}).verdict, Verdict::kWithhold);
    }
  }
}

TEST(LeakRules, D3_AReferenceGoesWhereWhatItNamesMayGo) {
  ObjectFacts f = facts();
  f.targets = {{.type = "malware", .collections = {"c1"}}};
  EXPECT_EQ(why(f, "cert-a"), kYes);
  f.targets = {{.type = "malware", .collections = {"private"}}};
  EXPECT_EQ(why(f, "cert-a"), std::vector{Reason::kRefersToWithheld});
  PolicyState state = world();
  state.agreements["cert-a"].collections.push_back("private");
  EXPECT_EQ(why(f, "cert-a", state), kYes) << "another collection that the member may read";
  state = world();
  state.further["cert-a"] = {state.agreements["cert-a"]};
  state.further["cert-a"].front().collections = {"private"};
  EXPECT_EQ(why(f, "cert-a", state), kYes) << "by another agreement";
  state.further["cert-a"].front().valid_until = kNow;
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kRefersToWithheld}) << "that is over";
  f.targets = {{.type = "malware", .collections = {"c1", "private"}}};
  EXPECT_EQ(why(f, "cert-a"), kYes) << "in one of them";
  f.targets = {{.type = "malware", .collections = {"c1"}}, {.type = "malware", .collections = {"private"}}};
  EXPECT_EQ(why(f, "cert-a"), std::vector{Reason::kRefersToWithheld}) << "all of them, not any";
  f.targets = {{.type = "malware", .collections = {"private"}, .givers = {"cert-a"}}};
  EXPECT_EQ(why(f, "cert-a"), kYes) << "whoever gave it knows";
  EXPECT_EQ(why(f, "cert-b"), std::vector{Reason::kRefersToWithheld});
}

TEST(LeakRules, D3_ADrillsTargetsAreForItsPurpose) {
  PolicyState state = world();
  state.exercises["drill"] = "0e0e1b3c-520d-4a7d-9a3e-8e415bd27710";
  state.agreements["cert-a"].collections = {"c1", "drill"};
  ObjectFacts f = facts();
  f.collection = "drill";
  f.targets = {{.type = "malware", .collections = {"c1"}}};
  EXPECT_EQ(why(f, "cert-a", state), kYes);
  state.agreements["cert-a"].purposes = {Purpose::kExercise};
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kRefersToWithheld}) << "what is live is not for exercises";
}

TEST(LeakRules, D4_WhatIsOfAnotherTypeSectorOrDeniedIsNotNamedEither) {
  PolicyState state = world();
  state.agreements["cert-a"].types = {"indicator", "observed-data"};
  ObjectFacts f = facts();
  f.type = "observed-data";
  f.targets = {{.type = "ipv4-addr", .collections = {"c1"}}};
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kRefersToWithheld});
  f.targets = {{.type = "ipv4-addr"}};
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kRefersToWithheld}) << "the id says the type of what is unknown";
  EXPECT_EQ(why(f, "cert-b", state), kYes);

  state = world();
  state.agreements["cert-a"].sectors = std::set<std::string>{"energy"};
  f = facts();
  f.sectors = {"energy"};
  f.targets = {{.type = "malware", .collections = {"c1"}, .sectors = {"health"}}};
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kRefersToWithheld});
  f.targets = {{.type = "malware", .collections = {"c1"}, .sectors = {"energy", "health"}}};
  EXPECT_EQ(why(f, "cert-a", state), kYes);

  state = world();
  state.agreements["cert-a"].denies = {{.types = std::set<std::string>{"malware"}}};
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kRefersToWithheld});
}

TEST(LeakRules, D6_WhoSawItIsNotAskedForWhereItIsLeftOut) {
  ObjectFacts f = facts();
  f.type = "sighting";
  f.names_sighters = f.can_redact = true;
  f.targets = {{.type = "identity", .collections = {"private"}, .sighter = true}};
  EXPECT_EQ(ask(f, "cert-a").verdict, Verdict::kRedact);
  PolicyState state = world();
  state.agreements["cert-a"].anonymise_sightings = false;
  EXPECT_EQ(why(f, "cert-a", state), std::vector{Reason::kRefersToWithheld}) << "it stands in what is sent";
}

TEST(LeakRules, D6_SightingsFlowBackAndSayNotWhoSaw) {
  ObjectFacts f = facts();
  f.type = "sighting";
  f.sighting_of = "cert-a";
  EXPECT_EQ(why(f, "cert-a"), kYes);
  EXPECT_EQ(why(f, "cert-b"), std::vector{Reason::kSightingOfAnother});
  f.names_sighters = true;
  EXPECT_EQ(why(f, "cert-a"), std::vector{Reason::kNamesSighters});
  f.can_redact = true;
  const Decision d = ask(f, "cert-a");
  EXPECT_EQ(d.verdict, Verdict::kRedact);
  EXPECT_EQ(d.redact, std::vector<std::string>{"where_sighted_refs"});
  PolicyState state = world();
  state.agreements["cert-a"].anonymise_sightings = false;
  EXPECT_EQ(why(f, "cert-a", state), kYes);
}

TEST(LeakRules, D6_WhoMadeASightingIsHiddenWithIt) {
  ObjectFacts f = facts();
  f.type = "sighting";
  f.can_redact = true;
  f.sighted_by = "cert-b";
  EXPECT_EQ(why(f, "cert-a"), std::vector{Reason::kNamesSighters});
  EXPECT_EQ(why(f, "cert-b"), kYes) << "who made it knows";
  f.sighted_by = "";
  EXPECT_EQ(why(f, "cert-a"), std::vector{Reason::kNamesSighters}) << "somebody behind this node";
  PolicyState state = world();
  state.agreements["cert-a"].anonymise_sightings = false;
  EXPECT_EQ(why(f, "cert-a", state), kYes);
  f.sighted_by.reset();
  EXPECT_EQ(why(f, "cert-a"), kYes) << "made by this node, whose sighting it is anyway";
}

ObjectFacts object_with_parts() {
  ObjectFacts f = facts();
  Label own = bottom();
  f.label = own;
  for (const auto& [selector, label] :
       {std::pair{"name", with([](Label& l) { l.tlp = Tlp::kRed; })},
        {"labels.[1]", with([](Label& l) { l.releasable_to = std::set<MemberId>{"cert-b"}; })}}) {
    Label one = join(own, label);
    one.redact = {selector};
    one.parts = {{{}, own}, {{selector}, label}};
    f.label = join(f.label, one);
  }
  return f;
}

TEST(LeakRules, G2_APartIsItsMarkingsAndTheObjectsTogether) {
  ObjectFacts f = object_with_parts();
  EXPECT_EQ(ask(f, "cert-a").verdict, Verdict::kWithhold) << "the caller cannot redact";
  f.can_redact = true;
  const Decision a = ask(f, "cert-a"), b = ask(f, "cert-b");
  EXPECT_EQ(a.verdict, Verdict::kRedact);
  EXPECT_EQ(a.redact, (std::vector<std::string>{"labels.[1]", "name"}));
  EXPECT_EQ(a.reasons, (std::vector{Reason::kAgreedInPart, Reason::kTlpRed, Reason::kNotReleasableTo}));
  EXPECT_EQ(b.redact, std::vector<std::string>{"name"});
  // The object's own label holds for every part: where it refuses, no part is released.
  f.label = join(f.label, with([](Label& l) { l.tlp = Tlp::kRed; }));
  EXPECT_EQ(ask(f, "cert-b").verdict, Verdict::kWithhold);
}

TEST(LeakRules, V7_DecisionsCarryWhatTheyWereMadeByAndAreStaleWhenItChanged) {
  PolicyState state = world();
  const Decision d = ask(facts(), "cert-a", state);
  EXPECT_EQ(d.versions, (DecisionVersions{7, 3, "agreement-cert-a", 2}));
  EXPECT_TRUE(is_current(d, state));
  ++state.epoch;
  EXPECT_FALSE(is_current(d, state));
  state = world();
  ++state.charter_version;
  EXPECT_FALSE(is_current(d, state));
  // A removed member gets nothing, whatever agreement is left.
  state.members.erase("cert-a");
  EXPECT_EQ(why(facts(), "cert-a", state), std::vector{Reason::kUnknownMember});
}

TEST(LeakRules, V10_WhereTheEnginesDifferNothingGoes) {
  const PolicyState state = world();
  const CompiledPolicy policy(state);
  const Decision plain = decide(facts(), "cert-a", Purpose::kOperations, state, kNow);
  CompiledDecision compiled = policy.decide(policy.compile(facts()), 0, Purpose::kOperations, kNow);
  EXPECT_EQ(if_both_say_so(plain, compiled, facts()).reasons, kYes);
  compiled.verdict = Verdict::kWithhold;
  compiled.reasons = std::uint64_t{1} << static_cast<unsigned>(Reason::kTlpTooHigh);
  const Decision withheld = if_both_say_so(plain, compiled, facts());
  EXPECT_EQ(withheld.verdict, Verdict::kWithhold);
  EXPECT_EQ(withheld.reasons, std::vector{Reason::kEnginesDiffer});
  EXPECT_EQ(withheld.epoch, plain.epoch);
  // Likewise where both release and leave out something else, or withhold for other reasons.
  compiled = policy.decide(policy.compile(facts()), 0, Purpose::kOperations, kNow);
  compiled.without_sighters = true;
  EXPECT_EQ(if_both_say_so(plain, compiled, facts()).reasons, std::vector{Reason::kEnginesDiffer});
  ObjectFacts red = facts({.tlp = Tlp::kRed});
  const Decision no = decide(red, "cert-a", Purpose::kOperations, state, kNow);
  compiled = policy.decide(policy.compile(red), 0, Purpose::kOperations, kNow);
  EXPECT_EQ(if_both_say_so(no, compiled, red).reasons, no.reasons);
  compiled.reasons |= std::uint64_t{1} << static_cast<unsigned>(Reason::kStopped);
  EXPECT_EQ(if_both_say_so(no, compiled, red).reasons, std::vector{Reason::kEnginesDiffer});
}

TEST(LeakRules, V8_UnknownTimeAndExpiryDeny) {
  EXPECT_EQ(why(facts(), "cert-a", world(), kUnknownTime), std::vector{Reason::kTimeUnknown});
  const ObjectFacts f = facts(with([](Label& l) { l.expires = Instant{150, 0}; }));
  EXPECT_EQ(why(f, "cert-a", world(), {149, 999'999'999}), kYes);
  EXPECT_EQ(why(f, "cert-a", world(), {150, 0}), std::vector{Reason::kLabelExpired});
  EXPECT_EQ(why(facts(), "cert-a", world(), {200, 0}), std::vector{Reason::kExpired});
}

}  // namespace
}  // namespace bongsu::policy
