// What is looked at before TOML text goes to the parser: toml++ 3.3 has undefined behaviour on some characters beyond ASCII in bare
// keys, so bytes beyond ASCII are let through in strings and comments only, where TOML 1.0 wants them anyway.
#pragma once

#include <string_view>

#include "base/result.h"

namespace bongsu {

// kInvalid with the line of the first byte beyond ASCII that stands outside strings and comments.
Result<void> check_toml_text(std::string_view toml, std::string_view source);

}  // namespace bongsu
