#include "api/console/static_files.h"

#include <algorithm>
#include <string>

namespace bongsu::api::console {
namespace {

bool takes_gzip(const net::Request& request) {
  const std::string field = request.headers.joined("Accept-Encoding");
  std::string_view rest = field;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    std::string_view item = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t semicolon = item.find(';');
    std::string_view coding = item.substr(0, semicolon);
    while (!coding.empty() && coding.front() == ' ') coding.remove_prefix(1);
    while (!coding.empty() && coding.back() == ' ') coding.remove_suffix(1);
    if (coding != "gzip") continue;
    if (semicolon == std::string_view::npos) return true;
    const std::string_view q = item.substr(semicolon);
    return q.find_first_of("123456789") != std::string_view::npos;  // q=0, q=0.0 … refuse it
  }
  return false;
}

bool none_match(const net::Request& request, std::string_view etag) {
  const std::string field = request.headers.joined("If-None-Match");
  return field == "*" || field.find(etag) != std::string::npos;
}

}  // namespace

net::Response serve_static(std::span<const StaticFile> files, const net::Request& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    auto response = net::Response::text(405, "The console's files are read with GET.\n");
    response.headers.set("Allow", "GET, HEAD");
    return response;
  }
  if (files.empty())
    return net::Response::text(
        501,
        "This node was built without its console page: Node.js was not there when it was configured. "
        "Install nodejs and npm, configure and build again. The command line has everything.\n");
  const std::string_view path = request.path == "/index.html" ? std::string_view("/") : std::string_view(request.path);
  const auto file = std::ranges::find(files, path, &StaticFile::path);
  if (file == files.end()) return net::Response::text(404, "There is no such file in the console.\n");

  const bool gzip = !file->gzip.empty() && takes_gzip(request);
  const std::string etag = "\"" + std::string(file->etag) + (gzip ? "-gz\"" : "\"");
  auto response = net::Response::empty(200);
  response.headers.set("ETag", etag);
  response.headers.set("Vary", "Accept-Encoding");
  response.headers.set("Cache-Control", file->immutable ? "public, max-age=31536000, immutable" : "no-cache");
  if (none_match(request, etag)) {
    response.status = 304;
    return response;
  }
  response.headers.set("Content-Type", std::string(file->content_type));
  if (gzip) response.headers.set("Content-Encoding", "gzip");
  response.body = std::string(gzip ? file->gzip : file->body);
  return response;
}

void add_security_headers(net::Response& response) {
  response.headers.set("Content-Security-Policy",
                       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
                       "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
                       "require-trusted-types-for 'script'; trusted-types svelte-trusted-html");
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("X-Frame-Options", "DENY");
  response.headers.set("Referrer-Policy", "no-referrer");
  response.headers.set("Cross-Origin-Opener-Policy", "same-origin");
  response.headers.set("Cross-Origin-Resource-Policy", "same-origin");
  response.headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  response.headers.set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), usb=(), payment=()");
}

}  // namespace bongsu::api::console
