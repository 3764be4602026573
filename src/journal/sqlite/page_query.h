// One page of an outbox: which rows, by index, at any depth of the walk in time that depends on the page only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "journal/journal.h"
#include "journal/sqlite/outbox_writer.h"
#include "journal/sqlite/read_connection.h"

namespace bongsu::journal::sqlite {

// What released_payload needs of a row, kept from the page that named it.
struct RowSource {
  std::int64_t rid = 0;
  std::optional<std::int64_t> payload;
  std::string version;  // code; empty when the object has none
  std::string object_id;
};

struct PageResult {
  OutboxPage page;
  std::vector<RowSource> sources;  // beside page.rows
};

PageResult query_page(ReadConnection& connection, const OutboxQuery& query);
PageResult query_tail(ReadConnection& connection, ViewId view, Pos after, std::uint32_t limit);
std::uint64_t count_withdrawn(ReadConnection& connection, ViewId view);
PageResult query_withdrawn(ReadConnection& connection, ViewId view, Pos after, std::uint32_t limit);
// Every row of one object, withdrawn ones too, by position; without sources.
PageResult query_object(ReadConnection& connection, ViewId view, const ObjectKey& object);
std::optional<RowSource> find_row(ReadConnection& connection, ViewId view, Pos pos);  // visible only

inline constexpr std::uint32_t kMaxPageRows = 100'000;

}  // namespace bongsu::journal::sqlite
