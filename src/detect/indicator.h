// Indicators: typed values to look for, out of STIX patterns and plain lists.
//
//   auto compiled = detect::compile(object);      // a STIX indicator → its values, or why it cannot be matched
//   auto pattern = detect::pattern_of(value);     // and back: "[file:hashes.MD5 = '44d8…']"
//   auto line = detect::parse_plain("hxxp://evil[.]example/a");   // defanged text → kind and normal form
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "detect/rule.h"
#include "stix/object.h"

namespace bongsu::detect {

// Kinds of values, each with its own equality. Names as in STIX where STIX has one.
enum class Kind : std::uint8_t {
  kIpv4,  // address, or CIDR block
  kIpv6,
  kDomain,  // matches itself and its subdomains, in host fields
  kUrl,     // by normal form
  kEmail,   // whole address, domain part without case
  kMd5,
  kSha1,
  kSha256,
  kSha512,  // lower-case hex
  kMac,
  kFileName,  // without path, no case
  kFilePath,  // as written, Windows paths without case
  kRegistryKey,
  kMutex,
  kUserAgent,
  kJa3,   // also JA3S; MD5 hex in TLS fingerprint fields
  kText,  // a value of a kind that we have no rules for: whole field, exact
};
inline constexpr std::size_t kKinds = 17;
inline constexpr std::size_t kMaxValueBytes = 8192;  // of a normal form

std::string_view to_string(Kind kind);  // "ipv4-addr", "domain-name", "file:hashes.MD5", …
std::optional<Kind> parse_kind(
    std::string_view text);  // the above, and usual names of feeds ("ip", "domain", "sha256", …)

struct Value {
  Kind kind = Kind::kText;
  std::string text;  // normal form (see normalise)
  auto operator<=>(const Value&) const = default;
};

// The normal form by which values of a kind are equal: refanged, lower case where case does not count, IDNA A-labels,
// CIDR with host bits cleared, hash in lower case, URL by RFC 3986 §6.2.2–6.2.3. kInvalid says what is wrong. An IPv6
// address that holds an IPv4 one (::ffff:0:0/96) and either version under either of the two kinds becomes what it is:
// the kind of the result may differ from the one asked for. README.md has the rules by kind.
Result<Value> normalise(Kind kind, std::string_view text);

// A line of a plain list: defanged values refanged, kind guessed. kInvalid when it is nothing we know.
Result<Value> parse_plain(std::string_view line);

// One thing to look for. `ref` is the caller's number for the indicator (a journal sequence number, a line number).
struct Indicator {
  std::uint64_t ref = 0;
  Value value;
  std::optional<Instant> valid_from, valid_until;  // until is exclusive (STIX 2.1 §4.7)
  int confidence = -1;                             // 0–100; -1 = not said
};

// Either values or a rule.
struct Compiled {
  std::vector<Value> values;  // any one of them is a match (a pattern of OR-ed equalities, IN, CIDR, hashes)
  std::optional<Language> rule_language;  // everything else: the pattern's text is a rule of this language
  std::string rule_text;
  std::optional<Instant> valid_from, valid_until;
  int confidence = -1;
  bool revoked = false;
};
// Patterns that are not of comparison form (AND of several, temporal, LIKE, MATCHES) and Sigma and YARA rules become a
// rule; whether it is a good one is said when it is built into a set (rule_book.h). kUnsupported with a reason for other
// values of pattern_type: these are counted and shown, never dropped silently. kInvalid for broken patterns of STIX,
// kTooLarge beyond kMaxRuleTextBytes.
Result<Compiled> compile(const stix::Object& indicator);
// The same from the bytes of an object that Object::parse has accepted before, as a journal holds them: reads only what
// compiling needs.
Result<Compiled> compile(std::string_view object);
// A STIX pattern by itself.
Result<Compiled> compile_pattern(std::string_view pattern);

// The inverse: the STIX 2.1 pattern (§9) that looks for one value and compiles to it, "[url:value = 'http://a.example/']".
// A block of addresses is looked for by ISSUBSET; names of hashes with a hyphen are quoted, others not, as in the
// standard's examples. kUnsupported for kinds that STIX has no property for (paths of files, JA3, text).
Result<std::string> pattern_of(const Value& value);

}  // namespace bongsu::detect
