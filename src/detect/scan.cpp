#include "detect/scan.h"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "telemetry/batch_reader.h"
#include "telemetry/byte_source.h"

namespace bongsu::detect {
namespace {

// Batches that may be done while one before them is not: then nobody waits for a slow one but at the end.
constexpr std::uint64_t kBatchesAhead = 64;

using telemetry::BadLines;
using telemetry::BatchReader;
using telemetry::LineBatch;

class Scan {
 public:
  Scan(Engine& engine, const std::vector<std::string>& files, const ScanOptions& options,
       const std::function<bool(std::vector<Alert>&&)>& out)
      : engine_(engine), files_(files), options_(options), out_(out) {}

  ScanResult run() {
    const int jobs = std::clamp(options_.jobs, 1, 256);
    std::vector<std::thread> threads;
    for (int i = 1; i < jobs; ++i) threads.emplace_back([this] { work(); });
    work();
    for (std::thread& thread : threads) thread.join();
    result_.bad.merge(reader_bad_);
    std::vector<Alert> last;
    if (!result_.stopped) engine_.finish(last);
    if (!last.empty()) {
      result_.alerts += last.size();
      out_(std::move(last));
    }
    return std::move(result_);
  }

 private:
  struct Ticket {
    LineBatch batch;
    std::uint64_t number;
  };
  // What was found in a batch before those in front of it are out.
  struct Early {
    std::shared_ptr<const std::string> source;
    Found found;
  };

  // The next batch of the files, under the readers' lock.
  std::optional<Ticket> take() {
    const std::lock_guard lock(read_mutex_);
    while (!stopped_.load() && (options_.stop == nullptr || !options_.stop->load())) {
      if (!reader_) {
        if (next_file_ == files_.size()) return std::nullopt;
        const std::string& path = files_[next_file_++];
        auto source = telemetry::open_source(path);
        if (!source) {
          errors_.push_back(std::move(source).error());
          continue;
        }
        ++opened_;
        reader_.emplace(std::move(*source), path, reader_bad_);
        file_start_ = total_read_;
      }
      auto batch = reader_->next();
      total_read_ = file_start_ + reader_->bytes().consumed();
      if (options_.progress != nullptr) options_.progress->bytes_read.store(total_read_, std::memory_order_relaxed);
      if (!batch) {
        errors_.push_back(std::move(batch).error());
        reader_.reset();
      } else if (!*batch) {
        reader_.reset();
      } else {
        return Ticket{std::move(**batch), next_number_++};
      }
    }
    stopped_ = true;
    return std::nullopt;
  }

  // Under the lock of what goes out.
  void put_out(Early&& batch) {
    std::vector<Alert> alerts;
    engine_.settle(*batch.source, std::move(batch.found), alerts);
    if (options_.progress != nullptr) options_.progress->alerts.fetch_add(alerts.size(), std::memory_order_relaxed);
    for (const Alert& alert : alerts) {
      ++result_.alerts;
      if (!alert.warning_lists.empty()) ++result_.warning_listed;
    }
    if (!alerts.empty() && !stopped_.load() && !out_(std::move(alerts))) stopped_ = true;
  }

  void work() {
    BadLines bad;
    Engine::Session session(engine_, bad);
    std::uint64_t bytes = 0, events = 0;
    while (auto ticket = take()) {
      Found found;
      session.find(ticket->batch, found);
      bytes += ticket->batch.data.size();
      if (options_.progress != nullptr) {
        options_.progress->bytes.fetch_add(ticket->batch.data.size(), std::memory_order_relaxed);
        options_.progress->events.fetch_add(session.events() - events, std::memory_order_relaxed);
        events = session.events();
      }
      std::unique_lock lock(out_mutex_);
      turn_.wait(lock, [&] { return ticket->number < next_out_ + kBatchesAhead; });
      early_.emplace(ticket->number, Early{ticket->batch.source, std::move(found)});
      // Whoever brings the batch that was waited for puts out what came early, too.
      for (auto next = early_.find(next_out_); next != early_.end(); next = early_.find(next_out_)) {
        put_out(std::move(next->second));
        early_.erase(next);
        ++next_out_;
      }
      turn_.notify_all();
    }
    const std::scoped_lock lock(out_mutex_, read_mutex_);
    result_.bytes += bytes;
    result_.events += session.events();
    result_.dropped_hits += session.dropped();
    for (std::size_t i = 0; i < telemetry::kFormats; ++i) result_.by_format[i] += session.by_format()[i];
    result_.bad.merge(bad);
    result_.files = opened_;
    result_.errors = errors_;
    result_.stopped = stopped_;
  }

  Engine& engine_;
  const std::vector<std::string>& files_;
  const ScanOptions& options_;
  const std::function<bool(std::vector<Alert>&&)>& out_;

  std::mutex read_mutex_;
  std::optional<BatchReader> reader_;
  BadLines reader_bad_;
  std::vector<Error> errors_;
  std::size_t next_file_ = 0;
  std::uint64_t opened_ = 0, next_number_ = 0, total_read_ = 0, file_start_ = 0;
  std::atomic<bool> stopped_{false};

  std::mutex out_mutex_;
  std::condition_variable turn_;
  std::uint64_t next_out_ = 0;
  std::map<std::uint64_t, Early> early_;  // by the batch's number
  ScanResult result_;
};

}  // namespace

ScanResult scan(Engine& engine, const std::vector<std::string>& files, const ScanOptions& options,
                const std::function<bool(std::vector<Alert>&&)>& out) {
  return Scan(engine, files, options, out).run();
}

}  // namespace bongsu::detect
