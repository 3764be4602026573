#include "stix/bundle_reader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/random.h"
#include "stix/test_support.h"

namespace bongsu::stix {
namespace {

// What came out: one line an item, and the reader's last word.
struct Read {
  std::vector<std::string> items;
  std::vector<std::string> texts;  // of the good ones
  std::string end = "ok";
};

Read read(std::string_view text, std::size_t piece = std::string::npos) {
  Read out;
  BundleReader reader("in");
  const auto take = [&](BundleItem&& item) {
    EXPECT_EQ(item.index, out.items.size());
    if (item.object) {
      out.items.push_back(fmt::format("{} at {}:{}", item.object->type(), item.line, item.offset));
      EXPECT_EQ(text.substr(item.offset, item.object->bytes().size()), item.object->bytes());
      EXPECT_EQ(item.raw_id, item.object->id_text());
      out.texts.push_back(item.object->bytes());
    } else {
      out.items.push_back(fmt::format("bad {} at line {}: {}", item.raw_id, item.line, item.object.error().message));
    }
    return true;
  };
  Result<void> result;
  for (std::size_t at = 0; result && at < text.size(); at += std::min(piece, text.size() - at))
    result = reader.feed(text.substr(at, piece), take);
  if (result) result = reader.finish(take);
  if (!result)
    out.end = fmt::format("line {} offset {}: {}", result.error().where.line, result.error().where.offset,
                          result.error().message);
  return out;
}

std::string identity(std::string_view extra = "") { return plain("identity", extra); }
std::vector<std::string> types(const Read& read) {
  std::vector<std::string> out;
  for (const std::string& item : read.items) out.push_back(item.substr(0, item.find(' ')));
  return out;
}
using Types = std::vector<std::string>;

TEST(BundleReader, NeverLosesAGoodObjectToABadOne) {
  const std::string good = plain("ipv4-addr", R"("value":"198.51.100.1")");
  struct Case {
    const char* name;
    std::string bad;
    const char* message;
  };
  const Case table[] = {
      {"no type", R"({"id":"identity--1"})", "not an identifier"},
      {"not JSON", R"({"id":"identity--1","x":tru})", "not JSON"},
      {"a comma too many", R"({"id":"identity--1",})", "not JSON"},
      {"single quotes", R"({'id':'identity--1'})", "not JSON"},
      {"a value missing", R"({"id":"identity--1","type":})", "not JSON"},
      {"a bracket of the wrong kind", R"({"id":"identity--1","x":[1,2}})", "not JSON"},
      {"brackets after its end", R"({"id":"identity--1","x":[1,2}}})", "not JSON"},
      {"a list that is not closed", R"({"id":"identity--1","x":[1,2})", "not JSON"},
      {"brackets in strings", R"({"id":"identity--1","x":"}]{[\"}"})", "not an identifier"},
      {"an object that is empty", "{}", "type is required"},
      {"a number", "12.5", "not an object"},
      {"null", "null", "not an object"},
      {"a string with brackets", R"("],}{")", "not an object"},
      {"a list", "[[1],{}]", "not an object"},
      {"a key twice", R"({"id":"identity--1","a":1,"a":2})", "twice"},
      {"a bundle in a bundle", R"({"type":"bundle","id":"bundle--1","objects":[]})", "not an identifier"},
      {"text that is not UTF-8", "{\"id\":\"identity--1\",\"x\":\"\xff\"}", "not JSON"},
      {"too deep", "{\"id\":\"identity--1\",\"x\":" + std::string(5000, '[') + std::string(5000, ']') + "}", "deeper"},
  };
  for (const Case& c : table) {
    for (const std::string& text : {R"({"type":"bundle","id":"bundle--)" + uuid_of("bundle") + R"(","objects":[)" +
                                        good + "," + c.bad + "," + good + "]}",
                                    "[" + good + "," + c.bad + "," + good + "]"}) {
      const Read out = read(text);
      ASSERT_EQ(types(out), (Types{"ipv4-addr", "bad", "ipv4-addr"})) << c.name;
      EXPECT_NE(out.items[1].find(c.message), std::string::npos) << c.name << ": " << out.items[1];
      EXPECT_EQ(out.end, "ok") << c.name;
    }
  }
}

TEST(BundleReader, FindsItsWayBackByLines) {
  const std::string good = plain("ipv4-addr", R"("value":"198.51.100.1")");
  // A quote is missing: everything after it is in doubt, until a line begins as the broken object began.
  const Read lines =
      read(good + "\n{\"type\":\"identity\",\"id\":\"identity--1,\"name\":5}\n" + good + "\n" + good + "\n");
  EXPECT_EQ(types(lines), (Types{"ipv4-addr", "bad", "ipv4-addr", "ipv4-addr"}));
  EXPECT_EQ(lines.end, "ok");
  const Read stray = read(good + "\n{\"id\":\"a\",\"x\":[1}}}\n" + good);
  EXPECT_EQ(types(stray), (Types{"ipv4-addr", "bad", "ipv4-addr"}));
  EXPECT_EQ(stray.end, "ok");
  const Read pretty =
      read("[\n  {\n    \"id\": \"a,\n    \"x\": {\"y\": 1}\n  },\n  " + good + ",\n  " + good + "\n]\n");
  EXPECT_EQ(types(pretty), (Types{"bad", "ipv4-addr", "ipv4-addr"}));
  EXPECT_EQ(pretty.end, "ok");
  const Read unclosed = read("[" + good + ",{\"type\":\"identity\",\"x\":{\"a\":1]");
  EXPECT_EQ(types(unclosed), (Types{"ipv4-addr", "bad"}));
  EXPECT_EQ(unclosed.end, "ok");
}

TEST(BundleReader, NamesWhereTruncatedInputEnds) {
  const std::string bundle = R"({"type":"bundle","id":"bundle--)" + uuid_of("bundle") + R"(","objects":[)" +
                             identity() + "," + identity() + "]}";
  for (std::size_t length = 1; length < bundle.size(); ++length) {
    const Read out = read(std::string_view(bundle).substr(0, length));
    EXPECT_NE(out.end, "ok") << length;
    EXPECT_NE(out.end.find(fmt::format("offset {}", length)), std::string::npos) << out.end;
    EXPECT_LE(out.items.size(), 2u);
  }
  EXPECT_NE(read(bundle.substr(0, bundle.size() - 3)).end.find(id_of("identity")), std::string::npos);
  EXPECT_EQ(read(bundle).items.size(), 2u);
}

TEST(BundleReader, RefusesContainersThatAreNotJson) {
  for (const std::string& text :
       {std::string(""), std::string("  \n "), std::string("hello"), std::string("<html>"), std::string("5"),
        "{\"type\":\"bundle\" \"id\":1,\"objects\":[" + identity() + "]}", "[" + identity() + "}",
        "{\"objects\":[" + identity() + "],\"objects\":[]}", "{\"objects\":[" + identity() + "] \"more\":1}",
        "[" + identity() + "," + identity() + ",]", "[" + identity() + identity() + "]", "[," + identity() + "]",
        "[" + identity() + "],5"})
    EXPECT_NE(read(text).end, "ok") << text;
}

TEST(BundleReader, GoesOnOverACommaTooManyOrTooFewAndTellsOfIt) {
  EXPECT_EQ(read("[" + identity() + identity() + "," + identity() + "]").items.size(), 3u);
  EXPECT_EQ(read("[" + identity() + ",,," + identity() + ",]").items.size(), 2u);
}

TEST(BundleReader, SkipsAnObjectThatIsTooLargeAndNamesIt) {
  const std::string large =
      "{\"id\":\"" + id_of("identity") + "\",\"x\":\"" + std::string(kMaxObjectBytes, '}') + "\"}";
  const std::string text = "[" + large + "," + identity() + "]";
  for (const std::size_t piece : {std::string::npos, std::size_t{65536}, std::size_t{1000003}}) {
    const Read out = read(text, piece);
    ASSERT_EQ(types(out), (Types{"bad", "identity"}));
    EXPECT_NE(out.items[0].find(id_of("identity")), std::string::npos);
    EXPECT_NE(out.items[0].find("limit"), std::string::npos);
  }
}

TEST(BundleReader, ReadsEveryKindOfContainer) {
  const std::string a = identity(), b = plain("x-custom", R"("objects":{"0":[1]},"x_a":1)");
  const std::string list = "[" + a + " ,\n" + b + "]";
  const Types both{"identity", "x-custom"};
  EXPECT_EQ(types(read(R"({"type":"bundle","id":"bundle--)" + uuid_of("bundle") + R"(","objects":)" + list + "}")),
            both);
  EXPECT_EQ(types(read(R"({"objects":)" + list + R"(,"x_more":[{"objects":[{}]}],"id":"bundle--)" + uuid_of("bundle") +
                       R"(","type":"bundle"})")),
            both);
  EXPECT_EQ(types(read(R"({"more":true,"next":"a]}","objects":)" + list + "}")), both);
  EXPECT_EQ(types(read(R"({"o\u0062jects":)" + list + "}")), both);
  EXPECT_EQ(types(read(R"({"x":{"objects":[{}]},"objects" :)" + list + "}")), both);
  EXPECT_EQ(types(read(list)), both);
  EXPECT_EQ(types(read(a + "\n" + b + "\n")), both);
  EXPECT_EQ(types(read(a + b)), both);
  EXPECT_EQ(types(read("\xef\xbb\xbf" + list)), both);
  EXPECT_EQ(types(read(list + "\n{\"objects\":" + list + "}\n" + a)),
            (Types{"identity", "x-custom", "identity", "x-custom", "identity"}));
  for (const char* empty :
       {"{}", "[]", R"({"objects":[]})", R"({"more":false})", R"({"type":"bundle","id":"bundle--1"})"}) {
    EXPECT_TRUE(read(empty).items.empty()) << empty;
    EXPECT_EQ(read(empty).end, "ok") << empty;
  }
}

TEST(BundleReader, TakesAnObjectWithAListNamedObjectsForWhatItsTypeSays) {
  const Read out = read(plain("x-custom", R"("objects":[{"a":1}])"));
  EXPECT_EQ(types(out), Types{"x-custom"});
  EXPECT_EQ(out.end, "ok");
  const Read late = read(R"({"objects":[)" + identity() + R"(],"type":"x-custom"})");
  EXPECT_EQ(types(late), Types{"identity"});
  EXPECT_NE(late.end.find("before its type"), std::string::npos) << late.end;
}

TEST(BundleReader, RemarksOnABundleWithoutId) {
  const auto remarks = [](const std::string& text) {
    BundleReader reader("in");
    const auto all = [](BundleItem&&) { return true; };
    EXPECT_TRUE(reader.feed(text, all));
    EXPECT_TRUE(reader.finish(all));
    return reader.remarks().size();
  };
  EXPECT_EQ(remarks(R"({"type":"bundle","objects":[]})"), 1u);
  EXPECT_EQ(remarks(R"({"type":"bundle","id":"bundle--1","objects":[]})"), 1u);
  EXPECT_EQ(remarks(R"({"objects":[],"type":"bundle"})"), 1u);
  EXPECT_EQ(remarks(R"({"objects":[],"type":"bundle","id":")" + id_of("bundle") + "\"}"), 0u);
  EXPECT_EQ(remarks(R"({"type":"bundle","objects":[],"id":")" + id_of("bundle") + "\"}"), 0u);
  EXPECT_EQ(remarks(R"({"objects":[],"more":true})"), 0u);
}

TEST(BundleReader, StopsWhenTold) {
  BundleReader reader("in");
  int count = 0;
  const auto result = reader.feed("[" + identity() + "," + identity() + "]", [&](BundleItem&&) { return ++count < 1; });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(count, 1);
  EXPECT_EQ(reader.finish([](BundleItem&&) { return true; }).error().code, ErrorCode::kCancelled);
}

// The slow twin: the whole text as one document, its objects cut out by their bytes.
TEST(BundleReader, GivesInPiecesWhatItGivesWhole) {
  SeededRandom random(20261121);
  const auto below = [&](std::size_t n) {
    std::uint32_t value;
    random.fill({reinterpret_cast<std::uint8_t*>(&value), sizeof value});
    return value % n;
  };
  const std::vector<std::string> pieces = {identity(),
                                           plain("x-custom", R"("x_s":"\\\"}{][\u007d","x_l":[[],{},[{"a":"]"}]])"),
                                           "{\"id\":\"broken\",\"x\":[}",
                                           "7",
                                           "\"a,b]\"",
                                           "[1,{\"a\":2}]",
                                           "{\"id\":\"identity--\\\"\"}",
                                           plain("ipv6-addr", "\n \"value\" : \"::1\"\n"),
                                           "{\"a\":\"\n\"}"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    const std::size_t kind = below(3);
    if (kind == 0) text = R"({"type":"bundle","x_other":{"objects":[1]},"id":")" + id_of("bundle") + R"(","objects":[)";
    if (kind == 1) text = "[";
    const std::size_t n = below(8);
    for (std::size_t i = 0; i < n; ++i) {
      if (i > 0) text += kind == 2 ? "\n" : (below(20) == 0 ? "" : " ,\n");
      text += pieces[below(kind == 2 ? 2 : pieces.size())];
    }
    if (kind == 0) text += R"(],"x_tail":"]}"})";
    if (kind == 1) text += "]";
    if (below(10) == 0) text.resize(below(text.size() + 1));
    const Read whole = read(text);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, below(200) + 1}) {
      const Read parts = read(text, piece);
      ASSERT_EQ(parts.items, whole.items) << text;
      ASSERT_EQ(parts.texts, whole.texts) << text;
      ASSERT_EQ(parts.end, whole.end) << text;
    }
  }
}

TEST(BundleReader, CutsOutExactlyTheObjectsThatAWholeParserSees) {
  const auto path = shared_data("exercise/attack-ics.stix.json");
  if (path.empty()) GTEST_SKIP() << "skipped: needs shared data";
  const std::string text = read_file(path);
  const auto whole = parse_json(text);
  ASSERT_TRUE(whole);
  const auto& objects = find(*whole, "objects")->as_array();
  for (const std::size_t piece : {std::string::npos, std::size_t{65536}, std::size_t{4099}}) {
    const Read out = read(text, piece);
    EXPECT_EQ(out.end, "ok");
    ASSERT_EQ(out.texts.size(), objects.size());
    for (std::size_t i = 0; i < objects.size(); ++i) ASSERT_EQ(*parse_json(out.texts[i]), objects[i]);
  }
}

}  // namespace
}  // namespace bongsu::stix
