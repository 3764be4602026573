// The forms of values that the standard borrows from elsewhere: addresses, language codes, hashes, URLs.
#pragma once

#include <string_view>

namespace bongsu::stix {

// Dotted quad, or with "/0" to "/32" (STIX 2.1 §6.8); no leading zeros.
bool is_ipv4_block(std::string_view text);
// RFC 4291 §2.2 text form, or with "/0" to "/128" (STIX 2.1 §6.9).
bool is_ipv6_block(std::string_view text);
// Six lower-case octets with colons (STIX 2.1 §6.10).
bool is_mac(std::string_view text);
// Labels of 1 to 63 bytes, 253 at most, none of the characters that delimit (RFC 1034; U-labels of RFC 5890 pass).
bool is_domain_name(std::string_view text);
// A scheme, and neither white space nor control characters (RFC 3986 §1.1.3).
bool is_url(std::string_view text);
// local-part@domain without display name or angle brackets (RFC 5322 §3.4.1).
bool is_email_address(std::string_view text);
// A well-formed tag of RFC 5646 §2.1, the irregular grandfathered ones included.
bool is_language_tag(std::string_view text);
// type/subtype (RFC 6838 §4.2), parameters allowed.
bool is_mime_type(std::string_view text);
// Lower- or upper-case hexadecimal digits, an even number (STIX 2.1 §2.8).
bool is_hex(std::string_view text);
// RFC 4648 §4 with padding.
bool is_base64(std::string_view text);
// a-z, A-Z, 0-9, '-' and '_', `least` to 250 characters (STIX 2.1 §2.3, §2.7).
bool is_dictionary_key(std::string_view text, std::size_t least = 1);
// a-z, 0-9 and '_', 3 to 250 characters (STIX 2.1 §7.3.2, §11.1.1).
bool is_custom_property_name(std::string_view text);
// CVE-YYYY-NNNN with four digits or more.
bool is_cve(std::string_view text);

// What a hash of this algorithm looks like (STIX 2.1 §10.7).
enum class HashCheck { kGood, kBad, kUnknownAlgorithm };
HashCheck check_hash(std::string_view algorithm, std::string_view value);

}  // namespace bongsu::stix
