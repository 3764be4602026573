// Data markings: the well-known TLP 1 and TLP 2.0 definitions, and selectors of granular markings (STIX 2.1 §7.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stix/object.h"

namespace bongsu::stix {

enum class Tlp { kClear, kGreen, kAmber, kAmberStrict, kRed };  // in order of strictness (FIRST TLP 2.0)

struct TlpMarking {
  Tlp level;
  bool tlp1 = false;  // the STIX 2.1 built-in definition of TLP 1 (white, green, amber, red)
};

// The level that a marking-definition id stands for, TLP 1 (STIX 2.1 §7.2.1.4) and TLP 2.0 (OASIS common objects).
std::optional<TlpMarking> tlp_of(const Id& marking);
Id tlp_marking_id(Tlp level);                         // the TLP 2.0 definition
std::string_view tlp_definition(Tlp level);           // the whole TLP 2.0 marking-definition object, JSON
std::string_view to_string(Tlp level);                // "TLP:AMBER+STRICT"
std::optional<Tlp> parse_tlp(std::string_view text);  // "amber+strict", "TLP:WHITE", any case

// One step of a selector: a property name or a list index.
struct SelectorStep {
  std::string name;  // empty = index
  std::size_t index = 0;
};
// "values.[1].name" → steps; kInvalid for a broken selector (STIX 2.1 §7.2.3.1).
Result<std::vector<SelectorStep>> parse_selector(std::string_view selector);
const Json* resolve(const Json& object, const std::vector<SelectorStep>& steps);  // nullptr: no such place

}  // namespace bongsu::stix
