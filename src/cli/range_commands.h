// bongsu range: the physics of the exercise range, without any node, so that anyone can check it against another program.
//
//   bongsu range powerflow case118.m                 what flows, in words
//   bongsu range powerflow case118.m --csv           every bus, an empty line, every branch
//   bongsu range powerflow case118.m --dc --q-limits --json
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
int run_range_powerflow(const PowerflowOptions& options, std::FILE* out, std::FILE* err);

}  // namespace bongsu::cli
