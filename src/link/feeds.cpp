#include "link/feeds.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace bongsu::link {

using std::chrono::milliseconds;

std::optional<FeedKind> parse_feed_kind(std::string_view text) {
  if (text == "misp") return FeedKind::kMisp;
  if (text == "list") return FeedKind::kList;
  return std::nullopt;
}

milliseconds FeedSchedule::after_success() {
  failures_ = 0;
  const auto tenth = std::max<std::int64_t>(interval_.count() / 10, 1);
  return milliseconds(interval_.count() - tenth / 2 +
                      static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(tenth))));
}

milliseconds FeedSchedule::after_failure() {
  constexpr std::int64_t kFirst = 30'000;
  const std::int64_t full = std::min(std::max<std::int64_t>(interval_.count(), 1), kFirst << std::min(failures_, 16));
  ++failures_;
  return milliseconds(full / 2 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(full / 2) + 1)));
}

struct FeedRunner::Impl {
  Impl(FeedSettings f, FeedParts p, Random& r) : feed(std::move(f)), parts(std::move(p)), schedule(feed.interval, r) {
    status.name = feed.name;
  }

  Result<FeedReport> look() {
    BONGSU_TRY(auto opened, open_feed_source(feed.url, feed.client, feed.deadline));
    const std::shared_ptr<FeedSource> here = std::move(opened);
    {
      const std::lock_guard lock(mutex);
      if (stopping) return fail(ErrorCode::kCancelled, "stopped");
      source = here;
      status.looking = true;
      status.last_attempt = parts.clock.now();
      status.next.reset();
    }
    const auto stop = [this] {
      const std::lock_guard lock(mutex);
      return stopping;
    };
    auto report = feed.kind == FeedKind::kMisp ? look_at_misp_feed(feed, *here, parts, stop)
                                               : look_at_list(feed, *here, parts, stop);
    const std::lock_guard lock(mutex);
    source.reset();
    return report;
  }

  // Keeps status and log; answers how long to wait.
  milliseconds settle(const Result<FeedReport>& report) {
    const std::lock_guard lock(mutex);
    status.looking = false;
    milliseconds wait;
    if (report) {
      wait = schedule.after_success();
      status.last_success = parts.clock.now();
      status.last_error = report->failed
                              ? fmt::format("{} of {} events could not be taken: {}", report->failed, report->documents,
                                            report->first_problems.empty() ? "" : report->first_problems.front())
                              : "";
      status.last_report = *report;
      status.total_added += report->objects.added;
      parts.log.info("feed.looked", {{"feed", feed.name},
                                     {"documents", std::to_string(report->documents)},
                                     {"changed", std::to_string(report->changed)},
                                     {"failed", std::to_string(report->failed)},
                                     {"entries", std::to_string(report->entries)},
                                     {"added", std::to_string(report->objects.added)},
                                     {"new_versions", std::to_string(report->objects.changed)},
                                     {"revoked", std::to_string(report->objects.revoked)},
                                     {"refused", std::to_string(report->objects.refused)},
                                     {"problems", std::to_string(report->problems)}});
    } else {
      wait = schedule.after_failure();
      status.last_error = report.error().text();
      if (!stopping) parts.log.warn("feed.failed", {{"feed", feed.name}, {"error", status.last_error}});
    }
    status.next = parts.clock.now() + wait;
    return wait;
  }

  void run() {
    while (true) {
      const milliseconds wait = settle(look());
      std::unique_lock lock(mutex);
      changed.wait_for(lock, wait, [&] { return stopping || now; });
      if (stopping) return;
      now = false;
    }
  }

  const FeedSettings feed;
  FeedParts parts;
  FeedSchedule schedule;
  mutable std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false, now = false;
  std::shared_ptr<FeedSource> source;  // while it is looked at
  FeedStatus status;
  std::thread thread;
};

FeedRunner::FeedRunner(FeedSettings feed, FeedParts parts, Random& random)
    : impl_(std::make_unique<Impl>(std::move(feed), std::move(parts), random)) {}

FeedRunner::~FeedRunner() { stop(); }

void FeedRunner::start() {
  if (!impl_->thread.joinable()) impl_->thread = std::thread([this] { impl_->run(); });
}

void FeedRunner::stop() {
  std::shared_ptr<FeedSource> source;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    source = impl_->source;
  }
  impl_->changed.notify_all();
  if (source) source->cancel();
  if (impl_->thread.joinable()) impl_->thread.join();
}

Result<FeedReport> FeedRunner::run_once() {
  auto report = impl_->look();
  (void)impl_->settle(report);
  return report;
}

FeedStatus FeedRunner::status() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->status;
}

void FeedRunner::look_now() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->now = true;
  }
  impl_->changed.notify_all();
}

}  // namespace bongsu::link
