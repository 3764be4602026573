#include "ledger/ledger.h"

#include <fmt/format.h>
#include <sys/prctl.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

namespace bongsu::ledger {
namespace {

constexpr std::size_t kGroupBytes = 16 * 1024 * 1024;  // about; a group is written at once and held in memory

}  // namespace

struct Ledger::Job {
  std::vector<LogAddition> additions;  // one for each log; the order of events is in `order`
  std::vector<std::pair<std::size_t, std::size_t>> order;
  std::map<std::string, std::string> cursors;
  std::function<Result<void>(Store&)> work;  // instead of events: runs alone
  std::size_t bytes = 0;
  std::optional<Result<void>> result;
};

Result<std::unique_ptr<Ledger>> Ledger::open(const std::filesystem::path& directory, LedgerOptions options, Random& random, Log& log) {
  BONGSU_TRY(auto files, open_directory(directory));
  return open(std::move(files), std::move(options), random, log);
}

Result<std::unique_ptr<Ledger>> Ledger::open(std::unique_ptr<Files> files, LedgerOptions options, Random& random, Log& log) {
  std::unique_ptr<Ledger> ledger(new Ledger(std::move(files), std::move(options), random, log));
  OpenReport report;
  BONGSU_TRY(ledger->store_, Store::open(*ledger->files_, {.member = ledger->options_.member, .key = ledger->options_.key, .segment_bytes = ledger->options_.segment_bytes,
                                                           .check_at_open = ledger->options_.check_at_open}, report));
  if (report.torn_bytes != 0) log.warn("ledger.torn", {{"file", report.torn_file}, {"bytes", fmt::to_string(report.torn_bytes)}});
  ledger->writer_ = std::thread([raw = ledger.get()] { raw->write(); });
  return ledger;
}

Ledger::~Ledger() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (writer_.joinable()) writer_.join();
}

void Ledger::on_commit(std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  on_commit_ = std::move(callback);
}

Result<std::shared_ptr<Ledger::Job>> Ledger::make(std::vector<Addressed> events, std::map<std::string, std::string> cursors) {
  if (events.size() > kMaxEventsAtOnce) return fail(ErrorCode::kTooLarge, fmt::format("at most {} events at once", kMaxEventsAtOnce));
  auto job = std::make_shared<Job>();
  job->cursors = std::move(cursors);
  std::map<std::string, std::size_t, std::less<>> places;
  for (auto& [log, event] : events) {
    const auto [at, fresh] = places.try_emplace(log, job->additions.size());
    if (fresh) job->additions.push_back({.log = log, .first = 0, .entries = {}});
    LogAddition& addition = job->additions[at->second];
    Salt salt;
    {
      const std::lock_guard lock(random_mutex_);
      if (options_.salt) {
        salt = options_.salt(log);
      } else {
        random_.fill(salt);
      }
    }
    BONGSU_TRY(auto sealed, seal(event, salt));
    job->bytes += sealed.leaf.size() + sealed.opening.content.size() + sealed.opening.subject.size() + 64;
    job->order.emplace_back(at->second, addition.entries.size());
    addition.entries.push_back(std::move(sealed));
  }
  return job;
}

void Ledger::submit(const std::shared_ptr<Job>& job) {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return queued_bytes_ < kMaxQueuedBytes || stopping_; });
  if (stopping_) {
    job->result = fail(ErrorCode::kCancelled, "the ledger is closing");
    return;
  }
  queued_bytes_ += job->bytes;
  queue_.push_back(job);
  wake_.notify_one();
}

void Ledger::wait(const std::shared_ptr<Job>& job) {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return job->result.has_value(); });
}

Result<std::vector<Placed>> Ledger::record_all(std::vector<Addressed> events, std::map<std::string, std::string> cursors) {
  BONGSU_TRY(const auto job, make(std::move(events), std::move(cursors)));
  submit(job);
  wait(job);
  if (!*job->result) return std::unexpected(job->result->error());
  std::vector<Placed> placed;
  placed.reserve(job->order.size());
  for (const auto& [addition, entry] : job->order) placed.push_back({.log = job->additions[addition].log, .index = job->additions[addition].first + entry});
  return placed;
}

Result<Placed> Ledger::record(const Event& event) {
  BONGSU_TRY(const auto placed, record_all({{.log = std::string(kNodeLog), .event = event}}, {}));
  return placed.front();
}

Result<Placed> Ledger::record_pair(std::string_view member, const Event& event) {
  BONGSU_TRY(const auto placed, record_all({{.log = pair_log(member), .event = event}}, {}));
  return placed.front();
}

Result<void> Ledger::alone(const std::function<Result<void>(Store&)>& work) {
  auto job = std::make_shared<Job>();
  job->work = work;
  submit(job);
  wait(job);
  return *job->result;
}

Result<std::uint64_t> Ledger::erase(std::string_view subject, const WhichLeaves& which) {
  std::uint64_t erased = 0;
  BONGSU_TRY_VOID(alone([&](Store& store) -> Result<void> {
    BONGSU_TRY(erased, store.erase(subject, which));
    return {};
  }));
  return erased;
}

Result<void> Ledger::settle() {
  return alone([](Store& store) { return store.settle(); });
}

Result<void> Ledger::put_cosigned(std::string_view log, const Note& note) {
  return alone([&](Store& store) { return store.put_cosigned(log, note); });
}

Result<void> Ledger::copy_to(const std::filesystem::path& directory) {
  return alone([&](Store&) -> Result<void> {
    std::error_code ec;
    std::filesystem::create_directories(directory, ec);
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, ec);
    BONGSU_TRY(const auto paths, files_->list(""));
    for (const auto& path : paths) {
      BONGSU_TRY(const std::string bytes, files_->read(path));
      const std::filesystem::path to = directory / path;
      std::filesystem::create_directories(to.parent_path(), ec);
      std::ofstream out(to, std::ios::binary);
      std::filesystem::permissions(to, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, ec);
      out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      out.close();
      if (!out || ec) return fail(ErrorCode::kIo, "cannot be written", {.source = to.string()});
    }
    return {};
  });
}

void Ledger::write() {
  ::prctl(PR_SET_NAME, "bongsu-ledger");
  for (;;) {
    std::vector<std::shared_ptr<Job>> jobs;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) break;
      // Whatever waits makes one group; work that runs alone makes one of its own.
      for (std::size_t bytes = 0; !queue_.empty() && bytes < kGroupBytes;) {
        if (queue_.front()->work && !jobs.empty()) break;
        jobs.push_back(std::move(queue_.front()));
        queue_.pop_front();
        bytes += jobs.back()->bytes;
        queued_bytes_ -= jobs.back()->bytes;
        if (jobs.back()->work) break;
      }
    }
    done_.notify_all();
    commit(std::move(jobs));
  }
  if (settler_.joinable()) settler_.join();
  if (auto settled = store_->settle(); !settled) log_.error("ledger.settle", {{"error", settled.error().text()}});
}

void Ledger::commit(std::vector<std::shared_ptr<Job>> jobs) {
  const auto finish = [&](const Result<void>& result) {
    std::function<void()> callback;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& job : jobs) job->result = result;
      callback = on_commit_;
    }
    done_.notify_all();
    if (callback && result) callback();
  };
  if (jobs.front()->work) {
    if (settler_.joinable()) settler_.join();
    return finish(jobs.front()->work(*store_));
  }
  Group group;
  std::map<std::string, std::size_t, std::less<>> places;
  for (const auto& job : jobs) {
    for (auto& addition : job->additions) {
      const auto [at, fresh] = places.try_emplace(addition.log, group.logs.size());
      if (fresh) group.logs.push_back({.log = addition.log, .first = 0, .entries = {}});
      auto& entries = group.logs[at->second].entries;
      addition.first = entries.size();  // within the group, for now
      std::ranges::move(addition.entries, std::back_inserter(entries));
    }
    for (const auto& [key, value] : job->cursors) group.cursors[key] = value;
  }
  const Result<void> written = store_->commit(group);
  for (const auto& job : jobs)
    for (auto& addition : job->additions) addition.first += group.logs[places.at(addition.log)].first;
  finish(written);
  if (written && store_->settling_due()) settle_beside();
}

void Ledger::settle_beside() {
  {
    const std::lock_guard lock(settler_mutex_);
    if (settler_.joinable() && !settled_) return;
  }
  if (settler_.joinable()) settler_.join();
  auto settlement = store_->begin_settling();
  if (!settlement) {
    log_.error("ledger.settle", {{"error", settlement.error().text()}});
    return;
  }
  settled_ = false;
  settler_ = std::thread([this, settlement = std::move(*settlement)] {
    ::prctl(PR_SET_NAME, "bongsu-settle");
    if (auto written = write_settlement(*files_, settlement, false); written) {
      store_->finish_settling(settlement);
    } else {
      // The log ahead has it all still, but no later settling may build on this one.
      store_->stop_writing(written.error());
      log_.error("ledger.settle", {{"error", written.error().text()}});
    }
    const std::lock_guard lock(settler_mutex_);
    settled_ = true;
  });
}

}  // namespace bongsu::ledger
