#include "stix/value_checks.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace bongsu::stix {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_alnum(char c) { return is_digit(c) || is_alpha(c); }
bool is_hex_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool all(std::string_view text, bool (*test)(char)) { return std::ranges::all_of(text, test); }
bool all_digits(std::string_view text) { return !text.empty() && all(text, is_digit); }

// Decimal without leading zeros, at most `most`.
bool is_number(std::string_view text, unsigned most) {
  if (!all_digits(text) || text.size() > 3 || (text.size() > 1 && text.front() == '0')) return false;
  unsigned value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value <= most;
}

// Cuts the piece before the next `separator` off; the whole rest when there is none.
std::string_view cut(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

bool is_ipv4(std::string_view text) {
  if (std::ranges::count(text, '.') != 3) return false;
  for (int i = 0; i < 4; ++i)
    if (!is_number(cut(text, '.'), 255)) return false;
  return true;
}

bool is_ipv6(std::string_view text) {
  std::size_t groups = 0;
  bool compressed = false;
  std::size_t at = 0;
  if (text.starts_with("::")) {
    compressed = true;
    at = 2;
  } else if (text.starts_with(':')) {
    return false;
  }
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(':', at), text.size());
    const std::string_view group = text.substr(at, end - at);
    if (group.find('.') != std::string_view::npos) {  // an embedded IPv4 address stands for the last two groups
      if (end != text.size() || !is_ipv4(group)) return false;
      groups += 2;
      break;
    }
    if (group.empty() || group.size() > 4 || !all(group, is_hex_digit)) return false;
    ++groups;
    if (end == text.size()) break;
    at = end + 1;
    if (at == text.size()) return false;  // a single colon at the end
    if (text[at] == ':') {
      if (compressed) return false;
      compressed = true;
      ++at;
    }
  }
  return compressed ? groups < 8 : groups == 8;
}

bool with_prefix_length(std::string_view text, bool (*address)(std::string_view), unsigned most) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return address(text);
  return address(text.substr(0, slash)) && is_number(text.substr(slash + 1), most);
}

// RFC 5646 §2.1, in order: language, extlang, script, region, variants, extensions, private use.
class LanguageTag {
 public:
  explicit LanguageTag(std::string_view text) : rest_(text) { next(); }

  bool well_formed() {
    if (is_private()) return private_use() && done();
    if (!language()) return false;
    if (part_.size() == 4 && all(part_, is_alpha)) next();                                                // script
    if ((part_.size() == 2 && all(part_, is_alpha)) || (part_.size() == 3 && all_digits(part_))) next();  // region
    while (is_variant()) next();
    while (part_.size() == 1 && !is_private()) {
      if (!is_alnum(part_.front())) return false;
      next();
      std::size_t parts = 0;
      while (part_.size() >= 2 && part_.size() <= 8 && all(part_, is_alnum)) {
        ++parts;
        next();
      }
      if (parts == 0) return false;
    }
    if (is_private() && !private_use()) return false;
    return done();
  }

 private:
  void next() {
    if (finished_) {
      part_ = {};
      return;
    }
    if (rest_.empty() && started_) {
      finished_ = true;
      part_ = {};
      return;
    }
    const std::size_t end = rest_.find('-');
    part_ = rest_.substr(0, end);
    started_ = true;
    if (end == std::string_view::npos) {
      rest_ = {};
    } else {
      rest_.remove_prefix(end + 1);
      if (rest_.empty()) broken_ = true;  // a hyphen at the end
    }
    if (part_.empty()) broken_ = true;
  }
  bool done() const { return finished_ && !broken_; }
  bool is_private() const { return part_.size() == 1 && (part_.front() == 'x' || part_.front() == 'X'); }
  bool is_variant() const {
    if (!all(part_, is_alnum)) return false;
    return (part_.size() >= 5 && part_.size() <= 8) || (part_.size() == 4 && is_digit(part_.front()));
  }
  bool language() {
    if (part_.size() < 2 || part_.size() > 8 || !all(part_, is_alpha)) return false;
    const bool may_extend = part_.size() <= 3;
    next();
    for (int i = 0; may_extend && i < 3 && part_.size() == 3 && all(part_, is_alpha); ++i) next();
    return true;
  }
  bool private_use() {
    next();
    std::size_t parts = 0;
    while (!part_.empty() && part_.size() <= 8 && all(part_, is_alnum)) {
      ++parts;
      next();
    }
    return parts > 0;
  }

  std::string_view rest_, part_;
  bool started_ = false, finished_ = false, broken_ = false;
};

constexpr std::array<std::string_view, 17> kIrregularTags = {
    "en-GB-oed", "i-ami", "i-bnn", "i-default", "i-enochian", "i-hak",     "i-klingon", "i-lux",    "i-mingo",
    "i-navajo",  "i-pwn", "i-tao", "i-tay",     "i-tsu",      "sgn-BE-FR", "sgn-BE-NL", "sgn-CH-DE"};

bool is_ssdeep(std::string_view value) {
  const auto signature = [](std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '+' || c == '/'; });
  };
  if (std::ranges::count(value, ':') != 2) return false;
  if (!all_digits(cut(value, ':'))) return false;
  const std::string_view first = cut(value, ':');
  return signature(first) && signature(value);
}

}  // namespace

bool is_ipv4_block(std::string_view text) { return with_prefix_length(text, is_ipv4, 32); }
bool is_ipv6_block(std::string_view text) { return with_prefix_length(text, is_ipv6, 128); }

bool is_mac(std::string_view text) {
  if (text.size() != 17) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool lower_hex = is_digit(text[i]) || (text[i] >= 'a' && text[i] <= 'f');
    if (i % 3 == 2 ? text[i] != ':' : !lower_hex) return false;
  }
  return true;
}

bool is_domain_name(std::string_view text) {
  constexpr std::size_t kMaxName = 253, kMaxLabel = 63;
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > kMaxName) return false;
  std::size_t label = 0;
  for (const char c : text) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (!is_alnum(c) && c != '-' && c != '_' && byte < 0x80) return false;
    if (++label > kMaxLabel) return false;
  }
  return label > 0;
}

bool is_url(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !is_alpha(text.front()) || colon + 1 == text.size())
    return false;
  const auto scheme_character = [](char c) { return is_alnum(c) || c == '+' || c == '-' || c == '.'; };
  if (!std::ranges::all_of(text.substr(0, colon), scheme_character)) return false;
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7f;
  });
}

bool is_email_address(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size()) return false;
  const bool quoted = text.front() == '"' && text[at - 1] == '"' && at > 1;
  return std::ranges::none_of(quoted ? text.substr(at) : text,
                              [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == '<' || c == '>'; });
}

bool is_language_tag(std::string_view text) {
  if (LanguageTag(text).well_formed()) return true;
  return std::ranges::find(kIrregularTags, text) != kIrregularTags.end();
}

bool is_mime_type(std::string_view text) {
  const auto name = [](std::string_view part) {
    return !part.empty() && part.size() <= 127 && std::ranges::all_of(part, [](char c) {
      return is_alnum(c) || std::string_view("!#$&-^_.+").find(c) != std::string_view::npos;
    });
  };
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  std::string_view subtype = text.substr(slash + 1);
  subtype = cut(subtype, ';');
  while (subtype.ends_with(' ')) subtype.remove_suffix(1);
  return name(text.substr(0, slash)) && name(subtype);
}

bool is_hex(std::string_view text) { return text.size() % 2 == 0 && all(text, is_hex_digit); }

bool is_base64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '+' || c == '/'; });
}

bool is_dictionary_key(std::string_view text, std::size_t least) {
  constexpr std::size_t kMost = 250;
  return text.size() >= least && text.size() <= kMost &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
}

bool is_custom_property_name(std::string_view text) {
  return text.size() >= 3 && text.size() <= 250 &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_'; });
}

bool is_cve(std::string_view text) {
  if (!text.starts_with("CVE-") || text.size() < 13 || text[8] != '-') return false;
  return all_digits(text.substr(4, 4)) && all_digits(text.substr(9));
}

HashCheck check_hash(std::string_view algorithm, std::string_view value) {
  struct Digest {
    std::string_view name;
    std::size_t digits;
  };
  constexpr std::array kDigests = {Digest{"MD5", 32},      Digest{"SHA-1", 40},    Digest{"SHA-256", 64},
                                   Digest{"SHA-512", 128}, Digest{"SHA3-256", 64}, Digest{"SHA3-512", 128}};
  const auto verdict = [](bool good) { return good ? HashCheck::kGood : HashCheck::kBad; };
  for (const Digest& digest : kDigests)
    if (digest.name == algorithm) return verdict(value.size() == digest.digits && all(value, is_hex_digit));
  if (algorithm == "SSDEEP") return verdict(is_ssdeep(value));
  if (algorithm == "TLSH") {  // 35 bytes, written since its version 4 with "T1" before
    if (value.starts_with("T1")) value.remove_prefix(2);
    return verdict(value.size() == 70 && all(value, is_hex_digit));
  }
  return HashCheck::kUnknownAlgorithm;
}

}  // namespace bongsu::stix
