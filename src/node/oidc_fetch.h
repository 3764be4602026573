// How a node asks its OpenID provider: HTTPS by the system's authorities or those of oidc.ca_file, no redirects,
// bounded.
#pragma once

#include <memory>

#include "identity/oidc_login.h"
#include "node/config.h"

namespace bongsu::node {

// nullptr: none is configured. kInvalid, kNotFound: what is wrong with [oidc].
Result<std::unique_ptr<identity::OidcLogin>> make_oidc_login(const NodeConfig& config, const Clock& clock,
                                                             Random& random);

}  // namespace bongsu::node
