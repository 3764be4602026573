// bongsu range hmi: an operator's view of an RTU (IEC 60870-5-104) or a controller (Modbus/TCP): connects, interrogates
// or polls, shows values, sends commands, and connects again when the line breaks.
//
//   bongsu range hmi --points substation.csv --iec104 127.0.0.1:2404
//   bongsu range hmi --points substation.csv --iec104 127.0.0.1:2404 --command vilnius.cb1=1 --once
//   bongsu range hmi --iec104 127.0.0.1:2404 --command C_SC_NA_1:1100=1:select --once     without a list, by address
//
// A table that stays up to date on a terminal; in a pipe NDJSON, a line for each value, command and notice. Standard
// input takes orders, one a line: NAME=VALUE, TYPE:OBJECT=VALUE[:select], interrogate, counters, clock, read NAME,
// quit; without a connection all but quit are refused. With --once it ends when the interrogation (the first round of
// polling) and the commands are done: exit code 0, 1 when a command was not done, 2 trouble.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace bongsu::cli {

struct RangeHmiOptions {
  std::string points, iec104, modbus, record;
  std::uint16_t common_address = 1;
  std::uint32_t originator = 0, unit = 1, poll_ms = 1000, retry_s = 5, interrogate_every = 0;
  std::vector<std::string> commands;
  bool once = false, json = false, input = true;
};
int run_range_hmi(const RangeHmiOptions& options, std::FILE* out);

}  // namespace bongsu::cli
