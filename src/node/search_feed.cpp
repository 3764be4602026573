#include "node/search_feed.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;
constexpr std::uint32_t kPage = 2'000;
constexpr auto kPoll = 500ms;
constexpr auto kGather = 40ms;  // what came in this time is indexed in one commit: nobody searches faster
constexpr std::chrono::milliseconds kLongestPause = 1min;  // between tries to finish an erasure: each writes the file anew
constexpr int kNiceness = 10;  // of this thread: indexing text costs more than admitting it, and nobody waits for it

}  // namespace

Result<void> SearchFeed::catch_up(journal::Journal& journal, journal::Search& search, const std::atomic<bool>& stopping) {
  while (!stopping && search.cursor() < journal.last_seq()) {
    auto snapshot = journal.snapshot();
    BONGSU_TRY(auto entries, snapshot->entries(search.cursor(), kPage));
    if (entries.empty()) return {};
    std::vector<journal::Search::Item> items;
    items.reserve(entries.size());
    for (auto& entry : entries) {
      std::string payload;
      if (entry.kind == journal::EntryKind::kObject && !entry.erased)
        if (auto read = snapshot->payload(entry.seq)) payload = std::move(*read);
      items.push_back({.entry = std::move(entry), .payload = std::move(payload)});
    }
    BONGSU_TRY_VOID(search.apply(items));
  }
  return {};
}

void SearchFeed::start() {
  thread_ = std::thread([this] { run(); });
}

void SearchFeed::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void SearchFeed::run() {
  ::prctl(PR_SET_NAME, "bongsu-search");
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNiceness);
  // An erasure that a stop or a crash interrupted is finished before anything else; while that fails, and after any
  // apply that failed (its erasures may be in the index, but not out of the file), it is tried again when nothing comes.
  bool unfinished = true;
  auto pause = std::chrono::milliseconds(kPoll);
  auto next_try = std::chrono::steady_clock::now();
  const auto note = [&](const Result<void>& done) {
    unfinished = !done;
    if (done) {
      pause = kPoll;
      return;
    }
    if (!stopping_) log_.error("search.feed", {{"error", done.error().text()}});
    next_try = std::chrono::steady_clock::now() + pause;
    pause = std::min(2 * pause, kLongestPause);
  };
  note(search_.apply({}));
  while (!stopping_) {
    if (journal_.wait_beyond(search_.cursor(), kPoll) <= search_.cursor()) {
      if (unfinished && std::chrono::steady_clock::now() >= next_try) note(search_.apply({}));
      continue;
    }
    const auto done = catch_up(journal_, search_, stopping_);
    note(done);
    if (!done && !stopping_) std::this_thread::sleep_for(kPoll);
    if (!stopping_) std::this_thread::sleep_for(kGather);
  }
}

}  // namespace bongsu::node
