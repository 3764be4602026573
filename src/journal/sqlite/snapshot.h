// Reading: a snapshot over a leased connection, and the plain reads of state and views.
#pragma once

#include <memory>

#include "base/log.h"
#include "journal/journal.h"
#include "journal/sqlite/page_query.h"
#include "journal/sqlite/prepared.h"
#include "journal/sqlite/read_connection.h"

namespace bongsu::journal::sqlite {

class SqliteSnapshot final : public Snapshot {
 public:
  // `lease` may be an error: every call then answers it.
  SqliteSnapshot(std::shared_ptr<ReadPool> pool, std::shared_ptr<const Sealer> sealer,
                 Result<std::shared_ptr<Lease>> lease);
  ~SqliteSnapshot() override;

  Result<OutboxPage> page(const OutboxQuery& query) override;
  Result<OutboxPage> tail(ViewId view, Pos after, std::uint32_t limit) override;
  Result<OutboxPage> withdrawn(ViewId view, Pos after, std::uint32_t limit) override;
  Result<std::uint64_t> withdrawn_count(ViewId view) override;
  Result<Content> released(ViewId view, Pos pos) override;
  Result<std::vector<Entry>> entries(Seq after, std::uint32_t limit) override;
  Result<void> objects(std::string_view type, Seq after, Seq upto, const VisitObject& visit) override;
  Result<std::vector<OutboxRow>> rows_of(ViewId view, std::string_view object_id) override;
  Result<Entry> entry(Seq seq) override;
  Result<Content> content(Seq seq) override;
  Result<std::vector<Entry>> versions(std::string_view collection, std::string_view object_id) override;
  Result<std::vector<Entry>> collection_entries(std::string_view collection, Seq after, std::uint32_t limit) override;
  Result<Presence> presence(ViewId view, Seq seq) override;
  Result<Pos> position(ViewId view, Seq seq) override;

  // Not of the interface: state and views as of this snapshot.
  Result<std::optional<std::string>> state(std::string_view space, std::string_view key);
  Result<std::vector<std::pair<std::string, std::string>>> states(std::string_view space);
  Result<std::vector<View>> views();

 private:
  // Runs `body(connection)` under the lease; kUnavailable when it was ended.
  template <class Body>
  auto with(Body&& body) -> decltype(body(std::declval<ReadConnection&>()));
  Result<Content> open(ReadConnection& connection, std::int64_t payload, std::string_view object_id,
                       std::string_view version);
  // Of a row that has the sealed bytes in this column, the wrapped key and the size of the proof in the next; nulls are
  // rows that are missing.
  Result<Content> open_row(const ReadConnection& connection, const Statement& row, int sealed, std::int64_t payload,
                           std::string_view object_id, std::string_view version) const;

  std::shared_ptr<ReadPool> pool_;
  std::shared_ptr<const Sealer> sealer_;
  Result<std::shared_ptr<Lease>> lease_;
  std::vector<RowSource> sources_;  // of the last page or tail: payloads are mostly asked for in its order
  std::size_t next_source_ = 0;
};

}  // namespace bongsu::journal::sqlite
