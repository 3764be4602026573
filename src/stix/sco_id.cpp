#include "stix/sco_id.h"

#include <algorithm>
#include <array>
#include <span>

namespace bongsu::stix {
namespace {

// STIX 2.1 §2.9.
const Uuid& stix_namespace() {
  static const Uuid uuid = *Uuid::parse("00abedb4-aa42-466c-9c01-fed23315a9b7");
  return uuid;
}

struct Contributing {
  std::string_view type;
  std::array<std::string_view, 8> properties;  // the rest is empty
};

// "ID Contributing Properties" of each object of STIX 2.1 §6. A process has none: its id is a UUIDv4 (§6.13).
constexpr std::array kContributing = {
    Contributing{"artifact", {"hashes", "payload_bin"}},
    Contributing{"autonomous-system", {"number"}},
    Contributing{"directory", {"path"}},
    Contributing{"domain-name", {"value"}},
    Contributing{"email-addr", {"value"}},
    Contributing{"email-message", {"from_ref", "subject", "body"}},
    Contributing{"file", {"hashes", "name", "extensions", "parent_directory_ref"}},
    Contributing{"ipv4-addr", {"value"}},
    Contributing{"ipv6-addr", {"value"}},
    Contributing{"mac-addr", {"value"}},
    Contributing{"mutex", {"name"}},
    Contributing{"network-traffic",
                 {"start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions"}},
    Contributing{"software", {"name", "cpe", "swid", "vendor", "version"}},
    Contributing{"url", {"value"}},
    Contributing{"user-account", {"account_type", "user_id", "account_login"}},
    Contributing{"windows-registry-key", {"key", "values"}},
    Contributing{"x509-certificate", {"hashes", "serial_number"}},
};

// One hash contributes, by the standard's order of preference. It does not say which of several others: the first by
// name, so that the order of writing does not change the id.
JsonObject one_hash(const JsonObject& hashes) {
  constexpr std::array<std::string_view, 4> kPreferred = {"MD5", "SHA-1", "SHA-256", "SHA-512"};
  JsonObject one;
  for (const std::string_view name : kPreferred) {
    if (const Json* value = hashes.if_contains(name)) {
      one[name] = *value;
      return one;
    }
  }
  const auto first =
      std::ranges::min_element(hashes, {}, [](const auto& pair) { return std::string_view(pair.key()); });
  if (first != hashes.end()) one[first->key()] = first->value();
  return one;
}

}  // namespace

Result<std::optional<Id>> deterministic_id(const Json& sco) {
  const auto type = string_at(sco, "type");
  const auto row = std::ranges::find_if(kContributing, [&](const Contributing& c) { return c.type == type; });
  if (!type || row == kContributing.end()) return std::nullopt;
  JsonObject contributing;
  for (const std::string_view property : row->properties) {
    if (property.empty()) break;
    const Json* value = find(sco, property);
    if (value == nullptr) continue;
    if (property == "hashes" && value->is_object()) {
      if (value->get_object().empty()) continue;
      contributing[property] = one_hash(value->get_object());
    } else {
      contributing[property] = *value;
    }
  }
  if (contributing.empty()) return std::nullopt;
  BONGSU_TRY(const std::string name, to_canonical_text(Json(std::move(contributing))));
  return Id{std::string(*type), Uuid::from_name(stix_namespace(), name)};
}

Result<std::optional<Id>> deterministic_id(const Object& sco) {
  if (sco.category() != Category::kObservable) return std::nullopt;
  return deterministic_id(sco.json());
}

}  // namespace bongsu::stix
