// Admission::admit_held: what a person lets in from quarantine.
#include <fmt/format.h>

#include "flow/admit.h"
#include "flow/exercise_rules.h"

namespace bongsu::flow {

Result<AdmitItem> Admission::admit_held(std::string_view id, std::string_view by, std::string_view why) {
  if (quarantine_ == nullptr) return fail(ErrorCode::kUnsupported, "this node keeps no quarantine");
  if (why.empty() || why.size() > kMaxHeldReasonBytes)
    return fail(ErrorCode::kInvalid, fmt::format("a reason has 1 to {} bytes", kMaxHeldReasonBytes),
                {.field = "reason"});
  const auto item = quarantine_->find(id);
  BONGSU_TRY(const journal::Content content, quarantine_->content(id));
  BONGSU_TRY(journal::StateChange record, quarantine_->as_admitted(id, by, why));
  std::vector<Result<stix::Object>> objects;
  objects.push_back(stix::Object::parse(content.payload));
  if (!objects.front()) return std::unexpected(objects.front().error());
  AdmitContext context{.collection = item->collection, .origin = item->member, .fallback = item->fallback, .proofs = {content.proof}, .labels = {item->label}};
  // Written with the object, or not at all: an object that is refused after all leaves its record as it was.
  BONGSU_TRY_VOID(may_be_admitted(*objects.front(), *item));
  context.states.push_back(std::move(record));
  if (origins_ != nullptr && objects.front()->type() == "identity" && !item->originator.empty() &&
      origins_->judge(content.proof, content.payload).proven_by(item->originator))
    context.states.push_back(origins_->set_owner(item->object_id, item->originator));
  BONGSU_TRY(auto report, admit_with(objects, context, true));
  BONGSU_TRY_VOID(quarantine_->admitted(id, by, why));
  return std::move(report.items.front());
}

// What admit_with would refuse whoever asks.
Result<void> Admission::may_be_admitted(const stix::Object& object, const HeldItem& item) {
  if (item.reason == HeldFor::kMarkingConflict)
    return fail(ErrorCode::kConflict,
                "a marking definition means one content for ever (STIX 2.1 §7.2.1); this is another");
  if (const auto findings = stix::validate(object); stix::has_errors(findings))
    return fail(ErrorCode::kConflict, "the standard refuses it");
  const std::string exercise = exercise_of(item.collection);
  if (const auto why = against_exercise(markings_.label_of(object, item.fallback, exercise), exercise))
    return fail(ErrorCode::kConflict, std::string(*why));
  BONGSU_TRY(const auto versions, journal_.snapshot()->versions(item.collection, item.object_id));
  for (const auto& version : versions)
    if (!item.version_key.empty() && version.version_key == item.version_key)
      return fail(ErrorCode::kConflict, "this version is here already, with the content that came first");
  return {};
}

}  // namespace bongsu::flow
