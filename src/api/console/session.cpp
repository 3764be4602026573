#include "api/console/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace bongsu::api::console {

bool Sessions::expired(const Session& session, std::chrono::nanoseconds now) const {
  return now - session.seen > options_.idle || now - session.opened > options_.absolute;
}

std::string Sessions::open(std::string account) {
  std::array<std::uint8_t, 32> bytes{};
  const std::lock_guard lock(mutex_);
  random_.fill(bytes);
  std::string secret = to_base64url(bytes);
  const auto now = clock_.monotonic();
  std::erase_if(by_digest_, [&](const auto& item) { return expired(item.second, now); });

  const auto drop_oldest = [&](auto&& counts) {
    auto oldest = by_digest_.end();
    for (auto it = by_digest_.begin(); it != by_digest_.end(); ++it)
      if (counts(it->second) && (oldest == by_digest_.end() || it->second.opened < oldest->second.opened)) oldest = it;
    if (oldest != by_digest_.end()) by_digest_.erase(oldest);
  };
  const auto mine = [&](const Session& s) { return s.account == account; };
  const auto count = std::ranges::count_if(by_digest_, [&](const auto& item) { return mine(item.second); });
  if (static_cast<std::size_t>(count) >= options_.max_per_account) drop_oldest(mine);
  if (by_digest_.size() >= options_.max_sessions) drop_oldest([](const Session&) { return true; });

  by_digest_[crypto::token_digest(secret)] = Session{std::move(account), now, now};
  return secret;
}

std::optional<std::string> Sessions::account_of(std::string_view secret) {
  const std::string digest = crypto::token_digest(secret);
  const std::lock_guard lock(mutex_);
  const auto it = by_digest_.find(digest);
  if (it == by_digest_.end()) return std::nullopt;
  const auto now = clock_.monotonic();
  if (expired(it->second, now)) {
    by_digest_.erase(it);
    return std::nullopt;
  }
  it->second.seen = now;
  return it->second.account;
}

void Sessions::close(std::string_view secret) {
  const std::string digest = crypto::token_digest(secret);
  const std::lock_guard lock(mutex_);
  if (const auto it = by_digest_.find(digest); it != by_digest_.end()) by_digest_.erase(it);
}

void Sessions::sweep() {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.monotonic();
  std::erase_if(by_digest_, [&](const auto& item) { return expired(item.second, now); });
  std::erase_if(failures_, [&](const auto& item) { return now - item.second.since > std::chrono::minutes{1}; });
}

std::size_t Sessions::size() const {
  const std::lock_guard lock(mutex_);
  return by_digest_.size();
}

bool Sessions::may_try(std::string_view address) {
  const std::lock_guard lock(mutex_);
  const auto it = failures_.find(address);
  if (it == failures_.end()) return true;
  if (clock_.monotonic() - it->second.since > std::chrono::minutes{1}) {
    failures_.erase(it);
    return true;
  }
  return it->second.count < options_.failures_per_minute;
}

void Sessions::failed(std::string_view address) {
  const std::lock_guard lock(mutex_);
  auto it = failures_.find(address);
  if (it == failures_.end()) {
    // A full table forgets somebody: tokens have 256 bits, the brake is for noise in the logs, not for their strength.
    if (failures_.size() >= options_.max_addresses) failures_.erase(failures_.begin());
    it = failures_.emplace(std::string(address), Failures{0, clock_.monotonic()}).first;
  }
  ++it->second.count;
}

std::optional<std::string_view> session_cookie(std::string_view header, std::string_view name) {
  std::optional<std::string_view> found;
  while (!header.empty()) {
    const std::size_t end = std::min(header.find(';'), header.size());
    std::string_view pair = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    while (!pair.empty() && pair.front() == ' ') pair.remove_prefix(1);
    while (!pair.empty() && pair.back() == ' ') pair.remove_suffix(1);
    if (!pair.starts_with(name) || pair.size() <= name.size() || pair[name.size()] != '=') continue;
    if (found) return std::nullopt;  // two of the same name: somebody planted one
    found = pair.substr(name.size() + 1);
  }
  return found;
}

namespace {

std::string set_cookie(std::string_view name, std::string_view value, std::chrono::seconds lifetime) {
  return fmt::format("{}={}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite=Strict", name, value, lifetime.count());
}

}  // namespace

std::string set_session_cookie(std::string_view secret, std::chrono::seconds lifetime) {
  return set_cookie(kSessionCookie, secret, lifetime);
}
std::optional<std::string_view> oidc_cookie(std::string_view header) { return session_cookie(header, kOidcCookie); }
std::string set_oidc_cookie(std::string_view binding, std::chrono::seconds lifetime) {
  return set_cookie(kOidcCookie, binding, lifetime);
}

std::string clear_session_cookie() { return set_session_cookie("", std::chrono::seconds{0}); }

}  // namespace bongsu::api::console
