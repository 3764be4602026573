#include "formats/enforcement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <regex>

#include "base/places_test_support.h"

namespace bongsu::formats {
namespace {

using testing::HasSubstr;
using Kind = EnforcementKind;
using Format = EnforcementFormat;

constexpr Format kAll[] = {Format::kSuricata, Format::kZeek,    Format::kRpz,
                           Format::kNginx,    Format::kHaproxy, Format::kEdl};

struct Written {
  std::map<std::string, std::string> files;
  std::vector<std::string> refused;  // "value: reason"
};

Written write_all(Format format, const std::vector<EnforcementItem>& items) {
  EnforcementWriter writer(format, {.zone = "rpz.bongsu", .serial = 7});
  Written out;
  const auto emit = [&](std::size_t file, std::string_view text) { out.files[writer.files()[file].name] += text; };
  for (std::size_t f = 0; f < writer.files().size(); ++f) emit(f, writer.head(f));
  for (const EnforcementItem& item : items)
    if (const auto why = writer.write(item, emit)) out.refused.push_back(item.value + ": " + std::string(*why));
  for (std::size_t f = 0; f < writer.files().size(); ++f) emit(f, writer.tail(f));
  return out;
}

const std::vector<EnforcementItem>& samples() {
  static const std::vector<EnforcementItem> kItems = {
      {Kind::kIpv4, "198.51.100.7", "cert-lt", "indicator--1"},
      {Kind::kIpv4, "203.0.113.0/24", "cert-lt", "indicator--2"},
      {Kind::kIpv6, "2001:db8::1", "cert-ua", "indicator--3"},
      {Kind::kIpv6, "2001:db8:0:0:1::/80", "cert-ua", "indicator--4"},
      {Kind::kDomain, "evil.example", "cert-lt", "indicator--5"},
      {Kind::kUrl, "http://bad.example/a/b.php?x=1", "cert-lt", "indicator--6"},
      {Kind::kUrl, "https://bad.example:8443/c", "cert-lt", "indicator--7"},
      {Kind::kEmail, "phisher@bad.example", "cert-lt", "indicator--8"},
      {Kind::kMd5, "44d88612fea8a8f36de82e1278abb02f", "cert-lt", "indicator--9"},
      {Kind::kSha1, "3395856ce81f2b7382dee72602f798b642f14140", "cert-lt", "indicator--10"},
      {Kind::kSha256, "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f", "cert-lt", "indicator--11"},
      {Kind::kFileName, "dropper.exe", "cert-lt", "indicator--12"},
      {Kind::kJa3, "e7d705a3286e19ea42f587b344ee6865", "cert-lt", "indicator--13"},
      {Kind::kUserAgent, "Evil/1.0 (x; y)", "cert-lt", "indicator--14"},
      {Kind::kOther, "Global\\mutex", "cert-lt", "indicator--15"},
  };
  return kItems;
}

// Golden files: what each format makes of one value of each kind. BONGSU_GOLDEN=1 writes them anew.
TEST(Enforcement, EveryKindInEveryFormatAsTheGoldenFilesSay) {
  const std::filesystem::path folder = source_dir() + "/src/formats/testdata/enforcement";
  for (const Format format : kAll) {
    const Written written = write_all(format, samples());
    std::string text;
    for (const auto& [name, content] : written.files) text += "== " + name + "\n" + content;
    text += "== refused\n";
    for (const std::string& line : written.refused) text += line + "\n";
    const auto path = folder / (std::string(to_string(format)) + ".golden");
    if (std::getenv("BONGSU_GOLDEN") != nullptr) {
      std::filesystem::create_directories(folder);
      std::ofstream(path) << text;
    }
    std::ifstream in(path);
    const std::string golden((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(text, golden) << path;
  }
}

// Every line that may stand in a file. What a value may bring is in the brackets; everything else is ours.
const std::map<std::string, std::string>& alphabets() {
  static const std::map<std::string, std::string> kLines = {
      {"bongsu.rules",
       R"(# [^\n]*|alert ip any any <> \[?[0-9a-f.:/]+\]? any \(msg:"bongsu: block of addresses"; sid:[0-9]+; rev:1;\)|alert http any any -> any (any|[0-9]+) \(msg:"bongsu: URL"; http\.host; content:"\|[0-9A-F ]+\|"; bsize:[0-9]+; http\.uri\.raw; content:"\|[0-9A-F ]+\|"; bsize:[0-9]+; sid:[0-9]+; rev:1;\)|alert (dns|tls|http|ip) any any -> any any \(msg:"bongsu: [A-Za-z0-9 -]+"; [a-z0-9_.]+(:bongsu-[a-z0-9]+\.lst)?;( to_lowercase;)?( dataset:isset,bongsu-[a-z0-9-]+,type (string|ip),load bongsu-[a-z0-9-]+\.lst;)? sid:10000[0-9]{2}; rev:1;\))"},
      {"bongsu-domains.lst", "[A-Za-z0-9+/]+=*"},
      {"bongsu-ips.lst", "[0-9a-f.:]+"},
      {"bongsu-md5.lst", "[0-9a-f]{32}"},
      {"bongsu-sha1.lst", "[0-9a-f]{40}"},
      {"bongsu-sha256.lst", "[0-9a-f]{64}"},
      {"bongsu-ja3.lst", "[A-Za-z0-9+/]+=*"},
      {"bongsu-user-agents.lst", "[A-Za-z0-9+/]+=*"},
      {"bongsu.intel",
       "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc|[ "
       "-\"$-~]+\tIntel::[A-Z_]+\tbongsu:[A-Za-z0-9.:_-]+\t[A-Za-z0-9.:_-]+"},
      {"bongsu.rpz",
       R"(\$ORIGIN rpz\.bongsu\.|\$TTL 300|@ SOA localhost\. root\.localhost\. [0-9]+ 300 60 86400 300|@ NS localhost\.|(\*\.)?[a-z0-9_.-]+ CNAME \.)"},
      {"bongsu-deny.conf", "# [^\n]*|deny [0-9a-f.:/]+;"},
      {"bongsu-geo.conf", "# [^\n]*|[0-9a-f.:/]+ 1;"},
      {"bongsu-hosts.conf", "# [^\n]*|\\.[a-z0-9_.-]+ 1;"},
      {"bongsu-user-agents.conf", "# [^\n]*|\"[ !%&()+,./0-9:;<=>?@A-Z_a-z|^\\[\\]-]+\" 1;"},
      {"bongsu-ips.acl", "# [^\n]*|[0-9a-f.:/]+"},
      {"bongsu-hosts.acl", "# [^\n]*|[a-z0-9_.-]+"},
      {"bongsu-host-suffixes.acl", "# [^\n]*|\\.[a-z0-9_.-]+"},
      {"bongsu-urls.acl", R"(# [^\n]*|[a-z0-9_.:\[\]-]+/[A-Za-z0-9._~:/?@!$&+,;=%-]*)"},
      {"bongsu-user-agents.acl", "# [^\n]*|[!$%&(-Z^-~\\[\\]_][ !#$%&(-Z^-~\\[\\]_]*"},
      {"ip.txt", "[0-9a-f.:/]+"},
      {"domain.txt", "[a-z0-9_.-]+"},
      {"url.txt", R"([a-z0-9_.:\[\]-]+/[A-Za-z0-9._~:/?@!$&+,;=%-]*)"},
      {"md5.txt", "[0-9a-f]{32}"},
      {"sha1.txt", "[0-9a-f]{40}"},
      {"sha256.txt", "[0-9a-f]{64}"},
  };
  return kLines;
}

void expect_alphabet(const Written& written) {
  static std::map<std::string, std::regex> compiled;
  for (const auto& [name, content] : written.files) {
    const auto line_of = alphabets().find(name);
    ASSERT_NE(line_of, alphabets().end()) << name;
    if (!compiled.contains(name)) compiled.emplace(name, std::regex(line_of->second, std::regex::optimize));
    std::size_t at = 0;
    for (std::size_t end; (end = content.find('\n', at)) != content.npos; at = end + 1) {
      const std::string line = content.substr(at, end - at);
      EXPECT_TRUE(std::regex_match(line, compiled.at(name))) << name << ": " << testing::PrintToString(line);
    }
    EXPECT_EQ(at, content.size()) << name << " ends in the middle of a line";
  }
}

// What a partner might write into an indicator to write into a firewall.
const std::vector<std::string>& attacks() {
  static const std::vector<std::string> kAttacks = {
      "evil.example\ndeny all;",
      "evil.example; } server { listen 80; }",
      "evil.example\" 1;\ninclude /etc/passwd;",
      "198.51.100.7; allow all",
      "198.51.100.7\n0.0.0.0/0",
      "198.51.100.7/24 any (msg:\"x\"; sid:1;)",
      "0.0.0.0/0",
      "::/0",
      "0.0.0.0/1",
      "1.2.3.4/08",
      "01.2.3.4",
      "1.2.3.4%eth0",
      "24.0.0.0.10.rpz-client-ip",
      "ns.evil.rpz-nsdname",
      "evil.example CNAME rpz-passthru.\n@",
      "$INCLUDE.example",
      "*.example",
      "*.evil.example",
      "evil.example.",
      ".evil.example",
      "evil..example",
      "com",
      "a.1",
      "evil.example\tIntel::ADDR\tx",
      "http://evil.example/\"; sid:1;)\nalert ip any any -> any any (msg:\"x",
      "http://evil.example/a b",
      "http://user:pw@evil.example/",
      "http://evil.example/%zz",
      "http://evil.example/{x}",
      "http://evil.example:99999/",
      "http://[::1/64]/",
      "http:///path",
      "javascript:alert(1)",
      "file:///etc/passwd",
      "44d88612fea8a8f36de82e1278abb02f\n44d88612fea8a8f36de82e1278abb02e",
      "44d88612fea8a8f36de82e1278abb02g",
      "Mozilla\" 1; } server {",
      "Mozilla\r\n0.0.0.0/0",
      "default",
      "include",
      "hostnames",
      "volatile",
      "~.*",
      "\\default",
      "$http_host",
      "# comment",
      " leading",
      "trailing ",
      "-",
      "(empty)",
      "\\x0aIntel",
      "a\\x09b",
      "x@y@evil.example\t",
      "\"x y\"@evil.example",
      std::string("nul\0byte.example", 16),
      "\xEF\xBB\xBF"
      "evil.example",
      "evil\xE3\x80\x82"
      "example",
      std::string(64, 'a') + ".example",
      std::string(300, 'a'),
      std::string(100'000, 'a') + ".example",
      "",
      "\n",
      ";",
      "{}",
  };
  return kAttacks;
}

TEST(Enforcement, NoValueWritesOutsideItsAlphabet) {
  for (const Format format : kAll) {
    std::vector<EnforcementItem> items;
    for (int kind = 0; kind <= static_cast<int>(Kind::kOther); ++kind)
      for (const std::string& attack : attacks()) items.push_back({static_cast<Kind>(kind), attack, attack, attack});
    expect_alphabet(write_all(format, items));
  }
}

TEST(Enforcement, ValuesAtRandomAndMutatedStayInTheirAlphabet) {
  std::mt19937_64 random(42);
  const std::string bits = "\"'\\;{}()|$#*~ \n\r\t\0./:@%-_=&?,<>^`[]aZ09\x7f\xff";
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (int round = 0; round < 30; ++round) {
    std::vector<EnforcementItem> items;
    for (int i = 0; i < 100; ++i) {
      EnforcementItem item = pick(2) == 0 ? samples()[pick(samples().size())]
                                          : EnforcementItem{Kind::kOther, attacks()[pick(attacks().size())], "s", "i"};
      if (item.value.size() > 2'000) continue;
      item.kind = pick(3) == 0 ? static_cast<Kind>(pick(12)) : item.kind;
      for (std::size_t n = pick(4); n > 0; --n) {
        const char c = bits[pick(bits.size())];
        if (pick(2) == 0 || item.value.empty()) {
          item.value.insert(pick(item.value.size() + 1), 1, c);
        } else {
          item.value[pick(item.value.size())] = c;
        }
      }
      item.source = item.id = item.value;
      items.push_back(std::move(item));
    }
    for (const Format format : kAll) expect_alphabet(write_all(format, items));
  }
}

TEST(Enforcement, WhatAFormatCannotSayIsRefusedWithItsReason) {
  const struct {
    Format format;
    EnforcementItem item;
    const char* reason;
  } rows[] = {
      {Format::kRpz, {Kind::kDomain, "24.0.0.0.10.rpz-client-ip", "", ""}, "reserves"},
      {Format::kRpz, {Kind::kUrl, "http://evil.example/x", "", ""}, "blocking the whole host"},
      {Format::kRpz, {Kind::kSha256, std::string(64, 'a'), "", ""}, "no place"},
      {Format::kSuricata, {Kind::kUrl, "https://evil.example/x", "", ""}, "HTTPS"},
      {Format::kEdl, {Kind::kIpv4, "0.0.0.0/0", "", ""}, "wider"},
      {Format::kNginx, {Kind::kIpv6, "2000::/3", "", ""}, "wider"},
      {Format::kNginx, {Kind::kUserAgent, "default", "", ""}, "reserves"},
      {Format::kZeek, {Kind::kFileName, "-", "", ""}, "reserves"},
      {Format::kHaproxy, {Kind::kDomain, "evil.example; x", "", ""}, "strict form"},
      {Format::kNginx, {Kind::kUserAgent, "Default", "", ""}, "reserves"},
      {Format::kRpz, {Kind::kDomain, "gov.ua", "", ""}, "wider than a registered name"},
      {Format::kNginx, {Kind::kDomain, "CO.UK", "", ""}, "wider than a registered name"},
      {Format::kHaproxy, {Kind::kDomain, "ne.jp", "", ""}, "wider than a registered name"},
      {Format::kEdl, {Kind::kDomain, "gov.ua", "", ""}, "wider than a registered name"},
      {Format::kRpz, {Kind::kDomain, "com", "", ""}, "wider than a registered name"},
      {Format::kEdl, {Kind::kUrl, "http://evil.example/" + std::string(3'000, 'a'), "", ""}, "longer"},
  };
  for (const auto& row : rows) {
    const Written written = write_all(row.format, {row.item});
    ASSERT_EQ(written.refused.size(), 1u) << row.item.value;
    EXPECT_THAT(written.refused[0], HasSubstr(row.reason));
  }
}

TEST(Enforcement, ValuesAreWrittenInTheirCanonicalSpelling) {
  const Written edl = write_all(Format::kEdl, {{Kind::kIpv4, "203.0.113.77/24", "", ""},
                                               {Kind::kIpv6, "2001:0DB8:0000::0001", "", ""},
                                               {Kind::kDomain, "EVIL.Example", "", ""},
                                               {Kind::kUrl, "HTTP://Evil.Example:80?q", "", ""},
                                               {Kind::kUrl, "http://[2001:DB8::1]:8080/a", "", ""},
                                               {Kind::kMd5, std::string(32, 'A'), "", ""}});
  EXPECT_TRUE(edl.refused.empty());
  EXPECT_EQ(edl.files.at("ip.txt"), "203.0.113.0/24\n2001:db8::1\n");
  EXPECT_EQ(edl.files.at("domain.txt"), "evil.example\n");
  EXPECT_EQ(edl.files.at("url.txt"), "evil.example/?q\n[2001:db8::1]:8080/a\n");
  EXPECT_EQ(edl.files.at("md5.txt"), std::string(32, 'a') + "\n");
}

TEST(Enforcement, NamesBelowARegistrysAreBlockedAndTheRegistrysIsNot) {
  const Written edl = write_all(Format::kEdl, {{Kind::kDomain, "evil.gov.ua", "", ""},
                                               {Kind::kDomain, "gov.example", "", ""},
                                               {Kind::kDomain, "evil.ua", "", ""}});
  EXPECT_TRUE(edl.refused.empty());
  EXPECT_EQ(edl.files.at("domain.txt"), "evil.gov.ua\ngov.example\nevil.ua\n");
  // What only finds the name itself may look for it.
  EXPECT_TRUE(write_all(Format::kZeek, {{Kind::kDomain, "gov.ua", "", ""}}).refused.empty());
}

TEST(Enforcement, UserAgentsThatDifferInCaseAloneAreOneForNginx) {
  const Written nginx =
      write_all(Format::kNginx, {{Kind::kUserAgent, "Evil/1.0", "", ""}, {Kind::kUserAgent, "evil/1.0", "", ""}});
  EXPECT_TRUE(nginx.files.at("bongsu-user-agents.conf").ends_with("}\n\"evil/1.0\" 1;\n"));
  ASSERT_EQ(nginx.refused.size(), 1u);
  EXPECT_THAT(nginx.refused[0], HasSubstr("said already"));
}

TEST(Enforcement, SidsOfUrlsStayWhenOthersComeAndGo) {
  std::vector<EnforcementItem> items;
  for (int i = 0; i < 200; ++i) items.push_back({Kind::kUrl, "http://evil.example/" + std::to_string(i), "", ""});
  const std::string all = write_all(Format::kSuricata, items).files.at("bongsu.rules");
  items.erase(items.begin(), items.begin() + 100);
  const std::string half = write_all(Format::kSuricata, items).files.at("bongsu.rules");
  std::size_t at = half.find('\n') + 1, kept = 0;
  for (std::size_t end; (end = half.find('\n', at)) != half.npos; at = end + 1)
    kept += all.find(half.substr(at, end - at + 1)) != all.npos ? 1 : 0;
  EXPECT_EQ(kept, 100u);
}

// The servers themselves read what was written, where they are installed.
class Servers : public testing::Test {
 protected:
  Servers() {
    std::string form = (std::filesystem::temp_directory_path() / "bongsu-enforce-XXXXXX").string();
    dir_ = ::mkdtemp(form.data());
  }
  ~Servers() override { std::filesystem::remove_all(dir_); }
  void put(Format format) {
    std::vector<EnforcementItem> items = samples();
    for (const std::string& attack : attacks())
      for (const Kind kind : {Kind::kDomain, Kind::kIpv4, Kind::kUrl, Kind::kUserAgent})
        items.push_back({kind, attack, "s", "i"});
    items.push_back({Kind::kUserAgent, "EVIL/1.0 (x; y)", "s", "i"});
    for (const auto& [name, content] : write_all(format, items).files) std::ofstream(dir_ / name) << content;
  }
  std::string file(const std::string& name, const std::string& content) {
    std::ofstream(dir_ / name) << content;
    return (dir_ / name).string();
  }
  static bool installed(const std::string& program) {
    return std::system(("PATH=$PATH:/usr/sbin command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
  }
  int run(const std::string& command) {
    return std::system(("cd " + dir_.string() + " && PATH=$PATH:/usr/sbin " + command + " >log 2>&1").c_str());
  }
  std::string log() {
    std::ifstream in(dir_ / "log");
    return {(std::istreambuf_iterator<char>(in)), {}};
  }
  std::filesystem::path dir_;
};

TEST_F(Servers, BindLoadsTheZone) {
  if (!installed("named-checkzone")) GTEST_SKIP() << "skipped: needs named-checkzone";
  put(Format::kRpz);
  EXPECT_EQ(run("named-checkzone -i none -k fail rpz.bongsu bongsu.rpz"), 0) << log();
  EXPECT_THAT(log(), HasSubstr("loaded serial 7"));
}

TEST_F(Servers, NginxTakesTheFiles) {
  if (!installed("nginx")) GTEST_SKIP() << "skipped: needs nginx";
  put(Format::kNginx);
  const std::string d = dir_.string();
  file("nginx.conf", "pid " + d + "/pid; error_log " + d +
                         "/error; events {}\nhttp { access_log off; map_hash_bucket_size 1024;\n" +
                         "geo $a { default 0; include " + d + "/bongsu-geo.conf; }\n" +
                         "map $host $b { hostnames; default 0; include " + d + "/bongsu-hosts.conf; }\n" +
                         "map $http_user_agent $c { default 0; include " + d + "/bongsu-user-agents.conf; }\n" +
                         "server { listen unix:" + d + "/s; include " + d +
                         "/bongsu-deny.conf; set $x $a$b$c; if ($x ~ 1) { return 403; } } }\n");
  EXPECT_EQ(run("nginx -t -p " + d + " -c " + d + "/nginx.conf"), 0) << log();
}

TEST_F(Servers, HaproxyTakesTheFiles) {
  if (!installed("haproxy")) GTEST_SKIP() << "skipped: needs haproxy";
  put(Format::kHaproxy);
  file("haproxy.cfg",
       "defaults\n mode http\n timeout connect 1s\n timeout client 1s\n timeout server 1s\nfrontend f\n bind unix@" +
           dir_.string() +
           "/s\n acl bongsu_ip src -f bongsu-ips.acl\n"
           " acl bongsu_host req.hdr(host),field(1,:),lower -m str -f bongsu-hosts.acl\n"
           " acl bongsu_host req.hdr(host),field(1,:),lower -m end -f bongsu-host-suffixes.acl\n"
           " acl bongsu_url baseq -m str -f bongsu-urls.acl\n"
           " acl bongsu_agent req.hdr(user-agent) -m str -f bongsu-user-agents.acl\n"
           " http-request deny if bongsu_ip || bongsu_host || bongsu_url || bongsu_agent\n");
  EXPECT_EQ(run("haproxy -c -f haproxy.cfg"), 0) << log();
}

}  // namespace
}  // namespace bongsu::formats
