#include "stix/vocabulary.h"

#include <algorithm>

namespace bongsu::stix {
namespace {

using Term = std::string_view;

constexpr Term kAccountTypeTerms[] = {"facebook", "ldap",    "nis",  "openid",        "radius",        "skype",
                                      "tacacs",   "twitter", "unix", "windows-local", "windows-domain"};
constexpr Term kAttackMotivationTerms[] = {"accidental",    "coercion",
                                           "dominance",     "ideology",
                                           "notoriety",     "organizational-gain",
                                           "personal-gain", "personal-satisfaction",
                                           "revenge",       "unpredictable"};
constexpr Term kAttackResourceLevelTerms[] = {"individual", "club", "contest", "team", "organization", "government"};
constexpr Term kEncryptionAlgorithmTerms[] = {"AES-256-GCM", "ChaCha20-Poly1305", "mime-type-indicated"};
constexpr Term kExtensionTypeTerms[] = {"new-sdo", "new-sco", "new-sro", "property-extension",
                                        "toplevel-property-extension"};
constexpr Term kGroupingContextTerms[] = {"suspicious-activity", "malware-analysis", "unspecified"};
constexpr Term kIdentityClassTerms[] = {"individual", "group", "system", "organization", "class", "unknown"};
constexpr Term kImplementationLanguageTerms[] = {
    "applescript", "bash",        "c",          "c++",          "c#",         "go",     "java", "javascript",
    "lua",         "objective-c", "perl",       "php",          "powershell", "python", "ruby", "rust",
    "scala",       "swift",       "typescript", "visual-basic", "x86-32",     "x86-64"};
constexpr Term kIndicatorTypeTerms[] = {"anomalous-activity", "anonymization", "benign", "compromised",
                                        "malicious-activity", "attribution",   "unknown"};
constexpr Term kIndustrySectorTerms[] = {"agriculture",
                                         "aerospace",
                                         "automotive",
                                         "chemical",
                                         "commercial",
                                         "communications",
                                         "construction",
                                         "defense",
                                         "education",
                                         "energy",
                                         "entertainment",
                                         "financial-services",
                                         "government",
                                         "emergency-services",
                                         "government-local",
                                         "government-national",
                                         "government-public-services",
                                         "government-regional",
                                         "healthcare",
                                         "hospitality-leisure",
                                         "infrastructure",
                                         "dams",
                                         "nuclear",
                                         "water",
                                         "insurance",
                                         "legal",
                                         "manufacturing",
                                         "mining",
                                         "non-profit",
                                         "pharmaceuticals",
                                         "retail",
                                         "technology",
                                         "telecommunications",
                                         "transportation",
                                         "utilities"};
constexpr Term kInfrastructureTypeTerms[] = {
    "amplification",  "anonymization",    "botnet",          "command-and-control",  "control-system",
    "exfiltration",   "firewall",         "hosting-malware", "hosting-target-lists", "phishing",
    "reconnaissance", "routers-switches", "staging",         "workstation",          "unknown"};
constexpr Term kMalwareCapabilitiesTerms[] = {"accesses-remote-machines",
                                              "anti-debugging",
                                              "anti-disassembly",
                                              "anti-emulation",
                                              "anti-memory-forensics",
                                              "anti-sandbox",
                                              "anti-vm",
                                              "captures-input-peripherals",
                                              "captures-output-peripherals",
                                              "captures-system-state-data",
                                              "cleans-traces-of-infection",
                                              "commits-fraud",
                                              "communicates-with-c2",
                                              "compromises-data-availability",
                                              "compromises-data-integrity",
                                              "compromises-system-availability",
                                              "controls-local-machine",
                                              "degrades-security-software",
                                              "degrades-system-updates",
                                              "determines-c2-server",
                                              "emails-spam",
                                              "escalates-privileges",
                                              "evades-av",
                                              "exfiltrates-data",
                                              "fingerprints-host",
                                              "hides-artifacts",
                                              "hides-executing-code",
                                              "infects-files",
                                              "infects-remote-machines",
                                              "installs-other-components",
                                              "persists-after-system-reboot",
                                              "prevents-artifact-access",
                                              "prevents-artifact-deletion",
                                              "probes-network-environment",
                                              "self-modifies",
                                              "steals-authentication-credentials",
                                              "violates-system-operational-integrity"};
constexpr Term kMalwareResultTerms[] = {"malicious", "suspicious", "benign", "unknown"};
constexpr Term kMalwareTypeTerms[] = {"adware",
                                      "backdoor",
                                      "bot",
                                      "bootkit",
                                      "ddos",
                                      "downloader",
                                      "dropper",
                                      "exploit-kit",
                                      "keylogger",
                                      "ransomware",
                                      "remote-access-trojan",
                                      "resource-exploitation",
                                      "rogue-security-software",
                                      "rootkit",
                                      "screen-capture",
                                      "spyware",
                                      "trojan",
                                      "unknown",
                                      "virus",
                                      "webshell",
                                      "wiper",
                                      "worm"};
constexpr Term kSocketAddressFamilyTerms[] = {"AF_UNSPEC",  "AF_INET",  "AF_IPX",  "AF_APPLETALK",
                                              "AF_NETBIOS", "AF_INET6", "AF_IRDA", "AF_BTH"};
// The summary of the standard spells SOCK_DGRAM as AF_ISOCK_DGRAMNET; its table does not.
constexpr Term kSocketTypeTerms[] = {"SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW", "SOCK_RDM", "SOCK_SEQPACKET"};
constexpr Term kOpinionTermsTerms[] = {"strongly-disagree", "disagree", "neutral", "agree", "strongly-agree"};
constexpr Term kPatternTypeTerms[] = {"stix", "pcre", "sigma", "snort", "suricata", "yara"};
constexpr Term kProcessorArchitectureTerms[] = {"alpha", "arm", "ia-64", "mips", "powerpc", "sparc", "x86", "x86-64"};
constexpr Term kRegionTerms[] = {"africa",
                                 "eastern-africa",
                                 "middle-africa",
                                 "northern-africa",
                                 "southern-africa",
                                 "western-africa",
                                 "americas",
                                 "caribbean",
                                 "central-america",
                                 "latin-america-caribbean",
                                 "northern-america",
                                 "south-america",
                                 "asia",
                                 "central-asia",
                                 "eastern-asia",
                                 "southern-asia",
                                 "south-eastern-asia",
                                 "western-asia",
                                 "europe",
                                 "eastern-europe",
                                 "northern-europe",
                                 "southern-europe",
                                 "western-europe",
                                 "oceania",
                                 "antarctica",
                                 "australia-new-zealand",
                                 "melanesia",
                                 "micronesia",
                                 "polynesia"};
constexpr Term kReportTypeTerms[] = {"attack-pattern", "campaign",      "identity", "incident",
                                     "indicator",      "intrusion-set", "malware",  "observed-data",
                                     "threat-actor",   "threat-report", "tool",     "vulnerability"};
constexpr Term kThreatActorTypeTerms[] = {"activist",
                                          "competitor",
                                          "crime-syndicate",
                                          "criminal",
                                          "hacker",
                                          "insider-accidental",
                                          "insider-disgruntled",
                                          "nation-state",
                                          "private-sector",
                                          "sensationalist",
                                          "spy",
                                          "terrorist",
                                          "unknown"};
constexpr Term kThreatActorRoleTerms[] = {
    "agent",          "director", "independent", "infrastructure-architect", "infrastructure-operator",
    "malware-author", "sponsor"};
constexpr Term kThreatActorSophisticationTerms[] = {"none",   "minimal",   "intermediate", "advanced",
                                                    "expert", "innovator", "strategic"};
constexpr Term kToolTypeTerms[] = {
    "denial-of-service",       "exploitation",  "information-gathering",  "network-capture",
    "credential-exploitation", "remote-access", "vulnerability-scanning", "unknown"};
constexpr Term kIntegrityLevelTerms[] = {"low", "medium", "high", "system"};
constexpr Term kPeBinaryTypeTerms[] = {"dll", "exe", "sys"};
constexpr Term kRegistryDatatypeTerms[] = {"REG_NONE",
                                           "REG_SZ",
                                           "REG_EXPAND_SZ",
                                           "REG_BINARY",
                                           "REG_DWORD",
                                           "REG_DWORD_BIG_ENDIAN",
                                           "REG_DWORD_LITTLE_ENDIAN",
                                           "REG_LINK",
                                           "REG_MULTI_SZ",
                                           "REG_RESOURCE_LIST",
                                           "REG_FULL_RESOURCE_DESCRIPTION",
                                           "REG_RESOURCE_REQUIREMENTS_LIST",
                                           "REG_QWORD",
                                           "REG_INVALID_TYPE"};
constexpr Term kServiceStartTypeTerms[] = {"SERVICE_AUTO_START", "SERVICE_BOOT_START", "SERVICE_DEMAND_START",
                                           "SERVICE_DISABLED", "SERVICE_SYSTEM_ALERT"};
constexpr Term kServiceTypeTerms[] = {"SERVICE_KERNEL_DRIVER", "SERVICE_FILE_SYSTEM_DRIVER",
                                      "SERVICE_WIN32_OWN_PROCESS", "SERVICE_WIN32_SHARE_PROCESS"};
constexpr Term kServiceStatusTerms[] = {"SERVICE_CONTINUE_PENDING", "SERVICE_PAUSE_PENDING", "SERVICE_PAUSED",
                                        "SERVICE_RUNNING",          "SERVICE_START_PENDING", "SERVICE_STOP_PENDING",
                                        "SERVICE_STOPPED"};
constexpr Term kMarkingTypeTerms[] = {"statement", "tlp"};

constexpr bool kClosed = true;

}  // namespace

constinit const Vocabulary kAccountType{"account-type-ov", "STIX 2.1 §10.1", kAccountTypeTerms};
constinit const Vocabulary kAttackMotivation{"attack-motivation-ov", "STIX 2.1 §10.2", kAttackMotivationTerms};
constinit const Vocabulary kAttackResourceLevel{"attack-resource-level-ov", "STIX 2.1 §10.3",
                                                kAttackResourceLevelTerms};
constinit const Vocabulary kEncryptionAlgorithm{"encryption-algorithm-enum", "STIX 2.1 §10.4",
                                                kEncryptionAlgorithmTerms, kClosed};
constinit const Vocabulary kExtensionType{"extension-type-enum", "STIX 2.1 §10.5", kExtensionTypeTerms, kClosed};
constinit const Vocabulary kGroupingContext{"grouping-context-ov", "STIX 2.1 §10.6", kGroupingContextTerms};
constinit const Vocabulary kIdentityClass{"identity-class-ov", "STIX 2.1 §10.8", kIdentityClassTerms};
constinit const Vocabulary kImplementationLanguage{"implementation-language-ov", "STIX 2.1 §10.9",
                                                   kImplementationLanguageTerms};
constinit const Vocabulary kIndicatorType{"indicator-type-ov", "STIX 2.1 §10.10", kIndicatorTypeTerms};
constinit const Vocabulary kIndustrySector{"industry-sector-ov", "STIX 2.1 §10.11", kIndustrySectorTerms};
constinit const Vocabulary kInfrastructureType{"infrastructure-type-ov", "STIX 2.1 §10.12", kInfrastructureTypeTerms};
constinit const Vocabulary kMalwareCapabilities{"malware-capabilities-ov", "STIX 2.1 §10.13",
                                                kMalwareCapabilitiesTerms};
constinit const Vocabulary kMalwareResult{"malware-result-ov", "STIX 2.1 §10.14", kMalwareResultTerms};
constinit const Vocabulary kMalwareType{"malware-type-ov", "STIX 2.1 §10.15", kMalwareTypeTerms};
constinit const Vocabulary kSocketAddressFamily{"network-socket-address-family-enum", "STIX 2.1 §10.16",
                                                kSocketAddressFamilyTerms, kClosed};
constinit const Vocabulary kSocketType{"network-socket-type-enum", "STIX 2.1 §10.17", kSocketTypeTerms, kClosed};
constinit const Vocabulary kOpinionTerms{"opinion-enum", "STIX 2.1 §10.18", kOpinionTermsTerms, kClosed};
constinit const Vocabulary kPatternType{"pattern-type-ov", "STIX 2.1 §10.19", kPatternTypeTerms};
constinit const Vocabulary kProcessorArchitecture{"processor-architecture-ov", "STIX 2.1 §10.20",
                                                  kProcessorArchitectureTerms};
constinit const Vocabulary kRegion{"region-ov", "STIX 2.1 §10.21", kRegionTerms};
constinit const Vocabulary kReportType{"report-type-ov", "STIX 2.1 §10.22", kReportTypeTerms};
constinit const Vocabulary kThreatActorType{"threat-actor-type-ov", "STIX 2.1 §10.23", kThreatActorTypeTerms};
constinit const Vocabulary kThreatActorRole{"threat-actor-role-ov", "STIX 2.1 §10.24", kThreatActorRoleTerms};
constinit const Vocabulary kThreatActorSophistication{"threat-actor-sophistication-ov", "STIX 2.1 §10.25",
                                                      kThreatActorSophisticationTerms};
constinit const Vocabulary kToolType{"tool-type-ov", "STIX 2.1 §10.26", kToolTypeTerms};
constinit const Vocabulary kIntegrityLevel{"windows-integrity-level-enum", "STIX 2.1 §10.27", kIntegrityLevelTerms,
                                           kClosed};
constinit const Vocabulary kPeBinaryType{"windows-pebinary-type-ov", "STIX 2.1 §10.28", kPeBinaryTypeTerms};
constinit const Vocabulary kRegistryDatatype{"windows-registry-datatype-enum", "STIX 2.1 §10.29",
                                             kRegistryDatatypeTerms, kClosed};
constinit const Vocabulary kServiceStartType{"windows-service-start-type-enum", "STIX 2.1 §10.30",
                                             kServiceStartTypeTerms, kClosed};
constinit const Vocabulary kServiceType{"windows-service-type-enum", "STIX 2.1 §10.31", kServiceTypeTerms, kClosed};
constinit const Vocabulary kServiceStatus{"windows-service-status-enum", "STIX 2.1 §10.32", kServiceStatusTerms,
                                          kClosed};
constinit const Vocabulary kMarkingType{"the types of marking definition", "STIX 2.1 §7.2.1", kMarkingTypeTerms};

bool Vocabulary::contains(std::string_view term) const { return std::ranges::find(terms, term) != terms.end(); }

}  // namespace bongsu::stix
