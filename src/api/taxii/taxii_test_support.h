// A node in memory with a TAXII server, for tests: own member "cert-lt", partner "cert-ee" with an agreement up to
// TLP:GREEN.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/taxii/taxii_server.h"
#include "base/json.h"
#include "flow/markings.h"

namespace bongsu::api {

struct Answer {
  int status = 0;
  net::Headers headers;
  std::string body;
  bool cut = false;  // the body ended with an error
  Json json() const;
  std::string header(std::string_view name) const;
};

// Tokens of the accounts: "writer" (own member, reads and writes everything), "reader" (partner, reads), "second"
// (partner, reads), "dropbox" (partner, may only write to `shared`), "stranger" (a member without an agreement).
// "writer" has the password "pass:word".
class World {
 public:
  explicit World(TaxiiOptions options = {});
  // "GET /taxii2/ HTTP/1.1\r\nAccept: …\r\n\r\nbody" as a value. "$shared" and the like stand for ids of collections.
  Answer raw(std::string text, const net::Peer& peer = {});
  // With the account's token and the TAXII media types.
  Answer get(std::string_view path, std::string_view account = "writer");
  Answer post(std::string_view body, std::string_view account = "writer", std::string_view collection = "$shared");
  Answer remove(std::string_view path, std::string_view account = "writer");
  Answer send(net::Request request);
  // Adds objects and fails the test unless all were taken.
  void add(const std::vector<std::string>& objects);
  void restart();                                         // the server anew over the same journal
  std::string objects(std::string_view rest = "") const;  // path of the objects endpoint of `shared`

  FakeClock clock;
  SeededRandom random{7};
  std::unique_ptr<Log> log = make_null_log();
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<flow::Release> release;
  std::unique_ptr<flow::Markings> markings;
  std::unique_ptr<flow::Collections> collections;
  std::unique_ptr<flow::Admission> admission;
  std::unique_ptr<identity::AccountBook> accounts;
  std::unique_ptr<TaxiiServer> server;
  flow::Collection shared, other, mirror;  // `other`: not in the agreement; `mirror` of cert-ee's
  policy::PolicyState policy;
  void apply_policy();
  TaxiiOptions options;
};

// An indicator; `n` makes the id, `version` the day of modified in January 2024. TLP:CLEAR unless another marking id is
// given.
std::string indicator(int n, int version = 1, std::string_view extra = "", std::string_view marking = {});
std::string indicator_id(int n);
std::string indicator_version(int version = 1);
std::string address(int n, std::string_view extra = "");  // an ipv4-addr, an object without versions
std::string address_id(int n);
inline constexpr std::string_view kTlpClear = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";
inline constexpr std::string_view kTlpRed = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
std::vector<std::string> ids_of(const Answer& answer);

}  // namespace bongsu::api
