// Carries what the node did from the journal and the outboxes into the ledger.
//
// The journal is the record; the ledger is a second one that others can check. So nothing on the way in or out waits for it: a thread
// follows behind, and where it stands is written in the same group as what it wrote (Ledger::record_all). After a crash it goes on
// exactly there: no gap, nothing twice. What is claimed of an entry is claimed from the ledger, so never before it is durable.
//
//   journal's change feed   → node log: admission, deletion, erasure, and every note (log-in, pairing, agreement, stop, …)
//                           → log of the pair: receipt, for what came from that member
//   outboxes                → node log: release, with the members of the view; the decision as it was carried out
//                           → log of the pair: release and withdrawal, as that member sees them
//
// Details in the log of a pair hold nothing but what the member sees as well: object, version, hash of the bytes, date_added, collection,
// and the hash of the agreement's text. No sequence number, no epoch, no position.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "flow/release.h"
#include "journal/journal.h"
#include "ledger/ledger.h"

namespace bongsu::node {

inline constexpr std::uint32_t kLedgerPage = 500;  // entries or rows at once
inline constexpr std::size_t kMaxSaidRows = 500'000;  // that are kept in mind beyond one look; else they are read again

struct LedgerFeedDeps {
  std::string self;
  journal::Journal& journal;
  flow::Release& release;
  ledger::Ledger& ledger;
  const Clock& clock;
  Log& log;
  std::function<std::vector<std::string>()> members;                                // paired, stopped ones too
  std::function<JsonObject(std::string_view member)> agreement;                     // what a release to it stands on, as it knows it
  // Whether the member was handed a row that is withdrawn by now (flow::Recall::was_given). None: it may have been.
  std::function<bool(std::string_view member, std::string_view collection, const journal::OutboxRow& row, bool erased)>
      was_given{};
  // Moves whenever a recall or a raised label took rows out (flow::Recall::withdrawals). None: nothing does so.
  std::function<std::uint64_t()> withdrawals{};
};

class LedgerFeed {
 public:
  explicit LedgerFeed(LedgerFeedDeps deps) : deps_(std::move(deps)) {}
  ~LedgerFeed() { stop(); }
  void start();
  void stop();
  // Everything up to now; for the thread, and for commands on a node that is not running. From one thread.
  Result<void> catch_up();
  journal::Seq cursor() const;  // of the change feed
  std::string problem() const;  // why it stands still; empty: it does not
  std::uint64_t rounds() const { return rounds_; }  // that were finished
  // Whether everything up to this entry is in the ledger, and every outbox as it stands by the policy of now.
  bool has(journal::Seq seq) const { return followed_ >= seq && followed_epoch_ == deps_.release.epoch() && !look_; }
  void look() { look_ = true; }  // as soon as possible, even if nothing seems to have come
  void policy_changed() {        // outboxes were put right: rows may have come and gone without an entry
    withdrawn_ = true;
    look_ = true;
  }

 private:
  struct Rows;
  // What the log of a pair says of one collection already.
  struct Said {
    std::set<std::string> rows, contents;  // released: by row, and by content of what is not taken back
    std::set<std::string> taken;           // rows that were taken back
  };
  std::size_t said_rows() const;
  using Place = std::pair<std::string, std::string>;  // member, collection
  using Lasts = std::map<journal::ViewId, journal::Pos>;

  void run();
  Result<bool> follow_journal();  // false: there is nothing more
  Result<bool> follow_views();
  Result<bool> follow_pair(const Place& place, const Lasts& lasts, std::map<std::pair<journal::ViewId, journal::Pos>, Rows>& read);
  Result<void> take_back(const Place& place, const flow::Reading& reading, journal::Pos upto);
  Result<Rows> rows_of(journal::Snapshot& snapshot, journal::ViewId view, journal::Pos after, journal::Pos upto);
  Result<Said> said(const Place& place) const;

  LedgerFeedDeps deps_;
  std::uint64_t withdrawals_ = 0;  // as deps_ said last
  bool removals_ = true;  // a deletion, erasure or change of policy came since the withdrawn rows were looked at
  std::uint64_t epoch_ = 0;
  std::map<Place, Said> taken_back_;              // places whose withdrawn rows were looked through
  std::map<Place, std::set<std::string>> given_;  // contents, while a member reads another outbox from its beginning
  mutable std::mutex mutex_;
  std::string problem_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false, look_ = false, withdrawn_ = false;
  std::atomic<std::uint64_t> rounds_ = 0, followed_ = 0, followed_epoch_ = ~std::uint64_t{0};
};

}  // namespace bongsu::node
