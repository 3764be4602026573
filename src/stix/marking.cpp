#include "stix/marking.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/result.h"

namespace bongsu::stix {
namespace {

struct Definition {
  Tlp level;
  bool tlp1;
  std::string_view uuid;
};

// STIX 2.1 §7.2.1.4 for TLP 1; the OASIS common objects for TLP 2.0 (extension-definition--60a3c5c5-…, 2022-10-01).
constexpr std::array kDefinitions = {
    Definition{Tlp::kClear, false, "94868c89-83c2-464b-929b-a1a8aa3c8487"},
    Definition{Tlp::kGreen, false, "bab4a63c-aed9-4cf5-a766-dfca5abac2bb"},
    Definition{Tlp::kAmber, false, "55d920b0-5e8b-4f79-9ee9-91f868d9b421"},
    Definition{Tlp::kAmberStrict, false, "939a9414-2ddd-4d32-a0cd-375ea402b003"},
    Definition{Tlp::kRed, false, "e828b379-4e03-4974-9ac4-e53a884c97c1"},
    Definition{Tlp::kClear, true, "613f2e26-407d-48c7-9eca-b8e91df99dc9"},
    Definition{Tlp::kGreen, true, "34098fce-860f-48ae-8e50-ebd3cc5e41da"},
    Definition{Tlp::kAmber, true, "f88d31f6-486f-44da-b317-01333bde0b82"},
    Definition{Tlp::kRed, true, "5e57c739-391a-4eb3-b6be-7d15ca92d5ed"},
};

struct PapDefinition {
  Pap level;
  std::string_view uuid;
};

// The OASIS common objects for PAP (extension-definition--f8d78575-…).
constexpr std::string_view kPapExtension = "extension-definition--f8d78575-edfd-406e-8e84-6162a8450f5b";
constexpr std::string_view kTlp2Extension = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";
constexpr std::array kPapDefinitions = {
    PapDefinition{Pap::kClear, "ad15a0cd-55b6-4588-a14c-a66105329b92"},
    PapDefinition{Pap::kGreen, "c43594d1-4b11-4c59-93ab-1c9b14d53ce9"},
    PapDefinition{Pap::kAmber, "60f8932b-e51e-4458-b265-a2e8be9a80ab"},
    PapDefinition{Pap::kRed, "740d36e5-7714-4c30-961a-3ae632ceee0e"},
    PapDefinition{Pap::kClear, "a3bea94c-b469-41dc-9cfe-d6e7daba7730"},  // WHITE
};
constexpr std::array<std::string_view, 4> kPapNames = {"PAP:CLEAR", "PAP:GREEN", "PAP:AMBER", "PAP:RED"};

std::string lowered(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

// In the order of Tlp. `value` is what the tlp_2_0 property holds.
struct Name {
  std::string_view label, value;
};
constexpr std::array kNames = {Name{"TLP:CLEAR", "clear"}, Name{"TLP:GREEN", "green"}, Name{"TLP:AMBER", "amber"},
                               Name{"TLP:AMBER+STRICT", "amber+strict"}, Name{"TLP:RED", "red"}};

const Name& name_of(Tlp level) { return kNames.at(static_cast<std::size_t>(level)); }

std::string definition_text(Tlp level) {
  return fmt::format(
      R"({{"type":"marking-definition","spec_version":"2.1","id":"{}","created":"2022-10-01T00:00:00.000Z","name":"{}",)"
      R"("extensions":{{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":)"
      R"({{"extension_type":"property-extension","tlp_2_0":"{}"}}}}}})",
      tlp_marking_id(level).text(), name_of(level).label, name_of(level).value);
}

}  // namespace

std::optional<TlpMarking> tlp_of(const Id& marking) {
  if (marking.type != "marking-definition") return std::nullopt;
  static const auto uuids = [] {
    std::array<Uuid, kDefinitions.size()> out;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = *Uuid::parse(kDefinitions[i].uuid);
    return out;
  }();
  for (std::size_t i = 0; i < uuids.size(); ++i)
    if (uuids[i] == marking.uuid) return TlpMarking{kDefinitions[i].level, kDefinitions[i].tlp1};
  return std::nullopt;
}

Id tlp_marking_id(Tlp level) {
  const auto at = std::ranges::find_if(kDefinitions, [&](const Definition& d) { return !d.tlp1 && d.level == level; });
  BONGSU_CHECK(at != kDefinitions.end());
  return Id{"marking-definition", *Uuid::parse(at->uuid)};
}

std::string_view tlp_definition(Tlp level) {
  static const std::array<std::string, kNames.size()> texts = {
      definition_text(Tlp::kClear), definition_text(Tlp::kGreen), definition_text(Tlp::kAmber),
      definition_text(Tlp::kAmberStrict), definition_text(Tlp::kRed)};
  return texts.at(static_cast<std::size_t>(level));
}

std::string_view to_string(Tlp level) { return name_of(level).label; }

std::optional<Tlp> parse_tlp(std::string_view text) {
  std::string lower = lowered(text);
  if (lower.starts_with("tlp:")) lower.erase(0, 4);
  if (lower == "white") return Tlp::kClear;  // TLP 1's name of the level
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (lower == kNames[i].value) return static_cast<Tlp>(i);
  return std::nullopt;
}

std::optional<Pap> pap_of(const Id& marking) {
  if (marking.type != "marking-definition") return std::nullopt;
  static const auto uuids = [] {
    std::array<Uuid, kPapDefinitions.size()> out;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = *Uuid::parse(kPapDefinitions[i].uuid);
    return out;
  }();
  for (std::size_t i = 0; i < uuids.size(); ++i)
    if (uuids[i] == marking.uuid) return kPapDefinitions[i].level;
  return std::nullopt;
}

std::string_view to_string(Pap level) { return kPapNames.at(static_cast<std::size_t>(level)); }

std::optional<Pap> parse_pap(std::string_view text) {
  std::string lower = lowered(text);
  if (!lower.starts_with("pap:")) lower.insert(0, "pap:");
  if (lower == "pap:white") return Pap::kClear;
  for (std::size_t i = 0; i < kPapNames.size(); ++i)
    if (lower == lowered(kPapNames[i])) return static_cast<Pap>(i);
  return std::nullopt;
}

bool is_well_known_marking(const Id& marking) { return tlp_of(marking) || pap_of(marking); }

bool says_its_level(const Id& id, const Json& definition) {
  const auto extended = [&](std::string_view extension, std::string_view property) -> std::optional<std::string_view> {
    const Json* extensions = find(definition, "extensions");
    const Json* body = extensions == nullptr ? nullptr : find(*extensions, extension);
    return body == nullptr ? std::nullopt : string_at(*body, property);
  };
  if (const auto tlp = tlp_of(id)) {
    std::optional<std::string_view> said = extended(kTlp2Extension, "tlp_2_0");
    if (tlp->tlp1) {
      const Json* body = find(definition, "definition");
      said = body == nullptr ? std::nullopt : string_at(*body, "tlp");
    }
    return said && parse_tlp(*said) == tlp->level;
  }
  if (const auto pap = pap_of(id)) {
    const auto said = extended(kPapExtension, "pap");
    return said && parse_pap(*said) == *pap;
  }
  return true;
}

// Components separated by '.': a name of a-z, A-Z, 0-9, '_' and '-' (dictionary keys have these), or "[index]".
Result<std::vector<SelectorStep>> parse_selector(std::string_view selector) {
  constexpr std::size_t kMaxNameLength = 250;  // STIX 2.1 §3.1
  constexpr std::size_t kMaxIndexDigits = 9;
  const auto broken = [&](std::size_t offset, std::string message) {
    return fail(ErrorCode::kInvalid, std::move(message), {.offset = offset, .has_offset = true});
  };
  std::vector<SelectorStep> steps;
  std::size_t at = 0;
  while (true) {
    const std::size_t end = std::min(selector.find('.', at), selector.size());
    const std::string_view part = selector.substr(at, end - at);
    if (part.empty()) return broken(at, "a selector has an empty component");
    if (part.front() == '[') {
      if (steps.empty()) return broken(at, "a selector begins with the name of a property");
      const std::string_view digits = part.substr(1, part.size() < 2 ? 0 : part.size() - 2);
      if (part.back() != ']' || digits.empty() || digits.size() > kMaxIndexDigits ||
          !std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; }) ||
          (digits.size() > 1 && digits.front() == '0'))
        return broken(at, "a list index in a selector is a number in square brackets");
      SelectorStep step;
      for (const char c : digits) step.index = step.index * 10 + static_cast<std::size_t>(c - '0');
      steps.push_back(std::move(step));
    } else {
      if (part.size() > kMaxNameLength) return broken(at, "a name in a selector is longer than 250 characters");
      for (std::size_t i = 0; i < part.size(); ++i) {
        const char c = part[i];
        const bool good =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!good) return broken(at + i, "a character that no name in a selector has");
      }
      steps.push_back({std::string(part), 0});
    }
    if (end == selector.size()) return steps;
    at = end + 1;
  }
}

const Json* resolve(const Json& object, const std::vector<SelectorStep>& steps) {
  const Json* at = &object;
  for (const SelectorStep& step : steps) {
    if (step.name.empty()) {
      const auto* list = at->if_array();
      if (list == nullptr || step.index >= list->size()) return nullptr;
      at = &(*list)[step.index];
    } else {
      at = find(*at, step.name);
      if (at == nullptr) return nullptr;
    }
  }
  return at;
}

}  // namespace bongsu::stix
