// AES-256-GCM (NIST SP 800-38D) with the nonce given by the caller: the part beneath secret.h. Other modules use
// secret.h, which decides nonces so that none can be used twice.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "crypto/secret.h"

namespace bongsu::crypto {

using Nonce96 = std::array<std::uint8_t, 12>;
inline constexpr std::size_t kGcmTagBytes = 16;

// Ciphertext ‖ 16-byte tag. Keeps one cipher context a thread and leaves no key in it afterwards.
std::string gcm_seal(const Key256& key, const Nonce96& nonce, std::string_view plaintext, std::string_view context);
// kCorrupt when the tag does not fit key, nonce, context and ciphertext; nothing of the plaintext is given out then.
Result<std::string> gcm_open(const Key256& key, const Nonce96& nonce, std::string_view sealed,
                             std::string_view context);

inline constexpr std::size_t kNonceBytes = std::tuple_size_v<Nonce96>;
// Under a random nonce that stands in front: nonce ‖ ciphertext ‖ tag.
std::string gcm_seal_with_nonce(const Key256& key, std::string_view plaintext, std::string_view context,
                                Random& random);
Result<std::string> gcm_open_with_nonce(const Key256& key, std::string_view sealed, std::string_view context);

}  // namespace bongsu::crypto
