#include "identity/passkey.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/hash.h"
#include "identity/cbor.h"

namespace bongsu::identity {
namespace {

// WebAuthn §6.1: flags of authenticator data.
constexpr std::uint8_t kUserPresent = 0x01, kUserVerified = 0x04, kBackupEligible = 0x08, kBackedUp = 0x10,
                       kAttested = 0x40, kExtensions = 0x80;
constexpr std::size_t kHeadBytes = 37, kAaguidBytes = 16;

std::unexpected<Error> refused(std::string_view why, std::string_view field) {
  return fail(ErrorCode::kDenied, std::string(why), {.field = std::string(field)});
}

struct AuthenticatorData {
  std::uint8_t flags = 0;
  std::uint32_t counter = 0;
  std::string credential_id;
  std::optional<crypto::PublicKey> key;
  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t out = 0;
  for (const char c : bytes) out = out << 8 | static_cast<std::uint8_t>(c);
  return out;
}

// What both ceremonies ask of authenticator data: rpIdHash, user present and verified, consistent backup flags.
Result<AuthenticatorData> read_authenticator_data(const RelyingParty& party, std::string_view bytes) {
  constexpr std::string_view kField = "authenticator_data";
  const auto broken = [&](std::string_view why) {
    return fail(ErrorCode::kInvalid, std::string(why), {.field = std::string(kField)});
  };
  if (bytes.size() < kHeadBytes) return broken("is shorter than 37 bytes");
  const Sha256 wanted = sha256(party.id);
  if (!equal_constant_time(bytes.substr(0, 32), as_text(wanted)))
    return refused("is for another host (rpIdHash)", kField);
  AuthenticatorData out;
  out.flags = static_cast<std::uint8_t>(bytes[32]);
  out.counter = big_endian(bytes.substr(33, 4));
  std::string_view rest = bytes.substr(kHeadBytes);
  if (!out.has(kUserPresent)) return refused("nobody was there (UP)", kField);
  if (party.user_verification && !out.has(kUserVerified)) return refused("the user was not verified (UV)", kField);
  if (out.has(kBackedUp) && !out.has(kBackupEligible))
    return refused("is backed up, which it cannot be (BS, BE)", kField);
  if (out.has(kAttested)) {
    if (rest.size() < kAaguidBytes + 2) return broken("ends within the credential");
    const std::size_t size = big_endian(rest.substr(kAaguidBytes, 2));
    rest.remove_prefix(kAaguidBytes + 2);
    if (size == 0 || size > kMaxCredentialIdBytes) return broken("has a credential id of no allowed length");
    if (rest.size() < size) return broken("ends within the credential id");
    out.credential_id = rest.substr(0, size);
    rest.remove_prefix(size);
    std::size_t used = 0;
    BONGSU_TRY(out.key, read_cose_key(rest, used));
    rest.remove_prefix(used);
  }
  if (out.has(kExtensions)) {
    std::size_t used = 0;
    BONGSU_TRY(const Cbor extensions, read_cbor_prefix(rest, used));
    if (extensions.kind != Cbor::Kind::kMap) return broken("its extensions are no map");
    rest.remove_prefix(used);
  }
  if (!rest.empty()) return broken("something follows it");
  return out;
}

Result<Json> read_client_data(std::string_view text) {
  if (text.size() > kMaxClientDataBytes) return fail(ErrorCode::kTooLarge, "is too long", {.field = "client_data"});
  auto json = parse_json(text);
  if (!json || !json->is_object()) return fail(ErrorCode::kInvalid, "is no JSON object", {.field = "client_data"});
  return std::move(*json);
}

// §7.1 steps 7 to 10, §7.2 steps 11 to 14.
Result<void> check_client_data(const RelyingParty& party, std::string_view type, std::string_view challenge,
                               std::string_view text) {
  BONGSU_TRY(const Json data, read_client_data(text));
  if (string_at(data, "type") != type) return refused("is of another ceremony (type)", "client_data");
  if (!equal_constant_time(string_at(data, "challenge").value_or(""), to_base64url(as_bytes(challenge))))
    return refused("answers another challenge", "client_data");
  if (string_at(data, "origin") != party.origin) return refused("is from another page (origin)", "client_data");
  // This page is never shown within another.
  if (const Json* cross = find(data, "crossOrigin"); cross != nullptr && !(cross->is_bool() && !cross->get_bool()))
    return refused("was asked for within another page (crossOrigin)", "client_data");
  if (find(data, "topOrigin") != nullptr)
    return refused("was asked for within another page (topOrigin)", "client_data");
  return {};
}

}  // namespace

// RFC 9053 §7: key types 1 (OKP), 2 (EC2) and 3 (RSA); algorithms −7, −8, −257 (RFC 8812).
Result<crypto::PublicKey> read_cose_key(std::string_view bytes, std::size_t& used) {
  BONGSU_TRY(const Cbor cose, read_cbor_prefix(bytes, used));
  const auto broken = [](std::string_view why) {
    return fail(ErrorCode::kInvalid, std::string(why), {.field = "public_key"});
  };
  if (cose.kind != Cbor::Kind::kMap) return broken("is no COSE key");
  const auto is = [&](std::int64_t label, std::int64_t value) {
    const Cbor* found = cose.find(label);
    return found != nullptr && found->is(value);
  };
  const auto octets = [&](std::int64_t label) {
    const Cbor* found = cose.find(label);
    return found != nullptr && found->kind == Cbor::Kind::kBytes ? found->bytes : std::string();
  };
  crypto::PublicKey out;
  if (is(3, -7)) {
    if (!is(1, 2) || !is(-1, 1)) return broken("ES256 takes a key of P-256");
    out = {.scheme = crypto::SignatureScheme::kEs256, .x = octets(-2), .y = octets(-3), .n = {}, .e = {}};
  } else if (is(3, -8)) {
    if (!is(1, 1) || !is(-1, 6)) return broken("EdDSA takes a key of Ed25519");
    out = {.scheme = crypto::SignatureScheme::kEdDsa, .x = octets(-2), .y = {}, .n = {}, .e = {}};
  } else if (is(3, -257)) {
    if (!is(1, 3)) return broken("RS256 takes an RSA key");
    out = {.scheme = crypto::SignatureScheme::kRs256, .x = {}, .y = {}, .n = octets(-1), .e = octets(-2)};
  } else {
    return broken("is for an algorithm that was not asked for");
  }
  BONGSU_TRY_VOID(crypto::check(out));
  return out;
}

Result<std::string> challenge_of(std::string_view client_data) {
  BONGSU_TRY(const Json data, read_client_data(client_data));
  return from_base64url(string_at(data, "challenge").value_or("?"));
}

Result<Passkey> register_passkey(const RelyingParty& party, std::string_view challenge, std::string_view client_data,
                                 std::string_view attestation_object) {
  BONGSU_TRY_VOID(check_client_data(party, "webauthn.create", challenge, client_data));
  BONGSU_TRY(const Cbor object, read_cbor(attestation_object));
  const Cbor *format = object.find("fmt"), *statement = object.find("attStmt"), *data = object.find("authData");
  if (format == nullptr || format->kind != Cbor::Kind::kText || statement == nullptr ||
      statement->kind != Cbor::Kind::kMap || data == nullptr || data->kind != Cbor::Kind::kBytes)
    return fail(ErrorCode::kInvalid, "is no attestation object", {.field = "attestation_object"});
  BONGSU_TRY(AuthenticatorData authenticator, read_authenticator_data(party, data->bytes));
  if (!authenticator.key) return fail(ErrorCode::kInvalid, "holds no credential", {.field = "attestation_object"});
  // §8.7: "none" says nothing. Another format was not asked for, and nothing here would check it.
  if (format->bytes != "none" || !statement->members.empty())
    return refused("carries an attestation that was not asked for", "attestation_object");
  return Passkey{.id = std::move(authenticator.credential_id),
                 .key = std::move(*authenticator.key),
                 .rp_id = party.id,
                 .counter = authenticator.counter,
                 .backup_eligible = authenticator.has(kBackupEligible),
                 .backed_up = authenticator.has(kBackedUp),
                 .name = {},
                 .added = {}};
}

Result<Passkey> assert_passkey(const RelyingParty& party, std::string_view challenge, const Passkey& passkey,
                               std::string_view client_data, std::string_view authenticator_data,
                               std::string_view signature) {
  if (passkey.rp_id != party.id) return refused("the passkey belongs to another host", "id");
  BONGSU_TRY_VOID(check_client_data(party, "webauthn.get", challenge, client_data));
  BONGSU_TRY(const AuthenticatorData authenticator, read_authenticator_data(party, authenticator_data));
  if (authenticator.has(kAttested))
    return fail(ErrorCode::kInvalid, "brings a new credential, which no log-in does", {.field = "authenticator_data"});
  if (authenticator.has(kBackupEligible) != passkey.backup_eligible)
    return refused("changed whether it can be backed up (BE)", "authenticator_data");
  const Sha256 hash = sha256(client_data);
  std::string message(authenticator_data);
  message += as_text(hash);
  if (!crypto::verify(passkey.key, message, signature))
    return refused("the signature is not the passkey's", "signature");
  if ((authenticator.counter != 0 || passkey.counter != 0) && authenticator.counter <= passkey.counter)
    return refused("the counter did not grow: there may be a copy of this authenticator", "authenticator_data");
  Passkey out = passkey;
  out.counter = authenticator.counter;
  out.backed_up = authenticator.has(kBackedUp);
  return out;
}

Json Passkey::json() const {
  const auto coded = [](std::string_view bytes) { return to_base64url(as_bytes(bytes)); };
  return JsonObject{{"id", coded(id)},
                    {"alg", crypto::to_string(key.scheme)},
                    {"x", coded(key.x)},
                    {"y", coded(key.y)},
                    {"n", coded(key.n)},
                    {"e", coded(key.e)},
                    {"rp_id", rp_id},
                    {"counter", counter},
                    {"backup_eligible", backup_eligible},
                    {"backed_up", backed_up},
                    {"name", name},
                    {"added", added.text()}};
}

Result<Passkey> Passkey::parse(const Json& json) {
  const auto broken = [](std::string field) {
    return fail(ErrorCode::kInvalid, "of a passkey cannot be read", {.field = std::move(field)});
  };
  Passkey out;
  for (const auto& [key, target] :
       {std::pair{"id", &out.id}, {"x", &out.key.x}, {"y", &out.key.y}, {"n", &out.key.n}, {"e", &out.key.e}}) {
    auto bytes = from_base64url(string_at(json, key).value_or(""));
    if (!bytes) return broken(key);
    *target = std::move(*bytes);
  }
  if (out.id.empty() || out.id.size() > kMaxCredentialIdBytes) return broken("id");
  const auto scheme = crypto::parse_signature_scheme(string_at(json, "alg").value_or(""));
  const auto counter = int_at(json, "counter");
  const auto added = Instant::parse(string_at(json, "added").value_or(""));
  if (!scheme) return broken("alg");
  if (!counter || *counter < 0 || *counter > 0xffffffffLL) return broken("counter");
  if (!added) return broken("added");
  out.key.scheme = *scheme;
  out.rp_id = string_at(json, "rp_id").value_or("");
  out.counter = static_cast<std::uint32_t>(*counter);
  out.backup_eligible = bool_at(json, "backup_eligible").value_or(false);
  out.backed_up = bool_at(json, "backed_up").value_or(false);
  out.name = string_at(json, "name").value_or("");
  out.added = *added;
  return out;
}

std::string Challenges::issue(std::string purpose) {
  std::array<std::uint8_t, 32> bytes{};
  const std::lock_guard lock(mutex_);
  random_.fill(bytes);
  const auto now = clock_.monotonic();
  if (open_.size() >= kMaxOpenChallenges) {
    std::erase_if(open_, [&](const auto& open) { return open.second.until <= now; });
    if (open_.size() >= kMaxOpenChallenges)
      open_.erase(std::ranges::min_element(open_, {}, [](const auto& open) { return open.second.until; }));
  }
  std::string challenge(as_text(bytes));
  open_.insert_or_assign(challenge, Open{.purpose = std::move(purpose), .until = now + kChallengeLifetime});
  return challenge;
}

bool Challenges::take(std::string_view challenge, std::string_view purpose) {
  const std::lock_guard lock(mutex_);
  const auto at = open_.find(challenge);
  if (at == open_.end()) return false;
  const bool good = at->second.purpose == purpose && at->second.until > clock_.monotonic();
  open_.erase(at);
  return good;
}

}  // namespace bongsu::identity
