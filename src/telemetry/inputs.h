// Which files a command line means: files as they are, directories with everything below them, "-" for standard input.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace bongsu::telemetry {

inline constexpr std::size_t kMaxInputFiles = 1'000'000;

struct Inputs {
  std::vector<std::string> files;  // in order; those of a directory sorted by name
  std::uint64_t bytes = 0;         // on disk; standard input and pipes count 0
  std::vector<Error> errors;       // paths that are not there or cannot be listed
};

// Hidden files and directories below a named directory are left out; symbolic links to directories are not followed.
Inputs find_inputs(const std::vector<std::string>& paths);

}  // namespace bongsu::telemetry
