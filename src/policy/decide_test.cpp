#include "policy/decide.h"

#include <gtest/gtest.h>

#include "policy/policy_test_support.h"
#include "policy/trace.h"

namespace bongsu::policy {
namespace {

using stix::Tlp;

constexpr Instant kNow{100, 0};

PolicyState world() {
  PolicyState state;
  state.self = "cert-self";
  state.epoch = 42;
  state.members["cert-a"];
  state.agreements["cert-a"] = {.partner = "cert-a",
                                .collections = {"c1"},
                                .highest_tlp = Tlp::kAmber,
                                .types = {"indicator"},
                                .valid_from = Instant{50, 0},
                                .valid_until = Instant{200, 0}};
  return state;
}

ObjectFacts facts() {
  return {.object_id = "indicator--x",
          .type = "indicator",
          .collection = "c1",
          .origin = "cert-self",
          .label = {.tlp = Tlp::kGreen}};
}

std::vector<Reason> why(const ObjectFacts& f, const PolicyState& state, std::string_view member = "cert-a",
                        Instant now = kNow, Purpose purpose = Purpose::kOperations) {
  return decide(f, member, purpose, state, now).reasons;
}

TEST(Decide, ReleasesWhatEveryRulePermitsAndBindsTheEpoch) {
  const Decision d = decide(facts(), "cert-a", Purpose::kOperations, world(), kNow);
  EXPECT_EQ(d.verdict, Verdict::kRelease);
  EXPECT_EQ(d.reasons, std::vector{Reason::kAgreed});
  EXPECT_EQ(d.epoch, 42U);
}

TEST(Decide, TheNodeItselfHasEverything) {
  ObjectFacts f = facts();
  f.label = deny_all();
  EXPECT_EQ(why(f, world(), "cert-self"), std::vector{Reason::kOwn});
  PolicyState nameless = world();
  nameless.self = "";
  EXPECT_EQ(decide(f, "", Purpose::kOperations, nameless, kNow).verdict, Verdict::kWithhold)
      << "nobody is not the node";
}

TEST(Decide, EveryReasonToWithhold) {
  PolicyState state = world();
  ObjectFacts f = facts();
  EXPECT_EQ(why(f, state, "cert-x"), (std::vector{Reason::kUnknownMember, Reason::kNoAgreement}));
  EXPECT_EQ(why(f, state, "cert-a", Instant{49, 999'999'999}), std::vector{Reason::kNotYetValid});
  EXPECT_EQ(why(f, state, "cert-a", Instant{50, 0}), std::vector{Reason::kAgreed});
  EXPECT_EQ(why(f, state, "cert-a", Instant{200, 0}), std::vector{Reason::kExpired});
  EXPECT_EQ(why(f, state, "cert-a", kNow, Purpose::kExercise), std::vector{Reason::kWrongPurpose});

  state.members["cert-a"].stopped = true;
  EXPECT_EQ(why(f, state), std::vector{Reason::kStopped});
  state = world();
  state.agreements.clear();
  EXPECT_EQ(why(f, state), std::vector{Reason::kNoAgreement});
  state = world();

  f.collection = "c2";
  EXPECT_EQ(why(f, state), std::vector{Reason::kCollectionNotAgreed});
  f = facts();
  f.type = "malware";
  EXPECT_EQ(why(f, state), std::vector{Reason::kTypeNotAgreed});
  f.type = "marking-definition";
  EXPECT_EQ(why(f, state), std::vector{Reason::kAgreed}) << "marking definitions travel with what they mark";
  f = facts();
  f.label.unknown = true;
  EXPECT_EQ(why(f, state), std::vector{Reason::kUnknownMarking});
  f.label = {.tlp = Tlp::kAmberStrict};
  EXPECT_EQ(why(f, state), std::vector{Reason::kTlpTooHigh});
  f.label = {.tlp = Tlp::kGreen, .releasable_to = std::set<MemberId>{"cert-b"}};
  EXPECT_EQ(why(f, state), std::vector{Reason::kNotReleasableTo});
  f = facts();
  f.origin = "cert-b";
  EXPECT_EQ(why(f, state), (std::vector{Reason::kThirdParty, Reason::kNoConsent}));
  f = facts();
  f.label.reveals = {"cert-b"};
  EXPECT_EQ(why(f, state), (std::vector{Reason::kThirdParty, Reason::kNoConsent}))
      << "an id of a third member's object is that member's information";
}

TEST(Decide, RedGoesToNobodyBetweenNodesWhateverTheAgreementSays) {
  PolicyState state = world();
  state.agreements["cert-a"].highest_tlp = Tlp::kRed;
  ObjectFacts f = facts();
  f.label.tlp = Tlp::kRed;
  f.label.releasable_to = std::set<MemberId>{"cert-a"};
  EXPECT_EQ(why(f, state), std::vector{Reason::kTlpRed});
}

TEST(Decide, EmptySetsReleaseToNobody) {
  PolicyState state = world();
  ObjectFacts f = facts();
  f.label.releasable_to = std::set<MemberId>{};
  EXPECT_EQ(why(f, state), std::vector{Reason::kNotReleasableTo});
  state.agreements["cert-a"].types.clear();
  EXPECT_EQ(why(facts(), state), std::vector{Reason::kTypeNotAgreed});
  state = world();
  state.agreements["cert-a"].collections.clear();
  EXPECT_EQ(why(facts(), state), std::vector{Reason::kCollectionNotAgreed});
}

TEST(Decide, OnwardSharingNeedsBothAgreementsNotTheReleasableToList) {
  PolicyState state = world();
  ObjectFacts f = facts();
  f.origin = "cert-b";
  f.label.releasable_to = std::set<MemberId>{"cert-a"};
  EXPECT_EQ(why(f, state), (std::vector{Reason::kThirdParty, Reason::kNoConsent}));
  state.agreements["cert-a"].onward = true;
  EXPECT_EQ(why(f, state), std::vector{Reason::kNoConsent});
  state.agreements["cert-b"].passes_on = {"cert-a"};
  EXPECT_EQ(why(f, state), std::vector{Reason::kAgreed});
  state.agreements["cert-a"].onward = false;
  EXPECT_EQ(why(f, state), std::vector{Reason::kThirdParty});
  state = world();
  f.origin = "cert-a";
  EXPECT_EQ(why(f, state), std::vector{Reason::kAgreed}) << "what a member gave us is no third party's to it";
}

TEST(Decide, TheTraceNamesTheAgreementThatLacksConsentAndWhatGivesIt) {
  PolicyState state = world();
  ObjectFacts f = facts();
  f.origin = "cert-b";
  const auto said = [&] {
    return trace_text(trace_json(f, "cert-a", decide(f, "cert-a", Purpose::kOperations, state, {100, 0})));
  };
  EXPECT_NE(
      said().find("no consent of          cert-b: the agreement with cert-b does not let what it gave be passed on to "
                  "cert-a; when cert-b has agreed to that, add cert-a to passes_on there (`bongsu agreement set`)\n"),
      std::string::npos)
      << said();
  state.charter_version = 2;
  EXPECT_NE(
      said().find("no consent of          cert-b: no signed agreement lets what it gave be passed on to cert-a; a next "
                  "version of it, with cert-a in passes_on of its clauses from cert-b, would\n"),
      std::string::npos)
      << said();
  state.agreements["cert-b"].passes_on = {"cert-a"};
  EXPECT_EQ(said().find("no consent of"), std::string::npos) << said();
}

TEST(Decide, ReasonsAreAllGivenTheWeightiestFirst) {
  PolicyState state = world();
  state.members["cert-a"].stopped = true;
  ObjectFacts f{.object_id = "malware--x",
                .type = "malware",
                .collection = "c9",
                .origin = "cert-b",
                .label = {.tlp = Tlp::kRed, .releasable_to = std::set<MemberId>{}, .unknown = true}};
  EXPECT_EQ(why(f, state, "cert-a", Instant{200, 0}, Purpose::kExercise),
            (std::vector{Reason::kStopped, Reason::kExpired, Reason::kCollectionNotAgreed, Reason::kTypeNotAgreed,
                         Reason::kUnknownMarking, Reason::kTlpRed, Reason::kNotReleasableTo, Reason::kThirdParty,
                         Reason::kNoConsent, Reason::kWrongPurpose}));
}

TEST(Decide, EveryReasonHasAWordAndASentence) {
  std::set<std::string_view> words, sentences;
  for (int i = 0; i <= static_cast<int>(kReasons) - 1; ++i) {
    words.insert(to_string(static_cast<Reason>(i)));
    sentences.insert(sentence(static_cast<Reason>(i)));
  }
  EXPECT_EQ(words.size(), kReasons);
  EXPECT_EQ(sentences.size(), words.size());
  EXPECT_EQ(sentence(Reason::kTlpRed), "withheld: TLP:RED goes to named persons only");
}

TEST(Decide, RaisingALabelNeverAddsARecipient) {
  SeededRandom random(5);
  int narrowed = 0;
  for (int i = 0; i < 30'000; ++i) {
    const PolicyState state = test::random_state(random);
    ObjectFacts low = test::chance(random, 3) ? test::random_facts(random) : test::mild_facts(random);
    ObjectFacts high = low;
    high.label = join(low.label, test::chance(random, 2) ? test::random_label(random) : test::mild_facts(random).label);
    for (const auto& member : test::kMembers) {
      const Verdict before = decide(low, member, Purpose::kOperations, state, kNow).verdict;
      const Verdict after = decide(high, member, Purpose::kOperations, state, Instant{12, 0}).verdict;
      const Verdict before_then = decide(low, member, Purpose::kOperations, state, Instant{12, 0}).verdict;
      EXPECT_FALSE(before_then == Verdict::kWithhold && after != Verdict::kWithhold);
      narrowed += before_then != after ? 1 : 0;
      EXPECT_FALSE(before == Verdict::kRelease) << "all agreements of these worlds have ended by then";
    }
  }
  EXPECT_GT(narrowed, 1'000);
}

TEST(Decide, JoinReleasesToNobodyWhomEitherPartRefuses) {
  SeededRandom random(6);
  for (int i = 0; i < 30'000; ++i) {
    const PolicyState state = test::random_state(random);
    ObjectFacts a = test::mild_facts(random), b = a, both = a;
    b.label = test::mild_facts(random).label;
    both.label = join(a.label, b.label);
    for (const auto& member : test::kMembers) {
      const Instant now{12, 0};
      if (decide(both, member, Purpose::kOperations, state, now).verdict != Verdict::kRelease) continue;
      EXPECT_EQ(decide(a, member, Purpose::kOperations, state, now).verdict, Verdict::kRelease);
      EXPECT_EQ(decide(b, member, Purpose::kOperations, state, now).verdict, Verdict::kRelease);
    }
  }
}

TEST(Decide, NoNameIsPrivileged) {
  PolicyState state = world();
  ObjectFacts f = facts();
  f.label.tlp = Tlp::kRed;
  for (const char* name : {"admin", "sync", "root", "*", "", "cert-self ", "CERT-SELF", "operator"})
    EXPECT_EQ(decide(f, name, Purpose::kOperations, state, kNow).verdict, Verdict::kWithhold) << name;
}

}  // namespace
}  // namespace bongsu::policy
