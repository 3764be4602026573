// bongsu yara check, bongsu yara scan: YARA rules without any node.
//
//   bongsu yara check rules/                       what cannot be used: file:line, rule, message
//   bongsu yara scan --rules rules/ /srv/upload    every regular file below, hidden ones too; links are not followed
//
// check ends with 0 all good, 1 some bad, 2 trouble (a file that could not be read, no rule at all). scan ends as grep
// does: 0 something matched, 1 nothing did, 2 trouble: no rule, or a file that could not be read or took too long.
// Files over the size limit, FIFOs, sockets and devices are counted, and named when they were given by name.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace bongsu::cli {

struct YaraCheckOptions {
  std::vector<std::string> rules;
  bool json = false;
};
int run_yara_check(const YaraCheckOptions& options, std::FILE* out, std::FILE* err);

struct YaraScanOptions {
  std::vector<std::string> rules;
  std::vector<std::string> paths;
  std::vector<std::string> defines;  // NAME=VALUE of external variables
  std::uint64_t max_file_bytes = 256 * 1024 * 1024;
  int timeout_seconds = 60;  // of one file
  int jobs = 0;              // 0: one a core
  bool json = false;         // NDJSON on a terminal too
  bool quiet = false;        // no progress, no summary
};
int run_yara_scan(const YaraScanOptions& options, std::FILE* out, std::FILE* err);

}  // namespace bongsu::cli
