// The normal form of a URL (RFC 3986 §6.2.2–6.2.3) and its host.
#pragma once

#include <string>
#include <string_view>

namespace bongsu::detect {

// Writes the normal form to `out`: scheme and host in lower case, IDNA A-labels, no default port, percent-encoding with
// upper-case digits and only where needed, no dot segments, "/" for an empty path, no fragment. nullptr, or what is
// wrong.
const char* normalise_url(std::string_view text, std::string& out);

// The host of a URL as it is written: without user, port and brackets; empty when there is none.
std::string_view url_host(std::string_view url);

// Lower case without a trailing dot, A-labels (IDNA 2008 with UTS 46 mapping). nullptr, or what is wrong with it.
const char* normalise_host(std::string_view text, std::string& out);

}  // namespace bongsu::detect
