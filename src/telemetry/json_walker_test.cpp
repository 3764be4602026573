#include "telemetry/json_walker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <regex>

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

TEST(JsonWalker, DataThatIsNamedByAnAttributeIsAFieldOfThatName) {
  EXPECT_EQ(
      leaves(
          R"({"Event":{"EventData":{"Data":[{"@Name":"Image","#text":"C:\\a.exe"},{"@Name":"User","#text":"u"}]}}})"),
      (std::vector<std::string>{"Event.EventData.Image=C:\\a.exe", "Event.EventData.User=u"}));
  EXPECT_EQ(leaves(R"({"EventData":{"Data":[{"#attributes":{"Name":"Image"},"#text":"x"}]},"a":1})"),
            (std::vector<std::string>{"EventData.Image=x", "a=1"}));
  EXPECT_EQ(leaves(R"({"EventData":{"Data":{"@Name":"Image","#text":"x"}}})"),
            (std::vector<std::string>{"EventData.Image=x"}));
  // Anything else under that key stays as it is.
  EXPECT_EQ(
      leaves(R"({"Data":[{"@Name":"a","#text":"x","b":1},{"@Name":"a"},{"#text":"x"},{"Name":"a","#text":"x"},"y"]})"),
      (std::vector<std::string>{"Data.@Name=a", "Data.#text=x", "Data.b=1", "Data.@Name=a", "Data.#text=x",
                                "Data.Name=a", "Data.#text=x", "Data=y"}));
  EXPECT_EQ(leaves(R"({"Datum":[{"@Name":"a","#text":"x"}]})"),
            (std::vector<std::string>{"Datum.@Name=a", "Datum.#text=x"}));
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

// Events of a few shapes, of the same keys in many places, some of them broken.
std::string random_line(std::mt19937& dice) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(dice()) % n; };
  const std::vector<std::string> keys = {"ts",
                                         "id.orig_h",
                                         "SourceIp",
                                         "event_data",
                                         "winlog",
                                         "Image",
                                         "a",
                                         "",
                                         "ab",
                                         R"(\u0061)",
                                         "a key that is far longer than others",
                                         R"(x\"y)",
                                         "Hashes"};
  const std::vector<std::string> values = {R"("1.2.3.4")", "0",    "-1.5e3", "12345678",   "123456789",
                                           "true",         "null", R"("")",  R"("a,\"b")", "[]",
                                           R"([1,"x"])",   "01",   "1:2",    "tru",        ""};
  constexpr std::size_t kGoodValues = 11;  // the first
  const std::vector<std::string> blanks = {"", "", "", "", "", " ", "\t"};
  const auto object = [&](const auto& self, int depth) -> std::string {
    std::string out = "{";
    const std::size_t first = below(keys.size());
    const std::size_t fields = below(7);
    for (std::size_t i = 0; i < fields; ++i) {
      const std::string& key = keys[below(8) == 0 ? below(keys.size()) : (first + i) % keys.size()];
      const std::string value = depth < 3 && below(6) == 0
                                    ? self(self, depth + 1)
                                    : values[below(below(16) == 0 ? values.size() : kGoodValues)];
      out += (i == 0 ? "" : ",") + blanks[below(7)] + "\"" + key + "\"" + blanks[below(7)] + ":" + blanks[below(7)] +
             value + blanks[below(7)];
    }
    return out + (below(40) == 0 ? "" : "}");
  };
  return object(object, 0);
}

TEST(JsonWalker, WhatItMetBeforeChangesNothing) {
  std::mt19937 dice(7);  // NOLINT: the same each time
  for (const bool everything : {true, false}) {
    JsonWalker walker(FieldMap::standard(), everything);
    int good = 0, bad = 0;
    for (int round = 0; round < 300; ++round) {
      std::string run;
      std::vector<std::pair<std::size_t, std::size_t>> lines;
      for (int i = 0; i < 20; ++i) {
        const std::string line = random_line(dice);
        lines.emplace_back(run.size(), run.size() + line.size());
        run += line + "\n";
      }
      ASSERT_TRUE(walker.index(run));
      for (const auto& [begin, end] : lines) {
        const std::string line = run.substr(begin, end - begin);
        JsonWalker fresh(FieldMap::standard(), everything);
        EventStorage one, other;
        ASSERT_TRUE(fresh.index(line));
        const char* wrong = fresh.walk(0, line.size(), other);
        ASSERT_STREQ(walker.walk(begin, end, one), wrong) << line;
        ++(wrong == nullptr ? good : bad);
        if (wrong != nullptr) continue;
        ASSERT_EQ(one.leaves.size(), other.leaves.size()) << line;
        ASSERT_EQ(one.mark, other.mark) << line;
        const EventView a{line, 0, 1, Format::kJson, one.leaves, one.nodes};
        const EventView b{line, 0, 1, Format::kJson, other.leaves, other.nodes};
        for (std::size_t i = 0; i < one.leaves.size(); ++i) {
          const Leaf &x = one.leaves[i], &y = other.leaves[i];
          ASSERT_EQ(a.path(x), b.path(y)) << line;
          ASSERT_EQ(x.raw(), y.raw()) << line;
          ASSERT_EQ(std::tuple(x.role, x.field, x.escape, x.quoted, x.parent),
                    std::tuple(y.role, y.field, y.escape, y.quoted, y.parent))
              << line;
        }
      }
    }
    EXPECT_GT(good, 1000);
    EXPECT_GT(bad, 500);
  }
}

TEST(JsonWalker, ReadsNothingBeforeTheRun) {
  JsonWalker walker;
  EventStorage storage;
  for (int round = 0; round < 2; ++round) {                      // in the second it knows the keys
    const auto line = std::make_unique<std::array<char, 42>>();  // on its own, for the sanitizer to see
    std::ranges::copy(std::string_view(R"({"":1    ,"":2   ,"":"                  "})"), line->begin());
    ASSERT_TRUE(walker.index({line->data(), line->size()}));
    EXPECT_EQ(walker.walk(0, line->size(), storage), nullptr);
  }
}

TEST(JsonWalker, NumbersAreThoseOfTheStandard) {
  const std::regex number_form(R"(-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?)");  // RFC 8259 §6
  constexpr std::string_view kBytes = "0189.-+eE";
  JsonWalker walker;
  EventStorage storage;
  for (std::size_t n = 0; n < 9 * 9 * 9 * 9 * 9; ++n) {
    std::string number;
    for (std::size_t rest = n; number.size() < 5; rest /= kBytes.size()) number += kBytes[rest % kBytes.size()];
    const bool good = std::regex_match(number, number_form);
    for (const std::string& line : {"{\"a\":" + number + "}", "{\"a\":" + number + ",\"b\":1}"}) {
      ASSERT_TRUE(walker.index(line));
      ASSERT_EQ(walker.walk(0, line.size(), storage) == nullptr, good) << line;
    }
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
