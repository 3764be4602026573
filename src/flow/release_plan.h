// The arrangement of members in views, as one immutable value that is published as a whole. Internal to release.
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "journal/journal.h"
#include "policy/compiled_policy.h"
#include "policy/decide.h"

namespace bongsu::flow {

// Durable, one for each (collection, member) that ever could read.
struct Place {
  journal::ViewId view = 0;
  std::string terms;     // class_terms that the view's rows are decided under; empty: the member has no agreement (rows
                         // are kept as they were)
  bool pending = false;  // rows up to `cursor` are right, the rest is to be decided again
  journal::Seq cursor = 0;
  std::string text() const;
  static Result<Place> parse(std::string_view text);
  bool operator==(const Place&) const = default;
};

struct ViewClass {
  journal::ViewId view = 0;
  std::vector<policy::MemberId> members;  // in order of name; with an agreement
};

// What becomes of an object for a member: with the facts it says everything, without a text being made.
struct Outcome {
  policy::Verdict verdict = policy::Verdict::kWithhold;
  std::uint64_t parts = 0;        // as policy::CompiledDecision
  bool without_sighters = false;  // likewise
  bool goes() const { return verdict != policy::Verdict::kWithhold; }
  auto operator<=>(const Outcome&) const = default;
};
std::set<std::string> selectors_of(const Outcome& outcome, const policy::ObjectFacts& facts);

// What members of one view have in common for an object. One that is barred goes to nobody any more, but a row of it may
// stay where it is, for those who may have it: so what it would become counts for it as well.
struct Share {
  Outcome outcome;    // were it not barred
  bool kept = false;  // it is barred, and this member gave it
  auto operator<=>(const Share&) const = default;
};

// The policy that outboxes are decided under, made ready for many decisions. Immutable.
class Decider {
 public:
  explicit Decider(const policy::PolicyState& content);

  // One object, compiled once, asked for many members.
  class Question {
   public:
    Outcome of(std::string_view member);  // what a new row becomes
    Share share_of(std::string_view member);

   private:
    friend class Decider;
    Question(const Decider& decider, const policy::ObjectFacts& facts, Instant now, bool barred)
        : decider_(decider), facts_(facts), now_(now), barred_(barred) {}
    Outcome unbarred(std::string_view member);
    const Decider& decider_;
    const policy::ObjectFacts& facts_;
    Instant now_;
    bool barred_;
    std::optional<policy::CompiledObject> object_, given_;
  };
  // `facts` stay where they are while the question is asked. `barred`: recalled, so it goes to nobody any more but this
  // node and who gave it, whom that would tell what became of it here.
  Question ask(const policy::ObjectFacts& facts, Instant now, bool barred) const { return {*this, facts, now, barred}; }

 private:
  std::string self_;
  policy::CompiledPolicy policy_;
};

// Collection → others in which something stands that its objects refer to: what its views hold depends on what a member
// may have of those.
using Reaches = std::map<std::string, std::set<std::string>>;

struct Plan {
  std::uint64_t epoch = 0;
  Reaches reaches;
  std::set<std::string> collections;
  policy::PolicyState applied;             // the state that this arrangement follows; epochs inside are 0
  policy::PolicyState content;             // the same without stops and validity: what outboxes are decided under
  std::shared_ptr<const Decider> decider;  // of `content`
  std::map<std::string, std::map<policy::MemberId, Place>> places;     // collection → member
  std::map<std::string, std::vector<ViewClass>, std::less<>> classes;  // follows from places

  void find_classes();
  const Place* place(std::string_view collection, std::string_view member) const;
  std::set<policy::MemberId> users(const std::string& collection, journal::ViewId view) const;
};

// The state with stops and validity taken out. An outbox holds what the agreements that are valid at `now` permit; of a
// member with one agreement, or with none that is valid, what that one permits or the last of them did: whether it may
// be read is asked at each reading, and ended agreements cost nothing.
policy::PolicyState content_of(policy::PolicyState state, Instant now);
// When content_of will be another by time alone: the next beginning or end of one of several agreements with a member.
std::optional<Instant> next_turn(const policy::PolicyState& state, Instant now);

inline constexpr std::string_view kSelfTerms = "self";
// Digest of everything that decides what this member's outbox of this collection holds, but its name; empty: no
// agreement covers it. Members with equal class terms can differ only in what names them: releasable-to sets, origins,
// references to third members' objects.
std::string class_terms(const policy::PolicyState& content, std::string_view member, std::string_view collection,
                        const Reaches& reaches);
// The collections among what the object refers to that its collection is not known to reach yet.
std::set<std::string> new_reaches(const policy::ObjectFacts& facts, const Reaches& reaches);

// Whether two members of equal class terms may get different decisions for this object.
bool tells_members_apart(const policy::ObjectFacts& facts, const std::vector<policy::MemberId>& members,
                         const policy::PolicyState& content);

// policy::decide, but that what a member gave us is no secret from it: stops, agreement, collection and type count, the
// label does not. It may have been raised here by what the object refers to, or by another's copy; were it withheld
// from who sent it, looking for one's own object would tell what else is here (D7, D9).
policy::Decision decide_for_member(const policy::ObjectFacts& facts, std::string_view member,
                                   const policy::PolicyState& state, Instant now,
                                   policy::Purpose purpose = policy::Purpose::kOperations);
policy::ObjectFacts as_given(const policy::ObjectFacts& facts);
// The same, where `compiled`, by which outboxes are made, says so, too; else withheld (policy::Reason::kEnginesDiffer).
policy::Decision decide_by_both(const policy::ObjectFacts& facts, std::string_view member,
                                const policy::PolicyState& state, const policy::CompiledPolicy& compiled, Instant now,
                                policy::Purpose purpose = policy::Purpose::kOperations);

// Finds which members of equal class terms were decided equally for every entry that it is shown.
class Partition {
 public:
  explicit Partition(std::vector<policy::MemberId> members);
  void refine(const policy::ObjectFacts& facts, const policy::PolicyState& content, const Decider& decider,
              Instant now, bool barred);
  const std::vector<policy::MemberId>& members() const { return members_; }
  bool together(std::string_view a, std::string_view b) const;
  std::vector<std::vector<policy::MemberId>> parts() const;  // in order of their first members

 private:
  std::vector<policy::MemberId> members_;
  std::vector<std::size_t> part_;
};

}  // namespace bongsu::flow
