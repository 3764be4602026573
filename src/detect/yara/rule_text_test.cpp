#include "detect/yara/rule_text.h"

#include <gtest/gtest.h>

#include "detect/yara/rule_sources.h"

namespace bongsu::detect {
namespace {

TEST(YaraRuleText, OutlineFindsEveryStatementWithItsLines) {
  const std::string text =
      "import \"pe\" // rule a { }\n"
      "/* rule b { condition: true } */ include \"c.yar\"\n"
      "global private rule d : tag1 tag2 {\n"
      "  meta: text = \"} rule e { \\\" }\"\n"
      "  strings: $a = { 4D 5A [2-4] } $b = /}{2,3}\\/x/ $c = \"//\"\n"
      "  condition: #a > 2 // }\n"
      "    and $b /* } */ and $c\n"
      "}\n"
      "rule f { condition: filesize \\ 2 > 1 }";
  const auto items = outline(text);
  ASSERT_EQ(items.size(), 4u);
  EXPECT_EQ(items[0].kind, RuleItem::Kind::kImport);
  EXPECT_EQ(items[1].name, "c.yar");
  EXPECT_EQ(items[1].first_line, 2u);
  EXPECT_EQ(items[2].name, "d");
  EXPECT_TRUE(items[2].global);
  EXPECT_EQ(items[2].first_line, 3u);
  EXPECT_EQ(items[2].last_line, 8u);
  EXPECT_EQ(items[3].name, "f");
  EXPECT_EQ(items[3].condition, " filesize \\ 2 > 1 ");
  std::string blanked = text;
  for (const RuleItem& item : items) blank(blanked, item);
  EXPECT_EQ(std::count(blanked.begin(), blanked.end(), '\n'), std::count(text.begin(), text.end(), '\n'));
  EXPECT_TRUE(outline(blanked).empty());
}

TEST(YaraRuleText, AConditionThatDemandsAFileDoesSoInEveryBranch) {
  const struct {
    const char* condition;
    bool demands;
  } rows[] = {
      {"uint16(0) == 0x5a4d and $a", true},
      {"( uint16 ( 0 ) == 0x5a4d and filesize < 1MB and 1 of ($x*) ) or ( uint32be(0x0) == 0x7f454c46 )", true},
      {"uint16(0) == 0x5a4d and ( $a or $b )", true},
      {"uint16(0) == 0x5a4d or $a", false},
      {"( uint16(0) == 0x5a4d and $a ) or $b", false},
      {"not uint16(0) == 0x5a4d and $a", false},
      {"uint16(0) != 0x5a4d and $a", false},
      {"uint16(2) == 0x5a4d", false},
      {"pe.imphash() == \"x\" and $a", true},
      {"pe.is_pe == 0 and $a", false},
      {"pe.is_pe and $a", true},
      {"for any i in (0..pe.number_of_signatures - 1): ( pe.signatures[i].serial == \"1\" or $a )", true},
      {"for all i in (0..pe.number_of_sections): ( $a )", false},
      {"filename == \"a.exe\" and $a", true},
      {"filename matches /x.y/ or $a", false},
      {"filename == \"\"", false},
      {"not pe.is_dll()", false},
      {"for any i in (1..3) : ( uint16(0) == i )", false},
      {"all of them", false},
      {"", false},
      {")(", false},
      {"$a and \"uint16(0) == 1\" == filename", false},
  };
  for (const auto& row : rows) EXPECT_EQ(demands_file(row.condition), row.demands) << row.condition;
}

TEST(YaraRuleText, AConditionThatDemandsAStringDoesSoInEveryBranch) {
  const struct {
    const char* condition;
    bool demands;
  } rows[] = {
      {"$a", true},
      {"filesize < 1MB and ( 2 of ($x*) or any of them )", true},
      {"uint16(0) == 0x5a4d and pe.exports(\"a\") or 3 of them", true},
      {"#a > 3 and filesize > 2", true},
      {"#a >= 0", false},
      {"#a >= 1", true},
      {"0 of them", false},
      {"none of them", false},
      {"not $a", false},
      {"$a or filesize < 10", false},
      {"for any of them : ( # == 0 )", false},
      {"true", false},
  };
  for (const auto& row : rows) EXPECT_EQ(demands_string(row.condition), row.demands) << row.condition;
}

TEST(YaraRuleText, APathOfAnIncludeStaysInside) {
  EXPECT_EQ(path_within("a/b", "../c.yar"), "a/c.yar");
  EXPECT_EQ(path_within("", "./x//y.yar"), "x/y.yar");
  for (const char* out : {"../x", "/etc/passwd", "a/../../x", "", ".", "..\\x", "a\\b"})
    EXPECT_EQ(path_within("", out), std::nullopt) << out;
  EXPECT_EQ(path_within("a", "../../x"), std::nullopt);
}

}  // namespace
}  // namespace bongsu::detect
