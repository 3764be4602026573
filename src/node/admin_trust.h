// Charter and signed agreements as the admin socket tells them.
#pragma once

#include "base/json.h"
#include "node/registry.h"

namespace bongsu::node {

inline constexpr std::size_t kMaxCharterDocuments = 64;  // in one request

// Each with its words, who signed, and whether it is in force now (else why not).
JsonArray signed_agreements_json(const Registry& registry);

}  // namespace bongsu::node
