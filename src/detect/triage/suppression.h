// Suppression: somebody said, with a name, a reason and an end, that certain hits are of no interest.
//
//   Suppression s{.author = "olena", .reason = "our own scanner", .until = …, .match = {.entity = "10.9.0.0/24"}};
//   BONGSU_TRY_VOID(s.check(now));
//   const Suppression* by = suppressions.find(alert, now);      // nullptr: not suppressed
//
// A suppressed hit is stored and counted like any other, and shown under "suppressed". It makes no notification and no
// sighting: the analyst said that it means nothing, and the originator of the indicator must not be told of a sighting
// that its observer does not believe. What came before the rule stays as it was; after its end hits are alerts again.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "detect/alert.h"

namespace bongsu::detect::triage {

inline constexpr std::chrono::hours kLongestSuppression{90 * 24};  // then somebody has to look again
inline constexpr std::size_t kMaxSuppressions = 1'000;
inline constexpr std::size_t kMaxSuppressionReason = 2'000;
inline constexpr std::size_t kMaxSuppressionText = 8'192;  // of what it matches

// Everything that is said has to fit.
struct SuppressionMatch {
  std::string indicator;  // its id
  std::string value;      // of the indicator, normal form
  std::string entity;     // an EntityPattern
  std::string source;     // the member or list that gave the indicator
  std::string rule;       // a rule's name
  std::string list;       // a warning list that the value stands in

  bool empty() const;
  static Result<SuppressionMatch> parse(const Json& json);  // kInvalid: an unknown key, or no text
  bool operator==(const SuppressionMatch&) const = default;
};

struct Suppression {
  std::string id;  // "suppression--UUID"
  std::string author, reason;
  Instant created, until;  // until is exclusive
  SuppressionMatch match;

  // kInvalid names the field: no author, no reason, no end, one in the past or later than kLongestSuppression, nothing
  // to match, a pattern that is none.
  Result<void> check(Instant now) const;
  Json json() const;
  static Result<Suppression> parse(const Json& json);
  bool operator==(const Suppression&) const = default;
};

// Not safe from several threads.
class Suppressions {
 public:
  // kInvalid as check; kTooLarge: kMaxSuppressions are in force. Those that ended make room.
  Result<void> can_add(const Suppression& rule, Instant now) const;
  void put(Suppression rule);
  bool remove(std::string_view id);
  // The one that was made first among those that fit.
  const Suppression* find(const Alert& alert, Instant now) const;
  const Suppression* by_id(std::string_view id) const;
  std::vector<Suppression> list() const;  // oldest first
  std::vector<std::string> ended(Instant now) const;
  void clear() { rules_.clear(); }

 private:
  struct Compiled {
    Suppression rule;
    std::vector<EntityPattern> entity;  // one or none
  };
  std::vector<Compiled> rules_;  // by created, then id
};

}  // namespace bongsu::detect::triage
