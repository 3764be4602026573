// What a TAXII server's refusal means to us, with its own words. Not for other modules.
#pragma once

#include <string>

#include "base/result.h"
#include "net/client.h"

namespace bongsu::link {

std::unexpected<Error> taxii_refusal(const net::ClientResponse& response, const std::string& url);

}  // namespace bongsu::link
