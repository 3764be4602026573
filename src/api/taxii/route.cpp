#include "api/taxii/route.h"

#include <vector>

#include "net/http.h"

namespace bongsu::api {

std::optional<Route> route(std::string_view path, std::string_view api_root) {
  if (path.size() < 2 || path.front() != '/' || path.back() != '/') return std::nullopt;
  std::vector<std::string> parts;
  for (std::size_t at = 1; at < path.size();) {
    const std::size_t slash = path.find('/', at);
    auto part = net::percent_decode(path.substr(at, slash - at));
    if (!part || part->empty() || parts.size() == 6) return std::nullopt;
    parts.push_back(std::move(*part));
    at = slash + 1;
  }

  const std::size_t n = parts.size();
  if (parts[0] == "taxii2" && n == 1) return Route{.endpoint = Endpoint::kDiscovery};
  if (parts[0] != api_root) return std::nullopt;
  if (n == 1) return Route{.endpoint = Endpoint::kApiRoot};
  if (parts[1] == "status" && n == 3) return Route{.endpoint = Endpoint::kStatus, .status_id = parts[2]};
  if (parts[1] != "collections") return std::nullopt;
  if (n == 2) return Route{.endpoint = Endpoint::kCollections};
  Route out{.endpoint = Endpoint::kCollection, .collection = parts[2]};
  if (n == 3) return out;
  if (parts[3] == "manifest" && n == 4) {
    out.endpoint = Endpoint::kManifest;
    return out;
  }
  if (parts[3] != "objects") return std::nullopt;
  out.endpoint = Endpoint::kObjects;
  if (n == 4) return out;
  out.endpoint = Endpoint::kObject;
  out.object_id = parts[4];
  if (n == 5) return out;
  if (parts[5] != "versions") return std::nullopt;
  out.endpoint = Endpoint::kVersions;
  return out;
}

std::string_view allowed_methods(Endpoint endpoint) {
  if (endpoint == Endpoint::kObjects) return "GET, HEAD, POST, OPTIONS";
  if (endpoint == Endpoint::kObject) return "GET, HEAD, DELETE, OPTIONS";
  return "GET, HEAD, OPTIONS";
}

}  // namespace bongsu::api
