#include "crypto/origin.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "crypto/byte_reader.h"
#include "crypto/whole.h"

namespace bongsu::crypto {
namespace {

constexpr std::uint8_t kVersion = 1;
enum Form : std::uint8_t { kFull = 1, kRedacted = 2 };
enum Claim : std::uint8_t { kAuthor = 1, kImporter = 2 };

std::unexpected<Error> invalid(std::string message, std::string field) {
  return fail(ErrorCode::kInvalid, std::move(message), {.field = std::move(field)});
}

Sha256 hash_entry(const Sha256& entry) {
  std::string text(1, '\0');
  put_digest(text, entry);
  return sha256(text);
}

Sha256 hash_children(const Sha256& left, const Sha256& right) {
  std::string text(1, '\1');
  text.reserve(1 + 2 * sizeof(Sha256));
  put_digest(text, left);
  put_digest(text, right);
  return sha256(text);
}

// Whether something of the object may be shown without the rest: it has granular markings, or says who saw something,
// which agreements take away. A tree of leaves costs ten times what the whole costs, so no other object gets one; a
// word of these inside of a value gives one too many. A redacted copy of another object is signed anew by who made it.
bool has_parts(std::string_view object) {
  return object.find("\"granular_markings\"") != object.npos || object.find("\"where_sighted_refs\"") != object.npos;
}

// What all proofs of a batch have in common, and what is signed of it.
void put_head(std::string& out, const OriginProof& proof) {
  put_short_text(out, proof.originator);
  put_number(out, proof.claim.author ? kAuthor : kImporter, 1);
  put_short_text(out, proof.claim.received_from);
  put_number(out, static_cast<std::uint64_t>(proof.time.micros()), 8);
  out += proof.key_id;
  put_number(out, proof.count, 4);
  put_digest(out, proof.root);
}

std::string message_of(const OriginProof& proof) {
  std::string out(kOriginContext);
  put_head(out, proof);
  return out;
}

Result<Sha256> commitment_of_object(const OriginProof& proof, std::string_view object) {
  if (const auto* full = std::get_if<FullDisclosure>(&proof.disclosure)) return commitment_of_full(object, *full);
  return commitment_of_redacted(object, std::get<RedactedDisclosure>(proof.disclosure));
}

}  // namespace

std::string_view sentence_of(OriginFault fault) {
  switch (fault) {
    case OriginFault::kNone:
      return "is good";
    case OriginFault::kOtherKey:
      return "names another key than the one that is known for its originator";
    case OriginFault::kNotSigned:
      return "is not of this object: its bytes are not what was signed";
    case OriginFault::kNotDerived:
      return "does not show this redacted copy to be a part of what was signed";
    case OriginFault::kSignature:
      return "has a signature that is not the originator's";
  }
  return "is bad";
}

std::string key_id_of(std::string_view public_key) {
  const Sha256 digest = sha256(public_key);
  return std::string(as_text(Bytes(digest).first(kKeyIdBytes)));
}

// ── Merkle ──────────────────────────────────────────────────────────────────────────────────────────────────────────
BatchTree::BatchTree(std::span<const Sha256> entries) {
  BONGSU_CHECK(!entries.empty());
  auto& leaves = levels_.emplace_back();
  leaves.reserve(entries.size());
  for (const Sha256& entry : entries) leaves.push_back(hash_entry(entry));
  // A node without a neighbour goes up as it is: that is the split at the largest power of two, told from below.
  while (levels_.back().size() > 1) {
    const auto& below = levels_.back();
    std::vector<Sha256> level;
    level.reserve((below.size() + 1) / 2);
    for (std::size_t i = 0; i + 1 < below.size(); i += 2) level.push_back(hash_children(below[i], below[i + 1]));
    if (below.size() % 2 != 0) level.push_back(below.back());
    levels_.push_back(std::move(level));
  }
}

std::vector<Sha256> BatchTree::path(std::size_t index) const {
  std::vector<Sha256> out;
  for (std::size_t level = 0; level + 1 < levels_.size(); ++level, index /= 2)
    if (const std::size_t neighbour = index ^ 1; neighbour < levels_[level].size())
      out.push_back(levels_[level][neighbour]);
  return out;
}

std::size_t path_length(std::size_t count, std::size_t index) {
  std::size_t length = 0;
  for (; count > 1; count = (count + 1) / 2, index /= 2)
    if ((index ^ 1) < count) ++length;
  return length;
}

std::optional<Sha256> root_from_path(const Sha256& entry, std::size_t index, std::size_t count,
                                     std::span<const Sha256> path) {
  if (index >= count || path.size() != path_length(count, index)) return std::nullopt;
  Sha256 node = hash_entry(entry);
  std::size_t next = 0;
  for (; count > 1; count = (count + 1) / 2, index /= 2) {
    if ((index ^ 1) >= count) continue;
    node = index % 2 != 0 ? hash_children(path[next], node) : hash_children(node, path[next]);
    ++next;
  }
  return node;
}

// ── Proofs as bytes ─────────────────────────────────────────────────────────────────────────────────────────────────
std::string OriginProof::bytes() const {
  std::string out;
  put_number(out, kVersion, 1);
  put_number(out, redacted() ? kRedacted : kFull, 1);
  put_head(out, *this);
  put_number(out, index, 4);
  for (const Sha256& node : path) put_digest(out, node);
  out += signature;
  if (const auto* full = std::get_if<FullDisclosure>(&disclosure)) {
    out += as_text(Bytes(full->seed));
    put_digest(out, full->content);
  } else {
    append_disclosure(out, std::get<RedactedDisclosure>(disclosure));
  }
  return out;
}

Result<OriginProof> OriginProof::parse(std::string_view bytes) {
  if (bytes.size() > kMaxProofBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("a proof of {} bytes; the limit is {}", bytes.size(), kMaxProofBytes),
                {.field = "proof"});
  const auto truncated = [](std::string field) { return invalid("the proof ends early", std::move(field)); };
  ByteReader reader(bytes);
  OriginProof out;
  const auto version = reader.number(1);
  if (!version) return truncated("proof");
  if (*version != kVersion)
    return fail(ErrorCode::kUnsupported,
                fmt::format("a proof of version {}; this program knows {}", *version, kVersion), {.field = "proof"});
  const auto form = reader.number(1);
  auto originator = reader.short_text();
  const auto claim = reader.number(1);
  auto received_from = reader.short_text();
  const auto time = reader.number(8);
  const auto key_id = reader.bytes(kKeyIdBytes);
  const auto count = reader.number(4);
  const auto root = reader.digest();
  const auto index = reader.number(4);
  if (!form || !originator || !claim || !received_from || !time || !key_id || !count || !root || !index)
    return truncated("proof.head");
  if (*form != kFull && *form != kRedacted) return invalid("is neither of a whole nor of a part", "proof.form");
  if (originator->empty() || originator->size() > kMaxOriginatorBytes)
    return invalid("names no originator", "proof.originator");
  if (*claim != kAuthor && *claim != kImporter) return invalid("claims nothing that is known", "proof.claim");
  if (received_from->size() > kMaxReceivedFromBytes || (*claim == kAuthor) != received_from->empty())
    return invalid("an importer says from whom it received, an author does not", "proof.claim");
  if (*count == 0 || *count > kMaxSignedBatch || *index >= *count)
    return invalid("names a place that is not in its batch", "proof.index");
  constexpr std::uint64_t kLastMicros = 253'402'300'799'999'999;  // the year 9999
  if (*time > kLastMicros) return invalid("was made at no time that can be written", "proof.time");
  out.originator = std::move(*originator);
  out.claim = {*claim == kAuthor, std::move(*received_from)};
  out.time = Instant::from_micros(static_cast<std::int64_t>(*time));
  out.key_id = *key_id;
  out.count = static_cast<std::uint32_t>(*count);
  out.root = *root;
  out.index = static_cast<std::uint32_t>(*index);
  for (std::size_t left = path_length(out.count, out.index); left > 0; --left) {
    const auto node = reader.digest();
    if (!node) return truncated("proof.path");
    out.path.push_back(*node);
  }
  const auto signature = reader.bytes(64);
  if (!signature) return truncated("proof.signature");
  out.signature = *signature;
  if (*form == kFull) {
    FullDisclosure full;
    const auto seed = reader.bytes(sizeof(Seed));
    const auto content = reader.digest();
    if (!seed || !content) return truncated("proof.disclosure");
    std::ranges::copy(*seed, full.seed.begin());
    full.content = *content;
    out.disclosure = full;
  } else {
    BONGSU_TRY(out.disclosure, parse_disclosure(reader));
  }
  if (!reader.done()) return invalid("the proof goes on behind its end", "proof");
  return out;
}

Result<OriginProof> OriginProof::for_part(std::string_view object, std::string_view redacted) const {
  OriginProof out = *this;
  if (const auto* full = std::get_if<FullDisclosure>(&disclosure)) {
    BONGSU_TRY(out.disclosure, disclose(object, *full, redacted));
  } else {
    BONGSU_TRY(out.disclosure, disclose_further(object, std::get<RedactedDisclosure>(disclosure), redacted));
  }
  return out;
}

// ── Verifying ───────────────────────────────────────────────────────────────────────────────────────────────────────
OriginFault OriginVerifier::verify(const OriginProof& proof, std::string_view object, std::string_view public_key) {
  if (proof.key_id != key_id_of(public_key)) return OriginFault::kOtherKey;
  const auto commitment = commitment_of_object(proof, object);
  if (!commitment) return OriginFault::kNotDerived;
  const auto root = root_from_path(*commitment, proof.index, proof.count, proof.path);
  if (root != proof.root) return proof.redacted() ? OriginFault::kNotDerived : OriginFault::kNotSigned;
  const std::string message = message_of(proof);
  std::string all(public_key);
  all.append(proof.signature).append(message);
  const Sha256 what = sha256(all);
  if (std::ranges::find(good_, what) != good_.end()) return OriginFault::kNone;
  if (!crypto::verify(public_key, message, proof.signature)) return OriginFault::kSignature;
  if (good_.size() < kRemembered)
    good_.push_back(what);
  else
    good_[next_++ % kRemembered] = what;
  return OriginFault::kNone;
}

OriginFault verify_origin(const OriginProof& proof, std::string_view object, std::string_view public_key) {
  return OriginVerifier().verify(proof, object, public_key);
}

// ── Signing ─────────────────────────────────────────────────────────────────────────────────────────────────────────
struct OriginSigner::Parts {
  std::string originator, public_key, key_id;
  std::shared_ptr<const Signer> key;  // read once: reading PEM costs more than signing
};

OriginSigner::OriginSigner(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
OriginSigner::OriginSigner(OriginSigner&&) noexcept = default;
OriginSigner& OriginSigner::operator=(OriginSigner&&) noexcept = default;
OriginSigner::~OriginSigner() = default;

const std::string& OriginSigner::originator() const { return parts_->originator; }
const std::string& OriginSigner::public_key() const { return parts_->public_key; }

Result<OriginSigner> OriginSigner::make(std::string originator, const SigningKey& key) {
  if (originator.empty() || originator.size() > kMaxOriginatorBytes)
    return invalid("an originator is named by its member id", "originator");
  auto parts = std::make_unique<Parts>();
  parts->originator = std::move(originator);
  parts->public_key = key.public_key;
  parts->key_id = key_id_of(key.public_key);
  auto signer = open_signer(key);
  if (!signer) return invalid("not an Ed25519 key", "signing_key");
  parts->key = std::move(*signer);
  return OriginSigner(std::move(parts));
}

Result<std::vector<std::string>> OriginSigner::sign(std::span<const std::string_view> objects, const OriginClaim& claim,
                                                    Instant now, Random& random) const {
  if (objects.empty()) return std::vector<std::string>();
  if (objects.size() > kMaxSignedBatch)
    return fail(ErrorCode::kTooLarge,
                fmt::format("{} objects under one signature; the limit is {}", objects.size(), kMaxSignedBatch));
  OriginProof proof;
  proof.originator = parts_->originator;
  proof.claim = claim;
  if (claim.author) proof.claim.received_from.clear();
  proof.claim.received_from.resize(std::min(proof.claim.received_from.size(), kMaxReceivedFromBytes));
  if (!claim.author && proof.claim.received_from.empty()) proof.claim.received_from = "unknown";
  proof.time = Instant::from_micros(std::max<std::int64_t>(0, now.micros()));
  proof.key_id = parts_->key_id;
  proof.count = static_cast<std::uint32_t>(objects.size());
  std::vector<FullDisclosure> disclosures;
  std::vector<Sha256> commitments;
  for (const std::string_view object : objects) {
    ObjectCommitment made;
    if (has_parts(object)) {
      BONGSU_TRY(made, commit_object(object, random));
    } else {
      made = commit_whole(object, random);
    }
    disclosures.push_back(made.full);
    commitments.push_back(made.commitment);
  }
  const BatchTree tree(commitments);
  proof.root = tree.root();

  const std::string message = message_of(proof);
  BONGSU_TRY(proof.signature, parts_->key->sign(message));
  std::vector<std::string> out;
  out.reserve(objects.size());
  for (std::size_t i = 0; i < objects.size(); ++i) {
    proof.index = static_cast<std::uint32_t>(i);
    proof.path = tree.path(i);
    proof.disclosure = disclosures[i];
    out.push_back(proof.bytes());
  }
  return out;
}

}  // namespace bongsu::crypto
