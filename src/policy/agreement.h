// An agreement: what may flow from this node to one partner, as data (TOML). Deny by default.
//
//   partner     = "cert-ua"
//   collections = ["shared", "sightings"]      # aliases or ids of this node's collections; no wildcard
//   highest_tlp = "amber"                      # clear, green, amber, amber+strict (red never flows between nodes)
//   types       = ["indicator", "malware"]     # STIX types, or ["*"]
//   valid_from  = 2026-11-21T00:00:00Z         # optional
//   valid_until = 2027-11-21T00:00:00Z         # required: an agreement ends
//   onward      = false                        # may objects that a third member gave us flow to this partner?
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "policy/label.h"

namespace bongsu::policy {

struct Agreement {
  MemberId partner;
  std::vector<std::string> collections;
  stix::Tlp highest_tlp = stix::Tlp::kGreen;
  std::set<std::string> types;         // "*" alone = all
  std::optional<Instant> valid_from;
  Instant valid_until;
  bool onward = false;

  // Text of everything but the partner's name: members whose terms are equal can share a view.
  std::string terms() const;
};

// kInvalid names line, key and rule; an unknown key names the nearest known one.
Result<Agreement> parse_agreement(std::string_view toml, std::string_view source_name);
std::string to_toml(const Agreement& agreement);
// In words, for people: one sentence a clause.
std::string explain(const Agreement& agreement);

}  // namespace bongsu::policy
