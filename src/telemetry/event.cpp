#include "telemetry/event.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/text.h"

namespace bongsu::telemetry {
namespace {

// Four hexadecimal digits at `at`; -1 when they are not there.
int hex4(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return -1;
  int out = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const int digit = hex_digit(text[at + i]);
    if (digit < 0) return -1;
    out = out << 4 | digit;
  }
  return out;
}

std::optional<Instant> parse_epoch(std::string_view text) {
  Instant out;
  const char* end = text.data() + text.size();
  auto [p, ec] = std::from_chars(text.data(), end, out.seconds);
  if (ec != std::errc{} || out.seconds < 0 || out.seconds > 253402300799) return std::nullopt;
  if (p == end) return out;
  if (*p++ != '.' || p == end) return std::nullopt;
  std::int32_t scale = 100'000'000;
  for (; p != end; ++p) {
    if (*p < '0' || *p > '9') return std::nullopt;
    out.nanos += (*p - '0') * scale;
    scale /= 10;
  }
  return out;
}

}  // namespace

void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

void unescape_json(std::string_view raw, std::string& out) {
  out.clear();
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size();) {
    const std::size_t slash = std::min(raw.find('\\', i), raw.size());
    out.append(raw, i, slash - i);
    i = slash;
    if (i + 1 >= raw.size()) break;
    const char c = raw[i + 1];
    i += 2;
    switch (c) {
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'u': {
        int unit = hex4(raw, i);
        if (unit < 0) {
          append_utf8(out, 0xfffd);
          break;
        }
        i += 4;
        std::uint32_t code = static_cast<std::uint32_t>(unit);
        if (code >= 0xd800 && code < 0xdc00 && i + 1 < raw.size() && raw[i] == '\\' && raw[i + 1] == 'u') {
          const int low = hex4(raw, i + 2);
          if (low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + static_cast<std::uint32_t>(low - 0xdc00);
            i += 6;
          }
        }
        append_utf8(out, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
        break;
      }
      default:
        out += c;
    }
  }
}

void unescape_zeek(std::string_view raw, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\' && i + 3 < raw.size() && raw[i + 1] == 'x') {
      const int high = hex_digit(raw[i + 2]), low = hex_digit(raw[i + 3]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high << 4 | low);
        i += 3;
        continue;
      }
    }
    if (raw[i] == '\\' && i + 1 < raw.size() && raw[i + 1] == '\\') ++i;
    out += raw[i];
  }
}

void unescape_cef(std::string_view raw, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const char next = raw[i] == '\\' && i + 1 < raw.size() ? raw[i + 1] : '\0';
    if (next == '\\' || next == '=' || next == '|')
      out += raw[++i];
    else if (next == 'n' || next == 'r')
      out += next == 'n' ? '\n' : '\r', ++i;
    else
      out += raw[i];
  }
}

void unescape_quoted(std::string_view raw, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\' && i + 1 < raw.size() && (raw[i + 1] == '\\' || raw[i + 1] == '"' || raw[i + 1] == ']')) ++i;
    out += raw[i];
  }
}

void unescape_csv(std::string_view raw, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '"' && i + 1 < raw.size() && raw[i + 1] == '"') ++i;
    out += raw[i];
  }
}

std::optional<Instant> parse_event_time(std::string_view text) {
  if (text.empty() || text.size() > 40) return std::nullopt;
  if ((text.size() == 13 || text.size() == 16 || text.size() == 19) &&
      std::all_of(text.begin(), text.end(), is_digit)) {
    std::int64_t count = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), count).ec != std::errc{}) return std::nullopt;
    return Instant::from_nanos(text.size() == 13 ? count * 1'000'000 : text.size() == 16 ? count * 1'000 : count);
  }
  if (text.size() < 11 || text[4] != '-') return parse_epoch(text);
  if (auto exact = Instant::parse(text)) return exact;
  std::string form(text);
  if (form[10] == ' ') form[10] = 'T';
  const char last = form.back();
  const std::size_t sign = form.find_last_of("+-");
  if (sign != form.npos && sign > 10 && form.size() == sign + 5) {
    form.insert(sign + 3, ":");
  } else if (last != 'Z' && (sign == form.npos || sign <= 10)) {
    form += 'Z';
  }
  return Instant::parse(form);
}

std::optional<Instant> EventView::time() const {
  const Leaf* best = nullptr;
  for (const Leaf& leaf : leaves)
    if (leaf.role >= Role::kTime && leaf.role <= Role::kTimeThird && (best == nullptr || leaf.role < best->role))
      best = &leaf;
  if (best == nullptr) return std::nullopt;
  std::string scratch;
  return parse_event_time(text(*best, scratch));
}

std::string_view EventView::text(const Leaf& leaf, std::string& scratch) const {
  switch (leaf.escape) {
    case Leaf::Escape::kNone:
      return leaf.raw();
    case Leaf::Escape::kJson:
      if (std::memchr(leaf.value, '\\', leaf.size) == nullptr) return leaf.raw();
      unescape_json(leaf.raw(), scratch);
      return scratch;
    case Leaf::Escape::kZeek:
      unescape_zeek(leaf.raw(), scratch);
      return scratch;
    case Leaf::Escape::kCef:
      unescape_cef(leaf.raw(), scratch);
      return scratch;
    case Leaf::Escape::kQuoted:
      unescape_quoted(leaf.raw(), scratch);
      return scratch;
    case Leaf::Escape::kCsv:
      unescape_csv(leaf.raw(), scratch);
      return scratch;
  }
  return leaf.raw();
}

std::string EventView::path(const Leaf& leaf) const {
  std::string out;
  std::vector<std::string_view> parts{{leaf.key, leaf.key_size}};
  for (std::uint16_t node = leaf.parent; node != 0; node = nodes[node].parent)
    parts.emplace_back(nodes[node].key, nodes[node].key_size);
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (!out.empty()) out += '.';
    out += *part;
  }
  return out;
}

}  // namespace bongsu::telemetry
