// STIX objects of the scenarios.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "stix/marking.h"

namespace bongsu::simulation {

inline std::string id_of(std::string_view type, unsigned number) {
  return fmt::format("{}--{:08x}-1111-4111-8111-111111111111", type, number);
}
inline std::string tlp(stix::Tlp level) { return stix::tlp_marking_id(level).text(); }

inline std::string list_of(std::string_view property, const std::vector<std::string>& ids) {
  if (ids.empty()) return "";
  std::string out = fmt::format(",\"{}\":[", property);
  for (const auto& id : ids) out += (out.back() == '[' ? "\"" : ",\"") + id + '"';
  return out + ']';
}

// `version` counts seconds of `modified`; `name` makes contents differ.
inline std::string domain_object(std::string_view type, unsigned number, const std::vector<std::string>& markings,
                                 unsigned version, std::string_view name, std::string_view more = "") {
  std::string own;
  if (type == "indicator")
    own = fmt::format(
        R"("name":"{}","pattern":"[domain-name:value = 'n{}.example']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z")",
        name, number);
  else if (type == "malware")
    own = fmt::format(R"("name":"{}","is_family":false)", name);
  else
    own = fmt::format(R"("name":"{}")", name);
  return fmt::format(
      R"({{"type":"{}","spec_version":"2.1","id":"{}","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T{:02}:{:02}:{:02}.000Z",{}{}{}}})",
      type, id_of(type, number), version / 3600 % 24, version / 60 % 60, version % 60, own,
      list_of("object_marking_refs", markings), more);
}

inline std::string relationship(unsigned number, const std::string& source, const std::string& target,
                                const std::vector<std::string>& markings) {
  return fmt::format(
      R"({{"type":"relationship","spec_version":"2.1","id":"{}","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","relationship_type":"related-to","source_ref":"{}","target_ref":"{}"{}}})",
      id_of("relationship", number), source, target, list_of("object_marking_refs", markings));
}

inline std::string report(unsigned number, const std::vector<std::string>& refs,
                          const std::vector<std::string>& markings) {
  return fmt::format(
      R"({{"type":"report","spec_version":"2.1","id":"{}","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"r","published":"2026-01-01T00:00:00Z"{}{}}})",
      id_of("report", number), list_of("object_refs", refs), list_of("object_marking_refs", markings));
}

inline std::string sighting(unsigned number, const std::string& of, const std::vector<std::string>& markings) {
  return fmt::format(
      R"({{"type":"sighting","spec_version":"2.1","id":"{}","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","sighting_of_ref":"{}"{}}})",
      id_of("sighting", number), of, list_of("object_marking_refs", markings));
}

// A cyber-observable: without a version, so its date_added becomes one.
inline std::string address(unsigned number, const std::vector<std::string>& markings, std::string_view more = "") {
  return fmt::format(R"({{"type":"ipv4-addr","spec_version":"2.1","id":"{}","value":"198.51.{}.{}"{}{}}})",
                     id_of("ipv4-addr", number), number / 250 % 250, number % 250,
                     list_of("object_marking_refs", markings), more);
}

// A part that is marked AMBER by itself, in one form of a few; `word` is in it as often as `size` says. It stands
// behind the other properties. Observables take the last form alone.
inline constexpr unsigned kPartForms = 4, kListForm = 1;
inline std::string amber_part(unsigned form, std::string_view word, unsigned size) {
  std::string value, selector;
  switch (form) {
    case 0:
      for (unsigned i = 0; i < size; ++i) value += fmt::format("{} {} ", word, i);
      value = fmt::format(R"("description":"{}")", value);
      selector = "description";
      break;
    case kListForm:
      for (unsigned i = 0; i < size; ++i) value += fmt::format(R"({}"{}{}")", i == 0 ? "" : ",", word, i);
      value = fmt::format(R"("labels":[{}])", value);
      selector = "labels";
      break;
    case 2:
      value = fmt::format(R"("labels":["open","{}","open too"])", word);
      selector = "labels.[1]";
      break;
    default:
      value = fmt::format(R"("x_details":{{"open":"yes","more":{{"what":"{}","count":{}}}}})", word, size);
      selector = "x_details.more";
  }
  return fmt::format(R"(,{},"granular_markings":[{{"marking_ref":"{}","selectors":["{}"]}}])", value,
                     tlp(stix::Tlp::kAmber), selector);
}

}  // namespace bongsu::simulation
