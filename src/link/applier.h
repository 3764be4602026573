// Where what a link brought is put: the mirror of the partner's collection, through admission.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "flow/admit.h"
#include "flow/collections.h"
#include "journal/journal.h"
#include "link/consumer.h"
#include "link/sealing.h"
#include "link/suspension.h"

namespace bongsu::link {

struct FollowedCollection {
  std::string member;             // the partner
  std::string id, alias, title;   // as the partner names it
  std::string exercise{};         // that it is for; empty: live
};

class Applier {
 public:
  virtual ~Applier() = default;
  // Makes the mirror if it is not there, and says where the link stopped.
  virtual Result<Cursor> open(const FollowedCollection& remote) = 0;
  // Durable when it returns, together with the batch's cursor. An error: nothing behind the stored cursor counts as applied.
  virtual Result<AppliedCounts> apply(const FollowedCollection& remote, const TailBatch& batch) = 0;
  // Why nothing is taken from this member until a person says otherwise.
  virtual std::optional<std::string> suspended(const std::string& member) {
    (void)member;
    return std::nullopt;
  }
};

// Cursors are in the journal's state under "link.cursor", "<member>/<remote collection id>". Objects that the standard or the house refuses are
// counted and logged; they do not stop the link. Safe from any thread.
class FlowApplier final : public Applier {
 public:
  // Called when a mirror was made, before its first object: the release has to know the new collection.
  using OnMirror = std::function<void(const flow::Collection&)>;
  FlowApplier(journal::Journal& journal, flow::Admission& admission, flow::Collections& collections, Random& random, Log& log,
              std::string self, OnMirror on_mirror = {}, Sealing* sealing = nullptr);

  // Called when the partner told that objects are gone, or of tombstones that were not spoken of before: they should be
  // asked for.
  void on_gone(std::function<void(const std::string& member)> callback) { on_gone_ = std::move(callback); }

  Result<Cursor> open(const FollowedCollection& remote) override;
  // What has a wrong proof of origin goes to quarantine, and the member's links are suspended: what it brought in the same
  // batch with good proofs is admitted, further batches are kDenied.
  Result<AppliedCounts> apply(const FollowedCollection& remote, const TailBatch& batch) override;
  std::optional<std::string> suspended(const std::string& member) override;
  void suspend_with(Suspensions& suspensions) { suspensions_ = &suspensions; }

 private:
  Result<flow::Collection> mirror(const FollowedCollection& remote);
  // Opens what is sealed in a batch; what does not open becomes void and is counted as refused. By position in the batch: what was
  // opened, whose keys die in the commit that stores it.
  using OpenedItems = std::map<std::size_t, Sealing::OpenedEnvelope>;
  TailBatch unsealed(const FollowedCollection& remote, const TailBatch& received, OpenedItems& opened, AppliedCounts& counts, int& logged);
  Result<bool> withdrawn(const std::string& collection, const FollowedCollection& remote, const TailItem& item,
                         std::vector<journal::StateChange> states, AppliedCounts& counts);
  Result<void> withdraw(const std::string& collection, const TailItem& item, std::vector<journal::StateChange> states);

  journal::Journal& journal_;
  flow::Admission& admission_;
  flow::Collections& collections_;
  Random& random_;
  Log& log_;
  const std::string self_;  // own member id: a withdrawal by the partner is a deletion by us in our mirror
  OnMirror on_mirror_;
  Suspensions* suspensions_ = nullptr;
  Sealing* const sealing_;  // nullptr: sealed objects are refused
  std::function<void(const std::string&)> on_gone_;
  std::map<std::string, std::uint64_t> tombstones_;  // the most that a partner spoke of, by member
};

// Where the links to this member's collections stand, by its id of the collection, as it is stored here. What cannot be
// read is left out.
Result<std::vector<std::pair<std::string, Cursor>>> stored_cursors(journal::Journal& journal,
                                                                   const std::string& member);

}  // namespace bongsu::link
