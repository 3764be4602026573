// What the texts of this module are made of: lines, decimal numbers, base64 hashes, UTF-8 without control characters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/merkle.h"

namespace bongsu::ledger {

bool is_note_text(std::string_view text);  // valid UTF-8, no control character below U+0020 but newline
char32_t next_code_point(std::string_view valid_utf8, std::size_t& at);
bool is_unicode_space(char32_t c);  // White_Space of the Unicode Character Database

// ASCII decimal without leading zeroes; nullopt for anything else and for what does not fit.
std::optional<std::uint64_t> parse_decimal(std::string_view text);
std::optional<Hash> parse_hash(std::string_view base64);
std::string hash_text(const Hash& hash);  // base64

// Takes one line without its newline; nullopt when there is no newline any more.
std::optional<std::string_view> take_line(std::string_view& rest);

}  // namespace bongsu::ledger
