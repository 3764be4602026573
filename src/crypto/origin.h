// Who made an object: one Ed25519 signature for a batch of objects, and the path of each, small enough to travel with
// it.
//
//   BONGSU_TRY(const auto signer, OriginSigner::make("cert-lt", keys.signing));
//   BONGSU_TRY(const auto proofs, signer.sign(objects, {}, clock.now(), random));   // one proof an object, in order
//
//   BONGSU_TRY(const OriginProof proof, OriginProof::parse(bytes));                 // claims, nothing proven yet
//   verify_origin(proof, object, public_key_of(proof.originator))                   // OriginFault::kNone, or what is
//   wrong BONGSU_TRY(const auto less, proof.for_part(object, redacted));                  // the proof of a redacted
//   copy
//
// What is signed is
//   "bongsu/origin/v2\n" ‖ originator ‖ claim ‖ received from ‖ time ‖ key id ‖ Merkle root,
// where the root is that of the commitments (disclosure.h) under the hashing of RFC 6962 §2.1 (RFC 9162 §2.1): leaves
// H(0 ‖ commitment), nodes H(1 ‖ left ‖ right).
//
// Whoever gets some of a batch must not learn that there was more in it, so every tree has kBatchPlaces leaves, each
// object stands at a random place, and what is empty is random bytes: a proof of one object that was signed alone looks
// as one of a thousand, and all paths have the same length.
//
// A claim is authorship, or that the originator received the object from somebody who does not sign: then it answers
// for what came in and when, not for its content.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/disclosure.h"
#include "crypto/keys.h"

namespace bongsu::crypto {

inline constexpr std::string_view kOriginContext = "bongsu/origin/v2\n";
inline constexpr std::uint8_t kOriginVersion = 2;  // the first byte of a proof
inline constexpr std::size_t kMaxProofBytes = 1024 * 1024;
inline constexpr std::size_t kBatchDepth = 10;
inline constexpr std::size_t kBatchPlaces = std::size_t{1} << kBatchDepth;  // objects under one signature, at most
inline constexpr std::size_t kMaxOriginatorBytes = 63;                      // as a member id
inline constexpr std::size_t kMaxReceivedFromBytes = 200;
inline constexpr std::size_t kKeyIdBytes = 8;  // of SHA-256 of the public key

struct OriginClaim {
  bool author = true;
  std::string received_from;  // of an importer: a member's id, or what kind of source it was; empty for an author
  bool operator==(const OriginClaim&) const = default;
};

enum class OriginFault {
  kNone,
  kOtherKey,    // the proof names another key than the one that is known for its originator
  kNotSigned,   // the object is not one of the signed batch: its bytes were changed, or the proof is another object's
  kNotDerived,  // a redacted copy does not fit its own proof
  kSignature,   // the signature is not one by the originator's key
};
std::string_view sentence_of(OriginFault fault);

struct OriginProof {
  std::string originator;  // member id
  OriginClaim claim;
  Instant time;        // when it was signed, to the microsecond
  std::string key_id;  // kKeyIdBytes
  std::uint16_t place = 0;
  std::array<Sha256, kBatchDepth> path{};  // RFC 6962 §2.1.1, from the leaf upwards
  Sha256 root{};
  std::string signature;  // 64 bytes
  std::variant<FullDisclosure, RedactedDisclosure> disclosure;

  bool redacted() const { return std::holds_alternative<RedactedDisclosure>(disclosure); }

  // kInvalid names the part that is wrong or missing; kTooLarge beyond kMaxProofBytes; kUnsupported for a later
  // version.
  static Result<OriginProof> parse(std::string_view bytes);
  std::string bytes() const;

  // The proof for a copy from which something was taken away; `object` is what this proof is of. Errors as disclose().
  Result<OriginProof> for_part(std::string_view object, std::string_view redacted) const;
};

std::string key_id_of(std::string_view public_key);

// Remembers which signatures were found good, so that a thousand objects of a batch cost one check. Not thread-safe.
class OriginVerifier {
 public:
  // `object`: the bytes as received, whole or redacted as the proof says. `public_key`: 32 raw bytes.
  OriginFault verify(const OriginProof& proof, std::string_view object, std::string_view public_key);

 private:
  static constexpr std::size_t kRemembered = 64;
  std::vector<Sha256> good_;  // of key, message and signature
  std::size_t next_ = 0;
};
OriginFault verify_origin(const OriginProof& proof, std::string_view object, std::string_view public_key);

// Signs in the name of one member. Safe from any thread.
class OriginSigner {
 public:
  // kInvalid: no member id, or no Ed25519 key.
  static Result<OriginSigner> make(std::string originator, const SigningKey& key);
  OriginSigner(OriginSigner&&) noexcept;
  OriginSigner& operator=(OriginSigner&&) noexcept;
  ~OriginSigner();

  const std::string& originator() const;
  const std::string& public_key() const;
  // Proofs of the objects, in their order, all under one claim. kInvalid: an object that is not JSON; kTooLarge.
  Result<std::vector<std::string>> sign(std::span<const std::string_view> objects, const OriginClaim& claim,
                                        Instant now, Random& random) const;

 private:
  struct Parts;
  explicit OriginSigner(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// ── The Merkle part (RFC 6962 §2.1) ──────────────────────────────────────────────────────────────────────────────────
// The tree over kBatchPlaces leaves, of which few may be taken. What is empty is H("empty" ‖ secret ‖ level ‖ number):
// nobody who does not know the secret tells it from a node, and a tree costs as much as it has entries.
class BatchTree {
 public:
  using Secret = std::array<std::uint8_t, 32>;
  // 1 to kBatchPlaces entries; entry i stands at places[i], all of them different.
  BatchTree(std::span<const Sha256> entries, std::span<const std::uint16_t> places, const Secret& secret);
  const Sha256& root() const { return levels_.back().front().hash; }
  std::array<Sha256, kBatchDepth> path(std::uint16_t place) const;  // of a place that is taken
  static Sha256 empty_node(const Secret& secret, std::size_t level, std::size_t number);

 private:
  struct Node {
    std::uint16_t number = 0;  // in its level, from the left
    Sha256 hash{};
  };
  std::vector<std::vector<Node>> levels_;  // those that have a neighbour or are one, in order of number
};
// Different places, each choice of them equally likely.
std::vector<std::uint16_t> random_places(std::size_t count, Random& random);
// The root that an entry at this place and its path come to; place < kBatchPlaces.
Sha256 root_from_path(const Sha256& entry, std::uint16_t place, std::span<const Sha256, kBatchDepth> path);

}  // namespace bongsu::crypto
