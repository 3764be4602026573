#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/places_test_support.h"
#include "detect/hunt/hunt_test_support.h"
#include "detect/indicator_file.h"
#include "telemetry/batch_reader.h"

namespace bongsu::detect {
namespace {

using telemetry::LineBatch;

Indicator indicator(std::uint64_t ref, Kind kind, std::string_view text) {
  auto value = normalise(kind, text);
  EXPECT_TRUE(value) << text;
  return {.ref = ref, .value = *value};
}

// Lines of a stream as batches, so many a batch.
std::vector<LineBatch> batches_of(const std::vector<std::string>& lines, std::size_t each,
                                  const std::string& name = "a.log") {
  std::vector<LineBatch> out;
  std::uint64_t offset = 0, line = 1;
  const auto source = std::make_shared<const std::string>(name);
  for (std::size_t i = 0; i < lines.size(); i += each) {
    LineBatch batch{source, {}, offset, line, nullptr};
    for (std::size_t k = i; k < std::min(i + each, lines.size()); ++k) batch.data += lines[k] + "\n", ++line;
    offset += batch.data.size();
    out.push_back(std::move(batch));
  }
  return out;
}

std::vector<std::string> many_lines() {
  std::vector<std::string> out;
  for (int i = 0; i < 400; ++i)
    out.push_back(
        fmt::format(R"({{"ts":{},"id.orig_h":"10.0.{}.{}","id.resp_h":"192.0.2.{}","query":"host{}.example.net"}})",
                    1600000000 + i * 60, i / 200, i % 200, i % 50, i));
  out[123] = R"({"ts":1600007380,"id.orig_h":"203.0.113.77","query":"www.evil.example"})";
  out[301] = R"({"ts":1600018060,"id.orig_h":"2001:db8:5::1","host":"evil.example","uri":"/a"})";
  return out;
}

TEST(Hunt, OpensOnlyTheBlocksThatHit) {
  const auto batches = batches_of(many_lines(), 7);
  const StoredTelemetry stored({batches});
  struct Case {
    Kind kind;
    const char* value;
    std::size_t alerts, most_blocks;
  };
  for (const Case& c : {Case{Kind::kDomain, "evil.example", 2, 2}, Case{Kind::kUrl, "http://evil.example/a", 1, 1},
                        Case{Kind::kIpv4, "203.0.113.64/26", 1, 1}, Case{Kind::kIpv4, "203.0.113.78", 0, 0},
                        Case{Kind::kIpv6, "2001:db8::/32", 1, 1}, Case{Kind::kIpv6, "2001:db8:5::/127", 1, 1},
                        Case{Kind::kIpv6, "2001:db8:5::2", 0, 1}, Case{Kind::kIpv4, "10.0.1.0/24", 199, 30},
                        Case{Kind::kText, "www.evil.example", 1, 1}}) {
    HuntResult result;
    const std::vector<Indicator> one = {indicator(1, c.kind, c.value)};
    const auto alerts = hunted(stored, one, true, &result);
    EXPECT_EQ(alerts, hunted(stored, one, false)) << c.value;
    EXPECT_EQ(alerts, matched_live(batches, one)) << c.value;
    EXPECT_EQ(alerts.size(), c.alerts) << c.value;
    EXPECT_LE(result.blocks_read, c.most_blocks) << c.value << " of " << result.blocks;
    EXPECT_EQ(result.read_whole, 0U);
  }
}

TEST(Hunt, LeavesOutBlocksBeyondTheTimesAskedForButNoneWithEventsOfUnknownTime) {
  auto lines = many_lines();
  lines.push_back("no time here but evil.example");
  const StoredTelemetry stored({batches_of(lines, 7)});
  const std::vector<Indicator> all = {indicator(1, Kind::kDomain, "evil.example")};
  HuntQuery query;
  query.from = Instant{1600018000, 0};
  HuntResult result;
  EXPECT_EQ(hunted(stored, all, true, &result, query).size(), 2U);
  query.until = Instant{1600018100, 0};
  EXPECT_EQ(hunted(stored, all, false, &result, query).size(), 2U);
  EXPECT_LE(result.blocks_read, 4U);
}

// A CSV says what its columns are in its first line only, and its records may go over several lines.
TEST(Hunt, FindsInACsvWhatLiveMatchingFound) {
  std::string csv = "time,src_ip,note,url\n";
  for (int i = 0; i < 400; ++i)
    csv += fmt::format("2024-05-10T00:00:00Z,198.51.100.{},\"a note,\nof two lines {}\",http://h{}.example/\n", i % 200,
                       i, i % 100);
  LineBatch batch{std::make_shared<const std::string>("a.csv"), csv, 0, 1, nullptr};
  const StoredTelemetry stored({{batch}}, 2000);
  for (const auto& one : {indicator(1, Kind::kIpv4, "198.51.100.7"), indicator(1, Kind::kUrl, "http://h42.example/")}) {
    HuntResult result;
    const auto found = hunted(stored, {one}, true, &result);
    EXPECT_EQ(found, matched_live({batch}, {one})) << one.value.text;
    EXPECT_EQ(found, hunted(stored, {one}, false)) << one.value.text;
    EXPECT_GE(found.size(), 2U);
    EXPECT_LT(result.events, 80U) << "parts of blocks are looked at, not all of them";
  }
}

TEST(Hunt, ADamagedBlockIsNamedAndTheRestIsHunted) {
  const auto batches = batches_of(many_lines(), 7);
  StoredTelemetry stored({batches, batches_of(many_lines(), 9, "b.log")});
  const std::vector<Indicator> one = {indicator(1, Kind::kDomain, "evil.example")};
  HuntResult result;
  EXPECT_EQ(hunted(stored, one, true, &result).size(), 4U);
  const auto segment = stored.store->segments().front();
  // The first block that hits.
  HuntKeys keys(stored.store->seed());
  ASSERT_TRUE(keys.add(one));
  keys.sort();
  const auto parts = keys.parts_in(**segment->dictionary(), segment->parts());
  ASSERT_FALSE(parts.empty());
  std::size_t hit = 0;
  while (segment->blocks()[hit].first_part + segment->blocks()[hit].parts <= parts[0]) ++hit;
  stored.files.bytes(segment->name())[segment->blocks()[hit].offset + 100] ^= 1;
  EXPECT_EQ(hunted(stored, one, true, &result).size(), 3U);
  ASSERT_EQ(result.damage.size(), 1U);
  EXPECT_NE(result.damage[0].text().find(fmt::format("block {} of", hit)), std::string::npos)
      << result.damage[0].text();
}

TEST(Hunt, ASegmentWhoseDictionaryIsDamagedOrMadeByOtherRulesIsReadWhole) {
  const auto batches = batches_of(many_lines(), 7);
  const std::vector<Indicator> one = {indicator(1, Kind::kDomain, "evil.example")};
  HuntResult result;
  {
    StoredTelemetry stored({batches});
    const auto segment = stored.store->segments().front();
    const auto& last = segment->blocks().back();
    stored.files.bytes(segment->name())[last.offset + 72 + last.stored_bytes + 50] ^= 1;  // in the dictionary
    stored.reopen();
    EXPECT_EQ(hunted(stored, one, true, &result).size(), 2U);
    EXPECT_EQ(result.damage.size(), 1U);
    EXPECT_EQ(result.read_whole, 1U);
    EXPECT_EQ(result.blocks_read, result.blocks);
  }
  {
    // A map that says that "query" is nothing: by its rules the dictionary holds no names.
    telemetry::FieldMapBuilder builder(*telemetry::FieldMap::standard());
    ASSERT_TRUE(
        builder.add({.format = telemetry::Format::kZeekJson, .path = "query", .role = telemetry::Role::kIgnore}));
    StoredTelemetry stored({batches}, 2048, *builder.build());
    EXPECT_EQ(hunted(stored, one, true, &result).size(), 2U);
    EXPECT_EQ(result.read_whole, 1U);
  }
  // Fields that a rule asks for change no key.
  telemetry::FieldMapBuilder builder(*telemetry::FieldMap::standard());
  ASSERT_TRUE(builder.want("SomeField.that.nobody.has"));
  EXPECT_EQ(hunt_keyed_by(**builder.build()), hunt_keyed_by(*telemetry::FieldMap::standard()));
}

TEST(Hunt, KeepsToItsShareAndStopsWhenTold) {
  struct Counting final : Pace {
    int pauses = 0;
    void pause() override { ++pauses; }
  } pace;
  const StoredTelemetry stored({batches_of(many_lines(), 7)});
  Engine engine(stored.clock);
  std::atomic<bool> stop = false;
  const auto all =
      visit_blocks({}, stored.store->segments(), {.stop = &stop, .pace = &pace}, [](const LineBatch&) { return true; });
  EXPECT_EQ(all.blocks_read, all.blocks);
  EXPECT_FALSE(all.stopped);
  EXPECT_GE(pace.pauses, static_cast<int>(all.blocks)) << "it breathes between blocks";
  int seen = 0;
  const auto some = visit_blocks({}, stored.store->segments(), {.stop = &stop}, [&](const LineBatch&) {
    stop = ++seen == 3;
    return true;
  });
  EXPECT_TRUE(some.stopped);
  EXPECT_EQ(some.blocks_read, 3U);
}

// Real events, real indicators: what the dictionaries leave out does not hit.
TEST(Hunt, FindsInRecordedEventsWhatLiveMatchingFinds) {
  const std::string list = shared_data("indicators/real-indicators.tsv.zst");
  if (list.empty()) GTEST_SKIP() << "skipped: needs shared data";
  const bool whole = std::getenv("BONGSU_LONG") != nullptr;
  std::vector<Indicator> indicators;
  {
    const FakeClock clock;
    Engine engine(clock);
    IndicatorFiles files(engine.index(), {.each = [&](std::span<const Indicator> some) {
                           indicators.insert(indicators.end(), some.begin(), some.end());
                         }});
    ASSERT_TRUE(files.load(list));
  }
  for (const char* name : {"telemetry/windows-attacks.ndjson.zst", "telemetry/zeek.ndjson.zst",
                           "telemetry/zeek.tsv.zst", "telemetry/suricata-eve.ndjson.zst"}) {
    telemetry::BadLines bad;
    auto source = telemetry::open_source(shared_data(name));
    ASSERT_TRUE(source);
    telemetry::BatchReader reader(std::move(*source), name, bad);
    std::vector<LineBatch> batches;
    while (auto batch = reader.next()) {
      if (!*batch || (!whole && batches.size() >= 12)) break;
      batches.push_back(std::move(**batch));
    }
    std::vector<std::vector<LineBatch>> segments;  // of a size that a node gives them
    for (const LineBatch& batch : batches) {
      if (segments.empty() || segments.back().size() >= 200) segments.emplace_back();
      segments.back().push_back(batch);
    }
    const StoredTelemetry stored(segments, kHuntBlockBytes);
    HuntResult result;
    const auto alerts = hunted(stored, indicators, true, &result);
    EXPECT_EQ(alerts, matched_live(batches, indicators)) << name;
    EXPECT_LT(result.blocks_read, result.blocks) << name;
    if (whole && !std::string_view(name).contains("suricata")) EXPECT_FALSE(alerts.empty()) << name;
  }
}

}  // namespace
}  // namespace bongsu::detect
