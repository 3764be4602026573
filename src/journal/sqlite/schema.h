// The tables of journal.db, and how a file is recognised. journal/README.md gives the reasons.
#pragma once

#include <cstdint>

#include "journal/journal.h"
#include "journal/sqlite/database.h"

namespace bongsu::journal::sqlite {

inline constexpr std::int64_t kApplicationId = 0x426e6a6c;  // "Bnjl"
inline constexpr std::int64_t kSchemaVersion = 3;
inline constexpr const char* kFileName = "journal.db";

// Makes the tables in an empty file, or checks that the file is ours, whole and not newer, and brings one of an
// earlier version up to date (in one transaction; later versions only add columns). Throws kCorrupt,
// kUnsupported.
void create_or_check_schema(Database& db);
// For read-only use: checks only.
void check_schema(Database& db);

// A row of an outbox has the key view * 2^40 + pos: ordered by position within its view, appended at the end of it.
inline constexpr int kPosBits = 40;
inline constexpr std::uint64_t kMaxPos = (std::uint64_t{1} << kPosBits) - 1;
inline constexpr ViewId kMaxView = (1U << 22) - 1;
inline std::int64_t row_id(ViewId view, Pos pos) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(view) << kPosBits | (pos > kMaxPos ? kMaxPos : pos));
}
inline Pos pos_of(std::int64_t rid) { return static_cast<std::uint64_t>(rid) & kMaxPos; }

// outbox.class = spec * 8 + pick. The pick says which of match[version]'s keywords choose the row, so that each is a
// range of an index.
enum Pick : std::uint8_t {
  kMiddle = 0,
  kPickLast = 1,
  kPickFirst = 2,
  kPickOnly = 3,   // last and first
  kPickMixed = 4,  // the object has visible versions of several spec_versions: chosen when the query is known
  kPickWithdrawn = 7,
};
inline std::int64_t row_class(std::int64_t spec, Pick pick) { return spec * 8 + pick; }
inline Pick pick_of(std::int64_t row_class) { return static_cast<Pick>(row_class & 7); }
inline std::int64_t spec_of(std::int64_t row_class) { return row_class >> 3; }

// entries.flags
inline constexpr std::int64_t kErasedFlag = 1;
inline constexpr std::int64_t kDeletedFlag = 2;
inline constexpr std::int64_t kMayReturnFlag = 4;  // destroyed, not for good

// Spaces of the dictionary.
enum Space : std::uint8_t { kCollectionText = 1, kTypeText = 2, kSpecText = 3, kOriginText = 4, kLabelText = 5 };
inline constexpr std::size_t kMaxSpecVersions = 16;

}  // namespace bongsu::journal::sqlite
