// What one person may see of this node: every path by which an account reads asks here, and nowhere else.
//
//   flow::PersonalViews views(release);
//   const auto view = views.of(principal);
//   if (view->sees(entry)) …                        // an object's version in a collection, by its label
//   query.sees = [view](const std::string& label) { return view->sees_label(label); };
//
// Two conditions: the account reads the collection, and policy::person_may_see, by the whole label: an object is seen
// whole or not at all. What is hidden is to look as if it were not there: callers answer "no such", count what is left,
// and fill pages with what is left.
//
// A label is judged once for all who have the same name and clearance; then a question costs one look-up. A change of
// the policy (its epoch) begins anew.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "flow/release.h"
#include "identity/accounts.h"
#include "policy/person.h"

namespace bongsu::flow {

inline constexpr std::size_t kMaxJudgedLabels = 100'000;  // of one person; more are judged again
inline constexpr std::size_t kMaxPersonalViews = 1'000;   // persons at a time

// The account's words as policy's. A rank that is none is the least.
policy::Person person_of(const identity::Principal& who);

// Safe from any thread.
class PersonalView {
 public:
  PersonalView(policy::Person person, std::shared_ptr<const policy::PolicyState> state);

  // An object's label, as text. An entry that is no object has none and says nothing of any. A text that is no label is
  // nobody's.
  bool sees_label(const std::string& label) const;
  bool sees_label(const policy::Label& label) const;
  // The collection is asked of the account (`who`), so that rights that were taken away count at once.
  bool sees(const identity::Principal& who, const std::string& collection, const std::string& label) const {
    return (collection.empty() || who.may_read(collection)) && sees_label(label);
  }
  bool sees(const identity::Principal& who, const journal::Entry& entry) const {
    return sees(who, entry.collection, entry.label);
  }
  const policy::Person& person() const { return person_; }

 private:
  const policy::Person person_;
  const std::shared_ptr<const policy::PolicyState> state_;
  mutable std::shared_mutex mutex_;
  mutable std::unordered_map<std::string, bool> judged_;
};

// Safe from any thread.
class PersonalViews {
 public:
  explicit PersonalViews(const Release& release) : release_(release) {}
  std::shared_ptr<const PersonalView> of(const identity::Principal& who);

 private:
  const Release& release_;
  std::mutex mutex_;
  std::uint64_t epoch_ = 0;
  std::map<std::string, std::shared_ptr<const PersonalView>> views_;  // by name and clearance as text
};

}  // namespace bongsu::flow
