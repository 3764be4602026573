// Cyber-observable objects and their predefined extensions (STIX 2.1 §6), property by property in the order of their
// tables.
#include "stix/rules.h"
#include "stix/schema.h"
#include "stix/value_checks.h"
#include "stix/vocabulary.h"

namespace bongsu::stix {
namespace {

constexpr std::string_view kArtifactTypes[] = {"artifact"};
constexpr std::string_view kFileTypes[] = {"file"};
constexpr std::string_view kDirectoryTypes[] = {"directory"};
constexpr std::string_view kFileOrDirectoryTypes[] = {"file", "directory"};
constexpr std::string_view kArtifactOrFileTypes[] = {"artifact", "file"};
constexpr std::string_view kResolvedTypes[] = {"ipv4-addr", "ipv6-addr", "domain-name"};
constexpr std::string_view kEndpointTypes[] = {"ipv4-addr", "ipv6-addr", "mac-addr", "domain-name"};
constexpr std::string_view kMacTypes[] = {"mac-addr"};
constexpr std::string_view kAutonomousSystemTypes[] = {"autonomous-system"};
constexpr std::string_view kEmailAddressTypes[] = {"email-addr"};
constexpr std::string_view kUserAccountTypes[] = {"user-account"};
constexpr std::string_view kTrafficTypes[] = {"network-traffic"};
constexpr std::string_view kProcessTypes[] = {"process"};
constexpr Targets kArtifact{"an artifact", kArtifactTypes};
constexpr Targets kFile{"a file", kFileTypes};
constexpr Targets kDirectory{"a directory", kDirectoryTypes};
constexpr Targets kFileOrDirectory{"a file or a directory", kFileOrDirectoryTypes};
constexpr Targets kArtifactOrFile{"an artifact or a file", kArtifactOrFileTypes};
constexpr Targets kResolved{"an ipv4-addr, ipv6-addr or domain-name", kResolvedTypes};
constexpr Targets kEndpoint{"an ipv4-addr, ipv6-addr, mac-addr or domain-name", kEndpointTypes};
constexpr Targets kMac{"a mac-addr", kMacTypes};
constexpr Targets kAutonomousSystem{"an autonomous-system", kAutonomousSystemTypes};
constexpr Targets kEmailAddress{"an email-addr", kEmailAddressTypes};
constexpr Targets kUserAccount{"a user-account", kUserAccountTypes};
constexpr Targets kTraffic{"network-traffic", kTrafficTypes};
constexpr Targets kProcess{"a process", kProcessTypes};

constexpr Form kIpv4Form{is_ipv4_block, "is neither an IPv4 address nor a CIDR block", true, true};
constexpr Form kIpv6Form{is_ipv6_block, "is neither an IPv6 address nor a CIDR block", true, true};
constexpr Form kMacForm{is_mac, "is not a lower-case MAC-48 address with colons", true, true};
constexpr Form kDomainForm{is_domain_name, "is not a domain name (RFC 1034, RFC 5890)", true, true};
constexpr Form kEmailForm{is_email_address, "is not an addr-spec (RFC 5322 §3.4.1), without display name", true, true};
constexpr Form kObservedUrlForm{is_url, "is not a URL (RFC 3986)", true, true};

bool is_cpe(std::string_view text) { return text.starts_with("cpe:2.3:"); }
bool is_lower(std::string_view text) {
  return text.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos;
}
bool ends_in_class(std::string_view text) { return text.ends_with("_CLASS"); }
constexpr Form kCpeForm{is_cpe, "is not a CPE v2.3 entry"};
constexpr Form kLowerForm{is_lower, "should be in lower case", false};
constexpr Form kPriorityForm{ends_in_class, "should end in _CLASS", false};

constexpr Type kPort = integer(0, 65535);

// ---- §6.1 to §6.6

constexpr Property kArtifactProperties[] = {
    optional("mime_type", text(kMimeForm)),
    optional("payload_bin", kBinary),
    optional("url", text(kObservedUrlForm)),
    optional("hashes", kHashes),
    optional("encryption_algorithm", term(kEncryptionAlgorithm)),
    optional("decryption_key", kString),
};
constexpr Rule kArtifactRules[] = {one_of("payload_bin", "url"), not_both("payload_bin", "url"), needs("url", "hashes"),
                                   needs("decryption_key", "encryption_algorithm")};

constexpr Property kAutonomousSystemProperties[] = {
    required("number", kInteger),
    optional("name", kString),
    optional("rir", kString),
};

constexpr Property kDirectoryProperties[] = {
    required("path", kString),     optional("path_enc", text(kCharacterSetForm)),
    optional("ctime", kTimestamp), optional("mtime", kTimestamp),
    optional("atime", kTimestamp), optional("contains_refs", list_of(reference(kFileOrDirectory))),
};

constexpr Property kDomainNameProperties[] = {
    required("value", text(kDomainForm)),
    optional("resolves_to_refs", list_of(reference(kResolved))),
};

constexpr Property kEmailAddressProperties[] = {
    required("value", text(kEmailForm)),
    optional("display_name", kString),
    optional("belongs_to_ref", reference(kUserAccount)),
};

constexpr Property kMimePart[] = {
    optional("body", kString),
    optional("body_raw_ref", reference(kArtifactOrFile)),
    optional("content_type", kString),
    optional("content_disposition", kString),
};
constexpr Rule kMimePartRules[] = {one_of("body", "body_raw_ref")};
constexpr Structure kMimePartType{"email-mime-part-type", "STIX 2.1 §6.6.2", kMimePart, kMimePartRules};

constexpr Property kEmailMessage[] = {
    required("is_multipart", kBoolean),
    optional("date", kTimestamp),
    optional("content_type", kString),
    optional("from_ref", reference(kEmailAddress)),
    optional("sender_ref", reference(kEmailAddress)),
    optional("to_refs", list_of(reference(kEmailAddress))),
    optional("cc_refs", list_of(reference(kEmailAddress))),
    optional("bcc_refs", list_of(reference(kEmailAddress))),
    optional("message_id", kString),
    optional("subject", kString),
    optional("received_lines", list_of(kString)),
    optional("additional_header_fields", dictionary(Entries::kListOfString)),
    optional("body", kString),
    optional("body_multipart", list_of(structure(kMimePartType))),
    optional("raw_email_ref", reference(kArtifact)),
};
constexpr Rule kEmailMessageRules[] = {rule(email_body_fits_multipart)};

// ---- §6.7 and its extensions

constexpr Property kFileProperties[] = {
    optional("hashes", kHashes),
    optional("size", kNotNegative),
    optional("name", kString),
    optional("name_enc", text(kCharacterSetForm)),
    optional("magic_number_hex", kHex),
    optional("mime_type", text(kMimeForm)),
    optional("ctime", kTimestamp),
    optional("mtime", kTimestamp),
    optional("atime", kTimestamp),
    optional("parent_directory_ref", reference(kDirectory)),
    optional("contains_refs", list_of(reference(kObservableOnly))),
    optional("content_ref", reference(kArtifact)),
};
constexpr Rule kFileRules[] = {one_of("hashes", "name"), needs("name_enc", "name")};

constexpr Property kArchive[] = {
    required("contains_refs", list_of(reference(kFileOrDirectory))),
    optional("comment", kString),
};
constexpr Structure kArchiveExtension{"archive-ext", "STIX 2.1 §6.7.2", kArchive, {}};

constexpr Property kAlternateDataStream[] = {
    required("name", kString),
    optional("hashes", kHashes),
    optional("size", kNotNegative),
};
constexpr Structure kAlternateDataStreamType{"alternate-data-stream-type", "STIX 2.1 §6.7.3", kAlternateDataStream, {}};
constexpr Property kNtfs[] = {
    optional("sid", kString),
    optional("alternate_data_streams", list_of(structure(kAlternateDataStreamType))),
};
constexpr Rule kAnyOwnRule[] = {any_own()};
constexpr Structure kNtfsExtension{"ntfs-ext", "STIX 2.1 §6.7.3", kNtfs, kAnyOwnRule};

constexpr Property kPdf[] = {
    optional("version", kString),
    optional("is_optimized", kBoolean),
    optional("document_info_dict", dictionary(Entries::kString)),
    optional("pdfid0", kString),
    optional("pdfid1", kString),
};
constexpr Structure kPdfExtension{"pdf-ext", "STIX 2.1 §6.7.4", kPdf, kAnyOwnRule};

constexpr Property kRasterImage[] = {
    optional("image_height", kInteger),
    optional("image_width", kInteger),
    optional("bits_per_pixel", kInteger),
    optional("exif_tags", dictionary(Entries::kIntegerOrString)),
};
constexpr Structure kRasterImageExtension{"raster-image-ext", "STIX 2.1 §6.7.5", kRasterImage, kAnyOwnRule};

constexpr Property kPeOptionalHeader[] = {
    optional("magic_hex", kHex),
    optional("major_linker_version", kInteger),
    optional("minor_linker_version", kInteger),
    optional("size_of_code", kNotNegative),
    optional("size_of_initialized_data", kNotNegative),
    optional("size_of_uninitialized_data", kNotNegative),
    optional("address_of_entry_point", kInteger),
    optional("base_of_code", kInteger),
    optional("base_of_data", kInteger),
    optional("image_base", kInteger),
    optional("section_alignment", kInteger),
    optional("file_alignment", kInteger),
    optional("major_os_version", kInteger),
    optional("minor_os_version", kInteger),
    optional("major_image_version", kInteger),
    optional("minor_image_version", kInteger),
    optional("major_subsystem_version", kInteger),
    optional("minor_subsystem_version", kInteger),
    optional("win32_version_value_hex", kHex),
    optional("size_of_image", kNotNegative),
    optional("size_of_headers", kNotNegative),
    optional("checksum_hex", kHex),
    optional("subsystem_hex", kHex),
    optional("dll_characteristics_hex", kHex),
    optional("size_of_stack_reserve", kNotNegative),
    optional("size_of_stack_commit", kNotNegative),
    optional("size_of_heap_reserve", kNotNegative),
    optional("size_of_heap_commit", kNotNegative),
    optional("loader_flags_hex", kHex),
    optional("number_of_rva_and_sizes", kInteger),
    optional("hashes", kHashes),
};
constexpr Structure kPeOptionalHeaderType{"windows-pe-optional-header-type", "STIX 2.1 §6.7.6", kPeOptionalHeader,
                                          kAnyOwnRule};
constexpr Property kPeSection[] = {
    required("name", kString),
    optional("size", kNotNegative),
    optional("entropy", number(0, 8)),
    optional("hashes", kHashes),
};
constexpr Structure kPeSectionType{"windows-pe-section-type", "STIX 2.1 §6.7.6", kPeSection, {}};
constexpr Property kPeBinary[] = {
    required("pe_type", term(kPeBinaryType)),
    optional("imphash", kString),
    optional("machine_hex", kHex),
    optional("number_of_sections", kNotNegative),
    optional("time_date_stamp", kTimestamp),
    optional("pointer_to_symbol_table_hex", kHex),
    optional("number_of_symbols", kNotNegative),
    optional("size_of_optional_header", kNotNegative),
    optional("characteristics_hex", kHex),
    optional("file_header_hashes", kHashes),
    optional("optional_header", structure(kPeOptionalHeaderType)),
    optional("sections", list_of(structure(kPeSectionType))),
};
constexpr Rule kPeBinaryRules[] = {any_own(), rule(precise_to_the_second)};
constexpr Structure kPeBinaryExtension{"windows-pebinary-ext", "STIX 2.1 §6.7.6", kPeBinary, kPeBinaryRules};

// ---- §6.8 to §6.11

constexpr Property kIpv4[] = {
    required("value", text(kIpv4Form)),
    optional("resolves_to_refs", list_of(reference(kMac))),
    optional("belongs_to_refs", list_of(reference(kAutonomousSystem))),
};
constexpr Property kIpv6[] = {
    required("value", text(kIpv6Form)),
    optional("resolves_to_refs", list_of(reference(kMac))),
    optional("belongs_to_refs", list_of(reference(kAutonomousSystem))),
};
constexpr Property kMacAddress[] = {required("value", text(kMacForm))};
constexpr Property kMutex[] = {required("name", kString)};

// ---- §6.12 and its extensions

constexpr Property kNetworkTraffic[] = {
    optional("start", kTimestamp),
    optional("end", kTimestamp),
    optional("is_active", kBoolean),
    optional("src_ref", reference(kEndpoint)),
    optional("dst_ref", reference(kEndpoint)),
    optional("src_port", kPort),
    optional("dst_port", kPort),
    required("protocols", list_of(kString)),
    optional("src_byte_count", kNotNegative),
    optional("dst_byte_count", kNotNegative),
    optional("src_packets", kNotNegative),
    optional("dst_packets", kNotNegative),
    optional("ipfix", dictionary(Entries::kIntegerOrString)),
    optional("src_payload_ref", reference(kArtifact)),
    optional("dst_payload_ref", reference(kArtifact)),
    optional("encapsulates_refs", list_of(reference(kTraffic))),
    optional("encapsulated_by_ref", reference(kTraffic)),
};
constexpr Rule kNetworkTrafficRules[] = {one_of("src_ref", "dst_ref"), not_before("end", "start"),
                                         rule(traffic_that_ended_is_not_active)};

constexpr Property kHttpRequest[] = {
    required("request_method", text(kLowerForm)),  required("request_value", kString),
    optional("request_version", text(kLowerForm)), optional("request_header", dictionary(Entries::kListOfString)),
    optional("message_body_length", kInteger),     optional("message_body_data_ref", reference(kArtifact)),
};
constexpr Structure kHttpRequestExtension{"http-request-ext", "STIX 2.1 §6.12.2", kHttpRequest, {}};

constexpr Property kIcmp[] = {required("icmp_type_hex", kHex), required("icmp_code_hex", kHex)};
constexpr Structure kIcmpExtension{"icmp-ext", "STIX 2.1 §6.12.3", kIcmp, {}};

constexpr Property kSocket[] = {
    required("address_family", term(kSocketAddressFamily)),
    optional("is_blocking", kBoolean),
    optional("is_listening", kBoolean),
    optional("options", dictionary(Entries::kInteger)),
    optional("socket_type", term(kSocketType)),
    optional("socket_descriptor", kNotNegative),
    optional("socket_handle", kInteger),
};
constexpr Structure kSocketExtension{"socket-ext", "STIX 2.1 §6.12.4", kSocket, {}};

constexpr Property kTcp[] = {optional("src_flags_hex", kHex), optional("dst_flags_hex", kHex)};
constexpr Structure kTcpExtension{"tcp-ext", "STIX 2.1 §6.12.5", kTcp, kAnyOwnRule};

// ---- §6.13 and its extensions

constexpr Property kProcessProperties[] = {
    optional("is_hidden", kBoolean),
    optional("pid", kInteger),
    optional("created_time", kTimestamp),
    optional("cwd", kString),
    optional("command_line", kString),
    optional("environment_variables", dictionary(Entries::kString)),
    optional("opened_connection_refs", list_of(reference(kTraffic))),
    optional("creator_user_ref", reference(kUserAccount)),
    optional("image_ref", reference(kFile)),
    optional("parent_ref", reference(kProcess)),
    optional("child_refs", list_of(reference(kProcess))),
};

constexpr Property kWindowsProcess[] = {
    optional("aslr_enabled", kBoolean),
    optional("dep_enabled", kBoolean),
    optional("priority", text(kPriorityForm)),
    optional("owner_sid", kString),
    optional("windows_title", kString),
    optional("startup_info", dictionary()),
    optional("integrity_level", term(kIntegrityLevel)),
};
constexpr Structure kWindowsProcessExtension{"windows-process-ext", "STIX 2.1 §6.13.2", kWindowsProcess, kAnyOwnRule};

constexpr Property kWindowsService[] = {
    optional("service_name", kString),
    optional("descriptions", list_of(kString)),
    optional("display_name", kString),
    optional("group_name", kString),
    optional("start_type", term(kServiceStartType)),
    optional("service_dll_refs", list_of(reference(kFile))),
    optional("service_type", term(kServiceType)),
    optional("service_status", term(kServiceStatus)),
};
constexpr Structure kWindowsServiceExtension{"windows-service-ext", "STIX 2.1 §6.13.3", kWindowsService, kAnyOwnRule};

// ---- §6.14 to §6.18

constexpr Property kSoftwareProperties[] = {
    required("name", kString),   optional("cpe", text(kCpeForm)),
    optional("swid", kString),   optional("languages", list_of(text(kLanguageForm))),
    optional("vendor", kString), optional("version", kString),
};

constexpr Property kUrl[] = {required("value", text(kObservedUrlForm))};

constexpr Property kUserAccountProperties[] = {
    optional("user_id", kString),
    optional("credential", kString),
    optional("account_login", kString),
    optional("account_type", term(kAccountType)),
    optional("display_name", kString),
    optional("is_service_account", kBoolean),
    optional("is_privileged", kBoolean),
    optional("can_escalate_privs", kBoolean),
    optional("is_disabled", kBoolean),
    optional("account_created", kTimestamp),
    optional("account_expires", kTimestamp),
    optional("credential_last_changed", kTimestamp),
    optional("account_first_login", kTimestamp),
    optional("account_last_login", kTimestamp),
};

constexpr Property kUnixAccount[] = {
    optional("gid", kInteger),
    optional("groups", list_of(kString)),
    optional("home_dir", kString),
    optional("shell", kString),
};
constexpr Structure kUnixAccountExtension{"unix-account-ext", "STIX 2.1 §6.16.2", kUnixAccount, kAnyOwnRule};

constexpr Property kRegistryValue[] = {
    optional("name", kString),
    optional("data", kString),
    optional("data_type", term(kRegistryDatatype)),
};
constexpr Structure kRegistryValueType{"windows-registry-value-type", "STIX 2.1 §6.17.2", kRegistryValue, kAnyOwnRule};
constexpr Property kRegistryKey[] = {
    optional("key", kString),
    optional("values", list_of(structure(kRegistryValueType))),
    optional("modified_time", kTimestamp),
    optional("creator_user_ref", reference(kUserAccount)),
    optional("number_of_subkeys", kInteger),
};
constexpr Rule kRegistryKeyRules[] = {any_own(), rule(hive_is_written_out)};

constexpr Property kX509Extensions[] = {
    optional("basic_constraints", kString),
    optional("name_constraints", kString),
    optional("policy_constraints", kString),
    optional("key_usage", kString),
    optional("extended_key_usage", kString),
    optional("subject_key_identifier", kString),
    optional("authority_key_identifier", kString),
    optional("subject_alternative_name", kString),
    optional("issuer_alternative_name", kString),
    optional("subject_directory_attributes", kString),
    optional("crl_distribution_points", kString),
    optional("inhibit_any_policy", kString),
    optional("private_key_usage_period_not_before", kTimestamp),
    optional("private_key_usage_period_not_after", kTimestamp),
    optional("certificate_policies", kString),
    optional("policy_mappings", kString),
};
constexpr Structure kX509ExtensionsType{"x509-v3-extensions-type", "STIX 2.1 §6.18.2", kX509Extensions, kAnyOwnRule};
constexpr Property kCertificate[] = {
    optional("is_self_signed", kBoolean),
    optional("hashes", kHashes),
    optional("version", kString),
    optional("serial_number", kString),
    optional("signature_algorithm", kString),
    optional("issuer", kString),
    optional("validity_not_before", kTimestamp),
    optional("validity_not_after", kTimestamp),
    optional("subject", kString),
    optional("subject_public_key_algorithm", kString),
    optional("subject_public_key_modulus", kString),
    optional("subject_public_key_exponent", kInteger),
    optional("x509_v3_extensions", structure(kX509ExtensionsType)),
};
constexpr Rule kDirectoryRules[] = {needs("path_enc", "path")};

constexpr Structure kArtifactObject{"artifact", "STIX 2.1 §6.1.1", kArtifactProperties, kArtifactRules};
constexpr Structure kAutonomousSystemObject{"autonomous-system", "STIX 2.1 §6.2.1", kAutonomousSystemProperties, {}};
constexpr Structure kDirectoryObject{"directory", "STIX 2.1 §6.3.1", kDirectoryProperties, kDirectoryRules};
constexpr Structure kDomainNameObject{"domain-name", "STIX 2.1 §6.4.1", kDomainNameProperties, {}};
constexpr Structure kEmailAddressObject{"email-addr", "STIX 2.1 §6.5.1", kEmailAddressProperties, {}};
constexpr Structure kEmailMessageObject{"email-message", "STIX 2.1 §6.6.1", kEmailMessage, kEmailMessageRules};
constexpr Structure kFileObject{"file", "STIX 2.1 §6.7.1", kFileProperties, kFileRules};
constexpr Structure kIpv4Object{"ipv4-addr", "STIX 2.1 §6.8.1", kIpv4, {}};
constexpr Structure kIpv6Object{"ipv6-addr", "STIX 2.1 §6.9.1", kIpv6, {}};
constexpr Structure kMacObject{"mac-addr", "STIX 2.1 §6.10.1", kMacAddress, {}};
constexpr Structure kMutexObject{"mutex", "STIX 2.1 §6.11.1", kMutex, {}};
constexpr Structure kNetworkTrafficObject{"network-traffic", "STIX 2.1 §6.12.1", kNetworkTraffic, kNetworkTrafficRules};
constexpr Structure kProcessObject{"process", "STIX 2.1 §6.13.1", kProcessProperties, kAnyOwnRule};
constexpr Structure kSoftwareObject{"software", "STIX 2.1 §6.14.1", kSoftwareProperties, {}};
constexpr Structure kUrlObject{"url", "STIX 2.1 §6.15.1", kUrl, {}};
constexpr Structure kUserAccountObject{"user-account", "STIX 2.1 §6.16.1", kUserAccountProperties, kAnyOwnRule};
constexpr Structure kRegistryKeyObject{"windows-registry-key", "STIX 2.1 §6.17.1", kRegistryKey, kRegistryKeyRules};
constexpr Structure kCertificateObject{"x509-certificate", "STIX 2.1 §6.18.1", kCertificate, kAnyOwnRule};

ObjectSchema observable(const Structure& own) {
  return {Category::kObservable, &own, kCommonOfObservable, kNotOfObservable};
}

constexpr Extension kExtensions[] = {
    {"archive-ext", "file", &kArchiveExtension},
    {"ntfs-ext", "file", &kNtfsExtension},
    {"pdf-ext", "file", &kPdfExtension},
    {"raster-image-ext", "file", &kRasterImageExtension},
    {"windows-pebinary-ext", "file", &kPeBinaryExtension},
    {"http-request-ext", "network-traffic", &kHttpRequestExtension},
    {"icmp-ext", "network-traffic", &kIcmpExtension},
    {"socket-ext", "network-traffic", &kSocketExtension},
    {"tcp-ext", "network-traffic", &kTcpExtension},
    {"windows-process-ext", "process", &kWindowsProcessExtension},
    {"windows-service-ext", "process", &kWindowsServiceExtension},
    {"unix-account-ext", "user-account", &kUnixAccountExtension},
};

}  // namespace

std::span<const ObjectSchema> observable_schemas() {
  static const ObjectSchema schemas[] = {
      observable(kArtifactObject),     observable(kAutonomousSystemObject),
      observable(kDirectoryObject),    observable(kDomainNameObject),
      observable(kEmailAddressObject), observable(kEmailMessageObject),
      observable(kFileObject),         observable(kIpv4Object),
      observable(kIpv6Object),         observable(kMacObject),
      observable(kMutexObject),        observable(kNetworkTrafficObject),
      observable(kProcessObject),      observable(kSoftwareObject),
      observable(kUrlObject),          observable(kUserAccountObject),
      observable(kRegistryKeyObject),  observable(kCertificateObject),
  };
  return schemas;
}

std::span<const Extension> predefined_extensions() { return kExtensions; }

}  // namespace bongsu::stix
