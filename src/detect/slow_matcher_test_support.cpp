#include "detect/slow_matcher_test_support.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <regex>
#include <tuple>

#include "detect/url.h"
#include "telemetry/event.h"

namespace bongsu::detect {
namespace {

using telemetry::Role;
using Candidates = std::vector<std::pair<Kind, std::string>>;

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string strip(const std::string& text, const std::string& what) {
  const std::size_t first = text.find_first_not_of(what);
  if (first == text.npos) return "";
  return text.substr(first, text.find_last_not_of(what) - first + 1);
}

std::string blanks() {
  std::string out;
  for (int c = 0; c <= 32; ++c) out += static_cast<char>(c);
  return out;
}

std::string trimmed(const std::string& text) { return strip(text, blanks()); }

std::vector<std::string> split(const std::string& text, const std::string& separators) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find_first_of(separators, begin);
    out.push_back(text.substr(begin, end == text.npos ? text.npos : end - begin));
    if (end == text.npos) return out;
    begin = end + 1;
  }
}

bool all_hex(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF") == text.npos;
}

// The bytes of an address and whether it is IPv6; by the C library.
std::optional<std::pair<std::string, bool>> address_bytes(std::string text) {
  unsigned char bytes[16];
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1)
    return std::pair(std::string(reinterpret_cast<char*>(bytes), 4), false);
  if (text.find(':') == text.npos) return std::nullopt;
  if (const std::size_t percent = text.find('%'); percent != text.npos) {
    const std::string zone = text.substr(percent + 1);
    if (zone.empty() || zone.size() > 15) return std::nullopt;
    if (zone.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != zone.npos)
      return std::nullopt;
    text = text.substr(0, percent);
  }
  if (inet_pton(AF_INET6, text.c_str(), bytes) != 1) return std::nullopt;
  const std::string all(reinterpret_cast<char*>(bytes), 16);
  if (all.substr(0, 12) == std::string("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12)) return std::pair(all.substr(12), false);
  return std::pair(all, true);
}

std::string address_text(const std::string& bytes, bool v6) {
  char buffer[64];
  inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), buffer, sizeof buffer);
  return buffer;
}

std::string masked(std::string bytes, int prefix) {
  for (std::size_t bit = static_cast<std::size_t>(prefix); bit < bytes.size() * 8; ++bit)
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] & ~(0x80 >> (bit % 8)));
  return bytes;
}

std::optional<std::string> host_form(std::string text) {
  while (text.ends_with('.')) text.pop_back();
  if (text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != text.npos) {
    const bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
    std::string out;
    if (ascii || normalise_host(text, out) != nullptr) return std::nullopt;  // IDNA is libidn2's in both
    return out;
  }
  if (text.empty() || text.size() > 253) return std::nullopt;
  for (const std::string& label : split(text, "."))
    if (label.empty() || label.size() > 63) return std::nullopt;
  return lower(text);
}

// RFC 3986 §6.2.2–6.2.3, step by step.
std::optional<std::string> url_form(const std::string& text) {
  const std::size_t colon = text.find("://");
  if (colon == text.npos || colon == 0 || text.size() > kMaxValueBytes) return std::nullopt;
  const std::string scheme = lower(text.substr(0, colon));
  if (!(scheme[0] >= 'a' && scheme[0] <= 'z')) return std::nullopt;
  if (scheme.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+-.") != scheme.npos) return std::nullopt;
  std::string rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t path_at = std::min(rest.find_first_of("/?"), rest.size());
  std::string authority = rest.substr(0, path_at);
  rest = rest.substr(path_at);
  const auto encode = [](const std::string& in) {
    std::string out;
    const std::string plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    for (std::size_t i = 0; i < in.size(); ++i) {
      char c = in[i];
      if (c == '%' && i + 2 < in.size() && all_hex(in.substr(i + 1, 2))) {
        const char decoded = static_cast<char>(std::stoi(in.substr(i + 1, 2), nullptr, 16));
        std::string upper = in.substr(i, 3);
        std::transform(upper.begin(), upper.end(), upper.begin(),
                       [](char x) { return x >= 'a' && x <= 'f' ? static_cast<char>(x - 32) : x; });
        out += plain.find(decoded) != plain.npos && decoded != '\0' ? std::string(1, decoded) : upper;
        i += 2;
      } else if (plain.find(c) != plain.npos || std::string("!$&'()*+,;=:@/?[]").find(c) != std::string::npos) {
        out += c;
      } else {
        char buffer[4];
        std::snprintf(buffer, sizeof buffer, "%%%02X", static_cast<unsigned char>(c));
        out += buffer;
      }
    }
    return out;
  };
  std::string user, host, port;
  if (const std::size_t at = authority.rfind('@'); at != authority.npos) {
    user = authority.substr(0, at);
    authority = authority.substr(at + 1);
  }
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == authority.npos) return std::nullopt;
    const auto bytes = address_bytes(authority.substr(1, close - 1));
    if (!bytes) return std::nullopt;
    host = bytes->second ? "[" + address_text(bytes->first, true) + "]" : address_text(bytes->first, false);
    const std::string after = authority.substr(close + 1);
    if (!after.empty() && after[0] != ':') return std::nullopt;
    port = after.empty() ? "" : after.substr(1);
  } else {
    const std::size_t port_at = authority.find(':');
    if (port_at != authority.npos) port = authority.substr(port_at + 1);
    const auto name = host_form(authority.substr(0, port_at));
    if (!name) return std::nullopt;
    host = *name;
  }
  if (port.find_first_not_of("0123456789") != port.npos || port.size() > 5) return std::nullopt;
  const std::map<std::string, std::string> defaults{
      {"http", "80"}, {"ws", "80"}, {"https", "443"}, {"wss", "443"}, {"ftp", "21"}};
  const auto default_port = defaults.find(scheme);
  if (default_port != defaults.end() && default_port->second == port) port = "";
  const std::size_t query_at = std::min(rest.find('?'), rest.size());
  std::string path = encode(rest.substr(0, query_at));
  const std::string query = encode(rest.substr(query_at));
  if (!path.empty()) {
    std::vector<std::string> kept;
    std::vector<std::string> segments = split(path.substr(1), "/");
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const bool last = i + 1 == segments.size();
      if (segments[i] == ".." && !kept.empty()) kept.pop_back();
      if (segments[i] == "." || segments[i] == "..") {
        if (last) kept.push_back("");
        continue;
      }
      kept.push_back(segments[i]);
    }
    path = "";
    for (const std::string& segment : kept) path += "/" + segment;
  }
  if (path.empty() && !query.empty()) path = "/";
  std::string out = scheme + "://" + (user.empty() ? "" : encode(user) + "@") + host + (port.empty() ? "" : ":" + port);
  // The normal form of an empty path is "/" (§6.2.3).
  out += path.empty() ? "/" : path;
  out += query;
  if (out.size() > kMaxValueBytes) return std::nullopt;
  return out;
}

std::string url_host_of(const std::string& form) {
  std::string rest = form.substr(form.find("://") + 3);
  rest = rest.substr(0, rest.find_first_of("/?"));
  if (const std::size_t at = rest.rfind('@'); at != rest.npos) rest = rest.substr(at + 1);
  if (rest.starts_with('[')) return rest.substr(1, rest.find(']') - 1);
  return rest.substr(0, rest.find(':'));
}

void add_address(const std::string& text, const std::set<int>& v4, const std::set<int>& v6, Candidates& out) {
  const auto bytes = address_bytes(text);
  if (!bytes) return;
  const int full = bytes->second ? 128 : 32;
  for (const int prefix : bytes->second ? v6 : v4) {
    std::string form = address_text(masked(bytes->first, prefix), bytes->second);
    if (prefix != full) form += "/" + std::to_string(prefix);
    out.emplace_back(bytes->second ? Kind::kIpv6 : Kind::kIpv4, form);
  }
}

void add_domain(std::string text, Candidates& out) {
  while (text.ends_with('.')) text.pop_back();
  std::string name = lower(text);
  if (!std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; })) {
    const auto form = host_form(text);
    if (!form) return;
    name = *form;
  }
  const std::vector<std::string> labels = split(name, ".");
  std::string suffix;
  for (std::size_t i = labels.size(); i-- > 0;) {
    if (labels[i].empty()) return;
    suffix = suffix.empty() ? labels[i] : labels[i] + "." + suffix;
    if (i + 1 < labels.size()) out.emplace_back(Kind::kDomain, suffix);
  }
}

void add_hash(const std::string& text, Candidates& out) {
  if (!all_hex(text)) return;
  const std::map<std::size_t, Kind> lengths{
      {32, Kind::kMd5}, {40, Kind::kSha1}, {64, Kind::kSha256}, {128, Kind::kSha512}};
  if (const auto at = lengths.find(text.size()); at != lengths.end()) out.emplace_back(at->second, lower(text));
}

std::string without_port(const std::string& text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    return close == text.npos ? text : text.substr(1, close - 1);
  }
  if (std::count(text.begin(), text.end(), ':') != 1) return text;
  const std::string port = text.substr(text.find(':') + 1);
  if (port.empty() || port.find_first_not_of("0123456789") != port.npos) return text;
  return text.substr(0, text.find(':'));
}

std::string base(const std::string& path) {
  const std::size_t at = path.find_last_of("\\/");
  return at == path.npos ? path : path.substr(at + 1);
}

class InMemory final : public SlowIndicators {
 public:
  explicit InMemory(const std::vector<Indicator>& indicators) {
    for (const Indicator& indicator : indicators) {
      known_[{indicator.value.kind, indicator.value.text}].push_back(indicator);
      note_prefix(indicator.value);
    }
  }
  std::vector<Indicator> with(Kind kind, const std::string& text) const override {
    const auto found = known_.find({kind, text});
    return found == known_.end() ? std::vector<Indicator>{} : found->second;
  }

 private:
  std::map<std::pair<Kind, std::string>, std::vector<Indicator>> known_;
};

}  // namespace

void SlowIndicators::note_prefix(const Value& value) {
  const std::size_t slash = value.text.find('/');
  if (value.kind == Kind::kIpv4)
    v4_prefixes.insert(slash == value.text.npos ? 32 : std::stoi(value.text.substr(slash + 1)));
  if (value.kind == Kind::kIpv6)
    v6_prefixes.insert(slash == value.text.npos ? 128 : std::stoi(value.text.substr(slash + 1)));
}

SlowMatcher::SlowMatcher(const std::vector<Indicator>& indicators, Instant now)
    : SlowMatcher(std::make_shared<InMemory>(indicators), now) {}

SlowMatcher::SlowMatcher(std::shared_ptr<const SlowIndicators> indicators, Instant now)
    : indicators_(std::move(indicators)), now_(now) {
  for (const telemetry::FieldRow& row : telemetry::FieldMap::standard()->rows()) roles_.emplace(row.path, row.role);
}

void SlowMatcher::walk(const Json& value, const std::string& key, const std::string& path, const std::string& prefix,
                       Role role, std::vector<Leaf>& out) const {
  if (value.is_object()) {
    const std::string inner_prefix = role == Role::kTransparent ? prefix : key;
    for (const auto& [name, inner] : value.get_object()) {
      const std::string full = inner_prefix.empty() ? std::string(name) : inner_prefix + "." + std::string(name);
      const auto found = roles_.find(full);
      walk(inner, full, path.empty() ? std::string(name) : path + "." + std::string(name), inner_prefix,
           found == roles_.end() ? Role::kShape : found->second, out);
    }
  } else if (value.is_array()) {
    for (const Json& inner : value.get_array()) walk(inner, key, path, prefix, role, out);
  } else if (value.is_string()) {
    out.push_back({path, std::string(value.get_string()), role});
  } else if (role == Role::kHttpPort || (role >= Role::kTime && role <= Role::kTimeThird)) {
    out.push_back({path, to_text(value), role});
  }
}

std::optional<Instant> SlowMatcher::time_of(const std::vector<Leaf>& leaves) const {
  for (const Role wanted : {Role::kTime, Role::kTimeSecond, Role::kTimeThird})
    for (const Leaf& leaf : leaves) {
      if (leaf.role != wanted) continue;
      std::string text = leaf.text;
      if (text.find('-') == text.npos) {  // seconds since 1970
        char* end = nullptr;
        if (text.find_first_not_of("0123456789") == text.npos &&
            (text.size() == 13 || text.size() == 16 || text.size() == 19))
          text.insert(10, ".");
        const double seconds = std::strtod(text.c_str(), &end);
        return Instant::from_micros(static_cast<std::int64_t>(seconds * 1e6));
      }
      if (const auto exact = Instant::parse(text)) return exact;
      std::replace(text.begin(), text.end(), ' ', 'T');
      if (const auto zoned = Instant::parse(text + "Z")) return zoned;
      if (text.size() > 5) text.insert(text.size() - 2, ":");
      return Instant::parse(text);
    }
  return std::nullopt;
}

void SlowMatcher::event(const std::vector<Leaf>& leaves, std::uint64_t offset, std::set<SlowHit>& hits) const {
  std::set<std::pair<std::uint64_t, std::string>> typed_hits, text_hits;
  const std::optional<Instant> when = time_of(leaves);
  const auto look = [&](const Candidates& candidates, const std::string& field, bool text) {
    for (const auto& candidate : candidates) {
      for (const Indicator& indicator : indicators_->with(candidate.first, candidate.second)) {
        const Instant at = when.value_or(now_);
        if (indicator.valid_from && at < *indicator.valid_from) continue;
        if (indicator.valid_until && at >= *indicator.valid_until) continue;
        (text ? text_hits : typed_hits).emplace(indicator.ref, field);
      }
    }
  };
  const auto add_host = [&](const std::string& text, Candidates& out) {
    const std::string name = without_port(trimmed(text));
    if (address_bytes(name))
      add_address(name, indicators_->v4_prefixes, indicators_->v6_prefixes, out);
    else
      add_domain(name, out);
  };
  const auto add_url = [&](const std::string& text, Candidates& out) {
    const auto form = url_form(text);
    if (!form) return false;
    out.emplace_back(Kind::kUrl, *form);
    add_host(url_host_of(*form), out);
    return true;
  };
  const auto add_email = [&](const std::string& text, Candidates& out) {
    const std::size_t at = text.rfind('@');
    if (at == text.npos || at == 0) return;
    if (const auto host = host_form(text.substr(at + 1)))
      out.emplace_back(Kind::kEmail, text.substr(0, at + 1) + *host);
  };
  const auto add_words = [&](const std::string& text, const std::string& whole, std::size_t from, bool only_email,
                             Candidates& out) {
    const std::string word_letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+@:";
    std::size_t begin = text.find_first_of(word_letters);
    while (begin != text.npos) {
      const std::size_t end = std::min(text.find_first_not_of(word_letters, begin), text.size());
      const std::string word = text.substr(begin, end - begin);
      bool done = false;
      if (std::count(word.begin(), word.end(), ':') >= 2) {
        std::string v6 = strip(word, ".+@-");
        if (v6.ends_with(':') && !v6.ends_with("::")) v6.pop_back();
        if (address_bytes(v6)) {
          add_address(v6, indicators_->v4_prefixes, indicators_->v6_prefixes, out);
          done = true;
        }
      }
      std::size_t piece_at = begin;
      for (const std::string& raw : done ? std::vector<std::string>{} : split(word, ":")) {
        const std::string piece = strip(raw, ".+@-");
        const std::size_t at = from + piece_at + raw.find(piece);
        piece_at += raw.size() + 1;
        if (piece.size() < 4) continue;
        const auto ats = std::count(piece.begin(), piece.end(), '@');
        if (ats == 1) add_email(piece, out);
        if (ats > 0 || only_email) continue;
        add_hash(piece, out);
        if (piece.find('.') == piece.npos) continue;
        if (address_bytes(piece)) {
          std::string before = whole.substr(0, at);
          while (!before.empty() && std::string(" =:\"'").find(before.back()) != std::string::npos) before.pop_back();
          if (!lower(before).ends_with("version"))
            add_address(piece, indicators_->v4_prefixes, indicators_->v6_prefixes, out);
        } else {
          add_domain(piece, out);
          out.emplace_back(Kind::kFileName, lower(piece));
        }
      }
      begin = text.find_first_of(word_letters, end);
    }
  };
  const auto add_tokens = [&](const std::string& text, bool only_email, Candidates& out) {
    const std::string letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const std::string stops = blanks() + "\x7f\"'<>|\\^`{}";
    std::size_t from = 0, search = 0;
    while (true) {
      const std::size_t colon = text.find("://", search);
      if (colon == text.npos) break;
      search = colon + 1;
      std::size_t scheme = colon;
      while (scheme > from && letters.find(text[scheme - 1]) != letters.npos) --scheme;
      if (scheme == colon || only_email) continue;
      std::string url = text.substr(scheme, std::min(text.find_first_of(stops, scheme), text.size()) - scheme);
      while (!url.empty() && std::string(".,;:!?)]'*").find(url.back()) != std::string::npos) url.pop_back();
      if (!add_url(url, out)) continue;
      add_words(text.substr(from, scheme - from), text, from, only_email, out);
      from = search = scheme + url.size();
    }
    add_words(text.substr(from), text, from, only_email, out);
  };

  const Leaf *http_host = nullptr, *http_uri = nullptr, *http_port = nullptr;
  for (const Leaf& leaf : leaves) {
    Candidates found{{Kind::kText, leaf.text}};
    switch (leaf.role) {
      case Role::kShape:
      case Role::kTransparent:
        add_address(leaf.text, indicators_->v4_prefixes, indicators_->v6_prefixes, found);
        add_hash(leaf.text, found);
        break;
      case Role::kIgnore:
        continue;
      case Role::kTime:
      case Role::kTimeSecond:
      case Role::kTimeThird:
        break;
      case Role::kAddress:
        for (const std::string& one : split(leaf.text, ";, ")) {
          if (address_bytes(one))
            add_address(one, indicators_->v4_prefixes, indicators_->v6_prefixes, found);
          else
            add_address(without_port(one), indicators_->v4_prefixes, indicators_->v6_prefixes, found);
        }
        break;
      case Role::kHttpHost:
        http_host = &leaf;
        [[fallthrough]];
      case Role::kHost:
        add_host(leaf.text, found);
        break;
      case Role::kHttpUri:
        http_uri = &leaf;
        if (leaf.text.find("://") != leaf.text.npos) add_url(trimmed(leaf.text), found);
        break;
      case Role::kHttpPort:
        http_port = &leaf;
        break;
      case Role::kUrl:
        add_url(trimmed(leaf.text), found);
        break;
      case Role::kEmail:
        add_tokens(leaf.text, true, found);
        break;
      case Role::kHash:
        add_hash(trimmed(leaf.text), found);
        break;
      case Role::kHashList:
        for (const std::string& one : split(leaf.text, ",")) {
          const std::string part = trimmed(one);
          const std::size_t equals = part.find('=');
          if (equals == part.npos) {
            add_hash(part, found);
            continue;
          }
          const std::map<std::string, std::size_t> lengths{{"md5", 32}, {"sha1", 40}, {"sha256", 64}, {"sha512", 128}};
          const auto at = lengths.find(lower(part.substr(0, equals)));
          if (at != lengths.end() && part.size() - equals - 1 == at->second) add_hash(part.substr(equals + 1), found);
        }
        break;
      case Role::kJa3:
        if (const std::string hex = trimmed(leaf.text); all_hex(hex)) found.emplace_back(Kind::kJa3, lower(hex));
        break;
      case Role::kMac:
        if (const auto mac = normalise(Kind::kMac, leaf.text)) found.emplace_back(Kind::kMac, mac->text);
        break;
      case Role::kFileName:
        found.emplace_back(Kind::kFileName, lower(base(leaf.text)));
        break;
      case Role::kFilePath: {
        found.emplace_back(Kind::kFileName, lower(base(leaf.text)));
        std::string path = leaf.text;
        if (path.find('\\') != path.npos || (path.size() > 1 && path[1] == ':')) {
          path = lower(path);
          std::replace(path.begin(), path.end(), '/', '\\');
        }
        found.emplace_back(Kind::kFilePath, path);
        for (std::size_t at = path.find('\\', 1); at != path.npos; at = path.find('\\', at + 1))
          if (path.substr(at, 2) != "\\\\") found.emplace_back(Kind::kFilePath, path.substr(at));
        break;
      }
      case Role::kRegistryKey:
        if (const auto key = normalise(Kind::kRegistryKey, leaf.text)) {
          found.emplace_back(Kind::kRegistryKey, key->text);
          if (const std::size_t at = key->text.rfind('\\'); at != key->text.npos && at > 0)
            found.emplace_back(Kind::kRegistryKey, key->text.substr(0, at));
        }
        break;
      case Role::kMutex:
        found.emplace_back(Kind::kMutex, leaf.text);
        found.emplace_back(Kind::kMutex, base(leaf.text));
        break;
      case Role::kUserAgent:
        found.emplace_back(Kind::kUserAgent, trimmed(leaf.text));
        break;
      case Role::kText: {
        look(found, leaf.path, false);
        found.clear();
        add_tokens(leaf.text, false, found);
        look(found, leaf.path, true);
        continue;
      }
    }
    look(found, leaf.path, false);
  }
  if (http_host != nullptr && http_uri != nullptr && http_uri->text.starts_with('/')) {
    const std::string host = trimmed(http_host->text);
    if (!host.empty()) {
      const bool v6 = !host.starts_with('[') && std::count(host.begin(), host.end(), ':') > 1;
      const std::string authority = v6 ? "[" + host + "]" : host;
      Candidates found;
      if (const auto form = url_form("http://" + authority + http_uri->text)) found.emplace_back(Kind::kUrl, *form);
      if (http_port != nullptr && without_port(authority) == host)
        if (const auto form = url_form("http://" + authority + ":" + http_port->text + http_uri->text))
          found.emplace_back(Kind::kUrl, *form);
      look(found, http_uri->path, false);
    }
  }
  std::set<std::uint64_t> typed_refs;
  for (const auto& [ref, field] : typed_hits) {
    typed_refs.insert(ref);
    hits.emplace(offset, ref, field);
  }
  for (const auto& [ref, field] : text_hits)
    if (!typed_refs.contains(ref)) hits.emplace(offset, ref, field);
}

bool SlowMatcher::header_line(const std::string& line) {
  const auto rest_of = [&](const std::string& name) -> std::optional<std::string> {
    if (!line.starts_with(name)) return std::nullopt;
    return line.substr(name.size());
  };
  if (line == "#separator \\x09") {
    header_ = true;
    separator_ = '\t';
    names_.clear();
    return true;
  }
  if (!header_ || line[0] != '#') return false;
  if (line.starts_with("#close"))
    header_ = false;
  else if (const auto fields = rest_of("#fields\t"))
    names_ = split(*fields, "\t");
  else if (const auto types = rest_of("#types\t"))
    types_ = split(*types, "\t");
  else if (const auto sets = rest_of("#set_separator\t"))
    set_separator_ = *sets;
  else if (const auto empty = rest_of("#empty_field\t"))
    empty_ = *empty;
  else if (const auto unset = rest_of("#unset_field\t"))
    unset_ = *unset;
  else
    return line.starts_with("#open") || line.starts_with("#path");
  return true;
}

bool SlowMatcher::line(std::string_view raw, std::uint64_t offset, std::set<SlowHit>& hits) {
  std::string text(raw);
  if (text.ends_with('\r')) text.pop_back();
  if (text.find_first_not_of(" \t\r") == text.npos) return true;
  std::vector<Leaf> leaves;
  if (text[text.find_first_not_of(" \t\r")] == '{') {
    const auto parsed = parse_json(text);
    if (!parsed) return false;
    walk(*parsed, "", "", "", Role::kShape, leaves);
    event(leaves, offset, hits);
    return true;
  }
  if (header_line(text)) return true;
  if (header_ && !names_.empty()) {
    const std::vector<std::string> columns = split(text, std::string(1, separator_));
    if (columns.size() != names_.size()) return false;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (columns[i] == unset_ || columns[i] == empty_) continue;
      std::string type = types_[i];
      std::vector<std::string> values{columns[i]};
      if (type.starts_with("set[") || type.starts_with("vector[")) {
        values = split(columns[i], set_separator_);
        type = type.substr(type.find('[') + 1);
        type.pop_back();
      }
      Role role = roles_.contains(names_[i]) ? roles_.at(names_[i]) : Role::kShape;
      if (role == Role::kShape && (type == "addr" || type == "subnet")) role = Role::kAddress;
      const bool time_or_port = role == Role::kHttpPort || (role >= Role::kTime && role <= Role::kTimeThird);
      const std::set<std::string> texts{"string", "addr", "subnet", "pattern", "file"};
      if (!time_or_port && !texts.contains(type)) continue;
      for (const std::string& value : values) {
        std::string plain;
        for (std::size_t k = 0; k < value.size(); ++k) {
          if (value.substr(k, 2) == "\\x" && k + 4 <= value.size() && all_hex(value.substr(k + 2, 2))) {
            plain += static_cast<char>(std::stoi(value.substr(k + 2, 2), nullptr, 16));
            k += 3;
          } else if (value.substr(k, 2) == "\\\\") {
            plain += '\\';
            ++k;
          } else {
            plain += value[k];
          }
        }
        leaves.push_back({names_[i], plain, role});
      }
    }
    event(leaves, offset, hits);
    return true;
  }
  leaves.push_back({"text", text, Role::kText});
  text_fields(text, leaves);
  event(leaves, offset, hits);
  return true;
}

// --- fields within lines of text (telemetry/syslog.h, cef.h, key_value.h), by regular expressions

void SlowMatcher::field(const std::string& path, const std::string& raw, const std::string& plain,
                        std::vector<Leaf>& out) const {
  if (raw.empty()) return;
  const auto found = roles_.find(path);
  Role role = found == roles_.end() || found->second == Role::kTransparent ? Role::kShape : found->second;
  if (role == Role::kText && raw.find('\\') == raw.npos) return;  // the line's own text shows it
  out.push_back({path, plain, role});
}

std::optional<std::string> SlowMatcher::syslog_fields(const std::string& line, std::vector<Leaf>& out) const {
  static const std::regex k5424(
      R"re(<(\d{1,3})>[1-9]\d{0,2} (\S+) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) (-|(\[[!#-<>-\\^-~]+( [!#-<>-\\^-~]+="([^"\\]|\\[\s\S])*")* ?\])+)( ([\s\S]*))?)re");
  static const std::regex kParameter(R"re(\[([!#-<>-\\^-~]+)| ([!#-<>-\\^-~]+)="(([^"\\]|\\[\s\S])*)")re");
  static const std::regex kPriority(R"(<(\d{1,3})>([\s\S]*))");
  static const std::regex kTime(
      R"(((?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)  ?\d\d? (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d*)?)(?:: |:| |$)([\s\S]*))");
  static const std::regex kTag(
      R"re(([!#-&(-+\--9?-Z\\^-z~]{1,64})(?:\[([!#-&(-;?-\\^-z~]{1,64})\])?:(?:$| ([\s\S]*)))re");
  static const std::regex kEvent(R"((\{|CEF:|LEEF:|@cee:)[\s\S]*)");
  static const std::regex kWord(R"(([!-~]{1,255})(?: |$)([\s\S]*))");
  const auto is_time = [](const std::string& word) {
    return word.size() >= 20 && word.size() <= 35 && word[10] == 'T' && telemetry::parse_event_time(word).has_value();
  };
  std::smatch m, t;
  if (std::regex_match(line, m, k5424) && (m[2] == "-" || is_time(m[2]))) {
    const char* names[] = {"priority", "time", "host", "app", "pid", "msgid"};
    for (std::size_t i = 0; i < 6; ++i)
      if (m[i + 1] != "-") field(std::string("syslog.") + names[i], m[i + 1], m[i + 1], out);
    const std::string data = m[7];
    std::string element;
    for (std::sregex_iterator at(data.begin(), data.end(), kParameter), end; at != end; ++at) {
      if ((*at)[1].matched) {
        element = (*at)[1];
        continue;
      }
      const std::string raw = (*at)[3];
      field("syslog." + element + "." + (*at)[2].str(), raw,
            std::regex_replace(raw, std::regex(R"re(\\(["\\\]]))re"), "$1"), out);
    }
    std::string message = m[12];
    if (message.starts_with("\xef\xbb\xbf")) message = message.substr(3);
    return message;
  }
  std::string rest = line, priority, time, host, app, pid;
  if (std::regex_match(rest, m, kPriority)) {
    priority = m[1];
    rest = m[2].str();
  }
  if (std::regex_match(rest, m, kTime)) {
    time = m[1];
    rest = m[2].str();
  } else {
    std::string after = rest;
    if (!priority.empty() && after.starts_with("1 ")) after = after.substr(2);
    const std::size_t blank = std::min(after.find(' '), after.size());
    if (is_time(after.substr(0, blank))) {
      time = after.substr(0, blank);
      rest = blank == after.size() ? "" : after.substr(blank + 1);
    }
  }
  if (priority.empty() && time.empty()) return std::nullopt;
  const auto tag = [&](const std::string& text) {
    if (!std::regex_match(text, t, kTag)) return false;
    app = t[1];
    pid = t[2];
    rest = t[3].str();
    return true;
  };
  if (!std::regex_match(rest, kEvent) && !tag(std::string(rest)) && !time.empty()) {
    const bool word = std::regex_match(rest, m, kWord) && m[1].str().find('=') == std::string::npos;
    if (!word && priority.empty()) return std::nullopt;
    if (word) {
      const std::string first = m[1], after = m[2];
      const bool event = std::regex_match(after, kEvent);
      if (event || !tag(after)) {
        if (!event && priority.empty()) return std::nullopt;
        rest = after;
      }
      host = first;
    }
  }
  field("syslog.priority", priority, priority, out);
  field("syslog.time", time, time, out);
  field("syslog.host", host, host, out);
  field("syslog.app", app, app, out);
  field("syslog.pid", pid, pid, out);
  return rest;
}

bool SlowMatcher::security_fields(const std::string& text, std::vector<Leaf>& out) const {
  static const std::regex kHead(R"((?:^|[ :\t])(CEF|LEEF):([\d.]{1,8})\|)");
  static const std::regex kPart(R"(^((?:[^\\|]|\\[\s\S])*)\|)");
  static const std::regex kKey(R"((?:^| )([A-Za-z0-9_.\[\]-]+)=)");
  const auto plain = [](const std::string& raw) {
    std::string made;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      const std::string two = raw.substr(i, 2);
      if (two == "\\\\" || two == "\\=" || two == "\\|")
        made += raw[++i];
      else if (two == "\\n" || two == "\\r")
        made += two == "\\n" ? '\n' : '\r', ++i;
      else
        made += raw[i];
    }
    return made;
  };
  for (std::sregex_iterator head(text.begin(), text.end(), kHead), end; head != end && head->position() < 256; ++head) {
    std::string rest = head->suffix();
    const bool cef = (*head)[1] == "CEF";
    std::vector<std::string> parts;
    std::smatch m;
    while (parts.size() < (cef ? 5U : 4U) && std::regex_search(rest, m, kPart)) {
      parts.push_back(m[1]);
      rest = m.suffix();
    }
    if (parts.size() < (cef ? 5U : 4U)) continue;
    if (cef) {
      const std::size_t bar = rest.find('|');
      const std::string severity = trimmed(rest.substr(0, bar));
      if (severity.size() > 32) continue;
      rest = bar == rest.npos ? "" : rest.substr(bar + 1);
      const char* names[] = {"device_vendor", "device_product", "device_version", "event_class_id", "name"};
      for (std::size_t i = 0; i < 5; ++i) field(std::string("cef.") + names[i], parts[i], plain(parts[i]), out);
      field("cef.severity", severity, severity, out);
      // Backslash pairs hide what they hold from the search for keys.
      const std::string hidden = std::regex_replace(rest, std::regex(R"(\\[^ ])"), "\x01\x01");
      std::vector<std::tuple<std::string, std::size_t, std::size_t>>
          keys;  // name, where it begins, where its value does
      for (std::sregex_iterator at(hidden.begin(), hidden.end(), kKey); at != end; ++at)
        keys.emplace_back((*at)[1], at->position(1), at->position(0) + at->length(0));
      for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto& [name, begin, value_at] = keys[i];
        const std::size_t stop = i + 1 < keys.size() ? std::get<1>(keys[i + 1]) : rest.size();
        std::string raw = rest.substr(value_at, stop - value_at);
        while (raw.ends_with(' ')) raw.pop_back();
        field("cef." + name, raw, plain(raw), out);
      }
      return true;
    }
    char delimiter = '\t';
    if ((*head)[2].str().starts_with('2')) {
      const std::size_t bar = rest.substr(0, 6).find('|');
      if (bar != rest.npos && rest.substr(0, bar).find('=') == rest.npos) {
        const std::string code = rest.substr(0, bar);
        static const std::regex kCode(R"((?:0[xX]|[xX\\])?0*([0-9a-fA-F]{1,2}))");
        if (code.size() == 1)
          delimiter = code[0];
        else if (!code.empty() && std::regex_match(code, m, kCode))
          delimiter = static_cast<char>(std::stoi(m[1], nullptr, 16));
        else if (!code.empty())
          continue;
        rest = rest.substr(bar + 1);
      }
    }
    const char* names[] = {"vendor", "product", "version", "event_id"};
    for (std::size_t i = 0; i < 4; ++i) field(std::string("leef.") + names[i], parts[i], parts[i], out);
    for (const std::string& pair : split(rest, std::string(1, delimiter))) {
      const std::size_t equals = pair.find('=');
      const std::string key = trimmed(pair.substr(0, equals));
      if (equals == pair.npos || key.empty() || !std::regex_match(key, std::regex(R"([A-Za-z0-9_.\[\]-]+)"))) continue;
      const std::string value = trimmed(pair.substr(equals + 1));
      // A backslash hides nothing here: text is read from the line's own.
      if (const auto found = roles_.find("leef." + key); found != roles_.end() && found->second == Role::kText)
        continue;
      field("leef." + key, value, value, out);
    }
    return true;
  }
  return false;
}

void SlowMatcher::pair_fields(const std::string& text, std::vector<Leaf>& out) const {
  // A pair, or a word that is none.
  static const std::regex kToken(
      R"re(^(?:([A-Za-z_@][A-Za-z0-9_@./-]*)=(?:"((?:[^"\\]|\\[\s\S])*)"|'([^'=]*)'|(')|(?!["'])([^ \t\x1d]*))|[^ \t,;'\x1d]+))re");
  std::vector<Leaf> made;
  std::size_t pairs = 0;
  bool first = true, begins = false;
  std::string rest = text;
  while (true) {
    rest.erase(0, std::min(rest.find_first_not_of(" \t,;'\x1d"), rest.size()));
    std::smatch m;
    if (!std::regex_search(rest, m, kToken)) break;
    const std::string key = m[1];
    if (first) begins = !key.empty();
    first = false;
    if (key.empty() && pairs == 0 &&
        text.size() - rest.size() + std::min(rest.find_first_of("=\"'"), rest.size()) > 512)
      break;
    if (key.empty() && std::regex_search(rest, std::regex(R"re(^[A-Za-z_@][A-Za-z0-9_@./-]*=")re")))
      break;  // a quote that never closes
    if (!key.empty()) {
      ++pairs;
      const bool quoted = m[2].matched;
      std::string raw = quoted ? m[2] : m[3].matched ? m[3] : m[5];
      if (m[5].matched)
        while (!raw.empty() && std::string(",;'").find(raw.back()) != std::string::npos) raw.pop_back();
      if (std::smatch audit; key == "msg" && m[5].matched &&
                             std::regex_match(raw, audit, std::regex(R"(audit\(([^:)]*):([^)]*)\)[\s\S]*)"))) {
        field("audit.time", audit[1], audit[1], made);
        field("audit.serial", audit[2], audit[2], made);
      }
      const bool hides = quoted && raw.find('\\') != raw.npos;
      const auto found = roles_.find(key);
      if (found == roles_.end() || found->second != Role::kText || hides)
        field(key, raw, quoted ? std::regex_replace(raw, std::regex(R"re(\\(["\\\]]))re"), "$1") : raw, made);
    }
    rest = m.suffix();
  }
  if (pairs >= 3 || (pairs == 2 && begins)) out.insert(out.end(), made.begin(), made.end());
}

void SlowMatcher::text_fields(const std::string& line, std::vector<Leaf>& out) const {
  std::string message = line;
  if (const auto rest = syslog_fields(line, out)) {
    message = *rest;
    std::string json = message;
    if (json.starts_with("@cee:")) json = trimmed(json.substr(5));
    if (json.starts_with('{')) {
      std::vector<Leaf> inner;  // whose own time goes before the daemon's
      if (const auto parsed = parse_json(json)) walk(*parsed, "", "", "", Role::kShape, inner);
      out.insert(out.begin(), inner.begin(), inner.end());
      return;
    }
  }
  if (!security_fields(message, out)) pair_fields(message, out);
}

}  // namespace bongsu::detect
