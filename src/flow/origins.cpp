#include "flow/origins.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>

#include "base/bytes.h"
#include "base/json.h"

namespace bongsu::flow {
namespace {

constexpr std::string_view kOwnerSpace = "origin.owner", kSignsSpace = "origin.signs";

}  // namespace

Result<std::unique_ptr<Origins>> Origins::load(journal::Journal& journal, const Clock& clock, Random& random) {
  std::unique_ptr<Origins> out(new Origins(clock, random));
  BONGSU_TRY(const auto owners, journal.states(kOwnerSpace));
  for (const auto& [identity, member] : owners) out->owners_.emplace(identity, member);
  BONGSU_TRY(const auto signers, journal.states(kSignsSpace));
  for (const auto& [member, since] : signers) out->signers_.insert(member);
  return out;
}

void Origins::sign_as(std::shared_ptr<const crypto::OriginSigner> signer) {
  const std::lock_guard lock(mutex_);
  signer_ = std::move(signer);
}

void Origins::know_keys(KeysOf keys) {
  const std::lock_guard lock(mutex_);
  keys_ = std::move(keys);
}

void Origins::know_owners(OwnerOf by_charter) {
  const std::lock_guard lock(mutex_);
  by_charter_ = std::move(by_charter);
}

void Origins::set_own_identity(std::string identity) {
  const std::lock_guard lock(mutex_);
  own_identity_ = std::move(identity);
}

OriginVerdict Origins::judge(std::string_view bytes, std::string_view object) {
  if (bytes.empty()) return {};
  const auto bad = [](std::string originator, std::string why) {
    return OriginVerdict{OriginVerdict::Kind::kBad, std::move(originator), false, std::move(why)};
  };
  const auto proof = crypto::OriginProof::parse(bytes);
  // A later node may sign in a way that this one does not know.
  if (!proof && proof.error().code == ErrorCode::kUnsupported)
    return {OriginVerdict::Kind::kUnknownOriginator, "", false, "has " + proof.error().message};
  if (!proof)
    return bad("", fmt::format("has a proof of origin that cannot be read: {} ({})", proof.error().message,
                               proof.error().where.field));
  KeysOf keys_of;
  std::vector<OriginKey> keys;
  {
    const std::lock_guard lock(mutex_);
    if (signer_ && signer_->originator() == proof->originator) keys.push_back({signer_->public_key(), std::nullopt});
    keys_of = keys_;
  }
  if (keys_of) std::ranges::move(keys_of(proof->originator), std::back_inserter(keys));
  OriginVerdict out{OriginVerdict::Kind::kUnknownOriginator, proof->originator, proof->claim.author, {}};
  if (keys.empty()) return out;
  crypto::OriginFault fault = crypto::OriginFault::kOtherKey;
  for (const OriginKey& key : keys) {
    if (proof->key_id != crypto::key_id_of(key.key)) continue;
    if (key.until && proof->time > *key.until) {
      // Not a lie of whoever passed it on: it may not have heard of it.
      out.why = fmt::format("has a proof in the name of {} by a key that was taken from it before", proof->originator);
      return out;
    }
    const std::lock_guard lock(mutex_);
    fault = verifier_.verify(*proof, object, key.key);
    break;
  }
  if (fault != crypto::OriginFault::kNone)
    return bad(proof->originator,
               fmt::format("has a proof in the name of {} that {}", proof->originator, crypto::sentence_of(fault)));
  out.kind = OriginVerdict::Kind::kProven;
  return out;
}

bool Origins::signs(std::string_view member) const {
  const std::lock_guard lock(mutex_);
  return signers_.contains(member);
}

void Origins::note_signs(std::string_view member, std::vector<journal::StateChange>& states) {
  const std::lock_guard lock(mutex_);
  // Written again is harmless: a commit that fails is followed by one that says the same.
  if (signers_.emplace(member).second)
    states.push_back({std::string(kSignsSpace), std::string(member), clock_.now().text(3)});
}

std::optional<std::string> Origins::owner_of(std::string_view identity) const {
  OwnerOf by_charter;
  {
    const std::lock_guard lock(mutex_);
    by_charter = by_charter_;
  }
  if (by_charter)
    if (auto owner = by_charter(identity)) return owner;
  const std::lock_guard lock(mutex_);
  const auto at = owners_.find(identity);
  if (at == owners_.end()) return std::nullopt;
  return at->second;
}

bool Origins::own(std::string_view identity, std::string_view member, std::vector<journal::StateChange>& states) {
  if (owner_of(identity)) return false;
  const std::lock_guard lock(mutex_);
  if (owners_.size() >= kMaxOwnedIdentities || !owners_.emplace(identity, member).second) return false;
  states.push_back({std::string(kOwnerSpace), std::string(identity), std::string(member)});
  return true;
}

void Origins::forget_owner(std::string_view identity) {
  const std::lock_guard lock(mutex_);
  if (const auto at = owners_.find(identity); at != owners_.end()) owners_.erase(at);
}

journal::StateChange Origins::set_owner(std::string_view identity, std::string_view member) {
  const std::lock_guard lock(mutex_);
  owners_[std::string(identity)] = member;
  return {std::string(kOwnerSpace), std::string(identity), std::string(member)};
}

// This node signs.
crypto::OriginClaim Origins::claim_of(std::string_view created_by, std::string_view received_from) const {
  if (!received_from.empty()) return {.author = false, .received_from = std::string(received_from)};
  std::string self;
  {
    const std::lock_guard lock(mutex_);
    if (created_by.empty() || created_by == own_identity_) return {};
    self = signer_->originator();
  }
  if (owner_of(created_by) == self) return {};
  // Put in by hand here, but by its own words made by somebody else.
  return {.author = false, .received_from = "an author who does not sign"};
}

std::vector<std::string> Origins::sign_texts(const std::vector<std::string_view>& texts,
                                             const crypto::OriginClaim& claim) {
  std::shared_ptr<const crypto::OriginSigner> signer;
  {
    const std::lock_guard lock(mutex_);
    signer = signer_;
  }
  if (!signer) return std::vector<std::string>(texts.size());
  std::vector<std::string> out;
  for (std::span<const std::string_view> rest(texts); !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), crypto::kBatchPlaces));
    auto proofs = signer->sign(some, claim, clock_.now(), random_);
    if (!proofs) return std::vector<std::string>(texts.size());
    std::ranges::move(*proofs, std::back_inserter(out));
    rest = rest.subspan(some.size());
  }
  return out;
}

std::vector<std::string> Origins::sign(const std::vector<const stix::Object*>& objects,
                                       std::string_view received_from) {
  std::vector<std::string> out(objects.size());
  struct Group {
    std::vector<std::size_t> at;
    std::vector<std::string_view> texts;
  };
  std::map<std::pair<bool, std::string>, Group> groups;
  {
    const std::lock_guard lock(mutex_);
    if (!signer_) return out;
  }
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const auto& created_by = objects[i]->created_by();
    const auto claim = claim_of(created_by ? created_by->text() : std::string(), received_from);
    Group& group = groups[{claim.author, claim.received_from}];
    group.at.push_back(i);
    group.texts.push_back(objects[i]->bytes());
  }
  for (auto& [claim, group] : groups) {
    auto proofs = sign_texts(group.texts, {.author = claim.first, .received_from = claim.second});
    for (std::size_t i = 0; i < proofs.size(); ++i) out[group.at[i]] = std::move(proofs[i]);
  }
  return out;
}

std::string Origins::proof_of(journal::Snapshot& snapshot, const journal::OutboxRow& row,
                              const journal::Content& content) {
  std::string self;
  {
    const std::lock_guard lock(mutex_);
    if (signer_) self = signer_->originator();
  }
  // One of an older version says nothing to others: it is made anew.
  if (!content.proof.empty() && (self.empty() || content.proof.front() == static_cast<char>(crypto::kOriginVersion)))
    return content.proof;
  if (self.empty()) return {};
  const auto entry = snapshot.entry(row.seq);
  const auto whole = snapshot.content(row.seq);
  if (!entry || !whole) return {};
  if (whole->payload != content.payload && !whole->proof.empty())
    if (const auto proof = crypto::OriginProof::parse(whole->proof))
      if (const auto part = proof->for_part(whole->payload, content.payload)) return part->bytes();
  crypto::OriginClaim claim;
  if (entry->origin != self) {
    claim = {.author = false, .received_from = entry->origin};
  } else if (const auto object = stix::Object::parse(content.payload)) {
    const auto& created_by = object->created_by();
    claim = claim_of(created_by ? created_by->text() : "", "");
  }
  return std::move(sign_texts({content.payload}, claim).front());
}

}  // namespace bongsu::flow
