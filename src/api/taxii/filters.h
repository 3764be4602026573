// The URL query parameters of TAXII 2.1 §3.4 as values.
//
//   parse_filters("added_after=2026-11-21T00:00:00.000000Z&match[type]=indicator,malware&limit=100",
//   Endpoint::kObjects)
//
// Malformed parameters are kInvalid (HTTP 400) with `where.field` naming the parameter. Parameters and match fields
// that the standard does not define are ignored where they can only narrow what is read, and refused where something is
// deleted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/taxii/route.h"
#include "base/result.h"

namespace bongsu::api {

inline constexpr std::size_t kMaxMatchValues = 1000;  // in one match parameter
inline constexpr std::size_t kMaxNextBytes = 128;

struct Filters {
  std::optional<std::int64_t> added_after_us;
  std::optional<std::uint64_t> limit;
  std::string next;  // empty = not given
  std::vector<std::string> ids, types, spec_versions;
  bool version_given = false;                     // else `last` is the default (§3.4.1)
  bool last = false, first = false, all = false;  // match[version] keywords
  std::vector<std::string> version_keys;          // stix::Timestamp::key() of exact versions
};

Result<Filters> parse_filters(std::string_view query, Endpoint endpoint, bool deleting);

}  // namespace bongsu::api
