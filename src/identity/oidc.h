// Log-in by an OpenID provider: OpenID Connect Core 1.0, authorization code flow (§3.1) with PKCE (RFC 7636, S256
// alone), Discovery 1.0, JWK (RFC 7517), JWS (RFC 7515). The relying party's side, as pure functions.
//
//   BONGSU_TRY(const auto provider, read_provider(json, settings.issuer));                  // Discovery §4.3
//   authorization_url(provider, settings, {.state = s, .nonce = n, .verifier = v, …})       // Core §3.1.2.1, RFC 7636
//   §4.3 BONGSU_TRY(const std::string token, id_token_of(token_response));                       // Core §3.1.3.3
//   BONGSU_TRY(const Json claims, validate_id_token(token, keys, settings, nonce, now));    // Core §3.1.3.7
//
// What the token says is who somebody is, never what he may: accounts are made here, roles and clearances are theirs.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "crypto/public_key.h"

namespace bongsu::identity {

inline constexpr std::chrono::seconds kOidcSkew{120};    // by which the provider's clock may differ
inline constexpr std::chrono::seconds kOidcMaxAge{600};  // of a token, from when it was issued
inline constexpr std::size_t kMaxIdTokenBytes = 64 * 1024;
inline constexpr std::size_t kMaxJwks = 64;  // keys of a provider

struct OidcSettings {
  std::string issuer;                    // exactly as the provider writes it
  std::string client_id, client_secret;  // empty secret: a public client
  std::string claim = "sub";             // of the token, that names an account
  std::map<std::string, std::string>
      accounts{};  // value of the claim → account; empty: the value is the account's name
};

struct OidcProvider {
  std::string issuer, authorization_endpoint, token_endpoint, jwks_uri;
  bool says_issuer = false;  // its answers carry `iss` (RFC 9207)
};
// Discovery §3, §4.3. kDenied: of another issuer, no https (http to loopback excepted), without code flow or S256.
Result<OidcProvider> read_provider(std::string_view json, std::string_view issuer);
// §4.1: where the provider's document is.
std::string discovery_url(std::string_view issuer);

struct OidcKey {
  std::string kid;  // empty: it has none
  crypto::PublicKey key;
};
// RFC 7517 §5: keys that are for signatures by RS256, ES256 or EdDSA; others are passed over. kInvalid: no key set.
Result<std::vector<OidcKey>> read_jwks(std::string_view json);

struct OidcRequest {
  std::string state, nonce, verifier, redirect_uri;
};
std::string authorization_url(const OidcProvider& provider, const OidcSettings& settings, const OidcRequest& request);
// RFC 7636 §4.2
std::string pkce_challenge(std::string_view verifier);

// Core §3.1.3.1, RFC 6749 §4.1.3: the form, and the Authorization field (empty for a public client; RFC 6749 §2.3.1).
std::string token_form(const OidcSettings& settings, const OidcRequest& request, std::string_view code);
std::string token_authorization(const OidcSettings& settings);
Result<std::string> id_token_of(std::string_view token_response);

// The claims of a good token; kDenied with the step that failed; kNotFound: signed by a key that is not among these.
Result<Json> validate_id_token(std::string_view token, const std::vector<OidcKey>& keys, const OidcSettings& settings,
                               std::string_view nonce, Instant now);
// The account that the claims name. kDenied: the claim is missing or no text, an address that nobody verified, no
// account for it.
Result<std::string> account_of(const Json& claims, const OidcSettings& settings);

}  // namespace bongsu::identity
