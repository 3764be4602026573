// JSON values for documents we build or inspect (Boost.JSON behind one name), and RFC 8785 canonical text.
//
// Objects keep the order of their keys. For gigabytes of telemetry or STIX bodies, use simdjson inside the module instead.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bongsu {

using Json = boost::json::value;
using JsonObject = boost::json::object;
using JsonArray = boost::json::array;

inline constexpr std::size_t kJsonMaxDepth = 128;

// Whole text, one value. Errors: kInvalid with the byte offset. Duplicate keys are refused (kInvalid): two parsers
// that disagree on which one counts would let an object mean two things.
Result<Json> parse_json(std::string_view text);
std::string to_text(const Json& value);         // compact
std::string to_pretty_text(const Json& value);  // two spaces, for people

// RFC 8785 (JCS): keys sorted by UTF-16 code units, ECMAScript numbers. kInvalid for NaN, infinities, and integers that
// a double cannot hold exactly.
Result<std::string> to_canonical_text(const Json& value);

// Appends `text` as a JSON string with quotes. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

// Look-ups that return nothing instead of throwing.
const Json* find(const Json& value, std::string_view key);            // nullptr: not an object, or no such key
std::optional<std::string_view> string_at(const Json& value, std::string_view key);
std::optional<std::int64_t> int_at(const Json& value, std::string_view key);
std::optional<bool> bool_at(const Json& value, std::string_view key);

}  // namespace bongsu
