// UTF-8 (RFC 3629), octet by octet. Long texts that are mostly good are checked faster by formats/utf8.h.
#pragma once

#include <cstddef>
#include <string_view>

namespace bongsu {

// Where the first octet stands that belongs to no character; text.size() when there is none.
std::size_t first_bad_octet(std::string_view text);

}  // namespace bongsu
