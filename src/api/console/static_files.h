// Serves the built page from memory: exact paths, ETags, gzip where the browser takes it; and the security headers of
// every answer.
#pragma once

#include <span>

#include "api/console/embedded_files.h"
#include "net/http.h"

namespace bongsu::api::console {

// GET and HEAD. 404 for unknown paths, 405 for other methods, 501 if there are no files at all.
net::Response serve_static(std::span<const StaticFile> files, const net::Request& request);

// Adds what every answer of the console carries: a policy that lets nothing in but the page's own files, and nothing
// frame it.
void add_security_headers(net::Response& response);

}  // namespace bongsu::api::console
