// The journal: everything a node admitted, in one sequence, for ever; and the outboxes, what it lets others see.
//
//   journal::Batch batch;
//   batch.epoch = release.epoch();                       // the policy state the releases were decided under
//   batch.entries.push_back({.kind = EntryKind::kObject, .collection = "…", .object_id = "indicator--…", .payload =
//   bytes,
//                            .releases = {{.view = 3}}});
//   BONGSU_TRY(auto receipt, journal.append(batch));     // returns when it is durable; many callers share one fsync
//
// Writing goes through one thread; append may be called from any thread and blocks. Reads run on snapshots and never
// block writers. Payloads lie apart from entries, each sealed under its own key: erasing destroys the key.
//
// Two backends pass one contract (journal/contract_test_support.h): memory and SQLite.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/result.h"

namespace bongsu::journal {

using Seq = std::uint64_t;     // of an entry: 1, 2, 3 … without gaps; 0 = before the first
using ViewId = std::uint32_t;  // of a view (class of members with equal decision inputs); 0 = none
using Pos = std::uint64_t;     // within a view's outbox: 1, 2, 3 … without gaps; 0 = before the first

enum class EntryKind : std::uint8_t {
  kObject = 1,       // a STIX object version (payload = its bytes)
  kDeletion = 2,     // a version, or all (version empty), of an object was deleted from a collection
  kErasure = 3,      // payloads of an object were erased (their keys destroyed); with a collection: of one version there
  kAlert = 4,        // a detection of this node (payload = alert JSON); never leaves as it is
  kJudgement = 5,    // what an analyst made of an alert: acknowledged, assigned, judged (payload = JSON)
  kNote = 6,         // an administrative event: policy change, member paired, log-in (payload = JSON)
  kHits = 7,         // further hits that an alert was joined by (payload = JSON); never leaves as it is
  kQuarantined = 8,  // what was not admitted (payload = its bytes, id "quarantine--uuid"); never leaves, is no object
};

// One release of an entry into a view. `payload` is a redacted variant; nullopt = the entry's own payload.
struct ReleaseTo {
  ViewId view = 0;
  std::optional<std::string> payload;
  std::string proof{};  // of the variant; of no variant: that of the entry goes with it
};

struct NewEntry {
  EntryKind kind = EntryKind::kObject;
  std::string collection;   // id of the collection it is in; empty = local to the node
  std::string object_id;    // STIX id, or "alert--uuid"
  std::string version;      // timestamp as written; empty for objects without one: date_added becomes the version
  std::string version_key;  // stix::Timestamp::key() of it; empty as above
  std::string spec_version = "2.1";
  std::string origin;  // id of the member that it came from; own id for what was made here
  std::string label;   // policy::Label as text; opaque here
  std::string payload;
  std::vector<ReleaseTo> releases;
  // Beside the payload, under the same key, and gone with it: who made it (crypto::OriginProof). Opaque here.
  std::string proof{};
  // Entries of the same version that this one stands apart from: an object is no duplicate of them, a deletion leaves
  // them. For what its giver may not know to be here.
  std::vector<Seq> apart{};
  bool stands_apart_from(Seq seq) const { return std::ranges::find(apart, seq) != apart.end(); }
};

// What is kept of an entry for ever (payloads may go).
struct Entry {
  Seq seq = 0;
  EntryKind kind = EntryKind::kObject;
  std::int64_t added_us = 0;  // strictly increasing with seq, whatever the clock does; of this node, never shown to others
  std::string collection, object_id, version, version_key, spec_version, origin, label;
  Sha256 hash{};  // of the payload as admitted
  bool erased = false;
  bool versioned = true;  // false: the object has no version of its own, and added_us stands in for it
  // Of a kErasure that Batch::destroy made: the entry whose payload it was. 0: none is named, as in journals from before.
  Seq destroyed = 0;
};

// A durable named value, written together with entries (cursors of projections and links, members, agreements,
// accounts).
struct StateChange {
  std::string space, key;
  std::optional<std::string> value;  // nullopt = remove
};

// Makes entries that are already in the journal visible in a view, or takes them out of it.
struct OutboxChange {
  ViewId view = 0;
  // Applied in this order: withdraw, release, redacted.
  std::vector<Seq> release{};   // appended in this order; one that is visible already is skipped
  std::vector<Seq> withdraw{};  // stays in the record, disappears from pages, appears in the tail as withdrawn
  struct Redacted {
    Seq seq = 0;
    std::string payload;
    std::string proof{};
  };
  std::vector<Redacted> redacted{};  // released, with a redacted variant in place of the entry's payload
};

// Copies that are destroyed in the same commit: the payload keys of every version of an object that one member gave
// (`upto` and older; empty, or an object without versions: all of them), in whatever collection, deleted ones too, with
// the variants in outboxes. Other members' copies stay. Such a version never comes back, unless `may_return`. One
// kErasure entry for each payload, which names its entry, with collection and version, and kMayReturn for a label if it may.
struct Destruction {
  std::string object_id;
  std::string origin;
  std::string upto;                  // version_key
  bool may_return = false;           // the same version may be admitted again, as a deleted one may
  std::vector<std::string> keep{};   // version keys of which the copy that is not deleted stays
};
inline constexpr std::string_view kMayReturn = "may return";

// The label that an object's entry has from now on: what it refers to became known, or was raised.
struct LabelChange {
  Seq seq = 0;
  std::string label;
};

struct Batch {
  std::vector<NewEntry> entries;
  std::vector<StateChange> states;
  std::vector<OutboxChange> outbox;
  std::uint64_t epoch = 0;  // must equal the journal's epoch if anything is released: else kConflict, decide again
  std::vector<Destruction> destroy{};  // nothing of it is readable in the store's files when append returns
  std::vector<LabelChange> labels{};   // of entries that are objects already in the journal; the change feed tells none
};

struct AppendedEntry {
  Seq seq = 0;  // of the new entry, or of the one that was there already
  std::int64_t added_us = 0;
  enum class Outcome : std::uint8_t {
    kNew,
    kDuplicate,   // same collection, id and version (or same bytes, for objects without version): nothing written
    kOtherBytes,  // same collection, id and version, but other bytes: the first stays, nothing written
  } outcome = Outcome::kNew;
};
struct Receipt {
  std::vector<AppendedEntry> entries;      // one for each of the batch, in order
  std::vector<std::uint32_t> destroyed{};  // payloads, one number for each of batch.destroy
};

// ── Views and outboxes ──────────────────────────────────────────────────────────────────────────────────────────────
struct View {
  ViewId id = 0;
  std::string collection;  // every view is of one collection
  std::string key;         // text of the decision inputs; one live view for each (collection, key)
  Pos last = 0;            // newest position
};

enum class VersionSelect : std::uint8_t { kLast, kFirst, kAll };

struct OutboxQuery {  // TAXII 2.1 §3.4: filters combine by AND, values within one by OR
  ViewId view = 0;
  std::optional<std::int64_t> added_after_us;  // strictly after
  Pos after = 0;                               // paging token
  std::vector<std::string> ids, types, spec_versions;
  bool last = true, first = false, all = false;  // match[version] keywords
  std::vector<std::string> version_keys;         // and exact versions
  std::uint32_t limit = 1000;
  // Whether the reader may see what has this label; empty: everything. What it may not see is not there: the last, first
  // and other versions are chosen among what is left.
  std::function<bool(const std::string& label)> sees{};
};

struct OutboxRow {
  Pos pos = 0;
  Seq seq = 0;
  std::int64_t added_us = 0;                     // date_added: unique within the view, increasing with pos
  std::string object_id, version, spec_version;  // version of an object without one: date_added here, six digits
  bool withdrawn = false;                        // only in tails
};

struct OutboxPage {
  std::vector<OutboxRow> rows;  // by pos
  bool more = false;
};

struct Content {
  std::string payload;
  std::string proof;  // empty: there is none
};

// A consistent look at the journal: pages and payloads fetched through one snapshot belong together. Use from one
// thread.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  virtual Result<OutboxPage> page(const OutboxQuery& query) = 0;                     // visible rows only
  virtual Result<OutboxPage> tail(ViewId view, Pos after, std::uint32_t limit) = 0;  // every row, withdrawn ones marked
  virtual Result<OutboxPage> withdrawn(ViewId view, Pos after,
                                       std::uint32_t limit) = 0;  // the withdrawn rows of a tail
  virtual Result<std::vector<OutboxRow>> rows_of(ViewId view,
                                                 std::string_view object_id) = 0;  // all of one object, as a tail has them
  virtual Result<std::uint64_t> withdrawn_count(ViewId view) = 0;  // of all positions; never falls while the view lives
  virtual Result<Content> released(ViewId view, Pos pos) = 0;      // kNotFound: erased or unknown
  Result<std::string> released_payload(ViewId view, Pos pos) {
    BONGSU_TRY(Content content, released(view, pos));
    return std::move(content.payload);
  }
  virtual Result<std::vector<Entry>> entries(Seq after, std::uint32_t limit) = 0;  // change feed
  // Objects of one type that are there (neither deleted nor erased), with their payloads, in order of seq: after < seq
  // <= upto. For projections that read all of a type. A payload that does not open or is missing (its bytes were
  // damaged) is kCorrupt where its bytes would be: that entry is visited like the others, and the reading goes on.
  // `visit` runs under the snapshot's lock, so it leaves this snapshot alone, and an erasure that has to end the
  // snapshot waits until the reading ends; false ends it.
  using VisitObject = std::function<bool(Entry&&, Result<std::string>&& payload)>;
  virtual Result<void> objects(std::string_view type, Seq after, Seq upto, const VisitObject& visit) = 0;
  virtual Result<Entry> entry(Seq seq) = 0;      // kNotFound
  virtual Result<Content> content(Seq seq) = 0;  // kNotFound when erased
  Result<std::string> payload(Seq seq) {
    BONGSU_TRY(Content found, content(seq));
    return std::move(found.payload);
  }
  // Versions of an object in one collection (or in all: empty), oldest version first; deletions are applied.
  virtual Result<std::vector<Entry>> versions(std::string_view collection, std::string_view object_id) = 0;
  // Visible entries of a collection in order of seq: for backfilling a view.
  virtual Result<std::vector<Entry>> collection_entries(std::string_view collection, Seq after,
                                                        std::uint32_t limit) = 0;
  // Whether this seq is visible in the view, was withdrawn, or never released.
  enum class Presence : std::uint8_t { kNever, kVisible, kWithdrawn };
  virtual Result<Presence> presence(ViewId view, Seq seq) = 0;
  // Where it is visible in the view; 0 = nowhere.
  virtual Result<Pos> position(ViewId view, Seq seq) = 0;
};

struct JournalStats {
  Seq last_seq = 0;
  std::uint64_t bytes = 0, free_bytes = 0;  // of the store; of its file system
};

class Journal {
 public:
  virtual ~Journal() = default;

  // Blocks until durable (or failed: nothing of the batch is there then). kConflict: stale epoch. kNoSpace: disk full
  // or below the reserve; reading goes on. kTooLarge: more than kMaxBatchBytes.
  virtual Result<Receipt> append(const Batch& batch) = 0;
  // Values alone, in a batch of their own; nothing to write is nothing done.
  Result<void> put(std::vector<StateChange> states) {
    if (states.empty()) return {};
    Batch batch;
    batch.states = std::move(states);
    BONGSU_TRY([[maybe_unused]] const auto receipt, append(batch));
    return {};
  }

  virtual std::unique_ptr<Snapshot> snapshot() = 0;
  virtual Seq last_seq() const = 0;
  // Blocks until last_seq() > after, the deadline, or close(). Returns last_seq().
  virtual Seq wait_beyond(Seq after, std::chrono::milliseconds deadline) = 0;
  // Called after each commit, on the writer's thread, with the newest seq; must return at once. For waking tails.
  virtual void on_commit(std::function<void(Seq)> callback) = 0;

  // Views. create_view: an existing (collection, key) is returned as it is; `copy_of` starts with a copy of that view's
  // rows at the same positions (a member's inputs changed: its cursors stay good), or, with `compact`, its visible rows
  // numbered anew.
  virtual Result<View> create_view(std::string_view collection, std::string_view key, ViewId copy_of, bool compact) = 0;
  virtual Result<void> rename_view(ViewId view, std::string_view key) = 0;
  virtual Result<std::vector<View>> views() = 0;

  virtual std::uint64_t epoch() const = 0;
  virtual Result<void> set_epoch(std::uint64_t epoch) = 0;  // durable; larger than before

  virtual Result<std::optional<std::string>> state(std::string_view space, std::string_view key) = 0;
  virtual Result<std::vector<std::pair<std::string, std::string>>> states(std::string_view space) = 0;  // by key

  // Destroys the payload keys of every version of an object (everywhere: outbox variants too), appends a kErasure
  // entry, and leaves nothing readable in the store's files when it returns.
  virtual Result<Seq> erase(std::string_view object_id, std::string_view origin) = 0;

  virtual Result<JournalStats> stats() = 0;
  // Checks structure, sequence, hashes of every payload. `progress(done, total)`.
  virtual Result<void> verify(const std::function<void(std::uint64_t, std::uint64_t)>& progress) = 0;
  virtual void close() = 0;  // waits for running appends; later calls fail with kCancelled
};

inline constexpr std::size_t kMaxBatchBytes = 256 * 1024 * 1024;
inline constexpr std::size_t kMaxProofBytes = 1024 * 1024;  // of one entry or variant
inline constexpr std::size_t kMaxBatchEntries = 100'000;
inline constexpr std::size_t kMaxOutboxChanges = 1'000'000;  // changes of OutboxChange in one batch

std::unique_ptr<Journal> make_memory_journal(const Clock& clock, Random& random);

}  // namespace bongsu::journal
