#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "base/bytes.h"
#include "journal/search.h"
#include "journal/search/extract.h"
#include "journal/sqlite/database.h"
#include "journal/sqlite/file_ops.h"
#include "journal/version_code.h"

namespace bongsu::journal {
namespace {

using sqlite::Database;
using sqlite::guarded;
using sqlite::OpenMode;
using sqlite::Rows;
using sqlite::Statement;
using sqlite::StoreFailure;

constexpr std::int64_t kApplicationId = 0x426e7378;  // "Bnsx"
constexpr std::int64_t kSchemaVersion = 1;
constexpr int kCacheKib = 16 * 1024;
constexpr std::uint32_t kMaxHits = 10'000;
constexpr std::size_t kMaxQueryBytes = 1024;
constexpr std::size_t kMaxWords = 16;
constexpr std::size_t kTextStatements = 256;  // kept prepared, one a table of full text
// Full text is kept in tables of as many entries: an erasure writes one of them anew, not all.
constexpr int kChunkBits = 14;

constexpr const char* kSchema =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE docs(seq INTEGER PRIMARY KEY, collection TEXT NOT NULL, object_id TEXT NOT NULL, type TEXT NOT NULL, "
    "name TEXT NOT NULL,"
    " version TEXT NOT NULL, code BLOB NOT NULL, origin TEXT NOT NULL, label TEXT NOT NULL, state INTEGER NOT NULL) "
    "STRICT;"
    "CREATE INDEX docs_object ON docs(object_id, collection, code);"
    "CREATE TABLE vals(value TEXT NOT NULL, kind TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(value, kind, seq)) "
    "STRICT, WITHOUT ROWID;"
    "CREATE INDEX vals_seq ON vals(seq);"
    "CREATE TABLE edges(seq INTEGER NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, kind TEXT NOT NULL, through "
    "TEXT NOT NULL) STRICT;"
    "CREATE INDEX edges_seq ON edges(seq); CREATE INDEX edges_source ON edges(source, seq); CREATE INDEX edges_target "
    "ON edges(target, seq);"
    "CREATE TABLE chunks(n INTEGER PRIMARY KEY, generation INTEGER NOT NULL) STRICT;"
    "INSERT INTO meta VALUES('cursor', 0), ('unscrubbed', 0);";

// docs.state: of a deleted version only the row stays, so that an erasure still finds the full text that held it.
enum DocState : std::uint8_t { kOlder = 0, kNewest = 1, kDeleted = 2 };

std::int64_t chunk_of(std::int64_t seq) { return seq >> kChunkBits; }
std::string chunk_table(std::int64_t n, std::int64_t generation) { return fmt::format("text_{}_{}", n, generation); }

// Words of people as an FTS5 expression of strings: nothing in them is syntax.
std::string match_expression(std::string_view query) {
  query = query.substr(0, kMaxQueryBytes);
  std::vector<std::string> words;
  std::string word;
  bool letters = false;
  const auto flush = [&] {
    if (letters && words.size() < kMaxWords) words.push_back(word);
    word.clear();
    letters = false;
  };
  for (const char c : query) {
    const auto u = static_cast<unsigned char>(c);
    if (u <= ' ') {
      flush();
      continue;
    }
    letters = letters || u >= 0x80 || std::isalnum(u) != 0;
    if (c == '"') word += '"';
    word += c;
  }
  const bool prefix = !query.empty() && static_cast<unsigned char>(query.back()) > ' ';
  flush();
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += " AND ";
    out += '"' + words[i] + '"';
    if (i + 1 == words.size() && prefix) out += '*';
  }
  return out;
}

class SqliteSearch final : public Search {
 public:
  explicit SqliteSearch(const std::filesystem::path& directory) {
    in_memory_ = directory.empty();
    const std::string file = in_memory_ ? ":memory:" : (directory / "search.db").string();
    writer_ = std::make_unique<Database>(file, OpenMode::kReadWrite, kCacheKib);
    prepare_file(*writer_);
    if (in_memory_) return;
    reader_ = std::make_unique<Database>(file, OpenMode::kReadOnly, kCacheKib);
  }

  Seq cursor() const override { return cursor_; }

  Result<void> apply(std::span<const Item> items) override {
    const std::lock_guard lock(write_mutex_);
    const auto reading = lock_reader_when_shared();
    auto applied = guarded([&]() -> Result<void> {
      bool erased = unscrubbed_;
      Seq last = cursor_;
      writer_->exec("BEGIN IMMEDIATE");
      for (const Item& item : items) {
        if (item.entry.seq <= last) continue;
        last = item.entry.seq;
        if (item.entry.kind == EntryKind::kObject && !item.entry.erased && !item.payload.empty()) add(item);
        if (item.entry.kind == EntryKind::kDeletion) remove(item.entry);
        if (item.entry.kind == EntryKind::kErasure) erased = erase(item.entry) || erased;
      }
      Statement set(*writer_, "UPDATE meta SET value = ?1 WHERE key = 'cursor'");
      set.bind(1, static_cast<std::int64_t>(last)).run();
      if (erased) writer_->exec("UPDATE meta SET value = 1 WHERE key = 'unscrubbed'");
      writer_->exec("COMMIT");
      cursor_ = last;
      unscrubbed_ = erased;
      if (unscrubbed_) scrub();
      return {};
    });
    if (!applied) roll_back();
    return applied;
  }

  Result<std::vector<SearchHit>> text(std::string_view query, std::uint32_t limit) override {
    const std::string expression = match_expression(query);
    if (expression.empty()) return std::vector<SearchHit>();
    return read([&](Database& db) -> Result<std::vector<SearchHit>> {
      std::vector<SearchHit> hits;
      Statement chunks(db, "SELECT n, generation FROM chunks ORDER BY n DESC");
      while (hits.size() < std::min(limit, kMaxHits) && chunks.step()) {
        Statement& statement = text_of(db, chunks.integer(0), chunks.integer(1));
        statement.bind_text(1, expression).bind(2, static_cast<std::int64_t>(std::min(limit, kMaxHits) - hits.size()));
        Rows rows(statement);
        while (rows.next()) {
          hits.push_back(hit(statement));
          hits.back().snippet = statement.bytes(8);
        }
      }
      return hits;
    });
  }

  Result<std::vector<SearchHit>> value(std::string_view kind, std::string_view value, std::uint32_t limit) override {
    return read([&](Database& db) -> Result<std::vector<SearchHit>> {
      // Without a kind the value may be stored in the form of any: as it is, without case, as a URL.
      std::set<std::string> forms;
      if (kind.empty()) {
        for (const char* form : {"", "domain-name", "ipv4-addr", "url"})
          forms.insert(search::normal_value(form, value));
      } else {
        forms.insert(search::normal_value(kind, value));
      }
      std::map<Seq, SearchHit, std::greater<>> hits;
      Statement rows(
          db,
          "SELECT d.seq, d.object_id, d.type, d.collection, d.name, d.version, d.origin, d.label FROM vals v "
          "JOIN docs d ON d.seq = v.seq WHERE v.value = ?1 AND (?2 = '' OR v.kind = ?2) AND d.state = 1 "
          "ORDER BY v.seq DESC LIMIT ?3");
      for (const std::string& form : forms) {
        rows.bind_text(1, form).bind_text(2, kind).bind(3, std::min(limit, kMaxHits));
        while (rows.step()) {
          SearchHit found = hit(rows);
          found.snippet = form;
          hits.emplace(found.seq, std::move(found));
        }
      }
      std::vector<SearchHit> out;
      for (auto& [seq, found] : hits)
        if (out.size() < limit) out.push_back(std::move(found));
      return out;
    });
  }

  Result<std::vector<Relation>> relations(std::string_view object_id, std::uint32_t limit) override {
    return read([&](Database& db) -> Result<std::vector<Relation>> {
      std::vector<Relation> out;
      std::set<search::Edge> seen;  // an object that is in two collections says the same twice
      for (const char* end : {"source", "target"}) {
        Statement rows(
            db, fmt::format("SELECT e.source, e.target, e.kind, e.through FROM edges e JOIN docs d ON d.seq = e.seq "
                            "WHERE e.{} = ?1 AND d.state = 1 ORDER BY e.seq DESC",
                            end)
                    .c_str());
        rows.bind_text(1, object_id);
        while (out.size() < std::min(limit, kMaxHits) && rows.step()) {
          search::Edge edge{std::string(rows.bytes(0)), std::string(rows.bytes(1)), std::string(rows.bytes(2)),
                            std::string(rows.bytes(3))};
          if (seen.insert(edge).second) out.push_back({edge.from, edge.to, edge.kind, edge.through});
        }
      }
      return out;
    });
  }

  Result<std::vector<std::string>> referrers(std::string_view object_id) override {
    std::set<std::string> found;
    // A relationship or sighting names both ends of its edge.
    for (const char* end : {"e.target = ?1", "e.source = ?1 AND e.through <> ''"}) {
      std::int64_t after = 0;
      for (std::uint32_t rows_read = kMaxHits; rows_read == kMaxHits;) {
        BONGSU_TRY(rows_read, read([&](Database& db) -> Result<std::uint32_t> {
          Statement rows(db, fmt::format("SELECT e.seq, d.object_id FROM edges e JOIN docs d ON d.seq = e.seq "
                                         "WHERE {} AND e.seq > ?2 ORDER BY e.seq LIMIT ?3",
                                         end)
                                 .c_str());
          rows.bind_text(1, object_id).bind(2, after).bind(3, kMaxHits);
          std::uint32_t count = 0;
          for (; rows.step(); ++count) {
            after = rows.integer(0);  // further edges of the same entry have the same referrer
            found.emplace(rows.bytes(1));
          }
          return count;
        }));
      }
    }
    found.erase(std::string(object_id));
    return std::vector<std::string>(found.begin(), found.end());
  }

  Result<void> reset() override {
    const std::lock_guard lock(write_mutex_);
    const auto reading = lock_reader_when_shared();
    return guarded([&]() -> Result<void> {
      drop_everything(*writer_);
      make_schema(*writer_);
      if (!in_memory_) scrub();
      return {};
    });
  }

  Result<std::string> digest() override {
    return read([&](Database& db) -> Result<std::string> {
      const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
      BONGSU_CHECK(context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
      const auto feed = [&](Statement rows, int columns) {
        while (rows.step()) {
          for (int i = 0; i < columns; ++i) {
            const std::string_view bytes = rows.bytes(i);
            const auto size = static_cast<std::uint64_t>(bytes.size());
            EVP_DigestUpdate(context.get(), &size, sizeof size);
            EVP_DigestUpdate(context.get(), bytes.data(), bytes.size());
          }
        }
      };
      feed(Statement(db,
                     "SELECT seq, collection, object_id, type, name, version, code, origin, label, state FROM docs "
                     "ORDER BY seq"),
           10);
      feed(Statement(db, "SELECT value, kind, seq FROM vals ORDER BY value, kind, seq"), 3);
      feed(Statement(db, "SELECT seq, source, target, kind, through FROM edges ORDER BY 1, 2, 3, 4, 5"), 5);
      Statement chunks(db, "SELECT n, generation FROM chunks ORDER BY n");
      while (chunks.step())
        feed(Statement(db, fmt::format("SELECT rowid, text FROM {} ORDER BY rowid",
                                       chunk_table(chunks.integer(0), chunks.integer(1)))
                               .c_str()),
             2);
      Sha256 out{};
      EVP_DigestFinal_ex(context.get(), out.data(), nullptr);
      return to_hex(out);
    });
  }

 private:
  // ── The file ──
  void prepare_file(Database& db) {
    db.exec("PRAGMA temp_store=FILE");  // VACUUM copies through a temporary file, which can be large
    if (!in_memory_) {
      db.exec("PRAGMA page_size=8192");
      db.text("PRAGMA journal_mode=WAL");
      db.exec("PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=2000");
    }
    if (db.integer("PRAGMA application_id") != kApplicationId || db.integer("PRAGMA user_version") != kSchemaVersion) {
      if (db.integer("SELECT count(*) FROM sqlite_schema") != 0) drop_everything(db);
      make_schema(db);
    }
    cursor_ = static_cast<Seq>(db.integer("SELECT value FROM meta WHERE key = 'cursor'"));
    unscrubbed_ = db.integer("SELECT value FROM meta WHERE key = 'unscrubbed'") != 0;
  }

  void make_schema(Database& db) {
    db.exec("BEGIN IMMEDIATE");
    db.exec(kSchema);
    db.exec(fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", kApplicationId, kSchemaVersion).c_str());
    db.exec("COMMIT");
    cursor_ = 0;
  }

  void drop_everything(Database& db) {
    insert_text_.reset();
    insert_chunk_ = -1;
    std::vector<std::string> tables;
    {
      Statement rows(db,
                     "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT "
                     "LIKE 'text\\_%\\_%\\_%' ESCAPE '\\'");
      while (rows.step()) tables.emplace_back(rows.bytes(0));
    }
    db.exec("BEGIN IMMEDIATE");
    for (const std::string& table : tables) db.exec(fmt::format("DROP TABLE IF EXISTS \"{}\"", table).c_str());
    db.exec("COMMIT");
  }

  void roll_back() {
    insert_text_.reset();
    insert_chunk_ = -1;
    try {
      writer_->exec("ROLLBACK");
    } catch (const StoreFailure&) {
      // It had ended already.
    }
  }

  // After an erasure, also when the program ended in between (then by the first apply): freed pages and what lies between
  // rows are written anew, and the log is emptied. Takes as long as copying the file, so opening does not wait for it.
  void scrub() {
    insert_text_.reset();
    insert_chunk_ = -1;
    if (in_memory_) {
      unscrubbed_ = false;
      return;
    }
    writer_->exec("VACUUM");  // into the log: searches go on meanwhile
    const std::lock_guard lock(read_mutex_);
    // The file itself has the new pages before it is called clean: a crash in between leaves the mark, and the work is
    // done again.
    if (writer_->checkpoint(true).busy)
      throw StoreFailure(Error{ErrorCode::kUnavailable,
                               "another process reads the search file: what was erased is cleared when it ends",
                               {.source = writer_->name()}});
    writer_->exec("UPDATE meta SET value = 0 WHERE key = 'unscrubbed'");
    unscrubbed_ = false;
    writer_->checkpoint(true);  // a log that a reader keeps holds the mark only
  }

  // ── Writing, within a transaction ──
  Statement& insert_text(std::int64_t seq) {
    const std::int64_t n = chunk_of(seq);
    if (insert_chunk_ != n) {
      insert_text_.reset();
      Statement find(*writer_, "SELECT generation FROM chunks WHERE n = ?1");
      find.bind(1, n);
      std::int64_t generation = 0;
      if (find.step()) {
        generation = find.integer(0);
        find.reset();
      } else {
        make_chunk(n, 0);
      }
      insert_text_.emplace(
          *writer_, fmt::format("INSERT INTO {}(rowid, text) VALUES(?1, ?2)", chunk_table(n, generation)).c_str());
      insert_chunk_ = n;
    }
    return *insert_text_;
  }

  void make_chunk(std::int64_t n, std::int64_t generation) {
    writer_->exec(fmt::format("CREATE VIRTUAL TABLE {} USING fts5(text, tokenize = 'unicode61 remove_diacritics 2')",
                              chunk_table(n, generation))
                      .c_str());
    Statement note(*writer_,
                   "INSERT INTO chunks VALUES(?1, ?2) ON CONFLICT(n) DO UPDATE SET generation = excluded.generation");
    note.bind(1, n).bind(2, generation).run();
  }

  void add(const Item& item) {
    const Entry& entry = item.entry;
    const auto seq = static_cast<std::int64_t>(entry.seq);
    const search::Extract found = search::extract(entry.object_id, item.payload);
    const std::string code = encode_version_key(entry.version_key);
    const std::string type(split_object_id(entry.object_id).type);
    Statement& doc = cached("INSERT INTO docs VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)");
    doc.bind(1, seq)
        .bind_text(2, entry.collection)
        .bind_text(3, entry.object_id)
        .bind_text(4, type)
        .bind_text(5, found.name);
    doc.bind_text(6, entry.version).bind_blob(7, code).bind_text(8, entry.origin).bind_text(9, entry.label).run();
    insert_text(seq).bind(1, seq).bind_text(2, found.text).run();
    Statement& value = cached("INSERT OR IGNORE INTO vals VALUES(?1, ?2, ?3)");
    for (const search::Value& v : found.values) value.bind_text(1, v.text).bind_text(2, v.kind).bind(3, seq).run();
    Statement& edge = cached("INSERT INTO edges VALUES(?1, ?2, ?3, ?4, ?5)");
    for (const search::Edge& e : found.edges)
      edge.bind(1, seq).bind_text(2, e.from).bind_text(3, e.to).bind_text(4, e.kind).bind_text(5, e.through).run();
    mark_newest(entry.collection, entry.object_id);
  }

  void mark_newest(std::string_view collection, std::string_view object_id) {
    std::int64_t newest = 0;
    {
      Statement& find = cached(
          "SELECT seq FROM docs WHERE object_id = ?1 AND collection = ?2 AND state <> 2 ORDER BY code DESC, seq DESC "
          "LIMIT 1");
      find.bind_text(1, object_id).bind_text(2, collection);
      const Rows rows(find);
      if (!find.step()) return;
      newest = find.integer(0);
    }
    Statement& clear =
        cached("UPDATE docs SET state = 0 WHERE object_id = ?1 AND collection = ?2 AND state = 1 AND seq <> ?3");
    clear.bind_text(1, object_id).bind_text(2, collection).bind(3, newest).run();
    cached("UPDATE docs SET state = 1 WHERE seq = ?1 AND state <> 1").bind(1, newest).run();
  }

  void drop_row(std::int64_t seq, bool whole) {
    Statement find(*writer_, "SELECT generation FROM chunks WHERE n = ?1");
    find.bind(1, chunk_of(seq));
    if (find.step()) {
      const std::int64_t generation = find.integer(0);
      find.reset();
      Statement text(*writer_,
                     fmt::format("DELETE FROM {} WHERE rowid = ?1", chunk_table(chunk_of(seq), generation)).c_str());
      text.bind(1, seq).run();
    }
    cached("DELETE FROM vals WHERE seq = ?1").bind(1, seq).run();
    cached("DELETE FROM edges WHERE seq = ?1").bind(1, seq).run();
    if (whole) {
      cached("DELETE FROM docs WHERE seq = ?1").bind(1, seq).run();
    } else {
      cached("UPDATE docs SET state = 2, name = '', origin = '', label = '' WHERE seq = ?1").bind(1, seq).run();
    }
  }

  std::vector<std::int64_t> docs_of(const Entry& entry) {
    const std::string code = encode_version_key(entry.version_key);
    std::vector<std::int64_t> out;
    Statement rows(*writer_, "SELECT seq, collection, code, state FROM docs WHERE object_id = ?1 ORDER BY seq");
    rows.bind_text(1, entry.object_id);
    while (rows.step()) {
      if (rows.bytes(1) != entry.collection || rows.integer(3) == kDeleted) continue;
      if (!code.empty() && rows.bytes(2) != code) continue;
      out.push_back(rows.integer(0));
    }
    return out;
  }

  void remove(const Entry& entry) {
    for (const std::int64_t seq : docs_of(entry)) drop_row(seq, false);
    mark_newest(entry.collection, entry.object_id);
  }

  // Of one version in one collection, deleted before or not, or of everything with this id.
  bool erase(const Entry& entry) {
    std::set<std::int64_t> touched;
    const std::string code = encode_version_key(entry.version_key);
    std::vector<std::int64_t> seqs;
    {
      Statement rows(*writer_, "SELECT seq, collection, code FROM docs WHERE object_id = ?1 ORDER BY seq");
      rows.bind_text(1, entry.object_id);
      while (rows.step())
        if (entry.collection.empty() || (rows.bytes(1) == entry.collection && rows.bytes(2) == code))
          seqs.push_back(rows.integer(0));
    }
    for (const std::int64_t seq : seqs) {
      drop_row(seq, true);
      touched.insert(chunk_of(seq));
    }
    if (!entry.collection.empty()) mark_newest(entry.collection, entry.object_id);
    insert_text_.reset();
    insert_chunk_ = -1;
    for (const std::int64_t n : touched) rewrite_chunk(n);
    return !touched.empty();
  }

  // Deleting from FTS5 leaves the words in its segments: the table is copied without them, and the old one dropped.
  void rewrite_chunk(std::int64_t n) {
    Statement find(*writer_, "SELECT generation FROM chunks WHERE n = ?1");
    find.bind(1, n);
    if (!find.step()) return;
    const std::int64_t generation = find.integer(0);
    find.reset();
    const std::string old = chunk_table(n, generation);
    make_chunk(n, generation + 1);
    writer_->exec(fmt::format("INSERT INTO {}(rowid, text) SELECT rowid, text FROM {} ORDER BY rowid",
                              chunk_table(n, generation + 1), old)
                      .c_str());
    writer_->exec(fmt::format("DROP TABLE {}", old).c_str());
  }

  Statement& cached(const char* sql) {
    auto it = statements_.find(sql);
    if (it == statements_.end()) it = statements_.emplace(sql, Statement(*writer_, sql)).first;
    return it->second;
  }

  // ── Reading ──
  static SearchHit hit(const Statement& row) {
    SearchHit out;
    out.seq = static_cast<Seq>(row.integer(0));
    out.object_id = row.bytes(1);
    out.type = row.bytes(2);
    out.collection = row.bytes(3);
    out.name = row.bytes(4);
    out.version = row.bytes(5);
    out.origin = row.bytes(6);
    out.label = row.bytes(7);
    return out;
  }

  template <class Body>
  auto read(Body&& body) -> decltype(body(std::declval<Database&>())) {
    const std::lock_guard lock(read_mutex_);
    return guarded([&] { return body(in_memory_ ? *writer_ : *reader_); });
  }

  // Kept from one search to the next: preparing one costs more than asking it for a word that is not there.
  Statement& text_of(Database& db, std::int64_t n, std::int64_t generation) {
    auto at = texts_.find(n);
    if (at != texts_.end() && at->second.first == generation) return at->second.second;
    if (at != texts_.end()) texts_.erase(at);
    if (texts_.size() >= kTextStatements) texts_.erase(texts_.begin());  // of the oldest entries
    Statement made(db,
                   fmt::format("SELECT d.seq, d.object_id, d.type, d.collection, d.name, d.version, d.origin, "
                               "d.label, snippet({0}, 0, '', '', '…', 16) FROM {0} JOIN docs d ON d.seq = {0}.rowid "
                               "WHERE {0} MATCH ?1 AND d.state = 1 ORDER BY {0}.rowid DESC LIMIT ?2",
                               chunk_table(n, generation))
                       .c_str());
    return texts_.emplace(n, std::pair(generation, std::move(made))).first->second.second;
  }

  std::unique_lock<std::mutex> lock_reader_when_shared() {
    return in_memory_ ? std::unique_lock(read_mutex_) : std::unique_lock<std::mutex>();
  }

  bool in_memory_ = false;
  mutable std::mutex write_mutex_;
  std::mutex read_mutex_;  // taken after write_mutex_
  std::atomic<Seq> cursor_ = 0;  // read without waiting for a writer, who may be at it for a minute
  bool unscrubbed_ = false;  // something was erased, and its bytes may still be in the file
  std::unique_ptr<Database> writer_, reader_;
  std::map<std::string, Statement> statements_;
  std::map<std::int64_t, std::pair<std::int64_t, Statement>> texts_;  // chunk → generation, of the reader; read_mutex_
  std::optional<Statement> insert_text_;
  std::int64_t insert_chunk_ = -1;
};

}  // namespace

Result<std::unique_ptr<Search>> open_search(const std::filesystem::path& directory) {
  if (!directory.empty()) {
    BONGSU_TRY_VOID(sqlite::make_private_directory(directory));
    BONGSU_TRY_VOID(sqlite::make_private_file(directory / "search.db"));
  }
  auto open = [&] {
    return guarded([&]() -> Result<std::unique_ptr<Search>> { return std::make_unique<SqliteSearch>(directory); });
  };
  auto opened = open();
  if (!opened && opened.error().code == ErrorCode::kCorrupt && !directory.empty()) {
    // A projection is thrown away and made again.
    std::error_code ec;
    for (const char* suffix : {"", "-wal", "-shm"})
      std::filesystem::remove((directory / "search.db").string() + suffix, ec);
    BONGSU_TRY_VOID(sqlite::make_private_file(directory / "search.db"));
    opened = open();
  }
  return opened;
}

}  // namespace bongsu::journal
