// The policy made ready for many decisions: names are numbers, sets are bit sets, and a decision allocates nothing.
//
//   const CompiledPolicy policy(state);
//   const CompiledObject object = policy.compile(facts);
//   for (std::uint32_t m = 0; m < policy.members().size(); ++m)
//     const CompiledDecision d = policy.decide(object, m, Purpose::kOperations, now);
//
// It answers exactly as decide() does, reasons, agreement and parts included (tests hold both to one reference); only
// Decision::persons has to be asked of decide(). Immutable; safe from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "policy/decide.h"

namespace bongsu::policy {

// Numbers from 0 to a limit known when it is made.
class Bits {
 public:
  Bits() = default;
  explicit Bits(std::size_t size, bool all = false) : words_((size + 63) / 64, all ? ~std::uint64_t{0} : 0) {}
  void add(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
  bool has(std::size_t i) const { return ((words_[i / 64] >> (i % 64)) & 1) != 0; }
  bool within(const Bits& other) const {
    for (std::size_t i = 0; i < words_.size(); ++i)
      if ((words_[i] & ~other.words_[i]) != 0) return false;
    return true;
  }
  bool meets(const Bits& other) const {
    for (std::size_t i = 0; i < words_.size(); ++i)
      if ((words_[i] & other.words_[i]) != 0) return true;
    return false;
  }
  void keep(const Bits& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
  }
  void put(const Bits& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  }

 private:
  std::vector<std::uint64_t> words_;
};

// Names as dense numbers.
class Names {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  std::uint32_t add(const std::string& name) {
    return numbers_.emplace(name, static_cast<std::uint32_t>(numbers_.size())).first->second;
  }
  std::uint32_t find(std::string_view name) const {
    const auto found = numbers_.find(name);
    return found == numbers_.end() ? kNone : found->second;
  }
  std::size_t size() const { return numbers_.size(); }

 private:
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
};

struct CompiledDecision {
  Verdict verdict = Verdict::kWithhold;
  std::uint64_t reasons = 0;               // bit of each Reason
  std::uint64_t parts = 0;                 // bit i: parts[i + 1] of the label is left out
  bool without_sighters = false;           // where_sighted_refs is left out
  std::uint32_t agreement = Names::kNone;  // number within the member's agreements
};
std::vector<Reason> reasons_of(const CompiledDecision& decision);
// What decide() said, if the compiled policy came to the same about this object; else withheld, for kEnginesDiffer.
Decision if_both_say_so(Decision decision, const CompiledDecision& compiled, const ObjectFacts& facts);
// What it leaves out, as Decision::redact.
std::set<std::string> selectors_of(std::uint64_t parts, bool without_sighters, const ObjectFacts& facts);

class CompiledPolicy;

class CompiledObject {
 private:
  friend class CompiledPolicy;
  // A label as far as decisions ask.
  struct Part {
    stix::Tlp tlp = stix::Tlp::kRed;  // TLP 1's AMBER resolved
    bool unknown = false, unmapped = false, foreign_category = false, foreign_caveat = false;
    bool orcon = false, has_persons = false, nobody = false, stranger = false;
    ClassRank rank = ClassRank::kUnclassified;
    Bits nations;                  // for which every national mark has an equivalence
    bool marks_any_nation = true;  // no mark restricts the nation
    bool restricted = false;
    Bits to;  // releasable to
    Bits categories, caveats;
    Bits givers;                        // members whose information it holds, but for this node
    std::uint32_t givers_count = 0;     // of them
    Bits consent, named;                // to whom all givers but itself let it pass on
    std::vector<std::uint8_t> persons;  // numbers in CompiledObject::persons
    std::optional<Instant> expires;
  };
  // Denying clauses, by member: a bit for each purpose that one forbids; empty: none does.
  using Denied = std::vector<std::uint8_t>;
  // What it refers to, in one collection.
  struct Place {
    std::uint32_t collection = Names::kNone;  // kNone: in no agreement
    bool in_exercise = false;
    Denied denied;
  };
  struct Target {
    std::uint32_t type = Names::kNone;
    bool sighter = false, known = true;
    Bits sectors, givers;
    std::vector<Place> places;  // one, of no collection, if it is not known here
  };
  std::uint32_t collection = Names::kNone, type = Names::kNone;
  bool marking_definition = false, names_sighters = false, can_redact = false;
  bool in_exercise = false, of_another_exercise = false;
  bool is_sighting = false;
  bool says_who_made_it = false;
  std::uint32_t sighting_of = Names::kNone, sighted_by = Names::kNone;
  Bits sectors;
  Denied denied;
  std::vector<std::uint32_t> persons;  // member of each person that some part names; at most kMaxLabelItems
  // The own label and each granular part joined with it, or the whole alone.
  std::vector<Part> parts;
  std::vector<Target> targets;
};

class CompiledPolicy {
 public:
  explicit CompiledPolicy(const PolicyState& state);

  // Every member that has a standing or an agreement, in order of name; this node itself is not among them.
  const std::vector<MemberId>& members() const { return names_of_members_; }
  // Good for this policy only.
  CompiledObject compile(const ObjectFacts& facts) const;
  CompiledDecision decide(const CompiledObject& object, std::uint32_t member, Purpose purpose, Instant now) const;

 private:
  struct Terms {
    std::optional<Instant> valid_from;
    Instant valid_until;
    bool outbound = true, all_types = false, any_sector = true, onward = false, red_to_persons = false,
         anonymise = true, asks_community = false, in_community = false;
    std::uint8_t purposes = 0;
    stix::Tlp highest_tlp = stix::Tlp::kClear;
    ClassRank highest_class = ClassRank::kUnclassified;
    Bits collections, types, sectors, categories, caveats;
  };
  struct Member {
    std::uint64_t reasons = 0;  // kUnknownMember, kStopped
    bool known = false, ceiling = false;
    std::uint32_t nation = Names::kNone;
    bool has_level[5] = {};  // of its own for information of this rank
    ClassRank clearance = ClassRank::kUnclassified;
    Bits categories;
    Ceiling most;
    std::vector<Terms> agreements;
  };
  struct Giver {
    bool amber = false, to_all = false;
    Bits named;
  };
  CompiledObject::Part compile_label(const Label& label, const MemberId& origin) const;
  CompiledObject::Denied compile_denied(const ObjectFacts& facts) const;
  CompiledObject::Target compile_target(const Target& target, const ObjectFacts& facts) const;
  Bits sector_bits(const std::set<std::string>& sectors) const;
  bool may_know(const CompiledObject::Target& target, const Member& member, std::uint32_t number, Purpose purpose,
                Instant now) const;
  std::uint64_t against(const CompiledObject::Part& label, const Member& member, std::uint32_t number,
                        const Terms* terms, bool has_person, Instant now) const;

  MemberId self_;
  bool chartered_ = false;
  Names member_numbers_, collections_, types_, categories_, caveats_, sectors_, nations_;
  std::vector<MemberId> names_of_members_;
  std::vector<Member> members_;
  std::vector<Giver> givers_;  // by member
  std::vector<std::pair<std::uint32_t, std::vector<Denial>>> denials_;  // of members whose agreements have such clauses
  Equivalences equivalences_;
  std::map<std::string, std::string> exercises_;
  std::vector<Bits> accepting_;                                      // nations, by row of equivalences_
  std::map<std::pair<std::string, Authority>, std::uint32_t> rows_;  // row → number
  std::map<std::pair<std::string, std::string>, Bits> groups_;       // (group, version) → who was in it and is now
};

}  // namespace bongsu::policy
