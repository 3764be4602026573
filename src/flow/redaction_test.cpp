// What leaves in part: granular markings, echoes, sightings, time. Tests of leak rules carry the rule's name.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "crypto/origin.h"
#include "flow/facts.h"
#include "flow/flow_test_support.h"
#include "flow/release_plan.h"
#include "stix/sco_id.h"

namespace bongsu::flow {
namespace {

using namespace test;
using stix::Tlp;

std::string marked(const std::vector<std::pair<std::string, std::string>>& markings) {
  std::string out = R"(,"granular_markings":[)";
  for (const auto& [selector, marking] : markings)
    out += (out.back() == '[' ? "" : ",") +
           (R"({"marking_ref":")" + marking + R"(","selectors":[")" + selector + R"("]})");
  return out + "]";
}
// GREEN, with an AMBER description.
std::string in_parts(unsigned number, std::string_view more = "") {
  return indicator(
      number, {std::string(kGreen)}, 0,
      R"(,"description":"seen at the ministry")" + std::string(more) + marked({{"description", std::string(kAmber)}}));
}

struct Redaction : ::testing::Test {
  TestNode node;
  Redaction() {
    node.agree("cert-all", agreement({"c1"}, Tlp::kAmber));
    node.agree("cert-part", agreement({"c1"}, Tlp::kGreen));
    node.agree("cert-less", agreement({"c1"}, Tlp::kClear));
    node.apply();
  }
  // What a member reads of an object: its text, or nothing.
  std::string reads(const std::string& member, const std::string& id, const std::string& collection = "c1") {
    auto reading = node.release->open(member, collection);
    if (!reading) return "may not read";
    const auto page = reading->snapshot->page({.view = reading->view, .ids = {id}, .last = false, .all = true});
    std::string out;
    for (const auto& row : page->rows)
      out += reading->snapshot->released_payload(reading->view, row.pos).value_or("erased");
    return out;
  }
  std::string stored(const AdmitReport& report, std::size_t item = 0) {
    return node.journal->snapshot()->entry(report.items.at(item).seq)->label;
  }
};

TEST_F(Redaction, G2_EachMemberGetsWhatItMayHave) {
  const std::string whole = in_parts(1);
  node.admit({whole});
  EXPECT_EQ(reads("cert-self", id_of("indicator", 1)), whole);
  EXPECT_EQ(reads("cert-all", id_of("indicator", 1)), whole);
  EXPECT_EQ(reads("cert-less", id_of("indicator", 1)), "");
  const std::string part = reads("cert-part", id_of("indicator", 1));
  EXPECT_EQ(part.find("ministry"), std::string::npos) << part;
  EXPECT_EQ(part.find("granular_markings"), std::string::npos);
  EXPECT_NE(part.find(R"("name":"n1")"), std::string::npos);
}

TEST_F(Redaction, OneSerialisationForAllWhoShareASelection) {
  node.agree("cert-other", agreement({"c1"}, Tlp::kGreen, {"indicator"}));
  node.agree("cert-third", agreement({"c1"}, Tlp::kGreen, {"*"}, true));
  node.apply();
  journal::NewEntry entry{.collection = "c1", .object_id = id_of("indicator", 1), .payload = in_parts(1)};
  const auto object = stix::Object::parse(in_parts(1));
  const auto facts = *node.admission->facts_of(*object, {.collection = "c1", .origin = "cert-self"});
  ASSERT_TRUE(node.release->decide_for(entry, facts));
  std::set<std::string> copies;
  std::size_t redacted = 0;
  for (const auto& release : entry.releases)
    if (release.payload) {
      copies.insert(*release.payload);
      ++redacted;
    }
  EXPECT_EQ(redacted, 3U);
  EXPECT_EQ(copies.size(), 1U);
}

TEST_F(Redaction, MembersOfOneViewWhoGetDifferentPartsStandApart) {
  for (const char* member : {"cert-x", "cert-y", "cert-z"}) node.agree(member, agreement({"c1"}, Tlp::kAmber));
  node.apply();
  const auto x = releasable_to({"cert-x"}), xy = releasable_to({"cert-x", "cert-y"});
  node.admit({x, xy});
  const std::string whole = indicator(
      1, {std::string(kGreen)}, 0,
      R"(,"description":"for x alone","x_note":"for x and y")" +
          marked({{"description", releasable_id({"cert-x"})}, {"x_note", releasable_id({"cert-x", "cert-y"})}}));
  node.admit({whole});
  EXPECT_EQ(reads("cert-x", id_of("indicator", 1)), whole);
  const std::string y = reads("cert-y", id_of("indicator", 1)), z = reads("cert-z", id_of("indicator", 1));
  EXPECT_EQ(y.find("for x alone"), std::string::npos);
  EXPECT_NE(y.find("for x and y"), std::string::npos);
  EXPECT_EQ(z.find("for x"), std::string::npos);
  EXPECT_FALSE(z.empty());
}

// Withheld, in part, whole, and back: the outbox follows the agreement, and a follower gets each copy as a new row.
TEST_F(Redaction, ChangesOfTheAgreementChangeTheCopy) {
  const std::string whole = in_parts(1), id = id_of("indicator", 1);
  node.admit({whole});
  const std::string part = reads("cert-part", id);
  const auto at = [&](Tlp highest) {
    node.agree("cert-less", agreement({"c1"}, highest));
    node.apply();
    return reads("cert-less", id);
  };
  EXPECT_EQ(at(Tlp::kGreen), part);
  EXPECT_EQ(at(Tlp::kAmber), whole);
  EXPECT_EQ(at(Tlp::kGreen), part) << "narrowed: the copy is replaced";
  EXPECT_EQ(at(Tlp::kClear), "") << "and taken back";
  EXPECT_EQ(at(Tlp::kAmber), whole);
  auto reading = node.release->open("cert-less", "c1");
  const auto tail = reading->snapshot->tail(reading->view, 0, 100);
  EXPECT_GE(tail->rows.size(), 4U);
  for (std::size_t i = 0; i + 1 < tail->rows.size(); ++i) EXPECT_TRUE(tail->rows[i].withdrawn) << i;
  EXPECT_FALSE(tail->rows.back().withdrawn);
}

TEST_F(Redaction, BackfillReplacesNothingThatIsRightAlready) {
  node.admit({in_parts(1)});
  auto before = node.release->open("cert-part", "c1");
  const auto rows = before->snapshot->tail(before->view, 0, 100)->rows.size();
  node.agree("cert-part", agreement({"c1", "c2"}, Tlp::kGreen));
  node.agree("cert-part", agreement({"c1"}, Tlp::kGreen, {"indicator", "malware"}));
  node.apply();
  auto after = node.release->open("cert-part", "c1");
  EXPECT_EQ(after->snapshot->tail(after->view, 0, 100)->rows.size(), rows);
}

// A part that cannot be left out caps the object, in the preview as in the sending.
TEST_F(Redaction, V10_ThePreviewPromisesWhatIsSent) {
  const std::string required = indicator(1, {std::string(kGreen)}, 0, marked({{"pattern", std::string(kAmber)}}));
  const std::string both =
      indicator(2, {std::string(kGreen)}, 0,
                R"(,"description":"d","x_echo":"198.51.100.7")" +
                    marked({{"x_echo", std::string(kAmber)}, {"description", std::string(kAmber)}}));
  for (const auto& text : {in_parts(3), required, both}) {
    const auto object = stix::Object::parse(text);
    const auto facts = node.admission->facts_of(*object, {.collection = "c1", .origin = "cert-self"});
    node.admit({text});
    for (const auto& line : node.release->preview(*facts)) {
      const std::string read = reads(line.member, object->id_text());
      const auto verdict = line.decision.verdict;
      EXPECT_EQ(read.empty(), verdict == policy::Verdict::kWithhold) << line.member << text;
      EXPECT_EQ(read == text, verdict == policy::Verdict::kRelease) << line.member << text;
      if (verdict != policy::Verdict::kRedact) continue;
      ASSERT_EQ(line.decision.left_out.size(), 1U);
      EXPECT_EQ(line.decision.left_out[0].selectors, std::set<std::string>{"description"});
      EXPECT_EQ(line.decision.left_out[0].reasons, std::vector{policy::Reason::kTlpTooHigh});
    }
  }
}

// A reference is told with the object's own part, so that part has to be as strict as what it refers to.
TEST_F(Redaction, D3_AReferenceCountsForTheObjectsOwnPart) {
  const std::string report =
      R"({"type":"report","spec_version":"2.1","id":")" + id_of("report", 1) +
      R"(","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"r","published":"2026-01-01T00:00:00Z","description":"hidden","object_refs":[")" +
      id_of("indicator", 7) + "\"]" + refs({std::string(kGreen)}) + marked({{"description", std::string(kAmber)}}) +
      "}";
  const auto together = node.admit({indicator(7, {std::string(kAmber)}), report});
  EXPECT_EQ(policy::Label::parse(stored_label(stored(together, 1)))->parts.front().label.tlp, Tlp::kAmber);
  EXPECT_EQ(reads("cert-part", id_of("report", 1)), "");
}

TEST_F(Redaction, D3_WhatRefersToAnObjectThatIsThereInPartIsThere) {
  node.admit({in_parts(1), malware(2, {std::string(kGreen)}),
              relationship(3, id_of("indicator", 1), id_of("malware", 2), {std::string(kGreen)})});
  node.admit({relationship(4, id_of("indicator", 1), id_of("malware", 2), {std::string(kGreen)})});
  EXPECT_NE(reads("cert-part", id_of("relationship", 3)), "");
  EXPECT_NE(reads("cert-part", id_of("relationship", 4)), "");
}

// All of IPv4 can be tried against an id that follows from the address.
TEST_F(Redaction, D4_AnObservableWhoseIdTellsStaysAndSoDoesWhatRefersToIt) {
  const auto sco = [](const std::string& body) {
    std::string text = body;
    return text.insert(
        1, R"("id":")" + (*stix::deterministic_id(*parse_json(body)))->text() + R"(","spec_version":"2.1",)");
  };
  const std::string more = refs({std::string(kGreen)});
  const std::string address =
      sco(R"({"type":"ipv4-addr","value":"203.0.113.9")" + more + marked({{"value", std::string(kAmber)}}) + "}");
  const std::string file = sco(R"({"type":"file","name":"secret-name.exe","x_note":"open remark")" + more +
                               marked({{"name", std::string(kAmber)}}) + "}");
  const std::string open = sco(R"({"type":"file","name":"open-name.exe","x_note":"closed remark")" + more +
                               marked({{"x_note", std::string(kAmber)}}) + "}");
  node.admit({address, file, open, relationship(1, id_in(file), id_in(address), {std::string(kGreen)}),
              relationship(2, id_in(open), id_in(open), {std::string(kGreen)})});
  for (const auto& text : {address, file}) {
    EXPECT_EQ(reads("cert-part", id_in(text)), "");
    EXPECT_EQ(reads("cert-all", id_in(text)), text);
  }
  EXPECT_EQ(reads("cert-part", id_of("relationship", 1)), "") << "its ends are ids that tell";
  EXPECT_NE(reads("cert-part", id_in(open)), "");
  EXPECT_EQ(reads("cert-part", id_in(open)).find("closed remark"), std::string::npos);
  EXPECT_NE(reads("cert-part", id_of("relationship", 2)), "");
}

TEST_F(Redaction, D4_TheEchoesOfWhatIsLeftOutGoToo) {
  const std::string text =
      indicator(1, {std::string(kGreen)}, 0,
                R"(,"description":"c2.evil.example","x_a":"call C2[.]evil.example","x_b":{"c2.evil.example":"k"})" +
                    marked({{"description", std::string(kAmber)}}));
  node.admit({text});
  const std::string part = reads("cert-part", id_of("indicator", 1));
  EXPECT_NE(part, "");
  EXPECT_EQ(part.find("evil"), std::string::npos) << part;
}

// A redacted copy proves that it is a part of what its originator signed, with what is stored beside it.
TEST_F(Redaction, G6_TheCopyDerivesFromASignedOriginal) {
  const auto key = *crypto::make_signing_key();
  auto origins = std::move(*Origins::load(*node.journal, node.clock, node.random));
  origins->sign_as(
      std::make_shared<const crypto::OriginSigner>(std::move(*crypto::OriginSigner::make("cert-self", key))));
  auto quarantine = std::move(*Quarantine::load(*node.journal, node.clock, node.random, "cert-self", *node.log));
  node.admission->use(*origins, *quarantine);
  node.admit({in_parts(1, R"(,"x_list":[1.5,"two",{"three":3}])")});
  node.agree("cert-less", agreement({"c1"}, Tlp::kGreen));  // one by a backfill
  node.apply();
  for (const char* member : {"cert-part", "cert-less"}) {
    auto reading = node.release->open(member, "c1");
    const auto page = reading->snapshot->page({.view = reading->view});
    ASSERT_EQ(page->rows.size(), 1U);
    const auto content = reading->snapshot->released(reading->view, page->rows[0].pos);
    const auto proof = crypto::OriginProof::parse(content->proof);
    ASSERT_TRUE(proof);
    EXPECT_TRUE(proof->redacted());
    EXPECT_EQ(verify_origin(*proof, content->payload, key.public_key), crypto::OriginFault::kNone);
    EXPECT_EQ(content->proof.find("ministry"), std::string::npos);
    EXPECT_NE(verify_origin(*proof, in_parts(1), key.public_key), crypto::OriginFault::kNone);
  }
}

// ── Time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

struct Expiry : Redaction {
  std::string until(std::chrono::hours hours) {
    policy::Label label = policy::bottom();
    label.expires = node.clock.now() + hours;
    return label_marking(label);
  }
};

TEST_F(Expiry, WhatExpiresFlowsUntilThenAndIsTakenOut) {
  const std::string marking = until(std::chrono::hours(1)), id = id_of("indicator", 1);
  node.admit({marking, indicator(1, {std::string(kGreen), id_in(marking)})});
  EXPECT_NE(reads("cert-part", id), "");
  auto open = node.release->open("cert-part", "c1");
  EXPECT_TRUE(node.release->is_current(*open));
  node.clock.advance(std::chrono::minutes(59));
  EXPECT_NE(reads("cert-part", id), "");
  node.clock.advance(std::chrono::minutes(1));
  EXPECT_FALSE(node.release->is_current(*open)) << "a page that is being written stops here";
  EXPECT_EQ(reads("cert-part", id), "");
  EXPECT_NE(reads("cert-self", id), "");
  auto reading = node.release->open("cert-part", "c1");
  const auto tail = reading->snapshot->tail(reading->view, 0, 100);
  EXPECT_TRUE(tail->rows.back().withdrawn) << "a follower is told";
  // Whatever the clock says afterwards, and whatever is decided anew.
  node.clock.jump_to(node.clock.now() - std::chrono::hours(1));
  node.agree("cert-part", agreement({"c1"}, Tlp::kAmber));
  node.apply();
  EXPECT_EQ(reads("cert-part", id), "");
  node.reopen();
  node.apply();
  EXPECT_EQ(reads("cert-part", id), "");
  EXPECT_TRUE(node.journal->states("release.expires")->empty());
}

TEST_F(Expiry, APartThatExpiresIsLeftOutFromThenOn) {
  const std::string marking = until(std::chrono::hours(1)), id = id_of("indicator", 1);
  const std::string whole = indicator(1, {std::string(kGreen)}, 0,
                                      R"(,"description":"for an hour")" + marked({{"description", id_in(marking)}}));
  node.admit({marking, whole});
  EXPECT_EQ(reads("cert-part", id), whole);
  node.reopen();
  node.apply();
  node.clock.advance(std::chrono::hours(1));
  const std::string part = reads("cert-part", id);
  EXPECT_NE(part, "");
  EXPECT_EQ(part.find("for an hour"), std::string::npos);
  EXPECT_EQ(reads("cert-self", id), whole);
}

TEST_F(Expiry, WhatHasExpiredAlreadyNeverFlows) {
  const std::string marking = until(std::chrono::hours(1));
  node.clock.advance(std::chrono::hours(2));
  node.admit({marking, indicator(1, {std::string(kGreen), id_in(marking)})});
  EXPECT_EQ(reads("cert-part", id_of("indicator", 1)), "");
}

// While it cannot be taken out, nobody reads.
TEST_F(Expiry, AFullDiskLetsNothingBeReadThatTimeHasTakenAway) {
  const std::string marking = until(std::chrono::hours(1));
  node.admit({marking, indicator(1, {std::string(kGreen), id_in(marking)})});
  node.clock.advance(std::chrono::hours(1));
  for (int changes = 0; changes < 3; ++changes) {
    node.journal->fail_after(changes == 0 ? 1 : changes);
    EXPECT_FALSE(node.release->open("cert-part", "c1")) << changes;
    node.journal->heal();
  }
  EXPECT_EQ(reads("cert-part", id_of("indicator", 1)), "");
}

TEST_F(Expiry, ManyRunOutTogether) {
  const std::string marking = until(std::chrono::hours(1)), later = until(std::chrono::hours(3));
  node.admit({marking, later});
  std::vector<std::string> texts;
  for (unsigned i = 0; i < 1200; ++i)
    texts.push_back(indicator(i, {std::string(kGreen), id_in(i % 10 == 0 ? later : marking)}));
  node.admit(texts);
  EXPECT_EQ(node.sees("cert-part")->size(), 1202U);
  node.clock.advance(std::chrono::hours(2));
  EXPECT_EQ(node.sees("cert-part")->size(), 122U);
  node.clock.advance(std::chrono::hours(2));
  EXPECT_EQ(node.sees("cert-part")->size(), 2U);
}

// ── Sightings ────────────────────────────────────────────────────────────────────────────────────────────────────────

std::string sighting(unsigned number, const std::string& of, std::string_view more = "") {
  return R"({"type":"sighting","spec_version":"2.1","id":")" + id_of("sighting", number) +
         R"(","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","sighting_of_ref":")" + of +
         '"' + refs({std::string(kClear)}) + std::string(more) + "}";
}

struct Sightings : Redaction {
  Sightings() {
    for (const char* member : {"cert-x", "cert-y", "cert-z"}) {
      node.agree(member, agreement({"c1"}, Tlp::kAmber, {"*"}, true));
      node.policy.agreements[member].passes_on = {"*"};
    }
    node.apply();
    node.admit({indicator(1, {std::string(kClear)})}, "c1", "cert-x");
    node.admit({indicator(2, {std::string(kClear)})});
  }
};

TEST_F(Sightings, D6_FlowBackToWhoGaveWhatWasSightedAndToNobodyElse) {
  node.admit(
      {sighting(1, id_of("indicator", 1)), sighting(2, id_of("indicator", 2)), sighting(3, id_of("indicator", 99))});
  node.admit({sighting(4, id_of("indicator", 1)), sighting(5, id_of("indicator", 2))}, "c1", "cert-y");
  EXPECT_NE(reads("cert-x", id_of("sighting", 1)), "");
  EXPECT_EQ(reads("cert-z", id_of("sighting", 1)), "");
  EXPECT_NE(reads("cert-z", id_of("sighting", 2)), "") << "ours, of ours: as its label says";
  EXPECT_EQ(reads("cert-x", id_of("sighting", 3)), "") << "nobody is known to have given that";
  EXPECT_NE(reads("cert-x", id_of("sighting", 4)), "");
  EXPECT_EQ(reads("cert-z", id_of("sighting", 4)), "");
  EXPECT_EQ(reads("cert-x", id_of("sighting", 5)), "") << "of ours, by another: it has reached us";
  // The same after everything was decided again from what is stored.
  node.agree("cert-z", agreement({"c1"}, Tlp::kAmberStrict, {"*"}, true));
  node.agree("cert-x", agreement({"c1"}, Tlp::kAmberStrict, {"*"}, true));
  node.apply();
  EXPECT_EQ(reads("cert-z", id_of("sighting", 1)), "");
  EXPECT_NE(reads("cert-x", id_of("sighting", 4)), "");
  // What refers to it tells that it is there.
  const std::string note =
      R"({"type":"note","spec_version":"2.1","id":")" + id_of("note", 1) +
      R"(","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","content":"c","object_refs":[")" +
      id_of("sighting", 1) + "\"]" + refs({std::string(kClear)}) + "}";
  node.admit({note});
  EXPECT_EQ(reads("cert-z", id_of("note", 1)), "");
  EXPECT_NE(reads("cert-x", id_of("note", 1)), "");
  const auto entries = *node.journal->snapshot()->versions("c1", id_of("note", 1));
  EXPECT_EQ(policy::Label::parse(stored_label(entries.at(0).label))->releasable_to, std::set<std::string>{"cert-x"})
      << "whatever becomes of the sighting";
}

TEST_F(Sightings, D6_NamedRecipientsAreAStatement) {
  node.admit({releasable_to({"cert-z"})});
  node.admit({sighting(1, id_of("indicator", 2), R"(,"object_marking_refs":[")" + std::string(kClear) + "\"]")});
  std::string stated = sighting(2, id_of("indicator", 1));
  stated.replace(stated.find(kClear), kClear.size(), std::string(kClear) + R"(",")" + releasable_id({"cert-z"}));
  node.admit({stated});
  EXPECT_NE(reads("cert-z", id_of("sighting", 2)), "");
}

TEST_F(Sightings, D6_WhoSawItIsLeftOutWhereTheAgreementSaysSo) {
  const std::string who = R"(,"where_sighted_refs":[")" + id_of("identity", 5) + "\"]";
  node.policy.agreements["cert-z"].anonymise_sightings = false;
  node.apply();
  node.admit({sighting(1, id_of("indicator", 2), who)});
  EXPECT_NE(reads("cert-z", id_of("sighting", 1)).find("where_sighted_refs"), std::string::npos);
  const std::string anonymous = reads("cert-y", id_of("sighting", 1));
  EXPECT_NE(anonymous, "");
  EXPECT_EQ(anonymous.find("where_sighted_refs"), std::string::npos);
  EXPECT_EQ(anonymous.find(id_of("identity", 5)), std::string::npos);
  // Its author's id tells who saw it, and cannot be left out: then it stays as a whole.
  const std::string tells =
      sighting(2, id_of("indicator", 2), who + R"(,"created_by_ref":")" + id_of("identity", 5) + '"');
  const auto object = stix::Object::parse(tells);
  const auto facts = node.admission->facts_of(*object, {.collection = "c1", .origin = "cert-self"});
  EXPECT_FALSE(facts->can_redact);
  node.admit({tells});
  EXPECT_EQ(reads("cert-y", id_of("sighting", 2)), "");
  EXPECT_NE(reads("cert-z", id_of("sighting", 2)), "");
}

TEST_F(Sightings, D6_WhoMadeItIsHiddenWithIt) {
  node.policy.agreements["cert-z"].anonymise_sightings = false;
  node.apply();
  const auto made_by = [](unsigned number, const std::string& identity) {
    return sighting(number, id_of("indicator", 2), R"(,"created_by_ref":")" + identity + '"');
  };
  node.admit({made_by(1, id_of("identity", 0xfe1f)), made_by(2, id_of("identity", 6)), sighting(3, id_of("indicator", 2))});
  EXPECT_NE(reads("cert-y", id_of("sighting", 1)), "") << "this node's own: whose else";
  EXPECT_EQ(reads("cert-y", id_of("sighting", 2)), "");
  EXPECT_NE(reads("cert-y", id_of("sighting", 3)), "") << "nobody is named";
  EXPECT_NE(reads("cert-z", id_of("sighting", 2)), "");
}

// ── Facts ────────────────────────────────────────────────────────────────────────────────────────────────────────────

TEST_F(Redaction, AnAgreementForASectorGetsWhatConcernsIt) {
  policy::Agreement energy = agreement({"c1"}, Tlp::kAmber);
  energy.sectors = std::set<std::string>{"energy"};
  node.agree("cert-grid", energy);
  node.apply();
  const auto identity = [](unsigned number, std::string_view sectors) {
    return R"({"type":"identity","spec_version":"2.1","id":")" + id_of("identity", number) +
           R"(","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"i","identity_class":"organization")" +
           std::string(sectors) + refs({std::string(kGreen)}) + "}";
  };
  node.admit(
      {identity(1, R"(,"sectors":["energy","health"])"), identity(2, R"(,"sectors":["health"])"), identity(3, ""),
       indicator(
           4, {std::string(kGreen)}, 0,
           R"(,"extensions":{"extension-definition--3d1c9b0e-7a64-4f0b-8c55-0b7a2f6d9e32":{"extension_type":"property-extension","sectors":["energy"]}})")});
  EXPECT_EQ(node.sees("cert-grid"), Seen({id_of("identity", 1), id_of("indicator", 4)}));
  node.policy.agreements["cert-grid"].sectors = std::set<std::string>{"health"};
  node.apply();
  EXPECT_EQ(node.sees("cert-grid"), Seen({id_of("identity", 1), id_of("identity", 2)})) << "from what is stored";
}

TEST(Facts, StandInTheJournalInOneText) {
  policy::ObjectFacts facts{.label = {.tlp = Tlp::kGreen, .marked = true}};
  EXPECT_EQ(stored_facts(facts), "green marked");
  facts.sighting_of = "cert-ua";
  facts.names_sighters = true;
  facts.sectors = {"energy", "health"};
  EXPECT_EQ(stored_facts(facts), "green marked\nsighting-of:cert-ua names-sighters whole sectors:energy,health");
  for (const bool redacts : {false, true}) {
    facts.can_redact = redacts;
    EXPECT_EQ(parse_facts(stored_facts(facts)).value(), facts);
  }
  facts.sighting_of = "";
  EXPECT_EQ(parse_facts(stored_facts(facts)).value(), facts);
  for (const char* by : {"cert-lt", ""}) {
    facts.sighted_by = by;
    EXPECT_EQ(parse_facts(stored_facts(facts)).value(), facts);
  }
  // For who gave it, the label as it came; for all others, what it is here.
  const std::string raised = with_given(stored_facts(facts), "cert-b", {.tlp = Tlp::kClear, .marked = true});
  EXPECT_EQ(label_for(raised, "cert-b"), "clear marked");
  EXPECT_EQ(label_for(raised, "cert-"), "green marked");
  EXPECT_EQ(label_for(stored_facts(facts), "cert-b"), "green marked");
  EXPECT_EQ(parse_facts(raised).value(), facts);
  for (const char* wrong :
       {"", "green marked\n", "green marked\nwhole", "green marked\nnames-sighters sighting-of:a",
        "green marked\nsectors:b,a", "green marked\nsectors:", "green marked\nsighting-of:A B",
        "green marked\nnames-sighters ", "green marked\nsighting-of:a sighting-of:a", "green  marked"})
    EXPECT_FALSE(parse_facts(wrong)) << wrong;
  const journal::Entry unreadable{.object_id = id_of("indicator", 1), .label = "green marked\nnonsense"};
  EXPECT_EQ(facts_or_deny(unreadable).label, policy::deny_all());
}

}  // namespace
}  // namespace bongsu::flow
