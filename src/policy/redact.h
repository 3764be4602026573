// Leaving parts of a STIX object out: the value, and everything else that would tell it.
//
//   Redacted copy = policy::redact(object_json, decision.redact, {.reference = who_may_be_named, .pseudonym_key =
//   key}); if (copy.json) send(*copy.json) else withhold(copy.why);
//
// Pure. What is left out beside the selected values (STIX 2.1 §7.2.3):
//   · echoes: any other text, name, description, pattern or custom property that holds a selected value, in any case,
//     defanged or percent-encoded; and references to the observables whose ids can be computed from it
//   · list items move up, and the selectors of the remaining granular markings with them; the entries that named what
//     is gone go too, and so do lists and dictionaries that become empty
//   · references to what the recipient may not know of (their ids are values like any other)
// An observable whose id could be computed from a left-out value gets a pseudonym instead, the same for the same
// recipient each time. Where a required property would be missing, or a value shows in one that cannot be left out, the
// object is withheld as a whole; so it is when a selector selects nothing (who knows what it was meant to hide).
//
// What it does not see: values that are encoded otherwise (base64, hashes of them, pictures), and words of fewer than
// four letters inside other words. `modified` stays: a redacted copy is told from the full one by what travels beside
// it.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "policy/label.h"

namespace bongsu::policy {

inline constexpr std::size_t kMaxRedactSelectors = 4096;
// Values looked for elsewhere, and bytes of them; with more the object is withheld.
inline constexpr std::size_t kMaxRedactSecrets = 65'536;
inline constexpr std::size_t kMaxRedactSecretBytes = 1024 * 1024;

struct RedactOptions {
  // What may stand where an object refers to another: that id, another one (a pseudonym), or nothing (nullopt). Not
  // asked for markings. Not set: every id may stand.
  std::function<std::optional<std::string>(std::string_view id)> reference;
  std::string_view pseudonym_key = {};  // one secret for each recipient; empty: what would need a pseudonym is withheld
};

struct Redacted {
  std::optional<std::string> json;  // nullopt: withhold the whole object
  std::string why;                  // then: a sentence
  std::string id;                   // of the copy; differs from the object's where it got a pseudonym
};

Redacted redact(std::string_view json, const std::set<std::string>& selectors, const RedactOptions& options = {});

// The label of this object with those of its parts that cannot be left out joined into its own: required properties,
// values that show where nothing can be taken away, parts of an observable's id. After it whatever decide() selects by
// parts can be left out, alone and together, so a preview promises what is sent, and who satisfies the object's own
// part knows that the object is there. The join of all stays the same.
Label separate(const Label& label, std::string_view json);

// The id under which this recipient knows an observable whose own id would tell its value: a UUIDv4 in form.
std::string pseudonym(std::string_view id, std::string_view key);

}  // namespace bongsu::policy
