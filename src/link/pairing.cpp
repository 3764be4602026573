#include "link/pairing.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "crypto/secret.h"
#include "link/tail_server.h"

namespace bongsu::link {
namespace {

constexpr std::string_view kMembers = "members", kInvitations = "invitations", kPairPath = "/link/v1/pair";
constexpr std::size_t kMaxAddresses = 4096;  // of which attempts are remembered

// What a side signs: everything that must not be exchanged by somebody in between. The acceptor knows the inviter's id
// and authority (from the invitation) but not yet its signing key, so that only the inviter's own signature covers it.
std::string transcript(bool by_inviter, std::string_view token, const identity::Member& inviter,
                       const identity::Member& acceptor) {
  return fmt::format("bongsu-pair-1\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n", by_inviter ? "inviter" : "acceptor",
                     crypto::token_digest(token), inviter.id, inviter.ca_fingerprint,
                     by_inviter ? inviter.signing_key : "", acceptor.id, acceptor.link_url, acceptor.ca_fingerprint,
                     acceptor.signing_key);
}

JsonObject introduction(const identity::Member& member) {
  return {{"id", member.id},
          {"title", member.title},
          {"country", member.country},
          {"link_url", member.link_url},
          {"ca_certificate_pem", member.ca_certificate_pem},
          {"signing_key", member.signing_key}};
}

Result<void> check_signature(const Json& body, const identity::Member& signer, std::string_view message) {
  const auto signature = from_hex(string_at(body, "signature").value_or(""));
  const auto key = from_hex(signer.signing_key);
  if (!signature || !key || !crypto::verify(*key, message, *signature))
    return fail(ErrorCode::kInvalid, "the signature does not fit the signing key", {.field = "signature"});
  return {};
}

std::unexpected<Error> no_invitation() {
  return fail(ErrorCode::kDenied, "this invitation is not known here, was used, or has expired: ask for a new one");
}

net::Response refuse(int status, const Error& error) {
  return net::Response::json(
      status,
      to_text(JsonObject{{"error", to_string(error.code)}, {"message", error.message}, {"field", error.where.field}}));
}

Json state_of(const OpenInvitation& invitation) {
  return JsonObject{{"expires", invitation.expires.text()}, {"expected_member", invitation.expected_member}};
}

Result<OpenInvitation> parse_invitation_state(std::string_view digest, std::string_view text) {
  BONGSU_TRY(const Json json, parse_json(text));
  const auto expires = Instant::parse(string_at(json, "expires").value_or(""));
  if (!expires) return fail(ErrorCode::kCorrupt, "a stored invitation cannot be read");
  return OpenInvitation{std::string(digest), *expires, std::string(string_at(json, "expected_member").value_or(""))};
}

}  // namespace

Result<identity::Member> parse_introduction(const Json& json, Instant now) {
  if (!json.is_object()) return fail(ErrorCode::kInvalid, "must be an object", {.field = "member"});
  // Only what a stranger may say about itself: no fingerprints, no standing.
  JsonObject own_words;
  for (const char* key : {"id", "title", "country", "link_url", "ca_certificate_pem", "signing_key"})
    if (const Json* value = find(json, key)) own_words[key] = *value;
  own_words["paired"] = now.text();
  BONGSU_TRY(auto member, identity::Member::parse(own_words));
  if (member.signing_key.empty()) return fail(ErrorCode::kInvalid, "is missing", {.field = "member.signing_key"});
  const auto authority = crypto::read_certificate(member.ca_certificate_pem);
  if (!authority) return fail(ErrorCode::kInvalid, "cannot be read", {.field = "member.ca_certificate_pem"});
  if (authority->not_after <= now || authority->not_before > now + std::chrono::minutes(10))
    return fail(ErrorCode::kInvalid, "is not valid now: compare the clocks", {.field = "member.ca_certificate_pem"});
  member.ca_fingerprint = authority->fingerprint;
  return member;
}

// ── The book ────────────────────────────────────────────────────────────────────────────────────────────────────────

Result<void> PairingBook::write(std::vector<journal::StateChange> changes) {
  return journal_.put(std::move(changes));
}

Result<identity::Invitation> PairingBook::invite(const identity::Member& self, std::chrono::seconds lifetime,
                                                 std::string expected_member) {
  if (lifetime <= std::chrono::seconds(0) || lifetime > kLongestInvitation)
    return fail(ErrorCode::kInvalid, "an invitation lives for at most seven days", {.field = "lifetime"});
  if (!expected_member.empty() && !identity::is_member_id(expected_member))
    return fail(ErrorCode::kInvalid, "is not a member's id", {.field = "member"});
  if (!identity::is_link_url(self.link_url))
    return fail(ErrorCode::kInvalid, "this node has no address that partners can reach: set [link] url",
                {.field = "link_url"});
  const std::lock_guard lock(mutex_);
  const Instant now = clock_.now();
  std::vector<journal::StateChange> changes;
  BONGSU_TRY(const auto stored, journal_.states(kInvitations));
  std::size_t open = 0;
  for (const auto& [digest, text] : stored) {
    const auto invitation = parse_invitation_state(digest, text);
    if (!invitation || invitation->expires <= now)
      changes.push_back({std::string(kInvitations), digest, std::nullopt});
    else
      ++open;
  }
  if (open >= kMaxOpenInvitations)
    return fail(ErrorCode::kTooLarge, "too many open invitations: wait until some expire");
  const identity::Invitation invitation{.inviter = self.id,
                                        .title = self.title,
                                        .link_url = self.link_url,
                                        .ca_fingerprint = self.ca_fingerprint,
                                        .token = crypto::fresh_token(random_),
                                        .expires = now + lifetime};
  const OpenInvitation kept{crypto::token_digest(invitation.token), invitation.expires, std::move(expected_member)};
  changes.push_back({std::string(kInvitations), kept.token_digest, to_text(state_of(kept))});
  BONGSU_TRY_VOID(write(std::move(changes)));
  return invitation;
}

Result<std::vector<OpenInvitation>> PairingBook::open_invitations() {
  BONGSU_TRY(const auto stored, journal_.states(kInvitations));
  std::vector<OpenInvitation> out;
  for (const auto& [digest, text] : stored)
    if (auto invitation = parse_invitation_state(digest, text); invitation && invitation->expires > clock_.now())
      out.push_back(std::move(*invitation));
  return out;
}

Result<OpenInvitation> PairingBook::find(std::string_view token) {
  const std::string digest = crypto::token_digest(token);
  BONGSU_TRY(const auto stored, journal_.state(kInvitations, digest));
  if (!stored) return no_invitation();
  BONGSU_TRY(auto invitation, parse_invitation_state(digest, *stored));
  if (invitation.expires <= clock_.now()) return no_invitation();
  return invitation;
}

Result<std::map<std::string, identity::Member>> PairingBook::members() {
  BONGSU_TRY(const auto stored, journal_.states(kMembers));
  std::map<std::string, identity::Member> out;
  for (const auto& [id, text] : stored) {
    BONGSU_TRY(const Json json, parse_json(text));
    BONGSU_TRY(out[id], identity::Member::parse(json));
  }
  return out;
}

Result<journal::StateChange> PairingBook::member_change(const identity::Member& member) {
  BONGSU_TRY(const auto known, members());
  identity::Member next = member;
  for (const auto& [id, other] : known) {
    const bool same_id = id == member.id, same_authority = other.ca_fingerprint == member.ca_fingerprint;
    if (same_id != same_authority)
      return fail(ErrorCode::kConflict,
                  same_id ? fmt::format("{} is paired with another authority already: remove it first", id)
                          : fmt::format("this authority is the one of {}", id));
    if (!same_id) continue;
    next.confirmed = other.confirmed;
    next.stopped = other.stopped;
  }
  return journal::StateChange{std::string(kMembers), next.id, to_text(next.json())};
}

Result<void> PairingBook::redeem(std::string_view token, const identity::Member& member) {
  const std::lock_guard lock(mutex_);
  BONGSU_TRY(const auto invitation, find(token));
  if (!invitation.expected_member.empty() && invitation.expected_member != member.id) return no_invitation();
  auto change = member_change(member);
  const journal::StateChange used{std::string(kInvitations), invitation.token_digest, std::nullopt};
  if (!change) {
    // One name or authority each: whoever may try another finds out who is paired here.
    BONGSU_TRY_VOID(write({used}));
    return std::unexpected(change.error());
  }
  return write({std::move(*change), used});
}

Result<void> PairingBook::store(const identity::Member& member) {
  const std::lock_guard lock(mutex_);
  BONGSU_TRY(auto change, member_change(member));
  return write({std::move(change)});
}

Result<void> PairingBook::update(std::string_view id, const std::function<void(identity::Member&)>& change) {
  const std::lock_guard lock(mutex_);
  BONGSU_TRY(auto known, members());
  const auto member = known.find(std::string(id));
  if (member == known.end()) return fail(ErrorCode::kNotFound, fmt::format("there is no member {}", id));
  change(member->second);
  return write({{std::string(kMembers), std::string(id), to_text(member->second.json())}});
}

Result<void> PairingBook::remove(std::string_view id) {
  const std::lock_guard lock(mutex_);
  BONGSU_TRY(const auto known, journal_.state(kMembers, id));
  if (!known) return fail(ErrorCode::kNotFound, fmt::format("there is no member {}", id));
  return write({{std::string(kMembers), std::string(id), std::nullopt}});
}

// ── The inviter's side ──────────────────────────────────────────────────────────────────────────────────────────────

PairingServer::PairingServer(PairingBook& book, OwnIdentity own, const Clock& clock, Log& log, OnPaired on_paired)
    : book_(book), own_(std::move(own)), clock_(clock), log_(log), on_paired_(std::move(on_paired)) {}

bool PairingServer::is_for(const net::Request& request) { return request.path == kPairPath; }

bool PairingServer::too_often(const std::string& address) {
  constexpr std::chrono::minutes kWindow{1};
  const std::string host = address.substr(0, address.rfind(':'));
  const auto now = clock_.monotonic();
  const std::lock_guard lock(mutex_);
  if (attempts_.size() >= kMaxAddresses) {
    std::erase_if(attempts_, [&](const auto& a) { return now - a.second.first >= kWindow; });
    if (attempts_.size() >= kMaxAddresses && !attempts_.contains(host)) return true;
  }
  auto& [begin, count] = attempts_[host];
  if (count == 0 || now - begin >= kWindow) {
    begin = now;
    count = 0;
  }
  return ++count > kPairAttemptsPerMinute;
}

net::Response PairingServer::handle(net::Request&& request) {
  if (request.method != "POST") {
    auto response = refuse(405, {ErrorCode::kInvalid, "only POST", {}});
    response.headers.add("Allow", "POST");
    return response;
  }
  if (too_often(request.peer.address)) {
    auto response = refuse(429, {ErrorCode::kUnavailable, "too many attempts: wait a minute", {}});
    response.headers.add("Retry-After", "60");
    return response;
  }
  if (request.body.size() > kMaxPairBytes) return refuse(413, {ErrorCode::kTooLarge, "the request is too large", {}});
  if (request.peer.certificate_fingerprint.empty() || request.peer.issuer_fingerprint.empty())
    return refuse(
        403, {ErrorCode::kDenied, "pairing needs a client certificate together with the authority that signed it", {}});
  const auto body = parse_json(request.body);
  if (!body) return refuse(400, body.error());
  const std::string token(string_at(*body, "token").value_or(""));
  // The token first: to somebody without one nothing else is said.
  const auto invitation = book_.find(token);
  if (!invitation) {
    log_.warn("pair.refused", {{"address", request.peer.address}, {"reason", invitation.error().message}});
    return refuse(invitation.error().code == ErrorCode::kDenied ? 403 : 503, invitation.error());
  }
  const Json* said = bongsu::find(*body, "member");
  auto member = parse_introduction(said ? *said : Json(), clock_.now());
  if (!member) return refuse(422, member.error());
  if (member->id == own_.member.id || member->ca_fingerprint == own_.member.ca_fingerprint)
    return refuse(
        409, {ErrorCode::kConflict, fmt::format("{} is this node itself", own_.member.id), {.field = "member.id"}});
  if (member->ca_fingerprint != request.peer.issuer_fingerprint)
    return refuse(403, {ErrorCode::kDenied,
                        "the certificate of this connection was not signed by the authority that is sent",
                        {.field = "member.ca_certificate_pem"}});
  if (const auto good = check_signature(*body, *member, transcript(false, token, own_.member, *member)); !good)
    return refuse(403, good.error());
  member->certificate_fingerprint = request.peer.certificate_fingerprint;
  const auto signature = crypto::sign(own_.signing_key, transcript(true, token, own_.member, *member));
  if (!signature) return refuse(500, {ErrorCode::kInternal, "this node cannot sign", {}});
  if (const auto stored = book_.redeem(token, *member); !stored) {
    log_.warn("pair.refused",
              {{"address", request.peer.address}, {"member", member->id}, {"reason", stored.error().message}});
    switch (stored.error().code) {
      case ErrorCode::kDenied:
      case ErrorCode::kConflict:  // with whom this node is paired, only its own log tells (D9)
        return refuse(403, no_invitation().error());
      default:
        return refuse(503, {ErrorCode::kUnavailable, "this node cannot store the pairing now", {}});
    }
  }
  log_.info("pair.paired",
            {{"member", member->id}, {"authority", member->ca_fingerprint}, {"address", request.peer.address}});
  if (on_paired_) on_paired_(*member);
  return net::Response::json(
      200, to_text(JsonObject{{"member", introduction(own_.member)}, {"signature", to_hex(as_bytes(*signature))}}));
}

// ── The acceptor's side ─────────────────────────────────────────────────────────────────────────────────────────────

Result<std::string> make_pair_request(const identity::Invitation& invitation, const OwnIdentity& own) {
  identity::Member inviter;
  inviter.id = invitation.inviter;
  inviter.ca_fingerprint = invitation.ca_fingerprint;
  BONGSU_TRY(const std::string signature,
             crypto::sign(own.signing_key, transcript(false, invitation.token, inviter, own.member)));
  return to_text(JsonObject{
      {"token", invitation.token}, {"member", introduction(own.member)}, {"signature", to_hex(as_bytes(signature))}});
}

Result<identity::Member> read_pair_answer(const identity::Invitation& invitation, const OwnIdentity& own, int status,
                                          std::string_view body, const Clock& clock) {
  const auto json = parse_json(body);
  if (status != 200) {
    const auto message = json ? string_at(*json, "message") : std::nullopt;
    return fail(
        status == 403   ? ErrorCode::kDenied
        : status == 409 ? ErrorCode::kConflict
                        : ErrorCode::kUnavailable,
        fmt::format("{} refused (HTTP {}): {}", invitation.inviter, status, message.value_or("no reason given")));
  }
  if (!json) return std::unexpected(json.error());
  const Json* said = bongsu::find(*json, "member");
  BONGSU_TRY(auto member, parse_introduction(said ? *said : Json(), clock.now()));
  if (member.id != invitation.inviter || member.ca_fingerprint != invitation.ca_fingerprint)
    return fail(ErrorCode::kInvalid,
                fmt::format("the answer is not {}'s, whose fingerprint is in the invitation", invitation.inviter));
  BONGSU_TRY_VOID(check_signature(*json, member, transcript(true, invitation.token, member, own.member)));
  member.link_url = invitation.link_url;  // where we reached it
  return member;
}

Result<identity::Member> accept_invitation(const identity::Invitation& invitation, const OwnIdentity& own,
                                           net::ClientOptions options, const Clock& clock,
                                           std::chrono::milliseconds deadline) {
  if (invitation.expires <= clock.now())
    return fail(ErrorCode::kDenied, "this invitation has expired: ask for a new one");
  BONGSU_TRY(net::Url url, net::parse_url(invitation.link_url));
  url.target = std::string(kPairPath);
  options.tls.floor = net::TlsFloor::kTls13;
  options.tls.pinned_fingerprints = {invitation.ca_fingerprint};
  options.max_body_bytes = kMaxPairBytes;
  net::Client client(std::move(options));
  BONGSU_TRY(std::string body, make_pair_request(invitation, own));
  BONGSU_TRY(const auto response,
             client.send({.method = "POST",
                          .url = url,
                          .headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
                          .body = std::move(body)},
                         deadline));
  BONGSU_TRY(auto member, read_pair_answer(invitation, own, response.status, response.body, clock));
  member.certificate_fingerprint = client.server_fingerprint();
  return member;
}

}  // namespace bongsu::link
