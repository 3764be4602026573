// `bongsu serve` and the process that it starts.
#pragma once

#include <string>
#include <vector>

#include "cli/node_commands.h"

namespace bongsu::cli {

struct ServeCommand {
  std::vector<std::string> watch;
};
int run_serve(const Common& common, const ServeCommand& command);

struct SensorCommand {
  int fd = -1, work_fd = -1;
};
int run_sensor(const SensorCommand& command);

}  // namespace bongsu::cli
