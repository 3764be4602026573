// Private keys at rest: encrypted under a key of their own, which opens by a passphrase or by a PKCS#11 token.
//
//   BONGSU_TRY(KeyLock lock, KeyLock::with_passphrase(passphrase, lock_key, random));   // lock_key = fresh_key(random)
//   write("keys/lock", lock.text());
//   write("keys/ca.key", protect_key(lock_key, "ca.key", pem, random));
//
//   BONGSU_TRY(KeyLock lock, KeyLock::parse(text));
//   BONGSU_TRY(Key256 lock_key, lock.open_with_passphrase(passphrase));
//   BONGSU_TRY(std::string pem, unprotect_key(lock_key, "ca.key", file));
//
// The lock key is random, so that a passphrase can be changed without writing every key anew. Passphrase: scrypt
// (RFC 7914) with N = 2^16, r = 8, p = 1 (64 MiB), then AES-256-GCM. Token: AES-256-GCM inside of the token under a key
// that cannot be taken out of it (pkcs11.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "crypto/secret.h"

namespace bongsu::crypto {

inline constexpr std::size_t kMinPassphraseBytes = 12;
inline constexpr std::size_t kMaxPassphraseBytes = 1024;
inline constexpr std::size_t kMaxLockBytes = 4096;

struct KeyLock {
  enum class By : std::uint8_t { kPassphrase, kToken } by = By::kPassphrase;
  std::string salt;           // of the passphrase
  std::uint32_t log2_n = 16;  // of scrypt
  std::string wrapped;        // the lock key, under the passphrase's key or the token's

  // kInvalid: a passphrase that is too short or too long.
  static Result<KeyLock> with_passphrase(std::string_view passphrase, const Key256& lock_key, Random& random);
  // kDenied: another passphrase. kUnsupported: it is a token's.
  Result<Key256> open_with_passphrase(std::string_view passphrase) const;

  std::string text() const;                             // JSON, a line
  static Result<KeyLock> parse(std::string_view text);  // kCorrupt
};

// "bongsu-key:1:<base64url>": AES-256-GCM with a random nonce; the file's name is authenticated, so that files cannot
// be swapped.
std::string protect_key(const Key256& lock_key, std::string_view name, std::string_view secret, Random& random);
bool is_protected_key(std::string_view file);
Result<std::string> unprotect_key(const Key256& lock_key, std::string_view name, std::string_view file);  // kCorrupt

}  // namespace bongsu::crypto
