#include "net/http.h"

#include <gtest/gtest.h>

namespace bongsu::net {
namespace {

TEST(Headers, CompareWithoutCaseAndKeepOrder) {
  Headers headers{{"Accept", "a"}, {"X", "1"}, {"ACCEPT", "b"}};
  EXPECT_EQ(headers.get("accept"), "a");
  EXPECT_EQ(headers.joined("aCCept"), "a, b");
  EXPECT_FALSE(headers.get("accep").has_value());
  EXPECT_EQ(headers.joined("none"), "");
  headers.set("accept", "c");
  EXPECT_EQ(headers.joined("Accept"), "c");
  EXPECT_EQ(headers.begin()->first, "Accept");
  headers.set("New", "n");
  EXPECT_EQ(headers.get("new"), "n");
}

TEST(Query, PairsAreDecodedInOrder) {
  const auto pairs =
      parse_query("match%5Btype%5D=indicator&added_after=2026-01-01T00:00:00Z&x=a+b&empty=&bare&&x=2").value();
  const std::vector<std::pair<std::string, std::string>> expected = {{"match[type]", "indicator"},
                                                                     {"added_after", "2026-01-01T00:00:00Z"},
                                                                     {"x", "a+b"},
                                                                     {"empty", ""},
                                                                     {"bare", ""},
                                                                     {"x", "2"}};
  EXPECT_EQ(pairs, expected);
  EXPECT_EQ(parse_query("x=a+b%2B", true).value()[0].second, "a b+");
  EXPECT_TRUE(parse_query("").value().empty());
}

TEST(Query, BrokenEscapesAreInvalidAndEndlessOnesTooLarge) {
  for (const char* bad : {"a=%", "a=%1", "a=%zz", "%g0=1", "a=1&b=%f"})
    EXPECT_EQ(parse_query(bad).error().code, ErrorCode::kInvalid) << bad;
  std::string many;
  for (int i = 0; i < 1001; ++i) many += "a=1&";
  EXPECT_EQ(parse_query(many).error().code, ErrorCode::kTooLarge);
}

TEST(Percent, RoundTripsEveryByte) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  EXPECT_EQ(percent_decode(percent_encode(all)).value(), all);
  EXPECT_EQ(percent_encode("a-b_c.d~e f/g"), "a-b_c.d~e%20f%2Fg");
}

TEST(Accept, ReadsTypesParametersAndWeights) {
  const auto ranges =
      parse_accept("application/taxii+json;version=2.1, TEXT/* ; q=0.5 ,, */*;q=0.001,a/b;Charset=\"x;\\\"y\";q=1.000")
          .value();
  ASSERT_EQ(ranges.size(), 4u);
  EXPECT_EQ(ranges[0].type + "/" + ranges[0].subtype, "application/taxii+json");
  EXPECT_EQ(ranges[0].parameters, (std::vector<std::pair<std::string, std::string>>{{"version", "2.1"}}));
  EXPECT_EQ(ranges[0].q, 1.0);
  EXPECT_EQ(ranges[1].type + "/" + ranges[1].subtype, "text/*");
  EXPECT_EQ(ranges[1].q, 0.5);
  EXPECT_TRUE(ranges[1].parameters.empty());
  EXPECT_EQ(ranges[2].q, 0.001);
  EXPECT_EQ(ranges[3].parameters, (std::vector<std::pair<std::string, std::string>>{{"charset", "x;\"y"}}));
  EXPECT_TRUE(parse_accept("").value().empty());
  EXPECT_TRUE(parse_accept(" , ,").value().empty());
}

TEST(Accept, RefusesWhatTheGrammarDoesNotHave) {
  for (const char* bad : {"a", "a/", "/b", "*/json", "a/b;q=1.001", "a/b;q=2", "a/b;q=0.1234", "a/b;q=.5",
                          "a/b;q=", "a/b;x", "a/b;x=\"y", "a/b c/d", "a/b;q=1;q=1", "a /b", "a/b;=c", "a/b;x=\"\x01\""})
    EXPECT_EQ(parse_accept(bad).error().code, ErrorCode::kInvalid) << bad;
  std::string many = "a/b";
  for (int i = 0; i < 300; ++i) many += ",a/b";
  EXPECT_EQ(parse_accept(many).error().code, ErrorCode::kTooLarge);
}

TEST(MediaType, IsOneTypeWithoutWildcard) {
  const auto type = parse_media_type(" Application/JSON ; Charset=UTF-8 ").value();
  EXPECT_EQ(type.type + "/" + type.subtype, "application/json");
  EXPECT_EQ(type.parameters.at(0).second, "UTF-8");
  for (const char* bad : {"", "*/*", "text/*", "a/b, c/d", "a/b x"})
    EXPECT_EQ(parse_media_type(bad).error().code, ErrorCode::kInvalid) << bad;
}

struct UrlCase {
  const char* text;
  const char* scheme;
  const char* host;
  int port;
  const char* target;
  const char* again;  // Url::text()
};

TEST(Urls, AreTakenApartAndPutTogether) {
  const UrlCase cases[] = {
      {"https://Node.Example", "https", "node.example", 443, "/", "https://node.example/"},
      {"https://node.example:8443/a?b=c#frag", "https", "node.example", 8443, "/a?b=c",
       "https://node.example:8443/a?b=c"},
      {"HTTP://127.0.0.1:80?x", "http", "127.0.0.1", 80, "/?x", "http://127.0.0.1/?x"},
      {"https://[2001:db8::1]:99/", "https", "2001:db8::1", 99, "/", "https://[2001:db8::1]:99/"},
      {"https://a:/", "https", "a", 443, "/", "https://a/"},
      {"unix:/run/bongsu/admin.sock", "unix", "/run/bongsu/admin.sock", 0, "/", "unix:/run/bongsu/admin.sock:/"},
      {"unix:/run/a.sock:/status?x=1", "unix", "/run/a.sock", 0, "/status?x=1", "unix:/run/a.sock:/status?x=1"},
  };
  for (const auto& c : cases) {
    const auto url = parse_url(c.text);
    ASSERT_TRUE(url.has_value()) << c.text << ": " << url.error().text();
    EXPECT_EQ(url->scheme, c.scheme) << c.text;
    EXPECT_EQ(url->host, c.host) << c.text;
    EXPECT_EQ(url->port, c.port) << c.text;
    EXPECT_EQ(url->target, c.target) << c.text;
    EXPECT_EQ(url->text(), c.again);
  }
}

TEST(Urls, RefuseWhatCouldReachAnotherPlace) {
  for (const std::string& bad :
       {std::string("ftp://a"), std::string("a"), std::string("https:a"), std::string("https:///x"),
        std::string("https://u:p@a/"), std::string("https://a b/"), std::string("https://a/\r\nX: y"),
        std::string("https://a:0/"), std::string("https://a:65536/"), std::string("https://a:1x/"),
        std::string("https://[::1"), std::string("https://[::g]/"), std::string("https://[::1]x/"),
        std::string("https://a\\b/"), std::string("https://ü/"), std::string("unix:relative"), std::string("unix:"),
        std::string("https://a%41/"), "unix:/" + std::string(108, 'x')})
    EXPECT_EQ(parse_url(bad).error().code, ErrorCode::kInvalid) << bad;
}

}  // namespace
}  // namespace bongsu::net
