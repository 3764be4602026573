// Versions of objects as short byte strings that sort as the instants do, and identifiers split for storage.
//
//   encode_version_key("2024-01-31T10:00:00.123")  → 5 bytes of seconds since the year 0, then the fraction in base 100
//   decode_version_key(code)                       → the key again, exactly
//
// A key that is not of the form of stix::Timestamp::key() is kept as 0xFF followed by its text: it sorts after all
// others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/uuid.h"

namespace bongsu::journal {

inline constexpr char kRawVersionMark = '\xff';   // a key that is no timestamp follows
inline constexpr char kHashVersionMark = '\xfe';  // never made by encode_version_key: free for the store's own use

std::string encode_version_key(std::string_view key);  // "" → ""
std::string decode_version_key(std::string_view code);

// The key with its fraction padded to this many digits and "Z": how nearly every version is written.
std::string version_text(std::string_view key, int digits);
// The number of digits for which version_text(key, digits) == text; nullopt if there is none.
std::optional<int> version_digits(std::string_view key, std::string_view text);

// What an object without a version has instead: its date_added, with six digits, and the key of that.
struct AddedVersion {
  std::string text, key;
};
AddedVersion added_version(std::int64_t added_us);

// "indicator--2a1b…" → type "indicator" and the UUID's bytes; other text is kept as it is.
struct ObjectCode {
  std::string_view type;  // before the first "--"; empty if there is none
  std::optional<Uuid> uuid;
  std::string_view rest;  // after it, when that is not a UUID in lower case
};
ObjectCode split_object_id(std::string_view id);
std::string join_object_id(std::string_view type, const std::optional<Uuid>& uuid, std::string_view rest);

}  // namespace bongsu::journal
