// `bongsu taxii pull URL` and `bongsu taxii push URL FILE…`: the TAXII client for people and scripts.
//
//   cli::TaxiiPullOptions options;
//   options.connection = {.url = "https://taxii.example/taxii2/", .collection = "indicators", .user = "lt",
//   .password_file = "pw"}; options.state_file = "partner.state"; options.out = "new.ndjson"; return
//   cli::run_taxii_pull(options, stdout, stderr);
//
// Exit codes: 0 everything arrived; 1 some objects were refused or unreadable, each named on `err`; 2 trouble, and what
// to do. Secrets come from files only: a command line is seen by everyone on the machine.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "link/taxii_client.h"

namespace bongsu::cli {

struct TaxiiConnection {
  std::string url;                           // server, discovery, API root or collection
  std::string collection;                    // id, alias or title; empty: the only one
  std::string user, password_file;           // HTTP Basic
  std::string token_file;                    // Bearer
  std::string api_key_file, api_key_header;  // a key in a header
  std::string certificate_file, key_file;    // client certificate, PEM
  std::string ca_file;                       // authorities to trust instead of the system's, PEM
  std::string pin;                           // SHA-256 of the server's certificate or its issuer, hex
};

struct TaxiiPullOptions {
  TaxiiConnection connection;
  std::string added_after;  // begin here; a state file that exists wins
  std::string state_file;   // where the pull stands; read at the start, written after each page that is safely in `out`
  std::string out = "-";    // a file, or "-" for standard output
  bool ndjson = false;      // one object a line (also for a name that ends in .ndjson or .jsonl); else a STIX bundle
  std::vector<std::string> types;
  bool newest_only = false;
  std::uint32_t limit = 1000;
  bool json = false;  // the summary as JSON
};

struct TaxiiPushOptions {
  TaxiiConnection connection;
  std::vector<std::string> files;  // bundles, envelopes, arrays, NDJSON; "-" = standard input
  bool json = false;
};

// `out` gets objects (for "-") and the summary, `err` progress (on a terminal), refusals and trouble.
int run_taxii_pull(const TaxiiPullOptions& options, std::FILE* out, std::FILE* err);
int run_taxii_push(const TaxiiPushOptions& options, std::FILE* out, std::FILE* err);

// The same over a given transport, for tests.
struct TaxiiWorld {
  link::TaxiiTransport& transport;
  link::Sleeper& sleeper;
  const Clock& clock;
  Random& random;
};
int run_taxii_pull(const TaxiiPullOptions& options, TaxiiWorld world, std::FILE* out, std::FILE* err);
int run_taxii_push(const TaxiiPushOptions& options, TaxiiWorld world, std::FILE* out, std::FILE* err);

}  // namespace bongsu::cli
