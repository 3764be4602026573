#include "policy/decide.h"

#include <gtest/gtest.h>

#include "policy/policy_test_support.h"

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
  EXPECT_EQ(why(f, state), std::vector{Reason::kThirdParty});
  f = facts();
  f.label.reveals = {"cert-b"};
  EXPECT_EQ(why(f, state), std::vector{Reason::kThirdParty})
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

TEST(Decide, OnwardSharingNeedsTheAgreementNotTheReleasableToList) {
  PolicyState state = world();
  ObjectFacts f = facts();
  f.origin = "cert-b";
  f.label.releasable_to = std::set<MemberId>{"cert-a"};
  EXPECT_EQ(why(f, state), std::vector{Reason::kThirdParty});
  state.agreements["cert-a"].onward = true;
  EXPECT_EQ(why(f, state), std::vector{Reason::kAgreed});
  state = world();
  f.origin = "cert-a";
  EXPECT_EQ(why(f, state), std::vector{Reason::kAgreed}) << "what a member gave us is no third party's to it";
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
                         Reason::kWrongPurpose}));
}

TEST(Decide, EveryReasonHasAWordAndASentence) {
  std::set<std::string_view> words, sentences;
  for (int i = 0; i <= static_cast<int>(Reason::kWrongPurpose); ++i) {
    words.insert(to_string(static_cast<Reason>(i)));
    sentences.insert(sentence(static_cast<Reason>(i)));
  }
  EXPECT_EQ(words.size(), static_cast<std::size_t>(Reason::kWrongPurpose) + 1);
  EXPECT_EQ(sentences.size(), words.size());
  EXPECT_EQ(sentence(Reason::kTlpRed), "withheld: TLP:RED goes to named persons only");
}

// ── The slow obvious twin ────────────────────────────────────────────────────────────────────────────────────────────
// Written from the rules, one question after the other, sharing nothing with decide() but the types.
std::set<Reason> reference(const ObjectFacts& object, const std::string& member, Purpose purpose,
                           const PolicyState& state, Instant now) {
  if (member != "" && member == state.self) return {Reason::kOwn};
  std::set<Reason> no;
  bool known = false, stopped = false;
  for (const auto& [id, standing] : state.members) {
    if (id == member) {
      known = true;
      stopped = standing.stopped;
    }
  }
  if (!known) no.insert(Reason::kUnknownMember);
  if (known && stopped) no.insert(Reason::kStopped);
  std::optional<Agreement> agreement;
  for (const auto& [id, a] : state.agreements)
    if (id == member) agreement = a;
  if (!agreement) no.insert(Reason::kNoAgreement);
  if (agreement && agreement->valid_from && *agreement->valid_from > now) no.insert(Reason::kNotYetValid);
  if (agreement && agreement->valid_until <= now) no.insert(Reason::kExpired);
  if (agreement && std::count(agreement->collections.begin(), agreement->collections.end(), object.collection) == 0)
    no.insert(Reason::kCollectionNotAgreed);
  if (agreement && object.type != "marking-definition" &&
      agreement->types.count("*") + agreement->types.count(object.type) == 0)
    no.insert(Reason::kTypeNotAgreed);
  if (object.label.unknown) no.insert(Reason::kUnknownMarking);
  if (object.label.tlp == Tlp::kRed)
    no.insert(Reason::kTlpRed);
  else if (agreement && static_cast<int>(object.label.tlp) > static_cast<int>(agreement->highest_tlp))
    no.insert(Reason::kTlpTooHigh);
  if (object.label.releasable_to && object.label.releasable_to->count(member) == 0) no.insert(Reason::kNotReleasableTo);
  std::set<MemberId> givers = object.label.reveals;
  givers.insert(object.origin);
  givers.erase(state.self);
  givers.erase(member);
  if (!givers.empty() && !(agreement && agreement->onward)) no.insert(Reason::kThirdParty);
  if (purpose == Purpose::kExercise) no.insert(Reason::kWrongPurpose);
  if (no.empty()) no.insert(Reason::kAgreed);
  return no;
}

TEST(Decide, AgreesWithTheSlowTwinOnRandomWorlds) {
  SeededRandom random(20261121);
  std::map<Reason, int> seen;
  int released = 0;
  for (int i = 0; i < 200'000; ++i) {
    const PolicyState state = test::random_state(random);
    const ObjectFacts object = test::random_facts(random);
    const std::string member = test::chance(random, 20)   ? "cert-self"
                               : test::chance(random, 20) ? "cert-nobody"
                                                          : test::pick(random, test::kMembers);
    const Purpose purpose = test::chance(random, 10) ? Purpose::kExercise : Purpose::kOperations;
    const Instant now{static_cast<std::int64_t>(random.below(22)), 0};
    const Decision d = decide(object, member, purpose, state, now);
    const std::set<Reason> expected = reference(object, member, purpose, state, now);
    ASSERT_EQ(d.reasons, std::vector<Reason>(expected.begin(), expected.end()))
        << i;  // a set is in the order of Reason
    const bool yes = expected.contains(Reason::kAgreed) || expected.contains(Reason::kOwn);
    ASSERT_EQ(d.verdict, yes ? Verdict::kRelease : Verdict::kWithhold);
    if (d.verdict == Verdict::kRelease)
      ASSERT_EQ(may_read(object.collection, member, state, now).verdict, Verdict::kRelease)
          << "nothing flows past the gate";
    released += yes ? 1 : 0;
    for (const Reason r : expected) ++seen[r];
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(Reason::kWrongPurpose) + 1) << "every reason was met";
  EXPECT_GT(released, 5'000);
}

TEST(Decide, RaisingALabelNeverAddsARecipient) {
  SeededRandom random(5);
  int narrowed = 0;
  for (int i = 0; i < 100'000; ++i) {
    const PolicyState state = test::random_state(random);
    ObjectFacts low = test::random_facts(random);
    ObjectFacts high = low;
    high.label = join(low.label, test::random_label(random));
    for (const auto& member : test::kMembers) {
      const Verdict before = decide(low, member, Purpose::kOperations, state, kNow).verdict;
      const Verdict after = decide(high, member, Purpose::kOperations, state, Instant{12, 0}).verdict;
      const Verdict before_then = decide(low, member, Purpose::kOperations, state, Instant{12, 0}).verdict;
      EXPECT_FALSE(before_then == Verdict::kWithhold && after == Verdict::kRelease);
      narrowed += before_then != after ? 1 : 0;
      EXPECT_FALSE(before == Verdict::kRelease) << "all agreements of these worlds have ended by then";
    }
  }
  EXPECT_GT(narrowed, 1'000);
}

TEST(Decide, JoinReleasesToNobodyWhomEitherPartRefuses) {
  SeededRandom random(6);
  for (int i = 0; i < 100'000; ++i) {
    const PolicyState state = test::random_state(random);
    ObjectFacts a = test::random_facts(random), b = a, both = a;
    b.label = test::random_label(random);
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
