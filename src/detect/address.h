// IP addresses as bytes: strict reading, CIDR blocks, text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bongsu::detect {

struct Address {
  std::array<std::uint8_t, 16> bytes{};  // IPv4: the first four
  bool v6 = false;
  std::uint8_t prefix = 32;  // 32 or 128 for a single address

  int bits() const { return v6 ? 128 : 32; }
  bool single() const { return prefix == bits(); }
  // Clears the bits behind the prefix.
  void mask(int prefix_bits);
  std::string text() const;  // RFC 5952; "/24" after a block
  bool operator==(const Address&) const = default;
};

// "198.51.100.7": four decimal numbers, no leading zeros. IPv6 by RFC 4291 §2.2, a zone ("%eth0") is dropped. IPv4
// inside
// ::ffff:0:0/96 comes out as IPv4. nullopt for anything else.
std::optional<Address> parse_address(std::string_view text);
// An address, or one with "/prefix"; host bits are cleared.
std::optional<Address> parse_cidr(std::string_view text);
// The IPv4 form alone; fast.
bool parse_ipv4(std::string_view text, std::uint32_t& out);

}  // namespace bongsu::detect
