#include "telemetry/json_walker.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace bongsu::telemetry {
namespace {

// "path=value" of every leaf of one line.
std::vector<std::string> leaves(const std::string& line, const char** wrong = nullptr) {
  JsonWalker walker(FieldMap::standard(), true);
  EventStorage storage;
  std::vector<std::string> out;
  if (!walker.index(line)) {
    if (wrong != nullptr) *wrong = "stage 1";
    return out;
  }
  const char* reason = walker.walk(0, line.size(), storage);
  if (wrong != nullptr) *wrong = reason;
  if (reason != nullptr) return out;
  EventView view{line, 0, 1, Format::kJson, storage.leaves, storage.nodes};
  std::string scratch;
  for (const Leaf& leaf : storage.leaves) out.push_back(view.path(leaf) + "=" + std::string(view.text(leaf, scratch)));
  return out;
}

const char* reason(const std::string& line) {
  const char* wrong = nullptr;
  leaves(line, &wrong);
  return wrong;
}

TEST(JsonWalker, GivesEveryLeafWithItsPathInOrder) {
  EXPECT_EQ(leaves(R"({"a":"x","b":{"c":1,"d":[true,null,"y",{"e":-2.5e3}]},"f":""})"),
            (std::vector<std::string>{"a=x", "b.c=1", "b.d=true", "b.d=null", "b.d=y", "b.d.e=-2.5e3", "f="}));
}

TEST(JsonWalker, TakesEmptyContainersAndBlanksAnywhere) {
  EXPECT_EQ(leaves(" { \"a\" : [ ] , \"b\" : { } , \"c\" : [ [ ] , [ \"x\" , { } ] ] , \"d\" : 0 } "),
            (std::vector<std::string>{"c=x", "d=0"}));
  EXPECT_EQ(reason("{}"), nullptr);
}

TEST(JsonWalker, UndoesEscapesInKeysAndValues) {
  EXPECT_EQ(leaves(R"({"\u0061":"tab\t \"q\" \\ \/ \u00e9 \ud83d\ude00 \ud83d!"})"),
            (std::vector<std::string>{"a=tab\t \"q\" \\ / \xc3\xa9 \xf0\x9f\x98\x80 \xef\xbf\xbd!"}));
}

TEST(JsonWalker, FindsRolesOfFlatAndNestedKeysAlike) {
  for (const std::string line :
       {R"({"id.orig_h":"1.2.3.4"})", R"({"id":{"orig_h":"1.2.3.4"}})",
        R"({"winlog":{"event_data":{"SourceIp":"1.2.3.4"}}})", R"({"Event":{"EventData":{"SourceIp":"1.2.3.4"}}})",
        R"({"\u0053ourceIp":["1.2.3.4"]})"}) {
    JsonWalker walker;
    EventStorage storage;
    ASSERT_TRUE(walker.index(line));
    ASSERT_EQ(walker.walk(0, line.size(), storage), nullptr) << line;
    ASSERT_EQ(storage.leaves.size(), 1U) << line;
    EXPECT_EQ(storage.leaves[0].role, Role::kAddress) << line;
  }
}

TEST(JsonWalker, RefusesWhatTheDocumentParserRefuses) {
  const std::vector<std::string> bad = {"{",
                                        "}",
                                        "{]",
                                        "[}",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{\"a\":1,}",
                                        "{,}",
                                        "{\"a\":1 \"b\":2}",
                                        "{\"a\":[1,]}",
                                        "{\"a\":[,1]}",
                                        "{\"a\":[1 2]}",
                                        "{\"a\":tru}",
                                        "{\"a\":truex}",
                                        "{\"a\":01}",
                                        "{\"a\":1.}",
                                        "{\"a\":.5}",
                                        "{\"a\":-}",
                                        "{\"a\":1e}",
                                        "{\"a\":+1}",
                                        "{\"a\":\"x}",
                                        "{\"a\":\"x\"y}",
                                        "{\"a\":1}x",
                                        "{\"a\":1}{\"b\":2}",
                                        "{a:1}",
                                        "{'a':1}",
                                        "{1:2}",
                                        "{\"a\":\"\x01\"}",
                                        "{\"a\":\"\xff\"}",
                                        "{\"a\":\"\xc3\"}",
                                        "{\"a\":1]",
                                        "{\"a\":{}",
                                        "{\"a\":[}",
                                        "{\"a\"::1}",
                                        "{\"a\":1,\"b\"}",
                                        "{:1}",
                                        "{\"a\":nan}",
                                        "{\"a\":\"\\\"}",
                                        "{\"a\":[1}}",
                                        "{\"a\" 1}",
                                        "{\"a\",1}"};
  for (const std::string& line : bad) {
    EXPECT_NE(reason(line), nullptr) << line;
    EXPECT_FALSE(parse_json(line).has_value()) << line;
  }
}

TEST(JsonWalker, DepthIsBounded) {
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  EXPECT_EQ(reason(nested(kMaxJsonDepth)), nullptr);
  EXPECT_STREQ(reason(nested(kMaxJsonDepth + 1)), "nested too deeply");
  EXPECT_STREQ(reason(nested(100'000)), "nested too deeply");
}

TEST(JsonWalker, FieldsOfOneEventAreBounded) {
  std::string line = "{\"a\":[\"x\"";
  for (std::size_t i = 0; i < kMaxEventLeaves; ++i) line += ",\"x\"";
  EXPECT_STREQ(reason(line + "]}"), "too many fields in one event");
}

TEST(JsonWalker, ABrokenLineInARunCostsOnlyItself) {
  const std::string run = "{\"a\":\"1\"}\n{\"a\":\n{\"a\":\"3\"}\n";
  JsonWalker walker;
  EventStorage storage;
  ASSERT_TRUE(walker.index(run));
  EXPECT_EQ(walker.walk(0, 9, storage), nullptr);
  EXPECT_NE(walker.walk(10, 15, storage), nullptr);
  EXPECT_EQ(walker.walk(16, 25, storage), nullptr);
  ASSERT_EQ(storage.leaves.size(), 1U);
  EXPECT_EQ(storage.leaves[0].raw(), "3");
}

}  // namespace
}  // namespace bongsu::telemetry
