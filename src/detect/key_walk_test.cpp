#include "detect/key_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "telemetry/line_batch.h"

namespace bongsu::detect {
namespace {

struct Collect {
  const Seeds* seeds;
  std::multiset<std::string> keys;
  const KeyWalk<Collect>* walk = nullptr;

  void key(Kind kind, std::string_view bytes, std::uint64_t hash) {
    EXPECT_EQ(hash, key_hash(*seeds, kind, bytes)) << "the hash that the index has for it";
    keys.insert(std::string(to_string(kind)) + " " + key_text(kind, bytes));
    EXPECT_FALSE(walk->shown().empty());
  }
};

std::multiset<std::string> keys_of(const std::string& line) {
  telemetry::BadLines bad;
  const telemetry::LineBatch batch{std::make_shared<const std::string>("test"), line, 0, 1, nullptr};
  telemetry::EventParser parser(bad);
  parser.start(batch);
  const KeySelection all = KeySelection::everything(Seeds(5));
  Collect collect{&all.seeds, {}, nullptr};
  KeyWalk<Collect> walk(collect);
  collect.walk = &walk;
  walk.select(all);
  while (const auto* event = parser.next()) walk.walk(*event);
  return collect.keys;
}

TEST(KeyWalk, GivesEveryKeyThatAnIndicatorCouldStandUnder) {
  using testing::IsSupersetOf;
  const struct {
    const char* line;
    std::vector<std::string> keys;
  } kCases[] = {
      {R"({"query":"WWW.Evil.example."})",
       {"text WWW.Evil.example.", "domain-name evil.example", "domain-name www.evil.example"}},
      {R"({"id.orig_h":"198.51.100.7"})", {"ipv4-addr 198.51.100.7"}},
      {R"({"host":"a.example","uri":"/x","id.resp_p":8080})",
       {"url http://a.example/x", "url http://a.example:8080/x"}},
      {R"({"Image":"C:\\Temp\\Evil.exe"})",
       {"file:name evil.exe", "file:path c:\\temp\\evil.exe", "file:path \\temp\\evil.exe", "file:path \\evil.exe"}},
      {R"({"Hashes":"MD5=D41D8CD98F00B204E9800998ECF8427E,IMPHASH=D41D8CD98F00B204E9800998ECF8427F"})",
       {"file:hashes.MD5 d41d8cd98f00b204e9800998ecf8427e"}},
      {R"({"TargetObject":"HKLM\\Software\\Run\\x"})",
       {"windows-registry-key hkey_local_machine\\software\\run",
        "windows-registry-key hkey_local_machine\\software\\run\\x"}},
      {"seen http://a.example/b and 2001:db8::7, m@b.example",
       {"url http://a.example/b", "domain-name a.example", "ipv6-addr 2001:db8::7", "email-addr m@b.example"}},
  };
  for (const auto& c : kCases) EXPECT_THAT(keys_of(c.line), IsSupersetOf(c.keys)) << c.line;
}

TEST(KeyWalk, GivesOnlyWhatTheSelectionWants) {
  telemetry::BadLines bad;
  const telemetry::LineBatch batch{std::make_shared<const std::string>("test"),
                                   R"({"query":"a.evil.example","id.orig_h":"198.51.100.7"})", 0, 1, nullptr};
  telemetry::EventParser parser(bad);
  parser.start(batch);
  KeySelection selection{.seeds = Seeds(7)};
  selection.want(Kind::kIpv4);
  selection.v4_prefixes = {24};
  Collect collect{&selection.seeds, {}, nullptr};
  KeyWalk<Collect> walk(collect);
  collect.walk = &walk;
  walk.select(selection);
  while (const auto* event = parser.next()) walk.walk(*event);
  EXPECT_THAT(collect.keys, testing::ElementsAre("ipv4-addr 198.51.100.0/24"));
}

}  // namespace
}  // namespace bongsu::detect
