// Release: the one way out. Keeps views (classes of members with equal decisions), decides for each what a new entry becomes, and gates reading.
//
//   release.decide_for(entry, facts)                 → fills entry.releases for every view of its collection
//   release.view_of("cert-ua", collection)           → the outbox that this member may read now, or why none
//   release.preview(facts)                           → who would get this, with reasons: the same function
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "journal/journal.h"
#include "policy/decide.h"

namespace bongsu::flow {

struct PreviewLine {
  policy::MemberId member;
  policy::Decision decision;
};

// Safe from any thread.
class Release {
 public:
  // Loads the mapping of members to views from the journal.
  static Result<std::unique_ptr<Release>> load(journal::Journal& journal, const Clock& clock, Log& log);

  // Replaces the policy state (members, agreements, stops): a new epoch. Views are made, split and backfilled as needed; what is no longer
  // permitted is withdrawn, what is newly permitted is appended. Returns when that is durable. `collections`: ids of all collections.
  Result<void> apply(policy::PolicyState state, const std::vector<std::string>& collections);
  std::shared_ptr<const policy::PolicyState> state() const;
  std::uint64_t epoch() const;

  // Decides for every member with a view of this collection and fills entry.releases. May split views first (durably).
  Result<void> decide_for(journal::NewEntry& entry, const policy::ObjectFacts& facts);

  // The view to read for a member now. kNotFound: no agreement, stopped, expired, collection not in it, or no such collection: one answer for
  // all of them, so that it tells nothing. The node itself (self) sees every collection.
  Result<journal::ViewId> view_of(std::string_view member, std::string_view collection);
  std::vector<std::string> readable_collections(std::string_view member);

  std::vector<PreviewLine> preview(const policy::ObjectFacts& facts) const;
  // The facts of a stored entry, for `who may see this` in the console.
  static Result<policy::ObjectFacts> facts_of(const journal::Entry& entry);

 private:
  Release(journal::Journal& journal, const Clock& clock, Log& log) : journal_(journal), clock_(clock), log_(log) {}
  journal::Journal& journal_;
  const Clock& clock_;
  Log& log_;
  mutable std::shared_mutex mutex_;
  std::shared_ptr<const policy::PolicyState> state_;
  std::map<std::pair<std::string, std::string>, journal::ViewId> views_;  // (collection, member) → view
};

}  // namespace bongsu::flow
