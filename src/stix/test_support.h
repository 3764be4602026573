// For the tests of this module: the shared data, and objects written briefly.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "base/places_test_support.h"

namespace bongsu::stix {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string uuid_of(std::string_view type) {
  // One UUID a type: version and variant right, and the tests can tell them apart.
  std::string uuid = "0a000000-0000-4000-8000-000000000000";
  std::size_t at = 2;
  for (const char c : type) {
    if (uuid[at] == '-' || at == 14 || at == 19) ++at;
    uuid[at] = "0123456789abcdef"[static_cast<unsigned char>(c) % 16];
    if (++at >= uuid.size()) at = 2;
  }
  uuid[8] = uuid[13] = uuid[18] = uuid[23] = '-';
  uuid[14] = '4';
  uuid[19] = '8';
  return uuid;
}

inline std::string id_of(std::string_view type) { return std::string(type) + "--" + uuid_of(type); }

// {"type":…,"id":…,"spec_version":"2.1","created":…,"modified":…,<properties>}
inline std::string versioned(std::string_view type, std::string_view properties) {
  return "{\"type\":\"" + std::string(type) + "\",\"spec_version\":\"2.1\",\"id\":\"" + id_of(type) +
         "\",\"created\":\"2020-01-01T00:00:00.000Z\",\"modified\":\"2020-01-01T00:00:00.000Z\"" +
         (properties.empty() ? "" : ",") + std::string(properties) + "}";
}

// {"type":…,"id":…,<properties>}
inline std::string plain(std::string_view type, std::string_view properties) {
  return "{\"type\":\"" + std::string(type) + "\",\"id\":\"" + id_of(type) + "\"" + (properties.empty() ? "" : ",") +
         std::string(properties) + "}";
}

}  // namespace bongsu::stix
