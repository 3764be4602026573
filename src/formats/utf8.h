// Is a text UTF-8? (simdjson checks, 32 bytes at once.)
#pragma once

#include <string_view>

namespace bongsu::formats {

bool is_utf8(std::string_view text);

}  // namespace bongsu::formats
