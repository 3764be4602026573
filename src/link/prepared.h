// STIX objects that a gateway made of another format, before they have versions: what they say, and when the source says it changed.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace bongsu::link {

struct PreparedObject {
  JsonObject body;          // with type, spec_version and id; without created and modified
  Instant changed;          // created and modified of its first version here
  bool keep_valid_from = false;  // what an earlier version here says stands: the source has no date of its own
  bool versioned = true;    // false: cyber-observables and marking definitions, which stay as they first came
  std::string id() const { return std::string(string_at(body, "id").value_or("")); }
};

// The text of a version: created and modified stand behind the id, in milliseconds.
std::string text_of(const PreparedObject& object, std::string_view created, std::string_view modified);

}  // namespace bongsu::link
