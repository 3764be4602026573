// Labels: what an object's markings say about who may have it, as one value that can be joined.
//
// First form of the lattice: TLP 2.0 and a releasable-to set. Unknown or dangling markings make a label `unknown`, which releases to nobody.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "stix/marking.h"
#include "stix/object.h"

namespace bongsu::policy {

using MemberId = std::string;  // a member's short name, "cert-lt": [a-z0-9][a-z0-9-]{0,62}

struct Label {
  stix::Tlp tlp = stix::Tlp::kRed;
  // nullopt: not restricted by name. An empty set releases to nobody (never to everyone).
  std::optional<std::set<MemberId>> releasable_to;
  bool unknown = false;      // some marking could not be understood: deny
  bool marked = false;       // some TLP marking was there (else tlp is the default of the place it came in by)
  std::set<std::string> redact;  // selectors of granular markings stricter than the object's own (first form: the object is withheld
                                 // from members who may not see one of them)
  std::string text() const;  // one line, stable; for the journal
  static Result<Label> parse(std::string_view text);
  bool operator==(const Label&) const = default;
};

// Least upper bound: the stricter TLP, the intersection of the releasable-to sets, unknown if either is.
Label join(const Label& a, const Label& b);

// Extension of marking-definition that carries a releasable-to list; schema: docs/schemas/releasable-to.json.
extern const char* const kReleasableToExtension;  // "extension-definition--…"

// Gives the marking-definition for an id, from what the node has pinned; nullptr = unknown.
using MarkingSource = std::function<const Json*(const stix::Id&)>;

// The effective label of an object: join of all its markings, granular ones included. `fallback` stands in when no TLP marking is there.
Label label_of(const stix::Object& object, const MarkingSource& markings, stix::Tlp fallback);

// A complete marking-definition object (JSON) with our extension, releasable to these members. Deterministic id (UUIDv5 of its content).
std::string make_releasable_to_marking(const std::set<MemberId>& members, const MemberId& created_by, Instant created);

}  // namespace bongsu::policy
