#include "formats/enforcement.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/text.h"
#include "formats/enforcement_values.h"

namespace bongsu::formats {
namespace {

using Kind = EnforcementKind;
using Format = EnforcementFormat;

constexpr std::string_view kNames[] = {"suricata", "zeek", "rpz", "nginx", "haproxy", "edl"};

// Refusals: one sentence each, so that they can be counted.
constexpr std::string_view kNoPlace = "the format has no place for this kind of value";
constexpr std::string_view kNotSafe = "the value is not in the strict form of its kind, which is all that is written";
constexpr std::string_view kTooWide = "the block is wider than /8 (IPv4) or /19 (IPv6)";
constexpr std::string_view kTooLong = "the value is longer than the format can hold";
constexpr std::string_view kHttps =
    "the path of an HTTPS URL is not seen there, and blocking the whole host was not asked for";
constexpr std::string_view kUrlNeedsHost =
    "a URL is narrower than a name, and blocking the whole host was not asked for";
constexpr std::string_view kReserved = "the value is a word that the format reserves";
constexpr std::string_view kWiderThanName = "the name is wider than a registered name";
constexpr std::string_view kSaidAlready = "said already: the format does not tell upper from lower case";
constexpr std::string_view kTooMany = "more single rules than a Suricata sensor should load";

const char* const kText = "text/plain; charset=utf-8";

// Suricata's files, in their order. Lists of strings are base64, a line each (user guide, "Datasets", file formats);
// lists of hashes are hexadecimal, a line each ("File keywords", filemd5).
enum : std::size_t { kRules, kDomains, kIps, kMd5s, kSha1s, kSha256s, kJa3s, kUserAgents };

std::optional<Block> safe_block(const EnforcementItem& item) {
  return read_block(item.value, item.kind == Kind::kIpv6);
}
bool too_wide(const Block& block) { return block.prefix < (block.v6 ? kWidestIpv6Block : kWidestIpv4Block); }
bool is_address(Kind kind) { return kind == Kind::kIpv4 || kind == Kind::kIpv6; }

// What registries commonly sell names under, right below a country's own: gov.ua, co.uk. A table of words, not the
// public suffix list: it misses what registries name otherwise, and refuses the odd registered name that reads like
// them.
constexpr std::string_view kRegistryWords[] = {
    "ac",  "asn",  "asso", "biz", "co",  "com", "ed", "edu", "firm", "go",  "gob", "gouv", "gov", "govt", "gv", "idv",
    "inf", "info", "int",  "lg",  "ltd", "mil", "ne", "net", "nhs",  "nic", "nom", "or",   "org", "plc",  "re", "sch"};
static_assert(std::ranges::is_sorted(kRegistryWords));

// "gov.ua": to block it is to block everybody who registered there.
bool wider_than_a_name(std::string_view domain) {
  const std::size_t dot = domain.find('.');
  const std::string_view first = domain.substr(0, dot), last = domain.substr(dot + 1);
  return last.size() == 2 && std::ranges::binary_search(kRegistryWords, first);
}

// The name of an item whose format blocks it with everything below it.
std::optional<std::string_view> read_blocked_domain(std::string_view text, std::string& out) {
  // A name of one label is none to read_domain; with another before it, it would be.
  if (text.find('.') == text.npos && read_domain(fmt::format("x.{}", text.substr(0, 64)))) return kWiderThanName;
  auto domain = read_domain(text);
  if (!domain) return kNotSafe;
  if (wider_than_a_name(*domain)) return kWiderThanName;
  out = std::move(*domain);
  return std::nullopt;
}

// A Suricata content in hexadecimal alone: there is nothing in it to escape ("Payload keywords", content).
std::string content(std::string_view text) {
  std::string out = "\"|";
  for (std::size_t i = 0; i < text.size(); ++i)
    out += fmt::format("{}{:02X}", i == 0 ? "" : " ", static_cast<unsigned char>(text[i]));
  return out + "|\"";
}

// The rules that look into a list; written when it is not empty. Nothing of an item stands in them.
struct ListRule {
  std::size_t list;
  std::string_view head, what;
};
constexpr ListRule kListRules[] = {
    {kDomains, "dns any any -> any any (msg:\"bongsu: domain asked for\"",
     "dns.query; to_lowercase; dataset:isset,bongsu-domains,type string,load bongsu-domains.lst"},
    {kDomains, "tls any any -> any any (msg:\"bongsu: domain in a TLS greeting\"",
     "tls.sni; to_lowercase; dataset:isset,bongsu-domains,type string,load bongsu-domains.lst"},
    {kDomains, "http any any -> any any (msg:\"bongsu: domain in a request\"",
     "http.host; dataset:isset,bongsu-domains,type string,load bongsu-domains.lst"},
    {kIps, "ip any any -> any any (msg:\"bongsu: address as source\"",
     "ip.src; dataset:isset,bongsu-ips,type ip,load bongsu-ips.lst"},
    {kIps, "ip any any -> any any (msg:\"bongsu: address as destination\"",
     "ip.dst; dataset:isset,bongsu-ips,type ip,load bongsu-ips.lst"},
    {kUserAgents, "http any any -> any any (msg:\"bongsu: user agent\"",
     "http.user_agent; dataset:isset,bongsu-user-agents,type string,load bongsu-user-agents.lst"},
    {kJa3s, "tls any any -> any any (msg:\"bongsu: JA3 of a TLS greeting\"",
     "ja3.hash; dataset:isset,bongsu-ja3,type string,load bongsu-ja3.lst"},
    {kMd5s, "http any any -> any any (msg:\"bongsu: file by MD5\"", "filemd5:bongsu-md5.lst"},
    {kSha1s, "http any any -> any any (msg:\"bongsu: file by SHA-1\"", "filesha1:bongsu-sha1.lst"},
    {kSha256s, "http any any -> any any (msg:\"bongsu: file by SHA-256\"", "filesha256:bongsu-sha256.lst"},
};
constexpr std::uint32_t kFirstFreeSid = kSuricataFirstSid + 1'000;
constexpr std::uint32_t kFreeSids = 999'000;

// The owner name of an address in a response policy zone: prefix length and the address backwards, for IPv6 in words
// with the longest run of zero words as "zz" (draft-vixie-dnsop-dns-rpz §4.1.1).
std::string rpz_owner(const Block& block) {
  std::string out = std::to_string(block.prefix);
  if (!block.v6) {
    for (int i = 3; i >= 0; --i) out += fmt::format(".{}", block.bytes[static_cast<std::size_t>(i)]);
    return out + ".rpz-ip";
  }
  std::array<unsigned, 8> words{};
  for (std::size_t i = 0; i < 8; ++i)
    words[i] = static_cast<unsigned>(block.bytes[2 * i] << 8 | block.bytes[2 * i + 1]);
  std::size_t run_begin = 8, run = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t n = 0;
    while (i + n < 8 && words[i + n] == 0) ++n;
    if (n > run) run = n, run_begin = i;
  }
  if (run < 2) run_begin = 8, run = 0;
  for (std::size_t i = 8; i-- > 0;) {
    if (i == run_begin + run - 1 && run > 0) {
      out += ".zz";
      i = run_begin;
      continue;
    }
    out += fmt::format(".{:x}", words[i]);
  }
  return out + ".rpz-ip";
}

// Zeek's ASCII reader undoes \xHH and takes "-" for no value and "(empty)" for the empty one.
std::string zeek_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '#') {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::optional<std::string_view> zeek(const EnforcementItem& item, const EnforcementWriter::Emit& emit) {
  std::string_view type;
  std::optional<std::string> value;
  switch (item.kind) {
    case Kind::kIpv4:
    case Kind::kIpv6: {
      const auto block = safe_block(item);
      if (!block) return kNotSafe;
      if (too_wide(*block)) return kTooWide;
      type = block->whole() ? "Intel::ADDR" : "Intel::SUBNET";
      value = block->text();
      break;
    }
    case Kind::kDomain:
      type = "Intel::DOMAIN";
      value = read_domain(item.value);
      break;
    case Kind::kUrl: {
      type = "Intel::URL";  // without the scheme
      const auto url = read_url(item.value);
      if (!url) return kNotSafe;
      if (url->https) return kHttps;
      value = url->host_and_port() + url->target;
      break;
    }
    case Kind::kEmail:
      type = "Intel::EMAIL";
      value = read_email(item.value);
      break;
    case Kind::kMd5:
    case Kind::kSha1:
    case Kind::kSha256:
      type = "Intel::FILE_HASH";
      value = read_hex(item.value, item.kind == Kind::kMd5 ? 32 : item.kind == Kind::kSha1 ? 40 : 64);
      break;
    case Kind::kFileName:
      type = "Intel::FILE_NAME";
      value = read_printable(item.value, kMaxEnforcementText);
      break;
    case Kind::kUserAgent:
      type = "Intel::SOFTWARE";
      value = read_printable(item.value, kMaxEnforcementText);
      break;
    default:
      return kNoPlace;
  }
  if (!value) return kNotSafe;
  if (*value == "-" || *value == "(empty)") return kReserved;
  // Source and id are ours, and are held to an alphabet all the same.
  const auto plain = [](std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, 200))
      out += is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' || c == '.' || c == ':' ? c : '_';
    return out.empty() || out == "-" ? std::string("_") : out;
  };
  emit(0, fmt::format("{}\t{}\tbongsu:{}\t{}\n", zeek_text(*value), type, plain(item.source), plain(item.id)));
  return std::nullopt;
}

std::optional<std::string_view> haproxy(const EnforcementItem& item, const EnforcementWriter::Emit& emit) {
  if (is_address(item.kind)) {
    const auto block = safe_block(item);
    if (!block) return kNotSafe;
    if (too_wide(*block)) return kTooWide;
    emit(0, block->text() + "\n");
    return std::nullopt;
  }
  if (item.kind == Kind::kDomain) {
    std::string domain;
    if (const auto why = read_blocked_domain(item.value, domain)) return why;
    emit(1, domain + "\n");
    emit(2, "." + domain + "\n");
    return std::nullopt;
  }
  if (item.kind == Kind::kUrl) {
    const auto url = read_url(item.value);
    if (!url) return kNotSafe;
    if (item.value.size() > kMaxEnforcementUrl) return kTooLong;
    emit(3, url->host_and_port() + url->target + "\n");
    return std::nullopt;
  }
  if (item.kind == Kind::kUserAgent) {
    const auto agent = read_printable(item.value, kMaxEnforcementText);
    if (!agent || agent->front() == '#' || agent->find_first_of("\"\\'") != agent->npos) return kNotSafe;
    emit(4, *agent + "\n");
    return std::nullopt;
  }
  return kNoPlace;
}

std::optional<std::string_view> edl(const EnforcementItem& item, const EnforcementWriter::Emit& emit) {
  std::optional<std::string> value;
  std::size_t file = 0;
  switch (item.kind) {
    case Kind::kIpv4:
    case Kind::kIpv6: {
      const auto block = safe_block(item);
      if (!block) return kNotSafe;
      if (too_wide(*block)) return kTooWide;
      value = block->text();
      break;
    }
    case Kind::kDomain:
      file = 1;
      if (const auto why = read_blocked_domain(item.value, value.emplace())) return why;
      break;
    case Kind::kUrl: {
      file = 2;
      const auto url = read_url(item.value);
      if (!url) return kNotSafe;
      if (item.value.size() > kMaxEnforcementUrl) return kTooLong;
      value = url->host_and_port() + url->target;
      break;
    }
    case Kind::kMd5:
      file = 3;
      value = read_hex(item.value, 32);
      break;
    case Kind::kSha1:
      file = 4;
      value = read_hex(item.value, 40);
      break;
    case Kind::kSha256:
      file = 5;
      value = read_hex(item.value, 64);
      break;
    default:
      return kNoPlace;
  }
  if (!value) return kNotSafe;
  emit(file, *value + "\n");
  return std::nullopt;
}

}  // namespace

std::string_view to_string(EnforcementFormat format) { return kNames[static_cast<std::size_t>(format)]; }

std::optional<EnforcementFormat> parse_enforcement_format(std::string_view text) {
  const auto* found = std::ranges::find(kNames, text);
  if (found == std::end(kNames)) return std::nullopt;
  return static_cast<EnforcementFormat>(found - std::begin(kNames));
}

bool blocks(EnforcementFormat format) { return format != Format::kSuricata && format != Format::kZeek; }

EnforcementWriter::EnforcementWriter(EnforcementFormat format, EnforcementOptions options)
    : format_(format), options_(std::move(options)), used_(files(format).size(), false) {
  // The zone's name is the operator's, and is held to the same grammar.
  if (const auto zone = read_domain(options_.zone)) {
    options_.zone = *zone;
  } else {
    options_.zone = "rpz.bongsu";
  }
}

const std::vector<EnforcementFile>& EnforcementWriter::files(EnforcementFormat format) {
  static const std::array<std::vector<EnforcementFile>, kEnforcementFormats> kFiles = {{
      {{"bongsu.rules", kText},
       {"bongsu-domains.lst", kText},
       {"bongsu-ips.lst", kText},
       {"bongsu-md5.lst", kText},
       {"bongsu-sha1.lst", kText},
       {"bongsu-sha256.lst", kText},
       {"bongsu-ja3.lst", kText},
       {"bongsu-user-agents.lst", kText}},
      {{"bongsu.intel", "text/tab-separated-values"}},
      {{"bongsu.rpz", "text/dns"}},
      {{"bongsu-deny.conf", kText},
       {"bongsu-geo.conf", kText},
       {"bongsu-hosts.conf", kText},
       {"bongsu-user-agents.conf", kText}},
      {{"bongsu-ips.acl", kText},
       {"bongsu-hosts.acl", kText},
       {"bongsu-host-suffixes.acl", kText},
       {"bongsu-urls.acl", kText},
       {"bongsu-user-agents.acl", kText}},
      {{"ip.txt", kText},
       {"domain.txt", kText},
       {"url.txt", kText},
       {"md5.txt", kText},
       {"sha1.txt", kText},
       {"sha256.txt", kText}},
  }};
  return kFiles[static_cast<std::size_t>(format)];
}

const std::vector<std::string>& EnforcementWriter::limits(EnforcementFormat format) {
  static const std::array<std::vector<std::string>, kEnforcementFormats> kLimits = {{
      {"a domain of a dataset is found itself, not its subdomains", "files are looked for in HTTP only",
       "type ip of datasets and ip.src, ip.dst need Suricata 7"},
      {"a domain is found itself, not its subdomains", "SHA-256 is found only where the sensor computes it"},
      {"an address is blocked where it stands in an answer; traffic to it without a name is not"},
      {"hosts are those that clients ask this server for; nothing is said about connections that it makes",
       "long names need map_hash_bucket_size 1024, many of them a larger map_hash_max_size"},
      {"hosts and URLs are those that clients ask this proxy for"},
      {"whether subdomains of a domain count is the firewall's setting",
       "ports and paths of URLs count where the firewall sees them"},
  }};
  return kLimits[static_cast<std::size_t>(format)];
}

std::string EnforcementWriter::head(std::size_t file) const {
  switch (format_) {
    case Format::kSuricata:
      return file == kRules ? "# Load the lists beside this file. Written by bongsu; changes are overwritten.\n" : "";
    case Format::kZeek:
      return "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\n";
    case Format::kRpz:
      return fmt::format(
          "$ORIGIN {0}.\n$TTL 300\n@ SOA localhost. root.localhost. {1} 300 60 86400 300\n@ NS localhost.\n",
          options_.zone, options_.serial);
    case Format::kNginx:
      switch (file) {
        case 0:
          return "# include in http, server or location\n";
        case 1:
          return "# include in: geo $bongsu_address { default 0; include bongsu-geo.conf; }\n";
        case 2:
          return "# include in: map $host $bongsu_host { hostnames; default 0; include bongsu-hosts.conf; }\n";
        default:
          return "# include in: map $http_user_agent $bongsu_agent { default 0; include bongsu-user-agents.conf; }\n";
      }
    case Format::kHaproxy:
      switch (file) {
        case 0:
          return "# acl bongsu_ip src -f bongsu-ips.acl\n";
        case 1:
          return "# acl bongsu_host req.hdr(host),field(1,:),lower -m str -f bongsu-hosts.acl\n";
        case 2:
          return "# acl bongsu_host req.hdr(host),field(1,:),lower -m end -f bongsu-host-suffixes.acl\n";
        case 3:
          return "# acl bongsu_url baseq -m str -f bongsu-urls.acl\n";
        default:
          return "# acl bongsu_agent req.hdr(user-agent) -m str -f bongsu-user-agents.acl\n";
      }
    case Format::kEdl:
      return "";
  }
  return "";
}

std::string EnforcementWriter::tail(std::size_t file) const {
  std::string out;
  if (format_ != Format::kSuricata || file != kRules) return out;
  std::uint32_t sid = kSuricataFirstSid;
  for (const ListRule& rule : kListRules) {
    ++sid;  // each rule keeps its number, whichever lists are empty
    if (used_[rule.list]) out += fmt::format("alert {}; {}; sid:{}; rev:1;)\n", rule.head, rule.what, sid);
  }
  return out;
}

std::uint32_t EnforcementWriter::sid_of(std::string_view value) {
  std::uint32_t at = static_cast<std::uint32_t>(hash64(value) % kFreeSids);
  while (!sids_.insert(at).second) at = (at + 1) % kFreeSids;
  return kFirstFreeSid + at;
}

std::optional<EnforcementWriter::Refusal> EnforcementWriter::suricata(const EnforcementItem& item, const Emit& emit) {
  const auto list = [&](std::size_t file, const std::optional<std::string>& value,
                        bool base64) -> std::optional<Refusal> {
    if (!value) return kNotSafe;
    used_[file] = true;
    emit(file, (base64 ? to_base64(as_bytes(*value)) : *value) + "\n");
    return std::nullopt;
  };
  switch (item.kind) {
    case Kind::kIpv4:
    case Kind::kIpv6: {
      const auto block = safe_block(item);
      if (!block) return kNotSafe;
      if (too_wide(*block)) return kTooWide;
      if (block->whole()) return list(kIps, block->text(), false);
      if (sids_.size() >= kMaxSuricataRules) return kTooMany;
      const std::string text = block->text();
      emit(kRules, fmt::format("alert ip any any <> {} any (msg:\"bongsu: block of addresses\"; sid:{}; rev:1;)\n",
                               block->v6 ? fmt::format("[{}]", text) : text, sid_of(text)));
      return std::nullopt;
    }
    case Kind::kDomain:
      return list(kDomains, read_domain(item.value), true);
    case Kind::kUrl: {
      const auto url = read_url(item.value);
      if (!url) return kNotSafe;
      if (url->https) return kHttps;
      if (item.value.size() > kMaxEnforcementUrl) return kTooLong;
      if (sids_.size() >= kMaxSuricataRules) return kTooMany;
      emit(kRules, fmt::format("alert http any any -> any {} (msg:\"bongsu: URL\"; http.host; content:{}; bsize:{}; "
                               "http.uri.raw; content:{}; bsize:{}; sid:{}; rev:1;)\n",
                               url->port == 0 ? std::string("any") : std::to_string(url->port), content(url->host),
                               url->host.size(), content(url->target), url->target.size(),
                               sid_of(url->host_and_port() + url->target)));
      return std::nullopt;
    }
    case Kind::kMd5:
      return list(kMd5s, read_hex(item.value, 32), false);
    case Kind::kSha1:
      return list(kSha1s, read_hex(item.value, 40), false);
    case Kind::kSha256:
      return list(kSha256s, read_hex(item.value, 64), false);
    case Kind::kJa3:
      return list(kJa3s, read_hex(item.value, 32), true);
    case Kind::kUserAgent:
      return list(kUserAgents, read_printable(item.value, kMaxEnforcementText), true);
    default:
      return kNoPlace;
  }
}

std::optional<EnforcementWriter::Refusal> EnforcementWriter::rpz(const EnforcementItem& item, const Emit& emit) const {
  if (is_address(item.kind)) {
    const auto block = safe_block(item);
    if (!block) return kNotSafe;
    if (too_wide(*block)) return kTooWide;
    emit(0, rpz_owner(*block) + " CNAME .\n");
    return std::nullopt;
  }
  if (item.kind == Kind::kUrl) return kUrlNeedsHost;
  if (item.kind != Kind::kDomain) return kNoPlace;
  std::string domain;
  if (const auto why = read_blocked_domain(item.value, domain)) return why;
  // "24.0.0.0.10.rpz-client-ip" is a name to us and an order to the name server.
  if (domain.substr(domain.rfind('.') + 1).starts_with("rpz-")) return kReserved;
  if (domain.size() + options_.zone.size() + 4 > 253) return kTooLong;
  emit(0, fmt::format("{0} CNAME .\n*.{0} CNAME .\n", domain));
  return std::nullopt;
}

std::optional<EnforcementWriter::Refusal> EnforcementWriter::nginx(const EnforcementItem& item, const Emit& emit) {
  if (is_address(item.kind)) {
    const auto block = safe_block(item);
    if (!block) return kNotSafe;
    if (too_wide(*block)) return kTooWide;
    emit(0, fmt::format("deny {};\n", block->text()));
    emit(1, fmt::format("{} 1;\n", block->text()));
    return std::nullopt;
  }
  if (item.kind == Kind::kDomain) {
    std::string domain;
    if (const auto why = read_blocked_domain(item.value, domain)) return why;
    emit(2, fmt::format(".{} 1;\n", domain));
    return std::nullopt;
  }
  if (item.kind == Kind::kUserAgent) {
    auto agent = read_printable(item.value, kMaxEnforcementText);
    if (!agent || agent->find_first_of("\"\\${}'`#*~") != agent->npos) return kNotSafe;
    // A map's keys are lowered when it is read, and one that comes twice is an error (ngx_http_map_module).
    *agent = lowered(*agent);
    for (const std::string_view word : {"default", "hostnames", "include", "volatile"})
      if (*agent == word) return kReserved;
    const auto [said, fresh] = agents_.insert(std::move(*agent));
    if (!fresh) return kSaidAlready;
    emit(3, fmt::format("\"{}\" 1;\n", *said));
    return std::nullopt;
  }
  return item.kind == Kind::kUrl ? kUrlNeedsHost : kNoPlace;
}

std::optional<EnforcementWriter::Refusal> EnforcementWriter::write(const EnforcementItem& item, const Emit& emit) {
  switch (format_) {
    case Format::kSuricata:
      return suricata(item, emit);
    case Format::kZeek:
      return zeek(item, emit);
    case Format::kRpz:
      return rpz(item, emit);
    case Format::kNginx:
      return nginx(item, emit);
    case Format::kHaproxy:
      return haproxy(item, emit);
    case Format::kEdl:
      return edl(item, emit);
  }
  return kNoPlace;
}

}  // namespace bongsu::formats
