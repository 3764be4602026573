#include "formats/cap.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/places_test_support.h"

namespace bongsu::formats {
namespace {

CapAlert exercise_alert() {
  CapAlert a{.identifier = "two-1",
             .sender = "control@exercise.example",
             .sent = "2027-01-19T07:00:00-00:00",
             .status = "Exercise",
             .message_type = "Alert",
             .scope = "Restricted",
             .restriction = "EXERCISE",
             .codes = {"one", "two"}};
  a.info = {
      {.language = "lt",
       .categories = {"Infra", "Safety"},
       .event = "Power cut",
       .response_types = {"Prepare"},
       .urgency = "Immediate",
       .severity = "Severe",
       .certainty = "Observed",
       .event_codes = {{"code", "PWR"}},
       .expires = "2027-01-19T09:00:00+02:00",
       .headline = "EXERCISE <b> & \"quotes\"",
       .description = "Line one\nline two\r\n  three ",
       .parameters = {{"a", ""}, {"b", "2"}},
       .resources = {{.description = "map", .mime_type = "image/png", .size = "12"}},
       .areas = {{.description = "Kaunas", .polygons = {"54,23 55,23 55,24 54,23"}, .circles = {"54.9,23.9 10"}}}}};
  return a;
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Cap, WhatIsWrittenIsReadAgainAsTheSame) {
  const auto xml = write_cap(exercise_alert());
  ASSERT_TRUE(xml) << xml.error().text();
  const auto read = read_cap(*xml, "a.xml");
  ASSERT_TRUE(read) << read.error().text() << *xml;
  EXPECT_EQ(*read, exercise_alert());
}

TEST(Cap, WhatTheStandardRefusesIsRefusedWithItsLineAndElement) {
  const std::string good = *write_cap(exercise_alert());
  const struct {
    std::string xml, field;
  } kCases[] = {
      {with(good, "<status>Exercise", "<status>Real"), "status"},
      {with(good, "<sent>2027-01-19T07:00:00-00:00", "<sent>2027-01-19T07:00:00Z"), "sent"},
      {with(good, "<sent>2027-01-19", "<sent>2027-02-30"), "sent"},
      {with(good, "  <sender>control@exercise.example</sender>\n", ""), "alert"},
      {with(good, "  <scope>Restricted</scope>\n", ""), "alert"},
      {with(good, "<event>Power cut</event>", "<event></event>"), "event"},
      {with(good, "<language>lt</language>", "<headline>first</headline>"), "info"},
      {with(good, "<code>one</code>", "<code><b/></code>"), "code"},
      {with(good, "</alert>", "<more/></alert>"), "more"},
      {with(good, "cap:1.2", "cap:1.1"), "alert"},
  };
  for (const auto& it : kCases) {
    const auto read = read_cap(it.xml, "a.xml");
    ASSERT_FALSE(read) << it.xml;
    EXPECT_EQ(read.error().where.field, it.field) << read.error().text();
    EXPECT_GT(read.error().where.line, 0U);
  }
}

TEST(Cap, WhatTheStandardWouldRefuseIsNotWritten) {
  auto alert = exercise_alert();
  alert.scope.clear();
  EXPECT_EQ(write_cap(alert).error().where.field, "scope");
  alert = exercise_alert();
  alert.info[0].severity = "Bad";
  EXPECT_EQ(write_cap(alert).error().where.field, "severity");
  alert = exercise_alert();
  alert.info[0].headline = std::string("nul\0", 4);
  EXPECT_EQ(write_cap(alert).error().where.field, "headline");
  alert = exercise_alert();
  alert.info[0].categories.clear();
  EXPECT_EQ(write_cap(alert).error().where.field, "category");
}

TEST(Cap, AlertsOfAgenciesAreReadAndWrittenAgain) {
  if (shared_data("trust/cap").empty()) GTEST_SKIP() << "skipped: needs shared data";
  for (const char* name : {"australia", "canada", "canada_signed"}) {
    const std::string path = shared_data("trust/cap/testdata/" + std::string(name) + ".cap");
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    const auto alert = read_cap(text.str(), path);
    ASSERT_TRUE(alert) << alert.error().text();
    const auto again = read_cap(*write_cap(*alert), "again");
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_EQ(*again, *alert) << name;
  }
}

}  // namespace
}  // namespace bongsu::formats
