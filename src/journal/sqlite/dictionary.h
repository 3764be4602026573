// Texts that repeat (collections, types, origins, labels) as integers. A row once written never changes.
//
// One for each connection; remembers up to kRemembered texts and asks the table for the others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "journal/sqlite/database.h"
#include "journal/sqlite/schema.h"

namespace bongsu::journal::sqlite {

class Dictionary {
 public:
  explicit Dictionary(Database& db, bool writable);

  std::optional<std::int64_t> find(Space space, std::string_view text);
  const std::string& text(std::int64_t id);                 // throws kCorrupt when there is none
  std::int64_t intern(Space space, std::string_view text);  // within the writer's transaction
  std::vector<std::int64_t> all(Space space);
  void forget();  // after a rollback: what was interned in it is gone

 private:
  static constexpr std::size_t kRemembered = 65'536;
  void remember(Space space, std::string_view text, std::int64_t id);

  Database& db_;
  Statement find_, text_, all_;
  std::optional<Statement> insert_;
  std::unordered_map<std::string, std::int64_t> ids_;  // space byte, then text
  std::unordered_map<std::int64_t, std::string> texts_;
  std::string probe_;
};

}  // namespace bongsu::journal::sqlite
