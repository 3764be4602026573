// Passkeys: log-in by a key that an authenticator holds, W3C Web Authentication Level 2, with the checks of backup
// flags that Level 3 added. The relying party's side, as pure functions.
//
//   const std::string challenge = book.issue("register:olena");                       // single use, five minutes
//   auto passkey = register_passkey(party, challenge, client_data, attestation_object);    // §7.1
//   auto proven = assert_passkey(party, challenge, *passkey, client_data, authenticator_data, signature);   // §7.2
//
// Attestation is "none": who made the authenticator is not asked. User verification (PIN, finger, face) is required.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/public_key.h"

namespace bongsu::identity {

inline constexpr std::size_t kMaxCredentialIdBytes = 1023;  // WebAuthn §7.1
inline constexpr std::size_t kMaxClientDataBytes = 8 * 1024;
inline constexpr std::size_t kMaxPasskeysPerAccount = 10;
inline constexpr std::size_t kMaxPasskeyNameBytes = 80;
inline constexpr std::size_t kMaxOpenChallenges = 10'000;
inline constexpr std::chrono::minutes kChallengeLifetime{5};

struct RelyingParty {
  std::string id;      // host name that passkeys belong to: "console.cert.example"
  std::string origin;  // "https://console.cert.example:8444"
  bool user_verification = true;
};

struct Passkey {
  std::string id;  // raw credential id
  crypto::PublicKey key;
  std::string rp_id;
  std::uint32_t counter = 0;  // of signatures; 0: this authenticator does not count
  bool backup_eligible = false, backed_up = false;
  std::string name;  // by its owner
  Instant added;
  Json json() const;
  static Result<Passkey> parse(const Json& json);
  bool operator==(const Passkey&) const = default;
};

// §7.1. kDenied with the step that failed, kInvalid for what cannot be read. `name` and `added` are the caller's to
// set.
Result<Passkey> register_passkey(const RelyingParty& party, std::string_view challenge, std::string_view client_data,
                                 std::string_view attestation_object);
// §7.2, from the type of the client data on: the caller has found the credential by its id and compared the user
// handle. The passkey with its new counter; a counter that did not grow is a copied authenticator, and refused.
Result<Passkey> assert_passkey(const RelyingParty& party, std::string_view challenge, const Passkey& passkey,
                               std::string_view client_data, std::string_view authenticator_data,
                               std::string_view signature);
// The challenge that client data answers, to look it up; kInvalid if there is none.
Result<std::string> challenge_of(std::string_view client_data);
// A COSE_Key (RFC 9052 §7) of ES256, EdDSA or RS256; `used`: where it ended.
Result<crypto::PublicKey> read_cose_key(std::string_view bytes, std::size_t& used);

// Challenges that are open: 32 random bytes each, for one purpose, once. Full, the oldest goes. Safe from any thread.
class Challenges {
 public:
  Challenges(const Clock& clock, Random& random) : clock_(clock), random_(random) {}
  std::string issue(std::string purpose);
  // Whether it was issued for this purpose and not yet taken; it is gone after this call either way.
  bool take(std::string_view challenge, std::string_view purpose);

 private:
  struct Open {
    std::string purpose;
    std::chrono::nanoseconds until;
  };
  const Clock& clock_;
  Random& random_;
  std::mutex mutex_;
  std::map<std::string, Open, std::less<>> open_;
};

}  // namespace bongsu::identity
