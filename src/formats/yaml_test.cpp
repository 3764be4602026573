#include "formats/yaml.h"

#include <gtest/gtest.h>

namespace bongsu::formats {
namespace {

TEST(Yaml, NamesThePlaceOfWhatIsWrong) {
  const struct {
    const char* text;
    const char* told;
    std::uint32_t line;
    std::size_t offset;  // of the line
  } kCases[] = {
      {"a: 1\nb: 'abc\nc: 2\n", "never closed", 2, 3},
      {"a: 1\nb: \"ab\\\"c\nc: 2\n", "never closed", 2, 3},
      {"a: !!str 'abc\n", "never closed", 1, 3},
      {"a: [x, 'y''\n", "", 1, 0},  // yaml-cpp's own message
      {"a: 1\nb: x\xe4y\n", "not UTF-8", 2, 4},
      {"\xff\xfe" "a", "not UTF-8", 1, 0},
      {"a: 1\na: 2\n", "comes twice", 2, 0},
  };
  for (const auto& one : kCases) {
    const auto read = read_yaml(one.text, "r.yml");
    ASSERT_FALSE(read.has_value()) << one.text;
    EXPECT_NE(read.error().message.find(one.told), std::string::npos) << read.error().text();
    if (*one.told == '\0') continue;
    EXPECT_EQ(read.error().where.line, one.line) << one.text;
    EXPECT_EQ(read.error().where.offset, one.offset) << one.text;
  }
}

TEST(Yaml, QuotesThatAreClosedAreTaken) {
  for (const char* text : {"a: 'abc'\n", "a: 'it''s'\n", "a: \"x\\\"y\"", "'a': b\n", "a: &x 'b'\nc: *x\n", "a: |\n  'open\n",
                           "a: !!str \"b\"\n", "\xef\xbb\xbf" "a: 'b'\n", "a: it's\n", "- 'a'\n- \"b\n  c\"\n---\n'd'\n", "# 'x\na: 1\n"}) {
    const auto read = read_yaml(text, "r.yml");
    EXPECT_TRUE(read.has_value()) << text << (read ? "" : read.error().text());
  }
}

}  // namespace
}  // namespace bongsu::formats
