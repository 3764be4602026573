#include "node/feeds.h"

#include <vector>

#include "link/feeds.h"
#include "stix/marking.h"

namespace bongsu::node {
namespace {

JsonObject report_json(const link::FeedReport& report) {
  JsonArray problems;
  for (const auto& text : report.first_problems) problems.emplace_back(text);
  return {{"documents", report.documents},   {"changed", report.changed},           {"failed", report.failed},
          {"entries", report.entries},       {"added", report.objects.added},       {"updated", report.objects.changed},
          {"revoked", report.objects.revoked}, {"refused", report.objects.refused}, {"problems", report.problems},
          {"first_problems", std::move(problems)}};
}

}  // namespace

struct Feeds::Impl {
  Core& core;
  struct Running {
    FeedConfig config;
    std::unique_ptr<link::FeedRunner> runner;  // null: `problem` says why
    std::string problem;
  };
  std::vector<Running> feeds;

  explicit Impl(Core& c) : core(c) {}

  void add(const FeedConfig& config) {
    Running feed{.config = config, .runner = nullptr, .problem = {}};
    const auto collection = core.collections->find(config.collection);
    const auto kind = link::parse_feed_kind(config.kind);
    const auto label = stix::parse_tlp(config.tlp);
    if (!collection) feed.problem = "there is no collection \"" + config.collection + "\"; add it: bongsu collection add " + config.collection;
    else if (!kind || !label) feed.problem = "kind or tlp is not understood";  // the schema allows only what is
    if (feed.problem.empty()) {
      feed.runner = std::make_unique<link::FeedRunner>(
          link::FeedSettings{.name = config.name, .kind = *kind, .url = config.url, .collection = collection->id, .label = *label,
                             .interval = config.interval, .client = {}},
          link::FeedParts{.journal = *core.journal, .admission = *core.admission, .clock = core.clock, .log = core.log, .self = core.config.member},
          core.random);
    } else {
      core.log.error("feed.not_started", {{"feed", config.name}, {"message", feed.problem}});
    }
    feeds.push_back(std::move(feed));
  }
};

Feeds::Feeds(Core& core) : impl_(std::make_unique<Impl>(core)) {
  for (const auto& config : core.config.feeds) impl_->add(config);
}
Feeds::~Feeds() { stop(); }

void Feeds::start() {
  for (auto& feed : impl_->feeds)
    if (feed.runner) feed.runner->start();
}

void Feeds::stop() {
  for (auto& feed : impl_->feeds)
    if (feed.runner) feed.runner->stop();
}

JsonArray Feeds::status() const {
  JsonArray out;
  for (const auto& feed : impl_->feeds) {
    JsonObject item{{"name", feed.config.name}, {"kind", feed.config.kind}, {"url", feed.config.url}, {"collection", feed.config.collection}};
    if (!feed.runner) {
      item["error"] = feed.problem;
    } else {
      const link::FeedStatus status = feed.runner->status();
      item["looking"] = status.looking;
      item["error"] = status.last_error;
      item["total_added"] = status.total_added;
      if (status.last_success) item["last_success"] = status.last_success->text(0);
      if (status.next) item["next"] = status.next->text(0);
      item["last"] = report_json(status.last_report);
    }
    out.push_back(std::move(item));
  }
  return out;
}

}  // namespace bongsu::node
