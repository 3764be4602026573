#include "exercise/drill/input.h"

#include <gtest/gtest.h>

#include <limits>

namespace bongsu::exercise::drill {
namespace {

std::vector<Input> one_of_each() {
  return {
      Control{.verb = Verb::kStart, .by = "white/ana"},
      Control{.verb = Verb::kSpeed, .by = "white", .speed = 2.5},
      Control{.verb = Verb::kSpeed, .by = "white", .speed = 60},
      Control{.verb = Verb::kJumpBack, .by = "white", .to_ms = 90'000},
      Control{.verb = Verb::kRefuse, .by = "white", .inject = "phish", .team = "lt-blue", .reason = "too much at once"},
      Evidence{.as = As::kAlert,
               .team = "lt-blue",
               .object = "alert--1",
               .patterns = {"[ipv4-addr:value = '203.0.113.9']"},
               .telemetry_ms = 12},
      Evidence{.as = As::kShared,
               .team = "lt-blue",
               .object = "indicator--1",
               .type = "indicator",
               .patterns = {"[a:b = 'c']"},
               .to = {"ua-blue", "pl-blue"},
               .label = "amber marked"},
      Evidence{.as = As::kForm,
               .team = "lt-blue",
               .by = "lt/jonas",
               .object = "f1",
               .type = "sitrep",
               .inject = "phish",
               .fields = {{"what", "한국"}, {"n", 3}}},
      Evidence{.as = As::kOrder, .team = "lt-blue", .type = "load-shed", .target = "kaunas", .value = 12.5},
      Evidence{.as = As::kJudged, .team = "lt-blue", .inject = "phish", .expectation = "calm", .value = 1},
      Grade{.form = 17, .by = "g1", .part = 0.75, .why = "clear"},
      Appeal{.form = 17, .team = "lt-blue", .by = "lt/jonas", .why = "it was there"},
      Ruling{.form = 17, .by = "white", .part = 1, .why = "it was"},
  };
}

TEST(DrillInput, ComesBackFromItsEntryAndItsLine) {
  LogWriter writer;
  std::string text;
  const auto inputs = one_of_each();
  for (const Input& input : inputs) {
    auto entry = entry_of(input);
    ASSERT_TRUE(entry) << entry.error().text();
    entry->seq = writer.next_seq();
    text += writer.line(*entry);
  }
  const LogRead read = read_log(text, "t");
  ASSERT_FALSE(read.trouble) << read.trouble->text();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto back = input_of(read.entries[i]);
    ASSERT_TRUE(back && *back) << i;
    EXPECT_TRUE(**back == inputs[i]) << i;
    auto lived = *entry_of(inputs[i]);
    lived.seq = read.entries[i].seq;
    EXPECT_EQ(lived, read.entries[i]) << "equal to what a reader sees";
  }
}

TEST(DrillInput, WhatCannotBeKeptIsRefused) {
  EXPECT_EQ(entry_of(Evidence{.as = As::kOrder, .value = std::numeric_limits<double>::infinity()}).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(entry_of(Evidence{.as = As::kReply, .text = std::string(kMaxInputBytes, 'x')}).error().code,
            ErrorCode::kTooLarge);
  EXPECT_EQ(entry_of(Evidence{.as = As::kShared, .to = std::vector<std::string>(kMaxInputItems + 1)}).error().code,
            ErrorCode::kTooLarge);
  EXPECT_EQ(entry_of(Grade{.form = 1, .part = 1.01}).error().where.field, "part");
  EXPECT_EQ(entry_of(Ruling{.form = 1, .part = std::numeric_limits<double>::quiet_NaN()}).error().where.field, "part");
  const auto odd = entry_of(Evidence{.as = As::kReply, .object = "1/x", .text = "bad \xff byte"});
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->data.at("text"), "bad \xEF\xBF\xBD byte");
}

TEST(DrillInput, AnEntryThatIsNoInputIsToldFromABrokenOne) {
  Entry entry{.seq = 4, .kind = Kind::kProbe};
  EXPECT_FALSE(*input_of(entry));
  entry.kind = Kind::kControl;
  entry.ref = "opened";
  EXPECT_FALSE(*input_of(entry));
  entry.ref = "jump_back";
  EXPECT_EQ(input_of(entry).error().where.field, "to_ms");
  entry.ref = "dance";
  EXPECT_EQ(input_of(entry).error().code, ErrorCode::kCorrupt);
  entry.kind = Kind::kGrade;
  entry.data = {{"part", 0.5}};
  entry.ref = "17x";
  EXPECT_EQ(input_of(entry).error().where.field, "ref");
  entry.kind = Kind::kEvidence;
  entry.ref = "shared";
  entry.data = {{"to", "ua-blue"}};
  EXPECT_EQ(input_of(entry).error().where.field, "to");
}

}  // namespace
}  // namespace bongsu::exercise::drill
