#include "detect/sigma/value.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "detect/sigma/fold.h"
#include "formats/yaml.h"

namespace bongsu::detect::sigma {

std::optional<double> number_of(std::string_view text) {
  const auto canonical = formats::canonical_number(text);
  if (!canonical) return std::nullopt;
  double out = 0;
  std::from_chars(canonical->data(), canonical->data() + canonical->size(), out);
  return out;
}

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

Pattern Pattern::parse(std::string_view text) {
  Pattern out;
  std::string plain;
  const auto flush = [&] {
    if (!plain.empty()) out.add({Part::Kind::kText, std::move(plain)});
    plain.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size() && (text[i + 1] == '*' || text[i + 1] == '?' || text[i + 1] == '\\')) {
      plain += text[++i];
    } else if (c == '*' || c == '?') {
      flush();
      out.add({c == '*' ? Part::Kind::kMany : Part::Kind::kOne, {}});
    } else {
      plain += c;
    }
  }
  flush();
  return out;
}

Pattern Pattern::plain(std::string text) {
  Pattern out;
  if (!text.empty()) out.add({Part::Kind::kText, std::move(text)});
  return out;
}

void Pattern::add(Part part) {
  if (part.kind == Part::Kind::kText && part.text.empty()) return;
  if (!parts.empty()) {
    if (part.kind == Part::Kind::kText && parts.back().kind == Part::Kind::kText) {
      parts.back().text += part.text;
      return;
    }
    if (part.kind == Part::Kind::kMany && parts.back().kind == Part::Kind::kMany) return;
  }
  parts.push_back(std::move(part));
}

void Pattern::append(const Pattern& other) {
  for (const Part& part : other.parts) add(part);
}

bool Pattern::has(Part::Kind kind) const {
  return std::ranges::any_of(parts, [&](const Part& part) { return part.kind == kind; });
}

bool Pattern::special() const {
  return std::ranges::any_of(parts, [](const Part& part) { return part.kind != Part::Kind::kText; });
}

Pattern Pattern::with_placeholders() const {
  Pattern out;
  for (const Part& part : parts) {
    if (part.kind != Part::Kind::kText) {
      out.add(part);
      continue;
    }
    const std::string& text = part.text;
    std::string plain;
    for (std::size_t i = 0; i < text.size();) {
      if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '%') {
        plain += '%';
        i += 2;
        continue;
      }
      if (text[i] == '%') {
        std::size_t end = i + 1;
        while (end < text.size() && (is_word_character(text[end]) || text[end] == '-')) ++end;
        if (end > i + 1 && end < text.size() && text[end] == '%') {
          out.add({Part::Kind::kText, std::move(plain)});
          plain.clear();
          out.add({Part::Kind::kPlaceholder, text.substr(i + 1, end - i - 1)});
          i = end + 1;
          continue;
        }
      }
      plain += text[i++];
    }
    out.add({Part::Kind::kText, std::move(plain)});
  }
  return out;
}

std::string Pattern::written() const {
  std::string out;
  for (const Part& part : parts) {
    switch (part.kind) {
      case Part::Kind::kText:
        for (const char c : part.text) {
          if (c == '*' || c == '?') out += '\\';
          out += c;
        }
        break;
      case Part::Kind::kMany:
        out += '*';
        break;
      case Part::Kind::kOne:
        out += '?';
        break;
      case Part::Kind::kDash:
        out += '-';
        break;
      case Part::Kind::kPlaceholder:
        out += '%' + part.text + '%';
        break;
    }
  }
  return out;
}

std::string Pattern::text() const {
  std::string out;
  for (const Part& part : parts) out += part.text;
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= n ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::vector<std::string> base64_offsets(std::string_view bytes) {
  // `offset` bytes stand before: the digits that hold any of their bits are left out, as are those at the end that
  // would hold bits of what follows.
  std::vector<std::string> out;
  for (std::size_t offset = 0; offset < 3; ++offset) {
    const std::string all = base64(std::string(offset, '\0') + std::string(bytes));
    const std::size_t first = (offset * 8 + 5) / 6;
    const std::size_t last = (offset + bytes.size()) * 8 / 6;
    out.push_back(last > first ? all.substr(first, last - first) : std::string());
  }
  return out;
}

Result<std::string> utf16(std::string_view text, bool big_endian) {
  std::string out;
  const auto unit = [&](std::uint32_t value) {
    const char high = static_cast<char>(value >> 8), low = static_cast<char>(value & 0xff);
    out += big_endian ? high : low;
    out += big_endian ? low : high;
  };
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = character_size(text, i);
    const auto lead = static_cast<unsigned char>(text[i]);
    if (size == 1 && lead >= 0x80) return fail(ErrorCode::kInvalid, "the value is not UTF-8");
    const std::uint32_t code = code_of(text.substr(i, size));
    if (code >= 0x10000) {
      unit(0xd800 + ((code - 0x10000) >> 10));
      unit(0xdc00 + ((code - 0x10000) & 0x3ff));
    } else {
      unit(code);
    }
    i += size;
  }
  return out;
}

}  // namespace bongsu::detect::sigma
