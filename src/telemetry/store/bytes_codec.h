// Numbers and texts as bytes, little-endian, and back from bytes that nobody vouches for.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace bongsu::telemetry {

template <class T>
void put_fixed(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

// LEB128: seven bits a byte, the lowest first.
inline void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

inline void put_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out += text;
}

// Takes from the front. After the first thing that is not there, good() is false and everything else reads as nothing.
class ByteTaker {
 public:
  explicit ByteTaker(std::string_view bytes) : bytes_(bytes) {}
  bool good() const { return good_; }
  std::size_t left() const { return bytes_.size(); }

  template <class T>
  T fixed() {
    T value{};
    if (bytes_.size() < sizeof value) {
      spoil();
    } else {
      std::memcpy(&value, bytes_.data(), sizeof value);
      bytes_.remove_prefix(sizeof value);
    }
    return value;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    spoil();
    return 0;
  }
  // A count of things that take at least one byte each.
  std::size_t count() {
    const std::uint64_t n = varint();
    if (n > bytes_.size()) spoil();
    return good_ ? static_cast<std::size_t>(n) : 0;
  }
  std::string_view bytes(std::uint64_t size) {
    if (size > bytes_.size()) spoil();
    if (!good_) return {};
    const std::string_view out = bytes_.substr(0, static_cast<std::size_t>(size));
    bytes_.remove_prefix(out.size());
    return out;
  }
  std::string_view text() { return bytes(varint()); }

  // What was taken makes no sense.
  void spoil() {
    good_ = false;
    bytes_ = {};
  }

 private:
  std::string_view bytes_;
  bool good_ = true;
};

}  // namespace bongsu::telemetry
