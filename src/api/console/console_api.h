// The console's REST API and event stream: what the analyst's page asks of the node, as a function from Request to
// Response.
//
//   api::ConsoleApi console({.clock = clock, … , .files = api::console::embedded_files()}, {});
//   journal.on_commit([&](journal::Seq) { console.on_commit(); });   // wakes the event streams
//   // once a second:
//   console.tick();                                                  // samples rates, members, expiry
//   net::Server server({.name = "console", …}, [&](net::Request&& r) { return console.handle(std::move(r)); }, log);
//
// Everything under /api/v1/ is JSON and wants a session; everything else is the built page. A session is a cookie that
// a bearer token of an account was exchanged for (POST /api/v1/session). Only accounts of this node's own member may
// log in: the console shows what the node knows, not what a partner may see.
//
// src/api/console/README.md lists every path with its shapes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/console/rates.h"
#include "api/console/session.h"
#include "api/console/static_files.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "detect/indicator.h"
#include "flow/admit.h"
#include "flow/alerts.h"
#include "flow/approvals.h"
#include "flow/collections.h"
#include "flow/markings.h"
#include "flow/quarantine.h"
#include "flow/release.h"
#include "identity/accounts.h"
#include "identity/oidc_login.h"
#include "journal/journal.h"
#include "journal/search.h"
#include "net/http.h"

namespace bongsu::api {

// This node, for the page's head and for the objects that are made here.
struct ConsoleNode {
  std::string self;         // own member id
  std::string title;        // "CERT Lithuania"
  std::string version;      // of the program
  std::string identity_id;  // "identity--…": created_by_ref of what is published here
  std::string country;      // ISO 3166-1 alpha-2, lower case; empty = not on the map
  std::string host{};       // name under which browsers reach the console: passkeys belong to it; empty: no passkeys
};

// One link, one direction, one collection.
struct ConsoleLink {
  std::string collection;
  std::string phase;  // "live", "catching_up", "connecting", "backing_off", "refused", "stopped", "idle"
  std::uint64_t cursor = 0, applied = 0, refused = 0;
  std::optional<std::int64_t> delay_us;  // publish there → durable here, of the newest object
  std::optional<Instant> last_heard;
  std::string last_error;
};

struct ConsoleMember {
  std::string id, title, country;
  bool confirmed = false;  // fingerprints were compared by voice
  bool stopped = false;
  std::string fingerprint;  // spoken form
  std::vector<ConsoleLink> links;
};

// A rule that is not given to the sensor, because it ended it or ran into its limit.
struct ConsoleRuleAside {
  std::string digest, language, indicator, giver, reason;
  Instant since;
};

struct ConsoleDetection {
  bool running = true;  // the sensor; while it does not run, nothing is looked for
  std::vector<ConsoleRuleAside> aside;
};

// A crisis that was declared on this node and lasts: agreements for crises hold.
struct ConsoleCrisis {
  Instant since, until;
  std::string reason, by;
};

struct ConsoleWarning {
  std::string list, type;
};

struct ConsoleOptions {
  console::SessionOptions sessions;
  std::size_t max_streams = 256;  // event streams at a time; further ones get 503
};

// References must outlive the ConsoleApi. Functions are called from any worker thread and must be safe for that; the
// ones marked optional may be empty, and what needs them answers 501.
struct ConsoleDeps {
  const Clock& clock;
  Random& random;
  Log& log;
  identity::AccountBook& accounts;
  journal::Journal& journal;
  journal::Search& search;
  flow::Alerts& alerts;
  flow::Release& release;
  flow::Admission& admission;
  flow::Collections& collections;
  flow::Markings& markings;
  ConsoleNode node;
  std::function<std::vector<ConsoleMember>()> members;
  std::function<console::Counters()> counters;  // alerts and objects are counted here, by label
  // Optional: what is not looked for at the moment.
  std::function<ConsoleDetection()> detection{};
  // Optional: the crisis that lasts, if one does.
  std::function<std::optional<ConsoleCrisis>()> crisis{};
  // Optional: cuts a partner off at once and returns when that is durable (release stop MEMBER).
  std::function<Result<void>(const std::string& member, const std::string& by, const std::string& reason)> stop_member;
  // Optional: warning lists that hold a value, asked before something is published.
  std::function<std::vector<ConsoleWarning>(const detect::Value&)> warnings;
  // Optional: changes an account, one change at a time, durable and noted in the journal when it returns. Without it
  // there are no passkeys.
  std::function<Result<void>(const std::string& account, std::string_view event, JsonObject details,
                             const std::function<Result<void>(identity::Account&)>& change)>
      change_account{};
  flow::Quarantine* quarantine = nullptr;      // optional: what was not admitted and waits for a person
  identity::OidcLogin* oidc = nullptr;         // optional: an OpenID provider that vouches for people
  flow::Approvals* approvals = nullptr;        // optional: what waits for a second person
  std::span<const console::StaticFile> files;  // empty: the page was not built in; answers 501 and says so
};

inline constexpr std::size_t kConsoleMaxBodyBytes = 256 * 1024;
inline constexpr std::size_t kConsoleMaxValues = 1'000;       // pasted at once
inline constexpr std::size_t kConsoleMaxReasonBytes = 2'000;  // of a judgement

class ConsoleApi {
 public:
  ConsoleApi(ConsoleDeps deps, ConsoleOptions options);
  ~ConsoleApi();
  ConsoleApi(const ConsoleApi&) = delete;
  ConsoleApi& operator=(const ConsoleApi&) = delete;

  // Never throws. Safe from any thread. Streams that it handed out stay valid after the ConsoleApi is gone (they end).
  net::Response handle(net::Request&& request);

  void on_commit();  // something new is in the journal; returns at once
  void tick();       // call once a second

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace bongsu::api
