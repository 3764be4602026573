// A TAXII 2.1 client for any server: finds collections, pulls what is new, pushes objects.
//
//   auto transport = link::make_taxii_transport({.tls = {.authorities_pem = ca}});
//   link::TaxiiClient client(*transport, sleeper, clock, random, {.credentials = {.user = "lt", .password = secret}});
//   BONGSU_TRY(auto collection, client.find("https://taxii.example/taxii2/", "indicators"));
//   BONGSU_TRY(auto report, client.pull(collection, cursor, {}, [&](link::PulledPage&& page) {
//     return store(page.objects, page.after);  // both in one commit: a crash loses nothing and takes nothing twice
//   }));
//
// Sans-I/O: requests go through TaxiiTransport, waiting through Sleeper. Written for the servers that are out there:
// those that ignore limit, leave headers out, repeat the last object of a page, answer 206 or with old media types, or
// ask to wait. One TaxiiClient = one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "base/result.h"
#include "net/client.h"
#include "net/http.h"
#include "stix/object.h"

namespace bongsu::link {

class TaxiiTransport {
 public:
  virtual ~TaxiiTransport() = default;
  virtual Result<net::ClientResponse> send(const net::ClientRequest& request, std::chrono::milliseconds deadline) = 0;
};
std::unique_ptr<TaxiiTransport> make_taxii_transport(net::ClientOptions options);  // over net::Client

class Sleeper {
 public:
  virtual ~Sleeper() = default;
  virtual Result<void> sleep(std::chrono::milliseconds time) = 0;  // kCancelled when the program stops
};

// At most one of the three; all empty = none (or a client certificate, which is the transport's).
struct TaxiiCredentials {
  std::string user, password;           // HTTP Basic (RFC 7617)
  std::string token;                    // Bearer (RFC 6750)
  std::string api_key_header, api_key;  // a key in a header that the partner names: "X-API-Key", "Authorization"
};

struct TaxiiClientOptions {
  TaxiiCredentials credentials;
  std::string user_agent = "bongsu";
  std::chrono::milliseconds request_deadline{120'000};
  int attempts = 6;                                 // of one request, when the server is away or asks to wait
  std::chrono::milliseconds longest_wait{300'000};  // a Retry-After beyond is not waited for: kUnavailable
};

struct RemoteCollection {
  std::string url;       // "https://host/api1/collections/<id>/"
  std::string root_url;  // "https://host/api1/"
  std::string id, alias, title, description;
  bool can_read = false, can_write = false;
  std::uint64_t max_content_length = 0;  // of the API root; 0 = not known
};

// Where a pull stands. Opaque to the caller, who stores its text.
struct TaxiiCursor {
  std::string added_after;  // the filter that the running walk was begun with; empty = from the oldest
  std::string next;         // the server's token; empty = none
  std::string reached;      // X-TAXII-Date-Added-Last of the last page taken
  std::string text() const;
  static Result<TaxiiCursor> parse(std::string_view text);
};

struct PullOptions {
  std::uint32_t limit = 1000;
  std::vector<std::string> types;  // match[type]; empty = all
  bool all_versions = true;        // match[version]=all; else the newest of each object
};

struct PulledPage {
  std::vector<Result<stix::Object>> objects;  // a broken one does not cost the others
  TaxiiCursor after;                          // store it together with the objects
  bool last = false;
};

struct PullReport {
  std::uint64_t pages = 0, objects = 0, broken = 0, repeated = 0;  // repeated: sent again by the server, dropped here
  TaxiiCursor cursor;
};

struct PushOptions {
  std::uint32_t batch_objects = 1000;
  std::uint64_t batch_bytes = 8 * 1024 * 1024;         // and never beyond the API root's max_content_length
  std::chrono::milliseconds status_deadline{600'000};  // how long to ask for a pending status
};

struct PushFailure {
  std::string id, version, message;
};

struct PushReport {
  std::uint64_t sent = 0, accepted = 0, refused = 0, pending = 0;  // pending: the server had not said when time was up
  std::optional<Error> trouble;                                    // what ended the push early
};

class TaxiiClient {
 public:
  TaxiiClient(TaxiiTransport& transport, Sleeper& sleeper, const Clock& clock, Random& random,
              TaxiiClientOptions options);

  // `url`: a server ("https://host/"), its discovery, an API root, or a collection. API roots at another origin than
  // `url` are not followed: credentials go to no host that the caller did not name. kUnsupported: not TAXII.
  Result<std::vector<RemoteCollection>> collections(std::string_view url);
  // By id, alias or title; "" takes the only one there is. kNotFound and kInvalid name what there is.
  Result<RemoteCollection> find(std::string_view url, std::string_view name);

  // Hands over every page from the cursor on. An error of `on_page` stops the pull and is returned.
  using OnPage = std::function<Result<void>(PulledPage&& page)>;
  Result<PullReport> pull(const RemoteCollection& collection, const TaxiiCursor& cursor, const PullOptions& options,
                          const OnPage& on_page);

  // `next_object` gives one STIX object's JSON at a time, nothing at the end.
  using NextObject = std::function<Result<std::optional<std::string>>()>;
  using OnFailure = std::function<void(const PushFailure&)>;
  using OnProgress = std::function<void(const PushReport&)>;
  PushReport push(const RemoteCollection& collection, const PushOptions& options, const NextObject& next_object,
                  const OnFailure& on_failure, const OnProgress& on_progress);

 private:
  friend class TaxiiPush;
  Result<net::ClientResponse> exchange(const std::string& method, const std::string& url, const std::string& body);
  Result<net::ClientResponse> attempt(const std::string& method, const std::string& url, const std::string& body);
  Result<Json> get_json(const std::string& url);
  Result<std::vector<RemoteCollection>> collections_of(const std::string& root_url, std::uint64_t max_content_length);
  std::string pull_url(const RemoteCollection& collection, const PullOptions& options, const TaxiiCursor& cursor,
                       std::uint32_t limit) const;

  TaxiiTransport& transport_;
  Sleeper& sleeper_;
  const Clock& clock_;
  Random& random_;
  TaxiiClientOptions options_;
  bool wide_accept_ = false;  // the server refused the exact media type once
};

// Seconds or an HTTP-date (RFC 9110 §10.2.3) as a time from now; nullopt: neither.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view field, Instant now);

}  // namespace bongsu::link
