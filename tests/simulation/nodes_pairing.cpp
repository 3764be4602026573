// Pairing over the network with a SimNode: whoever has an invitation comes with the authority and the name that it
// likes.
#include "base/bytes.h"
#include "crypto/keys.h"
#include "fake_keys.h"
#include "link/pairing.h"
#include "parts.h"

namespace bongsu::simulation {
namespace {

// An authority of nobody here, valid from 2025 to 2099; its key is thrown away, for handshakes are not simulated.
constexpr const char* kStranger = R"(-----BEGIN CERTIFICATE-----
MIIBJTCBzaADAgECAgEJMAoGCCqGSM49BAMCMBAxDjAMBgNVBAMMBWZhci05MCAX
DTI1MDEwMTAwMDAwMFoYDzIwOTkwMTAxMDAwMDAwWjAQMQ4wDAYDVQQDDAVmYXIt
OTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHykHVFvLtngeVMyZIjzM1sxDWtR
LEuJGVz8Yy33kua+mCmNO0UNjFKMALtFHKRUyHkQ0n9QVqpFS3weiuH/csOjFjAU
MBIGA1UdEwEB/wQIMAYBAf8CAQAwCgYIKoZIzj0EAwIDRwAwRAIgZLAXY4/VeEfZ
cFn4aEEGK6a6sziLlj71LRK0ZBMiLsUCIBpyCSwkA/oq0S2lrAFQoye00ssqgNVE
doadflX7o3j2
-----END CERTIFICATE-----
)";

link::OwnIdentity identity_of(const std::string& name, const std::string& holder, const std::string& authority) {
  link::OwnIdentity out;
  out.member.id = name;
  out.member.title = name;
  out.member.link_url = "https://" + name + ".example:6444";
  out.member.ca_fingerprint = authority;
  out.member.ca_certificate_pem = kStranger;
  out.member.signing_key = public_key_hex(holder);
  out.signing_key = signing_key_of(holder);
  return out;
}

}  // namespace

const std::string& SimNode::strange_authority() {
  static const std::string fingerprint = must(crypto::read_certificate(kStranger), "a certificate").fingerprint;
  return fingerprint;
}

void SimNode::start_pairing() {
  Parts& p = *parts_;
  p.pairing = std::make_unique<link::PairingServer>(
      p.registry->book(), identity_of(member_, member_, authority_of(member_)), clock_, *p.log,
      [this](const identity::Member&) { done(parts_->registry->refresh_members(), "members"); });
}

Answer SimNode::pair(const std::string& holder, const std::string& name, bool invited) {
  Parts& p = *parts_;
  const link::OwnIdentity own = identity_of(member_, member_, authority_of(member_));
  identity::Invitation invitation{.inviter = member_,
                                  .title = member_,
                                  .link_url = own.member.link_url,
                                  .ca_fingerprint = own.member.ca_fingerprint,
                                  .token = "none",
                                  .expires = clock_.now()};
  if (invited) {
    const auto open = p.registry->book().invite(own.member, node::kInvitationLifetime, "");
    if (!open) return {};  // its disk fails
    invitation = *open;
  }
  net::Request request{.method = "POST", .path = "/link/v1/pair"};
  request.body =
      must(link::make_pair_request(invitation, identity_of(name, holder, strange_authority())), "a request to pair");
  request.peer.address = "192.0.2.9:5000";
  request.peer.issuer_fingerprint = strange_authority();
  request.peer.certificate_fingerprint = authority_of("leaf of a stranger");
  request.received = clock_.now();
  return answer_of(p.pairing->handle(std::move(request)));
}

}  // namespace bongsu::simulation
