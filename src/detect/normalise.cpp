#include "detect/normalise.h"

#include <fmt/format.h>

#include "base/text.h"
#include "detect/address.h"
#include "detect/indicator.h"
#include "detect/url.h"

namespace bongsu::detect {
namespace {

std::size_t hash_digits(Kind kind) {
  switch (kind) {
    case Kind::kMd5:
    case Kind::kJa3:
      return 32;
    case Kind::kSha1:
      return 40;
    case Kind::kSha256:
      return 64;
    case Kind::kSha512:
      return 128;
    default:
      return 0;
  }
}

std::unexpected<Error> invalid(std::string message) { return fail(ErrorCode::kInvalid, std::move(message)); }

// A domain to look for: two labels at least, since one would match every name under a top-level domain.
const char* normalise_domain(std::string_view text, std::string& out) {
  if (text.starts_with("*."))
    text.remove_prefix(2);
  else if (text.starts_with('.'))
    text.remove_prefix(1);
  if (const char* wrong = normalise_host(text, out)) return wrong;
  const std::size_t dot = out.rfind('.');
  if (dot == out.npos) return "a domain of a single label would match everything under it";
  bool letters = false;
  for (const char c : std::string_view(out).substr(dot + 1)) letters = letters || c < '0' || c > '9';
  return letters ? nullptr : "the last label of a domain is not a number";
}

}  // namespace

void ascii_lower(std::string_view text, std::string& out) {
  out.assign(text);
  for (char& c : out) c = bongsu::lower(c);
}

bool is_hex(std::string_view text) {
  for (const char c : text)
    if (hex_digit(c) < 0) return false;  // at the first character of most names
  return !text.empty();
}

std::string_view base_name(std::string_view path) {
  const std::size_t at = path.find_last_of("\\/");
  return at == path.npos ? path : path.substr(at + 1);
}

void normalise_path(std::string_view text, std::string& out) {
  const bool drive = text.size() >= 2 && text[1] == ':';
  if (!drive && text.find('\\') == text.npos) {
    out.assign(text);
    return;
  }
  ascii_lower(text, out);
  for (char& c : out)
    if (c == '/') c = '\\';
}

void normalise_registry_key(std::string_view text, std::string& out) {
  struct Hive {
    std::string_view from, to;
  };
  static constexpr Hive kHives[] = {
      {"hklm", "hkey_local_machine"},     {"hku", "hkey_users"},
      {"hkcu", "hkey_current_user"},      {"hkcr", "hkey_classes_root"},
      {"hkcc", "hkey_current_config"},    {"\\registry\\machine", "hkey_local_machine"},
      {"\\registry\\user", "hkey_users"},
  };
  std::string lower;
  ascii_lower(text, lower);
  // What ends the key goes first, so that a bare hive with a backslash behind it is still the hive.
  while (lower.size() > 1 && (lower.ends_with('\\') || static_cast<unsigned char>(lower.back()) <= ' '))
    lower.pop_back();
  out.clear();
  std::string_view rest = lower;
  for (const Hive& hive : kHives) {
    if (rest.starts_with(hive.from) && (rest.size() == hive.from.size() || rest[hive.from.size()] == '\\')) {
      out = hive.to;
      rest.remove_prefix(hive.from.size());
      break;
    }
  }
  out += rest;
}

const char* normalise_email(std::string_view text, std::string& out) {
  const std::size_t at = text.rfind('@');
  if (at == text.npos || at == 0) return "an e-mail address has a name, '@' and a domain";
  std::string host;
  if (normalise_host(text.substr(at + 1), host) != nullptr) return "the part behind '@' is not a host name";
  if (text.substr(0, at).find_first_of(" \t<>\"") != text.npos) return "a character that no plain e-mail address has";
  out.assign(text.substr(0, at + 1));
  out += host;
  return nullptr;
}

bool normalise_mac(std::string_view text, std::string& out) {
  std::string digits;
  std::size_t separators = 0;
  for (const char c : text) {
    if (hex_digit(c) >= 0)
      digits += c;
    else if (c == ':' || c == '-' || c == '.')
      ++separators;
    else
      return false;
  }
  if (digits.size() != 12 || (separators != 5 && separators != 2 && separators != 0)) return false;
  std::string lower;
  ascii_lower(digits, lower);
  out.clear();
  for (std::size_t i = 0; i < 12; i += 2) {
    if (i > 0) out += ':';
    out.append(lower, i, 2);
  }
  return true;
}

Result<Value> normalise(Kind kind, std::string_view text) {
  text = trim(text);
  if (text.empty()) return invalid("an empty value");
  if (text.size() > kMaxValueBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("a value longer than {} bytes", kMaxValueBytes));
  Value out{kind, {}};
  switch (kind) {
    case Kind::kIpv4:
    case Kind::kIpv6: {
      const auto address = parse_cidr(text);
      if (!address) return invalid("not an IP address or CIDR block");
      return Value{address->v6 ? Kind::kIpv6 : Kind::kIpv4, address->text()};
    }
    case Kind::kDomain:
      if (const char* wrong = normalise_domain(text, out.text)) return invalid(wrong);
      return out;
    case Kind::kUrl:
      if (const char* wrong = normalise_url(text, out.text)) return invalid(wrong);
      return out;
    case Kind::kEmail:
      if (const char* wrong = normalise_email(text, out.text)) return invalid(wrong);
      return out;
    case Kind::kMd5:
    case Kind::kSha1:
    case Kind::kSha256:
    case Kind::kSha512:
    case Kind::kJa3:
      if (text.size() != hash_digits(kind) || !is_hex(text))
        return invalid(fmt::format("{} is {} hexadecimal digits", to_string(kind), hash_digits(kind)));
      ascii_lower(text, out.text);
      return out;
    case Kind::kMac:
      if (!normalise_mac(text, out.text)) return invalid("not a MAC address");
      return out;
    case Kind::kFileName:
      if (text.find_first_of("\\/") != text.npos) return invalid("a file name has no '/' or '\\'; this is a path");
      ascii_lower(text, out.text);
      return out;
    case Kind::kFilePath:
      normalise_path(text, out.text);
      return out;
    case Kind::kRegistryKey:
      normalise_registry_key(text, out.text);
      return out;
    case Kind::kMutex:
    case Kind::kUserAgent:
    case Kind::kText:
      out.text = text;
      return out;
  }
  return invalid("an unknown kind");
}

}  // namespace bongsu::detect
