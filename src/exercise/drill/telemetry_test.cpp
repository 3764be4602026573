#include "exercise/drill/telemetry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "exercise/scenario/vocabulary.h"
#include "telemetry/line_batch.h"

namespace bongsu::exercise::drill {
namespace {

const Instant kAt = *Instant::parse("2027-01-19T07:31:05.250000Z");

struct Seen {
  telemetry::Format format = telemetry::Format::kText;
  std::optional<Instant> time;
  std::vector<std::string> values;
};

std::vector<Seen> read(const std::string& lines) {
  telemetry::BadLines bad;
  telemetry::EventParser parser(bad, telemetry::FieldMap::standard(), true);
  telemetry::LineBatch batch;
  batch.source = std::make_shared<const std::string>("t");
  batch.data = lines;
  parser.start(batch);
  std::vector<Seen> out;
  std::vector<std::string> storage;
  while (const telemetry::EventView* event = parser.next()) {
    Seen seen{.format = event->format, .time = event->time()};
    for (const telemetry::Field& field : telemetry::fields_of(*event, storage)) seen.values.emplace_back(field.value);
    out.push_back(std::move(seen));
  }
  EXPECT_EQ(bad.count(), 0U) << lines;
  return out;
}

// Values that are themselves in every format: names, addresses, hashes, paths with backslashes and blanks.
Parameters filled(const scenario::Template& t, bool optional) {
  Parameters p;
  const auto fill = [&](std::string_view name) {
    std::string value = "value-" + std::string(name);
    if (name == "source" || name == "destination" || name == "station" || name == "answer" || name == "resolver")
      value = name == "source" ? "203.0.113.7" : "198.51.100.9";
    if (name == "query" || name == "server-name") value = "evil.example";
    if (name == "image" || name == "file" || name == "loaded" || name == "parent")
      value = "C:\\Users\\Jūratė B\\" + std::string(name) + ".exe";
    if (name == "message") value = "key \"a\" = b\\c";
    if (name == "sha256") value = std::string(64, 'a');
    if (name == "port" || name == "address" || name == "object" || name == "value") value = "1234";
    p[std::string(name)] = value;
  };
  for (const auto name : t.required) fill(name);
  if (optional)
    for (const auto name : t.optional) fill(name);
  return p;
}

TEST(DrillTelemetry, OurReadersSeeEveryValueOfEveryTemplate) {
  for (const scenario::Template& t : scenario::templates())
    for (const bool optional : {false, true}) {
      const Parameters p = filled(t, optional);
      const auto line = telemetry_line(t.name, p, kAt, 7);
      ASSERT_TRUE(line) << t.name << ": " << line.error().text();
      ASSERT_EQ(std::ranges::count(*line, '\n'), 1) << t.name;
      const auto events = read(*line);
      ASSERT_EQ(events.size(), 1U) << *line;
      for (const auto& [name, value] : p) {
        if (t.name == "syslog-device" && name == "severity") continue;  // goes into the priority
        if (name == "select") continue;                                 // a boolean
        const bool found = std::ranges::any_of(
            events[0].values, [&](const std::string& seen) { return seen.find(value) != std::string::npos; });
        EXPECT_TRUE(found) << t.name << ": " << name << "=" << value << " in " << *line;
      }
    }
}

TEST(DrillTelemetry, FormatsAndTimesAreWhatSensorsWrite) {
  std::set<std::string> without_time;
  for (const scenario::Template& t : scenario::templates()) {
    const auto event = read(*telemetry_line(t.name, filled(t, false), kAt, 7)).at(0);
    if (t.name.starts_with("zeek") || t.name.starts_with("iec104") || t.name.starts_with("modbus") ||
        t.name.starts_with("dnp3"))
      EXPECT_EQ(event.format, telemetry::Format::kZeekJson) << t.name;
    if (t.name.starts_with("sysmon") || t.name.starts_with("windows"))
      EXPECT_EQ(event.format, telemetry::Format::kWindows) << t.name;
    if (t.name == "netflow") EXPECT_EQ(event.format, telemetry::Format::kEve);
    if (!event.time)
      without_time.insert(std::string(t.name));
    else
      EXPECT_EQ(*event.time, kAt) << t.name;
  }
  EXPECT_EQ(without_time, std::set<std::string>{"web-access"}) << "the combined log format's time is nobody's field";
}

TEST(DrillTelemetry, TheSameSeedMakesTheSameLine) {
  const scenario::Template& t = *scenario::template_of("zeek-conn");
  EXPECT_EQ(*telemetry_line(t.name, filled(t, false), kAt, 7), *telemetry_line(t.name, filled(t, false), kAt, 7));
  EXPECT_NE(*telemetry_line(t.name, filled(t, false), kAt, 7), *telemetry_line(t.name, filled(t, false), kAt, 8));
  EXPECT_EQ(background_lines("lt", kAt, 60'000, 40, 3), background_lines("lt", kAt, 60'000, 40, 3));
  EXPECT_NE(background_lines("lt", kAt, 60'000, 40, 3), background_lines("ua", kAt, 60'000, 40, 3));
}

TEST(DrillTelemetry, BackgroundIsReadAndStaysWithinItsTime) {
  const auto events = read(background_lines("lt", kAt, 60'000, 200, 3));
  ASSERT_EQ(events.size(), 200U);
  Instant last = kAt;
  for (const Seen& event : events) {
    ASSERT_TRUE(event.time);
    EXPECT_GE(*event.time, last);
    last = *event.time;
  }
  EXPECT_LT(last, kAt + std::chrono::seconds(60));
}

TEST(DrillTelemetry, HostileParametersStayWithinTheirLine) {
  const std::string evil = "x\"},{\"_path\":\"dns\"}\n<1>1 - | = \\ \x1b[31m";
  for (const scenario::Template& t : scenario::templates()) {
    Parameters p;
    for (const auto name : t.required) p[std::string(name)] = evil;
    const auto line = telemetry_line(t.name, p, kAt, 7);
    ASSERT_TRUE(line) << t.name;
    EXPECT_EQ(std::ranges::count(*line, '\n'), 1) << t.name << *line;
    EXPECT_EQ(read(*line).size(), 1U) << t.name;
  }
}

TEST(DrillTelemetry, WhatIsMissingIsNamed) {
  EXPECT_EQ(telemetry_line("zeek-dns", {{"source", "10.0.0.1"}}, kAt, 1).error().where.field, "query");
  EXPECT_EQ(telemetry_line("wannacry", {}, kAt, 1).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace bongsu::exercise::drill
