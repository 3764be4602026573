// Accounts of people and programs at this node, and sessions of the console. Values and logic; storage is the caller's.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "base/result.h"

namespace bongsu::identity {

enum class Role { kReader, kAnalyst, kOperator };  // read · judge, create, publish, withdraw · administer

struct Account {
  std::string name;                       // [a-z0-9][a-z0-9._-]{0,62}
  std::string member;                     // on whose behalf it reads and writes: own id, or a partner without a node
  Role role = Role::kReader;
  std::string password_hash;              // crypto::hash_password; empty = no Basic log-in
  std::set<std::string> token_digests;    // bearer tokens
  std::set<std::string> certificate_fingerprints;
  std::set<std::string> read, write;      // collection ids; "*" = all
  bool disabled = false;

  Json json() const;
  static Result<Account> parse(const Json& json);
};

// The authenticated asker of a request.
struct Principal {
  std::string account;      // empty for a link partner
  std::string member;
  Role role = Role::kReader;
  std::set<std::string> read, write;
  bool link = false;        // a partner's node on the link listener
  bool may_read(const std::string& collection) const;
  bool may_write(const std::string& collection) const;
};

// Looks credentials up in a set of accounts. Password checks cost tens of milliseconds on purpose; a proven (name, password) pair is
// remembered for a while under an in-memory HMAC key. Failed attempts by one account are slowed (kUnavailable with a time to wait).
// Safe from any thread.
class AccountBook {
 public:
  AccountBook(const Clock& clock, Random& random);
  void replace(std::map<std::string, Account> accounts);
  std::map<std::string, Account> accounts() const;

  Result<Principal> by_basic(std::string_view name, std::string_view password);
  Result<Principal> by_token(std::string_view token);
  Result<Principal> by_certificate(std::string_view fingerprint);
  // "Authorization" header value: Basic (RFC 7617) or Bearer (RFC 6750). kUnauthenticated if it is nobody.
  Result<Principal> by_authorization(std::string_view header);

 private:
  const Clock& clock_;
  Random& random_;
  mutable std::mutex mutex_;
  std::map<std::string, Account> accounts_;
  std::string cache_key_;
  struct Cached { std::string account; std::string digest; std::chrono::nanoseconds until; };
  std::map<std::string, Cached> proven_;
  struct Failures { int count = 0; std::chrono::nanoseconds blocked_until{0}; };
  std::map<std::string, Failures> failures_;
};

}  // namespace bongsu::identity
