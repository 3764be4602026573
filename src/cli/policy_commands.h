// bongsu policy decide, bongsu why: would this member get this object, and by which rule, agreement and version.
#pragma once

#include <cstdio>
#include <string>

#include "cli/node_commands.h"

namespace bongsu::cli {

struct DecideCommand {
  std::string object;      // a file: one STIX object, or a bundle with it first and its marking definitions
  std::string member;
  std::string purpose = "operations";
  std::string state;       // a file (policy/state_file.h); empty: the node's own state
  std::string collection = "shared";  // alias on the node; with a state file its id there
  std::string origin;      // with a state file: who gave the object; empty: this node
  std::string at;          // with a state file: the time; empty: now
  bool redact = false;     // with a state file: as a caller who can leave parts out
  bool explain = false;
  bool json = false;
};

// Exit: 0 it flows (whole or in part), 1 it does not, 2 trouble.
int run_policy_decide(const Common& common, const DecideCommand& command);
int decide_on_state_file(const DecideCommand& command, std::FILE* out, std::FILE* err);
int run_why(const Common& common, const std::string& object, const std::string& member);

}  // namespace bongsu::cli
