// The ledger on the command line, and checking evidence without any node. Exit codes: 0 it holds, 1 it does not, 2 trouble.
#pragma once

#include <string>
#include <vector>

#include "cli/node_commands.h"

namespace bongsu::cli {

struct LedgerProofCommand {
  std::string object, log = "node", index, count = "1", out = "-";
};
struct LedgerReportCommand {
  std::string member, from, until, form = "markdown", out = "-";
};
struct VerifyCommand {
  std::vector<std::string> files, keys, key_files, witnesses;
  std::string form;  // markdown, html: print what the document says as well
};

int run_ledger_status(const Common& common);
int run_ledger_keys(const Common& common);
int run_ledger_proof(const Common& common, const LedgerProofCommand& command);
int run_ledger_verify(const Common& common);
int run_ledger_report(const Common& common, const LedgerReportCommand& command);
// Evidence documents and directories of tiles, by the keys that the caller names and no others.
int run_verify_files(const Common& common, const VerifyCommand& command);

}  // namespace bongsu::cli
