// The one place that changes journal.db: applies batches and commands inside transactions that the commit queue opens
// and ends.
//
// Every operation first checks everything it can refuse, then writes; what fails while writing throws, and the caller
// rolls back.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "journal/journal.h"
#include "journal/sqlite/database.h"
#include "journal/sqlite/dictionary.h"
#include "journal/sqlite/outbox_writer.h"
#include "journal/sqlite/prepared.h"
#include "journal/sqlite/schema.h"

namespace bongsu::journal::sqlite {

class Writer {
 public:
  Writer(Database& db, const Clock& clock);

  void begin();
  void commit();
  void rollback() noexcept;  // and forget everything since begin()

  Seq last_seq() const { return last_seq_; }
  std::uint64_t epoch() const { return epoch_; }

  Result<Receipt> append(const PreparedBatch& batch);
  Result<View> create_view(std::string_view collection, std::string_view key, ViewId copy_of, bool compact);
  Result<void> rename_view(ViewId view, std::string_view key);
  Result<void> set_epoch(std::uint64_t epoch);
  Result<Seq> erase(std::string_view object_id, std::string_view origin);

 private:
  struct ViewState {
    std::int64_t collection = 0;
    Pos last = 0;
    std::int64_t added_us = INT64_MIN;  // date of its newest row
    bool changed = false;
  };
  struct StoredEntry {
    Seq seq = 0;
    std::int64_t added_us = 0, flags = 0, collection = 0, spec = 0;
    std::string dedupe;
    std::optional<int> digits;
    std::string form_text;
    bool has_form = false;
    std::optional<std::int64_t> payload;
    bool is_object = false;
    std::int64_t origin = 0;
    ObjectKey object;
    std::string version() const;  // code; of its date_added for an object without version
    // The code that its rows have in every view; empty: each has its own date's.
    std::string row_version() const { return has_form ? dedupe : std::string(); }
  };

  void load();
  Result<void> check(const PreparedBatch& batch);
  std::int64_t next_added();
  // A view has dates of its own, so that what others may not see moves nothing in it.
  std::int64_t next_date(ViewState& view);
  std::int64_t store_payload(const Sealed& sealed);
  void drop_payload(std::int64_t id);
  AppendedEntry append_entry(const PreparedEntry& entry);
  std::uint32_t destroy(const Destruction& wanted);
  void apply_deletion(const PreparedEntry& entry, std::int64_t collection, const ObjectKey& object);
  void insert_entry(const PreparedEntry& entry, Seq seq, std::int64_t added_us, std::int64_t collection,
                    const ObjectKey& object, std::int64_t spec, std::optional<std::int64_t> payload,
                    std::optional<Seq> destroyed = {});
  std::optional<StoredEntry> find_entry(Seq seq);
  StoredEntry read_entry(const Statement& row);
  std::vector<StoredEntry> entries_of(const ObjectKey& object);
  // `variant`: what is shown in place of the entry's own payload; nullptr = that.
  void release(ViewId view, Seq seq, const OutboxChange::Redacted* variant, Sealer& sealer);
  void withdraw(const std::vector<Seq>& seqs, ViewId view);
  ObjectKey object_key(const ObjectCode& code);
  std::string object_id(const ObjectKey& key);
  std::optional<ObjectKey> known_object_key(const ObjectCode& code);
  void copy_rows(ViewId from, ViewId to, bool compact);

  Database& db_;
  const Clock& clock_;
  Dictionary dict_;
  OutboxWriter outbox_;
  Statement insert_entry_, find_entry_, duplicate_, entries_of_, set_flags_, set_label_, drop_entry_payload_, insert_payload_,
      insert_key_, blank_payload_, blank_key_, set_state_, remove_state_, view_last_;

  Seq last_seq_ = 0;
  std::int64_t last_added_ = 0;
  std::int64_t last_payload_ = 0;
  std::uint64_t epoch_ = 0;
  std::map<ViewId, ViewState> views_;
};

}  // namespace bongsu::journal::sqlite
