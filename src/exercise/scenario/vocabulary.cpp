#include "exercise/scenario/vocabulary.h"

#include <array>

namespace bongsu::exercise::scenario {
namespace {

constexpr std::array kEffects = {
    EffectKind{"breaker-open", "branch or breaker", "", "opens it"},
    EffectKind{"breaker-close", "branch or breaker", "", "closes it"},
    EffectKind{"branch-fail", "branch", "", "breaks it: it stays out until it is repaired"},
    EffectKind{"branch-repair", "branch", "", "makes it fit again; it still has to be closed"},
    EffectKind{"generator-trip", "generator", "", "takes it off the network"},
    EffectKind{"generator-start", "generator", "", "starts it"},
    EffectKind{"generator-set", "generator", "MW", "sets its output", 0, 20'000},
    EffectKind{"load-shed", "bus or country", "%", "takes this part of its load off", 0, 100},
    EffectKind{"load-scale", "bus or country", "%", "sets its demand, of the usual", 0, 500},
    EffectKind{"substation-dark", "substation", "", "opens everything in it"},
    EffectKind{"site-power-out", "site", "", "takes the power from a site; batteries go on"},
    EffectKind{"site-power-on", "site", "", "gives it back"},
    EffectKind{"rtu-lost", "station", "", "a control system that answers nobody: no values, no commands"},
    EffectKind{"rtu-back", "station", "", "it answers again"},
    EffectKind{"view-frozen", "station", "", "operators see the last values, whatever happens"},
    EffectKind{"setpoint-set", "station's point", "point's unit", "writes a set point", -1e9, 1e9},
    EffectKind{"telecom-link-cut", "link", "", "cuts it"},
    EffectKind{"telecom-link-repair", "link", "", "repairs it"},
    EffectKind{"telecom-link-degrade", "link", "%", "loses this part of its capacity", 0, 100},
    EffectKind{"telecom-node-down", "node", "", "a node or core that forwards nothing"},
    EffectKind{"telecom-node-up", "node", "", "it forwards again"},
    EffectKind{"satellite-terminals-down", "network or country", "count", "this many terminals are lost", 1, 1e7},
    EffectKind{"satellite-terminals-up", "network or country", "count", "this many are replaced", 1, 1e7},
    EffectKind{"rail-radio-stop", "line or region", "", "a radio stop: trains brake and wait"},
    EffectKind{"rail-radio-clear", "line or region", "", "traffic may go on"},
    EffectKind{"rail-line-close", "line", "", "no train goes there"},
    EffectKind{"rail-line-open", "line", "", "trains go again"},
    EffectKind{"heat-station-stop", "heating station", "", "no hot water leaves it"},
    EffectKind{"heat-station-start", "heating station", "", "it heats again"},
    EffectKind{"service-down", "service", "", "a service answers no probe"},
    EffectKind{"service-up", "service", "", "it answers"},
    EffectKind{"service-slow", "service", "ms", "it answers this late", 0, 600'000},
    EffectKind{"wind", "region", "m/s", "storm: lines fail the more, the more it blows", 0, 80},
    EffectKind{"temperature", "region", "°C", "outside; it moves demand", -60, 60},
};

constexpr std::array kQuantities = {
    Quantity{"load-served", "bus or country", "%", "of the demand", true},
    Quantity{"load-lost", "bus or country", "MW", "demand that is not served", true},
    Quantity{"frequency", "bus or country", "Hz", "of the island it is in", false},
    Quantity{"voltage", "bus", "pu", "", false},
    Quantity{"line-loading", "branch", "%", "of its rating", false},
    Quantity{"telecom-reach", "node or country", "%", "of the nodes that can be reached", true},
    Quantity{"sites-powered", "country", "%", "of the sites with power or batteries", true},
    Quantity{"satellite-terminals", "network or country", "count", "that work", true},
    Quantity{"trains-stopped", "line or region", "count", "", true},
    Quantity{"homes-heated", "heating station", "count", "", true},
    Quantity{"services-up", "entity", "%", "of the services that answer", true},
};

const std::vector<Template>& template_table() {
  static const std::vector<Template> table = {
      {"zeek-conn",
       "zeek conn",
       "one connection",
       {"source", "destination", "port"},
       {"protocol", "service", "bytes-out", "bytes-in", "state", "duration"}},
      {"zeek-dns", "zeek dns", "one query", {"source", "query"}, {"answer", "type", "resolver", "rcode"}},
      {"zeek-http",
       "zeek http",
       "one request",
       {"source", "destination", "host", "uri"},
       {"method", "user-agent", "status", "bytes-in"}},
      {"zeek-ssl", "zeek ssl", "one TLS session", {"source", "destination", "server-name"}, {"version", "ja3", "port"}},
      {"zeek-smtp", "zeek smtp", "one mail", {"source", "destination", "from", "to", "subject"}, {"reply-to"}},
      {"zeek-files",
       "zeek files",
       "one file seen on the wire",
       {"source", "destination", "sha256"},
       {"mime-type", "filename", "bytes"}},
      {"zeek-modbus",
       "zeek modbus",
       "one request or answer",
       {"source", "destination", "function"},
       {"unit", "address", "quantity", "exception"}},
      {"iec104-command",
       "zeek iec104 (as `bongsu range --log` writes it)",
       "one command to a station",
       {"source", "station", "object"},
       {"type", "value", "cause", "select", "common-address"}},
      {"iec104-interrogation",
       "zeek iec104",
       "a station asked for everything",
       {"source", "station"},
       {"common-address", "group"}},
      {"iec104-connection", "zeek iec104", "a master connects or is gone", {"source", "station"}, {"state"}},
      {"modbus-write",
       "zeek modbus",
       "registers written",
       {"source", "station", "address", "value"},
       {"unit", "function"}},
      {"dnp3-command", "zeek dnp3", "a control", {"source", "station", "function"}, {"object"}},
      {"sysmon-process",
       "sysmon 1",
       "a process began",
       {"host", "image", "command-line"},
       {"parent", "user", "sha256", "integrity"}},
      {"sysmon-network",
       "sysmon 3",
       "a process opened a connection",
       {"host", "image", "destination", "port"},
       {"source", "user"}},
      {"sysmon-image-loaded", "sysmon 7", "a library was loaded", {"host", "image", "loaded"}, {"sha256", "signed"}},
      {"sysmon-access", "sysmon 10", "a process opened another", {"host", "image", "target"}, {"access"}},
      {"sysmon-file", "sysmon 11", "a file was made", {"host", "image", "file"}, {"user"}},
      {"sysmon-registry", "sysmon 13", "a registry value was set", {"host", "image", "key", "value"}, {"user"}},
      {"sysmon-dns", "sysmon 22", "a process asked for a name", {"host", "image", "query"}, {"answer"}},
      {"sysmon-file-delete", "sysmon 23", "a file was deleted", {"host", "image", "file"}, {"user", "sha256"}},
      {"windows-logon", "windows security 4624", "a logon", {"host", "user", "source"}, {"logon-type", "domain"}},
      {"windows-logon-failed",
       "windows security 4625",
       "a failed logon",
       {"host", "user", "source"},
       {"logon-type", "reason"}},
      {"windows-service", "windows system 7045", "a service was installed", {"host", "service", "image"}, {"user"}},
      {"windows-task", "windows security 4698", "a task was scheduled", {"host", "task", "user"}, {"command"}},
      {"windows-log-cleared", "windows security 1102", "the log was cleared", {"host", "user"}, {"log"}},
      {"windows-gpo",
       "windows security 5136",
       "a group policy object was changed",
       {"host", "user", "object"},
       {"attribute"}},
      {"syslog-auth", "syslog", "a login at a server or device", {"host", "user", "source", "outcome"}, {"method"}},
      {"syslog-device", "syslog", "what a device says of itself", {"host", "message"}, {"program", "severity"}},
      {"vpn-login", "syslog", "a login at the VPN gateway", {"host", "user", "source", "outcome"}, {"country", "mfa"}},
      {"firewall",
       "syslog (CEF)",
       "a firewall let something by or did not",
       {"source", "destination", "port", "action"},
       {"protocol", "bytes"}},
      {"netflow",
       "flow records",
       "traffic by the second, many sources",
       {"destination", "packets-per-second"},
       {"port", "protocol", "sources", "bits-per-second"}},
      {"web-access",
       "combined log format",
       "one request at a web server",
       {"host", "source", "request"},
       {"status", "user-agent", "referrer"}},
      {"modem-management",
       "syslog",
       "a management command to a modem",
       {"source", "terminal", "command"},
       {"operator", "outcome"}},
      {"radio-tone",
       "syslog",
       "a tone sequence heard by a train's or station's radio",
       {"receiver", "sequence"},
       {"channel", "level"}},
  };
  return table;
}

constexpr std::array kProbes = {
    Probe{"reach", "node or site", "is there a way to it in the range's telecom network, and does it have power"},
    Probe{"power", "bus or site", "does it have power"},
    Probe{"http", "URL of the drill", "does it answer with a status below 500"},
    Probe{"dns", "name of the drill", "does it resolve"},
    Probe{"mail", "address of the drill", "is a message taken"},
    Probe{"phone", "region", "does a call go through"},
    Probe{"control", "station", "does the control system answer its master"},
    Probe{"trains", "line", "do trains go"},
    Probe{"heat", "heating station", "does hot water leave it"},
};

// Where each type of indicator stands in a STIX object.
struct IndicatorPath {
  std::string_view type, path;
};
constexpr std::array kIndicatorPaths = {
    IndicatorPath{"ipv4-addr", "ipv4-addr:value"},
    IndicatorPath{"ipv6-addr", "ipv6-addr:value"},
    IndicatorPath{"domain-name", "domain-name:value"},
    IndicatorPath{"url", "url:value"},
    IndicatorPath{"email-addr", "email-addr:value"},
    IndicatorPath{"file-name", "file:name"},
    IndicatorPath{"file-md5", "file:hashes.MD5"},
    IndicatorPath{"file-sha1", "file:hashes.'SHA-1'"},
    IndicatorPath{"file-sha256", "file:hashes.'SHA-256'"},
    IndicatorPath{"user-account", "user-account:account_login"},
    IndicatorPath{"registry-key", "windows-registry-key:key"},
};

template <class T, std::size_t N>
const T* by_name(const std::array<T, N>& table, std::string_view name) {
  for (const T& row : table)
    if (row.name == name) return &row;
  return nullptr;
}

}  // namespace

std::span<const EffectKind> effect_kinds() { return kEffects; }
const EffectKind* effect_kind(std::string_view name) { return by_name(kEffects, name); }
std::span<const Quantity> quantities() { return kQuantities; }
const Quantity* quantity(std::string_view name) { return by_name(kQuantities, name); }
std::span<const Template> templates() { return template_table(); }
const Template* template_of(std::string_view name) {
  for (const Template& row : template_table())
    if (row.name == name) return &row;
  return nullptr;
}
std::span<const Probe> probes() { return kProbes; }
const Probe* probe(std::string_view name) { return by_name(kProbes, name); }

std::span<const std::string_view> indicator_types() {
  static constexpr auto kTypes = [] {
    std::array<std::string_view, kIndicatorPaths.size()> types;
    for (std::size_t i = 0; i < types.size(); ++i) types[i] = kIndicatorPaths[i].type;
    return types;
  }();
  return kTypes;
}

std::optional<std::string> pattern_of(std::string_view type, std::string_view value) {
  for (const auto& [name, path] : kIndicatorPaths) {
    if (name != type) continue;
    std::string out = "[" + std::string(path) + " = '";
    for (const char c : value) {  // STIX 2.1 §9.2: ' and \ are escaped
      if (c == '\'' || c == '\\') out += '\\';
      out += c;
    }
    return out + "']";
  }
  return std::nullopt;
}

std::string pattern_of(const Indicator& indicator) {
  if (!indicator.pattern.empty()) return indicator.pattern;
  return pattern_of(indicator.type, indicator.value).value_or("");
}

std::span<const Word<Role>> words(Role) {
  static constexpr Word<Role> kWords[] = {{Role::kBlue, "Blue"},
                                          {Role::kRed, "Red"},
                                          {Role::kWhite, "White"},
                                          {Role::kGreen, "Green"},
                                          {Role::kUserSimulation, "User-Simulation"},
                                          {Role::kLegal, "Legal"},
                                          {Role::kMedia, "Media"},
                                          {Role::kObserver, "Observer"}};
  return kWords;
}
std::span<const Word<Act>> words(Act) {
  static constexpr Word<Act> kWords[] = {
      {Act::kDetect, "detect"},   {Act::kReport, "report"},   {Act::kShare, "share"},
      {Act::kContain, "contain"}, {Act::kRestore, "restore"}, {Act::kForm, "form"},
      {Act::kDecide, "decide"},   {Act::kInform, "inform"},   {Act::kAnswer, "answer"}};
  return kWords;
}
std::span<const Word<Channel>> words(Channel) {
  static constexpr Word<Channel> kWords[] = {
      {Channel::kConsole, "console"}, {Channel::kMail, "mail"}, {Channel::kTaxii, "taxii"}, {Channel::kCap, "cap"}};
  return kWords;
}
std::span<const Word<Comparison>> words(Comparison) {
  static constexpr Word<Comparison> kWords[] = {{Comparison::kBelow, "below"}, {Comparison::kAbove, "above"}};
  return kWords;
}
std::span<const Word<Metric::Type>> words(Metric::Type) {
  static constexpr Word<Metric::Type> kWords[] = {{Metric::Type::kManual, "Manual"},
                                                  {Metric::Type::kConditional, "Conditional"}};
  return kWords;
}
std::span<const Word<Seen>> words(Seen) {
  static constexpr Word<Seen> kWords[] = {
      {Seen::kAlert, "alert"},       {Seen::kSighting, "sighting"}, {Seen::kObject, "object"},
      {Seen::kForm, "form"},         {Seen::kOrder, "order"},       {Seen::kCondition, "condition"},
      {Seen::kPlaybook, "playbook"}, {Seen::kReply, "reply"},       {Seen::kManual, "manual"}};
  return kWords;
}
std::span<const Word<Shared>> words(Shared) {
  static constexpr Word<Shared> kWords[] = {{Shared::kIndicators, "indicators"},
                                            {Shared::kSighting, "sighting"},
                                            {Shared::kReport, "report"},
                                            {Shared::kWarning, "warning"},
                                            {Shared::kPlaybook, "playbook"}};
  return kWords;
}

}  // namespace bongsu::exercise::scenario
