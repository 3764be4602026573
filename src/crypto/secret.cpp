#include "crypto/secret.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/bytes.h"
#include "base/hash.h"
#include "crypto/gcm.h"
#include "crypto/scrypt.h"

namespace bongsu::crypto {
namespace {

constexpr ScryptCost kPasswordCost{.log2_n = 15, .r = 8, .p = 1};
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kMaxStoredBytes = 512;
// Bound to a payload key only, so that a wrapped key and a payload cannot stand in for each other.
constexpr std::string_view kWrapContext = "bongsu wrapped key v1";

std::string_view text_of(const Key256& key) { return {reinterpret_cast<const char*>(key.data()), key.size()}; }

struct StoredPassword {
  ScryptCost cost;
  std::string salt;
  std::string hash;
};

// The next field up to '$'.
std::string_view take_field(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('$'), rest.size());
  const std::string_view field = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return field;
}

bool take_number(std::string_view& rest, std::uint32_t& out) {
  const std::string_view field = take_field(rest);
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), out);
  return error == std::errc() && end == field.data() + field.size() && !field.empty();
}

std::optional<StoredPassword> parse_stored(std::string_view stored) {
  if (stored.size() > kMaxStoredBytes || std::count(stored.begin(), stored.end(), '$') != 5) return std::nullopt;
  StoredPassword parsed;
  if (take_field(stored) != "scrypt") return std::nullopt;
  if (!take_number(stored, parsed.cost.log2_n) || !take_number(stored, parsed.cost.r) ||
      !take_number(stored, parsed.cost.p))
    return std::nullopt;
  auto salt = from_base64url(take_field(stored));
  auto hash = from_base64url(stored);
  // A short hash would let a wrong password through by chance.
  if (!salt || !hash || salt->empty() || hash->size() < kHashBytes) return std::nullopt;
  parsed.salt = std::move(*salt);
  parsed.hash = std::move(*hash);
  return parsed;
}

}  // namespace

Key256 fresh_key(Random& random) {
  Key256 key;
  random.fill(key);
  return key;
}

std::string seal_payload(const Key256& key, std::string_view plaintext, std::string_view context) {
  return gcm_seal(key, Nonce96{}, plaintext, context);
}

Result<std::string> open_payload(const Key256& key, std::string_view sealed, std::string_view context) {
  return gcm_open(key, Nonce96{}, sealed, context);
}

std::string wrap_key(const Key256& master, const Key256& key, Random& random) {
  return gcm_seal_with_nonce(master, text_of(key), kWrapContext, random);
}

Result<Key256> unwrap_key(const Key256& master, std::string_view wrapped) {
  static_assert(kWrappedKeyBytes == kNonceBytes + std::tuple_size_v<Key256> + kGcmTagBytes);
  if (wrapped.size() != kWrappedKeyBytes)
    return fail(ErrorCode::kCorrupt,
                fmt::format("a wrapped key has {} bytes, this has {}", kWrappedKeyBytes, wrapped.size()));
  BONGSU_TRY(std::string opened, gcm_open_with_nonce(master, wrapped, kWrapContext));
  return take_key(opened);
}

std::string hash_password(std::string_view password, Random& random) {
  std::array<std::uint8_t, kSaltBytes> salt;
  random.fill(salt);
  auto hash = scrypt(password, as_text(salt), kPasswordCost, kHashBytes);
  BONGSU_CHECK(hash.has_value());  // the cost is ours and constant
  std::string stored = fmt::format("scrypt${}${}${}${}${}", kPasswordCost.log2_n, kPasswordCost.r, kPasswordCost.p,
                                   to_base64url(salt), to_base64url(as_bytes(*hash)));
  wipe(*hash);
  return stored;
}

bool verify_password(std::string_view password, std::string_view stored) {
  const auto parsed = parse_stored(stored);
  if (!parsed) return false;
  auto hash = scrypt(password, parsed->salt, parsed->cost, parsed->hash.size());
  if (!hash) return false;
  const bool same = equal_constant_time(*hash, parsed->hash);
  wipe(*hash);
  return same;
}

std::string fresh_token(Random& random) {
  Key256 secret;
  random.fill(secret);
  std::string token = "bst_" + to_base64url(secret);
  wipe(secret);
  return token;
}

std::string token_digest(std::string_view token) { return to_hex(sha256(token)); }

void wipe(std::string& secret) {
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

void wipe(Key256& key) { OPENSSL_cleanse(key.data(), key.size()); }

Key256 take_key(std::string& raw) {
  Key256 key{};
  BONGSU_CHECK(raw.size() == key.size());
  std::ranges::copy(raw, key.begin());
  wipe(raw);
  return key;
}

}  // namespace bongsu::crypto
