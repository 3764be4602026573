#include "detect/warning_lists.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <filesystem>

#include "base/hash.h"
#include "base/json.h"
#include "detect/address.h"
#include "detect/key.h"
#include "detect/normalise.h"
#include "detect/tar.h"
#include "detect/url.h"
#include "telemetry/byte_source.h"
#include "telemetry/inputs.h"

namespace bongsu::detect {
namespace {

enum Type : std::uint8_t { kString, kHostname, kCidr, kSubstring, kRegex };
constexpr std::string_view kTypes[] = {"string", "hostname", "cidr", "substring", "regex"};

using Kinds = std::bitset<kKinds>;

Kinds kinds_of_attribute(std::string_view attribute) {
  Kinds out;
  const auto set = [&](Kind kind) { out.set(static_cast<std::size_t>(kind)); };
  while (true) {  // composites: "domain|ip"
    const std::size_t bar = attribute.find('|');
    const std::string_view part = attribute.substr(0, bar);
    if (part == "ip" || part == "ip-src" || part == "ip-dst")
      set(Kind::kIpv4), set(Kind::kIpv6);
    else if (part == "domain" || part == "hostname")
      set(Kind::kDomain);
    else if (part == "url" || part == "uri" || part == "link")
      set(Kind::kUrl);
    else if (part.starts_with("email") || part.ends_with("-email") || part == "target-email")
      set(Kind::kEmail);
    else if (part.ends_with("md5"))
      set(Kind::kMd5);
    else if (part.ends_with("sha1"))
      set(Kind::kSha1);
    else if (part.ends_with("sha256"))
      set(Kind::kSha256);
    else if (part.ends_with("sha512"))
      set(Kind::kSha512);
    else if (part == "filename")
      set(Kind::kFileName);
    else if (part == "regkey")
      set(Kind::kRegistryKey);
    else if (part == "mutex")
      set(Kind::kMutex);
    else if (part == "user-agent")
      set(Kind::kUserAgent);
    else if (part == "mac-address")
      set(Kind::kMac);
    if (bar == attribute.npos) return out;
    attribute.remove_prefix(bar + 1);
  }
}

// "/…/i" as PHP writes it, or a bare expression.
std::string re2_expression(std::string_view text) {
  if (text.size() > 1 && text.front() == '/') {
    const std::size_t end = text.rfind('/');
    if (end > 0) {
      const bool no_case = text.find('i', end) != text.npos;
      return (no_case ? "(?i)" : "") + std::string(text.substr(1, end - 1));
    }
  }
  return std::string(text);
}

}  // namespace

struct WarningLists::Impl {
  struct List {
    std::string name;
    Type type;
    Kinds kinds;
  };
  struct Entry {
    std::uint64_t hash;
    std::uint32_t offset;
    std::uint16_t size;
    std::uint16_t list;
  };
  struct Substring {
    std::string text;
    std::uint16_t list;
  };
  struct Pattern {
    std::unique_ptr<re2::RE2> re;
    std::uint16_t list;
  };

  std::vector<List> lists;
  std::vector<Entry> table;  // string, hostname and cidr entries, sorted by hash
  std::string blob;
  std::vector<Substring> substrings;
  std::vector<Pattern> patterns;
  std::bitset<129> v4_prefixes, v6_prefixes;
  std::size_t count = 0;
  telemetry::BadLines troubles;

  void put(Type type, std::string_view key, std::uint16_t list) {
    table.push_back(
        {hash64(key, type), static_cast<std::uint32_t>(blob.size()), static_cast<std::uint16_t>(key.size()), list});
    blob += key;
  }
  const char* add_entry(const List& list, std::uint16_t number, std::string_view text);

  void look(Type type, std::string_view key, Kind kind, std::vector<std::uint16_t>& found) const {
    const std::uint64_t hash = hash64(key, type);
    auto at =
        std::lower_bound(table.begin(), table.end(), hash, [](const Entry& e, std::uint64_t h) { return e.hash < h; });
    for (; at != table.end() && at->hash == hash; ++at)
      if (lists[at->list].type == type && std::string_view(blob).substr(at->offset, at->size) == key)
        note(at->list, kind, found);
  }
  void note(std::uint16_t list, Kind kind, std::vector<std::uint16_t>& found) const {
    if (lists[list].kinds.test(static_cast<std::size_t>(kind)) && found.size() < kMaxWarningListHits)
      found.push_back(list);
  }
};

WarningLists::WarningLists() : impl_(std::make_unique<Impl>()) {}
WarningLists::~WarningLists() = default;
WarningLists::WarningLists(WarningLists&&) noexcept = default;
WarningLists& WarningLists::operator=(WarningLists&&) noexcept = default;
std::size_t WarningLists::lists() const { return impl_->lists.size(); }
std::size_t WarningLists::entries() const { return impl_->count; }
const telemetry::BadLines& WarningLists::troubles() const { return impl_->troubles; }

const char* WarningLists::Impl::add_entry(const List& list, std::uint16_t number, std::string_view text) {
  if (text.empty()) return "an empty entry";
  if (text.size() > kMaxValueBytes) return "an entry longer than 8192 bytes";
  if (blob.size() > UINT32_MAX - kMaxValueBytes) return "the lists are too large together";
  std::string lower;
  ascii_lower(text, lower);
  switch (list.type) {
    case kString:
      put(kString, lower, number);
      return nullptr;
    case kHostname: {
      std::string_view host = lower;
      if (host.starts_with('.')) host.remove_prefix(1);
      std::string normal;
      if (normalise_host(host, normal) != nullptr) return "not a host name";
      put(kHostname, normal, number);
      return nullptr;
    }
    case kCidr: {
      const auto block = parse_cidr(text);
      if (!block) return "not an address or CIDR block";
      (block->v6 ? v6_prefixes : v4_prefixes).set(block->prefix);
      put(kCidr, address_key(*block).view(), number);
      return nullptr;
    }
    case kSubstring:
      substrings.push_back({std::move(lower), number});
      return nullptr;
    case kRegex: {
      re2::RE2::Options options;
      options.set_log_errors(false);
      options.set_max_mem(1 << 20);
      auto re = std::make_unique<re2::RE2>(re2_expression(text), options);
      if (!re->ok()) return "an expression that RE2 does not read";
      patterns.push_back({std::move(re), number});
      return nullptr;
    }
  }
  return "an unknown type";
}

Result<void> WarningLists::add_list(std::string_view json, const std::string& source) {
  Impl& impl = *impl_;
  if (impl.lists.size() >= kMaxWarningLists)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} warning lists", kMaxWarningLists), {.source = source});
  auto parsed = parse_json(json);
  if (!parsed) {
    parsed.error().where.source = source;
    return std::unexpected(std::move(parsed).error());
  }
  const auto name = string_at(*parsed, "name");
  const auto type = string_at(*parsed, "type");
  const Json* entries = bongsu::find(*parsed, "list");
  if (!name || !type || entries == nullptr || !entries->is_array())
    return fail(ErrorCode::kInvalid, "a warning list has a name, a type and a list", {.source = source});
  const auto known = std::find(std::begin(kTypes), std::end(kTypes), *type);
  if (known == std::end(kTypes))
    return fail(ErrorCode::kUnsupported, fmt::format("a warning list of type {}", *type), {.source = source});

  Impl::List list{std::string(*name), static_cast<Type>(known - std::begin(kTypes)), {}};
  const Json* attributes = bongsu::find(*parsed, "matching_attributes");
  if (attributes == nullptr || !attributes->is_array() || attributes->get_array().empty()) {
    list.kinds.set();
  } else {
    for (const Json& attribute : attributes->get_array())
      if (attribute.is_string()) list.kinds |= kinds_of_attribute(attribute.get_string());
  }
  const auto number = static_cast<std::uint16_t>(impl.lists.size());
  std::uint64_t index = 0;
  for (const Json& entry : entries->get_array()) {
    const char* wrong =
        entry.is_string() ? impl.add_entry(list, number, entry.get_string()) : "an entry that is not text";
    if (wrong == nullptr)
      ++impl.count;
    else
      impl.troubles.add(ErrorCode::kInvalid, wrong, {.source = source, .field = fmt::format("list[{}]", index)},
                        entry.is_string() ? std::string_view(entry.get_string()) : std::string_view());
    ++index;
  }
  impl.lists.push_back(std::move(list));
  return {};
}

Result<void> WarningLists::load(const std::string& path) {
  const auto add = [&](std::string_view json, const std::string& source) {
    if (auto added = add_list(json, source); !added)
      impl_->troubles.add(added.error().code, added.error().message, added.error().where);
  };
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) {
    const auto inputs = telemetry::find_inputs({path});
    for (const Error& error : inputs.errors) impl_->troubles.add(error.code, error.message, error.where);
    for (const std::string& file : inputs.files) {
      if (!file.ends_with(".json")) continue;
      // A file that cannot be read costs itself only, opened or not.
      if (const auto text = telemetry::read_whole(file, kMaxWarningListBytes))
        add(*text, file);
      else
        impl_->troubles.add(text.error().code, text.error().message, {.source = file});
    }
    return {};
  }
  BONGSU_TRY(const auto source, telemetry::open_source(path));
  const bool archive = path.ends_with(".tar") || path.find(".tar.") != path.npos || path.ends_with(".tgz");
  if (!archive) {
    BONGSU_TRY(const std::string text, telemetry::read_all(*source, kMaxWarningListBytes));
    return add_list(text, path);
  }
  return read_tar(*source, [&](const std::string& name, const std::string& content) {
    if (name.ends_with(".json")) add(content, path + ":" + name);
    return true;
  });
}

void WarningLists::finish() {
  std::sort(impl_->table.begin(), impl_->table.end(), [](const Impl::Entry& a, const Impl::Entry& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.list < b.list;
  });
}

std::vector<WarningListHit> WarningLists::find(const Value& value) const {
  const Impl& impl = *impl_;
  std::vector<std::uint16_t> found;
  std::string lower;
  ascii_lower(value.text, lower);
  impl.look(kString, lower, value.kind, found);

  std::string_view host;
  if (value.kind == Kind::kDomain)
    host = lower;
  else if (value.kind == Kind::kUrl)
    host = url_host(lower);
  else if (value.kind == Kind::kEmail)
    host = std::string_view(lower).substr(lower.find('@') + 1);
  while (!host.empty()) {
    impl.look(kHostname, host, value.kind, found);
    const std::size_t dot = host.find('.');
    if (dot == host.npos) break;
    host.remove_prefix(dot + 1);
  }

  std::optional<Address> address;
  if (value.kind == Kind::kIpv4 || value.kind == Kind::kIpv6)
    address = parse_cidr(value.text);
  else if (value.kind == Kind::kUrl)
    address = parse_address(url_host(lower));
  if (address) {
    const auto& prefixes = address->v6 ? impl.v6_prefixes : impl.v4_prefixes;
    for (int prefix = address->prefix; prefix >= 0; --prefix) {
      if (!prefixes.test(static_cast<std::size_t>(prefix))) continue;
      address->mask(prefix);
      impl.look(kCidr, address_key(*address).view(), value.kind, found);
    }
  }
  for (const auto& substring : impl.substrings)
    if (lower.find(substring.text) != lower.npos) impl.note(substring.list, value.kind, found);
  for (const auto& pattern : impl.patterns)
    if (re2::RE2::PartialMatch(value.text, *pattern.re)) impl.note(pattern.list, value.kind, found);

  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<WarningListHit> out;
  for (const std::uint16_t list : found)
    out.push_back({impl.lists[list].name, std::string(kTypes[impl.lists[list].type])});
  return out;
}

}  // namespace bongsu::detect
