// How long the beacon takes: the newest delays of each part of its way, for the console, `bongsu status` and the metrics.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "link/applier.h"
#include "node/metrics.h"

namespace bongsu::node {

// Safe from any thread.
class Delays {
 public:
  struct Summary {
    std::uint64_t count = 0;                 // ever
    std::optional<double> p50_ms, p99_ms;    // of the newest kKept
  };
  void add_delivered(double seconds) { add(delivered_, seconds); }  // published at the partner → durable here
  void add_matched(double seconds) { add(matched_, seconds); }      // indicator durable here → alert durable here
  Summary delivered() const { return summary(delivered_); }
  Summary matched() const { return summary(matched_); }
  Json json() const;

 private:
  static constexpr std::size_t kKept = 1024;
  struct Ring {
    std::vector<float> values;
    std::uint64_t count = 0;
  };
  void add(Ring& ring, double seconds);
  Summary summary(const Ring& ring) const;
  mutable std::mutex mutex_;
  Ring delivered_, matched_;
};

// Notes the delay of each object that a link brought.
class MeasuredApplier final : public link::Applier {
 public:
  MeasuredApplier(std::unique_ptr<link::Applier> inner, const Clock& clock, Delays& delays, Metrics& metrics)
      : inner_(std::move(inner)), clock_(clock), delays_(delays), metrics_(metrics) {}
  Result<link::Cursor> open(const link::FollowedCollection& remote) override { return inner_->open(remote); }
  Result<link::AppliedCounts> apply(const link::FollowedCollection& remote, const link::TailBatch& batch) override;
  std::optional<std::string> suspended(const std::string& member) override { return inner_->suspended(member); }

 private:
  std::unique_ptr<link::Applier> inner_;
  const Clock& clock_;
  Delays& delays_;
  Metrics& metrics_;
};

}  // namespace bongsu::node
