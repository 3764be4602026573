// An agreement: what may flow from this node to one partner, as data (TOML). Deny by default.
//
//   partner     = "cert-ua"
//   collections = ["shared", "sightings"]      # aliases or ids of this node's collections; no wildcard
//   highest_tlp = "amber"                      # clear, green, amber, amber+strict (red never flows between nodes)
//   types       = ["indicator", "malware"]     # STIX types, or ["*"]; marking definitions travel with what they mark
//   valid_from  = 2026-11-21T00:00:00Z         # optional
//   valid_until = 2027-11-21T00:00:00Z         # required: an agreement ends
//   onward      = false                        # may objects that a third member gave us flow to this partner?
//
// An empty list is empty: it lets nothing flow.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "policy/label.h"

namespace bongsu::policy {

inline constexpr std::size_t kMaxAgreementBytes = 64 * 1024;
inline constexpr std::size_t kMaxAgreementItems = 1024;  // collections, types

struct Agreement {
  MemberId partner;
  std::vector<std::string> collections;
  stix::Tlp highest_tlp = stix::Tlp::kGreen;
  std::set<std::string> types;        // "*" alone = all
  std::optional<Instant> valid_from;  // inclusive
  Instant valid_until;                // exclusive
  bool onward = false;

  // Text of everything but the partner's name: members whose terms are equal can share a view. One text for each value:
  // collections in order of name.
  std::string terms() const;
  bool operator==(const Agreement&) const = default;
};

// kInvalid names line, key and rule; an unknown key names the nearest known one.
Result<Agreement> parse_agreement(std::string_view toml, std::string_view source_name);
// parse_agreement reads back what to_toml wrote.
std::string to_toml(const Agreement& agreement);
// In words, for people: one sentence a clause.
std::string explain(const Agreement& agreement);

}  // namespace bongsu::policy
