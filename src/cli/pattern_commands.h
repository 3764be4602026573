// bongsu pattern check, bongsu pattern eval: STIX patterns without any node.
//
//   bongsu pattern check "[file:name = 'a.exe'] REPEATS 5 TIMES"
//   bongsu pattern eval "[file:name = 'a.exe']" observed.json      bundles, arrays, NDJSON of observed data; - for
//   stdin
//
// A pattern of "-" is read from standard input; "@FILE" from a file. Exit status as grep's: 0 the pattern is good, or
// matches; 1 it does not match; 2 trouble: the pattern is bad (its place is shown), the observed data cannot be read,
// or some of it could not and the rest does not match. The place in a pattern is counted in characters, from the
// beginning of the file, and said as line and column where there are several; --json has "character", "line", "column",
// and "offset" in octets.
//
// With --json eval writes one object: "kind" is "match", "no match" or "trouble", "observations" says how many there
// are, "observed_data" which took part, "missing_references" how many object_refs name nothing, "bad" what could not be
// read and where.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace bongsu::cli {

struct PatternCheckOptions {
  std::string pattern;
  bool json = false;
};
int run_pattern_check(const PatternCheckOptions& options, std::FILE* out, std::FILE* err);

struct PatternEvalOptions {
  std::string pattern;
  std::vector<std::string> files;  // none: standard input
  bool json = false;
  bool quiet = false;  // the exit status alone
};
int run_pattern_eval(const PatternEvalOptions& options, std::FILE* out, std::FILE* err);

}  // namespace bongsu::cli
