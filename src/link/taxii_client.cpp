#include "link/taxii_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/bytes.h"
#include "link/taxii_refusal.h"

namespace bongsu::link {
namespace {

constexpr std::string_view kExactAccept = "application/taxii+json;version=2.1";
constexpr std::string_view kWideAccept =
    "application/taxii+json;version=2.1, application/taxii+json;q=0.9, application/json;q=0.5, */*;q=0.1";
constexpr std::size_t kMaxSaidBytes = 300;  // of a server's own words
constexpr int kMaxRedirects = 3;
constexpr std::size_t kMaxApiRoots = 100;

class NetTransport final : public TaxiiTransport {
 public:
  explicit NetTransport(net::ClientOptions options) : client_(std::move(options)) {}
  Result<net::ClientResponse> send(const net::ClientRequest& request, std::chrono::milliseconds deadline) override {
    return client_.send(request, deadline);
  }

 private:
  net::Client client_;
};

std::string with_slash(std::string url) {
  if (const auto query = url.find_first_of("?#"); query != std::string::npos) url.resize(query);
  if (!url.ends_with('/')) url.push_back('/');
  return url;
}

std::string origin_of(const net::Url& url) {
  net::Url origin = url;
  origin.target = "/";
  std::string text = origin.text();
  text.pop_back();
  return text;
}

// A URL that a server named, relative to the one it was asked at; only of the same origin.
Result<std::string> resolve(const net::Url& base, std::string_view named) {
  if (named.starts_with('/') && !named.starts_with("//")) return origin_of(base) + std::string(named);
  BONGSU_TRY(const auto url, net::parse_url(named));
  if (origin_of(url) != origin_of(base))
    return fail(ErrorCode::kUnsupported,
                fmt::format("the server points to another one, {}: name that one's URL to use it", url.text()));
  return url.text();
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMaxSaidBytes))
    out.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c);
  return out;
}

std::string said(const net::ClientResponse& response) {
  const auto json = parse_json(response.body);
  if (!json) return {};
  const auto title = string_at(*json, "title"), description = string_at(*json, "description");
  std::string out = printable(title.value_or(""));
  if (description) out.append(out.empty() ? "" : ": ").append(printable(*description));
  return out.empty() ? out : " (it says: " + out + ")";
}

ErrorCode code_of(int status) {
  switch (status) {
    case 401:
      return ErrorCode::kUnauthenticated;
    case 403:
      return ErrorCode::kDenied;
    case 404:
    case 410:
      return ErrorCode::kNotFound;
    case 406:
    case 415:
      return ErrorCode::kUnsupported;
    case 413:
      return ErrorCode::kTooLarge;
    case 409:
      return ErrorCode::kConflict;
    default:
      return status == 429 || status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kInvalid;
  }
}

bool passes(int status) { return status == 429 || status == 502 || status == 503 || status == 504; }
bool passes(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout || error.code == ErrorCode::kIo;
}

void add_credentials(net::Headers& headers, const TaxiiCredentials& c) {
  if (!c.token.empty())
    headers.add("Authorization", "Bearer " + c.token);
  else if (!c.user.empty())
    headers.add("Authorization", "Basic " + to_base64(as_bytes(c.user + ":" + c.password)));
  else if (!c.api_key_header.empty())
    headers.add(c.api_key_header, c.api_key);
}

}  // namespace

std::unexpected<Error> taxii_refusal(const net::ClientResponse& response, const std::string& url) {
  return fail(code_of(response.status), fmt::format("the server answered {}{}", response.status, said(response)),
              {.source = url});
}

std::unique_ptr<TaxiiTransport> make_taxii_transport(net::ClientOptions options) {
  return std::make_unique<NetTransport>(std::move(options));
}

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view field, Instant now) {
  std::uint64_t seconds = 0;
  const char* end = field.data() + field.size();
  if (const auto [at, error] = std::from_chars(field.data(), end, seconds); error == std::errc() && at == end)
    return std::chrono::seconds(std::min<std::uint64_t>(seconds, 86'400 * 365));
  // IMF-fixdate (RFC 9110 §5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT"
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (field.size() != 29 || field.substr(25) != " GMT" || field[3] != ',') return std::nullopt;
  const auto month = std::ranges::find(kMonths, field.substr(8, 3));
  if (month == kMonths.end()) return std::nullopt;
  const auto at = Instant::parse(fmt::format("{}-{:02}-{}T{}Z", field.substr(12, 4), month - kMonths.begin() + 1,
                                             field.substr(5, 2), field.substr(17, 8)));
  if (!at) return std::nullopt;
  return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(*at - now), std::chrono::milliseconds(0));
}

TaxiiClient::TaxiiClient(TaxiiTransport& transport, Sleeper& sleeper, const Clock& clock, Random& random,
                         TaxiiClientOptions options)
    : transport_(transport), sleeper_(sleeper), clock_(clock), random_(random), options_(std::move(options)) {}

// One request; redirects within the origin are followed (servers send them for a missing slash).
Result<net::ClientResponse> TaxiiClient::attempt(const std::string& method, const std::string& url,
                                                 const std::string& body) {
  net::ClientRequest request;
  request.method = method;
  BONGSU_TRY(request.url, net::parse_url(url));
  request.headers.add("Accept", std::string(wide_accept_ ? kWideAccept : kExactAccept));
  request.headers.add("User-Agent", options_.user_agent);
  if (method == "POST") request.headers.add("Content-Type", std::string(kExactAccept));
  add_credentials(request.headers, options_.credentials);
  request.body = body;
  for (int redirects = 0;; ++redirects) {
    BONGSU_TRY(auto response, transport_.send(request, options_.request_deadline));
    const bool kept = response.status == 307 || response.status == 308;
    const bool moved = kept || (method == "GET" && (response.status == 301 || response.status == 302));
    const auto location = response.headers.get("Location");
    if (!moved || !location || redirects == kMaxRedirects) return response;
    BONGSU_TRY(const std::string target, resolve(request.url, *location));
    BONGSU_TRY(request.url, net::parse_url(target));
  }
}

// Waits and tries again while the server is away or asks for it. A POST may be repeated: the same object twice is one
// object.
Result<net::ClientResponse> TaxiiClient::exchange(const std::string& method, const std::string& url,
                                                  const std::string& body) {
  for (int tries = 1;; ++tries) {
    auto response = attempt(method, url, body);
    if (response && response->status == 406 && !wide_accept_) {
      wide_accept_ = true;
      response = attempt(method, url, body);
    }
    const bool again = response ? passes(response->status) : passes(response.error());
    if (!again) return response;
    if (tries >= options_.attempts)
      return response ? Result<net::ClientResponse>(taxii_refusal(*response, url)) : response;
    auto wait = std::chrono::milliseconds(1000LL << std::min(tries - 1, 10));
    wait = wait / 2 + std::chrono::milliseconds(random_.below(static_cast<std::uint64_t>(wait.count() / 2) + 1));
    if (response)
      if (const auto field = response->headers.get("Retry-After"))
        if (const auto asked = parse_retry_after(*field, clock_.now())) wait = std::max(wait, *asked);
    if (wait > options_.longest_wait)
      return fail(ErrorCode::kUnavailable,
                  fmt::format("the server asks to wait for {} s: too long",
                              std::chrono::duration_cast<std::chrono::seconds>(wait).count()),
                  {.source = url});
    BONGSU_TRY_VOID(sleeper_.sleep(wait));
  }
}

Result<Json> TaxiiClient::get_json(const std::string& url) {
  BONGSU_TRY(const auto response, exchange("GET", url, ""));
  if (response.status != 200 && response.status != 206) return taxii_refusal(response, url);
  auto json = parse_json(response.body);
  if (!json || !json->is_object())
    return fail(ErrorCode::kUnsupported, "the answer is not a TAXII resource: is this a TAXII 2.1 server?",
                {.source = url});
  return json;
}

Result<std::vector<RemoteCollection>> TaxiiClient::collections_of(const std::string& root_url,
                                                                  std::uint64_t max_content_length) {
  BONGSU_TRY(const Json json, get_json(root_url + "collections/"));
  std::vector<RemoteCollection> out;
  const Json* list = bongsu::find(json, "collections");
  if (!list || !list->is_array()) return out;
  for (const Json& item : list->get_array()) {
    const auto id = string_at(item, "id");
    if (!id || id->empty()) continue;
    out.push_back({.url = root_url + "collections/" + net::percent_encode(*id) + "/",
                   .root_url = root_url,
                   .id = std::string(*id),
                   .alias = std::string(string_at(item, "alias").value_or("")),
                   .title = std::string(string_at(item, "title").value_or("")),
                   .description = std::string(string_at(item, "description").value_or("")),
                   .can_read = bool_at(item, "can_read").value_or(false),
                   .can_write = bool_at(item, "can_write").value_or(false),
                   .max_content_length = max_content_length});
  }
  return out;
}

Result<std::vector<RemoteCollection>> TaxiiClient::collections(std::string_view text) {
  BONGSU_TRY(const auto base, net::parse_url(text));
  const std::string url = with_slash(base.text());
  const auto length_of = [](const Json& root) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(int_at(root, "max_content_length").value_or(0), 0));
  };

  if (const auto at = url.find("/collections/"); at != std::string::npos) {
    const std::string root = url.substr(0, at + 1);
    const auto resource = get_json(root);  // some servers hide the root from those who may use one collection
    BONGSU_TRY(auto all, collections_of(root, resource ? length_of(*resource) : 0));
    const std::string named = url.substr(at + std::string_view("/collections/").size());
    if (named.empty()) return all;
    BONGSU_TRY(const std::string name, net::percent_decode(named.substr(0, named.find('/'))));
    std::erase_if(all, [&](const RemoteCollection& c) { return c.id != name && c.alias != name; });
    return all;
  }

  auto resource = get_json(url);
  const bool bare = base.target == "/";
  if (bare && (!resource || (!bongsu::find(*resource, "api_roots") && !bongsu::find(*resource, "versions"))))
    resource = get_json(origin_of(base) + "/taxii2/");  // TAXII 2.1 §8.2.1
  if (!resource) return std::unexpected(resource.error());
  if (bongsu::find(*resource, "versions") || bongsu::find(*resource, "max_content_length"))
    return collections_of(url, length_of(*resource));

  const Json* roots = bongsu::find(*resource, "api_roots");
  if (!roots || !roots->is_array())
    return fail(ErrorCode::kUnsupported, "there is neither a TAXII discovery nor an API root at this URL",
                {.source = url});
  std::vector<RemoteCollection> out;
  std::optional<Error> first_error;
  bool any = false;
  for (const Json& item : roots->get_array()) {
    if (&item - roots->get_array().data() >= static_cast<std::ptrdiff_t>(kMaxApiRoots)) break;
    if (!item.is_string()) continue;
    const auto answer = [&]() -> Result<std::vector<RemoteCollection>> {
      BONGSU_TRY(const std::string root_url, resolve(base, item.get_string()));
      BONGSU_TRY(const Json root, get_json(with_slash(root_url)));
      return collections_of(with_slash(root_url), length_of(root));
    }();
    if (answer)
      out.insert(out.end(), answer->begin(), answer->end());
    else if (!first_error)
      first_error = answer.error();
    any = any || answer.has_value();
  }
  if (!any && first_error) return std::unexpected(std::move(*first_error));
  return out;
}

Result<RemoteCollection> TaxiiClient::find(std::string_view url, std::string_view name) {
  BONGSU_TRY(const auto all, collections(url));
  std::string there;
  for (const auto& c : all)
    there += fmt::format("{}{}", there.empty() ? "" : ", ", printable(c.alias.empty() ? c.title : c.alias));
  if (there.empty()) there = "none";
  std::vector<RemoteCollection> found;
  using Field = std::string RemoteCollection::*;
  for (const Field field : {&RemoteCollection::id, &RemoteCollection::alias, &RemoteCollection::title}) {
    if (name.empty()) break;
    std::ranges::copy_if(all, std::back_inserter(found), [&](const auto& c) { return c.*field == name; });
    if (!found.empty()) break;
  }
  if (name.empty()) found = all;
  if (found.size() == 1) return std::move(found.front());
  if (found.empty())
    return fail(ErrorCode::kNotFound, fmt::format("there is no such collection for this account; it sees: {}", there));
  return fail(ErrorCode::kInvalid,
              fmt::format("name one collection by its id: there are {} ({})", found.size(), there));
}

}  // namespace bongsu::link
