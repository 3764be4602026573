#include "node/indicator_reader.h"

#include <sys/prctl.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "flow/facts.h"

namespace bongsu::node {
namespace {

constexpr std::size_t kReasonBytes = 120;

// Of a part: all of it, or what came before it had too many bytes.
struct Piece {
  std::vector<ReadIndicator> read;
  journal::Seq upto = 0;
};

std::size_t bytes_of(const ReadIndicator& one) {
  std::size_t bytes = sizeof one + one.giver.size() + one.version_key.size() + one.unsupported.size();
  for (const auto& indicator : one.values) bytes += sizeof indicator + indicator.value.text.size();
  if (one.rule) bytes += one.rule->text.size();
  return bytes;
}

Result<Piece> read_piece(journal::Journal& journal, journal::Seq after, journal::Seq upto, std::size_t most) {
  Piece out{.read = {}, .upto = upto};
  std::size_t bytes = 0;
  BONGSU_TRY_VOID(
      journal.snapshot()->objects("indicator", after, upto, [&](journal::Entry&& entry, Result<std::string>&& payload) {
        const auto id = stix::Id::parse(entry.object_id);
        if (!id) return true;
        out.read.push_back(compile_entry(entry, id->uuid, payload));
        bytes += bytes_of(out.read.back());
        if (bytes < most) return true;
        out.upto = entry.seq;
        return false;
      }));
  return out;
}

// Parts in flight: each is claimed once, read by whoever claimed it, piece by piece, and taken in order. Bounded: a
// claimed part has one piece here at most.
class Parts {
 public:
  Parts(journal::Seq upto, std::size_t ahead)
      : upto_(upto), count_((upto + kReaderPart - 1) / kReaderPart), ahead_(ahead) {}

  journal::Seq end_of(std::size_t n) const { return std::min(upto_, (n + 1) * kReaderPart); }

  std::optional<std::size_t> claim() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ || claimed_ >= count_ || claimed_ < taken_ + ahead_; });
    if (ended_ || claimed_ >= count_) return std::nullopt;
    return claimed_++;
  }
  // Whether more of the part is to be read: it is when this piece did not end it, and was taken. The parts before it
  // were claimed before it, so its turn comes.
  bool put(std::size_t n, Result<Piece> piece) {
    const bool whole = !piece || piece->upto >= end_of(n);
    std::unique_lock lock(mutex_);
    read_.emplace(n, std::move(piece));
    changed_.notify_all();
    if (whole) return false;
    changed_.wait(lock, [&] { return ended_ || !read_.contains(n); });
    return !ended_;
  }
  std::optional<Result<Piece>> next() {
    std::unique_lock lock(mutex_);
    if (taken_ >= count_) return std::nullopt;
    changed_.wait(lock, [&] { return read_.contains(taken_); });
    auto node = read_.extract(taken_);
    if (!node.mapped() || node.mapped()->upto >= end_of(taken_)) ++taken_;
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
  const journal::Seq upto_;
  const std::size_t count_, ahead_;
  std::size_t claimed_ = 0, taken_ = 0;
  bool ended_ = false;
  std::map<std::size_t, Result<Piece>> read_;
};

}  // namespace

std::string giver_of(const journal::Entry& entry) {
  std::string out = entry.origin;
  for (const std::string& exercise : flow::exercises_of(entry.label)) out += ' ' + exercise;
  return out;
}

ReadIndicator compile_entry(const journal::Entry& entry, const Uuid& uuid, const Result<std::string>& payload) {
  ReadIndicator out{.seq = entry.seq,
                    .uuid = uuid,
                    .giver = giver_of(entry),
                    .version_key = entry.version_key,
                    .values = {},
                    .rule = {},
                    .unsupported = {}};
  if (!payload) {
    out.unsupported = kUnopened;
    return out;
  }
  auto compiled = detect::compile(*payload);
  if (!compiled) {
    out.unsupported = compiled.error().message.substr(0, kReasonBytes);
  } else if (!compiled->revoked && compiled->rule_language) {
    out.rule = detect::Rule{.ref = entry.seq,
                            .language = *compiled->rule_language,
                            .text = std::move(compiled->rule_text),
                            .valid_from = compiled->valid_from,
                            .valid_until = compiled->valid_until,
                            .confidence = compiled->confidence};
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

Result<void> read_indicators(journal::Journal& journal, journal::Seq upto, const TakeIndicators& take,
                             const ReaderLimits& limits) {
  const unsigned threads =
      limits.threads > 0 ? limits.threads : std::clamp(std::thread::hardware_concurrency(), 1U, kReaderThreads);
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
        journal::Seq after = *n * kReaderPart;
        for (bool more = true; more;) {
          auto piece = read_piece(journal, after, parts.end_of(*n), limits.part_bytes);
          if (piece) after = piece->upto;
          more = parts.put(*n, std::move(piece));
        }
      }
    });
  while (auto piece = parts.next()) {
    if (!*piece) return std::unexpected(piece->error());
    const journal::Seq at = (*piece)->upto;
    BONGSU_TRY(const bool more, take(std::move((*piece)->read), at));
    if (!more) break;
  }
  return {};
}

}  // namespace bongsu::node
