// Writes rows of outboxes and keeps their picks (last, first …) right. Used inside the writer's transaction only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "journal/sqlite/database.h"
#include "journal/sqlite/schema.h"

namespace bongsu::journal::sqlite {

// An object as it is bound to statements: type by dictionary, UUID as 16 bytes or other text.
struct ObjectKey {
  std::int64_t type = 0;
  std::string object;
  bool is_blob = false;
  auto operator<=>(const ObjectKey&) const = default;
};
void bind_object(Statement& statement, int at, const ObjectKey& key);
ObjectKey read_object(const Statement& statement, int type_column, int object_column);

struct OutboxRowData {
  ViewId view = 0;
  Pos pos = 0;
  Seq seq = 0;
  std::int64_t added_us = 0;
  ObjectKey object;
  std::string_view version;  // code
  std::optional<int> digits;
  std::string_view form_text;  // when there are no digits; both empty: without version
  std::int64_t spec = 0;
  std::optional<std::int64_t> payload;  // negative: a variant
};

class OutboxWriter {
 public:
  explicit OutboxWriter(Database& db);

  void append(const OutboxRowData& row);
  // The visible row of this entry in the view.
  // `version`: empty for an object without one, whose rows have each their own.
  std::optional<std::int64_t> visible_row(ViewId view, const ObjectKey& object, std::string_view version, Seq seq);
  void withdraw(std::int64_t rid);
  // After withdrawals: finds the last and first of what is left of the object.
  void repick(ViewId view, const ObjectKey& object);

  struct Held {
    std::int64_t rid = 0;
    std::optional<std::int64_t> payload;
    bool visible = false;
    Seq seq = 0;
  };
  std::vector<Held> rows_of(ViewId view, const ObjectKey& object);
  void drop_payload(std::int64_t rid);

 private:
  struct Visible {
    std::int64_t rid = 0, row_class = 0;
    std::string version;
  };
  std::vector<Visible> visible_rows(ViewId view, const ObjectKey& object);
  std::optional<Visible> edge(Statement& statement, ViewId view, const ObjectKey& object);
  void set_class(std::int64_t rid, std::int64_t row_class);

  Statement insert_, newest_, oldest_, all_, set_class_, class_of_, held_, by_version_, all_seqs_, drop_payload_;
};

}  // namespace bongsu::journal::sqlite
