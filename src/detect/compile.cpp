// Indicators of STIX 2.1 §4.7: values where the pattern is of comparison form (one observation of equalities joined by
// OR), a rule otherwise.
#include <fmt/format.h>
#include <simdjson.h>

#include "detect/indicator.h"
#include "stix/pattern.h"

namespace bongsu::detect {
namespace {

using stix::Comparison;
using stix::ComparisonGroup;
using stix::ComparisonOperator;
using stix::Literal;
using stix::PathStep;

std::unexpected<Error> unsupported(std::string message) {
  return fail(ErrorCode::kUnsupported, std::move(message), {.field = "pattern"});
}

// "hashes.MD5", "hashes.'SHA-256'": the algorithm's name, else empty.
std::string_view hash_algorithm(const std::vector<PathStep>& steps) {
  const std::size_t n = steps.size();
  if (n < 2 || steps[n - 2].name != "hashes" || steps[n - 1].kind != PathStep::Kind::kProperty) return {};
  return steps[n - 1].name;
}

// The kind of value that an object path names.
Result<Kind> kind_of(const stix::ObjectPath& path) {
  const auto& steps = path.steps;
  const auto is = [&](std::string_view type, std::string_view property) {
    return path.type == type && steps.size() == 1 && steps[0].name == property;
  };
  if (is("ipv4-addr", "value")) return Kind::kIpv4;
  if (is("ipv6-addr", "value")) return Kind::kIpv6;
  if (is("domain-name", "value")) return Kind::kDomain;
  if (is("url", "value")) return Kind::kUrl;
  if (is("email-addr", "value")) return Kind::kEmail;
  if (is("mac-addr", "value")) return Kind::kMac;
  if (is("mutex", "name")) return Kind::kMutex;
  if (is("windows-registry-key", "key")) return Kind::kRegistryKey;
  if (is("file", "name")) return Kind::kFileName;
  if (is("directory", "path") || is("file", "x_path")) return Kind::kFilePath;
  if (path.type == "file" || path.type == "artifact" || path.type == "x509-certificate") {
    const std::string_view algorithm = hash_algorithm(steps);
    if (algorithm == "MD5") return Kind::kMd5;
    if (algorithm == "SHA-1" || algorithm == "SHA1") return Kind::kSha1;
    if (algorithm == "SHA-256" || algorithm == "SHA256") return Kind::kSha256;
    if (algorithm == "SHA-512" || algorithm == "SHA512") return Kind::kSha512;
    if (!algorithm.empty()) return unsupported(fmt::format("no field of telemetry holds {} hashes", algorithm));
  }
  if (path.type == "network-traffic" || path.type == "email-message") {
    // network-traffic:dst_ref.value, email-message:from_ref.value: any address or name may stand there.
    if (steps.size() == 2 && steps[1].name == "value") {
      if (path.type == "email-message") return Kind::kEmail;
      return Kind::kDomain;  // refined by the value, see add_value
    }
    if (path.type == "network-traffic" && !steps.empty() && steps.back().name == "User-Agent") return Kind::kUserAgent;
  }
  return unsupported(fmt::format("no field of telemetry is known for {}", path.text()));
}

// The object path by which we look for a kind, the other way round than kind_of. A step with a hyphen is quoted (STIX
// 2.1 §9.7 wants it); one without is not. Empty where STIX has no property: of a file it knows the name and, apart from
// it, the folder; of TLS no fingerprints.
std::string_view path_of(Kind kind) {
  switch (kind) {
    case Kind::kIpv4:
      return "ipv4-addr:value";
    case Kind::kIpv6:
      return "ipv6-addr:value";
    case Kind::kDomain:
      return "domain-name:value";
    case Kind::kUrl:
      return "url:value";
    case Kind::kEmail:
      return "email-addr:value";
    case Kind::kMd5:
      return "file:hashes.MD5";
    case Kind::kSha1:
      return "file:hashes.'SHA-1'";
    case Kind::kSha256:
      return "file:hashes.'SHA-256'";
    case Kind::kSha512:
      return "file:hashes.'SHA-512'";
    case Kind::kMac:
      return "mac-addr:value";
    case Kind::kFileName:
      return "file:name";
    case Kind::kRegistryKey:
      return "windows-registry-key:key";
    case Kind::kMutex:
      return "mutex:name";
    case Kind::kUserAgent:
      return "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'";
    case Kind::kFilePath:
    case Kind::kJa3:
    case Kind::kText:
      break;
  }
  return {};
}

Result<void> add_value(const Comparison& comparison, const Literal& literal, std::vector<Value>& out) {
  if (literal.kind != Literal::Kind::kString && literal.kind != Literal::Kind::kHex &&
      literal.kind != Literal::Kind::kBinary)
    return unsupported(fmt::format("{} is compared with something that is not text", comparison.path.text()));
  BONGSU_TRY(const Kind kind, kind_of(comparison.path));
  auto value = normalise(kind, literal.text);
  if (comparison.path.type == "network-traffic" && kind == Kind::kDomain) {
    if (auto address = normalise(Kind::kIpv4, literal.text)) value = std::move(address);
  }
  if (!value) {
    value.error().where.field = comparison.path.text();
    return std::unexpected(std::move(value).error());
  }
  out.push_back(*std::move(value));
  return {};
}

Result<void> collect(const Comparison& comparison, std::vector<Value>& out) {
  if (comparison.negated) return unsupported("NOT is not matched yet");
  switch (comparison.op) {
    case ComparisonOperator::kEqual:
    case ComparisonOperator::kIn:
      break;
    case ComparisonOperator::kIsSubset: {
      BONGSU_TRY(const Kind kind, kind_of(comparison.path));
      if (kind == Kind::kIpv4 || kind == Kind::kIpv6) break;
      return unsupported("ISSUBSET is matched for addresses only");
    }
    case ComparisonOperator::kLike:
      return unsupported("LIKE is not matched yet");
    case ComparisonOperator::kMatches:
      return unsupported("MATCHES is not matched yet");
    default:
      return unsupported("only =, IN and ISSUBSET are matched yet");
  }
  for (const Literal& literal : comparison.values) BONGSU_TRY_VOID(add_value(comparison, literal, out));
  return {};
}

Result<void> collect(const stix::ComparisonExpression& expression, std::vector<Value>& out) {
  if (const auto* comparison = std::get_if<Comparison>(&expression.node)) return collect(*comparison, out);
  const auto& group = *std::get<std::unique_ptr<ComparisonGroup>>(expression.node);
  if (group.op == ComparisonGroup::Op::kAnd) return unsupported("AND of several comparisons is not matched yet");
  for (const auto& part : group.parts) BONGSU_TRY_VOID(collect(part, out));
  return {};
}

Result<void> collect(const stix::ObservationExpression& expression, std::vector<Value>& out) {
  if (!expression.qualifiers.empty()) return unsupported("WITHIN, REPEATS and START STOP are not matched yet");
  if (const auto* inner = std::get_if<stix::ComparisonExpression>(&expression.node)) return collect(*inner, out);
  const auto& group = *std::get<std::unique_ptr<stix::ObservationGroup>>(expression.node);
  if (group.op != stix::ObservationGroup::Op::kOr)
    return unsupported("several observations joined by AND or FOLLOWEDBY are not matched yet");
  for (const auto& part : group.parts) BONGSU_TRY_VOID(collect(part, out));
  return {};
}

Result<void> compile_into(std::string_view pattern, Compiled& out) {
  BONGSU_TRY(const stix::Pattern tree, stix::parse_pattern(pattern));
  const auto collected = collect(tree.root, out.values);
  if (collected && !out.values.empty()) return {};
  if (!collected && collected.error().code != ErrorCode::kUnsupported) return std::unexpected(collected.error());
  out.values.clear();
  out.rule_language = Language::kStix;
  out.rule_text = pattern;
  return {};
}

}  // namespace

Result<Compiled> compile(const stix::Object& indicator) { return compile(std::string_view(indicator.bytes())); }

Result<Compiled> compile(std::string_view object) {
  thread_local simdjson::dom::parser parser;  // of thousands in a row
  simdjson::dom::object body;
  if (parser.parse(object.data(), object.size()).get(body) != simdjson::SUCCESS)
    return fail(ErrorCode::kInvalid, "not a JSON object");
  std::string_view type, id, pattern_type = "stix";
  std::optional<std::string_view> pattern, from, until;
  Compiled out;
  const auto text = [](const simdjson::dom::element& value, std::optional<std::string_view>& to) {
    if (std::string_view read; value.get(read) == simdjson::SUCCESS) to = read;
  };
  for (const auto& [key, value] : body) {
    if (key == "type") {
      (void)value.get(type);
    } else if (key == "id") {
      (void)value.get(id);
    } else if (key == "pattern") {
      text(value, pattern);
    } else if (key == "pattern_type") {
      if (value.is_string()) (void)value.get(pattern_type);
    } else if (key == "valid_from") {
      text(value, from);
    } else if (key == "valid_until") {
      text(value, until);
    } else if (key == "revoked") {
      if (value.is_bool()) (void)value.get(out.revoked);
    } else if (key == "confidence") {
      if (std::int64_t n; value.get(n) == simdjson::SUCCESS && n >= 0 && n <= 100) out.confidence = static_cast<int>(n);
    }
  }
  if (type != "indicator") return fail(ErrorCode::kInvalid, "not an indicator", {.field = std::string(id)});
  if (!pattern) return fail(ErrorCode::kInvalid, "an indicator needs a pattern", {.field = "pattern"});
  const auto language = parse_language(pattern_type);
  if (!language)
    return fail(ErrorCode::kUnsupported, fmt::format("patterns of type {} are not matched", pattern_type),
                {.field = "pattern_type"});
  const auto instant = [&](const char* key, const std::optional<std::string_view>& written,
                           std::optional<Instant>& to) -> Result<void> {
    if (!written) return {};
    to = Instant::parse(*written);
    if (!to) return fail(ErrorCode::kInvalid, "not a timestamp", {.field = key});
    return {};
  };
  BONGSU_TRY_VOID(instant("valid_from", from, out.valid_from));
  BONGSU_TRY_VOID(instant("valid_until", until, out.valid_until));
  if (pattern->size() > kMaxRuleTextBytes)
    return fail(ErrorCode::kTooLarge, "a pattern is at most 1 MiB", {.field = "pattern"});
  if (*language == Language::kStix) {
    BONGSU_TRY_VOID(compile_into(*pattern, out));
  } else {
    out.rule_language = *language;
    out.rule_text = *pattern;
  }
  return out;
}

Result<Compiled> compile_pattern(std::string_view pattern) {
  Compiled out;
  BONGSU_TRY_VOID(compile_into(pattern, out));
  return out;
}

Result<std::string> pattern_of(const Value& value) {
  const std::string_view path = path_of(value.kind);
  if (path.empty())
    return fail(ErrorCode::kUnsupported,
                fmt::format("STIX 2.1 has no property to look for a value of kind {}", to_string(value.kind)));
  // `=` would look for the block's own text (STIX 2.1 §9.6.1).
  const bool block = (value.kind == Kind::kIpv4 || value.kind == Kind::kIpv6) && value.text.contains('/');
  return fmt::format("[{} {} {}]", path, block ? "ISSUBSET" : "=", stix::quote_literal(value.text));
}

}  // namespace bongsu::detect
