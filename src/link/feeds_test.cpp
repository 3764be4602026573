#include "link/feeds.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/places_test_support.h"
#include "formats/misp.h"
#include "link/link_test_support.h"
#include "link/misp_map.h"

namespace bongsu::link {
namespace {

using namespace test;

struct Feed : testing::Test {
  Feed() : node("cert-lt", clock, random) {
    settings.name = "test";
    settings.collection = node.add_collection("feeds");
    settings.label = stix::Tlp::kGreen;
    node.agree({});
  }
  FeedParts parts() { return {*node.journal, *node.admission, clock, *node.log, "cert-lt"}; }
  Result<FeedReport> look(FeedKind kind) {
    auto p = parts();
    clock.advance(std::chrono::hours(1));
    return kind == FeedKind::kMisp ? look_at_misp_feed(settings, source, p, {}) : look_at_list(settings, source, p, {});
  }
  // The newest version of each indicator, by the value in its pattern: "live" or "revoked".
  std::map<std::string, std::string> indicators() {
    std::map<std::string, std::string> out;
    for (const auto& text : node.contents(settings.collection)) {
      const Json json = *parse_json(text);
      if (string_at(json, "type") != "indicator") continue;
      out[std::string(*string_at(json, "pattern"))] = bool_at(json, "revoked").value_or(false) ? "revoked" : "live";
    }
    return out;
  }

  FakeClock clock;
  SeededRandom random{1};
  Node node;
  FeedSettings settings;
  MemoryFeedSource source;
};

TEST_F(Feed, ListGivesIndicatorsAndTakesThemBack) {
  source.documents[""] =
      "# a list\r\nevil[.]example\r\n\n198.51.100.7 # seen today\n0.0.0.0 ads.example\n"
      "hxxp://bad.example/x\t2026-01-01\tc2\nd41d8cd98f00b204e9800998ecf8427e\nwhat is this\nEVIL.example\n"
      "192.0.2.0/24\n";
  auto first = look(FeedKind::kList);
  ASSERT_TRUE(first) << first.error().text();
  EXPECT_EQ(first->entries, 7u);
  EXPECT_EQ(first->objects.added, 6u);  // one twice
  EXPECT_EQ(first->problems, 1u);
  EXPECT_EQ(first->first_problems.at(0).substr(0, 8), "line 8: ");
  EXPECT_EQ(indicators(),
            (std::map<std::string, std::string>{{"[domain-name:value = 'evil.example']", "live"},
                                                {"[ipv4-addr:value = '198.51.100.7']", "live"},
                                                {"[domain-name:value = 'ads.example']", "live"},
                                                {"[url:value = 'http://bad.example/x']", "live"},
                                                {"[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']", "live"},
                                                {"[ipv4-addr:value ISSUBSET '192.0.2.0/24']", "live"}}));

  const auto same = look(FeedKind::kList);
  ASSERT_TRUE(same);
  EXPECT_EQ(same->changed, 0u);

  source.documents[""] = "evil.example\n198.51.100.7\n203.0.113.9\n";
  const auto second = look(FeedKind::kList);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->objects.added, 1u);
  EXPECT_EQ(second->objects.unchanged, 2u);
  EXPECT_EQ(second->objects.revoked, 4u);
  EXPECT_EQ(indicators().at("[domain-name:value = 'ads.example']"), "revoked");
  EXPECT_EQ(indicators().at("[domain-name:value = 'evil.example']"), "live");

  // What comes back is a new object: a revoked one is final.
  source.documents[""] = "evil.example\nads.example\n";
  const auto third = look(FeedKind::kList);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->objects.added, 1u);
  EXPECT_EQ(third->objects.revoked, 2u);
  EXPECT_EQ(indicators().at("[domain-name:value = 'ads.example']"), "live");
  source.documents[""] = "evil.example\n";
  EXPECT_EQ(look(FeedKind::kList)->objects.revoked, 1u);
  EXPECT_EQ(indicators().at("[domain-name:value = 'ads.example']"), "revoked");
  EXPECT_EQ(look(FeedKind::kList)->objects.refused, 0u);
}

TEST_F(Feed, ListThatBecameAnErrorPageRevokesNothing) {
  source.documents[""] = "evil.example\n";
  ASSERT_TRUE(look(FeedKind::kList));
  for (const char* page : {"", "<html><body>503</body></html>\n", "# nothing today\n"}) {
    source.documents[""] = page;
    const auto report = look(FeedKind::kList);
    ASSERT_FALSE(report) << page;
    EXPECT_EQ(report.error().code, ErrorCode::kInvalid);
  }
  EXPECT_EQ(indicators().at("[domain-name:value = 'evil.example']"), "live");
  source.documents.clear();
  EXPECT_EQ(look(FeedKind::kList).error().code, ErrorCode::kNotFound);
}

TEST_F(Feed, ListUnderAStricterLabelMarksItsEntriesAnew) {
  source.documents[""] = "evil.example\n";
  ASSERT_TRUE(look(FeedKind::kList));
  settings.label = stix::Tlp::kAmber;
  const auto report = look(FeedKind::kList);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->objects.changed, 1u);
  const auto contents = node.contents(settings.collection);
  EXPECT_NE(contents.back().find(marking(stix::Tlp::kAmber)), std::string::npos);
  // The same valid_from as before: the list did not say anything about time.
  EXPECT_EQ(string_at(*parse_json(contents.front()), "valid_from"),
            string_at(*parse_json(contents.back()), "valid_from"));
}

constexpr const char* kEvent = "57f4f6d9-cd20-458b-84fd-109ec0a83869";

std::string attribute(int number, const std::string& value, const std::string& more = "") {
  return fmt::format(
      R"({{"uuid":"{:08x}-cd20-458b-84fd-109ec0a83869","type":"domain","category":"Network activity","value":"{}",)"
      R"("to_ids":true,"timestamp":"1600000001"{}}})",
      number, value, more);
}
std::string event(const std::string& timestamp, const std::string& attributes, const std::string& more = "") {
  return fmt::format(
      R"({{"Event":{{"uuid":"{}","timestamp":"{}","published":true,"info":"e","Orgc":{{"name":"o"}}{},"Attribute":[{}]}}}})",
      kEvent, timestamp, more, attributes);
}
std::string manifest(const std::string& timestamp) {
  return fmt::format(
      R"({{"{}":{{"info":"e","timestamp":"{}"}},"11111111-cd20-458b-84fd-109ec0a83869":{{"timestamp":"1"}}}})", kEvent,
      timestamp);
}

TEST_F(Feed, MispEventIsTakenOnceAndThenOnlyWhatChanged) {
  source.documents["manifest.json"] = manifest("1600000001");
  source.documents[std::string(kEvent) + ".json"] = event(
      "1600000001", attribute(1, "a.example") + "," + attribute(2, "b.example") + "," + attribute(3, "c.example"));
  const auto first = look(FeedKind::kMisp);
  ASSERT_TRUE(first) << first.error().text();
  EXPECT_EQ(first->documents, 2u);
  EXPECT_EQ(first->changed, 1u);
  EXPECT_EQ(first->failed, 1u);  // in the manifest, but not there
  EXPECT_EQ(first->entries, 3u);
  EXPECT_EQ(first->objects.added, 5u);  // author and report
  EXPECT_EQ(first->objects.refused, 0u);

  const auto same = look(FeedKind::kMisp);
  ASSERT_TRUE(same);
  EXPECT_EQ(same->changed, 0u);
  EXPECT_EQ(same->objects.added, 0u);

  // One gone, one deleted, one new, one with a tag that it did not have.
  source.documents["manifest.json"] = manifest("1600000002");
  source.documents[std::string(kEvent) + ".json"] =
      event("1600000002", attribute(1, "a.example", R"(,"Tag":[{"name":"tlp:red"}])") + "," +
                              attribute(2, "b.example", R"(,"deleted":true)") + "," + attribute(4, "d.example"));
  const auto second = look(FeedKind::kMisp);
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_EQ(second->objects.added, 1u);
  EXPECT_EQ(second->objects.changed, 2u);  // the tagged one and the report
  EXPECT_EQ(second->objects.revoked, 2u);
  EXPECT_EQ(second->objects.refused, 0u);
  EXPECT_EQ(indicators(), (std::map<std::string, std::string>{{"[domain-name:value = 'a.example']", "live"},
                                                              {"[domain-name:value = 'b.example']", "revoked"},
                                                              {"[domain-name:value = 'c.example']", "revoked"},
                                                              {"[domain-name:value = 'd.example']", "live"}}));
}

TEST_F(Feed, MispEventThatBecomesStricterIsMarkedAnewThroughout) {
  source.documents["manifest.json"] = manifest("1600000001");
  source.documents[std::string(kEvent) + ".json"] =
      event("1600000001", attribute(1, "a.example"), R"(,"Tag":[{"name":"tlp:white"}])");
  ASSERT_TRUE(look(FeedKind::kMisp));
  source.documents["manifest.json"] = manifest("1600000009");
  source.documents[std::string(kEvent) + ".json"] =
      event("1600000009", attribute(1, "a.example"), R"(,"Tag":[{"name":"tlp:amber"}])");
  const auto report = look(FeedKind::kMisp);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->objects.changed, 2u);  // the attribute's own timestamp did not move, its label did
  EXPECT_EQ(report->objects.refused, 0u);
  for (const auto& text : node.contents(settings.collection)) {
    const Json json = *parse_json(text);
    if (string_at(json, "modified") > "2020-09-13T12:26:41.000Z") {
      EXPECT_NE(text.find(marking(stix::Tlp::kAmber)), std::string::npos) << text;
    }
  }
}

TEST_F(Feed, MispFeedWithoutAManifestSaysSo) {
  EXPECT_EQ(look(FeedKind::kMisp).error().code, ErrorCode::kNotFound);
  source.documents["manifest.json"] = "<html>";
  EXPECT_EQ(look(FeedKind::kMisp).error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(node.contents(settings.collection).empty());
}

TEST(FeedSchedule, JittersAndComesBackSoonerAfterFailures) {
  SeededRandom random(5);
  FeedSchedule schedule(std::chrono::hours(1), random);
  for (int i = 0; i < 100; ++i) {
    const auto wait = schedule.after_success();
    EXPECT_GE(wait, std::chrono::minutes(57));
    EXPECT_LE(wait, std::chrono::minutes(63));
  }
  EXPECT_LE(schedule.after_failure(), std::chrono::seconds(30));
  EXPECT_LE(schedule.after_failure(), std::chrono::seconds(60));
  for (int i = 0; i < 30; ++i) (void)schedule.after_failure();
  EXPECT_GE(schedule.after_failure(), std::chrono::minutes(30));
  EXPECT_LE(schedule.after_failure(), std::chrono::hours(1));
}

TEST(FeedSource, ReadsDirectoriesAndRefusesOpenNetworks) {
  const auto place = std::filesystem::temp_directory_path() / fmt::format("bongsu-feed-{}", ::getpid());
  std::filesystem::create_directories(place);
  FILE* file = std::fopen((place / "manifest.json").c_str(), "w");
  ASSERT_TRUE(file);
  std::fputs("{}", file);
  std::fclose(file);
  for (const std::string& url : {place.string(), "file://" + place.string(), "file://" + place.string() + "/"}) {
    const auto source = open_feed_source(url, {}, std::chrono::seconds(1));
    ASSERT_TRUE(source) << url;
    EXPECT_EQ((*source)->read("manifest.json").value_or("-"), "{}");
    EXPECT_EQ((*source)->read("absent.json").error().code, ErrorCode::kNotFound);
  }
  std::filesystem::remove_all(place);
  for (const char* bad : {"", "ftp://a/b", "http://feeds.example/list.txt", "file://relative", "relative"})
    EXPECT_FALSE(open_feed_source(bad, {}, std::chrono::seconds(1))) << bad;
}

// The real feed: 41 events with 61,070 attributes; five more are in the manifest without a file.
TEST_F(Feed, RealMispFeedIsAccountedForToTheLastAttribute) {
  const std::string archive = shared_data("misp/feed.tar.zst");
  if (archive.empty()) GTEST_SKIP() << "skipped: needs shared data";
  const auto to = std::filesystem::temp_directory_path() / fmt::format("bongsu-misp-{}", ::getpid());
  std::filesystem::create_directories(to);
  ASSERT_EQ(std::system(fmt::format("zstd -dcq '{}' | tar x -C '{}'", archive, to.string()).c_str()), 0);
  const auto dir = open_feed_source((to / "misp").string(), {}, std::chrono::seconds(1));
  ASSERT_TRUE(dir);

  // Every event through the mapping; one of them through the journal as well (the journal in memory is slow with so
  // many).
  auto text = (*dir)->read("manifest.json");
  ASSERT_TRUE(text);
  formats::MispProblems problems;
  const auto manifest = formats::parse_misp_manifest(*text, problems);
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->size(), 46u);
  std::uint64_t events = 0, attributes = 0, indicators = 0, observed = 0, kept = 0, others = 0, mapping_problems = 0;
  std::set<std::string> ids;
  std::uint64_t smallest = UINT64_MAX;
  Uuid chosen;
  for (const auto& [uuid, entry] : *manifest) {
    const auto bytes = (*dir)->read(uuid.text() + ".json");
    if (!bytes) continue;
    const auto parsed = formats::parse_misp_event(*bytes, problems);
    ASSERT_TRUE(parsed);
    const auto mapped = map_misp_event(*parsed, {.feed_label = stix::Tlp::kClear, .self = "cert-lt"});
    ++events;
    attributes += mapped.attributes;
    indicators += mapped.indicators;
    observed += mapped.observed;
    kept += mapped.kept_as_they_are;
    others += mapped.others + mapped.vulnerabilities + mapped.deleted_attributes;
    mapping_problems += mapped.problems.count;
    for (const auto& object : mapped.objects)
      if (object.id().starts_with("indicator--")) EXPECT_TRUE(ids.insert(object.id()).second);
    if (mapped.attributes > 200 && mapped.attributes < smallest) {
      smallest = mapped.attributes;
      chosen = uuid;
    }
  }
  EXPECT_EQ(events, 41u);
  EXPECT_EQ(attributes, 61'070u);
  // All are to be looked for. One says filename|sha256 and holds a TLSH: it is kept as it is, and named.
  EXPECT_EQ(indicators, 61'069u);
  EXPECT_EQ(kept, 1u);
  EXPECT_EQ(mapping_problems, 1u);
  EXPECT_EQ(observed + others, 0u);
  EXPECT_EQ(ids.size(), 61'069u);
  EXPECT_EQ(problems.count, 0u);

  source.documents["manifest.json"] =
      fmt::format(R"({{"{}":{{"timestamp":"{}"}}}})", chosen.text(), manifest->at(chosen).timestamp.seconds);
  source.documents[chosen.text() + ".json"] = *(*dir)->read(chosen.text() + ".json");
  const auto report = look(FeedKind::kMisp);
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->objects.refused, 0u);
  EXPECT_EQ(report->objects.added, smallest + 2);  // author and report
  EXPECT_EQ(look(FeedKind::kMisp)->changed, 0u);
  std::filesystem::remove_all(to);
}

}  // namespace
}  // namespace bongsu::link
