#include "exercise/drill/telemetry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <unordered_map>

#include "base/hash.h"
#include "base/json.h"
#include "base/random.h"
#include "base/text.h"
#include "exercise/scenario/vocabulary.h"

namespace bongsu::exercise::drill {
namespace {

// What a template is filled with: parameters, time, and what the seed gives.
struct Record {
  const Parameters& parameters;
  const Instant& at;
  SeededRandom random;

  std::string get(const char* name, std::string_view otherwise = {}) const {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string(otherwise) : found->second;
  }
  bool has(const char* name) const { return parameters.contains(name); }
  // As a number where it is one, as in the programs' own logs; else as it stands.
  Json number(const char* name, std::int64_t otherwise) const {
    const auto found = parameters.find(name);
    if (found == parameters.end()) return otherwise;
    if (const auto value = finite_number(found->second); value && std::abs(*value) < 9e15) {
      if (*value == std::floor(*value)) return static_cast<std::int64_t>(*value);
      return *value;
    }
    return Json(found->second);
  }
  std::int64_t draw(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most - least + 1)));
  }
};

// ——— Zeek ———

JsonObject zeek(std::string_view path, Record& r, const Json& port, std::string_view source = "source",
                std::string_view destination = "destination") {
  const auto address = [&](std::string_view name, std::string_view otherwise) {
    return r.get(std::string(name).c_str(), otherwise);
  };
  return {{"_path", path},
          {"ts", r.at.text(6)},
          {"uid", fmt::format("C{:016x}", r.random.next())},
          {"id.orig_h", address(source, "10.0.0.10")},
          {"id.orig_p", r.draw(49'152, 65'535)},
          {"id.resp_h", address(destination, "10.0.0.53")},
          {"id.resp_p", port}};
}

std::string line(const JsonObject& object) { return to_text(object) + '\n'; }

std::string zeek_conn(Record& r) {
  JsonObject out = zeek("conn", r, r.number("port", 0));
  out["proto"] = r.get("protocol", "tcp");
  if (r.has("service")) out["service"] = r.get("service");
  out["duration"] = r.number("duration", r.draw(1, 90));
  out["orig_bytes"] = r.number("bytes-out", r.draw(200, 20'000));
  out["resp_bytes"] = r.number("bytes-in", r.draw(200, 200'000));
  out["conn_state"] = r.get("state", "SF");
  return line(out);
}
std::string zeek_dns(Record& r) {
  JsonObject out = zeek("dns", r, 53, "source", "resolver");
  out["proto"] = "udp";
  out["trans_id"] = r.draw(1, 65'535);
  out["query"] = r.get("query");
  out["qtype_name"] = r.get("type", "A");
  out["rcode_name"] = r.get("rcode", r.has("answer") ? "NOERROR" : "NXDOMAIN");
  if (r.has("answer")) out["answers"] = JsonArray{Json(r.get("answer"))};
  return line(out);
}
std::string zeek_http(Record& r) {
  JsonObject out = zeek("http", r, 80);
  out["method"] = r.get("method", "GET");
  out["host"] = r.get("host");
  out["uri"] = r.get("uri");
  out["user_agent"] = r.get("user-agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64)");
  out["status_code"] = r.number("status", 200);
  out["response_body_len"] = r.number("bytes-in", r.draw(200, 90'000));
  return line(out);
}
std::string zeek_ssl(Record& r) {
  JsonObject out = zeek("ssl", r, r.number("port", 443));
  out["version"] = r.get("version", "TLSv13");
  out["server_name"] = r.get("server-name");
  if (r.has("ja3")) out["ja3"] = r.get("ja3");
  out["established"] = true;
  return line(out);
}
std::string zeek_smtp(Record& r) {
  JsonObject out = zeek("smtp", r, 25);
  out["mailfrom"] = r.get("from");
  out["rcptto"] = JsonArray{Json(r.get("to"))};
  out["from"] = r.get("from");
  out["to"] = JsonArray{Json(r.get("to"))};
  if (r.has("reply-to")) out["reply_to"] = r.get("reply-to");
  out["subject"] = r.get("subject");
  return line(out);
}
std::string zeek_files(Record& r) {
  JsonObject out = {{"_path", "files"},
                    {"ts", r.at.text(6)},
                    {"fuid", fmt::format("F{:016x}", r.random.next())},
                    {"tx_hosts", JsonArray{Json(r.get("source"))}},
                    {"rx_hosts", JsonArray{Json(r.get("destination"))}},
                    {"uid", fmt::format("C{:016x}", r.random.next())},
                    {"mime_type", r.get("mime-type", "application/octet-stream")},
                    {"seen_bytes", r.number("bytes", r.draw(10'000, 900'000))},
                    {"sha256", r.get("sha256")}};
  if (r.has("filename")) out["filename"] = r.get("filename");
  return line(out);
}

// ——— control protocols ———

std::string modbus(Record& r, const char* server, std::string_view function, bool write) {
  JsonObject out = zeek("modbus", r, 502, "source", server);
  out["tid"] = r.draw(1, 65'535);
  out["unit"] = r.number("unit", 1);
  out["func"] = function;
  out["pdu_type"] = r.has("exception") ? "RESP" : "REQ";
  if (r.has("exception")) out["exception"] = r.get("exception");
  if (r.has("address")) out["address"] = r.number("address", 0);
  out["quantity"] = r.number("quantity", 1);
  if (write) out["values"] = JsonArray{r.number("value", 0)};
  return line(out);
}
JsonObject iec104(Record& r, std::int64_t type_id, std::string_view type, std::int64_t cause_id,
                  std::string_view cause) {
  JsonObject out = zeek("iec104", r, 2404, "source", "station");
  out["apdu_len"] = 14;
  out["apci_type"] = 0;
  out["apci_tx"] = r.draw(0, 32'767);
  out["apci_rx"] = r.draw(0, 32'767);
  out["info_obj_type"] = type_id;
  out["seq"] = 0;
  out["num_ix"] = 1;
  out["cause_tx"] = cause_id;
  out["negative"] = 0;
  out["test"] = 0;
  out["originator_address"] = 0;
  out["common_address"] = r.number("common-address", 1);
  out["type"] = type;
  out["cause"] = cause;
  return out;
}
std::string iec104_command(Record& r) {
  // IEC 60870-5-101 §7.2.1.1 (types) and §7.2.3 (causes) by name.
  struct Number {
    std::string_view name;
    std::int64_t number;
  };
  constexpr std::array kTypes = {Number{"C_SC_NA_1", 45}, Number{"C_DC_NA_1", 46}, Number{"C_RC_NA_1", 47},
                                 Number{"C_SE_NA_1", 48}, Number{"C_SE_NB_1", 49}, Number{"C_SE_NC_1", 50},
                                 Number{"C_BO_NA_1", 51}, Number{"C_SC_TA_1", 58}, Number{"C_DC_TA_1", 59},
                                 Number{"C_SE_TC_1", 63}};
  constexpr std::array kCauses = {Number{"activation", 6}, Number{"activation confirmation", 7},
                                  Number{"deactivation", 8}, Number{"activation termination", 10}};
  const auto number_of = [](const auto& table, std::string_view name, std::int64_t otherwise) {
    for (const Number& row : table)
      if (row.name == name) return row.number;
    return otherwise;
  };
  const std::string type = r.get("type", "C_DC_NA_1"), cause = r.get("cause", "activation");
  JsonObject out = iec104(r, number_of(kTypes, type, 46), type, number_of(kCauses, cause, 6), cause);
  out["ioa"] = JsonArray{r.number("object", 0)};
  out["value"] = JsonArray{r.number("value", 1)};
  out["select"] = r.get("select", "false") == "true";
  return line(out);
}
std::string iec104_interrogation(Record& r) {
  JsonObject out = iec104(r, 100, "C_IC_NA_1", 6, "activation");
  out["ioa"] = JsonArray{0};
  out["value"] = JsonArray{r.number("group", 20)};
  out["select"] = false;
  return line(out);
}
std::string iec104_connection(Record& r) {
  JsonObject out = zeek("conn", r, 2404, "source", "station");
  out["proto"] = "tcp";
  out["service"] = "iec104";
  out["conn_state"] = r.get("state", "S1");
  return line(out);
}
std::string dnp3(Record& r) {
  JsonObject out = zeek("dnp3", r, 20'000, "source", "station");
  out["fc_request"] = r.get("function");
  if (r.has("object")) out["obj"] = r.get("object");
  out["iin"] = 0;
  return line(out);
}

// ——— Windows ———

std::string guid(Record& r) {
  const std::uint64_t a = r.random.next(), b = r.random.next();
  return fmt::format("{{{:08X}-{:04X}-{:04X}-{:04X}-{:012X}}}", a >> 32U, (a >> 16U) & 0xFFFFU, a & 0xFFFFU, b >> 48U,
                     b & 0xFFFFFFFFFFFFULL);
}
std::string local_time(const Instant& at) {  // Sysmon's UtcTime
  std::string text = at.text(3);
  text[10] = ' ';
  text.pop_back();
  return text;
}
JsonObject windows(Record& r, int id, std::string_view channel, std::string_view provider) {
  return {{"EventID", id},
          {"Channel", channel},
          {"SourceName", provider},
          {"Computer", r.get("host")},
          {"TimeCreated", r.at.text(6)},
          {"RecordNumber", r.draw(1'000, 9'999'999)}};
}
JsonObject sysmon(Record& r, int id) {
  JsonObject out = windows(r, id, "Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon");
  out["UtcTime"] = local_time(r.at);
  out["ProcessGuid"] = guid(r);
  out["ProcessId"] = r.draw(400, 20'000);
  if (r.has("image")) out["Image"] = r.get("image");
  if (id != 7 && id != 10) out["User"] = r.get("user", "NT AUTHORITY\\SYSTEM");
  return out;
}
std::string sysmon_process(Record& r) {
  JsonObject out = sysmon(r, 1);
  out["CommandLine"] = r.get("command-line");
  out["ParentImage"] = r.get("parent", "C:\\Windows\\explorer.exe");
  out["IntegrityLevel"] = r.get("integrity", "Medium");
  if (r.has("sha256")) out["Hashes"] = "SHA256=" + r.get("sha256");
  return line(out);
}
std::string sysmon_network(Record& r) {
  JsonObject out = sysmon(r, 3);
  out["Protocol"] = "tcp";
  out["Initiated"] = "true";
  out["SourceIp"] = r.get("source", "10.0.0.10");
  out["SourcePort"] = r.draw(49'152, 65'535);
  out["DestinationIp"] = r.get("destination");
  out["DestinationPort"] = r.number("port", 443);
  return line(out);
}
std::string sysmon_image_loaded(Record& r) {
  JsonObject out = sysmon(r, 7);
  out["ImageLoaded"] = r.get("loaded");
  out["Signed"] = r.get("signed", "false");
  if (r.has("sha256")) out["Hashes"] = "SHA256=" + r.get("sha256");
  return line(out);
}
std::string sysmon_access(Record& r) {
  JsonObject out = sysmon(r, 10);
  out.erase("Image");
  out["SourceImage"] = r.get("image");
  out["TargetImage"] = r.get("target");
  out["GrantedAccess"] = r.get("access", "0x1410");
  return line(out);
}
std::string sysmon_file(Record& r, int id) {
  JsonObject out = sysmon(r, id);
  out["TargetFilename"] = r.get("file");
  if (r.has("sha256")) out["Hashes"] = "SHA256=" + r.get("sha256");
  return line(out);
}
std::string sysmon_registry(Record& r) {
  JsonObject out = sysmon(r, 13);
  out["EventType"] = "SetValue";
  out["TargetObject"] = r.get("key");
  out["Details"] = r.get("value");
  return line(out);
}
std::string sysmon_dns(Record& r) {
  JsonObject out = sysmon(r, 22);
  out["QueryName"] = r.get("query");
  out["QueryStatus"] = r.has("answer") ? "0" : "9003";
  if (r.has("answer")) out["QueryResults"] = r.get("answer") + ";";
  return line(out);
}
JsonObject security(Record& r, int id) { return windows(r, id, "Security", "Microsoft-Windows-Security-Auditing"); }
std::string windows_logon(Record& r, bool failed) {
  JsonObject out = security(r, failed ? 4625 : 4624);
  out["TargetUserName"] = r.get("user");
  out["TargetDomainName"] = r.get("domain", "EXAMPLE");
  out["LogonType"] = r.get("logon-type", "3");
  out["IpAddress"] = r.get("source");
  if (failed) out["FailureReason"] = r.get("reason", "%%2313");
  return line(out);
}
std::string windows_service(Record& r) {
  JsonObject out = windows(r, 7045, "System", "Service Control Manager");
  out["ServiceName"] = r.get("service");
  out["ImagePath"] = r.get("image");
  out["AccountName"] = r.get("user", "LocalSystem");
  return line(out);
}
std::string windows_task(Record& r) {
  JsonObject out = security(r, 4698);
  out["TaskName"] = r.get("task");
  out["SubjectUserName"] = r.get("user");
  if (r.has("command")) out["TaskContent"] = r.get("command");
  return line(out);
}
std::string windows_log_cleared(Record& r) {
  JsonObject out = windows(r, 1102, r.get("log", "Security"), "Microsoft-Windows-Eventlog");
  out["SubjectUserName"] = r.get("user");
  return line(out);
}
std::string windows_gpo(Record& r) {
  JsonObject out = security(r, 5136);
  out["SubjectUserName"] = r.get("user");
  out["ObjectDN"] = r.get("object");
  out["ObjectClass"] = "groupPolicyContainer";
  out["AttributeLDAPDisplayName"] = r.get("attribute", "gPCMachineExtensionNames");
  return line(out);
}

// ——— text ———

std::string one_line(std::string text) {
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return text;
}
// RFC 5424 §6: priority (facility local0), version, time, host, program.
std::string syslog(Record& r, std::string_view host, std::string_view program, int severity, std::string_view message) {
  const auto name = [](std::string_view text) {
    std::string out = one_line(std::string(text));
    std::ranges::replace(out, ' ', '_');
    return out.empty() ? std::string("-") : out;
  };
  return fmt::format("<{}>1 {} {} {} - - - {}\n", 16 * 8 + severity, r.at.text(6), name(host), name(program),
                     one_line(std::string(message)));
}
std::string pair(std::string_view key, std::string_view value) {
  std::string out = std::string(key) + "=";
  if (value.find_first_of(" \"=\\") == std::string_view::npos && !value.empty()) return out + std::string(value);
  out += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}
std::string pairs(const Record& r,
                  std::initializer_list<std::pair<const char*, const char*>> keys) {  // key in the log, parameter
  std::string out;
  for (const auto& [key, parameter] : keys) {
    if (!r.has(parameter)) continue;
    if (!out.empty()) out += ' ';
    out += pair(key, r.get(parameter));
  }
  return out;
}
std::string syslog_auth(Record& r) {
  return syslog(r, r.get("host"), "auth", 6,
                pairs(r, {{"user", "user"}, {"src_ip", "source"}, {"outcome", "outcome"}, {"method", "method"}}));
}
std::string syslog_device(Record& r) {
  constexpr std::array<std::string_view, 8> kSeverities = {"emerg",   "alert",  "crit", "err",
                                                           "warning", "notice", "info", "debug"};
  const auto at = std::ranges::find(kSeverities, r.get("severity", "notice"));
  return syslog(r, r.get("host"), r.get("program", "device"),
                at == kSeverities.end() ? 5 : static_cast<int>(at - kSeverities.begin()), r.get("message"));
}
std::string vpn_login(Record& r) {
  return syslog(
      r, r.get("host"), "vpn", 6,
      pairs(r,
            {{"user", "user"}, {"src_ip", "source"}, {"outcome", "outcome"}, {"country", "country"}, {"mfa", "mfa"}}));
}
std::string firewall(Record& r) {
  const auto extension = [](std::string_view text) {  // CEF: backslash and = are escaped
    std::string out;
    for (const char c : one_line(std::string(text))) {
      if (c == '\\' || c == '=') out += '\\';
      out += c;
    }
    return out;
  };
  std::string message =
      fmt::format("CEF:0|Bongsu|Range firewall|1|100|{} connection|3|rt={} src={} spt={} dst={} dpt={} proto={} act={}",
                  r.get("action") == "deny" ? "denied" : "allowed", r.at.millis(), extension(r.get("source")),
                  r.draw(49'152, 65'535), extension(r.get("destination")), extension(r.get("port")),
                  extension(r.get("protocol", "tcp")), extension(r.get("action")));
  if (r.has("bytes")) message += " out=" + extension(r.get("bytes"));
  return syslog(r, "firewall", "cef", 6, message);
}
std::string netflow(Record& r) {
  JsonObject out = {{"timestamp", r.at.text(6)},
                    {"event_type", "netflow"},
                    {"src_ip", fmt::format("198.51.100.{}", r.draw(1, 254))},
                    {"src_port", r.draw(1'024, 65'535)},
                    {"dest_ip", r.get("destination")},
                    {"dest_port", r.number("port", 443)},
                    {"proto", r.get("protocol", "UDP")}};
  out["netflow"] = JsonObject{{"pkts", r.number("packets-per-second", 0)},
                              {"bytes", r.number("bits-per-second", 0)},
                              {"age", 1},
                              {"sources", r.number("sources", 1)}};
  return line(out);
}
std::string web_access(Record& r) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::string t = r.at.text(0);  // 2027-01-19T07:31:00Z
  const auto month = static_cast<std::size_t>((t[5] - '0') * 10 + t[6] - '0' - 1);
  const auto quoted = [](std::string_view text) {
    std::string out;
    for (const char c : one_line(std::string(text))) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out;
  };
  std::string request = r.get("request");
  if (request.find(' ') == std::string::npos) request = "GET " + request;
  if (request.find(" HTTP/") == std::string::npos) request += " HTTP/1.1";
  return fmt::format("{}:443 {} - - [{}/{}/{}:{} +0000] \"{}\" {} {} \"{}\" \"{}\"\n", one_line(r.get("host")),
                     one_line(r.get("source")), t.substr(8, 2), kMonths[month], t.substr(0, 4), t.substr(11, 8),
                     quoted(request), one_line(r.get("status", "200")), r.draw(200, 90'000),
                     quoted(r.get("referrer", "-")),
                     quoted(r.get("user-agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64)")));
}
std::string modem_management(Record& r) {
  return syslog(r, "modem-management", "mgmt", 5,
                pairs(r, {{"src_ip", "source"},
                          {"terminal", "terminal"},
                          {"command", "command"},
                          {"operator", "operator"},
                          {"outcome", "outcome"}}));
}
std::string radio_tone(Record& r) {
  return syslog(
      r, r.get("receiver"), "radio", 4,
      pairs(r, {{"receiver", "receiver"}, {"sequence", "sequence"}, {"channel", "channel"}, {"level", "level"}}));
}

using Make = std::string (*)(Record&);
const std::unordered_map<std::string_view, Make>& makers() {
  static const std::unordered_map<std::string_view, Make> table = {
      {"zeek-conn", zeek_conn},
      {"zeek-dns", zeek_dns},
      {"zeek-http", zeek_http},
      {"zeek-ssl", zeek_ssl},
      {"zeek-smtp", zeek_smtp},
      {"zeek-files", zeek_files},
      {"zeek-modbus", [](Record& r) { return modbus(r, "destination", r.get("function"), false); }},
      {"iec104-command", iec104_command},
      {"iec104-interrogation", iec104_interrogation},
      {"iec104-connection", iec104_connection},
      {"modbus-write",
       [](Record& r) { return modbus(r, "station", r.get("function", "WRITE_SINGLE_REGISTER"), true); }},
      {"dnp3-command", dnp3},
      {"sysmon-process", sysmon_process},
      {"sysmon-network", sysmon_network},
      {"sysmon-image-loaded", sysmon_image_loaded},
      {"sysmon-access", sysmon_access},
      {"sysmon-file", [](Record& r) { return sysmon_file(r, 11); }},
      {"sysmon-registry", sysmon_registry},
      {"sysmon-dns", sysmon_dns},
      {"sysmon-file-delete", [](Record& r) { return sysmon_file(r, 23); }},
      {"windows-logon", [](Record& r) { return windows_logon(r, false); }},
      {"windows-logon-failed", [](Record& r) { return windows_logon(r, true); }},
      {"windows-service", windows_service},
      {"windows-task", windows_task},
      {"windows-log-cleared", windows_log_cleared},
      {"windows-gpo", windows_gpo},
      {"syslog-auth", syslog_auth},
      {"syslog-device", syslog_device},
      {"vpn-login", vpn_login},
      {"firewall", firewall},
      {"netflow", netflow},
      {"web-access", web_access},
      {"modem-management", modem_management},
      {"radio-tone", radio_tone},
  };
  return table;
}

}  // namespace

Result<std::string> telemetry_line(std::string_view name, const Parameters& parameters, const Instant& at,
                                   std::uint64_t seed) {
  const auto make = makers().find(name);
  const scenario::Template* known = scenario::template_of(name);
  if (make == makers().end() || known == nullptr)
    return fail(ErrorCode::kUnsupported, fmt::format("there is no telemetry template \"{}\"", name),
                {.field = "template"});
  for (const std::string_view required : known->required)
    if (!parameters.contains(std::string(required)))
      return fail(ErrorCode::kInvalid, fmt::format("{} needs the parameter {}", name, required),
                  {.field = std::string(required)});
  Record record{parameters, at, SeededRandom(seed)};
  return make->second(record);
}

std::string background_lines(std::string_view team, const Instant& begin, std::int64_t length_ms, std::size_t count,
                             std::uint64_t seed) {
  constexpr std::array<std::string_view, 8> kNames = {"www.example.org",  "mail.example.org", "updates.example.net",
                                                      "news.example.com", "cdn.example.net",  "intranet.example.org",
                                                      "time.example.net", "files.example.org"};
  constexpr std::array<std::string_view, 5> kPrograms = {
      "C:\\Program Files\\Browser\\browser.exe", "C:\\Windows\\System32\\svchost.exe",
      "C:\\Program Files\\Office\\mail.exe", "C:\\Windows\\System32\\notepad.exe", "C:\\Program Files\\SCADA\\hmi.exe"};
  SeededRandom random(hash64(team, seed));
  std::vector<std::int64_t> times(count);
  for (std::int64_t& time : times)
    time = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(std::max<std::int64_t>(length_ms, 1))));
  std::ranges::sort(times);
  std::string out;
  for (const std::int64_t time : times) {
    const auto one = [&](const auto& of) { return std::string(of[random.below(of.size())]); };
    const std::string host = fmt::format("ws{:02}", random.below(40) + 1),
                      source = fmt::format("10.20.{}.{}", random.below(4), random.below(200) + 10);
    const std::string name = one(kNames), server = fmt::format("192.0.2.{}", 200 + hash64(name) % 40);
    Parameters p;
    std::string_view which;
    switch (random.below(8)) {
      case 0:
      case 1:
        which = "zeek-dns";
        p = {{"source", source}, {"query", name}, {"answer", server}, {"resolver", "10.20.0.2"}};
        break;
      case 2:
        which = "zeek-conn";
        p = {{"source", source}, {"destination", server}, {"port", "443"}, {"service", "ssl"}};
        break;
      case 3:
        which = "zeek-http";
        p = {{"source", source},
             {"destination", server},
             {"host", name},
             {"uri", fmt::format("/page/{}", random.below(500))}};
        break;
      case 4:
        which = "sysmon-process";
        p = {{"host", host},
             {"image", one(kPrograms)},
             {"command-line", "started by its user"},
             {"user", fmt::format("EXAMPLE\\user{}", random.below(60))}};
        break;
      case 5:
        which = "windows-logon";
        p = {{"host", host}, {"user", fmt::format("user{}", random.below(60))}, {"source", source}};
        break;
      case 6:
        which = "iec104-interrogation";
        p = {{"source", "10.20.9.5"}, {"station", fmt::format("10.21.0.{}", random.below(12) + 1)}};
        break;
      default:
        which = "zeek-modbus";
        p = {{"source", "10.20.9.6"},
             {"destination", fmt::format("10.21.1.{}", random.below(12) + 1)},
             {"function", "READ_HOLDING_REGISTERS"},
             {"address", std::to_string(random.below(64))}};
    }
    const auto made = telemetry_line(which, p, begin + std::chrono::milliseconds(time), random.next());
    BONGSU_CHECK(made.has_value());
    out += *made;
  }
  return out;
}

}  // namespace bongsu::exercise::drill
