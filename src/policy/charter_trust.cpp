#include "policy/charter_trust.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/bytes.h"
#include "policy/strict_json.h"

namespace bongsu::policy {
namespace {

constexpr std::size_t kMaxTrustedBytes = 2 * kMaxCharterBytes;

std::unexpected<Error> refuse(std::string_view name, std::string why, ErrorCode code = ErrorCode::kDenied) {
  return fail(code, fmt::format("{}: {}", name, why), {.field = std::string(name)});
}

bool verifies(std::string_view key_hex, std::string_view statement, std::string_view signature_hex) {
  const auto key = from_hex(key_hex), signature = from_hex(signature_hex);
  return key && signature && crypto::verify(*key, statement, *signature);
}

Result<void> check_threshold(std::string_view name, const Charter& by, const SignedCharter& document) {
  const SponsorCount count = count_sponsors(by, document);
  if (count.enough()) return {};
  std::string why = fmt::format("version {} needs signatures of {} of the {} sponsors of version {}; {} signed",
                                document.charter.version, count.needed, by.sponsors.size(), by.version,
                                count.nations.empty() ? "none" : fmt::format("{}", fmt::join(count.nations, ", ")));
  if (count.broken > 0) why += fmt::format("; {} signature(s) by their keys do not fit this text", count.broken);
  if (count.foreign > 0)
    why += fmt::format("; {} by keys that are no sponsor's of version {}", count.foreign, by.version);
  return refuse(name, std::move(why));
}

// Everybody who is listed holds what is listed.
Result<void> check_proofs(const Charter& charter) {
  for (const auto& [id, member] : charter.members) {
    const std::string statement = member_statement(charter.id, id, member);
    for (std::size_t i = 0; i < member.keys.size(); ++i)
      if (!verifies(member.keys[i], statement, member.proofs[i]))
        return refuse("proof",
                      fmt::format("nothing shows that {} holds the key {}…", id, member.keys[i].substr(0, 12)));
  }
  return {};
}

Result<void> check_invitation(const Charter& by, const MemberId& id, const CharterMember& member, Instant admitted) {
  if (!member.invitation) return refuse("admission", fmt::format("{} is new and no sponsor invited it", id));
  const CharterInvitation& in = *member.invitation;
  if (in.charter != by.id || in.member != id || in.nation != member.nation || in.kind != to_string(member.kind) ||
      in.role != to_string(member.role))
    return refuse("admission",
                  fmt::format("the invitation of {} is for another member, charter, nation, kind or role", id));
  const auto sponsor = std::ranges::find(by.sponsors, in.sponsor, &CharterSponsor::nation);
  if (sponsor == by.sponsors.end() || std::ranges::find(sponsor->keys, in.key) == sponsor->keys.end())
    return refuse("admission", fmt::format("who invited {} is no sponsor of version {}", id, by.version));
  if (!verifies(in.key, in.statement(), in.signature))
    return refuse("admission", fmt::format("the signature of the invitation of {} does not fit", id));
  if (admitted >= in.expires) return refuse("admission", fmt::format("the invitation of {} had expired", id));
  return {};
}

Result<void> check_continuity(const Charter& old, const Charter& next) {
  for (const auto& [id, member] : old.members)
    if (!next.members.contains(id) && !next.removed.contains(id))
      return refuse("history", fmt::format("{} vanished: whom a version takes out, it names as removed", id));
  for (const auto& [id, version] : old.removed)
    if (const auto at = next.removed.find(id); at == next.removed.end() || at->second != version)
      return refuse("history", fmt::format("that {} was removed by version {} is told otherwise", id, version));
  for (const auto& [id, version] : next.removed)
    if (!old.removed.contains(id) && (!old.members.contains(id) || version != next.version))
      return refuse("history", fmt::format("{} is named as removed by version {}, which is not so", id, version));
  // What held before this version was issued can still be needed: old labels are read by the groups of their time.
  for (const auto& [name, group] : old.groups) {
    const auto at = next.groups.find(name);
    std::vector<GroupVersion> before, after;
    for (const auto& v : group.versions)
      if (v.valid_from < next.issued) before.push_back(v);
    if (at != next.groups.end())
      for (const auto& v : at->second.versions)
        if (v.valid_from < next.issued) after.push_back(v);
    if (before != after || (at != next.groups.end() && at->second.id != group.id))
      return refuse("history",
                    fmt::format("who was in the group {} before {} is told otherwise", name, next.issued.text(0)));
  }
  for (const auto& [name, group] : next.groups)
    if (!old.groups.contains(name) && group.versions.front().valid_from < next.issued)
      return refuse("history", fmt::format("the group {} is new and begins before {}", name, next.issued.text(0)));
  for (const auto& [id, member] : next.members) {
    const auto before = old.members.find(id);
    if (before != old.members.end()) {
      if (member.admitted != before->second.admitted || member.invitation != before->second.invitation)
        return refuse("history", fmt::format("how {} was admitted is told otherwise", id));
      // A ceiling may be lowered, and it falls when its time is over; otherwise it stays.
      if (const auto& was = before->second.probation; was && was->until > next.issued) {
        const auto& is = member.probation;
        if (!is || is->until < was->until || is->highest_tlp > was->highest_tlp || is->highest_rank > was->highest_rank)
          return refuse("admission", fmt::format("{} is on probation until {}: its ceiling stays until then", id,
                                                 was->until.text(0)));
      }
      continue;
    }
    if (member.admitted != next.version)
      return refuse("history", fmt::format("{} comes with version {}, not {}", id, next.version, member.admitted));
    BONGSU_TRY_VOID(check_invitation(old, id, member, next.issued));
    if (!member.probation || member.probation->until <= next.issued)
      return refuse("admission", fmt::format("{} is new: it begins on probation", id));
  }
  return {};
}

Result<void> check_clock(const TrustedCharter& trusted, Instant now) {
  if (now + kCharterClockTolerance < trusted.latest_seen)
    return refuse("clock", fmt::format("the clock says {}, but {} was seen already: it went back", now.text(0),
                                       trusted.latest_seen.text(0)));
  return {};
}

Result<void> check_not_expired(const Charter& charter, Instant now) {
  if (now >= charter.expires)
    return refuse("freeze",
                  fmt::format("version {} of the charter expired at {}; somebody may be holding a newer one back",
                              charter.version, charter.expires.text(0)));
  return {};
}

Result<void> check_issued(const Charter& charter, Instant now) {
  if (charter.issued > now + kCharterClockTolerance)
    return refuse("clock", fmt::format("version {} was issued at {}, and the clock here says {}", charter.version,
                                       charter.issued.text(0), now.text(0)));
  return {};
}

Result<TrustedCharter> step(const TrustedCharter& trusted, const SignedCharter& next, Instant now) {
  const Charter &old = trusted.charter(), &fresh = next.charter;
  if (fresh.id != old.id)
    return refuse("mix-and-match", fmt::format("this is the charter \"{}\", not \"{}\"", fresh.id, old.id));
  if (fresh.version < old.version)
    return refuse("roll-back",
                  fmt::format("this is version {}, and version {} is trusted already", fresh.version, old.version));
  if (fresh.version == old.version) {
    if (fresh != old)
      return refuse("equivocation",
                    fmt::format("this is another text of version {} (digest {}…) than the trusted one ({}…)",
                                fresh.version, fresh.digest().substr(0, 12), old.digest().substr(0, 12)));
    return trusted;
  }
  if (fresh.version != old.version + 1)
    return refuse("gap",
                  fmt::format("version {} cannot be judged without version {}: versions go up one by one",
                              fresh.version, old.version + 1),
                  ErrorCode::kConflict);
  if (fresh.previous != old.digest())
    return refuse("mix-and-match",
                  fmt::format("version {} follows another version {} (digest {}…) than the trusted one ({}…)",
                              fresh.version, old.version, fresh.previous.substr(0, 12), old.digest().substr(0, 12)));
  BONGSU_TRY_VOID(check_threshold("old-threshold", old, next));
  BONGSU_TRY_VOID(check_threshold("new-threshold", fresh, next));
  if (fresh.issued < old.issued)
    return refuse("freeze", fmt::format("version {} was issued at {}, before version {} ({})", fresh.version,
                                        fresh.issued.text(0), old.version, old.issued.text(0)));
  BONGSU_TRY_VOID(check_issued(fresh, now));
  BONGSU_TRY_VOID(check_continuity(old, fresh));
  BONGSU_TRY_VOID(check_proofs(fresh));
  TrustedCharter out{.document = next, .latest_seen = trusted.latest_seen};
  out.saw(now);
  return out;
}

}  // namespace

SponsorCount count_sponsors(const Charter& by, const SignedCharter& document) {
  SponsorCount out{.nations = {}, .needed = static_cast<std::size_t>(by.threshold)};
  const std::string statement = charter_statement(document.charter.text());
  std::map<std::string_view, std::string_view> sponsor_of;
  for (const auto& sponsor : by.sponsors)
    for (const auto& key : sponsor.keys) sponsor_of.emplace(key, sponsor.nation);
  std::set<std::string> nations;
  for (const auto& signature : document.signatures) {
    const auto sponsor = sponsor_of.find(signature.key);
    if (sponsor == sponsor_of.end())
      ++out.foreign;
    else if (!verifies(signature.key, statement, signature.signature))
      ++out.broken;
    else
      nations.emplace(sponsor->second);
  }
  out.nations.assign(nations.begin(), nations.end());
  return out;
}

Result<void> TrustedCharter::in_force(Instant now) const {
  BONGSU_TRY_VOID(check_clock(*this, now));
  return check_not_expired(charter(), now);
}

std::string TrustedCharter::text() const {
  return fmt::format("{{\"latest_seen\":\"{}\",\"document\":{}}}", latest_seen.text(9), document.text());
}

Result<TrustedCharter> TrustedCharter::parse(std::string_view text) {
  const auto corrupt = [](std::string why) {
    return fail(ErrorCode::kCorrupt, std::move(why), {.source = "the trusted charter"});
  };
  if (text.size() > kMaxTrustedBytes) return corrupt("is too long");
  auto json = parse_json(text);
  if (!json) return corrupt(json.error().text());
  const auto seen = string_at(*json, "latest_seen");
  const auto at = seen ? Instant::parse(*seen) : std::nullopt;
  const Json* document = find(*json, "document");
  if (!at || document == nullptr) return corrupt("is not as it is written");
  auto parsed = parse_signed_charter(to_text(*document));
  if (!parsed) return corrupt(parsed.error().text());
  TrustedCharter out{.document = std::move(*parsed), .latest_seen = *at};
  if (const auto count = count_sponsors(out.charter(), out.document); !count.enough())
    return corrupt("is not signed by its sponsors");
  if (const auto proofs = check_proofs(out.charter()); !proofs) return corrupt(proofs.error().message);
  return out;
}

Result<TrustedCharter> trust_first(const SignedCharter& document, std::string_view digest_hex, Instant now) {
  const std::string digest = document.charter.digest();
  if (!equal_constant_time(digest, digest_hex))
    return refuse("pin", fmt::format("the digest of this charter is {}, not what was given", digest));
  BONGSU_TRY_VOID(check_threshold("new-threshold", document.charter, document));
  BONGSU_TRY_VOID(check_issued(document.charter, now));
  BONGSU_TRY_VOID(check_not_expired(document.charter, now));
  BONGSU_TRY_VOID(check_proofs(document.charter));
  TrustedCharter out{.document = document, .latest_seen = now};
  out.saw(document.charter.issued);
  return out;
}

Result<TrustedCharter> advance(const TrustedCharter& trusted, const SignedCharter& next, Instant now) {
  return advance(trusted, std::span(&next, 1), now);
}

Result<TrustedCharter> advance(const TrustedCharter& trusted, std::span<const SignedCharter> chain, Instant now) {
  if (chain.size() > kMaxCharterChain)
    return refuse("endless-data",
                  fmt::format("at most {} versions are taken at once, these are {}", kMaxCharterChain, chain.size()),
                  ErrorCode::kTooLarge);
  BONGSU_TRY_VOID(check_clock(trusted, now));
  TrustedCharter out = trusted;
  for (const auto& next : chain) {
    BONGSU_TRY(out, step(out, next, now));
  }
  BONGSU_TRY_VOID(check_not_expired(out.charter(), now));
  return out;
}

Charter next_version(const Charter& current, Instant issued, Instant expires) {
  Charter out = current;
  out.previous = current.digest();
  ++out.version;
  out.issued = {issued.seconds, 0};
  out.expires = {expires.seconds, 0};
  for (auto& [_, member] : out.members)
    if (member.probation && member.probation->until <= out.issued) member.probation.reset();
  return out;
}

Result<CharterInvitation> invite_member(CharterInvitation invitation, const crypto::SigningKey& sponsor_key) {
  invitation.key = to_hex(as_bytes(sponsor_key.public_key));
  invitation.signature = std::string(128, '0');
  // Whatever would be refused when it is read is not signed.
  BONGSU_TRY(const auto read, CharterInvitation::parse(invitation.json(), "invitation"));
  BONGSU_TRY(const std::string signature, crypto::sign(sponsor_key, read.statement()));
  invitation.signature = to_hex(as_bytes(signature));
  return invitation;
}

Result<std::string> prove_key(std::string_view charter, const MemberId& id, const CharterMember& member,
                              const crypto::SigningKey& key) {
  BONGSU_TRY(const std::string signature, crypto::sign(key, member_statement(charter, id, member)));
  return to_hex(as_bytes(signature));
}

namespace {

CharterMember member_of(const CharterApplication& a) {
  CharterMember out;
  out.title = a.title;
  out.nation = a.nation;
  out.kind = a.kind;
  out.role = a.role;
  out.keys = a.keys;
  out.ca_fingerprint = a.ca_fingerprint;
  out.identity = a.identity;
  out.proofs = a.proofs;
  out.invitation = a.invitation;
  return out;
}

}  // namespace

Result<CharterApplication> apply_for_membership(CharterApplication out, const crypto::SigningKey& key) {
  if (out.invitation) {
    const auto kind = parse_member_kind(out.invitation->kind);
    const auto role = parse_member_role(out.invitation->role);
    if (!kind || !role) return refuse("admission", "the invitation names no kind or role");
    out.charter = out.invitation->charter;
    out.member = out.invitation->member;
    out.nation = out.invitation->nation;
    out.kind = *kind;
    out.role = *role;
  }
  out.keys = {to_hex(as_bytes(key.public_key))};
  BONGSU_TRY(std::string proof, prove_key(out.charter, out.member, member_of(out), key));
  out.proofs = {std::move(proof)};
  // Whatever would be refused when it is read is not given out.
  return CharterApplication::parse(out.text());
}

Result<void> admit_member(Charter& draft, const CharterApplication& application, const Probation& probation,
                          std::uint8_t clearance, std::set<std::string> communities) {
  const MemberId& id = application.member;
  if (application.charter != draft.id)
    return refuse("mix-and-match", fmt::format("this is an application to the charter \"{}\"", application.charter));
  CharterMember member = member_of(application);
  const auto before = draft.members.find(id);
  if (before != draft.members.end() && application.invitation)
    return refuse("admission", fmt::format("{} is a member already", id), ErrorCode::kConflict);
  if (before != draft.members.end()) {
    const CharterMember& was = before->second;
    if (was.nation != member.nation || was.kind != member.kind)
      return refuse("admission", fmt::format("{} applies with another nation or kind than it was admitted with", id));
    CharterMember renewed = was;
    renewed.title = member.title;
    renewed.keys = member.keys;
    renewed.proofs = member.proofs;
    renewed.ca_fingerprint = member.ca_fingerprint;
    renewed.identity = member.identity;
    member = std::move(renewed);
  } else {
    member.clearance = clearance;
    member.communities = std::move(communities);
    member.admitted = draft.version;
    if (draft.version > 1) {
      member.probation = probation;
      BONGSU_TRY_VOID(check_invitation(draft, id, member, draft.issued));
      if (probation.until <= draft.issued) return refuse("admission", "probation ends after it begins");
    }
  }
  Charter tried = draft;
  tried.members.insert_or_assign(id, std::move(member));
  BONGSU_TRY_VOID(check_proofs(tried));
  BONGSU_TRY(draft, Charter::parse(tried.json()));
  return {};
}

Result<void> remove_member(Charter& draft, const MemberId& id) {
  if (draft.members.erase(id) == 0)
    return fail(ErrorCode::kNotFound, fmt::format("there is no member \"{}\" in the charter", id));
  draft.removed.emplace(id, draft.version);
  for (auto& [_, group] : draft.groups) {
    auto& versions = group.versions;
    // Versions to come lose it, too.
    GroupVersion now{.valid_from = draft.issued, .members = {}};
    bool in_now = false;
    auto at = versions.begin();
    for (; at != versions.end() && at->valid_from < draft.issued; ++at) {
      now.members = at->members;
      in_now = at->members.contains(id);
    }
    for (auto later = at; later != versions.end(); ++later) later->members.erase(id);
    if (in_now && (at == versions.end() || at->valid_from > draft.issued)) {
      now.members.erase(id);
      versions.insert(at, std::move(now));
    }
  }
  return {};
}

}  // namespace bongsu::policy
