// Log-ins at an OpenID provider that are under way: what was asked of the provider, by which browser, and what came
// back.
//
//   OidcLogin login(settings, fetch, clock, random);
//   BONGSU_TRY(const auto begun, login.begin("https://node.example:6445/"));     // cookie ← begun.binding, then go to
//   begun.url BONGSU_TRY(const std::string account, login.finish(binding, state, code, iss));
//
// `state` is good once, for ten minutes, and in the browser that has the cookie (Core §3.1.2.1; RFC 6749 §10.12). The
// provider's document and keys are fetched when first needed and kept for an hour; an unknown key has them fetched
// anew, at most once a minute. No secret, code or token is ever in an error or a log line. Safe from any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "identity/oidc.h"

namespace bongsu::identity {

inline constexpr std::chrono::minutes kOidcLogInLifetime{10};
inline constexpr std::size_t kMaxOidcLogIns = 1'000;  // full, the oldest goes
inline constexpr std::chrono::hours kOidcDocumentsFor{1};
inline constexpr std::chrono::minutes kOidcRefetch{1};
inline constexpr std::size_t kMaxOidcCodeBytes = 4'096;

// GET where the form is empty, else POST of it; the body of a 200.
struct OidcFetch {
  std::string url, form, authorization;
};
using OidcFetcher = std::function<Result<std::string>(const OidcFetch&)>;

class OidcLogin {
 public:
  OidcLogin(OidcSettings settings, OidcFetcher fetch, const Clock& clock, Random& random)
      : settings_(std::move(settings)), fetch_(std::move(fetch)), clock_(clock), random_(random) {}

  struct Begun {
    std::string url, binding;
  };
  Result<Begun> begin(std::string redirect_uri);
  // The account that the provider vouches for; whether there is one, and whose, is the caller's to ask. kDenied,
  // kUnavailable.
  Result<std::string> finish(std::string_view binding, std::string_view state, std::string_view code,
                             std::optional<std::string_view> issuer);

 private:
  struct Open {
    OidcRequest request;
    std::string binding;  // SHA-256 of the cookie
    std::chrono::nanoseconds since;
  };
  struct Documents {
    OidcProvider provider;
    std::vector<OidcKey> keys;
    std::chrono::nanoseconds fetched;
  };
  Result<std::shared_ptr<const Documents>> documents(bool anew);

  const OidcSettings settings_;
  const OidcFetcher fetch_;
  const Clock& clock_;
  Random& random_;
  std::mutex mutex_;
  std::map<std::string, Open, std::less<>> open_;  // by state
  std::mutex fetching_;
  std::shared_ptr<const Documents> documents_;  // under fetching_
};

}  // namespace bongsu::identity
