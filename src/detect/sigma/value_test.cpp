// How values compare, sentence by sentence of the specification: each case is one line of a selection, and events with
// the answer.
#include <gtest/gtest.h>

#include "detect/sigma/fold.h"
#include "detect/sigma/sigma_test_support.h"
#include "detect/sigma/slow_sigma_test_support.h"

namespace bongsu::detect::sigma {
namespace {

struct Case {
  const char* item;   // a line of a selection
  const char* field;  // JSON of the field F, or of several: "F":"x","G":"y"
  bool hit;
};

std::string rule_of(std::string_view item) {
  return "title: t\nlogsource:\n  product: test\ndetection:\n  selection:\n    " + std::string(item) +
         "\n  condition: selection\n";
}

const Case kCases[] = {
    // General: strings are compared without case, the whole of them.
    {"F: abc", R"("F":"ABC")", true},
    {"F: abc", R"("F":"abcd")", false},
    {"F: абв", R"("F":"АБВ")", true},
    {"F: straße", R"("F":"STRAßE")", true},
    {"F|cased: aBc", R"("F":"aBc")", true},
    {"F|cased: aBc", R"("F":"abc")", false},
    {"F: [a, b]", R"("F":"b")", true},
    {"F: abc", R"("G":"abc")", false},
    {"F: b", R"("F":["a","b"])", true},
    {"A.B: x", R"("A":{"B":"x"})", true},
    {"F: \"a\\\"b\"", R"("F":"a\"b")", true},
    // String wildcards.
    {"F: 'prog?.exe'", R"("F":"progA.exe")", true},
    {"F: 'prog?.exe'", R"("F":"prog.exe")", false},
    {"F: 'prog?.exe'", R"("F":"progé.exe")", true},
    {"F: 'antivirus_V*.exe'", R"("F":"antivirus_V21.2.1.exe")", true},
    {"F: 'antivirus_V*.exe'", R"("F":"antivirus_V.exe")", true},
    {"F: 'a*b*c'", R"("F":"a-c-b-c")", true},
    {"F: 'a*b*c'", R"("F":"a-c-b")", false},
    {"F: 'ab*ba'", R"("F":"aba")", false},
    {"F: '*'", R"("F":"")", true},
    {"F: '*'", R"("G":"")", false},
    {"F: '*?"
     "?'",
     R"("F":"\u2013")", false},
    // Escaping: a backslash before a wildcard or a backslash is an escape, before anything else itself.
    {R"(F: 'C:\Windows')", R"("F":"C:\\Windows")", true},
    {R"(F: 'C:\\Windows')", R"("F":"C:\\Windows")", true},
    {R"(F: 'a\*b')", R"("F":"a*b")", true},
    {R"(F: 'a\*b')", R"("F":"axb")", false},
    {R"(F: 'a\?b')", R"("F":"a?b")", true},
    {R"(F: 'a\\*b')", R"("F":"a\\xxb")", true},
    {R"(F: 'a\\*b')", R"("F":"a*b")", false},
    {R"(F: 'a\\\*b')", R"("F":"a\\*b")", true},
    {R"(F: 'a\\\b')", R"("F":"a\\\\b")", true},
    {R"(F: 'a\\\\b')", R"("F":"a\\\\b")", true},
    {R"(F: 'a\')", R"("F":"a\\")", true},
    // Numbers compare as numbers, and with texts that say one.
    {"F: 4688", R"("F":4688)", true},
    {"F: 4688", R"("F":"4688")", true},
    {"F: '4688'", R"("F":4688)", true},
    {"F: 4688", R"("F":46880)", false},
    {"F: 1.5", R"("F":1.50)", true},
    {"F: 100", R"("F":1e2)", true},
    {"F: 0x10", R"("F":16)", true},
    {"F: 00000429", R"("F":"00000429")", true},
    {"F|contains: 00000429", R"("F":"x00000429")", true},
    {"F: -1", R"("F":-1)", true},
    {"F: 9007199254740993", R"("F":9007199254740993)", true},
    {"F: 9007199254740993", R"("F":9007199254740992)", false},
    {"F: true", R"("F":true)", true},
    {"F: true", R"("F":"True")", true},
    {"F: yes", R"("F":"yes")", true},
    // Special field values.
    {"F: ''", R"("F":"")", true},
    {"F: ''", R"("F":"x")", false},
    {"F: ''", R"("G":"x")", false},
    {"F: null", R"("G":"x")", true},
    {"F: null", R"("F":null)", true},
    {"F: null", R"("F":"")", false},
    {"F: 'null'", R"("F":null)", false},
    {"F: 'null'", R"("F":"null")", true},
    {"F|exists: true", R"("F":null)", true},
    {"F|exists: true", R"("F":"")", true},
    {"F|exists: true", R"("G":1)", false},
    {"F|exists: false", R"("G":1)", true},
    {"F|exists: false", R"("F":0)", false},
    // Modifiers.
    {"F|contains: b", R"("F":"aBc")", true},
    {"F|contains: 'b*d'", R"("F":"abcde")", true},
    {"F|startswith: a", R"("F":"Abc")", true},
    {"F|startswith: b", R"("F":"abc")", false},
    {R"(F|endswith: '\cmd.exe')", R"("F":"C:\\Windows\\CMD.EXE")", true},
    {R"(F|endswith: '\cmd.exe')", R"("F":"C:\\cmd.exe.txt")", false},
    {"F|contains|all: [a, c]", R"("F":"abc")", true},
    {"F|contains|all: [a, d]", R"("F":"abc")", false},
    {"F|contains|cased: B", R"("F":"abc")", false},
    {"F|cased|contains: B", R"("F":"aBc")", true},
    {"F|windash|contains: ' -enc'", R"("F":"x /enc y")", true},
    {"F|windash|contains: ' -enc'", R"("F":"x \u2013enc y")", true},
    {"F|windash|contains: ' -enc'", R"("F":"x \u2015enc y")", true},
    {"F|contains|windash: ' /a-b'", R"("F":"x -a-b")", true},
    {"F|contains|windash: ' /a-b'", R"("F":"x -a/b")", false},
    {"F|windash: '-a -b'", R"("F":"/A \u2014B")", true},
    {"F|base64: foo", R"("F":"Zm9v")", true},
    {"F|base64|contains: foobar", R"("F":"xxZm9vYmFyxx")", true},
    {"F|base64offset|contains: foobar", R"("F":"Zm9vYmFy")", true},
    {"F|base64offset|contains: foobar", R"("F":"IGZvb2Jhcg==")", true},
    {"F|base64offset|contains: foobar", R"("F":"ICBmb29iYXI=")", true},
    {"F|base64offset|contains: foobar", R"("F":"Zm9vYmF")", false},
    {"F|wide|base64offset|contains: ping", R"("F":"cABpAG4AZwA=")", true},
    {"F|utf16le|base64: ab", R"("F":"YQBiAA==")", true},
    {"F|utf16be|base64: ab", R"("F":"AGEAYg==")", true},
    {"F|utf16|base64: ab", R"("F":"//5hAGIA")", true},
    {"F|re: 'a[0-9]+b'", R"("F":"xa12by")", true},
    {"F|re: 'a[0-9]+b'", R"("F":"xA12By")", false},
    {"F|re|i: 'a[0-9]+b'", R"("F":"xA12By")", true},
    {"F|re: '^b'", R"("F":"a\nb")", false},
    {"F|re|m: '^b'", R"("F":"a\nb")", true},
    {"F|re: 'a.b'", R"("F":"a\nb")", false},
    {"F|re|s: 'a.b'", R"("F":"a\nb")", true},
    {"F|re|i|s|m: '^A.B$'", R"("F":"x\na\nb")", true},
    {"F|re: '\\\\Device'", R"("F":"\\Device")", true},
    {"F|re|startswith: 'a|b'", R"("F":"xb")", false},
    {"F|re|endswith: 'a|b'", R"("F":"xb")", true},
    {"F|cidr: 192.0.2.0/24", R"("F":"192.0.2.200")", true},
    {"F|cidr: 192.0.2.0/24", R"("F":"192.0.3.1")", false},
    {"F|cidr: 192.0.2.0/24", R"("F":"::ffff:192.0.2.1")", true},
    {"F|cidr: '2001:db8::/32'", R"("F":"2001:DB8:1::5")", true},
    {"F|cidr: '2001:db8::/32'", R"("F":"192.0.2.1")", false},
    {"F|cidr: [10.0.0.0/8, 172.16.0.0/12]", R"("F":"172.31.0.1")", true},
    {"F|cidr: 0.0.0.0/0", R"("F":"not an address")", false},
    {"F|fieldref: G", R"("F":"a","G":"A")", true},
    {"F|fieldref: G", R"("F":"a","G":"b")", false},
    {"F|fieldref: G", R"("F":"a")", false},
    {"F|fieldref|startswith: G", R"("F":"abc","G":"AB")", true},
    {"F|fieldref|endswith: G", R"("F":"abc","G":"bc")", true},
    {"F|fieldref|endswith: G", R"("F":"abc","G":"ab")", false},
    {"F|fieldref|contains: G", R"("F":"abc","G":"b")", true},
    {"F|fieldref|neq: G", R"("F":"a","G":"b")", true},
    {"F|neq|fieldref: G", R"("F":"a","G":"a")", false},
    {"F|neq: a", R"("F":"b")", true},
    {"F|neq: a", R"("F":"A")", false},
    {"F|neq: 5", R"("F":5.0)", false},
    {"F|neq: [a, b]", R"("F":"b")", false},
    {"F|neq: a", R"("G":"a")", true},
    {"F|gt: 5", R"("F":6)", true},
    {"F|gt: 5", R"("F":5)", false},
    {"F|gte: 5", R"("F":"5")", true},
    {"F|lt: -1.5", R"("F":-2)", true},
    {"F|lte: 5", R"("F":5.01)", false},
    {"F|gt: 5", R"("F":"many")", false},
    {"F|gt: 9007199254740992", R"("F":9007199254740993)", true},
    {"F|hour: 22", R"("F":"2024-02-29T22:15:01Z")", true},
    {"F|minute: 15", R"("F":"2024-02-29 22:15:01.5")", true},
    {"F|day: 29", R"("F":"2024-02-29")", true},
    {"F|month: 2", R"("F":"2024-02-29T22:15:01+09:00")", true},
    {"F|year: 2024", R"("F":"2023-12-31T23:00:00Z")", false},
    {"F|week: 53", R"("F":"2021-01-03T00:00:00Z")", true},
    {"F|week: 1", R"("F":"2024-12-30T00:00:00Z")", true},
    {"F|hour|gte: 20", R"("F":"2024-02-29T22:15:01Z")", true},
    {"F|hour: [3, 4]", R"("F":"1600000000")", false},
    {"F|year: 2020", R"("F":1600000000.25)", true},
    {"F|hour: 2", R"("F":"2024-02-30T02:00:00Z")", false},
};

TEST(SigmaValues, CompareAsTheSpecificationSays) {
  for (const Case& one : kCases) {
    const TestSet set = compile_text(rule_of(one.item));
    ASSERT_TRUE(set.report.errors.empty()) << one.item << ": " << set.report.errors[0].text();
    const std::string line = "{" + std::string(one.field) + "}\n";
    EXPECT_EQ(!matched_lines(set, line).empty(), one.hit) << one.item << " on " << one.field;

    telemetry::BadLines bad;
    telemetry::EventParser parser(bad, set.map);
    const auto batch = batch_of(line);
    parser.start(batch);
    const auto* event = parser.next();
    ASSERT_NE(event, nullptr);
    EXPECT_EQ(slow_matches(set.set->rules()[0], SlowEvent::of(*event, *set.map), *set.map), one.hit)
        << "slow: " << one.item << " on " << one.field;
  }
}

struct Refused {
  const char* item;
  const char* reason;
  std::uint32_t line, column;
};

TEST(SigmaValues, RefuseWhatTheSpecificationDoesNotAllow) {
  const Refused kRefused[] = {
      {"F|contained: a", "the modifier \"contained\" is not part of Sigma 2.1", 6, 18},
      {"F|gt: abc", "\"gt\" cannot be applied to a string", 6, 11},
      {"F|hour: abc", "\"hour\" cannot be applied to a string", 6, 13},
      {"F|contains|re: a", "must be the first", 6, 20},
      {"F|i: a", "\"i\" follows \"re\"", 6, 10},
      {"F|re|cased: a", "cannot be applied to a regular expression", 6, 17},
      {"F|contains|cidr: 10.0.0.0/8", "must be the first", 6, 22},
      {"F|cidr: 10.0.0.0/33", "no network in CIDR notation", 6, 13},
      {"F|base64: 'a*'", "cannot be applied to a string with wildcards", 6, 15},
      {"F|base64offset|contains: a", "too short", 6, 30},
      {"F|exists: maybe", "takes true or false", 6, 15},
      {"F|fieldref: 'a*'", "plain field name", 6, 17},
      {"F|contains|contains: a", "comes twice", 6, 5},
      {"F: []", "an empty list", 6, 5},
      {"F: [[a]]", "a list inside a list", 6, 9},
      {"F: {a: b}", "a map where a value", 6, 8},
      {"F|contains: null", "cannot be applied to null", 6, 0},
      {"F|re: 'a(?=b)'", "cannot be had in linear time", 6, 5},
      {"F|re: '(a{1000}){1000}'", "cannot be had in linear time", 6, 5},
      {"F|re: '['", "cannot be had in linear time", 6, 5},
      {"'|exists': true", "needs a field", 6, 0},
  };
  for (const Refused& one : kRefused) {
    const TestSet set = compile_text(rule_of(one.item));
    ASSERT_EQ(set.report.errors.size(), 1U) << one.item;
    const Error& error = set.report.errors[0];
    EXPECT_NE(error.message.find(one.reason), std::string::npos) << one.item << ": " << error.text();
    EXPECT_EQ(error.where.source, "rule.yml");
    EXPECT_EQ(error.where.line, one.line) << one.item << ": " << error.text();
    if (one.column != 0) EXPECT_EQ(error.where.offset + 1, one.column) << one.item << ": " << error.text();
  }
}

TEST(SigmaValues, FoldingNeverLengthensAndIsItsOwnResult) {
  std::string text;
  for (std::uint32_t c = 1; c < 0x10000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    const std::string one =
        c < 0x80    ? std::string(1, static_cast<char>(c))
        : c < 0x800 ? std::string{static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 63))}
                    : std::string{static_cast<char>(0xe0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)),
                                  static_cast<char>(0x80 | (c & 63))};
    EXPECT_EQ(folded(one), slow_fold(one)) << "U+" << std::hex << c;
    EXPECT_LE(folded(one).size(), one.size()) << "U+" << std::hex << c;
    EXPECT_EQ(folded(folded(one)), folded(one)) << "U+" << std::hex << c;
    text += one;
  }
  EXPECT_EQ(folded(text), slow_fold(text));
  const std::pair<const char*, const char*> kPairs[] = {{"ҐЄІЇ", "ґєії"},   {"ȘȚĂ", "șță"},       {"ΆΈΏ", "άέώ"},
                                                        {"ΛΌΓΟΣ", "λόγος"}, {"STRAẞE", "straße"}, {"ẾỘ", "ếộ"},
                                                        {"ԱՖ", "աֆ"},       {"𐐀", "𐐨"},           {"Å", "å"}};
  for (const auto& [upper, lower] : kPairs) EXPECT_EQ(folded(upper), folded(lower)) << upper;
  EXPECT_NE(folded("ss"), folded("ß")) << "one character for one";
  for (const char* broken : {"\xff", "A\xc3", "\xe2\x84", "A\x80\xc3\x89", "\xf4\x90\x80\x80Z", "\xe0\x81\x81",
                             "\xf0\x80\x83\x89", "\xed\xa0\x80"})
    EXPECT_EQ(folded(broken), slow_fold(broken));
}

}  // namespace
}  // namespace bongsu::detect::sigma
