// What the files of the TAXII server share: the parts, and how answers are made. Not for other modules.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/taxii/filters.h"
#include "api/taxii/next_token.h"
#include "api/taxii/route.h"
#include "api/taxii/status_book.h"
#include "api/taxii/taxii_server.h"
#include "flow/personal_view.h"

namespace bongsu::api {

struct TaxiiParts {
  TaxiiDeps deps;
  TaxiiOptions options;
  NextTokens tokens;
  std::unique_ptr<StatusBook> statuses;
  std::unique_ptr<flow::PersonalViews> views;
};

// What an account's person may see of what its member may have. A partner's node asks for no person: it gates its own.
std::function<bool(const std::string& label)> sees_of(TaxiiParts& parts, const identity::Principal& asker);

// What an asker may do with a collection. One that it may neither read nor write does not exist for it.
struct Access {
  flow::Collection collection;
  bool can_read = false, can_write = false;
};
std::optional<Access> access_to(TaxiiParts& parts, const identity::Principal& asker, std::string_view id_or_alias);
Access access_to(TaxiiParts& parts, const identity::Principal& asker, flow::Collection collection);
// Whose statuses: the account, or the partner behind a link.
std::string owner_name(const identity::Principal& asker);

net::Response taxii_ok(int status, std::string body);
// With the error resource of TAXII 2.1 §3.6.1 as body.
net::Response taxii_error(int status, std::string_view title, std::string_view description);
net::Response taxii_not_found(std::string_view what);
// An error of a lower part: 400, 404, 409, 413, 429, 503 or 500; only what the client may know is said, the rest is
// logged.
net::Response taxii_failure(TaxiiParts& parts, const Error& error, std::string_view doing);

// taxii_read.cpp: §5.3, §5.4, §5.6, §5.8
net::Response get_page(TaxiiParts& parts, const identity::Principal& asker, const Route& route,
                       const net::Request& request);
// taxii_write.cpp: §5.5, §5.7
net::Response post_objects(TaxiiParts& parts, const identity::Principal& asker, const Route& route,
                           const net::Request& request);
net::Response delete_object(TaxiiParts& parts, const identity::Principal& asker, const Route& route,
                            const net::Request& request);

}  // namespace bongsu::api
