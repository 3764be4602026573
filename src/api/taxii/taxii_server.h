// The TAXII 2.1 server, complete: a function from request to response, without sockets.
//
//   BONGSU_TRY(auto taxii, api::TaxiiServer::open({journal, release, admission, collections, accounts, clock, random,
//   log},
//                                                 {.title = "CERT Lithuania"}));
//   net::Server server(options, [&](net::Request&& r) { return taxii->handle(std::move(r)); }, log);
//
// Discovery is at /taxii2/, one API root at /{api_root}/. Every endpoint asks for credentials: HTTP Basic, Bearer, or a
// client certificate that an account names. Pages stream (net::BodySource) and hold references to the parts given here:
// stop the net::Server before they go. See README.md for every choice that the standard leaves open.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "flow/admit.h"
#include "flow/collections.h"
#include "flow/release.h"
#include "identity/accounts.h"
#include "journal/journal.h"
#include "net/http.h"

namespace bongsu::api {

inline constexpr std::uint64_t kDefaultMaxContentLength = 104'857'600;  // of a POST
inline constexpr std::uint32_t kDefaultMaxPage = 1000;                  // objects in one response
inline constexpr std::uint64_t kMaxObjectsInEnvelope = 50'000;          // of a POST: bounds the status resource

struct TaxiiDeps {
  journal::Journal& journal;
  flow::Release& release;
  flow::Admission& admission;
  const flow::Collections& collections;
  identity::AccountBook& accounts;
  const Clock& clock;
  Random& random;  // called from several threads
  Log& log;
  // What is kept from this member here, because it may reach it sealed only, by its stored label; asked once a request.
  // None, or an empty answer: nothing is.
  std::function<std::function<bool(std::string_view label)>(std::string_view member)> sealed_only = nullptr;
  flow::Recall* recall = nullptr;  // notes what was fetched: nothing can be destroyed there
};

struct TaxiiOptions {
  std::string title = "Bongsu";
  std::string description, contact;
  std::string api_root = "api1";  // one path segment
  std::string api_root_title = "Bongsu";
  std::string public_url;  // "https://taxii.example:8443"; empty: the API root is advertised as a relative URL
  std::uint64_t max_content_length =
      kDefaultMaxContentLength;  // net::ServerOptions::max_body_bytes must not be smaller
  std::uint32_t max_page = kDefaultMaxPage;
};

// Safe from any thread.
class TaxiiServer {
 public:
  static Result<std::unique_ptr<TaxiiServer>> open(TaxiiDeps deps, TaxiiOptions options);
  ~TaxiiServer();
  TaxiiServer(const TaxiiServer&) = delete;
  TaxiiServer& operator=(const TaxiiServer&) = delete;

  // Answers anything: a path that is not TAXII's with 404.
  net::Response handle(net::Request&& request);
  void close();  // writes statuses that are not durable yet: after the last request, before the journal closes

 private:
  struct Impl;
  explicit TaxiiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::api
