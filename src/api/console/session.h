// Sessions of the console: a random cookie that stands for an account, until it is idle too long, too old, or logged
// out.
//
//   auto secret = sessions.open("olena");           // 256 random bits, base64url; only its SHA-256 is kept
//   auto account = sessions.account_of(secret);     // and counts as activity
//   sessions.close(secret);
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"

namespace bongsu::api::console {

struct SessionOptions {
  std::chrono::seconds idle{std::chrono::hours{1}};  // an open page counts as activity: its stream asks every second
  std::chrono::seconds absolute{std::chrono::hours{12}};  // a shift
  std::size_t max_sessions = 1'000;
  std::size_t max_per_account = 16;        // a further log-in ends the oldest
  std::uint32_t failures_per_minute = 30;  // wrong tokens from one address; then 429
  std::size_t max_addresses = 4'096;       // whose failures are remembered
};

inline constexpr std::string_view kSessionCookie = "__Host-bongsu";

// Safe from any thread. In memory only: a restart of the node logs everybody out.
class Sessions {
 public:
  Sessions(const Clock& clock, Random& random, SessionOptions options)
      : clock_(clock), random_(random), options_(options) {}

  std::string open(std::string account);
  std::optional<std::string> account_of(std::string_view secret);
  void close(std::string_view secret);
  void sweep();  // drops what has expired
  std::size_t size() const;

  // Wrong tokens: may_try is false while an address has used up its minute.
  bool may_try(std::string_view address);
  void failed(std::string_view address);

 private:
  struct Session {
    std::string account;
    std::chrono::nanoseconds opened, seen;
  };
  bool expired(const Session& session, std::chrono::nanoseconds now) const;

  const Clock& clock_;
  Random& random_;
  const SessionOptions options_;
  mutable std::mutex mutex_;
  std::map<std::string, Session, std::less<>> by_digest_;
  struct Failures {
    std::uint32_t count = 0;
    std::chrono::nanoseconds since{0};
  };
  std::map<std::string, Failures, std::less<>> failures_;
};

// The session's secret in a Cookie header value (RFC 6265 §4.2.1), if there is exactly one.
std::optional<std::string_view> session_cookie(std::string_view cookie_header, std::string_view name = kSessionCookie);
// Set-Cookie values: __Host- prefix, Secure, HttpOnly, SameSite=Strict.
std::string set_session_cookie(std::string_view secret, std::chrono::seconds lifetime);
std::string clear_session_cookie();

// What binds a log-in at an OpenID provider to the browser that began it.
inline constexpr std::string_view kOidcCookie = "__Host-bongsu-oidc";
std::optional<std::string_view> oidc_cookie(std::string_view cookie_header);
std::string set_oidc_cookie(std::string_view binding, std::chrono::seconds lifetime);

}  // namespace bongsu::api::console
