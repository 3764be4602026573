#include "stix/rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "stix/checker.h"
#include "stix/marking.h"
#include "stix/pattern.h"
#include "stix/value_checks.h"

namespace bongsu::stix {
namespace {

enum class Selected { kYes, kNo, kTooFar };

// Follows the steps by walking: long lists and many selectors would multiply, so what is walked past is counted.
Selected follow(const dom::object& root, const std::vector<SelectorStep>& steps, std::size_t& budget) {
  dom::element at;
  bool first = true;
  for (const SelectorStep& step : steps) {
    bool found = false;
    dom::array list;
    dom::object object = root;
    if (step.name.empty()) {
      if (first || at.get(list) != simdjson::SUCCESS) return Selected::kNo;
      std::size_t i = 0;
      for (const dom::element each : list) {
        if (budget-- == 0) return budget = 0, Selected::kTooFar;
        found = i++ == step.index;
        if (found) {
          at = each;
          break;
        }
      }
    } else {
      if (!first && at.get(object) != simdjson::SUCCESS) return Selected::kNo;
      for (const auto field : object) {
        if (budget-- == 0) return budget = 0, Selected::kTooFar;
        found = field.key == step.name;
        if (found) {
          at = field.value;
          break;
        }
      }
    }
    if (!found) return Selected::kNo;
    first = false;
  }
  return Selected::kYes;
}

// Calls `look` with each external reference whose source has this name and that has an external_id.
template <class Look>
void each_external_id(const Checker& checker, std::string_view source, const Path& path, Look look) {
  const auto value = checker.find("external_references");
  dom::array references;
  if (!value || value->get(references) != simdjson::SUCCESS) return;
  const Path list = path.in("external_references");
  std::size_t i = 0;
  for (const dom::element each : references) {
    const Path place = list.at(i++);
    dom::object reference;
    std::string_view name, id;
    if (each.get(reference) == simdjson::SUCCESS && reference["source_name"].get(name) == simdjson::SUCCESS &&
        name == source && reference["external_id"].get(id) == simdjson::SUCCESS)
      look(id, place.in("external_id"));
  }
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

bool is_true(const std::optional<dom::element>& value) {
  bool flag = false;
  return value && value->get(flag) == simdjson::SUCCESS && flag;
}
bool is_false(const std::optional<dom::element>& value) {
  bool flag = true;
  return value && value->get(flag) == simdjson::SUCCESS && !flag;
}

}  // namespace

void selectors_resolve(Checker& checker, const Path& path) {
  const auto value = checker.find("selectors");
  dom::array selectors;
  if (!value || value->get(selectors) != simdjson::SUCCESS) return;
  const Path list = path.in("selectors");
  std::size_t i = 0;
  for (const dom::element each : selectors) {
    const Path place = list.at(i++);
    std::string_view text;
    if (each.get(text) != simdjson::SUCCESS) continue;
    const auto steps = parse_selector(text);
    if (!steps) {
      checker.error(place, fmt::format("\"{}\": {}", text.substr(0, 100), steps.error().message));
      continue;
    }
    switch (follow(checker.root(), *steps, checker.selector_budget)) {
      case Selected::kYes:
        break;
      case Selected::kNo:
        checker.error(place, fmt::format("\"{}\" selects nothing that the object has", text.substr(0, 100)));
        break;
      case Selected::kTooFar:
        return checker.error(list, "selects too far into lists too long to be followed");
    }
  }
}

void capec_ids_are_exact(Checker& checker, const Path& path) {
  each_external_id(checker, "capec", path, [&](std::string_view id, const Path& place) {
    const std::string_view number = id.starts_with("CAPEC-") ? id.substr(6) : std::string_view();
    if (number.empty() || !std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; }))
      checker.error(place, "is not of the form CAPEC-[id]");
  });
}

void cve_ids_are_exact(Checker& checker, const Path& path) {
  each_external_id(checker, "cve", path, [&](std::string_view id, const Path& place) {
    if (!is_cve(id)) checker.error(place, "is not a CVE identifier");
  });
}

void stix_pattern_parses(Checker& checker, const Path& path) {
  const auto type = checker.find("pattern_type"), value = checker.find("pattern");
  std::string_view pattern;
  if (!value || value->get(pattern) != simdjson::SUCCESS) return;
  // In STIX 2.0 there was no other language.
  if (type ? text_of(*type) != "stix" : !checker.is_stix_20()) return;
  const auto parsed = parse_pattern(pattern);
  if (parsed) return;
  const Error& error = parsed.error();
  std::string sentence =
      error.where.has_offset ? fmt::format("at offset {}: {}", error.where.offset, error.message) : error.message;
  // The grammar of 2.0 was another in places.
  if (checker.is_stix_20())
    checker.warn(path.in("pattern"), std::move(sentence), "STIX 2.1 §9");
  else
    checker.error(path.in("pattern"), std::move(sentence), "STIX 2.1 §9");
}

void malware_family_has_name(Checker& checker, const Path& path) {
  if (is_true(checker.find("is_family")) && !checker.find("name"))
    checker.error(path.in("name"), "is required for a malware family");
}

void observed_data_has_observable(Checker& checker, const Path& path) {
  const auto value = checker.find("object_refs");
  dom::array references;
  if (!value || value->get(references) != simdjson::SUCCESS) return;
  bool any = false, observable = false;
  for (const dom::element each : references) {
    any = true;
    const auto id = Id::parse(text_of(each));
    observable = observable || !id || kObservableOnly.allow(id->type);
  }
  if (any && !observable) checker.error(path.in("object_refs"), "refers to no SCO; one at least is required");
}

// References inside the deprecated container are the keys of its objects (STIX 2.1 §2.13).
void observable_container_is_closed(Checker& checker, const Path& path) {
  constexpr std::string_view kSection = "STIX 2.1 §2.13";
  const auto value = checker.find("objects");
  dom::object container;
  if (!value || value->get(container) != simdjson::SUCCESS) return;
  std::vector<std::string_view> keys;
  for (const auto field : container) keys.push_back(field.key);
  std::ranges::sort(keys);
  const Path objects = path.in("objects");
  const auto refers = [&](dom::element target, const Path& place) {
    std::string_view key;
    if (target.get(key) != simdjson::SUCCESS)
      checker.error(place, "is not a string", kSection);
    else if (!std::ranges::binary_search(keys, key))
      checker.error(place, "names no object of the container", kSection);
  };
  for (const auto field : container) {
    const Path place = objects.in(field.key);
    dom::object object;
    if (field.value.get(object) != simdjson::SUCCESS) continue;  // said already
    std::string_view type;
    if (object["type"].get(type) != simdjson::SUCCESS)
      checker.error(place.in("type"), "is required for an observable", kSection);
    for (const auto inner : object) {
      const Path property = place.in(inner.key);
      dom::array list;
      if (inner.key.ends_with("_ref")) {
        refers(inner.value, property);
      } else if (inner.key.ends_with("_refs") && inner.value.get(list) == simdjson::SUCCESS) {
        std::size_t i = 0;
        for (const dom::element each : list) refers(each, property.at(i++));
      }
    }
  }
}

void email_body_fits_multipart(Checker& checker, const Path& path) {
  const auto multipart = checker.find("is_multipart");
  if (is_true(multipart) && checker.find("body"))
    checker.error(path.in("body"), "must not stand in a message that is multipart");
  if (is_false(multipart) && checker.find("body_multipart"))
    checker.error(path.in("body_multipart"), "must not stand in a message that is not multipart");
}

void traffic_that_ended_is_not_active(Checker& checker, const Path& path) {
  if (checker.find("end") && is_true(checker.find("is_active")))
    checker.error(path.in("is_active"), "must be false where end is given");
}

void hive_is_written_out(Checker& checker, const Path& path) {
  const auto value = checker.find("key");
  if (!value) return;
  const std::string_view key = text_of(*value);
  std::string hive(key.substr(0, key.find('\\')));
  std::ranges::transform(hive, hive.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  for (const std::string_view brief : {"HKLM", "HKCU", "HKCR", "HKU", "HKCC", "HKPD"})
    if (hive == brief) checker.error(path.in("key"), "its hive is abbreviated; HKEY_… is written out");
}

void precise_to_the_second(Checker& checker, const Path& path) {
  const auto value = checker.find("time_date_stamp");
  if (!value) return;
  const auto stamp = Timestamp::parse(text_of(*value));
  if (stamp && stamp->key().find('.') != std::string::npos)
    checker.error(path.in("time_date_stamp"), "is precise to the second, without fractions");
}

void marking_definition_is_whole(Checker& checker, const Path& path) {
  const auto type = checker.find("definition_type"), definition = checker.find("definition");
  const bool extended = checker.find("extensions").has_value();
  if (!extended && !type) checker.error(path.in("definition_type"), "is required where there are no extensions");
  if (!extended && !definition) checker.error(path.in("definition"), "is required where there are no extensions");
  if (!definition) return;
  dom::object marking;
  const Path place = path.in("definition");
  if (definition->get(marking) != simdjson::SUCCESS) return checker.error(place, "is not an object");
  const std::string_view kind = type ? text_of(*type) : std::string_view();
  if (kind == "statement") {
    std::string_view statement;
    if (marking["statement"].get(statement) != simdjson::SUCCESS)
      checker.error(place.in("statement"), "is required for a statement marking", "STIX 2.1 §7.2.1.3");
  } else if (kind == "tlp") {
    constexpr std::string_view kSection = "STIX 2.1 §7.2.1.4";
    std::string_view level;
    if (marking["tlp"].get(level) != simdjson::SUCCESS) {
      checker.error(place.in("tlp"), "is required for a TLP marking", kSection);
      return;
    }
    const auto known = tlp_of(checker.object().id());
    if (!known || !known->tlp1) {
      checker.error(path.in("id"), "is not one of the four TLP markings of the standard; no others may be made",
                    kSection);
    } else if (level != (known->level == Tlp::kClear ? "white" : to_lower(to_string(known->level).substr(4)))) {
      checker.error(place.in("tlp"), "is not the level of this marking", kSection);
    }
  }
}

void extension_properties_have_their_type(Checker& checker, const Path& path) {
  if (!checker.find("extension_properties")) return;
  const auto types = checker.find("extension_types");
  dom::array list;
  if (!types || types->get(list) != simdjson::SUCCESS) return;
  for (const dom::element each : list)
    if (text_of(each) == "toplevel-property-extension") return;
  checker.error(path.in("extension_properties"), "is for extensions of the type toplevel-property-extension only");
}

}  // namespace bongsu::stix
