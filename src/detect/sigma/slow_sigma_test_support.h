// The slow twin of SigmaMatcher: each rule by itself, from the rule as it was read, over a comfortable form of the
// event. Nothing of the compiled form is used: values are compared by code of its own.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/sigma/collection.h"
#include "telemetry/event.h"

namespace bongsu::detect::sigma {

// A text and what it is without case, so that thousands of rules need not fold the same text again.
struct SlowText {
  std::string text, folded;
  explicit SlowText(std::string value);
};

struct SlowEvent {
  // A log source of the map, its names in lower case, and whether the event belongs to it.
  struct Source {
    const telemetry::LogSource* source;
    std::string product, category, service;
    bool belongs;
  };
  telemetry::Format format = telemetry::Format::kText;
  // Field (as the map calls it, else its whole path) → values; nullopt is JSON's null.
  std::multimap<std::string, std::optional<SlowText>> fields;
  std::vector<SlowText> texts;  // where keywords are looked for
  std::vector<Source> sources;  // all of the map's

  static SlowEvent of(const telemetry::EventView& event, const telemetry::FieldMap& map);
};

bool slow_matches(const Rule& rule, const SlowEvent& event, const telemetry::FieldMap& map);

// Without case, character by character.
std::string slow_fold(std::string_view text);
// The pattern against the whole text, by trying every way.
bool slow_glob(const std::vector<Part>& parts, std::string_view text);

}  // namespace bongsu::detect::sigma
