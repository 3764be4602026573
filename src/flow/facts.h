// What a decision about an object is taken on, read from the object, and how it stands in the journal beside it.
//
//   policy::ObjectFacts facts{.object_id = …, .type = …, .collection = …, .origin = …, .label = markings.label_of(object)};
//   read_facts(facts, object);           // sectors, who saw it, which parts can be left out
//   entry.label = stored_facts(facts);   // journal::NewEntry
//   facts_or_deny(entry)                 // later, from journal::Entry: the same facts
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "journal/journal.h"
#include "policy/decide.h"
#include "stix/object.h"

namespace bongsu::flow {

// Of one object; of more none counts, so nothing that asks for one flows.
inline constexpr std::size_t kMaxFactSectors = 64;
inline constexpr std::size_t kMaxFactsText = 5 * 1024 * 1024;

// Fills what the object says itself:
//   sectors         its property `sectors` (STIX 2.1 §4.5.1), at the top or in an extension
//   names_sighters  a sighting with where_sighted_refs (§5.2.1)
//   can_redact      parts that its label has can be left out, and those who saw it; parts that cannot go become its own
void read_facts(policy::ObjectFacts& facts, const stix::Object& object);

// A sighting whose markings name nobody: it goes to who gave what was sighted alone (D6).
bool flows_back(const policy::ObjectFacts& facts);

// The label's text, and behind a line break what is known beyond it: "sighting-of:cert-ua names-sighters whole
// sectors:energy,health targets:malware|<collections>|<sectors>|<givers>;…" ("|sighter" behind those that are only that)
// sighted-by:cert-lt".
// One text for each value. What stands in a journal from before targets were noted has none: nothing is asked of what it
// refers to until it is admitted again or decided again (Release).
std::string stored_facts(const policy::ObjectFacts& facts);
// The label's text alone.
std::string_view stored_label(std::string_view stored);
// In a line of its own behind both, for whom what is here raised the label of what it gave: the label as it came. Its
// accounts are judged by that one; a stricter answer would tell what else is here (D7).
std::string with_given(std::string stored, std::string_view giver, const policy::Label& label);
std::string_view without_given(std::string_view stored);
// The exercises that it names, nearly always none: asked for each hit, so a label without any is not parsed.
std::set<std::string> exercises_of(std::string_view stored);
// The label's text that counts for this member: the label as given, if the member is who gave it.
std::string_view label_for(std::string_view stored, std::string_view member);
// kInvalid: not what stored_facts wrote; the line of with_given is passed over.
Result<policy::ObjectFacts> parse_facts(std::string_view stored);

// Of its version, as journal::Entry::version_key; empty: it has none.
inline std::string version_key_of(const stix::Object& object) {
  return object.version() != nullptr ? object.version()->key() : std::string();
}

// The facts of a stored entry. kCorrupt: they cannot be read.
Result<policy::ObjectFacts> facts_of(const journal::Entry& entry);
// Likewise; what cannot be read denies.
policy::ObjectFacts facts_or_deny(const journal::Entry& entry);

// Who may know that the object is there: its label, and of a sighting that flows back only whom it flows back to. What
// refers to it tells that.
policy::Label label_of_existence(const policy::ObjectFacts& facts);

}  // namespace bongsu::flow
