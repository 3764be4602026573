#include "node/config.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <sstream>

#include "identity/members.h"
#include "policy/agreement.h"
#include "stix/marking.h"

namespace bongsu::node {

using namespace std::chrono_literals;

Result<ListenAddress> parse_listen(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  ListenAddress address;
  if (colon != std::string_view::npos) {
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (ec == std::errc() && end == port.data() + port.size() && !host.empty()) {
      address.host = std::string(host);
      return address;
    }
  }
  return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is no address to listen on; write it as 127.0.0.1:6443 or [::1]:6443", text));
}

ConfigSchema NodeConfig::schema() {
  ConfigSchema s;
  s.section("node", "Who this node is.");
  s.text("node.member", member, "Short name of the member, the same for every partner: a-z, 0-9 and '-'.").required();
  s.text("node.title", title, "Name for people.");
  s.text("node.country", country, "ISO 3166-1 alpha-2 code, for the map.");
  s.texts("node.names", names, "Host names and addresses in this node's certificate.");
  s.choice("node.log_level", log_level, {"debug", "info", "warn", "error"}, "What is logged, as JSON lines on standard error.");

  s.section("keys", "What opens the node's private keys once `bongsu keys protect` has encrypted them. Not secret itself.");
  s.text("keys.passphrase_file", keys_passphrase_file, "File with the passphrase, readable by its owner alone. Empty: the credential bongsu-passphrase of systemd, else the person at the terminal is asked.");
  s.text("keys.pkcs11_module", keys_pkcs11_module, "Path of the PKCS#11 module of a token that locks the keys and signs, as /usr/lib/softhsm/libsofthsm2.so.");
  s.text("keys.pkcs11_token", keys_pkcs11_token, "Label of the token.");
  s.text("keys.pin_file", keys_pin_file, "File with the token's PIN, readable by its owner alone. Empty: the credential bongsu-pin, else the terminal.");

  s.section("taxii", "TAXII 2.1 server, for clients and partners without a Bongsu node.");
  s.flag("taxii.enabled", taxii_enabled, "Whether it listens.");
  s.text("taxii.listen", taxii_listen, "Address and port. Loopback unless you say otherwise.");
  s.flag("taxii.tls12", taxii_tls12, "TLS 1.2 with AEAD suites beside TLS 1.3; the TAXII specification demands 1.2.");
  s.size("taxii.max_body", taxii_max_body, 1024, 1ULL << 30, "Largest request body (max_content_length).");
  s.number("taxii.page", taxii_page, 1, 100'000, "Most objects in one page.");

  s.section("link", "Live links with partners' nodes: mutual TLS 1.3, pinned certificates.");
  s.text("link.listen", link_listen, "Address and port.");
  s.text("link.url", link_url, "How partners reach it, https://host:port. Empty: the first of node.names and the port.");
  s.choice("link.seal_from", link_seal_from, {"clear", "green", "amber", "amber+strict", "red", "classified"}, "From which label on objects travel sealed to the member's prekeys. Classified objects always do.");
  s.duration("link.heartbeat", link_heartbeat, 100ms, 5min, "Silence after which a heartbeat is sent.");

  s.duration("link.rediscover", link_rediscover, 100ms, 1h, "How often partners are asked what else they offer.");

  s.section("ledger", "Merkle logs of what this node did: one for the node, one for each partner.");
  s.texts("ledger.auditors", ledger_auditors, "Partners that see the node's own log (commitments, kinds and times) and cosign it.");
  s.duration("ledger.cosign", ledger_cosign, 100ms, 1h, "How often partners are asked to cosign what is new.");

  s.section("console", "The analyst's console.");
  s.text("console.listen", console_listen, "Address and port, TLS 1.3.");
  s.text("console.host", console_host, "Name under which browsers reach the console: passkeys belong to it and to no other. Empty: no passkeys.");
  s.flag("console.client_certificates", console_client_certificates, "Ask browsers for a certificate; those of accounts log in.");

  s.section("oidc", "An OpenID provider that vouches for people who log in to the console. Accounts are made here all the same, and their rights are theirs.");
  s.text("oidc.issuer", oidc_issuer, "Its issuer identifier, exactly as it writes it. Empty: none. Register https://CONSOLE.HOST:PORT/ there as redirect URI.");
  s.text("oidc.client_id", oidc_client_id, "What this node is called there.");
  s.text("oidc.client_secret_file", oidc_client_secret_file, "File with the client's secret, readable by its owner alone. Empty: a public client.");
  s.text("oidc.claim", oidc_claim, "Claim of the ID token that names the account; sub is the one that a provider never gives to somebody else. email counts when verified.");
  s.texts("oidc.accounts", oidc_accounts, "\"VALUE=account\", one for each person. Empty: the claim's value is the account's name.");
  s.text("oidc.ca_file", oidc_ca_file, "Authorities (PEM) by which the provider's certificate is verified. Empty: the system's.");

  s.section("people", "What one person does not do alone, and how long data about persons stays.");
  s.flag("people.four_eyes", people_four_eyes, "Lowering a guarded label, following another charter and bringing in again what a member recalled take a second person (bongsu approvals). While fewer than two persons have the right, one does it alone, but for bringing in again.");
  s.choice("people.four_eyes_from", people_four_eyes_from, {"green", "amber", "amber+strict", "red"}, "From which TLP on a label is guarded. What is classified always is.");
  s.flag("people.four_eyes_agreements", people_four_eyes_agreements, "Setting and ending agreements and declaring a crisis take a second person, too.");
  s.number("people.personal_data_days", people_personal_data_days, 0, policy::kMaxAgreementDays, "After how many days personal data that this node made is erased; what partners gave goes as agreed with them. 0: it stays.");
  s.duration("people.approval_expires", people_approval_expires, 1s, 24h * 90, "How long a proposal waits.");

  s.section("ops", "Health and Prometheus metrics, plain HTTP: keep it on loopback.");
  s.text("ops.listen", ops_listen, "Address and port of /healthz, /readyz and /metrics.");

  s.section("input", "Telemetry that others send to this node. Nothing is listened on unless an address is given.");
  s.text("input.syslog_udp", input_syslog_udp, "Address and port of syslog over UDP (RFC 5426), as 127.0.0.1:514. Datagrams are dropped, and counted, while the sensor is far behind.");
  s.text("input.syslog_tcp", input_syslog_tcp, "Address and port of syslog over TCP (RFC 6587). Senders are held back while the sensor is far behind.");
  s.text("input.syslog_tls", input_syslog_tls, "Address and port of syslog over TLS (RFC 5425), with this node's certificate.");
  s.text("input.http", input_http, "Address and port for POST /events: lines of JSON or of any other format. Plain HTTP on 127.0.0.1 and ::1, else TLS. 503 while the sensor is far behind.");
  s.text("input.http_token", input_http_token, "What senders over HTTP show as Authorization: Bearer. Empty: whoever reaches the port may send.");
  s.size("input.spool", input_spool, 1ULL << 20, 1ULL << 40, "Most bytes that wait on disk for the sensor.");

  s.section("store", "The journal.");
  s.size("store.reserve", reserve, 1ULL << 20, 1ULL << 40, "Free space that is kept: below it nothing is admitted.");
  s.number("store.workers", workers, 1, 64, "Threads that answer requests, for each listener.");

  s.section("enforcement", "Indicators as files for firewalls, resolvers, proxies and sensors, read by accounts with that right at /enforcement/ of the TAXII listener. What is withheld is counted.");
  s.flag("enforcement.enabled", enforcement_enabled, "Whether files are made and served.");
  s.texts("enforcement.formats", enforcement_formats, "suricata, zeek (look), rpz, nginx, haproxy, edl (block).");
  s.choice("enforcement.highest_tlp", enforcement_highest_tlp, {"clear", "green", "amber", "amber+strict", "red"}, "Highest label of what may stand in files that others read.");
  s.number("enforcement.min_confidence_detect", enforcement_min_confidence_detect, 0, 100, "Least confidence of what is looked for.");
  s.number("enforcement.min_confidence_block", enforcement_min_confidence_block, 0, 100, "Least confidence of what is blocked.");
  s.number("enforcement.unsaid_confidence", enforcement_unsaid_confidence, 0, 100, "What an indicator that says none counts as.");
  s.flag("enforcement.warning_listed", enforcement_warning_listed, "Use values that a warning list names as likely false positives.");
  s.texts("enforcement.allow", enforcement_allow, "Never used: domains with all above and below them, addresses and blocks with all that overlap, hashes, URLs.");
  s.text("enforcement.zone", enforcement_zone, "Name of the response policy zone.");
  s.duration("enforcement.settle", enforcement_settle, 100ms, 10min, "How long nothing has to come before files are written anew.");

  s.section("sensor", "The unprivileged process that reads telemetry.");
  s.text("sensor.user", sensor_user, "Account that it runs as when the node is started by root.");
  s.flag("sensor.sandbox", sandbox, "Landlock and seccomp. Without them the node refuses to start unless this is false.");
  s.texts("sensor.warning_lists", warning_lists, "Files or directories with MISP warning lists: likely false positives are marked, in alerts and before something is published.");
  s.texts("sensor.maps", maps, "Files that say what further fields of logs hold, and what Sigma and STIX call them; src/telemetry/README.md shows the form.");
  s.duration("sensor.sighting_window", sighting_window, 1s, 24h, "Hits of one indicator within it become one version of a sighting.");
  s.section("hunt", "Telemetry is kept, and what becomes known later is looked for in it.");
  s.flag("hunt.enabled", hunt_enabled, "Whether what the sensor reads is kept.");
  s.duration("hunt.keep_for", hunt_keep_for, 1s, 24h * 3660, "For how long.");
  s.size("hunt.keep_bytes", hunt_keep_bytes, 64ULL << 20, 1ULL << 50, "How much, compressed and with its index; the oldest goes first.");
  s.number("hunt.share", hunt_share, 1, 100, "Percent of one core that looking back and indexing may take.");
  s.tables<TelemetryConfig>("telemetry", telemetry, "Logs to watch: Zeek, Suricata EVE, Windows/Sysmon JSON, text; .gz and .zst are read once.",
                            [](ConfigSchema& t, TelemetryConfig& c) {
                              t.text("path", c.path, "A file that is followed, or a directory whose files are.").required();
                              t.flag("from_start", c.from_start, "Read what is there already, the first time.");
                            });
  s.section("triage", "From hits to alerts to groups.");
  s.duration("triage.alert_window", triage.alert_window, 1s, detect::triage::kLongestAlertWindow, "Hits of one indicator or rule on one entity within it are one alert.");
  s.duration("triage.group_window", triage.group_window, 1s, detect::triage::kLongestGroupWindow, "Alerts about one entity within it are one group.");
  s.number("triage.kept_hits", triage.kept_hits, 0, static_cast<std::int64_t>(detect::triage::kMostKeptHits), "Further hits of an alert that are kept one by one; beyond, they are counted.");
  s.number("triage.alerts_per_minute", triage.alerts_per_minute, 0, 10'000'000, "New alerts of all together; beyond, hits are counted by indicator. 0: without limit.");

  s.section("risk", "What an analyst looks at first: 100 × confidence × severity × asset × age, as percentages. docs/triage.md explains it.");
  s.number("risk.unsaid_confidence", risk.unsaid_confidence, 0, 100, "Of an indicator that states none.");
  s.number("risk.informational", risk.informational, 0, 100, "Severity of a rule of this level.");
  s.number("risk.low", risk.low, 0, 100, "The same.");
  s.number("risk.medium", risk.medium, 0, 100, "The same.");
  s.number("risk.high", risk.high, 0, 100, "The same.");
  s.number("risk.critical", risk.critical, 0, 100, "The same.");
  s.number("risk.indicator", risk.indicator, 0, 100, "Severity of an indicator, and of a rule without a level.");
  s.number("risk.warning_listed", risk.warning_listed, 0, 100, "Factor for values that stand in a warning list: doubtful, never hidden.");
  const std::chrono::milliseconds century = std::chrono::hours(24 * 36'500);
  s.duration("risk.half_life_address", risk.address, 0ms, century, "Time after which an indicator counts half: the age of its newest version at the event. 0s: it does not age.");
  s.duration("risk.half_life_domain", risk.domain, 0ms, century, "The same.");
  s.duration("risk.half_life_url", risk.url, 0ms, century, "The same.");
  s.duration("risk.half_life_email", risk.email, 0ms, century, "The same.");
  s.duration("risk.half_life_hash", risk.hash, 0ms, century, "The same, for hashes of files.");
  s.duration("risk.half_life_other", risk.other, 0ms, century, "The same, for every other kind and for patterns.");
  s.tables<AssetConfig>("asset", risk.assets, "What machines and accounts are worth; the first that fits counts, 100 where none does.",
                        [](ConfigSchema& t, AssetConfig& a) {
                          t.text("entity", a.entity, "An address block (10.1.0.0/16) or a name with * and ? (dc*.corp.example); \"host:\", \"address:\", \"user:\" or \"log:\" before it says the kind.").required();
                          t.number("value", a.value, 0, detect::triage::kMaxAsset / 10, "Percent: 100 is ordinary.").required();
                        });
  s.tables<FeedConfig>("feed", feeds, "Intelligence fetched on a schedule.", [](ConfigSchema& t, FeedConfig& c) {
    t.text("name", c.name, "Short name of the feed.").required();
    t.choice("kind", c.kind, {"misp", "list"}, "A MISP feed (manifest.json and events), or a plain list, one value a line.");
    t.text("url", c.url, "file:///directory-or-file, or https://…").required();
    t.text("collection", c.collection, "Where its objects go.");
    t.choice("tlp", c.tlp, {"clear", "green", "amber", "amber+strict", "red"}, "Widest label its objects may have.");
    t.duration("interval", c.interval, 1s, 24h * 30, "Time between two looks.");
  });
  return s;
}

Result<detect::triage::TriagePolicy> NodeConfig::triage_policy() const {
  const auto seconds = [](std::chrono::milliseconds d) { return std::chrono::duration_cast<std::chrono::seconds>(d); };
  detect::triage::TriagePolicy out;
  out.alert_window = seconds(triage.alert_window);
  out.group_window = seconds(triage.group_window);
  out.kept_hits = static_cast<std::size_t>(triage.kept_hits);
  out.alerts_per_minute = static_cast<std::uint64_t>(triage.alerts_per_minute);
  const auto part = [](std::int64_t percent) { return static_cast<int>(percent * 10); };
  out.risk.unsaid_confidence = part(risk.unsaid_confidence);
  out.risk.levels = {part(risk.informational), part(risk.low), part(risk.medium), part(risk.high), part(risk.critical)};
  out.risk.indicator = part(risk.indicator);
  out.risk.warning_listed = part(risk.warning_listed);
  out.risk.address = seconds(risk.address);
  out.risk.domain = seconds(risk.domain);
  out.risk.url = seconds(risk.url);
  out.risk.email = seconds(risk.email);
  out.risk.hash = seconds(risk.hash);
  out.risk.other = seconds(risk.other);
  if (risk.assets.size() > detect::triage::kMaxAssets)
    return fail(ErrorCode::kTooLarge, fmt::format("at most {} assets", detect::triage::kMaxAssets), {.field = "asset"});
  for (const AssetConfig& asset : risk.assets) {
    auto pattern = detect::EntityPattern::parse(asset.entity);
    if (!pattern) {
      pattern.error().where.field = fmt::format("asset.entity \"{}\"", asset.entity);
      return std::unexpected(pattern.error());
    }
    out.risk.assets.push_back({std::move(*pattern), part(asset.value)});
  }
  return out;
}

Result<NodeConfig> read_config(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in)
    return fail(ErrorCode::kNotFound, "cannot be read; `bongsu init` makes a node", {.source = file.string()});
  std::stringstream text;
  text << in.rdbuf();
  NodeConfig config;
  BONGSU_TRY_VOID(config.schema().read(text.str(), file.string()));
  if (!identity::is_member_id(config.member))
    return fail(ErrorCode::kInvalid, "a member's short name is made of a-z, 0-9 and '-'", {.source = file.string(), .field = "node.member"});
  for (const auto& [key, value] : {std::pair{"taxii.listen", &config.taxii_listen}, {"link.listen", &config.link_listen},
                                   {"console.listen", &config.console_listen}, {"ops.listen", &config.ops_listen}}) {
    if (auto parsed = parse_listen(*value); !parsed) {
      parsed.error().where = {.source = file.string(), .field = key};
      return std::unexpected(parsed.error());
    }
  }
  if (auto triage = config.triage_policy(); !triage) {
    triage.error().where.source = file.string();
    return std::unexpected(triage.error());
  }
  for (const auto& [key, value] : {std::pair{"input.syslog_udp", &config.input_syslog_udp}, {"input.syslog_tcp", &config.input_syslog_tcp},
                                   {"input.syslog_tls", &config.input_syslog_tls}, {"input.http", &config.input_http}}) {
    if (value->empty()) continue;
    if (auto parsed = parse_listen(*value); !parsed) {
      parsed.error().where = {.source = file.string(), .field = key};
      return std::unexpected(parsed.error());
    }
  }
  if (config.names.empty())
    return fail(ErrorCode::kInvalid, "needs at least one name", {.source = file.string(), .field = "node.names"});
  return config;
}

std::string explain_config() {
  NodeConfig config;
  return config.schema().explain();
}

}  // namespace bongsu::node
