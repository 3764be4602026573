// bongsu range run WORLD.toml: a world lives, with orders from a file; what happens, because of what, and what it came to.
//
//   bongsu range run samples/exercise/world-sample/world.toml --seed 7 --until 24h --orders attack.csv
//   bongsu range run samples/exercise/world-lt-ua/world.toml --data /path/to/data --list | grep breaker
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "base/result.h"
#include "exercise/range/world_config.h"

namespace bongsu::cli {

struct RangeWorldCommand {
  std::string file, data, orders, until = "1h";
  std::uint64_t seed = 1;
  bool list = false, json = false, quiet = false;
};
// 0 nothing lost, 1 load, circuits or trains were, 2 trouble.
int run_range_world(const RangeWorldCommand& command, std::FILE* out, std::FILE* err);

// The description and what it names: beside it, else below `data`.
Result<exercise::WorldConfig> load_world(const std::string& file, const std::string& data);

}  // namespace bongsu::cli
