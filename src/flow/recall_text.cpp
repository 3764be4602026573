#include "flow/recall_text.h"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "base/bytes.h"
#include "identity/members.h"
#include "stix/object.h"

namespace bongsu::flow {
namespace {

constexpr std::array<std::string_view, 8> kReasons{"withdrawn", "erroneous",    "compromised",        "personal_data",
                                                   "deleted",   "label_raised", "agreement_narrowed", "upstream"};
constexpr std::size_t kSignatureBytes = 64;
constexpr std::size_t kMaxVersionBytes = 64;

std::unexpected<Error> bad(std::string_view field, std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message), {.field = std::string(field)});
}

Result<std::string> member_at(const Json& json, std::string_view key) {
  const auto text = string_at(json, key);
  if (!text || !identity::is_member_id(*text)) return bad(key, "is a member's name");
  return std::string(*text);
}

Result<std::uint64_t> number_at(const Json& json, std::string_view key, std::int64_t least) {
  const auto number = int_at(json, key);
  if (!number || *number < least) return bad(key, fmt::format("is a number from {}", least));
  return static_cast<std::uint64_t>(*number);
}

Result<Instant> instant_at(const Json& json, std::string_view key) {
  const auto text = string_at(json, key);
  const auto instant = text ? Instant::parse(*text) : std::nullopt;
  if (!instant) return bad(key, "is a time (RFC 3339)");
  return *instant;
}

Result<Json> document(std::string_view text, std::string_view kind, std::size_t keys) {
  if (text.size() > kMaxRecallText)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} bytes", kMaxRecallText));
  BONGSU_TRY(Json json, parse_json(text));
  if (!json.is_object() || string_at(json, "kind") != kind) return bad("kind", fmt::format("is \"{}\"", kind));
  // A field that is not understood could be a condition.
  if (json.get_object().size() != keys) return bad("", fmt::format("a {} has {} fields, no others", kind, keys));
  return json;
}

}  // namespace

std::string_view to_string(RecallReason reason) { return kReasons[static_cast<std::size_t>(reason)]; }

std::optional<RecallReason> parse_recall_reason(std::string_view text) {
  for (std::size_t i = 0; i < kReasons.size(); ++i)
    if (kReasons[i] == text) return static_cast<RecallReason>(i);
  return std::nullopt;
}

std::string Tombstone::text() const {
  JsonArray list;
  for (const RecallRange& range : objects)
    list.push_back(range.version.empty() ? JsonObject{{"id", range.object_id}}
                                         : JsonObject{{"id", range.object_id}, {"upto", range.version}});
  return to_text(JsonObject{{"kind", "tombstone"},
                            {"from", from},
                            {"to", to},
                            {"number", number},
                            {"reason", to_string(reason)},
                            {"issued", issued.text(6)},
                            {"deadline", deadline.text(6)},
                            {"objects", std::move(list)}});
}

Result<Tombstone> Tombstone::parse(std::string_view text) {
  BONGSU_TRY(const Json json, document(text, "tombstone", 8));
  Tombstone out;
  BONGSU_TRY(out.from, member_at(json, "from"));
  BONGSU_TRY(out.to, member_at(json, "to"));
  BONGSU_TRY(out.number, number_at(json, "number", 1));
  const auto reason = parse_recall_reason(string_at(json, "reason").value_or(""));
  if (!reason) return bad("reason", "is not a reason that is known");
  out.reason = *reason;
  BONGSU_TRY(out.issued, instant_at(json, "issued"));
  BONGSU_TRY(out.deadline, instant_at(json, "deadline"));
  const Json* list = find(json, "objects");
  if (list == nullptr || !list->is_array() || list->get_array().empty()) return bad("objects", "is a list of objects");
  if (list->get_array().size() > kMaxTombstoneObjects)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} objects", kMaxTombstoneObjects), {.field = "objects"});
  for (const Json& item : list->get_array()) {
    RecallRange range;
    range.object_id = string_at(item, "id").value_or("");
    if (range.object_id.empty() || range.object_id.size() > kMaxObjectIdBytes)
      return bad("objects", "names an object's id");
    if (const Json* upto = find(item, "upto")) {
      const auto version = upto->is_string() ? stix::Timestamp::parse(upto->get_string()) : std::nullopt;
      if (!version || version->text().size() > kMaxVersionBytes) return bad("objects", "upto is a version");
      range.version = version->text();
    }
    if (!item.is_object() || item.get_object().size() != (range.version.empty() ? 1U : 2U))
      return bad("objects", "has id and upto, nothing else");
    out.objects.push_back(std::move(range));
  }
  return out;
}

std::string RecallReceipt::text() const {
  return to_text(JsonObject{{"kind", "receipt"},
                            {"from", from},
                            {"to", to},
                            {"number", number},
                            {"serial", serial},
                            {"tombstone", tombstone},
                            {"destroyed", destroyed},
                            {"onward_open", onward_open},
                            {"at", at.text(6)}});
}

Result<RecallReceipt> RecallReceipt::parse(std::string_view text) {
  BONGSU_TRY(const Json json, document(text, "receipt", 9));
  RecallReceipt out;
  BONGSU_TRY(out.from, member_at(json, "from"));
  BONGSU_TRY(out.to, member_at(json, "to"));
  BONGSU_TRY(out.number, number_at(json, "number", 1));
  BONGSU_TRY(out.serial, number_at(json, "serial", 1));
  out.tombstone = string_at(json, "tombstone").value_or("");
  if (const auto hash = from_hex(out.tombstone); !hash || hash->size() != 32)
    return bad("tombstone", "is a SHA-256 in hexadecimal");
  BONGSU_TRY(out.destroyed, number_at(json, "destroyed", 0));
  BONGSU_TRY(out.onward_open, number_at(json, "onward_open", 0));
  BONGSU_TRY(out.at, instant_at(json, "at"));
  return out;
}

Json SignedText::json() const { return JsonObject{{"text", text}, {"signature", to_base64(as_bytes(signature))}}; }

Result<SignedText> SignedText::parse(const Json& json) {
  SignedText out;
  const auto text = string_at(json, "text");
  if (!text || text->empty() || text->size() > kMaxRecallText) return bad("text", "is the signed text");
  out.text = *text;
  auto signature = from_base64(string_at(json, "signature").value_or(""));
  if (!signature || signature->size() != kSignatureBytes) return bad("signature", "is 64 bytes in base64");
  out.signature = std::move(*signature);
  return out;
}

Result<SignedText> sign_text(std::string_view context, std::string text, const crypto::SigningKey& key) {
  SignedText out;
  BONGSU_TRY(out.signature, crypto::sign(key, std::string(context) + text));
  out.text = std::move(text);
  return out;
}

bool verify_text(std::string_view context, const SignedText& signed_text, std::string_view public_key) {
  return crypto::verify(public_key, std::string(context) + signed_text.text, signed_text.signature);
}

}  // namespace bongsu::flow
