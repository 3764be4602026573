// What this node tells its partners of charter and agreements, and takes from them.
#pragma once

#include "link/trust_exchange.h"
#include "node/registry.h"

namespace bongsu::node {

// `registry` outlives what is made of it.
link::TrustBooks trust_books(Registry& registry);

}  // namespace bongsu::node
