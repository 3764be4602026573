#include "flow/enforcement.h"

#include <gtest/gtest.h>

namespace bongsu::flow {
namespace {

using detect::Kind;
using Use = EnforcementUse;
using Verdict = EnforcementVerdict;

const Instant kNow = *Instant::parse("2026-11-25T12:00:00Z");

EnforcementCandidate candidate(Kind kind = Kind::kDomain, std::string value = "evil.example") {
  EnforcementCandidate out;
  out.value = {kind, std::move(value)};
  out.label.tlp = stix::Tlp::kGreen;
  out.confidence = 80;
  return out;
}

EnforcementPolicy policy(std::vector<std::string> allow = {}) {
  EnforcementPolicy out;
  out.self = "cert-lt";
  out.allow = *read_allow_list(allow);
  return out;
}

Verdict decide(const EnforcementCandidate& c, const EnforcementPolicy& p = policy(), Use use = Use::kBlock) {
  return EnforcementRules(p).decide(c, use, kNow);
}

TEST(EnforcementRelease, OnlyWhatIsInForceNow) {
  EXPECT_EQ(decide(candidate()), Verdict::kUse);
  auto c = candidate();
  c.revoked = true;
  EXPECT_EQ(decide(c), Verdict::kRevoked);
  c = candidate();
  c.valid_until = kNow;  // exclusive
  EXPECT_EQ(decide(c), Verdict::kExpired);
  c.valid_until = kNow + std::chrono::nanoseconds(1);
  EXPECT_EQ(decide(c), Verdict::kUse);
  c.valid_from = kNow;
  EXPECT_EQ(decide(c), Verdict::kUse);
  c.valid_from = kNow + std::chrono::nanoseconds(1);
  EXPECT_EQ(decide(c), Verdict::kNotYetValid);
}

TEST(EnforcementRelease, TlpRedStaysOutOfFilesUnlessTheOperatorSaysSo) {
  auto c = candidate();
  c.label.tlp = stix::Tlp::kRed;
  EXPECT_EQ(decide(c), Verdict::kTlpTooHigh);
  EXPECT_EQ(decide(c, policy(), Use::kDetect), Verdict::kTlpTooHigh);
  auto p = policy();
  p.highest_tlp = stix::Tlp::kRed;
  EXPECT_EQ(decide(c, p), Verdict::kUse);
  c.label.tlp = stix::Tlp::kAmberStrict;
  EXPECT_EQ(decide(c), Verdict::kUse);
  p.highest_tlp = stix::Tlp::kGreen;
  EXPECT_EQ(decide(c, p), Verdict::kTlpTooHigh);
}

TEST(EnforcementRelease, UnknownMarkingsAndListsWithoutUsReleaseNothing) {
  auto c = candidate();
  c.label.unknown = true;
  EXPECT_EQ(decide(c), Verdict::kUnknownMarking);
  c.label.unknown = false;
  c.label.releasable_to = {"cert-ua"};
  EXPECT_EQ(decide(c), Verdict::kNotReleasableToUs);
  c.label.releasable_to = {"cert-lt", "cert-ua"};
  EXPECT_EQ(decide(c), Verdict::kUse);
  c.label.releasable_to = std::set<std::string>{};
  EXPECT_EQ(decide(c), Verdict::kNotReleasableToUs);
}

TEST(EnforcementRelease, PapForbidsBlockingBeforeLooking) {
  const struct {
    Pap pap;
    Verdict detect, block;
  } rows[] = {
      {Pap::kClear, Verdict::kUse, Verdict::kUse},
      {Pap::kGreen, Verdict::kUse, Verdict::kUse},
      {Pap::kAmber, Verdict::kUse, Verdict::kPapAmber},
      {Pap::kRed, Verdict::kPapRed, Verdict::kPapRed},
  };
  for (const auto& row : rows) {
    auto c = candidate();
    c.pap = row.pap;
    EXPECT_EQ(decide(c, policy(), Use::kDetect), row.detect);
    EXPECT_EQ(decide(c, policy(), Use::kBlock), row.block);
  }
}

stix::Object indicator(const std::string& more) {
  auto object = stix::Object::parse(
      R"({"type":"indicator","spec_version":"2.1","id":"indicator--7ef4b0a4-9c2a-4a4a-8b8c-000000000001",)"
      R"("created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z","valid_from":"2026-01-01T00:00:00Z",)"
      R"("pattern_type":"stix","pattern":"[domain-name:value = 'evil.example']")" +
      more + "}");
  EXPECT_TRUE(object) << object.error().text();
  return *object;
}

TEST(EnforcementRelease, PapIsReadFromMarkingsAndLabelsTheStrictestCounts) {
  const std::string red = "marking-definition--740d36e5-7714-4c30-961a-3ae632ceee0e";
  const std::string green = "marking-definition--c43594d1-4b11-4c59-93ab-1c9b14d53ce9";
  const std::string tlp = stix::tlp_marking_id(stix::Tlp::kGreen).text();
  EXPECT_EQ(pap_of(indicator("")), Pap::kClear);
  EXPECT_EQ(pap_of(indicator(R"(,"labels":["PAP:Amber","x"])")), Pap::kAmber);
  EXPECT_EQ(pap_of(indicator(R"(,"object_marking_refs":[")" + green + R"("],"labels":["pap:amber"])")), Pap::kAmber);
  EXPECT_EQ(pap_of(indicator(R"(,"object_marking_refs":[")" + tlp + R"(",")" + red + R"("])")), Pap::kRed);
  EXPECT_EQ(pap_of(indicator(R"(,"granular_markings":[{"marking_ref":")" + red + R"(","selectors":["pattern"]}])")),
            Pap::kRed);

  // What may be done says nothing about who may have it: the label is that of the other markings.
  const auto label_of = [](const stix::Object& object) {
    return policy::label_of(object, [](const stix::Id&) -> const Json* { return nullptr; }, stix::Tlp::kRed);
  };
  const auto label = label_of(indicator(R"(,"object_marking_refs":[")" + tlp + R"(",")" + red + R"("])"));
  EXPECT_EQ(label, (policy::Label{.tlp = stix::Tlp::kGreen, .marked = true, .pap = Pap::kRed}));
  EXPECT_TRUE(
      label_of(indicator(R"(,"object_marking_refs":["marking-definition--00000000-0000-4000-8000-000000000001",")" +
                         red + R"("])"))
          .unknown);
  auto c = candidate();
  c.label.pap = Pap::kAmber;
  const EnforcementRules rules({.self = "cert-ee"});
  EXPECT_EQ(rules.decide(c, EnforcementUse::kBlock, kNow), EnforcementVerdict::kPapAmber)
      << "another copy's PAP counts";
}

TEST(EnforcementRelease, WhatIsClassifiedOrForSomeOnlyDoesNotStandInFiles) {
  const EnforcementRules rules({.self = "cert-ee", .highest_tlp = stix::Tlp::kRed});
  const auto verdict = [&](auto change) {
    auto c = candidate();
    change(c.label);
    return rules.decide(c, EnforcementUse::kDetect, kNow);
  };
  using V = EnforcementVerdict;
  EXPECT_EQ(verdict([](auto&) {}), V::kUse);
  EXPECT_EQ(verdict([](auto& l) { l.rank = policy::ClassRank::kRestricted; }), V::kTlpTooHigh);
  EXPECT_EQ(verdict([](auto& l) { l.national = {{"se", policy::Authority::kMilitary, "H"}}; }), V::kTlpTooHigh);
  EXPECT_EQ(verdict([](auto& l) { l.categories = {"A"}; }), V::kTlpTooHigh);
  EXPECT_EQ(verdict([](auto& l) { l.caveats = {"A"}; }), V::kTlpTooHigh);
  EXPECT_EQ(verdict([](auto& l) { l.persons = std::set<std::string>{"cert-ee/a"}; }), V::kTlpTooHigh);
  EXPECT_EQ(verdict([](auto& l) { l.clauses = {{{"cert-x"}, {{"g", "v"}}}}; }), V::kNotReleasableToUs);
  EXPECT_EQ(verdict([](auto& l) { l.clauses = {{{"cert-ee"}, {{"g", "v"}}}}; }), V::kUse);
  EXPECT_EQ(verdict([](auto& l) { l.expires = kNow; }), V::kExpired);
}

TEST(EnforcementRelease, ConfidenceHasAThresholdForEachUse) {
  auto c = candidate();
  c.confidence = 49;
  EXPECT_EQ(decide(c), Verdict::kLowConfidence);
  EXPECT_EQ(decide(c, policy(), Use::kDetect), Verdict::kUse);
  c.confidence = 50;
  EXPECT_EQ(decide(c), Verdict::kUse);
  c.confidence = -1;  // not said
  EXPECT_EQ(decide(c), Verdict::kUse);
  auto p = policy();
  p.unsaid_confidence = 0;
  EXPECT_EQ(decide(c, p), Verdict::kLowConfidence);
}

TEST(EnforcementRelease, WarningListedValuesAreUsedOnlyWhenAskedForAndThenSaid) {
  auto c = candidate();
  c.warning_listed = true;
  EXPECT_EQ(decide(c), Verdict::kWarningListed);
  auto p = policy();
  p.warning_listed = true;
  EXPECT_EQ(decide(c, p), Verdict::kUseWarned);
}

TEST(EnforcementRelease, NothingCutsTheMemberItselfOff) {
  for (const char* address : {"127.0.0.1", "127.0.0.0/9", "0.0.0.0/0", "0.0.0.0", "169.254.1.1", "224.0.0.251",
                              "255.255.255.255", "126.0.0.0/7"})
    EXPECT_EQ(decide(candidate(Kind::kIpv4, address)), Verdict::kOwn) << address;
  for (const char* address : {"::1", "fe80::1", "ff02::1", "::/0", "fc00::/6"})
    EXPECT_EQ(decide(candidate(Kind::kIpv6, address)), Verdict::kOwn) << address;
  EXPECT_EQ(decide(candidate(Kind::kUrl, "http://127.0.0.1/x")), Verdict::kOwn);
  EXPECT_EQ(decide(candidate(Kind::kUrl, "http://[::1]:8080/x")), Verdict::kOwn);
  EXPECT_EQ(decide(candidate(Kind::kIpv4, "198.51.100.7")), Verdict::kUse);
  EXPECT_EQ(decide(candidate(Kind::kIpv6, "2001:db8::1")), Verdict::kUse);
}

TEST(EnforcementRelease, TheAllowListCoversWhatIsBelowAboveAndOverlaps) {
  const auto p = policy({"good.example.org", "203.0.113.0/24", "2001:db8:1::/48", "44d88612fea8a8f36de82e1278abb02f"});
  const struct {
    Kind kind;
    const char* value;
    Verdict verdict;
  } rows[] = {
      {Kind::kDomain, "good.example.org", Verdict::kAllowListed},
      {Kind::kDomain, "www.good.example.org", Verdict::kAllowListed},
      {Kind::kDomain, "example.org", Verdict::kAllowListed},  // would block what is allowed
      {Kind::kDomain, "bad.example.org", Verdict::kUse},
      {Kind::kDomain, "verygood.example.org", Verdict::kUse},
      {Kind::kUrl, "https://www.good.example.org/a", Verdict::kAllowListed},
      {Kind::kUrl, "http://203.0.113.9/a", Verdict::kAllowListed},
      {Kind::kEmail, "x@good.example.org", Verdict::kAllowListed},
      {Kind::kIpv4, "203.0.113.9", Verdict::kAllowListed},
      {Kind::kIpv4, "203.0.112.0/23", Verdict::kAllowListed},
      {Kind::kIpv4, "203.0.114.1", Verdict::kUse},
      {Kind::kIpv6, "2001:db8:1::9", Verdict::kAllowListed},
      {Kind::kIpv6, "2001:db8::/32", Verdict::kAllowListed},
      {Kind::kIpv6, "2001:db8:2::9", Verdict::kUse},
      {Kind::kMd5, "44d88612fea8a8f36de82e1278abb02f", Verdict::kAllowListed},
      {Kind::kMd5, "44d88612fea8a8f36de82e1278abb02e", Verdict::kUse},
  };
  for (const auto& row : rows) EXPECT_EQ(decide(candidate(row.kind, row.value), p), row.verdict) << row.value;
  EXPECT_FALSE(read_allow_list({"not a value at all"}));
}

}  // namespace
}  // namespace bongsu::flow
