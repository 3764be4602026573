#include "journal/batch_rules.h"

#include <fmt/format.h>

namespace bongsu::journal {
namespace {

std::unexpected<Error> refuse(std::size_t index, std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message), {.field = fmt::format("entries[{}]", index)});
}

std::unexpected<Error> too_large_proof(std::size_t index) {
  return fail(ErrorCode::kTooLarge, fmt::format("a proof of more than {} bytes", kMaxProofBytes),
              {.field = fmt::format("entries[{}]", index)});
}

}  // namespace

Result<std::size_t> check_batch(const Batch& batch) {
  if (batch.entries.size() > kMaxBatchEntries)
    return fail(ErrorCode::kTooLarge,
                fmt::format("a batch of {} entries; the limit is {}", batch.entries.size(), kMaxBatchEntries));
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < batch.entries.size(); ++i) {
    const NewEntry& entry = batch.entries[i];
    bytes += entry.payload.size() + entry.object_id.size() + entry.label.size() + entry.collection.size();
    bytes += entry.proof.size();
    if (entry.proof.size() > kMaxProofBytes) return too_large_proof(i);
    for (const ReleaseTo& release : entry.releases) {
      bytes += (release.payload ? release.payload->size() : 0) + release.proof.size();
      if (release.proof.size() > kMaxProofBytes) return too_large_proof(i);
      if (!release.payload && !release.proof.empty())
        return refuse(i, "a release without a variant has the entry's proof");
    }
    if (entry.payload.empty() && !entry.proof.empty()) return refuse(i, "a proof without a payload");
    if (entry.kind < EntryKind::kObject || entry.kind > EntryKind::kQuarantined)
      return refuse(i, "an unknown kind of entry");
    if (entry.kind == EntryKind::kErasure) return refuse(i, "erasures are made by erase()");
    if (entry.kind != EntryKind::kObject && !entry.releases.empty())
      return refuse(i, "only objects can be released into views");
    if ((entry.kind == EntryKind::kObject || entry.kind == EntryKind::kDeletion) && entry.object_id.empty())
      return refuse(i, "an object needs an id");
    if (entry.kind == EntryKind::kObject && entry.version.empty() != entry.version_key.empty())
      return refuse(i, "a version and its key come together");
  }
  for (const OutboxChange& change : batch.outbox)
    for (const OutboxChange::Redacted& redacted : change.redacted)
      bytes += redacted.payload.size() + redacted.proof.size();
  for (const StateChange& change : batch.states)
    bytes += change.space.size() + change.key.size() + (change.value ? change.value->size() : 0);
  for (const Destruction& wanted : batch.destroy) {
    if (wanted.object_id.empty()) return fail(ErrorCode::kInvalid, "names an object", {.field = "destroy"});
    bytes += wanted.object_id.size() + wanted.origin.size();
  }
  if (batch.destroy.size() > kMaxBatchEntries)
    return fail(ErrorCode::kTooLarge,
                fmt::format("{} destructions; the limit is {}", batch.destroy.size(), kMaxBatchEntries));
  for (const LabelChange& change : batch.labels) bytes += change.label.size();
  if (batch.labels.size() > kMaxBatchEntries)
    return fail(ErrorCode::kTooLarge,
                fmt::format("{} changes of labels; the limit is {}", batch.labels.size(), kMaxBatchEntries));
  if (bytes > kMaxBatchBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("a batch of {} bytes; the limit is {}", bytes, kMaxBatchBytes));
  std::size_t changes = 0;
  for (const OutboxChange& change : batch.outbox)
    changes += change.release.size() + change.redacted.size() + change.withdraw.size();
  if (changes > kMaxOutboxChanges)
    return fail(ErrorCode::kTooLarge,
                fmt::format("{} changes to outboxes; the limit is {}", changes, kMaxOutboxChanges));
  return bytes;
}

std::vector<Seq> released_by(const OutboxChange& change) {
  std::vector<Seq> out = change.release;
  for (const OutboxChange::Redacted& redacted : change.redacted) out.push_back(redacted.seq);
  return out;
}

bool releases_anything(const Batch& batch) {
  for (const NewEntry& entry : batch.entries)
    if (!entry.releases.empty()) return true;
  for (const OutboxChange& change : batch.outbox)
    if (!change.release.empty() || !change.redacted.empty()) return true;
  return false;
}

std::unexpected<Error> stale_epoch(std::uint64_t batch, std::uint64_t journal) {
  return fail(
      ErrorCode::kConflict,
      fmt::format("the releases were decided under epoch {}, the journal is at {}: decide again", batch, journal),
      {.field = "epoch"});
}

}  // namespace bongsu::journal
