// A running node: everything is built once, in reading order, started, and stopped the other way round.
//
//   BONGSU_TRY(auto node, Node::open(directory, program, log));
//   BONGSU_TRY_VOID(node->start());
//   node->listeners();          // "taxii" → "https://127.0.0.1:6443/taxii2/"
//   node->stop();               // loses nothing: running requests finish, positions are stored
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "node/core.h"

namespace bongsu::node {

struct NodeOptions {
  DataDir directory;
  std::string program;                     // path of this program, to start the sensor from
  std::vector<std::string> watch;          // telemetry beside what the configuration names
};

class Node {
 public:
  static Result<std::unique_ptr<Node>> open(NodeOptions options, Log& log);
  ~Node();

  Result<void> start();
  void stop();
  Core& core();
  const std::map<std::string, std::string>& listeners() const;
  bool ready() const;   // requests are answered; search and detection catch up in the background

 private:
  struct Impl;
  explicit Node(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::node
