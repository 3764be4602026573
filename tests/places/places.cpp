#include <cstdlib>
#include <filesystem>

#include "base/places_test_support.h"

namespace bongsu {

std::string source_dir() { return BONGSU_SOURCE_DIR; }

std::string shared_data(std::string_view name) {
  const char* set = std::getenv("BONGSU_SHARED_DATA");
  const std::string path = (set != nullptr ? std::string(set) : source_dir() + "/../shared/data").append("/").append(name);
  return std::filesystem::exists(path) ? path : "";
}

}  // namespace bongsu
