// bongsu range: the physics of the exercise range, without any node, so that anyone can check it against another program.
//
//   bongsu range powerflow case118.m                 what flows, in words
//   bongsu range powerflow case118.m --csv           every bus, an empty line, every branch
//   bongsu range powerflow case118.m --dc --q-limits --json
//   bongsu range contingency case118.m               each branch out in turn: what is cut off, which limits break
//   bongsu range contingency case118.m --csv
//
// Exit status: 0 solved, 1 not solved (the reason is said), 2 trouble (no such file, no case).
#pragma once

#include <cstdio>
#include <string>

namespace bongsu::cli {

struct PowerflowOptions {
  std::string file;         // a MATPOWER case; "-" = standard input
  bool dc = false;          // angles only
  bool q_limits = false;    // hold generators' reactive limits
  bool flat = false;        // start at 1 pu and 0°, not at the case's voltages
  double tolerance_pu = 1e-10;
  bool csv = false, json = false;
};
struct ContingencyCommand {
  std::string file;
  bool csv = false, json = false, quiet = false;
};

int run_range_powerflow(const PowerflowOptions& options, std::FILE* out, std::FILE* err);
// 0 every outage has a solution and breaks no limit, 1 some does not, 2 trouble.
int run_range_contingency(const ContingencyCommand& command, std::FILE* out, std::FILE* err);

}  // namespace bongsu::cli
