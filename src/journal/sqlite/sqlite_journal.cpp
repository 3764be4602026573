#include "journal/sqlite/sqlite_journal.h"

#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "journal/sqlite/commit_queue.h"
#include "journal/sqlite/file_ops.h"
#include "journal/sqlite/snapshot.h"
#include "journal/sqlite/verify.h"
#include "journal/sqlite/wal_keeper.h"
#include "journal/sqlite/writer.h"

namespace bongsu::journal {
namespace {

using namespace sqlite;

constexpr int kPageBytes = 8192;
constexpr int kWriterCacheKib = 64 * 1024;
constexpr std::int64_t kCheckKeyId = 0;

class SqliteJournal final : public Journal {
 public:
  SqliteJournal(const SqliteOptions& options, DirectoryLock lock, const Clock& clock, Random& random, Log& log)
      : directory_(options.directory),
        file_(options.directory / kFileName),
        reserve_(options.reserve_bytes),
        clock_(clock),
        lock_(std::move(lock)),
        sealer_(std::make_shared<Sealer>(options.master_key, random)),
        db_(file_, OpenMode::kReadWrite, kWriterCacheKib) {
    open_file(options, random);
    pool_ = std::make_shared<ReadPool>(file_);
    keeper_ = std::make_unique<WalKeeper>(
        file_, pool_, clock, log,
        WalLimits{.full_pages = static_cast<int>(options.max_log_bytes / kPageBytes), .lease = options.snapshot_lease});
    // What a crash left in the log goes into the file now: erased bytes do not stay in it.
    if (auto scrubbed = keeper_->scrub(); !scrubbed)
      log.warn("journal.log_not_emptied", {{"error", scrubbed.error().text()}});
    writer_ = std::make_unique<Writer>(db_, clock);
    last_seq_ = writer_->last_seq();
    epoch_ = writer_->epoch();
    db_.on_wal_pages([this](int pages) { wal_pages_ = pages; });
    queue_ = std::make_unique<CommitQueue>(*writer_, CommitQueue::Hooks{.check_space = [this] { return check_space(); },
                                                                        .committed = [this] { committed(); }});
    log.info("journal.open", {{"file", file_.string()}, {"last_seq", fmt::format("{}", last_seq_.load())}});
  }

  ~SqliteJournal() override { close(); }

  Result<Receipt> append(const Batch& batch) override {
    if (closed_) return closed_error();
    BONGSU_TRY(const PreparedBatch prepared, prepare(batch, *sealer_));
    Receipt receipt;
    std::function<Result<void>()> after_commit;
    if (!batch.destroy.empty()) after_commit = [&] { return keeper_->scrub(); };
    BONGSU_TRY_VOID(queue_->run({.apply = [&](Writer& writer) -> Result<void> {
                                   BONGSU_TRY(receipt, writer.append(prepared));
                                   return {};
                                 },
                                 .bytes = prepared.bytes,
                                 .may_use_reserve = !batch.destroy.empty(),
                                 .after_commit = after_commit}));
    return receipt;
  }

  std::unique_ptr<Snapshot> snapshot() override { return make_snapshot(); }

  Seq last_seq() const override { return last_seq_; }

  Seq wait_beyond(Seq after, std::chrono::milliseconds deadline) override {
    std::unique_lock lock(news_mutex_);
    news_.wait_for(lock, deadline, [&] { return closed_ || last_seq_ > after; });
    return last_seq_;
  }

  void on_commit(std::function<void(Seq)> callback) override {
    if (!callback) return;
    const std::lock_guard lock(callbacks_mutex_);
    callbacks_.push_back(std::move(callback));
  }

  Result<View> create_view(std::string_view collection, std::string_view key, ViewId copy_of, bool compact) override {
    View view;
    BONGSU_TRY_VOID(command([&](Writer& writer) -> Result<void> {
      BONGSU_TRY(view, writer.create_view(collection, key, copy_of, compact));
      return {};
    }));
    return view;
  }

  Result<void> rename_view(ViewId view, std::string_view key) override {
    return command([&](Writer& writer) { return writer.rename_view(view, key); });
  }

  Result<std::vector<View>> views() override { return make_snapshot()->views(); }

  std::uint64_t epoch() const override { return epoch_; }
  Result<void> set_epoch(std::uint64_t epoch) override {
    return command([&](Writer& writer) { return writer.set_epoch(epoch); });
  }

  Result<std::optional<std::string>> state(std::string_view space, std::string_view key) override {
    return make_snapshot()->state(space, key);
  }
  Result<std::vector<std::pair<std::string, std::string>>> states(std::string_view space) override {
    return make_snapshot()->states(space);
  }

  Result<Seq> erase(std::string_view object_id, std::string_view origin) override {
    if (closed_) return closed_error();
    Seq seq = 0;
    BONGSU_TRY_VOID(queue_->run({.apply = [&](Writer& writer) -> Result<void> {
                                   BONGSU_TRY(seq, writer.erase(object_id, origin));
                                   return {};
                                 },
                                 .may_use_reserve = true,
                                 .after_commit = [&] { return keeper_->scrub(); }}));
    return seq;
  }

  Result<JournalStats> stats() override {
    JournalStats out;
    out.last_seq = last_seq_;
    out.bytes = size_or_zero(file_) + size_or_zero(file_.string() + "-wal");
    out.free_bytes = free_bytes(directory_);
    return out;
  }

  Result<void> verify(const std::function<void(std::uint64_t, std::uint64_t)>& progress) override {
    if (closed_) return closed_error();
    return verify_file(file_, *sealer_, [this] { return make_snapshot(); }, progress);
  }

  void close() override {
    closed_ = true;
    queue_->close();
    {
      const std::lock_guard lock(news_mutex_);
    }
    news_.notify_all();
  }

 private:
  void open_file(const SqliteOptions& options, Random& random) {
    db_.exec(fmt::format("PRAGMA page_size={}", kPageBytes).c_str());
    if (const std::string mode = db_.text("PRAGMA journal_mode=WAL"); mode != "wal")
      throw StoreFailure(Error{
          ErrorCode::kIo, "the file system does not allow a write-ahead log: " + mode, {.source = file_.string()}});
    db_.exec("PRAGMA synchronous=FULL");
    db_.exec(fmt::format("PRAGMA journal_size_limit={}", options.max_log_bytes / 2).c_str());
    if (options.max_bytes > 0)
      db_.integer(fmt::format("PRAGMA max_page_count={}", options.max_bytes / kPageBytes).c_str());
    create_or_check_schema(db_);
    check_master_key(options.master_key, random);
    if (auto synced = sync_path(directory_); !synced) throw StoreFailure(synced.error());
  }

  // A key of zeros, wrapped, tells whether the master key is the right one before anything is read with it.
  void check_master_key(const crypto::Key256& master, Random& random) {
    Statement find(db_, "SELECT wrapped FROM keys WHERE id = ?1");
    find.bind(1, kCheckKeyId);
    if (find.step()) {
      const auto key = crypto::unwrap_key(master, find.bytes(0));
      if (!key || *key != crypto::Key256{})
        throw StoreFailure(Error{ErrorCode::kDenied,
                                 "the master key is not the one this journal was made with",
                                 {.source = file_.string()}});
      return;
    }
    if (db_.integer("SELECT count(*) FROM (SELECT 1 FROM keys LIMIT 1)") != 0)
      throw StoreFailure(Error{
          ErrorCode::kCorrupt, "the check of the master key is missing", {.source = file_.string(), .field = "keys"}});
    const std::string wrapped = crypto::wrap_key(master, crypto::Key256{}, random);
    Statement insert(db_, "INSERT INTO keys VALUES(?1, ?2)");
    insert.bind(1, kCheckKeyId).bind_blob(2, wrapped).run();
  }

  Result<void> command(std::function<Result<void>(Writer&)> apply) {
    if (closed_) return closed_error();
    return queue_->run({.apply = std::move(apply), .may_use_reserve = true});
  }

  static std::unexpected<Error> closed_error() { return fail(ErrorCode::kCancelled, "the journal is closed"); }

  std::unique_ptr<SqliteSnapshot> make_snapshot() {
    Result<std::shared_ptr<Lease>> lease = closed_error();
    if (!closed_) lease = guarded([&]() -> Result<std::shared_ptr<Lease>> { return pool_->take(clock_.monotonic()); });
    return std::make_unique<SqliteSnapshot>(pool_, sealer_, std::move(lease));
  }

  Result<void> check_space() {
    const std::uint64_t free = free_bytes(directory_);
    if (free >= reserve_) return {};
    return fail(ErrorCode::kNoSpace,
                fmt::format("{} bytes are free where the journal lies, {} are kept in reserve", free, reserve_),
                {.source = directory_.string()});
  }

  void committed() {
    {
      const std::lock_guard lock(news_mutex_);
      last_seq_ = writer_->last_seq();
      epoch_ = writer_->epoch();
    }
    news_.notify_all();
    {
      const std::lock_guard lock(callbacks_mutex_);
      for (const auto& callback : callbacks_) callback(last_seq_);
    }
    keeper_->note_pages(wal_pages_);
  }

  const std::filesystem::path directory_, file_;
  const std::uint64_t reserve_;
  const Clock& clock_;
  DirectoryLock lock_;
  std::shared_ptr<Sealer> sealer_;
  Database db_;
  std::shared_ptr<ReadPool> pool_;
  std::unique_ptr<WalKeeper> keeper_;
  std::unique_ptr<Writer> writer_;
  int wal_pages_ = 0;  // writer's thread
  std::atomic<Seq> last_seq_{0};
  std::atomic<std::uint64_t> epoch_{0};
  std::atomic<bool> closed_{false};
  std::mutex news_mutex_;
  std::condition_variable news_;
  std::mutex callbacks_mutex_;
  std::vector<std::function<void(Seq)>> callbacks_;
  std::unique_ptr<CommitQueue> queue_;  // last: its thread uses all of the above
};

}  // namespace

Result<std::unique_ptr<Journal>> open_sqlite_journal(const SqliteOptions& options, const Clock& clock, Random& random,
                                                     Log& log) {
  BONGSU_TRY_VOID(make_private_directory(options.directory));
  BONGSU_TRY(DirectoryLock lock, DirectoryLock::take(options.directory));
  BONGSU_TRY_VOID(make_private_file(options.directory / kFileName));
  return guarded([&]() -> Result<std::unique_ptr<Journal>> {
    return std::make_unique<SqliteJournal>(options, std::move(lock), clock, random, log);
  });
}

}  // namespace bongsu::journal
