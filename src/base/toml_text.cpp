#include "base/toml_text.h"

#include <fmt/format.h>

namespace bongsu {

Result<void> check_toml_text(std::string_view toml, std::string_view source) {
  enum class In { kOutside, kComment, kBasic, kLiteral, kBasicLines, kLiteralLines } in = In::kOutside;
  std::uint64_t line = 1;
  for (std::size_t i = 0; i < toml.size(); ++i) {
    const char c = toml[i];
    if (c == '\n') ++line;
    switch (in) {
      case In::kOutside:
        if (static_cast<unsigned char>(c) >= 0x80)
          return fail(ErrorCode::kInvalid, "a character beyond ASCII stands outside quotes and comments",
                      {.source = std::string(source), .line = line});
        if (c == '#') in = In::kComment;
        if (c == '"' || c == '\'') {
          const bool lines = toml.substr(i, 3) == (c == '"' ? "\"\"\"" : "'''");
          in = c == '"' ? (lines ? In::kBasicLines : In::kBasic) : (lines ? In::kLiteralLines : In::kLiteral);
          if (lines) i += 2;
        }
        break;
      case In::kComment:
        if (c == '\n') in = In::kOutside;
        break;
      case In::kBasic:
        if (c == '\\' && i + 1 < toml.size() && toml[i + 1] != '\n')
          ++i;
        else if (c == '"' || c == '\n')
          in = In::kOutside;
        break;
      case In::kLiteral:
        if (c == '\'' || c == '\n') in = In::kOutside;
        break;
      case In::kBasicLines:
        if (c == '\\' && i + 1 < toml.size() && toml[i + 1] != '\n')
          ++i;
        else if (toml.substr(i, 3) == "\"\"\"")
          in = In::kOutside, i += 2;
        break;
      case In::kLiteralLines:
        if (toml.substr(i, 3) == "'''") in = In::kOutside, i += 2;
        break;
    }
  }
  return {};
}

std::string toml_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out.append({'\\', c});
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out + '"';
}

}  // namespace bongsu
