// What the console's handlers share. Internal: only the .cpp files of this folder include it.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/console/alert_scope.h"
#include "api/console/answer.h"
#include "api/console/console_api.h"
#include "api/console/events.h"
#include "api/console/shapes.h"
#include "base/json.h"
#include "base/text.h"
#include "identity/passkey.h"

namespace bongsu::api {

struct ConsoleApi::Impl : std::enable_shared_from_this<ConsoleApi::Impl> {
  // Who asks, as of this moment: roles and rights are read from the account book at every request.
  struct Caller {
    identity::Principal who;
    std::string secret;
    std::shared_ptr<const flow::PersonalView> view{};  // what this person may see: asked on every reading path
    bool sees(const std::string& collection, const std::string& label) const {
      return view->sees(who, collection, label);
    }
  };
  struct Call {
    net::Request& request;
    std::vector<std::string> path;  // after /api/v1/, percent-decoded
    std::vector<std::pair<std::string, std::string>> query;
    Caller caller;
    std::optional<std::string_view> parameter(std::string_view name) const;
  };

  ConsoleDeps deps;
  ConsoleOptions options;
  console::Sessions sessions;
  identity::Challenges challenges;
  console::LabelledRates rates;
  flow::PersonalViews views;
  std::shared_ptr<console::AlertScope> scope;
  std::shared_ptr<console::EventHub> hub;
  std::mutex held_mutex;
  std::unordered_map<std::string, std::string> held_labels;  // of what is kept in quarantine, by its id

  Impl(ConsoleDeps d, ConsoleOptions o)
      : deps(std::move(d)),
        options(o),
        sessions(deps.clock, deps.random, options.sessions),
        challenges(deps.clock, deps.random),
        views(deps.release),
        scope(std::make_shared<console::AlertScope>(deps.journal, deps.alerts, views, deps.clock)),
        hub(std::make_shared<console::EventHub>(deps.journal, deps.alerts, scope, deps.clock, deps.node.version,
                                                o.max_streams)) {}

  Result<net::Response> api(net::Request& request);
  Result<net::Response> route(Call& call);

  // session_routes.cpp
  Result<Caller> caller_of(const net::Request& request);
  Result<void> check_origin(const net::Request& request) const;  // against requests that other sites make
  std::optional<identity::Principal> principal(const std::string& account) const;
  Result<net::Response> log_in(net::Request& request);
  Result<net::Response> log_in_by_certificate(net::Request& request);
  Result<net::Response> ways_in(const net::Request& request) const;
  net::Response signed_in(const identity::Principal& who, const std::string& address, std::string_view by);
  static net::Response too_many_tries();
  static std::string address_of(const net::Request& request);
  Result<net::Response> log_out(const Caller& caller);
  Json session_json(const identity::Principal& who) const;
  Result<net::Response> events(Call& call);
  void note(std::string_view event, const identity::Principal& who, JsonObject details);

  // oidc_routes.cpp
  Result<net::Response> oidc_begin(net::Request& request);
  Result<net::Response> log_in_by_oidc(net::Request& request);

  // passkey_routes.cpp
  Result<identity::RelyingParty> relying_party(const net::Request& request) const;
  Result<net::Response> passkey_challenge(net::Request& request);
  Result<net::Response> log_in_by_passkey(net::Request& request);
  Result<net::Response> passkeys(Call& call);
  Result<net::Response> passkey_options(Call& call);
  Result<net::Response> add_passkey(Call& call);
  Result<net::Response> remove_passkey(Call& call, const std::string& id);

  // overview_routes.cpp
  Result<net::Response> overview(Call& call);
  Json members_json() const;
  Json counts_json(const identity::Principal& who) const;
  Result<net::Response> detection(Call& call);
  Result<net::Response> crisis(Call& call);
  Result<net::Response> stop_member(Call& call, const std::string& member);

  // quarantine_routes.cpp
  bool may_see(const Caller& caller, const flow::HeldItem& item);
  Result<net::Response> quarantine(Call& call);
  Result<net::Response> held(Call& call, const std::string& id);
  Result<net::Response> decide_held(Call& call, const std::string& id, bool admit);

  // approval_routes.cpp
  Result<net::Response> approvals(Call& call);
  Result<net::Response> approval(Call& call, const std::string& id);
  Result<net::Response> decide_approval(Call& call, const std::string& id, bool approve);

  // alert_routes.cpp
  Result<flow::AlertRecord> visible_alert(const identity::Principal& who, const std::string& id) const;  // kNotFound
  Result<net::Response> alerts(Call& call);
  Result<net::Response> alert(Call& call, const std::string& id);
  Result<net::Response> judge(Call& call, const std::string& id);

  // group_routes.cpp
  Result<net::Response> groups(Call& call);
  Result<net::Response> group(Call& call, const std::string& id);
  Result<net::Response> hits(Call& call, const std::string& alert);
  Result<net::Response> suppressions(Call& call);
  Result<net::Response> suppress(Call& call);
  Result<net::Response> unsuppress(Call& call, const std::string& id);
  bool may_see(const identity::Principal& who, const detect::triage::Suppression& rule) const;

  // object_routes.cpp
  Result<net::Response> search(Call& call);
  // Hits that the caller may see, `most` and one at most: asks for more and more while hidden ones take their places.
  Result<std::vector<journal::SearchHit>> visible_hits(
      const Caller& caller, std::uint32_t most,
      const std::function<Result<std::vector<journal::SearchHit>>(std::uint32_t limit)>& ask) const;
  Result<net::Response> object(Call& call, const std::string& id);
  Result<net::Response> object_version(Call& call, const std::string& id, std::string_view seq);
  Result<net::Response> withdraw(Call& call, const std::string& id);
  Result<std::vector<journal::Entry>> readable_versions(journal::Snapshot& snapshot, const Caller& caller,
                                                        std::string_view id) const;  // newest first; kNotFound

  // indicator_routes.cpp
  Result<net::Response> read_values(Call& call);
  Result<net::Response> preview(Call& call);
  Result<net::Response> publish(Call& call);
  Result<net::Response> admit_all(std::vector<Result<stix::Object>> objects, std::size_t skip,
                                  const flow::Collection& collection, const identity::Principal& who,
                                  std::string_view event);
  Result<flow::Collection> writable_collection(const identity::Principal& who, std::string_view id_or_alias) const;
};

namespace console {

Result<std::uint64_t> read_number(std::string_view text, std::string_view field);
Result<void> require(const identity::Principal& who, identity::Role least);
// The best short text for an object: name, value, a hash, …; empty if there is none.
std::string name_of(const Json& object);

}  // namespace console
}  // namespace bongsu::api
