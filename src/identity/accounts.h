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
  bool enforcement = false;               // may read the files for enforcement points
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
  bool enforcement = false;  // may read the files for enforcement points
  bool link = false;        // a partner's node on the link listener
  bool may_read(const std::string& collection) const;
  bool may_write(const std::string& collection) const;
};

std::string_view to_string(Role role);                     // "reader", "analyst", "operator"
std::optional<Role> parse_role(std::string_view text);
bool is_account_name(std::string_view text);

inline constexpr std::size_t kMaxCredentialBytes = 8192;          // of an Authorization header value, and of its parts
inline constexpr int kFreeFailures = 5;                           // wrong passwords for one name before it is slowed
inline constexpr std::chrono::seconds kLongestBlock{60};          // the wait doubles from 1 s up to this
inline constexpr std::chrono::minutes kFailureMemory{15};         // without a failure for so long: forgotten
inline constexpr std::chrono::minutes kProvenMemory{10};          // how long a proven (name, password) pair is remembered
inline constexpr std::size_t kMaxRemembered = 10'000;             // proven pairs, and names with failures

// Looks credentials up in a set of accounts. Password checks cost tens of milliseconds on purpose; a proven (name, password) pair is
// remembered for a while under an in-memory HMAC key. Failed attempts by one account are slowed (kUnavailable with a time to wait);
// a pair that is remembered still passes then, so that guessing does not lock a working client out. Every other refusal is the same
// kUnauthenticated with the same words, and costs the same time whether the account exists or not.
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
  struct Proven {
    std::string account, password_hash;  // a changed password ends it
    std::chrono::nanoseconds until;
  };
  struct Failures {
    int count = 0;
    std::chrono::nanoseconds blocked_until{0}, last{0};
  };
  std::string remembered_key(std::string_view name, std::string_view password) const;
  void note_failure(const std::string& name);  // under mutex_

  const Clock& clock_;
  std::string cache_key_;   // of the HMAC; random, lives in memory only
  std::string decoy_hash_;  // verified against when there is no such account
  mutable std::mutex mutex_;
  std::map<std::string, Account> accounts_;
  std::map<std::string, std::string> by_token_, by_certificate_;  // digest, fingerprint → account; "" = claimed twice, nobody's
  std::map<std::string, Proven> proven_;
  std::map<std::string, Failures> failures_;
};

}  // namespace bongsu::identity
