#include "stix/checker.h"

#include <fmt/format.h>

#include <algorithm>

#include "stix/type_table.h"
#include "stix/value_checks.h"

namespace bongsu::stix {
namespace {

constexpr std::string_view kCommonSection = "STIX 2.1 §3.2";
constexpr std::string_view kReservedNames[] = {"severity", "username", "phone_number", "action"};  // STIX 2.1 §3.8

// "an indicator", "a malware", "a url".
std::string with_article(std::string_view noun) {
  const bool vowel = !noun.empty() && std::string_view("aeio").find(noun.front()) != std::string_view::npos;
  return fmt::format("{} {}", vowel ? "an" : "a", noun);
}

const Property* find_property(std::span<const Property> properties, std::string_view name, std::size_t& index) {
  for (index = 0; index < properties.size(); ++index)
    if (properties[index].name == name) return &properties[index];
  return nullptr;
}

bool is_empty(dom::element value) {
  dom::array list;
  if (value.get(list) == simdjson::SUCCESS) return list.begin() == list.end();
  dom::object object;
  return value.get(object) == simdjson::SUCCESS && object.begin() == object.end();
}

}  // namespace

Checker::Checker(const Object& object, const dom::object& root, Conformance conformance)
    : object_(object), root_(root), conformance_(conformance), schema_(schema_of(object.type())), current_(root) {
  stix_20_ =
      conformance == Conformance::kAdmission && object.spec_version() == "2.0" && existed_in_stix_20(object.type());
}

std::vector<Finding> Checker::run() {
  check_object();
  if (findings_.size() > 1) sort_by_place();
  return std::move(findings_);
}

void Checker::check_object() {
  const Path path;
  if (const auto value = find("defanged")) {
    bool defanged = false;
    defanged_ = value->get(defanged) == simdjson::SUCCESS && defanged;
  }
  dom::object extensions;
  if (const auto value = find("extensions"); value && value->get(extensions) == simdjson::SUCCESS) {
    for (const auto field : extensions) {
      dom::object extension;
      std::string_view type;
      if (field.value.get(extension) == simdjson::SUCCESS && extension["extension_type"].get(type) == simdjson::SUCCESS)
        extends_top_level_ = extends_top_level_ || type != "property-extension";
    }
  }

  check_id(path);
  if (schema_ != nullptr) {
    check_properties(root_, *schema_->own, schema_->common, path);
    check_rules(*schema_->own, path);
  } else {
    static constexpr Structure kCustomObject{"custom object", kCommonSection, {}, {}};
    check_properties(root_, kCustomObject, kCommonOfCustom, path);
  }
  check_versioning(path);
  check_marking_cycles(path);
}

void Checker::check_structure(const dom::object& object, const Structure& structure, const Path& path) {
  const auto outer = std::tuple(current_, section_, structure_, own_seen_);
  check_properties(object, structure, {}, path);
  check_rules(structure, path);
  std::tie(current_, section_, structure_, own_seen_) = outer;
}

void Checker::check_properties(const dom::object& object, const Structure& own, std::span<const Property> common,
                               const Path& path) {
  current_ = object;
  section_ = own.section;
  structure_ = common.empty() || schema_ == nullptr ? own.name : std::string_view(object_.type());
  const bool top_level = !common.empty();
  std::uint64_t own_seen = 0, common_seen = 0;
  std::size_t custom = 0;
  for (const auto field : object) {
    const Path place = path.in(field.key);
    std::size_t index = 0;
    if (const Property* property = find_property(own.properties, field.key, index)) {
      own_seen |= std::uint64_t{1} << index;
      check_property(*property, field.value, place);
    } else if (const Property* shared = find_property(common, field.key, index)) {
      common_seen |= std::uint64_t{1} << index;
      section_ = kCommonSection;
      check_property(*shared, field.value, place);
      section_ = own.section;
    } else if (top_level) {
      ++custom;
      check_unknown(field.key, field.value, place);
    }
  }
  own_seen_ = own_seen;
  if (top_level) check_missing(common, common_seen, path, kCommonSection);
  check_missing(own.properties, own_seen, path, own.section);
  if (top_level && schema_ == nullptr && custom == 0 && !extends_top_level_)
    error(path, "has no property of its own: a custom object needs one", "STIX 2.1 §11.2.1");
}

void Checker::check_missing(std::span<const Property> properties, std::uint64_t seen, const Path& path,
                            std::string_view section) {
  for (std::size_t i = 0; i < properties.size(); ++i) {
    if ((seen >> i & 1) != 0) continue;
    const Property& property = properties[i];
    const Path place = path.in(property.name);
    switch (property.presence) {
      case Presence::kRequired:
        error(place, fmt::format("is required for {}", with_article(structure_)), section);
        break;
      case Presence::kRequiredSince21:
        if (property.name == "spec_version" && object_.spec_version() == "2.0" && existed_in_stix_20(object_.type())) {
          lapse(place,
                fmt::format("is required for {}; an object without it is one of STIX 2.0", with_article(structure_)),
                section);
        } else if (!stix_20_) {
          error(place, fmt::format("is required for {}", with_article(structure_)), section);
        }
        break;
      case Presence::kRequiredByErrata:
        warn(place, fmt::format("is required for {} by Errata 01", with_article(structure_)), section);
        break;
      default:
        break;
    }
  }
}

// Custom properties are carried through; their names must have the form of names (STIX 2.1 §11.1.1, §7.3.2).
void Checker::check_unknown(std::string_view name, dom::element value, const Path& path) {
  if (std::ranges::find(kReservedNames, name) != std::end(kReservedNames)) {
    // Custom objects of the time before the extension facility use these names.
    if (schema_ == nullptr)
      warn(path, "is a name that the standard reserves", "STIX 2.1 §3.8");
    else
      error(path, "is a name that the standard reserves", "STIX 2.1 §3.8");
    return;
  }
  if (schema_ != nullptr && std::ranges::find(schema_->not_applicable, name) != schema_->not_applicable.end()) {
    const std::string sentence = fmt::format("is not a property of {}", with_article(object_.type()));
    const bool unversioned = object_.type() == "marking-definition" && (name == "modified" || name == "revoked");
    if (name == "defanged" || unversioned)
      error(path, sentence, kCommonSection);
    else
      warn(path, sentence, kCommonSection);
    return;
  }
  if (!is_custom_property_name(name)) {
    error(path, "is not the name of a custom property: 3 to 250 of a-z, 0-9 and _", "STIX 2.1 §11.1.1");
  } else if (schema_ != nullptr && !extends_top_level_ && !name.starts_with("x_")) {
    warn(path, fmt::format("is not a property of {}; a custom one should begin with x_", with_article(object_.type())),
         "STIX 2.1 §11.1.1");
  }
  if (value.is_null())
    warn(path, "is null, which no type of the standard allows", "STIX 2.1 §2");
  else if (is_empty(value))
    lapse(path, "is empty; an empty list or dictionary is left out instead", "STIX 2.1 §2.12");
}

// ---- values

void Checker::check_property(const Property& property, dom::element value, const Path& path) {
  if (property.presence == Presence::kReserved) {
    error(path, "is reserved for a later version of the standard", "STIX 2.1 §3.8");
    return;
  }
  if (property.presence == Presence::kDeprecated) warn(path, "is deprecated");
  if (!property.type.list) {
    check_value(value, property.type, path);
  } else {
    dom::array list;
    if (value.get(list) != simdjson::SUCCESS) {
      error(path, "is not a list", "STIX 2.1 §2.12");
      return;
    }
    std::size_t i = 0;
    for (const dom::element each : list) check_value(each, property.type, path.at(i++));
    if (i == 0) {
      if (property.presence == Presence::kRequired)
        error(path, "is an empty list", "STIX 2.1 §2.12");
      else
        lapse(path, "is an empty list; it is left out instead", "STIX 2.1 §2.12");
    }
  }
}

void Checker::check_value(dom::element value, const Type& type, const Path& path) {
  std::string_view string;
  switch (type.kind) {
    case Kind::kAny:
      return;
    case Kind::kString:
    case Kind::kTimestamp:
    case Kind::kIdentifier:
    case Kind::kHex:
    case Kind::kBinary:
    case Kind::kVocabulary:
      if (value.get(string) != simdjson::SUCCESS) return error(path, "is not a string", "STIX 2.1 §2.15");
      return check_string(string, type, path);
    case Kind::kBoolean:
      if (!value.is_bool()) error(path, "is neither true nor false", "STIX 2.1 §2.2");
      return;
    case Kind::kBooleanOrString:
      if (value.is_string())
        warn(path, "is a string; the standard of 2021 has a boolean here");
      else if (!value.is_bool())
        error(path, "is neither true nor false", "STIX 2.1 §2.2");
      return;
    case Kind::kInteger:
      return check_integer(value, type, path);
    case Kind::kFloat:
      return check_float(value, type, path);
    case Kind::kHashes:
    case Kind::kDictionary:
    case Kind::kStructure:
      break;
  }
  dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return error(path, "is not an object", "STIX 2.1 §2.3");
  if (type.kind == Kind::kHashes)
    check_hashes(object, path);
  else if (type.kind == Kind::kDictionary)
    check_dictionary(object, type, path);
  else
    check_structure(object, *type.structure, path);
}

void Checker::check_string(std::string_view value, const Type& type, const Path& path) {
  switch (type.kind) {
    case Kind::kTimestamp:
      if (!Timestamp::parse(value)) error(path, "is not a timestamp YYYY-MM-DDThh:mm:ss[.s…]Z", "STIX 2.1 §2.16");
      return;
    case Kind::kIdentifier:
      return check_identifier(value, type, path);
    case Kind::kHex:
      return check_hex(value, path);
    case Kind::kBinary:
      if (!is_base64(value)) error(path, "is not base64", "STIX 2.1 §2.1");
      return;
    case Kind::kVocabulary:
      return check_term(value, *type.vocabulary, path);
    default:
      break;
  }
  if (type.form == nullptr || type.form->holds(value) || (type.form->unless_defanged && defanged_)) return;
  if (type.form->demanded)
    error(path, std::string(type.form->sentence));
  else
    warn(path, std::string(type.form->sentence));
}

void Checker::check_integer(dom::element value, const Type& type, const Path& path) {
  constexpr std::int64_t kMost = (std::int64_t{1} << 53) - 1;
  std::int64_t number;
  if (value.get(number) != simdjson::SUCCESS) {
    if (value.is_uint64())
      error(path, "is beyond 2^53 - 1", "STIX 2.1 §2.10");
    else
      error(path, "is not an integer", "STIX 2.1 §2.10");
  } else if (number > kMost || number < -kMost) {
    error(path, "is beyond 2^53 - 1", "STIX 2.1 §2.10");
  } else if (number < type.least || number > type.most) {
    if (type.most == std::numeric_limits<std::int64_t>::max())
      error(path, fmt::format("is less than {}", type.least));
    else
      error(path, fmt::format("is not in the range {} to {}", type.least, type.most));
  }
}

void Checker::check_float(dom::element value, const Type& type, const Path& path) {
  double number;
  if (value.get(number) != simdjson::SUCCESS) return error(path, "is not a number", "STIX 2.1 §2.6");
  if (type.most == std::numeric_limits<std::int64_t>::max()) return;
  if (number < static_cast<double>(type.least) || number > static_cast<double>(type.most))
    error(path, fmt::format("is not in the range {} to {}", type.least, type.most));
}

void Checker::check_identifier(std::string_view value, const Type& type, const Path& path) {
  const auto id = Id::parse(value);
  if (!id) return error(path, "is not an identifier: type--UUID in lower case", "STIX 2.1 §2.9");
  if (type.targets != nullptr && !type.targets->allow(id->type))
    error(path, fmt::format("refers to {}; only {} may stand here", with_article(id->type), type.targets->wording));
}

void Checker::check_hex(std::string_view value, const Path& path) {
  if (!is_hex(value)) return error(path, "is not an even number of hexadecimal digits", "STIX 2.1 §2.8");
  // The standard's own examples write them so (§6.6).
  if (std::ranges::any_of(value, [](char c) { return c >= 'A' && c <= 'F'; }))
    warn(path, "has upper-case hexadecimal digits", "STIX 2.1 §2.8");
}

void Checker::check_hashes(const dom::object& hashes, const Path& path) {
  bool any = false;
  for (const auto field : hashes) {
    any = true;
    const Path place = path.in(field.key);
    std::string_view value;
    if (!is_dictionary_key(field.key, 3)) {
      error(place, "is not the name of a hash: 3 to 250 of a-z, A-Z, 0-9, - and _", "STIX 2.1 §2.7");
    } else if (field.value.get(value) != simdjson::SUCCESS) {
      error(place, "is not a string", "STIX 2.1 §2.7");
    } else {
      switch (check_hash(field.key, value)) {
        case HashCheck::kBad:
          error(place, fmt::format("is not a hash by {}", field.key), "STIX 2.1 §10.7");
          break;
        case HashCheck::kUnknownAlgorithm:
          warn(place, "is not a term of hash-algorithm-ov", "STIX 2.1 §10.7");
          break;
        case HashCheck::kGood:
          break;
      }
    }
  }
  if (!any) error(path, "holds no hash", "STIX 2.1 §2.7");
}

void Checker::check_dictionary(const dom::object& dictionary, const Type& type, const Path& path) {
  bool any = false;
  for (const auto field : dictionary) {
    any = true;
    const Path place = path.in(field.key);
    if (!is_dictionary_key(field.key))
      error(place, "is not a key of a dictionary: 1 to 250 of a-z, A-Z, 0-9, - and _", "STIX 2.1 §2.3");
    if (type.language_keys && !is_language_tag(field.key)) error(place, "is not a language code (RFC 5646)");
    check_entry(field.value, type.entries, place);
  }
  if (!any) lapse(path, "is an empty dictionary; it is left out instead", "STIX 2.1 §2.3");
  if (path.parent != nullptr && path.parent->parent == nullptr && path.name == "extensions")
    check_extensions(dictionary, path);
}

void Checker::check_entry(dom::element value, Entries entries, const Path& path) {
  std::int64_t integer;
  switch (entries) {
    case Entries::kAny:
      if (value.is_null()) error(path, "is null, which no type of the standard allows", "STIX 2.1 §2.3");
      return;
    case Entries::kString:
      if (!value.is_string()) error(path, "is not a string");
      return;
    case Entries::kInteger:
      if (value.get(integer) != simdjson::SUCCESS) error(path, "is not an integer");
      return;
    case Entries::kIntegerOrString:
      if (!value.is_string() && value.get(integer) != simdjson::SUCCESS)
        error(path, "is neither an integer nor a string");
      return;
    case Entries::kDictionary:
      if (!value.is_object())
        error(path, "is not an object");
      else if (is_empty(value))
        lapse(path, "is an empty dictionary", "STIX 2.1 §2.3");
      return;
    case Entries::kListOfString:
      break;
  }
  dom::array list;
  if (value.is_string()) {  // as an example of the standard has it (§6.6)
    warn(path, "is a string, not a list of strings");
  } else if (value.get(list) != simdjson::SUCCESS) {
    error(path, "is not a list of strings");
  } else {
    std::size_t i = 0;
    for (const dom::element each : list) {
      if (!each.is_string()) error(path.at(i), "is not a string");
      ++i;
    }
  }
}

void Checker::check_term(std::string_view value, const Vocabulary& vocabulary, const Path& path) {
  if (vocabulary.contains(value)) return;
  const std::string sentence = fmt::format("\"{}\" is not a term of {}", value.substr(0, 100), vocabulary.name);
  if (vocabulary.closed)
    error(path, sentence, vocabulary.section);
  else
    warn(path, sentence, vocabulary.section);
}

// ---- rules between properties

void Checker::check_rules(const Structure& structure, const Path& path) {
  for (const Rule& rule : structure.rules) check_rule(rule, structure, path);
}

void Checker::check_rule(const Rule& rule, const Structure& structure, const Path& path) {
  switch (rule.kind) {
    case Rule::Kind::kNotBefore:
    case Rule::Kind::kAfter:
      return check_order(rule, path);
    case Rule::Kind::kOneOf:
      if (!find(rule.a) && !find(rule.b) && (rule.c.empty() || !find(rule.c))) {
        const std::string rest =
            rule.c.empty() ? fmt::format(" or {}", rule.b) : fmt::format(", {} or {}", rule.b, rule.c);
        error(path.in(rule.a), fmt::format("one of {}{} is required for {}", rule.a, rest, with_article(structure_)));
      }
      return;
    case Rule::Kind::kNotBoth:
      if (find(rule.a) && find(rule.b)) error(path.in(rule.b), fmt::format("must not stand beside {}", rule.a));
      return;
    case Rule::Kind::kNeeds:
      if (find(rule.a) && !find(rule.b)) error(path.in(rule.b), fmt::format("is required where {} is given", rule.a));
      return;
    case Rule::Kind::kAnyOwn: {
      std::uint64_t counted = 0;
      for (std::size_t i = 0; i < structure.properties.size(); ++i)
        if (structure.properties[i].presence != Presence::kRequired) counted |= std::uint64_t{1} << i;
      const bool top_level = path.parent == nullptr && path.name.empty();
      if ((own_seen_ & counted) == 0 && !(top_level && find("extensions")))
        error(path, fmt::format("{} needs at least one property of its own", with_article(structure_)));
      return;
    }
    case Rule::Kind::kCustom:
      return rule.check(*this, path);
  }
}

void Checker::check_order(const Rule& rule, const Path& path) {
  const auto later_value = find(rule.a), earlier_value = find(rule.b);
  if (!later_value || !earlier_value) return;
  const auto later = Timestamp::parse(text_of(*later_value)), earlier = Timestamp::parse(text_of(*earlier_value));
  if (!later || !earlier) return;  // said already
  if (*later < *earlier)
    error(path.in(rule.a), fmt::format("is earlier than {}", rule.b));
  else if (rule.kind == Rule::Kind::kAfter && *later == *earlier)
    error(path.in(rule.a), fmt::format("is not later than {}", rule.b));
}

// ---- common properties

void Checker::check_id(const Path& path) {
  const Uuid& uuid = object_.id().uuid;
  if (uuid != Uuid{} && (!uuid.is_rfc_variant() || uuid.version() < 1 || uuid.version() > 8)) {
    lapse(path.in("id"), "its UUID is not one of RFC 4122", "STIX 2.1 §2.9");
  } else if (object_.category() != Category::kObservable && object_.category() != Category::kCustom &&
             uuid.version() != 4) {
    warn(path.in("id"), "should have a UUIDv4", "STIX 2.1 §2.9");
  }
  const auto version = find("spec_version");
  if (!version) return;
  std::string_view text;
  if (version->get(text) != simdjson::SUCCESS || text == "2.1") return;  // another type is said with the property
  if (text == "2.0" && (existed_in_stix_20(object_.type()) || schema_ == nullptr))
    lapse(path.in("spec_version"), "is 2.0, not 2.1", kCommonSection);
  else
    error(path.in("spec_version"), "is not 2.1", kCommonSection);
}

void Checker::check_versioning(const Path& path) {
  constexpr std::size_t kWithMilliseconds = std::string_view("2016-01-20T12:31:12.123Z").size();
  for (const auto* stamp : {&object_.created(), &object_.modified()}) {
    if (*stamp && (*stamp)->text().size() < kWithMilliseconds) {
      lapse(path.in(stamp == &object_.created() ? "created" : "modified"), "has no milliseconds", kCommonSection);
    }
  }
  if (object_.created() && object_.modified() && *object_.modified() < *object_.created())
    lapse(path.in("modified"), "is earlier than created", kCommonSection);
}

void Checker::check_marking_cycles(const Path& path) {
  if (object_.category() != Category::kMeta) return;
  const std::string_view sentence = "a marking definition cannot mark itself";
  const Path refs = path.in("object_marking_refs"), granular = path.in("granular_markings");
  for (std::size_t i = 0; i < object_.object_markings().size(); ++i)
    if (object_.object_markings()[i] == object_.id()) error(refs.at(i), std::string(sentence), kCommonSection);
  for (std::size_t i = 0; i < object_.granular_markings().size(); ++i) {
    const Path place = granular.at(i);
    if (object_.granular_markings()[i].marking_ref == object_.id())
      error(place.in("marking_ref"), std::string(sentence), kCommonSection);
  }
}

// ---- extensions (STIX 2.1 §3.10, §7.3, §11.3)

void Checker::check_extensions(const dom::object& extensions, const Path& path) {
  for (const auto field : extensions) {
    dom::object extension;
    if (field.value.get(extension) == simdjson::SUCCESS) check_extension(field.key, extension, path.in(field.key));
  }
}

void Checker::check_extension(std::string_view key, const dom::object& extension, const Path& path) {
  const auto predefined = std::ranges::find(predefined_extensions(), key, &Extension::key);
  if (predefined != predefined_extensions().end()) {
    if (predefined->type == object_.type())
      check_structure(extension, *predefined->structure, path);
    else
      error(
          path,
          fmt::format("is an extension of {}, not of {}", with_article(predefined->type), with_article(object_.type())),
          "STIX 2.1 §3.10");
    return;
  }
  if (key.starts_with("extension-definition--")) {
    if (!Id::parse(key)) error(path, "is not the id of an extension definition", "STIX 2.1 §7.3");
    dom::element type;
    if (extension["extension_type"].get(type) != simdjson::SUCCESS)
      return error(path.in("extension_type"), "is required for an extension", kCommonSection);
    static constexpr std::string_view kTypes[] = {"new-sdo", "new-sco", "new-sro", "property-extension",
                                                  "toplevel-property-extension"};
    if (std::ranges::find(kTypes, text_of(type)) == std::end(kTypes))
      error(path.in("extension_type"),
            fmt::format("\"{}\" is not a term of extension-type-enum", text_of(type).substr(0, 100)), "STIX 2.1 §10.5");
    for (const auto field : extension)
      if (!is_custom_property_name(field.key))
        error(path.in(field.key), "is not the name of an extension's property: 3 to 250 of a-z, 0-9 and _",
              "STIX 2.1 §7.3.2");
    return;
  }
  if (schema_ != nullptr && schema_->category != Category::kObservable) {
    warn(path, "should be the id of an extension definition", kCommonSection);
    return;
  }
  const bool name = key.size() >= 3 && std::ranges::all_of(key, [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                    });
  if (!name)
    error(path, "is not the name of a custom extension: a-z, 0-9 and hyphens", "STIX 2.1 §11.3.1");
  else if (!key.ends_with("-ext"))
    warn(path, "should end in -ext", "STIX 2.1 §11.3.1");
}

// ---- saying it

std::optional<dom::element> Checker::find(std::string_view name) const {
  dom::element value;
  if (current_.at_key(name).get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

void Checker::error(const Path& path, std::string sentence, std::string_view section) {
  say(Severity::kError, path, std::move(sentence), section);
}
void Checker::warn(const Path& path, std::string sentence, std::string_view section) {
  say(Severity::kWarning, path, std::move(sentence), section);
}
void Checker::lapse(const Path& path, std::string sentence, std::string_view section) {
  say(conformance_ == Conformance::kLetter ? Severity::kError : Severity::kWarning, path, std::move(sentence), section);
}

void Checker::say(Severity severity, const Path& path, std::string sentence, std::string_view section) {
  if (findings_.size() >= kMaxFindings) return;
  findings_.push_back({severity, path.text(), std::move(sentence), std::string(section.empty() ? section_ : section)});
}

void Checker::sort_by_place() {
  const auto place = [&](const Finding& finding) -> std::size_t {
    const std::string_view property = finding.property;
    const std::string_view first = property.substr(0, property.find_first_of(".["));
    std::size_t i = 1;
    for (const auto field : root_) {
      if (field.key == first) return i;
      ++i;
    }
    return 0;
  };
  std::vector<std::pair<std::size_t, std::size_t>> order;  // place, then as found
  order.reserve(findings_.size());
  for (const Finding& finding : findings_) order.emplace_back(place(finding), order.size());
  std::ranges::sort(order);
  std::vector<Finding> sorted;
  sorted.reserve(findings_.size());
  for (const auto& [_, index] : order) sorted.push_back(std::move(findings_[index]));
  findings_ = std::move(sorted);
}

std::vector<Finding> validate(const Object& object, Conformance conformance) {
  auto document = Document::parse(object.bytes());
  if (!document) return {{Severity::kError, "", document.error().message, "STIX 2.1 §1.2.10"}};  // parsed once already
  return Checker(object, document->root(), conformance).run();
}

bool has_errors(const std::vector<Finding>& findings) {
  return std::ranges::any_of(findings, [](const Finding& f) { return f.severity == Severity::kError; });
}

}  // namespace bongsu::stix
