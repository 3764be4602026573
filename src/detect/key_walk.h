// Which keys an event is looked up by: from the leaves of an event to (kind, stored bytes, hash), by the rules of
// README.md. The matcher probes the index with them; whoever keeps telemetry collects them in dictionaries. Both see
// the same keys, so what a dictionary does not hold cannot match.
//
//   struct Collect {
//     void key(Kind kind, std::string_view bytes, std::uint64_t hash) { … }   // bytes as in key.h, good for this call
//   };
//   const KeySelection all = KeySelection::everything(Seeds(seed));
//   Collect collect;
//   KeyWalk<Collect> walk(collect);
//   walk.select(all);                // kept by pointer
//   walk.walk(event);                // calls collect.key() for each key; during a call:
//   walk.leaf()                      //   the leaf that the key stands in (the target's, for a URL of host and target)
//   walk.in_text()                   //   a token of free text
//   walk.shown()                     //   what a person is shown: the leaf's text, the token, the URL
//
// The same key may come several times. A name gives itself and its suffixes, the shortest first; a Windows path gives
// the ends that path suffixes are compared with, and itself last. Addresses come whole (prefix 32 or 128) if the
// selection says so and once more for each of its prefix lengths, host bits cleared; `everything` asks for whole ones
// alone: a dictionary in the order of its bytes finds a block's addresses as a range.
//
// A sink that remembers may say that it need not see something again: bool skip_word(std::string_view) for a word of
// free text, with remember_word(std::string_view) after it was looked at; bool skip_request(host, uri, port) for the
// URL that these leaves make (host and port may be nullptr), with remember_request() afterwards.
//
// One thread at a time. The code is in the header so that a sink's key() is inlined.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "detect/address.h"
#include "detect/indicator.h"
#include "detect/key.h"
#include "detect/normalise.h"
#include "detect/text_scan.h"
#include "detect/text_tokens.h"
#include "detect/url.h"
#include "telemetry/event.h"

namespace bongsu::detect {

// What there is to look for.
struct KeySelection {
  Seeds seeds{0};
  std::uint32_t kinds = 0;  // bit of each kind
  bool v4_whole = false, v6_whole = false;
  std::vector<int> v4_prefixes, v6_prefixes;  // lengths of blocks, without the full length
  bool path_suffixes = false;

  bool wants(Kind kind) const { return (kinds >> static_cast<unsigned>(kind) & 1) != 0; }
  void want(Kind kind) { kinds |= 1U << static_cast<unsigned>(kind); }
  // Every kind; addresses whole.
  static KeySelection everything(Seeds seeds) {
    KeySelection out{.seeds = seeds, .v4_whole = true, .v6_whole = true, .path_suffixes = true};
    out.kinds = (1U << kKinds) - 1;
    return out;
  }
};

// Could the text be an address at all? Cheap, and wrong only in saying yes.
inline bool looks_like_address(std::string_view text) {
  if (text.size() < 2 || text.size() > 64) return false;
  const char c = text[0];
  if (c != ':' && hex_digit(c) < 0) return false;
  const std::size_t head = std::min<std::size_t>(text.size(), 5);
  for (std::size_t i = 0; i < head; ++i)
    if (text[i] == '.' || text[i] == ':') return true;
  return false;
}

// The host part of "host", "host:80", "[::1]:80", "[::1]".
inline std::string_view without_port(std::string_view text) {
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

template <class Sink>
class KeyWalk {
 public:
  explicit KeyWalk(Sink& sink) : sink_(&sink) {}

  void select(const KeySelection& selection) {
    selection_ = &selection;
    any_address_ = selection.wants(Kind::kIpv4) || selection.wants(Kind::kIpv6);
    any_hash_ = selection.wants(Kind::kMd5) || selection.wants(Kind::kSha1) || selection.wants(Kind::kSha256) ||
                selection.wants(Kind::kSha512);
    any_host_ = any_address_ || selection.wants(Kind::kDomain);
  }

  // The whole event; the same as begin(), leaf() for each leaf, and end().
  void walk(const telemetry::EventView& event) {
    begin(event);
    for (const telemetry::Leaf& leaf : event.leaves) this->leaf(leaf);
    end();
  }
  void begin(const telemetry::EventView& event) {
    event_ = &event;
    http_host_ = http_uri_ = http_port_ = nullptr;
  }
  void leaf(const telemetry::Leaf& leaf);
  // Instead of leaf() for one whose own keys are of no interest: it may still be a part of the request's URL.
  void pass(const telemetry::Leaf& leaf) {
    using enum telemetry::Role;
    if (leaf.role == kHttpHost) http_host_ = &leaf;
    if (leaf.role == kHttpUri) http_uri_ = &leaf;
    if (leaf.role == kHttpPort) http_port_ = &leaf;
  }
  void end() {
    if (http_uri_ == nullptr || !selection_->wants(Kind::kUrl)) return;
    if constexpr (requires { sink_->skip_request(http_host_, *http_uri_, http_port_); }) {
      if (sink_->skip_request(http_host_, *http_uri_, http_port_)) return;
      request();
      sink_->remember_request();
    } else {
      request();
    }
  }

  // Of the key at hand.
  const telemetry::EventView& event() const { return *event_; }
  const telemetry::Leaf& leaf() const { return *leaf_; }
  bool in_text() const { return in_text_; }
  std::string_view shown() const { return shown_; }

 private:
  struct Tokens;

  void emit(Kind kind, std::string_view bytes, std::uint64_t hash) { sink_->key(kind, bytes, hash); }
  void emit(Kind kind, std::string_view bytes) {
    if (selection_->wants(kind) && !bytes.empty()) emit(kind, bytes, hash64(bytes, selection_->seeds[kind]));
  }
  bool address(std::string_view text);
  void address(const Address& address);
  void addresses(std::string_view list);
  void domain(std::string_view text);
  void host(std::string_view text);
  bool url(std::string_view text);
  void hash(std::string_view text);
  void hash(Kind kind, std::string_view text);
  void hash_list(std::string_view text);
  void email(std::string_view text);
  void file_name(std::string_view name);
  void path(std::string_view text);
  void registry(std::string_view text);
  void tokens(const telemetry::Leaf& leaf);
  void emails(std::string_view text);
  void request();

  Sink* sink_;
  const KeySelection* selection_ = nullptr;
  bool any_address_ = false, any_hash_ = false, any_host_ = false;

  const telemetry::EventView* event_ = nullptr;
  const telemetry::Leaf* leaf_ = nullptr;
  const telemetry::Leaf* http_host_ = nullptr;
  const telemetry::Leaf* http_uri_ = nullptr;
  const telemetry::Leaf* http_port_ = nullptr;
  std::string_view shown_;
  bool in_text_ = false;
  TextScanner scanner_;
  std::string decoded_, normal_, part_, url_;
};

template <class Sink>
struct KeyWalk<Sink>::Tokens {
  KeyWalk& walk;
  bool only_email;
  bool escaped;  // the text is JSON's, with its escapes
  std::string_view whole;
  bool depends = false;  // on what stands before the word

  // "Version=4.0.0.0", "Host Version = 5.1.0.0": four numbers, but no address.
  bool is_version(std::string_view token) const {
    std::string_view before = whole.substr(0, static_cast<std::size_t>(token.data() - whole.data()));
    while (!before.empty() && std::string_view(" =:\"'").find(before.back()) != std::string_view::npos) {
      const bool quote = before.back() == '"';
      before.remove_suffix(1);
      if (escaped && quote && before.ends_with('\\')) before.remove_suffix(1);
    }
    constexpr std::string_view kVersion = "version";
    if (before.size() < kVersion.size()) return false;
    before = before.substr(before.size() - kVersion.size());
    for (std::size_t i = 0; i < kVersion.size(); ++i)
      if ((before[i] | 0x20) != kVersion[i]) return false;
    return true;
  }

  bool url(std::string_view text) {
    walk.shown_ = text;
    return !only_email && walk.url(text);
  }
  bool ipv6(std::string_view text) {
    walk.shown_ = text;
    return walk.address(text);
  }
  void email(std::string_view text) {
    walk.shown_ = text;
    walk.email(text);
  }
  void hash(std::string_view text) {
    walk.shown_ = text;
    if (!only_email) walk.hash(text);
  }
  void dotted(std::string_view text) {
    if (only_email) return;
    walk.shown_ = text;
    if (const auto found = parse_address(text)) {
      depends = true;
      if (!is_version(text)) walk.address(*found);
      return;
    }
    walk.domain(text);
    walk.file_name(text);
  }
  bool skip(std::string_view word) {
    depends = false;
    if constexpr (requires { walk.sink_->skip_word(word); }) return walk.sink_->skip_word(word);
    return false;
  }
  void looked(std::string_view word) {
    if constexpr (requires { walk.sink_->remember_word(word); })
      if (!depends) walk.sink_->remember_word(word);
  }
};

template <class Sink>
void KeyWalk<Sink>::leaf(const telemetry::Leaf& l) {
  using telemetry::Leaf;
  using telemetry::Role;
  if (l.role == Role::kIgnore) return;  // there because a rule reads it
  leaf_ = &l;
  in_text_ = false;
  std::string_view text = l.raw();
  // Free text is looked at as it is first. Fields known by shape alone hold no escapes when they are addresses or
  // hashes.
  if (selection_->wants(Kind::kText) || (l.role != Role::kText && l.role != Role::kShape))
    text = event_->text(l, decoded_);
  shown_ = text;
  if (selection_->wants(Kind::kText) && l.quoted) emit(Kind::kText, text);
  switch (l.role) {
    case Role::kShape:
    case Role::kTransparent:
      if (looks_like_address(text)) address(text);
      if (text.size() >= 32) hash(text);
      break;
    case Role::kIgnore:  // returned above
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
      emails(text);
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
      if (selection_->wants(Kind::kMac) && normalise_mac(trim(text), normal_)) emit(Kind::kMac, normal_);
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
      emit(Kind::kMutex, text);
      if (const auto name = base_name(text); name.size() < text.size()) emit(Kind::kMutex, name);
      break;
    case Role::kUserAgent:
      emit(Kind::kUserAgent, trim(text));
      break;
    case Role::kText:
      in_text_ = true;
      tokens(l);
      break;
  }
}

template <class Sink>
void KeyWalk<Sink>::address(const Address& whole) {
  const Kind kind = whole.v6 ? Kind::kIpv6 : Kind::kIpv4;
  if (!selection_->wants(kind)) return;
  const auto look = [&](const Address& a) {
    const AddressKey key = address_key(a);
    emit(kind, key.view(), hash64(key.view(), selection_->seeds[kind]));
  };
  if (whole.v6 ? selection_->v6_whole : selection_->v4_whole) look(whole);
  for (const int prefix : whole.v6 ? selection_->v6_prefixes : selection_->v4_prefixes) {
    Address block = whole;
    block.mask(prefix);
    look(block);
  }
}

template <class Sink>
bool KeyWalk<Sink>::address(std::string_view text) {
  const auto parsed = parse_address(text);
  if (!parsed) return false;
  address(*parsed);
  return true;
}

// One address, or several between ';', ',' and spaces.
template <class Sink>
void KeyWalk<Sink>::addresses(std::string_view list) {
  if (!any_address_) return;
  while (true) {
    const std::size_t end = list.find_first_of(";, ");
    const std::string_view one = list.substr(0, end);
    if (one.size() >= 2 && !address(one)) address(without_port(one));
    if (end == list.npos) return;
    list.remove_prefix(end + 1);
  }
}

template <class Sink>
void KeyWalk<Sink>::domain(std::string_view text) {
  if (!selection_->wants(Kind::kDomain)) return;
  while (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 512) return;
  // The last label of a domain that may be looked for is no number.
  if (bongsu::is_digit(text.back())) {
    const std::size_t other = text.find_last_not_of("0123456789");
    if (other == text.npos || text[other] == '.') return;
  }
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
  std::uint64_t hash = selection_->seeds[Kind::kDomain];
  int labels = 0;
  for (std::size_t end = name.size();;) {
    const std::size_t dot = end == 0 ? name.npos : name.rfind('.', end - 1);
    const std::size_t begin = dot == name.npos ? 0 : dot + 1;
    if (begin == end) return;  // an empty label
    hash = fold(hash, name.substr(begin, end - begin));
    if (++labels >= 2) emit(Kind::kDomain, name.substr(begin), hash);
    if (dot == name.npos) return;
    end = dot;
  }
}

template <class Sink>
void KeyWalk<Sink>::host(std::string_view text) {
  if (!any_host_) return;
  text = without_port(trim(text));
  if (looks_like_address(text) && address(text)) return;
  domain(text);
}

template <class Sink>
bool KeyWalk<Sink>::url(std::string_view text) {
  text = trim(text);
  if (normalise_url(text, url_) != nullptr) return false;
  emit(Kind::kUrl, url_);
  const std::string name(url_host(url_));
  host(name);
  return true;
}

template <class Sink>
void KeyWalk<Sink>::hash(std::string_view text) {
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

template <class Sink>
void KeyWalk<Sink>::hash(Kind kind, std::string_view text) {
  if (!selection_->wants(kind) || text.size() % 2 != 0 || text.size() > 128) return;
  char bytes[64];
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return;
    bytes[i / 2] = static_cast<char>(high << 4 | low);
  }
  const std::string_view key(bytes, text.size() / 2);
  emit(kind, key, hash64(key, selection_->seeds[kind]));
}

// "SHA1=…,MD5=…,SHA256=…,IMPHASH=…"; an import hash is no file's MD5.
template <class Sink>
void KeyWalk<Sink>::hash_list(std::string_view text) {
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

template <class Sink>
void KeyWalk<Sink>::email(std::string_view text) {
  if (!selection_->wants(Kind::kEmail)) return;
  if (normalise_email(text, normal_) == nullptr) emit(Kind::kEmail, normal_);
}

template <class Sink>
void KeyWalk<Sink>::file_name(std::string_view name) {
  if (!selection_->wants(Kind::kFileName) || name.empty()) return;
  ascii_lower(name, normal_);
  emit(Kind::kFileName, normal_);
}

template <class Sink>
void KeyWalk<Sink>::path(std::string_view text) {
  file_name(base_name(text));
  if (!selection_->wants(Kind::kFilePath)) return;
  normalise_path(text, normal_);
  std::uint64_t hash = selection_->seeds[Kind::kFilePath];
  const std::string_view whole = normal_;
  for (std::size_t end = whole.size();;) {
    const std::size_t slash = end == 0 ? whole.npos : whole.rfind('\\', end - 1);
    const std::size_t begin = slash == whole.npos ? 0 : slash + 1;
    hash = fold(hash, whole.substr(begin, end - begin));
    if (slash == whole.npos) return emit(Kind::kFilePath, whole, hash);
    const std::string_view suffix = whole.substr(slash);
    if (slash > 0 && selection_->path_suffixes && is_path_suffix(suffix)) emit(Kind::kFilePath, suffix, fold(hash, {}));
    end = slash;
  }
}

// The key itself, and as the key that holds the value which Sysmon names at the end.
template <class Sink>
void KeyWalk<Sink>::registry(std::string_view text) {
  if (!selection_->wants(Kind::kRegistryKey)) return;
  normalise_registry_key(trim(text), normal_);
  emit(Kind::kRegistryKey, normal_);
  if (const std::size_t slash = normal_.rfind('\\'); slash != std::string::npos && slash > 0)
    emit(Kind::kRegistryKey, std::string_view(normal_).substr(0, slash));
}

template <class Sink>
void KeyWalk<Sink>::tokens(const telemetry::Leaf& leaf) {
  if (leaf.escape == telemetry::Leaf::Escape::kJson) {
    Tokens sink{*this, false, true, leaf.raw()};
    if (scanner_.scan(leaf.raw(), true, sink)) return;
  }
  const std::string_view text = event_->text(leaf, decoded_);
  Tokens sink{*this, false, false, text};
  scanner_.scan(text, false, sink);
}

template <class Sink>
void KeyWalk<Sink>::emails(std::string_view text) {
  Tokens sink{*this, true, false, text};
  for_each_token(text, sink);
}

// The URL of an HTTP request out of its host, port and target.
template <class Sink>
void KeyWalk<Sink>::request() {
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
    shown_ = whole;
    if (normalise_url(whole, url_) == nullptr) emit(Kind::kUrl, url_);
  };
  look({});
  if (http_port_ != nullptr && without_port(authority) == host) {
    const std::string_view port = event_->text(*http_port_, port_text);
    if (port != "80") look(port);
  }
}

}  // namespace bongsu::detect
