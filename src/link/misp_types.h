// Which STIX property a MISP attribute type stands for. The table is in misp_types.cpp and, for people, in README.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace bongsu::link {

// "[domain-name:value = 'evil.example']" for an attribute that is to be looked for. kUnsupported: this type has no pattern;
// kInvalid: the value is not of its type.
Result<std::string> misp_pattern(std::string_view type, std::string_view value);

// pattern_type of attributes that are rules already ("yara", "snort", "sigma", …); nullopt for others.
std::optional<std::string_view> misp_rule_language(std::string_view type);

// The cyber-observables of an attribute that was merely seen, without ids. The same errors.
Result<std::vector<JsonObject>> misp_observables(std::string_view type, std::string_view value);

}  // namespace bongsu::link
