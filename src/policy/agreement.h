// An agreement: what may flow from this node to one partner, as data (TOML). Deny by default.
//
//   partner     = "cert-ua"
//   collections = ["shared", "sightings"]      # aliases or ids of this node's collections; no wildcard
//   highest_tlp = "amber"                      # clear, green, amber, amber+strict (red: never by this form)
//   types       = ["indicator", "malware"]     # STIX types, or ["*"]; marking definitions travel with what they mark
//   valid_from  = 2026-11-21T00:00:00Z         # optional
//   valid_until = 2027-11-21T00:00:00Z         # required: an agreement ends
//   onward      = false                        # may objects that a third member gave us flow to this partner?
//   passes_on   = ["cert-lt"]                  # optional: to whom we may pass on what this partner gave us; left out:
//                                              # to nobody; ["*"]: to all, up to TLP:GREEN
//   personal_data_days = 180                   # optional: personal data that the partner gave is erased here after
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

// What traffic is for. Each agreement says for which purposes it holds.
enum class Purpose : std::uint8_t { kOperations, kExercise, kCrisis };
std::string_view to_string(Purpose purpose);  // "operations"
std::optional<Purpose> parse_purpose(std::string_view text);

enum class Direction : std::uint8_t { kBoth, kToPartner, kFromPartner };  // seen from this node
std::string_view to_string(Direction direction);                          // "both", "to-partner", "from-partner"
std::optional<Direction> parse_direction(std::string_view text);

inline constexpr std::size_t kMaxAgreementBytes = 64 * 1024;
inline constexpr std::int64_t kMaxAgreementDays = 36'500;
inline constexpr std::size_t kMaxAgreementItems = 1024;  // collections, types

// What a denying clause matches: an object that has all that is named here; nullopt: whatever.
struct Denial {
  std::optional<std::set<std::string>> collections, types, sectors, categories;
  std::optional<std::set<Purpose>> purposes;
  std::optional<stix::Tlp> tlp_from;      // this or stricter
  std::optional<ClassRank> class_from;  // this or higher
  bool operator==(const Denial&) const = default;
};

struct Agreement {
  MemberId partner;
  std::vector<std::string> collections;
  stix::Tlp highest_tlp = stix::Tlp::kGreen;
  std::set<std::string> types;        // "*" alone = all
  std::optional<Instant> valid_from;  // inclusive
  Instant valid_until;                // exclusive
  bool onward = false;
  // To whom this node may pass on what the partner gave it: the originator's consent. "*": all, up to TLP:GREEN and not
  // under originator control, for which a member has to be named.
  std::set<MemberId> passes_on;

  // What an agreement that its parties signed says in addition. The defaults are what a local agreement means.
  std::string id;              // UUID; empty: local, not signed
  std::uint64_t version = 0;   // grows with each change; 0: local
  std::set<MemberId> parties;  // this node and the partner among them
  Direction direction = Direction::kBoth;
  std::set<Purpose> purposes = {Purpose::kOperations};
  // Only what is said to concern one of these sectors; nullopt: all. Only to a partner of one of these communities of
  // the charter; nullopt: of one that this node belongs to.
  std::optional<std::set<std::string>> sectors, communities;
  ClassRank highest_class = ClassRank::kUnclassified;
  std::set<std::string> categories;  // compartments that may flow
  std::set<std::string> caveats;     // handling rules that the partner honours
  bool anonymise_sightings = true;   // who saw it is left out
  bool red_to_persons = false;       // the partner shows TLP:RED to the named persons only
  bool tlp1_amber_is_amber = false;  // the partner's TLP 1 AMBER does not mean AMBER+STRICT
  bool widens = false;               // this node may widen the releasable-to sets of what the partner made
  std::optional<std::int64_t> personal_data_days;  // personal data that the partner gave is erased after
  // What does not flow, whatever this or another agreement permits.
  std::vector<Denial> denies;

  bool in_force(Instant now) const { return (!valid_from || now >= *valid_from) && now < valid_until; }
  // Does nothing in itself until a crisis is declared (an exercise may be a further purpose).
  bool waits_for_crises() const { return purposes.contains(Purpose::kCrisis) && !purposes.contains(Purpose::kOperations); }
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
