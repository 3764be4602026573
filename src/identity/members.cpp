#include "identity/members.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace bongsu::identity {
namespace {

constexpr std::string_view kInvitationPrefix = "bongsu-invite:1:";
constexpr std::size_t kMaxInvitationBytes = 4096;

bool is_lower_hex(std::string_view text, std::size_t size) {
  return text.size() == size &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string string_or_empty(const Json& json, std::string_view key) {
  return std::string(string_at(json, key).value_or(""));
}

// Titles come from partners and are shown to people: no control characters, no bidirectional tricks, of bounded length.
Result<std::string> title_at(const Json& json, std::string_view key) {
  std::string title = string_or_empty(json, key);
  if (title.size() > kMaxTitleBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("a title has at most {} bytes", kMaxTitleBytes),
                {.field = std::string(key)});
  const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  bool bad = std::ranges::any_of(title, control);
  for (std::string_view bidi :
       {"\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"})
    bad = bad || title.find(bidi) != std::string::npos;
  if (bad) return fail(ErrorCode::kInvalid, "a title has no control characters", {.field = std::string(key)});
  return title;
}

}  // namespace

bool is_member_id(std::string_view text) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 63 && alphanumeric(text[0]) &&
         std::ranges::all_of(text, [&](char c) { return alphanumeric(c) || c == '-'; });
}

bool is_link_url(std::string_view text) {
  constexpr std::string_view kScheme = "https://";
  if (!text.starts_with(kScheme) || text.size() > kMaxUrlBytes) return false;
  text.remove_prefix(kScheme.size());
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".:-_/[]~").find(c) != std::string_view::npos;
  });
}

Json Member::json() const {
  JsonObject out;
  out["id"] = id;
  out["title"] = title;
  out["country"] = country;
  out["link_url"] = link_url;
  out["ca_fingerprint"] = ca_fingerprint;
  out["certificate_fingerprint"] = certificate_fingerprint;
  out["ca_certificate_pem"] = ca_certificate_pem;
  out["signing_key"] = signing_key;
  out["paired"] = paired.text();
  out["confirmed"] = confirmed;
  out["stopped"] = stopped;
  return out;
}

Result<Member> Member::parse(const Json& json) {
  Member member;
  member.id = string_or_empty(json, "id");
  if (!is_member_id(member.id))
    return fail(ErrorCode::kInvalid, "a member's id is 1 to 63 of a-z, 0-9, '-', beginning with a letter or digit",
                {.field = "id"});
  BONGSU_TRY(member.title, title_at(json, "title"));
  member.country = string_or_empty(json, "country");
  const auto letter = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (!member.country.empty() && (member.country.size() != 2 || !std::ranges::all_of(member.country, letter)))
    return fail(ErrorCode::kInvalid, "a country is two capital letters (ISO 3166-1)", {.field = "country"});
  member.link_url = string_or_empty(json, "link_url");
  if (!member.link_url.empty() && !is_link_url(member.link_url))
    return fail(ErrorCode::kInvalid, "a link's URL is https://host:port", {.field = "link_url"});
  member.ca_fingerprint = string_or_empty(json, "ca_fingerprint");
  member.certificate_fingerprint = string_or_empty(json, "certificate_fingerprint");
  for (const auto& [key, value] : {std::pair{"ca_fingerprint", &member.ca_fingerprint},
                                   std::pair{"certificate_fingerprint", &member.certificate_fingerprint}})
    if (!value->empty() && !is_lower_hex(*value, 64))
      return fail(ErrorCode::kInvalid, "a fingerprint is a SHA-256 in lower-case hexadecimal", {.field = key});
  member.ca_certificate_pem = string_or_empty(json, "ca_certificate_pem");
  if (member.ca_certificate_pem.size() > kMaxCertificateBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("a certificate has at most {} bytes", kMaxCertificateBytes),
                {.field = "ca_certificate_pem"});
  member.signing_key = string_or_empty(json, "signing_key");
  if (!member.signing_key.empty() && !is_lower_hex(member.signing_key, 64))
    return fail(ErrorCode::kInvalid, "an Ed25519 public key is 32 bytes in lower-case hexadecimal",
                {.field = "signing_key"});
  const auto paired = Instant::parse(string_or_empty(json, "paired"));
  if (!paired) return fail(ErrorCode::kInvalid, "must be an RFC 3339 time", {.field = "paired"});
  member.paired = *paired;
  for (const auto& [key, value] : {std::pair{"confirmed", &member.confirmed}, std::pair{"stopped", &member.stopped}}) {
    const Json* flag = find(json, key);
    // A stop that cannot be read must not become a release.
    if (flag && !flag->is_bool()) return fail(ErrorCode::kInvalid, "must be true or false", {.field = key});
    *value = flag && flag->get_bool();
  }
  return member;
}

std::string Invitation::text() const {
  JsonObject out;
  out["inviter"] = inviter;
  out["title"] = title;
  out["url"] = link_url;
  out["ca"] = ca_fingerprint;
  out["token"] = token;
  out["expires"] = expires.text(0);
  return std::string(kInvitationPrefix) + to_base64url(as_bytes(to_text(out)));
}

Result<Invitation> Invitation::parse(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  // Mail programs wrap long lines and people copy the break with it: white space anywhere is dropped.
  std::string line;
  if (text.size() > kMaxInvitationBytes) return fail(ErrorCode::kTooLarge, "too long for an invitation");
  std::ranges::copy_if(text, std::back_inserter(line), [&](char c) { return !blank(c); });
  if (!line.starts_with(kInvitationPrefix))
    return fail(ErrorCode::kInvalid, "not an invitation: it begins with \"bongsu-invite:1:\"");
  const auto body = from_base64url(std::string_view(line).substr(kInvitationPrefix.size()));
  if (!body) return fail(ErrorCode::kInvalid, "the invitation is damaged: copy the whole line again");
  const auto json = parse_json(*body);
  if (!json) return fail(ErrorCode::kInvalid, "the invitation is damaged: copy the whole line again");
  Invitation invitation;
  invitation.inviter = string_or_empty(*json, "inviter");
  if (!is_member_id(invitation.inviter)) return fail(ErrorCode::kInvalid, "is not a member's id", {.field = "inviter"});
  BONGSU_TRY(invitation.title, title_at(*json, "title"));
  invitation.link_url = string_or_empty(*json, "url");
  if (!is_link_url(invitation.link_url))
    return fail(ErrorCode::kInvalid, "a link's URL is https://host:port", {.field = "url"});
  invitation.ca_fingerprint = string_or_empty(*json, "ca");
  if (!is_lower_hex(invitation.ca_fingerprint, 64))
    return fail(ErrorCode::kInvalid, "a fingerprint is a SHA-256 in lower-case hexadecimal", {.field = "ca"});
  invitation.token = string_or_empty(*json, "token");
  if (invitation.token.size() < 16 || invitation.token.size() > 256)
    return fail(ErrorCode::kInvalid, "a token has 16 to 256 characters", {.field = "token"});
  const auto expires = Instant::parse(string_or_empty(*json, "expires"));
  if (!expires) return fail(ErrorCode::kInvalid, "must be an RFC 3339 time", {.field = "expires"});
  invitation.expires = *expires;
  return invitation;
}

}  // namespace bongsu::identity
