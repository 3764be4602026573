// Pairing: two nodes exchange and pin each other's authority and signing key, with an invitation that works once.
//
//   inviter   Invitation i = book.invite({...});  print i.text()          `bongsu member invite`
//   acceptor  auto member = link::accept_invitation(i, own, …);           `bongsu member accept`
//             book.store(*member);
//   both      read crypto::spoken_fingerprint(member.ca_fingerprint) to each other over the telephone
//
// The acceptor connects to the inviter's link listener, whose authority it knows from the invitation, shows its client certificate, and
//   POST /link/v1/pair  {"token":…,"member":{id,title,country,link_url,ca_certificate_pem,signing_key},"signature":…}
// gets the inviter's {"member":…,"signature":…}. Each proves that it holds what it names: the certificate in the TLS handshake was signed
// by the authority that is sent, and the signature, by the signing key, covers the token and both sides' identities. An invitation
// that was intercepted is of use to whoever comes first, which is why people compare fingerprints: until then `confirmed` is false.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "identity/members.h"
#include "journal/journal.h"
#include "net/client.h"
#include "net/http.h"

namespace bongsu::link {

inline constexpr std::size_t kMaxPairBytes = 64 * 1024;          // of the request and of the answer
inline constexpr std::chrono::hours kLongestInvitation{24 * 7};
inline constexpr int kPairAttemptsPerMinute = 10;                // by one address; beyond: 429
inline constexpr std::size_t kMaxOpenInvitations = 1000;

// This node, as it introduces itself.
struct OwnIdentity {
  identity::Member member;           // id, title, country, link_url, ca_certificate_pem, ca_fingerprint, signing_key (hex)
  crypto::SigningKey signing_key;
};

struct OpenInvitation {
  std::string token_digest;
  Instant expires;
  std::string expected_member;       // empty: whoever comes
};

// Members and open invitations in the journal's state ("members", "invitations"). Safe from any thread.
class PairingBook {
 public:
  PairingBook(journal::Journal& journal, const Clock& clock, Random& random) : journal_(journal), clock_(clock), random_(random) {}

  // kInvalid for a lifetime that is not positive or longer than kLongestInvitation; kTooLarge beyond kMaxOpenInvitations.
  Result<identity::Invitation> invite(const identity::Member& self, std::chrono::seconds lifetime, std::string expected_member);
  Result<std::vector<OpenInvitation>> open_invitations();
  // kDenied in one set of words: unknown, used or expired.
  Result<OpenInvitation> find(std::string_view token);
  // Uses the invitation up and stores the member, in one commit. kDenied as above; kConflict as in store: the invitation is used up then, too.
  Result<void> redeem(std::string_view token, const identity::Member& member);

  Result<std::map<std::string, identity::Member>> members();
  // kConflict: a member of this id is paired with another authority, or this authority belongs to another member; remove that one first.
  // The same authority again updates title, URL and keys; `confirmed` and `stopped` stay.
  Result<void> store(const identity::Member& member);
  Result<void> update(std::string_view id, const std::function<void(identity::Member&)>& change);  // kNotFound
  Result<void> remove(std::string_view id);

 private:
  Result<journal::StateChange> member_change(const identity::Member& member);
  Result<void> write(std::vector<journal::StateChange> changes);

  journal::Journal& journal_;
  const Clock& clock_;
  Random& random_;
  std::mutex mutex_;  // a look and the write that follows from it are one step
};

// POST /link/v1/pair on a listener whose client certificates are optional (ClientCertificate::kOptional, TLS 1.3). Safe from any thread.
class PairingServer {
 public:
  using OnPaired = std::function<void(const identity::Member&)>;  // after it is durable
  PairingServer(PairingBook& book, OwnIdentity own, const Clock& clock, Log& log, OnPaired on_paired = {});
  static bool is_for(const net::Request& request);
  net::Response handle(net::Request&& request);

 private:
  bool too_often(const std::string& address);

  PairingBook& book_;
  const OwnIdentity own_;
  const Clock& clock_;
  Log& log_;
  OnPaired on_paired_;
  std::mutex mutex_;
  std::map<std::string, std::pair<std::chrono::nanoseconds, int>> attempts_;  // by address: begin of its minute, count
};

// The acceptor's side, without and with a socket. kDenied: the inviter refused; kInvalid: the answer is not from whom the invitation names.
Result<std::string> make_pair_request(const identity::Invitation& invitation, const OwnIdentity& own);
Result<identity::Member> read_pair_answer(const identity::Invitation& invitation, const OwnIdentity& own, int status,
                                          std::string_view body, const Clock& clock);
// `options.tls` has the own client certificate and key; what is pinned comes from the invitation. Does not store the member.
Result<identity::Member> accept_invitation(const identity::Invitation& invitation, const OwnIdentity& own, net::ClientOptions options,
                                           const Clock& clock, std::chrono::milliseconds deadline);

// What a node sends about itself: kInvalid unless the authority's certificate can be read and keys have their form.
Result<identity::Member> parse_introduction(const Json& json, Instant now);

}  // namespace bongsu::link
