#include "link/ledger_exchange.h"

#include <fmt/format.h>

#include <algorithm>

namespace bongsu::link {
namespace {

constexpr int kAttempts = 3;  // a witness that stands elsewhere says where; more than that is a dispute

}  // namespace

void LedgerExchange::set_peers(std::vector<LedgerPeer> peers) {
  const std::lock_guard lock(mutex_);
  peers_ = std::move(peers);
}

std::vector<LedgerLine> LedgerExchange::status() const {
  const std::lock_guard lock(mutex_);
  std::vector<LedgerLine> out;
  for (const auto& [key, state] : states_) {
    const auto head = ledger_.store().head(key.first);
    out.push_back({.member = key.second, .log = key.first, .size = head ? head->size : 0, .cosigned = state.cosigned.value_or(0), .problem = state.problem});
  }
  return out;
}

void LedgerExchange::run(const std::function<bool()>& stop) {
  std::vector<LedgerPeer> peers, auditors;
  {
    const std::lock_guard lock(mutex_);
    peers = peers_;
  }
  for (const auto& peer : peers)
    if (peer.auditor) auditors.push_back(peer);
  if (!auditors.empty() && !stop()) show(std::string(ledger::kNodeLog), auditors);
  for (const auto& peer : peers) {
    if (stop()) return;
    show(ledger::pair_log(peer.member), {peer});
  }
}

void LedgerExchange::show(const std::string& name, const std::vector<LedgerPeer>& witnesses) {
  const ledger::Store& store = ledger_.store();
  const auto cosigned = store.cosigned(name);
  const auto before = cosigned ? ledger::Checkpoint::parse(cosigned->text) : Result<ledger::Checkpoint>(fail(ErrorCode::kNotFound, ""));
  const auto head = store.head(name);
  if (!head) return;
  std::vector<std::optional<std::uint64_t>> stand;
  bool due = false;
  for (const auto& witness : witnesses) {
    std::optional<std::uint64_t> at;
    {
      const std::lock_guard lock(mutex_);
      at = states_[{name, witness.member}].cosigned;
    }
    if (!at && before) {
      const auto key = ledger::witness_key(witness.member, witness.key);
      if (cosigned->verify({&key, 1})) at = before->size;
    }
    due = due || at.value_or(0) < head->size;
    stand.push_back(at);
  }
  if (!due) return;
  const auto checkpoint = store.checkpoint(name);
  const auto shown = checkpoint ? ledger::Checkpoint::parse(checkpoint->text) : Result<ledger::Checkpoint>(std::unexpected(checkpoint.error()));
  if (!shown) {
    log_.error("ledger.checkpoint", {{"log", name}, {"error", shown.error().text()}});
    return;
  }
  ledger::Note note = *checkpoint;
  bool confirmed = false;
  for (std::size_t i = 0; i < witnesses.size(); ++i) {
    auto with = submit(name, note, shown->size, witnesses[i], stand[i]);
    const std::lock_guard lock(mutex_);
    State& state = states_[{name, witnesses[i].member}];
    state.cosigned = stand[i];
    if (with) {
      note = std::move(*with);
      confirmed = true;
      state.problem.clear();
    } else if (state.problem != with.error().message) {
      state.problem = with.error().message;
      log_.warn("ledger.not_cosigned", {{"log", name}, {"member", witnesses[i].member}, {"error", state.problem}});
    }
  }
  if (!confirmed) return;
  if (auto kept = ledger_.put_cosigned(name, note); !kept) log_.error("ledger.cosigned", {{"log", name}, {"error", kept.error().text()}});
}

Result<ledger::Note> LedgerExchange::submit(const std::string& name, const ledger::Note& checkpoint, std::uint64_t size, const LedgerPeer& witness, std::optional<std::uint64_t>& stands_at) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::uint64_t old = stands_at.value_or(0);
    if (old > size)
      return fail(ErrorCode::kConflict, fmt::format("{} has cosigned {} entries, here are {}: the ledger was put back from an older copy", witness.member, old, size));
    BONGSU_TRY(auto proof, ledger_.store().consistency(name, old, size));
    BONGSU_TRY(const Answer answer, post_(witness, ledger::add_checkpoint_request({.old_size = old, .proof = std::move(proof), .checkpoint = checkpoint})));
    auto says = ledger::read_add_checkpoint(answer.status, answer.body, checkpoint, ledger::witness_key(witness.member, witness.key));
    switch (says.kind) {
      case ledger::WitnessSays::Kind::kCosigned: stands_at = size; return std::move(says.note);
      case ledger::WitnessSays::Kind::kOtherSize:
        if (says.size == old) return fail(ErrorCode::kConflict, fmt::format("{} has cosigned another history of {} entries", witness.member, old));
        stands_at = says.size;
        break;
      case ledger::WitnessSays::Kind::kRefused: return fail(ErrorCode::kDenied, says.reason);
    }
  }
  return fail(ErrorCode::kConflict, fmt::format("{} stands at {} entries and does not take what follows them", witness.member, stands_at.value_or(0)));
}

}  // namespace bongsu::link
