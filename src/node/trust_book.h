// The charter that a node trusts and the agreements that their parties signed, in the journal's state. Asked and
// changed by the registry, under its lock.
//
//   charter            "trusted" → TrustedCharter; "v0000003" → the container of each version that was accepted
//   signed_agreements  id → SignedMemorandum
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "journal/journal.h"
#include "policy/charter_state.h"

namespace bongsu::node {

inline constexpr std::size_t kMaxSignedAgreements = 4096;

class TrustBook {
 public:
  static Result<TrustBook> load(journal::Journal& journal);  // kCorrupt names what

  const std::optional<policy::TrustedCharter>& charter() const { return charter_; }
  const std::vector<policy::SignedMemorandum>& agreements() const { return agreements_; }

  // Signing keys that the charter lists for a member, and those that it listed before, in the versions known here.
  struct ListedKey {
    std::string key;               // hex
    std::optional<Instant> until;  // when the version was issued that lists it no more
  };
  std::vector<ListedKey> keys_of(std::string_view member) const;
  std::optional<std::string> owner_of(std::string_view identity) const;  // the member that the charter names for it

  // What a change writes, and the book as it is afterwards: taken when the write is durable.
  struct Change {
    std::vector<journal::StateChange> states;
    std::optional<policy::TrustedCharter> charter;
    std::vector<policy::Charter> versions;  // that are new
    std::optional<policy::SignedMemorandum> agreement;
  };
  Result<Change> accept(std::span<const policy::SignedCharter> versions, std::string_view digest, Instant now) const;
  Result<Change> put(const policy::SignedMemorandum& document, std::string_view self) const;
  Change saw(Instant now) const;  // only with a charter
  void take(Change change);

  static Result<std::vector<policy::SignedCharter>> versions(journal::Journal& journal, std::int64_t after,
                                                             std::size_t most);

 private:
  void list_keys(const policy::Charter& version);  // in the order of versions
  void list_identities();

  std::optional<policy::TrustedCharter> charter_;
  std::map<std::string, std::vector<ListedKey>, std::less<>> keys_;  // by member
  std::map<std::string, std::string, std::less<>> identities_;       // → member
  std::vector<policy::SignedMemorandum> agreements_;  // in order of id
};

}  // namespace bongsu::node
