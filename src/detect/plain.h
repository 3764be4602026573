// Lines of plain lists: defanged values made whole again, kinds guessed, columns recognised.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "detect/indicator.h"

namespace bongsu::detect {

// "hxxp[:]//evil[.]example" → "http://evil.example". Undone: hxxp, hxxps, h**p, fxp; [.] (.) {.} [dot] (dot) " dot ",
// [at] (at) [@]; [:] [://] [/]; a backslash before a dot; angle brackets and quotes around the whole.
std::string refang(std::string_view text);

// The file-name expressions of signature-base ("\\wsvchost\.exe"): those without operators are paths or names that end
// so. kUnsupported for real expressions.
Result<Value> literal_file_expression(std::string_view expression);

// A value whose kind is said by a feed's type word ("ADDR", "FILE_HASH", "C2", "Intel::DOMAIN", "sha256", …).
// kUnsupported for type words we don't know; is_type_word tells without a value.
Result<Value> parse_typed(std::string_view type, std::string_view value);
bool is_type_word(std::string_view word);

}  // namespace bongsu::detect
