#include "api/taxii/filters.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/clock.h"
#include "net/http.h"
#include "stix/object.h"

namespace bongsu::api {
namespace {

constexpr std::uint64_t kMaxInteger = (std::uint64_t{1} << 53) - 1;  // TAXII 2.1 §2: integer

std::unexpected<Error> malformed(std::string_view parameter, std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message), {.field = std::string(parameter)});
}

// "YYYY-MM-DDTHH:MM:SS.ssssssZ" (§2). Other numbers of fractional digits are taken too: many clients send three or
// none.
Result<std::int64_t> parse_added_after(std::string_view value) {
  const auto instant = Instant::parse(value);
  const bool form = value.size() >= 20 && value.back() == 'Z' && value[10] == 'T';
  if (!form || !instant)
    return malformed("added_after", "added_after is a timestamp in UTC: 2026-11-21T12:34:56.123456Z");
  return instant->micros();
}

Result<std::uint64_t> parse_limit(std::string_view value) {
  std::uint64_t limit = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), limit);
  if (error != std::errc() || end != value.data() + value.size() || limit == 0 || limit > kMaxInteger)
    return malformed("limit", "limit is an integer greater than zero");
  return limit;
}

// "a,b,c" → values; every one non-empty, of visible ASCII, and given once.
Result<std::vector<std::string>> parse_values(std::string_view parameter, std::string_view text) {
  std::vector<std::string> out;
  std::set<std::string_view> seen;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const std::string_view value = text.substr(at, comma - at);
    if (value.empty()) return malformed(parameter, "a value is missing");
    if (!std::ranges::all_of(value, [](unsigned char c) { return c > 0x20 && c < 0x7f; }))
      return malformed(parameter, "values are separated by a comma without spaces");
    if (out.size() == kMaxMatchValues) return malformed(parameter, "too many values");
    if (seen.insert(value).second)
      out.emplace_back(value);
    else if (parameter == "match[version]")
      return malformed(parameter, "a version is given twice");
    at = comma + 1;
  }
  return out;
}

Result<void> read_versions(std::string_view text, Filters& filters) {
  constexpr std::string_view kParameter = "match[version]";
  BONGSU_TRY(const auto values, parse_values(kParameter, text));
  filters.version_given = true;
  for (const auto& value : values) {
    if (value == "all")
      filters.all = true;
    else if (value == "first")
      filters.first = true;
    else if (value == "last")
      filters.last = true;
    else if (const auto version = stix::Timestamp::parse(value))
      filters.version_keys.push_back(version->key());
    else
      return malformed(kParameter, "a version is all, first, last or a STIX timestamp");
  }
  if (filters.all && values.size() > 1) return malformed(kParameter, "all stands alone");
  std::ranges::sort(filters.version_keys);
  if (std::ranges::adjacent_find(filters.version_keys) != filters.version_keys.end())
    return malformed(kParameter, "a version is given twice");
  return {};
}

Result<void> read_spec_versions(std::string_view text, Filters& filters) {
  constexpr std::string_view kParameter = "match[spec_version]";
  BONGSU_TRY(filters.spec_versions, parse_values(kParameter, text));
  for (const auto& value : filters.spec_versions) {
    const auto dot = value.find('.');
    const auto digits = [](std::string_view part) {
      return !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
    };
    if (dot == std::string::npos || !digits(value.substr(0, dot)) || !digits(value.substr(dot + 1)))
      return malformed(kParameter, "a specification version has the form 2.1");
  }
  return {};
}

Result<void> read_ids(std::string_view text, Filters& filters) {
  BONGSU_TRY(filters.ids, parse_values("match[id]", text));
  for (const auto& id : filters.ids)
    if (!stix::Id::parse(id)) return malformed("match[id]", "an id is a STIX identifier: type--UUID");
  return {};
}

// Which match fields an endpoint defines (§5.3, §5.4, §5.6, §5.7, §5.8).
bool defined_here(std::string_view field, Endpoint endpoint) {
  if (field == "spec_version") return true;
  if (field == "version") return endpoint != Endpoint::kVersions;
  return endpoint == Endpoint::kObjects || endpoint == Endpoint::kManifest;
}

Result<void> read_match(std::string_view name, std::string_view value, Endpoint endpoint, Filters& filters) {
  const std::string_view field = name.substr(6, name.size() - 7);
  if (field != "id" && field != "type" && field != "version" && field != "spec_version") return {};
  // Ignoring it would answer with objects that do not match.
  if (!defined_here(field, endpoint)) return malformed(name, "this endpoint has no such match field");
  if (field == "id") return read_ids(value, filters);
  if (field == "version") return read_versions(value, filters);
  if (field == "spec_version") return read_spec_versions(value, filters);
  BONGSU_TRY(filters.types, parse_values(name, value));
  return {};
}

}  // namespace

Result<Filters> parse_filters(std::string_view query, Endpoint endpoint, bool deleting) {
  BONGSU_TRY(const auto pairs, net::parse_query(query));
  Filters filters;
  std::set<std::string_view> seen;
  for (const auto& [name, value] : pairs) {
    const bool match = name.starts_with("match[") && name.ends_with("]");
    const bool paging = name == "added_after" || name == "limit" || name == "next";
    const bool known_match = match && (name == "match[version]" || name == "match[spec_version]");
    if (deleting && !known_match)
      return malformed(name, "a deletion takes match[version] and match[spec_version] only");
    if (!match && !paging) {
      if (name == "match" || name.starts_with("match[")) return malformed(name, "a match parameter is match[field]");
      continue;
    }
    if (!seen.insert(name).second) return malformed(name, "may be given only once");
    if (name == "added_after") {
      BONGSU_TRY(filters.added_after_us, parse_added_after(value));
    } else if (name == "limit") {
      BONGSU_TRY(filters.limit, parse_limit(value));
    } else if (name == "next") {
      if (value.empty() || value.size() > kMaxNextBytes)
        return malformed(name, "next is a value that this server gave out");
      filters.next = value;
    } else {
      BONGSU_TRY_VOID(read_match(name, value, endpoint, filters));
    }
  }
  return filters;
}

}  // namespace bongsu::api
