// Rules and events of a test, from text to matches.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "detect/sigma/set.h"
#include "telemetry/line_batch.h"

namespace bongsu::detect::sigma {

struct TestSet {
  SigmaSetPtr set;
  telemetry::FieldMapPtr map;
  SigmaReport report;
};

inline TestSet compile_rules(RuleSet rules, telemetry::FieldMapPtr base = telemetry::FieldMap::standard()) {
  TestSet out;
  telemetry::FieldMapBuilder builder(*base);
  auto set = SigmaSet::compile(std::move(rules), *base, builder, out.report);
  EXPECT_TRUE(set.has_value()) << set.error().text();
  auto map = builder.build();
  EXPECT_TRUE(map.has_value());
  out.set = *set;
  out.map = *map;
  return out;
}

inline TestSet compile_text(std::string_view yaml, std::string_view pipeline = {}) {
  Collection collection;
  if (!pipeline.empty()) {
    auto read = Pipeline::read(pipeline, "pipeline.yml");
    EXPECT_TRUE(read.has_value()) << read.error().text();
    if (read) collection.add_pipeline(std::move(*read));
  }
  collection.add(yaml, "rule.yml");
  return compile_rules(std::move(collection).finish());
}

inline telemetry::LineBatch batch_of(std::string lines) {
  return {std::make_shared<const std::string>("events"), std::move(lines), 0, 1, nullptr};
}

// The lines (from 1) of `events` that the set's rule `rule` matches.
inline std::vector<std::uint64_t> matched_lines(const TestSet& set, const std::string& events, std::uint32_t rule = 0) {
  std::vector<std::uint64_t> out;
  SigmaMatcher matcher;
  EXPECT_TRUE(matcher.use(set.set).has_value());
  telemetry::BadLines bad;
  telemetry::EventParser parser(bad, set.map);
  const auto batch = batch_of(events);
  parser.start(batch);
  std::vector<SigmaMatch> matches;
  while (const auto* event = parser.next()) {
    matcher.match(*event, matches);
    for (const SigmaMatch& match : matches)
      if (match.rule == rule) out.push_back(event->line);
  }
  EXPECT_EQ(bad.count(), 0U) << (bad.first().empty() ? "" : bad.first()[0].text());
  return out;
}

}  // namespace bongsu::detect::sigma
