#include "identity/oidc.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/hash.h"

namespace bongsu::identity {
namespace {

std::unexpected<Error> refused(std::string_view why, std::string_view field) {
  return fail(ErrorCode::kDenied, std::string(why), {.field = std::string(field)});
}

// https, or http to this machine (for tests and a provider beside the node): Core §3.1.2.1, §3.1.3.
bool is_endpoint(std::string_view url) {
  if (url.find_first_of("#\r\n \t") != std::string_view::npos) return false;
  if (url.starts_with("https://")) return url.size() > 8;
  for (const std::string_view local : {"http://127.0.0.1", "http://[::1]", "http://localhost"})
    if (url.starts_with(local) && (url.size() == local.size() || url[local.size()] == ':' || url[local.size()] == '/'))
      return true;
  return false;
}

// application/x-www-form-urlencoded, strictly: everything but unreserved characters (RFC 3986 §2.3).
std::string encoded(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
        c == '_' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::string form(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out += '&';
    out += encoded(name) + '=' + encoded(value);
  }
  return out;
}

bool lists(const Json& object, std::string_view key, std::string_view wanted) {
  const Json* list = find(object, key);
  return list != nullptr && list->is_array() && std::ranges::any_of(list->get_array(), [&](const Json& item) {
           return item.is_string() && std::string_view(item.get_string()) == wanted;
         });
}

// RFC 7518 §3.4: r and s, 32 bytes each, as the ASN.1 that crypto::verify takes.
std::string der_of(std::string_view raw) {
  const auto integer = [](std::string_view bytes) {
    while (bytes.size() > 1 && bytes.front() == '\0') bytes.remove_prefix(1);
    std::string out;
    if (static_cast<unsigned char>(bytes.front()) & 0x80) out.push_back('\0');
    out += bytes;
    return "\x02" + std::string(1, static_cast<char>(out.size())) + out;
  };
  const std::string both = integer(raw.substr(0, 32)) + integer(raw.substr(32));
  return "\x30" + std::string(1, static_cast<char>(both.size())) + both;
}

Result<Json> part_of(std::string_view coded, std::string_view field) {
  const auto bytes = from_base64url(coded);
  auto json = bytes ? parse_json(*bytes) : Result<Json>(std::unexpected(bytes.error()));
  if (!json || !json->is_object())
    return fail(ErrorCode::kDenied, "is no JSON object in base64url", {.field = std::string(field)});
  return json;
}

// NumericDate (RFC 7519 §2): seconds; a fraction is cut off.
std::optional<std::int64_t> date_at(const Json& claims, std::string_view key) {
  constexpr double kLast = 253'402'300'799.0;  // the year 9999
  const Json* value = find(claims, key);
  if (value == nullptr) return std::nullopt;
  double seconds = -1;
  if (value->is_int64())
    seconds = static_cast<double>(value->get_int64());
  else if (value->is_uint64())
    seconds = static_cast<double>(value->get_uint64());
  else if (value->is_double())
    seconds = value->get_double();
  if (!(seconds >= 0 && seconds <= kLast)) return std::nullopt;
  return static_cast<std::int64_t>(seconds);
}

}  // namespace

std::string discovery_url(std::string_view issuer) {
  if (issuer.ends_with('/')) issuer.remove_suffix(1);
  return std::string(issuer) + "/.well-known/openid-configuration";
}

Result<OidcProvider> read_provider(std::string_view text, std::string_view issuer) {
  const auto json = parse_json(text);
  if (!json || !json->is_object()) return refused("the provider's document is no JSON object", "discovery");
  OidcProvider out;
  // Discovery §4.3: exactly the issuer that was asked, or another provider speaks in its name.
  out.issuer = string_at(*json, "issuer").value_or("");
  if (out.issuer != issuer) return refused("the provider's document is of another issuer", "issuer");
  for (const auto& [key, target] : {std::pair{"authorization_endpoint", &out.authorization_endpoint},
                                    {"token_endpoint", &out.token_endpoint},
                                    {"jwks_uri", &out.jwks_uri}}) {
    *target = string_at(*json, key).value_or("");
    if (!is_endpoint(*target)) return refused("is no https address", key);
  }
  if (find(*json, "response_types_supported") != nullptr && !lists(*json, "response_types_supported", "code"))
    return refused("the provider has no code flow", "response_types_supported");
  // RFC 8414 §2: left out, PKCE is not supported; what is said without S256 is no use either.
  if (find(*json, "code_challenge_methods_supported") != nullptr &&
      !lists(*json, "code_challenge_methods_supported", "S256"))
    return refused("the provider has no PKCE by S256", "code_challenge_methods_supported");
  out.says_issuer = bool_at(*json, "authorization_response_iss_parameter_supported").value_or(false);
  return out;
}

Result<std::vector<OidcKey>> read_jwks(std::string_view text) {
  const auto json = parse_json(text);
  const Json* keys = json ? find(*json, "keys") : nullptr;
  if (keys == nullptr || !keys->is_array())
    return fail(ErrorCode::kInvalid, "is no key set (RFC 7517 §5)", {.field = "keys"});
  if (keys->get_array().size() > kMaxJwks) return fail(ErrorCode::kTooLarge, "holds too many keys", {.field = "keys"});
  std::vector<OidcKey> out;
  for (const Json& jwk : keys->get_array()) {
    const auto text_at = [&](std::string_view key) { return std::string(string_at(jwk, key).value_or("")); };
    const auto number = [&](std::string_view key) { return from_base64url(text_at(key)).value_or(""); };
    if (const auto use = string_at(jwk, "use"); use && *use != "sig") continue;  // §4.2
    OidcKey key{.kid = text_at("kid"), .key = {}};
    if (text_at("kty") == "RSA") {  // RFC 7518 §6.3
      key.key = {.scheme = crypto::SignatureScheme::kRs256, .x = {}, .y = {}, .n = number("n"), .e = number("e")};
    } else if (text_at("kty") == "EC" && text_at("crv") == "P-256") {  // §6.2
      key.key = {.scheme = crypto::SignatureScheme::kEs256, .x = number("x"), .y = number("y"), .n = {}, .e = {}};
    } else if (text_at("kty") == "OKP" && text_at("crv") == "Ed25519") {  // RFC 8037 §2
      key.key = {.scheme = crypto::SignatureScheme::kEdDsa, .x = number("x"), .y = {}, .n = {}, .e = {}};
    } else {
      continue;
    }
    if (const auto alg = string_at(jwk, "alg"); alg && *alg != crypto::to_string(key.key.scheme)) continue;  // §4.4
    if (crypto::check(key.key)) out.push_back(std::move(key));
  }
  return out;
}

std::string pkce_challenge(std::string_view verifier) {
  const Sha256 hash = sha256(verifier);
  return to_base64url(hash);
}

std::string authorization_url(const OidcProvider& provider, const OidcSettings& settings, const OidcRequest& request) {
  std::string scope = "openid";  // §3.1.2.1
  if (settings.claim == "email")
    scope += " email";
  else if (settings.claim != "sub")
    scope += " profile";
  return provider.authorization_endpoint +
         (provider.authorization_endpoint.find('?') == std::string::npos ? '?' : '&') +
         form({{"response_type", "code"},
               {"scope", scope},
               {"client_id", settings.client_id},
               {"redirect_uri", request.redirect_uri},
               {"state", request.state},
               {"nonce", request.nonce},
               {"code_challenge", pkce_challenge(request.verifier)},
               {"code_challenge_method", "S256"}});
}

std::string token_form(const OidcSettings& settings, const OidcRequest& request, std::string_view code) {
  std::string out = form({{"grant_type", "authorization_code"},
                          {"code", code},
                          {"redirect_uri", request.redirect_uri},
                          {"code_verifier", request.verifier}});
  // RFC 6749 §4.1.3: a client that does not authenticate names itself.
  if (settings.client_secret.empty()) out += '&' + form({{"client_id", settings.client_id}});
  return out;
}

std::string token_authorization(const OidcSettings& settings) {
  if (settings.client_secret.empty()) return "";
  return "Basic " + to_base64(as_bytes(encoded(settings.client_id) + ':' + encoded(settings.client_secret)));
}

Result<std::string> id_token_of(std::string_view response) {
  const auto json = parse_json(response);
  if (!json || !json->is_object()) return refused("the provider's answer is no JSON object", "token");
  // §3.1.3.3: token_type Bearer, in any case (RFC 6749 §7.1).
  std::string type(string_at(*json, "token_type").value_or(""));
  std::ranges::transform(type, type.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (type != "bearer") return refused("the provider's answer is of another token type", "token_type");
  const auto token = string_at(*json, "id_token");
  if (!token || token->empty()) return refused("the provider's answer holds no ID token", "id_token");
  return std::string(*token);
}

Result<Json> validate_id_token(std::string_view token, const std::vector<OidcKey>& keys, const OidcSettings& settings,
                               std::string_view nonce, Instant now) {
  if (token.size() > kMaxIdTokenBytes) return refused("is too long", "id_token");
  // RFC 7515 §5.2 steps 1 to 4: three parts. Five are encrypted (§3.1.3.7 step 1): nothing was agreed, so it is
  // refused.
  const std::size_t first = token.find('.'), second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos)
    return refused("is no signed token in three parts", "id_token");
  BONGSU_TRY(const Json header, part_of(token.substr(0, first), "header"));
  BONGSU_TRY(Json claims, part_of(token.substr(first + 1, second - first - 1), "claims"));
  auto signature = from_base64url(token.substr(second + 1));
  if (!signature) return refused("is no base64url", "signature");

  // §3.1.3.7 step 2: iss, exactly.
  if (string_at(claims, "iss") != std::string_view(settings.issuer))
    return refused("was issued by somebody else", "iss");
  // Step 3: aud holds our client_id, and nobody whom we do not trust: nobody else.
  const Json* aud = find(claims, "aud");
  const bool alone = aud != nullptr && aud->is_string() && std::string_view(aud->get_string()) == settings.client_id;
  const bool listed =
      aud != nullptr && aud->is_array() && aud->get_array().size() == 1 && lists(claims, "aud", settings.client_id);
  if (!alone && !listed) return refused("is for somebody else, or for others too", "aud");
  // Steps 4 and 5: azp, where it is there, is us.
  if (const Json* azp = find(claims, "azp");
      azp != nullptr && !(azp->is_string() && std::string_view(azp->get_string()) == settings.client_id))
    return refused("was asked for by somebody else", "azp");
  // Steps 6 to 8: the signature is always checked, by an algorithm of the list: no "none", and no MAC by the secret.
  const auto scheme = crypto::parse_signature_scheme(string_at(header, "alg").value_or(""));
  if (!scheme) return refused("is signed by an algorithm that is not allowed", "alg");
  // RFC 7515 §4.1.11: nothing critical is understood here. Keys that the token brings along (jku, jwk, x5u, x5c) are
  // never looked at.
  if (find(header, "crit") != nullptr) return refused("wants extensions that are not understood", "crit");
  // §10.1: with several keys, kid says which; a key of another algorithm never fits.
  const Json* kid = find(header, "kid");
  if (kid != nullptr && !kid->is_string()) return refused("is no text", "kid");
  std::vector<const OidcKey*> fitting;
  for (const OidcKey& key : keys)
    if (key.key.scheme == *scheme && (kid == nullptr || key.kid == std::string_view(kid->get_string())))
      fitting.push_back(&key);
  if (fitting.empty())
    return fail(ErrorCode::kNotFound, "is signed by a key that the provider does not list", {.field = "kid"});
  if (fitting.size() > 1) return refused("does not say by which of the provider's keys it is signed", "kid");
  if (*scheme == crypto::SignatureScheme::kEs256) {
    if (signature->size() != 64) return refused("has no length of an ES256 signature", "signature");
    *signature = der_of(*signature);
  }
  if (!crypto::verify(fitting.front()->key, token.substr(0, second), *signature))
    return refused("is wrong", "signature");
  // Step 9: exp, with a bounded leeway for clocks.
  const auto exp = date_at(claims, "exp"), iat = date_at(claims, "iat");
  if (!exp || now.seconds >= *exp + kOidcSkew.count()) return refused("is over", "exp");
  // Step 10: iat, not long ago and not ahead. RFC 7519 §4.1.5: nbf, where it is there.
  if (!iat || *iat > now.seconds + kOidcSkew.count())
    return refused("was issued in the future, or does not say when", "iat");
  if (now.seconds - *iat > (kOidcMaxAge + kOidcSkew).count()) return refused("was issued too long ago", "iat");
  if (find(claims, "nbf") != nullptr) {
    const auto nbf = date_at(claims, "nbf");
    if (!nbf || *nbf > now.seconds + kOidcSkew.count()) return refused("is not valid yet", "nbf");
  }
  // Step 11: nonce, the one that was sent.
  if (nonce.empty() || !equal_constant_time(string_at(claims, "nonce").value_or(""), nonce))
    return refused("answers another request", "nonce");
  // Steps 12 and 13: neither acr nor max_age was asked for. §2: sub is required.
  const auto sub = string_at(claims, "sub");
  if (!sub || sub->empty() || sub->size() > 255) return refused("names nobody", "sub");
  return claims;
}

Result<std::string> account_of(const Json& claims, const OidcSettings& settings) {
  const auto value = string_at(claims, settings.claim);
  if (!value || value->empty())
    return refused("the token does not have the claim that names an account", settings.claim);
  // §5.1: an address that the provider did not verify is what somebody typed.
  if (settings.claim == "email" && !bool_at(claims, "email_verified").value_or(false))
    return refused("the address was not verified", "email_verified");
  if (settings.accounts.empty()) return std::string(*value);
  const auto at = settings.accounts.find(std::string(*value));
  if (at == settings.accounts.end()) return refused("no account belongs to it", settings.claim);
  return at->second;
}

}  // namespace bongsu::identity
