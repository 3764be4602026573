#include "node/feeds.h"

namespace bongsu::node {

struct Feeds::Impl {
  Core& core;
};

Feeds::Feeds(Core& core) : impl_(std::make_unique<Impl>(core)) {}
Feeds::~Feeds() = default;

void Feeds::start() {
  for (const auto& feed : impl_->core.config.feeds)
    impl_->core.log.error("feed.not_built", {{"feed", feed.name}, {"message", "this build does not fetch feeds yet; import the file by hand"}});
}

void Feeds::stop() {}
JsonArray Feeds::status() const { return {}; }

}  // namespace bongsu::node
