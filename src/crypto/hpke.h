// Hybrid Public Key Encryption (RFC 9180): to encrypt to somebody whose X25519 public key is known.
//
//   BONGSU_TRY(const X25519Key theirs, make_x25519_key(random));
//   BONGSU_TRY(HpkeSealed sealed, hpke_seal({.info = "what for"}, theirs.public_key, "plaintext", "aad", random));
//   BONGSU_TRY(std::string plaintext, hpke_open({.info = "what for"}, theirs, sealed.encapsulated, sealed.ciphertext,
//   "aad"));
//
// KEM: DHKEM(X25519, HKDF-SHA256), KDF: HKDF-SHA256, AEAD: AES-256-GCM or ChaCha20-Poly1305, in all four modes: Base,
// PSK (both hold a secret), Auth (the sender's X25519 key is proven), AuthPSK. Which mode it is follows from what
// HpkeParameters hold. A context (setup_sender, setup_receiver) carries many messages in order and gives out exported
// secrets; hpke_seal and hpke_open are for one message (RFC 9180 §6.1).
//
// Primitives are OpenSSL's; what is here is the labelled key schedule of RFC 9180 §4, §5.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "crypto/secret.h"

namespace bongsu::crypto {

inline constexpr std::size_t kX25519Bytes = 32;
inline constexpr std::size_t kHpkeTagBytes = 16;
inline constexpr std::size_t kHpkeMinPskBytes = 32;           // RFC 9180 §9.5: at least 32 bytes of entropy
inline constexpr std::size_t kHpkeMaxFieldBytes = 64 * 1024;  // info, psk, psk_id, exporter context
inline constexpr std::size_t kHpkeMaxExportBytes = 255 * 32;  // RFC 5869 §2.3
// RFC 9180 §5.2 allows 2^96 - 1 messages; we count with 64 bits and refuse the last number.
inline constexpr std::uint64_t kHpkeLastSequence = UINT64_MAX;

// Wiped when it dies.
struct X25519Key {
  Key256 private_key{};
  std::string public_key;  // 32 raw bytes
  X25519Key() = default;
  X25519Key(const X25519Key&) = default;
  X25519Key(X25519Key&&) = default;
  X25519Key& operator=(const X25519Key&) = default;
  X25519Key& operator=(X25519Key&&) = default;
  ~X25519Key() { wipe(private_key); }
};
Result<X25519Key> make_x25519_key(Random& random);
Result<X25519Key> x25519_key_of(std::string_view private_key);  // 32 raw bytes; kInvalid otherwise
Result<X25519Key> hpke_derive_key(std::string_view ikm);        // RFC 9180 §7.1.3; kInvalid below 32 bytes
// RFC 7748 §6.1. kInvalid for a public key of another length or of small order (an all-zero result).
Result<Key256> x25519(const X25519Key& own, std::string_view their_public_key);

enum class HpkeAead : std::uint16_t { kAes256Gcm = 2, kChaCha20Poly1305 = 3 };  // RFC 9180 §7.3

struct HpkeParameters {
  HpkeAead aead = HpkeAead::kAes256Gcm;
  std::string_view info;
  std::string_view psk, psk_id;        // both or none
  const X25519Key* sender = nullptr;   // Auth, at the sender
  std::string_view sender_public_key;  // Auth, at the receiver
};

// One direction of one exchange. Not thread-safe; wiped when it dies.
class HpkeContext {
 public:
  struct Secrets {
    Key256 key{}, exporter{};
    std::array<std::uint8_t, 12> base_nonce{};
  };
  HpkeContext(HpkeAead aead, const Secrets& secrets, std::uint64_t sequence = 0)
      : aead_(aead), secrets_(secrets), sequence_(sequence) {}
  HpkeContext(HpkeContext&&) = default;
  HpkeContext& operator=(HpkeContext&&) = default;
  HpkeContext(const HpkeContext&) = delete;
  HpkeContext& operator=(const HpkeContext&) = delete;
  ~HpkeContext();

  // The next message. kTooLarge when the numbers are used up (RFC 9180 §5.2: MessageLimitReachedError).
  Result<std::string> seal(std::string_view plaintext, std::string_view aad);
  // kCorrupt when it is not the next message of this exchange; the number is used up by success only.
  Result<std::string> open(std::string_view ciphertext, std::string_view aad);
  Result<std::string> export_secret(std::string_view context, std::size_t length) const;  // RFC 9180 §5.3
  const Secrets& secrets() const { return secrets_; }

 private:
  HpkeAead aead_;
  Secrets secrets_;
  std::uint64_t sequence_;
};

struct HpkeSender {
  std::string encapsulated;  // 32 bytes, for the receiver
  HpkeContext context;
};
// RFC 9180 §5.1. `ephemeral` is for test vectors only; else a fresh one is made and destroyed.
Result<HpkeSender> hpke_setup_sender(const HpkeParameters& parameters, std::string_view receiver_public_key,
                                     Random& random, const X25519Key* ephemeral = nullptr);
Result<HpkeContext> hpke_setup_receiver(const HpkeParameters& parameters, const X25519Key& receiver,
                                        std::string_view encapsulated);

struct HpkeSealed {
  std::string encapsulated, ciphertext;
};
Result<HpkeSealed> hpke_seal(const HpkeParameters& parameters, std::string_view receiver_public_key,
                             std::string_view plaintext, std::string_view aad, Random& random);
Result<std::string> hpke_open(const HpkeParameters& parameters, const X25519Key& receiver,
                              std::string_view encapsulated, std::string_view ciphertext, std::string_view aad);

// HKDF-SHA256 (RFC 5869) alone, for keys that are derived from a key.
Key256 hkdf_extract(std::string_view salt, std::string_view ikm);
Result<std::string> hkdf_expand(const Key256& prk, std::string_view info, std::size_t length);

}  // namespace bongsu::crypto
