// Four eyes: an act that nobody does alone is proposed, and done when a second person with the same right says so.
//
//   BONGSU_TRY(const auto waits, approvals.ask({.kind = "agreement.end", .parameters = {…}}, {.account = "olena"},
//   "expired")); if (waits) return told(*waits);              // durable; a second person decides
//   BONGSU_TRY_VOID(registry.end_agreement(…));  // four eyes are off, or there is no second person
//
//   approvals.approve(id, "otto", sha256, "as agreed by telephone");   // done exactly as proposed, in one commit with
//   the approval
//
// What is proposed is its kind, its parameters, its bytes and what it would change, as of then; the SHA-256 over all of
// it is what the second person approves. It is computed again before it is done: if the bytes are others, or what it
// would change has changed since, it is not done. Who approves names the hash of what was shown.
//
// Who decides is another account of another person than who proposed, enabled, with the right at that moment; who
// proposed must have it still. What the local administrator does (the admin socket, without an account) is proposed
// likewise, and approved by an account. A proposal that nobody decides expires.
//
// A further kind of act is one more `Act`. The bytes are a payload of the journal (as of what is quarantined), sealed,
// and erased when it is decided; what stays is the record, and a note for each step, which the ledger follows.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "identity/accounts.h"
#include "journal/journal.h"

namespace bongsu::flow {

inline constexpr std::size_t kMaxOpenProposals = 1'000;
inline constexpr std::size_t kMaxProposalBytes = 8 * 1024 * 1024;
inline constexpr std::size_t kMaxProposalReasonBytes = 2'000;
inline constexpr std::size_t kMaxDecidedProposals = 1'000;  // records of decided ones; the notes in the journal stay
inline constexpr std::string_view kLocalAdmin = "@admin";   // no account's name; nobody's person

struct Proposed {
  std::string kind;       // "label.lower"
  JsonObject parameters;  // what it takes beside the bytes
  std::string bytes;      // the object, the agreement, … exactly
};

// What it would do, as of now. Small, and for people.
struct ActPlan {
  std::string subject;  // object, partner, charter
  std::string summary;  // one sentence
  struct Change {
    std::string what, before, after;
  };
  std::vector<Change> changes;
  // The label that who decides has to be cleared for, as text; empty: none.
  std::string label{};
};

// Goes into the commit of what is done.
struct Closing {
  std::vector<journal::StateChange> states;
  std::vector<journal::NewEntry> notes;
};

struct Act {
  std::string kind;
  std::function<Result<ActPlan>(const Proposed&)> plan;
  // Whether this account has the right to do it, with another one; that it is enabled and ours is asked beforehand.
  std::function<bool(const identity::Account&, const Proposed& without_bytes, const ActPlan&)> may_decide;
  // Whether it may see what it would decide about; empty: everyone with the right. Not asked when those who have the
  // right are counted: what nobody may see is not done by one alone for that.
  std::function<bool(const identity::Account&, const ActPlan&)> may_see{};
  // Where fewer than two persons have the right it is not done at all, instead of by one alone.
  bool never_alone = false;
  // All or nothing, with the closing in the same commit.
  std::function<Result<void>(const Proposed&, const Closing&)> execute;
};

struct Proposal {
  std::string id;  // uuid
  std::string kind;
  JsonObject parameters;
  ActPlan plan;
  std::string sha256;  // of all that is proposed
  std::uint64_t bytes = 0;
  std::string by, by_person, why;
  Instant since, expires;
  enum class State { kOpen, kExecuted, kRefused, kExpired } state = State::kOpen;
  std::string decided_by, decided_why;
  std::optional<Instant> decided;
};
std::string_view to_string(Proposal::State state);  // "open", "executed", "refused", "expired"
Json to_json(const Proposal& proposal);

// Who wants it done: an account, or the local administrator.
struct Asker {
  std::string account = std::string(kLocalAdmin);
};

struct ApprovalOptions {
  bool four_eyes = false;
  std::chrono::seconds lifetime{7 * 24 * 3600};
};

// Safe from any thread.
class Approvals {
 public:
  static Result<std::unique_ptr<Approvals>> load(journal::Journal& journal, const identity::AccountBook& accounts,
                                                 const Clock& clock, Random& random, std::string self,
                                                 ApprovalOptions options, Log& log);

  // Before the first proposal; a kind once.
  void add(Act act);
  bool four_eyes() const { return options_.four_eyes; }

  // nullopt: do it. Four eyes are off, or fewer than two persons have the right (then a note says that one did it
  // alone). Else the proposal that waits: a new one, or the one that says the same by the same asker. kInvalid: no
  // reason; kNotFound: no such kind; kDenied: fewer than two have the right, and it is never done alone; what the act's
  // plan says; kUnavailable: too many wait.
  Result<std::optional<Proposal>> ask(const Proposed& what, const Asker& by, std::string_view why);

  std::vector<Proposal> list() const;  // open ones first, newest first
  std::optional<Proposal> find(std::string_view id) const;
  Result<std::string> content(std::string_view id);  // kNotFound: decided, its bytes are erased

  // Whether this account may approve or refuse it now; kDenied says why not. Whether it may know of it at all: who
  // proposed it and who has the right.
  Result<void> may_decide(const Proposal& proposal, std::string_view account) const;
  bool may_see(const Proposal& proposal, std::string_view account) const;

  // kConflict: decided already, expired, `sha256` is of something else, or what it would change has changed.
  Result<Proposal> approve(std::string_view id, std::string_view account, std::string_view sha256,
                           std::string_view why);
  Result<Proposal> refuse(std::string_view id, std::string_view account, std::string_view why);

  // What nobody decided in time. Call it now and then.
  Result<void> keep_up();
  // An object is erased: what is proposed about it goes, too.
  Result<std::size_t> erase_subject(std::string_view subject);

 private:
  Approvals(journal::Journal& journal, const identity::AccountBook& accounts, const Clock& clock, Random& random,
            std::string self, ApprovalOptions options, Log& log)
      : journal_(journal),
        accounts_(accounts),
        clock_(clock),
        random_(random),
        self_(std::move(self)),
        options_(options),
        log_(log) {}
  const Act* act_of(std::string_view kind) const;
  std::optional<identity::Account> able(std::string_view account, const Act& act, const Proposed& what,
                                        const ActPlan& plan) const;
  std::size_t persons_able(const Act& act, const Proposed& what, const ActPlan& plan) const;
  Result<Proposal> open_one(std::string_view id) const;
  journal::NewEntry note(std::string_view event, const Proposal& proposal, std::string_view by,
                         std::string_view why) const;
  Result<Proposal> settle(Proposal proposal, Proposal::State state, std::string_view by, std::string_view why);
  Result<void> finish(const Proposal& proposal);  // bytes erased, the oldest records removed
  Result<std::string> content_of(const std::string& id);

  journal::Journal& journal_;
  const identity::AccountBook& accounts_;
  const Clock& clock_;
  Random& random_;
  const std::string self_;
  const ApprovalOptions options_;
  Log& log_;
  std::vector<Act> acts_;
  std::mutex deciding_;  // one decision at a time, from looking to its commit
  // One new proposal at a time, from looking to its commit. Not `deciding_`: who asks may hold what the act that is
  // being done waits for (admission asks while it admits, and is what such an act calls).
  std::mutex asking_;
  mutable std::mutex mutex_;
  std::map<std::string, Proposal, std::less<>> proposals_;
  std::map<std::string, journal::Seq, std::less<>> seqs_;   // of the bytes
  std::map<std::string, journal::Seq, std::less<>> after_;  // where they are looked for after a start
};

}  // namespace bongsu::flow
