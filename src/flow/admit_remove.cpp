// Admission::remove: what leaves the collections again.
#include <algorithm>
#include <optional>

#include "flow/admit.h"

namespace bongsu::flow {

Result<void> Admission::remove(std::string_view collection, std::string_view object_id, std::string_view version_key,
                               std::string_view origin, std::vector<journal::StateChange> states, RecallReason reason) {
  const auto nothing = [] { return fail(ErrorCode::kNotFound, "there is no such object in this collection"); };
  // What is held of it goes, too: nobody lets it in later.
  if (quarantine_ != nullptr) {
    Quarantine::Which held{.object_id = object_id, .collection = collection};
    if (!version_key.empty()) held.version_key = version_key;
    if (origin != self()) held.member = origin;
    BONGSU_TRY([[maybe_unused]] const auto discarded,
               quarantine_->discard_all(held, origin, "its sender withdrew it, or it was deleted"));
  }
  // What the asker may see, and what there is, in one snapshot.
  auto reading = release_.open(origin, collection);
  if (!reading) return nothing();
  BONGSU_TRY(const auto stored, reading->snapshot->versions(collection, object_id));
  std::vector<const journal::Entry*> wanted;
  bool all = true;
  for (const auto& entry : stored) {
    BONGSU_TRY(const auto presence, reading->snapshot->presence(reading->view, entry.seq));
    if (presence != journal::Snapshot::Presence::kVisible)
      all = false;
    else if (version_key.empty() || entry.version_key == version_key)
      wanted.push_back(&entry);
  }
  if (wanted.empty()) return nothing();
  if (origin != self() && std::ranges::any_of(wanted, [&](const auto* entry) { return entry->origin != origin; }))
    return fail(ErrorCode::kDenied, "only what one gave can be deleted");
  const auto others_of = [&](const journal::Entry& one) {
    std::vector<journal::Seq> out;
    for (const auto& entry : stored)
      if (entry.version_key == one.version_key && std::ranges::find(wanted, &entry) == wanted.end())
        out.push_back(entry.seq);
    return out;
  };

  std::optional<std::shared_lock<FairSharedMutex>> admitting;
  if (recall_ != nullptr) admitting.emplace(recall_->admit());
  journal::Batch batch;
  batch.states = std::move(states);
  note_end_gone(std::string(object_id), batch.states);
  const auto deletion = [&](std::string version, std::string key, std::vector<journal::Seq> apart) {
    batch.entries.push_back({.kind = journal::EntryKind::kDeletion,
                             .collection = std::string(collection),
                             .object_id = std::string(object_id),
                             .version = std::move(version),
                             .version_key = std::move(key),
                             .origin = std::string(origin),
                             .apart = std::move(apart)});
  };
  if (all && version_key.empty())
    deletion("", "", {});
  else
    for (const auto* entry : wanted) deletion(entry->version, entry->version_key, others_of(*entry));
  // What this node made and guarded does not come back with a weaker label because it was deleted in between.
  std::optional<policy::Label> guarded;
  if (gate_ != nullptr && origin == self()) {
    BONGSU_TRY(guarded, gate_->standing(std::string(object_id)));
    auto remembered = guarded ? gate_->deleted(std::string(object_id), *guarded) : std::nullopt;
    if (remembered)
      batch.states.push_back(std::move(*remembered));
    else
      guarded.reset();
  }
  // Tombstones name ids: one for a drill's copy would take the live one with it. The link tells what is gone.
  BONGSU_TRY(const bool also_elsewhere, stands_outside(exercise_of(collection), std::string(object_id)));
  if (recall_ == nullptr || also_elsewhere) {
    BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
  } else {
    Recall::Plan plan;
    BONGSU_TRY_VOID(release_.with_arrangement([&](const Release::Readers& readers, std::uint64_t) -> Result<void> {
      std::vector<Recall::Rows> rows;
      for (const auto& reader : readers(std::string(collection))) {
        if (reader.member == origin) continue;  // it asked for it
        Recall::Rows part{
            .view = reader.view, .member = reader.member, .collection = std::string(collection), .seqs = {}};
        for (const auto* entry : wanted) part.seqs.push_back(entry->seq);
        rows.push_back(std::move(part));
      }
      BONGSU_TRY(plan, recall_->plan_withdrawal(rows, reason, batch));
      // Whoever was given it refuses it for ever, so it is not offered again. Of this node's own versions, also when
      // nobody was given them: others learn by one that comes back whether somebody was. What has no versions could not
      // come back at all.
      const auto newest = std::ranges::max_element(wanted, {}, &journal::Entry::version_key);
      const bool another_may_follow = origin == self() && !(*newest)->version_key.empty();
      if (is_for_good(reason) && (another_may_follow || !plan.orders.empty())) {
        recall_->bar(plan, batch, std::string(object_id), (*newest)->version);
      }
      BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
      return {};
    }));
    recall_->made_durable(std::move(plan));
  }
  if (guarded) gate_->written(std::string(object_id), *guarded);
  known_.forget(std::string(object_id));
  if (follows_ends()) ends_written({std::string(object_id)}, {});
  admitting.reset();
  if (const auto followed = follow_ends(); !followed)
    log_.warn("admit.follow_ends", {{"error", followed.error().text()}});
  return {};
}

// Whether something of a drill's object is here outside of that drill, too. Of live ones that is no matter.
Result<bool> Admission::stands_outside(const std::string& exercise, const std::string& object_id) {
  if (exercise.empty()) return false;
  BONGSU_TRY(const auto entries, journal_.snapshot()->versions("", object_id));
  return std::ranges::any_of(
      entries, [&](const journal::Entry& entry) { return !entry.erased && exercise_of(entry.collection) != exercise; });
}

}  // namespace bongsu::flow
