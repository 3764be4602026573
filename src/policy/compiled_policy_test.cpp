// The engine, the compiled engine and the reference interpreter say the same.
#include "policy/compiled_policy.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "policy/policy_test_support.h"
#include "policy/reference_test_support.h"

namespace bongsu::policy {
namespace {

// nullptr or what differs.
void expect_same(const ObjectFacts& object, const std::string& member, Purpose purpose, const PolicyState& state,
                 Instant now, const CompiledPolicy& policy, const CompiledObject& compiled, test::Expected& expected) {
  expected = test::reference(object, member, purpose, state, now);
  const Decision d = decide(object, member, purpose, state, now);
  ASSERT_EQ(d.verdict, expected.verdict) << object.label.text();
  ASSERT_EQ(std::set<Reason>(d.reasons.begin(), d.reasons.end()), expected.reasons) << object.label.text();
  ASSERT_TRUE(std::ranges::is_sorted(d.reasons)) << "the weightiest first";
  ASSERT_EQ(std::set<std::string>(d.redact.begin(), d.redact.end()), expected.redact) << object.label.text();
  // What is said of each part is what is said of them all.
  std::set<std::string> of_parts;
  std::set<Reason> why{Reason::kAgreedInPart};
  for (const LeftOut& part : d.left_out) {
    ASSERT_FALSE(part.selectors.empty() || part.reasons.empty());
    of_parts.insert(part.selectors.begin(), part.selectors.end());
    why.insert(part.reasons.begin(), part.reasons.end());
  }
  ASSERT_EQ(of_parts, expected.redact) << object.label.text();
  if (d.verdict == Verdict::kRedact) ASSERT_EQ(why, expected.reasons) << object.label.text();
  for (std::uint32_t m = 0; m < policy.members().size(); ++m) {
    if (policy.members()[m] != member) continue;
    const CompiledDecision c = policy.decide(compiled, m, purpose, now);
    ASSERT_EQ(c.verdict, d.verdict) << object.label.text();
    ASSERT_EQ(reasons_of(c), d.reasons) << object.label.text();
    std::set<std::string> left_out;
    if (c.without_sighters) left_out.insert("where_sighted_refs");
    for (std::size_t i = 1; i < object.label.parts.size(); ++i)
      if (((c.parts >> (i - 1)) & 1) != 0)
        left_out.insert(object.label.parts[i].selectors.begin(), object.label.parts[i].selectors.end());
    ASSERT_EQ(left_out, expected.redact) << object.label.text();
  }
}

TEST(Engines, AgreeWithTheReferenceOnRandomStatesObjectsAndMembers) {
  const std::size_t cases = std::getenv("BONGSU_LONG") != nullptr ? 10'000'000 : 100'000;
  SeededRandom random(20261126);
  std::map<Reason, int> seen;
  std::map<Verdict, int> verdicts;
  for (std::size_t done = 0; done < cases;) {
    const PolicyState state = test::random_state(random);
    const CompiledPolicy policy(state);
    for (int o = 0; o < 5; ++o) {
      const ObjectFacts object = test::chance(random, 3) ? test::random_facts(random) : test::mild_facts(random);
      const CompiledObject compiled = policy.compile(object);
      for (const std::string member : {"cert-a", "cert-b", "cert-c", "cert-d", "cert-self", "cert-nobody"}) {
        const auto purpose = static_cast<Purpose>(test::chance(random, 6) ? random.below(3) : 0);
        const Instant now =
            test::chance(random, 50) ? kUnknownTime : Instant{static_cast<std::int64_t>(random.below(22)), 0};
        test::Expected expected;
        expect_same(object, member, purpose, state, now, policy, compiled, expected);
        if (testing::Test::HasFatalFailure()) return;
        for (const Reason reason : expected.reasons) ++seen[reason];
        ++verdicts[expected.verdict];
        ++done;
      }
    }
  }
  EXPECT_EQ(seen.size(), kReasons - 1) << "every reason was met but that the engines differ";
  EXPECT_GT(verdicts[Verdict::kRelease], 2'000);
  EXPECT_GT(verdicts[Verdict::kRedact], 200);
}

// Three nations, four labels, three objects (own, a third's, one that refers to it), six operations on the state: every
// assignment of labels, every sequence of up to two operations (four in the long form), every asker.
TEST(Engines, AgreeWithTheReferenceOnEveryCaseOfASmallWorld) {
  const std::string group = test::kGroupIds[0];
  Label labels[4] = {bottom(), bottom(), bottom(), bottom()};
  labels[1].tlp = stix::Tlp::kGreen;
  labels[1].clauses = {{{}, {{group, "v1"}}}};
  labels[2].national = {{"se", Authority::kCivil, "HEMLIG"}};
  labels[2].originator_controlled = true;
  labels[3].tlp = stix::Tlp::kRed;
  labels[3].persons = std::set<std::string>{"cert-b/jonas"};
  PolicyState start;
  start.self = "cert-a";
  start.charter_version = 1;
  start.own.communities = {"all"};
  for (const auto& [member, nation] : {std::pair{"cert-b", "lt"}, {"cert-c", "fr"}}) {
    MemberStanding& standing = start.members[member];
    standing.nation = nation;
    standing.clearance.rank = ClassRank::kSecret;
    standing.communities = {"all"};
    Agreement& a = start.agreements[member];
    a.partner = member;
    a.collections = {"c"};
    a.types = {"*"};
    a.highest_tlp = stix::Tlp::kAmberStrict;
    a.highest_class = ClassRank::kSecret;
    a.valid_until = {100, 0};
    a.red_to_persons = true;
    start.equivalences[{nation, Authority::kCivil}].levels["S"] = ClassRank::kSecret;
  }
  start.equivalences[{"se", Authority::kCivil}] = {{{"HEMLIG", ClassRank::kSecret}}, {"lt"}};
  start.groups[group] = {"", "v1", {{"v1", {"cert-b"}}, {"v2", {"cert-b", "cert-c"}}, {"v3", {"cert-c"}}}};
  constexpr int kOperations = 6;
  const auto apply = [&](PolicyState& state, int operation) {
    switch (operation) {
      case 0:
        state.groups[group].current = state.groups[group].current == "v2" ? "v3" : "v2";
        break;
      case 1:
        state.members["cert-b"].stopped = !state.members["cert-b"].stopped;
        break;
      case 2:
        for (auto& [_, a] : state.agreements) a.onward = !a.onward;
        state.agreements["cert-b"].passes_on = std::set<MemberId>{"cert-c"};
        break;
      case 3:
        state.equivalences[{"se", Authority::kCivil}].accepted_by.insert("fr");
        break;
      case 4:
        state.agreements["cert-c"].valid_until = {10, 0};
        break;
      default:
        state.members.erase("cert-c");
        break;
    }
  };
  std::size_t cases = 0, released = 0;
  std::function<void(const PolicyState&, int)> walk = [&](const PolicyState& state, int depth) {
    const CompiledPolicy policy(state);
    for (int assignment = 0; assignment < 64; ++assignment) {
      ObjectFacts objects[3];
      for (int i = 0; i < 3; ++i)
        objects[i] = {.object_id = "indicator--x",
                      .type = "indicator",
                      .collection = "c",
                      .origin = i == 1 ? "cert-b" : "cert-a",
                      .label = labels[(assignment >> (2 * i)) & 3]};
      objects[2].label = join(objects[2].label, objects[1].label);
      objects[2].label.reveals.insert("cert-b");
      for (const ObjectFacts& object : objects) {
        const CompiledObject compiled = policy.compile(object);
        for (const char* member : {"cert-a", "cert-b", "cert-c"}) {
          test::Expected expected;
          expect_same(object, member, Purpose::kOperations, state, {50, 0}, policy, compiled, expected);
          if (testing::Test::HasFatalFailure()) return;
          released += expected.verdict == Verdict::kRelease ? 1 : 0;
          ++cases;
        }
      }
    }
    if (depth == (std::getenv("BONGSU_LONG") != nullptr ? 4 : 2)) return;
    for (int operation = 0; operation < kOperations; ++operation) {
      PolicyState next = state;
      apply(next, operation);
      walk(next, depth + 1);
      if (testing::Test::HasFatalFailure()) return;
    }
  };
  walk(start, 0);
  EXPECT_GE(cases, std::size_t{43} * 64 * 9);
  EXPECT_GT(released, cases / 10);
}

}  // namespace
}  // namespace bongsu::policy
