// What Prometheus sees (prometheus-cpp behind it): counters, gauges, and the delays along the beacon's way as histograms.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace bongsu::node {

struct Gauges {
  std::uint64_t engine_faults = 0, journal_seq = 0, journal_bytes = 0, free_bytes = 0, search_lag = 0, detection_lag = 0;
  std::uint64_t indicators = 0, events = 0, event_bytes = 0, bad_lines = 0, sensor_restarts = 0, open_tails = 0;
  std::uint64_t alerts_total = 0, alerts_open = 0, hits = 0, hits_suppressed = 0, hits_unlisted = 0, links_live = 0, links_total = 0;
  bool sensor_running = false;
  std::int64_t certificate_seconds_left = 0;
};

// Safe from any thread.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  void delivered(double seconds);        // published at a partner → durable here
  void matched(double seconds);          // indicator durable here → alert durable here, for indicators younger than an hour
  void request(const std::string& listener, int status, double seconds);
  std::string text(const Gauges& gauges) const;  // exposition format 0.0.4

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::node
