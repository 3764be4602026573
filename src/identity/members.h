// Members that this node has paired with: names, pinned keys, where their links are.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace bongsu::identity {

bool is_member_id(std::string_view text);  // [a-z0-9][a-z0-9-]{0,62}
bool is_link_url(std::string_view text);   // "https://host:port", of bounded length, no user, query or fragment

inline constexpr std::size_t kMaxTitleBytes = 200;
inline constexpr std::size_t kMaxUrlBytes = 512;
inline constexpr std::size_t kMaxCertificateBytes = 16'384;

struct Member {
  std::string id;                        // "cert-ua"
  std::string title;                     // for people: "CERT Ukraine"
  std::string country;                   // ISO 3166-1 alpha-2, "UA"; empty: not said
  std::string link_url;                  // "https://host:port"; empty: it only polls us
  std::string ca_fingerprint;            // SHA-256 of its CA certificate: what is pinned and read out
  std::string certificate_fingerprint;   // of the leaf it shows now (rotates; signed by the pinned CA)
  std::string ca_certificate_pem;
  std::string signing_key;               // Ed25519 public key, hex
  Instant paired;
  bool confirmed = false;                // somebody compared the fingerprints by voice
  bool stopped = false;                  // release stop

  Json json() const;
  static Result<Member> parse(const Json& json);
};

// What `member invite` gives out: a line of text. The token works once and for a limited time.
struct Invitation {
  std::string inviter, title, link_url, ca_fingerprint, token;
  Instant expires;
  std::string text() const;                                   // "bongsu-invite:1:<base64url>"
  static Result<Invitation> parse(std::string_view text);
};

}  // namespace bongsu::identity
