// The scanner against for_each_token, which is the rule.
#include "detect/text_scan.h"

#include <gtest/gtest.h>

#include <random>

#include "base/json.h"
#include "telemetry/event.h"

namespace bongsu::detect {
namespace {

struct Collect {
  std::vector<std::string> seen;
  bool urls = true;  // false: nothing is a URL after all
  bool url(std::string_view text) {
    seen.push_back("url " + std::string(text));
    return urls && text.size() % 3 != 0;
  }
  bool ipv6(std::string_view text) {
    seen.push_back("ipv6 " + std::string(text));
    return text.size() % 2 == 0;
  }
  void email(std::string_view text) { seen.push_back("email " + std::string(text)); }
  void hash(std::string_view text) { seen.push_back("hash " + std::string(text)); }
  void dotted(std::string_view text) { seen.push_back("dotted " + std::string(text)); }
  bool skip(std::string_view) { return false; }
  void looked(std::string_view) {}
};

std::string random_text(std::mt19937& dice) {
  static const std::vector<std::string> kPieces = {"evil.example",
                                                   "198.51.100.7",
                                                   "2001:db8::7",
                                                   "a@b.example",
                                                   "http://x.example/a?b",
                                                   "C:\\Windows\\a.exe",
                                                   "d41d8cd98f00b204e9800998ecf8427e",
                                                   "da39a3ee5e6b4b0d3255bfef95601890afd80709",
                                                   "word",
                                                   "RuleName:",
                                                   "02:50:54.631",
                                                   "{6a910b9d-498a-5ee0-c903-000000000400}",
                                                   "::",
                                                   ":",
                                                   ".",
                                                   "..",
                                                   "@",
                                                   "://",
                                                   "\r\n",
                                                   "\n",
                                                   "\t",
                                                   " ",
                                                   "\"",
                                                   "'",
                                                   "\\",
                                                   "\\\\",
                                                   "/",
                                                   "-",
                                                   "+",
                                                   "_",
                                                   "\xc3\xa9",
                                                   "\x01",
                                                   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                                   "abcdefabcdefabcd",
                                                   "(",
                                                   ")",
                                                   "=",
                                                   ",",
                                                   "ftp://[2001:db8::7]/x.",
                                                   "x:y:z",
                                                   "http:",
                                                   "//",
                                                   "q.:",
                                                   "a.b:c.d"};
  std::string out;
  for (std::uint32_t n = dice() % 24; n > 0; --n) out += kPieces[dice() % kPieces.size()];
  return out;
}

TEST(TextScan, FindsWhatTheTokenRuleFinds) {
  std::mt19937 dice(5);
  int undone = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = random_text(dice);
    std::string raw;
    append_json_string(raw, text);
    raw = raw.substr(1, raw.size() - 2);
    if (round % 5 == 0)  // escapes that need not be
      for (std::size_t at = raw.find('/'); at != raw.npos; at = raw.find('/', at + 2)) raw.insert(at, "\\");
    std::string decoded;
    telemetry::unescape_json(raw, decoded);
    ASSERT_EQ(decoded, text);
    Collect expected;
    expected.urls = round % 2 == 0;
    for_each_token(text, expected);
    for (const ScanKernel kernel : {ScanKernel::kPlain, ScanKernel::kAvx2, ScanKernel::kAvx512}) {
      if (kernel > best_scan_kernel()) continue;
      TextScanner scanner(kernel);
      const auto check = [&](const std::string& from, bool escaped) {
        Collect seen;
        seen.urls = expected.urls;
        if (!scanner.scan(from, escaped, seen)) {
          EXPECT_TRUE(escaped);
          ++undone;
          return;
        }
        // Words that are tried as IPv6 addresses for nothing and pieces of no kind do not count.
        EXPECT_EQ(seen.seen, expected.seen) << "kernel " << static_cast<int>(kernel) << ", escaped " << escaped << "\n"
                                            << from;
      };
      check(text, false);
      check(raw, true);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(undone, 1000) << "URLs and letters behind backslashes are left to the decoded text";
}

TEST(TextScan, LeavesEscapedLettersToTheDecodedText) {
  for (const char* raw : {R"(\u0065vil.example)", R"(x \d evil.example)", R"(http:\/\/evil.example)", "a\\"}) {
    Collect seen;
    EXPECT_FALSE(TextScanner(ScanKernel::kPlain).scan(raw, true, seen)) << raw;
    EXPECT_FALSE(TextScanner().scan(raw, true, seen)) << raw;
  }
  Collect seen;
  EXPECT_TRUE(TextScanner().scan(R"(a\nevil.example C:\\x.exe)", true, seen));
  EXPECT_EQ(seen.seen, (std::vector<std::string>{"dotted evil.example", "dotted x.exe"}));
}

}  // namespace
}  // namespace bongsu::detect
