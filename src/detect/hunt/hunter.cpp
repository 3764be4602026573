#include "detect/hunt/hunter.h"

#include <time.h>

#include <numeric>
#include <thread>

namespace bongsu::detect {

using telemetry::LineBatch;
using telemetry::SegmentFile;
using telemetry::SegmentFilePtr;

namespace {

std::chrono::nanoseconds thread_cpu() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

void note_damage(HuntResult& result, Error error) {
  ++result.damaged;
  if (result.damage.size() < kMaxHuntDamage) result.damage.push_back(std::move(error));
}

}  // namespace

CpuShare::CpuShare(int percent, const std::atomic<bool>* stop)
    : percent_(std::clamp(percent, 1, 100)), stop_(stop), last_(thread_cpu()) {}

void CpuShare::pause() {
  using namespace std::chrono_literals;
  constexpr auto kSlice = 5ms;  // shorter sleeps cost more than they give
  constexpr auto kNap = 50ms;   // between looks at `stop`
  const auto used = thread_cpu() - last_;
  if (used < kSlice) return;
  for (auto left = used * (100 - percent_) / percent_; left > 0ns && (stop_ == nullptr || !stop_->load());) {
    const auto nap = std::min<std::chrono::nanoseconds>(left, kNap);
    std::this_thread::sleep_for(nap);
    left -= nap;
  }
  last_ = thread_cpu();
}

std::vector<std::uint32_t> parts_to_read(const SegmentFile& segment, const HuntQuery& query, HuntResult& result) {
  const auto blocks = segment.blocks();
  result.blocks += blocks.size();
  std::vector<std::uint32_t> out;
  bool narrowed = false;
  if (query.keys != nullptr && segment.facts().keyed_by == hunt_keyed_by(*query.map)) {
    if (const auto dictionary = segment.dictionary()) {
      out = query.keys->parts_in(**dictionary, segment.parts());
      narrowed = true;
    } else if (dictionary.error().code != ErrorCode::kNotFound) {
      note_damage(result, dictionary.error());
    }
  }
  if (!narrowed) {
    result.read_whole += query.keys != nullptr;
    out.resize(segment.parts());
    std::iota(out.begin(), out.end(), 0U);
  }
  if (query.from || query.until) {
    std::erase_if(out, [&, at = std::size_t{0}](std::uint32_t part) mutable {
      while (part >= blocks[at].first_part + blocks[at].parts) ++at;
      const auto& facts = blocks[at].facts;
      if (facts.untimed) return false;
      if (facts.first_s > facts.last_s) return true;
      return (query.from && facts.last_s < query.from->seconds) ||
             (query.until && facts.first_s > query.until->seconds);
    });
  }
  return out;
}

HuntResult visit_blocks(const HuntQuery& query, std::span<const SegmentFilePtr> segments, const HuntOptions& options,
                        const std::function<bool(const LineBatch&)>& visit) {
  HuntResult result;
  const auto stopped = [&] { return result.stopped || (options.stop != nullptr && options.stop->load()); };
  if (options.progress != nullptr) options.progress->segments_total += segments.size();
  for (const SegmentFilePtr& segment : segments) {
    if (stopped()) break;
    for (const Error& error : segment->damage()) note_damage(result, error);
    const auto parts = parts_to_read(*segment, query, result);
    if (!options.keep_dictionaries) segment->forget_dictionary();
    if (options.pace != nullptr) options.pace->pause();
    std::size_t number = 0;
    for (std::size_t at = 0; at < parts.size();) {
      if (stopped()) break;
      const auto blocks = segment->blocks();
      while (parts[at] >= blocks[number].first_part + blocks[number].parts) ++number;
      const std::uint32_t end = blocks[number].first_part + blocks[number].parts;
      const std::size_t first = at;
      while (at < parts.size() && parts[at] < end) ++at;
      // All of them together are read as one.
      const auto some = std::span(parts).subspan(first, at - first < blocks[number].parts ? at - first : 0);
      auto block = segment->read(number, some);
      if (!block && block.error().code == ErrorCode::kNotFound) break;  // its time had come
      if (!block) {
        note_damage(result, std::move(block).error());
        continue;
      }
      std::uint64_t bytes = 0;
      for (LineBatch& run : block->runs) {
        bytes += run.data.size();
        if (query.source != nullptr) run.source = query.source;
        if (!visit(run)) {
          result.stopped = true;
          break;
        }
      }
      ++result.blocks_read;
      result.bytes_read += bytes;
      if (options.progress != nullptr) {
        ++options.progress->blocks_read;
        options.progress->bytes_read += bytes;
      }
      if (options.pace != nullptr) options.pace->pause();
    }
    ++result.segments;
    if (options.progress != nullptr) ++options.progress->segments;
  }
  result.stopped = stopped();
  return result;
}

HuntResult hunt(Engine& engine, const HuntQuery& query, std::span<const SegmentFilePtr> segments,
                const HuntOptions& options, const std::function<bool(std::vector<Alert>&&)>& out) {
  telemetry::BadLines bad;  // said when they were stored
  Engine::Session session(engine, bad);
  std::uint64_t count = 0, events = 0;
  std::vector<Alert> alerts;
  HuntResult result = visit_blocks(query, segments, options, [&](const LineBatch& run) {
    alerts.clear();
    session.match(run, alerts);
    count += alerts.size();
    if (options.progress != nullptr) {
      options.progress->alerts += alerts.size();
      options.progress->events += session.events() - events;
      events = session.events();
    }
    return alerts.empty() || out(std::move(alerts));
  });
  result.alerts = count;
  result.events = session.events();
  result.dropped_hits = session.dropped();
  return result;
}

}  // namespace bongsu::detect
