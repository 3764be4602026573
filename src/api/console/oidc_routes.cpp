// Logging in at an OpenID provider (identity/oidc.h): the page is sent there, comes back with a code, and brings it
// here.
//
// The cookie that binds the answer to this browser is SameSite=Strict: the provider sends the browser to the page, and
// the page, which is this site's, sends the code.
#include <fmt/format.h>

#include "api/console/impl.h"

namespace bongsu::api {
namespace {

constexpr std::string_view kNobodys = "the provider vouches for nobody who has an account at this node";

}  // namespace

Result<net::Response> ConsoleApi::Impl::oidc_begin(net::Request& request) {
  const std::string address = address_of(request);
  if (!sessions.may_try(address)) return too_many_tries();
  if (deps.oidc == nullptr)
    return fail(ErrorCode::kUnsupported, "this node knows no OpenID provider; set oidc.issuer in its configuration");
  // The address that is registered at the provider: console.host and no other name.
  BONGSU_TRY(const auto party, relying_party(request));
  const auto begun = deps.oidc->begin(party.origin + "/");
  if (!begun) {
    deps.log.warn("console.oidc", {{"error", begun.error().text()}});
    return fail(ErrorCode::kUnavailable, "the OpenID provider cannot be asked now; the node's log says why");
  }
  auto response = console::answer(200, JsonObject{{"url", console::text_json(begun->url)}});
  response.headers.add("Set-Cookie", console::set_oidc_cookie(begun->binding, identity::kOidcLogInLifetime));
  return response;
}

Result<net::Response> ConsoleApi::Impl::log_in_by_oidc(net::Request& request) {
  const std::string address = address_of(request);
  if (!sessions.may_try(address)) return too_many_tries();
  if (deps.oidc == nullptr) return fail(ErrorCode::kUnsupported, "this node knows no OpenID provider");
  BONGSU_TRY(const Json body, console::json_body(request));
  const std::string header = request.headers.joined("Cookie");
  const auto account =
      deps.oidc->finish(console::oidc_cookie(header).value_or(""), string_at(body, "state").value_or(""),
                        string_at(body, "code").value_or(""), string_at(body, "iss"));
  const auto who = account ? principal(*account) : std::nullopt;
  if (!who) {
    sessions.failed(address);
    // Which claim failed, and never its value: a name that has no account is somebody's all the same.
    deps.log.warn(
        "console.log_in_refused",
        {{"address", address}, {"by", "oidc"}, {"reason", account ? "no such account" : account.error().text()}});
    if (!account && account.error().code != ErrorCode::kDenied)
      return fail(ErrorCode::kUnavailable, "the OpenID provider cannot be asked now; the node's log says why");
    return fail(ErrorCode::kUnauthenticated, std::string(kNobodys));
  }
  auto response = signed_in(*who, address, "oidc");
  response.headers.add("Set-Cookie", console::set_oidc_cookie("", std::chrono::seconds{0}));
  return response;
}

}  // namespace bongsu::api
