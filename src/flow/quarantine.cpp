#include "flow/quarantine.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/uuid.h"
#include "flow/entry_search.h"
#include "flow/label_beside.h"

namespace bongsu::flow {
namespace {

constexpr std::string_view kSpace = "quarantine";

constexpr std::array<std::pair<HeldFor, std::string_view>, 7> kReasons = {{
    {HeldFor::kBadProof, "bad_proof"},
    {HeldFor::kUnsigned, "unsigned"},
    {HeldFor::kOurIdentity, "our_identity"},
    {HeldFor::kNotTheirs, "not_theirs"},
    {HeldFor::kMarkingConflict, "marking_conflict"},
    {HeldFor::kExercise, "exercise"},
    {HeldFor::kWeakerLabel, "weaker_label"},
}};

std::string entry_id(std::string_view id) { return fmt::format("quarantine--{}", id); }

Result<HeldItem> parse_item(std::string_view id, std::string_view text) {
  BONGSU_TRY(const Json json, parse_json(text));
  const auto at = [&](std::string_view key) { return std::string(string_at(json, key).value_or("")); };
  HeldItem item;
  item.id = id;
  item.member = at("member");
  item.collection = at("collection");
  item.object_id = at("object_id");
  item.version = at("version");
  item.version_key = at("version_key");
  item.sha256 = at("sha256");
  item.originator = at("originator");
  // A record from before this was kept: the strictest that a collection may have.
  if (const auto fallback = stix::parse_tlp(at("fallback"))) item.fallback = *fallback;
  item.label = at("label");
  item.why = at("why");
  item.bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, int_at(json, "bytes").value_or(0)));
  item.decided_by = at("decided_by");
  item.decided_why = at("decided_why");
  if (const auto decided = Instant::parse(at("decided"))) item.decided = *decided;
  const auto reason = parse_held_for(at("reason"));
  const auto since = Instant::parse(at("since"));
  const std::string state = at("state");
  if (!reason || !since)
    return fail(ErrorCode::kCorrupt, "a record of the quarantine cannot be read", {.field = item.id});
  item.reason = *reason;
  item.since = *since;
  item.state = state == "open"       ? HeldItem::State::kOpen
               : state == "admitted" ? HeldItem::State::kAdmitted
                                     : HeldItem::State::kDiscarded;
  return item;
}

}  // namespace

std::string_view to_string(HeldFor reason) {
  for (const auto& [value, text] : kReasons)
    if (value == reason) return text;
  return "bad_proof";
}

std::optional<HeldFor> parse_held_for(std::string_view text) {
  for (const auto& [value, name] : kReasons)
    if (name == text) return value;
  return std::nullopt;
}

std::string_view to_string(HeldItem::State state) {
  switch (state) {
    case HeldItem::State::kOpen:
      return "open";
    case HeldItem::State::kAdmitted:
      return "admitted";
    case HeldItem::State::kDiscarded:
      break;
  }
  return "discarded";
}

Json to_json(const HeldItem& item) {
  JsonObject out{{"id", item.id},
                 {"member", item.member},
                 {"collection", item.collection},
                 {"object_id", item.object_id},
                 {"version", item.version},
                 {"version_key", item.version_key},
                 {"sha256", item.sha256},
                 {"originator", item.originator},
                 {"fallback", stix::to_string(item.fallback)},
                 {"reason", to_string(item.reason)},
                 {"why", item.why},
                 {"bytes", item.bytes},
                 {"since", item.since.text(3)},
                 {"state", to_string(item.state)}};
  if (!item.label.empty()) out["label"] = item.label;
  if (item.decided) {
    out["decided"] = item.decided->text(3);
    out["decided_by"] = item.decided_by;
    out["decided_why"] = item.decided_why;
  }
  return out;
}

std::string Quarantine::place_of(std::string_view member, std::string_view collection, std::string_view object_id,
                                 std::string_view version_key, std::string_view sha256) {
  // As the journal tells versions: an object without one is known by its bytes.
  return fmt::format("{}\n{}\n{}\n{}", member, collection, object_id, version_key.empty() ? sha256 : version_key);
}

void Quarantine::index(const HeldItem& item) {
  places_[place_of(item.member, item.collection, item.object_id, item.version_key, item.sha256)] = item.id;
}

Result<std::unique_ptr<Quarantine>> Quarantine::load(journal::Journal& journal, const Clock& clock, Random& random,
                                                     std::string self, Log& log) {
  std::unique_ptr<Quarantine> out(new Quarantine(journal, clock, random, std::move(self), log));
  BONGSU_TRY(const auto stored, journal.states(kSpace));
  std::vector<std::string> unfinished;  // decided, and the process died before the bytes were erased
  for (const auto& [id, text] : stored) {
    BONGSU_TRY(HeldItem item, parse_item(id, text));
    BONGSU_TRY(const Json json, parse_json(text));
    out->after_[id] = static_cast<journal::Seq>(std::max<std::int64_t>(0, int_at(json, "after").value_or(0)));
    if (item.state != HeldItem::State::kOpen && !bool_at(json, "erased").value_or(false)) unfinished.push_back(id);
    out->index(item);
    out->items_.emplace(id, std::move(item));
  }
  for (const std::string& id : unfinished) {
    const HeldItem item = out->items_.find(id)->second;
    BONGSU_TRY_VOID(out->settle(id, item.state, item.decided_by, item.decided_why, true));
  }
  return out;
}

Quarantine::Placed Quarantine::hold(const Hold& what, journal::Batch& batch) {
  const std::string hash = to_hex(sha256(what.bytes));
  const std::lock_guard lock(mutex_);
  const std::string place = place_of(what.member, what.collection, what.object_id, what.version_key, hash);
  if (const auto at = places_.find(place); at != places_.end()) {
    const HeldItem& item = items_.find(at->second)->second;
    return {item.sha256 == hash ? HeldAs::kAgain : HeldAs::kOtherBytes, item.id, item.seq};
  }
  std::size_t open = 0, open_of_member = 0, bytes = 0, bytes_of_member = 0;
  for (const auto& [id, item] : items_) {
    if (item.state != HeldItem::State::kOpen) continue;
    ++open;
    bytes += item.bytes;
    if (item.member != what.member) continue;
    ++open_of_member;
    bytes_of_member += item.bytes;
  }
  if (open >= kMaxHeld || open_of_member >= kMaxHeldOfMember || bytes + what.bytes.size() > kMaxHeldBytes ||
      bytes_of_member + what.bytes.size() > kMaxHeldBytesOfMember) {
    if (dropped_++ == 0 || dropped_ % 1000 == 0)
      log_.error("quarantine.full", {{"member", what.member}, {"dropped", std::to_string(dropped_)}});
    return {HeldAs::kFull, {}, 0};
  }
  HeldItem item{.id = Uuid::random(random_).text(),
                .member = what.member,
                .collection = what.collection,
                .object_id = what.object_id,
                .version = what.version,
                .version_key = what.version_key,
                .sha256 = hash,
                .originator = what.originator,
                .fallback = what.fallback,
                .label = what.label.size() <= kMaxLabelBeside ? what.label : policy::deny_all().text(),
                .reason = what.reason,
                .why = what.why,
                .bytes = what.bytes.size(),
                .since = clock_.now(),
                .decided_by = {},
                .decided_why = {},
                .decided = {}};
  journal::NewEntry& entry = batch.entries.emplace_back();
  entry.kind = journal::EntryKind::kQuarantined;
  entry.collection = what.collection;
  entry.object_id = entry_id(item.id);
  entry.spec_version = what.spec_version;
  entry.origin = what.member;
  entry.payload = what.bytes;
  if (what.proof.size() <= journal::kMaxProofBytes) entry.proof = what.proof;
  Json json = to_json(item);
  const journal::Seq after = journal_.last_seq();
  json.as_object()["after"] = after;
  batch.states.push_back({std::string(kSpace), item.id, to_text(json)});
  log_.warn("quarantine.held", {{"member", item.member},
                                {"object", item.object_id},
                                {"reason", std::string(to_string(item.reason))},
                                {"why", item.why}});
  after_[item.id] = after;
  index(item);
  Placed placed{HeldAs::kNew, item.id, 0};
  items_.emplace(item.id, std::move(item));
  return placed;
}

void Quarantine::written(const std::string& id, journal::Seq seq) {
  const std::lock_guard lock(mutex_);
  if (const auto at = items_.find(id); at != items_.end()) at->second.seq = seq;
}

void Quarantine::not_written(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto at = items_.find(id);
  if (at == items_.end()) return;
  const HeldItem& item = at->second;
  places_.erase(place_of(item.member, item.collection, item.object_id, item.version_key, item.sha256));
  after_.erase(id);
  items_.erase(at);
}

std::vector<HeldItem> Quarantine::list() const {
  std::vector<HeldItem> out;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, item] : items_) out.push_back(item);
  }
  std::ranges::sort(out, [](const HeldItem& a, const HeldItem& b) {
    const bool open_a = a.state == HeldItem::State::kOpen, open_b = b.state == HeldItem::State::kOpen;
    if (open_a != open_b) return open_a;
    return a.since != b.since ? a.since > b.since : a.id < b.id;
  });
  return out;
}

std::optional<HeldItem> Quarantine::find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto at = items_.find(id);
  if (at == items_.end()) return std::nullopt;
  return at->second;
}

Result<journal::Seq> Quarantine::seq_of(const HeldItem& item) {
  if (item.seq != 0) return item.seq;
  journal::Seq after = 0;
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = after_.find(item.id); at != after_.end()) after = at->second;
  }
  BONGSU_TRY(const journal::Seq seq, find_entry(journal_, entry_id(item.id), after));
  written(item.id, seq);
  return seq;
}

Result<journal::Content> Quarantine::content(std::string_view id) {
  const auto item = find(id);
  if (!item || item->state != HeldItem::State::kOpen)
    return fail(ErrorCode::kNotFound, "nothing is held under this id", {.field = std::string(id)});
  BONGSU_TRY(const journal::Seq seq, seq_of(*item));
  return journal_.snapshot()->content(seq);
}

Result<journal::StateChange> Quarantine::as_admitted(std::string_view id, std::string_view by, std::string_view why) {
  auto item = find(id);
  if (!item || item->state != HeldItem::State::kOpen)
    return fail(ErrorCode::kNotFound, "nothing is held under this id", {.field = std::string(id)});
  item->state = HeldItem::State::kAdmitted;
  item->decided_by = by;
  item->decided_why = why;
  item->decided = clock_.now();
  return journal::StateChange{std::string(kSpace), item->id, to_text(to_json(*item))};
}

Result<void> Quarantine::admitted(std::string_view id, std::string_view by, std::string_view why) {
  return settle(id, HeldItem::State::kAdmitted, by, why, true);
}

Result<void> Quarantine::discard(std::string_view id, std::string_view by, std::string_view why) {
  if (why.empty() || why.size() > kMaxHeldReasonBytes)
    return fail(ErrorCode::kInvalid, fmt::format("a reason has 1 to {} bytes", kMaxHeldReasonBytes),
                {.field = "reason"});
  return settle(id, HeldItem::State::kDiscarded, by, why, false);
}

// `written`: the record says so already; otherwise it is written first, so that a crash in between is finished at the
// next start.
Result<void> Quarantine::settle(std::string_view id, HeldItem::State state, std::string_view by, std::string_view why,
                                bool written) {
  auto item = find(id);
  if (!item || (!written && item->state != HeldItem::State::kOpen))
    return fail(ErrorCode::kNotFound, "nothing is held under this id", {.field = std::string(id)});
  item->state = state;
  item->decided_by = by;
  item->decided_why = why;
  if (!item->decided) item->decided = clock_.now();
  JsonObject record = to_json(*item).as_object();
  if (!written) BONGSU_TRY_VOID(journal_.put({{std::string(kSpace), item->id, to_text(record)}}));
  {
    const std::lock_guard lock(mutex_);
    items_.find(id)->second = *item;
  }
  BONGSU_TRY([[maybe_unused]] const auto erased, journal_.erase(entry_id(id), self_));
  record["erased"] = true;
  journal::Batch batch;
  batch.states.push_back({std::string(kSpace), item->id, to_text(record)});
  JsonObject note{{"event", fmt::format("quarantine.{}", to_string(state))},
                  {"item", item->id},
                  {"member", item->member},
                  {"object", item->object_id},
                  {"reason", to_string(item->reason)},
                  {"by", by},
                  {"why", why}};
  batch.entries.push_back(
      {.kind = journal::EntryKind::kNote, .object_id = "", .origin = self_, .payload = to_text(note), .releases = {}});
  // The oldest decided records make room; what was decided stays in the notes.
  std::string oldest;
  {
    const std::lock_guard lock(mutex_);
    std::size_t decided = 0;
    const HeldItem* first = nullptr;
    for (const auto& [key, other] : items_) {
      if (other.state == HeldItem::State::kOpen) continue;
      ++decided;
      if (first == nullptr || other.decided < first->decided) first = &other;
    }
    if (decided > kMaxDecidedKept) oldest = first->id;
  }
  if (!oldest.empty() && oldest != item->id) batch.states.push_back({std::string(kSpace), oldest, std::nullopt});
  BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
  if (!oldest.empty() && oldest != item->id) not_written(oldest);
  return {};
}

Result<std::size_t> Quarantine::erase_object(std::string_view object_id, std::string_view by) {
  return discard_all({.object_id = object_id}, by, "the object was erased");
}

Result<std::size_t> Quarantine::discard_all(const Which& which, std::string_view by, std::string_view why) {
  const auto is = [](const auto& wanted, const std::string& found) { return !wanted || *wanted == found; };
  std::vector<std::string> ids;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, item] : items_)
      if (item.state == HeldItem::State::kOpen && item.object_id == which.object_id &&
          is(which.collection, item.collection) && is(which.version_key, item.version_key) &&
          is(which.member, item.member))
        ids.push_back(id);
  }
  for (const std::string& id : ids) BONGSU_TRY_VOID(discard(id, by, why));
  return ids.size();
}

Quarantine::Counts Quarantine::counts() const {
  const std::lock_guard lock(mutex_);
  Counts out{.dropped = dropped_};
  for (const auto& [id, item] : items_)
    if (item.state == HeldItem::State::kOpen) ++out.open, out.bytes += item.bytes;
  return out;
}

}  // namespace bongsu::flow
