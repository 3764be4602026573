#include "crypto/hpke.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <algorithm>
#include <initializer_list>

#include "base/bytes.h"
#include "crypto/gcm.h"
#include "crypto/openssl_types.h"

namespace bongsu::crypto {
namespace {

using MacCtxPtr = std::unique_ptr<EVP_MAC_CTX, Freer<EVP_MAC_CTX_free>>;
using PkeyCtxPtr = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using CipherCtxPtr = std::unique_ptr<EVP_CIPHER_CTX, Freer<EVP_CIPHER_CTX_free>>;
using Parts = std::initializer_list<std::string_view>;

constexpr std::string_view kVersion = "HPKE-v1";         // RFC 9180 §4
constexpr std::string_view kKemSuite("KEM\x00\x20", 5);  // DHKEM(X25519, HKDF-SHA256) = 0x0020
constexpr std::size_t kHashBytes = 32;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
std::string_view text_of(const Key256& key) { return {reinterpret_cast<const char*>(key.data()), key.size()}; }

// Fetched once: by name for each call costs more than the hash itself.
EVP_MAC* hmac() {
  static const std::unique_ptr<EVP_MAC, void (*)(EVP_MAC*)> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr), EVP_MAC_free);
  return mac.get();
}
const EVP_CIPHER* chacha20_poly1305() {
  static const std::unique_ptr<EVP_CIPHER, void (*)(EVP_CIPHER*)> cipher(
      EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr), EVP_CIPHER_free);
  return cipher.get();
}

// HMAC-SHA256 over the parts in a row.
Key256 hmac_sha256(std::string_view key, Parts parts) {
  static constexpr unsigned char kNoKey = 0;
  MacCtxPtr context(EVP_MAC_CTX_new(hmac()));
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  // An empty key must not be a null pointer, which would mean "the key as before".
  bool ok = context && EVP_MAC_init(context.get(), key.empty() ? &kNoKey : bytes_of(key), key.size(), parameters) == 1;
  for (const std::string_view part : parts)
    ok = ok && (part.empty() || EVP_MAC_update(context.get(), bytes_of(part), part.size()) == 1);
  Key256 out{};
  std::size_t size = 0;
  ok = ok && EVP_MAC_final(context.get(), out.data(), &size, out.size()) == 1 && size == out.size();
  BONGSU_CHECK(ok);  // HMAC-SHA256 fails for no input
  return out;
}

// RFC 5869 §2.3, with the info in parts.
std::string expand(const Key256& prk, Parts info, std::size_t length) {
  BONGSU_CHECK(length <= kHpkeMaxExportBytes && info.size() <= 6);
  std::string out;
  Key256 block{};
  std::string_view previous;
  for (unsigned char counter = 1; out.size() < length; ++counter) {
    const std::string_view number(reinterpret_cast<const char*>(&counter), 1);
    std::array<std::string_view, 6> piece{};
    std::copy(info.begin(), info.end(), piece.begin());
    block = hmac_sha256(text_of(prk), {previous, piece[0], piece[1], piece[2], piece[3], piece[4], piece[5], number});
    previous = text_of(block);
    out.append(previous.substr(0, std::min(kHashBytes, length - out.size())));
  }
  wipe(block);
  return out;
}

// RFC 9180 §4: LabeledExtract and LabeledExpand.
Key256 labeled_extract(std::string_view suite, std::string_view salt, std::string_view label, std::string_view ikm) {
  return hmac_sha256(salt, {kVersion, suite, label, ikm});
}
std::string labeled_expand(std::string_view suite, const Key256& prk, std::string_view label, std::string_view info,
                           std::size_t length) {
  const char size[] = {static_cast<char>(length >> 8), static_cast<char>(length & 0xff)};
  return expand(prk, {std::string_view(size, 2), kVersion, suite, label, info}, length);
}

template <class Array>
Array take(std::string&& secret) {
  Array out{};
  BONGSU_CHECK(secret.size() == out.size());
  std::copy(secret.begin(), secret.end(), out.begin());
  wipe(secret);
  return out;
}

// "HPKE" ‖ kem_id ‖ kdf_id ‖ aead_id (RFC 9180 §5.1).
std::array<char, 10> hpke_suite(HpkeAead aead) {
  return {'H', 'P', 'K', 'E', 0, 0x20, 0, 1, 0, static_cast<char>(aead)};
}

Result<PkeyPtr> private_pkey(const Key256& key) {
  PkeyPtr pkey(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, key.data(), key.size()));
  if (!pkey) return fail(ErrorCode::kInternal, "making an X25519 key: " + take_openssl_error());
  return pkey;
}

Result<X25519Key> key_of(const Key256& private_key) {
  BONGSU_TRY(const PkeyPtr pkey, private_pkey(private_key));
  X25519Key key;
  key.private_key = private_key;
  key.public_key.resize(kX25519Bytes);
  std::size_t size = kX25519Bytes;
  if (EVP_PKEY_get_raw_public_key(pkey.get(), reinterpret_cast<unsigned char*>(key.public_key.data()), &size) != 1)
    return fail(ErrorCode::kInternal, "making an X25519 key: " + take_openssl_error());
  return key;
}

// RFC 9180 §5.1, VerifyPSKInputs, and our limits.
Result<std::uint8_t> mode_of(const HpkeParameters& p, bool authenticated) {
  if (p.aead != HpkeAead::kAes256Gcm && p.aead != HpkeAead::kChaCha20Poly1305)
    return fail(ErrorCode::kUnsupported, "HPKE with another cipher than AES-256-GCM or ChaCha20-Poly1305",
                {.field = "aead"});
  if (p.psk.empty() != p.psk_id.empty())
    return fail(ErrorCode::kInvalid, "a shared secret and its name come together or not at all", {.field = "psk"});
  if (!p.psk.empty() && p.psk.size() < kHpkeMinPskBytes)
    return fail(ErrorCode::kInvalid, fmt::format("a shared secret has at least {} bytes", kHpkeMinPskBytes),
                {.field = "psk"});
  if (std::max({p.info.size(), p.psk.size(), p.psk_id.size()}) > kHpkeMaxFieldBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("info, psk and psk_id end at {} bytes", kHpkeMaxFieldBytes));
  return static_cast<std::uint8_t>((p.psk.empty() ? 0 : 1) | (authenticated ? 2 : 0));
}

// RFC 9180 §4.1, ExtractAndExpand.
Key256 kem_secret(std::string_view dh, Parts context) {
  std::string joined;
  for (const std::string_view part : context) joined += part;
  Key256 prk = labeled_extract(kKemSuite, "", "eae_prk", dh);
  auto secret = take<Key256>(labeled_expand(kKemSuite, prk, "shared_secret", joined, kHashBytes));
  wipe(prk);
  return secret;
}

// RFC 9180 §5.1, KeySchedule.
HpkeContext key_schedule(std::uint8_t mode, const HpkeParameters& p, const Key256& shared_secret) {
  const auto suite_bytes = hpke_suite(p.aead);
  const std::string_view suite(suite_bytes.data(), suite_bytes.size());
  const Key256 psk_id_hash = labeled_extract(suite, "", "psk_id_hash", p.psk_id);
  const Key256 info_hash = labeled_extract(suite, "", "info_hash", p.info);
  std::string context(1, static_cast<char>(mode));
  context.append(text_of(psk_id_hash)).append(text_of(info_hash));
  Key256 secret = labeled_extract(suite, text_of(shared_secret), "secret", p.psk);
  HpkeContext::Secrets out;
  out.key = take<Key256>(labeled_expand(suite, secret, "key", context, out.key.size()));
  out.base_nonce =
      take<decltype(out.base_nonce)>(labeled_expand(suite, secret, "base_nonce", context, out.base_nonce.size()));
  out.exporter = take<Key256>(labeled_expand(suite, secret, "exp", context, out.exporter.size()));
  wipe(secret);
  HpkeContext made(p.aead, out);
  wipe(out.key);
  wipe(out.exporter);
  return made;
}

// The DH value of the KEM: one exchange, or two in the authenticated modes (RFC 9180 §4.1). Wiped when it dies.
struct DhValue {
  std::string bytes;
  ~DhValue() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
  Result<void> add(const X25519Key& own, std::string_view theirs) {
    bytes.reserve(2 * kX25519Bytes);  // one allocation, so that no copy stays behind
    BONGSU_TRY(Key256 value, x25519(own, theirs));
    bytes.append(text_of(value));
    wipe(value);
    return {};
  }
};

Nonce96 nonce_of(const std::array<std::uint8_t, 12>& base, std::uint64_t sequence) {
  Nonce96 nonce = base;
  for (std::size_t i = 0; i < 8; ++i) nonce[11 - i] ^= static_cast<std::uint8_t>(sequence >> (8 * i));
  return nonce;
}

// ChaCha20-Poly1305 (RFC 8439), ciphertext ‖ tag.
Result<std::string> chacha(const Key256& key, const Nonce96& nonce, std::string_view in, std::string_view aad,
                           bool sealing) {
  if (!sealing && in.size() < kHpkeTagBytes) return fail(ErrorCode::kCorrupt, "the ciphertext is shorter than its tag");
  const std::string_view text = sealing ? in : in.substr(0, in.size() - kHpkeTagBytes);
  if (std::max(text.size(), aad.size()) > INT32_MAX) return fail(ErrorCode::kTooLarge, "a message ends at 2 GiB");
  CipherCtxPtr context(EVP_CIPHER_CTX_new());
  std::string out(text.size() + (sealing ? kHpkeTagBytes : 0), '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  unsigned char none[kHpkeTagBytes];
  int written = 0;
  bool ok = context && EVP_CipherInit_ex2(context.get(), chacha20_poly1305(), key.data(), nonce.data(), sealing ? 1 : 0,
                                          nullptr) == 1;
  ok = ok && (aad.empty() ||
              EVP_CipherUpdate(context.get(), nullptr, &written, bytes_of(aad), static_cast<int>(aad.size())) == 1);
  ok = ok && (text.empty() ||
              EVP_CipherUpdate(context.get(), to, &written, bytes_of(text), static_cast<int>(text.size())) == 1);
  if (sealing) {
    ok = ok && EVP_CipherFinal_ex(context.get(), none, &written) == 1 &&
         EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kHpkeTagBytes, to + text.size()) == 1;
    BONGSU_CHECK(ok);
    return out;
  }
  std::array<unsigned char, kHpkeTagBytes> tag;
  std::copy_n(in.end() - kHpkeTagBytes, kHpkeTagBytes, tag.begin());
  ok = ok && EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kHpkeTagBytes, tag.data()) == 1 &&
       EVP_CipherFinal_ex(context.get(), none, &written) == 1;
  if (!ok) {
    ERR_clear_error();
    OPENSSL_cleanse(out.data(), out.size());
    return fail(ErrorCode::kCorrupt, "the ciphertext does not fit its key and context");
  }
  return out;
}

}  // namespace

Result<X25519Key> make_x25519_key(Random& random) {
  Key256 secret = fresh_key(random);
  auto key = key_of(secret);
  wipe(secret);
  return key;
}

Result<X25519Key> x25519_key_of(std::string_view private_key) {
  if (private_key.size() != kX25519Bytes) return fail(ErrorCode::kInvalid, "an X25519 key has 32 bytes");
  Key256 secret{};
  std::copy(private_key.begin(), private_key.end(), secret.begin());
  auto key = key_of(secret);
  wipe(secret);
  return key;
}

Result<X25519Key> hpke_derive_key(std::string_view ikm) {
  if (ikm.size() < kX25519Bytes || ikm.size() > kHpkeMaxFieldBytes)
    return fail(ErrorCode::kInvalid, "a key is derived from at least 32 bytes", {.field = "ikm"});
  Key256 prk = labeled_extract(kKemSuite, "", "dkp_prk", ikm);
  auto secret = take<Key256>(labeled_expand(kKemSuite, prk, "sk", "", kX25519Bytes));
  wipe(prk);
  auto key = key_of(secret);
  wipe(secret);
  return key;
}

Result<Key256> x25519(const X25519Key& own, std::string_view theirs) {
  if (theirs.size() != kX25519Bytes) return fail(ErrorCode::kInvalid, "an X25519 public key has 32 bytes");
  BONGSU_TRY(const PkeyPtr mine, private_pkey(own.private_key));
  const PkeyPtr peer(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, bytes_of(theirs), theirs.size()));
  const PkeyCtxPtr context(mine && peer ? EVP_PKEY_CTX_new(mine.get(), nullptr) : nullptr);
  Key256 shared{};
  std::size_t size = shared.size();
  const bool ok = context && EVP_PKEY_derive_init(context.get()) == 1 &&
                  EVP_PKEY_derive_set_peer(context.get(), peer.get()) == 1 &&
                  EVP_PKEY_derive(context.get(), shared.data(), &size) == 1 && size == shared.size();
  // RFC 9180 §7.1.4: the receiver and the sender must check for the all-zero value.
  if (!ok || equal_constant_time(text_of(shared), text_of(Key256{}))) {
    ERR_clear_error();
    return fail(ErrorCode::kInvalid, "the X25519 public key is of small order: the shared secret would be zero");
  }
  return shared;
}

HpkeContext::~HpkeContext() {
  wipe(secrets_.key);
  wipe(secrets_.exporter);
  OPENSSL_cleanse(secrets_.base_nonce.data(), secrets_.base_nonce.size());
}

Result<std::string> HpkeContext::seal(std::string_view plaintext, std::string_view aad) {
  if (sequence_ == kHpkeLastSequence) return fail(ErrorCode::kTooLarge, "this HPKE context has sealed all it may");
  const Nonce96 nonce = nonce_of(secrets_.base_nonce, sequence_);
  if (aead_ == HpkeAead::kAes256Gcm) {
    ++sequence_;
    return gcm_seal(secrets_.key, nonce, plaintext, aad);
  }
  auto sealed = chacha(secrets_.key, nonce, plaintext, aad, true);
  if (sealed) ++sequence_;
  return sealed;
}

Result<std::string> HpkeContext::open(std::string_view ciphertext, std::string_view aad) {
  if (sequence_ == kHpkeLastSequence) return fail(ErrorCode::kTooLarge, "this HPKE context has opened all it may");
  const Nonce96 nonce = nonce_of(secrets_.base_nonce, sequence_);
  auto opened = aead_ == HpkeAead::kAes256Gcm ? gcm_open(secrets_.key, nonce, ciphertext, aad)
                                              : chacha(secrets_.key, nonce, ciphertext, aad, false);
  if (opened) ++sequence_;
  return opened;
}

Result<std::string> HpkeContext::export_secret(std::string_view context, std::size_t length) const {
  if (length > kHpkeMaxExportBytes || context.size() > kHpkeMaxFieldBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("an exported secret ends at {} bytes", kHpkeMaxExportBytes));
  const auto suite = hpke_suite(aead_);
  return labeled_expand({suite.data(), suite.size()}, secrets_.exporter, "sec", context, length);
}

Result<HpkeSender> hpke_setup_sender(const HpkeParameters& p, std::string_view receiver_public_key, Random& random,
                                     const X25519Key* ephemeral) {
  BONGSU_TRY(const std::uint8_t mode, mode_of(p, p.sender != nullptr));
  X25519Key fresh;
  if (ephemeral == nullptr) {
    BONGSU_TRY(fresh, make_x25519_key(random));
    ephemeral = &fresh;
  }
  DhValue dh;
  BONGSU_TRY_VOID(dh.add(*ephemeral, receiver_public_key));
  if (p.sender != nullptr) BONGSU_TRY_VOID(dh.add(*p.sender, receiver_public_key));
  Key256 shared = kem_secret(dh.bytes, {ephemeral->public_key, receiver_public_key,
                                        p.sender != nullptr ? std::string_view(p.sender->public_key) : ""});
  HpkeSender sender{.encapsulated = ephemeral->public_key, .context = key_schedule(mode, p, shared)};
  wipe(shared);
  return sender;
}

Result<HpkeContext> hpke_setup_receiver(const HpkeParameters& p, const X25519Key& receiver,
                                        std::string_view encapsulated) {
  BONGSU_TRY(const std::uint8_t mode, mode_of(p, !p.sender_public_key.empty()));
  DhValue dh;
  BONGSU_TRY_VOID(dh.add(receiver, encapsulated));
  if (!p.sender_public_key.empty()) BONGSU_TRY_VOID(dh.add(receiver, p.sender_public_key));
  Key256 shared = kem_secret(dh.bytes, {encapsulated, receiver.public_key, p.sender_public_key});
  HpkeContext context = key_schedule(mode, p, shared);
  wipe(shared);
  return context;
}

Result<HpkeSealed> hpke_seal(const HpkeParameters& parameters, std::string_view receiver_public_key,
                             std::string_view plaintext, std::string_view aad, Random& random) {
  BONGSU_TRY(HpkeSender sender, hpke_setup_sender(parameters, receiver_public_key, random));
  BONGSU_TRY(std::string ciphertext, sender.context.seal(plaintext, aad));
  return HpkeSealed{std::move(sender.encapsulated), std::move(ciphertext)};
}

Result<std::string> hpke_open(const HpkeParameters& parameters, const X25519Key& receiver,
                              std::string_view encapsulated, std::string_view ciphertext, std::string_view aad) {
  BONGSU_TRY(HpkeContext context, hpke_setup_receiver(parameters, receiver, encapsulated));
  return context.open(ciphertext, aad);
}

Key256 hkdf_extract(std::string_view salt, std::string_view ikm) { return hmac_sha256(salt, {ikm}); }

Result<std::string> hkdf_expand(const Key256& prk, std::string_view info, std::size_t length) {
  if (length > kHpkeMaxExportBytes) return fail(ErrorCode::kTooLarge, "HKDF gives at most 8,160 bytes");
  return expand(prk, {info}, length);
}

}  // namespace bongsu::crypto
