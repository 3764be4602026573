// How a normal form is stored and hashed in the index.
//
// Addresses and hashes are kept as bytes (an address block as network and prefix length), everything else as its text.
// Domains are hashed label by label from the right and Windows paths component by component, so that all suffixes of a
// value come out of one pass. Every hash carries the index's own random seed: nobody outside can choose values that
// collide.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "detect/address.h"
#include "detect/indicator.h"

namespace bongsu::detect {

struct Seeds {
  explicit Seeds(std::uint64_t seed);
  std::uint64_t of[kKinds];
  std::uint64_t operator[](Kind kind) const { return of[static_cast<std::size_t>(kind)]; }
};

// The stored form of a value in normal form; nullopt when it is not in normal form.
std::optional<std::string> key_bytes(const Value& value);
// The same without a copy where there is none to make: a view into the value or into `scratch`; empty = not in normal
// form.
std::string_view key_bytes(const Value& value, std::string& scratch);
std::string key_text(Kind kind, std::string_view bytes);

std::uint64_t key_hash(const Seeds& seeds, Kind kind, std::string_view bytes);

// A Windows path that begins with one backslash stands for every path that ends so.
inline bool is_path_suffix(std::string_view path) { return path.size() > 1 && path[0] == '\\' && path[1] != '\\'; }

// The steps of the folded hashes: labels and components from the right.
inline std::uint64_t fold(std::uint64_t hash, std::string_view part) { return hash64(part, hash); }

struct AddressKey {
  char bytes[17];
  std::size_t size;
  std::string_view view() const { return {bytes, size}; }
};
AddressKey address_key(const Address& address);

}  // namespace bongsu::detect
