// Reads the compact binary forms of this module front to back: every read says whether there was that much.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace bongsu::crypto {

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : left_(bytes) {}
  bool done() const { return left_.empty(); }
  std::size_t left() const { return left_.size(); }

  std::optional<std::string_view> bytes(std::size_t count) {
    if (left_.size() < count) return std::nullopt;
    const std::string_view out = left_.substr(0, count);
    left_.remove_prefix(count);
    return out;
  }
  std::optional<std::uint64_t> number(int size) {  // big-endian
    const auto raw = bytes(static_cast<std::size_t>(size));
    if (!raw) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : *raw) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  std::optional<Sha256> digest() {
    const auto raw = bytes(sizeof(Sha256));
    if (!raw) return std::nullopt;
    Sha256 out;
    std::memcpy(out.data(), raw->data(), out.size());
    return out;
  }
  std::optional<std::string> short_text() {  // a length byte, then that many
    const auto size = number(1);
    if (!size) return std::nullopt;
    const auto raw = bytes(*size);
    if (!raw) return std::nullopt;
    return std::string(*raw);
  }

 private:
  std::string_view left_;
};

inline void put_number(std::string& out, std::uint64_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}
inline void put_digest(std::string& out, const Sha256& digest) {
  out.append(reinterpret_cast<const char*>(digest.data()), digest.size());
}
inline void put_short_text(std::string& out, std::string_view text) {
  put_number(out, text.size(), 1);
  out += text;
}

}  // namespace bongsu::crypto
