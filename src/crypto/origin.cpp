#include "crypto/origin.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/bytes.h"
#include "crypto/byte_reader.h"
#include "crypto/whole.h"

namespace bongsu::crypto {
namespace {

constexpr std::uint8_t kLastVersion = 31;  // more than there will be: beyond is rubbish, not a later version
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
Sha256 BatchTree::empty_node(const Secret& secret, std::size_t level, std::size_t number) {
  std::string text = "empty";
  text += as_text(Bytes(secret));
  put_number(text, level, 1);
  put_number(text, number, 2);
  return sha256(text);
}

BatchTree::BatchTree(std::span<const Sha256> entries, std::span<const std::uint16_t> places, const Secret& secret) {
  BONGSU_CHECK(!entries.empty() && entries.size() == places.size());
  auto& leaves = levels_.emplace_back();
  leaves.reserve(2 * entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    BONGSU_CHECK(places[i] < kBatchPlaces);
    leaves.push_back({places[i], hash_entry(entries[i])});
  }
  std::ranges::sort(leaves, {}, &Node::number);
  for (std::size_t level = 0; level < kBatchDepth; ++level) {
    // Neighbours that are missing are made, then each pair makes one node above.
    std::vector<Node> whole, above;
    whole.reserve(2 * levels_[level].size());
    const auto make = [&](std::size_t number) {
      whole.push_back({static_cast<std::uint16_t>(number), empty_node(secret, level, number)});
    };
    const auto left_alone = [&] { return !whole.empty() && whole.back().number % 2 == 0; };
    for (const Node& node : levels_[level]) {
      if (left_alone() && whole.back().number + 1 != node.number) make(whole.back().number + 1U);
      if (node.number % 2 != 0 && !left_alone()) make(node.number - 1U);
      whole.push_back(node);
    }
    if (left_alone()) make(whole.back().number + 1U);
    for (std::size_t i = 0; i < whole.size(); i += 2)
      above.push_back(
          {static_cast<std::uint16_t>(whole[i].number / 2), hash_children(whole[i].hash, whole[i + 1].hash)});
    levels_[level] = std::move(whole);
    levels_.push_back(std::move(above));
  }
}

std::array<Sha256, kBatchDepth> BatchTree::path(std::uint16_t place) const {
  std::array<Sha256, kBatchDepth> out{};
  for (std::size_t level = 0; level < kBatchDepth; ++level, place = static_cast<std::uint16_t>(place / 2))
    out[level] = std::ranges::lower_bound(levels_[level], place ^ 1, {}, &Node::number)->hash;
  return out;
}

std::vector<std::uint16_t> random_places(std::size_t count, Random& random) {
  BONGSU_CHECK(count <= kBatchPlaces);
  std::vector<std::uint16_t> all(kBatchPlaces);
  std::iota(all.begin(), all.end(), std::uint16_t{0});
  for (std::size_t i = 0; i < count; ++i) std::swap(all[i], all[i + random.below(kBatchPlaces - i)]);
  all.resize(count);
  return all;
}

Sha256 root_from_path(const Sha256& entry, std::uint16_t place, std::span<const Sha256, kBatchDepth> path) {
  Sha256 node = hash_entry(entry);
  for (const Sha256& neighbour : path) {
    node = place % 2 != 0 ? hash_children(neighbour, node) : hash_children(node, neighbour);
    place = static_cast<std::uint16_t>(place / 2);
  }
  return node;
}

// ── Proofs as bytes ─────────────────────────────────────────────────────────────────────────────────────────────────
std::string OriginProof::bytes() const {
  std::string out;
  put_number(out, kOriginVersion, 1);
  put_number(out, redacted() ? kRedacted : kFull, 1);
  put_head(out, *this);
  put_number(out, place, 2);
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
  if (*version == 0 || *version > kLastVersion) return invalid("is no proof of origin", "proof");
  if (*version != kOriginVersion)
    return fail(ErrorCode::kUnsupported,
                fmt::format("a proof of version {}; this program knows {}", *version, kOriginVersion),
                {.field = "proof"});
  const auto form = reader.number(1);
  auto originator = reader.short_text();
  const auto claim = reader.number(1);
  auto received_from = reader.short_text();
  const auto time = reader.number(8);
  const auto key_id = reader.bytes(kKeyIdBytes);
  const auto root = reader.digest();
  const auto place = reader.number(2);
  if (!form || !originator || !claim || !received_from || !time || !key_id || !root || !place)
    return truncated("proof.head");
  if (*form != kFull && *form != kRedacted) return invalid("is neither of a whole nor of a part", "proof.form");
  if (originator->empty() || originator->size() > kMaxOriginatorBytes)
    return invalid("names no originator", "proof.originator");
  if (*claim != kAuthor && *claim != kImporter) return invalid("claims nothing that is known", "proof.claim");
  if (received_from->size() > kMaxReceivedFromBytes || (*claim == kAuthor) != received_from->empty())
    return invalid("an importer says from whom it received, an author does not", "proof.claim");
  if (*place >= kBatchPlaces) return invalid("names a place that is not in its batch", "proof.place");
  constexpr std::uint64_t kLastMicros = 253'402'300'799'999'999;  // the year 9999
  if (*time > kLastMicros) return invalid("was made at no time that can be written", "proof.time");
  out.originator = std::move(*originator);
  out.claim = {*claim == kAuthor, std::move(*received_from)};
  out.time = Instant::from_micros(static_cast<std::int64_t>(*time));
  out.key_id = *key_id;
  out.root = *root;
  out.place = static_cast<std::uint16_t>(*place);
  for (Sha256& node : out.path) {
    const auto digest = reader.digest();
    if (!digest) return truncated("proof.path");
    node = *digest;
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
  if (root_from_path(*commitment, proof.place, proof.path) != proof.root)
    return proof.redacted() ? OriginFault::kNotDerived : OriginFault::kNotSigned;
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
  if (objects.size() > kBatchPlaces)
    return fail(ErrorCode::kTooLarge,
                fmt::format("{} objects under one signature; the limit is {}", objects.size(), kBatchPlaces));
  OriginProof proof;
  proof.originator = parts_->originator;
  proof.claim = claim;
  if (claim.author) proof.claim.received_from.clear();
  proof.claim.received_from.resize(std::min(proof.claim.received_from.size(), kMaxReceivedFromBytes));
  if (!claim.author && proof.claim.received_from.empty()) proof.claim.received_from = "unknown";
  proof.time = Instant::from_micros(std::max<std::int64_t>(0, now.micros()));
  proof.key_id = parts_->key_id;
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
  BatchTree::Secret secret{};
  random.fill(secret);
  const std::vector<std::uint16_t> places = random_places(objects.size(), random);
  const BatchTree tree(commitments, places, secret);
  proof.root = tree.root();

  const std::string message = message_of(proof);
  BONGSU_TRY(proof.signature, parts_->key->sign(message));
  std::vector<std::string> out;
  out.reserve(objects.size());
  for (std::size_t i = 0; i < objects.size(); ++i) {
    proof.place = places[i];
    proof.path = tree.path(places[i]);
    proof.disclosure = disclosures[i];
    out.push_back(proof.bytes());
  }
  return out;
}

}  // namespace bongsu::crypto
