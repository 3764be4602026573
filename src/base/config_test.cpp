#include "base/config.h"

#include <gtest/gtest.h>

#include "base/toml_text.h"

namespace bongsu {
namespace {

using namespace std::chrono_literals;

struct Feed {
  std::string url, label = "amber";
};
struct Example {
  std::string listen = "127.0.0.1:6443";
  std::int64_t workers = 4;
  std::chrono::milliseconds heartbeat = 10s;
  std::uint64_t reserve = 64 * 1024 * 1024;
  bool old_tls = true;
  std::string member;
  std::vector<std::string> names{"localhost"};
  std::vector<Feed> feeds;

  ConfigSchema schema() {
    ConfigSchema s;
    s.section("node", "Who this node is.");
    s.text("node.member", member, "Short name of the member.").required();
    s.texts("node.names", names, "Names in the certificate.");
    s.text("taxii.listen", listen, "Address and port.");
    s.number("taxii.workers", workers, 1, 64, "Threads.");
    s.flag("taxii.allow_tls12", old_tls, "TLS 1.2 too.");
    s.duration("link.heartbeat", heartbeat, 1s, 300s, "Silence before a comment.");
    s.size("store.reserve", reserve, 1024, UINT64_C(1) << 40, "Free space kept.");
    s.tables<Feed>("feed", feeds, "One table a feed.", [](ConfigSchema& inner, Feed& feed) {
      inner.text("url", feed.url, "Where it is.").required();
      inner.choice("label", feed.label, {"clear", "green", "amber"}, "Its label.");
    });
    return s;
  }
};

TEST(Config, QuotedTextReadsBackWhateverItHolds) {
  std::string everything = "\"\"\" ''' # \\u0041 \xc5\xbeygis ";
  for (char c = 0; c < 0x20; ++c) everything += c;
  everything += '\x7f';
  for (const std::string& text : {std::string(), std::string("\\"), std::string("a\nmember = \"other\""), everything}) {
    Example c;
    const auto read = c.schema().read("[node]\nmember = " + toml_quoted(text) + "\n", "t.toml");
    ASSERT_TRUE(read) << toml_quoted(text) << ": " << read.error().text();
    EXPECT_EQ(c.member, text);
  }
}

TEST(Config, ReadsEveryTypeAndKeepsDefaults) {
  Example c;
  auto read = c.schema().read(R"([node]
member = "cert-lt"
[link]
heartbeat = "2m"
[store]
reserve = "1 GiB"
[[feed]]
url = "file:///a"
[[feed]]
url = "file:///b"
label = "green"
)", "t.toml");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(c.member, "cert-lt");
  EXPECT_EQ(c.listen, "127.0.0.1:6443");
  EXPECT_EQ(c.heartbeat, 120s);
  EXPECT_EQ(c.reserve, 1u << 30);
  ASSERT_EQ(c.feeds.size(), 2u);
  EXPECT_EQ(c.feeds[0].label, "amber");
  EXPECT_EQ(c.feeds[1].label, "green");
}

TEST(Config, NamesPlaceCauseAndTheNearestKey) {
  const struct { const char* toml; const char* message; } kCases[] = {
      {"[node]\nmember=\"a\"\n[taxii]\nlisen = \"x\"", "t.toml:4: taxii.lisen: there is no such key; the nearest is \"taxii.listen\""},
      {"[node]\nmember=\"a\"\n[zzz]\nq = 1", "t.toml:3: zzz: there is no such key; `bongsu config --explain` lists them all"},
      {"[taxii]\nworkers = 0", "t.toml:2: taxii.workers: expected a whole number from 1 to 64"},
      {"[taxii]\nworkers = \"4\"", "t.toml:2: taxii.workers: expected a whole number from 1 to 64"},
      {"[link]\nheartbeat = \"1y\"", "t.toml:2: link.heartbeat: \"1y\" is no duration; write it as 250ms, 10s, 5m, 2h or 7d"},
      {"[link]\nheartbeat = \"1ms\"", "t.toml:2: link.heartbeat: expected a duration from 1s to 5m"},
      {"[node]\nmember = \"a\"\n[[feed]]\nlabel=\"green\"", "t.toml:3: feed.url: is required"},
      {"[node]\nmember = \"a\"\n[[feed]]\nurl=\"u\"\nlabel=\"red\"", "t.toml:5: label: expected one of clear, green, amber"},
      {"feed = 1", "t.toml:1: feed: expected tables: [[feed]]"},
      {"", "t.toml: node.member: is required"},
      {"[node\n", "t.toml:1: not TOML: "},
  };
  for (const auto& c : kCases) {
    Example example;
    const auto read = example.schema().read(c.toml, "t.toml");
    ASSERT_FALSE(read) << c.toml;
    EXPECT_EQ(read.error().text().substr(0, std::string_view(c.message).size()), c.message) << c.toml;
  }
}

TEST(Config, ExplanationReadsBackAsDefaults) {
  Example c;
  const std::string text = c.schema().explain();
  EXPECT_NE(text.find("# Silence before a comment. (duration, 1s to 5m)\n# heartbeat = \"10s\""), std::string::npos) << text;
  // With its comments opened it is a whole file.
  std::string open;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    if (line.starts_with("# ") && (line.find(" = ") != std::string::npos || line.starts_with("# [["))) line = line.substr(2);
    open += line + "\n";
    at = end + 1;
  }
  Example back;
  const auto read = back.schema().read(open, "explained");
  EXPECT_TRUE(read) << read.error().text() << "\n" << open;
  EXPECT_EQ(back.heartbeat, 10s);
}

TEST(Config, CharactersBeyondAsciiStandInStringsAndCommentsOnly) {
  Example c;
  EXPECT_TRUE(c.schema().read("# \xc3\xbc\n[node]\nmember = \"\xc3\x96sterreich \\\" \xc3\xbc\" # \xc3\xbc\nnames = ['\xc3\xbc', \"\"\"\n\xc3\xbc\"\"\"]", "t.toml"));
  EXPECT_EQ(c.member, "\xc3\x96sterreich \" \xc3\xbc");
  const auto key = c.schema().read("[node]\nmember = \"a\"\npart\xef\xb3\xbf = 1", "t.toml");
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().where.line, 3u);
}

TEST(Config, SizesAndDurationsRoundTrip) {
  for (const auto ms : {0ms, 1ms, 999ms, 1000ms, 60'000ms, 90'000ms, 86'400'000ms}) EXPECT_EQ(parse_duration(duration_text(ms)), ms);
  for (const std::uint64_t n : {0ULL, 1ULL, 1000ULL, 1024ULL, 1ULL << 30, (1ULL << 30) + 1}) EXPECT_EQ(parse_size(size_text(n)), n);
  for (const char* bad : {"", "s", "-1s", "1", "1 s", "99999999999999999999s", "4000000d"}) EXPECT_FALSE(parse_duration(bad)) << bad;
  for (const char* bad : {"", "MB", "-1", "1 XB", "99999999999 TB"}) EXPECT_FALSE(parse_size(bad)) << bad;
}

}  // namespace
}  // namespace bongsu
