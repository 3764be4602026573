// Passkeys: logging in by one, adding and removing one's own. The ceremonies are identity/passkey.h.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/console/impl.h"
#include "base/bytes.h"

namespace bongsu::api {
namespace {

using console::text_json;

constexpr std::string_view kLogIn = "log in";
constexpr std::size_t kMaxFieldBytes = 128 * 1024;

std::string coded(std::string_view bytes) { return to_base64url(as_bytes(bytes)); }

Result<std::string> decoded(const Json& body, std::string_view field) {
  const auto text = string_at(body, field);
  auto bytes = text && text->size() <= kMaxFieldBytes ? from_base64url(*text)
                                                      : fail(ErrorCode::kInvalid, "is missing or too long");
  if (!bytes || bytes->empty())
    return fail(ErrorCode::kInvalid, "is bytes in base64url", {.field = std::string(field)});
  return bytes;
}

// One answer for whatever is wrong: what is known here is nobody's business.
std::unexpected<Error> nobodys() {
  return fail(ErrorCode::kUnauthenticated, "this passkey opens no account of this node");
}

std::unexpected<Error> unsupported(std::string_view why) { return fail(ErrorCode::kUnsupported, std::string(why)); }

}  // namespace

// Passkeys belong to the name under which browsers reach this node (`console.host`), and to no other: an address that
// somebody else's page shows is no name of ours.
Result<identity::RelyingParty> ConsoleApi::Impl::relying_party(const net::Request& request) const {
  if (deps.node.host.empty() || !deps.change_account)
    return unsupported("this node takes no passkeys; set console.host in its configuration");
  const std::string host(request.headers.get("Host").value_or(""));
  if (lowered(host.substr(0, host.rfind(':'))) != lowered(deps.node.host) && lowered(host) != lowered(deps.node.host))
    return fail(ErrorCode::kDenied,
                fmt::format("passkeys of this node belong to {}; open the console there", deps.node.host),
                {.field = "Host"});
  const std::string_view scheme = request.peer.tls_version.empty() ? "http://" : "https://";
  return identity::RelyingParty{.id = deps.node.host, .origin = std::string(scheme) + host};
}

// Without a name: the browser shows which passkeys it has for this host, and nobody learns which accounts there are.
Result<net::Response> ConsoleApi::Impl::passkey_challenge(net::Request& request) {
  BONGSU_TRY(const auto party, relying_party(request));
  return console::answer(200,
                         JsonObject{{"challenge", coded(challenges.issue(std::string(kLogIn)))},
                                    {"rp_id", text_json(party.id)},
                                    {"timeout_ms", std::chrono::milliseconds(identity::kChallengeLifetime).count()}});
}

Result<net::Response> ConsoleApi::Impl::log_in_by_passkey(net::Request& request) {
  const std::string address = address_of(request);
  if (!sessions.may_try(address)) return too_many_tries();
  BONGSU_TRY(const auto party, relying_party(request));
  BONGSU_TRY(const Json body, console::json_body(request));
  BONGSU_TRY(const std::string id, decoded(body, "id"));
  BONGSU_TRY(const std::string client_data, decoded(body, "client_data"));
  BONGSU_TRY(const std::string authenticator_data, decoded(body, "authenticator_data"));
  BONGSU_TRY(const std::string signature, decoded(body, "signature"));
  BONGSU_TRY(const std::string handle, decoded(body, "user_handle"));
  const auto refused = [&](std::string_view why) {
    sessions.failed(address);
    deps.log.warn("console.log_in_refused", {{"address", address}, {"by", "passkey"}, {"reason", why}});
    return nobodys();
  };
  const auto challenge = identity::challenge_of(client_data);
  if (!challenge || !challenges.take(*challenge, kLogIn)) return refused("the challenge is not open");
  // WebAuthn §7.2 steps 5 and 6: the credential is one of the account's that the user handle names.
  std::optional<identity::Account> account;
  for (auto& [_, one] : deps.accounts.accounts())
    if (!one.user_handle.empty() && one.user_handle == coded(handle)) account = std::move(one);
  if (!account) return refused("no such account");
  const auto known = std::ranges::find(account->passkeys, id, &identity::Passkey::id);
  if (known == account->passkeys.end()) return refused("no such passkey");
  const auto proven = identity::assert_passkey(party, *challenge, *known, client_data, authenticator_data, signature);
  if (!proven) return refused(proven.error().text());
  const auto who = principal(account->name);
  if (!who) return refused("the account is disabled or another member's");
  if (*proven != *known) {
    const auto kept =
        deps.change_account(account->name, "account.passkey_used", {}, [&](identity::Account& now) -> Result<void> {
          const auto same = std::ranges::find(now.passkeys, id, &identity::Passkey::id);
          // Somebody else logged in with the same counter meanwhile, or took the passkey away.
          if (same == now.passkeys.end() || same->counter != known->counter) return nobodys();
          *same = *proven;
          return {};
        });
    if (!kept) return refused(kept.error().text());
  }
  return signed_in(*who, address, "passkey");
}

Result<net::Response> ConsoleApi::Impl::passkeys(Call& call) {
  JsonArray list;
  if (const auto account = deps.accounts.find(call.caller.who.account))
    for (const auto& passkey : account->passkeys)
      list.push_back(JsonObject{{"id", coded(passkey.id)},
                                {"name", text_json(passkey.name)},
                                {"host", text_json(passkey.rp_id)},
                                {"added", text_json(passkey.added.text(3))},
                                {"backed_up", passkey.backed_up}});
  return console::answer(200, JsonObject{{"passkeys", std::move(list)},
                                         {"host", text_json(deps.change_account ? deps.node.host : std::string())},
                                         {"most", identity::kMaxPasskeysPerAccount}});
}

Result<net::Response> ConsoleApi::Impl::passkey_options(Call& call) {
  const std::string& name = call.caller.who.account;
  BONGSU_TRY(const auto party, relying_party(call.request));
  std::string handle;
  JsonArray exclude;
  const auto read = [&](const identity::Account& account) {
    handle = account.user_handle;
    exclude.clear();
    for (const auto& passkey : account.passkeys) exclude.push_back(text_json(coded(passkey.id)));
  };
  if (const auto account = deps.accounts.find(name)) read(*account);
  if (handle.empty()) {
    // WebAuthn §14.6.1: the handle says nothing of the person.
    BONGSU_TRY_VOID(
        deps.change_account(name, "account.passkey_handle", {}, [&](identity::Account& account) -> Result<void> {
          if (account.user_handle.empty()) {
            std::array<std::uint8_t, 32> bytes{};
            deps.random.fill(bytes);
            account.user_handle = to_base64url(bytes);
          }
          read(account);
          return {};
        }));
  }
  return console::answer(200,
                         JsonObject{{"challenge", coded(challenges.issue("register " + name))},
                                    {"rp_id", text_json(party.id)},
                                    {"rp_name", text_json(deps.node.title)},
                                    {"user_id", text_json(handle)},
                                    {"user_name", text_json(name)},
                                    {"algorithms", JsonArray{-7, -8, -257}},
                                    {"exclude", std::move(exclude)},
                                    {"timeout_ms", std::chrono::milliseconds(identity::kChallengeLifetime).count()}});
}

Result<net::Response> ConsoleApi::Impl::add_passkey(Call& call) {
  const std::string& name = call.caller.who.account;
  BONGSU_TRY(const auto party, relying_party(call.request));
  BONGSU_TRY(const Json body, console::json_body(call.request));
  const std::string title(string_at(body, "name").value_or(""));
  if (title.empty() || title.size() > identity::kMaxPasskeyNameBytes)
    return fail(ErrorCode::kInvalid,
                fmt::format("is 1 to {} bytes, to tell it from others", identity::kMaxPasskeyNameBytes),
                {.field = "name"});
  BONGSU_TRY(const std::string client_data, decoded(body, "client_data"));
  BONGSU_TRY(const std::string attestation_object, decoded(body, "attestation_object"));
  BONGSU_TRY(const std::string challenge, identity::challenge_of(client_data));
  if (!challenges.take(challenge, "register " + name))
    return fail(ErrorCode::kDenied, "the time for this is over; begin again", {.field = "client_data"});
  BONGSU_TRY(identity::Passkey passkey, identity::register_passkey(party, challenge, client_data, attestation_object));
  passkey.name = title;
  passkey.added = deps.clock.now();
  // §7.1: an id that another account has is refused. (Two that register one at a time: both go through this lock.)
  BONGSU_TRY_VOID(deps.change_account(
      name, "account.passkey_added", {{"passkey", text_json(title)}}, [&](identity::Account& account) -> Result<void> {
        for (const auto& [_, other] : deps.accounts.accounts())
          if (std::ranges::find(other.passkeys, passkey.id, &identity::Passkey::id) != other.passkeys.end())
            return fail(ErrorCode::kConflict, "this passkey is registered already", {.field = "attestation_object"});
        if (account.passkeys.size() >= identity::kMaxPasskeysPerAccount)
          return fail(ErrorCode::kConflict, "an account has at most ten passkeys; remove one first");
        account.passkeys.push_back(passkey);
        return {};
      }));
  return passkeys(call);
}

Result<net::Response> ConsoleApi::Impl::remove_passkey(Call& call, const std::string& id) {
  if (!deps.change_account) return unsupported("this node takes no passkeys");
  const auto raw = from_base64url(id);
  BONGSU_TRY_VOID(deps.change_account(
      call.caller.who.account, "account.passkey_removed", {}, [&](identity::Account& account) -> Result<void> {
        const auto removed =
            std::erase_if(account.passkeys, [&](const auto& passkey) { return raw && passkey.id == *raw; });
        if (removed == 0) return fail(ErrorCode::kNotFound, "there is no such passkey");
        return {};
      }));
  return passkeys(call);
}

}  // namespace bongsu::api
