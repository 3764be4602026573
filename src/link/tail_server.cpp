#include "link/tail_server.h"

#include <fmt/format.h>

#include <atomic>
#include <limits>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <tuple>
#include <unordered_set>

#include "base/hash.h"
#include "base/json.h"
#include "flow/facts.h"
#include "flow/label_beside.h"

namespace bongsu::link {
namespace {

constexpr std::uint32_t kRowsPerRead = 512;
constexpr std::uint32_t kEntriesPerRead = 1000;
constexpr std::string_view kWithheldSpace = "link.withheld";

class ReleaseGate final : public TailGate {
 public:
  ReleaseGate(flow::Release& release, const flow::Collections& collections)
      : release_(release), collections_(collections) {}
  std::optional<Name> name_of(const std::string& id) override {
    const auto collection = collections_.find(id);
    if (!collection || collection->id != id) return std::nullopt;  // by id only: aliases may change
    return Name{collection->alias, collection->title, collection->exercise};
  }
  std::vector<std::string> readable_collections(std::string_view member) override {
    return release_.readable_collections(member);
  }
  Result<Opened> open(std::string_view member, std::string_view collection) override {
    BONGSU_TRY(auto opened, release_.open(member, collection));
    return Opened{opened.view, std::move(opened.snapshot), opened.epoch};
  }
  Result<void> keep_up() override { return release_.keep_up(); }
  Result<Opened> look(std::string_view member, std::string_view collection) override {
    BONGSU_TRY(auto opened, release_.look(member, collection));
    return Opened{opened.view, std::move(opened.snapshot), opened.epoch};
  }
  Result<journal::ViewId> kept(std::string_view member, std::string_view collection) override {
    journal::ViewId view = 0;
    BONGSU_TRY_VOID(
        release_.with_arrangement([&](const flow::Release::Readers& readers, std::uint64_t) -> Result<void> {
          for (const auto& reader : readers(std::string(collection)))
            if (reader.member == member) view = reader.view;
          return {};
        }));
    return view;
  }
  journal::ViewId origin_of(journal::ViewId view) override { return release_.origin_of(view); }
  Result<bool> may_have(std::string_view member, const journal::Entry& entry) override {
    BONGSU_TRY(const auto facts, flow::facts_of(entry));
    const auto decision = release_.decision_for(std::string(member), facts);
    return decision && decision->verdict != policy::Verdict::kWithhold;
  }

 private:
  flow::Release& release_;
  const flow::Collections& collections_;
};

// One answer for everything that is not there or not for this member, so that it tells nothing.
net::Response nothing_here() {
  return net::Response::json(404, R"({"error":"not_found","message":"there is no such collection for you"})");
}

}  // namespace

std::unique_ptr<TailGate> make_release_gate(flow::Release& release, const flow::Collections& collections) {
  return std::make_unique<ReleaseGate>(release, collections);
}

struct TailServer::Shared {
  Shared(journal::Journal& j, TailGate& g, MemberOf m, TailServerOptions o, Log& l)
      : journal(j),
        gate(g),
        member_of(std::move(m)),
        options(std::move(o)),
        seal(options.cursor_secret),
        log(l),
        watched(j.last_seq()) {}

  // What could have withdrawn rows of a collection, as far as it was counted.
  struct Count {
    std::uint64_t erasures = 0, deletions = 0, recalls = 0;
    bool operator==(const Count&) const = default;
  };
  // Counted before the snapshot that is looked through is taken: what this counts, by whichever tail, is in it.
  Result<Count> count(const std::string& collection) {
    const std::uint64_t recalls = options.recall != nullptr ? options.recall->withdrawals() : 0;
    const std::lock_guard lock(watch_mutex);
    while (journal.last_seq() > watched) {
      BONGSU_TRY(const auto entries, journal.snapshot()->entries(watched, kEntriesPerRead));
      for (const journal::Entry& entry : entries) {
        if (entry.kind == journal::EntryKind::kDeletion) ++deletions[entry.collection];
        if (entry.kind == journal::EntryKind::kErasure) ++erasures;
        watched = entry.seq;
      }
      if (entries.empty()) break;
    }
    const auto deleted = deletions.find(collection);
    return Count{erasures, deleted == deletions.end() ? 0 : deleted->second, recalls};
  }
  // What may have withdrawn rows, of this member's view or of others'. Equal occasions: nothing was withdrawn between
  // the snapshots that they are of. It does not leave the house: it moves with things that the member may not know of.
  struct Occasion {
    std::uint64_t epoch = 0;
    Count count;
    bool operator==(const Occasion&) const = default;
  };
  // What a cursor says of withdrawals: how many of the view's rows are withdrawn. The member's own rows alone decide,
  // so that neither the cursor nor what is told again after a reconnection shows what happened elsewhere.
  static Result<std::uint64_t> mark(const TailGate::Opened& opened) {
    BONGSU_TRY(const std::uint64_t withdrawn, opened.snapshot->withdrawn_count(opened.view));
    return withdrawn + 1;  // 0 means that not all was told
  }

  void wake_all() {
    const std::lock_guard lock(mutex);
    for (auto& [id, wake] : wakes) wake();
  }

  // What was withheld is owed: once the member can be sealed to, its outbox begins anew, in a round of its own. Every
  // cursor names the round that it is of, and the note (never taken away) the one that has to be begun: whoever comes
  // with a cursor of an earlier one has not got what is owed, wherever the connection was cut or this node died.
  Result<std::uint64_t> owed_round(const std::string& member, const std::string& collection) {
    if (options.sealing == nullptr) return 0;
    {
      const std::lock_guard lock(mutex);
      if (const auto known = rounds.find({member, collection}); known != rounds.end()) return known->second;
    }
    BONGSU_TRY(const auto noted, journal.state(kWithheldSpace, withheld_key(member, collection)));
    std::uint64_t round = 0;
    if (noted) {
      const auto json = parse_json(*noted);
      // Earlier builds noted the reason alone.
      round = json ? static_cast<std::uint64_t>(std::max<std::int64_t>(1, int_at(*json, "round").value_or(1))) : 1;
    }
    const std::lock_guard lock(mutex);
    return rounds.try_emplace({member, collection}, round).first->second;
  }
  // Something was withheld in this round: it is owed as soon as that is durable.
  Result<void> note_withheld(const std::string& member, const std::string& collection, std::uint64_t round,
                             const std::string& why) {
    {
      const std::lock_guard lock(mutex);
      auto& noted = withheld[{member, collection}];
      ++noted.objects;
      noted.why = why;
      if (rounds[{member, collection}] > round) return {};
    }
    BONGSU_TRY_VOID(journal.put({{std::string(kWithheldSpace), withheld_key(member, collection),
                                  to_text(JsonObject{{"round", round + 1}, {"why", why}})}}));
    const std::lock_guard lock(mutex);
    std::uint64_t& known = rounds[{member, collection}];
    known = std::max(known, round + 1);
    return {};
  }
  // It is given from the beginning: what is withheld is counted anew.
  void begun_anew(const std::string& member, const std::string& collection) {
    const std::lock_guard lock(mutex);
    withheld.erase({member, collection});
  }
  static std::string withheld_key(std::string_view member, std::string_view collection) {
    return fmt::format("{}/{}", member, collection);
  }

  journal::Journal& journal;
  TailGate& gate;
  MemberOf member_of;
  TailServerOptions options;
  CursorSeal seal;
  Log& log;

  std::atomic<std::uint64_t> looks = 0;

  std::mutex watch_mutex;
  journal::Seq watched;  // entries up to here are counted
  std::map<std::string, std::uint64_t> deletions;
  std::uint64_t erasures = 0;

  std::shared_mutex life;  // shared while a tail reads; exclusive while the server goes away
  bool stopped = false;

  std::mutex mutex;
  std::uint64_t next_id = 1;
  std::map<std::uint64_t, net::TailSource::Wake> wakes;
  std::map<std::string, std::uint32_t> open;  // tails by member
  struct Noted {
    std::uint64_t objects = 0;
    std::string why;
  };
  std::map<std::pair<std::string, std::string>, Noted> withheld;        // by member and collection
  std::map<std::pair<std::string, std::string>, std::uint64_t> rounds;  // the same; what is stored
};

namespace {

using Shared = TailServer::Shared;

class Tail final : public net::TailSource {
 public:
  // `told`: the mark up to which the consumer knows all withdrawals; 0 = look. `identify`: it may have rows that were
  // withdrawn since.
  Tail(std::shared_ptr<Shared> shared, std::string member, std::string collection, Place place, std::uint64_t told,
       bool identify)
      : shared_(std::move(shared)),
        member_(std::move(member)),
        collection_(std::move(collection)),
        place_(place),
        told_mark_(told),
        identify_(identify) {}

  ~Tail() override {
    const std::lock_guard lock(shared_->mutex);
    shared_->wakes.erase(id_);
    if (auto open = shared_->open.find(member_); open != shared_->open.end() && --open->second == 0)
      shared_->open.erase(open);
  }

  void on_ready(Wake wake) override {
    wake_ = wake;
    const std::lock_guard lock(shared_->mutex);
    id_ = shared_->next_id++;
    shared_->wakes[id_] = std::move(wake);
  }

  Result<bool> pull(std::string& out, bool heartbeat) override {
    const std::shared_lock life(shared_->life);
    if (shared_->stopped) return false;
    const std::size_t before = out.size();
    BONGSU_TRY(const Shared::Count counted, shared_->count(collection_));
    BONGSU_TRY_VOID(shared_->gate.keep_up());
    // A recall sees either what is read here as handed out, or nothing of it is read.
    std::optional<std::shared_lock<flow::FairSharedMutex>> handing_out;
    if (shared_->options.recall != nullptr) {
      handing_out.emplace(shared_->options.recall->hand_out());
      tombstones_ = shared_->options.recall->decided_now(member_);
    }
    const auto opened = shared_->gate.look(member_, collection_);
    if (!opened) {
      if (opened.error().code == ErrorCode::kUnavailable) {  // at this very moment: the next pull sees to it
        if (wake_) wake_();
        return true;
      }
      if (opened.error().code == ErrorCode::kNotFound || opened.error().code == ErrorCode::kDenied) return false;
      return std::unexpected(opened.error());
    }
    // Another view's positions mean something else: the consumer comes again and starts anew.
    if (shared_->gate.origin_of(opened->view) != place_.origin) return false;
    // What was withheld can be sealed now: the consumer comes again, and begins where it gets that.
    if (withheld_ && shared_->options.sealing->can_seal_to(member_)) return false;
    const auto more_rows = stalled_ && !heartbeat ? Result<bool>(false) : read(out, *opened);
    if (handing_out) {
      shared_->options.recall->handed_out(member_, collection_, place_.pos);
      handing_out.reset();
    }
    if (!more_rows) return std::unexpected(more_rows.error());
    const bool more = *more_rows;
    // Before the bytes leave: no key that sealed them may be used again.
    if (std::exchange(sealed_, false)) BONGSU_TRY_VOID(shared_->options.sealing->flush());
    if (!more && !stalled_ && !live_) {
      live_ = true;
      append_live_event(out);
    }
    BONGSU_TRY(const bool more_gone, look_for_gone(out, *opened, {.epoch = opened->epoch, .count = counted}));
    if ((more || more_gone) && wake_) wake_();
    if (heartbeat && out.size() == before) append_heartbeat(out);
    return true;
  }

 private:
  // true: there is more.
  Result<bool> read(std::string& out, const TailGate::Opened& opened) {
    stalled_ = false;
    const std::size_t full = out.size() + shared_->options.batch_bytes;
    while (true) {
      BONGSU_TRY(const auto page, opened.snapshot->tail(opened.view, place_.pos, kRowsPerRead));
      for (const journal::OutboxRow& row : page.rows) {
        BONGSU_TRY(const bool appended, append(out, opened, row));
        if (!appended) {
          stalled_ = true;
          return false;
        }
        if (out.size() >= full) return page.more || &row != &page.rows.back();
      }
      if (!page.more || page.rows.empty()) return false;
    }
  }

  // false: not now, nothing was appended.
  Result<bool> append(std::string& out, const TailGate::Opened& opened, const journal::OutboxRow& row) {
    TailItem item{.kind = TailItem::Kind::kVoid, .pos = row.pos};
    bool readable = false;
    if (!row.withdrawn) {
      auto content = opened.snapshot->released(opened.view, row.pos);
      if (!content && content.error().code != ErrorCode::kNotFound) return std::unexpected(content.error());
      readable = content.has_value();
      if (readable) {
        item.proof = shared_->options.origins ? shared_->options.origins->proof_of(*opened.snapshot, row, *content)
                                              : std::move(content->proof);
        item.bytes = std::move(content->payload);
      }
    }
    if (readable) {
      item.kind = TailItem::Kind::kObject;
      item.object_id = row.object_id;
      item.version = row.version;
      item.added_us = row.added_us;
      item.tombstones = tombstones_;
      BONGSU_TRY(const auto entry, opened.snapshot->entry(row.seq));
      const auto label = policy::Label::parse(flow::label_for(entry.label, member_));
      const policy::Label all = label.value_or(policy::deny_all());
      item.label = shared_->options.markings
                       ? flow::label_beside(all, *shared_->options.markings, item.bytes, member_)
                       : flow::label_beside(all, policy::bottom(), member_);
      if (shared_->options.sealing != nullptr && (!label || needs_sealing(*label, shared_->options.seal_level))) {
        BONGSU_TRY(const bool ready, seal(item, entry, label ? &*label : nullptr));
        if (!ready) return false;
      }
    } else {
      gone_.insert(row.pos);
      // It had numbers of ours before, and may have the object.
      if (identify_) BONGSU_TRY_VOID(name_withdrawn(item, opened, row));
    }
    place_.pos = row.pos;
    place_.seq = row.seq;
    place_.added_us = row.added_us;
    item.cursor = shared_->seal.make(member_, collection_, place_, told_mark_);
    append_tail_event(out, item);
    return true;
  }

  // Seals what asks for it; makes it void where that cannot be, or where it may not be had any more (`label`: nullptr, it
  // cannot be read). false: this node cannot seal now (the token with its signing key is away); the row waits, and is
  // tried again with each heartbeat.
  Result<bool> seal(TailItem& item, const journal::Entry& entry, const policy::Label* label) {
    Sealing& sealing = *shared_->options.sealing;
    const TailItem clear = std::exchange(item, TailItem{.kind = TailItem::Kind::kVoid, .pos = item.pos});
    BONGSU_TRY(const bool may_have, shared_->gate.may_have(member_, entry));
    if (!may_have || label == nullptr) return true;
    auto sealed =
        sealing.seal(member_, {handling_text(*label), tail_content_type(collection_)}, tail_object_text(clear));
    if (sealed) {
      sealed_ = true;
      item.kind = TailItem::Kind::kObject;
      item.added_us = clear.added_us;
      item.sealed = std::move(*sealed);
      stalled_by_.clear();
      return true;
    }
    if (sealing.can_seal_to(member_)) {
      if (const std::string text = sealed.error().text(); text != stalled_by_) {
        shared_->log.error("link.cannot_seal", {{"member", member_}, {"collection", collection_}, {"error", text}});
        stalled_by_ = text;
      }
      return false;
    }
    item.withheld = fmt::format("this has to be sealed, and {}", sealed.error().message);
    BONGSU_TRY_VOID(shared_->note_withheld(member_, collection_, place_.round, item.withheld));
    withheld_ = true;
    return true;
  }

  // Makes of `item` what tells that the row's object is gone; leaves it as it is where the view shows that version at
  // another position (it was withdrawn and came back, or came back redacted): then the consumer has, or will get, what
  // it may have. The version of an object without one is our date_added, which the consumer's journal does not know: it
  // is told which contents stay.
  static Result<void> name_withdrawn(TailItem& item, const TailGate::Opened& opened, const journal::OutboxRow& row) {
    BONGSU_TRY(const auto entry, opened.snapshot->entry(row.seq));
    if (!entry.versioned) {
      BONGSU_TRY(item.kept, contents_shown(opened, row.object_id));
    } else {
      BONGSU_TRY(const auto page, opened.snapshot->page({.view = opened.view,
                                                         .ids = {row.object_id},
                                                         .last = false,
                                                         .version_keys = {entry.version_key},
                                                         .limit = 1}));
      if (!page.rows.empty()) return {};
      item.version = row.version;
    }
    item.kind = TailItem::Kind::kWithdrawn;
    item.object_id = row.object_id;
    return {};
  }

  static Result<std::vector<Sha256>> contents_shown(const TailGate::Opened& opened, const std::string& object_id) {
    std::vector<Sha256> out;
    journal::OutboxQuery query{.view = opened.view, .ids = {object_id}, .last = false, .all = true};
    for (bool more = true; more;) {
      BONGSU_TRY(const auto page, opened.snapshot->page(query));
      for (const journal::OutboxRow& row : page.rows) {
        query.after = row.pos;
        const auto payload = opened.snapshot->released_payload(opened.view, row.pos);
        if (payload)
          out.push_back(sha256(*payload));
        else if (payload.error().code != ErrorCode::kNotFound)
          return std::unexpected(payload.error());
      }
      more = page.more && !page.rows.empty();
    }
    if (out.size() > kMaxKept) out.erase(out.begin(), out.end() - kMaxKept);
    return out;
  }

  // Looks through a part of the withdrawn rows, for those that were sent before. true: there is more to look through.
  Result<bool> look_for_gone(std::string& out, const TailGate::Opened& opened, const Shared::Occasion& occasion) {
    if (!looking_) {
      if (occasion == seen_) return false;
      BONGSU_TRY(const std::uint64_t mark, Shared::mark(opened));
      if (mark == told_mark_) {
        seen_ = occasion;
        return false;
      }
      ++shared_->looks;
      looking_ = {occasion, mark};
      look_after_ = 0;
    }
    const std::size_t full = out.size() + shared_->options.batch_bytes;
    for (std::uint32_t looked = 0; looked < shared_->options.scan_rows && out.size() < full;) {
      BONGSU_TRY(const auto page, opened.snapshot->withdrawn(opened.view, look_after_, kRowsPerRead));
      for (const journal::OutboxRow& row : page.rows) {
        look_after_ = row.pos;
        ++looked;
        if (row.pos > place_.pos || !gone_.insert(row.pos).second) continue;
        TailItem gone{.kind = TailItem::Kind::kVoid, .pos = 0};
        BONGSU_TRY_VOID(name_withdrawn(gone, opened, row));
        if (gone.kind == TailItem::Kind::kWithdrawn) append_tail_event(out, gone);
      }
      if (!page.more || look_after_ >= place_.pos) look_after_ = kLookedThrough;
      if (look_after_ == kLookedThrough) break;
    }
    if (look_after_ != kLookedThrough) return true;
    std::tie(seen_, told_mark_) = *looking_;  // as of when the look began: what came meanwhile makes another one
    looking_.reset();
    return occasion != seen_;
  }

  std::shared_ptr<Shared> shared_;
  std::string member_, collection_;
  Place place_;
  std::uint64_t told_mark_;
  std::uint64_t tombstones_ = 0;  // of this member's, when rows are read
  const bool identify_;
  bool live_ = false;
  bool sealed_ = false;                                                // since the last flush
  bool withheld_ = false;                                              // something was, on this connection
  bool stalled_ = false;                                               // the next row cannot be sealed now
  std::string stalled_by_;                                             // what was said of that
  std::optional<Shared::Occasion> seen_;                               // the last one that was looked into
  std::optional<std::pair<Shared::Occasion, std::uint64_t>> looking_;  // with the mark, as the look under way began
  static constexpr journal::Pos kLookedThrough = std::numeric_limits<journal::Pos>::max();
  journal::Pos look_after_ = 0;
  std::unordered_set<journal::Pos> gone_;  // rows that this consumer knows to be withdrawn
  Wake wake_;
  std::uint64_t id_ = 0;
};

struct Beginning {
  Place place;
  std::uint64_t told = 0;
  journal::Pos had = 0;  // what the cursor proves, wherever the tail begins
};

// The place that this cursor proves; nullopt if it is not one of ours for this view.
Result<std::optional<Beginning>> proven_place(Shared& shared, std::string_view cursor, const std::string& member,
                                              const std::string& collection, journal::ViewId view,
                                              journal::Snapshot& snapshot, std::uint64_t mark) {
  const auto said = CursorSeal::read(cursor);
  if (!said) return std::nullopt;
  BONGSU_TRY(const auto page, snapshot.tail(view, said->pos - 1, 1));
  if (page.rows.empty() || page.rows[0].pos != said->pos) return std::nullopt;
  const Place place{shared.gate.origin_of(view), said->pos, page.rows[0].seq, page.rows[0].added_us, said->round};
  const auto verdict = shared.seal.judge(cursor, member, collection, place, mark);
  if (verdict == CursorSeal::Verdict::kForeign) return std::nullopt;
  return Beginning{place, verdict == CursorSeal::Verdict::kPlaceAndMark ? mark : 0, said->pos};
}

// Where to go on behind `cursor`; the beginning if it is not one of ours for this view, or of a round before the one
// that is owed and can be given.
Result<Beginning> beginning_of(Shared& shared, std::string_view cursor, const std::string& member,
                               const std::string& collection, const TailGate::Opened& opened, std::uint64_t mark) {
  const journal::ViewId origin = shared.gate.origin_of(opened.view);
  BONGSU_TRY(const std::uint64_t owed, shared.owed_round(member, collection));
  const bool can_seal = shared.options.sealing != nullptr && shared.options.sealing->can_seal_to(member);
  BONGSU_TRY(const auto proven, proven_place(shared, cursor, member, collection, opened.view, *opened.snapshot, mark));
  if (proven && (proven->place.round >= owed || !can_seal)) return *proven;
  const journal::Pos had = proven ? proven->had : 0;
  if (can_seal) shared.begun_anew(member, collection);
  // Nothing was sent in this round, so everything withdrawn until now is known, or told with its row (Tail::identify_).
  return Beginning{{.origin = origin, .round = owed}, mark, had};
}

}  // namespace

TailServer::TailServer(journal::Journal& journal, TailGate& gate, MemberOf member_of, TailServerOptions options,
                       Log& log)
    : shared_(std::make_shared<Shared>(journal, gate, std::move(member_of), std::move(options), log)) {
  journal.on_commit([weak = std::weak_ptr(shared_)](journal::Seq) {
    if (const auto shared = weak.lock()) shared->wake_all();
  });
}

TailServer::~TailServer() {
  {
    const std::unique_lock life(shared_->life);
    shared_->stopped = true;
  }
  shared_->wake_all();
}

void TailServer::policy_changed() { shared_->wake_all(); }

void TailServer::prekeys_changed(const std::string&) { shared_->wake_all(); }

std::vector<TailServer::Withheld> TailServer::withheld() const {
  const std::lock_guard lock(shared_->mutex);
  std::vector<Withheld> out;
  for (const auto& [key, noted] : shared_->withheld) out.push_back({key.first, key.second, noted.objects, noted.why});
  return out;
}

std::size_t TailServer::open_tails() const {
  const std::lock_guard lock(shared_->mutex);
  std::size_t count = 0;
  for (const auto& [member, open] : shared_->open) count += open;
  return count;
}

std::uint64_t TailServer::looks() const { return shared_->looks; }

net::Response TailServer::handle(net::Request&& request) {
  const auto member = shared_->member_of(request.peer);
  if (!member)
    return net::Response::json(403, R"({"error":"denied","message":"your certificate is not one of a paired member"})");
  if (!request.path.starts_with(kLinkPrefix)) return nothing_here();
  if (request.method != "GET") {
    auto response = net::Response::json(405, R"({"error":"invalid","message":"only GET"})");
    response.headers.add("Allow", "GET");
    return response;
  }
  const std::string_view rest = std::string_view(request.path).substr(kLinkPrefix.size());
  if (rest == "collections" || rest == "collections/") return collections(*member);
  if (rest.starts_with("tail/")) return tail(*member, rest.substr(5), request);
  return nothing_here();
}

Result<void> TailServer::shown(const std::string& member, const std::string& collection, std::string_view cursor) {
  if (shared_->options.recall == nullptr) return {};
  BONGSU_TRY(const journal::ViewId view, shared_->gate.kept(member, collection));
  if (view == 0) return {};
  BONGSU_TRY(const auto proven,
             proven_place(*shared_, cursor, member, collection, view, *shared_->journal.snapshot(), 0));
  return proven ? shared_->options.recall->opened(member, collection, proven->had) : Result<void>{};
}

net::Response TailServer::collections(const std::string& member) {
  JsonArray list;
  for (const std::string& id : shared_->gate.readable_collections(member)) {
    const auto name = shared_->gate.name_of(id);
    if (!name) continue;
    JsonObject item{{"id", id}, {"alias", name->alias}, {"title", name->title}};
    if (!name->exercise.empty()) item["exercise"] = name->exercise;
    list.push_back(std::move(item));
  }
  const JsonObject body{
      {"member", shared_->options.self}, {"title", shared_->options.title}, {"collections", std::move(list)}};
  return net::Response::json(200, to_text(body));
}

net::Response TailServer::tail(const std::string& member, std::string_view id, const net::Request& request) {
  const std::string collection(id);
  const auto name = shared_->gate.name_of(collection);
  const auto opened = shared_->gate.open(member, collection);
  if (!name || !opened) return nothing_here();
  std::string cursor(request.headers.get("Last-Event-ID").value_or(""));
  const auto query = net::parse_query(request.query);
  if (!query) return net::Response::json(400, R"({"error":"invalid","message":"broken query"})");
  for (const auto& [key, value] : *query)
    if (key == "after") cursor = value;
  const auto beginning = [&]() -> Result<Beginning> {
    BONGSU_TRY(const std::uint64_t mark, Shared::mark(*opened));
    return beginning_of(*shared_, cursor, member, collection, *opened, mark);
  }();
  if (!beginning) {
    shared_->log.error("link.tail_failed",
                       {{"member", member}, {"collection", name->alias}, {"error", beginning.error().message}});
    return net::Response::json(503, R"({"error":"unavailable","message":"try again later"})");
  }
  if (shared_->options.recall != nullptr) {
    if (const auto noted = shared_->options.recall->opened(member, collection, beginning->had); !noted) {
      shared_->log.error("link.tail_failed",
                         {{"member", member}, {"collection", name->alias}, {"error", noted.error().message}});
      return net::Response::json(503, R"({"error":"unavailable","message":"try again later"})");
    }
  }
  {
    const std::lock_guard lock(shared_->mutex);
    std::uint32_t& open = shared_->open[member];
    if (open >= shared_->options.max_tails_per_member) {
      auto response = net::Response::json(503, R"({"error":"unavailable","message":"too many open tails"})");
      response.headers.add("Retry-After", "30");
      return response;
    }
    ++open;
  }
  shared_->log.info("link.tail_opened", {{"member", member},
                                         {"collection", name->alias},
                                         {"after", std::to_string(beginning->place.pos)},
                                         {"resumed", beginning->place.pos || cursor.empty() ? "yes" : "no"}});
  net::Response response;
  response.headers.add("Content-Type", "text/event-stream");
  response.headers.add("Cache-Control", "no-store");
  response.headers.add(std::string(kHeartbeatHeader), std::to_string(shared_->options.heartbeat.count()));
  response.headers.add(std::string(kFromHeader), std::to_string(beginning->place.pos));
  response.body =
      std::make_unique<Tail>(shared_, member, collection, beginning->place, beginning->told, !cursor.empty());
  return response;
}

}  // namespace bongsu::link
