// The endpoints of TAXII 2.1 §3.1 as paths.
//
//   route("/api1/collections/shared/objects/", "api1") → {.endpoint = Endpoint::kObjects, .collection = "shared"}
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bongsu::api {

enum class Endpoint {
  kDiscovery,    // /taxii2/                                               §4.1
  kApiRoot,      // /{api-root}/                                           §4.2
  kStatus,       // /{api-root}/status/{status-id}/                        §4.3
  kCollections,  // /{api-root}/collections/                               §5.1
  kCollection,   // /{api-root}/collections/{id}/                          §5.2
  kManifest,     // /{api-root}/collections/{id}/manifest/                 §5.3
  kObjects,      // /{api-root}/collections/{id}/objects/                  §5.4, §5.5
  kObject,       // /{api-root}/collections/{id}/objects/{object-id}/      §5.6, §5.7
  kVersions,     // …/objects/{object-id}/versions/                        §5.8
};

struct Route {
  Endpoint endpoint = Endpoint::kDiscovery;
  std::string collection;  // id or alias, percent-decoded
  std::string object_id;
  std::string status_id;
};

// nullopt: no such endpoint. A path without the trailing slash is none (§3.1).
std::optional<Route> route(std::string_view path, std::string_view api_root);

// For the Allow header: "GET, HEAD, POST, OPTIONS".
std::string_view allowed_methods(Endpoint endpoint);

}  // namespace bongsu::api
