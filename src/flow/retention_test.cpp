#include "flow/retention.h"

#include <gtest/gtest.h>

#include "flow/flow_test_support.h"
#include "flow/personal_data.h"

namespace bongsu::flow {
namespace {

using namespace test;
using namespace std::chrono_literals;

std::string person(unsigned number, unsigned version = 0, std::string_view cls = "individual") {
  return R"({"type":"identity","spec_version":"2.1","id":")" + id_of("identity", number) +
         R"(","created":"2026-01-01T00:00:00.000Z","modified":")" + stamp(version) +
         R"(","name":"p","identity_class":")" + std::string(cls) + "\"}";
}
std::string address(unsigned number, std::string_view more = "") {
  return R"({"type":"email-addr","spec_version":"2.1","id":")" + id_of("email-addr", number) +
         R"(","value":"a@b.example")" + std::string(more) + "}";
}

struct Keeper : TestNode {
  std::optional<std::int64_t> own;
  std::unique_ptr<Retention> retention;

  explicit Keeper(std::optional<std::int64_t> own_days = std::nullopt) : own(own_days) {
    days("cert-ua", 30);
    days("cert-ee", std::nullopt);
    begin();
  }
  void days(const std::string& partner, std::optional<std::int64_t> number) {
    auto a = agreement({"c1"}, stix::Tlp::kGreen);
    a.personal_data_days = number;
    agree(partner, a);
    apply();
  }
  void begin() {
    retention = std::make_unique<Retention>(*journal, *release, clock, *log,
                                            RetentionOptions{.self = "cert-self", .own_days = own});
    ASSERT_TRUE(retention->load());
  }
  std::size_t go() {
    std::size_t all = 0;
    while (true) {
      while (*retention->follow()) {
      }
      const auto gone = retention->erase_due(2, [](const std::string&) -> Result<void> { return {}; });
      EXPECT_TRUE(gone) << gone.error().text();
      if (!gone || *gone == 0) return all;
      all += *gone;
    }
  }
  // Whether anything can be read of it.
  bool readable(const std::string& id) {
    const auto snapshot = journal->snapshot();
    for (const auto& entry : *snapshot->versions("", id))
      if (snapshot->payload(entry.seq)) return true;
    return false;
  }
  std::uint64_t erasures() {
    std::uint64_t n = 0;
    for (const auto& entry : *journal->snapshot()->entries(0, 10'000)) n += entry.kind == journal::EntryKind::kErasure;
    return n;
  }
};

TEST(PersonalData, IsWhatTheRuleSaysAndNothingElse) {
  const std::string none = policy::bottom().text();
  const auto is = [&](const std::string& id, const std::string& json, const std::string& label) {
    return is_personal(id, label, *parse_json(json));
  };
  EXPECT_TRUE(is("identity--1", R"({"identity_class":"individual"})", none));
  EXPECT_FALSE(is("identity--1", R"({"identity_class":"organization"})", none));
  EXPECT_TRUE(is("email-addr--1", "{}", none));
  EXPECT_TRUE(is("user-account--1", "{}", none));
  EXPECT_TRUE(is("email-message--1", R"({"to_refs":["email-addr--1"]})", none));
  EXPECT_FALSE(is("email-message--1", R"({"subject":"x","to_refs":[]})", none));
  EXPECT_TRUE(is("observed-data--1", R"({"objects":{"0":{"type":"user-account"}}})", none));
  EXPECT_FALSE(is("observed-data--1", R"({"objects":{"0":{"type":"file"}}})", none));
  EXPECT_FALSE(is("indicator--1", R"({"pattern":"[email-addr:value = 'a@b.example']"})", none));
  policy::Label marked = policy::bottom();
  for (const char* word : {"personal-data", "Personal Data", "PERSONAL_DATA"}) {
    marked.categories = {word};
    EXPECT_TRUE(is("indicator--1", "{}", marked.text())) << word;
  }
  marked.categories = {"personal"};
  EXPECT_FALSE(is("indicator--1", "{}", marked.text()));
}

TEST(Retention, WhatAPartnerGaveGoesAfterItsDaysAndNotASecondBefore) {
  Keeper k;
  k.admit({person(1), indicator(1), person(2, 0, "organization")}, "c1", "cert-ua");
  k.admit({person(3)}, "c1", "cert-ee");
  k.admit({person(4)});
  EXPECT_EQ(k.go(), 0u);
  k.clock.advance(30 * 24h - 2s);
  EXPECT_EQ(k.go(), 0u);
  EXPECT_TRUE(k.readable(id_of("identity", 1)));
  k.clock.advance(3s);
  EXPECT_EQ(k.go(), 1u);
  EXPECT_FALSE(k.readable(id_of("identity", 1)));
  for (const auto& id : {id_of("indicator", 1), id_of("identity", 2), id_of("identity", 3), id_of("identity", 4)})
    EXPECT_TRUE(k.readable(id)) << id;
  EXPECT_EQ(k.retention->report()->erased, 1u);
}

TEST(Retention, ANewVersionBeginsAnewAndOwnDataHasItsOwnDays) {
  Keeper k(10);
  k.admit({person(1)}, "c1", "cert-ua");
  k.admit({person(4)});
  k.clock.advance(20 * 24h);
  k.admit({person(1, 1)}, "c1", "cert-ua");
  EXPECT_EQ(k.go(), 1u) << "ours";
  EXPECT_FALSE(k.readable(id_of("identity", 4)));
  k.clock.advance(20 * 24h);
  EXPECT_EQ(k.go(), 0u);
  k.clock.advance(11 * 24h);
  EXPECT_EQ(k.go(), 1u);
  EXPECT_FALSE(k.readable(id_of("identity", 1))) << "its older version, too";
}

TEST(Retention, OfWhatSeveralGaveTheEarliestEndCounts) {
  Keeper k;
  k.admit({address(1)}, "c1", "cert-ee");
  k.admit({address(1)}, "c2", "cert-ua");
  k.clock.advance(31 * 24h);
  EXPECT_EQ(k.go(), 1u);
  EXPECT_FALSE(k.readable(id_of("email-addr", 1)));
}

TEST(Retention, DaysThatWereAgreedHoldWhenTheAgreementEnds) {
  Keeper k;
  k.admit({person(1)}, "c1", "cert-ua");
  EXPECT_EQ(k.go(), 0u);
  k.policy.agreements.erase("cert-ua");
  k.apply();
  k.begin();
  k.clock.advance(31 * 24h);
  EXPECT_EQ(k.go(), 1u);
}

TEST(Retention, AShorterAgreementReachesWhatIsHereAndOneThatSaysNothingEndsIt) {
  Keeper k;
  k.admit({person(1), person(2)}, "c1", "cert-ua");
  k.clock.advance(5 * 24h);
  EXPECT_EQ(k.go(), 0u);
  k.days("cert-ua", std::nullopt);
  k.clock.advance(100 * 24h);
  EXPECT_EQ(k.go(), 0u);
  k.days("cert-ua", 0);
  EXPECT_EQ(k.go(), 2u);
}

TEST(Retention, ACrashAtAnyWriteErasesEachOnceAndLosesNone) {
  for (int at = 1; at < 12; ++at) {
    Keeper k;
    k.admit({person(1), person(2), person(3)}, "c1", "cert-ua");
    k.clock.advance(31 * 24h);
    k.journal->fail_after(at);
    while (true) {
      const auto more = k.retention->follow();
      if (!more) break;
      if (*more) continue;
      const auto gone = k.retention->erase_due(2, [](const std::string&) -> Result<void> { return {}; });
      if (!gone || *gone == 0) break;
    }
    k.journal->heal();
    k.begin();
    k.go();
    EXPECT_EQ(k.erasures(), 3u) << "a failure at write " << at;
    for (unsigned n = 1; n <= 3; ++n) EXPECT_FALSE(k.readable(id_of("identity", n))) << at;
    EXPECT_EQ(k.retention->report()->erased, 3u) << at;
  }
}

TEST(Retention, TheReportSaysWhatIsDueWhen) {
  Keeper k(7);
  k.admit({person(1), person(2)}, "c1", "cert-ua");
  k.admit({person(3)}, "c1", "cert-ee");
  k.admit({person(4)});
  while (*k.retention->follow()) {
  }
  k.clock.advance(8 * 24h);
  const auto report = *k.retention->report();
  ASSERT_EQ(report.lines.size(), 3u);
  EXPECT_EQ(report.lines[0].origin, "cert-ee");
  EXPECT_EQ(report.lines[0].days, std::nullopt);
  EXPECT_EQ(report.lines[1].due, 1u) << report.lines[1].origin;
  EXPECT_EQ(report.lines[2].objects, 2u);
  EXPECT_EQ(report.lines[2].due, 0u);
  ASSERT_EQ(report.next.size(), 3u);
  EXPECT_EQ(report.next[0].object_id, id_of("identity", 4));
  EXPECT_EQ(report.next[1].origin, "cert-ua");
}

}  // namespace
}  // namespace bongsu::flow
