// Any request against the server over a journal in memory: it answers, and everything that it says is JSON.
// The first bytes choose method, endpoint and account; the rest is split at 0x00 into query, Accept, Content-Type and
// body.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/taxii/negotiation.h"
#include "api/taxii/taxii_server.h"
#include "base/json.h"
#include "crypto/secret.h"
#include "flow/markings.h"

namespace {
using namespace bongsu;

struct Node {
  FakeClock clock;
  SeededRandom random{1};
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<journal::Journal> journal = journal::make_memory_journal(clock, random);
  std::unique_ptr<flow::Release> release = std::move(*flow::Release::load(*journal, clock, *log));
  std::unique_ptr<flow::Markings> markings = std::move(*flow::Markings::load(*journal));
  std::unique_ptr<flow::Collections> collections = std::move(*flow::Collections::load(*journal));
  flow::Admission admission{*journal, *release, *markings, *log};
  identity::AccountBook accounts{clock, random};
  std::unique_ptr<api::TaxiiServer> server;

  Node() {
    flow::Collection collection;
    collection.alias = "shared";
    const auto shared = collections->add(collection, random);
    policy::PolicyState state;
    state.self = "self";
    (void)release->apply(state, {shared->id});
    identity::Account account;
    account.name = "a";
    account.member = "self";
    account.token_digests = {crypto::token_digest("t")};
    account.read = account.write = {"*"};
    accounts.replace({{"a", account}});
    server = std::move(*api::TaxiiServer::open(
        {*journal, *release, admission, *collections, accounts, clock, random, *log}, {.max_page = 7}));
  }
};

std::string_view take(std::string_view& text) {
  const auto end = std::min(text.find('\0'), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}
}  // namespace

// The node keeps what is posted; libFuzzer would look for a leak after each such run and do nothing else.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::unique_ptr<Node> node;
  static int runs = 0;
  if (runs++ % 2000 == 0) node = std::make_unique<Node>();  // so that the journal does not grow for ever
  if (size < 2) return 0;
  static constexpr const char* kMethods[] = {"GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT"};
  static const std::string kRoot = "/api1/collections/shared/";
  static const std::string kObject = "indicator--00000000-0000-4000-8000-000000000001";
  static const std::string kPaths[] = {"/taxii2/",
                                       "/api1/",
                                       "/api1/collections/",
                                       kRoot,
                                       kRoot + "manifest/",
                                       kRoot + "objects/",
                                       kRoot + "objects/" + kObject + "/",
                                       kRoot + "objects/" + kObject + "/versions/",
                                       "/api1/status/x/",
                                       ""};
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  net::Request request;
  request.method = kMethods[data[0] % std::size(kMethods)];
  request.path = kPaths[data[1] % std::size(kPaths)];
  if (request.path.empty()) request.path = take(rest);
  request.query = take(rest);
  request.headers.add("Authorization", "Bearer t");
  const auto accept = take(rest), type = take(rest);
  request.headers.add("Accept", accept.empty() ? std::string(api::kTaxiiMediaType) : std::string(accept));
  request.headers.add("Content-Type", type.empty() ? std::string(api::kTaxiiMediaType) : std::string(type));
  request.body = rest;
  auto response = node->server->handle(std::move(request));
  std::string body;
  if (auto* text = std::get_if<std::string>(&response.body))
    body = std::move(*text);
  else if (auto* source = std::get_if<std::unique_ptr<net::BodySource>>(&response.body))
    while ((*source)->read(body).value()) {
    }
  if (response.status < 200 || response.status > 599) std::abort();
  if (!body.empty() && !parse_json(body)) std::abort();
  return 0;
}
