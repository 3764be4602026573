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

struct SlowEvent {
  telemetry::Format format = telemetry::Format::kText;
  // Field (as the map calls it, else its whole path) → values; nullopt is JSON's null.
  std::multimap<std::string, std::optional<std::string>> fields;
  std::vector<std::string> texts;  // where keywords are looked for
  std::vector<bool> belongs;       // to each log source of the map

  static SlowEvent of(const telemetry::EventView& event, const telemetry::FieldMap& map);
};

bool slow_matches(const Rule& rule, const SlowEvent& event, const telemetry::FieldMap& map);

// Without case, character by character.
std::string slow_fold(std::string_view text);
// The pattern against the whole text, by trying every way.
bool slow_glob(const std::vector<Part>& parts, std::string_view text);

}  // namespace bongsu::detect::sigma
