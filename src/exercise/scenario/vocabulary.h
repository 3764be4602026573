// The words that a scenario uses of the range, of logs and of probes, as data: what each names and needs.
//
//   const EffectKind* kind = effect_kind("breaker-open");   // its target is a branch; no value
//   template_of("iec104-command")->required                 // {"station", "source", "object"}
//
// Whoever builds the range's world or writes log lines serves every word here; a word that is not here is no
// scenario's.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exercise/scenario/scenario.h"

namespace bongsu::exercise::scenario {

// Orders to the range. `unit` empty: the kind has no value.
struct EffectKind {
  std::string_view name, target, unit, about;
  double least = 0, most = 0;  // of the value
};
std::span<const EffectKind> effect_kinds();
const EffectKind* effect_kind(std::string_view name);

// What conditions can ask of the range.
struct Quantity {
  std::string_view name, target, unit, about;
  bool of_all = false;  // also without a target: of the whole range
};
std::span<const Quantity> quantities();
const Quantity* quantity(std::string_view name);

// Records that red's deeds leave: by which log, with which parameters. What is optional has a sensible value when
// absent.
struct Template {
  std::string_view name, log, about;
  std::vector<std::string_view> required, optional;
};
std::span<const Template> templates();
const Template* template_of(std::string_view name);

struct Probe {
  std::string_view name, target, about;
};
std::span<const Probe> probes();
const Probe* probe(std::string_view name);

// Indicators by type and value, and the STIX pattern that each is: "[ipv4-addr:value = '192.0.2.7']". nullopt: no such
// type.
std::span<const std::string_view> indicator_types();
std::optional<std::string> pattern_of(std::string_view type, std::string_view value);
// The indicator's pattern, however it was written.
std::string pattern_of(const Indicator& indicator);

// Words of the enumerations, as the text form has them.
template <class E>
struct Word {
  E value;
  std::string_view word;
};
std::span<const Word<Role>> words(Role);
std::span<const Word<Act>> words(Act);
std::span<const Word<Channel>> words(Channel);
std::span<const Word<Comparison>> words(Comparison);
std::span<const Word<Metric::Type>> words(Metric::Type);
std::span<const Word<Seen>> words(Seen);
std::span<const Word<Shared>> words(Shared);

template <class E>
std::string_view to_string(E value) {
  for (const auto& [v, word] : words(value))
    if (v == value) return word;
  return {};
}

}  // namespace bongsu::exercise::scenario
