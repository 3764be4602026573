#include "link/misp_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "stix/pattern.h"

namespace bongsu::link {
namespace {

enum class Part {
  kNone,
  kDomain,
  kIp,
  kUrl,
  kEmail,
  kHash,         // `name` is the algorithm, of a file
  kCertificate,  // the same, of an X.509 certificate
  kFileName,
  kRegistryKey,
  kRegistryData,
  kMutex,
  kMac,
  kAs,
  kUserAgent,
  kJa3,
  kPort,  // destination
  kSourcePort,
  kText,  // a path of its own: `name`
};

struct Mapping {
  std::string_view type;
  Part first;
  std::string_view name;
  Part second = Part::kNone;  // of "a|b"
  std::string_view second_name = {};
  bool split_last = false;  // the value is cut at the last '|' (a file name may hold one)
  bool second_decides =
      false;  // a hash says which file it is; the name beside it is context, and stays in the description
};

constexpr Mapping file_with(std::string_view type, std::string_view algorithm) {
  return {type, Part::kFileName, "", Part::kHash, algorithm, true, true};
}

// Algorithms as in STIX 2.1 hash-algorithm-ov (§10.9) where it has them.
constexpr Mapping kMappings[] = {
    {"domain", Part::kDomain, ""},
    {"hostname", Part::kDomain, ""},
    {"onion-address", Part::kDomain, ""},
    {"domain|ip", Part::kDomain, "", Part::kIp},
    {"hostname|port", Part::kDomain, "", Part::kPort},
    {"ip-src", Part::kIp, ""},
    {"ip-dst", Part::kIp, ""},
    {"ip-src|port", Part::kIp, "", Part::kSourcePort},
    {"ip-dst|port", Part::kIp, "", Part::kPort},
    {"url", Part::kUrl, ""},
    {"uri", Part::kUrl, ""},
    {"link", Part::kUrl, ""},
    {"email", Part::kEmail, ""},
    {"email-src", Part::kEmail, ""},
    {"email-dst", Part::kEmail, ""},
    {"email-reply-to", Part::kEmail, ""},
    {"target-email", Part::kEmail, ""},
    {"whois-registrant-email", Part::kEmail, ""},
    {"dns-soa-email", Part::kEmail, ""},
    {"email-subject", Part::kText, "email-message:subject"},
    {"email-body", Part::kText, "email-message:body"},
    {"email-message-id", Part::kText, "email-message:message_id"},
    {"email-x-mailer", Part::kText, "email-message:additional_header_fields.'X-Mailer'"},
    {"email-attachment", Part::kText, "email-message:body_multipart[*].body_raw_ref.name"},
    {"md5", Part::kHash, "MD5"},
    {"sha1", Part::kHash, "SHA-1"},
    {"sha224", Part::kHash, "SHA224"},
    {"sha256", Part::kHash, "SHA-256"},
    {"sha384", Part::kHash, "SHA384"},
    {"sha512", Part::kHash, "SHA-512"},
    {"sha3-224", Part::kHash, "SHA3224"},
    {"sha3-256", Part::kHash, "SHA3-256"},
    {"sha3-384", Part::kHash, "SHA3384"},
    {"sha3-512", Part::kHash, "SHA3-512"},
    {"ssdeep", Part::kHash, "SSDEEP"},
    {"tlsh", Part::kHash, "TLSH"},
    {"imphash", Part::kHash, "IMPHASH"},
    {"authentihash", Part::kHash, "AUTHENTIHASH"},
    {"pehash", Part::kHash, "PEHASH"},
    {"vhash", Part::kHash, "VHASH"},
    {"telfhash", Part::kHash, "TELFHASH"},
    {"filename", Part::kFileName, ""},
    file_with("filename|md5", "MD5"),
    file_with("malware-sample", "MD5"),
    file_with("filename|sha1", "SHA-1"),
    file_with("filename|sha224", "SHA224"),
    file_with("filename|sha256", "SHA-256"),
    file_with("filename|sha384", "SHA384"),
    file_with("filename|sha512", "SHA-512"),
    file_with("filename|sha3-256", "SHA3-256"),
    file_with("filename|sha3-512", "SHA3-512"),
    file_with("filename|ssdeep", "SSDEEP"),
    file_with("filename|tlsh", "TLSH"),
    file_with("filename|imphash", "IMPHASH"),
    file_with("filename|authentihash", "AUTHENTIHASH"),
    {"attachment", Part::kFileName, ""},
    {"regkey", Part::kRegistryKey, ""},
    {"regkey|value", Part::kRegistryKey, "", Part::kRegistryData},
    {"mutex", Part::kMutex, ""},
    {"mac-address", Part::kMac, ""},
    {"AS", Part::kAs, ""},
    {"user-agent", Part::kUserAgent, ""},
    {"ja3-fingerprint-md5", Part::kJa3, ""},
    {"x509-fingerprint-md5", Part::kCertificate, "MD5"},
    {"x509-fingerprint-sha1", Part::kCertificate, "SHA-1"},
    {"x509-fingerprint-sha256", Part::kCertificate, "SHA-256"},
};

const Mapping* mapping_of(std::string_view type) {
  const auto found = std::ranges::find(kMappings, type, &Mapping::type);
  return found == std::end(kMappings) ? nullptr : found;
}

std::unexpected<Error> unsupported(std::string_view type) {
  return fail(ErrorCode::kUnsupported, fmt::format("MISP's type {} has no counterpart in STIX", type));
}
std::unexpected<Error> bad_value(std::string_view type) {
  return fail(ErrorCode::kInvalid, fmt::format("the value is no {}", type));
}

std::optional<std::int64_t> number(std::string_view text, std::int64_t most) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < 0 || value > most)
    return std::nullopt;
  return value;
}

std::string_view without_as(std::string_view text) {
  return text.starts_with("AS") || text.starts_with("as") ? text.substr(2) : text;
}

bool is_ipv6(std::string_view text) { return text.find(':') != std::string_view::npos; }

struct Values {
  std::string_view first, second;
};
std::optional<Values> values_of(const Mapping& mapping, std::string_view value) {
  if (mapping.second == Part::kNone)
    return trim(value).empty() ? std::nullopt : std::optional<Values>({trim(value), {}});
  const auto bar = mapping.split_last ? value.rfind('|') : value.find('|');
  if (bar == std::string_view::npos) {
    // Attachments of old instances carry a name alone.
    if (mapping.type == "malware-sample" && !trim(value).empty()) return Values{trim(value), {}};
    return std::nullopt;
  }
  const Values values{trim(value.substr(0, bar)), trim(value.substr(bar + 1))};
  if (values.first.empty() || values.second.empty()) return std::nullopt;
  return values;
}

// "path = 'value'"; nullopt when the value is not one.
std::optional<std::string> comparison(Part part, std::string_view name, std::string_view value, bool with_port) {
  const std::string text = stix::quote_literal(value);
  switch (part) {
    case Part::kNone:
      break;
    case Part::kDomain:
      return (with_port ? "network-traffic:dst_ref.value = " : "domain-name:value = ") + text;
    case Part::kIp:
      if (with_port)
        return fmt::format("network-traffic:{} = {}", name == "src" ? "src_ref.value" : "dst_ref.value", text);
      return fmt::format("{}:value = {}", is_ipv6(value) ? "ipv6-addr" : "ipv4-addr", text);
    case Part::kUrl:
      return "url:value = " + text;
    case Part::kEmail:
      return "email-addr:value = " + text;
    case Part::kHash:
      return fmt::format("file:hashes.'{}' = {}", name, text);
    case Part::kCertificate:
      return fmt::format("x509-certificate:hashes.'{}' = {}", name, text);
    case Part::kFileName:
      return "file:name = " + text;
    case Part::kRegistryKey:
      return "windows-registry-key:key = " + text;
    case Part::kRegistryData:
      return "windows-registry-key:values[*].data = " + text;
    case Part::kMutex:
      return "mutex:name = " + text;
    case Part::kMac:
      return "mac-addr:value = " + text;
    case Part::kUserAgent:
      return "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = " + text;
    case Part::kJa3:
      return "network-traffic:x_ja3_hash = " + text;
    case Part::kText:
      return fmt::format("{} = {}", name, text);
    case Part::kAs:
      if (const auto n = number(without_as(value), 4'294'967'295))
        return fmt::format("autonomous-system:number = {}", *n);
      break;
    case Part::kPort:
    case Part::kSourcePort:
      if (const auto n = number(value, 65'535))
        return fmt::format("network-traffic:{} = {}", part == Part::kPort ? "dst_port" : "src_port", *n);
      break;
  }
  return std::nullopt;
}

std::optional<JsonObject> observable(Part part, std::string_view name, std::string_view value) {
  const auto simple = [&](std::string_view type, std::string_view property) {
    return JsonObject{{"type", type}, {"spec_version", "2.1"}, {property, value}};
  };
  switch (part) {
    case Part::kDomain:
      return simple("domain-name", "value");
    case Part::kIp:
      return simple(is_ipv6(value) ? "ipv6-addr" : "ipv4-addr", "value");
    case Part::kUrl:
      return simple("url", "value");
    case Part::kEmail:
      return simple("email-addr", "value");
    case Part::kFileName:
      return simple("file", "name");
    case Part::kRegistryKey:
      return simple("windows-registry-key", "key");
    case Part::kMutex:
      return simple("mutex", "name");
    case Part::kMac:
      return simple("mac-addr", "value");
    case Part::kHash:
      return JsonObject{{"type", "file"}, {"spec_version", "2.1"}, {"hashes", JsonObject{{name, value}}}};
    case Part::kCertificate:
      return JsonObject{{"type", "x509-certificate"}, {"spec_version", "2.1"}, {"hashes", JsonObject{{name, value}}}};
    case Part::kAs:
      if (const auto n = number(without_as(value), 4'294'967'295))
        return JsonObject{{"type", "autonomous-system"}, {"spec_version", "2.1"}, {"number", *n}};
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<std::string> misp_pattern(std::string_view type, std::string_view value) {
  const Mapping* mapping = mapping_of(type);
  if (!mapping) return unsupported(type);
  const auto values = values_of(*mapping, value);
  if (!values) return bad_value(type);
  if (mapping->second == Part::kNone || values->second.empty()) {
    const auto only = comparison(mapping->first, mapping->name, values->first, false);
    if (!only) return bad_value(type);
    return fmt::format("[{}]", *only);
  }
  const bool with_port = mapping->second == Part::kPort || mapping->second == Part::kSourcePort;
  const auto first = mapping->second == Part::kIp
                         ? comparison(Part::kDomain, "", values->first, false)
                         : comparison(mapping->first, mapping->second == Part::kSourcePort ? "src" : mapping->name,
                                      values->first, with_port);
  const auto second =
      mapping->second == Part::kIp
          ? std::optional("domain-name:resolves_to_refs[*].value = " + stix::quote_literal(values->second))
          : comparison(mapping->second, mapping->second_name, values->second, with_port);
  if (!first || !second) return bad_value(type);
  if (mapping->second_decides) return fmt::format("[{}]", *second);
  return fmt::format("[{} AND {}]", *first, *second);
}

std::optional<std::string_view> misp_rule_language(std::string_view type) {
  // STIX 2.1 pattern-type-ov (§10.20).
  for (const auto& [name, language] : {std::pair<std::string_view, std::string_view>{"yara", "yara"},
                                       {"sigma", "sigma"},
                                       {"snort", "snort"},
                                       {"stix2-pattern", "stix"}})
    if (type == name) return language;
  return std::nullopt;
}

Result<std::vector<JsonObject>> misp_observables(std::string_view type, std::string_view value) {
  const Mapping* mapping = mapping_of(type);
  if (!mapping) return unsupported(type);
  const auto values = values_of(*mapping, value);
  if (!values) return bad_value(type);
  auto first = observable(mapping->first, mapping->name, values->first);
  if (!first) return unsupported(type);
  std::vector<JsonObject> out;
  if (mapping->second == Part::kNone || values->second.empty()) {
    out.push_back(std::move(*first));
  } else if (mapping->second == Part::kHash) {  // one file with a name and a hash
    (*first)["hashes"] = JsonObject{{mapping->second_name, values->second}};
    out.push_back(std::move(*first));
  } else if (mapping->second == Part::kIp) {
    out.push_back(std::move(*first));
    out.push_back(*observable(Part::kIp, "", values->second));
  } else {
    return unsupported(type);  // a port says nothing without a protocol, which MISP does not record
  }
  return out;
}

}  // namespace bongsu::link
