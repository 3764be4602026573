#include "cli/agreement_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/config.h"
#include "base/random.h"
#include "base/text.h"
#include "base/uuid.h"
#include "cli/signed_files.h"
#include "cli/terminal.h"
#include "node/data_dir.h"
#include "policy/memorandum.h"

namespace bongsu::cli {
namespace {

using policy::SignedMemorandum;

Result<std::string> read_text(const std::string& file) {
  return read_document(file, policy::kMaxSignedMemorandumBytes);
}

bool is_json(std::string_view text) { return trim(text).starts_with('{'); }

// TOML that nobody signed yet, or a container.
Result<SignedMemorandum> read_agreement(const std::string& file) {
  BONGSU_TRY(const std::string text, read_text(file));
  return in_file(is_json(text) ? policy::parse_signed_memorandum(text, file) : policy::unsigned_memorandum(text, file),
                 file);
}

Result<policy::Memorandum> make_draft(const AgreementDraftOptions& o) {
  SystemRandom random;
  const Instant now{SystemClock().now().seconds, 0};
  policy::Memorandum m;
  const auto until = [&](const std::string& text) -> Result<void> {
    if (const auto at = Instant::parse(text)) {
      m.valid_until = {at->seconds, 0};
      return {};
    }
    BONGSU_TRY(const auto span, parse_duration(text));
    m.valid_until = now + span;
    return {};
  };
  if (!o.from.empty()) {
    if (!o.parties.empty() || !o.charter.empty())
      return fail(ErrorCode::kInvalid, "a next version has the parties and the charter of the one before",
                  {.field = o.parties.empty() ? "--charter" : "--party"});
    BONGSU_TRY(const SignedMemorandum before, read_agreement(o.from));
    m = before.terms;
    m.previous = before.digest();
    ++m.version;
    if (!o.title.empty()) m.title = o.title;
    if (!o.until.empty()) BONGSU_TRY_VOID(until(o.until));
    if (o.notice_days) m.notice_days = *o.notice_days;
    return policy::parse_memorandum(policy::to_toml(m), "the draft");
  }
  m.id = Uuid::random(random).text();
  m.charter = o.charter;
  m.parties.insert(o.parties.begin(), o.parties.end());
  m.title = o.title.empty() ? "Exchange of cyber threat information" : o.title;
  m.valid_from = now;
  m.notice_days = o.notice_days.value_or(90);
  BONGSU_TRY_VOID(until(o.until.empty() ? "365d" : o.until));
  // A careful beginning: indicators up to GREEN from each to the others; people change it.
  for (const auto& from : m.parties) {
    policy::PermitClause p;
    p.from = {from};
    p.to = m.parties;
    p.to.erase(from);
    p.collections = {"shared", "sightings"};
    p.types = {"indicator", "sighting"};
    m.permits.push_back(std::move(p));
  }
  return policy::parse_memorandum(policy::to_toml(m), "the draft");
}

struct Signer {
  std::string member;
  crypto::SigningKey key;
};
Result<Signer> signer_of(const AgreementSignOptions& o) {
  if (!o.key.empty()) {
    if (o.member.empty())
      return fail(ErrorCode::kInvalid, "--key needs --member: whose key it is", {.field = "member"});
    BONGSU_TRY(auto key, read_key_file(o.key));
    return Signer{o.member, std::move(key)};
  }
  const node::DataDir directory{o.data};
  if (!directory.exists())
    return fail(ErrorCode::kNotFound, "there is no node; name a key with --key and --member", {.source = o.data});
  BONGSU_TRY(const auto config, directory.config());
  BONGSU_TRY(auto keys, directory.keys());
  return Signer{config.member, std::move(keys.signing)};
}

struct Signatures {
  std::string line;  // "cert-lt: signed, cert-ua: not yet"
  bool hold = true;  // those that are there
};
// By the keys in the document itself; whose keys those are, the charter tells.
Signatures signatures_of(const SignedMemorandum& document) {
  Signatures out;
  std::map<std::string, std::string_view> said;
  for (const auto& party : document.terms.parties) said[party] = "not yet";
  for (const auto& s : document.signatures) {
    std::string_view& word = said[s.member];
    if (!document.terms.parties.contains(s.member))
      word = "signs, but is NO PARTY";
    else if (!policy::holds(document, s))
      word = "DOES NOT HOLD";
    else if (word == "not yet")
      word = "signed";
    if (word != "signed") out.hold = false;
  }
  for (const auto& [member, word] : said)
    out.line += fmt::format("{}{}: {}", out.line.empty() ? "" : ", ", member, word);
  for (const auto& n : document.notices) {
    const bool good = document.terms.parties.contains(n.by) && policy::holds(document, n);
    if (!good) out.line += fmt::format(", notice by {}: DOES NOT HOLD", n.by);
    out.hold = out.hold && good;
  }
  return out;
}

// Sentences of either form, for explain and diff.
struct Read {
  std::optional<SignedMemorandum> memorandum;
  std::optional<policy::Agreement> local;
};
Result<Read> read_either(const std::string& file) {
  BONGSU_TRY(const std::string text, read_text(file));
  Read out;
  if (is_json(text) || policy::is_memorandum(text)) {
    BONGSU_TRY(out.memorandum, in_file(is_json(text) ? policy::parse_signed_memorandum(text, file)
                                                     : policy::unsigned_memorandum(text, file),
                                       file));
  } else {
    BONGSU_TRY(out.local, policy::parse_agreement(text, file));
  }
  return out;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

int run_agreement_draft(const AgreementDraftOptions& o, std::FILE* out, std::FILE* err) {
  const auto draft = make_draft(o);
  if (!draft) return trouble(draft.error(), o.json, err);
  if (const auto written = write_document(o.out, policy::to_toml(*draft), out); !written)
    return trouble(written.error(), o.json, err);
  return kExitOk;
}

int run_agreement_sign(const AgreementSignOptions& o, std::FILE* out, std::FILE* err) {
  const auto done = [&]() -> Result<SignedMemorandum> {
    BONGSU_TRY(SignedMemorandum document, read_agreement(o.file));
    BONGSU_TRY(const Signer signer, signer_of(o));
    if (o.notice)
      BONGSU_TRY_VOID(policy::give_notice(document, signer.member, SystemClock().now(), signer.key));
    else
      BONGSU_TRY_VOID(policy::sign_memorandum(document, signer.member, signer.key));
    BONGSU_TRY_VOID(write_document(o.out, document.text(), out));
    return document;
  }();
  if (!done) return trouble(done.error(), o.json, err);
  const Signatures signatures = signatures_of(*done);
  if (!o.json) {
    fmt::print(err, "{}\n", for_terminal(signatures.line));
    if (o.notice) fmt::print(err, "It ends at {}.\n", policy::end_of(*done).text(0));
  }
  return signatures.hold ? kExitOk : kExitNo;
}

int run_agreement_merge(const AgreementFilesOptions& o, std::FILE* out, std::FILE* err) {
  std::optional<SignedMemorandum> all;
  for (const auto& file : o.files) {
    auto document = read_agreement(file);
    if (document && all) document = in_file(policy::merge_memoranda(*all, *document), file);
    if (!document) return trouble(document.error(), o.json, err);
    all = std::move(*document);
  }
  if (!all) return trouble({.code = ErrorCode::kInvalid, .message = "needs files to merge", .where = {}}, o.json, err);
  if (const auto written = write_document(o.out, all->text(), out); !written)
    return trouble(written.error(), o.json, err);
  const Signatures signatures = signatures_of(*all);
  if (!o.json) fmt::print(err, "{}\n", for_terminal(signatures.line));
  return signatures.hold ? kExitOk : kExitNo;
}

int run_agreement_explain(const AgreementFilesOptions& o, std::FILE* out, std::FILE* err) {
  const auto read = read_either(o.files.front());
  if (!read) return trouble(read.error(), o.json, err);
  if (!o.charter.empty() && !read->memorandum)
    return trouble({ErrorCode::kInvalid, "a local agreement has no signatures", {.field = "--charter"}}, o.json, err);
  Signatures signatures;
  if (read->memorandum) signatures = signatures_of(*read->memorandum);
  if (!o.charter.empty()) {
    const auto text = read_document(o.charter, policy::kMaxCharterBytes);
    const auto charter = text ? in_file(policy::parse_signed_charter(*text), o.charter)
                              : Result<policy::SignedCharter>(std::unexpected(text.error()));
    if (!charter) return trouble(charter.error(), o.json, err);
    const auto good = policy::verify_memorandum(*read->memorandum, charter->charter);
    signatures = {.line = good ? "signed by every party" : "DO NOT HOLD: " + good.error().message,
                  .hold = good.has_value()};
  }
  const std::string words = read->memorandum ? policy::explain(read->memorandum->terms) : policy::explain(*read->local);
  const int exit = signatures.hold ? kExitOk : kExitNo;
  if (o.json) {
    JsonObject answer{{"explained", words}, {"signed_form", read->memorandum.has_value()}};
    if (read->memorandum) {
      answer["digest"] = read->memorandum->digest();
      answer["agreement"] = read->memorandum->terms.id;
      answer["version"] = read->memorandum->terms.version;
      answer["signatures"] = signatures.line;
      answer["signatures_hold"] = signatures.hold;
    }
    if (!o.charter.empty()) answer["verified"] = signatures.hold;
    fmt::print(out, "{}\n", to_text(answer));
    return exit;
  }
  fmt::print(out, "{}", for_terminal(words));
  if (!read->memorandum) return exit;
  fmt::print(out, "\nDigest {}\nSignatures: {}\n", read->memorandum->digest(), for_terminal(signatures.line));
  if (o.charter.empty() && !read->memorandum->signatures.empty())
    fmt::print(out, "(by the keys in the file; whose they are, --charter tells)\n");
  return exit;
}

int run_agreement_diff(const AgreementFilesOptions& o, std::FILE* out, std::FILE* err) {
  const auto before = read_either(o.files.at(0)), after = read_either(o.files.at(1));
  if (!before) return trouble(before.error(), o.json, err);
  if (!after) return trouble(after.error(), o.json, err);
  if (before->memorandum.has_value() != after->memorandum.has_value())
    return trouble({.code = ErrorCode::kInvalid,
                    .message = "one is a local agreement and the other a signed one",
                    .where = {.source = o.files.at(1)}},
                   o.json, err);
  std::vector<std::string> lines;
  if (before->memorandum) {
    lines = policy::differences(before->memorandum->terms, after->memorandum->terms);
  } else {
    const auto was = lines_of(policy::explain(*before->local)), is = lines_of(policy::explain(*after->local));
    for (const auto& line : was)
      if (std::ranges::find(is, line) == is.end()) lines.push_back("- " + line);
    for (const auto& line : is)
      if (std::ranges::find(was, line) == was.end()) lines.push_back("+ " + line);
  }
  if (o.json) {
    JsonArray list;
    for (const auto& line : lines) list.emplace_back(line);
    fmt::print(out, "{}\n", to_text(JsonObject{{"differences", std::move(list)}}));
  } else {
    for (const auto& line : lines) fmt::print(out, "{}\n", for_terminal(line));
    if (lines.empty()) fmt::print(out, "They say the same.\n");
  }
  return lines.empty() ? kExitOk : kExitNo;
}

}  // namespace bongsu::cli
