// Looks back: indicators, or anything else that an Engine looks for, in stored telemetry.
//
//   Engine engine(clock);                      // with the indicators that are new, and nothing else
//   engine.add(indicators);
//   HuntKeys keys(store.seed());
//   keys.add(indicators);
//   keys.sort();
//   HuntResult result = hunt(engine, {.keys = &keys}, store.segments(), [&](std::vector<Alert>&& alerts) { … return
//   true; });
//
// The dictionaries say which parts of which blocks may hold one of the keys; only these are read, and their events go
// through the engine as they did when they were new. So the alerts are exact, and those that live matching gave or
// would have given: same fields, same ids. Without keys (rules and patterns, that dictionaries know nothing of) every
// block within the time range is read, in the order in which it was stored. A segment whose dictionary is damaged,
// missing or made by other rules is read whole.
//
// A damaged block is named in the result and skipped; everything else is used.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "detect/engine.h"
#include "detect/hunt/hunt_keys.h"
#include "telemetry/store/segment.h"

namespace bongsu::detect {

// Holds work to a share of one core: pause() sleeps for what the work since the last call was beyond it. Injected, so
// that tests do not sleep.
class Pace {
 public:
  virtual ~Pace() = default;
  virtual void pause() = 0;
};
// `percent` of a core, by the calling thread's CPU time.
class CpuShare final : public Pace {
 public:
  explicit CpuShare(int percent, const std::atomic<bool>* stop = nullptr);
  void pause() override;

 private:
  const int percent_;
  const std::atomic<bool>* stop_;
  std::chrono::nanoseconds last_;
};

struct HuntProgress {
  std::atomic<std::uint64_t> segments{0}, segments_total{0};
  std::atomic<std::uint64_t> blocks_read{0}, bytes_read{0}, events{0}, alerts{0};
};

struct HuntQuery {
  const HuntKeys* keys = nullptr;  // of the store's seed; null: every block
  // Blocks whose events all lie outside are left out; those with events without a time never are. What is found lies
  // where it lies: events of the same block are not sorted out by time.
  std::optional<Instant> from, until;
  // How a segment's only stream is called now, if it is called otherwise than when it was stored.
  std::shared_ptr<const std::string> source;
  telemetry::FieldMapPtr map = telemetry::FieldMap::standard();  // that the engine reads by
};

struct HuntOptions {
  HuntProgress* progress = nullptr;
  const std::atomic<bool>* stop = nullptr;  // looked at between blocks
  Pace* pace = nullptr;
  bool keep_dictionaries = true;  // in memory, for the next hunt
};

struct HuntResult {
  std::uint64_t segments = 0, blocks = 0, blocks_read = 0, bytes_read = 0, events = 0, alerts = 0, dropped_hits = 0;
  std::uint64_t read_whole = 0;  // segments without a dictionary that could be used
  std::vector<Error> damage;     // kMaxHuntDamage at most
  std::uint64_t damaged = 0;
  bool stopped = false;
};
inline constexpr std::size_t kMaxHuntDamage = 100;

// Which parts of a segment's blocks have to be looked at, rising; damage of its dictionary goes to `result`.
std::vector<std::uint32_t> parts_to_read(const telemetry::SegmentFile& segment, const HuntQuery& query,
                                         HuntResult& result);

// Every block that has to be looked at, in order, as batches. False from `visit` ends it.
HuntResult visit_blocks(const HuntQuery& query, std::span<const telemetry::SegmentFilePtr> segments,
                        const HuntOptions& options, const std::function<bool(const telemetry::LineBatch&)>& visit);

// Through the engine. `out` gets the alerts of each block that has any; false ends it.
HuntResult hunt(Engine& engine, const HuntQuery& query, std::span<const telemetry::SegmentFilePtr> segments,
                const HuntOptions& options, const std::function<bool(std::vector<Alert>&&)>& out);

}  // namespace bongsu::detect
