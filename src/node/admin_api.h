// What the command line asks of a node: JSON over HTTP on the admin socket of a running node, or the same function in process when the
// node is not running. Whoever reaches it is the operator (the socket and the data directory are 0600/0700); it is no way round release:
// an export for a member goes through that member's view.
//
//   AdminApi api(core, hooks);
//   net::Response response = api.handle(request);       // POST /admin/v1/collections {"alias": "ics"}
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "formats/enforcement.h"
#include "identity/members.h"
#include "net/http.h"
#include "node/core.h"

namespace bongsu::node {

// What only a running node can do or tell.
struct AdminHooks {
  std::function<void(JsonObject&)> extend_status;            // adds links, sensor, listeners
  std::function<std::string()> link_url;                     // where partners reach this node
  std::function<Result<void>()> follow_ledger;               // returns when the ledger has what the journal has
  // Writes the files for enforcement points now; the report.
  std::function<Result<JsonObject>(const std::vector<formats::EnforcementFormat>&)> build_enforcement;
  std::function<Result<JsonObject>(const std::string& digest, const std::string& by, const std::string& reason)> retry_rule;  // one that was set aside
  std::function<Result<void>()> renew_certificate;           // takes the new certificate without dropping connections
};

inline constexpr std::size_t kMaxImportBytes = 256 * 1024 * 1024;
inline constexpr std::uint32_t kExportPage = 1000;

class AdminApi {
 public:
  AdminApi(Core& core, AdminHooks hooks);
  net::Response handle(net::Request&& request);

 private:
  struct Call {
    const net::Request& request;
    std::vector<std::string> rest;  // path segments after the route's name
    std::map<std::string, std::string> query;
    Json body;                      // null when there is none or it is not JSON
  };
  using Answer = Result<net::Response>;

  Answer status(const Call& call);
  Answer retry_rule(const Call& call);
  Answer list_collections(const Call& call);
  Answer add_collection(const Call& call);
  Answer list_accounts(const Call& call);
  Answer add_account(const Call& call);
  Answer change_account(const Call& call);
  Answer remove_account(const Call& call);
  Answer build_enforcement(const Call& call);
  Answer list_members(const Call& call);
  Answer invite(const Call& call);
  Answer accept(const Call& call);
  Answer change_member(const Call& call);
  Answer list_agreements(const Call& call);
  Answer put_agreement(const Call& call);
  Answer put_signed_agreement(const Call& call);
  Answer charter(const Call& call);
  Answer accept_charter(const Call& call);
  Answer end_agreement(const Call& call);
  Answer import_objects(const Call& call);
  Answer export_objects(const Call& call);
  Answer preview(const Call& call);
  Answer decide(const Call& call);
  Answer why(const Call& call);
  Answer backup(const Call& call);
  Answer erase(const Call& call);
  Answer recall(const Call& call);
  Answer recalls(const Call& call);
  Answer verify(const Call& call);
  Answer renew(const Call& call);
  Answer ledger(const Call& call);
  Answer verify_ledger(const Call& call);
  Answer alerts(const Call& call);
  Answer hits(const Call& call);
  Answer groups(const Call& call);
  Answer list_suppressions(const Call& call);
  Answer suppress(const Call& call);
  Answer unsuppress(const Call& call);
  Answer quarantine(const Call& call);
  Answer decide_held(const Call& call);
  Answer resume_link(const Call& call);
  Answer retention(const Call& call);  // admin_retention.cpp
  // admin_approvals.cpp
  Answer list_approvals(const Call& call);
  Result<identity::Account> operator_by_token(const Call& call) const;
  Answer show_crisis(const Call& call);
  Answer declare_crisis(const Call& call);
  Answer end_crisis(const Call& call);
  Answer decide_approval(const Call& call);
  // What the local administrator does and a second person may have to approve; nullopt: it is done now. The reason is
  // the query's or the body's "reason".
  Result<std::optional<net::Response>> second_person(const Call& call, const flow::Proposed& what, const flow::Asker& by = {});

  Result<ledger::Ledger*> own_ledger();  // with everything in it that the journal has
  // admin_sealing.cpp
  Answer seal(const Call& call);
  Answer open_sealed(const Call& call);
  Answer give_prekeys(const Call& call);
  Answer take_prekeys(const Call& call);
  Answer export_courier(const Call& call);
  Answer import_courier(const Call& call);

  std::string own_link_url() const;
  Core& core_;
  AdminHooks hooks_;
};

}  // namespace bongsu::node
