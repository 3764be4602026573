// The strict readings of values that go into enforcement documents. Each gives the value in its canonical spelling and
// in a known alphabet, or nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bongsu::formats {

struct Block {
  std::array<std::uint8_t, 16> bytes{};  // the first four for IPv4
  bool v6 = false;
  int prefix = 0;
  bool whole() const { return prefix == (v6 ? 128 : 32); }  // a single address
  std::string text() const;                                 // [0-9a-f.:/]; without the prefix for a single address
  std::string address() const;                              // without the prefix
};
// An address or CIDR block of that version; host bits are cleared.
std::optional<Block> read_block(std::string_view text, bool v6);

// Two labels or more of [a-z0-9_-], at most 63 bytes each, 253 together; the last is not of digits alone. Lower case.
std::optional<std::string> read_domain(std::string_view text);

// http or https; host a domain or an address; path and query in RFC 3986's characters without ' ( ) * and the like:
// [A-Za-z0-9._~:/?@!$&+,;=%-].
struct HttpUrl {
  bool https = false;
  std::string host;    // [a-z0-9._-] or an address ([…] around IPv6)
  int port = 0;        // 0: the scheme's own
  std::string target;  // begins with '/'
  std::string host_and_port() const;
};
std::optional<HttpUrl> read_url(std::string_view text);

// Hexadecimal digits of this number, in lower case.
std::optional<std::string> read_hex(std::string_view text, std::size_t digits);
// [A-Za-z0-9.!#%&*+/=?^_{|}~-]@domain.
std::optional<std::string> read_email(std::string_view text);
// Printable ASCII, no blank at either end.
std::optional<std::string> read_printable(std::string_view text, std::size_t most);

}  // namespace bongsu::formats
