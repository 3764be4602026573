#include "crypto/key_lock.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/json.h"
#include "crypto/gcm.h"
#include "crypto/scrypt.h"

namespace bongsu::crypto {
namespace {

constexpr std::string_view kProtected = "bongsu-key:1:";
constexpr std::string_view kContext = "bongsu/key at rest/v1\n";
constexpr std::size_t kSaltBytes = 16;
constexpr std::uint32_t kLeastLog2N = 14, kMostLog2N = 17;  // 16 to 128 MiB

Result<Key256> key_of(std::string_view passphrase, std::string_view salt, std::uint32_t log2_n) {
  BONGSU_TRY(std::string raw, scrypt(passphrase, salt, {.log2_n = log2_n, .r = 8, .p = 1}, 32));
  return take_key(raw);
}

}  // namespace

Result<KeyLock> KeyLock::with_passphrase(std::string_view passphrase, const Key256& lock_key, Random& random) {
  if (passphrase.size() < kMinPassphraseBytes || passphrase.size() > kMaxPassphraseBytes)
    return fail(ErrorCode::kInvalid,
                fmt::format("a passphrase has {} to {} bytes", kMinPassphraseBytes, kMaxPassphraseBytes));
  KeyLock lock;
  lock.salt.resize(kSaltBytes);
  random.fill({reinterpret_cast<std::uint8_t*>(lock.salt.data()), lock.salt.size()});
  BONGSU_TRY(Key256 key, key_of(passphrase, lock.salt, lock.log2_n));
  lock.wrapped = wrap_key(key, lock_key, random);
  wipe(key);
  return lock;
}

Result<Key256> KeyLock::open_with_passphrase(std::string_view passphrase) const {
  if (by != By::kPassphrase)
    return fail(ErrorCode::kUnsupported, "the keys are locked by a token, not by a passphrase");
  if (passphrase.size() > kMaxPassphraseBytes) return fail(ErrorCode::kDenied, "the passphrase does not open the keys");
  BONGSU_TRY(Key256 key, key_of(passphrase, salt, log2_n));
  auto lock_key = unwrap_key(key, wrapped);
  wipe(key);
  if (!lock_key) return fail(ErrorCode::kDenied, "the passphrase does not open the keys");
  return lock_key;
}

std::string KeyLock::text() const {
  JsonObject out{{"version", 1}, {"by", by == By::kPassphrase ? "passphrase" : "pkcs11"}};
  if (by == By::kPassphrase) {
    out["salt"] = to_base64url(as_bytes(salt));
    out["log2_n"] = log2_n;
  }
  out["wrapped"] = to_base64url(as_bytes(wrapped));
  return to_text(out) + "\n";
}

Result<KeyLock> KeyLock::parse(std::string_view text) {
  const auto corrupt = [](std::string_view field) {
    return fail(ErrorCode::kCorrupt, "the lock of the keys cannot be read", {.field = std::string(field)});
  };
  if (text.size() > kMaxLockBytes) return corrupt("");
  const auto json = parse_json(text);
  if (!json || int_at(*json, "version") != 1) return corrupt("version");
  KeyLock lock;
  const auto by = string_at(*json, "by");
  if (by != "passphrase" && by != "pkcs11") return corrupt("by");
  lock.by = by == "passphrase" ? By::kPassphrase : By::kToken;
  auto wrapped = from_base64url(string_at(*json, "wrapped").value_or("!"));
  if (!wrapped || wrapped->size() != kWrappedKeyBytes) return corrupt("wrapped");
  lock.wrapped = std::move(*wrapped);
  if (lock.by == By::kToken) return lock;
  auto salt = from_base64url(string_at(*json, "salt").value_or("!"));
  if (!salt || salt->size() != kSaltBytes) return corrupt("salt");
  lock.salt = std::move(*salt);
  const auto log2_n = int_at(*json, "log2_n");
  if (!log2_n || *log2_n < kLeastLog2N || *log2_n > kMostLog2N) return corrupt("log2_n");
  lock.log2_n = static_cast<std::uint32_t>(*log2_n);
  return lock;
}

std::string protect_key(const Key256& lock_key, std::string_view name, std::string_view secret, Random& random) {
  const std::string sealed = gcm_seal_with_nonce(lock_key, secret, std::string(kContext).append(name), random);
  return fmt::format("{}{}\n", kProtected, to_base64url(as_bytes(sealed)));
}

bool is_protected_key(std::string_view file) { return file.starts_with(kProtected); }

Result<std::string> unprotect_key(const Key256& lock_key, std::string_view name, std::string_view file) {
  const auto corrupt = [&](std::string_view why) {
    return fail(ErrorCode::kCorrupt, fmt::format("an encrypted key {}", why), {.source = std::string(name)});
  };
  if (!is_protected_key(file)) return corrupt("has another form");
  file.remove_prefix(kProtected.size());
  while (file.ends_with('\n')) file.remove_suffix(1);
  const auto sealed = from_base64url(file);
  if (!sealed || sealed->size() < kNonceBytes) return corrupt("has another form");
  auto secret = gcm_open_with_nonce(lock_key, *sealed, std::string(kContext).append(name));
  if (!secret) return corrupt("does not open: it is damaged, or another file's");
  return secret;
}

}  // namespace bongsu::crypto
