// bongsu stix validate, bongsu stix id: STIX 2.1 files without any node.
//
//   bongsu stix validate feed.json other.json.zst     each bad object: file:line, id, property, rule, section
//   zstdcat history.json.zst | bongsu stix validate - --json
//   bongsu stix id observables.json                   the deterministic id of each observable, and what it carries
//
// Files are bundles, TAXII envelopes, lists of objects, single objects or NDJSON; plain, gzip or Zstandard; "-" is
// standard input. Memory does not grow with their size.
//
// Exit status of both: 0 all good, 1 some bad (validate: an object breaks a rule; id: an observable carries another
// UUIDv5 than its own, or could not be read), 2 trouble: a file that could not be read, or is not JSON to its end.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace bongsu::cli {

struct StixValidateOptions {
  std::vector<std::string> files;  // none: standard input
  bool json = false;               // one JSON object a line: findings, then a summary a file
  bool warnings = false;           // what breaks a SHOULD too
  bool admission = false;          // judge as a node does that takes an object in, not by the letter (stix/validate.h)
};
int run_stix_validate(const StixValidateOptions& options, std::FILE* out, std::FILE* err);

struct StixIdOptions {
  std::vector<std::string> files;
  bool json = false;
};
int run_stix_id(const StixIdOptions& options, std::FILE* out, std::FILE* err);

}  // namespace bongsu::cli
