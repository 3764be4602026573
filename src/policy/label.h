// Labels: what an object's markings say about who may have it, as one value that can be joined.
//
//   policy::Label label = policy::label_of(object, markings, stix::Tlp::kAmberStrict);
//   label.text()                    // "amber marked to:cert-lt,cert-ua"
//   policy::join(label, other)      // goes to nobody whom either of the two refuses
//
// First form of the lattice: TLP 2.0, a releasable-to set, and whose information it reveals. A marking that is unknown,
// dangling or broken makes a label `unknown`, which releases to nobody.
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
bool is_member_id(std::string_view text);

inline constexpr std::size_t kMaxLabelMembers = 1024;    // in one releasable-to list; a longer one is not understood
inline constexpr std::size_t kMaxLabelSelectors = 4096;  // of granular markings in one object; more are not understood
inline constexpr std::size_t kMaxLabelText = 4 * 1024 * 1024;

struct Label {
  stix::Tlp tlp = stix::Tlp::kRed;
  // nullopt: not restricted by name. An empty set releases to nobody (never to everyone).
  std::optional<std::set<MemberId>> releasable_to;
  bool unknown = false;  // some marking could not be understood: deny
  bool marked = false;   // some TLP marking was there (else tlp is the default of the place it came in by)
  // Selectors of granular markings stricter than the object's own. First form: their markings are joined into this
  // label, so the object is withheld as a whole from members who may not see one of them.
  std::set<std::string> redact;
  // Members whose objects this one refers to (flow fills it): an id tells that the object exists, so the third-party
  // rule holds for it too.
  std::set<MemberId> reveals;

  // One line, stable, one text for each value: "amber+strict marked to:cert-lt,cert-ua unknown redact:name,x%20y
  // reveals:cert-ua".
  std::string text() const;
  // Exactly the inverse. kInvalid for anything else (also for sets out of order); kTooLarge beyond kMaxLabelText.
  static Result<Label> parse(std::string_view text);
  bool operator==(const Label&) const = default;
};

// Least upper bound: the stricter TLP, the intersection of the releasable-to sets, the union of what is revealed,
// unknown if either is.
Label join(const Label& a, const Label& b);

// Is a at most as strict as b, in what decides about recipients: everyone whom b may go to, a may go to? (marked and
// redact don't count.)
bool at_most(const Label& a, const Label& b);

// The label that releases to nobody, for what cannot be read.
Label deny_all();

// Extension of marking-definition that carries a releasable-to list; schema: docs/schemas/releasable-to.json.
extern const char* const kReleasableToExtension;  // "extension-definition--…"

// Gives the marking-definition for an id, from what the node has pinned; nullptr = unknown. The pointer stays good
// during label_of.
using MarkingSource = std::function<const Json*(const stix::Id&)>;

// What one marking-definition says, by its content (not for the TLP definitions, which are known by their ids):
// a statement is neutral, our extension a releasable-to set; everything else, and a mixture with anything else, is
// unknown.
struct MarkingMeaning {
  bool unknown = false;
  std::optional<std::set<MemberId>> releasable_to;
};
MarkingMeaning meaning_of(const Json& marking_definition);

// The effective label of an object: join of all its markings, granular ones included. `fallback` stands in when no TLP
// marking is there.
//
// TLP 1 counts as TLP 2.0, except that AMBER is read as AMBER+STRICT: TLP 1 had no STRICT, so its AMBER may mean it.
// Two TLP markings are joined. Granular markings for languages (`lang`) mark nothing. A releasable-to
// marking-definition without markings of its own is CLEAR for the members that it names: it has to travel with what it
// marks, and a list of members is nobody else's business.
Label label_of(const stix::Object& object, const MarkingSource& markings, stix::Tlp fallback);

// A complete marking-definition object (JSON) with our extension, releasable to these members. Deterministic id (UUIDv5
// of its content).
std::string make_releasable_to_marking(const std::set<MemberId>& members, const MemberId& created_by, Instant created);

}  // namespace bongsu::policy
