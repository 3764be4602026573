// What a giver is told of a version that is here already and hidden from it: nothing (D7, D9).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flow/flow_test_support.h"

namespace bongsu::flow {
namespace {

using namespace test;
using stix::Tlp;
using testing::ElementsAre;
using testing::IsEmpty;
using Outcome = AdmitItem::Outcome;

const std::string kAddress =
    R"({"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4","value":"198.51.100.3"})";
const std::string kAddressId = "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4";
const std::string kOther = R"(,"description":"other")";

// cert-a's information goes to cert-c alone, nothing of it to cert-b; cert-b's goes to whoever the labels let.
class AdmitApart : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* member : {"cert-a", "cert-b", "cert-c"}) node.agree(member, agreement({"c1"}, Tlp::kAmber));
    for (auto& [member, one] : node.policy.agreements) one.onward = true;
    node.policy.agreements.at("cert-a").passes_on = {"cert-c"};
    node.policy.agreements.at("cert-b").passes_on = {"*"};
    node.apply();
  }
  AdmitItem give(const std::string& text, const std::string& member) {
    return node.admit({text}, "c1", member).items[0];
  }
  std::vector<std::string> sees(const std::string& member) { return node.sees(member).value(); }
  std::size_t here(const std::string& id) { return node.journal->snapshot()->versions("c1", id)->size(); }
  TestNode node;
};

TEST_F(AdmitApart, D7AVersionThatIsHiddenFromItsGiverIsNewToIt) {
  for (const auto& [text, id] : {std::pair{indicator(1), id_of("indicator", 1)}, {kAddress, kAddressId}}) {
    SCOPED_TRACE(id);
    EXPECT_EQ(give(text, "cert-a").told, Outcome::kNew);
    EXPECT_THAT(sees("cert-b"), testing::Not(testing::Contains(id)));
    const AdmitItem item = give(text, "cert-b");
    EXPECT_EQ(item.told, Outcome::kNew);
    EXPECT_EQ(item.outcome, Outcome::kNew);
    EXPECT_TRUE(item.message.empty());
    EXPECT_THAT(sees("cert-b"), testing::Contains(id)) << "as of anything else that it gave";
    EXPECT_EQ(here(id), 2U);
    EXPECT_EQ(give(text, "cert-b").told, Outcome::kDuplicate) << "its own";
    EXPECT_EQ(give(text, "cert-a").told, Outcome::kDuplicate);
    EXPECT_EQ(here(id), 2U);
    const auto seen = sees("cert-c");
    EXPECT_EQ(std::ranges::count(seen, id), 1) << "who was shown the first copy is not shown it twice";
  }
}

TEST_F(AdmitApart, ItsCopyStandsBesideTheHiddenOneAndGoesToItAlone) {
  EXPECT_EQ(give(indicator(1), "cert-a").told, Outcome::kNew);
  EXPECT_EQ(give(indicator(1, {}, 0, kOther), "cert-b").told, Outcome::kNew);
  EXPECT_THAT(sees("cert-b"), ElementsAre(id_of("indicator", 1)));
  EXPECT_EQ(give(indicator(1, {}, 0, kOther), "cert-b").told, Outcome::kDuplicate);
  EXPECT_EQ(give(indicator(1), "cert-b").told, Outcome::kOtherBytes) << "than its own";
  const auto reading = node.release->open("cert-c", "c1");
  const auto page = reading->snapshot->page({.view = reading->view, .last = false, .all = true});
  ASSERT_EQ(page->rows.size(), 1U);
  EXPECT_EQ(reading->snapshot->released_payload(reading->view, page->rows[0].pos).value(), indicator(1));
}

TEST_F(AdmitApart, ItGetsBackWhatItGaveWhateverHidesTheOther) {
  const std::string list = releasable_to({"cert-c"});
  node.admit({list});
  for (const std::string& marking : {releasable_id({"cert-c"}), std::string(kRed)}) {
    const std::string text = indicator(marking == kRed ? 2 : 1, {std::string(kClear), marking});
    const std::string id = id_of("indicator", marking == kRed ? 2 : 1);
    node.admit({text});
    EXPECT_THAT(sees("cert-b"), testing::Not(testing::Contains(id)));
    EXPECT_EQ(give(text, "cert-b").told, Outcome::kNew);
    EXPECT_THAT(sees("cert-b"), testing::Contains(id));
  }
}

TEST_F(AdmitApart, WhatIsSeenIsTheSameVersion) {
  EXPECT_EQ(give(indicator(1), "cert-a").told, Outcome::kNew);
  ASSERT_THAT(sees("cert-c"), ElementsAre(id_of("indicator", 1)));
  EXPECT_EQ(give(indicator(1), "cert-c").told, Outcome::kDuplicate);
  EXPECT_EQ(give(indicator(1, {}, 0, kOther), "cert-c").told, Outcome::kOtherBytes);
  EXPECT_EQ(here(id_of("indicator", 1)), 1U);
}

TEST_F(AdmitApart, ADeletionTakesItsOwnCopyAndLeavesTheHiddenOne) {
  for (const std::string& own : {indicator(1), indicator(1, {}, 0, kOther)}) {
    EXPECT_NE(give(indicator(1), "cert-a").told, Outcome::kRefused);
    EXPECT_EQ(give(own, "cert-b").told, Outcome::kNew);
    ASSERT_TRUE(node.admission->remove("c1", id_of("indicator", 1), "", "cert-b"));
    EXPECT_THAT(sees("cert-b"), IsEmpty());
    EXPECT_THAT(sees("cert-c"), ElementsAre(id_of("indicator", 1)));
    EXPECT_EQ(here(id_of("indicator", 1)), 1U);
    EXPECT_EQ(node.admission->remove("c1", id_of("indicator", 1), "", "cert-b").error().code, ErrorCode::kNotFound);
  }
}

TEST_F(AdmitApart, ACorrectionOnALinkReplacesItsOwnCopy) {
  const auto tell = [&](const std::string& text) {
    const std::vector<Result<stix::Object>> objects{stix::Object::parse(text)};
    return node.admission
        ->admit(objects, {.collection = "c1", .origin = "cert-b", .fallback = Tlp::kGreen, .replaces = true})
        ->items[0]
        .outcome;
  };
  EXPECT_EQ(give(indicator(1), "cert-a").told, Outcome::kNew);
  EXPECT_EQ(tell(indicator(1)), Outcome::kNew);
  EXPECT_EQ(tell(indicator(1, {}, 0, kOther)), Outcome::kReplaced);
  EXPECT_EQ(here(id_of("indicator", 1)), 2U);
  EXPECT_THAT(sees("cert-c"), ElementsAre(id_of("indicator", 1)));
  EXPECT_EQ(give(indicator(1), "cert-a").told, Outcome::kDuplicate);
}

}  // namespace
}  // namespace bongsu::flow
