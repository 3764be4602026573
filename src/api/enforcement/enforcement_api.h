// Files for enforcement points over HTTP: GET /enforcement/ lists them, GET /enforcement/FORMAT/FILE gives one.
//
//   EnforcementApi api(accounts, {.open = …, .listing = …});
//   net::Response response = api.handle(std::move(request));
//
// Only accounts with the right "enforcement" may read, whatever else they may (bongsu account add firewall --basic
// --enforcement); there is no open access. Strong entity tags of the content: If-None-Match (RFC 9110 §13.1.2) answers
// 304 as long as it is the same; so does If-Modified-Since with the date that was given (§13.1.3). Bodies stream.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "identity/accounts.h"
#include "net/http.h"

namespace bongsu::api {

inline constexpr std::string_view kEnforcementPath = "/enforcement/";

struct EnforcementBody {
  std::string content_type;
  std::string etag;  // without quotes
  Instant changed;
  std::unique_ptr<net::BodySource> body;
};

struct EnforcementSource {
  // kUnavailable: what there is may be out of date, and is not given. Any other error: there is no such file.
  std::function<Result<EnforcementBody>(std::string_view format, std::string_view file)> open;
  std::function<Json()> listing;
};

// Safe from any thread.
class EnforcementApi {
 public:
  // Accounts of other members are refused, whatever they were given: a file holds what `self` may know.
  EnforcementApi(identity::AccountBook& accounts, std::string self, EnforcementSource source)
      : accounts_(accounts), self_(std::move(self)), source_(std::move(source)) {}
  static bool is_for(const net::Request& request) { return request.path.starts_with(kEnforcementPath); }
  net::Response handle(net::Request&& request) const;

 private:
  identity::AccountBook& accounts_;
  std::string self_;
  EnforcementSource source_;
};

}  // namespace bongsu::api
