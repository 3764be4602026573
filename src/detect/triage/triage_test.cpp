// Entities, risk, suppression, windows and groups: tables of cases, and groups against a slow count.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/random.h"
#include "detect/triage/groups.h"
#include "detect/triage/policy.h"
#include "detect/triage/suppression.h"
#include "detect/triage/windows.h"
#include "telemetry/line_batch.h"

namespace bongsu::detect::triage {
namespace {

using namespace std::chrono_literals;

Entity entity(const std::string& line, std::string_view matched_field) {
  telemetry::BadLines bad;
  telemetry::EventParser parser(bad);
  telemetry::LineBatch batch;
  batch.data = line + "\n";
  batch.source = std::make_shared<const std::string>("/logs/some.log");
  parser.start(batch);
  const telemetry::EventView* event = parser.next();
  EXPECT_NE(event, nullptr) << line;
  return event == nullptr ? Entity{} : entity_of(*event, matched_field, "/logs/some.log");
}

TEST(Entities, TheFirstRuleThatFindsSomethingDecides) {
  const struct {
    std::string event, field, expected;
  } kCases[] = {
      // Zeek: the inner end; the other one when the inner is what matched.
      {R"({"_path":"dns","id.orig_h":"10.0.0.7","id.resp_h":"8.8.8.8","query":"evil.example"})", "query",
       "address:10.0.0.7"},
      {R"({"_path":"conn","id.orig_h":"203.0.113.9","id.resp_h":"10.0.0.2"})", "id.orig_h", "address:10.0.0.2"},
      {R"({"_path":"conn","id.orig_h":"10.0.0.7","id.resp_h":"203.0.113.9"})", "id.resp_h", "address:10.0.0.7"},
      {R"({"_path":"conn","id.orig_h":"203.0.113.9"})", "id.orig_h", "log:/logs/some.log"},
      // Suricata: http.hostname is whom it asked, not who asked.
      {R"({"event_type":"http","src_ip":"192.168.65.1","dest_ip":"192.0.2.7","http":{"hostname":"evil.example"}})",
       "http.hostname", "address:192.168.65.1"},
      {R"({"event_type":"alert","src_ip":"2001:DB8::0:1","dest_ip":"2001:db8::2"})", "dest_ip", "address:2001:db8::1"},
      // Windows in its shapes: the machine before its addresses and its accounts.
      {R"({"EventID":3,"Channel":"x","Hostname":"WS6.Mordor.local.","SourceIp":"10.0.0.1","host":"wec.example"})",
       "DestinationIp", "host:ws6.mordor.local"},
      {R"({"Event":{"System":{"EventID":1,"Computer":"DC1"},"EventData":{"TargetUserName":"bob"}}})",
       "Event.EventData.Image", "host:dc1"},
      {R"({"winlog":{"computer_name":"DC2","event_data":{"TargetUserName":"bob"}}})", "winlog.event_data.Image",
       "host:dc2"},
      // ECS.
      {R"({"@timestamp":"2026-01-01T00:00:00Z","host":{"name":"Web-1"},"source":{"ip":"10.1.1.1"},"user":{"name":"ann"}})",
       "url.full", "host:web-1"},
      {R"({"@timestamp":"2026-01-01T00:00:00Z","source":{"ip":"10.1.1.1"},"user":{"name":"ann"}})", "url.full",
       "address:10.1.1.1"},
      {R"({"@timestamp":"2026-01-01T00:00:00Z","user":{"name":"CORP\\Ann"}})", "url.full", "user:corp\\ann"},
      // What names nothing is passed over.
      {R"({"Hostname":"-","src_ip":"not an address","user":"ann"})", "x", "user:ann"},
      {"evil.example was here", "text", "log:/logs/some.log"},
  };
  for (const auto& c : kCases) EXPECT_EQ(entity(c.event, c.field).text(), c.expected) << c.event;
}

TEST(Entities, PatternsAreBlocksOfAddressesOrGlobsOverNames) {
  const struct {
    std::string pattern, kind, name;
    bool matches;
  } kCases[] = {
      {"10.0.0.0/8", "address", "10.200.0.1", true},
      {"10.0.0.0/8", "address", "11.0.0.1", false},
      {"10.0.0.0/8", "host", "10.0.0.1", false},
      {"10.0.0.1", "address", "10.0.0.1", true},
      {"2001:db8::/32", "address", "2001:db8:1::1", true},
      {"2001:db8::/32", "address", "10.0.0.1", false},
      {"dc*", "host", "dc1.corp.example", true},
      {"DC*.Corp.example", "host", "dc1.corp.example", true},
      {"dc?", "host", "dc12", false},
      {"host:dc*", "user", "dc1", false},
      {"user:ann", "user", "ann", true},
      {"*", "log", "/x/y", true},
      {"*a*b*c*", "host", "xxaxxbxxcxx", true},
      {"*a*b*c*", "host", "xxcxxbxxaxx", false},
  };
  for (const auto& c : kCases) {
    const auto pattern = EntityPattern::parse(c.pattern);
    ASSERT_TRUE(pattern) << c.pattern;
    EXPECT_EQ(pattern->matches({*parse_entity_kind(c.kind), c.name}), c.matches) << c.pattern << " " << c.name;
  }
  EXPECT_FALSE(EntityPattern::parse(" "));
  EXPECT_FALSE(EntityPattern::parse("host:10.0.0.0/8"));
  EXPECT_FALSE(EntityPattern::parse(std::string(300, 'x')));
}

// The slow twin: every way to let a star take bytes.
bool slow_glob(std::string_view glob, std::string_view text) {
  if (glob.empty()) return text.empty();
  if (glob[0] == '*') return slow_glob(glob.substr(1), text) || (!text.empty() && slow_glob(glob, text.substr(1)));
  return !text.empty() && (glob[0] == '?' || glob[0] == text[0]) && slow_glob(glob.substr(1), text.substr(1));
}

TEST(Entities, GlobsAgreeWithTheSlowOnes) {
  SeededRandom random(11);
  const auto draw = [&](std::string_view letters, std::size_t most) {
    std::string out;
    for (std::size_t n = random.below(most); n > 0; --n) out += letters[random.below(letters.size())];
    return out;
  };
  std::size_t matched = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string glob = draw("ab*?", 7), text = draw("ab", 9);
    const bool expected = slow_glob(glob, text);
    matched += expected ? 1 : 0;
    ASSERT_EQ(glob_matches(glob, text), expected) << glob << " " << text;
  }
  EXPECT_GT(matched, 1000U);
}

TEST(Risk, IsTheProductOfItsFactors) {
  RiskPolicy policy;
  policy.assets = {{*EntityPattern::parse("host:dc*"), 1500}, {*EntityPattern::parse("10.9.0.0/16"), 300}};
  const auto alert = [](int confidence, std::string entity_name, bool warned, std::string level = "",
                        std::string language = "") {
    Alert a;
    a.confidence = confidence;
    a.value.kind = Kind::kIpv4;
    a.entity = {entity_name.starts_with("10.") ? EntityKind::kAddress : EntityKind::kHost, entity_name};
    if (warned) a.warning_lists.push_back({"Top 1000", "hostname"});
    if (!language.empty())
      a.rule = AlertRule{.language = language, .name = "r", .level = level, .techniques = {}, .events = {}};
    a.indicator_time = Instant{1'000'000, 0};
    return a;
  };
  const struct {
    Alert alert;
    std::int64_t age_days;
    int risk;
  } kCases[] = {
      {alert(100, "ws1", false), 0, 70},  // indicator's severity
      {alert(80, "ws1", false), 0, 56},
      {alert(-1, "ws1", false), 0, 35},  // nobody said: 50 %
      {alert(0, "ws1", false), 0, 0},
      {alert(80, "dc1", false), 0, 84},       // × 1.5
      {alert(100, "dc1", false), 0, 100},     // cut
      {alert(80, "10.9.1.1", false), 0, 17},  // × 0.3: 16.8
      {alert(80, "ws1", true), 0, 28},        // in a warning list
      {alert(80, "ws1", false), 14, 28},      // one half-life of addresses
      {alert(80, "ws1", false), 28, 14},
      {alert(80, "ws1", false), 7, 40},                            // 2^-½: 39.6
      {alert(80, "ws1", false), 3650, 6},                          // not below a tenth: 5.6
      {alert(80, "ws1", false), -5, 56},                           // intelligence newer than the event
      {alert(100, "ws1", false, "critical", "sigma"), 3650, 100},  // rules do not age
      {alert(100, "ws1", false, "informational", "sigma"), 0, 10},
      {alert(100, "ws1", false, "", "yara"), 0, 70},
      {alert(100, "ws1", false, "high", "stix"), 90, 40},  // patterns do
  };
  int n = 0;
  for (const auto& c : kCases) {
    const RiskFactors factors = assess(policy, c.alert, Instant{1'000'000 + c.age_days * 86'400, 0});
    EXPECT_EQ(factors.risk(), c.risk) << n;
    EXPECT_EQ(*RiskFactors::parse(factors.json()), factors) << n++;
  }
  Alert no_time = alert(80, "ws1", false);
  no_time.indicator_time.reset();
  EXPECT_EQ(assess(policy, no_time, Instant{9'000'000'000, 0}).risk(), 56);
}

TEST(Risk, AgeIsAHalfForEachHalfLife) {
  for (int day = 0; day < 400; ++day)
    for (int half : {1, 14, 60, 365}) {
      const double exact = std::max(100.0, 1000 * std::exp2(-static_cast<double>(day) / half));
      EXPECT_NEAR(age_factor(24h * day, 24h * half), exact, 1.0) << day << " " << half;
    }
  EXPECT_EQ(age_factor(24h * 365 * 200, 24h), kLeastAge);
  EXPECT_EQ(age_factor(1h, 0s), kWhole);
}

TEST(Suppression, EverythingThatIsSaidHasToFit) {
  Alert a;
  a.indicator_id = "indicator--1";
  a.value.text = "evil.example";
  a.entity = {EntityKind::kAddress, "10.0.0.7"};
  a.source = "cert-a";
  a.rule = AlertRule{.language = "sigma", .name = "Evil DNS", .level = "high", .techniques = {}, .events = {}};
  a.warning_lists = {{"Top 1000", "hostname"}};
  const struct {
    SuppressionMatch match;
    bool fits;
  } kCases[] = {
      {{.indicator = "indicator--1"}, true},
      {{.indicator = "indicator--2"}, false},
      {{.value = "evil.example"}, true},
      {{.entity = "10.0.0.0/24"}, true},
      {{.entity = "10.0.1.0/24"}, false},
      {{.source = "cert-a", .rule = "Evil DNS", .list = "Top 1000"}, true},
      {{.source = "cert-b", .rule = "Evil DNS"}, false},
      {{.rule = "evil dns"}, false},
      {{.list = "Top 10"}, false},
  };
  const Instant now{1000, 0};
  int n = 0;
  for (const auto& c : kCases) {
    Suppressions all;
    Suppression s{.id = "suppression--28bb3599-77cd-5a82-a950-b5bc3caf07c4",
                  .author = "o",
                  .reason = "r",
                  .created = now,
                  .until = now + 1h,
                  .match = c.match};
    ASSERT_TRUE(s.check(now)) << n;
    EXPECT_EQ(*Suppression::parse(s.json()), s);
    all.put(s);
    EXPECT_EQ(all.find(a, now) != nullptr, c.fits) << n;
    EXPECT_EQ(all.find(a, now + 1h), nullptr) << "until is exclusive";
    ++n;
  }
  EXPECT_FALSE(Suppression::parse(*parse_json(R"({"id":"suppression--28bb3599-77cd-5a82-a950-b5bc3caf07c4","author":"o",
      "reason":"r","created":"2026-01-01T00:00:00Z","until":"2026-01-02T00:00:00Z","match":{"vaule":"x"}})")))
      << "a misspelt match would suppress everything";
}

TEST(Allowance, GivesSoManyAMinute) {
  Allowance three(3);
  const auto taken = [&](std::chrono::nanoseconds at, int tries) {
    int n = 0;
    for (int i = 0; i < tries; ++i) n += three.take(at) ? 1 : 0;
    return n;
  };
  EXPECT_EQ(taken(1s, 10), 3);
  EXPECT_EQ(taken(20s, 10), 0);
  EXPECT_EQ(taken(21s, 10), 1);
  EXPECT_EQ(taken(1h, 10), 3);
  Allowance none(0);
  EXPECT_TRUE(none.take(0s));
}

Opened opened(std::uint64_t number, unsigned host, std::int64_t second, int risk, std::string indicator) {
  Opened out{.number = number,
             .seq = 100 + number,
             .entity = {EntityKind::kHost, "h" + std::to_string(host)},
             .at = Instant{second, 0},
             .risk = risk,
             .warned = false,
             .suppressed_by = {},
             .subject = {},
             .techniques = {},
             .tally = {}};
  out.subject = {.indicator_id = std::move(indicator),
                 .source = "cert-a",
                 .ref = 1,
                 .value = {Kind::kDomain, "x.example"},
                 .rule = {},
                 .language = {},
                 .level = {}};
  out.tally.add(out.at, true);
  return out;
}

// What somebody may not see must not show: not in risk, counts, times, order, techniques, nor in whether a group is
// there.
TEST(Groups, AViewIsMadeOfWhatIsVisibleAlone) {
  SeededRandom random(5);
  for (int round = 0; round < 50; ++round) {
    Groups all(24h), visible_only(24h);
    std::uint64_t number = 0;
    for (int i = 0; i < 60; ++i, ++number) {
      Opened one =
          opened(number, static_cast<unsigned>(random.below(5)), static_cast<std::int64_t>(random.below(80'000)),
                 static_cast<int>(random.below(101)), "i" + std::to_string(random.below(6)));
      if (random.below(4) == 0) one.suppressed_by = "s";
      one.warned = random.below(3) == 0;
      one.techniques = {{.id = "T" + std::to_string(random.below(4)),
                         .name = {},
                         .tactics = {"execution"},
                         .collection = random.below(2) == 0 ? "secret" : ""}};
      for (std::size_t k = random.below(5); k > 0; --k) one.tally.add(one.at + std::chrono::seconds(k), k % 2 == 0);
      const auto verdict = static_cast<Verdict>(random.below(4));
      const bool secret = one.subject.indicator_id < "i3";
      all.open(one);
      all.judge(number, verdict);
      if (secret) continue;
      std::erase_if(one.techniques, [](const Technique& t) { return !t.collection.empty(); });
      visible_only.open(one);
      visible_only.judge(number, verdict);
    }
    Sight sight;
    const auto subjects = all.subjects();
    for (const auto& subject : subjects)
      if (subject->indicator_id >= "i3") sight.subjects.insert(subject.get());
    sight.reads = [](const Technique& technique) { return technique.collection != "secret"; };
    const Sight everything{.everything = true, .subjects = {}, .reads = {}};
    EXPECT_EQ(all.totals(sight), visible_only.totals(everything));
    for (const bool suppressed : {false, true})
      for (const auto order : {GroupOrder::kRisk, GroupOrder::kNewest}) {
        // Ids differ, for a group is named by the alert that opened it; all else is the same, page by page.
        GroupQuery a{.open_only = round % 2 == 0,
                     .suppressed = suppressed,
                     .text = round % 3 == 0 ? "t1" : "",
                     .order = order,
                     .after = {},
                     .limit = 2},
            b = a;
        for (;;) {
          auto left = all.list(a, sight), right = visible_only.list(b, everything);
          ASSERT_EQ(left.total, right.total);
          ASSERT_EQ(left.groups.size(), right.groups.size());
          for (std::size_t i = 0; i < left.groups.size(); ++i) {
            left.groups[i].id = right.groups[i].id;
            EXPECT_EQ(left.groups[i], right.groups[i]);
          }
          ASSERT_EQ(left.next, right.next);
          if (left.next.empty()) break;
          a.after = left.next;
          b.after = right.next;
        }
      }
  }
}

TEST(Groups, AGroupThatIsFullIsFollowedByAnother) {
  Groups groups(24h);
  for (std::uint64_t n = 0; n < kMaxAlertsPerGroup + 5; ++n) groups.open(opened(n, 1, 1000, 50, "i1"));
  const auto page = groups.list({}, {.everything = true, .subjects = {}, .reads = {}});
  ASSERT_EQ(page.total, 2U);
  EXPECT_EQ(page.groups[0].alerts + page.groups[1].alerts, kMaxAlertsPerGroup + 5);
}

TEST(Groups, TheOldestAreForgottenAndNothingElse) {
  Groups groups(24h);
  const std::uint64_t all = kMaxGroupedAlerts + 1000;
  for (std::uint64_t n = 0; n < all; ++n) groups.open(opened(n, static_cast<unsigned>(n / 100), 1000, 50, "i1"));
  const Sight everything{.everything = true, .subjects = {}, .reads = {}};
  EXPECT_EQ(groups.totals(everything).hits, kMaxGroupedAlerts);
  EXPECT_EQ(groups.group_of(0), "");
  EXPECT_EQ(groups.tally(999), nullptr);
  ASSERT_NE(groups.tally(1000), nullptr);
  groups.join(0, {.hits = 5, .unkept = 0, .first = {}, .last = {}, .hours = {}});  // passed over
  EXPECT_EQ(groups.totals(everything).hits, kMaxGroupedAlerts);
}

TEST(Groups, TheCurveHoldsEveryHitOnce) {
  Groups groups(24h);
  for (std::uint64_t n = 0; n < 50; ++n) groups.open(opened(n, 1, static_cast<std::int64_t>(n * 1700), 50, "i1"));
  const auto view = groups.list({}, {.everything = true, .subjects = {}, .reads = {}}).groups.at(0);
  std::uint64_t sum = 0;
  for (const auto bar : view.curve) sum += bar;
  EXPECT_EQ(sum, view.hits);
  EXPECT_EQ(view.curve.size(), kBars);
}

TEST(Tallies, AreReadAsTheyWereWritten) {
  Tally tally;
  for (const int second : {5, 3700, -10, 9}) tally.add(Instant{second, 5}, second != 9);
  EXPECT_EQ(tally.hits, 4U);
  EXPECT_EQ(tally.unkept, 1U);
  EXPECT_EQ(tally.hours, (std::vector<std::pair<std::int64_t, std::uint64_t>>{{-1, 1}, {0, 2}, {1, 1}}));
  EXPECT_EQ(*Tally::parse(*parse_json(to_text(tally.json()))), tally);
  EXPECT_FALSE(Tally::parse(*parse_json(R"({"hits":0})")));
}

}  // namespace
}  // namespace bongsu::detect::triage
