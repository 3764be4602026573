#include "detect/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "base/text.h"

namespace bongsu::detect {
namespace {

Address from_v4(std::uint32_t v4) {
  Address out;
  for (std::size_t i = 0; i < 4; ++i) out.bytes[i] = static_cast<std::uint8_t>(v4 >> (24 - 8 * i));
  return out;
}

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// An interface's name or number behind '%' (RFC 4007 §11).
bool is_zone(std::string_view text) {
  if (text.empty() || text.size() > 15) return false;
  for (const char c : text)
    if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '.' && c != '_' && c != '-')
      return false;
  return true;
}

// RFC 4291 §2.2.
bool parse_ipv6(std::string_view text, std::array<std::uint8_t, 16>& out) {
  if (text.size() < 2 || text.size() > 45) return false;
  std::uint16_t groups[8];
  int count = 0, gap = -1;
  std::size_t i = 0;
  if (text[0] == ':') {
    if (text[1] != ':') return false;
    gap = 0;
    i = 2;
    if (i == text.size()) {
      out.fill(0);
      return true;
    }
  }
  while (true) {
    if (count == 8) return false;
    std::size_t start = i;
    int value = 0, digits = 0;
    while (i < text.size() && hex_digit(text[i]) >= 0) {
      if (++digits > 4) break;
      value = value << 4 | hex_digit(text[i++]);
    }
    if (i < text.size() && text[i] == '.') {  // IPv4 at the end
      std::uint32_t v4;
      if (count > 6 || !parse_ipv4(text.substr(start), v4)) return false;
      groups[count++] = static_cast<std::uint16_t>(v4 >> 16);
      groups[count++] = static_cast<std::uint16_t>(v4);
      i = text.size();
      break;
    }
    if (digits == 0 || digits > 4) return false;
    groups[count++] = static_cast<std::uint16_t>(value);
    if (i == text.size()) break;
    if (text[i++] != ':') return false;
    if (i == text.size()) return false;
    if (text[i] == ':') {
      if (gap >= 0) return false;
      gap = count;
      if (++i == text.size()) break;
    }
  }
  if (gap < 0 ? count != 8 : count > 7) return false;
  out.fill(0);
  const int tail = gap < 0 ? 0 : count - gap;
  for (int g = 0; g < count; ++g) {
    const int at = gap >= 0 && g >= gap ? 8 - tail + (g - gap) : g;
    out[static_cast<std::size_t>(2 * at)] = static_cast<std::uint8_t>(groups[g] >> 8);
    out[static_cast<std::size_t>(2 * at + 1)] = static_cast<std::uint8_t>(groups[g]);
  }
  return true;
}

}  // namespace

bool parse_ipv4(std::string_view text, std::uint32_t& out) {
  if (text.size() < 7 || text.size() > 15) return false;
  std::uint32_t value = 0;
  const char* p = text.data();
  const char* end = p + text.size();
  for (int part = 0; part < 4; ++part) {
    if (p == end || *p < '0' || *p > '9') return false;
    std::uint32_t n = static_cast<std::uint32_t>(*p++ - '0');
    if (n != 0) {
      while (p != end && *p >= '0' && *p <= '9') {
        n = n * 10 + static_cast<std::uint32_t>(*p++ - '0');
        if (n > 255) return false;
      }
    }
    value = value << 8 | n;
    if (part < 3) {
      if (p == end || *p++ != '.') return false;
    }
  }
  if (p != end) return false;
  out = value;
  return true;
}

void Address::mask(int prefix_bits) {
  prefix = static_cast<std::uint8_t>(prefix_bits);
  for (int i = 0; i < bits() / 8; ++i) {
    const int left = prefix_bits - i * 8;
    if (left >= 8) continue;
    bytes[static_cast<std::size_t>(i)] &= left <= 0 ? 0 : static_cast<std::uint8_t>(0xff << (8 - left));
  }
}

std::string Address::text() const {
  if (!v6) {
    char out[20];
    char* p = out;
    const auto number = [&](int n) {
      if (n >= 100) *p++ = static_cast<char>('0' + n / 100);
      if (n >= 10) *p++ = static_cast<char>('0' + n / 10 % 10);
      *p++ = static_cast<char>('0' + n % 10);
    };
    for (std::size_t i = 0; i < 4; ++i) {
      if (i > 0) *p++ = '.';
      number(bytes[i]);
    }
    if (!single()) *p++ = '/', number(prefix);
    return {out, p};
  }
  char buffer[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer);
  return single() ? std::string(buffer) : fmt::format("{}/{}", buffer, prefix);
}

std::optional<Address> parse_address(std::string_view text) {
  if (std::uint32_t v4; parse_ipv4(text, v4)) return from_v4(v4);
  if (text.find(':') == text.npos) return std::nullopt;
  if (const std::size_t zone = text.find('%'); zone != text.npos) {
    if (!is_zone(text.substr(zone + 1))) return std::nullopt;
    text = text.substr(0, zone);
  }
  Address out;
  if (!parse_ipv6(text, out.bytes)) return std::nullopt;
  if (std::memcmp(out.bytes.data(), kMapped.data(), kMapped.size()) == 0) {
    Address v4;
    std::memcpy(v4.bytes.data(), out.bytes.data() + 12, 4);
    return v4;
  }
  out.v6 = true;
  out.prefix = 128;
  return out;
}

std::optional<Address> parse_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  auto out = parse_address(text.substr(0, slash));
  if (!out || slash == text.npos) return out;
  const bool written_v6 = text.substr(0, slash).find(':') != text.npos;
  const std::string_view digits = text.substr(slash + 1);
  int prefix = -1;
  const auto [p, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  if (ec != std::errc{} || p != digits.data() + digits.size() || prefix < 0) return std::nullopt;
  if (written_v6 && !out->v6) prefix -= 96;  // ::ffff:198.51.100.0/120
  if (prefix < 0 || prefix > out->bits()) return std::nullopt;
  out->mask(prefix);
  return out;
}

}  // namespace bongsu::detect
