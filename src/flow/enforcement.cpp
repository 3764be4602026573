#include "flow/enforcement.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/text.h"

namespace bongsu::flow {
namespace {

using Verdict = EnforcementVerdict;

struct Block {
  std::array<std::uint8_t, 16> bytes{};
  int prefix = 128;
};

std::optional<Block> read_block(std::string_view text) {
  if (text.size() > 64) return std::nullopt;
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  Block block;
  int most = 128;
  if (address.find(':') == address.npos) {
    block.bytes[10] = block.bytes[11] = 0xff;
    if (::inet_pton(AF_INET, address.c_str(), block.bytes.data() + 12) != 1) return std::nullopt;
    most = 32;
  } else if (::inet_pton(AF_INET6, address.c_str(), block.bytes.data()) != 1) {
    return std::nullopt;
  }
  int prefix = most;
  if (slash != text.npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (ec != std::errc{} || end != digits.data() + digits.size() || prefix < 0 || prefix > most) return std::nullopt;
  }
  block.prefix = prefix + (128 - most);
  return block;
}

bool overlap(const Block& a, const std::array<std::uint8_t, 16>& bytes, int prefix) {
  const int common = std::min(a.prefix, prefix);
  const auto whole = static_cast<std::size_t>(common / 8);
  if (std::memcmp(a.bytes.data(), bytes.data(), whole) != 0) return false;
  const int rest = common % 8;
  return rest == 0 || (a.bytes[whole] >> (8 - rest)) == (bytes[whole] >> (8 - rest));
}

// Addresses that are nobody's outside: cutting them off cuts this member off.
const std::vector<Block>& own_blocks() {
  static const std::vector<Block> kBlocks = [] {
    std::vector<Block> out;
    for (const char* text : {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255", "::/127",
                             "fe80::/10", "ff00::/8"})
      out.push_back(*read_block(text));
    return out;
  }();
  return kBlocks;
}

// The host of a URL in normal form.
std::string_view host_of(std::string_view url) {
  const std::size_t begin = url.find("://");
  if (begin == url.npos) return {};
  std::string_view rest = url.substr(begin + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  if (const std::size_t at = rest.rfind('@'); at != rest.npos) rest = rest.substr(at + 1);
  if (rest.starts_with('[')) return rest.substr(1, rest.find(']') - 1);
  return rest.substr(0, rest.find(':'));
}

bool is_address(detect::Kind kind) { return kind == detect::Kind::kIpv4 || kind == detect::Kind::kIpv6; }

bool own_address(std::string_view text) {
  const auto block = read_block(text);
  if (!block) return false;
  return std::ranges::any_of(own_blocks(), [&](const Block& own) { return overlap(*block, own.bytes, own.prefix); });
}

}  // namespace

Pap pap_of(const stix::Object& object) {
  Pap pap = Pap::kClear;
  for (const stix::Id& marking : object.object_markings())
    if (const auto found = stix::pap_of(marking)) pap = std::max(pap, *found);
  for (const auto& granular : object.granular_markings())
    if (granular.marking_ref)
      if (const auto found = stix::pap_of(*granular.marking_ref)) pap = std::max(pap, *found);
  const Json body = object.json();
  if (const Json* labels = find(body, "labels"); labels != nullptr && labels->is_array())
    for (const Json& label : labels->get_array()) {
      if (!label.is_string()) continue;
      const std::string text = lowered(std::string_view(label.get_string()));
      if (text == "pap:red") pap = std::max(pap, Pap::kRed);
      if (text == "pap:amber") pap = std::max(pap, Pap::kAmber);
      if (text == "pap:green") pap = std::max(pap, Pap::kGreen);
    }
  return pap;
}

Result<std::vector<detect::Value>> read_allow_list(const std::vector<std::string>& values) {
  if (values.size() > kMaxAllowList)
    return fail(ErrorCode::kTooLarge, fmt::format("an allow-list has at most {} values", kMaxAllowList));
  std::vector<detect::Value> out;
  for (const std::string& text : values) {
    auto value = detect::parse_plain(text);
    if (!value)
      return fail(ErrorCode::kInvalid, fmt::format("\"{}\": {}", text, value.error().message), {.field = "allow"});
    out.push_back(std::move(*value));
  }
  return out;
}

std::string_view to_string(Verdict verdict) {
  static constexpr std::string_view kNames[kEnforcementVerdicts] = {"use",
                                                                    "use_warned",
                                                                    "revoked",
                                                                    "not_yet_valid",
                                                                    "expired",
                                                                    "unknown_marking",
                                                                    "not_releasable_to_us",
                                                                    "tlp_too_high",
                                                                    "pap_red",
                                                                    "pap_amber",
                                                                    "low_confidence",
                                                                    "own_address",
                                                                    "allow_listed",
                                                                    "warning_listed"};
  return kNames[static_cast<std::size_t>(verdict)];
}

std::string_view sentence(Verdict verdict) {
  static constexpr std::string_view kSentences[kEnforcementVerdicts] = {
      "used",
      "used, though a warning list names it as a likely false positive",
      "its source has revoked it",
      "it is not valid yet",
      "it is not valid any more",
      "a marking of it is not understood",
      "its releasable-to list does not name this member",
      "its TLP is above what the policy lets into files that others may read",
      "PAP:RED: nothing may be done with it on the network",
      "PAP:AMBER: it may be looked for, not blocked",
      "its confidence is below the policy's",
      "it would cut this member's own machines off",
      "the operator's allow-list names it",
      "a warning list names it as a likely false positive"};
  return kSentences[static_cast<std::size_t>(verdict)];
}

EnforcementRules::EnforcementRules(EnforcementPolicy policy) : policy_(std::move(policy)) {
  for (const detect::Value& value : policy_.allow) {
    if (value.kind == detect::Kind::kDomain) {
      domains_.push_back(value.text);
    } else if (is_address(value.kind)) {
      if (const auto block = read_block(value.text)) blocks_.emplace_back(block->bytes, block->prefix);
    } else {
      others_.push_back(value.text);
    }
  }
  std::ranges::sort(domains_);
  std::ranges::sort(others_);
}

bool EnforcementRules::allowed_address(std::string_view text) const {
  const auto block = read_block(text);
  return block && std::ranges::any_of(blocks_, [&](const auto& own) { return overlap(*block, own.first, own.second); });
}

bool EnforcementRules::allowed_host(std::string_view host) const {
  if (allowed_address(host)) return true;
  for (std::string_view rest = host;;) {
    if (std::ranges::binary_search(domains_, rest)) return true;
    const std::size_t dot = rest.find('.');
    if (dot == rest.npos) return false;
    rest = rest.substr(dot + 1);
  }
}

bool EnforcementRules::allowed(const detect::Value& value) const {
  if (std::ranges::binary_search(others_, value.text)) return true;
  if (is_address(value.kind)) return allowed_address(value.text);
  if (value.kind == detect::Kind::kUrl) return allowed_host(host_of(value.text));
  if (value.kind == detect::Kind::kEmail) {
    const std::size_t at = value.text.rfind('@');
    return at != value.text.npos && allowed_host(std::string_view(value.text).substr(at + 1));
  }
  if (value.kind != detect::Kind::kDomain) return false;
  if (allowed_host(value.text)) return true;
  // A name above an allowed one would block it, too.
  const std::string below = "." + value.text;
  return std::ranges::any_of(domains_, [&](const std::string& domain) { return domain.ends_with(below); });
}

Verdict EnforcementRules::decide(const EnforcementCandidate& c, EnforcementUse use, Instant now) const {
  if (c.revoked) return Verdict::kRevoked;
  if (c.valid_from && now < *c.valid_from) return Verdict::kNotYetValid;
  if (c.valid_until && now >= *c.valid_until) return Verdict::kExpired;
  if (c.label.unknown) return Verdict::kUnknownMarking;
  if (c.label.releasable_to && !c.label.releasable_to->contains(policy_.self)) return Verdict::kNotReleasableToUs;
  // Who belongs to a group is not known here.
  const auto names_us = [&](const policy::ReleaseClause& clause) { return clause.members.contains(policy_.self); };
  if (!std::ranges::all_of(c.label.clauses, names_us)) return Verdict::kNotReleasableToUs;
  if (c.label.tlp > policy_.highest_tlp) return Verdict::kTlpTooHigh;
  // Files have readers whom nobody cleared.
  if (c.label.rank != policy::ClassRank::kUnclassified || !c.label.national.empty() || !c.label.categories.empty() ||
      !c.label.caveats.empty() || c.label.persons)
    return Verdict::kTlpTooHigh;
  if (c.label.expires && now >= *c.label.expires) return Verdict::kExpired;
  const Pap pap = std::max(c.pap, c.label.pap);
  if (pap == Pap::kRed) return Verdict::kPapRed;
  if (pap == Pap::kAmber && use == EnforcementUse::kBlock) return Verdict::kPapAmber;
  const int least = use == EnforcementUse::kBlock ? policy_.min_confidence_block : policy_.min_confidence_detect;
  if ((c.confidence < 0 ? policy_.unsaid_confidence : c.confidence) < least) return Verdict::kLowConfidence;
  if (is_address(c.value.kind) && own_address(c.value.text)) return Verdict::kOwn;
  if (c.value.kind == detect::Kind::kUrl && own_address(host_of(c.value.text))) return Verdict::kOwn;
  if (allowed(c.value)) return Verdict::kAllowListed;
  if (c.warning_listed) return policy_.warning_listed ? Verdict::kUseWarned : Verdict::kWarningListed;
  return Verdict::kUse;
}

}  // namespace bongsu::flow
