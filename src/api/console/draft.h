// Indicators made from pasted text: read the values, say what they are, write the STIX objects.
//
//   auto values = read_pasted("hxxp://evil[.]example/a, 198.51.100[.]7", std::nullopt);
//   auto draft = parse_draft(body);                     // what the analyst chose
//   // STIX objects, the marking definitions they need first
//   auto composed = compose(*draft, node, collection.exercise, now, random);
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/console/console_api.h"
#include "base/json.h"
#include "detect/indicator.h"
#include "policy/label.h"
#include "stix/object.h"

namespace bongsu::api::console {

struct PastedValue {
  std::string raw;                     // as pasted
  std::optional<detect::Value> value;  // what it is; nothing if `error` says why not
  std::string pattern;                 // STIX pattern; empty if STIX has none for the kind
  std::string error;
  bool repeated = false;  // the same value stands further up
};

// One value a line; a line that is no value as a whole is taken apart at blanks, commas and semicolons. Empty lines and
// lines that begin with '#' are left out. `kind`: take every value as this kind instead of guessing. kTooLarge beyond
// kConsoleMaxValues.
Result<std::vector<PastedValue>> read_pasted(std::string_view text, std::optional<detect::Kind> kind);

struct Draft {
  std::vector<detect::Value> values;
  std::string name, description;  // an empty name becomes one made of the value
  std::string collection;         // id or alias
  stix::Tlp tlp = stix::Tlp::kAmberStrict;
  std::optional<std::set<std::string>> releasable_to;  // nullopt: not restricted by name
  std::optional<int> confidence;
  std::optional<Instant> valid_until;
  std::vector<std::string> indicator_types;  // STIX 2.1 §10.6 open vocabulary
  bool together = false;                     // one indicator for all values, else one each
};
// {"values":[{"kind","text"}],"name","description","collection","tlp","releasable_to":[…]|null,"confidence","valid_until",
//  "indicator_types":[…],"together"}. kInvalid names the field.
Result<Draft> parse_draft(const Json& body);

struct Composed {
  std::vector<stix::Object> markings;    // definitions that must go first
  std::vector<stix::Object> indicators;  // at least one
  policy::Label label;                   // of every indicator
};
// Objects with fresh ids, created now by this node. Each compiled pattern is checked to hold the values that were asked
// for. `exercise`: of the collection they go to (UUID; empty: a live one). There they hold for all the drill's time
// (flow::kExerciseValidFrom, no end).
Result<Composed> compose(const Draft& draft, const ConsoleNode& node, const std::string& exercise, Instant now,
                         Random& random);

// The next version of an object with "revoked": true (STIX 2.1 §3.7), `modified` later than before. kConflict if it is
// revoked.
Result<stix::Object> revoke(const stix::Object& object, Instant now);

}  // namespace bongsu::api::console
