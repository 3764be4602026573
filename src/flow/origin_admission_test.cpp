// Who may speak for whom: proofs at admission, and what goes to quarantine. Tests of leak rules carry the rule's name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "crypto/origin.h"
#include "flow/facts.h"
#include "flow/flow_test_support.h"

namespace bongsu::flow {
namespace {

using namespace test;
using ::testing::HasSubstr;
using Outcome = AdmitItem::Outcome;

const std::string kOwn = id_of("identity", 0xfe1f);

std::string identity(unsigned number, const std::string& creator = "", const std::vector<std::string>& markings = {}) {
  const std::string id = id_of("identity", number);
  return R"({"type":"identity","spec_version":"2.1","id":")" + id + R"(","created_by_ref":")" +
         (creator.empty() ? id : creator) +
         R"(","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"i","identity_class":"organization")" +
         refs(markings) + "}";
}
std::string by(unsigned number, const std::string& creator, const std::vector<std::string>& markings = {}) {
  return indicator(number, markings, 0, R"(,"created_by_ref":")" + creator + '"');
}

struct OriginAdmission : ::testing::Test {
  TestNode node;
  std::map<std::string, crypto::SigningKey> keys;
  std::map<std::string, OriginKey> former;
  std::map<std::string, std::string> by_charter;
  std::map<std::string, std::shared_ptr<const crypto::OriginSigner>> signers;
  std::unique_ptr<Origins> origins;
  std::unique_ptr<Quarantine> quarantine;

  OriginAdmission() {
    node.agree("cert-b", agreement({"c1"}, stix::Tlp::kGreen));
    node.agree("cert-c", agreement({"c1"}, stix::Tlp::kGreen));
    node.apply();
    for (const char* member : {"cert-self", "cert-b", "cert-c", "cert-x"}) {
      keys[member] = *crypto::make_signing_key();
      signers[member] =
          std::make_shared<const crypto::OriginSigner>(std::move(*crypto::OriginSigner::make(member, keys[member])));
    }
    open();
  }
  void open() {
    origins = std::move(*Origins::load(*node.journal, node.clock, node.random));
    origins->sign_as(signers["cert-self"]);
    origins->set_own_identity(kOwn);
    origins->know_keys([this](std::string_view member) -> std::vector<OriginKey> {
      std::vector<OriginKey> out;
      if (member == "cert-b" || member == "cert-c") out.push_back({keys[std::string(member)].public_key, std::nullopt});
      if (const auto old = former.find(std::string(member)); old != former.end()) out.push_back(old->second);
      return out;
    });
    origins->know_owners([this](std::string_view identity) -> std::optional<std::string> {
      const auto at = by_charter.find(std::string(identity));
      return at == by_charter.end() ? std::nullopt : std::optional(at->second);
    });
    quarantine = std::move(*Quarantine::load(*node.journal, node.clock, node.random, "cert-self", *node.log));
    node.admission->use(*origins, *quarantine);
  }
  void restart() {
    node.reopen();
    node.apply();
    open();
  }

  std::string proof(const std::string& member, const std::string& object, const crypto::OriginClaim& claim = {}) {
    const std::vector<std::string_view> one{object};
    return signers[member]->sign(one, claim, node.clock.now(), node.random)->front();
  }
  // Over a link of `from`: each object with its proof.
  AdmitReport link(const std::string& from, const std::vector<std::pair<std::string, std::string>>& items) {
    node.clock.advance(std::chrono::milliseconds(1));
    std::vector<Result<stix::Object>> objects;
    AdmitContext context{.collection = "c2", .origin = from, .fallback = stix::Tlp::kGreen, .states = {}};
    for (const auto& [object, its_proof] : items) {
      objects.push_back(stix::Object::parse(object));
      context.proofs.push_back(its_proof);
    }
    auto report = node.admission->admit(objects, context);
    EXPECT_TRUE(report) << report.error().text();
    return report ? *report : AdmitReport();
  }
  crypto::OriginProof stored_proof(journal::Seq seq) {
    const auto content = node.journal->snapshot()->content(seq);
    const auto parsed = crypto::OriginProof::parse(content->proof);
    EXPECT_TRUE(parsed) << content->payload;
    return parsed ? *parsed : crypto::OriginProof();
  }
  std::vector<std::string> in(const std::string& collection) {
    std::vector<std::string> out;
    for (const auto& entry : *node.journal->snapshot()->collection_entries(collection, 0, 1000))
      out.push_back(entry.object_id);
    return out;
  }
  HeldItem only_held() {
    std::vector<HeldItem> open;
    for (auto& item : quarantine->list())
      if (item.state == HeldItem::State::kOpen) open.push_back(item);
    EXPECT_EQ(open.size(), 1u);
    return open.empty() ? HeldItem() : open.front();
  }
};

TEST_F(OriginAdmission, SignsACommitOfItsOwnObjectsOnce) {
  const auto report = node.admit({indicator(1), by(2, kOwn), by(3, id_of("identity", 7))});
  ASSERT_EQ(report.admitted, 3u);
  std::vector<crypto::OriginProof> proofs;
  for (const auto& item : report.items) {
    proofs.push_back(stored_proof(item.seq));
    EXPECT_EQ(verify_origin(proofs.back(), *node.journal->snapshot()->payload(item.seq), keys["cert-self"].public_key),
              crypto::OriginFault::kNone);
  }
  EXPECT_EQ(proofs[0].signature, proofs[1].signature) << "one signature for the batch";
  EXPECT_TRUE(proofs[0].claim.author && proofs[1].claim.author);
  EXPECT_FALSE(proofs[2].claim.author) << "by its own words somebody else made it";
}

TEST_F(OriginAdmission, SignsAsImporterWhatComesUnsigned) {
  const auto report = node.admit({indicator(1)}, "c1", "cert-b");
  ASSERT_EQ(report.admitted, 1u);
  const auto proof = stored_proof(report.items[0].seq);
  EXPECT_FALSE(proof.claim.author);
  EXPECT_EQ(proof.claim.received_from, "cert-b");
  EXPECT_EQ(proof.originator, "cert-self");
}

TEST_F(OriginAdmission, KeepsTheOriginatorsProofAndPassesItOn) {
  const std::string object = by(1, id_of("identity", 7));
  const std::string its = proof("cert-c", object);
  const auto report = link("cert-b", {{object, its}});
  ASSERT_EQ(report.admitted, 1u);
  EXPECT_EQ(node.journal->snapshot()->content(report.items[0].seq)->proof, its);
}

// Whoever knows the key would take a wrong proof for a lie of this node, and suspend it.
TEST_F(OriginAdmission, AProofThatCouldNotBeVerifiedIsNotPassedOn) {
  auto forged = *crypto::OriginProof::parse(proof("cert-x", indicator(2)));
  forged.signature[7] = static_cast<char>(forged.signature[7] ^ 1);
  std::string later = proof("cert-b", indicator(3));
  later[0] = 9;
  unsigned number = 0;
  for (const std::string& unknown : {proof("cert-x", indicator(1)), forged.bytes(), later}) {
    const auto report = link("cert-b", {{indicator(++number), unknown}});
    ASSERT_EQ(report.admitted, 1u) << "neither wrong nor proven; its bearer answers for it";
    const auto stored = stored_proof(report.items[0].seq);
    EXPECT_EQ(stored.originator, "cert-self");
    EXPECT_FALSE(stored.claim.author);
    EXPECT_EQ(stored.claim.received_from, "cert-b");
    const auto snapshot = node.journal->snapshot();
    EXPECT_EQ(
        origins->proof_of(*snapshot, {.pos = 1, .seq = report.items[0].seq}, *snapshot->content(report.items[0].seq)),
        stored.bytes());
  }
  EXPECT_FALSE(origins->signs("cert-x"));
}

TEST_F(OriginAdmission, KeysThatACharterTookAwayProveWhatWasSignedBefore) {
  const crypto::SigningKey old = *crypto::make_signing_key();
  const auto signer = *crypto::OriginSigner::make("cert-c", old);
  const Instant changed = node.clock.now();
  former["cert-c"] = {old.public_key, changed};
  const auto by_old = [&](const std::string& object, Instant when) {
    return signer.sign(std::vector<std::string_view>{object}, {}, when, node.random)->front();
  };
  const auto before = by_old(indicator(1), changed - std::chrono::hours(1)),
             after = by_old(indicator(2), changed + std::chrono::seconds(1));
  EXPECT_TRUE(origins->judge(before, indicator(1)).proven_by("cert-c"));
  const auto late = origins->judge(after, indicator(2));
  EXPECT_EQ(late.kind, OriginVerdict::Kind::kUnknownOriginator) << "and nobody is called a liar for passing it on";
  EXPECT_THAT(late.why, HasSubstr("taken from it"));
  const auto report = link("cert-b", {{indicator(1), before}, {indicator(2), after}});
  EXPECT_EQ(report.admitted, 2u);
  EXPECT_EQ(stored_proof(report.items[0].seq).originator, "cert-c");
  EXPECT_EQ(stored_proof(report.items[1].seq).originator, "cert-self");
}

struct Lie {
  const char* name;
  std::function<std::string(OriginAdmission&, const std::string& object)> proof;
  const char* why;
};

// Shown by: peers that lie are caught and named, the rest runs on.
TEST_F(OriginAdmission, LyingPeersAreCaughtByNameAndTheRestRunsOn) {
  const std::vector<Lie> lies = {
      {"forged origin",
       [](OriginAdmission& t, const std::string& object) {
         auto p = *crypto::OriginProof::parse(t.proof("cert-b", object));
         p.originator = "cert-c";
         return p.bytes();
       },
       "another key"},
      {"forged origin with the right key id",
       [](OriginAdmission& t, const std::string& object) {
         auto p = *crypto::OriginProof::parse(t.proof("cert-b", object));
         p.originator = "cert-c";
         p.key_id = crypto::key_id_of(t.keys["cert-c"].public_key);
         return p.bytes();
       },
       "signature"},
      {"in our name",
       [](OriginAdmission& t, const std::string& object) {
         auto p = *crypto::OriginProof::parse(t.proof("cert-b", object));
         p.originator = "cert-self";
         return p.bytes();
       },
       "another key"},
      {"wrong signature",
       [](OriginAdmission& t, const std::string& object) {
         auto p = *crypto::OriginProof::parse(t.proof("cert-b", object));
         p.signature[10] ^= 1;
         return p.bytes();
       },
       "signature"},
      {"an old proof on other bytes",
       [](OriginAdmission& t, const std::string&) { return t.proof("cert-b", indicator(900)); }, "not what was signed"},
      {"an importer who says that he is the author",
       [](OriginAdmission& t, const std::string& object) {
         auto p = *crypto::OriginProof::parse(t.proof("cert-b", object, {.author = false, .received_from = "feed"}));
         p.claim = {};
         return p.bytes();
       },
       "signature"},
      {"truncated",
       [](OriginAdmission& t, const std::string& object) { return t.proof("cert-b", object).substr(0, 90); },
       "cannot be read"},
      {"rubbish", [](OriginAdmission&, const std::string&) { return std::string("rubbish"); }, "cannot be read"},
  };
  unsigned number = 10;
  for (const Lie& lie : lies) {
    const std::string bad = indicator(++number), good = indicator(++number);
    const auto report = link("cert-b", {{bad, lie.proof(*this, bad)}, {good, proof("cert-b", good)}});
    ASSERT_EQ(report.items.size(), 2u);
    EXPECT_EQ(report.items[0].outcome, Outcome::kQuarantined) << lie.name;
    EXPECT_THAT(report.items[0].message, HasSubstr(lie.why)) << lie.name;
    ASSERT_EQ(report.lies.size(), 1u) << lie.name;
    EXPECT_THAT(report.lies[0], HasSubstr(id_of("indicator", number - 1)));
    EXPECT_EQ(report.items[1].outcome, Outcome::kNew) << lie.name;
    const HeldItem held = only_held();
    EXPECT_EQ(held.reason, HeldFor::kBadProof);
    EXPECT_EQ(quarantine->content(held.id)->payload, bad);
    // The same again is told once: a link that was resumed goes on.
    EXPECT_TRUE(link("cert-b", {{bad, lie.proof(*this, bad)}}).lies.empty());
    ASSERT_TRUE(quarantine->discard(held.id, "rita", "a lie"));
    EXPECT_EQ(quarantine->content(held.id).error().code, ErrorCode::kNotFound);
  }
  for (const auto& id : in("c2")) EXPECT_EQ((std::stoul(id.substr(11, 8), nullptr, 16)) % 2, 0u) << id;
}

TEST_F(OriginAdmission, UnsignedOverTheLinkOfAMemberThatSignsIsHeld) {
  EXPECT_EQ(link("cert-b", {{indicator(1), ""}}).admitted, 1u) << "its node does not sign yet";
  EXPECT_EQ(link("cert-b", {{indicator(2), proof("cert-b", indicator(2))}}).admitted, 1u);
  restart();
  const auto report = link("cert-b", {{indicator(3), ""}, {indicator(4), proof("cert-b", indicator(4))}});
  EXPECT_EQ(report.items[0].outcome, Outcome::kQuarantined);
  EXPECT_EQ(report.items[1].outcome, Outcome::kNew);
  EXPECT_EQ(only_held().reason, HeldFor::kUnsigned);
  EXPECT_EQ(node.admit({indicator(5)}, "c1", "cert-b").admitted, 1u) << "by TAXII, which carries no proofs";
}

TEST_F(OriginAdmission, V9_WhatClaimsOurIdentityIsHeldUnlessWeSignedIt) {
  const std::string claimed = by(1, kOwn);
  const auto report =
      link("cert-b", {{claimed, proof("cert-b", claimed)}, {identity(0xfe1f), proof("cert-b", identity(0xfe1f))}});
  EXPECT_EQ(report.quarantined, 2u);
  EXPECT_EQ(report.items[0].told, Outcome::kRefused);
  for (const auto& item : quarantine->list()) EXPECT_EQ(item.reason, HeldFor::kOurIdentity);
  // Ours, as it went out, comes back through another member.
  const std::string ours = by(2, kOwn, {std::string(kGreen)});
  const auto made = node.admit({ours});
  const auto back = link("cert-b", {{ours, node.journal->snapshot()->content(made.items[0].seq)->proof}});
  EXPECT_EQ(back.admitted, 1u) << back.items[0].message;
}

TEST_F(OriginAdmission, V9_ALowerLabelThanOurCopyDoesNotHoldAndTheSenderLearnsNothing) {
  node.admit({indicator(1, {std::string(kAmber)})});
  node.admit({indicator(9, {std::string(kGreen)}, 1)}, "c1", "cert-b");
  const auto told = [&](const std::vector<std::string>& objects) {
    const auto report = node.admit(objects, "c1", "cert-b");
    std::string out;
    for (const auto& item : report.items)
      out += std::to_string(static_cast<int>(item.told)) + item.version + (item.told == Outcome::kNew ? "" : "again") +
             ' ';
    return out;
  };
  // What is here under a stricter label, and what is not here at all: first, again, and with other bytes.
  const std::string hidden = indicator(1, {std::string(kClear)}, 5), fresh = indicator(2, {std::string(kClear)}, 5);
  EXPECT_EQ(told({hidden}), told({fresh}));
  EXPECT_EQ(told({hidden}), told({fresh}));
  EXPECT_EQ(told({hidden + " "}), told({fresh + " "}));
  EXPECT_TRUE(quarantine->list().empty());
  const auto versions = *node.journal->snapshot()->versions("c1", id_of("indicator", 1));
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(policy::Label::parse(stored_label(versions[1].label))->tlp, stix::Tlp::kAmber) << "the join of both labels holds";
  EXPECT_EQ(policy::Label::parse(node.journal->snapshot()->versions("c1", id_of("indicator", 2))->at(0).label)->tlp,
            stix::Tlp::kClear);
  restart();
  EXPECT_EQ(told({hidden}), told({fresh}));
}

TEST_F(OriginAdmission, V9_AnIdentityBelongsToTheFirstWhoBroughtItWithProof) {
  const std::string c_identity = identity(0xc), c_id = id_of("identity", 0xc);
  EXPECT_EQ(link("cert-c", {{c_identity, proof("cert-c", c_identity)}}).admitted, 1u);
  EXPECT_EQ(origins->owner_of(c_id), "cert-c");
  restart();
  EXPECT_EQ(origins->owner_of(c_id), "cert-c");
  struct {
    const char* what;
    std::string from, object, signer;
    bool admitted;
  } const rows[] = {
      {"its owner", "cert-c", by(1, c_id), "cert-c", true},
      {"its owner, passed on", "cert-b", by(2, c_id), "cert-c", true},
      {"another in its name", "cert-b", by(3, c_id), "cert-b", false},
      {"an unknown member in its name", "cert-b", by(4, c_id), "cert-x", false},
      {"another's version of the identity", "cert-b", identity(0xc, "", {std::string(kGreen)}), "cert-b", false},
      {"an identity that its owner makes", "cert-c", identity(0xd, c_id), "cert-c", true},
      {"somebody else with that one", "cert-b", by(5, id_of("identity", 0xd)), "cert-b", false},
      {"an identity without a maker is nobody's", "cert-b", by(6, id_of("identity", 0xe)), "cert-b", true},
  };
  for (const auto& row : rows) {
    const auto report = link(row.from, {{row.object, proof(row.signer, row.object)}});
    EXPECT_EQ(report.items[0].outcome, row.admitted ? Outcome::kNew : Outcome::kQuarantined) << row.what;
    if (!row.admitted) EXPECT_NE(report.items[0].told, Outcome::kRefused) << row.what;
    EXPECT_TRUE(report.lies.empty()) << row.what;
  }
  // An importer's word makes nobody an owner.
  const std::string imported = identity(0xf);
  link("cert-b", {{imported, proof("cert-b", imported, {.author = false, .received_from = "feed"})}});
  EXPECT_EQ(origins->owner_of(id_of("identity", 0xf)), std::nullopt);
  // A person's word stands above, and a charter's above that.
  origins->set_owner(c_id, "cert-b");
  EXPECT_EQ(link("cert-b", {{by(7, c_id), proof("cert-b", by(7, c_id))}}).admitted, 1u);
  by_charter[c_id] = "cert-c";
  EXPECT_EQ(link("cert-b", {{by(8, c_id), proof("cert-b", by(8, c_id))}}).quarantined, 1u);
  EXPECT_EQ(link("cert-c", {{by(9, c_id), proof("cert-c", by(9, c_id))}}).admitted, 1u);
  // What the charter gives to somebody is nobody's to claim.
  by_charter[id_of("identity", 0x10)] = "cert-c";
  const std::string claimed = identity(0x10);
  EXPECT_EQ(link("cert-b", {{claimed, proof("cert-b", claimed)}}).quarantined, 1u);
}

TEST_F(OriginAdmission, ASecondContentOfAMarkingIsHeld) {
  const std::string id = releasable_id({"cert-b"});
  const std::string first = releasable_to({"cert-b"});
  Json second = *parse_json(first);
  second.as_object()["name"] = "other";
  node.admit({first});
  const auto report = node.admit({to_text(second)}, "c1", "cert-b");
  EXPECT_EQ(report.items[0].outcome, Outcome::kQuarantined);
  EXPECT_EQ(report.items[0].told, Outcome::kOtherBytes) << "as an object that is here with other content";
  const HeldItem held = only_held();
  EXPECT_EQ(held.reason, HeldFor::kMarkingConflict);
  EXPECT_EQ(node.admission->admit_held(held.id, "rita", "why not").error().code, ErrorCode::kConflict);
  EXPECT_EQ(only_held().id, held.id) << "still held";
}

TEST_F(OriginAdmission, AnAnalystLetsInWhatIsHeld) {
  // An identity that another brought, in the wrong hands as far as this node knows; and ours is stricter.
  const std::string taken = identity(0xc), taken_id = id_of("identity", 0xc);
  link("cert-c", {{taken, proof("cert-c", taken)}});
  node.admit({indicator(1, {std::string(kAmber)})});
  const std::string claims = by(1, taken_id, {std::string(kClear)});
  ASSERT_EQ(link("cert-b", {{claims, proof("cert-b", claims)}}).quarantined, 1u);
  restart();
  const HeldItem held = only_held();
  EXPECT_EQ(quarantine->content(held.id)->payload, claims) << "found again after a restart";
  EXPECT_FALSE(node.admission->admit_held(held.id, "rita", "")) << "no reason";
  const auto admitted = node.admission->admit_held(held.id, "rita", "asked by telephone");
  ASSERT_TRUE(admitted) << admitted.error().text();
  EXPECT_EQ(admitted->outcome, Outcome::kNew);
  EXPECT_EQ(in("c2"), (std::vector<std::string>{taken_id, id_of("indicator", 1)}));
  const auto entry = *node.journal->snapshot()->entry(admitted->seq);
  EXPECT_EQ(policy::Label::parse(stored_label(entry.label))->tlp, stix::Tlp::kAmber) << "the stricter label stays";
  EXPECT_EQ(stored_proof(admitted->seq).originator, "cert-b");
  const auto record = quarantine->find(held.id);
  EXPECT_EQ(record->state, HeldItem::State::kAdmitted);
  EXPECT_EQ(record->decided_by, "rita");
  EXPECT_EQ(record->decided_why, "asked by telephone");
  EXPECT_FALSE(node.admission->admit_held(held.id, "rita", "again"));
  restart();
  EXPECT_EQ(quarantine->find(held.id)->decided_why, "asked by telephone");

  // With a wrong proof: we answer for having received it.
  const std::string forged = indicator(2);
  link("cert-b", {{forged, proof("cert-b", indicator(3))}});
  const auto second = node.admission->admit_held(only_held().id, "otto", "their key changed");
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_EQ(stored_proof(second->seq).originator, "cert-self");
  EXPECT_EQ(stored_proof(second->seq).claim.received_from, "cert-b");
}

TEST_F(OriginAdmission, WhatAnEarlierBuildHeldForAWeakerLabelIsStillThere) {
  const std::string taken = identity(0xc), claims = by(1, id_of("identity", 0xc), {std::string(kClear)});
  link("cert-c", {{taken, proof("cert-c", taken)}});
  ASSERT_EQ(link("cert-b", {{claims, proof("cert-b", claims)}}).quarantined, 1u);
  const std::string id = only_held().id;
  std::string record = **node.journal->state("quarantine", id);
  const std::string reason = R"("reason":"not_theirs")";
  ASSERT_NE(record.find(reason), std::string::npos) << record;
  record.replace(record.find(reason), reason.size(), R"("reason":"weaker_label")");
  ASSERT_TRUE(node.journal->put({{"quarantine", id, record}}));
  restart();
  EXPECT_EQ(only_held().reason, HeldFor::kWeakerLabel);
  EXPECT_EQ(quarantine->content(id)->payload, claims);
  ASSERT_TRUE(node.admission->admit_held(id, "rita", "asked by telephone"));
  restart();
  EXPECT_EQ(quarantine->find(id)->state, HeldItem::State::kAdmitted);
}

TEST_F(OriginAdmission, NothingInQuarantineIsReferredToReleasedOrCountedAsKnown) {
  node.apply({"c1", "c2"});
  const std::string claimed = by(1, kOwn, {std::string(kRed)});
  node.admit({claimed}, "c1", "cert-b");
  const HeldItem held = only_held();
  EXPECT_EQ(node.sees("cert-c"), Seen(std::vector<std::string>{}));
  // Were it known, its label would hide what refers to it.
  node.admit({relationship(1, id_of("indicator", 1), id_of("malware", 1), {std::string(kGreen)})});
  EXPECT_EQ(node.sees("cert-c"), Seen(std::vector<std::string>{id_of("relationship", 1)}));
  ASSERT_TRUE(quarantine->erase_object(id_of("indicator", 1), "otto"));
  EXPECT_EQ(quarantine->find(held.id)->state, HeldItem::State::kDiscarded);
}

TEST_F(OriginAdmission, QuarantineIsBoundedForEachMember) {
  std::vector<std::string> many;
  for (unsigned i = 0; i < kMaxHeldOfMember + 5; ++i) many.push_back(by(i + 100, kOwn));
  const auto report = node.admit(many, "c1", "cert-b");
  EXPECT_EQ(report.quarantined, many.size());
  EXPECT_EQ(quarantine->counts().open, kMaxHeldOfMember);
  EXPECT_EQ(quarantine->counts().dropped, 5u);
  EXPECT_EQ(node.admit({by(1, kOwn)}, "c1", "cert-c").quarantined, 1u);
  EXPECT_EQ(quarantine->counts().open, kMaxHeldOfMember + 1) << "others have room";
}

TEST_F(OriginAdmission, AFailedCommitLeavesNothingHeldOrOwned) {
  const std::string c_identity = identity(0xc), claimed = by(1, kOwn);
  node.journal->fail_after(1);
  std::vector<Result<stix::Object>> objects{stix::Object::parse(c_identity), stix::Object::parse(claimed)};
  EXPECT_FALSE(node.admission->admit(objects, {.collection = "c2",
                                               .origin = "cert-c",
                                               .fallback = stix::Tlp::kGreen,
                                               .states = {},
                                               .proofs = {proof("cert-c", c_identity), proof("cert-c", claimed)}}));
  node.journal->heal();
  EXPECT_TRUE(quarantine->list().empty());
  EXPECT_EQ(origins->owner_of(id_of("identity", 0xc)), std::nullopt);
}

// Leak rule G6: what leaves redacted is proven to be a part of what its author signed, whoever redacts.
TEST_F(OriginAdmission, G6_ARedactedCopyCarriesAPartOfItsAuthorsProof) {
  const std::string object = indicator(1, {}, 0,
                                       R"(,"description":"secret","granular_markings":[{"marking_ref":")" +
                                           std::string(kAmber) + R"(","selectors":["description"]}])");
  const auto report = link("cert-b", {{object, proof("cert-b", object)}});
  auto json = parse_json(object)->as_object();
  json.erase("description");
  json.erase("granular_markings");
  const std::string redacted = to_text(json);
  json["name"] = "rewritten";
  const std::string rewritten = to_text(json);
  const auto snapshot = node.journal->snapshot();
  const journal::OutboxRow row{.pos = 1, .seq = report.items[0].seq};
  const auto part = crypto::OriginProof::parse(origins->proof_of(*snapshot, row, {redacted, ""}));
  ASSERT_TRUE(part);
  EXPECT_EQ(part->originator, "cert-b");
  EXPECT_EQ(verify_origin(*part, redacted, keys["cert-b"].public_key), crypto::OriginFault::kNone);
  const auto ours = crypto::OriginProof::parse(origins->proof_of(*snapshot, row, {rewritten, ""}));
  ASSERT_TRUE(ours);
  EXPECT_EQ(ours->originator, "cert-self") << "rewritten: we say that we received it";
  EXPECT_FALSE(ours->claim.author);
  EXPECT_EQ(ours->claim.received_from, "cert-b");
  // And the next one takes both.
  EXPECT_EQ(origins->judge(part->bytes(), redacted).kind, OriginVerdict::Kind::kProven);
  EXPECT_EQ(origins->judge(part->bytes(), object).kind, OriginVerdict::Kind::kBad);
}

// Leak rule R8: to whom something may go is its maker's to widen, or a delegate's.
TEST_F(OriginAdmission, R8_OnlyTheMakerOrItsDelegateWidensToWhomItMayGo) {
  const std::string maker = identity(0xb, "", {std::string(kClear)});
  const auto definition = releasable_to({"cert-b"});
  const std::string narrow = by(1, id_of("identity", 0xb), {std::string(kGreen), releasable_id({"cert-b"})});
  node.admit({definition});
  ASSERT_EQ(link("cert-b", {{maker, proof("cert-b", maker)}, {narrow, proof("cert-b", narrow)}}).admitted, 2u);
  const auto label = [&](const AdmitReport& report) { return std::string(stored_label(node.journal->snapshot()->entry(report.items.at(0).seq)->label)); };
  // Put in here under our name, without its recipients: it is still cert-b's, and for whom cert-b said.
  const auto wide = [&](unsigned version) {
    return indicator(1, {std::string(kClear)}, version, R"(,"created_by_ref":")" + id_of("identity", 0xb) + '"');
  };
  EXPECT_EQ(label(node.admit({wide(1)})), "green marked to:cert-b reveals:cert-b");
  EXPECT_EQ(node.sees("cert-c"), Seen(std::vector<std::string>{}));
  // An agreement that lets us widen: to whom, and nothing else of the label.
  node.policy.agreements["cert-b"].widens = true;
  node.apply();
  EXPECT_EQ(label(node.admit({wide(2)})), "green marked reveals:cert-b");
  // And another member, by an agreement that is not ours.
  const auto from_c = [&](unsigned version) {
    const std::string text = wide(version);
    return link("cert-c", {{text, proof("cert-b", text)}});
  };
  // It would go to whom cert-b did not name: whatever becomes of it, not that.
  const auto held = from_c(3);
  EXPECT_TRUE(held.quarantined == 1 || label(held) == "green marked to:cert-b") << label(held);
  std::vector<std::string> asked;
  node.admission->set_may_widen([&](const policy::MemberId& by, const policy::MemberId& member) {
    asked.push_back(by + ' ' + member);
    return true;
  });
  // (Weaker in nothing but that: cert-b's own copy is GREEN.)
  const std::string green = indicator(1, {std::string(kGreen)}, 4, R"(,"created_by_ref":")" + id_of("identity", 0xb) + '"');
  EXPECT_EQ(label(link("cert-c", {{green, proof("cert-b", green)}})), "green marked");
  EXPECT_EQ(asked, std::vector<std::string>{"cert-b cert-c"});
}

// Leak rule R8: what a member gave stays what it gave when somebody here puts it in again, whoever its author is.
TEST_F(OriginAdmission, R8_WhatAMemberGaveDoesNotBecomeOursByBeingPutInAgain) {
  node.policy.agreements["cert-c"].onward = true;
  node.apply();
  const std::string stranger = R"(,"created_by_ref":")" + id_of("identity", 0x77) + '"',
                    ours = R"(,"created_by_ref":")" + std::string(kOwn) + '"';
  const auto label = [&](const AdmitReport& report) {
    return std::string(stored_label(node.journal->snapshot()->entry(report.items.at(0).seq)->label));
  };
  unsigned number = 10;
  for (const std::string& author : {std::string(), stranger}) {
    const unsigned n = number++;
    const std::string given = indicator(n, {std::string(kGreen)}, 0, author);
    ASSERT_EQ(link("cert-b", {{given, proof("cert-b", given)}}).admitted, 1u);
    const std::string wide = indicator(n, {std::string(kClear)}, 1, author);
    const auto facts = node.admission->facts_of(
        *stix::Object::parse(wide), {.collection = "c1", .origin = "cert-self", .fallback = stix::Tlp::kGreen});
    EXPECT_EQ(facts->label.text(), "green marked reveals:cert-b") << "asked before it is done";
    EXPECT_EQ(label(node.admit({wide})), "green marked reveals:cert-b");
    EXPECT_EQ(label(node.admit({indicator(n, {std::string(kGreen)}, 2, author)})), "green marked reveals:cert-b")
        << "nor the second time";
    EXPECT_EQ(node.sees("cert-c"), Seen(std::vector<std::string>{})) << author;
  }
  // What everybody may have, what a feed brought, what was ours before, and an observable were had without it.
  const std::string clear = indicator(20, {std::string(kClear)}), fed = indicator(21, {std::string(kGreen)}),
                    before = indicator(22, {std::string(kGreen)}, 0, ours);
  for (const std::string& given : {clear, fed})
    ASSERT_EQ(link("cert-b", {{given, proof("cert-b", given)}}).admitted, 1u);
  EXPECT_EQ(label(node.admit({indicator(20, {std::string(kClear)}, 1)})), "clear marked");
  const std::vector<Result<stix::Object>> from_feed{stix::Object::parse(indicator(21, {std::string(kGreen)}, 1))};
  EXPECT_EQ(label(*node.admission->admit(from_feed, {.collection = "c1",
                                                     .origin = "cert-self",
                                                     .fallback = stix::Tlp::kGreen,
                                                     .states = {},
                                                     .received_from = "a feed"})),
            "green marked");
  EXPECT_EQ(label(node.admit({before})), "green marked");
}

// Leak rule D7: whoever sees a part of it, or nothing, learns nothing by trying.
TEST_F(OriginAdmission, D7_NoAnswerTellsARightGuess) {
  const auto object = [](const std::string& description) {
    return indicator(1, {std::string(kClear)}, 0,
                     R"(,"description":")" + description + R"(","granular_markings":[{"marking_ref":")" +
                         std::string(kAmber) + R"(","selectors":["description"]}])");
  };
  node.agree("cert-d", agreement({"c1"}, stix::Tlp::kAmber));
  node.apply();
  node.admit({object("the right one"), indicator(2, {std::string(kRed)})});
  const auto told = [&](const std::string& member, const std::string& text) {
    const auto item = node.admit({text}, "c1", member).items.at(0);
    return std::tuple(item.told, item.unseen, item.message);
  };
  EXPECT_EQ(told("cert-b", object("the right one")), told("cert-b", object("another one")));
  EXPECT_EQ(std::get<0>(told("cert-b", object("the right one"))), Outcome::kOtherBytes);
  EXPECT_EQ(std::get<0>(told("cert-d", object("the right one"))), Outcome::kDuplicate) << "it has the whole";
  EXPECT_EQ(std::get<0>(told("cert-b", indicator(2, {std::string(kRed)}))), Outcome::kNew) << "it sees nothing of it";
  EXPECT_EQ(node.admit({object("the right one")}).items[0].told, Outcome::kDuplicate) << "we may know";
}

TEST_F(OriginAdmission, WhatIsLetInGetsTheLabelOfTheCollectionItCameBy) {
  std::string object = indicator(9);
  AdmitContext context{.collection = "c2", .origin = "cert-b", .fallback = stix::Tlp::kClear, .states = {}};
  context.proofs.push_back("no proof");
  const std::vector<Result<stix::Object>> objects{stix::Object::parse(object)};
  ASSERT_EQ(node.admission->admit(objects, context)->quarantined, 1u);
  restart();
  const auto item = node.admission->admit_held(only_held().id, "olena", "it is theirs");
  ASSERT_TRUE(item) << item.error().text();
  EXPECT_EQ(node.journal->snapshot()->entry(item->seq)->label, "clear");
}

}  // namespace
}  // namespace bongsu::flow
