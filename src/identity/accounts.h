// Accounts of people and programs at this node, and sessions of the console. Values and logic; storage is the caller's.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "base/result.h"
#include "identity/passkey.h"

namespace bongsu::identity {

enum class Role { kReader, kAnalyst, kOperator };  // read · judge, create, publish, withdraw · administer

// What a person may see of what the member holds; what it means for a label: policy/person.h. Nothing is the least.
struct Clearance {
  std::string rank = "unclassified";      // policy::ClassRank by name
  std::set<std::string> categories;       // compartments that were opened to this person
  std::set<std::string> nationalities;    // "lt"
  // Appointed to look at what carries markings that this node does not understand.
  bool custodian = false;
  bool operator==(const Clearance&) const = default;
};

inline constexpr std::size_t kMaxCategories = 256, kMaxCategoryBytes = 128, kMaxNationalities = 16;

struct Account {
  std::string name;                       // [a-z0-9][a-z0-9._-]{0,62}
  // Whose it is, as labels name persons ("cert-lt/olena" is olena of cert-lt); empty: the account's name. One person
  // with two accounts is one person where two are asked for.
  std::string person;
  Clearance clearance;
  std::string member;                     // on whose behalf it reads and writes: own id, or a partner without a node
  Role role = Role::kReader;
  std::string password_hash;              // crypto::hash_password; empty = no Basic log-in
  std::set<std::string> token_digests;    // bearer tokens
  std::set<std::string> certificate_fingerprints;
  std::set<std::string> read, write;      // collection ids; "*" = all
  // Passkeys for the console, and the handle by which authenticators know the account: 32 random bytes, base64url.
  std::vector<Passkey> passkeys;
  std::string user_handle;
  bool enforcement = false;               // may read the files for enforcement points
  bool disabled = false;

  Json json() const;
  static Result<Account> parse(const Json& json);
  const std::string& person_name() const { return person.empty() ? name : person; }
};

// The authenticated asker of a request.
struct Principal {
  std::string account;      // empty for a link partner
  std::string member;
  Role role = Role::kReader;
  std::set<std::string> read, write;
  bool enforcement = false;  // may read the files for enforcement points
  bool link = false;        // a partner's node on the link listener
  std::string person;       // without the member; empty for a link partner
  Clearance clearance;
  bool may_read(const std::string& collection) const;
  bool may_write(const std::string& collection) const;
};

Principal principal_of(const Account& account);
Json to_json(const Clearance& clearance);
// kInvalid names the field. Absent: the least.
Result<Clearance> parse_clearance(const Json* json);

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
  std::optional<Account> find(const std::string& name) const;

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
