#include "flow/label_beside.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/policy_test_support.h"

namespace bongsu::flow {
namespace {

policy::Label label(std::string_view text) { return policy::Label::parse(text).value(); }

TEST(LabelBeside, NamesNobodyWhoseObjectsItRefersTo) {
  EXPECT_EQ(label_beside(label("amber marked to:cert-a,cert-b,cert-ua reveals:cert-a"), "cert-ua"),
            "amber to:cert-b,cert-ua");
  EXPECT_EQ(label_beside(label("green reveals:cert-a"), "cert-ua"), "green");
  EXPECT_EQ(label_beside(label("amber to: reveals:cert-a"), "cert-ua"), "amber to:cert-ua");
}

TEST(LabelBeside, TakesTlp1sAmberForWhatItMayMeanWhereSeveralMarked) {
  EXPECT_EQ(label_beside(label("amber+strict tlp1"), "cert-ua"), "amber+strict tlp1");
  EXPECT_EQ(label_beside(label("amber+strict reveals:cert-a tlp1"), "cert-ua"), "amber+strict");
}

TEST(LabelBeside, SaysNothingOfPartsThatAreLeftOut) {
  const policy::Label whole = policy::join(label("green"), [] {
    policy::Label out = label("red");
    out.redact = {"name"};
    out.parts = {{{}, policy::bottom()}, {{"name"}, label("red")}};
    return out;
  }());
  EXPECT_EQ(label_beside(whole, "cert-ua"), "green");
}

TEST(LabelBeside, TooManyNamesAreTheReceiverAlone) {
  policy::Label many = label("green");
  many.releasable_to.emplace();
  for (int i = 0; i < 1000; ++i) many.releasable_to->insert("cert-of-a-very-long-name-" + std::to_string(i));
  EXPECT_EQ(label_beside(many, "cert-ua"), "green to:cert-ua");
}

TEST(LabelBeside, WhatCannotBeReadDenies) {
  for (const std::string_view text : {"purple", "clear of-a-later-version", "clear ", "CLEAR"})
    EXPECT_EQ(read_label_beside(text), policy::deny_all()) << text;
  EXPECT_EQ(read_label_beside("green to:" + std::string(kMaxLabelBeside, 'a')), policy::deny_all());
}

// Whatever the label: the receiver can read it, gets no exercise or giver with it, and nobody but the receiver gets
// more by it than by the label itself where no giver is concerned.
TEST(LabelBeside, IsReadAsItWasMeant) {
  SeededRandom random(7);
  for (int i = 0; i < 20'000; ++i) {
    const policy::Label any = policy::test::random_label(random);
    const std::string text = label_beside(any, "cert-ua");
    const policy::Label read = read_label_beside(text);
    EXPECT_EQ(read.text(), text);
    EXPECT_TRUE(read.reveals.empty() && read.exercises.empty() && read.parts.empty());
    policy::Label own = policy::whole(policy::own_part(any));
    own.reveals.clear();
    own.exercises.clear();
    if (own.releasable_to) own.releasable_to->insert("cert-ua");
    if (own.clauses.empty()) EXPECT_TRUE(policy::at_most(own, read)) << any.text() << "\n" << text;
  }
}

}  // namespace
}  // namespace bongsu::flow
