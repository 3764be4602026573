// The arrangement of members in views, as one immutable value that is published as a whole. Internal to release.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "journal/journal.h"
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

struct Plan {
  std::uint64_t epoch = 0;
  std::set<std::string> collections;
  policy::PolicyState applied;  // the state that this arrangement follows; epochs inside are 0
  policy::PolicyState content;  // the same without stops and validity: what outboxes are decided under
  std::map<std::string, std::map<policy::MemberId, Place>> places;     // collection → member
  std::map<std::string, std::vector<ViewClass>, std::less<>> classes;  // follows from places

  void find_classes();
  const Place* place(std::string_view collection, std::string_view member) const;
  std::set<policy::MemberId> users(const std::string& collection, journal::ViewId view) const;
};

// The state with stops and validity taken out.
policy::PolicyState content_of(policy::PolicyState state);

inline constexpr std::string_view kSelfTerms = "self";
// Digest of everything that decides what this member's outbox of this collection holds, but its name; empty: no
// agreement covers it. Members with equal class terms can differ only in what names them: releasable-to sets, origins,
// references to third members' objects.
std::string class_terms(const policy::PolicyState& content, std::string_view member, std::string_view collection);

// Whether two members of equal class terms may get different decisions for this object.
bool tells_members_apart(const policy::ObjectFacts& facts, const std::vector<policy::MemberId>& members,
                         const policy::PolicyState& content);
bool permits(const policy::ObjectFacts& facts, std::string_view member, const policy::PolicyState& content);
// policy::decide, but that what a member gave us is no secret from it: stops, agreement, collection and type count, the
// label does not. It may have been raised here by what the object refers to, or by another's copy; were it withheld
// from who sent it, looking for one's own object would tell what else is here (D7, D9).
policy::Decision decide_for_member(const policy::ObjectFacts& facts, std::string_view member,
                                   const policy::PolicyState& state, Instant now);

// Facts of an entry for deciding: a label that cannot be read denies.
policy::ObjectFacts facts_or_deny(const journal::Entry& entry);

// Finds which members of equal class terms were decided equally for every entry that it is shown.
class Partition {
 public:
  explicit Partition(std::vector<policy::MemberId> members);
  void refine(const policy::ObjectFacts& facts, const policy::PolicyState& content);
  const std::vector<policy::MemberId>& members() const { return members_; }
  bool together(std::string_view a, std::string_view b) const;
  std::vector<std::vector<policy::MemberId>> parts() const;  // in order of their first members

 private:
  std::vector<policy::MemberId> members_;
  std::vector<std::size_t> part_;
};

}  // namespace bongsu::flow
