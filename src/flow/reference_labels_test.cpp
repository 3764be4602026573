// An id is data (release rules D2, D3, D4): what refers to something goes to nobody who may not have that, whether it
// is withheld by its label, its collection, its type, its sector or a denying clause.
#include "flow/reference_labels.h"

#include <gtest/gtest.h>

#include "flow/facts.h"
#include "flow/flow_test_support.h"

namespace bongsu::flow {
namespace {

using namespace test;
using stix::Tlp;

std::string object(std::string_view type, unsigned number, std::string_view more) {
  return R"({"type":")" + std::string(type) + R"(","spec_version":"2.1","id":")" + id_of(type, number) +
         R"(","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z")" + std::string(more) +
         refs({std::string(kGreen)}) + "}";
}

std::string report(unsigned number, const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "\"" : ",\"") + name + '"';
  return object("report", number, R"(,"name":"r","published":"2026-01-01T00:00:00Z","object_refs":[)" + list + "]");
}

std::string malware_of(unsigned number) { return malware(number, {std::string(kGreen)}); }

const std::string kAddress = "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4";  // UUIDv5 of 198.51.100.3

std::string address() {
  return R"({"type":"ipv4-addr","spec_version":"2.1","id":")" + kAddress + R"(","value":"198.51.100.3")" +
         refs({std::string(kGreen)}) + "}";
}

std::string observed() {
  return object(
      "observed-data", 1,
      R"(,"first_observed":"2026-01-01T00:00:00Z","last_observed":"2026-01-01T00:00:00Z","number_observed":1,"object_refs":[")" +
          kAddress + "\"]");
}

class References : public ::testing::Test {
 protected:
  TestNode node;
  void SetUp() override {
    node.agree("cert-a", agreement({"c1"}, Tlp::kAmber));
    node.agree("cert-b", agreement({"c1", "c2"}, Tlp::kAmber));
    node.apply({"c1", "c2"});
  }
  void apply() { node.apply({"c1", "c2"}); }
  bool has(const std::string& member, const std::string& id, const std::string& collection = "c1") {
    const auto seen = node.sees(member, collection);
    return seen && std::ranges::find(*seen, id) != seen->end();
  }
};

TEST_F(References, D3_WhatStandsInAnotherCollectionIsNamedToItsReadersAlone) {
  node.admit({malware_of(1)}, "c2");
  node.admit({malware_of(2), report(1, {id_of("malware", 1)}), report(2, {id_of("malware", 2)})});
  EXPECT_FALSE(has("cert-a", id_of("report", 1)));
  EXPECT_TRUE(has("cert-a", id_of("report", 2)));
  EXPECT_TRUE(has("cert-b", id_of("report", 1))) << "in another collection that it may also read";
  node.admit({relationship(1, id_of("indicator", 1), id_of("malware", 1), {std::string(kGreen)})});
  EXPECT_FALSE(has("cert-a", id_of("relationship", 1)));
  EXPECT_TRUE(has("cert-b", id_of("relationship", 1)));
}

TEST_F(References, D3_AnIdIsDataWhereverItStands) {
  node.admit({malware_of(1)}, "c2");
  unsigned number = 1;
  for (const std::string& more :
       {R"(,"name":"i","external_references":[{"source_name":"x","external_id":")" + id_of("malware", 1) + R"("}])",
        R"(,"name":")" + id_of("malware", 1) + '"',
        R"(,"name":"i","x_seen":{"with":[")" + id_of("malware", 1) + R"("]})"}) {
    node.admit({object("intrusion-set", number, more)});
    EXPECT_FALSE(has("cert-a", id_of("intrusion-set", number))) << more;
    EXPECT_TRUE(has("cert-b", id_of("intrusion-set", number))) << more;
    ++number;
  }
}

TEST_F(References, D3_AnAgreementThatLosesTheOtherCollectionLosesWhatNamesItsObjects) {
  node.admit({malware_of(1)}, "c2");
  node.admit({report(1, {id_of("malware", 1)})});
  node.policy.agreements["cert-b"].collections = {"c1"};
  apply();
  EXPECT_FALSE(has("cert-b", id_of("report", 1)));
  node.policy.agreements["cert-a"].collections = {"c1", "c2"};
  node.reopen();
  apply();
  EXPECT_TRUE(has("cert-a", id_of("report", 1))) << "known after a restart, too";
  EXPECT_FALSE(has("cert-b", id_of("report", 1)));
}

TEST_F(References, D4_AnObservableOfATypeThatIsNotAgreedIsNotNamed) {
  node.policy.agreements["cert-a"].types = {"indicator", "observed-data"};
  apply();
  node.admit({observed(), address()});
  EXPECT_FALSE(has("cert-a", id_of("observed-data", 1))) << "its UUIDv5 would be found by trying addresses";
  EXPECT_TRUE(has("cert-b", id_of("observed-data", 1)));
}

TEST_F(References, D4_ATypeIsAskedOfWhatIsNotKnownHereToo) {
  node.policy.agreements["cert-a"].types = {"indicator", "observed-data"};
  apply();
  node.admit({observed()});
  EXPECT_FALSE(has("cert-a", id_of("observed-data", 1)));
  EXPECT_TRUE(has("cert-b", id_of("observed-data", 1)));
}

TEST_F(References, D3_WhatNamesAHiddenReportIsHiddenWithIt) {
  node.admit({malware_of(1)}, "c2");
  node.admit({report(1, {id_of("malware", 1)})});
  node.admit({report(2, {id_of("report", 1)})});
  EXPECT_FALSE(has("cert-a", id_of("report", 2))) << "the id of what was withheld from it";
  EXPECT_TRUE(has("cert-b", id_of("report", 2)));
  // Likewise in one batch, in either order.
  node.admit({report(4, {id_of("report", 3)}), report(3, {id_of("malware", 1)}), report(5, {id_of("report", 4)})});
  for (const unsigned number : {3U, 4U, 5U}) {
    EXPECT_FALSE(has("cert-a", id_of("report", number))) << number;
    EXPECT_TRUE(has("cert-b", id_of("report", number))) << number;
  }
}

TEST_F(References, WhoGaveAnObjectMayBeToldOfIt) {
  node.admit({malware_of(1)}, "c2", "cert-a");
  node.policy.agreements["cert-a"].passes_on = {"cert-b"};
  node.policy.agreements["cert-b"].onward = true;
  apply();
  node.admit({report(1, {id_of("malware", 1)})});
  EXPECT_TRUE(has("cert-a", id_of("report", 1)));
  EXPECT_TRUE(has("cert-b", id_of("report", 1)));
}

TEST_F(References, MoreThanCanBeAskedForGoToNobody) {
  // Each type is one more to ask for.
  std::vector<std::string> names;
  for (unsigned i = 0; i <= policy::kMaxTargets; ++i) {
    names.push_back(id_of("x-kind-" + std::to_string(i), i));
    if (i + 1 == policy::kMaxTargets) node.admit({report(1, names)});
  }
  node.admit({report(2, names)});
  EXPECT_TRUE(has("cert-a", id_of("report", 1)));
  EXPECT_FALSE(has("cert-a", id_of("report", 2)));
}

TEST_F(References, WhatWasStoredBeforeTargetsWereNotedIsReadForThemWhenItIsDecidedAgain) {
  node.admit({malware_of(1)}, "c2");
  node.admit({report(1, {id_of("malware", 1)})});
  // As an older build left it: nothing noted, and all that the label alone lets go in the outboxes.
  const auto entry = node.journal->snapshot()->versions("c1", id_of("report", 1))->front();
  policy::ObjectFacts facts = facts_or_deny(entry);
  ASSERT_FALSE(facts.targets.empty());
  facts.targets.clear();
  const std::string text = *node.journal->snapshot()->payload(entry.seq);
  ASSERT_TRUE(node.admission->remove("c1", id_of("report", 1), "", "cert-self"));
  journal::Batch batch;
  batch.entries.push_back({.collection = "c1",
                           .object_id = entry.object_id,
                           .version = entry.version,
                           .version_key = entry.version_key,
                           .origin = "cert-self",
                           .label = stored_facts(facts),
                           .payload = text});
  batch.epoch = node.release->epoch();
  ASSERT_TRUE(node.release->decide_for(batch.entries.front(), facts));
  const auto receipt = node.journal->append(batch);
  ASSERT_TRUE(receipt) << receipt.error().text();
  ASSERT_TRUE(node.journal->put(
      {{.space = "release.facts", .key = "targets", .value = std::to_string(receipt->entries.front().seq)}}));
  node.reopen();
  apply();
  EXPECT_TRUE(has("cert-a", id_of("report", 1))) << "an upgrade by itself decides nothing again";
  node.policy.agreements["cert-a"].highest_tlp = Tlp::kGreen;
  node.policy.agreements["cert-b"].highest_tlp = Tlp::kGreen;
  apply();
  EXPECT_FALSE(has("cert-a", id_of("report", 1)));
  EXPECT_TRUE(has("cert-b", id_of("report", 1)));
}

TEST(TargetFacts, StandInTheJournalInOneText) {
  policy::ObjectFacts facts{.label = {.tlp = Tlp::kGreen, .marked = true}};
  facts.targets = {{.type = "ipv4-addr"},
                   {.type = "malware", .collections = {"c1", "c2"}, .sectors = {"a;b|c%"}, .givers = {"cert-a"}},
                   {.type = "identity", .sighter = true}};
  const std::string text = stored_facts(facts);
  EXPECT_EQ(text, "green marked\ntargets:identity||||sighter;ipv4-addr|||;malware|c1,c2|a%3bb%7cc%25|cert-a");
  EXPECT_EQ(parse_facts(text).value(), facts);
  for (const char* wrong :
       {"targets:", "targets:malware", "targets:malware|||;malware|||", "targets:malware|b,a||",
        "targets:malware||||other", "targets:malware|||;", "targets:malware|%2||", "targets:b|||;a|||"})
    EXPECT_FALSE(parse_facts("green marked\n" + std::string(wrong))) << wrong;
}

}  // namespace
}  // namespace bongsu::flow
