#include "policy/charter.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"

namespace bongsu::policy {
namespace {

constexpr std::string_view kKinds[] = {"civil", "military", "operator"};
constexpr std::string_view kRoles[] = {"sponsoring-nation", "contributing-participant", "observer"};

template <class Enum, std::size_t N>
std::optional<Enum> by_name(const std::string_view (&names)[N], std::string_view text) {
  const auto* at = std::ranges::find(names, text);
  if (at == std::end(names)) return std::nullopt;
  return static_cast<Enum>(at - std::begin(names));
}

std::string canonical(const Json& json) {
  auto text = to_canonical_text(json);
  BONGSU_CHECK(text.has_value());  // texts and small whole numbers only
  return std::move(*text);
}

}  // namespace

std::optional<std::uint8_t> parse_reference_rank(std::string_view name) {
  return by_name<std::uint8_t>(kReferenceRanks, name);
}

std::string_view to_string(CharterMember::Kind kind) { return kKinds[static_cast<std::size_t>(kind)]; }
std::string_view to_string(CharterMember::Role role) { return kRoles[static_cast<std::size_t>(role)]; }
std::optional<CharterMember::Kind> parse_member_kind(std::string_view text) {
  return by_name<CharterMember::Kind>(kKinds, text);
}
std::optional<CharterMember::Role> parse_member_role(std::string_view text) {
  return by_name<CharterMember::Role>(kRoles, text);
}

bool is_short_name(std::string_view text) { return is_member_id(text); }

std::set<MemberId> Charter::community(std::string_view name) const {
  std::set<MemberId> out;
  for (const auto& [member_id, member] : members)
    if (member.communities.contains(std::string(name))) out.insert(member_id);
  return out;
}

const std::set<MemberId>* Charter::group_at(std::string_view name, Instant when) const {
  const auto group = groups.find(std::string(name));
  if (group == groups.end()) return nullptr;
  const std::set<MemberId>* found = nullptr;
  for (const auto& at : group->second.versions)
    if (at.valid_from <= when) found = &at.members;
  return found;
}

std::optional<std::uint8_t> Charter::rank_of(std::string_view nation, CharterMember::Kind kind,
                                             std::string_view marking) const {
  const auto at = equivalences.find({std::string(nation), kind, std::string(marking)});
  if (at == equivalences.end()) return std::nullopt;
  return at->second;
}

std::optional<std::string> Charter::marking_for(std::string_view nation, CharterMember::Kind kind,
                                                std::uint8_t rank) const {
  const std::pair<const Equivalence, std::uint8_t>* best = nullptr;
  for (const auto& row : equivalences)
    if (row.first.nation == nation && row.first.kind == kind && row.second >= rank &&
        (best == nullptr || row.second < best->second))
      best = &row;
  if (best == nullptr) return std::nullopt;
  return best->first.marking;
}

std::string Charter::text() const { return canonical(json()); }
std::string Charter::digest() const { return to_hex(sha256(text())); }

std::string charter_statement(std::string_view canonical_text) {
  return fmt::format("bongsu/charter/v1\n{}", canonical_text);
}

std::string member_statement(std::string_view charter, const MemberId& id, const CharterMember& member) {
  JsonArray keys;
  for (const auto& key : member.keys) keys.emplace_back(key);
  JsonObject out{{"charter", charter},
                 {"member", id},
                 {"nation", member.nation},
                 {"kind", to_string(member.kind)},
                 {"keys", std::move(keys)},
                 {"ca_fingerprint", member.ca_fingerprint}};
  if (!member.identity.empty()) out["identity"] = member.identity;
  return "bongsu/charter-member/v1\n" + canonical(out);
}

std::string CharterInvitation::statement() const {
  Json json = this->json();
  json.as_object().erase("signature");
  return "bongsu/charter-invitation/v1\n" + canonical(json);
}

std::string SignedCharter::text() const {
  JsonArray list;
  for (const auto& s : signatures) list.push_back(JsonObject{{"key", s.key}, {"signature", s.signature}});
  return to_pretty_text(JsonObject{{"signed", charter.json()}, {"signatures", std::move(list)}}) + "\n";
}

namespace {

bool verifies(const DetachedSignature& signature, std::string_view statement) {
  const auto key = from_hex(signature.key), bytes = from_hex(signature.signature);
  return key && bytes && crypto::verify(*key, statement, *bytes);
}

}  // namespace

Result<void> sign_charter(SignedCharter& document, const crypto::SigningKey& key) {
  BONGSU_TRY(const std::string signature, crypto::sign(key, charter_statement(document.charter.text())));
  const DetachedSignature made{.key = to_hex(as_bytes(key.public_key)), .signature = to_hex(as_bytes(signature))};
  std::erase_if(document.signatures, [&](const DetachedSignature& s) { return s.key == made.key; });
  if (document.signatures.size() >= kMaxCharterSignatures)
    return fail(ErrorCode::kTooLarge, fmt::format("a charter has at most {} signatures", kMaxCharterSignatures));
  document.signatures.push_back(made);
  std::ranges::sort(document.signatures, {}, &DetachedSignature::key);
  return {};
}

Result<SignedCharter> merge_signatures(const SignedCharter& a, const SignedCharter& b) {
  if (a.charter != b.charter)
    return fail(
        ErrorCode::kInvalid,
        fmt::format("mix and match: the signatures are of different texts (version {}, {}… and version {}, {}…)",
                    a.charter.version, a.charter.digest().substr(0, 12), b.charter.version,
                    b.charter.digest().substr(0, 12)),
        {.field = "signed"});
  const std::string statement = charter_statement(a.charter.text());
  std::map<std::string, DetachedSignature> all;
  for (const auto* document : {&a, &b})
    for (const auto& signature : document->signatures) {
      if (!verifies(signature, statement))
        return fail(ErrorCode::kInvalid,
                    fmt::format("the signature by the key {}… does not fit", signature.key.substr(0, 12)),
                    {.field = "signatures"});
      all.insert_or_assign(signature.key, signature);
    }
  if (all.size() > kMaxCharterSignatures)
    return fail(ErrorCode::kTooLarge, fmt::format("a charter has at most {} signatures", kMaxCharterSignatures));
  SignedCharter out{.charter = a.charter, .signatures = {}};
  for (auto& [_, signature] : all) out.signatures.push_back(std::move(signature));
  return out;
}

}  // namespace bongsu::policy
