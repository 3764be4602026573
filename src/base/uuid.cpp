#include "base/uuid.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/text.h"

namespace bongsu {

bool Uuid::is_text(std::string_view text) {
  const auto uuid = parse(text);
  return uuid && uuid->text() == text;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return std::nullopt;
  Uuid uuid;
  std::size_t at = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '-') {
      ++i;
      continue;
    }
    const int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    uuid.bytes[at++] = static_cast<std::uint8_t>(high * 16 + low);
    i += 2;
  }
  return uuid;
}

Uuid Uuid::random(Random& random) {
  Uuid uuid;
  random.fill(uuid.bytes);
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
  return uuid;
}

Uuid Uuid::from_name(const Uuid& name_space, std::string_view name) {
  std::string input(as_text(name_space.bytes));
  input += name;
  const Sha1 digest = sha1(input);
  Uuid uuid;
  std::copy_n(digest.begin(), 16, uuid.bytes.begin());
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x50);
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
  return uuid;
}

std::string Uuid::text() const {
  std::string hex = to_hex(bytes);
  for (const std::size_t at : {20u, 16u, 12u, 8u}) hex.insert(at, 1, '-');
  return hex;
}

std::size_t UuidHash::operator()(const Uuid& uuid) const noexcept {
  std::uint64_t a, b;
  std::memcpy(&a, uuid.bytes.data(), 8);
  std::memcpy(&b, uuid.bytes.data() + 8, 8);
  return a ^ (b * 0x9e3779b97f4a7c15);
}

}  // namespace bongsu
