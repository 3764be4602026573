#include "node/node.h"

#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <thread>
#include <utility>

#include "api/console/console_api.h"
#include "api/console/embedded_files.h"
#include "api/enforcement/enforcement_api.h"
#include "api/taxii/taxii_server.h"
#include "flow/facts.h"
#include "link/applier.h"
#include "link/pairing.h"
#include "link/prekey_server.h"
#include "link/recall_links.h"
#include "link/recall_server.h"
#include "link/runner.h"
#include "link/tail_server.h"
#include "net/server.h"
#include "node/admin_api.h"
#include "node/alert_desk.h"
#include "node/delays.h"
#include "node/detection_feed.h"
#include "node/rules_aside.h"
#include "node/enforcement_feed.h"
#include "node/feeds.h"
#include "node/inputs/live_inputs.h"
#include "node/ledger_desk.h"
#include "node/metrics.h"
#include "node/oidc_fetch.h"
#include "node/retention_desk.h"
#include "node/search_feed.h"
#include "node/sensor/supervisor.h"
#include "node/trust_links.h"
#include "node/version.h"
#include "node/warnings.h"

namespace bongsu::node {
namespace {

using namespace std::chrono_literals;

constexpr auto kStopGrace = 5s;
constexpr auto kLedgerDeadline = 60s;
constexpr auto kTick = 1s;
constexpr auto kCertificateWarning = std::chrono::hours{24 * 30};
constexpr std::uint32_t kOpsConnections = 64;
constexpr journal::Seq kSearchBehind = 10'000;  // entries: fewer are the pace of every day

double seconds(std::chrono::nanoseconds d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

struct Node::Impl {
  NodeOptions options;
  Log& log;
  std::unique_ptr<Core> core;
  Metrics metrics;
  Delays delays;

  // The ways in and out of the network, as functions.
  std::unique_ptr<api::TaxiiServer> taxii;
  std::unique_ptr<identity::OidcLogin> oidc;  // nullptr: no provider is configured
  std::unique_ptr<api::ConsoleApi> console;
  std::unique_ptr<AdminApi> admin;
  std::unique_ptr<link::TailGate> gate;
  std::unique_ptr<link::TailServer> tails;
  std::unique_ptr<link::PairingServer> pairing;
  std::unique_ptr<link::TrustServer> trust;
  std::unique_ptr<link::PrekeyServer> prekeys;

  // Work in the background.
  std::unique_ptr<LiveInputs> inputs;
  std::unique_ptr<SensorSupervisor> sensor;
  std::unique_ptr<RulesAside> rules_aside;
  std::unique_ptr<DetectionFeed> detection;
  std::unique_ptr<AlertDesk> desk;
  std::unique_ptr<SearchFeed> search;
  std::unique_ptr<RetentionDesk> retention;
  std::unique_ptr<LedgerDesk> ledger;  // nullptr: the ledger could not be opened
  std::unique_ptr<link::Applier> applier;
  std::unique_ptr<link::Links> links;
  std::unique_ptr<link::RecallServer> recall_server;
  std::unique_ptr<link::RecallLinks> recall_links;
  std::unique_ptr<Feeds> feeds;
  std::unique_ptr<Warnings> warnings;
  std::unique_ptr<EnforcementFeed> enforcement;
  std::unique_ptr<api::EnforcementApi> enforcement_api;
  std::thread housekeeper;
  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false, partners_changed = false;
  std::atomic<bool> started = false, pairing_ready = false;

  // Sockets, last: nobody asks before there is somebody to answer.
  std::unique_ptr<net::Server> taxii_server, link_server, console_server, ops_server, admin_server;
  std::map<std::string, std::string> urls;

  Impl(NodeOptions o, Log& l) : options(std::move(o)), log(l) {}

  Result<void> build();
  Result<void> listen();
  void stop();
  void housekeep();
  void policy_changed();
  StartMessage sensor_start();
  Result<void> take_alerts(AlertsMessage&& message);
  std::vector<link::Partner> partners(bool stopped_too = false);
  net::Response handle_link(net::Request&& request);
  net::Response handle_ops(const net::Request& request);
  net::Handler measured(std::string listener, net::Handler handler);
  Gauges gauges();
  api::console::Counters counters();
  JsonArray link_list();
  std::vector<api::ConsoleMember> console_members();
  api::ConsoleDetection console_detection();
  std::function<bool(std::string_view label)> sealed_only(std::string_view member);
  net::TlsServerOptions tls(net::TlsFloor floor, net::ClientCertificate clients) const;
  net::ClientCertificate console_certificates() const {
    return core->config.console_client_certificates ? net::ClientCertificate::kOptional : net::ClientCertificate::kNone;
  }
  Result<std::unique_ptr<net::Server>> open_server(const char* name, const std::string& listen, net::ServerOptions server, net::Handler handler);
  void extend_status(JsonObject& out);
  bool ready();
  std::string readiness();
};

Result<void> Node::Impl::build() {
  BONGSU_TRY(core, Core::open(options.directory, log));
  BONGSU_TRY([[maybe_unused]] const auto token, core->first_run());
  BONGSU_TRY_VOID(core->alerts->rebuild([](std::uint64_t, std::uint64_t) {}));
  const NodeConfig& config = core->config;

  BONGSU_TRY(taxii,
             api::TaxiiServer::open({.journal = *core->journal,
                                     .release = *core->release,
                                     .admission = *core->admission,
                                     .collections = *core->collections,
                                     .accounts = *core->accounts,
                                     .clock = core->clock,
                                     .random = core->random,
                                     .log = log,
                                     .sealed_only = [this](std::string_view member) { return sealed_only(member); },
                                     .recall = core->recall.get()},
                                    {.title = config.title,
                                     .api_root_title = config.title,
                                     .max_content_length = config.taxii_max_body,
                                     .max_page = static_cast<std::uint32_t>(config.taxii_page)}));

  BONGSU_TRY(std::string secret, link::load_cursor_secret(*core->journal, core->random));
  gate = link::make_release_gate(*core->release, *core->collections);
  const auto member_of = [this](const net::Peer& peer) { return core->registry->directory().member_of(peer); };
  tails = std::make_unique<link::TailServer>(*core->journal, *gate, member_of,
                                             link::TailServerOptions{.self = config.member,
                                                                     .title = config.title,
                                                                     .cursor_secret = std::move(secret),
                                                                     .heartbeat = config.link_heartbeat,
                                                                     .origins = core->origins.get(),
                                                                     .sealing = core->sealing.get(),
                                                                     .seal_level = core->seal_level(),
                                                                     .markings = core->markings.get(),
                                                                     .recall = core->recall.get()},
                                             log);
  prekeys = std::make_unique<link::PrekeyServer>(*core->sealing, member_of, log,
                                                 [this](const std::string& member) { tails->prekeys_changed(member); });
  trust = std::make_unique<link::TrustServer>(trust_books(*core->registry));
  recall_server = std::make_unique<link::RecallServer>(
      *core->recall, member_of,
      [this](const std::string& member, const std::string& collection, std::string_view cursor) {
        return tails->shown(member, collection, cursor);
      },
      fmt::format("{:016x}", core->random.next()), log);

  desk = std::make_unique<AlertDesk>(*core, delays, metrics);
  BONGSU_TRY(inputs, LiveInputs::open(config, options.directory.root(), log));
  sensor = std::make_unique<SensorSupervisor>(
      options.program,
      SensorCallbacks{.configure = [this] { return sensor_start(); },
                      .started = [this] { detection->sensor_started(); },
                      .alerts = [this](AlertsMessage&& message) { return take_alerts(std::move(message)); },
                      .stats = [this](const SensorStats& stats) { desk->note(stats); },
                      .refused = [this](std::uint64_t generation, const RefusedMessage& rules) { detection->refused(generation, rules); },
                      .guilty =
                          [this](const CrashWatch::Guilty& rule) {
                            if (auto done = detection->set_aside(rule.ref, rule.reason); !done) log.error("detection.rule_aside", {{"error", done.error().text()}});
                          }},
      log);
  BONGSU_TRY(rules_aside, RulesAside::open(options.directory.root() / "rules-aside.json"));
  detection = std::make_unique<DetectionFeed>(*core->journal, *sensor, *rules_aside, core->clock, log);
  search = std::make_unique<SearchFeed>(*core->journal, *core->search, log);
  retention = std::make_unique<RetentionDesk>(*core);
  if (core->ledger) ledger = std::make_unique<LedgerDesk>(*core);

  auto mirrors = std::make_unique<link::FlowApplier>(*core->journal, *core->admission, *core->collections, core->random, log, config.member,
                                                     [this](const flow::Collection&) {
                                                       if (auto done = core->registry->refresh_policy(); !done) log.error("policy.refresh", {{"error", done.error().text()}});
                                                     }, core->sealing.get());
  mirrors->suspend_with(*core->suspensions);
  mirrors->on_gone([this](const std::string& member) { recall_links->ask(member); });
  applier = std::make_unique<MeasuredApplier>(std::move(mirrors), core->clock, delays, metrics);
  const net::TlsClientOptions own_tls{.certificate_pem = core->keys.tls.certificate_pem,
                                      .private_key_pem = core->keys.tls.private_key_pem,
                                      .floor = net::TlsFloor::kTls13};
  links = std::make_unique<link::Links>(
      *applier,
      link::LinksOptions{
          .tls = own_tls,
          .rediscover = config.link_rediscover,
          .heartbeat = config.link_heartbeat,
          .sealing = core->sealing.get(),
          .on_discovery =
              [this](const link::Partner& partner, const link::LinkGet& get) {
                if (auto seen = link::fetch_trust(get, trust_books(*core->registry), partner.member, log); !seen)
                  log.debug("trust.fetch", {{"member", partner.member}, {"error", seen.error().text()}});
              }},
      core->clock, core->random, log);
  recall_links = std::make_unique<link::RecallLinks>(
      *core->recall, link::LinksOptions{.tls = own_tls, .rediscover = config.link_rediscover},
      [this](const std::string& member) -> Result<std::vector<link::RestingCursor>> {
        const auto at_work = links->at_work(member);
        if (!at_work) return std::vector<link::RestingCursor>{};
        return link::resting_cursors(*core->journal, member, *at_work);
      },
      core->random, log);
  core->recall->on_order([this] { recall_links->ask_where_due(); });  // whoever recalled from us is told
  feeds = std::make_unique<Feeds>(*core);
  warnings = std::make_unique<Warnings>(config.warning_lists, log);
  BONGSU_TRY_VOID(enforcement_policy(config));
  BONGSU_TRY_VOID(enforcement_formats(config.enforcement_formats));
  enforcement = std::make_unique<EnforcementFeed>(*core, [this] { return warnings->current(); });
  enforcement_api = std::make_unique<api::EnforcementApi>(
      *core->accounts, config.member, api::EnforcementSource{.open = [this](std::string_view format, std::string_view file) { return enforcement->open(format, file); },
                                              .listing = [this] { return enforcement->listing(); }});

  BONGSU_TRY(oidc, make_oidc_login(config, core->clock, core->random));
  console = std::make_unique<api::ConsoleApi>(
      api::ConsoleDeps{.clock = core->clock, .random = core->random, .log = log, .accounts = *core->accounts, .journal = *core->journal, .search = *core->search,
                       .alerts = *core->alerts, .release = *core->release, .admission = *core->admission, .collections = *core->collections, .markings = *core->markings,
                       .node = {.self = config.member, .title = config.title, .version = kVersion, .identity_id = core->identity_id, .country = config.country, .host = config.console_host},
                       .members = [this] { return console_members(); },
                       .counters = [this] { return counters(); },
                       .detection = [this] { return console_detection(); },
                       .crisis = [this]() -> std::optional<api::ConsoleCrisis> {
                         auto crisis = core->registry->crisis();
                         if (!crisis || !crisis->in_force(core->clock.now())) return std::nullopt;
                         return api::ConsoleCrisis{crisis->since, crisis->until, std::move(crisis->reason), std::move(crisis->by)};
                       },
                       .stop_member = [this](const std::string& member, const std::string&, const std::string&) -> Result<void> {
                         BONGSU_TRY_VOID(core->registry->set_stopped(member, true));
                         return {};
                       },
                       .warnings = [this](const detect::Value& value) {
                         std::vector<api::ConsoleWarning> out;
                         for (auto& hit : warnings->find(value)) out.push_back({.list = std::move(hit.list), .type = std::move(hit.type)});
                         return out;
                       },
                       .change_account = [this](const std::string& account, std::string_view event, JsonObject details, const auto& change) -> Result<void> {
                         BONGSU_TRY([[maybe_unused]] const auto changed, core->registry->change_account(account, event, std::move(details), change));
                         return {};
                       },
                       .quarantine = core->quarantine.get(),
                       .oidc = oidc.get(),
                       .approvals = core->approvals.get(),
                       .files = api::console::embedded_files()},
      api::ConsoleOptions{});
  core->journal->on_commit([this](journal::Seq) { console->on_commit(); });

  admin = std::make_unique<AdminApi>(*core, AdminHooks{.extend_status = [this](JsonObject& out) { extend_status(out); },
                                                       .link_url = [this] { return urls.contains("link") ? urls.at("link") : std::string(); },
                                                       .follow_ledger = [this]() -> Result<void> { return ledger ? ledger->caught_up(kLedgerDeadline) : Result<void>(); },
                                                       .build_enforcement = [this](const auto& formats) { return enforcement->build(formats); },
                                                       .retry_rule = [this](const std::string& digest, const std::string& by, const std::string& reason) -> Result<JsonObject> {
                                                         BONGSU_TRY(const RuleAside rule, rules_aside->take_back(digest));
                                                         log.warn("detection.rule_retried", {{"digest", rule.digest}, {"indicator", rule.indicator}, {"by", by}, {"reason", reason}});
                                                         sensor->restart();  // the next one gets it
                                                         return JsonObject{{"digest", rule.digest}, {"language", rule.language}, {"indicator", rule.indicator}};
                                                       },
                                                       .renew_certificate = [this]() -> Result<void> {
                                                         if (taxii_server) BONGSU_TRY_VOID(taxii_server->replace_tls(tls(core->config.taxii_tls12 ? net::TlsFloor::kTls12Aead : net::TlsFloor::kTls13, net::ClientCertificate::kOptional)));
                                                         BONGSU_TRY_VOID(link_server->replace_tls(tls(net::TlsFloor::kTls13, net::ClientCertificate::kOptional)));
                                                         BONGSU_TRY_VOID(console_server->replace_tls(tls(net::TlsFloor::kTls13, console_certificates())));
                                                         const crypto::Identity shown = core->tls_identity();
                                                         if (inputs) BONGSU_TRY_VOID(inputs->replace_tls(tls(net::TlsFloor::kTls12Aead, net::ClientCertificate::kNone)));
                                                         links->replace_certificate(shown.certificate_pem, shown.private_key_pem);
                                                         recall_links->replace_certificate(shown.certificate_pem, shown.private_key_pem);
                                                         policy_changed();
                                                         return {};
                                                       }});
  core->registry->on_change([this] { policy_changed(); });
  return {};
}

StartMessage Node::Impl::sensor_start() {
  StartMessage message = desk->configure(options.watch);
  if (inputs) {
    message.sources.push_back({.path = inputs->directory().string(), .from_start = true});
    for (const auto& position : message.positions) inputs->note(position);
  }
  return message;
}

Result<void> Node::Impl::take_alerts(AlertsMessage&& message) {
  const std::vector<PositionUpdate> positions = inputs ? message.positions : std::vector<PositionUpdate>{};
  BONGSU_TRY_VOID(desk->take(std::move(message)));
  for (const auto& position : positions) inputs->note(position);
  return {};
}

net::TlsServerOptions Node::Impl::tls(net::TlsFloor floor, net::ClientCertificate clients) const {
  const crypto::Identity shown = core->tls_identity();
  return {.certificate_pem = shown.certificate_pem, .private_key_pem = shown.private_key_pem, .floor = floor, .client_certificate = clients, .is_pinned = {}};
}

net::Handler Node::Impl::measured(std::string listener, net::Handler handler) {
  return [this, listener = std::move(listener), handler = std::move(handler)](net::Request&& request) {
    const auto began = core->clock.monotonic();
    net::Response response = handler(std::move(request));
    metrics.request(listener, response.status, seconds(core->clock.monotonic() - began));
    return response;
  };
}

Result<std::unique_ptr<net::Server>> Node::Impl::open_server(const char* name, const std::string& listen, net::ServerOptions server, net::Handler handler) {
  BONGSU_TRY(const ListenAddress address, parse_listen(listen));
  server.name = name;
  server.address = address.host;
  server.port = address.port;
  server.workers = static_cast<std::uint32_t>(core->config.workers);
  auto opened = std::make_unique<net::Server>(std::move(server), measured(name, std::move(handler)), log);
  if (auto begun = opened->start(); !begun) {
    begun.error().where = {.source = fmt::format("{}.listen", name), .field = listen};
    return std::unexpected(begun.error());
  }
  return opened;
}

Result<void> Node::Impl::listen() {
  const NodeConfig& config = core->config;
  const std::string& host = config.names.front();
  if (config.taxii_enabled) {
    net::ServerOptions server;
    server.tls = tls(config.taxii_tls12 ? net::TlsFloor::kTls12Aead : net::TlsFloor::kTls13, net::ClientCertificate::kOptional);
    server.max_body_bytes = config.taxii_max_body;
    BONGSU_TRY(taxii_server, open_server("taxii", config.taxii_listen, std::move(server), [this](net::Request&& r) { return core->config.enforcement_enabled && api::EnforcementApi::is_for(r) ? enforcement_api->handle(std::move(r)) : taxii->handle(std::move(r)); }));
    urls["taxii"] = fmt::format("https://{}:{}/taxii2/", host, taxii_server->port());
  }
  {
    net::ServerOptions server;
    server.tls = tls(net::TlsFloor::kTls13, net::ClientCertificate::kOptional);
    server.heartbeat = config.link_heartbeat;
    server.max_body_bytes = std::max<std::uint64_t>(link::kMaxPairBytes, link::kMaxRecallAnswer);
    BONGSU_TRY(link_server, open_server("link", config.link_listen, std::move(server), [this](net::Request&& r) { return handle_link(std::move(r)); }));
    urls["link"] = config.link_url.empty() ? fmt::format("https://{}:{}", host, link_server->port()) : config.link_url;
    pairing = std::make_unique<link::PairingServer>(core->registry->book(), core->own_identity(urls["link"]), core->clock, log, [this](const identity::Member&) {
      if (auto done = core->registry->refresh_members(); !done) log.error("members.refresh", {{"error", done.error().text()}});
    });
    pairing_ready = true;
  }
  {
    net::ServerOptions server;
    server.tls = tls(net::TlsFloor::kTls13, console_certificates());
    server.max_body_bytes = api::kConsoleMaxBodyBytes;
    BONGSU_TRY(console_server, open_server("console", config.console_listen, std::move(server), [this](net::Request&& r) { return console->handle(std::move(r)); }));
    urls["console"] = fmt::format("https://{}:{}/", host, console_server->port());
  }
  {
    net::ServerOptions server;
    server.max_connections = kOpsConnections;
    BONGSU_TRY(ops_server, open_server("ops", config.ops_listen, std::move(server), [this](net::Request&& r) { return handle_ops(r); }));
    urls["ops"] = fmt::format("http://{}:{}/", host, ops_server->port());
  }
  if (inputs) BONGSU_TRY_VOID(inputs->start([this] { return tls(net::TlsFloor::kTls12Aead, net::ClientCertificate::kNone); }, urls));
  net::ServerOptions server;
  server.name = "admin";
  server.address = "unix:" + core->directory.admin_socket().string();
  server.max_body_bytes = kMaxImportBytes;
  server.body_timeout = 10min;
  admin_server = std::make_unique<net::Server>(std::move(server), [this](net::Request&& r) { return admin->handle(std::move(r)); }, log);
  return admin_server->start();
}

net::Response Node::Impl::handle_link(net::Request&& request) {
  if (link::PairingServer::is_for(request)) {
    if (!pairing_ready) return net::Response::json(503, R"({"error":"unavailable","message":"the node is starting"})");
    return pairing->handle(std::move(request));
  }
  if (ledger && link::LedgerServer::is_for(request)) return ledger->handle(std::move(request));
  if (link::TrustServer::is_for(request)) return trust->handle(core->registry->directory().member_of(request.peer), request);
  if (link::PrekeyServer::is_for(request)) return prekeys->handle(std::move(request));
  if (link::RecallServer::is_for(request)) return recall_server->handle(std::move(request));
  return tails->handle(std::move(request));
}

net::Response Node::Impl::handle_ops(const net::Request& request) {
  if (request.method != "GET") return net::Response::text(405, "only GET\n");
  if (request.path == "/healthz") return net::Response::text(200, "ok\n");
  if (request.path == "/readyz")
    return ready() ? net::Response::text(200, readiness()) : net::Response::text(503, "starting\n");
  if (request.path == "/metrics") {
    net::Response response = net::Response::text(200, metrics.text(gauges()));
    response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    return response;
  }
  return net::Response::text(404, "try /healthz, /readyz or /metrics\n");
}

// Serving, and the journal can be read. Detection and search catch up in the background; /readyz says so, metrics show
// how far they are.
bool Node::Impl::ready() { return started && core->journal->stats().has_value(); }

std::string Node::Impl::readiness() {
  const journal::Seq last = core->journal->last_seq();
  const DetectionStatus feed = detection->status();
  std::string text = "ready\n";
  if (!sensor->status().running) {
    text += "detection: the sensor is not running\n";
  } else if (!feed.loaded) {
    text += fmt::format("detection: loading, {} of {} entries\n", feed.cursor, last);
  }
  if (const journal::Seq cursor = core->search->cursor(); cursor + kSearchBehind < last)
    text += fmt::format("search: catching up, {} of {} entries\n", cursor, last);
  return text;
}

// Called on whatever thread changed something, a link's own among them: links are started and stopped by the housekeeper alone.
void Node::Impl::policy_changed() {
  {
    const std::lock_guard lock(mutex);
    partners_changed = true;
  }
  wake.notify_all();
  tails->policy_changed();
}

std::vector<link::Partner> Node::Impl::partners(bool stopped_too) {
  std::vector<link::Partner> out;
  const auto charter = core->registry->charter();
  for (const auto& member : core->registry->members())
    // Who was taken out of the charter gives us nothing either; but it may still recall what it gave.
    if (!member.link_url.empty() && (stopped_too || (!member.stopped && (!charter || charter->charter().members.contains(member.id)))))
      out.push_back({.member = member.id, .link_url = member.link_url, .ca_fingerprint = member.ca_fingerprint});
  return out;
}

Gauges Node::Impl::gauges() {
  Gauges g;
  g.engine_faults = core->release->engine_faults();
  if (const auto stats = core->journal->stats()) {
    g.journal_seq = stats->last_seq;
    g.journal_bytes = stats->bytes;
    g.free_bytes = stats->free_bytes;
  }
  const journal::Seq last = core->journal->last_seq();
  g.search_lag = last - std::min(last, core->search->cursor());
  const DetectionStatus feed = detection->status();
  g.detection_lag = last - std::min(last, feed.cursor);
  g.indicators = feed.indicators;
  const SensorStatus status = sensor->status();
  g.events = status.stats.events;
  g.event_bytes = status.stats.bytes;
  g.bad_lines = status.stats.bad_lines;
  g.sensor_running = status.running;
  g.sensor_restarts = status.restarts;
  g.open_tails = tails->open_tails();
  const auto counts = core->alerts->counts();
  g.alerts_total = counts.total;
  g.alerts_open = counts.open;
  const auto totals = core->alerts->totals({.everything = true, .subjects = {}, .reads = {}});
  g.hits = totals.hits;
  g.hits_suppressed = totals.suppressed_hits;
  g.hits_unlisted = totals.unlisted;
  for (const auto& line : links->status()) {
    ++g.links_total;
    if (line.phase == link::LinkPhase::kLive) ++g.links_live;
  }
  if (const auto facts = crypto::read_certificate(core->tls_identity().certificate_pem))
    g.certificate_seconds_left = std::chrono::duration_cast<std::chrono::seconds>(facts->not_after - core->clock.now()).count();
  return g;
}

// Which labels keep an object from this member over TAXII; empty: none. A partner's node gets them sealed by its link.
std::function<bool(std::string_view label)> Node::Impl::sealed_only(std::string_view member) {
  if (member == core->config.member || !core->registry->member(member)) return {};
  return [member = std::string(member), level = core->seal_level()](std::string_view label) {
    return link::needs_sealing(flow::label_for(label, member), level);
  };
}

api::console::Counters Node::Impl::counters() {
  const auto delivered = delays.delivered();
  return {.events = desk->events_before() + sensor->status().stats.events,
          .delay_p50_ms = delivered.p50_ms,
          .delay_p99_ms = delivered.p99_ms};
}

JsonArray Node::Impl::link_list() {
  JsonArray out;
  for (const auto& line : links->status()) {
    JsonObject item{{"member", line.member}, {"collection", line.collection}, {"phase", link::to_string(line.phase)}, {"cursor", line.cursor},
                    {"applied", line.applied}, {"refused", line.refused}, {"last_error", line.last_error}};
    if (line.withheld > 0) item["withheld"] = line.withheld;
    if (!line.sealing.empty()) item["sealing"] = line.sealing;
    if (line.delay_us) item["delay_us"] = *line.delay_us;
    if (line.last_heard) item["last_heard"] = line.last_heard->text(3);
    out.push_back(std::move(item));
  }
  return out;
}

void Node::Impl::extend_status(JsonObject& out) {
  out["running"] = true;
  out["version"] = kVersion;
  JsonObject listeners;
  for (const auto& [name, url] : urls) listeners[name] = url;
  out["listeners"] = std::move(listeners);
  JsonObject ports{{"link", link_server->port()}, {"console", console_server->port()}, {"ops", ops_server->port()}};
  if (taxii_server) ports["taxii"] = taxii_server->port();
  out["ports"] = std::move(ports);
  out["links"] = link_list();
  JsonArray withheld;
  for (const auto& line : tails->withheld()) withheld.push_back(JsonObject{{"member", line.member}, {"collection", line.collection}, {"objects", line.objects}, {"why", line.why}});
  out["withheld"] = std::move(withheld);
  const SensorStatus status = sensor->status();
  const DetectionStatus feed = detection->status();
  JsonArray problems;
  for (const auto& text : status.problems) problems.emplace_back(text);
  JsonObject unsupported;
  for (const auto& [reason, count] : feed.unsupported) unsupported[reason] = count;
  out["sensor"] = JsonObject{{"running", status.running}, {"sandboxed", status.sandboxed}, {"restarts", status.restarts}, {"events", status.stats.events},
                             {"bytes", status.stats.bytes}, {"bad_lines", status.stats.bad_lines}, {"files", status.stats.files}, {"applied", status.applied},
                             {"problems", std::move(problems)}};
  const ArchiveStats& archive = status.stats.archive;
  if (core->config.hunt_enabled)
    out["hunt"] = JsonObject{{"segments", archive.segments}, {"stored_bytes", archive.stored_bytes}, {"spooled_bytes", archive.spooled_bytes}, {"lost_bytes", archive.lost_bytes},
                             {"waiting", archive.waiting}, {"hunting", archive.hunting}, {"files", archive.hunt_files}, {"files_done", archive.hunt_files_done},
                             {"hunts", archive.hunts}, {"alerts", archive.hunt_alerts}};
  if (inputs) out["inputs"] = inputs->status();
  out["detection"] = JsonObject{{"cursor", feed.cursor}, {"loaded", feed.loaded}, {"indicators", feed.indicators}, {"rules", feed.rules}, {"unsupported", std::move(unsupported)}, {"aside", rules_aside->json()}};
  out["feeds"] = feeds->status();
  out["ledger"] = ledger ? ledger->status() : JsonObject{{"problem", core->ledger_problem}};
  out["delays"] = delays.json();
}

std::vector<api::ConsoleMember> Node::Impl::console_members() {
  std::vector<api::ConsoleMember> out;
  const auto status = links->status();
  for (const auto& member : core->registry->members()) {
    api::ConsoleMember item{.id = member.id, .title = member.title, .country = member.country, .confirmed = member.confirmed, .stopped = member.stopped,
                            .fingerprint = crypto::spoken_fingerprint(member.ca_fingerprint), .links = {}};
    for (const auto& line : status) {
      if (line.member != member.id) continue;
      item.links.push_back({.collection = line.collection, .phase = std::string(link::to_string(line.phase)), .cursor = line.cursor, .applied = line.applied,
                            .refused = line.refused, .delay_us = line.delay_us, .last_heard = line.last_heard, .last_error = line.last_error});
    }
    out.push_back(std::move(item));
  }
  return out;
}

api::ConsoleDetection Node::Impl::console_detection() {
  api::ConsoleDetection out{.running = sensor->status().running, .aside = {}};
  for (RuleAside& rule : rules_aside->list())
    out.aside.push_back({.digest = std::move(rule.digest), .language = std::move(rule.language), .indicator = std::move(rule.indicator),
                         .giver = std::move(rule.giver), .reason = std::move(rule.reason), .since = rule.since});
  return out;
}

// Links whenever members changed; once a second sightings whose window has passed and the console's clock; once an hour the certificate.
void Node::Impl::housekeep() {
  std::uint64_t ticks = 0;
  auto next_tick = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex);
  for (;;) {
    wake.wait_until(lock, next_tick, [&] { return stopping || partners_changed; });
    if (stopping) return;
    const bool changed = std::exchange(partners_changed, false);
    lock.unlock();
    if (changed) {
      links->set_partners(partners());
      recall_links->set_partners(partners(true));
    }
    if (changed && ledger) ledger->peers_changed();
    if (std::chrono::steady_clock::now() >= next_tick) {
      next_tick = std::chrono::steady_clock::now() + kTick;
      if (auto flushed = core->alerts->flush_sightings(); !flushed) log.warn("sightings.flush", {{"error", flushed.error().text()}});
      if (auto followed = core->admission->follow_ends(); !followed) log.warn("admit.follow_ends", {{"error", followed.error().text()}});
      if (auto written = core->recall->write_down(); !written) log.warn("recall.write_down", {{"error", written.error().text()}});
      console->tick();
      core->registry->look_at_the_clock();
      // What time takes away is told on live links now, and not when somebody reads next.
      if (auto kept = core->release->keep_up(); !kept) log.error("release.keep_up", {{"error", kept.error().text()}});
      if (ticks % 60 == 0)
        if (auto kept = core->approvals->keep_up(); !kept) log.error("approvals.keep_up", {{"error", kept.error().text()}});
      if (ticks++ % 3600 == 0)
        if (const auto facts = crypto::read_certificate(core->tls_identity().certificate_pem))
          if (facts->not_after - core->clock.now() < kCertificateWarning)
            log.warn("certificate.expires", {{"not_after", facts->not_after.text(0)}, {"next", "bongsu certificate renew"}});
    }
    lock.lock();
  }
}

void Node::Impl::stop() {
  {
    const std::lock_guard lock(mutex);
    if (stopping) return;
    stopping = true;
  }
  started = false;
  wake.notify_all();
  for (auto* server : {admin_server.get(), taxii_server.get(), console_server.get(), link_server.get(), ops_server.get()})
    if (server != nullptr) server->stop(kStopGrace);
  if (inputs) inputs->stop();
  if (housekeeper.joinable()) housekeeper.join();
  if (links) links->stop();
  if (recall_links) recall_links->stop();
  if (feeds) feeds->stop();
  if (enforcement) enforcement->stop();
  if (warnings) warnings->stop();
  if (sensor) sensor->stop();
  if (detection) detection->stop();
  if (search) search->stop();
  if (retention) retention->stop();
  if (ledger) ledger->stop();
  if (core && core->alerts)
    if (auto flushed = core->alerts->flush_sightings(); !flushed) log.warn("sightings.flush", {{"error", flushed.error().text()}});
  if (core && core->recall)
    if (auto written = core->recall->write_down(true); !written) log.warn("recall.write_down", {{"error", written.error().text()}});
  if (taxii) taxii->close();
  if (core && core->journal) core->journal->close();
}

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Node::~Node() { stop(); }

Result<std::unique_ptr<Node>> Node::open(NodeOptions options, Log& log) {
  std::unique_ptr<Node> node(new Node(std::make_unique<Impl>(std::move(options), log)));
  BONGSU_TRY_VOID(node->impl_->build());
  return node;
}

Result<void> Node::start() {
  BONGSU_TRY_VOID(impl_->listen());
  impl_->search->start();
  impl_->retention->start();
  if (impl_->ledger) impl_->ledger->start();
  impl_->detection->start();
  impl_->sensor->start();
  impl_->feeds->start();
  impl_->warnings->start();
  if (impl_->core->config.enforcement_enabled) impl_->enforcement->start();
  impl_->started = true;
  impl_->policy_changed();
  impl_->housekeeper = std::thread([this] { impl_->housekeep(); });
  return {};
}

void Node::stop() { impl_->stop(); }
Core& Node::core() { return *impl_->core; }
const std::map<std::string, std::string>& Node::listeners() const { return impl_->urls; }
bool Node::ready() const { return impl_->ready(); }

}  // namespace bongsu::node
