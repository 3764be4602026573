#include "node/ledger_feed.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/bytes.h"
#include "flow/facts.h"

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;
using journal::EntryKind;
using Events = std::vector<ledger::Ledger::Addressed>;

constexpr auto kPoll = 100ms;
constexpr auto kGather = 20ms;  // what comes in this time shares a group
constexpr auto kRetry = 5s;
constexpr int kNiceness = 10;  // of this thread: nobody waits for it
constexpr std::size_t kMaxNoteDetails = 8 * 1024;
constexpr const char* kJournalCursor = "journal";

// What both members of a pair know of a recall, or of a file that was sealed by hand, from the note of it.
void add_to_pair(Events& events, Instant time, std::string_view event, const Json& note) {
  constexpr std::pair<std::string_view, const char*> kKinds[]{
      {"recall.tombstone", "recall"}, {"recall.obeyed", "destruction"}, {"recall.confirmed", "confirmation"}, {"seal.file", "sealed-file"}};
  const auto kind = std::ranges::find(kKinds, event, &std::pair<std::string_view, const char*>::first);
  const auto member = string_at(note, "member");
  if (kind == std::end(kKinds) || !member) return;
  JsonObject details;
  for (const char* field : {"number", "serial", "reason", "tombstone", "object", "objects", "destroyed", "onward_open", "sha256", "bytes", "handling", "decided_by"})
    if (const Json* value = find(note, field)) details[field] = *value;
  events.push_back({.log = ledger::pair_log(std::string(*member)), .event = {.kind = kind->second, .time = time, .details = std::move(details), .subject = ""}});
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// "console.log_in" → "console-log-in": the kind of a leaf.
std::string kind_of(std::string_view event) {
  std::string kind;
  for (const char c : event.substr(0, ledger::kMaxKindBytes)) {
    if (c >= 'a' && c <= 'z') {
      kind += c;
    } else if (!kind.empty() && kind.back() != '-') {
      kind += '-';
    }
  }
  while (kind.ends_with('-')) kind.pop_back();
  return kind.empty() ? "note" : kind;
}

// A row of an outbox in a pair's words: what a consumer of it can see.
std::string row_key(std::string_view object, std::string_view version, std::string_view added) { return fmt::format("{} {} {}", object, version, added); }
std::string content_key(std::string_view object, std::string_view version, std::string_view hash) { return fmt::format("{} {} {}", object, version, hash); }

}  // namespace

struct LedgerFeed::Rows {
  struct Row {
    journal::OutboxRow row;
    std::string hash;     // of the bytes that the view shows; empty: none, withdrawn or erased
    bool erased = false;  // its content; asked of withdrawn rows
  };
  std::vector<Row> rows;
};

journal::Seq LedgerFeed::cursor() const { return number(deps_.ledger.store().cursor(kJournalCursor).value_or("0")); }

std::string LedgerFeed::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

Result<bool> LedgerFeed::follow_journal() {
  const journal::Seq after = cursor();
  const journal::Seq last = deps_.journal.last_seq();
  if (after > last)
    return fail(ErrorCode::kConflict, fmt::format("the ledger has followed the journal to entry {}, which ends at {} now: it was put back from an older copy", after, last));
  if (after == last) return false;
  auto snapshot = deps_.journal.snapshot();
  BONGSU_TRY(const auto entries, snapshot->entries(after, kLedgerPage));
  if (entries.empty()) return false;
  const std::vector<std::string> members = deps_.members();
  Events events;
  for (const auto& entry : entries) {
    const Instant time = Instant::from_micros(entry.added_us);
    const auto node = [&](std::string kind, JsonObject details, std::string subject) {
      details["seq"] = entry.seq;
      events.push_back({.log = std::string(ledger::kNodeLog), .event = {.kind = std::move(kind), .time = time, .details = std::move(details), .subject = std::move(subject), .row = entry.seq}});
    };
    switch (entry.kind) {
      case EntryKind::kObject: {
        const std::string subject = entry.erased ? "" : entry.object_id;
        JsonObject details{{"object", entry.object_id}, {"version", entry.version}, {"collection", entry.collection}, {"origin", entry.origin}, {"label", std::string(flow::stored_label(entry.label))}};
        if (!entry.erased) details["sha256"] = to_hex(entry.hash);
        node("admission", std::move(details), subject);
        if (entry.origin != deps_.self && std::ranges::find(members, entry.origin) != members.end()) {
          // The version that the giver knows; without one the object's hash stands for it.
          JsonObject receipt{{"object", entry.object_id}, {"version", entry.versioned ? entry.version : ""}};
          if (!entry.erased) receipt["sha256"] = to_hex(entry.hash);
          // Not the entry's time: that is pushed on by what else came in that microsecond, or before the clock was set back.
          events.push_back({.log = ledger::pair_log(entry.origin), .event = {.kind = "receipt", .time = deps_.clock.now(), .details = std::move(receipt), .subject = subject, .row = entry.seq}});
        }
        break;
      }
      case EntryKind::kDeletion:
        removals_ = true;
        node("deletion", {{"object", entry.object_id}, {"version", entry.version}, {"collection", entry.collection}, {"origin", entry.origin}}, "");
        break;
      case EntryKind::kErasure: {
        removals_ = true;
        // Before the cursor moves: asked for again after a crash, it finds nothing left or finishes.
        // With a collection, of the entry that was destroyed there; what else is here of the object stays, and so does what proves it.
        // By its number: the version of an object without one is the journal's date here, another in each outbox, and none in a receipt.
        ledger::WhichLeaves which;
        if (!entry.collection.empty())
          which = [&](std::string_view log, const ledger::Opening& opening) {
            if (entry.destroyed != 0 && opening.row != 0) return opening.row == entry.destroyed;
            const auto json = parse_json(opening.content);  // from before they were named
            if (!json || string_at(*json, "version") != entry.version) return false;
            const auto collection = string_at(*json, "collection");
            return collection ? *collection == entry.collection : log == ledger::pair_log(entry.origin);
          };
        BONGSU_TRY(const std::uint64_t salts, deps_.ledger.erase(entry.object_id, which));
        JsonObject details{{"object", entry.object_id}, {"origin", entry.origin}, {"salts", salts}};
        if (which) details["version"] = entry.version;
        node("erasure", std::move(details), "");
        break;
      }
      case EntryKind::kNote: {
        const auto payload = snapshot->payload(entry.seq);
        const auto json = payload ? parse_json(*payload) : Result<Json>(std::unexpected(payload.error()));
        const auto event = json ? string_at(*json, "event") : std::nullopt;
        JsonObject details{{"sha256", to_hex(entry.hash)}};
        if (json && json->is_object() && payload->size() <= kMaxNoteDetails && to_canonical_text(*json)) details["note"] = *json;
        node(event ? kind_of(*event) : "note", std::move(details), "");
        // Its own time, and not the entry's, as above.
        if (event) add_to_pair(events, Instant::parse(string_at(*json, "at").value_or("")).value_or(time), *event, *json);
        break;
      }
      default: break;  // alerts, hits and judgements are this node's own affair
    }
  }
  BONGSU_TRY_VOID(deps_.ledger.record_all(std::move(events), {{kJournalCursor, fmt::to_string(entries.back().seq)}}));
  return true;
}

Result<LedgerFeed::Rows> LedgerFeed::rows_of(journal::Snapshot& snapshot, journal::ViewId view, journal::Pos after, journal::Pos upto) {
  Rows out;
  BONGSU_TRY(auto page, snapshot.tail(view, after, kLedgerPage));
  for (auto& row : page.rows) {
    if (row.pos > upto) break;
    std::string hash;
    if (const auto bytes = snapshot.released_payload(view, row.pos); bytes) {
      hash = to_hex(sha256(*bytes));
    } else if (bytes.error().code != ErrorCode::kNotFound && bytes.error().code != ErrorCode::kCorrupt) {
      return std::unexpected(bytes.error());
    }
    bool erased = false;
    if (row.withdrawn) {
      BONGSU_TRY(const auto entry, snapshot.entry(row.seq));
      erased = entry.erased;
    }
    out.rows.push_back({.row = std::move(row), .hash = std::move(hash), .erased = erased});
  }
  return out;
}

Result<bool> LedgerFeed::follow_views() {
  const ledger::Store& store = deps_.ledger.store();
  const auto cursor_key = [](journal::ViewId view) { return fmt::format("view/{}", view); };
  BONGSU_TRY(const auto views, deps_.journal.views());
  // A view that was split off began with rows that were told of the view it comes from. No view is followed beyond what this list says,
  // so none has gone past the place where another one, which is not on the list yet, leaves it.
  std::map<std::string, std::string> begun;
  for (const auto& view : views) {
    const journal::ViewId origin = deps_.release.origin_of(view.id);
    if (origin == view.id || store.cursor(cursor_key(view.id))) continue;
    journal::Pos from = view.last;
    for (const auto& other : views)
      if (deps_.release.origin_of(other.id) == origin && other.id != view.id)
        if (const auto stored = store.cursor(cursor_key(other.id))) from = std::min<journal::Pos>(from, number(*stored));
    begun[cursor_key(view.id)] = fmt::to_string(store.cursor(cursor_key(origin)) ? from : 0);
  }
  if (!begun.empty()) BONGSU_TRY_VOID(deps_.ledger.record_all({}, std::move(begun)));

  bool more = false;
  std::vector<std::string> members;
  for (const auto& view : views) {
    const journal::Pos after = number(store.cursor(cursor_key(view.id)).value_or("0"));
    if (after >= view.last) continue;
    if (members.empty()) members = deps_.members();
    JsonArray readers;
    for (const auto& member : members)
      if (const auto read = deps_.release.view_of(member, view.collection); read && *read == view.id) readers.emplace_back(member);
    const std::uint64_t epoch = deps_.release.epoch();
    auto snapshot = deps_.journal.snapshot();
    BONGSU_TRY(const Rows rows, rows_of(*snapshot, view.id, after, view.last));
    if (rows.rows.empty()) continue;
    Events events;
    for (const auto& [row, hash, _] : rows.rows) {
      JsonObject details{{"object", row.object_id}, {"version", row.version}, {"collection", view.collection}, {"view", view.id}, {"position", row.pos}, {"seq", row.seq},
                         {"epoch", epoch}, {"members", readers}, {"decided_by", "policy"}};
      if (!hash.empty()) details["sha256"] = hash;
      events.push_back({.log = std::string(ledger::kNodeLog), .event = {.kind = "release", .time = Instant::from_micros(row.added_us), .details = std::move(details), .subject = hash.empty() ? "" : row.object_id, .row = row.seq}});
    }
    BONGSU_TRY_VOID(deps_.ledger.record_all(std::move(events), {{cursor_key(view.id), fmt::to_string(rows.rows.back().row.pos)}}));
    more = true;
  }
  return more;
}

Result<LedgerFeed::Said> LedgerFeed::said(const Place& place) const {
  Said out;
  const std::string log = ledger::pair_log(place.first);
  const ledger::Store& store = deps_.ledger.store();
  std::map<std::string, std::string> content_of;  // by row
  BONGSU_TRY_VOID(store.visit(log, 0, ~std::uint64_t{0}, [&](std::uint64_t, const std::string& entry, const ledger::Opening& opening) {
    const auto leaf = ledger::Leaf::parse(entry);
    if (!leaf || (leaf->kind != "release" && leaf->kind != "withdrawal")) return true;
    const auto json = parse_json(opening.content);
    if (opening.erased || !json || string_at(*json, "collection") != place.second) return true;
    const auto text = [&](const char* field) { return string_at(*json, field).value_or(""); };
    if (leaf->kind == "release") {
      const std::string row = row_key(text("object"), text("version"), text("added"));
      out.rows.insert(row);
      content_of[row] = content_key(text("object"), text("version"), text("sha256"));
      out.contents.insert(content_of[row]);
    } else {
      const std::string row = row_key(text("object"), text("version"), text("released"));
      out.taken.insert(row);
      out.contents.erase(content_of[row]);
    }
    return true;
  }));
  return out;
}

Result<bool> LedgerFeed::follow_pair(const Place& place, const Lasts& lasts, std::map<std::pair<journal::ViewId, journal::Pos>, Rows>& read) {
  const auto& [member, collection] = place;
  const auto view = deps_.release.view_of(member, collection);
  if (!view) return false;  // not now, for whatever reason; the outbox waits
  const std::string key = fmt::format("pair/{}/{}", member, collection);
  // "view:position", and ":again" while what was given out of another outbox is passed over.
  const std::string stored = deps_.ledger.store().cursor(key).value_or("");
  const bool first = stored.empty();
  const auto colon = std::min(stored.find(':'), stored.size());
  const bool same = !first && number(std::string_view(stored).substr(0, colon)) == deps_.release.origin_of(*view);
  const journal::Pos told = same ? number(std::string_view(stored).substr(std::min(colon + 1, stored.size()))) : 0;
  const bool again = !first && (!same || stored.ends_with(":again"));
  if (const auto last = lasts.find(*view); same && !again && !removals_ && last != lasts.end() && last->second <= told) return false;

  const auto reading = deps_.release.open(member, collection);
  if (!reading) {
    if (reading.error().code == ErrorCode::kNotFound) return false;
    return std::unexpected(reading.error());
  }
  const journal::ViewId origin = deps_.release.origin_of(reading->view);
  if (same != (!first && number(std::string_view(stored).substr(0, colon)) == origin)) return true;  // moved in between: look anew
  auto at = read.find({reading->view, told});
  if (at == read.end()) {
    BONGSU_TRY(auto rows, rows_of(*reading->snapshot, reading->view, told, ~journal::Pos{0}));
    at = read.emplace(std::pair(reading->view, told), std::move(rows)).first;
  }
  const Rows& rows = at->second;
  if (rows.rows.empty()) {
    if (again) {
      given_.erase(place);
      BONGSU_TRY_VOID(deps_.ledger.record_all({}, {{key, fmt::format("{}:{}", origin, told)}}));
    }
    BONGSU_TRY_VOID(take_back(place, *reading, told));
    return false;
  }
  if (again && !given_.contains(place)) {
    BONGSU_TRY(auto before, said(place));
    given_[place] = std::move(before.contents);
  }
  const JsonObject agreement = deps_.agreement(member);
  Events events;
  for (const auto& [row, hash, erased] : rows.rows) {
    // What was withdrawn before this outbox was followed for the member was never shown to it.
    if (row.withdrawn && (first || again)) continue;
    // Nor what came and went while it was stopped or away.
    if (row.withdrawn && deps_.was_given && !deps_.was_given(member, collection, row, erased)) continue;
    if (again && given_[place].contains(content_key(row.object_id, row.version, hash))) continue;
    JsonObject details{{"object", row.object_id}, {"version", row.version}, {"collection", collection}, {"added", Instant::from_micros(row.added_us).text()}, {"decided_by", "policy"}};
    for (const auto& field : agreement) details[field.key()] = field.value();
    if (!hash.empty()) details["sha256"] = hash;
    if (const auto known = taken_back_.find(place); known != taken_back_.end()) known->second.rows.insert(row_key(row.object_id, row.version, Instant::from_micros(row.added_us).text()));
    if (row.withdrawn) removals_ = true;
    events.push_back({.log = ledger::pair_log(member), .event = {.kind = "release", .time = Instant::from_micros(row.added_us), .details = std::move(details), .subject = hash.empty() ? "" : row.object_id, .row = row.seq}});
  }
  BONGSU_TRY_VOID(deps_.ledger.record_all(std::move(events), {{key, fmt::format("{}:{}{}", origin, rows.rows.back().row.pos, again ? ":again" : "")}}));
  return true;
}

// Rows are withdrawn in place, so those that were told are looked through when something was removed.
Result<void> LedgerFeed::take_back(const Place& place, const flow::Reading& reading, journal::Pos upto) {
  if (!removals_) return {};
  for (journal::Pos after = 0;;) {
    BONGSU_TRY(const auto page, reading.snapshot->withdrawn(reading.view, after, kLedgerPage));
    if (page.rows.empty()) return {};
    if (!taken_back_.contains(place)) {
      BONGSU_TRY(auto before, said(place));
      taken_back_[place] = std::move(before);
    }
    Said& known = taken_back_[place];
    Events events;
    for (const auto& row : page.rows) {
      after = row.pos;
      if (row.pos > upto) break;
      const std::string added = Instant::from_micros(row.added_us).text();
      const std::string key = row_key(row.object_id, row.version, added);
      // Only what the log of this pair says was given can be taken back in it, and once.
      if (!known.rows.contains(key) || !known.taken.insert(key).second) continue;
      events.push_back({.log = ledger::pair_log(place.first),
                        .event = {.kind = "withdrawal", .time = deps_.clock.now(), .details = {{"object", row.object_id}, {"version", row.version}, {"collection", place.second}, {"released", added}}, .subject = ""}});
    }
    if (!events.empty()) BONGSU_TRY_VOID(deps_.ledger.record_all(std::move(events), {}));
    if (!page.more || after > upto) return {};
  }
}

std::size_t LedgerFeed::said_rows() const {
  std::size_t rows = 0;
  for (const auto& [_, said] : taken_back_) rows += said.rows.size() + said.contents.size() + said.taken.size();
  return rows;
}

Result<void> LedgerFeed::catch_up() {
  if (withdrawn_.exchange(false)) removals_ = true;
  if (const std::uint64_t taken_out = deps_.withdrawals ? deps_.withdrawals() : 0; taken_out != withdrawals_) {
    withdrawals_ = taken_out;
    removals_ = true;
  }
  const journal::Seq upto = deps_.journal.last_seq();
  if (const std::uint64_t epoch = deps_.release.epoch(); epoch != epoch_) {
    epoch_ = epoch;
    removals_ = true;
  }
  for (bool more = true; more && !stopping_;) {
    BONGSU_TRY(more, follow_journal());
  }
  for (bool more = true; more && !stopping_;) {
    BONGSU_TRY(more, follow_views());
  }
  const std::vector<std::string> members = deps_.members();
  for (bool more = true; more && !stopping_;) {
    more = false;
    Lasts lasts;
    BONGSU_TRY(const auto views, deps_.journal.views());
    for (const auto& view : views) lasts[view.id] = view.last;
    std::map<std::pair<journal::ViewId, journal::Pos>, Rows> read;  // members of one view share what was read
    for (const auto& member : members) {
      for (const auto& collection : deps_.release.readable_collections(member)) {
        if (stopping_) return {};
        BONGSU_TRY(const bool again, follow_pair({member, collection}, lasts, read));
        more = more || again;
      }
    }
  }
  if (stopping_) return {};
  if (said_rows() > kMaxSaidRows) taken_back_.clear();
  removals_ = false;
  followed_ = upto;
  followed_epoch_ = epoch_;
  return {};
}

void LedgerFeed::start() {
  thread_ = std::thread([this] { run(); });
}

void LedgerFeed::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void LedgerFeed::run() {
  ::prctl(PR_SET_NAME, "bongsu-lfeed");
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNiceness);
  auto next_try = std::chrono::steady_clock::now();
  journal::Seq last = 0;
  for (bool begin = true; !stopping_; begin = false) {
    const journal::Seq now = deps_.journal.wait_beyond(last, kPoll);
    // A change of policy moves outboxes without an entry, and what nobody was handed is withdrawn without one.
    const bool withdrawn = deps_.withdrawals && deps_.withdrawals() != withdrawals_;
    if (!begin && now <= last && deps_.release.epoch() == epoch_ && !withdrawn && !look_.exchange(false)) continue;
    if (std::chrono::steady_clock::now() < next_try) continue;
    const auto done = catch_up();
    {
      const std::lock_guard lock(mutex_);
      problem_ = done ? "" : done.error().text();
    }
    if (done) {
      last = now;
      ++rounds_;
    } else if (!stopping_) {
      deps_.log.error("ledger.feed", {{"error", done.error().text()}});
      next_try = std::chrono::steady_clock::now() + kRetry;
    }
    for (auto slept = 0ms; slept < kGather && !stopping_; slept += 10ms) std::this_thread::sleep_for(10ms);
  }
}

}  // namespace bongsu::node
