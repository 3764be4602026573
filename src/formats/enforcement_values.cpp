#include "formats/enforcement_values.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace bongsu::formats {
namespace {

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool one_of(char c, std::string_view set) { return set.find(c) != set.npos; }

std::optional<int> read_number(std::string_view text, int most) {
  int value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || ec != std::errc{} || end != text.data() + text.size() || value < 0 || value > most)
    return std::nullopt;
  if (text.size() > 1 && text[0] == '0') return std::nullopt;
  return value;
}

constexpr std::size_t kMaxAddressText = 64;

}  // namespace

std::string Block::address() const {
  char out[INET6_ADDRSTRLEN] = {};
  if (::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), out, sizeof out) == nullptr) return {};
  return out;
}

std::string Block::text() const { return whole() ? address() : fmt::format("{}/{}", address(), prefix); }

std::optional<Block> read_block(std::string_view text, bool v6) {
  if (text.size() > kMaxAddressText) return std::nullopt;
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  if (!std::ranges::all_of(address, [](char c) { return hex_digit(c) >= 0 || c == '.' || c == ':'; }))
    return std::nullopt;
  Block block{.bytes = {}, .v6 = v6, .prefix = v6 ? 128 : 32};
  if (::inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), block.bytes.data()) != 1) return std::nullopt;
  if (slash != text.npos) {
    const auto prefix = read_number(text.substr(slash + 1), block.prefix);
    if (!prefix) return std::nullopt;
    block.prefix = *prefix;
  }
  for (int bit = block.prefix; bit < (v6 ? 128 : 32); ++bit)
    block.bytes[static_cast<std::size_t>(bit / 8)] &= static_cast<std::uint8_t>(~(0x80 >> (bit % 8)));
  return block;
}

std::optional<std::string> read_domain(std::string_view text) {
  if (text.size() > 253) return std::nullopt;
  std::string out = lowered(text);
  std::size_t begin = 0, labels = 0;
  bool digits = false;
  while (begin <= out.size()) {
    const std::size_t end = std::min(out.find('.', begin), out.size());
    if (end == begin || end - begin > 63 || out[begin] == '-' || out[end - 1] == '-') return std::nullopt;
    digits = true;
    for (std::size_t i = begin; i < end; ++i) {
      if (!letter(out[i]) && !is_digit(out[i]) && out[i] != '-' && out[i] != '_') return std::nullopt;
      digits = digits && is_digit(out[i]);
    }
    ++labels;
    begin = end + 1;
  }
  if (labels < 2 || digits) return std::nullopt;
  return out;
}

std::string HttpUrl::host_and_port() const { return port == 0 ? host : fmt::format("{}:{}", host, port); }

std::optional<HttpUrl> read_url(std::string_view text) {
  HttpUrl url;
  const std::size_t colon = text.find("://");
  if (colon == text.npos) return std::nullopt;
  const std::string scheme = lowered(text.substr(0, colon));
  if (scheme != "http" && scheme != "https") return std::nullopt;
  url.https = scheme == "https";
  const std::string_view rest = text.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, end);
  if (authority.find('@') != authority.npos) return std::nullopt;
  const std::size_t port = authority.rfind(':');
  if (port != authority.npos && authority.find(']', port) == authority.npos) {
    const auto number = read_number(authority.substr(port + 1), 65535);
    if (!number || *number == 0) return std::nullopt;
    if (*number != (url.https ? 443 : 80)) url.port = *number;
    authority = authority.substr(0, port);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) {
    const auto block = read_block(authority.substr(1, authority.size() - 2), true);
    if (!block || authority.find('/') != authority.npos) return std::nullopt;
    url.host = "[" + block->address() + "]";
  } else if (const auto domain = read_domain(authority)) {
    url.host = *domain;
  } else if (const auto block = read_block(authority, false); block && block->whole()) {
    url.host = block->address();
  } else {
    return std::nullopt;
  }
  url.target = std::string(rest.substr(end));
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  for (std::size_t i = 0; i < url.target.size(); ++i) {
    const char c = url.target[i];
    if (c == '%' &&
        (i + 2 >= url.target.size() || hex_digit(url.target[i + 1]) < 0 || hex_digit(url.target[i + 2]) < 0))
      return std::nullopt;
    if (!letter(c) && !is_digit(c) && !one_of(c, "._~:/?@!$&+,;=%-")) return std::nullopt;
  }
  return url;
}

std::optional<std::string> read_hex(std::string_view text, std::size_t digits) {
  if (text.size() != digits || !std::ranges::all_of(text, [](char c) { return hex_digit(c) >= 0; }))
    return std::nullopt;
  return lowered(text);
}

std::optional<std::string> read_email(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == text.npos || at == 0 || at > 64) return std::nullopt;
  const std::string_view local = text.substr(0, at);
  if (!std::ranges::all_of(local, [](char c) { return letter(c) || is_digit(c) || one_of(c, ".!#%&*+/=?^_{|}~-"); }))
    return std::nullopt;
  const auto domain = read_domain(text.substr(at + 1));
  if (!domain) return std::nullopt;
  return fmt::format("{}@{}", local, *domain);
}

std::optional<std::string> read_printable(std::string_view text, std::size_t most) {
  if (text.empty() || text.size() > most || text.front() == ' ' || text.back() == ' ') return std::nullopt;
  if (!std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; })) return std::nullopt;
  return std::string(text);
}

}  // namespace bongsu::formats
