// The first lines of a response as bytes (RFC 9112 §4, RFC 9110 §6.6.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "net/http.h"

namespace bongsu::net {

struct HeadFacts {
  bool keep_alive = true;
  bool chunked = false;  // Transfer-Encoding: chunked
  std::optional<std::uint64_t>
      content_length;  // or this; neither for 204 and 304, and bodies that end with the connection
};

// Appends the head with its last empty line. Date is added unless the response has one; framing and Connection fields
// of the handler are left out, they are the server's. False (and nothing appended) for a field that would break the
// framing: a name that is no token, a value with control characters.
bool append_head(std::string& out, const Response& response, const HeadFacts& facts, Instant now);

std::string http_date(Instant now);  // IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT"

}  // namespace bongsu::net
