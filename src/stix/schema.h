// How the property tables of STIX 2.1 are written down here, and where to find one. Internal to the module.
//
//   constexpr Property kCampaign[] = {required("name", kString), optional("first_seen", kTimestamp), …};
//   constexpr Rule kCampaignRules[] = {not_before("last_seen", "first_seen")};
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "stix/object.h"

namespace bongsu::stix {

class Checker;
struct Path;
struct Structure;

// Terms of STIX 2.1 §10. A closed one is an enumeration.
struct Vocabulary {
  std::string_view name;
  std::string_view section;
  std::span<const std::string_view> terms;
  bool closed = false;
  bool contains(std::string_view term) const;
};

// What an identifier may point at. `types` lists them, or is empty and the classes say it.
struct Targets {
  std::string_view wording;  // "an identity", for the message
  std::span<const std::string_view> types;
  bool domain = false, relationship = false, observable = false, meta = false;
  bool allow(std::string_view type) const;  // custom types pass where classes are asked for
};

enum class Kind : std::uint8_t {
  kAny,
  kString,
  kBoolean,
  kBooleanOrString,  // sighting.summary: boolean in STIX 2.1, string in the table of its Errata 01
  kInteger,
  kFloat,
  kTimestamp,
  kIdentifier,
  kHex,
  kBinary,
  kHashes,
  kDictionary,
  kVocabulary,
  kStructure,
};

// A form that a string has (value_checks.h), and whether the standard demands it.
struct Form {
  bool (*holds)(std::string_view) = nullptr;
  std::string_view sentence;
  bool demanded = true;
  bool unless_defanged = false;  // an object that says "defanged" may hold an altered value (STIX 2.1 §3.2)
};

enum class Entries : std::uint8_t { kAny, kString, kInteger, kIntegerOrString, kListOfString, kDictionary };

struct Type {
  Kind kind = Kind::kAny;
  bool list = false;
  std::int64_t least = std::numeric_limits<std::int64_t>::min();  // kInteger, kFloat
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const Vocabulary* vocabulary = nullptr;
  const Targets* targets = nullptr;
  const Structure* structure = nullptr;
  const Form* form = nullptr;
  Entries entries = Entries::kAny;  // kDictionary
  bool language_keys = false;       // kDictionary
};

enum class Presence : std::uint8_t {
  kOptional,
  kRequired,
  kRequiredSince21,
  kRequiredByErrata,
  kDeprecated,
  kReserved
};

struct Property {
  std::string_view name;
  Presence presence = Presence::kOptional;
  Type type;
};

// A rule between properties of one object. What it means stands at the function that makes it.
struct Rule {
  enum class Kind : std::uint8_t {
    kNotBefore,
    kAfter,
    kOneOf,
    kNotBoth,
    kNeeds,
    kAnyOwn,
    kCustom
  } kind = Kind::kCustom;
  std::string_view a, b, c;
  void (*check)(Checker&, const Path&) = nullptr;
};

struct Structure {
  std::string_view name;     // "kill-chain-phase"; of an object its type
  std::string_view section;  // "STIX 2.1 §2.11"
  std::span<const Property> properties;
  std::span<const Rule> rules;
};

// A predefined extension and the type it belongs to (STIX 2.1 §3.10).
struct Extension {
  std::string_view key;
  std::string_view type;
  const Structure* structure;
};

struct ObjectSchema {
  Category category;
  const Structure* own;
  std::span<const Property> common;
  std::span<const std::string_view> not_applicable;  // common properties that this class of object does not use
};

// nullptr for a custom type.
const ObjectSchema* schema_of(std::string_view type);
std::span<const ObjectSchema> domain_schemas();          // STIX 2.1 §4
std::span<const ObjectSchema> relationship_schemas();    // STIX 2.1 §5
std::span<const ObjectSchema> observable_schemas();      // STIX 2.1 §6
std::span<const ObjectSchema> meta_schemas();            // STIX 2.1 §7
std::span<const Extension> predefined_extensions();      // STIX 2.1 §6
extern const std::span<const Property> kCommonOfCustom;  // what any object may have, nothing required

// ---- how tables are written

constexpr Property required(std::string_view name, Type type) { return {name, Presence::kRequired, type}; }
constexpr Property optional(std::string_view name, Type type) { return {name, Presence::kOptional, type}; }
constexpr Property deprecated(std::string_view name, Type type) { return {name, Presence::kDeprecated, type}; }
constexpr Property reserved(std::string_view name) { return {name, Presence::kReserved, {}}; }
// Required by 2.1, not by 2.0.
constexpr Property required_since_21(std::string_view name, Type type) {
  return {name, Presence::kRequiredSince21, type};
}

// Optional in the standard of 2021, required in the table of its Errata 01, which does not list the change: said only.
constexpr Property required_by_errata(std::string_view name, Type type) {
  return {name, Presence::kRequiredByErrata, type};
}

inline constexpr Type kAny{};
inline constexpr Type kString{.kind = Kind::kString};
inline constexpr Type kBoolean{.kind = Kind::kBoolean};
inline constexpr Type kInteger{.kind = Kind::kInteger};
inline constexpr Type kNotNegative{.kind = Kind::kInteger, .least = 0};
inline constexpr Type kFloat{.kind = Kind::kFloat};
inline constexpr Type kTimestamp{.kind = Kind::kTimestamp};
inline constexpr Type kHex{.kind = Kind::kHex};
inline constexpr Type kBinary{.kind = Kind::kBinary};
inline constexpr Type kHashes{.kind = Kind::kHashes};

constexpr Type integer(std::int64_t least, std::int64_t most) {
  return {.kind = Kind::kInteger, .least = least, .most = most};
}
constexpr Type number(std::int64_t least, std::int64_t most) {
  return {.kind = Kind::kFloat, .least = least, .most = most};
}
constexpr Type text(const Form& form) { return {.kind = Kind::kString, .form = &form}; }
constexpr Type term(const Vocabulary& vocabulary) { return {.kind = Kind::kVocabulary, .vocabulary = &vocabulary}; }
constexpr Type reference(const Targets& targets) { return {.kind = Kind::kIdentifier, .targets = &targets}; }
constexpr Type structure(const Structure& what) { return {.kind = Kind::kStructure, .structure = &what}; }
constexpr Type dictionary(Entries entries = Entries::kAny) { return {.kind = Kind::kDictionary, .entries = entries}; }
constexpr Type list_of(Type element) {
  element.list = true;
  return element;
}

// `later` is not earlier than `earlier`, where both are there.
constexpr Rule not_before(std::string_view later, std::string_view earlier) {
  return {Rule::Kind::kNotBefore, later, earlier, {}, nullptr};
}
// `later` is later than `earlier`, where both are there.
constexpr Rule after(std::string_view later, std::string_view earlier) {
  return {Rule::Kind::kAfter, later, earlier, {}, nullptr};
}
// At least one of two or three.
constexpr Rule one_of(std::string_view a, std::string_view b, std::string_view c = {}) {
  return {Rule::Kind::kOneOf, a, b, c, nullptr};
}
constexpr Rule not_both(std::string_view a, std::string_view b) { return {Rule::Kind::kNotBoth, a, b, {}, nullptr}; }
// Where `a` is, `b` is.
constexpr Rule needs(std::string_view a, std::string_view b) { return {Rule::Kind::kNeeds, a, b, {}, nullptr}; }
// At least one property of the structure itself, required ones not counted.
constexpr Rule any_own() { return {Rule::Kind::kAnyOwn, {}, {}, {}, nullptr}; }
constexpr Rule rule(void (*check)(Checker&, const Path&)) { return {Rule::Kind::kCustom, {}, {}, {}, check}; }

// Shared by the tables (schema_common.cpp).
extern const Targets kAnyObject, kDomainOrObservable, kDomainOnly, kObservableOnly, kObservableOrRelationship;
extern const Targets kIdentity, kMarkingDefinition;
extern const Structure kKillChainPhase, kExternalReference, kGranularMarking;
extern const std::span<const Property> kCommonOfVersioned, kCommonOfObservable, kCommonOfMarking, kCommonOfLanguage,
    kCommonOfExtension;
extern const std::span<const std::string_view> kNotOfVersioned, kNotOfObservable, kNotOfMarking, kNotOfLanguage,
    kNotOfExtension;
extern const Form kUrlForm, kMimeForm, kLanguageForm, kCharacterSetForm;

}  // namespace bongsu::stix
