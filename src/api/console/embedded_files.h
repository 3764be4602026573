// The built page as the build leaves it in the binary (console/CMakeLists.txt, console/embed.mjs).
#pragma once

#include <span>
#include <string_view>

namespace bongsu::api::console {

struct StaticFile {
  std::string_view path;  // "/", "/assets/index-3fa9.js"
  std::string_view content_type;
  std::string_view etag;   // SHA-256 of the body, hex, without quotes
  bool immutable = false;  // its name holds a hash of its content
  std::string_view body;
  std::string_view gzip;  // empty: not worth it
};

// Defined by target bongsu_console_assets; empty when the page was not built.
std::span<const StaticFile> embedded_files();
// Likewise the pages of an exercise's desk.
std::span<const StaticFile> embedded_desk_files();

}  // namespace bongsu::api::console
