#include "exercise/drill/log.h"

#include <gtest/gtest.h>

namespace bongsu::exercise::drill {
namespace {

Entry entry(std::uint64_t seq, std::int64_t at_ms, std::string ref = "phish") {
  return {.seq = seq,
          .run = 1,
          .at_ms = at_ms,
          .wall = Instant::from_micros(1'800'000'000'000'000 + at_ms * 1000 + 7),
          .kind = Kind::kFired,
          .team = "lt-blue",
          .ref = std::move(ref),
          .text = "Žinutė \"\x01\" 한국\n",
          .data = {{"z", 1}, {"a", 0.5}, {"é", nullptr}}};
}

std::string log_of(std::span<const Entry> entries) {
  LogWriter writer;
  std::string text;
  for (const Entry& e : entries) text += writer.line(e);
  return text;
}

std::vector<Entry> five() { return {entry(1, 0), entry(2, 10), entry(3, 10), entry(4, 20), entry(5, 1'000'000)}; }

TEST(DrillLog, ReadsWhatItWrote) {
  const auto entries = five();
  const std::string text = log_of(entries);
  const LogRead read = read_log(text, "x");
  EXPECT_FALSE(read.trouble) << read.trouble->text();
  ASSERT_EQ(read.entries.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(read.entries[i].text, entries[i].text);
    EXPECT_EQ(read.entries[i].wall, entries[i].wall);
    EXPECT_EQ(read.entries[i].at_ms, entries[i].at_ms);
  }
  EXPECT_EQ(log_of(read.entries), text);
  LogWriter on(read);
  LogWriter all;
  for (const Entry& e : entries) all.line(e);
  EXPECT_EQ(on.line(entry(6, 2'000'000)), all.line(entry(6, 2'000'000)));
}

TEST(DrillLog, EveryCutKeepsWhatIsWholeAndNamesTheRest) {
  const std::string text = log_of(five());
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    const LogRead read = read_log(std::string_view(text).substr(0, cut), "t.drill");
    const std::size_t whole = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(cut), '\n');
    EXPECT_EQ(read.entries.size(), whole) << cut;
    const bool at_line = cut == 0 || text[cut - 1] == '\n';
    ASSERT_EQ(!read.trouble, at_line) << cut;
    EXPECT_EQ(log_of(read.entries), text.substr(0, read.whole_bytes));
    if (!at_line) {
      EXPECT_EQ(read.trouble->where.line, whole + 1);
      EXPECT_NE(read.trouble->text().find("t.drill:"), std::string::npos) << read.trouble->text();
    }
  }
}

TEST(DrillLog, EveryChangedByteIsFound) {
  const std::string text = log_of(five());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string edited = text;
    edited[i] = edited[i] == 'x' ? 'y' : 'x';
    const LogRead read = read_log(edited, "t");
    ASSERT_TRUE(read.trouble) << i;
    EXPECT_EQ(read.entries.size(),
              static_cast<std::size_t>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(i), '\n')))
        << i;
  }
}

TEST(DrillLog, ALineLeftOutPutInOrExchangedIsFound) {
  LogWriter writer;
  std::vector<std::string> lines;
  for (const Entry& e : five()) lines.push_back(writer.line(e));
  EXPECT_EQ(read_log(lines[0] + lines[2], "t").entries.size(), 1U);
  EXPECT_EQ(read_log(lines[0] + lines[0] + lines[1], "t").entries.size(), 1U);
  EXPECT_EQ(read_log(lines[0] + lines[2] + lines[1], "t").entries.size(), 1U);
  EXPECT_EQ(read_log(lines[1], "t").entries.size(), 0U);
  EXPECT_NE(read_log(lines[0] + lines[2], "t").trouble->message.find("does not follow"), std::string::npos);
}

TEST(DrillLog, WhatAJumpUndidIsThereAndDoesNotCount) {
  std::vector<Entry> log = five();  // 0, 10, 10, 20, 1'000'000
  Entry jump = entry(6, 10, "jump_back");
  jump.kind = Kind::kControl;
  jump.run = 2;
  jump.data = {{"to_ms", 10}};
  log.push_back(jump);
  log.push_back(entry(7, 15, "again"));
  const auto seqs = [](const std::vector<const Entry*>& entries) {
    std::vector<std::uint64_t> out;
    for (const Entry* e : entries) out.push_back(e->seq);
    return out;
  };
  EXPECT_EQ(seqs(counting(log)), (std::vector<std::uint64_t>{1, 2, 3, 6, 7}));
  jump.seq = 8;
  jump.at_ms = 0;
  jump.data = {{"to_ms", 0}};
  log.push_back(jump);
  EXPECT_EQ(seqs(counting(log)), (std::vector<std::uint64_t>{1, 8})) << "also what the first jump left";
}

}  // namespace
}  // namespace bongsu::exercise::drill
