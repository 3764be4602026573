// Who this node knows: members, agreements, accounts, invitations. Kept in the journal's state; changes take effect at once.
//
//   BONGSU_TRY_VOID(registry.put_agreement(agreement));   // durable, a new epoch, views made or changed, when it returns
//
// Safe from any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "flow/approvals.h"
#include "flow/collections.h"
#include "flow/release.h"
#include "identity/accounts.h"
#include "identity/members.h"
#include "journal/journal.h"
#include "link/pairing.h"
#include "link/partners.h"
#include "link/suspension.h"
#include "node/crisis.h"
#include "node/trust_book.h"
#include "policy/agreement.h"

namespace bongsu::node {

inline constexpr std::chrono::hours kInvitationLifetime{48};

class Registry {
 public:
  static Result<std::unique_ptr<Registry>> load(std::string self, journal::Journal& journal, flow::Collections& collections,
                                                flow::Release& release, identity::AccountBook& accounts, const Clock& clock, Random& random);

  std::vector<identity::Member> members() const;
  std::optional<identity::Member> member(std::string_view id) const;
  // The Ed25519 key with which a member signs, as it was pinned; of a member that is not stopped.
  std::optional<std::string> pinned_key(std::string_view id) const;
  // By the certificate that a peer shows: its authority was pinned when the member was paired.
  const link::PartnerDirectory& directory() const { return directory_; }
  Result<void> put_member(const identity::Member& member);
  Result<void> confirm(std::string_view id);
  Result<void> set_stopped(std::string_view id, bool stopped);
  // A member was caught lying, or is taken back (link/suspension.h keeps why): a note, and a stop where it says so.
  Result<void> set_suspended(const link::Suspension& suspension, bool suspended);

  std::vector<policy::Agreement> agreements() const;
  std::optional<policy::Agreement> agreement(std::string_view partner) const;
  // `closing` here and below: of an approval (flow/approvals.h), in the same commit.
  Result<void> put_agreement(const policy::Agreement& agreement, const flow::Closing& closing = {});  // kNotFound: no such member or collection
  Result<void> end_agreement(std::string_view partner, const flow::Closing& closing = {});

  // The charter that this node trusts; nullopt: none, members are whom it has paired with, agreements are local.
  std::optional<policy::TrustedCharter> charter() const;
  // Versions in order. The first charter of a node is trusted by its digest, what follows by its signatures. Durable, and
  // in force, when it returns; kDenied with the reason.
  Result<policy::TrustedCharter> accept_charter(std::span<const policy::SignedCharter> versions, std::string_view digest,
                                                const flow::Closing& closing = {});
  // Versions that this node accepted, after this one: for a node that is behind.
  Result<std::vector<policy::SignedCharter>> charter_versions(std::int64_t after, std::size_t most) const;
  std::vector<policy::SignedMemorandum> memoranda() const;
  // kDenied: no charter, this node is no party, a signature is missing, an older version.
  Result<policy::SignedMemorandum> put_memorandum(const policy::SignedMemorandum& document, const flow::Closing& closing = {});
  // With which keys a member signs: those that the charter lists, with those that it listed before; without a charter the
  // one that was pinned when it was paired.
  std::vector<TrustBook::ListedKey> keys_of(std::string_view member) const;
  std::optional<std::string> owner_of(std::string_view identity) const;  // by the charter
  // The newest crisis that was declared here, which may have ended.
  std::optional<Crisis> crisis() const;
  // From now on, or longer than before where one lasts. kInvalid: check_crisis.
  Result<Crisis> declare_crisis(Crisis crisis, const flow::Closing& closing = {});
  Result<Crisis> end_crisis(const std::string& by, const std::string& reason);  // kNotFound: none lasts

  // What changes with time alone: the end of the charter and of probation, a group's next version, the end of a local
  // agreement and with it of its partner's consent.
  void look_at_the_clock();

  Result<void> put_account(const identity::Account& account, bool replace);  // kConflict when it exists and replace is false
  Result<void> remove_account(std::string_view name);
  // One change at a time, with a note of it. kNotFound; or what `change` says, and nothing is written.
  Result<identity::Account> change_account(std::string_view name, std::string_view event, JsonObject details,
                                           const std::function<Result<void>(identity::Account&)>& change);
  // Holds at the account's next request. kNotFound.
  Result<identity::Account> set_clearance(std::string_view name, identity::Clearance clearance);

  Result<identity::Invitation> invite(const identity::Member& self, const std::string& expected);  // empty: whoever comes with it
  // Open invitations and members as they are stored; for the pairing server. Call refresh_members() after it stored one.
  link::PairingBook& book() { return book_; }
  Result<void> refresh_members();

  // After a collection was added: agreements that name it take effect.
  Result<void> refresh_policy();
  // Called after each change, without locks: links start, drop or reconnect.
  void on_change(std::function<void()> callback);

 private:
  Registry(std::string self, journal::Journal& journal, flow::Collections& collections, flow::Release& release,
           identity::AccountBook& accounts, const Clock& clock, Random& random)
      : self_(std::move(self)), journal_(journal), collections_(collections), release_(release), accounts_(accounts), clock_(clock),
        random_(random), book_(journal, clock, random) {}
  // One state change with a note in the journal of what happened to whom.
  Result<void> write(std::vector<journal::StateChange> changes, std::string_view event, std::string_view subject, JsonObject details = {},
                     const flow::Closing& closing = {});
  Result<void> apply_policy();  // under mutex_
  void changed();

  const std::string self_;
  journal::Journal& journal_;
  flow::Collections& collections_;
  flow::Release& release_;
  identity::AccountBook& accounts_;
  const Clock& clock_;
  Random& random_;
  link::PairingBook book_;
  link::PartnerDirectory directory_;
  mutable std::mutex mutex_;
  std::map<std::string, identity::Member, std::less<>> members_;
  std::map<std::string, policy::Agreement, std::less<>> agreements_;
  std::optional<Crisis> crisis_;
  TrustBook trust_;
  std::vector<std::function<void()>> callbacks_;
};

}  // namespace bongsu::node
