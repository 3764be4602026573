// bongsu range rtu, bongsu range plc: a remote terminal unit that speaks IEC 60870-5-104, a controller that speaks
// Modbus/TCP, for a team's own tools, firewalls and sensors to talk to.
//
//   bongsu range rtu --points substation.csv --iec104 127.0.0.1:2404
//   bongsu range plc --points substation.csv --modbus 127.0.0.1:1502 --record session.pcap
//
// --record writes a packet capture of what was said, --log what a network sensor in front would log (JSON as Zeek's).
//
// They run until Ctrl-C. What others asked goes to standard output: text on a terminal, NDJSON in a pipe. With --input,
// lines of standard input set points ({"point":"u1","value":112.4}), so that another program can be the process;
// without, commands do what they say and nothing else moves. With --world, a whole world is the process: a substation of it is shown, time passes in
// it --speed times as fast, and commands are its orders.
//
//   bongsu range rtu --world samples/exercise/world-sample/world.toml --substation lt.substation.kaunas --speed 60
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

namespace bongsu::cli {

// What is behind the points, if it is a world.
struct RangeLife {
  std::string world, data, substation;  // world: a description (.toml) or a MATPOWER case; substation: instead of a list of points
  std::uint64_t seed = 1;
  double speed = 1;
};

struct RangeRtuOptions {
  RangeLife life;
  std::string points, listen = "127.0.0.1:2404", record, log;
  std::uint16_t common_address = 1, k = 12, w = 8;
  std::uint32_t t1 = 15, t2 = 10, t3 = 20, max_events = 1000, select_timeout = 30, max_connections = 16;
  bool each_connection = false, input = false, json = false;
};
int run_range_rtu(const RangeRtuOptions& options, std::FILE* out, std::FILE* err);

struct RangePlcOptions {
  RangeLife life;
  std::string points, listen = "127.0.0.1:1502", record, log;
  std::string vendor = "Bongsu", product = "PLC-SIM", revision = "1", model;
  std::uint32_t unit = 1, max_connections = 16;
  bool input = false, json = false;
};
int run_range_plc(const RangePlcOptions& options, std::FILE* out, std::FILE* err);

}  // namespace bongsu::cli
