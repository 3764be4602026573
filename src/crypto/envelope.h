// Sealed envelopes: something that only the members named in it can read, and that only one can have sealed.
//
//   SealRequest what{.sender = "cert-ua", .label = "TLP:RED", .content_type = "application/stix+json", .sealed_at =
//   now}; BONGSU_TRY(Sealed sealed, seal(what, bytes, {{.member = "cert-lt", .prekey = prekey}}, signer, random));
//   std::string file = sealed.for_recipient(0);   // this recipient's header and the content
//
//   BONGSU_TRY(Opened opened, open_envelope(file, "cert-lt", keys, now));   // keys: an EnvelopeKeys, who knows keys
//   and secrets opened.content, opened.header.sender, opened.header.label
//
// How it is made. A fresh content key seals the content once. For each recipient there is one header: who sealed it,
// for whom, under which label, when, a commitment to the content key and the digest of the sealed content. The sender
// signs the header (Ed25519), and the content key is wrapped to the recipient's prekey by HPKE (RFC 9180) with that
// header and its signature as `info`. So
//   - nobody else can pass it off as his own: with another sender, signature or recipient in the header the key does
//   not
//     unwrap, and without the key nobody can wrap it anew;
//   - no recipient can turn it to another one: the recipient is signed;
//   - it opens to one content only: AES-GCM alone would let a sender make a ciphertext that opens to two contents under
//     two keys; the commitment is derived from the key (HKDF) and signed;
//   - recipients do not learn of each other: for_recipient() has one header. together() has all, for those who may
//   know.
// A relay can check signature and digest and read label, sender and recipient; nothing else.
//
// With a secret that sender and recipient hold by agreement, HPKE runs in PSK mode: who breaks X25519 later needs that,
// too. A recipient that has a secret with the sender refuses what was sealed without.
//
// The form (integers big-endian; textN = length in N bits, then the bytes):
//   file     "BSE1"  u16 count  { u16 length  header } × count  u64 length  content
//   header   part  signature(64)  encapsulated(32)  wrapped key(48)
//   part     u8 version = 1  u8 mode (0 Base, 1 PSK)  u16 HPKE AEAD (2 AES-256-GCM, 3 ChaCha20-Poly1305)
//            i64 sealed at, microseconds since 1970  text8 sender  text8 recipient  text8 prekey id  text8 PSK id
//            text16 label  text8 content type  commitment(32)  SHA-256 of content(32)
//   signed   "bongsu/envelope/v1\n" part           info   "bongsu/envelope/v1 key\n" part signature
//   keys     prk = HKDF-Extract("bongsu/envelope/v1", content key)
//            HKDF-Expand(prk, "content", 32) seals; HKDF-Expand(prk, "commitment", 32) is the commitment
//   content  the AEAD, nonce zero (the key seals once), aad = "bongsu/envelope/v1 content\n" text8 sender text16 label
//            text8 content type i64 sealed at, of: u64 length ‖ bytes ‖ zeros to the next Padmé length, so that the
//            size tells at most an eighth of it (PURBs, Nikitin et al. 2019, §4)
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/hpke.h"
#include "crypto/keys.h"
#include "crypto/prekey.h"

namespace bongsu::crypto {

inline constexpr std::string_view kEnvelopeContext = "bongsu/envelope/v1\n";  // in front of what is signed
inline constexpr std::string_view kEnvelopeMagic = "BSE1";
inline constexpr std::size_t kMaxEnvelopeRecipients = 1024;
inline constexpr std::size_t kMaxEnvelopeMemberBytes = 63;
inline constexpr std::size_t kMaxEnvelopeLabelBytes = 1024;
inline constexpr std::size_t kMaxEnvelopeTypeBytes = 100;
inline constexpr std::size_t kMaxEnvelopeContentBytes = std::size_t{1} << 30;
inline constexpr std::chrono::minutes kEnvelopeClockSkew{10};

// A secret that two members hold by agreement, with the name under which both know it.
struct SharedSecret {
  std::string id;      // 1 to 64 bytes
  std::string secret;  // at least 32 bytes
};

struct SealRequest {
  std::string sender;
  std::string label;  // text for the handling of it, readable on the way: no members' names unless they may be known
  std::string content_type;  // a media type
  Instant sealed_at;
  HpkeAead aead = HpkeAead::kAes256Gcm;
};
struct SealRecipient {
  std::string member;
  PublicPrekey prekey;
  std::optional<SharedSecret> secret;
};

struct Sealed {
  std::vector<std::string> headers;  // in the order of recipients
  std::string content;
  std::string for_recipient(std::size_t index) const;
  std::string together() const;
};
// kInvalid names what is wrong with sender, label, type, a recipient or a prekey; kTooLarge.
Result<Sealed> seal(const SealRequest& request, std::string_view content, std::span<const SealRecipient> recipients,
                    const Signer& signer, Random& random);

struct EnvelopeHeader {
  std::string sender, recipient, prekey, secret_id, label, content_type;
  Instant sealed_at;
  HpkeAead aead = HpkeAead::kAes256Gcm;
  bool with_secret = false;
  Key256 commitment{};
  Sha256 content_hash{};
  std::string part, signature, encapsulated, wrapped;
};
struct Envelope {
  std::vector<EnvelopeHeader> headers;
  std::string_view content;  // sealed; into the text that was read
};
// The form alone, nothing proven. kInvalid with the offset; kTooLarge.
Result<Envelope> read_envelope(std::string_view file);
// What a relay can check: the sender's signature over this header, and that the content is the one it names. kDenied.
Result<void> check_envelope(const EnvelopeHeader& header, std::string_view content, std::string_view signing_key);

// What the opener knows.
class EnvelopeKeys {
 public:
  virtual ~EnvelopeKeys() = default;
  // The member's Ed25519 public key (32 raw bytes); nullopt: no such member.
  virtual std::optional<std::string> signing_key(std::string_view member) = 0;
  virtual Result<X25519Key> prekey(std::string_view id, std::string_view sender) = 0;
  virtual std::optional<SharedSecret> secret(std::string_view sender) = 0;
};

struct Opened {
  EnvelopeHeader header;
  std::string content;
};
// kInvalid: not an envelope; kNotFound: not for `self`, or its prekey is not here; kUnauthenticated: an unknown sender;
// kDenied: signature, content, commitment or key do not fit, or it was sealed without the agreed secret. Destroys
// nothing: the caller consumes opened.header.prekey when the content is stored.
Result<Opened> open_envelope(std::string_view file, std::string_view self, EnvelopeKeys& keys, Instant now);

std::uint64_t padme_length(std::uint64_t length);  // the next length that Padmé allows

}  // namespace bongsu::crypto
