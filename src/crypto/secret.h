// Secrets at rest: payload encryption under single-use keys, password and token hashing.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"

namespace bongsu::crypto {

using Key256 = std::array<std::uint8_t, 32>;

// AES-256-GCM (NIST SP 800-38D). A key from fresh_key() seals one payload only, so the nonce is constant zero;
// `context` is authenticated, not stored (give the sequence number and object id, so that payloads cannot be swapped).
// Output: ciphertext ‖ 16-byte tag. Reuses an EVP context per thread; about a microsecond a kilobyte.
Key256 fresh_key(Random& random);
std::string seal_payload(const Key256& key, std::string_view plaintext, std::string_view context);
Result<std::string> open_payload(const Key256& key, std::string_view sealed, std::string_view context);  // kCorrupt

// Wraps single-use keys under a node's master key with a random nonce. Output: nonce(12) ‖ ciphertext(32) ‖ tag(16).
inline constexpr std::size_t kWrappedKeyBytes = 60;  // nonce ‖ key ‖ tag
std::string wrap_key(const Key256& master, const Key256& key, Random& random);
Result<Key256> unwrap_key(const Key256& master, std::string_view wrapped);

// scrypt (RFC 7914) with N=2^15, r=8, p=1 and a random salt: "scrypt$15$8$1$<salt>$<hash>", base64url.
std::string hash_password(std::string_view password, Random& random);
bool verify_password(std::string_view password, std::string_view stored);

std::string fresh_token(Random& random);           // 256 bits, base64url, "bst_" in front
std::string token_digest(std::string_view token);  // SHA-256 hex: what is stored

// Overwrites the bytes, then empties: call it where a key dies.
void wipe(std::string& secret);
void wipe(Key256& key);
// The key that these 32 bytes are; they are wiped.
Key256 take_key(std::string& raw);

}  // namespace bongsu::crypto
