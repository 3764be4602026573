#include "cli/charter_commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/config.h"
#include "base/random.h"
#include "base/text.h"
#include "base/uuid.h"
#include "cli/ask.h"
#include "cli/signed_files.h"
#include "cli/terminal.h"
#include "node/data_dir.h"
#include "policy/charter_trust.h"
#include "policy/charter_words.h"

namespace bongsu::cli {
namespace {

using policy::Charter;
using policy::SignedCharter;

Result<SignedCharter> read_charter(const std::string& file) {
  BONGSU_TRY(const std::string text, read_document(file, policy::kMaxCharterBytes));
  return in_file(policy::parse_signed_charter(text), file);
}

// "name=value" at its first '='.
Result<std::pair<std::string, std::string>> split(const std::string& text, std::string_view flag, char mark = '=') {
  const std::size_t at = text.find(mark);
  if (at == std::string::npos || at == 0)
    return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is not of the form NAME{}VALUE", text, mark),
                {.field = std::string(flag)});
  return std::pair{text.substr(0, at), text.substr(at + 1)};
}

std::set<std::string> comma_set(std::string_view text) {
  std::set<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    if (end > 0) out.emplace(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

Result<std::uint8_t> rank_of(const std::string& text, std::string_view flag) {
  const auto rank = policy::parse_reference_rank(text);
  if (!rank)
    return fail(ErrorCode::kInvalid,
                fmt::format("\"{}\" is not one of {}", text, fmt::join(policy::kReferenceRanks, ", ")),
                {.field = std::string(flag)});
  return *rank;
}

Result<Instant> time_from(const std::string& text, Instant from, std::string_view flag) {
  if (const auto at = Instant::parse(text)) return Instant{at->seconds, 0};
  const auto span = parse_duration(text);
  if (!span)
    return fail(ErrorCode::kInvalid,
                fmt::format("\"{}\" is neither a time (2028-01-01T00:00:00Z) nor a span (365d)", text),
                {.field = std::string(flag)});
  return Instant{(from + *span).seconds, 0};
}

Result<void> edit_sponsors(Charter& draft, const CharterDraftOptions& o) {
  for (const auto& text : o.sponsors) {
    BONGSU_TRY(const auto named, split(text, "sponsor"));
    const std::size_t mark = named.second.find('=');
    const std::string file = named.second.substr(0, mark);
    BONGSU_TRY(const std::string content, read_document(file, 4096));
    const std::string key = std::string(trim(content));
    policy::CharterSponsor sponsor{.nation = named.first,
                                   .title = mark == std::string::npos ? named.first : named.second.substr(mark + 1),
                                   .keys = {key}};
    const auto at = std::ranges::find(draft.sponsors, named.first, &policy::CharterSponsor::nation);
    if (at != draft.sponsors.end()) {
      if (mark == std::string::npos) sponsor.title = at->title;
      *at = std::move(sponsor);
    } else {
      draft.sponsors.push_back(std::move(sponsor));
    }
  }
  for (const auto& nation : o.dropped_sponsors)
    if (std::erase_if(draft.sponsors, [&](const auto& s) { return s.nation == nation; }) == 0)
      return fail(ErrorCode::kNotFound, fmt::format("{} is no sponsor", nation), {.field = "drop-sponsor"});
  std::ranges::sort(draft.sponsors, {}, &policy::CharterSponsor::nation);
  if (o.threshold > 0) draft.threshold = o.threshold;
  return {};
}

Result<policy::CharterMember*> member_at(Charter& draft, const std::string& id) {
  const auto at = draft.members.find(id);
  if (at == draft.members.end())
    return fail(ErrorCode::kNotFound, fmt::format("there is no member \"{}\" in the draft", id));
  return &at->second;
}

Result<void> edit_members(Charter& draft, const CharterDraftOptions& o) {
  BONGSU_TRY(const std::uint8_t clearance, rank_of(o.clearance, "clearance"));
  policy::Probation probation;
  BONGSU_TRY(probation.until, time_from(o.probation, draft.issued, "probation"));
  BONGSU_TRY(probation.highest_rank, rank_of(o.ceiling_rank, "ceiling-rank"));
  const auto tlp = stix::parse_tlp(o.ceiling_tlp);
  if (!tlp || *tlp > stix::Tlp::kAmberStrict)
    return fail(ErrorCode::kInvalid, "is one of clear, green, amber, amber+strict", {.field = "ceiling-tlp"});
  probation.highest_tlp = *tlp;
  for (const auto& file : o.admit) {
    BONGSU_TRY(const std::string text, read_document(file, policy::kMaxCharterBytes));
    BONGSU_TRY(const auto application, in_file(policy::CharterApplication::parse(text), file));
    BONGSU_TRY_VOID(in_file(policy::admit_member(draft, application, probation, clearance, {}), file));
  }
  for (const auto& id : o.remove) BONGSU_TRY_VOID(policy::remove_member(draft, id));
  for (const auto& text : o.clearances) {
    BONGSU_TRY(const auto named, split(text, "member-clearance"));
    BONGSU_TRY(policy::CharterMember * member, member_at(draft, named.first));
    BONGSU_TRY(member->clearance, rank_of(named.second, "member-clearance"));
  }
  for (const auto& text : o.member_communities) {
    BONGSU_TRY(const auto named, split(text, "member-communities"));
    BONGSU_TRY(policy::CharterMember * member, member_at(draft, named.first));
    member->communities = comma_set(named.second);
  }
  return {};
}

Result<void> edit_sets(Charter& draft, const CharterDraftOptions& o) {
  SystemRandom random;
  for (const auto& text : o.groups) {
    BONGSU_TRY(const auto named, split(text, "group"));
    const std::size_t mark = named.first.find('@');
    policy::GroupVersion version{.valid_from = draft.issued, .members = comma_set(named.second)};
    if (mark != std::string::npos) {
      BONGSU_TRY(version.valid_from, time_from(named.first.substr(mark + 1), draft.issued, "group"));
    }
    auto& group = draft.groups[named.first.substr(0, mark)];
    if (group.id.empty()) group.id = Uuid::random(random).text();
    std::erase_if(group.versions, [&](const auto& v) { return v.valid_from == version.valid_from; });
    group.versions.push_back(std::move(version));
    std::ranges::sort(group.versions, {}, &policy::GroupVersion::valid_from);
  }
  for (const auto& text : o.equivalences) {
    const std::size_t equals = text.rfind('=');
    const std::size_t first = text.find('/'), second = first == std::string::npos ? first : text.find('/', first + 1);
    const auto kind = second == std::string::npos
                          ? std::nullopt
                          : policy::parse_member_kind(text.substr(first + 1, second - first - 1));
    if (equals == std::string::npos || !kind || equals < second)
      return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is not of the form NATION/KIND/MARKING=RANK", text),
                  {.field = "equivalence"});
    BONGSU_TRY(const std::uint8_t rank, rank_of(text.substr(equals + 1), "equivalence"));
    draft.equivalences[{text.substr(0, first), *kind, text.substr(second + 1, equals - second - 1)}] = rank;
  }
  return {};
}

Result<Charter> make_draft(const CharterDraftOptions& o) {
  if (o.from.empty() == o.fresh.empty()) return fail(ErrorCode::kInvalid, "needs one of --from FILE and --new NAME");
  const SystemClock clock;
  Instant issued = clock.now();
  if (!o.issued.empty()) {
    BONGSU_TRY(issued, time_from(o.issued, issued, "issued"));
  }
  issued.nanos = 0;
  BONGSU_TRY(const Instant expires, time_from(o.expires, issued, "expires"));
  Charter draft;
  if (o.from.empty()) {
    draft.id = o.fresh;
    draft.title = o.fresh;
    draft.issued = issued;
    draft.expires = expires;
  } else {
    BONGSU_TRY(const SignedCharter current, read_charter(o.from));
    draft = policy::next_version(current.charter, issued, expires);
  }
  if (!o.title.empty()) draft.title = o.title;
  BONGSU_TRY_VOID(edit_sponsors(draft, o));
  for (const auto& text : o.communities) {
    BONGSU_TRY(const auto named, split(text, "community"));
    draft.communities[named.first] = named.second;
  }
  BONGSU_TRY_VOID(edit_members(draft, o));
  BONGSU_TRY_VOID(edit_sets(draft, o));
  return Charter::parse(draft.json());  // whatever would be refused is not given out to sign
}

void say_state(std::FILE* out, const SignedCharter& document) {
  const auto count = policy::count_sponsors(document.charter, document);
  fmt::print(out, "Digest {}\n       {}\n", document.charter.digest(),
             crypto::spoken_fingerprint(document.charter.digest()));
  fmt::print(out, "Signed by {} of {} needed sponsors{}\n", count.nations.size(), count.needed,
             count.nations.empty() ? std::string() : fmt::format(": {}", fmt::join(count.nations, ", ")));
  if (count.broken > 0) fmt::print(out, "Take care: {} signature(s) of sponsors do not fit this text.\n", count.broken);
  if (count.foreign > 0)
    fmt::print(out, "{} signature(s) by keys that are no sponsor's of this version (perhaps of the one before)\n",
               count.foreign);
}

JsonObject state_json(const SignedCharter& document) {
  const auto count = policy::count_sponsors(document.charter, document);
  JsonArray nations;
  for (const auto& nation : count.nations) nations.emplace_back(nation);
  return {{"charter", document.charter.id},
          {"version", document.charter.version},
          {"digest", document.charter.digest()},
          {"spoken_digest", crypto::spoken_fingerprint(document.charter.digest())},
          {"signed_by", std::move(nations)},
          {"needed", count.needed},
          {"enough", count.enough()},
          {"broken_signatures", count.broken},
          {"foreign_signatures", count.foreign}};
}

// Writes the document and says where it stands: on `err`, so that standard output can be the document.
int give_out(const SignedCharter& document, const std::string& to, bool json, std::FILE* out, std::FILE* err) {
  if (const auto written = write_document(to, document.text(), out); !written)
    return trouble(written.error(), json, err);
  if (json && to != "-")
    fmt::print(out, "{}\n", to_text(state_json(document)));
  else if (!json)
    say_state(err, document);
  return kExitOk;
}

}  // namespace

int run_charter_key(const CharterKeyOptions& o, std::FILE* out, std::FILE* err) {
  const auto made = make_key_file(o.file);
  if (!made) return trouble(made.error(), false, err);
  fmt::print(out, "{}\n", to_hex(as_bytes(made->public_key)));
  fmt::print(err, "The private key is in {} (keep it off line), the public one in {}.pub.\n", o.file, o.file);
  return kExitOk;
}

int run_charter_draft(const CharterDraftOptions& o, std::FILE* out, std::FILE* err) {
  const auto draft = make_draft(o);
  if (!draft) return trouble(draft.error(), o.json, err);
  return give_out({.charter = *draft, .signatures = {}}, o.out, o.json, out, err);
}

int run_charter_sign(const CharterSignOptions& o, std::FILE* out, std::FILE* err) {
  auto document = read_charter(o.file);
  if (!document) return trouble(document.error(), o.json, err);
  const auto key = read_key_file(o.key);
  if (!key) return trouble(key.error(), o.json, err);
  if (const auto done = policy::sign_charter(*document, *key); !done) return trouble(done.error(), o.json, err);
  return give_out(*document, o.out.empty() ? o.file : o.out, o.json, out, err);
}

int run_charter_merge(const CharterMergeOptions& o, std::FILE* out, std::FILE* err) {
  std::optional<SignedCharter> all;
  for (const auto& file : o.files) {
    auto document = read_charter(file);
    if (document && all) document = in_file(policy::merge_signatures(*all, *document), file);
    if (!document) return trouble(document.error(), o.json, err);
    all = std::move(*document);
  }
  if (!all) return trouble({.code = ErrorCode::kInvalid, .message = "needs files to merge", .where = {}}, o.json, err);
  return give_out(*all, o.out, o.json, out, err);
}

int run_charter_show(const CharterShowOptions& o, std::FILE* out, std::FILE* err) {
  const auto document = read_charter(o.file);
  if (!document) return trouble(document.error(), o.json, err);
  std::vector<std::string> lines;
  if (!o.since.empty()) {
    const auto before = read_charter(o.since);
    if (!before) return trouble(before.error(), o.json, err);
    lines = policy::changes(before->charter, document->charter);
  }
  if (o.json) {
    JsonObject answer = state_json(*document);
    answer["document"] = document->charter.json();
    if (!o.since.empty()) {
      JsonArray changed;
      for (const auto& line : lines) changed.emplace_back(line);
      answer["changes"] = std::move(changed);
    }
    fmt::print(out, "{}\n", to_text(answer));
    return kExitOk;
  }
  if (o.since.empty())
    fmt::print(out, "{}", for_terminal(policy::explain(document->charter)));
  else if (lines.empty())
    fmt::print(out, "Nothing but version and times changes.\n");
  for (const auto& line : lines) fmt::print(out, "{}\n", for_terminal(line));
  say_state(out, *document);
  return kExitOk;
}

int run_charter_verify(const CharterVerifyOptions& o, std::FILE* out, std::FILE* err) {
  Instant now = SystemClock().now();
  if (!o.at.empty()) {
    const auto at = Instant::parse(o.at);
    if (!at)
      return trouble(
          {.code = ErrorCode::kInvalid, .message = "is a time: 2027-01-01T00:00:00Z", .where = {.field = "at"}}, o.json,
          err);
    now = *at;
  }
  std::vector<SignedCharter> chain;
  for (const auto& file : o.files) {
    auto document = read_charter(file);
    if (!document) return trouble(document.error(), o.json, err);
    chain.push_back(std::move(*document));
  }
  if (chain.empty()) return trouble({.code = ErrorCode::kInvalid, .message = "needs a file", .where = {}}, o.json, err);
  const auto digest = o.digest.empty() ? Result<std::string>(chain.front().charter.digest())
                                       : digest_of(chain.front().charter.digest(), o.digest);
  // The first one may have expired when later ones follow: it is looked at as of its own time.
  const Instant first = chain.size() > 1 ? chain.front().charter.issued : now;
  auto trusted = digest ? policy::trust_first(chain.front(), *digest, first) : std::unexpected(digest.error());
  if (trusted) trusted = policy::advance(*trusted, std::span(chain).subspan(1), now);
  if (!trusted) {
    if (o.json)
      fmt::print(
          out, "{}\n",
          to_text(JsonObject{
              {"verified", false}, {"refusal", trusted.error().where.field}, {"message", trusted.error().message}}));
    else
      fmt::print(out, "Refused: {}\n", for_terminal(trusted.error().message));
    return kExitNo;
  }
  if (o.json) {
    JsonObject answer = state_json(trusted->document);
    answer["verified"] = true;
    fmt::print(out, "{}\n", to_text(answer));
    return kExitOk;
  }
  fmt::print(out, "Verified: {} version {}, until {}.\n", trusted->charter().id, trusted->charter().version,
             trusted->charter().expires.text(0));
  say_state(out, trusted->document);
  if (o.digest.empty())
    fmt::print(
        out,
        "Compare the digest with a sponsor by voice: that it is signed says only that its own sponsors signed it.\n");
  return kExitOk;
}

int run_charter_invite(const CharterInviteOptions& o, std::FILE* out, std::FILE* err) {
  const auto made = [&]() -> Result<std::string> {
    BONGSU_TRY(const crypto::SigningKey key, read_key_file(o.key));
    BONGSU_TRY(const Instant expires, time_from(o.lifetime, SystemClock().now(), "lifetime"));
    std::string charter = o.charter;
    BONGSU_TRY(const auto invitation, policy::invite_member({.charter = charter,
                                                             .member = o.member,
                                                             .nation = o.nation,
                                                             .kind = o.kind,
                                                             .role = o.role,
                                                             .sponsor = o.sponsor,
                                                             .expires = expires,
                                                             .key = "",
                                                             .signature = ""},
                                                            key));
    return to_pretty_text(invitation.json()) + "\n";
  }();
  if (!made) return trouble(made.error(), o.json, err);
  if (const auto written = write_document(o.out, *made, out); !written) return trouble(written.error(), o.json, err);
  return kExitOk;
}

int run_charter_apply(const CharterApplyOptions& o, std::FILE* out, std::FILE* err) {
  const auto made = [&]() -> Result<std::string> {
    const node::DataDir directory{o.data};
    if (!directory.exists()) return fail(ErrorCode::kNotFound, "there is no node", {.source = o.data});
    BONGSU_TRY(const auto config, directory.config());
    BONGSU_TRY(const auto keys, directory.keys());
    BONGSU_TRY(const auto ca, crypto::read_certificate(keys.ca.certificate_pem));
    policy::CharterApplication application{.charter = o.charter,
                                           .member = config.member,
                                           .nation = o.nation.empty() ? lowered(config.country) : o.nation,
                                           .title = !o.title.empty()       ? o.title
                                                    : config.title.empty() ? config.member
                                                                           : config.title,
                                           .ca_fingerprint = ca.fingerprint,
                                           .identity = o.identity,
                                           .keys = {},
                                           .proofs = {},
                                           .invitation = std::nullopt};
    if (!o.invitation.empty()) {
      BONGSU_TRY(const std::string text, read_document(o.invitation, 64 * 1024));
      BONGSU_TRY(const Json json, in_file(parse_json(text), o.invitation));
      BONGSU_TRY(application.invitation, in_file(policy::CharterInvitation::parse(json, ""), o.invitation));
      if (application.invitation->member != config.member)
        return fail(ErrorCode::kInvalid,
                    fmt::format("invites {}, and this node is {}", application.invitation->member, config.member),
                    {.source = o.invitation});
    } else {
      const auto kind = policy::parse_member_kind(o.kind);
      const auto role = policy::parse_member_role(o.role);
      if (!kind) return fail(ErrorCode::kInvalid, "is one of civil, military, operator", {.field = "kind"});
      if (!role)
        return fail(ErrorCode::kInvalid, "is one of sponsoring-nation, contributing-participant, observer",
                    {.field = "role"});
      application.kind = *kind;
      application.role = *role;
    }
    BONGSU_TRY(const auto signed_application, policy::apply_for_membership(std::move(application), keys.signing));
    return signed_application.text();
  }();
  if (!made) return trouble(made.error(), o.json, err);
  if (const auto written = write_document(o.out, *made, out); !written) return trouble(written.error(), o.json, err);
  return kExitOk;
}

int run_charter_accept(const Common& common, const std::vector<std::string>& files, const std::string& digest,
                       const std::string& reason) {
  JsonArray documents;
  for (const auto& file : files) {
    const auto document = read_charter(file);
    if (!document) return report(document.error(), common.json);
    documents.emplace_back(document->text());
  }
  return ask(common, "PUT", "/charter", JsonObject{{"documents", std::move(documents)}, {"digest", digest}, {"reason", reason}},
             [](const Json& answer) {
               say(fmt::format("The charter {} is in force in version {}, until {}.", text_of(answer, "charter"),
                               int_at(answer, "version").value_or(0), text_of(answer, "expires")));
               hint("Agreements need the signatures of both parties now: bongsu agreement sign FILE");
             });
}

int run_charter_status(const Common& common) {
  return ask(common, "GET", "/charter", nullptr, [](const Json& answer) {
    say(text_of(answer, "explained"));
    say(fmt::format("Digest {}\n       {}", text_of(answer, "digest"), text_of(answer, "spoken_digest")));
    if (const auto trouble = text_of(answer, "trouble"); !trouble.empty()) say("NOT IN FORCE: " + trouble);
  });
}

}  // namespace bongsu::cli
