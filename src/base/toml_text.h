// TOML text, before it is read and while it is written.
//
// What goes to the parser is looked at first: toml++ 3.3 has undefined behaviour on some characters beyond ASCII in
// bare keys, so bytes beyond ASCII are let through in strings and comments only, where TOML 1.0 wants them anyway.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace bongsu {

// kInvalid with the line of the first byte beyond ASCII that stands outside strings and comments.
Result<void> check_toml_text(std::string_view toml, std::string_view source);

// A basic string in quotes (TOML 1.0, String), on one line: whatever `text` holds, the parser reads `text` back, as
// long as it is UTF-8.
std::string toml_quoted(std::string_view text);

}  // namespace bongsu
