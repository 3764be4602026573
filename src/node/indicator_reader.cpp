#include "node/indicator_reader.h"

#include <sys/prctl.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace bongsu::node {
namespace {

constexpr std::size_t kReasonBytes = 120;

using Part = Result<std::vector<ReadIndicator>>;

Part read_part(journal::Journal& journal, journal::Seq after, journal::Seq upto) {
  std::vector<ReadIndicator> out;
  BONGSU_TRY_VOID(
      journal.snapshot()->objects("indicator", after, upto, [&](journal::Entry&& entry, std::string&& payload) {
        if (const auto id = stix::Id::parse(entry.object_id)) out.push_back(compile_entry(entry, id->uuid, payload));
        return true;
      }));
  return out;
}

// Parts in flight: each is claimed once, read by whoever claimed it, and taken in order. Bounded.
class Parts {
 public:
  Parts(journal::Seq upto, std::size_t ahead) : count_((upto + kReaderPart - 1) / kReaderPart), ahead_(ahead) {}

  std::optional<std::size_t> claim() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ || claimed_ >= count_ || claimed_ < taken_ + ahead_; });
    if (ended_ || claimed_ >= count_) return std::nullopt;
    return claimed_++;
  }
  void put(std::size_t n, Part part) {
    {
      const std::lock_guard lock(mutex_);
      read_.emplace(n, std::move(part));
    }
    changed_.notify_all();
  }
  std::optional<Part> next() {
    std::unique_lock lock(mutex_);
    if (taken_ >= count_) return std::nullopt;
    changed_.wait(lock, [&] { return read_.contains(taken_); });
    auto node = read_.extract(taken_++);
    lock.unlock();
    changed_.notify_all();
    return std::move(node.mapped());
  }
  void end() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::size_t count_, ahead_;
  std::size_t claimed_ = 0, taken_ = 0;
  bool ended_ = false;
  std::map<std::size_t, Part> read_;
};

}  // namespace

ReadIndicator compile_entry(const journal::Entry& entry, const Uuid& uuid, std::string_view payload) {
  ReadIndicator out{.seq = entry.seq,
                    .uuid = uuid,
                    .origin = entry.origin,
                    .version_key = entry.version_key,
                    .values = {},
                    .unsupported = {}};
  auto compiled = detect::compile(payload);
  if (!compiled) {
    out.unsupported = compiled.error().message.substr(0, kReasonBytes);
  } else if (!compiled->revoked) {
    out.values.reserve(compiled->values.size());
    for (auto& value : compiled->values)
      out.values.push_back({.ref = entry.seq,
                            .value = std::move(value),
                            .valid_from = compiled->valid_from,
                            .valid_until = compiled->valid_until,
                            .confidence = compiled->confidence});
  }
  return out;
}

Result<void> read_indicators(journal::Journal& journal, journal::Seq upto, const TakeIndicators& take) {
  const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1U, kReaderThreads);
  Parts parts(upto, std::size_t{threads} * kReaderPartsAhead);
  std::vector<std::jthread> readers;
  // Readers end before this function does, whatever way it ends.
  struct Ender {
    Parts& parts;
    ~Ender() { parts.end(); }
  } ender{parts};
  for (unsigned t = 0; t < threads; ++t)
    readers.emplace_back([&] {
      ::prctl(PR_SET_NAME, "bongsu-detect");
      while (const auto n = parts.claim()) {
        const journal::Seq after = *n * kReaderPart;
        parts.put(*n, read_part(journal, after, std::min(upto, after + kReaderPart)));
      }
    });
  journal::Seq at = 0;
  while (auto part = parts.next()) {
    if (!*part) return std::unexpected(part->error());
    at = std::min(upto, at + kReaderPart);
    BONGSU_TRY(const bool more, take(*std::move(*part), at));
    if (!more) break;
  }
  return {};
}

}  // namespace bongsu::node
