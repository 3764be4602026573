// A rule: what cannot be said as values to look for, as text in its language.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace bongsu::detect {

enum class Language : std::uint8_t {
  kStix,   // STIX patterns (STIX 2.1 §9) beyond equality of values
  kSigma,  // Sigma rules and correlations, one or several YAML documents
  kYara,   // YARA rules
};
inline constexpr std::size_t kLanguages = 3;
inline constexpr std::size_t kMaxRuleTextBytes = 1024 * 1024;  // of one rule's text

// "stix", "sigma", "yara": pattern_type of STIX 2.1 §10.12 (pattern-type-ov).
std::string_view to_string(Language language);
std::optional<Language> parse_language(std::string_view text);

struct Rule {
  std::uint64_t ref = 0;  // the caller's number, as an indicator's
  Language language = Language::kStix;
  std::string text;
  std::optional<Instant> valid_from, valid_until;  // until is exclusive (STIX 2.1 §4.7)
  int confidence = -1;                             // 0–100; -1 = not said
};

}  // namespace bongsu::detect
