#include "identity/oidc_login.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/hash.h"

namespace bongsu::identity {
namespace {

// 256 random bits (RFC 7636 §4.1 wants 43 characters of a verifier: exactly these).
std::string fresh(Random& random) {
  std::array<std::uint8_t, 32> bytes{};
  random.fill(bytes);
  return to_base64url(bytes);
}

std::string digest(std::string_view text) {
  const Sha256 hash = sha256(text);
  return std::string(as_text(hash));
}

}  // namespace

Result<std::shared_ptr<const OidcLogin::Documents>> OidcLogin::documents(bool anew) {
  const std::lock_guard lock(fetching_);
  const auto now = clock_.monotonic();
  if (documents_) {
    const auto age = now - documents_->fetched;
    if (anew ? age < kOidcRefetch : age < kOidcDocumentsFor) return documents_;
  }
  auto out = std::make_shared<Documents>();
  BONGSU_TRY(const std::string document,
             fetch_({.url = discovery_url(settings_.issuer), .form = {}, .authorization = {}}));
  BONGSU_TRY(out->provider, read_provider(document, settings_.issuer));
  BONGSU_TRY(const std::string keys, fetch_({.url = out->provider.jwks_uri, .form = {}, .authorization = {}}));
  BONGSU_TRY(out->keys, read_jwks(keys));
  out->fetched = now;
  documents_ = out;
  return documents_;
}

Result<OidcLogin::Begun> OidcLogin::begin(std::string redirect_uri) {
  BONGSU_TRY(const auto known, documents(false));
  Begun out{.url = {}, .binding = fresh(random_)};
  Open open{.request = {.state = fresh(random_),
                        .nonce = fresh(random_),
                        .verifier = fresh(random_),
                        .redirect_uri = std::move(redirect_uri)},
            .binding = digest(out.binding),
            .since = clock_.monotonic()};
  out.url = authorization_url(known->provider, settings_, open.request);
  const std::lock_guard lock(mutex_);
  std::erase_if(open_, [&](const auto& item) { return clock_.monotonic() - item.second.since >= kOidcLogInLifetime; });
  if (open_.size() >= kMaxOidcLogIns)
    open_.erase(std::ranges::min_element(open_, {}, [](const auto& item) { return item.second.since; }));
  open_.emplace(open.request.state, std::move(open));
  return out;
}

Result<std::string> OidcLogin::finish(std::string_view binding, std::string_view state, std::string_view code,
                                      std::optional<std::string_view> issuer) {
  std::optional<Open> open;
  {
    const std::lock_guard lock(mutex_);
    const auto at = open_.find(state);
    if (at != open_.end()) {
      open = std::move(at->second);
      open_.erase(at);  // once, whoever brings it
    }
  }
  if (!open || clock_.monotonic() - open->since >= kOidcLogInLifetime)
    return fail(ErrorCode::kDenied, "belongs to no log-in that is under way; begin again", {.field = "state"});
  if (binding.empty() || !equal_constant_time(digest(binding), open->binding))
    return fail(ErrorCode::kDenied, "was begun in another browser", {.field = "state"});
  if (code.empty() || code.size() > kMaxOidcCodeBytes)
    return fail(ErrorCode::kDenied, "is missing or too long", {.field = "code"});
  BONGSU_TRY(auto known, documents(false));
  // RFC 9207 §2.4: an answer of another provider is not taken to this one.
  if (issuer ? *issuer != settings_.issuer : known->provider.says_issuer)
    return fail(ErrorCode::kDenied, "the answer is of another provider", {.field = "iss"});
  BONGSU_TRY(const std::string response, fetch_({.url = known->provider.token_endpoint,
                                                 .form = token_form(settings_, open->request, code),
                                                 .authorization = token_authorization(settings_)}));
  BONGSU_TRY(const std::string token, id_token_of(response));
  auto claims = validate_id_token(token, known->keys, settings_, open->request.nonce, clock_.now());
  if (!claims && claims.error().code == ErrorCode::kNotFound) {  // the provider changed its keys (§10.1.1)
    BONGSU_TRY(known, documents(true));
    claims = validate_id_token(token, known->keys, settings_, open->request.nonce, clock_.now());
  }
  if (!claims) {
    Error error = claims.error();
    error.code = ErrorCode::kDenied;
    return std::unexpected(std::move(error));
  }
  return account_of(*claims, settings_);
}

}  // namespace bongsu::identity
