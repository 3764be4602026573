#include "detect/normalise.h"

#include <gtest/gtest.h>

#include "detect/address.h"
#include "detect/indicator.h"
#include "detect/plain.h"

namespace bongsu::detect {
namespace {

struct Case {
  Kind kind;
  std::string in, out;  // empty: refused
};

TEST(Normalise, GivesTheNormalFormOrRefuses) {
  const std::vector<Case> table = {
      {Kind::kIpv4, "198.51.100.7", "198.51.100.7"},
      {Kind::kIpv4, " 198.51.100.7 ", "198.51.100.7"},
      {Kind::kIpv4, "198.51.100.7/24", "198.51.100.0/24"},
      {Kind::kIpv4, "198.51.100.7/32", "198.51.100.7"},
      {Kind::kIpv4, "0.0.0.0/0", "0.0.0.0/0"},
      {Kind::kIpv4, "198.51.100.256", ""},
      {Kind::kIpv4, "198.51.100.07", ""},
      {Kind::kIpv4, "198.51.100", ""},
      {Kind::kIpv4, "198.51.100.7/33", ""},
      {Kind::kIpv4, "198.51.100.7/", ""},
      {Kind::kIpv6, "2001:DB8:0:0::1", "2001:db8::1"},
      {Kind::kIpv6, "2001:db8::1/32", "2001:db8::/32"},
      {Kind::kIpv6, "fe80::1%eth0", "fe80::1"},
      {Kind::kIpv6, "::", "::"},
      {Kind::kIpv6, ":::", ""},
      {Kind::kIpv6, "1:2:3:4:5:6:7:8:9", ""},
      {Kind::kIpv6, "1::2::3", ""},
      {Kind::kDomain, "Evil.EXAMPLE.", "evil.example"},
      {Kind::kDomain, "*.evil.example", "evil.example"},
      {Kind::kDomain, ".evil.example", "evil.example"},
      {Kind::kDomain,
       "b\xc3\xbc"
       "cher.example",
       "xn--bcher-kva.example"},
      {Kind::kDomain, "_dmarc.evil.example", "_dmarc.evil.example"},
      {Kind::kDomain, "com", ""},
      {Kind::kDomain, "evil..example", ""},
      {Kind::kDomain, "evil.example/x", ""},
      {Kind::kDomain, "10.0.0.1", ""},
      {Kind::kDomain, std::string(64, 'a') + ".example", ""},
      {Kind::kUrl, "HTTP://Evil.Example:80", "http://evil.example/"},
      {Kind::kUrl, "https://evil.example:443/a/./b/../c?q=%7e#frag", "https://evil.example/a/c?q=~"},
      {Kind::kUrl, "http://evil.example/%3a%2F%zz", "http://evil.example/%3A%2F%25zz"},
      {Kind::kUrl, "http://evil.example?x", "http://evil.example/?x"},
      {Kind::kUrl, "http://u:p@evil.example:8080/", "http://u:p@evil.example:8080/"},
      {Kind::kUrl, "http://[2001:DB8::1]:80/", "http://[2001:db8::1]/"},
      {Kind::kUrl, "http://evil.example/../../x", "http://evil.example/x"},
      {Kind::kUrl, "http://evil.example/a/..", "http://evil.example/"},
      {Kind::kUrl,
       "http://b\xc3\xbc"
       "cher.example/\xc3\xbc x",
       "http://xn--bcher-kva.example/%C3%BC%20x"},
      {Kind::kUrl, "evil.example/x", ""},
      {Kind::kUrl, "http:///x", ""},
      {Kind::kUrl, "http://evil.example:99999999/", ""},
      {Kind::kUrl, "http://[::1/", ""},
      {Kind::kEmail, "Some.One@EVIL.Example", "Some.One@evil.example"},
      {Kind::kEmail, "@evil.example", ""},
      {Kind::kEmail, "a b@evil.example", ""},
      {Kind::kMd5, "D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427e"},
      {Kind::kMd5, "D41D8CD98F00B204E9800998ECF8427", ""},
      {Kind::kSha1, "d41d8cd98f00b204e9800998ecf8427e", ""},
      {Kind::kMac, "00-0D-3A-13-E3-69", "00:0d:3a:13:e3:69"},
      {Kind::kMac, "000d.3a13.e369", "00:0d:3a:13:e3:69"},
      {Kind::kMac, "00:0d:3a:13:e3", ""},
      {Kind::kFileName, "Evil.EXE", "evil.exe"},
      {Kind::kFileName, "a\\b", ""},
      {Kind::kFilePath, "C:/Windows\\X.exe", "c:\\windows\\x.exe"},
      {Kind::kFilePath, "/tmp/Evil", "/tmp/Evil"},
      {Kind::kRegistryKey, "HKLM\\Software\\X\\", "hkey_local_machine\\software\\x"},
      {Kind::kRegistryKey, std::string("HKLM\0\\", 6), "hkey_local_machine"},
      {Kind::kRegistryKey, "\\REGISTRY\\USER\\S-1\\x", "hkey_users\\s-1\\x"},
      {Kind::kMutex, "Global\\X", "Global\\X"},
      {Kind::kText, "", ""}};
  for (const Case& c : table) {
    const auto value = normalise(c.kind, c.in);
    if (c.out.empty()) {
      EXPECT_FALSE(value.has_value()) << to_string(c.kind) << " " << c.in << " became " << (value ? value->text : "");
      continue;
    }
    ASSERT_TRUE(value.has_value()) << to_string(c.kind) << " " << c.in << ": " << value.error().message;
    EXPECT_EQ(value->text, c.out);
    const auto again = normalise(value->kind, value->text);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->text, value->text) << "normal forms are their own normal forms";
  }
}

TEST(Normalise, AddressesBecomeTheKindThatTheyAre) {
  EXPECT_EQ(normalise(Kind::kIpv4, "2001:db8::1")->kind, Kind::kIpv6);
  EXPECT_EQ(normalise(Kind::kIpv6, "198.51.100.7")->kind, Kind::kIpv4);
  EXPECT_EQ(*normalise(Kind::kIpv6, "::ffff:198.51.100.7"), (Value{Kind::kIpv4, "198.51.100.7"}));
  EXPECT_EQ(*normalise(Kind::kIpv6, "::ffff:198.51.100.7/120"), (Value{Kind::kIpv4, "198.51.100.0/24"}));
}

TEST(Normalise, KindsKnowTheirNames) {
  for (std::size_t i = 0; i < kKinds; ++i) {
    const auto kind = static_cast<Kind>(i);
    EXPECT_EQ(parse_kind(to_string(kind)), kind);
  }
  EXPECT_EQ(parse_kind("SHA256"), Kind::kSha256);
  EXPECT_EQ(parse_kind("Intel::DOMAIN"), Kind::kDomain);
  EXPECT_EQ(parse_kind("nonsense"), std::nullopt);
}

TEST(Plain, DefangedValuesAreMadeWholeAndTheirKindGuessed) {
  const std::vector<Case> table = {{Kind::kUrl, "hxxp://evil[.]example/a", "http://evil.example/a"},
                                   {Kind::kUrl, "hxxps[:]//evil[.]example[/]a", "https://evil.example/a"},
                                   {Kind::kUrl, "hXXp[://]evil(.)example", "http://evil.example/"},
                                   {Kind::kUrl, "\"http://evil.example\"", "http://evil.example/"},
                                   {Kind::kUrl, "evil.example/path?x=1", "http://evil.example/path?x=1"},
                                   {Kind::kUrl, "http://[2001:db8::1]/x", "http://[2001:db8::1]/x"},
                                   {Kind::kDomain, "evil[.]example", "evil.example"},
                                   {Kind::kDomain, "evil[dot]example", "evil.example"},
                                   {Kind::kDomain, "evil dot example", "evil.example"},
                                   {Kind::kDomain, "evil{.}example", "evil.example"},
                                   {Kind::kDomain, "evil\\.example", "evil.example"},
                                   {Kind::kDomain, "evil.example:443", "evil.example"},
                                   {Kind::kIpv4, "198[.]51[.]100[.]7", "198.51.100.7"},
                                   {Kind::kIpv4, "198.51.100.7:8080", "198.51.100.7"},
                                   {Kind::kIpv4, "198.51.100.0/24", "198.51.100.0/24"},
                                   {Kind::kIpv6, "2001:db8::1", "2001:db8::1"},
                                   {Kind::kIpv6, "[2001:db8::1]", "2001:db8::1"},
                                   {Kind::kIpv6, "2001[:]db8[:][:]1", "2001:db8::1"},
                                   {Kind::kEmail, "mallory[at]evil[.]example", "mallory@evil.example"},
                                   {Kind::kEmail, "mallory[@]evil.example", "mallory@evil.example"},
                                   {Kind::kMd5, "d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e"},
                                   {Kind::kMac, "00:0d:3a:13:e3:69", "00:0d:3a:13:e3:69"},
                                   {Kind::kFilePath, "C:\\Temp\\x.exe", "c:\\temp\\x.exe"},
                                   {Kind::kFilePath, "/tmp/x", "/tmp/x"},
                                   {Kind::kRegistryKey, "HKLM\\Software\\x", "hkey_local_machine\\software\\x"}};
  for (const Case& c : table) {
    const auto value = parse_plain(c.in);
    ASSERT_TRUE(value.has_value()) << c.in << ": " << value.error().message;
    EXPECT_EQ(value->kind, c.kind) << c.in;
    EXPECT_EQ(value->text, c.out) << c.in;
  }
}

TEST(Plain, WhatIsNothingWeKnowIsRefused) {
  for (const char* line : {"", "word", "two words", "com", "1.2.3", "a@b@c d", "http://", "evil.example:port", "????",
                           "http://evil.example/cut…", "evil.example/cut..."})
    EXPECT_FALSE(parse_plain(line).has_value()) << line;
  EXPECT_EQ(parse_plain(std::string(10000, 'a')).error().code, ErrorCode::kTooLarge);
}

TEST(Plain, FileExpressionsThatStandForOnePathAreTaken) {
  EXPECT_EQ(*literal_file_expression("\\\\wsvchost\\.exe"), (Value{Kind::kFileName, "wsvchost.exe"}));
  EXPECT_EQ(*literal_file_expression("\\\\ldr\\.exe$"), (Value{Kind::kFileName, "ldr.exe"}));
  EXPECT_EQ(*literal_file_expression("C:\\\\Windows\\\\X\\.db"), (Value{Kind::kFilePath, "c:\\windows\\x.db"}));
  EXPECT_EQ(*literal_file_expression(":\\\\ProgramData\\\\x\\.dat"), (Value{Kind::kFilePath, "\\programdata\\x.dat"}));
  EXPECT_EQ(*literal_file_expression("\\\\man\\\\3\\.jsp"), (Value{Kind::kFilePath, "\\man\\3.jsp"}));
  for (const char* real :
       {"(TEMP|TMP)\\\\x\\.dll", "\\\\dl_[0-9]{2}\\.exe", "ystem32\\\\x\\.dll", "a.*b", "\\\\x\\d", "x\\"})
    EXPECT_EQ(literal_file_expression(real).error().code, ErrorCode::kUnsupported) << real;
}

TEST(Plain, TypeWordsOfFeedsAreUnderstood) {
  EXPECT_EQ(*parse_typed("ADDR", "198.51.100.7"), (Value{Kind::kIpv4, "198.51.100.7"}));
  EXPECT_EQ(*parse_typed("ADDR", "2001:db8::1"), (Value{Kind::kIpv6, "2001:db8::1"}));
  EXPECT_EQ(parse_typed("FILE_HASH", std::string(64, 'A'))->kind, Kind::kSha256);
  EXPECT_EQ(parse_typed("C2", "evil.example")->kind, Kind::kDomain);
  EXPECT_EQ(parse_typed("URL", "evil.example/x")->text, "http://evil.example/x");
  EXPECT_FALSE(parse_typed("DOMAIN", "evil.example/x").has_value());
  EXPECT_EQ(parse_typed("SOMETHING", "x").error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace bongsu::detect
