#include "api/taxii/next_token.h"

#include "base/bytes.h"
#include "base/hash.h"

namespace bongsu::api {
namespace {

constexpr char kForm = 1;
constexpr std::size_t kKeyBytes = 32, kTagBytes = 4, kSealBytes = 12;
constexpr std::size_t kBodyBytes = 1 + 8 + 8 + kTagBytes;

void put_u64(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 0xff));
}
std::uint64_t get_u64(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes.substr(0, 8)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

Result<NextTokens> NextTokens::load(journal::Journal& journal, Random& random) {
  BONGSU_TRY(auto stored, journal.state("taxii", "next_key"));
  if (stored && stored->size() == 2 * kKeyBytes) {
    BONGSU_TRY(auto key, from_hex(*stored));
    return NextTokens(std::move(key));
  }
  std::string key(kKeyBytes, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(key.data()), key.size()});
  journal::Batch batch;
  batch.states.push_back({.space = "taxii", .key = "next_key", .value = to_hex(as_bytes(key))});
  BONGSU_TRY_VOID(journal.append(batch));
  return NextTokens(std::move(key));
}

std::string NextTokens::seal(std::string_view collection, std::string_view body) const {
  // The key on both sides and a length in front: no extension, no ambiguity between the two texts.
  std::string message = key_;
  put_u64(message, collection.size());
  message.append(collection).append(body).append(key_);
  const Sha256 digest = sha256(message);
  return std::string(as_text(digest).substr(0, kSealBytes));
}

// The number of a view would tell how many there are.
std::string NextTokens::view_tag(journal::ViewId view) const {
  std::string message = key_ + "view";
  put_u64(message, view);
  message.append(key_);
  const Sha256 digest = sha256(message);
  return std::string(as_text(digest).substr(0, kTagBytes));
}

std::string NextTokens::issue(std::string_view collection, journal::ViewId origin, journal::Pos pos,
                              std::int64_t added_us) const {
  std::string body(1, kForm);
  put_u64(body, pos);
  put_u64(body, static_cast<std::uint64_t>(added_us));
  body += view_tag(origin);
  return to_base64url(as_bytes(body + seal(collection, body)));
}

Result<NextToken> NextTokens::open(std::string_view text, std::string_view collection, journal::ViewId origin) const {
  const auto bytes = from_base64url(text);
  const bool whole = bytes && bytes->size() == kBodyBytes + kSealBytes && bytes->front() == kForm;
  if (!whole || to_base64url(as_bytes(*bytes)) != text ||
      !equal_constant_time(seal(collection, std::string_view(*bytes).substr(0, kBodyBytes)),
                           std::string_view(*bytes).substr(kBodyBytes)))
    return fail(ErrorCode::kInvalid, "next is a value that this server gave out for this collection",
                {.field = "next"});
  const std::string_view body(*bytes);
  return NextToken{.pos = get_u64(body.substr(1)),
                   .added_us = static_cast<std::int64_t>(get_u64(body.substr(9))),
                   .same_view = body.substr(17, kTagBytes) == view_tag(origin)};
}

}  // namespace bongsu::api
