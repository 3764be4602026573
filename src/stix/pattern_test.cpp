#include "stix/pattern.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace bongsu::stix {
namespace {

// The tree, written so that its shape can be read: (AND a b), qualifiers after their expression.
std::string shape(const Literal& l) {
  switch (l.kind) {
    case Literal::Kind::kString:
      return quote_literal(l.text);
    case Literal::Kind::kInteger:
      return fmt::format("{}", l.integer);
    case Literal::Kind::kFloat:
      return fmt::format("{}f", l.number);
    case Literal::Kind::kBoolean:
      return l.boolean ? "true" : "false";
    case Literal::Kind::kTimestamp:
      return "t" + quote_literal(l.text);
    case Literal::Kind::kBinary:
      return "b:" + l.text;
    case Literal::Kind::kHex:
      return "h:" + l.text;
  }
  return "?";
}

std::string shape(const ComparisonExpression& e) {
  if (const auto* c = std::get_if<Comparison>(&e.node)) {
    static constexpr const char* kOps[] = {
        "=", "!=", ">", "<", ">=", "<=", "IN", "LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET", "EXISTS"};
    std::string out = c->path.text() + (c->negated ? " NOT " : " ") + kOps[static_cast<int>(c->op)];
    for (const Literal& value : c->values) out += " " + shape(value);
    return out;
  }
  const auto& group = *std::get<std::unique_ptr<ComparisonGroup>>(e.node);
  std::string out = group.op == ComparisonGroup::Op::kAnd ? "(AND" : "(OR";
  for (const auto& part : group.parts) out += " {" + shape(part) + "}";
  return out + ")";
}

std::string shape(const ObservationExpression& e) {
  std::string out;
  if (const auto* c = std::get_if<ComparisonExpression>(&e.node)) {
    out = "[" + shape(*c) + "]";
  } else {
    const auto& group = *std::get<std::unique_ptr<ObservationGroup>>(e.node);
    static constexpr const char* kOps[] = {"AND", "OR", "THEN"};
    out = fmt::format("({}", kOps[static_cast<int>(group.op)]);
    for (const auto& part : group.parts) out += " " + shape(part);
    out += ")";
  }
  for (const Qualifier& q : e.qualifiers) {
    if (q.kind == Qualifier::Kind::kWithin) out += fmt::format(" within {}", q.seconds);
    if (q.kind == Qualifier::Kind::kRepeats) out += fmt::format(" repeats {}", q.times);
    if (q.kind == Qualifier::Kind::kStartStop) out += " from " + q.start->text() + " to " + q.stop->text();
  }
  return out;
}

std::string parsed(std::string_view text) {
  const auto pattern = parse_pattern(text);
  if (!pattern) return fmt::format("error at {}: {}", pattern.error().where.offset, pattern.error().message);
  return shape(pattern->root);
}

TEST(Pattern, RefusesWithTheOffsetOfTheFirstCharacterThatCannotStand) {
  struct Case {
    const char* text;
    std::size_t offset;
  };
  const Case table[] = {
      {"", 0},
      {"   ", 3},
      {"file:name = 'a'", 0},
      {"[]", 1},
      {"[file]", 5},
      {"[file:]", 6},
      {"[file:name]", 10},
      {"[file:name =]", 12},
      {"[file:name = ]", 13},
      {"[file:name = 'a'", 16},
      {"[file:name = 'a", 13},
      {"[file:name = 'a\\x']", 16},
      {"[file:name = 'a\\", 16},
      {"[file:name == 'a']", 12},
      {"[file:name <> 'a']", 12},
      {"[file:name = \"a\"]", 13},
      {"[file:name = a]", 13},
      {"[file:name = 'a']]", 17},
      {"[file:name = 'a'] [file:name = 'b']", 18},
      {"[file:name = 'a'] AND", 21},
      {"[file:name = 'a'] and [file:name = 'b']", 18},
      {"[file:name = 'a' AND]", 20},
      {"[file:name = 'a' XOR file:name = 'b']", 17},
      {"[(file:name = 'a']", 17},
      {"([file:name = 'a']", 18},
      {"[file:hashes.SHA-256 = 'a']", 16},
      {"[file:hashes.'' = 'a']", 13},
      {"[file:a[ = 1]", 9},
      {"[file:a[-1] = 1]", 8},
      {"[file:a[1.5] = 1]", 8},
      {"[file:a[1 = 1]", 10},
      {"[file:a. = 1]", 9},
      {"[1file:a = 1]", 1},
      {"[file:size = +5]", 13},
      {"[file:size = 05]", 14},
      {"[file:size = 5.]", 15},
      {"[file:size = 1e5]", 14},
      {"[file:size = -]", 14},
      {"[file:size = 9007199254740992]", 13},
      {"[file:size = 99999999999999999999]", 13},
      {"[file:size > true]", 13},
      {"[file:name LIKE 5]", 16},
      {"[file:name MATCHES true]", 19},
      {"[file:a = h'abc']", 10},
      {"[file:a = h'xy']", 10},
      {"[file:a = b'A']", 10},
      {"[file:a = t'2020-01-01']", 10},
      {"[file:a IN 'x']", 11},
      {"[file:a IN ()]", 12},
      {"[file:a IN ('x',)]", 16},
      {"[file:a IN ('x' 'y')]", 16},
      {"[file:a IN ('x', 5)]", 17},
      {"[file:a NOT 5]", 12},
      {"[NOT file:a = 5]", 5},
      {"[EXISTS]", 7},
      {"[ipv4-addr:value ISSUBSET 'x']", 26},
      {"[ipv4-addr:value ISSUBSET '198.51.100.0/33']", 26},
      {"[file:name = 'a' AND domain-name:value = 'b']", 21},
      {"[(file:a = 1 OR url:a = 1) AND mutex:a = 1]", 31},
      {"[file:a = 1] WITHIN 5 MINUTES", 22},
      {"[file:a = 1] WITHIN 0 SECONDS", 20},
      {"[file:a = 1] WITHIN -5 SECONDS", 20},
      {"[file:a = 1] WITHIN SECONDS", 20},
      {"[file:a = 1] REPEATS 0 TIMES", 21},
      {"[file:a = 1] REPEATS 1.5 TIMES", 21},
      {"[file:a = 1] START t'2020-01-01T00:00:00Z'", 42},
      {"[file:a = 1] START '2020-01-01T00:00:00Z' STOP t'2020-01-02T00:00:00Z'", 19},
      {"[file:a = 1] WITHIN 5 SECONDS WITHIN 6 SECONDS", 30},
      {"[file:a = 1] // comment", 13},
  };
  for (const Case& c : table) {
    const auto pattern = parse_pattern(c.text);
    ASSERT_FALSE(pattern) << c.text;
    EXPECT_EQ(pattern.error().code, ErrorCode::kInvalid) << c.text;
    EXPECT_TRUE(pattern.error().where.has_offset) << c.text;
    EXPECT_EQ(pattern.error().where.offset, c.offset) << c.text << ": " << pattern.error().message;
  }
}

TEST(Pattern, RefusesDepthAndSizeBeyondTheLimits) {
  const auto nested = [](std::size_t n) {
    return "[" + std::string(n, '(') + "file:a = 1" + std::string(n, ')') + "]";
  };
  EXPECT_TRUE(parse_pattern(nested(kMaxPatternDepth)));
  EXPECT_FALSE(parse_pattern(nested(kMaxPatternDepth + 1)));
  EXPECT_FALSE(parse_pattern(nested(400'000)));
  EXPECT_FALSE(parse_pattern(std::string(1'000'000, '(')));
  EXPECT_EQ(parse_pattern(std::string(kMaxPatternBytes + 1, ' ')).error().code, ErrorCode::kTooLarge);
}

TEST(Pattern, TakesAMegabyteOfAlternativesInItsStride) {
  std::string text = "[";
  for (int i = 0; text.size() < kMaxPatternBytes - 100; ++i) text += fmt::format("t{}:a=1 OR ", i);
  text += "z:a=1]";
  EXPECT_TRUE(parse_pattern(text));
}

TEST(Pattern, ReadsComparisons) {
  const std::pair<const char*, const char*> table[] = {
      {"[file:size = 25536]", "[file:size = 25536]"},
      {"[file:size != -4112]", "[file:size != -4112]"},
      {"[ file : size >= 33312 ]", "[file:size >= 33312]"},
      {"[file:size<1024]", "[file:size < 1024]"},
      {"[a:b > 7.5]", "[a:b > 7.5f]"},
      {"[a:b = -.5]", "[a:b = -0.5f]"},
      {"[a:b = true]", "[a:b = true]"},
      {"[a:b NOT = 1]", "[a:b NOT = 1]"},
      {"[file:name = 'it\\'s a \\\\ back']", "[file:name = 'it\\'s a \\\\ back']"},
      {"[file:name = '\xc3\xaa']", "[file:name = '\xc3\xaa']"},
      {"[a:b = h'6869']", "[a:b = h:hi]"},
      {"[a:b = b'aGk\n=']", "[a:b = b:hi]"},
      {"[a:b = t'2014-01-13T07:03:17Z']", "[a:b = t'2014-01-13T07:03:17Z']"},
      {"[process:name IN ('proccy', 'proximus', 'badproc')]", "[process:name IN 'proccy' 'proximus' 'badproc']"},
      {"[a:b NOT IN (1, 2.5)]", "[a:b NOT IN 1 2.5f]"},
      {"[directory:path LIKE 'C:\\\\Windows\\\\%\\\\foo']", "[directory:path LIKE 'C:\\\\Windows\\\\%\\\\foo']"},
      {"[process:command_line MATCHES'^.+$']", "[process:command_line MATCHES '^.+$']"},
      {"[ipv4-addr:value ISSUBSET '198.51.100.0/24']", "[ipv4-addr:value ISSUBSET '198.51.100.0/24']"},
      {"[network-traffic:dst_ref.value ISSUPERSET '2001:0db8:dead:beef::/64']",
       "[network-traffic:dst_ref.value ISSUPERSET '2001:0db8:dead:beef::/64']"},
      {"[EXISTS windows-registry-key:values]", "[windows-registry-key:values EXISTS]"},
      {"[NOT EXISTS windows-registry-key:values]", "[windows-registry-key:values NOT EXISTS]"},
      {"[file:hashes.'SHA-256' = 'a']", "[file:hashes.'SHA-256' = 'a']"},
      {"[file:'hashes'.'MD5' = 'a']", "[file:hashes.MD5 = 'a']"},
      {"[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0]",
       "[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7f]"},
      {"[network-traffic:protocols[0] = 'tcp']", "[network-traffic:protocols[0] = 'tcp']"},
      {"[x-usb-device:usbdrive.serial_number = '57']", "[x-usb-device:usbdrive.serial_number = '57']"},
      {"[x509-certificate:issuer = 'CN=WEBMAIL']", "[x509-certificate:issuer = 'CN=WEBMAIL']"},
      {"[IN:AND = 'OR']", "[IN:AND = 'OR']"},
  };
  for (const auto& [text, expected] : table) EXPECT_EQ(parsed(text), expected) << text;
}

TEST(Pattern, BindsAndTighterThanOrTighterThanFollowedBy) {
  EXPECT_EQ(parsed("[a:j = 'W' AND a:k = 'X' OR a:l = 'Z']"), "[(OR {(AND {a:j = 'W'} {a:k = 'X'})} {a:l = 'Z'})]");
  EXPECT_EQ(parsed("[a:j = 1 OR a:k = 2 AND a:l = 3]"), "[(OR {a:j = 1} {(AND {a:k = 2} {a:l = 3})})]");
  EXPECT_EQ(parsed("[(a:j = 1 OR a:k = 2) AND a:l = 3]"), "[(AND {(OR {a:j = 1} {a:k = 2})} {a:l = 3})]");
  EXPECT_EQ(parsed("[(a:j = 1 AND a:k = 2) OR (b:m = 3 AND b:n = 4)]"),
            "[(OR {(AND {a:j = 1} {a:k = 2})} {(AND {b:m = 3} {b:n = 4})})]");
  EXPECT_EQ(parsed("[a:b=1] FOLLOWEDBY [a:b=2] OR [a:b=3] AND [a:b=4]"),
            "(THEN [a:b = 1] (OR [a:b = 2] (AND [a:b = 3] [a:b = 4])))");
  EXPECT_EQ(parsed("([a:b=1] FOLLOWEDBY [a:b=2]) AND [a:b=3]"), "(AND (THEN [a:b = 1] [a:b = 2]) [a:b = 3])");
  EXPECT_EQ(parsed("[a:b=1] AND [a:b=2] AND [a:b=3]"), "(AND [a:b = 1] [a:b = 2] [a:b = 3])");
}

TEST(Pattern, GivesQualifiersToTheNearestExpression) {
  EXPECT_EQ(parsed("[a:b=1] FOLLOWEDBY [c:d=2] REPEATS 5 TIMES"), "(THEN [a:b = 1] [c:d = 2] repeats 5)");
  EXPECT_EQ(parsed("([a:b=1] FOLLOWEDBY [c:d=2]) REPEATS 5 TIMES"), "(THEN [a:b = 1] [c:d = 2]) repeats 5");
  EXPECT_EQ(parsed("[a:b=1] REPEATS 5 TIMES WITHIN 1800.5 SECONDS"), "[a:b = 1] repeats 5 within 1800.5");
  EXPECT_EQ(parsed("([a:b=1] WITHIN 5 SECONDS) WITHIN 60 SECONDS"), "(AND [a:b = 1] within 5) within 60");
  EXPECT_EQ(parsed("([a:b=1] WITHIN 5 SECONDS) REPEATS 2 TIMES WITHIN 60 SECONDS"),
            "(AND [a:b = 1] within 5) repeats 2 within 60");
  EXPECT_EQ(parsed("[a:b=1] START t'2016-06-01T00:00:00Z' STOP t'2016-07-01T00:00:00Z'"),
            "[a:b = 1] from 2016-06-01T00:00:00Z to 2016-07-01T00:00:00Z");
}

TEST(Pattern, SkipsEveryUnicodeWhiteSpace) {
  EXPECT_EQ(parsed("\t[\r\na:b\xc2\xa0=\xe2\x80\x83"
                   "1\xe3\x80\x80]\xe2\x80\xa8"),
            "[a:b = 1]");
  EXPECT_EQ(parse_pattern("[a:b =\xe2\x80\x8b 1]").error().where.offset, 6u);  // U+200B is none
}

TEST(Pattern, ReadsTheExamplesOfTheStandard) {
  for (
      const char* text : {
          "[file:hashes.'SHA-256' = 'aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f']",
          R"([email-message:from_ref.value MATCHES '.+\\@example\\.com$' AND email-message:body_multipart[*].body_raw_ref.name MATCHES '^Final Report.+\\.exe$'])",
          "([file:hashes.MD5 = '79054025255fb1a26e4bc422aef54eb4'] FOLLOWEDBY [windows-registry-key:key = "
          "'HKEY_LOCAL_MACHINE\\\\foo\\\\bar']) WITHIN 300 SECONDS",
          "[user-account:account_type = 'unix' AND user-account:user_id = '1007' AND user-account:account_login = "
          "'Peter'] AND [user-account:account_type = 'unix' AND user-account:user_id = '1008']",
          R"([artifact:mime_type = 'application/vnd.tcpdump.pcap' AND artifact:payload_bin MATCHES '\\xd4\\xc3\\xb2\\xa1\\x02\\x00\\x04\\x00'])",
          "[file:mime_type = 'image/bmp' AND file:magic_number_hex = h'ffd8']",
          "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'example.com'] REPEATS 5 "
          "TIMES WITHIN 1800 SECONDS",
          "[domain-name:value = 'www.5z8.info' AND domain-name:resolves_to_refs[*].value = '198.51.100.1/32']",
          "[(file:name = 'pdf.exe' OR file:size = 371712) AND file:created = t'2014-01-13T07:03:17Z']",
          "([file:name = 'foo.dll'] AND [windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\\\foo\\\\bar']) OR "
          "[process:image_ref.name = 'fooproc' OR process:image_ref.name = 'procfoo']",
          "([ipv4-addr:value = '198.51.100.1/32' OR ipv4-addr:value = '203.0.113.33/32' OR ipv6-addr:value = "
          "'2001:0db8:dead:beef:dead:beef:dead:0001/128'] FOLLOWEDBY [domain-name:value = 'example.com']) WITHIN 600 "
          "SECONDS",
      })
    EXPECT_TRUE(parse_pattern(text)) << parsed(text);
}

TEST(Pattern, WritesLiteralsThatItReads) {
  for (const std::string& value :
       {std::string("it's"), std::string("C:\\Windows"), std::string(""), std::string("\\'")}) {
    const auto pattern = parse_pattern("[file:name = " + quote_literal(value) + "]");
    ASSERT_TRUE(pattern) << value;
    EXPECT_EQ(std::get<Comparison>(std::get<ComparisonExpression>(pattern->root.node).node).values[0].text, value);
  }
}

TEST(Pattern, APathHasAsManyStepsAsJsonHasLevels) {
  const auto path = [](std::size_t steps) {
    std::string out = "[p:n";
    for (std::size_t i = 1; i < steps; ++i) out += i % 2 == 0 ? ".n" : "[*]";
    return out + " = 'a']";
  };
  EXPECT_TRUE(parse_pattern(path(kMaxPathSteps)));
  const auto more = parse_pattern(path(kMaxPathSteps + 1));
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().where.offset, path(kMaxPathSteps).find(" = "));
  EXPECT_FALSE(parse_pattern(path(100'000)));
}

TEST(Pattern, IsUnicodeText) {
  struct Case {
    const char* text;
    std::size_t offset;
  };
  for (const Case& c :
       {Case{"[a:b != '\xff']", 9}, Case{"[a:b = '\xc3\xa9\xc3']", 10}, Case{"[a:'\xed\xa0\x80' = 1]", 4},
        Case{"[a:b = '\xc0\x80']", 8}, Case{"[a:b = '\xf4\x90\x80\x80']", 8}, Case{"[a:b = '\xe2\x82", 8}}) {
    const auto pattern = parse_pattern(c.text);
    ASSERT_FALSE(pattern) << c.text;
    EXPECT_TRUE(pattern.error().where.has_offset);
    EXPECT_EQ(pattern.error().where.offset, c.offset) << c.text;
  }
  EXPECT_TRUE(parse_pattern("[a:'\xc3\xa9' = '\xf0\x9f\x98\x80\xe2\x82\xac\xef\xbf\xbf\xed\x9f\xbf']"));
}

}  // namespace
}  // namespace bongsu::stix
