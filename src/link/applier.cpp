#include "link/applier.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace bongsu::link {
namespace {

constexpr std::string_view kCursorSpace = "link.cursor";
constexpr int kMaxLoggedRefusals = 10;  // of one batch; the rest is counted

std::string key_of(const FollowedCollection& remote) { return fmt::format("{}/{}", remote.member, remote.id); }

journal::StateChange state_of(const FollowedCollection& remote, const Cursor& cursor) {
  return {std::string(kCursorSpace), key_of(remote), cursor.state()};
}

using Versions = std::set<std::string_view>;  // of one object

// Another version than those that are brought is no matter of theirs.
bool takes(const TailItem& withdrawal, const Versions& brought) {
  return withdrawal.version.empty() ? !brought.empty() : brought.contains(withdrawal.version);
}

// What of a batch is done at once, by place in it: in each turn what is withdrawn goes before what is brought. What
// befalls one version of an object keeps its order, and the last of every object comes in the last turn, however often
// another one turned: what becomes of a version before a stricter one, or of what refers to something behind it,
// depends on what comes at once, and would tell of others' objects.
std::vector<std::vector<std::size_t>> turns_of(const std::vector<TailItem>& items) {
  struct Told {
    std::size_t turn = 0;  // of this object, from its first
    Versions brought;      // in that turn
  };
  std::map<std::string_view, Told> told;
  std::vector<std::size_t> turn_of(items.size());
  std::size_t most = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const TailItem& item = items[i];
    if (item.kind == TailItem::Kind::kVoid) continue;
    auto& [turn, brought] = told[item.object_id];
    const bool withdrawn = item.kind == TailItem::Kind::kWithdrawn;
    // A version that comes again was redacted otherwise meanwhile, and replaces what stands before it.
    if (withdrawn ? takes(item, brought) : brought.contains(item.version)) {
      most = std::max(most, ++turn);
      brought.clear();
    }
    if (!withdrawn) brought.insert(item.version);
    turn_of[i] = turn;
  }
  std::vector<std::vector<std::size_t>> turns(most + 1);
  for (std::size_t i = 0; i < items.size(); ++i)
    if (items[i].kind != TailItem::Kind::kVoid) turns[most - told[items[i].object_id].turn + turn_of[i]].push_back(i);
  return turns;
}

}  // namespace

FlowApplier::FlowApplier(journal::Journal& journal, flow::Admission& admission, flow::Collections& collections,
                         Random& random, Log& log, std::string self, OnMirror on_mirror, Sealing* sealing)
    : journal_(journal),
      admission_(admission),
      collections_(collections),
      random_(random),
      log_(log),
      self_(std::move(self)),
      on_mirror_(std::move(on_mirror)),
      sealing_(sealing) {}

Result<flow::Collection> FlowApplier::mirror(const FollowedCollection& remote) {
  return collections_.mirror(remote.member, remote.id, remote.alias, remote.title, remote.exercise, random_);
}

Result<Cursor> FlowApplier::open(const FollowedCollection& remote) {
  const auto known = [&] {
    for (const auto& c : collections_.list())
      if (c.mirror_of == remote.member && c.remote_id == remote.id) return true;
    return false;
  }();
  BONGSU_TRY(const auto collection, mirror(remote));
  if (!known && on_mirror_) on_mirror_(collection);
  BONGSU_TRY(const auto stored, journal_.state(kCursorSpace, key_of(remote)));
  if (!stored) return Cursor{};
  auto cursor = Cursor::parse(*stored);
  if (!cursor) {
    // From the beginning is slow and safe: admission knows what it has.
    log_.warn("link.cursor_unreadable", {{"member", remote.member}, {"collection", remote.alias}});
    return Cursor{};
  }
  return cursor;
}

Result<std::vector<std::pair<std::string, Cursor>>> stored_cursors(journal::Journal& journal,
                                                                   const std::string& member) {
  std::vector<std::pair<std::string, Cursor>> out;
  BONGSU_TRY(const auto states, journal.states(kCursorSpace));
  const std::string theirs = member + '/';
  for (const auto& [key, state] : states) {
    if (!key.starts_with(theirs)) continue;
    if (auto cursor = Cursor::parse(state)) out.emplace_back(key.substr(theirs.size()), std::move(*cursor));
  }
  return out;
}

TailBatch FlowApplier::unsealed(const FollowedCollection& remote, const TailBatch& received, OpenedItems& opened,
                                AppliedCounts& counts, int& logged) {
  TailBatch batch = received;
  for (std::size_t i = 0; i < batch.items.size(); ++i) {
    TailItem& item = batch.items[i];
    if (item.sealed.empty()) continue;
    const auto done = [&]() -> Result<void> {
      if (sealing_ == nullptr) return fail(ErrorCode::kUnsupported, "this node does not open what is sealed");
      BONGSU_TRY(auto envelope, sealing_->open(item.sealed));
      const auto& header = envelope.opened.header;
      if (header.sender != remote.member)
        return fail(ErrorCode::kDenied, fmt::format("{} has sent what {} sealed", remote.member, header.sender));
      if (header.content_type != tail_content_type(remote.id))
        return fail(ErrorCode::kDenied, "it was sealed for another collection or purpose");
      BONGSU_TRY_VOID(read_tail_object(std::move(envelope.opened.content), item));
      opened[i] = std::move(envelope);
      return {};
    }();
    if (done) continue;
    // It is of no use at any later time: the cursor goes past it, and people are told.
    item.kind = TailItem::Kind::kVoid;
    item.sealed.clear();
    ++counts.refused;
    if (logged++ < kMaxLoggedRefusals)
      log_.warn("link.seal_refused", {{"member", remote.member},
                                      {"collection", remote.alias},
                                      {"position", fmt::format("{}", item.pos)},
                                      {"reason", done.error().text()}});
  }
  return batch;
}

Result<AppliedCounts> FlowApplier::apply(const FollowedCollection& remote, const TailBatch& received) {
  if (const auto why = suspended(remote.member)) return fail(ErrorCode::kDenied, "the link is suspended: " + *why);
  BONGSU_TRY(const auto collection, mirror(remote));
  AppliedCounts counts;
  bool gone = false;
  int logged = 0;
  OpenedItems opened;
  const bool any_sealed = std::any_of(received.items.begin(), received.items.end(),
                                      [](const TailItem& item) { return !item.sealed.empty(); });
  const TailBatch unsealed_batch = any_sealed ? unsealed(remote, received, opened, counts, logged) : TailBatch{};
  const TailBatch& batch = any_sealed ? unsealed_batch : received;
  const bool brings =
      std::ranges::any_of(batch.items, [](const TailItem& item) { return item.kind == TailItem::Kind::kObject; });
  std::string lie;
  Cursor written;
  const auto turns = turns_of(batch.items);
  for (const auto& turn : turns) {
    std::vector<const TailItem*> brought;
    std::vector<Result<stix::Object>> objects;
    std::vector<std::string> proofs, labels;
    std::vector<std::uint64_t> decided_after;
    std::vector<journal::StateChange> states;
    std::vector<const Sealing::OpenedEnvelope*> envelopes;
    for (const std::size_t i : turn) {
      const TailItem& item = batch.items[i];
      if (item.kind == TailItem::Kind::kWithdrawn) {
        gone = true;
        // The cursor stays before what is not admitted yet.
        const Cursor cursor{item.pos, item.cursor};
        std::vector<journal::StateChange> with_it;
        if (!brings) with_it.push_back(state_of(remote, cursor));
        BONGSU_TRY(const bool removed, withdrawn(collection.id, remote, item, std::move(with_it), counts));
        if (removed && !brings) written = cursor;
        continue;
      }
      brought.push_back(&item);
      objects.push_back(stix::Object::parse(item.bytes));
      proofs.push_back(item.proof);
      labels.push_back(item.label);
      decided_after.push_back(item.tombstones);
      if (const auto found = opened.find(i); found != opened.end()) {
        states.insert(states.end(), found->second.states.begin(), found->second.states.end());
        envelopes.push_back(&found->second);
      }
    }
    if (objects.empty()) continue;
    if (&turn == &turns.back()) states.push_back(state_of(remote, batch.cursor));
    std::uint64_t& tombstones = tombstones_[remote.member];
    if (const auto most = std::ranges::max(decided_after); most > std::exchange(tombstones, std::max(tombstones, most)))
      gone = true;
    BONGSU_TRY(const auto report, admission_.admit(objects, {.collection = collection.id,
                                                             .origin = remote.member,
                                                             .fallback = collection.fallback,
                                                             .states = std::move(states),
                                                             .replaces = true,
                                                             .proofs = std::move(proofs),
                                                             .labels = std::move(labels),
                                                             .decided_after = std::move(decided_after)}));
    for (const auto* envelope : envelopes) sealing_->committed(*envelope);
    counts.applied += report.admitted;
    counts.refused += report.refused + report.quarantined;
    if (!report.lies.empty() && suspensions_ != nullptr && lie.empty()) {
      // The rest of the batch is taken all the same, up to its cursor: when the link is resumed the lie does not come
      // again.
      lie = report.lies.front();
      log_.error("link.suspended", {{"member", remote.member},
                                    {"collection", remote.alias},
                                    {"reason", lie},
                                    {"objects", std::to_string(report.lies.size())}});
      BONGSU_TRY_VOID(suspensions_->suspend({.member = remote.member, .reason = lie}));
    }
    for (std::size_t n = 0; n < report.items.size() && report.refused > 0 && logged < kMaxLoggedRefusals; ++n) {
      if (report.items[n].outcome != flow::AdmitItem::Outcome::kRefused) continue;
      ++logged;
      log_.warn("link.refused", {{"member", remote.member},
                                 {"collection", remote.alias},
                                 {"object", brought[n]->object_id},
                                 {"reason", report.items[n].message}});
    }
    if (&turn == &turns.back()) written = batch.cursor;
  }
  if (written.text != batch.cursor.text) BONGSU_TRY_VOID(journal_.put({state_of(remote, batch.cursor)}));
  if (!lie.empty()) return fail(ErrorCode::kDenied, "the link is suspended: " + lie);
  if (gone && on_gone_) on_gone_(remote.member);
  return counts;
}

// false: nothing of it was here, or it may not be taken away.
Result<bool> FlowApplier::withdrawn(const std::string& collection, const FollowedCollection& remote,
                                    const TailItem& item, std::vector<journal::StateChange> states,
                                    AppliedCounts& counts) {
  const auto removed = withdraw(collection, item, std::move(states));
  if (removed) {
    ++counts.applied;
    return true;
  }
  if (removed.error().code == ErrorCode::kNotFound) return false;  // we never had it, or this was applied before
  if (removed.error().code != ErrorCode::kDenied && removed.error().code != ErrorCode::kInvalid)
    return std::unexpected(removed.error());
  ++counts.refused;
  log_.warn("link.refused", {{"member", remote.member},
                             {"collection", remote.alias},
                             {"object", item.object_id},
                             {"reason", removed.error().message}});
  return false;
}

Result<void> FlowApplier::withdraw(const std::string& collection, const TailItem& item,
                                   std::vector<journal::StateChange> states) {
  if (item.kept.empty()) {
    const auto version = stix::Timestamp::parse(item.version);
    return admission_.remove(collection, item.object_id, version ? version->key() : "", self_, std::move(states),
                             flow::RecallReason::kUpstream);
  }
  BONGSU_TRY(const auto stored, journal_.snapshot()->versions(collection, item.object_id));
  std::vector<std::string> gone;
  for (const auto& entry : stored)
    if (!entry.versioned && std::ranges::find(item.kept, entry.hash) == item.kept.end())
      gone.push_back(entry.version_key);
  if (gone.empty()) return fail(ErrorCode::kNotFound, "nothing of this object is here that the partner does not show");
  // The cursor goes with the last: what is cut short between them is told again.
  for (std::size_t i = 0; i < gone.size(); ++i) {
    BONGSU_TRY_VOID(admission_.remove(collection, item.object_id, gone[i], self_,
                                      i + 1 == gone.size() ? states : std::vector<journal::StateChange>{},
                                      flow::RecallReason::kUpstream));
  }
  return {};
}

std::optional<std::string> FlowApplier::suspended(const std::string& member) {
  return suspensions_ != nullptr ? suspensions_->reason_of(member) : std::nullopt;
}

}  // namespace bongsu::link
