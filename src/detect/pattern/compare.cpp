#include "detect/pattern/compare.h"

#include <arpa/inet.h>
#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include <algorithm>

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

bool like(std::string_view wildcards, std::string_view value, bool octets) {
  // On a mismatch the last % takes one character more; going back to earlier ones is never needed.
  std::size_t w = 0, v = 0, after_any = std::string_view::npos, resume = 0;
  while (v < value.size()) {
    if (w < wildcards.size() && wildcards[w] == '%') {
      after_any = ++w;
      resume = v;
    } else if (w < wildcards.size() && wildcards[w] == '_') {
      ++w;
      v += octets ? 1 : character(value, v);
    } else if (w < wildcards.size() && wildcards[w] == value[v]) {
      ++w;
      ++v;
    } else if (after_any != std::string_view::npos) {
      w = after_any;
      resume += octets ? 1 : character(value, resume);
      v = resume;
    } else {
      return false;
    }
  }
  while (w < wildcards.size() && wildcards[w] == '%') ++w;
  return w == wildcards.size();
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

std::string re2_of(std::string_view pcre, bool octets) {
  // (?m) changes what $ means; an expression that sets it anywhere keeps its $.
  bool multiline = false;
  for (std::size_t at = pcre.find("(?"); at != pcre.npos; at = pcre.find("(?", at + 2)) {
    for (std::size_t i = at + 2; i < pcre.size() && pcre[i] >= 'a' && pcre[i] <= 'z'; ++i) multiline |= pcre[i] == 'm';
  }
  std::string out;
  bool in_class = false;
  for (std::size_t i = 0; i < pcre.size(); ++i) {
    const char c = pcre[i];
    if (c == '\\' && i + 1 < pcre.size()) {
      const char next = pcre[++i];
      if (next == 's') {
        out += in_class ? "\\t\\n\\v\\f\\r " : "[\\t\\n\\v\\f\\r ]";
      } else if (next == 'S') {
        if (in_class) {
          out += "\\x00-\\x08\\x0e-\\x1f\\x21-";
          out += octets ? "\\xff" : "\\x{10ffff}";
        } else {
          out += "[^\\t\\n\\v\\f\\r ]";
        }
      } else if (next == 'Z' && !in_class) {
        out += "(?:\\n?\\z)";
      } else if (next == 'Q') {  // up to \E all is literal
        const std::size_t end = std::min(pcre.find("\\E", i + 1), pcre.size());
        out += "\\Q";
        out += pcre.substr(i + 1, end - i - 1);
        out += "\\E";
        i = std::min(end + 1, pcre.size());
      } else {
        out += c;
        out += next;
      }
    } else if (in_class) {
      out += c;
      if (c == '[' && i + 1 < pcre.size() && pcre[i + 1] == ':') {  // [:alpha:]
        const std::size_t end = pcre.find(":]", i + 2);
        if (end != pcre.npos) {
          out += pcre.substr(i + 1, end + 1 - i);
          i = end + 1;
        }
      } else if (c == ']') {
        in_class = false;
      }
    } else if (c == '[') {
      in_class = true;
      out += c;
      if (i + 1 < pcre.size() && pcre[i + 1] == '^') out += pcre[++i];
      if (i + 1 < pcre.size() && pcre[i + 1] == ']') {  // a ] that comes first is a member
        out += "\\]";
        ++i;
      }
    } else if (c == '$' && !multiline) {
      out += "(?:\\n?\\z)";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace bongsu::detect
