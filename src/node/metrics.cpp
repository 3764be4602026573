#include "node/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>

namespace bongsu::node {
namespace {

const prometheus::Histogram::BucketBoundaries kDelays = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60, 600};
const prometheus::Histogram::BucketBoundaries kRequests = {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5};

}  // namespace

struct Metrics::Impl {
  prometheus::Registry registry;
  prometheus::Histogram& delivered = histogram("bongsu_publish_to_delivered_seconds", "From admission at the partner to durable here");
  prometheus::Histogram& matched = histogram("bongsu_delivered_to_matched_seconds", "From an indicator durable here to an alert durable here");
  prometheus::Family<prometheus::Histogram>& requests =
      prometheus::BuildHistogram().Name("bongsu_http_request_seconds").Help("Time in handlers").Register(registry);
  mutable std::mutex mutex;
  std::map<std::string, prometheus::Gauge*> gauges;

  prometheus::Histogram& histogram(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, kDelays);
  }
  void set(const char* name, const char* help, double value) {
    const std::lock_guard lock(mutex);
    auto& gauge = gauges[name];
    if (gauge == nullptr) gauge = &prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
    gauge->Set(value);
  }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::delivered(double seconds) { impl_->delivered.Observe(seconds); }
void Metrics::matched(double seconds) { impl_->matched.Observe(seconds); }

void Metrics::request(const std::string& listener, int status, double seconds) {
  impl_->requests.Add({{"listener", listener}, {"code", std::to_string(status / 100) + "xx"}}, kRequests).Observe(seconds);
}

std::string Metrics::text(const Gauges& g) const {
  const auto set = [&](const char* name, const char* help, auto value) { impl_->set(name, help, static_cast<double>(value)); };
  set("bongsu_release_engine_faults", "Decisions that the two engines took differently: withheld, and a fault", g.engine_faults);
  set("bongsu_journal_seq", "Newest entry of the journal", g.journal_seq);
  set("bongsu_journal_bytes", "Size of the journal's files", g.journal_bytes);
  set("bongsu_free_bytes", "Free space where the journal lies", g.free_bytes);
  set("bongsu_search_lag_entries", "Entries that search has not taken in yet", g.search_lag);
  set("bongsu_detection_lag_entries", "Entries that the detection feed has not taken in yet", g.detection_lag);
  set("bongsu_indicators", "Indicators in effect", g.indicators);
  set("bongsu_telemetry_events", "Events read by the running sensor", g.events);
  set("bongsu_telemetry_bytes", "Bytes read by the running sensor", g.event_bytes);
  set("bongsu_telemetry_bad_lines", "Lines that could not be read", g.bad_lines);
  set("bongsu_sensor_running", "1 if the sensor is running", g.sensor_running ? 1 : 0);
  set("bongsu_sensor_restarts", "How often the sensor was started again", g.sensor_restarts);
  set("bongsu_alerts_total", "Alerts in the journal", g.alerts_total);
  set("bongsu_alerts_open", "Alerts that nobody has judged", g.alerts_open);
  set("bongsu_hits", "Matches in the alerts that are grouped, without suppressed ones", g.hits);
  set("bongsu_hits_suppressed", "Matches that somebody said are of no interest", g.hits_suppressed);
  set("bongsu_hits_unlisted", "Matches beyond triage.alerts_per_minute: counted, in no alert", g.hits_unlisted);
  set("bongsu_links_live", "Links that are live", g.links_live);
  set("bongsu_links_total", "Links that are configured", g.links_total);
  set("bongsu_open_tails", "Tails that partners hold open", g.open_tails);
  set("bongsu_certificate_seconds_left", "Until the certificate that is shown expires", g.certificate_seconds_left);
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace bongsu::node
