// The configured feeds at work: one thread each looks on schedule and admits what is new into its collection.
#pragma once

#include <memory>

#include "base/json.h"
#include "node/core.h"

namespace bongsu::node {

class Feeds {
 public:
  explicit Feeds(Core& core);
  ~Feeds();
  void start();
  void stop();
  JsonArray status() const;  // [{"name","kind","url","last","next","objects","error"}]

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::node
