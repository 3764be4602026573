#include "node/trust_book.h"

#include <fmt/format.h>

#include <algorithm>

namespace bongsu::node {
namespace {

constexpr std::string_view kCharter = "charter", kAgreements = "signed_agreements", kTrusted = "trusted";

std::string version_key(std::int64_t version) { return fmt::format("v{:07}", version); }

template <class T>
Result<T> stored(Result<T> result, std::string_view space, std::string_view key) {
  if (result) return result;
  result.error().code = ErrorCode::kCorrupt;
  result.error().where.source = fmt::format("stored {} \"{}\"", space, key);
  return result;
}

journal::StateChange state(std::string_view space, std::string key, std::string value) {
  return {.space = std::string(space), .key = std::move(key), .value = std::move(value)};
}

}  // namespace

Result<TrustBook> TrustBook::load(journal::Journal& journal) {
  TrustBook out;
  BONGSU_TRY(const auto charter, journal.states(kCharter));
  for (const auto& [key, text] : charter) {  // "trusted" first, then the versions in their order
    if (key == kTrusted) {
      BONGSU_TRY(out.charter_, stored(policy::TrustedCharter::parse(text), kCharter, kTrusted));
    } else if (key.starts_with('v')) {
      BONGSU_TRY(const auto version, stored(policy::parse_signed_charter(text), kCharter, key));
      out.list_keys(version.charter);
    }
  }
  out.list_identities();
  BONGSU_TRY(const auto agreements, journal.states(kAgreements));
  for (const auto& [id, text] : agreements) {
    BONGSU_TRY(auto document, stored(policy::parse_signed_memorandum(text, id), kAgreements, id));
    out.agreements_.push_back(std::move(document));
  }
  return out;
}

Result<TrustBook::Change> TrustBook::accept(std::span<const policy::SignedCharter> versions, std::string_view digest,
                                            Instant now) const {
  if (versions.empty()) return fail(ErrorCode::kInvalid, "no charter was given", {.field = "documents"});
  Change out;
  if (charter_) {
    BONGSU_TRY(out.charter, policy::advance(*charter_, versions, now));
  } else {
    if (digest.empty())
      return fail(ErrorCode::kDenied,
                  "pin: this node trusts no charter yet; compare the digest with a sponsor by voice and give it",
                  {.field = "pin"});
    // The first one may have been followed by others since.
    const Instant first = versions.size() > 1 ? versions.front().charter.issued : now;
    BONGSU_TRY(const auto begun, policy::trust_first(versions.front(), digest, first));
    BONGSU_TRY(out.charter, policy::advance(begun, versions.subspan(1), now));
  }
  for (const auto& version : versions)
    if (!charter_ || version.charter.version > charter_->charter().version) {
      out.states.push_back(state(kCharter, version_key(version.charter.version), version.text()));
      out.versions.push_back(version.charter);
    }
  out.states.push_back(state(kCharter, std::string(kTrusted), out.charter->text()));
  return out;
}

Result<TrustBook::Change> TrustBook::put(const policy::SignedMemorandum& document, std::string_view self) const {
  if (!charter_)
    return fail(
        ErrorCode::kDenied,
        "this node trusts no charter: nothing says whose signatures count. Accept one first: bongsu charter accept",
        {.field = "charter"});
  if (!document.terms.parties.contains(std::string(self)))
    return fail(ErrorCode::kDenied, fmt::format("party: {} is not a party to this agreement", self),
                {.field = "party"});
  BONGSU_TRY_VOID(policy::verify_memorandum(document, charter_->charter()));
  Change out;
  const auto at =
      std::ranges::find(agreements_, document.terms.id, [](const policy::SignedMemorandum& m) { return m.terms.id; });
  if (at == agreements_.end()) {
    if (agreements_.size() >= kMaxSignedAgreements)
      return fail(ErrorCode::kTooLarge, fmt::format("a node keeps at most {} signed agreements", kMaxSignedAgreements));
    out.agreement = policy::with_proven_signatures(document, charter_->charter());
  } else {
    BONGSU_TRY(out.agreement, policy::advance_memorandum(*at, document, charter_->charter()));
    if (*out.agreement == *at) return out;  // known: nothing to write
  }
  out.states.push_back(state(kAgreements, out.agreement->terms.id, out.agreement->text()));
  return out;
}

TrustBook::Change TrustBook::saw(Instant now) const {
  Change out{.states = {}, .charter = charter_, .versions = {}, .agreement = std::nullopt};
  out.charter->saw(now);
  out.states.push_back(state(kCharter, std::string(kTrusted), out.charter->text()));
  return out;
}

void TrustBook::list_keys(const policy::Charter& version) {
  for (auto& [id, keys] : keys_) {
    const auto member = version.members.find(id);
    for (ListedKey& known : keys)
      if (!known.until && (member == version.members.end() ||
                           std::ranges::find(member->second.keys, known.key) == member->second.keys.end()))
        known.until = version.issued;
  }
  for (const auto& [id, member] : version.members)
    for (const auto& key : member.keys) {
      auto& known = keys_[id];
      if (const auto at = std::ranges::find(known, key, &ListedKey::key); at != known.end())
        at->until.reset();
      else
        known.push_back({key, std::nullopt});
    }
}

std::vector<TrustBook::ListedKey> TrustBook::keys_of(std::string_view member) const {
  const auto at = keys_.find(member);
  return at == keys_.end() ? std::vector<ListedKey>() : at->second;
}

std::optional<std::string> TrustBook::owner_of(std::string_view identity) const {
  const auto at = identities_.find(identity);
  return at == identities_.end() ? std::nullopt : std::optional(at->second);
}

void TrustBook::list_identities() {
  identities_.clear();
  if (!charter_) return;
  for (const auto& [id, member] : charter_->charter().members)
    if (!member.identity.empty()) identities_.emplace(member.identity, id);
}

void TrustBook::take(Change change) {
  for (const auto& version : change.versions) list_keys(version);
  if (change.charter) {
    charter_ = std::move(change.charter);
    list_identities();
  }
  if (!change.agreement) return;
  std::erase_if(agreements_, [&](const auto& m) { return m.terms.id == change.agreement->terms.id; });
  agreements_.push_back(std::move(*change.agreement));
  std::ranges::sort(agreements_, {}, [](const policy::SignedMemorandum& m) { return m.terms.id; });
}

Result<std::vector<policy::SignedCharter>> TrustBook::versions(journal::Journal& journal, std::int64_t after,
                                                               std::size_t most) {
  std::vector<policy::SignedCharter> out;
  BONGSU_TRY(const auto kept, journal.states(kCharter));
  const std::string last = version_key(after);
  for (const auto& [key, text] : kept) {  // in order of their keys
    if (!key.starts_with('v') || key <= last || out.size() >= most) continue;
    BONGSU_TRY(auto document, stored(policy::parse_signed_charter(text), kCharter, key));
    out.push_back(std::move(document));
  }
  return out;
}

}  // namespace bongsu::node
