#include "node/search_feed.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "base/clock.h"
#include "base/random.h"

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;  // of a test that waits for the feed's thread

// Applies what it is given; the next `failing` times it then says that it could not finish, as an index does that
// cannot yet clear its file.
class UnfinishedSearch final : public journal::Search {
 public:
  explicit UnfinishedSearch(int failing) : failing_(failing) {}
  journal::Seq cursor() const override { return cursor_; }
  Result<void> apply(std::span<const Item> items) override {
    const std::lock_guard lock(mutex_);
    if (!items.empty()) cursor_ = items.back().entry.seq;
    ++applied_;
    changed_.notify_all();
    if (failing_ == 0) {
      ++finished_;
      return {};
    }
    --failing_;
    return fail(ErrorCode::kUnavailable, "another process reads the search file");
  }
  Result<std::vector<journal::SearchHit>> text(std::string_view, std::uint32_t) override { return none(); }
  Result<std::vector<journal::SearchHit>> value(std::string_view, std::string_view, std::uint32_t) override {
    return none();
  }
  Result<std::vector<journal::Relation>> relations(std::string_view, std::uint32_t) override {
    return std::vector<journal::Relation>();
  }
  Result<std::vector<std::string>> referrers(std::string_view) override { return std::vector<std::string>(); }
  Result<void> reset() override { return {}; }
  Result<std::string> digest() override { return std::string(); }

  void fail_next(int times) {
    const std::lock_guard lock(mutex_);
    failing_ = times;
  }
  bool wait_finished(int times) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return finished_ >= times; });
  }
  int applied() const {
    const std::lock_guard lock(mutex_);
    return applied_;
  }

 private:
  static Result<std::vector<journal::SearchHit>> none() { return std::vector<journal::SearchHit>(); }
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<journal::Seq> cursor_ = 0;
  int failing_ = 0, applied_ = 0, finished_ = 0;
};

TEST(SearchFeed, TriesToFinishAnErasureUntilItSucceedsThoughNothingComes) {
  const FakeClock clock;
  SeededRandom random{3};
  const auto log = make_null_log();
  const auto journal = journal::make_memory_journal(clock, random);
  UnfinishedSearch search(2);
  SearchFeed feed(*journal, search, *log);
  feed.start();
  ASSERT_TRUE(search.wait_finished(1)) << "the first apply failed, and the one after it";
  EXPECT_EQ(search.applied(), 3);

  search.fail_next(1);
  journal::Batch batch;
  batch.entries.push_back({.kind = journal::EntryKind::kNote, .payload = "{}"});
  ASSERT_TRUE(journal->append(batch));
  ASSERT_TRUE(search.wait_finished(2)) << "what failed after the cursor had moved is tried again as well";
  feed.stop();
  EXPECT_EQ(search.cursor(), journal->last_seq());
  EXPECT_EQ(search.applied(), 5) << "and no more once it succeeded";
}

}  // namespace
}  // namespace bongsu::node
