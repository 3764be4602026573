#include "journal/sqlite/writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "journal/batch_rules.h"

namespace bongsu::journal::sqlite {
namespace {

constexpr const char* kEntryColumns =
    "seq, added_us, flags, collection, spec, dedupe, form, payload, kind, type, object, origin";

std::string with_columns(const char* rest) { return fmt::format("SELECT {} FROM entries {}", kEntryColumns, rest); }

}  // namespace

Writer::Writer(Database& db, const Clock& clock)
    : db_(db),
      clock_(clock),
      dict_(db, true),
      outbox_(db),
      insert_entry_(db, "INSERT INTO entries VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)"),
      find_entry_(db, with_columns("WHERE seq = ?1").c_str()),
      duplicate_(
          db,
          "SELECT seq, added_us, hash, flags FROM entries INDEXED BY entries_object WHERE object = ?1 AND type = ?2 "
          "AND collection = ?3 AND dedupe = ?4 AND kind = 1"),
      entries_of_(db, with_columns("INDEXED BY entries_object WHERE object = ?1 AND type = ?2").c_str()),
      set_flags_(db, "UPDATE entries SET flags = ?2 WHERE seq = ?1"),
      set_label_(db, "UPDATE entries SET label = ?2 WHERE seq = ?1"),
      drop_entry_payload_(db, "UPDATE entries SET payload = NULL WHERE seq = ?1"),
      insert_payload_(db, "INSERT INTO payloads VALUES(?1, ?2, ?3)"),
      insert_key_(db, "INSERT INTO keys VALUES(?1, ?2)"),
      // Zeros of the same length are written over the old bytes in place; deleting could leave copies where pages were
      // merged.
      blank_payload_(db, "UPDATE payloads SET sealed = zeroblob(length(sealed)) WHERE id = ?1"),
      blank_key_(db, "UPDATE keys SET wrapped = zeroblob(length(wrapped)) WHERE id = ?1"),
      set_state_(db,
                 "INSERT INTO state VALUES(?1, ?2, ?3) ON CONFLICT(space, key) DO UPDATE SET value = excluded.value"),
      remove_state_(db, "DELETE FROM state WHERE space = ?1 AND key = ?2"),
      view_last_(db, "UPDATE views SET last = ?2 WHERE id = ?1") {
  load();
}

void Writer::load() {
  last_seq_ = static_cast<Seq>(db_.integer("SELECT max(seq) FROM entries"));
  last_added_ = db_.integer("SELECT added_us FROM entries ORDER BY seq DESC LIMIT 1");
  last_payload_ = std::max(db_.integer("SELECT max(id) FROM payloads"), db_.integer("SELECT max(id) FROM keys"));
  epoch_ = static_cast<std::uint64_t>(db_.integer("SELECT value FROM meta WHERE key = 'epoch'"));
  views_.clear();
  Statement rows(
      db_,
      "SELECT v.id, v.collection, v.last, o.added_us FROM views v LEFT JOIN outbox o ON o.rid = (v.id << 40) + v.last");
  while (rows.step()) {
    views_[static_cast<ViewId>(rows.integer(0))] = {rows.integer(1), static_cast<Pos>(rows.integer(2)),
                                                    rows.is_null(3) ? INT64_MIN : rows.integer(3), false};
  }
}

void Writer::begin() { db_.exec("BEGIN IMMEDIATE"); }

void Writer::commit() {
  for (auto& [id, view] : views_) {
    if (!view.changed) continue;
    view_last_.bind(1, id).bind(2, static_cast<std::int64_t>(view.last)).run();
    view.changed = false;
  }
  db_.exec("COMMIT");
}

void Writer::rollback() noexcept {
  try {
    // Some failures (a full disk) have rolled back already.
    db_.exec("ROLLBACK");
  } catch (const StoreFailure&) {
  }
  dict_.forget();
  try {
    load();
  } catch (const StoreFailure&) {
    // The file cannot be read: every later operation says so itself.
  }
}

std::int64_t Writer::next_added() {
  last_added_ = std::max(last_added_ + 1, clock_.now().micros());
  return last_added_;
}

std::int64_t Writer::next_date(ViewState& view) {
  const std::int64_t now = clock_.now().micros();
  view.added_us = view.added_us == INT64_MIN ? now : std::max(view.added_us + 1, now);
  return view.added_us;
}

std::string Writer::StoredEntry::version() const {
  if (is_object && !has_form) return encode_version_key(added_version(added_us).key);
  return dedupe;
}

Writer::StoredEntry Writer::read_entry(const Statement& row) {
  StoredEntry entry;
  entry.seq = static_cast<Seq>(row.integer(0));
  entry.added_us = row.integer(1);
  entry.flags = row.integer(2);
  entry.collection = row.integer(3);
  entry.spec = row.integer(4);
  entry.dedupe = row.bytes(5);
  entry.has_form = !row.is_null(6);
  if (row.is_integer(6)) {
    entry.digits = static_cast<int>(row.integer(6));
  } else {
    entry.form_text = row.bytes(6);
  }
  if (!row.is_null(7)) entry.payload = row.integer(7);
  entry.is_object = row.integer(8) == static_cast<std::int64_t>(EntryKind::kObject);
  entry.object = read_object(row, 9, 10);
  entry.origin = row.integer(11);
  return entry;
}

std::optional<Writer::StoredEntry> Writer::find_entry(Seq seq) {
  find_entry_.bind(1, static_cast<std::int64_t>(seq));
  const Rows rows(find_entry_);
  if (!find_entry_.step()) return std::nullopt;
  return read_entry(find_entry_);
}

std::vector<Writer::StoredEntry> Writer::entries_of(const ObjectKey& object) {
  std::vector<StoredEntry> out;
  bind_object(entries_of_, 1, object);
  entries_of_.bind(2, object.type);
  Rows rows(entries_of_);
  while (rows.next()) out.push_back(read_entry(entries_of_));
  return out;
}

ObjectKey Writer::object_key(const ObjectCode& code) {
  ObjectKey key;
  key.type = dict_.intern(kTypeText, code.type);
  key.is_blob = code.uuid.has_value();
  key.object = code.uuid ? as_text(code.uuid->bytes) : code.rest;
  return key;
}

std::optional<ObjectKey> Writer::known_object_key(const ObjectCode& code) {
  if (!dict_.find(kTypeText, code.type)) return std::nullopt;
  return object_key(code);
}

std::string Writer::object_id(const ObjectKey& key) {
  std::optional<Uuid> uuid;
  if (key.is_blob) {
    uuid.emplace();
    BONGSU_CHECK(key.object.size() == sizeof uuid->bytes);
    std::copy(key.object.begin(), key.object.end(), uuid->bytes.begin());
  }
  return join_object_id(dict_.text(key.type), uuid, key.object);
}

std::int64_t Writer::store_payload(const Sealed& sealed) {
  const std::int64_t id = ++last_payload_;
  insert_payload_.bind(1, id).bind_blob(2, sealed.sealed);
  if (sealed.proof > 0) {
    insert_payload_.bind(3, static_cast<std::int64_t>(sealed.proof));
  } else {
    insert_payload_.bind_null(3);
  }
  insert_payload_.run();
  insert_key_.bind(1, id).bind_blob(2, sealed.wrapped).run();
  return id;
}

void Writer::drop_payload(std::int64_t id) {
  blank_key_.bind(1, std::abs(id)).run();
  blank_payload_.bind(1, std::abs(id)).run();
}

Result<void> Writer::check(const PreparedBatch& batch) {
  const Batch& wanted = *batch.batch;
  if (releases_anything(wanted) && wanted.epoch != epoch_) return stale_epoch(wanted.epoch, epoch_);
  std::set<std::string_view> new_specs;
  for (const NewEntry& entry : wanted.entries) {
    const auto collection = entry.releases.empty() ? std::nullopt : dict_.find(kCollectionText, entry.collection);
    for (const ReleaseTo& release : entry.releases) {
      const auto view = views_.find(release.view);
      if (view == views_.end()) return fail(ErrorCode::kInvalid, fmt::format("there is no view {}", release.view));
      if (collection != view->second.collection)
        return fail(ErrorCode::kInvalid, fmt::format("view {} is of another collection than the entry", release.view));
    }
    if (!dict_.find(kSpecText, entry.spec_version)) new_specs.insert(entry.spec_version);
  }
  if (!new_specs.empty() && dict_.all(kSpecText).size() + new_specs.size() > kMaxSpecVersions)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} different spec_versions", kMaxSpecVersions));
  for (const OutboxChange& change : wanted.outbox) {
    const auto view = views_.find(change.view);
    if (view == views_.end()) return fail(ErrorCode::kInvalid, fmt::format("there is no view {}", change.view));
    for (const Seq seq : released_by(change)) {
      const auto entry = find_entry(seq);
      if (!entry || !entry->is_object || entry->collection != view->second.collection)
        return fail(ErrorCode::kInvalid,
                    fmt::format("entry {} is no object of the collection of view {}", seq, change.view));
    }
  }
  for (const LabelChange& change : wanted.labels)
    if (const auto entry = find_entry(change.seq); !entry || !entry->is_object)
      return fail(ErrorCode::kInvalid, fmt::format("entry {} is no object whose label could change", change.seq));
  return {};
}

Result<Receipt> Writer::append(const PreparedBatch& batch) {
  BONGSU_TRY_VOID(check(batch));
  Receipt receipt;
  receipt.entries.reserve(batch.entries.size());
  for (const PreparedEntry& entry : batch.entries) receipt.entries.push_back(append_entry(entry));
  for (const OutboxChange& change : batch.batch->outbox) {
    withdraw(change.withdraw, change.view);
    for (const Seq seq : change.release) release(change.view, seq, nullptr, *batch.sealer);
    for (const OutboxChange::Redacted& redacted : change.redacted)
      release(change.view, redacted.seq, &redacted, *batch.sealer);
  }
  for (const Destruction& wanted : batch.batch->destroy) receipt.destroyed.push_back(destroy(wanted));
  for (const LabelChange& change : batch.batch->labels)
    set_label_.bind(1, static_cast<std::int64_t>(change.seq)).bind(2, dict_.intern(kLabelText, change.label)).run();
  for (const StateChange& change : batch.batch->states) {
    if (change.value) {
      set_state_.bind_text(1, change.space).bind_text(2, change.key).bind_blob(3, *change.value).run();
    } else {
      remove_state_.bind_text(1, change.space).bind_text(2, change.key).run();
    }
  }
  return receipt;
}

AppendedEntry Writer::append_entry(const PreparedEntry& prepared) {
  const NewEntry& entry = *prepared.entry;
  const std::int64_t collection = dict_.intern(kCollectionText, entry.collection);
  const ObjectKey object = object_key(prepared.object);
  if (entry.kind == EntryKind::kObject) {
    bind_object(duplicate_, 1, object);
    duplicate_.bind(2, object.type).bind(3, collection).bind_blob(4, prepared.dedupe);
    Rows rows(duplicate_);
    while (rows.next()) {
      if (entry.stands_apart_from(static_cast<Seq>(duplicate_.integer(0)))) continue;
      // A deleted version may come again; an erased one stays away.
      if ((duplicate_.integer(3) & (kDeletedFlag | kErasedFlag)) == kDeletedFlag) continue;
      if ((duplicate_.integer(3) & kMayReturnFlag) != 0) continue;
      const bool same = duplicate_.bytes(2) == as_text(prepared.hash);
      return {static_cast<Seq>(duplicate_.integer(0)), duplicate_.integer(1),
              same ? AppendedEntry::Outcome::kDuplicate : AppendedEntry::Outcome::kOtherBytes};
    }
  }
  const std::int64_t spec = dict_.intern(kSpecText, entry.spec_version);
  const std::int64_t added_us = next_added();
  const Seq seq = last_seq_ + 1;
  std::optional<std::int64_t> payload;
  if (prepared.payload) payload = store_payload(*prepared.payload);
  insert_entry(prepared, seq, added_us, collection, object, spec, payload);
  last_seq_ = seq;
  if (entry.kind == EntryKind::kDeletion) apply_deletion(prepared, collection, object);

  for (std::size_t i = 0; i < entry.releases.size(); ++i) {
    const ViewId id = entry.releases[i].view;
    const bool again = std::any_of(entry.releases.begin(), entry.releases.begin() + static_cast<std::ptrdiff_t>(i),
                                   [&](const ReleaseTo& other) { return other.view == id; });
    if (again) continue;
    ViewState& view = views_.at(id);
    OutboxRowData row;
    row.view = id;
    row.pos = ++view.last;
    view.changed = true;
    row.seq = seq;
    row.added_us = next_date(view);
    row.object = object;
    row.spec = spec;
    row.version = prepared.version;
    row.digits = prepared.form.digits;
    row.form_text = prepared.form.text;
    std::string own_version;
    if (prepared.version.empty()) row.version = own_version = encode_version_key(added_version(row.added_us).key);
    row.payload = payload;
    if (prepared.variants[i]) row.payload = -store_payload(*prepared.variants[i]);
    outbox_.append(row);
  }
  return {seq, added_us, AppendedEntry::Outcome::kNew};
}

void Writer::insert_entry(const PreparedEntry& prepared, Seq seq, std::int64_t added_us, std::int64_t collection,
                          const ObjectKey& object, std::int64_t spec, std::optional<std::int64_t> payload,
                          std::optional<Seq> destroyed) {
  const NewEntry& entry = *prepared.entry;
  insert_entry_.bind(1, static_cast<std::int64_t>(seq))
      .bind(2, static_cast<std::int64_t>(entry.kind))
      .bind(3, added_us);
  insert_entry_.bind(4, collection).bind(5, object.type);
  bind_object(insert_entry_, 6, object);
  insert_entry_.bind_blob(7, prepared.dedupe);
  if (prepared.form.digits) {
    insert_entry_.bind(8, *prepared.form.digits);
  } else if (!prepared.form.text.empty()) {
    insert_entry_.bind_text(8, prepared.form.text);
  } else {
    insert_entry_.bind_null(8);
  }
  insert_entry_.bind(9, spec).bind(10, dict_.intern(kOriginText, entry.origin));
  insert_entry_.bind(11, dict_.intern(kLabelText, entry.label)).bind_blob(12, as_text(prepared.hash)).bind(13, 0);
  if (payload) {
    insert_entry_.bind(14, *payload);
  } else {
    insert_entry_.bind_null(14);
  }
  if (destroyed) {
    insert_entry_.bind(15, static_cast<std::int64_t>(*destroyed));
  } else {
    insert_entry_.bind_null(15);
  }
  insert_entry_.run();
}

void Writer::apply_deletion(const PreparedEntry& prepared, std::int64_t collection, const ObjectKey& object) {
  bool any = false;
  for (const StoredEntry& stored : entries_of(object)) {
    if (!stored.is_object || stored.collection != collection || (stored.flags & kDeletedFlag) != 0) continue;
    const std::string version = stored.version();
    if (!prepared.version.empty() && prepared.version != version) continue;
    if (prepared.entry->stands_apart_from(stored.seq)) continue;
    any = true;
    set_flags_.bind(1, static_cast<std::int64_t>(stored.seq)).bind(2, stored.flags | kDeletedFlag).run();
    for (const auto& [id, view] : views_) {
      if (view.collection != collection) continue;
      if (const auto rid = outbox_.visible_row(id, object, stored.row_version(), stored.seq)) outbox_.withdraw(*rid);
    }
  }
  if (!any) return;
  for (const auto& [id, view] : views_)
    if (view.collection == collection) outbox_.repick(id, object);
}

void Writer::release(ViewId id, Seq seq, const OutboxChange::Redacted* variant, Sealer& sealer) {
  const auto entry = find_entry(seq);
  // Deleted or erased since the decision: there is nothing to show any more.
  if (!entry || entry->flags != 0) return;
  std::string version = entry->row_version();
  if (outbox_.visible_row(id, entry->object, version, seq)) return;
  ViewState& view = views_.at(id);
  OutboxRowData row;
  row.view = id;
  row.pos = ++view.last;
  view.changed = true;
  row.seq = seq;
  row.added_us = next_date(view);
  row.object = entry->object;
  if (version.empty()) version = encode_version_key(added_version(row.added_us).key);
  row.version = version;
  row.digits = entry->digits;
  row.form_text = entry->form_text;
  row.spec = entry->spec;
  row.payload = entry->payload;
  if (variant != nullptr)
    row.payload = -store_payload(
        sealer.seal(variant->payload, variant->proof,
                    payload_context(true, object_id(entry->object), entry->has_form ? entry->dedupe : "")));
  outbox_.append(row);
}

void Writer::withdraw(const std::vector<Seq>& seqs, ViewId view) {
  std::set<ObjectKey> touched;
  for (const Seq seq : seqs) {
    const auto entry = find_entry(seq);
    if (!entry || !entry->is_object) continue;
    const auto rid = outbox_.visible_row(view, entry->object, entry->row_version(), seq);
    if (!rid) continue;
    outbox_.withdraw(*rid);
    touched.insert(entry->object);
  }
  for (const ObjectKey& object : touched) outbox_.repick(view, object);
}

Result<View> Writer::create_view(std::string_view collection, std::string_view key, ViewId copy_of, bool compact) {
  View out;
  out.collection = collection;
  out.key = key;
  if (const auto known = dict_.find(kCollectionText, collection)) {
    Statement find(db_, "SELECT id, last FROM views WHERE collection = ?1 AND key = ?2");
    find.bind(1, *known).bind_text(2, key);
    const Rows rows(find);
    if (find.step()) {
      out.id = static_cast<ViewId>(find.integer(0));
      out.last = views_.at(out.id).last;
      return out;
    }
  }
  if (copy_of != 0) {
    const auto from = views_.find(copy_of);
    if (from == views_.end()) return fail(ErrorCode::kNotFound, fmt::format("there is no view {} to copy", copy_of));
    if (dict_.find(kCollectionText, collection) != from->second.collection)
      return fail(ErrorCode::kInvalid, fmt::format("view {} is of another collection", copy_of));
  }
  const std::int64_t text = dict_.intern(kCollectionText, collection);
  const ViewId id = views_.empty() ? 1 : views_.rbegin()->first + 1;
  if (id > kMaxView) return fail(ErrorCode::kTooLarge, "no more views are possible in this journal");
  Statement insert(db_, "INSERT INTO views VALUES(?1, ?2, ?3, 0)");
  insert.bind(1, id).bind(2, text).bind_text(3, key).run();
  views_[id] = {.collection = text, .changed = true};
  if (copy_of != 0) copy_rows(copy_of, id, compact);
  out.id = id;
  out.last = views_.at(id).last;
  return out;
}

void Writer::copy_rows(ViewId from, ViewId to, bool compact) {
  const std::int64_t first = row_id(from, 0), last = row_id(from, kMaxPos);
  if (compact) {
    Statement copy(
        db_,
        "INSERT INTO outbox SELECT ?3 + row_number() OVER (ORDER BY rid), ?4, seq, added_us, type, object, "
        "version, form, class, payload FROM outbox WHERE rid > ?1 AND rid <= ?2 AND class & 7 <> 7 ORDER BY rid");
    copy.bind(1, first).bind(2, last).bind(3, row_id(to, 0)).bind(4, to).run();
    views_.at(to).last = static_cast<Pos>(db_.changes());
  } else {
    Statement copy(db_,
                   "INSERT INTO outbox SELECT rid - ?1 + ?3, ?4, seq, added_us, type, object, version, form, class, "
                   "payload FROM outbox WHERE rid > ?1 AND rid <= ?2 ORDER BY rid");
    copy.bind(1, first).bind(2, last).bind(3, row_id(to, 0)).bind(4, to).run();
    views_.at(to).last = views_.at(from).last;
  }
  Statement newest(db_, "SELECT added_us FROM outbox WHERE rid = ?1");
  newest.bind(1, row_id(to, views_.at(to).last));
  if (newest.step()) views_.at(to).added_us = newest.integer(0);
}

Result<void> Writer::rename_view(ViewId id, std::string_view key) {
  const auto view = views_.find(id);
  if (view == views_.end()) return fail(ErrorCode::kNotFound, fmt::format("there is no view {}", id));
  Statement find(db_, "SELECT id FROM views WHERE collection = ?1 AND key = ?2");
  find.bind(1, view->second.collection).bind_text(2, key);
  {
    const Rows rows(find);
    if (find.step()) {
      if (find.integer(0) == id) return {};
      return fail(ErrorCode::kConflict, "another view of the collection has this key");
    }
  }
  Statement rename(db_, "UPDATE views SET key = ?2 WHERE id = ?1");
  rename.bind(1, id).bind_text(2, key).run();
  return {};
}

Result<void> Writer::set_epoch(std::uint64_t epoch) {
  if (epoch <= epoch_ || epoch > static_cast<std::uint64_t>(INT64_MAX))
    return fail(ErrorCode::kConflict, fmt::format("the epoch is {}; {} is not later", epoch_, epoch),
                {.field = "epoch"});
  Statement set(db_, "UPDATE meta SET value = ?1 WHERE key = 'epoch'");
  set.bind(1, static_cast<std::int64_t>(epoch)).run();
  epoch_ = epoch;
  return {};
}

std::uint32_t Writer::destroy(const Destruction& wanted) {
  const ObjectCode code = split_object_id(wanted.object_id);
  const auto object = known_object_key(code);
  const auto origin = dict_.find(kOriginText, wanted.origin);
  if (!object || !origin) return 0;
  const std::string upto = encode_version_key(wanted.upto);
  std::vector<std::string> keep;
  for (const std::string& key : wanted.keep) keep.push_back(encode_version_key(key));
  std::vector<StoredEntry> gone;
  for (StoredEntry& stored : entries_of(*object)) {
    if (!stored.is_object || stored.origin != *origin ||
        (!wanted.upto.empty() && stored.has_form && stored.dedupe > upto))
      continue;
    if (!stored.payload) {
      // What was destroyed up to a decision before is gone for good now.
      if ((stored.flags & kMayReturnFlag) != 0 && !wanted.may_return)
        set_flags_.bind(1, static_cast<std::int64_t>(stored.seq)).bind(2, stored.flags & ~kMayReturnFlag).run();
      continue;
    }
    if ((stored.flags & kDeletedFlag) == 0 &&
        std::ranges::find(keep, stored.version()) != keep.end())
      continue;
    drop_payload(*stored.payload);
    drop_entry_payload_.bind(1, static_cast<std::int64_t>(stored.seq)).run();
    const std::int64_t gone_flags = wanted.may_return ? kErasedFlag | kDeletedFlag | kMayReturnFlag : kErasedFlag;
    set_flags_.bind(1, static_cast<std::int64_t>(stored.seq)).bind(2, stored.flags | gone_flags).run();
    gone.push_back(std::move(stored));
  }
  std::ranges::sort(gone, {}, &StoredEntry::seq);
  for (const auto& [id, view] : views_) {
    bool changed = false;
    for (const OutboxWriter::Held& held : outbox_.rows_of(id, *object)) {
      if (std::ranges::find(gone, held.seq, &StoredEntry::seq) == gone.end()) continue;
      if (held.payload) {
        if (*held.payload < 0) drop_payload(*held.payload);
        outbox_.drop_payload(held.rid);
      }
      if (!held.visible) continue;
      outbox_.withdraw(held.rid);
      changed = true;
    }
    if (changed) outbox_.repick(id, *object);
  }
  for (const StoredEntry& stored : gone) {
    NewEntry entry;
    entry.kind = EntryKind::kErasure;
    entry.object_id = wanted.object_id;
    entry.origin = wanted.origin;
    if (wanted.may_return) entry.label = kMayReturn;
    PreparedEntry prepared;
    prepared.entry = &entry;
    prepared.object = code;
    prepared.hash = sha256("");
    // Always with the version as text: that of an object without one is its date_added, as pages show it.
    const std::string version = stored.version();
    prepared.dedupe = version;
    prepared.form.digits = stored.digits;
    prepared.form.text = stored.form_text;
    if (!stored.has_form) prepared.form.text = added_version(stored.added_us).text;
    insert_entry(prepared, last_seq_ + 1, next_added(), stored.collection, *object, stored.spec, std::nullopt,
                 stored.seq);
    ++last_seq_;
  }
  return static_cast<std::uint32_t>(gone.size());
}

Result<Seq> Writer::erase(std::string_view object_id, std::string_view origin) {
  const ObjectCode code = split_object_id(object_id);
  const ObjectKey object = object_key(code);
  for (const StoredEntry& stored : entries_of(object)) {
    if (stored.payload) {
      drop_payload(*stored.payload);
      drop_entry_payload_.bind(1, static_cast<std::int64_t>(stored.seq)).run();
    }
    if (stored.payload || stored.is_object)
      set_flags_.bind(1, static_cast<std::int64_t>(stored.seq))
          .bind(2, (stored.flags | kErasedFlag) & ~kMayReturnFlag)
          .run();
  }
  for (const auto& [id, view] : views_) {
    for (const OutboxWriter::Held& held : outbox_.rows_of(id, object)) {
      if (held.payload) {
        if (*held.payload < 0) drop_payload(*held.payload);
        outbox_.drop_payload(held.rid);
      }
      if (held.visible) outbox_.withdraw(held.rid);
    }
  }
  NewEntry entry;
  entry.kind = EntryKind::kErasure;
  entry.object_id = object_id;
  entry.origin = origin;
  PreparedEntry prepared;
  prepared.entry = &entry;
  prepared.object = code;
  prepared.hash = sha256("");
  const Seq seq = last_seq_ + 1;
  const std::int64_t added_us = next_added();
  insert_entry(prepared, seq, added_us, dict_.intern(kCollectionText, ""), object,
               dict_.intern(kSpecText, entry.spec_version), std::nullopt);
  last_seq_ = seq;
  Statement note(db_,
                 "INSERT INTO erased VALUES(?1, ?2, ?3) ON CONFLICT(object_id) DO UPDATE SET erased_us = "
                 "excluded.erased_us, seq = excluded.seq");
  note.bind_text(1, object_id).bind(2, added_us).bind(3, static_cast<std::int64_t>(seq)).run();
  return seq;
}

}  // namespace bongsu::journal::sqlite
