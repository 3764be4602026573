#include "flow/append_decided.h"

namespace bongsu::flow {
namespace {

constexpr int kMaxAttempts = 64;
constexpr std::chrono::milliseconds kPublishDeadline{2000};

}  // namespace

Result<journal::Receipt> append_decided(journal::Journal& journal, Release& release, journal::Batch& batch,
                                        const std::vector<std::optional<policy::ObjectFacts>>& facts) {
  BONGSU_CHECK(facts.size() == batch.entries.size());
  for (std::size_t i = 0; i < facts.size(); ++i)
    if (facts[i]) release.note_expiry(*facts[i], batch.entries[i].version_key, batch.states);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const std::uint64_t epoch = release.epoch();
    for (std::size_t i = 0; i < facts.size(); ++i)
      if (facts[i]) BONGSU_TRY_VOID(release.decide_for(batch.entries[i], *facts[i]));
    if (release.epoch() != epoch) continue;  // a view was split: entries decided before know nothing of it
    batch.epoch = epoch;
    auto receipt = journal.append(batch);
    if (receipt || receipt.error().code != ErrorCode::kConflict) return receipt;
    release.wait_for_change(epoch, kPublishDeadline);
  }
  return fail(ErrorCode::kConflict, "the policy changes too fast to decide under it; try again");
}

}  // namespace bongsu::flow
