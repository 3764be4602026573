// bongsu hunt: indicators against telemetry that was stored before, in a node's store or in a directory of log files.
//
//   bongsu hunt --indicators feed.json /var/log/zeek           indexes what is new since last time, then looks
//   bongsu hunt --indicators feed.json --store bongsu-data/telemetry
//   bongsu hunt index /var/log/zeek        bongsu hunt status /var/log/zeek        bongsu hunt verify --store …
//
// Alerts as `bongsu match` gives them, ids included: NDJSON in a pipe, a table on a terminal, progress and a summary on
// standard error. Exit status as grep's: 0 something was found, 1 nothing, 2 trouble (damage included: what is damaged
// is named, the rest was looked at).
#pragma once

#include <atomic>
#include <cstdio>
#include <string>
#include <vector>

namespace bongsu::cli {

struct HuntOptions {
  std::vector<std::string> indicators;     // files; "-" for standard input
  std::vector<std::string> warning_lists;  // as for match
  std::vector<std::string> logs;           // files and directories
  std::string store;                       // directory of a node's telemetry, instead of logs
  std::string cache;                       // where the index of the logs is; empty: .bongsu-hunt beside them
  std::string since, until;                // RFC 3339: blocks beyond are not opened
  int jobs = 0;                            // threads that index; 0: one a core
  int min_confidence = 0;
  bool json = false, quiet = false;
  const std::atomic<bool>* stop = nullptr;
};

int run_hunt(const HuntOptions& options, std::FILE* out, std::FILE* err);
// Brings the index of the logs up to date. 0, or 2 when a file could not be read to its end.
int run_hunt_index(const HuntOptions& options, std::FILE* out, std::FILE* err);
// Reads everything that is stored. 0 all is well, 1 something is damaged (each on a line), 2 trouble.
int run_hunt_verify(const HuntOptions& options, std::FILE* out, std::FILE* err);
// What is stored: segments, events, bytes, times.
int run_hunt_status(const HuntOptions& options, std::FILE* out, std::FILE* err);

}  // namespace bongsu::cli
