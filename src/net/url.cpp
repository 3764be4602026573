// URLs of servers we talk to (RFC 3986; http and https as in RFC 9110 §4.2).
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "net/http.h"
#include "net/http_syntax.h"

namespace bongsu::net {
namespace {

constexpr std::size_t kMaxUrlBytes = 65'536;
constexpr std::size_t kMaxSocketPathBytes = 107;  // sun_path less its zero byte

std::unexpected<Error> invalid(std::string_view message) { return fail(ErrorCode::kInvalid, std::string(message)); }

bool is_reg_name(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
  });
}

bool is_ipv6(const std::string& host) {
  in6_addr address;
  return host.find('\0') == std::string::npos && inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0)
    return invalid("a port is a number from 1 to 65535");
  return port;
}

Result<Url> parse_unix(std::string_view rest) {
  const std::size_t separator = std::min(rest.find(":/"), rest.size());
  Url url{.scheme = "unix", .host = std::string(rest.substr(0, separator)), .port = 0, .target = "/"};
  if (url.host.empty() || url.host[0] != '/') return invalid("unix: is followed by the absolute path of a socket");
  if (url.host.size() > kMaxSocketPathBytes) return invalid("the path of a socket has at most 107 bytes");
  if (separator < rest.size()) url.target = rest.substr(separator + 1);
  return url;
}

Result<void> parse_authority(std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos) return invalid("user names and passwords do not belong in a URL");
  std::string_view port;
  bool has_port = false;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return invalid("'[' without ']'");
    url.host = authority.substr(1, close - 1);
    const std::string_view after = authority.substr(close + 1);
    if (!after.empty() && after[0] != ':') return invalid("an address in brackets is followed by a port only");
    has_port = !after.empty();
    port = after.substr(has_port ? 1 : 0);
    if (!is_ipv6(url.host)) return invalid("the address in brackets is not IPv6");
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    has_port = colon < authority.size();
    port = authority.substr(std::min(colon + 1, authority.size()));
    url.host = authority.substr(0, colon);
    std::transform(url.host.begin(), url.host.end(), url.host.begin(), lower);
    if (!is_reg_name(url.host)) return invalid("the URL's host is neither a name nor an address");
  }
  url.port = url.scheme == "https" ? 443 : 80;
  if (has_port && !port.empty()) {  // "host:" is the default port (RFC 3986 §3.2.3)
    BONGSU_TRY(url.port, parse_port(port));
  }
  return {};
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  if (text.size() > kMaxUrlBytes) return fail(ErrorCode::kTooLarge, "a URL has at most 65536 bytes");
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] <= 0x20 || text[i] >= 0x7f)
      return fail(ErrorCode::kInvalid, "a URL has no spaces, control or non-ASCII characters; encode them with %",
                  {.offset = i, .has_offset = true});
  text = text.substr(0, text.find('#'));
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return invalid("a URL begins with https://, http:// or unix:");
  Url url;
  url.scheme = text.substr(0, colon);
  std::transform(url.scheme.begin(), url.scheme.end(), url.scheme.begin(), lower);
  std::string_view rest = text.substr(colon + 1);
  if (url.scheme == "unix") return parse_unix(rest);
  if (url.scheme != "https" && url.scheme != "http") return invalid("a URL begins with https://, http:// or unix:");
  if (!rest.starts_with("//")) return invalid("the scheme is followed by //");
  rest.remove_prefix(2);
  const std::size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  BONGSU_TRY_VOID(parse_authority(rest.substr(0, authority_end), url));
  url.target = rest.substr(authority_end);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

std::string Url::text() const {
  if (scheme == "unix") return fmt::format("unix:{}:{}", host, target);
  const bool default_port = port == (scheme == "https" ? 443 : 80);
  const bool brackets = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}{}{}", scheme, brackets ? "[" : "", host, brackets ? "]" : "",
                     default_port ? "" : fmt::format(":{}", port), target);
}

}  // namespace bongsu::net
