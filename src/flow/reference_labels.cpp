#include "flow/reference_labels.h"

#include "flow/facts.h"

#include <algorithm>
#include <deque>
#include <unordered_map>

namespace bongsu::flow {
namespace {

// A chain in a batch settles in as many rounds as a label can rise; hostile batches could take longer, and deny
// instead.
constexpr std::size_t kMaxRoundsPerObject = 32;

bool counts(const stix::Reference& reference) {
  return reference.target.type != "marking-definition" && reference.property != "created_by_ref";
}

// More than can be asked for denies.
void add_target(policy::ObjectFacts& facts, policy::Target target) {
  if (facts.targets.size() < policy::kMaxTargets || facts.targets.contains(target))
    facts.targets.insert(std::move(target));
  else
    facts.label = policy::join(facts.label, policy::deny_all());
}

// What that refers to in turn is hidden with it, so it is asked for as well; whom that leaves out of what it names is its
// own affair.
void add_further(policy::ObjectFacts& facts, const std::set<policy::Target>& of_target) {
  for (policy::Target target : of_target) {
    target.sighter = false;
    add_target(facts, std::move(target));
  }
}

bool names_sighter(const stix::Reference& reference, const policy::ObjectFacts& facts) {
  return facts.names_sighters && reference.property.starts_with("where_sighted_refs");
}

// Where it stands as the copy that counts here, and as one that the same member gave with what refers to it: whoever may
// have that one may be told of it.
policy::Target known_target(const stix::Reference& reference, const std::vector<KnownCopy>& copies,
                            const KnownCopy& standing, std::string_view origin, std::string_view self) {
  policy::Target out{.type = reference.target.type, .sectors = standing.sectors};
  for (const KnownCopy& copy : copies) {
    if (copy.origin != self) out.givers.insert(copy.origin);
    if (&copy == &standing || (copy.origin == origin && policy::at_most(copy.label, standing.label)))
      out.collections.insert(copy.collections.begin(), copy.collections.end());
  }
  return out;
}

policy::Label no_further_than(std::string_view origin, std::string_view self) {
  policy::Label out = policy::bottom();
  out.releasable_to = {std::string(origin), std::string(self)};
  return out;
}

}  // namespace

policy::Label label_of_reference(const policy::Label& target, std::string_view target_origin, std::string_view self) {
  // Parts that are left out take nothing away from knowing that the rest is there (policy::separate sees to that).
  policy::Label out = target.parts.empty() ? policy::whole(target) : target.parts.front().label;
  out.marked = false;
  if (target_origin != self) {
    if (out.releasable_to) out.releasable_to->emplace(target_origin);
    std::set<policy::ReleaseClause> clauses;
    for (policy::ReleaseClause clause : out.clauses) {
      clause.members.emplace(target_origin);
      clauses.insert(std::move(clause));
    }
    out.clauses = std::move(clauses);
    out.reveals.emplace(target_origin);
  }
  return out;
}

bool hides_more(std::vector<KnownCopy> before, std::vector<KnownCopy> after, std::string_view self) {
  // A drill's copy counts for what drills, and for what is live where nothing else is known.
  for (const bool live : {false, true}) {
    if (live) {
      leave_out_drills(before);
      leave_out_drills(after);
    }
    const KnownCopy *was = standing_copy(before, self), *is = standing_copy(after, self);
    if (is == nullptr) continue;
    if (was == nullptr) return true;
    if (!policy::at_most(label_of_reference(is->label, is->origin, self), label_of_reference(was->label, was->origin, self)))
      return true;
    if (is->sectors != was->sectors || !std::ranges::includes(was->targets, is->targets)) return true;
  }
  return false;
}

Result<void> raise_by_references(const std::vector<Referring>& batch, std::string_view origin, std::string_view self,
                                 bool live, KnownObjects::Look& look, std::set<std::string>* unknown) {
  std::unordered_map<std::string, std::vector<std::size_t>> here;  // id → objects of the batch (versions)
  bool any = false;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    for (const auto& reference : batch[i].object->references()) any = any || counts(reference);
    here[batch[i].object->id_text()].push_back(i);
  }
  if (!any) return {};

  std::unordered_map<std::string, std::vector<std::size_t>> referring;  // id → objects of the batch that refer to it
  for (std::size_t i = 0; i < batch.size(); ++i) {
    for (const auto& reference : batch[i].object->references()) {
      if (!counts(reference) || reference.target == batch[i].object->id()) continue;
      std::string target = reference.target.text();
      policy::ObjectFacts& facts = *batch[i].facts;
      const bool sighter = names_sighter(reference, facts);
      if (const auto others = here.find(target); others != here.end()) {
        auto& from = referring[target];
        if (from.empty() || from.back() != i) from.push_back(i);
        for (const std::size_t other : others->second) {
          policy::Target one{.type = reference.target.type,
                             .collections = {batch[other].facts->collection},
                             .sectors = batch[other].facts->sectors,
                             .sighter = sighter};
          if (origin != self) one.givers.emplace(origin);
          add_target(facts, std::move(one));
        }
        continue;
      }
      BONGSU_TRY(auto copies, look.copies(target));
      // What is known outside of exercises, too, is none of their secrets: whoever drills with a public object's id would
      // else take all that refers to it out of service.
      if (live && std::ranges::any_of(copies, [](const KnownCopy& one) { return one.label.exercises.empty(); }))
        leave_out_drills(copies);
      if (const KnownCopy* copy = standing_copy(copies, self)) {
        policy::Label revealed = label_of_reference(copy->label, copy->origin, self);
        const bool only_label = batch[i].named_first && copy->origin != self;
        if (only_label) revealed.reveals.clear();
        facts.label = policy::join(facts.label, revealed);
        if (only_label) continue;
        policy::Target known = known_target(reference, copies, *copy, origin, self);
        known.sighter = sighter;
        add_target(facts, std::move(known));
        add_further(facts, copy->targets);
        continue;
      }
      if (unknown != nullptr) unknown->insert(target);
      if (!batch[i].covered) facts.label = policy::join(facts.label, no_further_than(origin, self));
      add_target(facts, {.type = reference.target.type, .sighter = sighter});
    }
  }
  if (referring.empty()) return {};

  std::deque<std::size_t> risen;
  std::vector<bool> queued(batch.size(), true);
  for (std::size_t i = 0; i < batch.size(); ++i) risen.push_back(i);
  std::size_t rounds = kMaxRoundsPerObject * batch.size();
  while (!risen.empty() && rounds > 0) {
    const std::size_t target = risen.front();
    risen.pop_front();
    queued[target] = false;
    const auto from = referring.find(batch[target].object->id_text());
    if (from == referring.end()) continue;
    const policy::Label revealed = label_of_reference(label_of_existence(*batch[target].facts), origin, self);
    for (const std::size_t i : from->second) {
      if (rounds > 0) --rounds;
      // With the object's own part: it tells the reference wherever it goes, whatever is left out of it.
      policy::Label& whole = batch[i].facts->label;
      const std::size_t targets = batch[i].facts->targets.size();
      add_further(*batch[i].facts, batch[target].facts->targets);
      const bool raised = !policy::at_most(revealed, policy::own_part(whole));
      if (!raised && batch[i].facts->targets.size() == targets) continue;
      if (raised) whole = policy::join(whole, revealed);
      if (!queued[i]) {
        queued[i] = true;
        risen.push_back(i);
      }
    }
  }
  if (rounds == 0)
    for (const auto& [_, from] : referring)
      for (const std::size_t i : from) batch[i].facts->label = policy::join(batch[i].facts->label, policy::deny_all());
  return {};
}

}  // namespace bongsu::flow
