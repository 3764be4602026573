#include "ledger/leaf.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace bongsu::ledger {
namespace {

constexpr std::size_t kMaxLeafBytes = 256;

bool is_kind(std::string_view kind) {
  if (kind.empty() || kind.size() > kMaxKindBytes || kind.front() == '-' || kind.back() == '-') return false;
  return std::ranges::all_of(kind, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

}  // namespace

std::string Leaf::text() const {
  // Keys in canonical order; no value of these needs an escape.
  return fmt::format(R"({{"commitment":"{}","kind":"{}","time":"{}","v":1}})", to_hex(commitment), kind, time.text(6));
}

Result<Leaf> Leaf::parse(std::string_view text) {
  const auto invalid = [] { return fail(ErrorCode::kInvalid, "is no leaf of a ledger"); };
  if (text.size() > kMaxLeafBytes) return invalid();
  BONGSU_TRY(const Json json, parse_json(text));
  const auto kind = string_at(json, "kind"), time = string_at(json, "time"), commitment = string_at(json, "commitment");
  if (!kind || !is_kind(*kind) || !time || !commitment || commitment->size() != 64) return invalid();
  const auto instant = Instant::parse(*time);
  const auto hash = from_hex(*commitment);
  if (!instant || !hash) return invalid();
  Leaf leaf{.kind = std::string(*kind), .time = *instant};
  std::copy(hash->begin(), hash->end(), leaf.commitment.begin());
  if (leaf.text() != text) return invalid();
  return leaf;
}

Sha256 commitment_of(const Salt& salt, std::string_view content) {
  std::string input(as_text(salt));
  input += content;
  return sha256(input);
}

Result<Sealed> seal(const Event& event, const Salt& salt) {
  if (!is_kind(event.kind)) return fail(ErrorCode::kInvalid, "the kind of an event is words of a-z joined by '-'", {.field = "kind"});
  if (event.subject.size() > kMaxSubjectBytes) return fail(ErrorCode::kTooLarge, fmt::format("a subject has at most {} bytes", kMaxSubjectBytes), {.field = "subject"});
  if (event.subject.find('\n') != std::string::npos) return fail(ErrorCode::kInvalid, "a subject is one line", {.field = "subject"});
  BONGSU_TRY(std::string content, to_canonical_text(event.details));
  if (content.size() > kMaxContentBytes) return fail(ErrorCode::kTooLarge, fmt::format("the details of an event have at most {} bytes", kMaxContentBytes), {.field = "details"});
  const Leaf leaf{.kind = event.kind, .time = event.time, .commitment = commitment_of(salt, content)};
  return Sealed{.leaf = leaf.text(), .opening = {.salt = salt, .content = std::move(content), .subject = event.subject, .row = event.subject.empty() ? 0 : event.row}};
}

Result<void> check_opening(const Leaf& leaf, const Opening& opening) {
  if (opening.erased) return fail(ErrorCode::kNotFound, "what this leaf is about was erased, and its salt with it");
  if (commitment_of(opening.salt, opening.content) != leaf.commitment) return fail(ErrorCode::kDenied, "salt and content are not what the leaf commits to");
  return {};
}

}  // namespace bongsu::ledger
