// SigmaMatcher against the slow evaluator, on every pair of rule and event: recorded events with all of SigmaHQ's
// rules, and rules and events made at random from the grammar.
#include <gtest/gtest.h>

#include <random>

#include "base/places_test_support.h"
#include "detect/sigma/sigma_test_support.h"
#include "detect/sigma/slow_sigma_test_support.h"
#include "detect/tar.h"
#include "telemetry/batch_reader.h"
#include "telemetry/byte_source.h"

namespace bongsu::detect::sigma {
namespace {

bool long_form() { return std::getenv("BONGSU_LONG") != nullptr; }

std::set<std::string> titles(const TestSet& set, const std::vector<SigmaMatch>& matches) {
  std::set<std::string> out;
  for (const SigmaMatch& match : matches)
    out.insert(set.set->rules()[match.rule].source + ": " + set.set->rules()[match.rule].title);
  return out;
}

// Both on the events of the batch. Returns (hits, disagreements).
std::pair<std::size_t, std::size_t> compare(const TestSet& set, SigmaMatcher& matcher,
                                            const telemetry::LineBatch& batch) {
  telemetry::BadLines bad;
  telemetry::EventParser parser(bad, set.map);
  parser.start(batch);
  std::vector<SigmaMatch> matches;
  std::size_t hits = 0, wrong = 0;
  while (const auto* event = parser.next()) {
    matcher.match(*event, matches);
    const SlowEvent slow = SlowEvent::of(*event, *set.map);
    std::vector<SigmaMatch> expected;
    for (std::uint32_t r = 0; r < set.set->rules().size(); ++r)
      if (slow_matches(set.set->rules()[r], slow, *set.map)) expected.push_back({r, {}});
    hits += expected.size();
    const auto a = titles(set, matches), b = titles(set, expected);
    if (a == b && matches.size() == expected.size()) continue;
    if (++wrong <= 5) {
      for (const std::string& one : a)
        if (!b.contains(one)) ADD_FAILURE() << "fast only: " << one << "\n" << event->raw.substr(0, 1500);
      for (const std::string& one : b)
        if (!a.contains(one)) ADD_FAILURE() << "slow only: " << one << "\n" << event->raw.substr(0, 1500);
      if (a == b) ADD_FAILURE() << "numbers differ\n" << event->raw.substr(0, 1500);
    }
  }
  return {hits, wrong};
}

TEST(SigmaDifferential, AllOfSigmaHqOnRecordedEvents) {
  const std::string rules = shared_data("rules/sigmahq.tar.zst");
  if (rules.empty()) GTEST_SKIP() << "skipped: needs shared data";
  Collection collection;
  auto archive = telemetry::open_source(rules);
  ASSERT_TRUE(archive.has_value());
  const auto unpacked = read_tar(**archive, [&](const std::string& name, const std::string& content) {
    if (name.ends_with(".yml")) collection.add(content, name);
    return true;
  });
  ASSERT_TRUE(unpacked.has_value()) << unpacked.error().text();
  const TestSet set = compile_rules(std::move(collection).finish());
  EXPECT_TRUE(set.report.errors.empty()) << set.report.errors[0].text();
  EXPECT_EQ(set.report.rules + set.report.waiting.size(), 3754U) << "every rule loads";
  EXPECT_EQ(set.report.waiting.size(), 2U) << "two have placeholders, for which only a pipeline has values";

  SigmaMatcher matcher;
  ASSERT_TRUE(matcher.use(set.set).has_value());
  // One event of `every` from each file: 20,000 in all.
  const struct {
    const char* name;
    std::uint64_t every;
  } kFiles[] = {{"telemetry/windows-attacks.ndjson.zst", 32},
                {"telemetry/zeek.ndjson.zst", 48},
                {"telemetry/suricata-eve.ndjson.zst", 3}};
  const std::uint64_t more = long_form() ? 1 : 40;
  std::size_t hits = 0, events = 0;
  for (const auto& file : kFiles) {
    const std::string path = shared_data(file.name);
    if (path.empty()) GTEST_SKIP() << "skipped: needs shared data";
    telemetry::BadLines bad;
    auto source = telemetry::open_source(path);
    ASSERT_TRUE(source.has_value());
    telemetry::BatchReader reader(std::move(*source), path, bad);
    std::string sample;
    std::uint64_t line = 0;
    std::size_t hit_lines = 0;
    std::vector<SigmaMatch> matches;
    // The short form takes the beginning only: decompression is most of the time.
    while (true) {
      auto batch = reader.next();
      ASSERT_TRUE(batch.has_value());
      if (!*batch || (!long_form() && line > 60'000)) break;
      // And some of those in which the matcher finds something.
      telemetry::EventParser parser(bad, set.map);
      parser.start(**batch);
      while (const auto* event = parser.next()) {
        matcher.match(*event, matches);
        if (matches.empty() || hit_lines >= (long_form() ? 500U : 50U)) continue;
        ++hit_lines;
        sample += event->raw;
        sample += '\n';
      }
      std::string_view rest = (**batch).data;
      while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        if (line++ % (file.every * more) == 0) {
          sample += rest.substr(0, end);
          sample += '\n';
          ++events;
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    }
    const auto [found, wrong] = compare(set, matcher, batch_of(std::move(sample)));
    EXPECT_EQ(wrong, 0U) << file.name;
    hits += found;
  }
  std::printf("%zu events, %zu rules, %zu hits\n", events, set.set->rules().size(), hits);
  EXPECT_GT(hits, 0U);
  if (long_form()) EXPECT_GE(events, 19'000U);
}

// --- rules and events from the grammar

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(engine_); }
  template <class T, std::size_t N>
  const T& one_of(const T (&list)[N]) {
    return list[static_cast<std::size_t>(below(static_cast<int>(N)))];
  }

 private:
  std::mt19937 engine_;
};

const char* const kFields[] = {"F", "G", "A.B", "Image", "CommandLine", "EventID"};
const char* const kWords[] = {
    "a",  "ab",   "abc",      "B",           "cmd.exe", "-a", "/a",  "\\", "é",   "É",
    "–a", "Zm9v", "10.0.0.1", "2001:db8::1", "12",      "5",  "5.0", "-3", "1e2", "2024-02-29T22:15:00Z",
    "",   "x y",  "null",     "%",           "ſ",       "*",  "?"};

std::string word(Dice& dice) {
  std::string out;
  for (int n = 1 + dice.below(3); n > 0; --n) out += dice.one_of(kWords);
  return out;
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

std::string item(Dice& dice, const std::string& indent) {
  static const char* const kModifiers[] = {"",
                                           "",
                                           "",
                                           "|contains",
                                           "|startswith",
                                           "|endswith",
                                           "|contains|all",
                                           "|windash",
                                           "|contains|windash",
                                           "|cased",
                                           "|contains|cased",
                                           "|base64",
                                           "|base64offset|contains",
                                           "|wide|base64offset|contains",
                                           "|neq",
                                           "|contains|neq",
                                           "|all"};
  const std::string field = dice.one_of(kFields);
  switch (dice.below(12)) {
    case 0:
      return indent + field + ": null\n";
    case 1:
      return indent + field + "|exists: " + (dice.below(2) == 0 ? "true" : "false") + "\n";
    case 2: {
      static const char* const kCompare[] = {"", "|gt", "|gte", "|lt", "|lte", "|neq", "|hour", "|day|gte"};
      static const char* const kNumbers[] = {"5", "-3", "12", "1.5", "100", "22", "29", "0"};
      return indent + field + dice.one_of(kCompare) + ": " + dice.one_of(kNumbers) + "\n";
    }
    case 3: {
      static const char* const kRegexes[] = {"a+b", "^a",    "b$",      "(ab|cmd)", "[0-9]{2}",
                                             ".",   "x|abc", "(?i)CMD", "é",        "a.*c"};
      static const char* const kFlags[] = {"", "|i", "|s", "|m", "|i|s"};
      return indent + field + "|re" + dice.one_of(kFlags) + ": " + quoted(dice.one_of(kRegexes)) + "\n";
    }
    case 4: {
      static const char* const kNetworks[] = {"10.0.0.0/8", "10.0.0.1", "2001:db8::/32", "0.0.0.0/0"};
      return indent + field + "|cidr: " + quoted(dice.one_of(kNetworks)) + "\n";
    }
    case 5: {
      static const char* const kHow[] = {"", "|startswith", "|endswith", "|contains", "|neq"};
      return indent + field + "|fieldref" + dice.one_of(kHow) + ": " + dice.one_of(kFields) + "\n";
    }
    default:
      break;
  }
  const std::string modifiers = dice.one_of(kModifiers);
  const bool encoded = modifiers.find("base64") != modifiers.npos;
  const auto value = [&] {
    if (encoded) return std::string("'abcdef'");
    return quoted(word(dice));
  };
  if (dice.below(3) > 0) return indent + field + modifiers + ": " + value() + "\n";
  std::string out = indent + field + modifiers + ":\n";
  for (int n = 1 + dice.below(4); n > 0; --n) out += indent + "  - " + value() + "\n";
  return out;
}

std::string random_rule(Dice& dice, int number) {
  static const char* const kSources[] = {"  product: test\n",
                                         "  product: windows\n",
                                         "  product: windows\n  category: process_creation\n",
                                         "  category: process_creation\n",
                                         "  category: dns\n",
                                         "  product: windows\n  service: unheard_of\n"};
  std::string out = "title: rule " + std::to_string(number) + "\nlogsource:\n" + dice.one_of(kSources) + "detection:\n";
  const int count = 1 + dice.below(4);
  for (int d = 0; d < count; ++d) {
    out += "  sel_" + std::to_string(d) + ":\n";
    switch (dice.below(5)) {
      case 0: {
        for (int n = 1 + dice.below(3); n > 0; --n) out += "    - " + quoted(word(dice)) + "\n";
        break;
      }
      case 1: {
        for (int n = 1 + dice.below(2); n > 0; --n) out += "    -" + item(dice, "      ").substr(5);
        break;
      }
      default: {
        std::set<std::string> keys;
        for (int n = 1 + dice.below(3); n > 0; --n) {
          const std::string one = item(dice, "    ");
          if (keys.insert(one.substr(0, one.find(':'))).second) out += one;
        }
      }
    }
  }
  static const char* const kWhole[] = {"1 of them", "all of them", "1 of sel_*", "not 1 of sel_*", "all of sel*"};
  std::string condition;
  if (dice.below(4) == 0) {
    condition = dice.one_of(kWhole);
  } else {
    for (int n = 0; n < 1 + dice.below(4); ++n) {
      if (n > 0) condition += dice.below(2) == 0 ? " and " : " or ";
      if (dice.below(3) == 0) condition += "not ";
      const bool bracket = dice.below(4) == 0;
      if (bracket) condition += "(";
      condition += "sel_" + std::to_string(dice.below(count));
      if (bracket) condition += " or sel_" + std::to_string(dice.below(count)) + ")";
    }
  }
  return out + "  condition: " + condition + "\n---\n";
}

std::string json_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string random_event(Dice& dice) {
  static const char* const kNumbers[] = {"5", "5.0", "-3", "12", "1.5", "1e2", "null", "true", "0", "1600000000"};
  const auto scalar = [&] { return dice.below(4) == 0 ? std::string(dice.one_of(kNumbers)) : json_text(word(dice)); };
  std::string out = "{";
  switch (dice.below(4)) {
    case 0:
      out += R"("Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,)";
      break;
    case 1:
      out += R"("Channel":"Security","EventID":"4688","NewProcessName":)" + scalar() + ",";
      break;
    case 2:
      out += R"("event_type":"dns",)";
      break;
    default:
      break;
  }
  std::string rest;
  for (const char* field : kFields) {
    if (dice.below(3) == 0 || (std::string(field) == "EventID" && out.find("EventID") != out.npos)) continue;
    if (!rest.empty()) rest += ',';
    if (std::string(field) == "A.B" && dice.below(2) == 0) {
      rest += R"("A":{"B":)" + scalar() + "}";
    } else {
      rest +=
          "\"" + std::string(field) + "\":" + (dice.below(8) == 0 ? "[" + scalar() + "," + scalar() + "]" : scalar());
    }
  }
  return out + (rest.empty() ? R"("Z":1)" : rest) + "}\n";
}

TEST(SigmaDifferential, RandomRulesOnRandomEvents) {
  const unsigned rounds = long_form() ? 60 : 2;
  std::size_t pairs = 0, hits = 0;
  for (unsigned round = 0; round < rounds; ++round) {
    Dice dice(round);
    std::string rules, events;
    const int rule_count = 150, event_count = long_form() ? 1000 : 300;
    for (int i = 0; i < rule_count; ++i) rules += random_rule(dice, i);
    for (int i = 0; i < event_count; ++i) events += random_event(dice);
    const TestSet set = compile_text(rules);
    for (const Error& error : set.report.errors)
      EXPECT_NE(error.message.find("wildcards"), std::string::npos) << error.text() << "\n" << rules.substr(0, 2000);
    SigmaMatcher matcher;
    ASSERT_TRUE(matcher.use(set.set).has_value());
    const auto [found, wrong] = compare(set, matcher, batch_of(std::move(events)));
    EXPECT_EQ(wrong, 0U) << "round " << round;
    pairs += set.set->rules().size() * static_cast<std::size_t>(event_count);
    hits += found;
  }
  std::printf("%zu pairs, %zu hits\n", pairs, hits);
  EXPECT_GT(hits * 50, pairs) << "rules that never match test nothing";
}

}  // namespace
}  // namespace bongsu::detect::sigma
