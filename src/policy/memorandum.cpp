#include "policy/memorandum.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "policy/strict_json.h"

namespace bongsu::policy {
namespace {

std::unexpected<Error> refuse(std::string_view name, std::string why, ErrorCode code = ErrorCode::kDenied) {
  return fail(code, fmt::format("{}: {}", name, why), {.field = std::string(name)});
}

std::string statement(std::string_view toml) { return fmt::format("bongsu/agreement/v1\n{}", toml); }

std::string notice_statement(const SignedMemorandum& document, const TerminationNotice& notice) {
  return fmt::format("bongsu/agreement-notice/v1\n{}\n{}\n{}\n{}\n{}", document.terms.id, document.digest(), notice.by,
                     notice.given.text(0), notice.ends.text(0));
}

bool verifies(const DetachedSignature& signature, std::string_view text) {
  const auto key = from_hex(signature.key), bytes = from_hex(signature.signature);
  return key && bytes && crypto::verify(*key, text, *bytes);
}

Result<DetachedSignature> made(std::string_view text, const crypto::SigningKey& key) {
  BONGSU_TRY(const std::string signature, crypto::sign(key, text));
  return DetachedSignature{.key = to_hex(as_bytes(key.public_key)), .signature = to_hex(as_bytes(signature))};
}

Result<DetachedSignature> read_signature(StrictObject& in) {
  DetachedSignature out;
  BONGSU_TRY(out.key, in.hex("key", 32));
  BONGSU_TRY(out.signature, in.hex("signature", 64));
  return out;
}

Instant earliest_end(const Memorandum& terms, Instant given) {
  return std::min(terms.valid_until, given + std::chrono::hours{24} * terms.notice_days);
}

bool key_of(const Charter& charter, const MemberId& member, const std::string& key) {
  const auto at = charter.members.find(member);
  return at != charter.members.end() && std::ranges::find(at->second.keys, key) != at->second.keys.end();
}

// Both documents' signatures, sorted, each once.
void take_signatures(SignedMemorandum& into, const SignedMemorandum& from) {
  for (const auto& s : from.signatures)
    if (std::ranges::find(into.signatures, s) == into.signatures.end()) into.signatures.push_back(s);
  for (const auto& n : from.notices)
    if (std::ranges::find(into.notices, n) == into.notices.end()) into.notices.push_back(n);
  std::ranges::sort(into.signatures, {}, [](const PartySignature& s) {
    return std::tuple(s.member, s.signature.key, s.signature.signature);
  });
  std::ranges::sort(into.notices, {}, [](const TerminationNotice& n) {
    return std::tuple(n.by, n.given, n.signature.key, n.signature.signature);
  });
}

}  // namespace

std::string SignedMemorandum::digest() const { return to_hex(sha256(toml)); }

std::string SignedMemorandum::text() const {
  JsonArray signed_by, ended_by;
  for (const auto& s : signatures)
    signed_by.push_back(
        JsonObject{{"member", s.member}, {"key", s.signature.key}, {"signature", s.signature.signature}});
  for (const auto& n : notices)
    ended_by.push_back(JsonObject{{"by", n.by},
                                  {"given", n.given.text(0)},
                                  {"ends", n.ends.text(0)},
                                  {"key", n.signature.key},
                                  {"signature", n.signature.signature}});
  return to_pretty_text(
             JsonObject{{"agreement", toml}, {"signatures", std::move(signed_by)}, {"notices", std::move(ended_by)}}) +
         "\n";
}

Result<SignedMemorandum> unsigned_memorandum(std::string_view toml, std::string_view source_name) {
  SignedMemorandum out{.toml = std::string(toml), .terms = {}, .signatures = {}, .notices = {}};
  BONGSU_TRY(out.terms, parse_memorandum(toml, source_name));
  return out;
}

Result<SignedMemorandum> parse_signed_memorandum(std::string_view text, std::string_view source_name) {
  const std::string source(source_name);
  if (text.size() > kMaxSignedMemorandumBytes)
    return fail(ErrorCode::kTooLarge,
                fmt::format("endless data: a signed agreement has at most {} bytes", kMaxSignedMemorandumBytes),
                {.source = source});
  BONGSU_TRY(const Json json, parse_json(text));
  StrictObject in(json, "");
  BONGSU_TRY(const std::string toml, in.text("agreement", kMaxAgreementBytes));
  BONGSU_TRY(SignedMemorandum out, unsigned_memorandum(toml, source));
  BONGSU_TRY(const JsonArray* signatures, in.list("signatures", kMaxMemorandumParties * kMaxKeysPerHolder));
  BONGSU_TRY(const JsonArray* notices, in.list("notices", kMaxMemorandumParties));
  BONGSU_TRY_VOID(in.done());
  for (std::size_t i = 0; i < signatures->size(); ++i) {
    StrictObject item((*signatures)[i], fmt::format("signatures[{}]", i));
    PartySignature signature;
    BONGSU_TRY(signature.member, item.text("member", 64));
    BONGSU_TRY(signature.signature, read_signature(item));
    BONGSU_TRY_VOID(item.done());
    out.signatures.push_back(std::move(signature));
  }
  for (std::size_t i = 0; i < notices->size(); ++i) {
    StrictObject item((*notices)[i], fmt::format("notices[{}]", i));
    TerminationNotice notice;
    BONGSU_TRY(notice.by, item.text("by", 64));
    BONGSU_TRY(notice.given, item.instant("given"));
    BONGSU_TRY(notice.ends, item.instant("ends"));
    BONGSU_TRY(notice.signature, read_signature(item));
    BONGSU_TRY_VOID(item.done());
    out.notices.push_back(std::move(notice));
  }
  return out;
}

Result<void> sign_memorandum(SignedMemorandum& document, const MemberId& member, const crypto::SigningKey& key) {
  if (!document.terms.parties.contains(member))
    return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is not a party to this agreement", member),
                {.field = "parties"});
  BONGSU_TRY(const DetachedSignature signature, made(statement(document.toml), key));
  SignedMemorandum own{.toml = document.toml,
                       .terms = document.terms,
                       .signatures = {{.member = member, .signature = signature}},
                       .notices = {}};
  std::erase_if(document.signatures,
                [&](const PartySignature& s) { return s.member == member && s.signature.key == signature.key; });
  take_signatures(document, own);
  return {};
}

Result<SignedMemorandum> merge_memoranda(const SignedMemorandum& a, const SignedMemorandum& b) {
  if (a.toml != b.toml)
    return fail(ErrorCode::kInvalid,
                fmt::format("mix and match: the signatures are of different texts (digests {}… and {}…)",
                            a.digest().substr(0, 12), b.digest().substr(0, 12)),
                {.field = "agreement"});
  for (const auto* document : {&a, &b})
    for (const auto& s : document->signatures)
      if (!verifies(s.signature, statement(a.toml)))
        return fail(ErrorCode::kInvalid, fmt::format("the signature of {} does not fit", s.member),
                    {.field = "signatures"});
  SignedMemorandum out = a;
  take_signatures(out, b);
  return out;
}

Result<void> give_notice(SignedMemorandum& document, const MemberId& by, Instant given, const crypto::SigningKey& key) {
  if (!document.terms.parties.contains(by))
    return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is not a party to this agreement", by), {.field = "parties"});
  TerminationNotice notice{
      .by = by, .given = {given.seconds, 0}, .ends = earliest_end(document.terms, {given.seconds, 0}), .signature = {}};
  BONGSU_TRY(notice.signature, made(notice_statement(document, notice), key));
  SignedMemorandum own = document;
  own.signatures.clear();
  own.notices = {notice};
  take_signatures(document, own);
  return {};
}

bool holds(const SignedMemorandum& document, const PartySignature& signature) {
  return verifies(signature.signature, statement(document.toml));
}

bool holds(const SignedMemorandum& document, const TerminationNotice& notice) {
  return verifies(notice.signature, notice_statement(document, notice));
}

Result<void> verify_memorandum(const SignedMemorandum& document, const Charter& charter) {
  const Memorandum& m = document.terms;
  if (m.charter != charter.id)
    return refuse("mix-and-match",
                  fmt::format("the agreement is under the charter \"{}\", not \"{}\"", m.charter, charter.id));
  std::set<MemberId> signed_by;
  const std::string text = statement(document.toml);
  for (const auto& s : document.signatures)
    if (!m.parties.contains(s.member))
      return refuse("signature", fmt::format("{} is no party of this agreement, but signs it", s.member));
  for (const auto& s : document.signatures)
    if (key_of(charter, s.member, s.signature.key) && verifies(s.signature, text)) signed_by.insert(s.member);
  for (const auto& party : m.parties) {
    if (!charter.members.contains(party))
      return refuse("party",
                    fmt::format("{} {} by version {} of the charter", party,
                                charter.removed.contains(party) ? "was removed" : "is no member", charter.version));
    if (!signed_by.contains(party))
      return refuse("signature",
                    fmt::format("{} did not sign this text with a key that the charter lists for it", party));
  }
  for (const auto& n : document.notices) {
    if (!m.parties.contains(n.by) || !key_of(charter, n.by, n.signature.key) ||
        !verifies(n.signature, notice_statement(document, n)))
      return refuse("notice", fmt::format("the notice by {} is not signed by it", n.by));
    if (n.ends < earliest_end(m, n.given))
      return refuse("notice",
                    fmt::format("the notice by {} ends it earlier than {} days after it", n.by, m.notice_days));
  }
  return {};
}

SignedMemorandum with_proven_signatures(SignedMemorandum document, const Charter& charter) {
  const std::string text = statement(document.toml);
  SignedMemorandum out = document;
  out.signatures.clear();
  std::erase_if(document.signatures, [&](const auto& s) {
    return !document.terms.parties.contains(s.member) || !key_of(charter, s.member, s.signature.key) ||
           !verifies(s.signature, text);
  });
  take_signatures(out, document);  // in order, each once
  return out;
}

Result<SignedMemorandum> advance_memorandum(const SignedMemorandum& trusted, const SignedMemorandum& next,
                                            const Charter& charter) {
  const Memorandum &old = trusted.terms, &fresh = next.terms;
  if (fresh.id != old.id) return refuse("mix-and-match", "this is another agreement");
  if (fresh.version < old.version)
    return refuse("roll-back",
                  fmt::format("this is version {}, and version {} is in force", fresh.version, old.version));
  if (fresh.version == old.version) {
    if (next.toml != trusted.toml)
      return refuse("equivocation",
                    fmt::format("this is another text of version {} than the one in force", old.version));
    BONGSU_TRY_VOID(verify_memorandum(next, charter));
    SignedMemorandum out = trusted;
    take_signatures(out, with_proven_signatures(next, charter));
    return out;
  }
  if (fresh.version != old.version + 1)
    return refuse("gap", fmt::format("version {} is missing", old.version + 1), ErrorCode::kConflict);
  if (fresh.previous != trusted.digest())
    return refuse("mix-and-match", fmt::format("version {} follows another version {} than the one in force",
                                               fresh.version, old.version));
  if (fresh.parties != old.parties)
    return refuse("mix-and-match", "the parties of an agreement stay; with others it is another agreement");
  BONGSU_TRY_VOID(verify_memorandum(next, charter));
  return with_proven_signatures(next, charter);
}

Instant end_of(const SignedMemorandum& document) {
  Instant out = document.terms.valid_until;
  for (const auto& n : document.notices) out = std::min(out, n.ends);
  return out;
}

std::vector<Agreement> compile(const SignedMemorandum& document, const MemberId& self) {
  const Memorandum& m = document.terms;
  const Instant end = end_of(document);
  std::vector<Agreement> out;
  const auto base = [&](const MemberId& partner) {
    Agreement a;
    a.partner = partner;
    a.valid_from = m.valid_from;
    a.valid_until = end;
    a.id = m.id;
    a.version = static_cast<std::uint64_t>(m.version);
    a.parties = m.parties;
    return a;
  };
  const auto denials = [&](const MemberId& partner) {
    std::vector<Denial> found;
    for (const auto& d : m.denies)
      if ((!d.from || d.from->contains(self)) && (!d.to || d.to->contains(partner))) found.push_back(d.what);
    return found;
  };
  for (const auto& p : m.permits) {
    for (const auto& partner : m.parties) {
      if (partner == self) continue;
      if (p.from.contains(self) && p.to.contains(partner)) {
        Agreement a = base(partner);
        a.direction = Direction::kToPartner;
        a.collections.assign(p.collections.begin(), p.collections.end());
        a.types = p.types;
        a.highest_tlp = p.highest_tlp;
        a.highest_class = p.highest_class;
        a.categories = p.categories;
        a.caveats = p.caveats;
        a.sectors = p.sectors;
        a.communities = p.communities;
        a.purposes = p.purposes;
        a.onward = p.onward;
        a.anonymise_sightings = p.anonymise_sightings;
        a.red_to_persons = p.red_to_persons;
        a.denies = denials(partner);
        out.push_back(std::move(a));
      }
      if (p.to.contains(self) && p.from.contains(partner)) {
        Agreement a = base(partner);
        a.direction = Direction::kFromPartner;
        a.purposes = p.purposes;
        a.passes_on = p.passes_on.value_or(std::set<MemberId>{});
        a.widens = p.widens;
        a.tlp1_amber_is_amber = p.tlp1_amber_is_amber;
        a.personal_data_days = p.personal_data_days;
        out.push_back(std::move(a));
      }
    }
  }
  // What one agreement denies does not flow, whatever others permit: also where it permits this partner nothing itself.
  for (const auto& partner : m.parties) {
    if (partner == self || std::ranges::any_of(out, [&](const Agreement& a) {
          return a.partner == partner && a.direction == Direction::kToPartner;
        }))
      continue;
    Agreement a = base(partner);
    a.direction = Direction::kToPartner;
    a.denies = denials(partner);
    if (!a.denies.empty()) out.push_back(std::move(a));
  }
  return out;
}

}  // namespace bongsu::policy
