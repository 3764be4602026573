#include "detect/triage/entity.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>

#include "base/text.h"
#include "detect/address.h"

namespace bongsu::detect {
namespace {

using enum EntityKind;

// Rank in the table is precedence. `anywhere`: the path may stand below other containers ("Event.System.Computer").
// `other_end`: taken only when a rule above it was passed over because it is what matched.
struct EntityRule {
  std::string_view path;
  EntityKind kind;
  bool anywhere = false;
  bool other_end = false;
};

constexpr EntityRule kEntityRules[] = {
    // The machine that wrote the event: Windows in its shapes, ECS, syslog.
    {"Computer", kHost, true},
    {"computer_name", kHost, true},
    {"Hostname", kHost},
    {"host.name", kHost},
    {"host.hostname", kHost},
    {"agent.hostname", kHost},
    {"hostname", kHost},
    {"dvchost", kHost},
    // The inner end of a flow: Zeek, Suricata, ECS, CEF and LEEF; who received a file; who asked for a lease.
    {"id.orig_h", kAddress},
    {"src_ip", kAddress},
    {"source.ip", kAddress},
    {"client.ip", kAddress},
    {"source.address", kAddress},
    {"src", kAddress},
    {"rx_hosts", kAddress},
    {"client_addr", kAddress},
    {"id.resp_h", kAddress, false, true},
    {"dest_ip", kAddress, false, true},
    {"destination.ip", kAddress, false, true},
    {"server.ip", kAddress, false, true},
    {"destination.address", kAddress, false, true},
    {"dst", kAddress, false, true},
    {"tx_hosts", kAddress, false, true},
    // The account.
    {"user.name", kUser},
    {"TargetUserName", kUser, true},
    {"SubjectUserName", kUser, true},
    {"AccountName", kUser},
    {"duser", kUser},
    {"suser", kUser},
    {"username", kUser},
    {"user", kUser},
};

constexpr std::string_view last_part(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  return dot == path.npos ? path : path.substr(dot + 1);
}

// Most leaves of an event are told apart by the length of their key: which rules it leaves, a bit for each.
constexpr std::size_t kMaxKey = 32;
static_assert(std::size(kEntityRules) <= 64);
constexpr std::array<std::uint64_t, kMaxKey> kRulesByLength = [] {
  std::array<std::uint64_t, kMaxKey> out{};
  for (std::size_t rank = 0; rank < std::size(kEntityRules); ++rank) {
    out[last_part(kEntityRules[rank].path).size()] |= std::uint64_t{1} << rank;
    out[kEntityRules[rank].path.size()] |= std::uint64_t{1} << rank;  // a flat key: "id.orig_h"
  }
  return out;
}();

bool stands_at(const EntityRule& rule, std::string_view path) {
  if (path == rule.path) return true;
  return rule.anywhere && path.size() > rule.path.size() && path.ends_with(rule.path) &&
         path[path.size() - rule.path.size() - 1] == '.';
}

std::string cut(std::string text) {
  if (text.size() > kMaxEntityBytes) text.resize(kMaxEntityBytes);
  return text;
}

// Empty: this text names nothing of the kind.
std::string name_of(EntityKind kind, std::string_view text) {
  text = trim(text);
  if (text.empty() || text == "-" || text == "(empty)" || text == "localhost") return {};
  if (kind == kAddress) {
    text = text.substr(0, text.find_first_of(";,"));  // the first of several
    if (const std::size_t zone = text.find('%'); zone != text.npos) text = text.substr(0, zone);
    const auto address = parse_address(trim(text));
    return address ? address->text() : std::string();
  }
  if (kind == kHost && text.ends_with('.')) text.remove_suffix(1);
  return cut(lowered(text));
}

}  // namespace

std::string_view to_string(EntityKind kind) {
  switch (kind) {
    case kHost:
      return "host";
    case kAddress:
      return "address";
    case kUser:
      return "user";
    case kLog:
      return "log";
  }
  return "log";
}

std::optional<EntityKind> parse_entity_kind(std::string_view text) {
  for (const EntityKind kind : {kHost, kAddress, kUser, kLog})
    if (to_string(kind) == text) return kind;
  return std::nullopt;
}

std::string Entity::text() const { return std::string(to_string(kind)) + ":" + name; }

Json Entity::json() const {
  // JSON text is UTF-8; a name out of a log may not be.
  std::string quoted;
  append_json_string(quoted, name);
  auto clean = parse_json(quoted);
  return JsonObject{{"kind", to_string(kind)}, {"name", clean ? *clean : Json("")}};
}

Result<Entity> Entity::parse(const Json& json) {
  const auto kind = parse_entity_kind(string_at(json, "kind").value_or(""));
  if (!kind) return fail(ErrorCode::kInvalid, "an entity is a host, address, user or log", {.field = "entity.kind"});
  const auto name = string_at(json, "name");
  if (!name || name->size() > 2 * kMaxEntityBytes)
    return fail(ErrorCode::kInvalid, "an entity needs its name", {.field = "entity.name"});
  return Entity{*kind, std::string(*name)};
}

Entity entity_of(const telemetry::EventView& event, std::string_view matched_field, std::string_view log) {
  constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  std::size_t best = kNone, best_end = kNone;  // of the rules proper, and of the other ends
  std::string found, found_end, scratch;
  bool matched_inner = false;
  for (const telemetry::Leaf& leaf : event.leaves) {
    if (leaf.key_size >= kMaxKey) continue;
    const std::string_view key(leaf.key, leaf.key_size);
    std::string path;
    for (std::uint64_t rules = kRulesByLength[leaf.key_size]; rules != 0; rules &= rules - 1) {
      const auto rank = static_cast<std::size_t>(std::countr_zero(rules));
      const EntityRule& rule = kEntityRules[rank];
      if (rank >= (rule.other_end ? best_end : best)) continue;
      if (key != last_part(rule.path) && key != rule.path) continue;
      if (path.empty()) path = event.path(leaf);
      if (!stands_at(rule, path)) continue;
      if (rule.kind == kAddress && !rule.other_end && path == matched_field) {
        matched_inner = true;
        continue;
      }
      std::string name = name_of(rule.kind, event.text(leaf, scratch));
      if (name.empty()) continue;
      (rule.other_end ? best_end : best) = rank;
      (rule.other_end ? found_end : found) = std::move(name);
    }
  }
  if (matched_inner && best_end != kNone && (best == kNone || best > best_end))
    return {kEntityRules[best_end].kind, std::move(found_end)};
  if (best != kNone) return {kEntityRules[best].kind, std::move(found)};
  return {kLog, cut(std::string(log))};
}

bool glob_matches(std::string_view glob, std::string_view text) {
  std::size_t g = 0, t = 0, star = glob.npos, from = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      from = t;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (star != glob.npos) {  // let the last star take one byte more
      g = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

Result<EntityPattern> EntityPattern::parse(std::string_view text) {
  text = trim(text);
  if (text.empty())
    return fail(ErrorCode::kInvalid, "an entity's pattern is an address block or a name with '*' and '?'");
  if (text.size() > kMaxEntityBytes) return fail(ErrorCode::kInvalid, "an entity's pattern is at most 256 bytes long");
  EntityPattern out;
  out.text_ = std::string(text);
  for (const EntityKind kind : {kHost, kAddress, kUser, kLog})
    if (const std::string_view word = to_string(kind);
        text.size() > word.size() && text.starts_with(word) && text[word.size()] == ':') {
      out.kind_ = kind;
      text.remove_prefix(word.size() + 1);
      break;
    }
  out.block_ = parse_cidr(text).has_value() || parse_address(text).has_value();
  if (out.block_ && out.kind_ && *out.kind_ != kAddress)
    return fail(ErrorCode::kInvalid, "a block of addresses fits entities of the kind \"address\" only");
  out.glob_ = lowered(text);
  return out;
}

bool EntityPattern::matches(const Entity& entity) const {
  if (kind_ && *kind_ != entity.kind) return false;
  if (!block_) return glob_matches(glob_, lowered(entity.name));
  if (entity.kind != kAddress) return false;
  const auto address = parse_address(entity.name);
  auto block = parse_cidr(glob_);
  if (!block) block = parse_address(glob_);
  if (!address || !block || address->v6 != block->v6) return false;
  Address masked = *address;
  masked.mask(block->prefix);
  return masked.bytes == block->bytes;
}

}  // namespace bongsu::detect
