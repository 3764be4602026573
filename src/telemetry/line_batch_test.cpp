#include "telemetry/line_batch.h"

#include <gtest/gtest.h>

#include <random>

namespace bongsu::telemetry {
namespace {

struct Seen {
  std::uint64_t line, offset;
  Format format;
  std::string first;  // "path=value" of the first leaf
  bool operator==(const Seen&) const = default;
};
void PrintTo(const Seen& s, std::ostream* os) {
  *os << s.line << "@" << s.offset << " " << to_string(s.format) << " " << s.first;
}

std::vector<Seen> parse(const std::string& data, BadLines& bad, TsvHeaderPtr header = nullptr) {
  LineBatch batch{std::make_shared<const std::string>("log"), data, 1000, 7, std::move(header)};
  EventParser parser(bad);
  parser.start(batch);
  std::vector<Seen> out;
  std::string scratch;
  while (const EventView* e = parser.next())
    out.push_back({e->line, e->offset, e->format,
                   e->leaves.empty() ? "" : e->path(e->leaves[0]) + "=" + std::string(e->text(e->leaves[0], scratch))});
  EXPECT_EQ(parser.events(), out.size());
  return out;
}

TEST(EventParser, AByteOrderMarkCostsNothing) {
  const auto first = [](std::string lines) {
    BadLines bad;
    EventParser parser(bad);
    const LineBatch batch{std::make_shared<const std::string>("x"), std::move(lines), 0, 1, nullptr};
    parser.start(batch);
    std::string out;
    while (const EventView* event = parser.next())
      out += std::string(to_string(event->format)) + "@" + std::to_string(event->offset) + ":" +
             std::to_string(event->line) + " ";
    EXPECT_EQ(bad.count(), 0U);
    return out;
  };
  EXPECT_EQ(first("\xef\xbb\xbf{\"EventID\":1}\n{\"EventID\":2}\n"), "windows@3:1 windows@17:2 ");
  EXPECT_EQ(first("\xef\xbb\xbf"), "");
}

TEST(EventParser, TellsFormatsLineByLineInMixedFiles) {
  BadLines bad;
  const std::string data =
      "{\"_path\":\"dns\",\"query\":\"a.example\"}\n"
      "\n"
      "{\"event_type\":\"tls\",\"tls\":{\"sni\":\"b.example\"}}\r\n"
      "Nov 21 host sshd[1]: from 198.51.100.7\n"
      "{\"EventID\":1,\"Image\":\"C:\\\\x\"}\n"
      "{\"some\":\"thing\"}\n"
      "#separator \\x09\n"
      "#fields\tts\tid.orig_h\n"
      "#types\ttime\taddr\n"
      "1.5\t198.51.100.8\n"
      "#close\t2024\n"
      "# a remark";
  const auto seen = parse(data, bad);
  EXPECT_EQ(bad.count(), 0U);
  ASSERT_EQ(seen.size(), 7U);
  EXPECT_EQ(seen[0], (Seen{7, 1000, Format::kZeekJson, "query=a.example"}));
  EXPECT_EQ(seen[1].format, Format::kEve);
  EXPECT_EQ(seen[1].line, 9U);
  EXPECT_EQ(seen[2].format, Format::kText);
  EXPECT_EQ(seen[2].first, "text=Nov 21 host sshd[1]: from 198.51.100.7");
  EXPECT_EQ(seen[3].format, Format::kWindows);
  EXPECT_EQ(seen[3].first, "Image=C:\\x");
  EXPECT_EQ(seen[4].format, Format::kJson);
  EXPECT_EQ(seen[5].format, Format::kZeekTsv);
  EXPECT_EQ(seen[5].first, "ts=1.5");
  EXPECT_EQ(seen[6], (Seen{18, 1000 + data.find("# a remark"), Format::kText, "text=# a remark"}));
}

TEST(EventParser, KeepsBadLinesAsideWithPlaceAndReason) {
  BadLines bad;
  const auto seen =
      parse("{\"a\":\"1\"}\n{\"a\":\n{\"b\":\"2\"}\n{\"c\":\"open}\n{\"d\":\"\xff\"}\n{\"e\":\"5\"}\n", bad);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[2].line, 12U);
  ASSERT_EQ(bad.count(), 3U);
  EXPECT_EQ(bad.first()[0].where.line, 8U);
  EXPECT_EQ(bad.first()[0].where.offset, 1010U);
  EXPECT_NE(bad.first()[0].message.find("ends before its closing brace"), std::string::npos);
  EXPECT_EQ(bad.first()[1].where.line, 10U);
  EXPECT_EQ(bad.first()[2].where.line, 11U);
}

TEST(EventParser, ReadsTsvUnderTheHeaderThatABatchBringsAlong) {
  TsvHeaderPtr header;
  ASSERT_TRUE(read_tsv_header_line("#separator \\x09", header));
  ASSERT_TRUE(read_tsv_header_line("#fields\tuid\thost\tanswers", header));
  ASSERT_TRUE(read_tsv_header_line("#types\tstring\tstring\tvector[string]", header));
  BadLines bad;
  LineBatch batch{std::make_shared<const std::string>("x.log"), "C1\ta\\x2eexample\tx,y\\x2cz\nC2\tb\nC3\t-\t(empty)\n",
                  0, 1, header};
  EventParser parser(bad);
  parser.start(batch);
  const EventView* event = parser.next();
  ASSERT_NE(event, nullptr);
  std::vector<std::string> storage;
  std::string text;
  for (const Field& field : fields_of(*event, storage))
    text += std::string(field.path) + "=" + std::string(field.value) + ";";
  EXPECT_EQ(text, "host=a.example;answers=x;answers=y,z;");
  event = parser.next();
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->line, 3U);
  EXPECT_TRUE(event->leaves.empty());
  EXPECT_EQ(parser.next(), nullptr);
  ASSERT_EQ(bad.count(), 1U);
  EXPECT_EQ(bad.reasons().begin()->first, "fewer columns than the header names");
}

TEST(EventParser, TakesBinaryAsTextWithoutHarm) {
  BadLines bad;
  std::string data;
  for (int i = 0; i < 100'000; ++i) data += static_cast<char>(i * 7919 % 256);
  const auto seen = parse(data, bad);
  EXPECT_GT(seen.size() + bad.count(), 100U);
}

// Lines that share a run with others: what each gives must not depend on what stands around it.
TEST(EventParser, EachLineGivesWhatItGivesAlone) {
  std::mt19937_64 random(20261126);
  const std::string kinds[] = {
      R"({"_path":"dns","query":"a.example","id.orig_h":"198.51.100.7"})",
      R"( 	{"event_type":"tls", "tls": {"sni":"b.example", "deep":[1,{"x":"y"},[]]}})",
      "{\"EventID\":1,\"Image\":\"C:\\\\x\"}\r",
      "",
      " \t\r",
      R"(Nov 21 host sshd[1]: said "quoted \" and { braces } to 198.51.100.7)",
      R"(<13>1 2026-11-26T20:00:00Z host app 1 - - {"message":{"query":"c.example"},"n":2})",
      R"(Nov 21 host app: {"a":"b)",
      R"(a backslash at the end \)",
      R"({"open":"string)",
      R"({"n":01})",
      R"({"two":"objects"}{"on":"a line"})",
      R"({"a":)",
      R"(})",
      "{\"control\":\"\x01\"}",
      "{\"bytes\":\"\xff\"}",
      "text with \xff",
      R"(src=198.51.100.9 dst="198.51.100.10" msg=ok)",
      "{\"long\":\"" + std::string(70'000, 'x') + "\",\"query\":\"long.example\"}",
  };
  // With and without what spoils a run, so that runs that stage 1 takes and runs that it does not are both met.
  for (int round = 0; round < 60; ++round) {
    const bool rough = round % 2 == 0;
    std::string data;
    std::vector<Seen> alone;
    std::uint64_t line = 7;
    std::size_t bad_alone = 0;
    for (int i = 0; i < 400; ++i, ++line) {
      std::size_t kind = random() % std::size(kinds);
      if (random() % 8 != 0) kind %= 3;
      if (!rough && (kind == 7 || kind == 9 || kind == 14 || kind == 15 || kind == 16)) kind = 0;
      BadLines bad;
      for (Seen seen : parse(kinds[kind], bad)) {
        seen.line = line;
        seen.offset = 1000 + data.size();
        alone.push_back(std::move(seen));
      }
      bad_alone += bad.count();
      data += kinds[kind] + "\n";
    }
    BadLines bad;
    EXPECT_EQ(parse(data, bad), alone) << "round " << round;
    EXPECT_EQ(bad.count(), bad_alone) << "round " << round;
  }
}

TEST(EventTime, IsReadInEveryFormOfTheRecordedLogs) {
  const std::pair<const char*, const char*> table[] = {
      {"2018-03-24T17:15:20.613421Z", "2018-03-24T17:15:20.613421000Z"},
      {"1521911720.613421", "2018-03-24T17:15:20.613421000Z"},
      {"1521911720", "2018-03-24T17:15:20.000000000Z"},
      {"2025-10-09T11:14:33.996304+0000", "2025-10-09T11:14:33.996304000Z"},
      {"2025-10-09T13:14:33.996304+0200", "2025-10-09T11:14:33.996304000Z"},
      {"2020-06-10 02:50:54.631", "2020-06-10T02:50:54.631000000Z"},
      {"2020-06-09 22:50:54", "2020-06-09T22:50:54.000000000Z"}};
  for (const auto& [text, expected] : table) {
    const auto time = parse_event_time(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(time->text(9), expected) << text;
  }
  for (const char* text : {"", "-", "never", "2020-13-01T00:00:00Z", "1.2.3", "99999999999999", "2020-06-10"})
    EXPECT_FALSE(parse_event_time(text)) << text;
}

TEST(EventTime, TheEventsOwnTimeGoesBeforeTheCollectors) {
  BadLines bad;
  LineBatch batch{std::make_shared<const std::string>("x"),
                  "{\"@timestamp\":\"2020-01-01T00:00:00Z\",\"UtcTime\":\"2019-01-01 00:00:00.000\"}\n{\"ts\":1.5}\n",
                  0, 1, nullptr};
  EventParser parser(bad);
  parser.start(batch);
  EXPECT_EQ(parser.next()->time()->text(0), "2019-01-01T00:00:00Z");
  EXPECT_EQ(parser.next()->time()->nanos, 500'000'000);
}

TEST(FieldMap, NoPathHasTwoRoles) {
  std::map<std::string_view, Role> seen;
  const FieldMapPtr map = FieldMap::standard();
  EXPECT_GT(map->rows().size(), 250U);
  for (const FieldRow& row : map->rows()) {
    EXPECT_TRUE(seen.emplace(row.path, row.role).second) << row.path;
    EXPECT_EQ(map->find(row.path).role, row.role) << row.path;
    EXPECT_EQ(map->row(map->field(row.path)).path, row.path);
  }
}

}  // namespace
}  // namespace bongsu::telemetry
