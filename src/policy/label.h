// Labels: what an object's markings say about who may have it, as one value of a lattice.
//
//   policy::Label label = policy::label_of(object, markings, stix::Tlp::kAmberStrict);
//   label.text()                    // "amber marked to:cert-lt,cert-ua class:restricted national:se/military/h%2fr"
//   policy::join(label, other)      // goes to nobody whom either of the two refuses
//
// A marking that is unknown, dangling or broken makes a label `unknown`, which releases to nobody.
#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "stix/marking.h"
#include "stix/object.h"

namespace bongsu::policy {

using MemberId = std::string;  // a member's short name, "cert-lt": [a-z0-9][a-z0-9-]{0,62}
bool is_member_id(std::string_view text);

inline constexpr std::size_t kMaxLabelMembers = 1024;    // in one releasable-to list; a longer one is not understood
inline constexpr std::size_t kMaxLabelSelectors = 4096;  // of granular markings in one object; more are not understood
inline constexpr std::size_t kMaxLabelItems = 256;       // national marks, groups, categories, caveats, persons
inline constexpr std::size_t kMaxLabelWord = 128;        // bytes of a category, a caveat, a national level
inline constexpr std::size_t kMaxLabelParts = 64;        // different granular labels; with more no part can be left out
inline constexpr std::size_t kMaxLabelText = 4 * 1024 * 1024;

// The reference scale of classification. National (and EU, NATO) levels are mapped to it by agreement
// (ClassEquivalence in policy/decide.h), each by itself.
enum class ClassRank : std::uint8_t { kUnclassified, kRestricted, kConfidential, kSecret, kTopSecret };
std::string_view to_string(ClassRank rank);  // "top-secret"
std::optional<ClassRank> parse_class_rank(std::string_view text);

// The kind of authority that holds or marks information: nations classify differently in each.
enum class Authority : std::uint8_t { kCivil, kMilitary, kOperator };
std::string_view to_string(Authority kind);  // "military"
std::optional<Authority> parse_authority(std::string_view text);

bool is_nation(std::string_view text);      // "se", "eu", "nato": [a-z][a-z0-9-]{1,15}
bool is_label_word(std::string_view text);  // UTF-8 without control characters, 1 to kMaxLabelWord bytes
bool is_person(std::string_view text);      // "cert-ua/olena": a member and the name of an account there
bool is_exercise(std::string_view text);    // a UUID, lower case

// A level as a nation's authority of one kind writes it.
struct NationalMark {
  std::string nation;
  Authority authority = Authority::kCivil;
  std::string level;  // "HEMLIG/SECRET"
  auto operator<=>(const NationalMark&) const = default;
};

// A named group of members as it was when the object was marked. Local names and row numbers never cross a border:
// the group is a UUID, its version the hash of its members (policy::group_version).
struct GroupRef {
  std::string group;    // UUID, lower case
  std::string version;  // 32 hexadecimal digits
  auto operator<=>(const GroupRef&) const = default;
};

// Who may have it: a member that stands here, or that belongs to one of the groups, both in the version at marking
// time and in the present one. Empty: nobody.
struct ReleaseClause {
  std::set<MemberId> members;
  std::set<GroupRef> groups;
  auto operator<=>(const ReleaseClause&) const = default;
};

struct LabelPart;

struct Label {
  stix::Tlp tlp = stix::Tlp::kRed;
  // nullopt: not restricted by name. An empty set releases to nobody (never to everyone).
  std::optional<std::set<MemberId>> releasable_to;
  bool unknown = false;  // some marking could not be understood: deny
  bool marked = false;   // some TLP marking was there (else tlp is the default of the place it came in by)
  // Selectors of granular markings stricter than the object's own.
  std::set<std::string> redact;
  // Members whose objects this one refers to (flow fills it): an id tells that the object exists, so the third-party
  // rule holds for it too.
  std::set<MemberId> reveals;

  // tlp is AMBER+STRICT only because it was marked with TLP 1's AMBER, which may mean that: an agreement with whoever
  // marked it can say that it means AMBER. Always false at other levels.
  bool tlp1_amber = false;
  ClassRank rank = ClassRank::kUnclassified;  // as the marking says; the national marks are mapped in addition
  std::set<NationalMark> national;
  stix::Pap pap = stix::Pap::kClear;  // what may be done with it; does not decide about recipients
  // Further restrictions by name that hold beside releasable_to: those with groups. Each has to be satisfied. None is
  // implied by another or by releasable_to.
  std::set<ReleaseClause> clauses;
  std::set<std::string> categories;    // compartments: a recipient has to hold all
  bool originator_controlled = false;  // onward only to members that the originator names
  std::set<std::string> caveats;       // handling rules: an agreement has to honour all
  // nullopt: not restricted to persons. TLP:RED goes to named persons only. An empty set: nobody.
  std::optional<std::set<std::string>> persons;
  std::optional<Instant> expires;  // nothing is released from then on
  // Exercises (drills) that it belongs to, UUIDs: it stays in their collections (PolicyState::exercises). More than one:
  // in none. What is derived from it belongs to them, too.
  std::set<std::string> exercises;

  // The object's label apart from its granular markings, and what each of these adds: parts[0] has no selectors and is
  // the own label; the rest is in order of their labels' texts, with different labels. Everything above is the join of
  // them all. Empty: no granular markings, or too many to be told apart.
  std::vector<LabelPart> parts;

  // One line, stable, one text for each value: "amber+strict marked to:cert-lt,cert-ua unknown redact:name,x%20y
  // reveals:cert-ua class:secret pap:amber".
  std::string text() const;
  // Exactly the inverse. kInvalid for anything else (also for sets out of order); kTooLarge beyond kMaxLabelText.
  static Result<Label> parse(std::string_view text);
  bool operator==(const Label& other) const;
};

struct LabelPart {
  std::set<std::string> selectors;
  Label label;  // has no parts
  bool operator==(const LabelPart&) const = default;
};

// Least upper bound: the stricter level of each kind, the intersection of the sets of recipients, the union of what is
// asked for or revealed, unknown if either is. The label of a relationship is the join of its own and both ends', of a
// part of a container the join with the container's, of derived data the join of all inputs.
Label join(const Label& a, const Label& b);
Label join(std::span<const Label> labels);  // of none: the bottom
// Greatest lower bound, of what at_most compares; without parts, marked if both are.
Label meet(const Label& a, const Label& b);

// Is a at most as strict as b: everyone whom b may go to, a may go to, and everything that may be done with what b
// marks may be done with what a marks? (marked, redact and parts don't count.)
bool at_most(const Label& a, const Label& b);

Label bottom();    // the neutral of join: CLEAR, no restriction
Label deny_all();  // releases to nobody, for what cannot be read
// The same as one whole: what must not be told apart any more (a reference, an input of something derived).
Label whole(Label label);
// What holds for the object around its parts; of a label without parts, itself.
const Label& own_part(const Label& label);

// Extension of marking-definition that carries a releasable-to list; schema: docs/schemas/releasable-to.json.
extern const char* const kReleasableToExtension;  // "extension-definition--…"
// Extension of marking-definition that carries the rest of a label; schema: docs/schemas/label.json.
extern const char* const kLabelExtension;

// Gives the marking-definition for an id, from what the node has pinned; nullptr = unknown. The pointer stays good
// during label_of.
using MarkingSource = std::function<const Json*(const stix::Id&)>;

// What one marking-definition says, by its content (not for the TLP and PAP definitions, which are known by their
// ids): a statement is neutral, our extensions a label; everything else, and a mixture with anything else, is unknown.
// (ACS, CUI and IEP are not implemented: unknown.)
struct MarkingMeaning {
  Label label;  // bottom() and what the definition says
  bool names_members() const { return label.releasable_to || !label.clauses.empty() || label.persons; }
};
MarkingMeaning meaning_of(const Json& marking_definition);

// The effective label of an object: join of all its markings, granular ones included. `fallback` stands in when no TLP
// marking is there.
//
// TLP 1 counts as TLP 2.0, except that AMBER is read as AMBER+STRICT: TLP 1 had no STRICT, so its AMBER may mean it.
// Two TLP markings are joined. Granular markings for languages (`lang`) mark nothing. A marking-definition of ours
// without markings of its own that names recipients is CLEAR for them: it has to travel with what it marks, and a list
// of members is nobody else's business.
Label label_of(const stix::Object& object, const MarkingSource& markings, stix::Tlp fallback);

// A complete marking-definition object (JSON) with our extension, releasable to these members. Deterministic id (UUIDv5
// of its content).
std::string make_releasable_to_marking(const std::set<MemberId>& members, const MemberId& created_by, Instant created);
// The same for everything that kLabelExtension can say: rank and national marks, releasable_to and clauses (at most one
// of the two, at most one clause), categories, originator control, caveats, persons, PAP, expiry. kInvalid for a label
// that says something else (a TLP stands in a marking of its own), or nothing.
Result<std::string> make_label_marking(const Label& label, const MemberId& created_by, Instant created);

}  // namespace bongsu::policy
