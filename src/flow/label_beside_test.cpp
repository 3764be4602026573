#include "flow/label_beside.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flow/flow_test_support.h"
#include "policy/policy_test_support.h"

namespace bongsu::flow {
namespace {

policy::Label label(std::string_view text) { return policy::Label::parse(text).value(); }

// Of an object whose own markings say all of it.
std::string beside(std::string_view text) { return label_beside(label(text), label(text), "cert-ua"); }

TEST(LabelBeside, NamesNobodyWhoseObjectsItRefersTo) {
  EXPECT_EQ(beside("amber marked to:cert-a,cert-b,cert-ua reveals:cert-a"), "amber to:cert-b,cert-ua");
  EXPECT_EQ(beside("green reveals:cert-a"), "green");
  EXPECT_EQ(beside("amber to: reveals:cert-a"), "amber to:cert-ua");
}

TEST(LabelBeside, D9TellsListsOnlyThatTheObjectsOwnMarkingsSay) {
  const auto said = [](std::string_view all, std::string_view shown) {
    return label_beside(label(all), label(shown), "cert-ua");
  };
  EXPECT_EQ(said("amber to:cert-b,cert-ua", "amber to:cert-b,cert-ua"), "amber to:cert-b,cert-ua");
  EXPECT_EQ(said("amber to:cert-b,cert-ua", "amber"), "amber to:cert-ua");
  EXPECT_EQ(said("amber to:cert-b,cert-ua", "amber to:cert-b,cert-c,cert-ua"), "amber to:cert-ua");
  EXPECT_EQ(said("red persons:cert-b/jo,cert-ua/olena", "red persons:cert-b/jo,cert-ua/olena"),
            "red persons:cert-b/jo,cert-ua/olena");
  EXPECT_EQ(said("red persons:cert-b/jo,cert-ua/olena", "red"), "red persons:cert-ua/olena");
  policy::Label grouped = label("green");
  grouped.clauses = {{.members = {"cert-c"}, .groups = {}}, {.members = {"cert-d"}, .groups = {}}};
  EXPECT_EQ(label_beside(grouped, policy::bottom(), "cert-ua"), "green to:cert-ua");
}

TEST(LabelBeside, ReadsTheMarkingsOfTheBytes) {
  FakeClock clock;
  SeededRandom random(7);
  const auto journal = journal::make_memory_journal(clock, random);
  const auto markings = std::move(Markings::load(*journal).value());
  const auto definition =
      stix::Object::parse(policy::make_releasable_to_marking({"cert-b", "cert-ua"}, "cert-b", clock.now()));
  ASSERT_TRUE(definition);
  std::vector<journal::StateChange> states;
  ASSERT_TRUE(markings->pin(*definition, states));
  const std::string marked =
      R"({"type":"identity","spec_version":"2.1","id":"identity--0c9bd4e4-9f45-4a3f-b0f0-0a3c7e3a0a11","name":"x",)"
      R"("created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z",)"
      R"("object_marking_refs":[")" +
      definition->id_text() + R"("]})";
  const policy::Label all = label("amber to:cert-b,cert-ua");
  EXPECT_EQ(label_beside(all, *markings, marked, "cert-ua"), "amber to:cert-b,cert-ua");
  EXPECT_EQ(label_beside(all, *markings, "{}", "cert-ua"), "amber to:cert-ua");
}

TEST(LabelBeside, TakesTlp1sAmberForWhatItMayMeanWhereSeveralMarked) {
  EXPECT_EQ(beside("amber+strict tlp1"), "amber+strict tlp1");
  EXPECT_EQ(beside("amber+strict reveals:cert-a tlp1"), "amber+strict");
}

TEST(LabelBeside, SaysNothingOfPartsThatAreLeftOut) {
  const policy::Label whole = policy::join(label("green"), [] {
    policy::Label out = label("red");
    out.redact = {"name"};
    out.parts = {{{}, policy::bottom()}, {{"name"}, label("red")}};
    return out;
  }());
  EXPECT_EQ(label_beside(whole, whole, "cert-ua"), "green");
}

TEST(LabelBeside, TooManyNamesAreTheReceiverAlone) {
  policy::Label many = label("green");
  many.releasable_to.emplace();
  for (int i = 0; i < 1000; ++i) many.releasable_to->insert("cert-of-a-very-long-name-" + std::to_string(i));
  EXPECT_EQ(label_beside(many, many, "cert-ua"), "green to:cert-ua");
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
    const std::string text = label_beside(any, i % 2 == 0 ? any : policy::test::random_label(random), "cert-ua");
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
