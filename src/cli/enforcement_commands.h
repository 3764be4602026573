// bongsu export enforcement: indicators as files for firewalls, resolvers, proxies and sensors.
//
//   bongsu export enforcement --format rpz --out /etc/bind/bongsu
//
// Released by the policy in bongsu.toml, [enforcement]. Says what was withheld and why, and what the format could not
// express (one by one in unexpressed.ndjson beside the files). Exit status: 0 written, 1 written and something could
// not be expressed, 2 trouble.
#pragma once

#include <string>

#include "cli/node_commands.h"

namespace bongsu::cli {

struct EnforcementExportCommand {
  std::string format;  // suricata, zeek, rpz, nginx, haproxy, edl
  std::string out;     // directory; made if it is not there
};
int run_enforcement_export(const Common& common, const EnforcementExportCommand& command);

}  // namespace bongsu::cli
