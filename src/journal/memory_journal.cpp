// The journal in memory: the obvious twin of the SQLite one, for tests and simulation. Every question is answered by
// looking at everything.
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "journal/batch_rules.h"
#include "journal/journal.h"
#include "journal/version_code.h"

namespace bongsu::journal {
namespace {

using Payload = std::shared_ptr<const Content>;

struct Stored {
  Entry entry;
  Payload payload;  // null: erased
  bool deleted = false;
  bool versioned = false;
  bool may_return = false;  // destroyed, not for good
  std::string code;  // version, sortable
};

struct Row {
  Seq seq = 0;
  std::int64_t added_us = 0;
  Payload payload;
  bool withdrawn = false;
};

struct ViewRows {
  View view;
  std::vector<Row> rows;  // position is index + 1
};

// Everything. Copied before it is changed while a snapshot looks at it.
struct Data {
  std::vector<Stored> entries;
  std::map<ViewId, ViewRows> views;
  std::map<std::pair<std::string, std::string>, std::string> states;
  std::uint64_t epoch = 0;
  std::int64_t last_added = 0;

  const Stored* find(Seq seq) const { return seq == 0 || seq > entries.size() ? nullptr : &entries[seq - 1]; }
};

// The version as a view shows it: an object without one has the date at which it was added there.
AddedVersion shown_version(const Data& data, const Row& row) {
  const Entry& entry = data.entries[row.seq - 1].entry;
  return entry.versioned ? AddedVersion{entry.version, entry.version_key} : added_version(row.added_us);
}

OutboxRow shown(const Data& data, const ViewRows& view, std::size_t index) {
  const Row& row = view.rows[index];
  const Entry& entry = data.entries[row.seq - 1].entry;
  return {index + 1,          row.seq,
          row.added_us,       entry.object_id,
          shown_version(data, row).text, entry.spec_version,
          row.withdrawn};
}

// The next date_added of a view: its own, so that what others may not see moves nothing in it.
std::int64_t next_date(const ViewRows& view, std::int64_t now_us) {
  return view.rows.empty() ? now_us : std::max(view.rows.back().added_us + 1, now_us);
}

std::string type_of(std::string_view object_id) { return std::string(split_object_id(object_id).type); }

template <class T>
bool allowed(const std::vector<T>& filter, const T& value) {
  return filter.empty() || std::ranges::find(filter, value) != filter.end();
}

// The visible rows of one object that the query's versions and spec_versions choose (TAXII 2.1 §3.4.1). `rows` are
// indices.
void choose(const Data& data, const ViewRows& view, const OutboxQuery& query, std::vector<std::size_t> rows,
            std::set<std::size_t>& chosen) {
  const auto stored = [&](std::size_t i) -> const Stored& { return data.entries[view.rows[i].seq - 1]; };
  const auto key = [&](std::size_t i) { return shown_version(data, view.rows[i]).key; };
  std::ranges::sort(rows, [&](std::size_t a, std::size_t b) {
    const std::string left = encode_version_key(key(a)), right = encode_version_key(key(b));
    return left != right ? left < right : a < b;
  });
  if (!query.all)
    for (const std::size_t i : rows)
      if (std::ranges::find(query.version_keys, key(i)) != query.version_keys.end() &&
          allowed(query.spec_versions, stored(i).entry.spec_version))
        chosen.insert(i);
  std::string newest;
  for (const std::size_t i : rows) newest = std::max(newest, stored(i).entry.spec_version);
  std::erase_if(rows, [&](std::size_t i) {
    const std::string& spec = stored(i).entry.spec_version;
    return query.spec_versions.empty() ? spec != newest : !allowed(query.spec_versions, spec);
  });
  if (rows.empty()) return;
  if (query.all) chosen.insert(rows.begin(), rows.end());
  if (query.last) chosen.insert(rows.back());
  if (query.first) chosen.insert(rows.front());
}

class MemorySnapshot final : public Snapshot {
 public:
  // `mutex` guards the count of references to the data: the journal changes it in place when nobody else looks.
  MemorySnapshot(std::shared_ptr<const Data> data, std::shared_ptr<std::mutex> mutex)
      : data_(std::move(data)), mutex_(std::move(mutex)) {}
  ~MemorySnapshot() override {
    const std::lock_guard lock(*mutex_);
    data_.reset();
  }

  Result<OutboxPage> page(const OutboxQuery& query) override {
    BONGSU_TRY(const ViewRows* view, find_view(query.view));
    std::map<std::string, std::vector<std::size_t>> objects;
    for (std::size_t i = 0; i < view->rows.size(); ++i)
      if (!view->rows[i].withdrawn && (!query.sees || query.sees(data_->entries[view->rows[i].seq - 1].entry.label)))
        objects[data_->entries[view->rows[i].seq - 1].entry.object_id].push_back(i);
    std::set<std::size_t> chosen;
    for (const auto& [id, rows] : objects)
      if (allowed(query.ids, id) && allowed(query.types, type_of(id))) choose(*data_, *view, query, rows, chosen);
    OutboxPage out;
    for (const std::size_t i : chosen) {
      if (i + 1 <= query.after || (query.added_after_us && view->rows[i].added_us <= *query.added_after_us)) continue;
      if (out.rows.size() == query.limit) {
        out.more = true;
        break;
      }
      out.rows.push_back(shown(*data_, *view, i));
    }
    return out;
  }

  Result<OutboxPage> tail(ViewId id, Pos after, std::uint32_t limit) override {
    BONGSU_TRY(const ViewRows* view, find_view(id));
    OutboxPage out;
    for (std::size_t i = after; i < view->rows.size(); ++i) {
      if (out.rows.size() == limit) {
        out.more = true;
        break;
      }
      out.rows.push_back(shown(*data_, *view, i));
    }
    return out;
  }

  Result<OutboxPage> withdrawn(ViewId id, Pos after, std::uint32_t limit) override {
    BONGSU_TRY(const ViewRows* view, find_view(id));
    OutboxPage out;
    for (std::size_t i = after; i < view->rows.size(); ++i) {
      if (!view->rows[i].withdrawn) continue;
      if (out.rows.size() == limit) {
        out.more = true;
        break;
      }
      out.rows.push_back(shown(*data_, *view, i));
    }
    return out;
  }

  Result<std::vector<OutboxRow>> rows_of(ViewId id, std::string_view object_id) override {
    const auto view = data_->views.find(id);
    std::vector<OutboxRow> out;
    for (std::size_t i = 0; view != data_->views.end() && i < view->second.rows.size(); ++i)
      if (data_->entries[view->second.rows[i].seq - 1].entry.object_id == object_id)
        out.push_back(shown(*data_, view->second, i));
    return out;
  }

  Result<std::uint64_t> withdrawn_count(ViewId id) override {
    BONGSU_TRY(const ViewRows* view, find_view(id));
    return static_cast<std::uint64_t>(std::ranges::count_if(view->rows, &Row::withdrawn));
  }

  Result<Content> released(ViewId id, Pos pos) override {
    const auto view = data_->views.find(id);
    if (view != data_->views.end() && pos > 0 && pos <= view->second.rows.size()) {
      const Row& row = view->second.rows[pos - 1];
      if (!row.withdrawn && row.payload) return *row.payload;
    }
    return fail(ErrorCode::kNotFound, fmt::format("nothing to read at position {} of view {}", pos, id));
  }

  Result<std::vector<Entry>> entries(Seq after, std::uint32_t limit) override {
    std::vector<Entry> out;
    for (std::size_t i = after; i < data_->entries.size() && out.size() < limit; ++i)
      out.push_back(data_->entries[i].entry);
    return out;
  }

  Result<Entry> entry(Seq seq) override {
    if (const Stored* stored = data_->find(seq)) return stored->entry;
    return no_entry(seq);
  }

  Result<Content> content(Seq seq) override {
    const Stored* stored = data_->find(seq);
    if (stored == nullptr) return no_entry(seq);
    if (stored->entry.erased) return fail(ErrorCode::kNotFound, fmt::format("the payload of entry {} was erased", seq));
    return stored->payload ? *stored->payload : Content();
  }

  Result<std::vector<Entry>> versions(std::string_view collection, std::string_view object_id) override {
    std::vector<const Stored*> found;
    for (const Stored& stored : data_->entries)
      if (stored.entry.kind == EntryKind::kObject && !stored.deleted && stored.entry.object_id == object_id &&
          (collection.empty() || stored.entry.collection == collection))
        found.push_back(&stored);
    std::ranges::sort(found, [](const Stored* a, const Stored* b) {
      return a->code != b->code ? a->code < b->code : a->entry.seq < b->entry.seq;
    });
    std::vector<Entry> out;
    for (const Stored* stored : found) out.push_back(stored->entry);
    return out;
  }

  Result<std::vector<Entry>> collection_entries(std::string_view collection, Seq after, std::uint32_t limit) override {
    std::vector<Entry> out;
    for (std::size_t i = after; i < data_->entries.size() && out.size() < limit; ++i) {
      const Stored& stored = data_->entries[i];
      if (stored.entry.kind == EntryKind::kObject && !stored.deleted && !stored.entry.erased &&
          stored.entry.collection == collection)
        out.push_back(stored.entry);
    }
    return out;
  }

  Result<void> objects(std::string_view type, Seq after, Seq upto, const VisitObject& visit) override {
    for (std::size_t i = after; i < data_->entries.size() && i < upto; ++i) {
      const Stored& stored = data_->entries[i];
      if (stored.entry.kind != EntryKind::kObject || stored.deleted || stored.entry.erased) continue;
      if (stored.entry.object_id.substr(0, stored.entry.object_id.find("--")) != type) continue;
      if (!visit(Entry(stored.entry), payload(stored.entry.seq))) break;
    }
    return {};
  }

  Result<Presence> presence(ViewId id, Seq seq) override {
    Presence presence = Presence::kNever;
    if (const auto view = data_->views.find(id); view != data_->views.end())
      for (const Row& row : view->second.rows) {
        if (row.seq != seq) continue;
        if (!row.withdrawn) return Presence::kVisible;
        presence = Presence::kWithdrawn;
      }
    return presence;
  }

  Result<Pos> position(ViewId id, Seq seq) override {
    if (const auto view = data_->views.find(id); view != data_->views.end())
      for (std::size_t i = 0; i < view->second.rows.size(); ++i)
        if (view->second.rows[i].seq == seq && !view->second.rows[i].withdrawn) return i + 1;
    return 0;
  }

 private:
  Result<const ViewRows*> find_view(ViewId id) const {
    const auto it = data_->views.find(id);
    if (it == data_->views.end()) return fail(ErrorCode::kNotFound, fmt::format("there is no view {}", id));
    return &it->second;
  }
  static std::unexpected<Error> no_entry(Seq seq) {
    return fail(ErrorCode::kNotFound, fmt::format("there is no entry {}", seq));
  }

  std::shared_ptr<const Data> data_;
  std::shared_ptr<std::mutex> mutex_;
};

class ClosedSnapshot final : public Snapshot {
 public:
  Result<OutboxPage> page(const OutboxQuery&) override { return closed(); }
  Result<OutboxPage> tail(ViewId, Pos, std::uint32_t) override { return closed(); }
  Result<OutboxPage> withdrawn(ViewId, Pos, std::uint32_t) override { return closed(); }
  Result<std::uint64_t> withdrawn_count(ViewId) override { return closed(); }
  Result<Content> released(ViewId, Pos) override { return closed(); }
  Result<std::vector<Entry>> entries(Seq, std::uint32_t) override { return closed(); }
  Result<Entry> entry(Seq) override { return closed(); }
  Result<Content> content(Seq) override { return closed(); }
  Result<std::vector<Entry>> versions(std::string_view, std::string_view) override { return closed(); }
  Result<std::vector<Entry>> collection_entries(std::string_view, Seq, std::uint32_t) override { return closed(); }
  Result<void> objects(std::string_view, Seq, Seq, const VisitObject&) override { return closed(); }
  Result<Presence> presence(ViewId, Seq) override { return closed(); }
  Result<Pos> position(ViewId, Seq) override { return closed(); }
  Result<std::vector<OutboxRow>> rows_of(ViewId, std::string_view) override { return closed(); }

 private:
  static std::unexpected<Error> closed() { return fail(ErrorCode::kCancelled, "the journal is closed"); }
};

class MemoryJournal final : public Journal {
 public:
  explicit MemoryJournal(const Clock& clock) : clock_(clock), data_(std::make_shared<Data>()) {}

  Result<Receipt> append(const Batch& batch) override {
    BONGSU_TRY_VOID(check_batch(batch));
    std::unique_lock lock(mutex_);
    if (closed_) return closed();
    BONGSU_TRY_VOID(check(batch));
    Data& data = own();
    Receipt receipt;
    for (const NewEntry& entry : batch.entries) receipt.entries.push_back(append_entry(data, entry));
    for (const OutboxChange& change : batch.outbox) {
      for (const Seq seq : change.withdraw)
        for (Row& row : data.views.at(change.view).rows)
          if (row.seq == seq) row.withdrawn = true;
      for (const Seq seq : change.release) release(data, change.view, seq, nullptr);
      for (const auto& [seq, payload, proof] : change.redacted)
        release(data, change.view, seq, std::make_shared<const Content>(payload, proof));
    }
    for (const Destruction& wanted : batch.destroy) receipt.destroyed.push_back(destroy(data, wanted));
    for (const LabelChange& change : batch.labels) data.entries[change.seq - 1].entry.label = change.label;
    for (const StateChange& change : batch.states) {
      if (change.value) {
        data.states[{change.space, change.key}] = *change.value;
      } else {
        data.states.erase({change.space, change.key});
      }
    }
    committed(lock);
    return receipt;
  }

  std::unique_ptr<Snapshot> snapshot() override {
    const std::lock_guard lock(mutex_);
    if (closed_) return std::make_unique<ClosedSnapshot>();
    return std::make_unique<MemorySnapshot>(data_, shared_mutex_);
  }

  Seq last_seq() const override {
    const std::lock_guard lock(mutex_);
    return data_->entries.size();
  }

  Seq wait_beyond(Seq after, std::chrono::milliseconds deadline) override {
    std::unique_lock lock(mutex_);
    news_.wait_for(lock, deadline, [&] { return closed_ || data_->entries.size() > after; });
    return data_->entries.size();
  }

  void on_commit(std::function<void(Seq)> callback) override {
    if (!callback) return;
    const std::lock_guard lock(callbacks_mutex_);
    callbacks_.push_back(std::move(callback));
  }

  Result<View> create_view(std::string_view collection, std::string_view key, ViewId copy_of, bool compact) override {
    std::unique_lock lock(mutex_);
    if (closed_) return closed();
    for (const auto& [id, view] : data_->views)
      if (view.view.collection == collection && view.view.key == key) return view.view;
    if (copy_of != 0) {
      const auto from = data_->views.find(copy_of);
      if (from == data_->views.end())
        return fail(ErrorCode::kNotFound, fmt::format("there is no view {} to copy", copy_of));
      if (from->second.view.collection != collection)
        return fail(ErrorCode::kInvalid, fmt::format("view {} is of another collection", copy_of));
    }
    Data& data = own();
    const ViewId id = data.views.empty() ? 1 : data.views.rbegin()->first + 1;
    ViewRows& made = data.views[id];
    made.view = {id, std::string(collection), std::string(key), 0};
    if (copy_of != 0) made.rows = data.views.at(copy_of).rows;
    if (compact) std::erase_if(made.rows, [](const Row& row) { return row.withdrawn; });
    made.view.last = made.rows.size();
    const View out = made.view;
    committed(lock);
    return out;
  }

  Result<void> rename_view(ViewId id, std::string_view key) override {
    std::unique_lock lock(mutex_);
    if (closed_) return closed();
    const auto view = data_->views.find(id);
    if (view == data_->views.end()) return fail(ErrorCode::kNotFound, fmt::format("there is no view {}", id));
    for (const auto& [other, rows] : data_->views)
      if (other != id && rows.view.collection == view->second.view.collection && rows.view.key == key)
        return fail(ErrorCode::kConflict, "another view of the collection has this key");
    own().views.at(id).view.key = key;
    committed(lock);
    return {};
  }

  Result<std::vector<View>> views() override {
    const std::lock_guard lock(mutex_);
    if (closed_) return closed();
    std::vector<View> out;
    for (const auto& [id, view] : data_->views) out.push_back(view.view);
    return out;
  }

  std::uint64_t epoch() const override {
    const std::lock_guard lock(mutex_);
    return data_->epoch;
  }

  Result<void> set_epoch(std::uint64_t epoch) override {
    std::unique_lock lock(mutex_);
    if (closed_) return closed();
    if (epoch <= data_->epoch || epoch > static_cast<std::uint64_t>(INT64_MAX))
      return fail(ErrorCode::kConflict, fmt::format("the epoch is {}; {} is not later", data_->epoch, epoch),
                  {.field = "epoch"});
    own().epoch = epoch;
    committed(lock);
    return {};
  }

  Result<std::optional<std::string>> state(std::string_view space, std::string_view key) override {
    const std::lock_guard lock(mutex_);
    if (closed_) return closed();
    const auto it = data_->states.find({std::string(space), std::string(key)});
    if (it == data_->states.end()) return std::optional<std::string>();
    return std::optional(it->second);
  }

  Result<std::vector<std::pair<std::string, std::string>>> states(std::string_view space) override {
    const std::lock_guard lock(mutex_);
    if (closed_) return closed();
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& [key, value] : data_->states)
      if (key.first == space) out.emplace_back(key.second, value);
    return out;
  }

  Result<Seq> erase(std::string_view object_id, std::string_view origin) override {
    std::unique_lock lock(mutex_);
    if (closed_) return closed();
    Data& data = own();
    for (Stored& stored : data.entries) {
      if (stored.entry.object_id != object_id) continue;
      if (stored.payload) stored.entry.erased = true;
      stored.payload = nullptr;
      stored.may_return = false;
    }
    for (auto& [id, view] : data.views)
      for (Row& row : view.rows)
        if (data.entries[row.seq - 1].entry.object_id == object_id) {
          row.payload = nullptr;
          row.withdrawn = true;
        }
    NewEntry erasure;
    erasure.kind = EntryKind::kErasure;
    erasure.object_id = object_id;
    erasure.origin = origin;
    const Seq seq = store(data, erasure).entry.seq;
    committed(lock);
    return seq;
  }

  Result<JournalStats> stats() override {
    const std::lock_guard lock(mutex_);
    JournalStats out;
    out.last_seq = data_->entries.size();
    for (const Stored& stored : data_->entries)
      out.bytes +=
          sizeof(Stored) + (stored.payload ? stored.payload->payload.size() + stored.payload->proof.size() : 0);
    return out;
  }

  Result<void> verify(const std::function<void(std::uint64_t, std::uint64_t)>& progress) override {
    const std::lock_guard lock(mutex_);
    if (closed_) return closed();
    for (const Stored& stored : data_->entries)
      if (stored.payload && sha256(stored.payload->payload) != stored.entry.hash)
        return fail(ErrorCode::kCorrupt,
                    fmt::format("the payload of entry {} is not the one that was admitted", stored.entry.seq));
    if (progress) progress(data_->entries.size(), data_->entries.size());
    return {};
  }

  void close() override {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    news_.notify_all();
  }

 private:
  static std::unexpected<Error> closed() { return fail(ErrorCode::kCancelled, "the journal is closed"); }

  Data& own() {
    if (data_.use_count() > 1) data_ = std::make_shared<Data>(*data_);
    return *data_;
  }

  std::int64_t next_added(Data& data) {
    data.last_added = std::max(data.last_added + 1, clock_.now().micros());
    return data.last_added;
  }

  Result<void> check(const Batch& batch) const {
    if (releases_anything(batch) && batch.epoch != data_->epoch) return stale_epoch(batch.epoch, data_->epoch);
    for (const NewEntry& entry : batch.entries)
      for (const ReleaseTo& to : entry.releases) {
        const auto view = data_->views.find(to.view);
        if (view == data_->views.end()) return fail(ErrorCode::kInvalid, fmt::format("there is no view {}", to.view));
        if (view->second.view.collection != entry.collection)
          return fail(ErrorCode::kInvalid, fmt::format("view {} is of another collection than the entry", to.view));
      }
    for (const OutboxChange& change : batch.outbox) {
      const auto view = data_->views.find(change.view);
      if (view == data_->views.end()) return fail(ErrorCode::kInvalid, fmt::format("there is no view {}", change.view));
      for (const Seq seq : released_by(change)) {
        const Stored* stored = data_->find(seq);
        if (stored == nullptr || stored->entry.kind != EntryKind::kObject ||
            stored->entry.collection != view->second.view.collection)
          return fail(ErrorCode::kInvalid,
                      fmt::format("entry {} is no object of the collection of view {}", seq, change.view));
      }
    }
    for (const LabelChange& change : batch.labels) {
      const Stored* stored = data_->find(change.seq);
      if (stored == nullptr || stored->entry.kind != EntryKind::kObject)
        return fail(ErrorCode::kInvalid, fmt::format("entry {} is no object whose label could change", change.seq));
    }
    return {};
  }

  Stored& store(Data& data, const NewEntry& entry) {
    Stored& stored = data.entries.emplace_back();
    Entry& kept = stored.entry;
    kept.seq = data.entries.size();
    kept.kind = entry.kind;
    kept.added_us = next_added(data);
    kept.collection = entry.collection;
    kept.object_id = entry.object_id;
    kept.version = entry.version;
    kept.version_key = entry.version_key;
    kept.spec_version = entry.spec_version;
    kept.origin = entry.origin;
    kept.label = entry.label;
    kept.hash = sha256(entry.payload);
    stored.versioned = !entry.version_key.empty();
    kept.versioned = stored.versioned || entry.kind != EntryKind::kObject;
    if (entry.kind == EntryKind::kObject && !stored.versioned) {
      AddedVersion own = added_version(kept.added_us);
      kept.version = std::move(own.text);
      kept.version_key = std::move(own.key);
    }
    stored.code = encode_version_key(kept.version_key);
    if (entry.kind == EntryKind::kObject || !entry.payload.empty())
      stored.payload = std::make_shared<const Content>(entry.payload, entry.proof);
    return stored;
  }

  AppendedEntry append_entry(Data& data, const NewEntry& entry) {
    if (entry.kind == EntryKind::kObject) {
      const Sha256 hash = sha256(entry.payload);
      for (const Stored& stored : data.entries) {
        if (stored.entry.kind != EntryKind::kObject || stored.entry.collection != entry.collection ||
            stored.entry.object_id != entry.object_id || (stored.deleted && !stored.entry.erased) || stored.may_return ||
            stored.versioned != !entry.version_key.empty() || entry.stands_apart_from(stored.entry.seq))
          continue;
        const bool same = stored.entry.hash == hash;
        if (stored.versioned ? stored.entry.version_key == entry.version_key : same)
          return {stored.entry.seq, stored.entry.added_us,
                  same ? AppendedEntry::Outcome::kDuplicate : AppendedEntry::Outcome::kOtherBytes};
      }
    }
    const Stored& stored = store(data, entry);
    const AppendedEntry out{stored.entry.seq, stored.entry.added_us, AppendedEntry::Outcome::kNew};
    if (entry.kind == EntryKind::kDeletion) apply_deletion(data, entry);
    std::set<ViewId> released;
    for (const ReleaseTo& to : entry.releases) {
      if (!released.insert(to.view).second) continue;
      ViewRows& view = data.views.at(to.view);
      view.rows.push_back(
          {out.seq, next_date(view, clock_.now().micros()),
           to.payload ? std::make_shared<const Content>(*to.payload, to.proof) : data.entries.back().payload, false});
      view.view.last = view.rows.size();
    }
    return out;
  }

  static void apply_deletion(Data& data, const NewEntry& entry) {
    for (Stored& stored : data.entries) {
      if (stored.entry.kind != EntryKind::kObject || stored.entry.collection != entry.collection ||
          stored.entry.object_id != entry.object_id || stored.deleted)
        continue;
      if (!entry.version_key.empty() && entry.version_key != stored.entry.version_key) continue;
      if (entry.stands_apart_from(stored.entry.seq)) continue;
      stored.deleted = true;
      for (auto& [id, view] : data.views)
        for (Row& row : view.rows)
          if (row.seq == stored.entry.seq) row.withdrawn = true;
    }
  }

  std::uint32_t destroy(Data& data, const Destruction& wanted) {
    const std::string upto = encode_version_key(wanted.upto);
    std::vector<Seq> seqs;
    for (Stored& stored : data.entries) {
      if (stored.entry.kind != EntryKind::kObject || stored.entry.object_id != wanted.object_id ||
          stored.entry.origin != wanted.origin ||
          (!wanted.upto.empty() && stored.versioned && stored.code > upto))
        continue;
      if (!stored.payload) {
        stored.may_return = stored.may_return && wanted.may_return;
        continue;
      }
      if (!stored.deleted && std::ranges::find(wanted.keep, stored.entry.version_key) != wanted.keep.end()) continue;
      stored.may_return = wanted.may_return;
      stored.deleted = stored.deleted || wanted.may_return;
      stored.entry.erased = true;
      stored.payload = nullptr;
      seqs.push_back(stored.entry.seq);
    }
    for (auto& [id, view] : data.views)
      for (Row& row : view.rows)
        if (std::ranges::find(seqs, row.seq) != seqs.end()) {
          row.payload = nullptr;
          row.withdrawn = true;
        }
    for (const Seq seq : seqs) {
      const Entry gone = data.entries[seq - 1].entry;
      NewEntry erasure{.kind = EntryKind::kErasure, .collection = gone.collection, .object_id = gone.object_id};
      erasure.version = gone.version;
      erasure.version_key = gone.version_key;
      erasure.spec_version = gone.spec_version;
      erasure.origin = gone.origin;
      if (wanted.may_return) erasure.label = kMayReturn;
      store(data, erasure);
      data.entries.back().entry.destroyed = seq;
    }
    return static_cast<std::uint32_t>(seqs.size());
  }

  void release(Data& data, ViewId id, Seq seq, Payload variant) {
    const Stored& stored = data.entries[seq - 1];
    if (stored.deleted || stored.entry.erased) return;
    ViewRows& view = data.views.at(id);
    if (std::ranges::any_of(view.rows, [&](const Row& row) { return row.seq == seq && !row.withdrawn; })) return;
    view.rows.push_back({seq, next_date(view, clock_.now().micros()), variant ? std::move(variant) : stored.payload, false});
    view.view.last = view.rows.size();
  }

  void committed(std::unique_lock<std::mutex>& lock) {
    const Seq last = data_->entries.size();
    lock.unlock();
    news_.notify_all();
    const std::lock_guard callbacks(callbacks_mutex_);
    for (const auto& callback : callbacks_) callback(last);
  }

  const Clock& clock_;
  const std::shared_ptr<std::mutex> shared_mutex_ = std::make_shared<std::mutex>();
  std::mutex& mutex_ = *shared_mutex_;
  std::condition_variable news_;
  std::mutex callbacks_mutex_;
  std::vector<std::function<void(Seq)>> callbacks_;
  std::shared_ptr<Data> data_;
  bool closed_ = false;
};

}  // namespace

std::unique_ptr<Journal> make_memory_journal(const Clock& clock, Random& random) {
  (void)random;  // nothing in memory is sealed: an erased payload is simply dropped
  return std::make_unique<MemoryJournal>(clock);
}

}  // namespace bongsu::journal
