#include <array>
#include <cctype>
#include <string>

#include "base/text.h"
#include "detect/indicator.h"

namespace bongsu::detect {

std::string_view to_string(Language language) {
  constexpr std::string_view kNames[kLanguages] = {"stix", "sigma", "yara"};
  return kNames[static_cast<std::size_t>(language)];
}

std::optional<Language> parse_language(std::string_view text) {
  for (const Language language : {Language::kStix, Language::kSigma, Language::kYara})
    if (text == to_string(language)) return language;
  return std::nullopt;
}
namespace {

constexpr std::array<std::string_view, kKinds> kNames = {"ipv4-addr",
                                                         "ipv6-addr",
                                                         "domain-name",
                                                         "url",
                                                         "email-addr",
                                                         "file:hashes.MD5",
                                                         "file:hashes.SHA-1",
                                                         "file:hashes.SHA-256",
                                                         "file:hashes.SHA-512",
                                                         "mac-addr",
                                                         "file:name",
                                                         "file:path",
                                                         "windows-registry-key",
                                                         "mutex",
                                                         "user-agent",
                                                         "ja3",
                                                         "text"};

struct Alias {
  std::string_view name;
  Kind kind;
};
constexpr Alias kAliases[] = {{"ipv4", Kind::kIpv4},
                              {"ip", Kind::kIpv4},
                              {"addr", Kind::kIpv4},
                              {"address", Kind::kIpv4},
                              {"ip-src", Kind::kIpv4},
                              {"ip-dst", Kind::kIpv4},
                              {"subnet", Kind::kIpv4},
                              {"cidr", Kind::kIpv4},
                              {"intel::addr", Kind::kIpv4},
                              {"intel::subnet", Kind::kIpv4},
                              {"ipv6", Kind::kIpv6},
                              {"domain", Kind::kDomain},
                              {"fqdn", Kind::kDomain},
                              {"host", Kind::kDomain},
                              {"hostname", Kind::kDomain},
                              {"intel::domain", Kind::kDomain},
                              {"uri", Kind::kUrl},
                              {"link", Kind::kUrl},
                              {"intel::url", Kind::kUrl},
                              {"email", Kind::kEmail},
                              {"e-mail", Kind::kEmail},
                              {"email-src", Kind::kEmail},
                              {"email-dst", Kind::kEmail},
                              {"intel::email", Kind::kEmail},
                              {"md5", Kind::kMd5},
                              {"sha1", Kind::kSha1},
                              {"sha-1", Kind::kSha1},
                              {"sha256", Kind::kSha256},
                              {"sha-256", Kind::kSha256},
                              {"sha512", Kind::kSha512},
                              {"sha-512", Kind::kSha512},
                              {"mac", Kind::kMac},
                              {"mac-address", Kind::kMac},
                              {"filename", Kind::kFileName},
                              {"file_name", Kind::kFileName},
                              {"file", Kind::kFileName},
                              {"intel::file_name", Kind::kFileName},
                              {"path", Kind::kFilePath},
                              {"filepath", Kind::kFilePath},
                              {"file_path", Kind::kFilePath},
                              {"regkey", Kind::kRegistryKey},
                              {"registry", Kind::kRegistryKey},
                              {"registry-key", Kind::kRegistryKey},
                              {"mutant", Kind::kMutex},
                              {"user_agent", Kind::kUserAgent},
                              {"useragent", Kind::kUserAgent},
                              {"intel::software", Kind::kUserAgent},
                              {"ja3-fingerprint-md5", Kind::kJa3},
                              {"ja3s", Kind::kJa3}};

}  // namespace

std::string_view to_string(Kind kind) { return kNames[static_cast<std::size_t>(kind)]; }

std::optional<Kind> parse_kind(std::string_view text) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == text) return static_cast<Kind>(i);
  const std::string lower = lowered(text);
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == lower) return static_cast<Kind>(i);
  for (const Alias& alias : kAliases)
    if (alias.name == lower) return alias.kind;
  return std::nullopt;
}

}  // namespace bongsu::detect
