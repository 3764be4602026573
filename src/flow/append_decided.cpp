#include "flow/append_decided.h"

namespace bongsu::flow {
namespace {

constexpr int kMaxAttempts = 64;
constexpr std::chrono::milliseconds kPublishDeadline{2000};

}  // namespace

Result<journal::Receipt> append_decided(journal::Journal& journal, Release& release, journal::Batch& batch,
                                        const std::vector<std::optional<policy::ObjectFacts>>& facts) {
  return append_decided(journal, release, batch, facts, {});
}

Result<journal::Receipt> append_decided(journal::Journal& journal, Release& release, journal::Batch& batch,
                                        const std::vector<std::optional<policy::ObjectFacts>>& facts,
                                        const TakeAway& take_away) {
  BONGSU_CHECK(facts.size() == batch.entries.size());
  for (std::size_t i = 0; i < facts.size(); ++i)
    if (facts[i]) release.note_expiry(*facts[i], batch.entries[i].version_key, batch.states);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const std::uint64_t epoch = release.epoch();
    for (std::size_t i = 0; i < facts.size(); ++i)
      if (facts[i]) BONGSU_TRY_VOID(release.decide_for(batch.entries[i], *facts[i]));
    if (release.epoch() != epoch) continue;  // a view was split: entries decided before know nothing of it
    batch.epoch = epoch;
    Result<journal::Receipt> receipt;
    if (!take_away) {
      receipt = journal.append(batch);
    } else {
      const std::size_t entries = batch.entries.size(), states = batch.states.size(), changes = batch.outbox.size();
      BONGSU_TRY_VOID(release.with_arrangement([&](const Release::Readers& readers, std::uint64_t now) -> Result<void> {
        if (now != epoch) {
          receipt = fail(ErrorCode::kConflict, "the arrangement changed");
          return {};
        }
        BONGSU_TRY_VOID(take_away(readers, batch));
        receipt = journal.append(batch);
        return {};
      }));
      if (!receipt) {
        batch.entries.resize(entries);
        batch.states.resize(states);
        batch.outbox.resize(changes);
      }
    }
    if (receipt || receipt.error().code != ErrorCode::kConflict) return receipt;
    release.wait_for_change(epoch, kPublishDeadline);
  }
  return fail(ErrorCode::kConflict, "the policy changes too fast to decide under it; try again");
}

}  // namespace bongsu::flow
