// Real data for tests; not part of the repository.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace bongsu {

// The path, or empty when it is not there.
inline std::string shared_data(const std::string& name) {
  const char* set = std::getenv("BONGSU_SHARED_DATA");
  const std::string path = (set != nullptr ? std::string(set) : BONGSU_SOURCE_DIR "/../shared/data") + "/" + name;
  return std::filesystem::exists(path) ? path : "";
}

}  // namespace bongsu
