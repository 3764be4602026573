// Admission: what refers to an object that becomes known, or is raised, after it.
//
// A label is the join of everything that it refers to (D2, D3), whenever that comes: an id is data. So
//   · an object that refers to something unknown notes in its commit that this is awaited;
//   · a commit that brings what is awaited, or after which more is asked of who may know of an object, notes that its
//     referrers are to be decided again;
//   · follow_ends() does that, kReferrersAtOnce in one commit, which also notes how far it came: their labels rise, and
//     whoever was given them and may not have them any more gets tombstones. What refers to those in turn follows.
// Labels only rise by this. While it is done nothing is admitted: what is on its way was labelled before, and is found,
// or is labelled after.
#include <utility>

#include "flow/admit.h"
#include "flow/facts.h"
#include "flow/reference_labels.h"

namespace bongsu::flow {
namespace {

constexpr std::string_view kChanged = "flow.changed";  // ids whose referrers are decided again → the last one that was
constexpr std::string_view kNewestKey = "~";           // of what has no version: it comes after every one
constexpr std::size_t kReferrersAtOnce = 500;          // in one commit, and ids whose referrers are asked for
constexpr std::size_t kEntriesAtOnce = 2000;           // whose labels rise in one commit: a referrer has many versions
constexpr std::size_t kLabelBytesAtOnce = 64 * 1024 * 1024;
constexpr std::size_t kEntriesLookedAt = 20'000;       // for one commit, and the rest of one referrer
constexpr std::size_t kCommitsAtOnce = 2;              // behind one admission; the rest follows

}  // namespace

bool Admission::follows_ends() const { return recall_ != nullptr && recall_->options().referrers; }

// Before the commit that brings this copy.
Result<void> Admission::note_end(const policy::ObjectFacts& facts, std::string version_key, KnownObjects::Look& look,
                                 std::set<std::string>& changed, std::vector<journal::StateChange>& states) {
  if (!follows_ends()) return {};
  const std::string& id = facts.object_id;
  BONGSU_TRY(const auto before, look.copies(id));
  if (before.empty()) {
    BONGSU_TRY(const auto awaited, journal_.state(kAwaitedEnds, id));
    if (!awaited) return {};
    states.push_back({std::string(kAwaitedEnds), id, std::nullopt});
  } else {
    std::vector<KnownCopy> after = before;
    if (version_key.empty()) version_key = kNewestKey;
    merge_copy(after, known_copy(facts, std::move(version_key)));
    if (!hides_more(before, after, self())) return {};
  }
  states.push_back({std::string(kChanged), id, ""});
  changed.insert(id);
  return {};
}

// Before the commit that deletes something of it: another copy stands for it then, or it is awaited again.
void Admission::note_end_gone(const std::string& id, std::vector<journal::StateChange>& states) const {
  if (!follows_ends()) return;
  states.push_back({std::string(kAwaitedEnds), id, ""});
  states.push_back({std::string(kChanged), id, ""});
}

// Before the commit of what refers to these, which are not here.
void Admission::await(const std::set<std::string>& unknown, std::vector<journal::StateChange>& states) const {
  if (!follows_ends()) return;
  for (const std::string& id : unknown) states.push_back({std::string(kAwaitedEnds), id, ""});
}

// After the commit, while the lock of admission is held still.
void Admission::ends_written(const std::set<std::string>& changed, const std::set<std::string>& unknown) {
  std::set<std::string> came = changed;
  // What came at the same time found nobody who waits for it.
  if (follows_ends() && !unknown.empty()) {
    KnownObjects::Look look = known_.look();
    for (const std::string& id : unknown)
      if (const auto copies = look.copies(id); !copies || !copies->empty()) came.insert(id);
  }
  const std::lock_guard lock(ends_mutex_);
  for (const std::string& id : came) changed_ends_[id] = {};
}

Result<void> Admission::load_ends() {
  {
    const std::lock_guard lock(ends_mutex_);
    if (ends_loaded_) return {};
  }
  std::map<std::string, ChangedEnd> found;
  BONGSU_TRY(const auto changed, journal_.states(kChanged));
  for (const auto& [id, done] : changed) found[id].done = done;
  // What came at the same time as what refers to it, and then everything stopped.
  BONGSU_TRY(const auto awaited, journal_.states(kAwaitedEnds));
  KnownObjects::Look look = known_.look();
  for (const auto& [id, _] : awaited) {
    BONGSU_TRY(const auto copies, look.copies(id));
    if (!copies.empty()) found.try_emplace(id);
  }
  const std::lock_guard lock(ends_mutex_);
  ends_loaded_ = true;
  changed_ends_.merge(found);
  return {};
}

// The label that this entry has by what it refers to now, as it is stored; nullopt: the same.
Result<std::optional<std::string>> Admission::label_by_ends(const journal::Entry& entry, journal::Snapshot& snapshot,
                                                            KnownObjects::Look& look) {
  const auto content = snapshot.content(entry.seq);
  if (!content) {
    if (content.error().code == ErrorCode::kNotFound) return std::nullopt;  // erased
    return std::unexpected(content.error());
  }
  const auto object = stix::Object::parse(content->payload);
  auto stored = flow::facts_of(entry);
  if (!object || !stored) return std::nullopt;  // what cannot be read denies already
  policy::ObjectFacts facts = *stored;
  const Referring referring{.object = &*object, .facts = &facts, .named_first = entry.origin == self()};
  BONGSU_TRY_VOID(raise_by_references({referring}, entry.origin, self(), exercise_of(entry.collection).empty(), look));
  if (facts.label == stored->label && facts.targets == stored->targets) return std::nullopt;
  std::string text = stored_facts(facts);
  if (entry.origin == self()) return text;
  // To who gave it, it stays what it was as it came.
  BONGSU_TRY(const policy::Label given, policy::Label::parse(label_for(entry.label, entry.origin)));
  return with_given(std::move(text), entry.origin, given);
}

// Those whose referrers can be found by now.
std::map<std::string, Admission::ChangedEnd> Admission::ends_to_follow() {
  const RecallOptions& options = recall_->options();
  std::map<std::string, ChangedEnd> out;
  const std::lock_guard lock(ends_mutex_);
  for (auto& [id, end] : changed_ends_) {
    // Everything that was labelled by what it was before is in the journal by now; whoever is asked has to have read
    // it.
    if (!end.from) end.from = journal_.last_seq();
    if (options.referrers_upto && options.referrers_upto() < *end.from) continue;
    out.emplace(id, ChangedEnd{end.done, end.from, std::exchange(end.referrers, std::nullopt)});
    if (out.size() == kReferrersAtOnce) break;
  }
  return out;
}

// One commit. What leaves outboxes with the labels, and comes into them in parts, may be more than the journal takes at
// once; then less is done at once.
Result<bool> Admission::follow_some_ends() {
  for (std::size_t at_once = kEntriesAtOnce;; at_once /= 2) {
    auto more = raise_referrers(at_once);
    if (more || more.error().code != ErrorCode::kTooLarge || at_once == 1) return more;
  }
}

// Raises the labels of so many entries. false: there is nothing (more) that can be done now.
Result<bool> Admission::raise_referrers(std::size_t at_once) {
  const auto nothing_comes = recall_->admit_nothing();
  std::map<std::string, ChangedEnd> ends = ends_to_follow();
  if (ends.empty()) return false;
  journal::Batch batch;
  std::vector<journal::Entry> risen;
  std::set<std::string> looked_at, further;
  const auto snapshot = journal_.snapshot();
  KnownObjects::Look look = known_.look();
  std::size_t looked = 0, label_bytes = 0;
  // false: more of its versions rise than go into this commit. Those that did are as they should be the next time.
  const auto look_at = [&](const std::string& referrer) -> Result<bool> {
    if (looked_at.contains(referrer)) return true;
    BONGSU_TRY(const auto entries, snapshot->versions("", referrer));
    looked += entries.size();
    for (journal::Entry entry : entries) {
      if (entry.erased) continue;
      auto label = label_by_ends(entry, *snapshot, look);
      if (!label && label.error().code == ErrorCode::kCorrupt) {
        log_.error("admit.referrer_unreadable",
                   {{"id", referrer}, {"entry", std::to_string(entry.seq)}, {"error", label.error().text()}});
        continue;
      }
      if (!label) return std::unexpected(label.error());
      if (!*label) continue;
      if (risen.size() >= at_once || label_bytes >= kLabelBytesAtOnce) return false;
      label_bytes += (*label)->size();
      entry.label = **label;
      batch.labels.push_back({entry.seq, std::move(**label)});
      risen.push_back(std::move(entry));
      further.insert(referrer);
    }
    looked_at.insert(referrer);
    return true;
  };
  std::size_t left = kReferrersAtOnce;
  const auto full = [&] { return left == 0 || looked >= kEntriesLookedAt; };
  for (auto end = ends.begin(); end != ends.end();) {
    if (full()) {
      end = ends.erase(end);  // another time
      continue;
    }
    --left;
    auto& [id, state] = *end++;
    if (!state.referrers) {
      BONGSU_TRY(const auto found, recall_->options().referrers(id));
      state.referrers.emplace(found.begin(), found.end());
      std::erase_if(*state.referrers, [&](const std::string& one) { return one <= state.done || one == id; });
    }
    while (!full() && !state.referrers->empty()) {
      BONGSU_TRY(const bool whole, look_at(*state.referrers->begin()));
      left = whole ? left - 1 : 0;
      if (!whole) break;
      state.done = *state.referrers->begin();
      state.referrers->erase(state.referrers->begin());
    }
    const bool all = state.referrers->empty();
    batch.states.push_back({std::string(kChanged), id, all ? std::nullopt : std::optional(state.done)});
    BONGSU_TRY(const auto here, look.copies(id));
    if (all && !here.empty()) batch.states.push_back({std::string(kAwaitedEnds), id, std::nullopt});
  }
  for (const std::string& id : further) batch.states.push_back({std::string(kChanged), id, ""});
  BONGSU_TRY_VOID(release_.decide_again(risen, std::move(batch)));
  for (const std::string& id : further) known_.forget(id);
  if (!risen.empty()) log_.info("admit.raised_by_reference", {{"entries", std::to_string(risen.size())}});
  const std::lock_guard lock(ends_mutex_);
  for (auto& [id, state] : ends)
    if (state.referrers->empty())
      changed_ends_.erase(id);
    else
      changed_ends_[id] = std::move(state);
  for (const std::string& id : further) changed_ends_[id] = {};
  return true;
}

Result<void> Admission::follow_ends() {
  if (!follows_ends() || self().empty()) return {};
  BONGSU_TRY_VOID(load_ends());
  for (std::size_t i = 0; i < kCommitsAtOnce; ++i) {
    {
      const std::lock_guard lock(ends_mutex_);
      if (changed_ends_.empty()) return {};
    }
    BONGSU_TRY(const bool more, follow_some_ends());
    if (!more) return {};
  }
  return {};
}

}  // namespace bongsu::flow
