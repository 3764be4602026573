#include "journal/sqlite/dictionary.h"

#include <fmt/format.h>

namespace bongsu::journal::sqlite {

Dictionary::Dictionary(Database& db, bool writable)
    : db_(db),
      find_(db, "SELECT id FROM dict WHERE space = ?1 AND text = ?2"),
      text_(db, "SELECT text FROM dict WHERE id = ?1"),
      all_(db, "SELECT id FROM dict WHERE space = ?1") {
  if (writable) insert_.emplace(db, "INSERT INTO dict(space, text) VALUES(?1, ?2) RETURNING id");
}

void Dictionary::remember(Space space, std::string_view text, std::int64_t id) {
  if (ids_.size() >= kRemembered) ids_.clear();
  std::string key(1, static_cast<char>(space));
  key += text;
  ids_.insert_or_assign(std::move(key), id);
}

std::optional<std::int64_t> Dictionary::find(Space space, std::string_view text) {
  probe_.assign(1, static_cast<char>(space));
  probe_ += text;
  if (const auto it = ids_.find(probe_); it != ids_.end()) return it->second;
  find_.bind(1, space).bind_text(2, text);
  const Rows rows(find_);
  if (!find_.step()) return std::nullopt;
  const std::int64_t id = find_.integer(0);
  remember(space, text, id);
  return id;
}

const std::string& Dictionary::text(std::int64_t id) {
  if (const auto it = texts_.find(id); it != texts_.end()) return it->second;
  text_.bind(1, id);
  const Rows rows(text_);
  if (!text_.step())
    throw StoreFailure(Error{ErrorCode::kCorrupt,
                             fmt::format("text {} is not in the dictionary", id),
                             {.source = db_.name(), .field = "dict"}});
  if (texts_.size() >= kRemembered) texts_.clear();
  return texts_.emplace(id, text_.bytes(0)).first->second;
}

std::int64_t Dictionary::intern(Space space, std::string_view text) {
  if (const auto id = find(space, text)) return *id;
  insert_->bind(1, space).bind_text(2, text);
  std::int64_t id = 0;
  {
    const Rows rows(*insert_);
    if (!insert_->step()) db_.raise(1, "INSERT INTO dict");
    id = insert_->integer(0);
    while (insert_->step()) {
    }
  }
  remember(space, text, id);
  return id;
}

std::vector<std::int64_t> Dictionary::all(Space space) {
  std::vector<std::int64_t> out;
  all_.bind(1, space);
  Rows rows(all_);
  while (rows.next()) out.push_back(all_.integer(0));
  return out;
}

void Dictionary::forget() {
  ids_.clear();
  texts_.clear();
}

}  // namespace bongsu::journal::sqlite
