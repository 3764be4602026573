#include "formats/misp.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>

namespace bongsu::formats {
namespace {

namespace dom = simdjson::dom;

// Text of a member in whatever form MISP wrote it; numbers and booleans as their text; "" for null and absence.
std::string text_at(const dom::object& object, std::string_view key) {
  dom::element element;
  if (object.at_key(key).get(element) != simdjson::SUCCESS) return {};
  switch (element.type()) {
    case dom::element_type::STRING:
      return std::string(element.get_string().value_unsafe());
    case dom::element_type::INT64:
      return std::to_string(element.get_int64().value_unsafe());
    case dom::element_type::UINT64:
      return std::to_string(element.get_uint64().value_unsafe());
    case dom::element_type::BOOL:
      return element.get_bool().value_unsafe() ? "1" : "0";
    default:
      return {};
  }
}

std::optional<std::int64_t> number_at(const dom::object& object, std::string_view key) {
  const std::string text = text_at(object, key);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool flag_at(const dom::object& object, std::string_view key) {
  const std::string text = text_at(object, key);
  return text == "1" || text == "true" || text == "True";
}

std::optional<Uuid> uuid_at(const dom::object& object, std::string_view key) {
  return Uuid::parse(text_at(object, key));
}

// Seconds since 1970. Outside the years that RFC 3339 can write it is no timestamp.
std::optional<Instant> timestamp_at(const dom::object& object, std::string_view key) {
  constexpr std::int64_t kYear10000 = 253'402'300'800;
  const auto seconds = number_at(object, key);
  if (!seconds || *seconds < 0 || *seconds >= kYear10000) return std::nullopt;
  return Instant{*seconds, 0};
}

MispDistribution distribution_at(const dom::object& object) {
  dom::element element;
  if (object.at_key("distribution").get(element) != simdjson::SUCCESS || element.is_null())
    return MispDistribution::kAbsent;
  switch (number_at(object, "distribution").value_or(-1)) {
    case 0:
      return MispDistribution::kOrganisation;
    case 1:
      return MispDistribution::kCommunity;
    case 2:
      return MispDistribution::kConnected;
    case 3:
      return MispDistribution::kAll;
    case 4:
      return MispDistribution::kSharingGroup;
    case 5:
      return MispDistribution::kInherit;
    default:
      return MispDistribution::kUnknown;
  }
}

std::string sharing_group_of(const dom::object& object) {
  dom::object group;
  if (object.at_key("SharingGroup").get(group) == simdjson::SUCCESS)
    if (std::string name = text_at(group, "name"); !name.empty()) return name;
  std::string id = text_at(object, "sharing_group_id");
  return id == "0" ? std::string() : id;
}

// Calls visit(element object, path) for each object of the list `key`; what is not an object is a problem. Absence is
// an empty list.
template <class Visit>
void for_each(const dom::object& object, std::string_view key, const std::string& path, MispProblems& problems,
              Visit visit) {
  dom::element element;
  if (object.at_key(key).get(element) != simdjson::SUCCESS || element.is_null()) return;
  dom::array list;
  if (element.get(list) != simdjson::SUCCESS) {
    problems.add(fmt::format("{}{}", path, key), "is not a list");
    return;
  }
  std::size_t index = 0;
  for (const dom::element item : list) {
    const std::string place = fmt::format("{}{}[{}]", path, key, index++);
    dom::object value;
    if (item.get(value) == simdjson::SUCCESS)
      visit(value, place);
    else
      problems.add(place, "is not an object");
  }
}

std::vector<std::string> tags_of(const dom::object& object, const std::string& path, MispProblems& problems) {
  std::vector<std::string> tags;
  for_each(object, "Tag", path, problems, [&](const dom::object& tag, const std::string& place) {
    std::string name = text_at(tag, "name");
    if (name.empty())
      problems.add(place, "is a tag without a name");
    else
      tags.push_back(std::move(name));
  });
  return tags;
}

std::vector<MispCluster> clusters_of(const dom::object& object, const std::string& path, MispProblems& problems) {
  std::vector<MispCluster> clusters;
  for_each(object, "Galaxy", path, problems, [&](const dom::object& galaxy, const std::string& galaxy_place) {
    const std::string type = text_at(galaxy, "type");
    for_each(galaxy, "GalaxyCluster", galaxy_place + ".", problems,
             [&](const dom::object& cluster, const std::string& place) {
               MispCluster out{.galaxy_type = type, .uuid = uuid_at(cluster, "uuid")};
               out.value = text_at(cluster, "value");
               out.description = text_at(cluster, "description");
               out.tag_name = text_at(cluster, "tag_name");
               if (out.value.empty())
                 problems.add(place, "is a galaxy cluster without a value");
               else
                 clusters.push_back(std::move(out));
             });
  });
  return clusters;
}

std::uint32_t proposals_of(const dom::object& object) {
  dom::array list;
  if (object.at_key("ShadowAttribute").get(list) != simdjson::SUCCESS) return 0;
  return static_cast<std::uint32_t>(list.size());
}

std::optional<MispAttribute> attribute_of(const dom::object& object, const std::string& place, MispProblems& problems) {
  const auto uuid = uuid_at(object, "uuid");
  const auto timestamp = timestamp_at(object, "timestamp");
  MispAttribute out;
  out.type = text_at(object, "type");
  out.value = text_at(object, "value");
  if (!uuid)
    problems.add(place + ".uuid", "is not a UUID");
  else if (!timestamp)
    problems.add(place + ".timestamp", "is not a number of seconds");
  else if (out.type.empty())
    problems.add(place + ".type", "is missing");
  if (!uuid || !timestamp || out.type.empty()) return std::nullopt;
  out.uuid = *uuid;
  out.timestamp = *timestamp;
  out.category = text_at(object, "category");
  out.comment = text_at(object, "comment");
  out.object_relation = text_at(object, "object_relation");
  out.to_ids = flag_at(object, "to_ids");
  out.deleted = flag_at(object, "deleted");
  out.distribution = distribution_at(object);
  out.sharing_group = sharing_group_of(object);
  out.first_seen = text_at(object, "first_seen");
  out.last_seen = text_at(object, "last_seen");
  out.data = text_at(object, "data");
  out.tags = tags_of(object, place + ".", problems);
  out.clusters = clusters_of(object, place + ".", problems);
  out.proposals = proposals_of(object);
  return out;
}

std::vector<MispAttribute> attributes_of(const dom::object& object, const std::string& path, MispProblems& problems) {
  std::vector<MispAttribute> out;
  for_each(object, "Attribute", path, problems, [&](const dom::object& attribute, const std::string& place) {
    if (auto read = attribute_of(attribute, place, problems)) out.push_back(std::move(*read));
  });
  return out;
}

std::optional<MispObject> object_of(const dom::object& object, const std::string& place, MispProblems& problems) {
  const auto uuid = uuid_at(object, "uuid");
  const auto timestamp = timestamp_at(object, "timestamp");
  if (!uuid || !timestamp) {
    problems.add(place, "is an object without a UUID or timestamp");
    return std::nullopt;
  }
  MispObject out{.uuid = *uuid};
  out.timestamp = *timestamp;
  out.name = text_at(object, "name");
  out.meta_category = text_at(object, "meta-category");
  out.description = text_at(object, "description");
  out.comment = text_at(object, "comment");
  out.deleted = flag_at(object, "deleted");
  out.distribution = distribution_at(object);
  out.sharing_group = sharing_group_of(object);
  out.first_seen = text_at(object, "first_seen");
  out.last_seen = text_at(object, "last_seen");
  out.attributes = attributes_of(object, place + ".", problems);
  for_each(object, "ObjectReference", place + ".", problems, [&](const dom::object& reference, const std::string&) {
    out.references.push_back({text_at(reference, "referenced_uuid"), text_at(reference, "relationship_type")});
  });
  return out;
}

// The parsed document stays valid as long as the parser.
Result<dom::object> parse_document(dom::parser& parser, std::string_view json, std::size_t limit) {
  if (json.size() > limit)
    return fail(ErrorCode::kTooLarge, fmt::format("a MISP document has at most {} bytes", limit));
  dom::element root;
  if (const auto error = parser.parse(json.data(), json.size()).get(root); error != simdjson::SUCCESS)
    return fail(ErrorCode::kInvalid, fmt::format("not JSON: {}", simdjson::error_message(error)));
  dom::object object;
  if (root.get(object) != simdjson::SUCCESS) return fail(ErrorCode::kInvalid, "a MISP document is a JSON object");
  return object;
}

}  // namespace

void MispProblems::add(std::string path, std::string message) {
  ++count;
  if (first.size() < kMaxMispProblems) first.push_back({std::move(path), std::move(message)});
}

Result<MispEvent> parse_misp_event(std::string_view json, MispProblems& problems) {
  dom::parser parser(kMaxMispEventBytes);
  BONGSU_TRY(dom::object object, parse_document(parser, json, kMaxMispEventBytes));
  if (dom::object inner; object.at_key("Event").get(inner) == simdjson::SUCCESS) object = inner;
  const auto uuid = uuid_at(object, "uuid");
  if (!uuid) return fail(ErrorCode::kInvalid, "an event has a UUID", {.field = "Event.uuid"});
  const auto timestamp = timestamp_at(object, "timestamp");
  if (!timestamp) return fail(ErrorCode::kInvalid, "an event has a timestamp in seconds", {.field = "Event.timestamp"});
  MispEvent event{.uuid = *uuid};
  event.timestamp = *timestamp;
  event.info = text_at(object, "info");
  event.date = text_at(object, "date");
  event.extends_uuid = text_at(object, "extends_uuid");
  event.threat_level = number_at(object, "threat_level_id");
  event.analysis = number_at(object, "analysis");
  event.published = flag_at(object, "published");
  if (const auto published = timestamp_at(object, "publish_timestamp"); published && published->seconds > 0)
    event.publish_timestamp = published;
  if (dom::object org;
      object.at_key("Orgc").get(org) == simdjson::SUCCESS || object.at_key("Org").get(org) == simdjson::SUCCESS)
    event.orgc = {uuid_at(org, "uuid"), text_at(org, "name")};
  event.distribution = distribution_at(object);
  event.sharing_group = sharing_group_of(object);
  event.tags = tags_of(object, "", problems);
  event.clusters = clusters_of(object, "", problems);
  event.attributes = attributes_of(object, "", problems);
  for_each(object, "Object", "", problems, [&](const dom::object& part, const std::string& place) {
    if (auto read = object_of(part, place, problems)) event.objects.push_back(std::move(*read));
  });
  for_each(object, "EventReport", "", problems, [&](const dom::object& part, const std::string& place) {
    const auto id = uuid_at(part, "uuid");
    if (!id) {
      problems.add(place + ".uuid", "is not a UUID");
      return;
    }
    event.reports.push_back({*id, text_at(part, "name"), text_at(part, "content"),
                             timestamp_at(part, "timestamp").value_or(event.timestamp), flag_at(part, "deleted"),
                             distribution_at(part)});
  });
  event.proposals = proposals_of(object);
  return event;
}

Result<std::map<Uuid, MispManifestEntry>> parse_misp_manifest(std::string_view json, MispProblems& problems) {
  dom::parser parser(kMaxMispEventBytes);
  BONGSU_TRY(const dom::object object, parse_document(parser, json, kMaxMispEventBytes));
  std::map<Uuid, MispManifestEntry> out;
  for (const auto [key, value] : object) {
    const auto uuid = Uuid::parse(key);
    dom::object entry;
    if (!uuid || value.get(entry) != simdjson::SUCCESS) {
      problems.add(std::string(key), "is not a UUID with an entry");
      continue;
    }
    const auto timestamp = timestamp_at(entry, "timestamp");
    if (!timestamp) {
      problems.add(fmt::format("{}.timestamp", key), "is not a number of seconds");
      continue;
    }
    out[*uuid] = {*uuid, text_at(entry, "info"), *timestamp};
  }
  return out;
}

}  // namespace bongsu::formats
