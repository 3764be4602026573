// Packet captures come as tshark's events (telemetry/maps/tshark.toml): lines that tshark 4.0.17 wrote of a capture,
// `-T ek` with fields chosen by -e and without (cut down to the layers that are looked at).
#include <gtest/gtest.h>

#include <map>

#include "base/clock.h"
#include "detect/engine.h"
#include "detect/normalise.h"
#include "telemetry/bad_lines.h"

namespace bongsu::detect {
namespace {

constexpr const char* kChosen =
    R"({"index":{"_index":"packets-2023-11-14","_type":"doc"}}
{"timestamp":"1700000002000","layers":{"frame_time_epoch":["1700000002.000000000"],"ip_src":["10.0.0.1"],"ip_dst":["203.0.113.53"],"dns_qry_name":["len60.evil.example"]}}
{"index":{"_index":"packets-2023-11-14","_type":"doc"}}
{"timestamp":"1700000024000","layers":{"frame_time_epoch":["1700000024.000000000"],"ip_src":["10.0.0.1"],"ip_dst":["10.0.0.2"],"http_host":["host1.example.org"],"http_request_full_uri":["http://host1.example.org/path1"],"http_user_agent":["bad agent"]}}
{"timestamp":"1700000040000","layers":{"frame_time_epoch":["1700000040.000000000"],"ip_src":["10.0.0.1"],"ip_dst":["10.0.0.2"],"tls_handshake_extensions_server_name":["small.tls.example"],"tls_handshake_ja3":["89db0402812d3d5d20c610984f22b2ee"]}}
)";
constexpr const char* kWhole =
    R"({"timestamp":"1700000002000","layers":{"frame":{"frame_frame_time_epoch":"1700000002.000000000"},"ip":{"ip_ip_src":"10.0.0.1","ip_ip_dst":"203.0.113.53"},"dns":{"dns_dns_id":"0x0014","text":"Queries","dns_dns_qry_name":"len60.evil.example","dns_dns_qry_type":"1"}}}
{"timestamp":"1700000024000","layers":{"ip":{"ip_ip_src":"10.0.0.1","ip_ip_dst":"10.0.0.2"},"http":{"http_http_request_method":"GET","http_http_request_uri":"/path1","http_http_host":"host1.example.org","http_http_user_agent":"bad agent","http_http_request_full_uri":"http://host1.example.org/path1"}}}
{"timestamp":"1700000040000","layers":{"ip":{"ip_ip_src":"10.0.0.1","ip_ip_dst":"10.0.0.2"},"tls":{"tls_tls_handshake_extensions_server_name":"small.tls.example","tls_tls_handshake_ja3":"89db0402812d3d5d20c610984f22b2ee"}}}
)";

TEST(Tshark, NamesAddressesUrlsAndFingerprintsOfPacketsAreFoundWhereTheyStand) {
  const SystemClock clock;
  Engine engine(clock);
  const std::pair<Kind, const char*> values[] = {
      {Kind::kDomain, "evil.example"}, {Kind::kUrl, "http://host1.example.org/path1"},
      {Kind::kDomain, "tls.example"},  {Kind::kIpv4, "203.0.113.53"},
      {Kind::kUserAgent, "bad agent"}, {Kind::kJa3, "89db0402812d3d5d20c610984f22b2ee"}};
  std::uint64_t ref = 0;
  for (const auto& [kind, text] : values)
    ASSERT_TRUE(engine.add(++ref, std::vector<Value>{{kind, text}}, {}, {}, -1, {}));
  telemetry::BadLines bad;
  for (const char* lines : {kChosen, kWhole}) {
    Engine::Session session(engine, bad);
    telemetry::LineBatch batch;
    batch.source = std::make_shared<const std::string>("packets");
    batch.data = lines;
    std::vector<Alert> alerts;
    session.match(batch, alerts);
    std::map<std::string, std::string> found;  // value → where
    for (const Alert& alert : alerts) {
      found[alert.value.text] = alert.field;
      EXPECT_TRUE(alert.event_time);
    }
    const bool chosen = lines == kChosen;
    const std::map<std::string, std::string> expected{
        {"evil.example", chosen ? "layers.dns_qry_name" : "layers.dns.dns_dns_qry_name"},
        {"203.0.113.53", chosen ? "layers.ip_dst" : "layers.ip.ip_ip_dst"},
        {"http://host1.example.org/path1",
         chosen ? "layers.http_request_full_uri" : "layers.http.http_http_request_full_uri"},
        {"bad agent", chosen ? "layers.http_user_agent" : "layers.http.http_http_user_agent"},
        {"tls.example", chosen ? "layers.tls_handshake_extensions_server_name"
                               : "layers.tls.tls_tls_handshake_extensions_server_name"},
        {"89db0402812d3d5d20c610984f22b2ee", chosen ? "layers.tls_handshake_ja3" : "layers.tls.tls_tls_handshake_ja3"}};
    EXPECT_EQ(found, expected);
    EXPECT_EQ(alerts.size(), expected.size());
  }
  EXPECT_EQ(bad.count(), 0U);
}

}  // namespace
}  // namespace bongsu::detect
