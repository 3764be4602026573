#include "link/sse.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"

namespace bongsu::link {
namespace {

struct Expected {
  std::string type, data, id;
  bool operator==(const Expected&) const = default;
};
void PrintTo(const Expected& e, std::ostream* out) { *out << "{" << e.type << "|" << e.data << "|" << e.id << "}"; }

std::vector<Expected> parse(const std::vector<std::string_view>& pieces, SseParser& parser) {
  std::vector<Expected> out;
  for (const auto piece : pieces)
    EXPECT_TRUE(parser.feed(piece, [&](SseEvent& e) {
      out.push_back({e.type, e.data, e.id});
      return true;
    }));
  return out;
}

struct Case {
  std::string_view stream;
  std::vector<Expected> events;
};

const std::vector<Case>& cases() {
  using namespace std::string_view_literals;
  static const std::vector<Case> table = {
      {"", {}},
      {"data: a\n\n", {{"message", "a", ""}}},
      {"data:a\r\n\r\n", {{"message", "a", ""}}},
      {"data: a\r\rdata: b\r\r", {{"message", "a", ""}, {"message", "b", ""}}},
      {"data: a\r\n\ndata: b\n\r\n", {{"message", "a", ""}, {"message", "b", ""}}},
      {"\xEF\xBB\xBF"
       "data: a\n\n",
       {{"message", "a", ""}}},
      {"\xEF\xBB\xBF\xEF\xBB\xBF"
       "data: a\n\n",
       {}},               // the second mark is part of the field's name
      {"data: a\n", {}},  // cut off before its end: lost
      {"data: a", {}},
      {": comment\n\n:\n\ndata: x\n: in between\n\n", {{"message", "x", ""}}},
      {"data\n\n", {{"message", "", ""}}},
      {"data\ndata\n\n", {{"message", "\n", ""}}},
      {"data:\n\n", {{"message", "", ""}}},
      {"data:  two spaces\n\n", {{"message", " two spaces", ""}}},
      {"data:YHOO\ndata: +2\ndata: 10\n\n", {{"message", "YHOO\n+2\n10", ""}}},
      {"event: object\ndata: x\n\ndata: y\n\n", {{"object", "x", ""}, {"message", "y", ""}}},
      {"event: lost\n\ndata: y\n\n",
       {{"message", "y", ""}}},  // without data nothing is dispatched, and the type is forgotten
      {"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
       {{"message", "a", "1"}, {"message", "b", "1"}, {"message", "c", ""}}},
      {"id: 7\n\ndata: a\n\n", {{"message", "a", "7"}}},
      {"id: a\0b\ndata: x\n\n"sv, {{"message", "x", ""}}},
      {"unknown: 1\ndata: x\nretry: 2x\n\n", {{"message", "x", ""}}},
      {"data: a:b: c\n\n", {{"message", "a:b: c", ""}}},
      {"Data: x\n\n", {}},
      {"data: \xff\x00\xfe\n\n"sv, {{"message", std::string("\xff\x00\xfe", 3), ""}}},
  };
  return table;
}

TEST(SseParser, ReadsStreamsAsTheStandardSaysCutAnywhere) {
  for (const Case& c : cases()) {
    SseParser whole;
    EXPECT_EQ(parse({c.stream}, whole), c.events) << c.stream;
    SseParser bytes;
    std::vector<std::string_view> single;
    for (std::size_t i = 0; i < c.stream.size(); ++i) single.push_back(c.stream.substr(i, 1));
    EXPECT_EQ(parse(single, bytes), c.events) << c.stream;
    for (std::size_t cut = 0; cut <= c.stream.size(); ++cut) {
      SseParser parser;
      EXPECT_EQ(parse({c.stream.substr(0, cut), c.stream.substr(cut)}, parser), c.events)
          << c.stream << " cut at " << cut;
    }
  }
}

TEST(SseParser, TellsWhetherAnEventHadAnIdOfItsOwn) {
  SseParser parser;
  std::vector<bool> own;
  ASSERT_TRUE(parser.feed("id: 1\ndata: a\n\ndata: b\n\n", [&](SseEvent& e) {
    own.push_back(e.own_id);
    return true;
  }));
  EXPECT_EQ(own, (std::vector<bool>{true, false}));
}

TEST(SseParser, KeepsTheReconnectionTime) {
  SseParser parser;
  const auto none = [](SseEvent&) { return true; };
  ASSERT_TRUE(parser.feed("retry: 1500\nretry: -1\nretry: 1.5\nretry:\nretry: 99999999999999999999\n", none));
  EXPECT_EQ(parser.retry_ms(), 1500u);
}

TEST(SseParser, RefusesALineWithoutEndBeforeItEatsTheMemory) {
  SseParser parser;
  const std::string piece(1024 * 1024, 'x');
  const auto none = [](SseEvent&) { return true; };
  Result<void> fed;
  for (int i = 0; i < 100 && fed; ++i) fed = parser.feed(piece, none);
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code, ErrorCode::kTooLarge);
  EXPECT_LE(parser.pending_bytes(), kMaxSseLineBytes);
}

TEST(SseParser, RefusesAnEventOfEndlessLines) {
  SseParser parser;
  const std::string line = "data: " + std::string(1024 * 1024, 'x') + "\n";
  const auto none = [](SseEvent&) { return true; };
  Result<void> fed;
  for (int i = 0; i < 100 && fed; ++i) fed = parser.feed(line, none);
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code, ErrorCode::kTooLarge);
}

TEST(SseParser, StopsWhenTheReaderSaysSo) {
  SseParser parser;
  int seen = 0;
  const auto fed = parser.feed("data: a\n\ndata: b\n\n", [&](SseEvent&) { return ++seen < 1; });
  EXPECT_EQ(fed.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(seen, 1);
}

TEST(SseData, ComesBackByteForByte) {
  SeededRandom random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string data;
    for (std::uint64_t n = random.below(20); n > 0; --n) {
      const std::string_view alphabet("\n\n: ax\0\xff", 8);
      data += alphabet[random.below(alphabet.size())];
    }
    std::string stream;
    append_sse_data(stream, data);
    SseParser parser;
    EXPECT_EQ(parse({stream, "\n"}, parser), (std::vector<Expected>{{"message", data, ""}}));
  }
}

}  // namespace
}  // namespace bongsu::link
