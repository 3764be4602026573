#include "detect/key.h"

#include <cstring>

#include "base/bytes.h"
#include "base/text.h"

namespace bongsu::detect {
namespace {

std::uint64_t fold_from_right(std::uint64_t hash, std::string_view text, char separator) {
  while (true) {
    const std::size_t at = text.rfind(separator);
    if (at == text.npos) return fold(hash, text);
    hash = fold(hash, text.substr(at + 1));
    text = text.substr(0, at);
  }
}

}  // namespace

Seeds::Seeds(std::uint64_t seed) {
  for (std::size_t i = 0; i < kKinds; ++i) of[i] = hash64(std::string_view("kind"), seed + i);
}

AddressKey address_key(const Address& address) {
  AddressKey key{};
  key.size = address.v6 ? 17 : 5;
  std::memcpy(key.bytes, address.bytes.data(), key.size - 1);
  key.bytes[key.size - 1] = static_cast<char>(address.prefix);
  return key;
}

std::string_view key_bytes(const Value& value, std::string& scratch) {
  switch (value.kind) {
    case Kind::kIpv4:
    case Kind::kIpv6: {
      const auto address = parse_cidr(value.text);
      if (!address || address->v6 != (value.kind == Kind::kIpv6)) return {};
      return scratch.assign(address_key(*address).view());
    }
    case Kind::kMd5:
    case Kind::kSha1:
    case Kind::kSha256:
    case Kind::kSha512:
    case Kind::kJa3: {
      if (value.text.size() % 2 != 0) return {};
      scratch.resize(value.text.size() / 2);
      for (std::size_t i = 0; i < scratch.size(); ++i) {
        const int high = hex_digit(value.text[2 * i]), low = hex_digit(value.text[2 * i + 1]);
        if (high < 0 || low < 0) return {};
        scratch[i] = static_cast<char>(high << 4 | low);
      }
      return scratch;
    }
    default:
      if (value.text.size() > kMaxValueBytes) return {};
      return value.text;
  }
}

std::optional<std::string> key_bytes(const Value& value) {
  std::string scratch;
  const std::string_view bytes = key_bytes(value, scratch);
  if (bytes.empty()) return std::nullopt;
  return std::string(bytes);
}

std::string key_text(Kind kind, std::string_view bytes) {
  switch (kind) {
    case Kind::kIpv4:
    case Kind::kIpv6: {
      Address address;
      address.v6 = kind == Kind::kIpv6;
      std::memcpy(address.bytes.data(), bytes.data(), bytes.size() - 1);
      address.prefix = static_cast<std::uint8_t>(bytes.back());
      return address.text();
    }
    case Kind::kMd5:
    case Kind::kSha1:
    case Kind::kSha256:
    case Kind::kSha512:
    case Kind::kJa3:
      return to_hex(as_bytes(bytes));
    default:
      return std::string(bytes);
  }
}

std::uint64_t key_hash(const Seeds& seeds, Kind kind, std::string_view bytes) {
  if (kind == Kind::kDomain) return fold_from_right(seeds[kind], bytes, '.');
  if (kind == Kind::kFilePath) return fold_from_right(seeds[kind], bytes, '\\');
  return hash64(bytes, seeds[kind]);
}

}  // namespace bongsu::detect
