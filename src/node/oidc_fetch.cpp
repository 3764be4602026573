#include "node/oidc_fetch.h"

#include <fmt/format.h>

#include "base/text.h"
#include "net/client.h"
#include "node/data_dir.h"

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;
constexpr auto kDeadline = 10s;
constexpr std::uint64_t kMaxAnswer = 1 << 20;

Result<std::string> fetch(const std::string& authorities, const identity::OidcFetch& ask) {
  BONGSU_TRY(const auto url, net::parse_url(ask.url));
  net::ClientOptions options;
  options.tls.authorities_pem = authorities;
  options.max_body_bytes = kMaxAnswer;
  net::Client client(options);
  net::ClientRequest request{.method = ask.form.empty() ? "GET" : "POST",
                             .url = url,
                             .headers = {{"Accept", "application/json"}},
                             .body = ask.form};
  if (!ask.form.empty()) request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  if (!ask.authorization.empty()) request.headers.set("Authorization", ask.authorization);
  BONGSU_TRY(auto response, client.send(request, kDeadline));
  // What the provider says of an error may repeat what was sent: only its number is told.
  if (response.status == 400 || response.status == 401)
    return fail(ErrorCode::kDenied, fmt::format("the provider answered {}", response.status), {.source = url.host});
  if (response.status != 200)
    return fail(ErrorCode::kUnavailable, fmt::format("the provider answered {}", response.status),
                {.source = url.host});
  return std::move(response.body);
}

}  // namespace

Result<std::unique_ptr<identity::OidcLogin>> make_oidc_login(const NodeConfig& config, const Clock& clock,
                                                             Random& random) {
  if (config.oidc_issuer.empty()) return nullptr;
  identity::OidcSettings settings{.issuer = config.oidc_issuer,
                                  .client_id = config.oidc_client_id,
                                  .client_secret = {},
                                  .claim = config.oidc_claim};
  if (settings.client_id.empty())
    return fail(ErrorCode::kInvalid, "is required with oidc.issuer", {.field = "oidc.client_id"});
  if (config.console_host.empty())
    return fail(ErrorCode::kInvalid, "is required with oidc.issuer: the provider sends browsers back to it",
                {.field = "console.host"});
  if (!config.oidc_client_secret_file.empty()) {
    BONGSU_TRY(const std::string secret, read_small_file(config.oidc_client_secret_file));
    settings.client_secret = trim(secret);
  }
  std::string authorities;
  if (!config.oidc_ca_file.empty()) {
    BONGSU_TRY(authorities, read_small_file(config.oidc_ca_file));
  }
  for (const std::string& line : config.oidc_accounts) {
    const std::size_t at = line.rfind('=');
    if (at == std::string::npos || at == 0 || at + 1 == line.size())
      return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is not \"VALUE=account\"", line),
                  {.field = "oidc.accounts"});
    if (!settings.accounts.emplace(line.substr(0, at), line.substr(at + 1)).second)
      return fail(ErrorCode::kInvalid, fmt::format("\"{}\" stands there twice", line.substr(0, at)),
                  {.field = "oidc.accounts"});
  }
  return std::make_unique<identity::OidcLogin>(
      std::move(settings),
      [authorities = std::move(authorities)](const identity::OidcFetch& ask) { return fetch(authorities, ask); }, clock,
      random);
}

}  // namespace bongsu::node
