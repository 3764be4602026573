// bongsu match: indicators and rules against log files, without any server.
//
//   bongsu match --indicators feed.json --warninglists misp-warninglists/ logs/*.json.zst
//   bongsu match --sigma sigma/rules --yara yara/ --patterns patterns.txt events.ndjson
//
// NDJSON alerts in a pipe, a table on a terminal, a progress bar and a summary on standard error. Exit status as
// grep's: 0 something matched, 1 nothing did, 2 trouble (a file that could not be read to its end, no indicator or rule
// loaded, a refused one with `strict`); trouble wins over a match, so that a script that asks "clean?" is not told so by
// half a scan.
#pragma once

#include <atomic>
#include <cstdio>
#include <string>
#include <vector>

namespace bongsu::cli {

struct MatchOptions {
  std::vector<std::string> indicators;     // files; "-" for standard input
  std::vector<std::string> patterns;       // STIX patterns, one a line, or STIX objects; read as indicators are
  std::vector<std::string> sigma;          // files or directories of Sigma rules
  std::vector<std::string> pipelines;      // pySigma processing pipelines for them
  std::vector<std::string> yara;           // files, directories or archives of YARA rules, for fields of text
  std::vector<std::string> maps;           // documents of fields (telemetry/field_map_document.h)
  std::vector<std::string> warning_lists;  // folders, list.json files or tar archives
  std::vector<std::string> logs;           // files, directories, "-"; none: standard input, if it is not a terminal
  int jobs = 0;                            // 0: one a core
  int min_confidence = 0;
  bool json = false;                        // NDJSON on a terminal too
  bool strict = false;                      // a refused indicator or a bad line is trouble
  bool quiet = false;                       // no progress, no summary
  const std::atomic<bool>* stop = nullptr;  // set by Ctrl-C: what was found so far is summed up
};

int run_match(const MatchOptions& options, std::FILE* out, std::FILE* err);

}  // namespace bongsu::cli
