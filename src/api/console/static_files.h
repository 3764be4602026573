// The built page, served from memory: exact paths, ETags, gzip where the browser takes it.
//
// The files come from the build (console/CMakeLists.txt turns console/dist into the object that defines
// embedded_files()).
#pragma once

#include <span>
#include <string_view>

#include "net/http.h"

namespace bongsu::api::console {

struct StaticFile {
  std::string_view path;  // "/", "/assets/index-3fa9.js"
  std::string_view content_type;
  std::string_view etag;   // SHA-256 of the body, hex, without quotes
  bool immutable = false;  // its name holds a hash of its content
  std::string_view body;
  std::string_view gzip;  // empty: not worth it
};

// Defined by the generated object of target bongsu_console_assets; empty when the console was not built.
std::span<const StaticFile> embedded_files();

// GET and HEAD. 404 for unknown paths, 405 for other methods, 501 if there are no files at all.
net::Response serve_static(std::span<const StaticFile> files, const net::Request& request);

// Adds what every answer of the console carries: a policy that lets nothing in but the page's own files, and nothing
// frame it.
void add_security_headers(net::Response& response);

}  // namespace bongsu::api::console
