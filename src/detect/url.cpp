#include "detect/url.h"

#include <fmt/format.h>
#include <idn2.h>

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "detect/address.h"
#include "detect/indicator.h"

namespace bongsu::detect {
namespace {

constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_unreserved(char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~'; }
// What may stand unencoded in a path or query (RFC 3986 §3.3, §3.4); '[' and ']' are left as browsers leave them.
struct Literals {
  bool of[256] = {};
  constexpr Literals() {
    for (int c = 0; c < 256; ++c)
      of[c] = is_unreserved(static_cast<char>(c)) ||
              std::string_view("!$&'()*+,;=:@/?[]").find(static_cast<char>(c)) != std::string_view::npos;
  }
};
constexpr Literals kLiterals;
bool is_literal(char c) { return kLiterals.of[static_cast<unsigned char>(c)]; }

// Percent-encoding by §6.2.2.1 and §6.2.2.2; a '%' that begins no triplet and bytes that may not stand are encoded.
void append_encoded(std::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      const int code = hex_digit(text[i + 1]) << 4 | hex_digit(text[i + 2]);
      i += 2;
      if (is_unreserved(static_cast<char>(code))) {
        out += static_cast<char>(code);
      } else {
        out += '%';
        out += kHex[code >> 4];
        out += kHex[code & 15];
      }
    } else if (is_literal(c)) {
      out += c;
    } else {
      out += '%';
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    }
  }
}

// §5.2.4 on out[from …), in place.
void remove_dot_segments(std::string& out, std::size_t from) {
  if (out.find("/.", from) == out.npos) return;
  const std::string path = out.substr(from);
  std::vector<std::string_view> kept;
  bool slash_at_end = false;
  std::string_view rest = path;
  rest.remove_prefix(1);  // begins with '/'
  while (true) {
    const std::size_t end = rest.find('/');
    const std::string_view segment = rest.substr(0, end);
    slash_at_end = segment == "." || segment == "..";
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (segment != ".") {
      kept.push_back(segment);
    }
    if (end == rest.npos) break;
    rest.remove_prefix(end + 1);
  }
  out.resize(from);
  for (const std::string_view segment : kept) out.append("/").append(segment);
  if (slash_at_end || kept.empty()) out += '/';
}

std::string_view default_port(std::string_view scheme) {
  if (scheme == "http" || scheme == "ws") return "80";
  if (scheme == "https" || scheme == "wss") return "443";
  if (scheme == "ftp") return "21";
  return "";
}

struct Authority {
  std::string_view user, host, port;
  bool bracketed = false;
};

bool split_authority(std::string_view text, Authority& out) {
  if (const std::size_t at = text.rfind('@'); at != text.npos) {
    out.user = text.substr(0, at);
    text.remove_prefix(at + 1);
  }
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == text.npos) return false;
    out.bracketed = true;
    out.host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    if (text.empty()) return true;
    if (text[0] != ':') return false;
    out.port = text.substr(1);
    return true;
  }
  const std::size_t colon = text.find(':');
  out.host = text.substr(0, colon);
  if (colon != text.npos) out.port = text.substr(colon + 1);
  return true;
}

std::size_t scheme_end(std::string_view text) {
  if (text.empty() || !is_alpha(text[0])) return text.npos;
  std::size_t i = 1;
  while (i < text.size() &&
         (is_alpha(text[i]) || is_digit(text[i]) || text[i] == '+' || text[i] == '-' || text[i] == '.'))
    ++i;
  return text.substr(i).starts_with("://") ? i : text.npos;
}

}  // namespace

const char* normalise_host(std::string_view text, std::string& out) {
  while (text.ends_with('.')) text.remove_suffix(1);
  out.assign(text);
  if (text.empty()) return "an empty host name";
  bool ascii = true;
  for (char& c : out) {
    ascii = ascii && static_cast<signed char>(c) >= 0;
    c = lower(c);
  }
  if (!ascii) {
    char* result = nullptr;
    const int status = idn2_to_ascii_8z(std::string(text).c_str(), &result, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (status != IDN2_OK) return "not an international host name (IDNA 2008)";
    out = result;
    idn2_free(result);
    for (char& c : out) c = lower(c);
  }
  if (out.size() > 253) return "a host name longer than 253 bytes";
  std::size_t label = 0;  // its bytes so far
  for (const char c : out) {
    if (c == '.') {
      if (label == 0) return "a host name with an empty label";
      label = 0;
    } else {
      if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '_') return "a character that no host name has";
      if (++label > 63) return "a label longer than 63 bytes";
    }
  }
  if (label == 0) return "a host name with an empty label";
  return nullptr;
}

std::string_view url_host(std::string_view url) {
  const std::size_t end = scheme_end(url);
  if (end == url.npos) return {};
  url.remove_prefix(end + 3);
  Authority authority;
  if (!split_authority(url.substr(0, url.find_first_of("/?#\\")), authority)) return {};
  return authority.host;
}

const char* normalise_url(std::string_view text, std::string& out) {
  out.clear();
  if (text.size() > kMaxValueBytes) return "a URL longer than 8192 bytes";
  const std::size_t end = scheme_end(text);
  if (end == text.npos) return "a URL begins with scheme://";
  for (const char c : text.substr(0, end)) out += lower(c);
  const std::string scheme = out;
  out += "://";
  text.remove_prefix(end + 3);
  if (const std::size_t hash = text.find('#'); hash != text.npos) text = text.substr(0, hash);
  const std::size_t path_at = std::min(text.find_first_of("/?"), text.size());
  Authority authority;
  if (!split_authority(text.substr(0, path_at), authority)) return "a broken host in brackets";
  if (!authority.user.empty()) {
    append_encoded(authority.user, out);
    out += '@';
  }
  if (authority.bracketed) {
    const auto address = parse_address(authority.host);
    if (!address) return "not an IPv6 address in the brackets";
    out += address->v6 ? fmt::format("[{}]", address->text()) : address->text();
  } else {
    std::string host;
    if (const char* wrong = normalise_host(authority.host, host)) return wrong;
    out += host;
  }
  if (!authority.port.empty()) {
    for (const char c : authority.port)
      if (!is_digit(c)) return "a port that is not a number";
    if (authority.port.size() > 5) return "a port that is too large";
    if (authority.port != default_port(scheme)) out.append(":").append(authority.port);
  }
  std::string_view rest = text.substr(path_at);
  const std::size_t query_at = std::min(rest.find('?'), rest.size());
  const std::size_t path_from = out.size();
  if (query_at == 0) out += '/';
  append_encoded(rest.substr(0, query_at), out);
  remove_dot_segments(out, path_from);
  append_encoded(rest.substr(query_at), out);
  return out.size() > kMaxValueBytes ? "a URL longer than 8192 bytes" : nullptr;
}

}  // namespace bongsu::detect
