// Arbitrary bytes as everything that a provider sends: its document, its keys, its answer, a token. No token is good,
// for nobody here has a key that signs one.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "identity/oidc.h"

using namespace bongsu::identity;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const OidcSettings settings{.issuer = "https://op.example", .client_id = "bongsu", .client_secret = {}};
  (void)read_provider(bytes, settings.issuer);
  const auto keys = read_jwks(bytes);
  if (keys)
    for (const OidcKey& key : *keys)
      if (!bongsu::crypto::check(key.key)) std::abort();
  (void)id_token_of(bytes);
  if (validate_id_token(bytes, {}, settings, "nonce", {1'767'225'600, 0})) std::abort();
  if (keys) (void)validate_id_token(bytes, *keys, settings, "nonce", {1'767'225'600, 0});
  if (const auto claims = bongsu::parse_json(bytes)) (void)account_of(*claims, settings);
  return 0;
}
