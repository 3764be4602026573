#include "telemetry/batch_reader.h"

#include <gtest/gtest.h>

namespace bongsu::telemetry {
namespace {

struct Line {
  std::uint64_t number, offset;
  std::string text;
  bool operator==(const Line&) const = default;
};

std::vector<Line> lines_of(BatchReader& reader) {
  std::vector<Line> out;
  while (true) {
    auto batch = reader.next();
    EXPECT_TRUE(batch);
    if (!batch || !*batch) return out;
    std::string_view rest = (*batch)->data;
    std::uint64_t number = (*batch)->first_line, offset = (*batch)->offset;
    EXPECT_LE(rest.size(), kBatchBytes + kMaxLineBytes);
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      out.push_back({number++, offset, std::string(rest.substr(0, end))});
      offset += end + 1;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
}

TEST(BatchReader, CutsAtLinesAndKnowsWhereTheyStand) {
  std::string text;
  std::vector<Line> expected;
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    const std::string line = std::to_string(i * i);
    expected.push_back({i + 1, text.size(), line});
    text += line + "\n";
  }
  text += "without newline";
  expected.push_back({200'001, text.size() - 15, "without newline"});
  BadLines bad;
  BatchReader reader(open_memory(text, "m"), "m", bad);
  EXPECT_EQ(lines_of(reader), expected);
  EXPECT_EQ(bad.count(), 0U);
}

TEST(BatchReader, SkipsAndNamesALineThatIsTooLongAndGoesOn) {
  const std::string huge(100'000'000, 'x');
  BadLines bad;
  BatchReader reader(open_memory("first\n" + huge + "\nlast\n", "big.log"), "big.log", bad);
  EXPECT_EQ(lines_of(reader), (std::vector<Line>{{1, 0, "first"}, {3, 6 + huge.size() + 1, "last"}}));
  ASSERT_EQ(bad.count(), 1U);
  EXPECT_EQ(bad.first()[0].code, ErrorCode::kTooLarge);
  EXPECT_EQ(bad.first()[0].where.line, 2U);
  EXPECT_EQ(bad.first()[0].where.offset, 6U);
}

TEST(BatchReader, ALineOfExactlyTheLimitIsTaken) {
  for (const bool newline : {true, false}) {
    BadLines bad;
    BatchReader reader(open_memory(std::string(kMaxLineBytes, 'x') + (newline ? "\n" : ""), "m"), "m", bad);
    EXPECT_EQ(lines_of(reader).size(), 1U);
    BatchReader longer(open_memory(std::string(kMaxLineBytes + 1, 'x') + (newline ? "\n" : ""), "m"), "m", bad);
    EXPECT_EQ(lines_of(longer).size(), 0U);
    EXPECT_EQ(bad.count(), 1U);
  }
}

TEST(BatchReader, HandsEachBatchTheHeaderThatHoldsAtItsBeginning) {
  std::string text = "#separator \\x09\n#fields\ta\tb\n#types\tstring\tstring\n";
  while (text.size() < 3 * kBatchBytes) text += "some\tvalues\n";
  text += "#close\n";
  while (text.size() < 5 * kBatchBytes) text += "plain text\n";
  BadLines bad;
  BatchReader reader(open_memory(text, "m"), "m", bad);
  EventParser parser(bad);
  std::vector<TsvHeaderPtr> headers;
  while (true) {
    auto batch = reader.next();
    ASSERT_TRUE(batch);
    if (!*batch) break;
    headers.push_back((*batch)->header);
    parser.start(**batch);
    while (parser.next() != nullptr) {
    }
  }
  ASSERT_GE(headers.size(), 4U);
  EXPECT_EQ(headers.front(), nullptr);
  ASSERT_NE(headers[1], nullptr);
  EXPECT_EQ(headers[1]->columns.size(), 2U);
  EXPECT_EQ(headers.back(), nullptr);
  EXPECT_EQ(bad.count(), 0U);
  EXPECT_GT(parser.by_format()[static_cast<std::size_t>(Format::kZeekTsv)], 200'000U);
  EXPECT_GT(parser.by_format()[static_cast<std::size_t>(Format::kText)], 100'000U);
}

}  // namespace
}  // namespace bongsu::telemetry
