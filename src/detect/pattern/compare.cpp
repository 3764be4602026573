#include "detect/pattern/compare.h"

#include <arpa/inet.h>
#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include <algorithm>
#include <cstring>

#include "stix/value_checks.h"

namespace bongsu::detect {
namespace {

// Bytes of the character that begins here; 1 for what begins none.
std::size_t character(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
  if (at + size > text.size()) return 1;
  for (std::size_t i = 1; i < size; ++i)
    if ((static_cast<unsigned char>(text[at + i]) & 0xc0) != 0x80) return 1;
  return size;
}

}  // namespace

std::string_view nfc(std::string_view text, std::string& scratch) {
  // Every text below U+0300 is in NFC: no lead byte from 0xcc on.
  unsigned char highest = 0;
  for (const char c : text) highest = std::max(highest, static_cast<unsigned char>(c));
  if (highest < 0xcc) return text;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = character(text, i);
    if (size == 1 && static_cast<unsigned char>(text[i]) >= 0x80) return text;
    i += size;
  }
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFCInstance(status);
  if (U_FAILURE(status)) return text;
  scratch.clear();
  icu::StringByteSink<std::string> sink(&scratch);
  normalizer->normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())), sink, nullptr,
                            status);
  return U_FAILURE(status) ? text : std::string_view(scratch);
}

std::string nfc(std::string_view text) {
  std::string scratch;
  return std::string(nfc(text, scratch));
}

std::optional<std::string> octets_of(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      out += text[i];
    } else if ((c == 0xc2 || c == 0xc3) && i + 1 < text.size() &&
               (static_cast<unsigned char>(text[i + 1]) & 0xc0) == 0x80) {
      out += static_cast<char>((c & 3) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3f));
    } else {
      return std::nullopt;
    }
  }
  return out;
}

std::string text_of_octets(std::string_view octets) {
  std::string out;
  for (const char o : octets) {
    const auto c = static_cast<unsigned char>(o);
    if (c < 0x80) {
      out += o;
    } else {
      out += static_cast<char>(0xc0 | c >> 6);
      out += static_cast<char>(0x80 | (c & 0x3f));
    }
  }
  return out;
}

namespace {

// Where the part of a LIKE that is held against the value from `at` on ends there; npos: it does not fit.
std::size_t fits_here(std::string_view piece, std::string_view value, std::size_t at, bool octets) {
  for (const char c : piece) {
    if (at >= value.size()) return std::string_view::npos;
    if (c == '_') {
      at += octets ? 1 : character(value, at);
    } else if (value[at++] != c) {
      return std::string_view::npos;
    }
  }
  return at;
}

}  // namespace

bool like(std::string_view wildcards, std::string_view value, bool octets) {
  const std::size_t first = wildcards.find('%'), last = wildcards.rfind('%');
  const std::size_t head = fits_here(wildcards.substr(0, first), value, 0, octets);
  if (first == wildcards.npos) return head == value.size();
  if (head == wildcards.npos) return false;
  // Each part between two % as early as it fits: going back is never needed.
  std::size_t at = head;
  for (std::size_t begin = first + 1; begin <= last;) {
    const std::size_t end = wildcards.find('%', begin);
    const std::string_view piece = wildcards.substr(begin, end - begin);
    begin = end + 1;
    if (piece.empty()) continue;
    if (piece.find('_') == piece.npos) {
      const void* found = memmem(value.data() + at, value.size() - at, piece.data(), piece.size());  // linear
      if (found == nullptr) return false;
      at = static_cast<std::size_t>(static_cast<const char*>(found) - value.data()) + piece.size();
      continue;
    }
    std::size_t behind = value.npos;
    for (; at + piece.size() <= value.size(); at += octets ? 1 : character(value, at)) {
      behind = fits_here(piece, value, at, octets);
      if (behind != value.npos) break;
    }
    if (behind == value.npos) return false;
    at = behind;
  }
  const std::string_view tail = wildcards.substr(last + 1);
  if (tail.find('_') == tail.npos) return value.substr(at).ends_with(tail);
  // As many characters from the end as the tail has.
  const auto characters = [&](std::string_view text) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < text.size(); i += octets ? 1 : character(text, i)) ++n;
    return n;
  };
  const std::size_t there = characters(value.substr(at)), wanted = characters(tail);
  if (there < wanted) return false;
  for (std::size_t i = 0; i < there - wanted; ++i) at += octets ? 1 : character(value, at);
  return fits_here(tail, value, at, octets) == value.size();
}

std::size_t longest_free_piece(std::string_view wildcards) {
  std::size_t longest = 0;
  for (std::size_t begin = wildcards.find('%'); begin != wildcards.npos;) {
    const std::size_t end = wildcards.find('%', begin + 1);
    if (end == wildcards.npos) break;
    const std::string_view piece = wildcards.substr(begin + 1, end - begin - 1);
    if (piece.find('_') != piece.npos) longest = std::max(longest, piece.size());
    begin = end;
  }
  return longest;
}

bool AddressBlock::contains(const AddressBlock& other) const {
  if (v6 != other.v6 || prefix > other.prefix) return false;
  const std::size_t whole = prefix / 8;
  if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(whole), other.bytes.begin())) return false;
  if (prefix % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - prefix % 8));
  return (bytes[whole] & mask) == (other.bytes[whole] & mask);
}

std::optional<AddressBlock> block_of(std::string_view text) {
  if (text.size() > 64) return std::nullopt;
  const bool v4 = stix::is_ipv4_block(text);
  if (!v4 && !stix::is_ipv6_block(text)) return std::nullopt;
  AddressBlock block;
  block.v6 = !v4;
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  if (inet_pton(v4 ? AF_INET : AF_INET6, address.c_str(), block.bytes.data()) != 1) return std::nullopt;
  block.prefix = v4 ? 32 : 128;
  if (slash != std::string_view::npos) {
    int prefix = 0;
    for (const char c : text.substr(slash + 1)) prefix = prefix * 10 + (c - '0');
    block.prefix = static_cast<std::uint8_t>(prefix);
  }
  for (std::size_t i = 0; i < block.bytes.size(); ++i) {
    const int kept = std::clamp(static_cast<int>(block.prefix) - static_cast<int>(i) * 8, 0, 8);
    block.bytes[i] &= static_cast<std::uint8_t>(0xff << (8 - kept));
  }
  return block;
}

}  // namespace bongsu::detect
