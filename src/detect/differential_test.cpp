// The matcher against the slow matcher, hit by hit: over random events, and over recorded ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "base/json.h"
#include "detect/engine.h"
#include "detect/hunt/hunt_test_support.h"
#include "detect/indicator_file.h"
#include "base/places_test_support.h"
#include "detect/slow_matcher_test_support.h"
#include "telemetry/batch_reader.h"
#include "telemetry/byte_source.h"

namespace bongsu::detect {
namespace {

using telemetry::BadLines;
using telemetry::BatchReader;
using telemetry::LineBatch;

const Instant kNow = *Instant::parse("2026-11-21T21:00:00Z");

// The hits of a batch by both; lines that either refuses are compared too.
struct Both {
  std::set<SlowHit> fast, slow;
  std::uint64_t bad_fast = 0, bad_slow = 0;
  std::set<std::uint64_t> refused_slow;  // offsets
};

void match_fast(const SnapshotPtr& snapshot, const LineBatch& batch, Both& both) {
  BadLines bad;
  telemetry::EventParser parser(bad);
  Matcher matcher;
  matcher.use(snapshot);
  parser.start(batch);
  std::vector<Hit> hits;
  while (const auto* event = parser.next()) {
    hits.clear();
    matcher.match(*event, kNow, hits);
    for (const Hit& hit : hits)
      EXPECT_TRUE(both.fast.emplace(event->offset, hit.ref, hit.field).second) << "the same hit twice: " << hit.field;
  }
  both.bad_fast += bad.count();
}

void match_slow(SlowMatcher& matcher, const LineBatch& batch, Both& both, int every = 1) {
  std::string_view rest = batch.data;
  std::uint64_t offset = batch.offset;
  for (std::uint64_t line = batch.first_line; !rest.empty(); ++line) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view text = rest.substr(0, end);
    if (every == 1 || line % every == 0 || text.starts_with('#'))
      if (!matcher.line(text, offset, both.slow)) {
        ++both.bad_slow;
        both.refused_slow.insert(offset);
      }
    offset += end + 1;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

std::string show(const std::set<SlowHit>& hits, const std::string& data) {
  std::string out;
  for (const auto& [offset, ref, field] : hits) {
    out += "  ref " + std::to_string(ref) + " in " + field + ": ";
    out += data.substr(offset, std::min<std::size_t>(data.find('\n', offset) - offset, 600)) + "\n";
    if (out.size() > 8000) break;
  }
  return out;
}

std::set<SlowHit> minus(const std::set<SlowHit>& a, const std::set<SlowHit>& b) {
  std::set<SlowHit> out;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::inserter(out, out.end()));
  return out;
}

// --- random events
// -----------------------------------------------------------------------------------------------------

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(engine_); }
  bool one_in(int n) { return below(n) == 0; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[static_cast<std::size_t>(below(static_cast<int>(from.size())))];
  }

 private:
  std::mt19937 engine_;
};

std::vector<Indicator> random_indicators() {
  const std::vector<std::pair<Kind, std::string>> values = {
      {Kind::kIpv4, "198.51.100.7"},
      {Kind::kIpv4, "203.0.113.0/24"},
      {Kind::kIpv4, "10.0.0.0/8"},
      {Kind::kIpv4, "4.0.0.0"},
      {Kind::kIpv6, "2001:db8::7"},
      {Kind::kIpv6, "2001:db8:beef::/48"},
      {Kind::kDomain, "evil.example"},
      {Kind::kDomain, "very.evil.example"},
      {Kind::kDomain,
       "b\xc3\xbc"
       "cher.example"},
      {Kind::kDomain, "update.test"},
      {Kind::kUrl, "http://evil.example/a"},
      {Kind::kUrl, "http://evil.example:8080/a/b?c=d"},
      {Kind::kUrl, "https://198.51.100.7/"},
      {Kind::kUrl, "http://[2001:db8::7]/x"},
      {Kind::kEmail, "Mallory@evil.example"},
      {Kind::kMd5, "d41d8cd98f00b204e9800998ecf8427e"},
      {Kind::kSha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
      {Kind::kSha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {Kind::kMac, "00:0d:3a:13:e3:69"},
      {Kind::kFileName, "evil.exe"},
      {Kind::kFilePath, "C:\\Windows\\Temp\\evil.exe"},
      {Kind::kFilePath, "\\temp\\drop.dll"},
      {Kind::kFilePath, "/tmp/evil"},
      {Kind::kRegistryKey, "HKLM\\Software\\Evil\\Run"},
      {Kind::kMutex, "Global\\EvilMutex"},
      {Kind::kMutex, "EvilMutex"},
      {Kind::kUserAgent, "EvilBot/1.0"},
      {Kind::kJa3, "e7d705a3286e19ea42f587b344ee6865"},
      {Kind::kText, "exactly this"}};
  std::vector<Indicator> out;
  std::uint64_t ref = 1;
  for (const auto& [kind, text] : values) {
    const auto value = normalise(kind, text);
    EXPECT_TRUE(value.has_value()) << text;
    if (!value) continue;
    Indicator indicator{ref++, *value, {}, {}, -1};
    out.push_back(indicator);
    if (ref % 3 == 0) {  // the same value again, for a time only
      indicator.ref = ref++;
      indicator.valid_from = Instant::parse("2020-01-01T00:00:00Z");
      indicator.valid_until = Instant::parse("2024-01-01T00:00:00Z");
      out.push_back(indicator);
    }
  }
  return out;
}

// A value that is one of the indicators', nearly one, or has nothing to do with any.
std::string random_value(Dice& dice) {
  static const std::vector<std::string> kWords = {"198.51.100.7",
                                                  "198.51.100.70",
                                                  "203.0.113.9",
                                                  "10.1.2.3",
                                                  "11.1.2.3",
                                                  "4.0.0.0",
                                                  "2001:DB8::7",
                                                  "2001:db8::70",
                                                  "2001:db8:beef:1::2",
                                                  "::ffff:198.51.100.7",
                                                  "evil.example",
                                                  "EVIL.example.",
                                                  "www.very.evil.example",
                                                  "notevil.example",
                                                  "evil.example.org",
                                                  "b\xc3\xbc"
                                                  "cher.example",
                                                  "www.B\xc3\x9c"
                                                  "CHER.example",
                                                  "xn--bcher-kva.example",
                                                  "update.test",
                                                  "http://evil.example/a",
                                                  "HTTP://EVIL.example:80/./a",
                                                  "http://evil.example/a#x",
                                                  "http://evil.example/b/../a",
                                                  "http://evil.example/%61",
                                                  "http://evil.example:8080/a/b?c=d",
                                                  "https://198.51.100.7",
                                                  "http://[2001:db8::7]/x",
                                                  "Mallory@evil.example",
                                                  "Mallory@EVIL.EXAMPLE",
                                                  "mallory@evil.example",
                                                  "<Mallory@evil.example>",
                                                  "D41D8CD98F00B204E9800998ECF8427E",
                                                  "d41d8cd98f00b204e9800998ecf8427f",
                                                  "da39a3ee5e6b4b0d3255bfef95601890afd80709",
                                                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                                  "MD5=D41D8CD98F00B204E9800998ECF8427E",
                                                  "IMPHASH=d41d8cd98f00b204e9800998ecf8427e",
                                                  "SHA1=DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
                                                  "00-0D-3A-13-E3-69",
                                                  "000d.3a13.e369",
                                                  "evil.exe",
                                                  "C:\\Windows\\Temp\\EVIL.EXE",
                                                  "c:/windows/temp/evil.exe",
                                                  "D:\\x\\temp\\drop.dll",
                                                  "D:\\xtemp\\drop.dll",
                                                  "\\temp\\drop.dll",
                                                  "/tmp/evil",
                                                  "/tmp/EVIL",
                                                  "\\\\host\\temp\\drop.dll",
                                                  "HKEY_LOCAL_MACHINE\\SOFTWARE\\Evil\\Run\\value",
                                                  "\\REGISTRY\\MACHINE\\software\\evil\\run",
                                                  "HKLM\\Software\\Evil",
                                                  "\\Sessions\\1\\BaseNamedObjects\\EvilMutex",
                                                  "Global\\EvilMutex",
                                                  "EvilBot/1.0",
                                                  "evilbot/1.0",
                                                  "e7d705a3286e19ea42f587b344ee6865",
                                                  "exactly this",
                                                  "Version=4.0.0.0",
                                                  "version: 4.0.0.0",
                                                  "4.0.0.0.0",
                                                  "-",
                                                  "(empty)",
                                                  "a",
                                                  "",
                                                  "foo://",
                                                  "://",
                                                  "http://",
                                                  "http:///x",
                                                  "::",
                                                  "1:2",
                                                  "a@b@c",
                                                  "..",
                                                  "/a",
                                                  "/a/b?c=d",
                                                  "80",
                                                  "8080"};
  static const std::vector<std::string> kGlue = {
      " ", "=",  ":", ";", ",",    "\"",           "'", "(",      ")", "\r\n", "\t", "/", "@", ".", "-",
      "|", "\\", "<", ">", "\x01", "\xe2\x82\xac", "%", "http://"};
  std::string out = dice.pick(kWords);
  if (dice.one_in(3))
    for (int n = dice.below(6); n > 0; --n) out += dice.pick(kGlue) + dice.pick(kWords);
  if (dice.one_in(6)) out = dice.pick(kGlue) + out;
  if (dice.one_in(6)) out += dice.pick(kGlue);
  if (dice.one_in(8)) out += ":" + std::to_string(dice.below(70000));
  return out;
}

// JSON text of a value, with escapes where none are needed now and then.
std::string quoted(Dice& dice, const std::string& text) {
  std::string plain;
  append_json_string(plain, text);
  if (!dice.one_in(5)) return plain;
  std::string out;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const char c = plain[i];
    if (c == '\\') {
      const std::size_t length = plain[i + 1] == 'u' ? 6 : 2;
      out.append(plain, i, length);
      i += length - 1;
    } else if (c == '/' && dice.one_in(2)) {
      out += "\\/";
    } else if ((std::isalnum(static_cast<unsigned char>(c)) || c == '.') && dice.one_in(6)) {
      char buffer[8];
      std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(c));
      out += buffer;
    } else {
      out += c;
    }
  }
  return out;
}

std::string random_json_event(Dice& dice) {
  const auto rows = telemetry::FieldMap::standard()->rows();
  std::set<std::string> used;
  std::string out = "{";
  const auto blank = [&] { return std::string(dice.one_in(4) ? " " : ""); };
  for (int n = dice.below(12); n > 0; --n) {
    std::string path(rows[static_cast<std::size_t>(dice.below(static_cast<int>(rows.size())))].path);
    if (dice.one_in(8)) path = "unknown" + std::to_string(dice.below(9));
    std::vector<std::string> keys{path};
    if (dice.one_in(2)) {
      keys.clear();
      for (std::size_t begin = 0; begin <= path.size();) {
        const std::size_t dot = std::min(path.find('.', begin), path.size());
        keys.push_back(path.substr(begin, dot - begin));
        begin = dot + 1;
      }
    }
    if (dice.one_in(4)) keys.insert(keys.begin(), dice.pick(std::vector<std::string>{"event_data", "winlog", "other"}));
    if (!used.insert(keys[0]).second) continue;
    std::string value;
    switch (dice.below(8)) {
      case 0:
        value = std::to_string(dice.below(100000));
        break;
      case 1:
        value = dice.one_in(2) ? "null" : "-1.5e3";
        break;
      case 2:
        value = "[";
        for (int k = dice.below(4); k > 0; --k) value += quoted(dice, random_value(dice)) + (k > 1 ? "," : "");
        value += "]";
        break;
      default:
        value = quoted(dice, random_value(dice));
    }
    if (path == "ts" || path == "UtcTime" || path == "@timestamp")
      value =
          dice.pick(std::vector<std::string>{"1600000000.5", "\"2022-05-05T05:05:05Z\"", "\"2025-05-05 05:05:05.123\"",
                                             "\"2022-05-05T05:05:05.1+0200\"", "\"never\""});
    std::string pair = value;
    for (std::size_t k = keys.size(); k-- > 0;) {
      pair = quoted(dice, keys[k]) + blank() + ":" + blank() + pair;
      if (k > 0) pair = "{" + blank() + pair + blank() + "}";
    }
    if (out.size() > 1) out += "," + blank();
    out += pair;
  }
  return out + "}";
}

// A line of syslog, CEF, LEEF or key=value, broken now and then.
std::string random_text_line(Dice& dice) {
  static const std::vector<std::string> kKeys = {"src",
                                                 "dst",
                                                 "shost",
                                                 "dhost",
                                                 "request",
                                                 "url",
                                                 "fname",
                                                 "filePath",
                                                 "fileHash",
                                                 "msg",
                                                 "smac",
                                                 "suser",
                                                 "requestClientApplication",
                                                 "hostname",
                                                 "srcip",
                                                 "domain",
                                                 "rt",
                                                 "time",
                                                 "x",
                                                 "cs1",
                                                 "user_agent",
                                                 "md5",
                                                 "c6a2"};
  const auto value = [&] {
    std::string text;
    do text = random_value(dice);
    while (text.find_first_of("\n\r") != text.npos);
    return text;
  };
  const auto quoted_by = [&](const std::string& text, const std::string& letters) {
    std::string out;
    for (const char c : text) {
      if (letters.find(c) != letters.npos) out += '\\';
      out += c;
    }
    return out;
  };
  std::string head;
  switch (dice.below(6)) {
    case 0:
      head = "<34>1 2022-05-05T05:05:05.5Z " + value() + " app 1 - " +
             (dice.one_in(2) ? "-" : "[id@1 ip=\"" + quoted_by(value(), "\"\\]") + "\"]") + " ";
      break;
    case 1:
      head = "<13>Oct 11 22:14:15 " + value() + " su[7]: ";
      break;
    case 2:
      head = "Oct  1 22:14:15 host.example su: ";
      break;
    case 3:
      head = "2022-05-05T05:05:05Z fw.example " + (dice.one_in(2) ? std::string("app: ") : "");
      break;
    default:
      break;
  }
  std::string body;
  switch (dice.below(5)) {
    case 0:
      body = "CEF:0|" + quoted_by(value(), "|\\") + "|b|1|2|name|" + std::to_string(dice.below(10)) + "|";
      for (int n = dice.below(6); n > 0; --n)
        body += dice.pick(kKeys) + "=" + quoted_by(value(), dice.one_in(5) ? "" : "=\\") + " ";
      break;
    case 1: {
      const std::string by = dice.one_in(2) ? "^" : "\t";
      body = by == "^" ? "LEEF:2.0|a|b|1|2|^|" : "LEEF:1.0|a|b|1|2|";
      for (int n = dice.below(6); n > 0; --n) body += dice.pick(kKeys) + "=" + value() + by;
      break;
    }
    case 2:
      for (int n = dice.below(7); n > 0; --n) {
        body += dice.pick(kKeys) + "=";
        if (dice.one_in(2))
          body += "\"" + quoted_by(value(), dice.one_in(6) ? "" : "\"\\") + "\" ";
        else
          body += value() + " ";
      }
      break;
    case 3:
      body = random_json_event(dice);
      break;
    default:
      body = value() + " and " + value();
  }
  std::string line = head + body;
  // A broken escape in JSON costs the strict parser the event, and not the walker.
  if (dice.one_in(9) && !line.empty() && body.find('{') == body.npos)
    line.erase(static_cast<std::size_t>(dice.below(static_cast<int>(line.size()))), 1);
  return line;
}

std::string random_line(Dice& dice) {
  if (dice.one_in(3)) return random_text_line(dice);
  switch (dice.below(12)) {
    case 0:
      return random_value(dice) + " " + random_value(dice);
    case 1:
      return dice.one_in(3) ? "" : "  \t ";
    case 2: {  // broken somewhere
      std::string line = random_json_event(dice);
      line.erase(static_cast<std::size_t>(dice.below(static_cast<int>(line.size()))), 1);
      return line;
    }
    default:
      return random_json_event(dice);
  }
}

bool mentions_newline(const std::string& line) { return line.find_first_of("\n") != line.npos; }

TEST(Differential, RandomEventsHitTheSameAsTheSlowMatcher) {
  const auto indicators = random_indicators();
  Index index(42);
  ASSERT_TRUE(index.add(indicators));
  const bool thorough = std::getenv("BONGSU_LONG") != nullptr;
  std::size_t total = 0;
  for (unsigned seed = 0; seed < (thorough ? 400U : 40U); ++seed) {
    Dice dice(seed);
    LineBatch batch;
    batch.source = std::make_shared<const std::string>("random");
    for (int i = 0; i < 250; ++i) {
      std::string line = random_line(dice);
      if (mentions_newline(line)) continue;
      batch.data += line + (dice.one_in(9) ? "\r\n" : "\n");
    }
    Both both;
    match_fast(index.snapshot(), batch, both);
    SlowMatcher slow(indicators, kNow);
    match_slow(slow, batch, both);
    total += both.fast.size();
    // A broken escape inside a string costs the strict parser the line; the walker reads it as U+FFFD and goes on.
    EXPECT_LE(both.bad_fast, both.bad_slow);
    for (const std::uint64_t offset : both.refused_slow)
      std::erase_if(both.fast, [&](const SlowHit& hit) { return std::get<0>(hit) == offset; });
    ASSERT_EQ(both.fast, both.slow) << "seed " << seed << "\nonly fast:\n"
                                    << show(minus(both.fast, both.slow), batch.data) << "only slow:\n"
                                    << show(minus(both.slow, both.fast), batch.data);
  }
  EXPECT_GT(total, 1000U);
}

// Looking back opens the blocks that a dictionary names; each indicator alone, so that no other one opens a block for it.
TEST(Differential, EachIndicatorIsFoundInStoredEventsAsItWasLive) {
  const auto indicators = random_indicators();
  std::uint64_t read = 0, blocks = 0;
  std::size_t total = 0;
  for (unsigned seed = 0; seed < (std::getenv("BONGSU_LONG") != nullptr ? 60U : 6U); ++seed) {
    Dice dice(seed + 1000);
    LineBatch batch;
    batch.source = std::make_shared<const std::string>("random");
    for (int i = 0; i < 250; ++i) {
      std::string line = random_line(dice);
      if (!mentions_newline(line)) batch.data += line + "\n";
    }
    const StoredTelemetry stored({{batch}}, 600);
    for (const Indicator& indicator : indicators) {
      HuntResult result;
      const auto found = hunted(stored, {indicator}, true, &result);
      ASSERT_EQ(found, matched_live({batch}, {indicator})) << indicator.value.text << ", seed " << seed;
      total += found.size();
      read += result.blocks_read;
      blocks += result.blocks;
    }
  }
  EXPECT_GT(total, 500U);
  EXPECT_LT(read, blocks / 2) << "the dictionaries narrow nothing down";
}

TEST(Differential, RandomTsvHitsTheSameAsTheSlowMatcher) {
  const auto indicators = random_indicators();
  Index index(7);
  ASSERT_TRUE(index.add(indicators));
  const std::vector<std::string> names = {"ts",      "uid", "id.orig_h", "host",    "uri",
                                          "answers", "md5", "subject",   "unknown", "id.resp_p"};
  const std::vector<std::string> types = {"time",           "string", "addr",   "string",    "string",
                                          "vector[string]", "string", "string", "set[addr]", "port"};
  std::size_t total = 0;
  for (unsigned seed = 0; seed < 30; ++seed) {
    Dice dice(seed);
    LineBatch batch;
    batch.source = std::make_shared<const std::string>("random.log");
    batch.data = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tx\n#fields";
    for (const auto& name : names) batch.data += "\t" + name;
    batch.data += "\n#types";
    for (const auto& type : types) batch.data += "\t" + type;
    batch.data += "\n";
    for (int i = 0; i < 200; ++i) {
      std::string line;
      for (std::size_t c = 0; c < names.size(); ++c) {
        std::string value = c == 0 ? "1600000000.25" : random_value(dice);
        std::string escaped;
        for (const char x : value) {
          char buffer[8];
          std::snprintf(buffer, sizeof buffer, "\\x%02x", static_cast<unsigned char>(x));
          if (x == '\\')
            escaped += "\\\\";
          else if (static_cast<unsigned char>(x) < 32 || dice.one_in(40))
            escaped += buffer;
          else
            escaped += x;
        }
        line += (c > 0 ? "\t" : "") + escaped;
      }
      if (line.starts_with('#') || line.starts_with('{')) continue;
      batch.data += line + "\n";
    }
    batch.data += "#close\tnow\nplain text with 198.51.100.7 behind the table\n";
    Both both;
    match_fast(index.snapshot(), batch, both);
    SlowMatcher slow(indicators, kNow);
    match_slow(slow, batch, both);
    total += both.fast.size();
    ASSERT_EQ(both.fast, both.slow) << "seed " << seed << "\nonly fast:\n"
                                    << show(minus(both.fast, both.slow), batch.data) << "only slow:\n"
                                    << show(minus(both.slow, both.fast), batch.data);
    EXPECT_EQ(both.bad_fast, both.bad_slow);
  }
  EXPECT_GT(total, 500U);
}

// --- recorded events
// ---------------------------------------------------------------------------------------------------

// Every `every`-th line, all of them when BONGSU_LONG is set.
void compare_recorded(const std::string& log, int every, std::size_t least_hits) {
  const std::string list = shared_data("indicators/real-indicators.tsv.zst");
  const std::string path = shared_data(log);
  if (list.empty() || path.empty()) GTEST_SKIP() << "skipped: needs shared data";
  if (std::getenv("BONGSU_LONG") != nullptr) every = 1;

  Index index;
  IndicatorFiles files(index, {});
  ASSERT_TRUE(files.load(list));
  std::vector<Indicator> indicators;
  index.snapshot()->each([&](const Snapshot::Entry& entry) {
    indicators.push_back({entry.ref, {entry.kind, key_text(entry.kind, entry.bytes)}, {}, {}, -1});
  });
  ASSERT_GT(indicators.size(), 449'000U);
  SlowMatcher slow(indicators, kNow);

  BadLines bad;
  auto source = telemetry::open_source(path);
  ASSERT_TRUE(source);
  BatchReader reader(std::move(*source), path, bad);
  Both both;
  while (true) {
    auto batch = reader.next();
    ASSERT_TRUE(batch) << batch.error().text();
    if (!*batch) break;
    match_slow(slow, **batch, both, every);
    if (every == 1) {
      match_fast(index.snapshot(), **batch, both);
      continue;
    }
    // The same lines alone, each at its own offset.
    std::string_view rest = (*batch)->data;
    std::uint64_t offset = (*batch)->offset;
    telemetry::TsvHeaderPtr header = (*batch)->header;
    for (std::uint64_t line = (*batch)->first_line; !rest.empty(); ++line) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      telemetry::read_tsv_header_line(rest.substr(0, end), header);
      if (line % every == 0 && !rest.starts_with('#'))
        match_fast(index.snapshot(), {(*batch)->source, std::string(rest.substr(0, end)), offset, line, header}, both);
      offset += end + 1;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  EXPECT_EQ(bad.count(), 0U);
  EXPECT_EQ(both.bad_fast, both.bad_slow);
  EXPECT_EQ(minus(both.fast, both.slow), std::set<SlowHit>{});
  EXPECT_EQ(minus(both.slow, both.fast), std::set<SlowHit>{});
  EXPECT_GE(both.fast.size(), least_hits);
  std::printf("%s, every %d. line: %zu hits\n", log.c_str(), every, both.fast.size());
}

TEST(Differential, RecordedZeekJsonHitsTheSameAsTheSlowMatcher) {
  compare_recorded("telemetry/zeek.ndjson.zst", 20, 50);
}
TEST(Differential, RecordedZeekTsvHitsTheSameAsTheSlowMatcher) { compare_recorded("telemetry/zeek.tsv.zst", 20, 25); }
TEST(Differential, RecordedEveHitsTheSameAsTheSlowMatcher) {
  compare_recorded("telemetry/suricata-eve.ndjson.zst", 1, 0);
}
TEST(Differential, RecordedWindowsEventsHitTheSameAsTheSlowMatcher) {
  compare_recorded("telemetry/windows-attacks.ndjson.zst", 120, 15);
}

}  // namespace
}  // namespace bongsu::detect
