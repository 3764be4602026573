// The configuration of a node: bongsu.toml in its data directory.
//
//   BONGSU_TRY(node::NodeConfig config, node::read_config(directory / "bongsu.toml"));
//   node::explain_config();     // every key with default and meaning
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/config.h"
#include "base/result.h"
#include "detect/triage/policy.h"

namespace bongsu::node {

struct ListenAddress {
  std::string host;  // numeric address
  std::uint16_t port = 0;
};
// "127.0.0.1:6443", "[::1]:6443", "0.0.0.0:0"
Result<ListenAddress> parse_listen(std::string_view text);

struct TelemetryConfig {
  std::string path;             // a file to follow, or a directory whose files are followed
  bool from_start = true;       // read what is there already, the first time
};

struct FeedConfig {
  std::string name;             // [a-z0-9-]+
  std::string kind = "list";    // "misp" or "list"
  std::string url;              // file:///…, https://…
  std::string collection = "feeds";
  std::string tlp = "amber+strict";
  std::chrono::milliseconds interval{3'600'000};
};

struct AssetConfig {
  std::string entity;           // an EntityPattern
  std::int64_t value = 100;     // percent
};

// In percent, as a person writes them; triage_policy() turns them into what alerts are weighed by.
struct RiskConfig {
  std::int64_t unsaid_confidence = 50;
  std::int64_t informational = 10, low = 30, medium = 50, high = 80, critical = 100;
  std::int64_t indicator = 70;
  std::int64_t warning_listed = 50;
  std::chrono::milliseconds address{std::chrono::hours(14 * 24)}, domain{std::chrono::hours(60 * 24)}, url{std::chrono::hours(30 * 24)},
      email{std::chrono::hours(90 * 24)}, hash{std::chrono::hours(365 * 24)}, other{std::chrono::hours(90 * 24)};
  std::vector<AssetConfig> assets;
};

struct TriageConfig {
  std::chrono::milliseconds alert_window{3'600'000}, group_window{86'400'000};
  std::int64_t kept_hits = 100;
  std::int64_t alerts_per_minute = 60'000;
};

struct NodeConfig {
  std::string member;           // short name
  std::string title;
  std::string country;          // ISO 3166-1 alpha-2, for the map
  std::vector<std::string> names{"localhost", "127.0.0.1"};  // in the certificate

  std::string keys_passphrase_file, keys_pkcs11_module, keys_pkcs11_token, keys_pin_file;

  bool taxii_enabled = true;
  std::string taxii_listen = "127.0.0.1:6443";
  bool taxii_tls12 = true;
  std::uint64_t taxii_max_body = 104'857'600;
  std::int64_t taxii_page = 1000;

  std::string link_listen = "127.0.0.1:6444";
  std::string link_url;         // how partners reach it; empty: https://<first name>:<port>
  std::chrono::milliseconds link_heartbeat{10'000};
  std::chrono::milliseconds link_rediscover{10'000};
  std::string link_seal_from = "amber+strict";

  std::vector<std::string> ledger_auditors;    // members that see and cosign the node log
  std::chrono::milliseconds ledger_cosign{5'000};

  std::string console_listen = "127.0.0.1:6445";
  std::string console_host = "localhost";
  bool console_client_certificates = false;
  std::string oidc_issuer, oidc_client_id, oidc_client_secret_file, oidc_ca_file, oidc_claim = "preferred_username";
  std::vector<std::string> oidc_accounts;

  bool people_four_eyes = false;
  std::string people_four_eyes_from = "red";
  bool people_four_eyes_agreements = false;
  std::int64_t people_personal_data_days = 0;
  std::chrono::milliseconds people_approval_expires{std::chrono::hours(24 * 7)};

  std::string ops_listen = "127.0.0.1:6446";  // health and metrics, plain HTTP

  std::string input_syslog_udp, input_syslog_tcp, input_syslog_tls, input_http;  // addresses; empty: not listened on
  std::string input_http_token;
  std::uint64_t input_spool = 256ULL << 20;

  std::vector<TelemetryConfig> telemetry;
  std::vector<std::string> warning_lists;      // files or directories
  std::vector<std::string> maps;               // documents of fields
  std::chrono::milliseconds sighting_window{60'000};
  bool hunt_enabled = true;
  std::chrono::milliseconds hunt_keep_for{std::chrono::hours(24 * 30)};
  std::uint64_t hunt_keep_bytes = 20ULL << 30;
  std::int64_t hunt_share = 25;                // percent of a core
  std::string sensor_user = "nobody";
  bool sandbox = true;

  TriageConfig triage;
  RiskConfig risk;

  std::vector<FeedConfig> feeds;
  std::uint64_t reserve = 64ULL << 20;
  std::string log_level = "info";
  std::int64_t workers = 4;

  bool enforcement_enabled = false;
  std::vector<std::string> enforcement_formats{"suricata", "zeek", "rpz", "nginx", "haproxy", "edl"};
  std::string enforcement_highest_tlp = "amber+strict";
  std::int64_t enforcement_min_confidence_detect = 0, enforcement_min_confidence_block = 50;
  std::int64_t enforcement_unsaid_confidence = 50;
  bool enforcement_warning_listed = false;
  std::vector<std::string> enforcement_allow{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"};
  std::string enforcement_zone = "rpz.bongsu";
  std::chrono::milliseconds enforcement_settle{5'000};

  ConfigSchema schema();
  // kInvalid names the asset whose entity is no pattern.
  Result<detect::triage::TriagePolicy> triage_policy() const;
};

Result<NodeConfig> read_config(const std::filesystem::path& file);
std::string explain_config();

}  // namespace bongsu::node
