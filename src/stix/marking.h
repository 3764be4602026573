// Data markings: the well-known TLP 1, TLP 2.0 and PAP definitions, and selectors of granular markings (STIX 2.1 §7.2).
#pragma once

#include <cstdint>
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

// Permissible Actions Protocol: what may be done with it, in order of strictness (OASIS common objects, the extension
// "pap"; MISP's taxonomy "PAP"). It says nothing about who may have it.
enum class Pap : std::uint8_t { kClear, kGreen, kAmber, kRed };
std::optional<Pap> pap_of(const Id& marking);         // WHITE is CLEAR
std::string_view to_string(Pap level);                // "PAP:AMBER"
std::optional<Pap> parse_pap(std::string_view text);  // "amber", "PAP:WHITE", any case
// The standard's definitions, which nobody has to send and which cannot say anything else.
bool is_well_known_marking(const Id& marking);
// Whether a definition under one of the standard's ids says the level that the id stands for; true for other ids.
bool says_its_level(const Id& id, const Json& definition);

// One step of a selector: a property name or a list index.
struct SelectorStep {
  std::string name;  // empty = index
  std::size_t index = 0;
};
// "values.[1].name" → steps; kInvalid for a broken selector (STIX 2.1 §7.2.3.1).
Result<std::vector<SelectorStep>> parse_selector(std::string_view selector);
const Json* resolve(const Json& object, const std::vector<SelectorStep>& steps);  // nullptr: no such place

}  // namespace bongsu::stix
