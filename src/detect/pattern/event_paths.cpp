#include "detect/pattern/event_paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "base/text.h"
#include "detect/address.h"
#include "detect/normalise.h"

namespace bongsu::detect {
namespace {

using stix::ComparisonOperator;
using stix::ObjectPath;
using stix::PathStep;
using telemetry::Role;
using Kind = ObservedValue::Kind;

bool is_reference(const PathStep& step) {
  return step.kind == PathStep::Kind::kProperty && (step.name.ends_with("_ref") || step.name.ends_with("_refs"));
}

// What a reference leads to. "": addresses and names, told apart by the value; "?": not known, no object of its own.
std::string_view referenced_type(std::string_view reference) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {"image_ref", "file"},
      {"parent_directory_ref", "directory"},
      {"parent_ref", "process"},
      {"child_refs", "process"},
      {"creator_user_ref", "user-account"},
      {"opened_connection_refs", "network-traffic"},
      {"src_ref", ""},
      {"dst_ref", ""},
      {"resolves_to_refs", ""},
      {"from_ref", "email-addr"},
      {"sender_ref", "email-addr"},
      {"to_refs", "email-addr"},
      {"cc_refs", "email-addr"},
      {"bcc_refs", "email-addr"},
      {"belongs_to_ref", "user-account"},
      {"content_ref", "artifact"},
      {"contains_refs", "file"},
  };
  for (const auto& [name, type] : kTypes)
    if (name == reference) return type;
  return "?";
}

// The type of the object that the last property belongs to; "": addresses.
std::string_view owner_type(const ObjectPath& path) {
  std::string_view type = path.type;
  for (std::size_t i = 0; i + 1 < path.steps.size(); ++i)
    if (is_reference(path.steps[i])) type = referenced_type(path.steps[i].name);
  return type;
}

bool is_address_type(std::string_view type) {
  return type.empty() || type == "ipv4-addr" || type == "ipv6-addr" || type == "domain-name";
}

const std::string& last_name(const ObjectPath& path) {
  static const std::string none;
  for (std::size_t i = path.steps.size(); i-- > 0;)
    if (path.steps[i].kind == PathStep::Kind::kProperty) return path.steps[i].name;
  return none;
}

constexpr std::string_view kNumbers[] = {
    "src_port", "dst_port", "src_byte_count", "dst_byte_count", "src_packets",       "dst_packets",        "pid",
    "size",     "number",   "image_height",   "image_width",    "number_of_subkeys", "message_body_length"};
constexpr std::string_view kTimes[] = {"created_time",
                                       "ctime",
                                       "mtime",
                                       "atime",
                                       "start",
                                       "end",
                                       "date",
                                       "modified_time",
                                       "created",
                                       "account_created",
                                       "not_before",
                                       "validity_not_before",
                                       "validity_not_after"};

struct Algorithm {
  Cut cut;
  std::string_view key;    // in STIX 2.1 §10.7
  std::string_view label;  // in "SHA1=…"
  std::size_t digits;
};
constexpr Algorithm kAlgorithms[] = {
    {Cut::kMd5, "MD5", "MD5", 32},
    {Cut::kSha1, "SHA-1", "SHA1", 40},
    {Cut::kSha256, "SHA-256", "SHA256", 64},
    {Cut::kSha512, "SHA-512", "SHA512", 128},
    {Cut::kImphash, "IMPHASH", "IMPHASH", 0},
};

Cut cut_of(const ObjectPath& path, Role role) {
  const std::string& name = last_name(path);
  const std::string_view owner = owner_type(path);
  const bool whole_path = role == Role::kFilePath || role == Role::kFileName;
  if (owner == "file" && name == "name") return Cut::kBaseName;
  if (owner == "directory" && name == "path") return whole_path ? Cut::kDirectory : Cut::kLower;
  if (owner == "windows-registry-key" && name == "key") return Cut::kRegistryKey;
  if (path.type == "windows-registry-key" && name == "name") return Cut::kRegistryValueName;
  if (name == "value" && is_address_type(owner)) return Cut::kAddress;
  if (owner == "mac-addr") return Cut::kMac;
  if (owner == "email-addr" || name == "protocols") return Cut::kLower;
  if ((std::ranges::find(kNumbers, std::string_view(name)) != std::end(kNumbers))) return Cut::kNumber;
  if ((std::ranges::find(kTimes, std::string_view(name)) != std::end(kTimes))) return Cut::kTime;
  if (name.starts_with("is_")) return Cut::kBoolean;
  return Cut::kText;
}

AddressKind kind_of(std::string_view type) {
  if (type == "ipv4-addr") return AddressKind::kIpv4;
  if (type == "ipv6-addr") return AddressKind::kIpv6;
  return type == "domain-name" ? AddressKind::kDomain : AddressKind::kAny;
}

std::string_view type_of(AddressKind kind) {
  switch (kind) {
    case AddressKind::kIpv4:
      return "ipv4-addr";
    case AddressKind::kIpv6:
      return "ipv6-addr";
    default:
      return "domain-name";
  }
}

// "host:80", "[::1]:80", "Evil.Example." → address or name in normal form.
bool address_form(std::string_view text, std::string& out, AddressKind& kind) {
  text = trim(text);
  if (text.empty() || text == "-") return false;
  if (text.front() == '[') {
    const std::size_t close = text.find(']');
    text = text.substr(1, close == text.npos ? text.npos : close - 1);
  } else if (const std::size_t colon = text.find(':'); colon != text.npos && text.find(':', colon + 1) == text.npos) {
    text = text.substr(0, colon);
  }
  std::uint32_t v4 = 0;
  if (parse_ipv4(text, v4)) {
    out = text;
    kind = AddressKind::kIpv4;
    return true;
  }
  if (const auto address = text.find(':') != text.npos ? parse_address(text) : std::nullopt) {
    out = address->text();
    kind = address->v6 ? AddressKind::kIpv6 : AddressKind::kIpv4;
    return true;
  }
  if (text.ends_with('.')) text.remove_suffix(1);
  ascii_lower(text, out);
  kind = AddressKind::kDomain;
  return !out.empty();
}

}  // namespace

Folding folding_of(const ObjectPath& path) {
  const std::string& name = last_name(path);
  const std::string_view owner = owner_type(path);
  if (name == "value" && is_address_type(owner)) return Folding::kAddress;
  if (owner == "windows-registry-key" || path.type == "windows-registry-key")
    return name == "key" ? Folding::kRegistry : name == "name" ? Folding::kLower : Folding::kNone;
  if ((owner == "file" && name == "name") || (owner == "directory" && name == "path")) return Folding::kLower;
  if (path.steps.size() >= 2 && path.steps[path.steps.size() - 2].name == "hashes") return Folding::kLower;
  if (owner == "mac-addr" || owner == "email-addr" || name == "protocols") return Folding::kLower;
  return Folding::kNone;
}

stix::Comparison event_form(const stix::Comparison& comparison, bool& ignore_case) {
  stix::Comparison out = comparison;
  const Folding folding = folding_of(comparison.path);
  ignore_case = folding != Folding::kNone;
  if (folding == Folding::kNone || out.op == ComparisonOperator::kMatches || out.op == ComparisonOperator::kIsSubset ||
      out.op == ComparisonOperator::kIsSuperset)
    return out;
  const bool whole = out.op != ComparisonOperator::kLike;
  for (stix::Literal& constant : out.values) {
    if (constant.kind != stix::Literal::Kind::kString) continue;
    std::string text;
    if (folding == Folding::kRegistry && whole) {
      normalise_registry_key(constant.text, text);
    } else if (folding == Folding::kAddress && whole) {
      const auto block = parse_cidr(constant.text);
      text = block && block->single() ? block->text() : lowered(constant.text);
      if (text.ends_with('.')) text.pop_back();
    } else {
      text = lowered(constant.text);
    }
    constant.text = std::move(text);
  }
  return out;
}

class EventPathsMaker {
 public:
  EventPathsMaker(const telemetry::FieldMap& map, const PathTable& paths,
                  std::unordered_set<std::string>* reachable = nullptr)
      : map_(map), paths_(paths), reachable_(reachable) {}

  Result<EventPathsPtr> make() {
    out_->fields_.resize(map_.rows().size() + 1);
    for (std::size_t i = 0; i < map_.rows().size(); ++i) {
      field_ = &out_->fields_[i + 1];
      row_ = &map_.rows()[i];
      for (const std::string& entry : row_->stix) BONGSU_TRY_VOID(add(entry));
      std::ranges::sort(field_->targets, {}, &EventTarget::cut);  // each cut is made once
    }
    requests();
    return EventPathsPtr(std::move(out_));
  }

 private:
  void requests() {
    bool host = false, target = false;
    for (const telemetry::FieldRow& row : map_.rows()) {
      host = host || row.role == Role::kHttpHost;
      target = target || row.role == Role::kHttpUri;
    }
    if (!host || !target) return;
    out_->request_slot_ = slot("url@request", "url");
    out_->request_url_ = paths_.find("url:value");
    out_->request_type_ = paths_.find("url:type");
    if (reachable_ != nullptr) reachable_->insert({"url:value", "url:type"});
  }

  Result<void> add(const std::string& entry) {
    std::vector<std::string_view> options;
    for (std::string_view rest = entry;;) {
      const std::size_t bar = rest.find('|');
      options.push_back(trim(rest.substr(0, bar)));
      if (bar == rest.npos) break;
      rest.remove_prefix(bar + 1);
    }
    if (options.size() > 8) return bad(entry, "more than eight choices");
    for (std::size_t i = 0; i < options.size(); ++i) {
      option_ = options.size() == 1 ? 0 : static_cast<std::uint8_t>(i + 1);
      options_ = options.size() == 1 ? 0 : static_cast<std::uint8_t>(options.size());
      BONGSU_TRY_VOID(path(entry, std::string(options[i])));
    }
    return {};
  }

  std::unexpected<Error> bad(const std::string& entry, std::string_view why) const {
    return fail(ErrorCode::kInvalid, fmt::format("\"{}\" in the stix column: {}", entry, why), {.field = row_->path});
  }

  Result<void> path(const std::string& entry, std::string text) {
    std::string label;
    const std::size_t at = text.find('@'), colon = text.find(':');
    if (at < colon && colon != text.npos) {
      label = text.substr(at, colon - at);
      text.erase(at, colon - at);
    }
    const auto parsed = stix::parse_pattern("[EXISTS " + text + "]");
    if (!parsed) return bad(entry, parsed.error().message);
    const auto* expression = std::get_if<stix::ComparisonExpression>(&parsed->root.node);
    const auto* exists = expression != nullptr ? std::get_if<stix::Comparison>(&expression->node) : nullptr;
    if (exists == nullptr) return bad(entry, "not an object path");
    ObjectPath whole = exists->path;
    if (last_name(whole) != "hashes") return place(whole, label, cut_of(whole, row_->role), AddressKind::kAny);
    for (const Algorithm& algorithm : kAlgorithms) {
      ObjectPath one = whole;
      one.steps.push_back({PathStep::Kind::kProperty, std::string(algorithm.key), 0});
      BONGSU_TRY_VOID(place(one, label, algorithm.cut, AddressKind::kAny));
    }
    return {};
  }

  // The path from its root, and from each object that it leads through.
  Result<void> place(const ObjectPath& whole, const std::string& label, Cut cut, AddressKind only) {
    if (cut == Cut::kAddress && whole.steps.size() == 1) only = kind_of(whole.type);
    std::string key = whole.type + label;
    from_root(whole, key, cut, only);
    for (std::size_t i = 0; i + 1 < whole.steps.size(); ++i) {
      const PathStep& step = whole.steps[i];
      key += "/" + step.name;
      if (!is_reference(step)) continue;
      const std::size_t after = behind(whole, i);
      const std::string_view type = referenced_type(step.name);
      if (after >= whole.steps.size() || type == "?") break;
      for (const AddressKind kind : {AddressKind::kIpv4, AddressKind::kIpv6, AddressKind::kDomain}) {
        ObjectPath rest;
        rest.type = type.empty() ? type_of(kind) : type;
        rest.steps.assign(whole.steps.begin() + static_cast<std::ptrdiff_t>(after), whole.steps.end());
        from_root(rest, key + ":" + rest.type, cut, type.empty() ? kind : only);
        if (!type.empty()) break;
      }
    }
    return {};
  }

  // The step behind a reference and its index.
  static std::size_t behind(const ObjectPath& path, std::size_t reference) {
    const std::size_t after = reference + 1;
    return after < path.steps.size() && path.steps[after].kind != PathStep::Kind::kProperty ? after + 1 : after;
  }

  // The value, what contains it, and the types of the objects on the way.
  void from_root(const ObjectPath& path, const std::string& key, Cut cut, AddressKind only) {
    EventTarget target;
    target.cut = cut;
    target.only = only;
    add_target(path, key, path.type, target);
    target.container = true;
    for (std::size_t n = 1; n < path.steps.size(); ++n) {
      ObjectPath prefix{path.type, {}};
      prefix.steps.assign(path.steps.begin(), path.steps.begin() + static_cast<std::ptrdiff_t>(n));
      add_target(prefix, key, path.type, target);
    }
    target.container = false;
    target.says = path.type;
    add_target(type_path(path, 0), key, path.type, target);
    for (std::size_t i = 0; i + 1 < path.steps.size(); ++i) {
      if (!is_reference(path.steps[i]) || behind(path, i) >= path.steps.size()) continue;
      const std::string_view type = referenced_type(path.steps[i].name);
      if (type == "?") continue;
      target.says = type;
      target.cut = type.empty() && cut == Cut::kAddress ? Cut::kAddressType : cut;
      if (type.empty() && cut != Cut::kAddress) continue;
      add_target(type_path(path, behind(path, i)), key, path.type, target);
    }
  }

  static ObjectPath type_path(const ObjectPath& path, std::size_t steps) {
    ObjectPath out{path.type, {}};
    out.steps.assign(path.steps.begin(), path.steps.begin() + static_cast<std::ptrdiff_t>(steps));
    out.steps.push_back({PathStep::Kind::kProperty, "type", 0});
    return out;
  }

  std::uint16_t slot(const std::string& key, std::string_view type) {
    const auto [at, fresh] = slots_.try_emplace(key, static_cast<std::uint16_t>(out_->slots_.size()));
    if (fresh) out_->slots_.push_back({key, std::string(type)});
    return at->second;
  }

  void add_target(const ObjectPath& path, const std::string& key, std::string_view type, EventTarget target) {
    target.slot = slot(key, type);
    if (option_ == 0 && target.slot < 64) field_->slots |= std::uint64_t{1} << target.slot;
    target.option = option_;
    target.options = options_;
    target.second = path.type == "windows-registry-key";
    if (reachable_ != nullptr) {
      reachable_->insert(path.text());
      return;
    }
    std::size_t list = path.steps.size();
    for (std::size_t i = 0; i < path.steps.size(); ++i)
      if (path.steps[i].kind == PathStep::Kind::kAny) list = std::min(list, i);
    target.in_list = list < path.steps.size();
    const auto known = [&](const ObjectPath& p, std::int16_t index) {
      const std::uint32_t id = paths_.find(p.text());
      if (id == PathTable::kNone) return;
      target.path = id;
      target.index = index;
      // The same twice, as when the type is named by two fields of an object, costs nothing but time.
      const auto same = [&](const EventTarget& t) {
        return t.path == target.path && t.slot == target.slot && t.cut == target.cut && t.index == target.index &&
               t.only == target.only && t.option == target.option && t.container == target.container;
      };
      if (std::ranges::none_of(field_->targets, same)) field_->targets.push_back(target);
    };
    known(path, -1);
    if (!target.in_list) return;
    ObjectPath indexed = path;
    for (std::int16_t i = 0; i < static_cast<std::int16_t>(kMaxEventValues); ++i) {
      indexed.steps[list] = {PathStep::Kind::kIndex, "", i};
      known(indexed, i);
    }
  }

  const telemetry::FieldMap& map_;
  const PathTable& paths_;
  std::unordered_set<std::string>* reachable_;
  std::shared_ptr<EventPaths> out_ = std::make_shared<EventPaths>();
  std::unordered_map<std::string, std::uint16_t> slots_;
  EventPaths::Field* field_ = nullptr;
  const telemetry::FieldRow* row_ = nullptr;
  std::uint8_t option_ = 0, options_ = 0;
};

Result<EventPathsPtr> EventPaths::make(const telemetry::FieldMap& map, const PathTable& paths) {
  return EventPathsMaker(map, paths).make();
}

std::uint16_t EventTarget::object(const CutValue& value) const {
  return !in_list ? value.ordinal : static_cast<std::uint16_t>(second ? 1 : 0);
}
std::int16_t EventTarget::place(const CutValue& value) const {
  return static_cast<std::int16_t>(second ? value.ordinal / 2 : value.ordinal);
}

ValueView EventTarget::view(const CutValue& value) const {
  ValueView out = value.view();
  if (container) out.kind = Kind::kDictionary;
  if (!says.empty()) out = {.kind = Kind::kString, .text = says};
  return out;
}

Result<std::unordered_set<std::string>> EventPaths::reachable(const telemetry::FieldMap& map) {
  std::unordered_set<std::string> out;
  const PathTable none;
  BONGSU_TRY_VOID(EventPathsMaker(map, none, &out).make());
  return out;
}

namespace {

CutValue& next(std::vector<CutValue>& out, std::size_t& size, std::uint16_t ordinal) {
  if (size == out.size()) out.emplace_back();
  CutValue& value = out[size++];
  value.text.clear();
  value.kind = Kind::kString;
  value.ordinal = ordinal;
  value.address = AddressKind::kAny;
  return value;
}

void cut_hash(Cut cut, std::string_view text, std::uint16_t ordinal, std::vector<CutValue>& out, std::size_t& size) {
  const auto& algorithm = *std::ranges::find(kAlgorithms, cut, &Algorithm::cut);
  if (text.find('=') == text.npos) {
    text = trim(text);
    if (text.size() == algorithm.digits && is_hex(text)) ascii_lower(text, next(out, size, ordinal).text);
    return;
  }
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    const std::string_view one = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t equal = one.find('=');
    if (equal == one.npos || lowered(one.substr(0, equal)) != lowered(algorithm.label)) continue;
    ascii_lower(one.substr(equal + 1), next(out, size, ordinal).text);
    return;
  }
}

bool number_of(std::string_view text, CutValue& value) {
  text = trim(text);
  value.kind = Kind::kInteger;
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  }
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value.integer, base);
  if (read.ec == std::errc() && read.ptr == text.data() + text.size()) return true;
  value.kind = Kind::kFloat;
  const auto real = std::from_chars(text.data(), text.data() + text.size(), value.number);
  return base == 10 && real.ec == std::errc() && real.ptr == text.data() + text.size();
}

}  // namespace

void cut_values(Cut cut, std::string_view text, bool quoted, std::uint16_t ordinal, std::vector<CutValue>& out,
                std::size_t& size) {
  if (text.empty() || (text == "-" && cut != Cut::kText)) return;  // how logs write "nothing"
  switch (cut) {
    case Cut::kText: {
      CutValue& value = next(out, size, ordinal);
      if (!quoted && (text == "true" || text == "false")) {
        value.kind = Kind::kBoolean;
        value.boolean = text == "true";
      } else if (quoted || !number_of(text, value)) {
        value.kind = Kind::kString;
        value.text = text;
      }
      return;
    }
    case Cut::kLower:
      ascii_lower(text, next(out, size, ordinal).text);
      return;
    case Cut::kNumber:
      if (CutValue& value = next(out, size, ordinal); !number_of(text, value)) --size;
      return;
    case Cut::kBoolean: {
      CutValue& value = next(out, size, ordinal);
      value.kind = Kind::kBoolean;
      const std::string low = lowered(text);
      value.boolean = low == "true" || low == "t" || low == "1" || low == "yes";
      return;
    }
    case Cut::kTime: {
      const auto when = telemetry::parse_event_time(text);
      if (when) next(out, size, ordinal).text = when->text(6);
      return;
    }
    case Cut::kBaseName: {
      const std::string_view name = base_name(text);
      if (!name.empty()) ascii_lower(name, next(out, size, ordinal).text);
      return;
    }
    case Cut::kDirectory: {
      const std::string_view name = base_name(text);
      if (name.size() == text.size()) return;
      std::string_view directory = text.substr(0, text.size() - name.size() - 1);
      if (directory.size() == 2 && directory[1] == ':') directory = text.substr(0, 3);  // C:\.
      if (!directory.empty()) ascii_lower(directory, next(out, size, ordinal).text);
      return;
    }
    case Cut::kAddress:
    case Cut::kAddressType:
      for (std::size_t n = 0; !text.empty() && n < kMaxEventValues; ++n) {
        const std::size_t end = std::min(text.find(';'), text.size());
        CutValue& value = next(out, size, ordinal);
        if (address_form(text.substr(0, end), value.text, value.address)) {
          ++ordinal;
          if (cut == Cut::kAddressType) value.text = type_of(value.address);
        } else {
          --size;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
      }
      return;
    case Cut::kMd5:
    case Cut::kSha1:
    case Cut::kSha256:
    case Cut::kSha512:
    case Cut::kImphash:
      cut_hash(cut, text, ordinal, out, size);
      return;
    case Cut::kRegistryKey: {
      const auto first = static_cast<std::uint16_t>(ordinal * 2);
      std::string key;
      normalise_registry_key(text, key);
      const std::size_t last = key.rfind('\\');
      next(out, size, first).text = key;
      if (last != key.npos && last > 0)
        next(out, size, static_cast<std::uint16_t>(first + 1)).text = key.substr(0, last);
      return;
    }
    case Cut::kRegistryValueName: {
      const std::string_view name = base_name(text);
      if (name.size() < text.size() && !name.empty())
        ascii_lower(name, next(out, size, static_cast<std::uint16_t>(ordinal * 2 + 1)).text);
      return;
    }
    case Cut::kMac:
      if (CutValue& value = next(out, size, ordinal); !normalise_mac(trim(text), value.text)) --size;
      return;
  }
}

void request_urls(std::string_view host, std::string_view target, std::string_view port, std::vector<CutValue>& out,
                  std::size_t& size) {
  if (target.empty()) return;
  if (target.find("://") != target.npos) {
    next(out, size, 0).text = target;
    return;
  }
  if (host.empty() || host == "-" || target.front() != '/') return;
  std::string& plain = next(out, size, 0).text;
  plain = "http://";
  plain += host;
  plain += target;
  const bool named = host.front() == '[' ? host.find("]:") != host.npos : host.find(':') != host.npos;
  if (named || port.empty() || port == "80" || port.find_first_not_of("0123456789") != port.npos) return;
  std::string& with_port = next(out, size, 1).text;
  with_port = "http://";
  with_port += host;
  with_port += ':';
  with_port += port;
  with_port += target;
}

}  // namespace bongsu::detect
