#include "stix/value_checks.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bongsu::stix {
namespace {

struct Table {
  const char* name;
  bool (*holds)(std::string_view);
  std::vector<std::string> bad, good;
};

TEST(ValueChecks, HoldForWhatTheirStandardsAllow) {
  const std::vector<Table> tables = {
      {"ipv4",
       is_ipv4_block,
       {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/24/1",
        "1.2.3.x", " 1.2.3.4", "1.2.3.4 ", "1..2.3"},
       {"0.0.0.0", "255.255.255.255", "10.2.4.5/24", "198.51.100.3/0", "198.51.100.3/32"}},
      {"ipv6",
       is_ipv6_block,
       {"", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "1:2:3:4:5:6:7:",
        ":1:2:3:4:5:6:7", "::1/129", "::/", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "1::2:3:4:5:6:7:8", "::ffff:1.2.3.4:5"},
       {"::", "::1", "1::", "2001:0db8:85a3:0000:0000:8a2e:0370:7334", "2001:0db8::/96", "::ffff:198.51.100.1",
        "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7::", "FE80::1/10", "1:2:3:4:5:6:7:8"}},
      {"mac",
       is_mac,
       {"", "D2:fb:49:24:37:18", "d2-fb-49-24-37-18", "d2:fb:49:24:37", "d2:fb:49:24:37:1", "d2:fb:49:24:37:180",
        "d2fb49243718", "g2:fb:49:24:37:18"},
       {"d2:fb:49:24:37:18", "00:00:ab:cd:ef:01"}},
      {"domain",
       is_domain_name,
       {"", ".", "a..b", ".a", "a b", "a/b", "http://a", "a@b", "a:80", std::string(64, 'a') + ".com",
        std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(63, 'a') + "." + std::string(63, 'a'),
        "a[.]b"},
       {"example.com", "example.com.", "com", "_dmarc.example.com", "xn--bcher-kva.example",
        "b\xc3\xbc"
        "cher.example",
        "1.2.3.4"}},
      {"url",
       is_url,
       {"", "example.com", "://x", "http:", "ht tp://x", "http://a b", "http://a\n", "1http://x"},
       {"https://example.com/research/index.html", "http://[::1]/", "urn:x", "hxxp://a", "http://a/{b}"}},
      {"email",
       is_email_address,
       {"", "jane", "@example.com", "jane@", "Jane <jane@example.com>", "jane smith@example.com", "jane@exam ple.com"},
       {"jane.smith@example.com", "\"jane smith\"@example.com", "a@b@example.com", "j\xc3\xa4ne@example.com"}},
      {"language",
       is_language_tag,
       {"", "e", "english-language-x", "en-", "-en", "en--US", "en_US", "en-USAA1BBBB", "abcdefghi", "en-x", "x", "x-",
        "en-a", "en-a-b", "deutsch!", "en-US-US", "12"},
       {"en", "de", "de-CH", "zh-Hant-TW", "sl-rozaj-biske", "de-CH-1901", "es-419", "x-whatever", "en-x-private",
        "en-a-myext-b-another", "zh-cmn-Hans-CN", "i-klingon", "en-GB-oed", "ar-afb", "deutsch"}},
      {"media type",
       is_mime_type,
       {"", "text", "text/", "/plain", "text /plain", "text/pl ain", "text/plain/x"},
       {"text/plain", "application/vnd.tcpdump.pcap", "text/html; charset=UTF-8", "image/svg+xml"}},
      {"hex", is_hex, {"0", "0g", "abc", "0x"}, {"", "00", "ffC3"}},
      {"base64", is_base64, {"A", "AA", "AAA", "A===", "AA=A", "AA A", "AAA-"}, {"", "AA==", "AAA=", "AAAA", "ab+/"}},
      {"custom property",
       is_custom_property_name,
       {"", "ab", "Abc", "a-b-c", "a.b", std::string(251, 'a')},
       {"abc", "x_a", "0_a", std::string(250, 'a')}},
      {"cve",
       is_cve,
       {"", "CVE-2016-123", "cve-2016-1234", "CVE-16-12345", "CVE-2016-1234a", "CVE-2016_1234"},
       {"CVE-2016-1234", "CVE-2026-1234567"}},
  };
  for (const Table& table : tables) {
    for (const std::string& text : table.bad) EXPECT_FALSE(table.holds(text)) << table.name << ": " << text;
    for (const std::string& text : table.good) EXPECT_TRUE(table.holds(text)) << table.name << ": " << text;
  }
}

TEST(ValueChecks, KnowHowLongAHashIs) {
  const auto digits = [](std::size_t n) { return std::string(n, 'a'); };
  EXPECT_EQ(check_hash("MD5", digits(32)), HashCheck::kGood);
  EXPECT_EQ(check_hash("MD5", digits(31)), HashCheck::kBad);
  EXPECT_EQ(check_hash("MD5", std::string(32, 'g')), HashCheck::kBad);
  EXPECT_EQ(check_hash("SHA-1", digits(40)), HashCheck::kGood);
  EXPECT_EQ(check_hash("SHA-256", digits(40)), HashCheck::kBad);
  EXPECT_EQ(check_hash("SHA-256", digits(64)), HashCheck::kGood);
  EXPECT_EQ(check_hash("SHA-512", digits(128)), HashCheck::kGood);
  EXPECT_EQ(check_hash("SHA3-256", digits(64)), HashCheck::kGood);
  EXPECT_EQ(check_hash("SHA3-512", digits(64)), HashCheck::kBad);
  EXPECT_EQ(check_hash("SSDEEP", "96:gS/mFkCpXTWLr/PbKQHbr/S/mFkCpXTWLr/PbKQHbrB:Tu6SXTWGQHbv/u6SXTWGQHbvB"),
            HashCheck::kGood);
  EXPECT_EQ(check_hash("SSDEEP", "96-gS"), HashCheck::kBad);
  EXPECT_EQ(check_hash("TLSH", digits(70)), HashCheck::kGood);
  EXPECT_EQ(check_hash("TLSH", "T1" + digits(70)), HashCheck::kGood);
  EXPECT_EQ(check_hash("TLSH", digits(72)), HashCheck::kBad);
  EXPECT_EQ(check_hash("sha256", digits(64)), HashCheck::kUnknownAlgorithm);
}

}  // namespace
}  // namespace bongsu::stix
