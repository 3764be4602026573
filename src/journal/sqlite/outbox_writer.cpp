#include "journal/sqlite/outbox_writer.h"

#include <algorithm>

namespace bongsu::journal::sqlite {

void bind_object(Statement& statement, int at, const ObjectKey& key) {
  if (key.is_blob) {
    statement.bind_blob(at, key.object);
  } else {
    statement.bind_text(at, key.object);
  }
}

ObjectKey read_object(const Statement& statement, int type_column, int object_column) {
  return {statement.integer(type_column), std::string(statement.bytes(object_column)),
          statement.is_blob(object_column)};
}

OutboxWriter::OutboxWriter(Database& db)
    : insert_(db, "INSERT INTO outbox VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"),
      newest_(db,
              "SELECT rid, class, version, type FROM outbox INDEXED BY outbox_object WHERE view = ?1 AND object = ?2 "
              "ORDER BY version DESC, rid DESC"),
      oldest_(db,
              "SELECT rid, class, version, type FROM outbox INDEXED BY outbox_object WHERE view = ?1 AND object = ?2 "
              "ORDER BY version, rid"),
      all_(db,
           "SELECT rid, class, version, type FROM outbox INDEXED BY outbox_object WHERE view = ?1 AND object = ?2 "
           "ORDER BY version, rid"),
      set_class_(db, "UPDATE outbox SET class = ?2 WHERE rid = ?1"),
      class_of_(db, "SELECT class FROM outbox WHERE rid = ?1"),
      held_(db,
            "SELECT rid, payload, class, type, seq FROM outbox INDEXED BY outbox_object WHERE view = ?1 AND object = ?2"),
      by_version_(db,
                  "SELECT rid, seq, class FROM outbox INDEXED BY outbox_object WHERE view = ?1 AND object = ?2 "
                  "AND version = ?3"),
      all_seqs_(db, "SELECT rid, seq, class FROM outbox INDEXED BY outbox_object WHERE view = ?1 AND object = ?2"),
      drop_payload_(db, "UPDATE outbox SET payload = NULL WHERE rid = ?1") {}

void OutboxWriter::set_class(std::int64_t rid, std::int64_t row_class) {
  set_class_.bind(1, rid).bind(2, row_class).run();
}

std::optional<OutboxWriter::Visible> OutboxWriter::edge(Statement& statement, ViewId view, const ObjectKey& object) {
  statement.bind(1, view);
  bind_object(statement, 2, object);
  Rows rows(statement);
  while (rows.next()) {
    if (pick_of(statement.integer(1)) == kPickWithdrawn || statement.integer(3) != object.type) continue;
    return Visible{statement.integer(0), statement.integer(1), std::string(statement.bytes(2))};
  }
  return std::nullopt;
}

std::vector<OutboxWriter::Visible> OutboxWriter::visible_rows(ViewId view, const ObjectKey& object) {
  std::vector<Visible> out;
  all_.bind(1, view);
  bind_object(all_, 2, object);
  Rows rows(all_);
  while (rows.next()) {
    if (pick_of(all_.integer(1)) == kPickWithdrawn || all_.integer(3) != object.type) continue;
    out.push_back({all_.integer(0), all_.integer(1), std::string(all_.bytes(2))});
  }
  return out;
}

void OutboxWriter::append(const OutboxRowData& row) {
  const std::int64_t rid = row_id(row.view, row.pos);
  Pick pick = kPickOnly;
  if (const auto newest = edge(newest_, row.view, row.object)) {
    if (pick_of(newest->row_class) == kPickMixed || spec_of(newest->row_class) != row.spec) {
      pick = kPickMixed;
      if (pick_of(newest->row_class) != kPickMixed)
        for (const Visible& other : visible_rows(row.view, row.object))
          set_class(other.rid, row_class(spec_of(other.row_class), kPickMixed));
    } else if (row.version >= newest->version) {
      // The later row wins a tie; it is no longer the first then unless it is alone.
      pick = kPickLast;
      set_class(newest->rid, row_class(row.spec, static_cast<Pick>(pick_of(newest->row_class) & ~kPickLast)));
    } else {
      const auto oldest = edge(oldest_, row.view, row.object);
      pick = kMiddle;
      if (oldest && row.version < oldest->version) {
        pick = kPickFirst;
        set_class(oldest->rid, row_class(row.spec, static_cast<Pick>(pick_of(oldest->row_class) & ~kPickFirst)));
      }
    }
  }
  insert_.bind(1, rid).bind(2, row.view).bind(3, static_cast<std::int64_t>(row.seq)).bind(4, row.added_us);
  insert_.bind(5, row.object.type);
  bind_object(insert_, 6, row.object);
  insert_.bind_blob(7, row.version);
  if (row.digits) {
    insert_.bind(8, *row.digits);
  } else if (!row.form_text.empty()) {
    insert_.bind_text(8, row.form_text);
  } else {
    insert_.bind_null(8);
  }
  insert_.bind(9, row_class(row.spec, pick));
  if (row.payload) {
    insert_.bind(10, *row.payload);
  } else {
    insert_.bind_null(10);
  }
  insert_.run();
}

std::optional<std::int64_t> OutboxWriter::visible_row(ViewId view, const ObjectKey& object, std::string_view version,
                                                      Seq seq) {
  if (version.empty()) {
    all_seqs_.bind(1, view);
    bind_object(all_seqs_, 2, object);
    Rows rows(all_seqs_);
    while (rows.next())
      if (all_seqs_.integer(1) == static_cast<std::int64_t>(seq) && pick_of(all_seqs_.integer(2)) != kPickWithdrawn)
        return all_seqs_.integer(0);
    return std::nullopt;
  }
  by_version_.bind(1, view);
  bind_object(by_version_, 2, object);
  by_version_.bind_blob(3, version);
  Rows rows(by_version_);
  while (rows.next())
    if (by_version_.integer(1) == static_cast<std::int64_t>(seq) && pick_of(by_version_.integer(2)) != kPickWithdrawn)
      return by_version_.integer(0);
  return std::nullopt;
}

void OutboxWriter::withdraw(std::int64_t rid) {
  class_of_.bind(1, rid);
  std::int64_t old = 0;
  {
    const Rows rows(class_of_);
    if (!class_of_.step()) return;
    old = class_of_.integer(0);
  }
  set_class(rid, row_class(spec_of(old), kPickWithdrawn));
}

void OutboxWriter::repick(ViewId view, const ObjectKey& object) {
  const auto rows = visible_rows(view, object);
  const bool mixed = std::ranges::any_of(
      rows, [&](const Visible& row) { return spec_of(row.row_class) != spec_of(rows.front().row_class); });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    int pick = kMiddle;
    if (mixed) {
      pick = kPickMixed;
    } else {
      if (i + 1 == rows.size()) pick |= kPickLast;
      if (i == 0) pick |= kPickFirst;
    }
    const std::int64_t wanted = row_class(spec_of(rows[i].row_class), static_cast<Pick>(pick));
    if (wanted != rows[i].row_class) set_class(rows[i].rid, wanted);
  }
}

std::vector<OutboxWriter::Held> OutboxWriter::rows_of(ViewId view, const ObjectKey& object) {
  std::vector<Held> out;
  held_.bind(1, view);
  bind_object(held_, 2, object);
  Rows rows(held_);
  while (rows.next()) {
    if (held_.integer(3) != object.type) continue;
    Held held;
    held.rid = held_.integer(0);
    if (!held_.is_null(1)) held.payload = held_.integer(1);
    held.visible = pick_of(held_.integer(2)) != kPickWithdrawn;
    held.seq = static_cast<Seq>(held_.integer(4));
    out.push_back(std::move(held));
  }
  return out;
}

void OutboxWriter::drop_payload(std::int64_t rid) { drop_payload_.bind(1, rid).run(); }

}  // namespace bongsu::journal::sqlite
