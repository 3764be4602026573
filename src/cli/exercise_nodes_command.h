// bongsu exercise run --nodes: a drill on real nodes of this machine (src/desk), one for exercise control and one for
// each team, played by people through the desk's API, by scripts, or by both.
//
//   bongsu exercise run SCENARIO --nodes --scripted good,slow,leaky --speed 60 --out drill3
//   bongsu exercise run --resume drill3                        again: goes on where it was, with what it began with
//
// Where people play, it stays after the drill's end for late grades, until it is stopped.
//
// Exit status: 0 the drill ended; 1 the scenario has mistakes or asks what the world lacks, or it was stopped before
// its end; 2 trouble.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace bongsu::cli {

struct ExerciseNodesOptions {
  std::string scenario, out;  // a scenario is not needed where `out` has a drill, and has to be the same
  std::string world, data;    // world.toml and its data; none: every order to the range is refused
  std::optional<double> speed;
  std::vector<std::string> scripted;  // policies by name or JSON file, in turn; a team without one, or "people": people
  std::optional<std::size_t> teams;   // clones of the only team; where there are several, their number
  std::optional<std::uint64_t> seed;
  std::uint16_t port = 0;
  std::string mail;          // smtp://HOST:PORT that takes the drill's mail
  std::string cap_post;      // URL that takes its CAP alerts
  bool accept_gaps = false;  // start though the world lacks what the scenario asks of it
  bool exit_at_end = false;  // also where people play
  bool baseline = false;     // the automatic blue team plays it, too, in this process and after the end
  bool wait = false, json = false, quiet = false;
};
int run_exercise_nodes(const ExerciseNodesOptions& options, std::FILE* out, std::FILE* err);

}  // namespace bongsu::cli
