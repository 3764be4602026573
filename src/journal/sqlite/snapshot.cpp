#include "journal/sqlite/snapshot.h"

#include <fmt/format.h>

#include <algorithm>

#include "journal/sqlite/outbox_writer.h"
#include "journal/version_code.h"

namespace bongsu::journal::sqlite {
namespace {

enum Column {
  kSeq,
  kKind,
  kAdded,
  kCollection,
  kType,
  kObject,
  kDedupe,
  kForm,
  kSpec,
  kOrigin,
  kLabel,
  kHash,
  kFlags,
  kPayload,
  kDestroyed,
  kSealed  // of `objects` only; the wrapped key and the size of the proof follow
};

struct Read {
  Entry entry;
  std::string version;  // code, as bound to the payload
  std::optional<std::int64_t> payload;
};

Read read_entry(ReadConnection& connection, const Statement& row) {
  Read out;
  Entry& entry = out.entry;
  Dictionary& dict = connection.dict;
  entry.seq = static_cast<Seq>(row.integer(kSeq));
  entry.kind = static_cast<EntryKind>(row.integer(kKind));
  entry.added_us = row.integer(kAdded);
  entry.collection = dict.text(row.integer(kCollection));
  entry.spec_version = dict.text(row.integer(kSpec));
  entry.origin = dict.text(row.integer(kOrigin));
  entry.label = dict.text(row.integer(kLabel));
  entry.erased = (row.integer(kFlags) & kErasedFlag) != 0;
  const std::string_view object = row.bytes(kObject);
  std::optional<Uuid> uuid;
  if (row.is_blob(kObject) && object.size() == sizeof(Uuid::bytes)) {
    uuid.emplace();
    std::copy(object.begin(), object.end(), uuid->bytes.begin());
  }
  entry.object_id = join_object_id(dict.text(row.integer(kType)), uuid, object);
  const std::string_view hash = row.bytes(kHash);
  if (hash.size() != entry.hash.size())
    throw StoreFailure(Error{ErrorCode::kCorrupt,
                             fmt::format("entry {} has a hash of {} bytes", entry.seq, hash.size()),
                             {.source = connection.db.name(), .field = "entries.hash"}});
  std::copy(hash.begin(), hash.end(), entry.hash.begin());
  if (row.is_null(kForm)) {
    if (entry.kind == EntryKind::kObject) {
      entry.versioned = false;
      AddedVersion own = added_version(entry.added_us);
      entry.version = std::move(own.text);
      entry.version_key = std::move(own.key);
    }
  } else {
    out.version = row.bytes(kDedupe);
    entry.version_key = decode_version_key(out.version);
    entry.version =
        row.is_integer(kForm)
            ? version_text(entry.version_key, static_cast<int>(std::clamp<std::int64_t>(row.integer(kForm), 0, 100)))
            : std::string(row.bytes(kForm));
  }
  if (!row.is_null(kPayload)) out.payload = row.integer(kPayload);
  if (!row.is_null(kDestroyed)) entry.destroyed = static_cast<Seq>(row.integer(kDestroyed));
  return out;
}

std::optional<Read> find_entry(ReadConnection& connection, Seq seq) {
  connection.entry.bind(1, static_cast<std::int64_t>(seq));
  const Rows rows(connection.entry);
  if (!connection.entry.step()) return std::nullopt;
  return read_entry(connection, connection.entry);
}

std::vector<Entry> all_rows(ReadConnection& connection, Statement& statement) {
  std::vector<Entry> out;
  Rows rows(statement);
  while (rows.next()) out.push_back(read_entry(connection, statement).entry);
  return out;
}

std::optional<ObjectKey> object_key(ReadConnection& connection, std::string_view object_id) {
  const ObjectCode code = split_object_id(object_id);
  const auto type = connection.dict.find(kTypeText, code.type);
  if (!type) return std::nullopt;
  ObjectKey key{*type, std::string(code.rest), code.uuid.has_value()};
  if (code.uuid) key.object.assign(code.uuid->bytes.begin(), code.uuid->bytes.end());
  return key;
}

// The rows of an entry in a view, oldest first: visit(row) until it says false.
template <class Visit>
void rows_of_entry(ReadConnection& connection, ViewId view, Seq seq, Visit&& visit) {
  const auto read = find_entry(connection, seq);
  if (!read) return;
  const auto object = object_key(connection, read->entry.object_id);
  if (!object) return;
  // Without a version of its own each row has its date's.
  const std::string version = encode_version_key(read->entry.version_key);
  Statement& rows_of = read->entry.versioned ? connection.version_rows : connection.object_rows;
  rows_of.bind(1, view);
  bind_object(rows_of, 2, *object);
  if (read->entry.versioned) rows_of.bind_blob(3, version);
  Rows rows(rows_of);
  while (rows.next())
    if (rows_of.integer(1) == static_cast<std::int64_t>(seq) && !visit(rows_of)) return;
}

std::unexpected<Error> no_entry(Seq seq) {
  return fail(ErrorCode::kNotFound, fmt::format("there is no entry {}", seq));
}

std::unexpected<Error> no_payload(const ReadConnection& connection, std::int64_t payload, std::string_view object_id,
                                  std::string_view why) {
  return fail(ErrorCode::kCorrupt, fmt::format("payload {} of {} {}", std::abs(payload), object_id, why),
              {.source = connection.db.name(), .field = "payloads"});
}

}  // namespace

SqliteSnapshot::SqliteSnapshot(std::shared_ptr<ReadPool> pool, std::shared_ptr<const Sealer> sealer,
                               Result<std::shared_ptr<Lease>> lease)
    : pool_(std::move(pool)), sealer_(std::move(sealer)), lease_(std::move(lease)) {}

SqliteSnapshot::~SqliteSnapshot() {
  if (lease_) pool_->give_back(*lease_);
}

template <class Body>
auto SqliteSnapshot::with(Body&& body) -> decltype(body(std::declval<ReadConnection&>())) {
  if (!lease_) return std::unexpected(lease_.error());
  const std::lock_guard lock((*lease_)->mutex);
  if (!(*lease_)->connection)
    return fail(ErrorCode::kUnavailable, "this snapshot was held for too long and was ended; take a new one");
  return guarded([&] { return body(*(*lease_)->connection); });
}

Result<OutboxPage> SqliteSnapshot::page(const OutboxQuery& query) {
  return with([&](ReadConnection& connection) -> Result<OutboxPage> {
    PageResult result = query_page(connection, query);
    sources_ = std::move(result.sources);
    next_source_ = 0;
    return std::move(result.page);
  });
}

Result<OutboxPage> SqliteSnapshot::tail(ViewId view, Pos after, std::uint32_t limit) {
  return with([&](ReadConnection& connection) -> Result<OutboxPage> {
    PageResult result = query_tail(connection, view, after, limit);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < result.sources.size(); ++i)
      if (!result.page.rows[i].withdrawn) std::swap(result.sources[kept++], result.sources[i]);
    result.sources.resize(kept);
    sources_ = std::move(result.sources);
    next_source_ = 0;
    return std::move(result.page);
  });
}

Result<OutboxPage> SqliteSnapshot::withdrawn(ViewId view, Pos after, std::uint32_t limit) {
  return with([&](ReadConnection& connection) -> Result<OutboxPage> {
    return std::move(query_withdrawn(connection, view, after, limit).page);
  });
}

Result<std::vector<OutboxRow>> SqliteSnapshot::rows_of(ViewId view, std::string_view object_id) {
  return with([&](ReadConnection& connection) -> Result<std::vector<OutboxRow>> {
    const auto object = object_key(connection, object_id);
    if (!object) return std::vector<OutboxRow>();
    return std::move(query_object(connection, view, *object).page.rows);
  });
}

Result<std::uint64_t> SqliteSnapshot::withdrawn_count(ViewId view) {
  return with([&](ReadConnection& connection) -> Result<std::uint64_t> {
    return count_withdrawn(connection, view);
  });
}

Result<Content> SqliteSnapshot::open(ReadConnection& connection, std::int64_t payload, std::string_view object_id,
                                     std::string_view version) {
  connection.payload.bind(1, std::abs(payload));
  const Rows rows(connection.payload);
  if (!connection.payload.step()) return no_payload(connection, payload, object_id, "is missing");
  return open_row(connection, connection.payload, 0, payload, object_id, version);
}

Result<Content> SqliteSnapshot::open_row(const ReadConnection& connection, const Statement& row, int sealed,
                                         std::int64_t payload, std::string_view object_id,
                                         std::string_view version) const {
  if (row.is_null(sealed) || row.is_null(sealed + 1)) return no_payload(connection, payload, object_id, "is missing");
  const auto proof = row.is_null(sealed + 2) ? std::size_t{0} : static_cast<std::size_t>(row.integer(sealed + 2));
  auto plain =
      sealer_->open(row.bytes(sealed), row.bytes(sealed + 1), proof, payload_context(payload < 0, object_id, version));
  if (!plain)
    return no_payload(connection, payload, object_id, fmt::format("does not open: {}", plain.error().message));
  return plain;
}

Result<Content> SqliteSnapshot::released(ViewId view, Pos pos) {
  return with([&](ReadConnection& connection) -> Result<Content> {
    const std::int64_t rid = view <= kMaxView && pos <= kMaxPos ? row_id(view, pos) : 0;
    const RowSource* source = nullptr;
    std::optional<RowSource> found;
    if (next_source_ < sources_.size() && sources_[next_source_].rid == rid) {
      source = &sources_[next_source_++];
    } else if (const auto it = std::ranges::lower_bound(sources_, rid, {}, &RowSource::rid);
               it != sources_.end() && it->rid == rid) {
      source = &*it;
      next_source_ = static_cast<std::size_t>(it - sources_.begin()) + 1;
    } else if ((found = find_row(connection, view, pos))) {
      source = &*found;
    }
    if (source == nullptr || !source->payload)
      return fail(ErrorCode::kNotFound, fmt::format("nothing to read at position {} of view {}", pos, view));
    return open(connection, *source->payload, source->object_id, source->version);
  });
}

Result<std::vector<Entry>> SqliteSnapshot::entries(Seq after, std::uint32_t limit) {
  return with([&](ReadConnection& connection) -> Result<std::vector<Entry>> {
    if (after > static_cast<Seq>(INT64_MAX)) return std::vector<Entry>();
    connection.entries.bind(1, static_cast<std::int64_t>(after)).bind(2, limit);
    return all_rows(connection, connection.entries);
  });
}

Result<void> SqliteSnapshot::objects(std::string_view type, Seq after, Seq upto, const VisitObject& visit) {
  return with([&](ReadConnection& connection) -> Result<void> {
    const auto known = connection.dict.find(kTypeText, type);
    if (!known || after > static_cast<Seq>(INT64_MAX)) return {};
    const auto last = static_cast<std::int64_t>(std::min(upto, static_cast<Seq>(INT64_MAX)));
    Statement& row = connection.objects;
    row.bind(1, static_cast<std::int64_t>(after)).bind(2, last).bind(3, *known);
    Rows rows(row);
    while (rows.next()) {
      Read read = read_entry(connection, row);
      auto plain = open_row(connection, row, kSealed, read.payload.value_or(0), read.entry.object_id, read.version);
      Result<std::string> payload = plain ? Result<std::string>(std::move(plain->payload)) : std::unexpected(plain.error());
      if (!visit(std::move(read.entry), std::move(payload))) break;
    }
    return {};
  });
}

Result<Entry> SqliteSnapshot::entry(Seq seq) {
  return with([&](ReadConnection& connection) -> Result<Entry> {
    auto read = find_entry(connection, seq);
    if (!read) return no_entry(seq);
    return std::move(read->entry);
  });
}

Result<Content> SqliteSnapshot::content(Seq seq) {
  return with([&](ReadConnection& connection) -> Result<Content> {
    const auto read = find_entry(connection, seq);
    if (!read) return no_entry(seq);
    if (read->entry.erased) return fail(ErrorCode::kNotFound, fmt::format("the payload of entry {} was erased", seq));
    if (!read->payload) return Content();
    return open(connection, *read->payload, read->entry.object_id, read->version);
  });
}

Result<std::vector<Entry>> SqliteSnapshot::versions(std::string_view collection, std::string_view object_id) {
  return with([&](ReadConnection& connection) -> Result<std::vector<Entry>> {
    std::vector<Entry> out;
    const auto object = object_key(connection, object_id);
    if (!object) return out;
    if (collection.empty()) {
      bind_object(connection.entries_of_all, 1, *object);
      connection.entries_of_all.bind(2, object->type);
      out = all_rows(connection, connection.entries_of_all);
    } else {
      const auto in = connection.dict.find(kCollectionText, collection);
      if (!in) return out;
      bind_object(connection.entries_of, 1, *object);
      connection.entries_of.bind(2, object->type).bind(3, *in);
      out = all_rows(connection, connection.entries_of);
    }
    std::ranges::sort(out, [](const Entry& a, const Entry& b) {
      const std::string ka = encode_version_key(a.version_key), kb = encode_version_key(b.version_key);
      return ka != kb ? ka < kb : a.seq < b.seq;
    });
    return out;
  });
}

Result<std::vector<Entry>> SqliteSnapshot::collection_entries(std::string_view collection, Seq after,
                                                              std::uint32_t limit) {
  return with([&](ReadConnection& connection) -> Result<std::vector<Entry>> {
    const auto in = connection.dict.find(kCollectionText, collection);
    if (!in || after > static_cast<Seq>(INT64_MAX)) return std::vector<Entry>();
    connection.collection_entries.bind(1, *in).bind(2, static_cast<std::int64_t>(after)).bind(3, limit);
    return all_rows(connection, connection.collection_entries);
  });
}

Result<Snapshot::Presence> SqliteSnapshot::presence(ViewId view, Seq seq) {
  return with([&](ReadConnection& connection) -> Result<Presence> {
    Presence presence = Presence::kNever;
    rows_of_entry(connection, view, seq, [&](const Statement& row) {
      presence = pick_of(row.integer(7)) != kPickWithdrawn ? Presence::kVisible : Presence::kWithdrawn;
      return presence != Presence::kVisible;
    });
    return presence;
  });
}

Result<Pos> SqliteSnapshot::position(ViewId view, Seq seq) {
  return with([&](ReadConnection& connection) -> Result<Pos> {
    Pos pos = 0;
    rows_of_entry(connection, view, seq, [&](const Statement& row) {
      if (pick_of(row.integer(7)) != kPickWithdrawn) pos = pos_of(row.integer(0));
      return pos == 0;
    });
    return pos;
  });
}

Result<std::optional<std::string>> SqliteSnapshot::state(std::string_view space, std::string_view key) {
  return with([&](ReadConnection& connection) -> Result<std::optional<std::string>> {
    connection.state.bind_text(1, space).bind_text(2, key);
    const Rows rows(connection.state);
    if (!connection.state.step()) return std::optional<std::string>();
    return std::optional<std::string>(connection.state.bytes(0));
  });
}

Result<std::vector<std::pair<std::string, std::string>>> SqliteSnapshot::states(std::string_view space) {
  return with([&](ReadConnection& connection) -> Result<std::vector<std::pair<std::string, std::string>>> {
    std::vector<std::pair<std::string, std::string>> out;
    connection.states.bind_text(1, space);
    Rows rows(connection.states);
    while (rows.next()) out.emplace_back(connection.states.bytes(0), connection.states.bytes(1));
    return out;
  });
}

Result<std::vector<View>> SqliteSnapshot::views() {
  return with([&](ReadConnection& connection) -> Result<std::vector<View>> {
    std::vector<View> out;
    Rows rows(connection.views);
    while (rows.next()) {
      View& view = out.emplace_back();
      view.id = static_cast<ViewId>(connection.views.integer(0));
      view.collection = connection.dict.text(connection.views.integer(1));
      view.key = connection.views.bytes(2);
      view.last = static_cast<Pos>(connection.views.integer(3));
    }
    return out;
  });
}

}  // namespace bongsu::journal::sqlite
