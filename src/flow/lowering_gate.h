// What comes in by hand and takes two persons (approvals.h says how a second one decides): own objects whose label is
// lowered, where four eyes are wanted (policy/lowering.h says what counts); and what a member recalled, brought in again
// as this node's own: never by one person alone, so not at all while four eyes are off
// or only one person has the right.
//
//   BONGSU_TRY(auto gate, LoweringGate::load(journal, release, collections, approvals, admission, {.from =
//   stix::Tlp::kRed})); admission.use(*gate);
//
// Compared is with the newest version of the object that this node made, in any collection; a guarded version that was
// deleted is remembered, so that nobody gets round it by deleting first. What comes without a person who could propose
// it (a feed) is refused. A new object with the same content is another object: that nobody sees here.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "flow/approvals.h"
#include "flow/collections.h"
#include "flow/personal_view.h"
#include "flow/release.h"
#include "journal/journal.h"
#include "policy/lowering.h"
#include "stix/object.h"

namespace bongsu::flow {

class Admission;
struct AdmitContext;

inline constexpr std::string_view kLowerLabel = "label.lower", kOverrideRecall = "recall.override";

struct LoweringOptions {
  std::string self;
  stix::Tlp from = stix::Tlp::kRed;
};

// Safe from any thread.
class LoweringGate {
 public:
  static Result<std::unique_ptr<LoweringGate>> load(journal::Journal& journal, const Release& release,
                                                    const Collections& collections, Approvals& approvals,
                                                    Admission& admission, LoweringOptions options);

  // The label that an own object has now: of its newest version, or what is remembered of a deleted one. nullopt: this
  // node made none.
  Result<std::optional<policy::Label>> label_here(const std::string& object_id) const;
  // The same; nullopt as well while four eyes are off: nobody asks, and large imports look nothing up for it.
  Result<std::optional<policy::Label>> standing(const std::string& object_id) const;

  bool takes_two(const policy::Label& before, const policy::Label& after) const {
    return approvals_.four_eyes() && policy::needs_second_person(before, after, options_.from);
  }
  // Proposes it; the sentence that its sender is told. nullopt: nobody else could decide, it goes on alone.
  Result<std::optional<std::string>> propose(const stix::Object& object, const AdmitContext& context);

  // The same for what this member recalled: never nullopt. kDenied: fewer than two persons of this node have the right.
  Result<std::optional<std::string>> override_recall(const stix::Object& object, const AdmitContext& context,
                                                     const std::string& giver);

  // Own versions of an object go: what has to be remembered of them, for the commit that deletes them, and then that it
  // was written.
  std::optional<journal::StateChange> deleted(const std::string& object_id, const policy::Label& label);
  void written(const std::string& object_id, const policy::Label& label);

 private:
  LoweringGate(journal::Journal& journal, const Release& release, const Collections& collections, Approvals& approvals,
               Admission& admission, LoweringOptions options)
      : journal_(journal),
        collections_(collections),
        approvals_(approvals),
        admission_(admission),
        options_(std::move(options)),
        views_(release) {}
  using Plan = Result<ActPlan> (LoweringGate::*)(const Proposed& what) const;
  Act act(std::string_view kind, Plan plan, bool never_alone);
  Result<ActPlan> plan_lowering(const Proposed& what) const;
  Result<ActPlan> plan_override(const Proposed& what) const;
  Result<std::optional<std::string>> ask(std::string_view kind, const stix::Object& object, const AdmitContext& context,
                                         const std::string& words);
  Result<void> execute(const Proposed& what, const Closing& closing);

  journal::Journal& journal_;
  const Collections& collections_;
  Approvals& approvals_;
  Admission& admission_;
  const LoweringOptions options_;
  mutable PersonalViews views_;
  mutable std::mutex mutex_;
  std::map<std::string, policy::Label> deleted_;  // by object
};

}  // namespace bongsu::flow
