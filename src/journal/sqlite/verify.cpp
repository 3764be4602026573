#include "journal/sqlite/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/bytes.h"
#include "journal/sqlite/outbox_writer.h"
#include "journal/version_code.h"

namespace bongsu::journal::sqlite {
namespace {

constexpr std::uint32_t kChunk = 5'000;
constexpr int kCacheKib = 16 * 1024;

using Progress = std::function<void(std::uint64_t, std::uint64_t)>;

class Check {
 public:
  Check(const std::filesystem::path& file, const Sealer& sealer, const Progress& progress)
      : db_(file, OpenMode::kReadOnly, kCacheKib), sealer_(sealer), progress_(progress) {
    total_ = static_cast<std::uint64_t>(db_.integer("SELECT count(*) FROM entries") +
                                        db_.integer("SELECT count(*) FROM outbox"));
  }

  Result<void> structure() {
    check_schema(db_);
    const std::string answer = db_.text("PRAGMA integrity_check(1)");
    if (answer != "ok") return bad("file", answer);
    return {};
  }

  // Entries are read in chunks, each through its own snapshot: a long walk does not hold the log.
  Result<void> entries(const std::function<std::unique_ptr<SqliteSnapshot>()>& snapshot) {
    Seq after = 0;
    std::int64_t added = INT64_MIN;
    for (;;) {
      const auto reader = snapshot();
      BONGSU_TRY(const auto chunk, reader->entries(after, kChunk));
      if (chunk.empty()) return {};
      for (const Entry& entry : chunk) {
        if (entry.seq != after + 1) return bad("entries", fmt::format("entry {} is missing", after + 1));
        if (entry.added_us <= added)
          return bad("entries", fmt::format("entry {} was added before the one in front of it", entry.seq));
        after = entry.seq;
        added = entry.added_us;
        if (entry.erased) continue;
        BONGSU_TRY(const std::string payload, reader->payload(entry.seq));
        if (sha256(payload) != entry.hash)
          return bad("payloads", fmt::format("the payload of entry {} is not the one that was admitted", entry.seq));
      }
      step(chunk.size());
    }
  }

  Result<void> positions() {
    Statement views(db_, "SELECT id, last FROM views ORDER BY id");
    Statement rows(db_, "SELECT rid, view, added_us FROM outbox WHERE rid > ?1 AND rid <= ?2 ORDER BY rid");
    std::uint64_t counted = 0;
    while (views.step()) {
      const auto view = static_cast<ViewId>(views.integer(0));
      const auto last = static_cast<Pos>(views.integer(1));
      rows.bind(1, row_id(view, 0)).bind(2, row_id(view, kMaxPos));
      Pos expected = 0;
      std::int64_t added = INT64_MIN;
      while (rows.step()) {
        ++expected;
        if (pos_of(rows.integer(0)) != expected || rows.integer(1) != view)
          return bad("outbox", fmt::format("position {} of view {} is missing", expected, view));
        if (rows.integer(2) <= added)
          return bad("outbox", fmt::format("position {} of view {} is out of order", expected, view));
        added = rows.integer(2);
      }
      if (expected != last)
        return bad("outbox", fmt::format("view {} ends at {}, its rows at {}", view, last, expected));
      counted += expected;
    }
    if (counted != static_cast<std::uint64_t>(db_.integer("SELECT count(*) FROM outbox")))
      return bad("outbox", "there are rows of no view");
    return {};
  }

  Result<void> picks() {
    Statement rows(
        db_,
        "SELECT o.view, o.object, o.type, o.class, o.rid, o.payload, o.version, o.form, e.type, e.object, e.seq, "
        "d.text "
        "FROM outbox o INDEXED BY outbox_object LEFT JOIN entries e ON e.seq = o.seq LEFT JOIN dict d ON d.id = o.type "
        "ORDER BY o.view, o.object, o.version, o.rid");
    std::int64_t view = 0;
    std::string object;
    bool blob = false;
    std::map<std::int64_t, std::vector<std::int64_t>> group;  // type → classes of visible rows, oldest version first
    std::uint64_t done = 0;
    while (rows.step()) {
      if (rows.integer(0) != view || rows.bytes(1) != object || rows.is_blob(1) != blob) {
        BONGSU_TRY_VOID(close_group(view, group));
        view = rows.integer(0);
        object = rows.bytes(1);
        blob = rows.is_blob(1);
      }
      if (rows.is_null(10) || rows.integer(8) != rows.integer(2) || rows.bytes(9) != rows.bytes(1))
        return bad("outbox", fmt::format("position {} of view {} is not of its entry", pos_of(rows.integer(4)), view));
      if (pick_of(rows.integer(3)) != kPickWithdrawn) group[rows.integer(2)].push_back(rows.integer(3));
      if (!rows.is_null(5) && rows.integer(5) < 0) BONGSU_TRY_VOID(variant(rows));
      if (++done % kChunk == 0) step(kChunk);
    }
    step(done % kChunk);
    return close_group(view, group);
  }

 private:
  Result<void> close_group(std::int64_t view, std::map<std::int64_t, std::vector<std::int64_t>>& group) {
    for (const auto& [type, classes] : group) {
      const bool mixed =
          std::ranges::any_of(classes, [&](std::int64_t c) { return spec_of(c) != spec_of(classes.front()); });
      for (std::size_t i = 0; i < classes.size(); ++i) {
        int pick = kMiddle;
        if (mixed) {
          pick = kPickMixed;
        } else {
          if (i == 0) pick |= kPickFirst;
          if (i + 1 == classes.size()) pick |= kPickLast;
        }
        if (pick_of(classes[i]) != pick)
          return bad("outbox", fmt::format("an object of view {} has the wrong last or first version", view));
      }
    }
    group.clear();
    return {};
  }

  Result<void> variant(const Statement& row) {
    Statement payload(db_,
                      "SELECT p.sealed, k.wrapped, p.proof FROM payloads p JOIN keys k ON k.id = p.id WHERE p.id = ?1");
    payload.bind(1, -row.integer(5));
    const std::string_view object = row.bytes(1);
    std::optional<Uuid> uuid;
    if (row.is_blob(1) && object.size() == sizeof(Uuid::bytes)) {
      uuid.emplace();
      std::copy(object.begin(), object.end(), uuid->bytes.begin());
    }
    const std::string id = join_object_id(row.bytes(11), uuid, object);
    const std::string_view version = row.is_null(7) ? std::string_view() : row.bytes(6);
    if (!payload.step() ||
        !sealer_.open(payload.bytes(0), payload.bytes(1), static_cast<std::size_t>(payload.integer(2)),
                      payload_context(true, id, version)))
      return bad("payloads", fmt::format("the redacted payload at position {} of view {} does not open",
                                         pos_of(row.integer(4)), row.integer(0)));
    return {};
  }

  std::unexpected<Error> bad(std::string field, std::string message) const {
    return fail(ErrorCode::kCorrupt, std::move(message), {.source = db_.name(), .field = std::move(field)});
  }

  void step(std::uint64_t count) {
    done_ += count;
    if (progress_) progress_(std::min(done_, total_), total_);
  }

  Database db_;
  const Sealer& sealer_;
  const Progress& progress_;
  std::uint64_t done_ = 0, total_ = 0;
};

}  // namespace

Result<void> verify_file(const std::filesystem::path& file, const Sealer& sealer,
                         const std::function<std::unique_ptr<SqliteSnapshot>()>& snapshot, const Progress& progress) {
  return guarded([&]() -> Result<void> {
    Check check(file, sealer, progress);
    BONGSU_TRY_VOID(check.structure());
    BONGSU_TRY_VOID(check.entries(snapshot));
    BONGSU_TRY_VOID(check.positions());
    return check.picks();
  });
}

}  // namespace bongsu::journal::sqlite
