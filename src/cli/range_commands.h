// bongsu range: the physics of the exercise range, without any node, so that anyone can check it against another program.
//
//   bongsu range powerflow case118.m                 what flows, in words
//   bongsu range powerflow case118.m --csv           every bus, an empty line, every branch
//   bongsu range powerflow case118.m --dc --q-limits --json
//   bongsu range contingency case118.m               each branch out in turn: what is cut off, which limits break
//   bongsu range contingency case118.m --csv
//   bongsu range build-grid --from grid-europe/ --countries LT,UA,PL -o lt-ua-pl.m
//   bongsu range run lt-ua-pl.m --seed 7 --hours 24 --outages 20
//
// Exit status: 0 solved, 1 not solved (the reason is said), 2 trouble (no such file, no case).
#pragma once

#include <cstdio>
#include <cstdint>
#include <string>
#include <vector>

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


struct BuildGridCommand {
  std::string from;                    // directory of buses.csv, lines.csv, transformers.csv, generators.csv
  std::vector<std::string> countries;  // also "LT,UA"
  std::vector<std::string> loads;      // LT=1400: MW in place of the estimate
  std::string out = "-";
};
int run_range_build_grid(const BuildGridCommand& command, std::FILE* out, std::FILE* err);

struct RangeRunCommand {
  std::string file;
  std::uint64_t seed = 1;
  double hours = 1, step_s = 10;
  double outages = 0;         // branches that go out at random, a day
  double hidden_failure = 0;  // of branches beside one that trips
  double swing = 0.15;        // of demand over a day, lowest at four in the morning
  bool dc = false, json = false, quiet = false;
};
// 0 nothing lost, 1 load was shed or lost, 2 trouble.
int run_range_run(const RangeRunCommand& command, std::FILE* out, std::FILE* err);

}  // namespace bongsu::cli
