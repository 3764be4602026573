#include "detect/matcher.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "base/bytes.h"
#include "base/text.h"
#include "detect/normalise.h"
#include "detect/text_tokens.h"
#include "detect/url.h"

namespace bongsu::detect {

using telemetry::Leaf;
using telemetry::Role;

namespace {

// Could the text be an address at all? Cheap, and wrong only in saying yes.
bool looks_like_address(std::string_view text) {
  if (text.size() < 2 || text.size() > 64) return false;
  const char c = text[0];
  if (c != ':' && hex_digit(c) < 0) return false;
  const std::size_t head = std::min<std::size_t>(text.size(), 5);
  for (std::size_t i = 0; i < head; ++i)
    if (text[i] == '.' || text[i] == ':') return true;
  return false;
}

// The host part of "host", "host:80", "[::1]:80", "[::1]".
std::string_view without_port(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    return close == text.npos ? text : text.substr(1, close - 1);
  }
  const std::size_t colon = text.find(':');
  if (colon == text.npos || text.find(':', colon + 1) != text.npos) return text;
  const std::string_view port = text.substr(colon + 1);
  const bool number = !port.empty() && port.find_first_not_of("0123456789") == port.npos;
  return number ? text.substr(0, colon) : text;
}

}  // namespace

struct TextSink {
  Matcher& m;
  bool only_email;
  std::string_view whole;

  // "Version=4.0.0.0", "Host Version = 5.1.0.0": four numbers, but no address.
  bool is_version(std::string_view token) const {
    std::string_view before = whole.substr(0, static_cast<std::size_t>(token.data() - whole.data()));
    while (!before.empty() && std::string_view(" =:\"'").find(before.back()) != std::string_view::npos)
      before.remove_suffix(1);
    constexpr std::string_view kVersion = "version";
    if (before.size() < kVersion.size()) return false;
    before = before.substr(before.size() - kVersion.size());
    for (std::size_t i = 0; i < kVersion.size(); ++i)
      if ((before[i] | 0x20) != kVersion[i]) return false;
    return true;
  }

  void show(std::string_view token) { m.matched_ = token; }
  bool url(std::string_view text) {
    show(text);
    return !only_email && m.url(text);
  }
  bool ipv6(std::string_view text) {
    show(text);
    return m.address(text);
  }
  void email(std::string_view text) {
    show(text);
    m.email(text);
  }
  void hash(std::string_view text) {
    show(text);
    if (!only_email) m.hash(text);
  }
  void dotted(std::string_view text) {
    if (only_email) return;
    show(text);
    if (const auto found = parse_address(text)) {
      if (!is_version(text)) m.address(*found);
      return;
    }
    m.domain(text);
    m.file_name(text);
  }
};

void Matcher::use(SnapshotPtr snapshot) {
  snapshot_ = std::move(snapshot);
  const Snapshot& s = *snapshot_;
  any_address_ = s.count(Kind::kIpv4) + s.count(Kind::kIpv6) > 0;
  any_hash_ = s.count(Kind::kMd5) + s.count(Kind::kSha1) + s.count(Kind::kSha256) + s.count(Kind::kSha512) > 0;
  any_url_ = s.count(Kind::kUrl) > 0;
  any_host_ = any_address_ || s.count(Kind::kDomain) > 0;
}

void Matcher::match(const telemetry::EventView& event, const Instant& now, std::vector<Hit>& hits) {
  event_ = &event;
  now_ = &now;
  time_known_ = false;
  http_host_ = http_uri_ = http_port_ = nullptr;
  pending_.clear();
  for (const Leaf& l : event.leaves) leaf(l);
  if (http_uri_ != nullptr && any_url_) request();
  if (!pending_.empty()) finish(hits);
}

void Matcher::leaf(const Leaf& l) {
  leaf_ = &l;
  in_text_ = false;
  std::string_view text = l.raw();
  if (l.escape != Leaf::Escape::kNone) {
    // Fields known by shape alone hold no escapes when they are addresses or hashes.
    if (l.role == Role::kShape && snapshot_->count(Kind::kText) == 0) return;
    text = event_->text(l, decoded_);
  }
  matched_ = text;
  if (snapshot_->count(Kind::kText) > 0 && l.quoted) probe_text(Kind::kText, text);
  switch (l.role) {
    case Role::kShape:
    case Role::kTransparent:
      if (looks_like_address(text)) address(text);
      if (text.size() >= 32) hash(text);
      break;
    case Role::kIgnore:
    case Role::kTime:
    case Role::kTimeSecond:
    case Role::kTimeThird:
      break;
    case Role::kHttpPort:
      http_port_ = &l;
      break;
    case Role::kAddress:
      addresses(text);
      break;
    case Role::kHttpHost:
      http_host_ = &l;
      [[fallthrough]];
    case Role::kHost:
      host(text);
      break;
    case Role::kHttpUri:
      http_uri_ = &l;
      if (text.find("://") != text.npos) url(text);
      break;
    case Role::kUrl:
      url(text);
      break;
    case Role::kEmail:
      tokens(text, true);
      break;
    case Role::kHash:
      hash(trim(text));
      break;
    case Role::kHashList:
      hash_list(text);
      break;
    case Role::kJa3:
      hash(Kind::kJa3, trim(text));
      break;
    case Role::kMac:
      if (snapshot_->count(Kind::kMac) > 0 && normalise_mac(trim(text), normal_)) probe_text(Kind::kMac, normal_);
      break;
    case Role::kFileName:
      file_name(base_name(text));
      break;
    case Role::kFilePath:
      path(text);
      break;
    case Role::kRegistryKey:
      registry(text);
      break;
    case Role::kMutex:
      probe_text(Kind::kMutex, text);
      if (const auto name = base_name(text); name.size() < text.size()) probe_text(Kind::kMutex, name);
      break;
    case Role::kUserAgent:
      probe_text(Kind::kUserAgent, trim(text));
      break;
    case Role::kText:
      in_text_ = true;
      tokens(text, false);
      break;
  }
}

bool Matcher::in_force(const Validity& validity) {
  if (!validity.from && !validity.until) return true;
  if (!time_known_) {
    time_ = event_->time();
    time_known_ = true;
  }
  return validity.at(time_ ? *time_ : *now_);
}

void Matcher::probe(Kind kind, std::string_view bytes, std::uint64_t hash) {
  snapshot_->find(hash, kind, bytes, [&](const Segment::Entry& entry) {
    if (!in_force(*entry.validity)) return;
    if (pending_.size() >= kMaxHitsPerEvent) {
      ++dropped_;
      return;
    }
    pending_.push_back({leaf_, in_text_, entry, std::string(matched_)});
  });
}

void Matcher::probe_text(Kind kind, std::string_view normal_form) {
  if (snapshot_->count(kind) == 0 || normal_form.empty()) return;
  probe(kind, normal_form, hash64(normal_form, snapshot_->seeds[kind]));
}

void Matcher::address(const Address& whole) {
  const Kind kind = whole.v6 ? Kind::kIpv6 : Kind::kIpv4;
  if (snapshot_->count(kind) == 0) return;
  const auto look = [&](const Address& a) {
    const AddressKey key = address_key(a);
    probe(kind, key.view(), hash64(key.view(), snapshot_->seeds[kind]));
  };
  if (whole.v6 ? snapshot_->v6_single : snapshot_->v4_single) look(whole);
  for (const int prefix : whole.v6 ? snapshot_->v6_prefixes : snapshot_->v4_prefixes) {
    Address block = whole;
    block.mask(prefix);
    look(block);
  }
}

bool Matcher::address(std::string_view text) {
  const auto parsed = parse_address(text);
  if (!parsed) return false;
  address(*parsed);
  return true;
}

// One address, or several between ';', ',' and spaces.
void Matcher::addresses(std::string_view list) {
  if (!any_address_) return;
  while (true) {
    const std::size_t end = list.find_first_of(";, ");
    const std::string_view one = list.substr(0, end);
    if (one.size() >= 2 && !address(one)) address(without_port(one));
    if (end == list.npos) return;
    list.remove_prefix(end + 1);
  }
}

void Matcher::domain(std::string_view text) {
  if (snapshot_->count(Kind::kDomain) == 0) return;
  while (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 512) return;
  char lower[512];
  bool ascii = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    ascii = ascii && static_cast<signed char>(c) >= 0;
    lower[i] = bongsu::lower(c);
  }
  std::string_view name(lower, text.size());
  if (!ascii) {
    if (normalise_host(text, part_) != nullptr) return;
    name = part_;
  }
  std::uint64_t hash = snapshot_->seeds[Kind::kDomain];
  int labels = 0;
  for (std::size_t end = name.size();;) {
    const std::size_t dot = end == 0 ? name.npos : name.rfind('.', end - 1);
    const std::size_t begin = dot == name.npos ? 0 : dot + 1;
    if (begin == end) return;  // an empty label
    hash = fold(hash, name.substr(begin, end - begin));
    if (++labels >= 2) probe(Kind::kDomain, name.substr(begin), hash);
    if (dot == name.npos) return;
    end = dot;
  }
}

void Matcher::host(std::string_view text) {
  if (!any_host_) return;
  text = without_port(trim(text));
  if (looks_like_address(text) && address(text)) return;
  domain(text);
}

bool Matcher::url(std::string_view text) {
  text = trim(text);
  if (normalise_url(text, url_) != nullptr) return false;
  probe_text(Kind::kUrl, url_);
  const std::string name(url_host(url_));
  host(name);
  return true;
}

void Matcher::hash(std::string_view text) {
  switch (text.size()) {
    case 32:
      return hash(Kind::kMd5, text);
    case 40:
      return hash(Kind::kSha1, text);
    case 64:
      return hash(Kind::kSha256, text);
    case 128:
      return hash(Kind::kSha512, text);
    default:
      return;
  }
}

void Matcher::hash(Kind kind, std::string_view text) {
  if (snapshot_->count(kind) == 0 || text.size() % 2 != 0 || text.size() > 128) return;
  char bytes[64];
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return;
    bytes[i / 2] = static_cast<char>(high << 4 | low);
  }
  const std::string_view key(bytes, text.size() / 2);
  probe(kind, key, hash64(key, snapshot_->seeds[kind]));
}

// "SHA1=…,MD5=…,SHA256=…,IMPHASH=…"; an import hash is no file's MD5.
void Matcher::hash_list(std::string_view text) {
  if (!any_hash_) return;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view one = trim(text.substr(0, comma));
    const std::size_t equals = one.find('=');
    if (equals == one.npos) {
      hash(one);
    } else {
      ascii_lower(one.substr(0, equals), part_);
      const std::string_view digits = one.substr(equals + 1);
      if (part_ == "md5" && digits.size() == 32)
        hash(Kind::kMd5, digits);
      else if (part_ == "sha1" && digits.size() == 40)
        hash(Kind::kSha1, digits);
      else if (part_ == "sha256" && digits.size() == 64)
        hash(Kind::kSha256, digits);
      else if (part_ == "sha512" && digits.size() == 128)
        hash(Kind::kSha512, digits);
    }
    if (comma == text.npos) return;
    text.remove_prefix(comma + 1);
  }
}

void Matcher::email(std::string_view text) {
  if (snapshot_->count(Kind::kEmail) == 0) return;
  if (normalise_email(text, normal_) == nullptr) probe_text(Kind::kEmail, normal_);
}

void Matcher::file_name(std::string_view name) {
  if (snapshot_->count(Kind::kFileName) == 0 || name.empty()) return;
  ascii_lower(name, normal_);
  probe_text(Kind::kFileName, normal_);
}

void Matcher::path(std::string_view text) {
  file_name(base_name(text));
  if (snapshot_->count(Kind::kFilePath) == 0) return;
  normalise_path(text, normal_);
  std::uint64_t hash = snapshot_->seeds[Kind::kFilePath];
  const std::string_view whole = normal_;
  for (std::size_t end = whole.size();;) {
    const std::size_t slash = end == 0 ? whole.npos : whole.rfind('\\', end - 1);
    const std::size_t begin = slash == whole.npos ? 0 : slash + 1;
    hash = fold(hash, whole.substr(begin, end - begin));
    if (slash == whole.npos) return probe(Kind::kFilePath, whole, hash);
    const std::string_view suffix = whole.substr(slash);
    if (slash > 0 && snapshot_->path_suffixes && is_path_suffix(suffix)) probe(Kind::kFilePath, suffix, fold(hash, {}));
    end = slash;
  }
}

// The key itself, and as the key that holds the value which Sysmon names at the end.
void Matcher::registry(std::string_view text) {
  if (snapshot_->count(Kind::kRegistryKey) == 0) return;
  normalise_registry_key(trim(text), normal_);
  probe_text(Kind::kRegistryKey, normal_);
  if (const std::size_t slash = normal_.rfind('\\'); slash != std::string::npos && slash > 0)
    probe_text(Kind::kRegistryKey, std::string_view(normal_).substr(0, slash));
}

void Matcher::tokens(std::string_view text, bool only_email) {
  TextSink sink{*this, only_email, text};
  for_each_token(text, sink);
}

// The URL of an HTTP request out of its host, port and target.
void Matcher::request() {
  std::string host_text, uri_text, port_text, whole;
  const std::string_view uri = event_->text(*http_uri_, uri_text);
  if (http_host_ == nullptr || !uri.starts_with('/')) return;
  const std::string_view host = trim(event_->text(*http_host_, host_text));
  if (host.empty()) return;
  leaf_ = http_uri_;
  in_text_ = false;
  const bool v6 = !host.starts_with('[') && std::count(host.begin(), host.end(), ':') > 1;
  const std::string authority = v6 ? "[" + std::string(host) + "]" : std::string(host);
  const auto look = [&](std::string_view port) {
    whole = "http://" + authority;
    if (!port.empty()) whole.append(":").append(port);
    whole += uri;
    matched_ = whole;
    if (normalise_url(whole, url_) == nullptr) probe_text(Kind::kUrl, url_);
  };
  look({});
  if (http_port_ != nullptr && without_port(authority) == host) {
    const std::string_view port = event_->text(*http_port_, port_text);
    if (port != "80") look(port);
  }
}

void Matcher::finish(std::vector<Hit>& hits) {
  std::unordered_set<std::uint64_t> typed;
  for (const Pending& p : pending_)
    if (!p.text) typed.insert(p.entry.ref);
  std::set<std::pair<std::uint64_t, std::string>> seen;
  for (Pending& p : pending_) {
    if (p.text && typed.contains(p.entry.ref)) continue;
    std::string field = event_->path(*p.leaf);
    if (!seen.emplace(p.entry.ref, field).second) continue;
    hits.push_back({p.entry.ref,
                    {p.entry.kind, key_text(p.entry.kind, p.entry.bytes)},
                    std::move(field),
                    std::move(p.matched),
                    p.entry.confidence});
  }
}

}  // namespace bongsu::detect
