// Content negotiation of TAXII (TAXII 2.1 §1.6.8, §3.1) over RFC 9110 §12.5.1.
//
// This server speaks one version, 2.1. An Accept field is satisfied if its most specific range that matches
// "application/taxii+json;version=2.1" has a q above 0; the version parameter may be absent, parameters that we do not
// know do not count, and a request without the field takes anything (RFC 9110 §12.5.1).
#pragma once

#include <string_view>

#include "net/http.h"

namespace bongsu::api {

inline constexpr std::string_view kTaxiiMediaType = "application/taxii+json;version=2.1";

// `stix_too`: the manifest's table also names application/stix+json;version=2.1 (TAXII 2.1 §5.3), which therefore must
// not result in a 406.
bool accepts_taxii(const net::Headers& headers, bool stix_too);

// Whether the request's body is declared as TAXII 2.1 and not compressed.
bool has_taxii_content(const net::Headers& headers);

}  // namespace bongsu::api
