// bongsu sigma: rules in Sigma's form, without any server.
//
//   bongsu sigma check sigma/rules            every rule that cannot be used, with place and reason
//   bongsu sigma eval rule.yml events.json    which events a rule matches; correlations too
//
// check exits with 0 when all rules are good, 1 when some are bad, 2 on trouble (no such directory, no rule at all).
// eval exits as grep: 0 something matched, 1 nothing did, 2 trouble (a rule that cannot be used, a file that cannot be
// read).
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace bongsu::cli {

struct SigmaOptions {
  std::vector<std::string> rules;      // files and directories
  std::vector<std::string> events;     // eval: files, directories, "-"
  std::vector<std::string> pipelines;  // in pySigma's YAML form
  std::vector<std::string> maps;       // maps of fields (TOML) beside those that come with the program
  bool json = false;                   // NDJSON on a terminal too
  bool quiet = false;                  // no summary
};

int run_sigma_check(const SigmaOptions& options, std::FILE* out, std::FILE* err);
int run_sigma_eval(const SigmaOptions& options, std::FILE* out, std::FILE* err);

}  // namespace bongsu::cli
