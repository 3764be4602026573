#include "detect/alert.h"

#include <gtest/gtest.h>

namespace bongsu::detect {
namespace {

Alert sample() {
  Alert alert;
  alert.indicator_id = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
  alert.indicator_ref = 1ULL << 60;
  alert.value = {Kind::kDomain, "evil.example"};
  alert.field = "query";
  alert.matched = "www.EVIL.example";
  alert.position = {"conn.log", 4711, 12};
  alert.event_time = Instant::parse("2026-01-02T03:04:05.123456789Z");
  alert.detected = *Instant::parse("2026-01-02T03:04:06Z");
  alert.event = "{\"query\":\"www.EVIL.example\"}\x01";
  alert.confidence = 70;
  alert.rule = AlertRule{"sigma", "Odd shell", "high", {"T1059.001"}, {{"b.log", 7, 2}}, 3};
  alert.warning_lists = {{"Top 1000", "hostname"}};
  alert.source = "cert-lt";
  alert.label = "TLP:AMBER";
  alert.assign_id();
  return alert;
}

TEST(Alert, ComesBackFromJsonAsItWas) {
  const Alert alert = sample();
  const auto text = to_text(alert.json());
  const auto back = Alert::parse(*parse_json(text));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(to_text(back->json()), text);
  EXPECT_EQ(back->event, alert.event);
  EXPECT_EQ(back->event_time, alert.event_time);
  EXPECT_EQ(back->warning_lists.size(), 1U);
}

TEST(Alert, TheSameMatchIsTheSameAlert) {
  Alert alert = sample();
  EXPECT_EQ(alert.id, "alert--" + alert.id.substr(7));
  const std::string id = alert.id;
  alert.detected = alert.detected + std::chrono::hours(5);
  alert.assign_id();
  EXPECT_EQ(alert.id, id);
  for (auto change : {+[](Alert& a) { a.position.source = "x"; }, +[](Alert& a) { ++a.position.offset; },
                      +[](Alert& a) { a.field = "host"; }, +[](Alert& a) { a.indicator_id += "0"; }}) {
    Alert other = sample();
    change(other);
    other.assign_id();
    EXPECT_NE(other.id, id);
  }
}

TEST(Alert, BytesThatAreNotUtf8DoNotBreakTheJson) {
  Alert alert = sample();
  alert.event = "\xff\xfe binary \x80";
  alert.matched = "\xc3";
  const auto parsed = parse_json(to_text(alert.json()));
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_TRUE(Alert::parse(*parsed).has_value());
}

TEST(Alert, WhatIsMissingOrWrongIsNamed) {
  for (const char* key : {"id", "indicator", "indicator_ref", "kind", "value", "field", "matched", "source", "label",
                          "detected", "position", "event"}) {
    Json json = sample().json();
    json.as_object().erase(key);
    const auto parsed = Alert::parse(json);
    ASSERT_FALSE(parsed.has_value()) << key;
    EXPECT_EQ(parsed.error().where.field, key);
  }
  Json json = sample().json();
  json.as_object()["confidence"] = 101;
  EXPECT_FALSE(Alert::parse(json).has_value());
  EXPECT_FALSE(Alert::parse(Json("text")).has_value());
}

}  // namespace
}  // namespace bongsu::detect
