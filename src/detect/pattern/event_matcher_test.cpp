// Patterns over telemetry: which field stands for which property, and the event matcher against the slow evaluator.
#include "detect/pattern/event_matcher.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "base/json.h"
#include "detect/pattern/compare.h"
#include "detect/pattern/pattern_sequencer.h"
#include "detect/pattern/slow_event_test_support.h"
#include "detect/pattern/slow_pattern_test_support.h"
#include "base/places_test_support.h"
#include "telemetry/batch_reader.h"
#include "telemetry/byte_source.h"
#include "telemetry/line_batch.h"

namespace bongsu::detect {
namespace {

using telemetry::BadLines;
using telemetry::EventParser;
using telemetry::FieldMap;
using telemetry::FieldMapBuilder;
using telemetry::FieldMapPtr;
using telemetry::LineBatch;
using testing::HasSubstr;

// The standard map with every row that has a stix column emitted.
FieldMapPtr wide_map() {
  const FieldMapPtr standard = FieldMap::standard();
  FieldMapBuilder builder(*standard);
  for (const telemetry::FieldRow& row : standard->rows())
    if (!row.stix.empty()) EXPECT_TRUE(builder.want(row.path));
  auto map = builder.build();
  EXPECT_TRUE(map) << map.error().text();
  return *map;
}

LineBatch batch_of(std::string data) {
  LineBatch batch;
  batch.source = std::make_shared<const std::string>("test");
  batch.data = std::move(data);
  return batch;
}

// A process that Sysmon saw, a module that it loaded, a registry value, a connection; Zeek's connection, name, request.
constexpr const char* kProcess =
    R"({"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","UtcTime":"2020-06-10 02:50:54.631","Image":"C:\\Windows\\System32\\cmd.exe","CommandLine":"cmd /c Whoami","ProcessId":"6196","User":"NT AUTHORITY\\SYSTEM","ParentImage":"C:\\Office\\WINWORD.EXE","Hashes":"SHA1=99AE9C73E9BEE6F9C76D6F4093A9882DF06832CF,MD5=F4F684066175B77E0C3A000549D2922C"})";
constexpr const char* kModule =
    R"({"EventID":7,"Channel":"Microsoft-Windows-Sysmon/Operational","Image":"C:\\Windows\\a.exe","ImageLoaded":"C:\\Temp\\evil.dll","Hashes":"MD5=F4F684066175B77E0C3A000549D2922C"})";
constexpr const char* kRegistry =
    R"({"EventID":13,"Channel":"x","TargetObject":"HKLM\\Software\\Run\\Updater","Details":"C:\\evil.exe"})";
constexpr const char* kConnection =
    R"({"EventID":3,"Channel":"x","Image":"C:\\a.exe","DestinationIp":"198.51.100.7","DestinationPort":"4444","Protocol":"tcp"})";
constexpr const char* kConn =
    R"({"_path":"conn","ts":1591757456.5,"uid":"C1","id.orig_h":"10.0.0.5","id.orig_p":50000,"id.resp_h":"2001:db8::7","id.resp_p":443,"proto":"tcp","service":"ssl","orig_bytes":1200})";
constexpr const char* kDns =
    R"({"_path":"dns","uid":"C2","id.orig_h":"10.0.0.5","id.resp_h":"10.0.0.1","query":"Evil.Example","answers":["cdn.example","203.0.113.9"]})";

constexpr const char* kHttp =
    R"({"_path":"http","uid":"C3","id.orig_h":"10.0.0.5","id.resp_h":"203.0.113.9","id.resp_p":8080,"method":"GET","host":"evil.example","uri":"/a?b=1"})";

bool matches(const std::string& pattern, const std::string& line) {
  static const FieldMapPtr map = wide_map();
  PatternSet::Builder builder(map);
  const auto added = builder.add(0, pattern);
  EXPECT_TRUE(added) << pattern << ": " << added.error().text();
  auto set = builder.build();
  if (!added || !set) return false;
  BadLines bad;
  EventParser parser(bad, map);
  const LineBatch batch = batch_of(line + "\n");
  parser.start(batch);
  const auto* event = parser.next();
  EXPECT_NE(event, nullptr);
  EventMatcher matcher(*set);
  std::vector<PatternHit> hits;
  matcher.match(*event, hits);
  return !hits.empty();
}

TEST(EventPatterns, AFieldStandsForThePropertyOfTheObjectThatTheMapNames) {
  const struct {
    const char* pattern;
    const char* line;
    bool want;
  } table[] = {
      {"[process:command_line LIKE '%Whoami%']", kProcess, true},
      {"[process:command_line LIKE '%whoami%']", kProcess, false},
      {"[process:image_ref.name = 'CMD.exe']", kProcess, true},
      {"[file:name = 'cmd.exe']", kProcess, true},
      {"[file:name = 'cmd.exe' AND file:parent_directory_ref.path = 'c:\\\\windows\\\\system32']", kProcess, true},
      {"[file:name = 'cmd.exe' AND file:hashes.MD5 = 'f4f684066175b77e0c3a000549d2922c']", kProcess, true},
      {"[file:name = 'winword.exe' AND file:hashes.MD5 = 'f4f684066175b77e0c3a000549d2922c']", kProcess, false},
      {"[process:parent_ref.image_ref.name MATCHES '^Win[a-z]+']", kProcess, true},
      {"[process:name = 'x' OR process:pid = 6196]", kProcess, true},
      {"[process:pid > 6196]", kProcess, false},
      {"[process:creator_user_ref.account_login = 'NT AUTHORITY\\\\SYSTEM']", kProcess, true},
      {"[user-account:account_login LIKE '%SYSTEM']", kProcess, true},
      {"[EXISTS process:image_ref]", kProcess, true},
      {"[process:image_ref.type = 'file' AND process:command_line != 'x']", kProcess, true},
      {"[NOT EXISTS process:cwd]", kProcess, true},
      {"[NOT EXISTS process:command_line]", kProcess, true},  // the parent is a process, too
      {"[file:hashes.'SHA-1' IN ('99ae9c73e9bee6f9c76d6f4093a9882df06832cf', 'x')]", kProcess, true},
      {"[file:name = 'evil.dll' AND file:hashes.MD5 = 'F4F684066175B77E0C3A000549D2922C']", kModule, true},
      {"[file:name = 'a.exe' AND file:hashes.MD5 = 'F4F684066175B77E0C3A000549D2922C']", kModule, false},
      {"[windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\\\Software\\\\Run']", kRegistry, true},
      {"[windows-registry-key:key = 'hklm\\\\software\\\\run\\\\updater']", kRegistry, true},
      {"[windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\\\Software\\\\Run' AND windows-registry-key:values[*].name = "
       "'updater' AND windows-registry-key:values[0].data LIKE '%evil.exe']",
       kRegistry, true},
      {"[EXISTS windows-registry-key:values]", kRegistry, true},
      {"[EXISTS windows-registry-key:values]", kProcess, false},
      {"[network-traffic:dst_ref.value = '198.51.100.7' AND network-traffic:dst_port = 4444]", kConnection, true},
      {"[process:image_ref.name = 'a.exe' AND process:opened_connection_refs[*].dst_ref.value ISSUBSET "
       "'198.51.100.0/24']",
       kConnection, true},
      {"[process:opened_connection_refs[0].dst_port IN (80, 4444)]", kConnection, true},
      {"[network-traffic:dst_ref.value = '2001:0db8:0:0::7/128' AND network-traffic:protocols[*] = 'ssl']", kConn,
       true},
      {"[network-traffic:dst_ref.type = 'ipv6-addr' AND network-traffic:src_ref.type = 'ipv4-addr']", kConn, true},
      {"[ipv6-addr:value ISSUBSET '2001:db8::/32']", kConn, true},
      {"[ipv4-addr:value = '10.0.0.5/32']", kConn, true},
      {"[ipv4-addr:value = '2001:db8::7']", kConn, false},
      {"[network-traffic:src_port >= 50000 AND network-traffic:src_byte_count < 1201]", kConn, true},
      {"[domain-name:value = 'EVIL.example.' AND domain-name:resolves_to_refs[*].value = '203.0.113.9']", kDns, true},
      {"[domain-name:resolves_to_refs[1].value = '203.0.113.9']", kDns, true},
      {"[domain-name:resolves_to_refs[0].value = '203.0.113.9']", kDns, false},
      {"[domain-name:value = 'cdn.example']", kDns, true},
      {"[domain-name:value = '203.0.113.9']", kDns, false},
      {"[url:value = 'http://evil.example/a?b=1']", kHttp, true},
      {"[url:value = 'http://evil.example:8080/a?b=1' AND url:type = 'url']", kHttp, true},
      {"[url:value LIKE 'http://evil.example/%' AND url:value NOT LIKE '%8080%']", kHttp, true},
      {"[url:value LIKE '%8080%' AND url:value LIKE 'http://evil.example/%']", kHttp, false},
      {"[network-traffic:extensions.'http-request-ext'.request_method = 'GET' AND "
       "network-traffic:dst_ref.value = '203.0.113.9']",
       kHttp, true},
  };
  for (const auto& row : table)
    EXPECT_EQ(matches(row.pattern, row.line), row.want) << row.pattern << "\n  " << row.line;
}

TEST(EventPatterns, WhatNoFieldStandsForIsRefusedByName) {
  PatternSet::Builder builder(wide_map());
  const auto added = builder.add(0, "[file:name = 'a' AND file:magic_number_hex = h'ffd8']");
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(added.error().message, HasSubstr("file:magic_number_hex"));
  EXPECT_EQ(added.error().where.offset, 21U);
  EXPECT_TRUE(builder.add(0, "[file:name = 'a' OR file:magic_number_hex = h'ffd8']"));
  EXPECT_FALSE(builder.add(0, "[file:name = 'a'] FOLLOWEDBY [x-custom:y = 1]"));
  EXPECT_TRUE(builder.add(0, "[file:name = 'a'] OR [x-custom:y = 1]"));
}

TEST(EventPatterns, ASequenceOverEventsIsFoundOnceItIsComplete) {
  const FieldMapPtr map = wide_map();
  PatternSet::Builder builder(map);
  ASSERT_TRUE(builder.add(
      7, "([process:image_ref.name = 'cmd.exe'] FOLLOWEDBY [network-traffic:dst_port = 4444]) WITHIN 60 SECONDS"));
  ASSERT_TRUE(builder.add(8, "[network-traffic:dst_port = 4444] REPEATS 2 TIMES"));
  ASSERT_TRUE(builder.add(9, "[network-traffic:dst_port = 4444]", Instant::parse("2030-01-01T00:00:00Z")));
  const PatternSetPtr set = *builder.build();
  EventMatcher matcher(set);
  PatternSequencer sequencer(set);
  BadLines bad;
  EventParser parser(bad, map);
  const LineBatch batch =
      batch_of(std::string(kProcess) + "\n" + kConnection + "\n" + kConnection + "\n" + kConnection + "\n");
  parser.start(batch);
  std::vector<PatternFound> found;
  std::uint64_t number = 0;
  for (const auto* event = parser.next(); event != nullptr; event = parser.next(), ++number) {
    std::vector<PatternHit> hits;
    matcher.match(*event, hits);
    sequencer.take(hits, event->time().value_or(*Instant::parse("2020-06-10T02:51:00Z")), number, found);
  }
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].ref, 7U);
  EXPECT_EQ(found[0].events, (std::vector<std::uint64_t>{0, 1}));
  EXPECT_EQ(found[1].ref, 8U);
  EXPECT_EQ(found[1].events, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(sequencer.remark(), std::nullopt);
}

TEST(EventPatterns, BoundsOfTheSequencerAreCountedAndSaid) {
  PatternSet::Builder builder;
  ASSERT_TRUE(builder.add(1, "[a:v = 1] FOLLOWEDBY [a:v = 2] FOLLOWEDBY [a:v = 3]"));
  ASSERT_TRUE(builder.add(2, "[a:v = 1] AND [a:v = 9]"));
  const PatternSetPtr set = *builder.build();
  PatternSequencer sequencer(set);
  std::vector<PatternFound> found;
  for (std::uint64_t i = 0; i < 100'000; ++i)
    sequencer.take(std::vector<PatternHit>{{0, 1}, {1, 3}}, {static_cast<std::int64_t>(i), 0}, i, found);
  EXPECT_LT(sequencer.held(), 1000U);
  EXPECT_GT(sequencer.dropped(), 90'000U);  // of the middle of a sequence; any of the AND is as good as another
  EXPECT_LT(sequencer.dropped(), 100'001U);
  ASSERT_TRUE(sequencer.remark());
  EXPECT_THAT(*sequencer.remark(), HasSubstr("may be missing"));
  sequencer.use(set);
  EXPECT_GT(sequencer.held(), 0U);
  sequencer.take(std::vector<PatternHit>{{1, 4}}, {200'000, 0}, 200'000, found);
  EXPECT_EQ(found.size(), 1U);
}

// ---- against the slow evaluator

std::string in_quotes(const std::string& text) { return stix::quote_literal(text); }

std::string regex_quoted(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\.^$|()[]{}*+?").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return in_quotes(out);
}

// Patterns about what an event holds: most are true of it.
class Patterns {
 public:
  explicit Patterns(std::uint64_t seed) : random_(seed) {}

  std::string about(const Observation& observation) {
    std::vector<std::string> parts;
    for (int n = 1 + below(2); n > 0; --n) {
      const CyberObject& object =
          *observation.objects[static_cast<std::size_t>(below(static_cast<int>(observation.objects.size())))];
      std::vector<std::string> all;
      for (int m = 1 + below(3); m > 0; --m)
        if (std::string c = comparison(observation, object); !c.empty()) all.push_back(std::move(c));
      if (all.empty()) continue;
      std::string joined = "(";
      for (std::size_t i = 0; i < all.size(); ++i) joined += (i == 0 ? "" : " AND ") + all[i];
      parts.push_back(joined + ")");
    }
    std::string out = "[";
    for (std::size_t i = 0; i < parts.size(); ++i) out += (i == 0 ? "" : " OR ") + parts[i];
    return parts.empty() ? std::string() : out + "]";
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  std::string comparison(const Observation& observation, const CyberObject& object) {
    std::string path = object.type + ":";
    const ObservedValue* at = &object.properties;
    bool first = true;
    for (int depth = 0; depth < 8; ++depth) {
      if (at->kind == ObservedValue::Kind::kReference) {
        const CyberObject* next = observation.find(at->text);
        if (next == nullptr) return "";
        at = &next->properties;
      }
      if (at->kind == ObservedValue::Kind::kDictionary) {
        if (!first && below(12) == 0) return "EXISTS " + path;
        const ObservedMember& member =
            at->members[static_cast<std::size_t>(below(static_cast<int>(at->members.size())))];
        path += (first ? "" : ".") + in_quotes(member.name);
        at = &member.value;
        first = false;
      } else if (at->kind == ObservedValue::Kind::kList) {
        const std::size_t i = static_cast<std::size_t>(below(static_cast<int>(at->list.size())));
        path += path.find("protocols") != path.npos || below(2) == 0 ? "[*]" : fmt::format("[{}]", i);
        at = &at->list[i];
      } else {
        break;
      }
    }
    const char* negated = below(8) == 0 ? "NOT " : "";
    switch (at->kind) {
      case ObservedValue::Kind::kInteger:
        return fmt::format("{} {}{} {}", path, negated,
                           std::array{"=", ">", "<=", "!="}[static_cast<std::size_t>(below(4))],
                           std::clamp<std::int64_t>(at->integer + below(3) - 1, -1'000'000'000, 1'000'000'000));
      case ObservedValue::Kind::kString: {
        std::string text = at->text;
        if (text.size() > 200 || text.find_first_of("%_") != text.npos) return "";
        const std::size_t cut = static_cast<std::size_t>(below(static_cast<int>(text.size() + 1)));
        if (cut < text.size() && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) return "";
        if (below(3) == 0)
          for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
        switch (below(7)) {
          case 0:
            return fmt::format("{} {}LIKE {}", path, negated, in_quotes(text.substr(0, cut) + "%"));
          case 1:
            return fmt::format("{} {}LIKE {}", path, negated, in_quotes("%" + text.substr(cut)));
          case 2:
            return fmt::format("{} {}MATCHES {}", path, negated, regex_quoted(text.substr(cut)));
          case 3:
            return fmt::format("{} {}IN ('x', {})", path, negated, in_quotes(text));
          case 4:
            return fmt::format("{} {}> {}", path, negated, in_quotes(text.substr(0, cut)));
          case 5:
            if (block_of(text))
              return fmt::format("{} {}ISSUBSET {}", path, negated,
                                 in_quotes(text + (text.find(':') != text.npos ? "/64" : "/16")));
            [[fallthrough]];
          default:
            return fmt::format("{} {}= {}", path, negated, in_quotes(text));
        }
      }
      default:
        return "";
    }
  }

  std::mt19937_64 random_;
};

void compare(const std::string& name, int every, int patterns_of_each, std::size_t most) {
  const std::string path = shared_data(name);
  if (path.empty()) GTEST_SKIP() << "skipped: needs shared data " << name;
  const FieldMapPtr map = wide_map();
  BadLines bad;
  auto source = telemetry::open_source(path);
  ASSERT_TRUE(source);
  telemetry::BatchReader reader(std::move(*source), path, bad);
  EventParser parser(bad, map);
  // A sample of the events, as lines of their own.
  std::string sample;
  std::size_t count = 0, seen = 0;
  while (count < most) {
    auto batch = reader.next();
    if (!batch || !*batch) break;
    parser.start(**batch);
    for (const auto* event = parser.next(); event != nullptr && count < most; event = parser.next()) {
      if (seen++ % static_cast<std::size_t>(every) != 0) continue;
      sample += std::string(event->raw) + "\n";
      ++count;
    }
  }
  const LineBatch batch = batch_of(std::move(sample));
  Patterns patterns(42);
  PatternSet::Builder builder(map);
  std::vector<std::string> texts;
  std::vector<stix::ComparisonExpression> forms;
  std::vector<Observation> observations;
  parser.start(batch);
  std::size_t refused = 0;
  for (const auto* event = parser.next(); event != nullptr; event = parser.next()) {
    observations.push_back(observe(*event, *map));
    if (observations.back().objects.empty()) continue;
    for (int i = 0; i < patterns_of_each; ++i) {
      const std::string text = patterns.about(observations.back());
      if (text.empty()) continue;
      const auto parsed = stix::parse_pattern(text);
      ASSERT_TRUE(parsed) << text << parsed.error().text();
      const auto added = builder.add(texts.size(), *parsed);
      if (!added) {
        ++refused;
        EXPECT_NE(added.error().code, ErrorCode::kUnsupported) << text << ": " << added.error().text();
        continue;
      }
      texts.push_back(text);
      forms.push_back(in_event_form(std::get<stix::ComparisonExpression>(parsed->root.node)));
    }
  }
  const PatternSetPtr set = *builder.build();
  EventMatcher matcher(set);
  parser.start(batch);
  std::size_t pairs = 0, matched = 0, twice = 0, n = 0;
  for (const auto* event = parser.next(); event != nullptr; event = parser.next(), ++n) {
    const Observation& observation = observations[n];
    if (!observation.id.empty()) {
      ++twice;
      continue;
    }
    std::vector<PatternHit> hits;
    matcher.match(*event, hits);
    std::vector<bool> fast(texts.size());
    for (const PatternHit& hit : hits) fast[hit.pattern] = true;
    for (std::size_t p = 0; p < texts.size(); ++p) {
      if (!fast[p] && (p + n) % 16 != 0) continue;  // all that the matcher says, and a sixteenth of what it does not
      ++pairs;
      const bool slow = slow_matches(forms[p], observation);
      matched += slow ? 1 : 0;
      ASSERT_EQ(fast[p], slow) << texts[p] << "\n  " << event->raw;
    }
  }
  fmt::print(
      "  {}: {} events ({} left out: two fields for one property), {} patterns ({} refused), {} pairs, {} match\n",
      name, n, twice, texts.size(), refused, pairs, matched);
  EXPECT_GT(matched, texts.size() / 4);
}

bool long_form() {
  const char* set = std::getenv("BONGSU_LONG");
  return set != nullptr && std::string_view(set) == "1";
}

TEST(EventPatterns, ZeekEventsMatchAsTheSlowEvaluatorSays) {
  compare("telemetry/zeek.ndjson.zst", long_form() ? 97 : 997, 3, long_form() ? 2000 : 190);
}
TEST(EventPatterns, WindowsEventsMatchAsTheSlowEvaluatorSays) {
  compare("telemetry/windows-attacks.ndjson.zst", long_form() ? 211 : 101, 3, long_form() ? 2000 : 150);
}
TEST(EventPatterns, SuricataEventsMatchAsTheSlowEvaluatorSays) {
  compare("telemetry/suricata-eve.ndjson.zst", long_form() ? 3 : 31, 3, long_form() ? 1700 : 150);
}

}  // namespace
}  // namespace bongsu::detect
