// The charter as JSON, both ways.
#include <fmt/format.h>

#include <algorithm>

#include "base/uuid.h"
#include "policy/charter_trust.h"
#include "policy/strict_json.h"

namespace bongsu::policy {
namespace {

constexpr std::string_view kType = "bongsu-charter";
constexpr std::string_view kApplicationType = "bongsu-charter-application";
constexpr std::size_t kMaxApplicationBytes = 64 * 1024;
constexpr std::int64_t kFormat = 1;
constexpr std::string_view kTlpNames[] = {"clear", "green", "amber", "amber+strict"};
constexpr std::size_t kKeyBytes = 32, kSignatureBytes = 64, kDigestBytes = 32;

JsonArray json_list(const auto& values) {
  JsonArray out;
  for (const auto& value : values) out.emplace_back(value);
  return out;
}

Json json_of(const CharterMember& m, const MemberId& id) {
  JsonObject out{{"member", id},
                 {"title", m.title},
                 {"nation", m.nation},
                 {"kind", to_string(m.kind)},
                 {"role", to_string(m.role)},
                 {"keys", json_list(m.keys)},
                 {"ca_fingerprint", m.ca_fingerprint},
                 {"clearance", kReferenceRanks[m.clearance]},
                 {"categories", json_list(m.categories)},
                 {"communities", json_list(m.communities)},
                 {"admitted", m.admitted},
                 {"proofs", json_list(m.proofs)}};
  if (!m.identity.empty()) out["identity"] = m.identity;
  if (m.probation)
    out["probation"] = JsonObject{{"until", m.probation->until.text(0)},
                                  {"highest_tlp", kTlpNames[static_cast<std::size_t>(m.probation->highest_tlp)]},
                                  {"highest_rank", kReferenceRanks[m.probation->highest_rank]}};
  if (m.invitation) out["invitation"] = m.invitation->json();
  return out;
}

// ── Reading ────────────────────────────────────────────────────────────────────────────────────────────────────────
Result<std::string> name_at(StrictObject& in, std::string_view key, bool (*good)(std::string_view),
                            std::string_view rule) {
  BONGSU_TRY(std::string text, in.text(key, kMaxCharterTitle));
  if (!good(text)) return in.wrong(key, std::string(rule));
  return text;
}

constexpr std::string_view kNameRule = "is a short name: lower-case letters, digits and -, at most 63";
constexpr std::string_view kNationRule =
    "is a nation's code (ISO 3166-1 alpha-2) or an organisation's letters, in lower case";

Result<std::string> line_at(StrictObject& in, std::string_view key) {
  return name_at(in, key, is_plain_line, "is a line of text, not empty");
}

template <class Value>
Result<Value> choice_at(StrictObject& in, std::string_view key, std::optional<Value> (*parse)(std::string_view),
                        std::string_view rule) {
  BONGSU_TRY(const std::string text, in.text(key, kMaxCharterTitle));
  const auto value = parse(text);
  if (!value) return in.wrong(key, std::string(rule));
  return *value;
}

Result<std::uint8_t> rank_at(StrictObject& in, std::string_view key) {
  return choice_at(in, key, parse_reference_rank,
                   "is one of unclassified, restricted, confidential, secret, top-secret");
}

std::optional<stix::Tlp> parse_charter_tlp(std::string_view text) {
  const auto* at = std::ranges::find(kTlpNames, text);
  if (at == std::end(kTlpNames)) return std::nullopt;
  return static_cast<stix::Tlp>(at - std::begin(kTlpNames));
}

Result<CharterMember::Kind> kind_at(StrictObject& in) {
  return choice_at(in, "kind", parse_member_kind, "is one of civil, military, operator");
}

Result<CharterMember::Role> role_at(StrictObject& in) {
  return choice_at(in, "role", parse_member_role, "is one of sponsoring-nation, contributing-participant, observer");
}

Result<std::vector<std::string>> proofs_at(StrictObject& in, std::size_t count) {
  BONGSU_TRY(auto proofs, in.texts("proofs", kMaxKeysPerHolder, kSignatureBytes * 2));
  if (proofs.size() != count) return in.wrong("proofs", "holds one signature by each of the keys");
  for (const auto& proof : proofs)
    if (!is_lower_hex(proof, kSignatureBytes))
      return in.wrong("proofs", "holds signatures: 64 bytes in lower-case hexadecimal");
  return proofs;
}

Result<std::vector<std::string>> keys_at(StrictObject& in, std::string_view key) {
  BONGSU_TRY(auto keys, in.texts(key, kMaxKeysPerHolder, kKeyBytes * 2));
  if (keys.empty()) return in.wrong(key, "names at least one key");
  for (const auto& text : keys)
    if (!is_lower_hex(text, kKeyBytes)) return in.wrong(key, "holds Ed25519 keys: 32 bytes in lower-case hexadecimal");
  return keys;
}

// Distinct names in order, so that a set has one text.
Result<std::set<std::string>> set_at(StrictObject& in, std::string_view key, std::size_t most,
                                     bool (*good)(std::string_view), std::string_view rule = kNameRule) {
  BONGSU_TRY(const auto items, in.texts(key, most, kMaxCharterTitle));
  if (!std::ranges::is_sorted(items)) return in.wrong(key, "is a set: in the order of its names");
  for (const auto& item : items)
    if (!good(item)) return in.wrong(key, fmt::format("\"{}\" {}", item, rule));
  return std::set<std::string>(items.begin(), items.end());
}

Result<Probation> read_probation(const Json& json, std::string path) {
  StrictObject in(json, std::move(path));
  Probation out;
  BONGSU_TRY(out.until, in.instant("until"));
  BONGSU_TRY(out.highest_tlp,
             choice_at(in, "highest_tlp", parse_charter_tlp, "is one of clear, green, amber, amber+strict"));
  BONGSU_TRY(out.highest_rank, rank_at(in, "highest_rank"));
  BONGSU_TRY_VOID(in.done());
  return out;
}

Result<std::string> identity_at(StrictObject& in) {
  if (!in.has("identity")) return std::string();
  BONGSU_TRY(std::string text, in.text("identity", kMaxCharterTitle));
  constexpr std::string_view kPrefix = "identity--";
  const auto uuid =
      text.starts_with(kPrefix) ? Uuid::parse(std::string_view(text).substr(kPrefix.size())) : std::nullopt;
  if (!uuid || std::string(kPrefix) + uuid->text() != text)
    return in.wrong("identity", "is the id of a STIX identity: identity--UUID");
  return text;
}

Result<CharterMember> read_member(StrictObject& in) {
  CharterMember out;
  BONGSU_TRY(out.title, line_at(in, "title"));
  BONGSU_TRY(out.nation, name_at(in, "nation", is_nation, kNationRule));
  BONGSU_TRY(out.kind, kind_at(in));
  BONGSU_TRY(out.role, role_at(in));
  BONGSU_TRY(out.keys, keys_at(in, "keys"));
  BONGSU_TRY(out.ca_fingerprint, in.hex("ca_fingerprint", kDigestBytes));
  BONGSU_TRY(out.identity, identity_at(in));
  BONGSU_TRY(out.clearance, rank_at(in, "clearance"));
  BONGSU_TRY(out.categories,
             set_at(in, "categories", kMaxCharterCommunities, is_label_word, "is not a word of 1 to 128 bytes"));
  BONGSU_TRY(out.communities, set_at(in, "communities", kMaxCharterCommunities, is_short_name));
  BONGSU_TRY(out.admitted, in.integer("admitted", 1, kMaxCharterVersion));
  BONGSU_TRY(out.proofs, proofs_at(in, out.keys.size()));
  if (in.has("probation")) {
    BONGSU_TRY(const Json* json, in.object("probation"));
    BONGSU_TRY(out.probation, read_probation(*json, in.path_of("probation")));
  }
  if (in.has("invitation")) {
    BONGSU_TRY(const Json* json, in.object("invitation"));
    BONGSU_TRY(out.invitation, CharterInvitation::parse(*json, in.path_of("invitation")));
  }
  BONGSU_TRY_VOID(in.done());
  return out;
}

// A list of objects with a name each, in the order of the names.
template <class Map, class Read>
Result<void> read_named(StrictObject& in, std::string_view key, std::size_t most, std::string_view name_key,
                        bool (*good)(std::string_view), std::string_view rule, Map& out, Read read) {
  BONGSU_TRY(const JsonArray* items, in.list(key, most));
  std::string last;
  for (std::size_t i = 0; i < items->size(); ++i) {
    StrictObject item((*items)[i], fmt::format("{}[{}]", in.path_of(key), i));
    BONGSU_TRY(const std::string name, name_at(item, name_key, good, rule));
    if (i > 0 && name <= last)
      return item.wrong(name_key,
                        name == last ? "stands here twice" : "is out of order: the list is in the order of its names");
    last = name;
    BONGSU_TRY(auto value, read(item));
    out.emplace(name, std::move(value));
  }
  return {};
}

Result<CharterGroup> read_group(StrictObject& in) {
  CharterGroup out;
  BONGSU_TRY(out.id, in.text("id", kMaxCharterTitle));
  const auto uuid = Uuid::parse(out.id);
  if (!uuid || uuid->text() != out.id) return in.wrong("id", "is a UUID in lower case");
  BONGSU_TRY(const JsonArray* items, in.list("versions", kMaxGroupVersions));
  if (items->empty()) return in.wrong("versions", "holds at least one version");
  for (std::size_t i = 0; i < items->size(); ++i) {
    StrictObject item((*items)[i], fmt::format("{}[{}]", in.path_of("versions"), i));
    GroupVersion version;
    BONGSU_TRY(version.valid_from, item.instant("valid_from"));
    if (!out.versions.empty() && version.valid_from <= out.versions.back().valid_from)
      return item.wrong("valid_from", "is later than that of the version before");
    BONGSU_TRY(version.members, set_at(item, "members", kMaxCharterMembers, is_member_id));
    BONGSU_TRY_VOID(item.done());
    out.versions.push_back(std::move(version));
  }
  BONGSU_TRY_VOID(in.done());
  return out;
}

bool is_group_name(std::string_view text) {
  return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

Result<std::map<Equivalence, std::uint8_t>> read_equivalences(StrictObject& in) {
  BONGSU_TRY(const JsonArray* items, in.list("equivalences", kMaxEquivalences));
  std::map<Equivalence, std::uint8_t> out;
  for (std::size_t i = 0; i < items->size(); ++i) {
    StrictObject item((*items)[i], fmt::format("equivalences[{}]", i));
    Equivalence row;
    BONGSU_TRY(row.nation, name_at(item, "nation", is_nation, kNationRule));
    BONGSU_TRY(row.kind, kind_at(item));
    BONGSU_TRY(row.marking, line_at(item, "marking"));
    BONGSU_TRY(const std::uint8_t rank, rank_at(item, "rank"));
    BONGSU_TRY_VOID(item.done());
    if (!out.empty() && row <= out.rbegin()->first)
      return item.wrong("marking", "is out of order or named twice: rows stand in the order of nation, kind, marking");
    out.emplace(std::move(row), rank);
  }
  return out;
}

Result<std::vector<CharterSponsor>> read_sponsors(StrictObject& in) {
  BONGSU_TRY(const JsonArray* items, in.list("sponsors", kMaxSponsors));
  std::vector<CharterSponsor> out;
  for (std::size_t i = 0; i < items->size(); ++i) {
    StrictObject item((*items)[i], fmt::format("sponsors[{}]", i));
    CharterSponsor sponsor;
    BONGSU_TRY(sponsor.nation, name_at(item, "nation", is_nation, kNationRule));
    BONGSU_TRY(sponsor.title, line_at(item, "title"));
    BONGSU_TRY(sponsor.keys, keys_at(item, "keys"));
    BONGSU_TRY_VOID(item.done());
    if (!out.empty() && sponsor.nation <= out.back().nation)
      return item.wrong("nation", "stands here twice or out of order: a sponsor is one, whatever keys it has");
    out.push_back(std::move(sponsor));
  }
  return out;
}

// What holds between the parts.
Result<void> check_whole(const Charter& c) {
  const auto wrong = [](std::string field, std::string message) {
    return fail(ErrorCode::kInvalid, std::move(message), {.field = std::move(field)});
  };
  if (c.version == 1 ? !c.previous.empty() : !is_lower_hex(c.previous, kDigestBytes))
    return wrong("previous", "is the SHA-256 of the version before; empty in version 1 only");
  if (c.expires <= c.issued) return wrong("expires", "is later than issued");
  if (c.sponsors.empty()) return wrong("sponsors", "names at least one sponsor");
  if (c.threshold > static_cast<std::int64_t>(c.sponsors.size()))
    return wrong("threshold", fmt::format("is at most the number of sponsors, {}", c.sponsors.size()));
  std::map<std::string_view, std::string> holder;  // a key has one holder
  for (const auto& sponsor : c.sponsors)
    for (const auto& key : sponsor.keys)
      if (const auto [at, fresh] = holder.emplace(key, "sponsor " + sponsor.nation); !fresh)
        return wrong("sponsors", fmt::format("the key {}… of {} is {}'s too: a key has one holder", key.substr(0, 12),
                                             sponsor.nation, at->second));
  std::map<std::string_view, std::string> authorities, identities;
  for (const auto& [id, member] : c.members) {
    const std::string path = fmt::format("members.{}", id);
    for (const auto& key : member.keys)
      if (const auto [at, fresh] = holder.emplace(key, id); !fresh)
        return wrong(path + ".keys",
                     fmt::format("the key {}… is {}'s too: a key has one holder", key.substr(0, 12), at->second));
    if (const auto [at, fresh] = authorities.emplace(member.ca_fingerprint, id); !fresh)
      return wrong(path + ".ca_fingerprint", fmt::format("is that of {} too", at->second));
    if (!member.identity.empty())
      if (const auto [at, fresh] = identities.emplace(member.identity, id); !fresh)
        return wrong(path + ".identity", fmt::format("is that of {} too", at->second));
    if (c.removed.contains(id)) return wrong(path, "was removed: the name of a former member is never given again");
    if (member.admitted > c.version) return wrong(path + ".admitted", "is no later version than this");
    for (const auto& community : member.communities)
      if (!c.communities.contains(community))
        return wrong(path + ".communities", fmt::format("\"{}\" is not among the charter's communities", community));
    if (member.role == CharterMember::Role::kSponsoringNation &&
        std::ranges::find(c.sponsors, member.nation, &CharterSponsor::nation) == c.sponsors.end())
      return wrong(path + ".role", fmt::format("{} is not a sponsor of this charter", member.nation));
  }
  for (const auto& [id, version] : c.removed)
    if (version > c.version) return wrong(fmt::format("removed.{}", id), "is no later version than this");
  std::map<std::string_view, std::string_view> group_ids;
  for (const auto& [name, group] : c.groups)
    if (const auto [taken, fresh] = group_ids.emplace(group.id, name); !fresh)
      return wrong(fmt::format("groups.{}", name), fmt::format("has the id of the group {}", taken->second));
  for (const auto& [name, group] : c.groups)
    for (const auto& version : group.versions)
      for (const auto& id : version.members)
        if (!c.members.contains(id) && !c.removed.contains(id))
          return wrong(fmt::format("groups.{}", name), fmt::format("\"{}\" is not a member and never was", id));
  return {};
}

}  // namespace

Json CharterInvitation::json() const {
  return JsonObject{{"charter", charter},    {"member", member},   {"nation", nation},           {"kind", kind},
                    {"role", role},          {"sponsor", sponsor}, {"expires", expires.text(0)}, {"key", key},
                    {"signature", signature}};
}

Result<CharterInvitation> CharterInvitation::parse(const Json& json, std::string path) {
  StrictObject in(json, std::move(path));
  CharterInvitation out;
  BONGSU_TRY(out.charter, name_at(in, "charter", is_short_name, kNameRule));
  BONGSU_TRY(out.member, name_at(in, "member", is_member_id, kNameRule));
  BONGSU_TRY(out.nation, name_at(in, "nation", is_nation, kNationRule));
  BONGSU_TRY(const auto kind, kind_at(in));
  out.kind = to_string(kind);
  BONGSU_TRY(const auto role, role_at(in));
  out.role = to_string(role);
  BONGSU_TRY(out.sponsor, name_at(in, "sponsor", is_nation, kNationRule));
  BONGSU_TRY(out.expires, in.instant("expires"));
  BONGSU_TRY(out.key, in.hex("key", kKeyBytes));
  BONGSU_TRY(out.signature, in.hex("signature", kSignatureBytes));
  BONGSU_TRY_VOID(in.done());
  return out;
}

std::string CharterApplication::text() const {
  JsonObject out{{"type", kApplicationType}, {"charter", charter},
                 {"member", member},         {"nation", nation},
                 {"title", title},           {"kind", to_string(kind)},
                 {"role", to_string(role)},  {"ca_fingerprint", ca_fingerprint},
                 {"keys", json_list(keys)},  {"proofs", json_list(proofs)}};
  if (!identity.empty()) out["identity"] = identity;
  if (invitation) out["invitation"] = invitation->json();
  return to_pretty_text(out) + "\n";
}

Result<CharterApplication> CharterApplication::parse(std::string_view text) {
  if (text.size() > kMaxApplicationBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("an application has at most {} bytes", kMaxApplicationBytes));
  BONGSU_TRY(const Json json, parse_json(text));
  StrictObject in(json, "");
  BONGSU_TRY(const std::string type, in.text("type", kMaxCharterTitle));
  if (type != kApplicationType) return in.wrong("type", fmt::format("is \"{}\"", kApplicationType));
  CharterApplication out;
  BONGSU_TRY(out.charter, name_at(in, "charter", is_short_name, kNameRule));
  BONGSU_TRY(out.member, name_at(in, "member", is_member_id, kNameRule));
  BONGSU_TRY(out.nation, name_at(in, "nation", is_nation, kNationRule));
  BONGSU_TRY(out.title, line_at(in, "title"));
  BONGSU_TRY(out.kind, kind_at(in));
  BONGSU_TRY(out.role, role_at(in));
  BONGSU_TRY(out.ca_fingerprint, in.hex("ca_fingerprint", kDigestBytes));
  BONGSU_TRY(out.identity, identity_at(in));
  BONGSU_TRY(out.keys, keys_at(in, "keys"));
  BONGSU_TRY(out.proofs, proofs_at(in, out.keys.size()));
  if (in.has("invitation")) {
    BONGSU_TRY(const Json* invitation, in.object("invitation"));
    BONGSU_TRY(out.invitation, CharterInvitation::parse(*invitation, "invitation"));
  }
  BONGSU_TRY_VOID(in.done());
  return out;
}

Json Charter::json() const {
  JsonArray sponsor_list, community_list, member_list, removed_list, group_list, row_list;
  for (const auto& s : sponsors)
    sponsor_list.push_back(JsonObject{{"nation", s.nation}, {"title", s.title}, {"keys", json_list(s.keys)}});
  for (const auto& [name, name_title] : communities)
    community_list.push_back(JsonObject{{"name", name}, {"title", name_title}});
  for (const auto& [name, member] : members) member_list.push_back(json_of(member, name));
  for (const auto& [name, at] : removed) removed_list.push_back(JsonObject{{"member", name}, {"version", at}});
  for (const auto& [name, group] : groups) {
    JsonArray list;
    for (const auto& v : group.versions)
      list.push_back(JsonObject{{"valid_from", v.valid_from.text(0)}, {"members", json_list(v.members)}});
    group_list.push_back(JsonObject{{"name", name}, {"id", group.id}, {"versions", std::move(list)}});
  }
  for (const auto& [row, rank] : equivalences)
    row_list.push_back(JsonObject{{"nation", row.nation},
                                  {"kind", to_string(row.kind)},
                                  {"marking", row.marking},
                                  {"rank", kReferenceRanks[rank]}});
  return JsonObject{{"type", kType},
                    {"format", kFormat},
                    {"charter", id},
                    {"title", title},
                    {"version", version},
                    {"previous", previous},
                    {"issued", issued.text(0)},
                    {"expires", expires.text(0)},
                    {"threshold", threshold},
                    {"sponsors", std::move(sponsor_list)},
                    {"communities", std::move(community_list)},
                    {"members", std::move(member_list)},
                    {"removed", std::move(removed_list)},
                    {"groups", std::move(group_list)},
                    {"equivalences", std::move(row_list)}};
}

Result<Charter> Charter::parse(const Json& json) {
  StrictObject in(json, "");
  BONGSU_TRY(const std::string type, in.text("type", kMaxCharterTitle));
  if (type != kType) return in.wrong("type", fmt::format("is \"{}\"", kType));
  BONGSU_TRY(const std::int64_t format, in.integer("format", 1, kMaxCharterVersion));
  if (format != kFormat)
    return fail(ErrorCode::kUnsupported, fmt::format("is {}: this program reads format {} only", format, kFormat),
                {.field = "format"});
  Charter out;
  BONGSU_TRY(out.id, name_at(in, "charter", is_short_name, kNameRule));
  BONGSU_TRY(out.title, line_at(in, "title"));
  BONGSU_TRY(out.version, in.integer("version", 1, kMaxCharterVersion));
  BONGSU_TRY(out.previous, in.text("previous", kDigestBytes * 2));
  BONGSU_TRY(out.issued, in.instant("issued"));
  BONGSU_TRY(out.expires, in.instant("expires"));
  BONGSU_TRY(out.threshold, in.integer("threshold", 1, static_cast<std::int64_t>(kMaxSponsors)));
  BONGSU_TRY(out.sponsors, read_sponsors(in));
  BONGSU_TRY_VOID(read_named(in, "communities", kMaxCharterCommunities, "name", is_short_name, kNameRule,
                             out.communities, [](StrictObject& item) -> Result<std::string> {
                               BONGSU_TRY(std::string line, line_at(item, "title"));
                               BONGSU_TRY_VOID(item.done());
                               return line;
                             }));
  BONGSU_TRY_VOID(
      read_named(in, "members", kMaxCharterMembers, "member", is_member_id, kNameRule, out.members, read_member));
  BONGSU_TRY_VOID(read_named(in, "removed", kMaxRemovedMembers, "member", is_member_id, kNameRule, out.removed,
                             [](StrictObject& item) -> Result<std::int64_t> {
                               BONGSU_TRY(const std::int64_t at, item.integer("version", 2, kMaxCharterVersion));
                               BONGSU_TRY_VOID(item.done());
                               return at;
                             }));
  BONGSU_TRY_VOID(read_named(in, "groups", kMaxCharterGroups, "name", is_group_name,
                             "is a group's name: letters, digits, - and _, at most 63", out.groups, read_group));
  BONGSU_TRY(out.equivalences, read_equivalences(in));
  BONGSU_TRY_VOID(in.done());
  BONGSU_TRY_VOID(check_whole(out));
  return out;
}

Result<SignedCharter> parse_signed_charter(std::string_view text) {
  if (text.size() > kMaxCharterBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("endless data: a charter has at most {} bytes, this has {}",
                                                  kMaxCharterBytes, text.size()));
  BONGSU_TRY(const Json json, parse_json(text));
  StrictObject in(json, "");
  SignedCharter out;
  BONGSU_TRY(const Json* document, in.object("signed"));
  BONGSU_TRY(const JsonArray* signatures, in.list("signatures", kMaxCharterSignatures));
  BONGSU_TRY_VOID(in.done());
  for (std::size_t i = 0; i < signatures->size(); ++i) {
    StrictObject item((*signatures)[i], fmt::format("signatures[{}]", i));
    DetachedSignature signature;
    BONGSU_TRY(signature.key, item.hex("key", kKeyBytes));
    BONGSU_TRY(signature.signature, item.hex("signature", kSignatureBytes));
    BONGSU_TRY_VOID(item.done());
    out.signatures.push_back(std::move(signature));
  }
  BONGSU_TRY(out.charter, Charter::parse(*document));
  return out;
}

}  // namespace bongsu::policy
