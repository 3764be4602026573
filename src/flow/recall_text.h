// What recalls look like on the wire: tombstones and destruction receipts, signed with Ed25519 over their exact text.
//
//   SignedText told = *sign_text(kTombstoneContext, tombstone.text(), key);
//   if (verify_text(kTombstoneContext, told, giver_key)) Tombstone::parse(told.text)
//
// A tombstone names one recipient, so that nobody can use it against another, and no more of an object than its id and
// the newest version that is meant: what the recipient was given anyway.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "crypto/keys.h"

namespace bongsu::flow {

inline constexpr std::string_view kTombstoneContext = "bongsu/recall/tombstone/v1\n";
inline constexpr std::string_view kReceiptContext = "bongsu/recall/receipt/v1\n";

inline constexpr std::size_t kMaxTombstoneObjects = 1000;
inline constexpr std::size_t kMaxRecallText = 256 * 1024;  // bytes of one tombstone or receipt
inline constexpr std::size_t kMaxObjectIdBytes = 512;

// Why, as far as the recipient is told. What happens between this node and a third member stays there: passed on, all
// of them become kUpstream.
enum class RecallReason : std::uint8_t {
  kWithdrawn,     // by a person, without saying more
  kErroneous,     // it is wrong
  kCompromised,   // its source or its channel is
  kPersonalData,  // it holds personal data that may not be kept
  kDeleted,       // the giver deleted it
  kLabelRaised,   // a newer version has a label that excludes the recipient
  kNarrowed,      // the agreement does not cover it any more, or its label let it go for a time that is over
  kUpstream,      // whoever gave it to the giver recalled it
};
std::string_view to_string(RecallReason reason);  // snake_case
// Whether a tombstone with this reason wins over every release, also a later one; else over those that were decided
// before it (docs/decisions/0008).
constexpr bool is_for_good(RecallReason reason) {
  return reason != RecallReason::kNarrowed && reason != RecallReason::kUpstream;
}
std::optional<RecallReason> parse_recall_reason(std::string_view text);

// An object and which of its versions: up to and including `version` (as STIX writes it); empty: all.
struct RecallRange {
  std::string object_id;
  std::string version;
  bool operator==(const RecallRange&) const = default;
};

struct Tombstone {
  std::string from, to;      // member ids
  std::uint64_t number = 0;  // of this recipient's: 1, 2, 3 …
  RecallReason reason = RecallReason::kWithdrawn;
  Instant issued, deadline;
  std::vector<RecallRange> objects;

  std::string text() const;  // JSON; the same for the same values
  static Result<Tombstone> parse(std::string_view text);
};

// "Of what tombstone `number` names, nothing can be read here any more."
struct RecallReceipt {
  std::string from, to;           // who destroyed, who had asked
  std::uint64_t number = 0;       // of the tombstone
  std::uint64_t serial = 0;       // grows when onward_open changes; the highest counts
  std::string tombstone;          // SHA-256 of the tombstone's text, hex
  std::uint64_t destroyed = 0;    // copies that were here
  std::uint64_t onward_open = 0;  // members that it was passed on to and that have not confirmed yet; no names
  Instant at;                     // of the destruction

  std::string text() const;
  static Result<RecallReceipt> parse(std::string_view text);
};

struct SignedText {
  std::string text;
  std::string signature;  // 64 bytes
  Json json() const;      // {"text", "signature" (base64)}
  static Result<SignedText> parse(const Json& json);
};
Result<SignedText> sign_text(std::string_view context, std::string text, const crypto::SigningKey& key);
bool verify_text(std::string_view context, const SignedText& signed_text, std::string_view public_key);

}  // namespace bongsu::flow
