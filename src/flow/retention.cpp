#include "flow/retention.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/json.h"
#include "flow/personal_data.h"

namespace bongsu::flow {
namespace {

constexpr std::string_view kObjects = "personal.objects", kDays = "personal.days", kPlace = "personal";

Result<std::int64_t> number(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(ErrorCode::kCorrupt, "a record of personal data cannot be read", {.field = std::string(text)});
  return out;
}

std::string text_of(const std::map<std::string, std::int64_t>& givers) {
  JsonObject out;
  for (const auto& [origin, at] : givers) out[origin] = at;
  return to_text(out);
}

// The least that the agreements with this partner say.
std::optional<std::int64_t> agreed_days(const policy::PolicyState& state, const std::string& partner) {
  std::optional<std::int64_t> out;
  const auto take = [&](const policy::Agreement& agreement) {
    if (agreement.personal_data_days)
      out = std::min(out.value_or(policy::kMaxAgreementDays), *agreement.personal_data_days);
  };
  if (const auto at = state.agreements.find(partner); at != state.agreements.end()) take(at->second);
  if (const auto at = state.further.find(partner); at != state.further.end())
    for (const auto& agreement : at->second) take(agreement);
  return out;
}

}  // namespace

Result<void> Retention::load() {
  const std::lock_guard lock(mutex_);
  const auto place = [&](std::string_view key) -> Result<std::int64_t> {
    BONGSU_TRY(const auto stored, journal_.state(kPlace, key));
    return stored ? number(*stored) : Result<std::int64_t>(0);
  };
  BONGSU_TRY(const auto cursor, place("cursor"));
  BONGSU_TRY(const auto erased, place("erased"));
  cursor_ = static_cast<journal::Seq>(cursor);
  must_read_ = journal_.last_seq();
  erased_ = static_cast<std::uint64_t>(erased);
  objects_.clear();
  BONGSU_TRY(const auto objects, journal_.states(kObjects));
  for (const auto& [id, text] : objects) {
    BONGSU_TRY(const Json json, parse_json(text));
    if (!json.is_object()) return fail(ErrorCode::kCorrupt, "a record of personal data cannot be read", {.field = id});
    Givers& givers = objects_[id];
    for (const auto& [origin, at] : json.get_object())
      if (at.is_int64()) givers[std::string(origin)] = at.get_int64();
  }
  agreed_.clear();
  BONGSU_TRY(const auto days, journal_.states(kDays));
  for (const auto& [partner, text] : days) {
    BONGSU_TRY(agreed_[partner], number(text));
  }
  return {};
}

// What is agreed now, kept for when the agreement has ended. An agreement that says nothing of it any more ends it.
Result<void> Retention::remember_days() {
  const auto state = release_.state();
  if (!state) return {};
  std::set<std::string> partners;
  for (const auto& [partner, agreement] : state->agreements) partners.insert(partner);
  for (const auto& [partner, list] : state->further) partners.insert(partner);
  std::vector<journal::StateChange> changes;
  std::map<std::string, std::int64_t> agreed;
  {
    const std::lock_guard lock(mutex_);
    agreed = agreed_;
  }
  for (const std::string& partner : partners) {
    const auto days = agreed_days(*state, partner);
    const auto at = agreed.find(partner);
    if (days && (at == agreed.end() || at->second != *days)) {
      agreed[partner] = *days;
      changes.push_back({std::string(kDays), partner, fmt::to_string(*days)});
    } else if (!days && at != agreed.end()) {
      agreed.erase(at);
      changes.push_back({std::string(kDays), partner, std::nullopt});
    }
  }
  BONGSU_TRY_VOID(journal_.put(std::move(changes)));
  const std::lock_guard lock(mutex_);
  agreed_ = std::move(agreed);
  return {};
}

Result<bool> Retention::follow() {
  BONGSU_TRY_VOID(remember_days());
  journal::Seq cursor = 0;
  {
    const std::lock_guard lock(mutex_);
    cursor = cursor_;
  }
  const auto snapshot = journal_.snapshot();
  BONGSU_TRY(const auto entries, snapshot->entries(cursor, kRetentionPage));
  if (entries.empty()) return false;
  std::map<std::string, Givers> changed;  // of this page: as they are afterwards; empty: erased
  std::uint64_t erased = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto known = [&](const std::string& id) -> Givers {
      if (const auto at = changed.find(id); at != changed.end()) return at->second;
      const auto at = objects_.find(id);
      return at == objects_.end() ? Givers() : at->second;
    };
    for (const auto& entry : entries) {
      if (entry.kind == journal::EntryKind::kErasure) {
        if (!known(entry.object_id).empty()) ++erased, changed[entry.object_id].clear();
        continue;
      }
      if (entry.kind != journal::EntryKind::kObject || entry.erased) continue;
      Json object;
      if (personal_by_content(entry.object_id)) {
        const auto payload = snapshot->payload(entry.seq);
        auto json = payload ? parse_json(*payload) : Result<Json>(std::unexpected(payload.error()));
        if (json) object = std::move(*json);
        // Bytes that are damaged say nothing: what would be personal if it could be read is treated as such.
        else
          object = JsonObject{{"identity_class", "individual"},
                              {"from_ref", "unreadable"},
                              {"objects", JsonObject{{"0", JsonObject{{"type", "email-addr"}}}}}};
      }
      if (!is_personal(entry.object_id, entry.label, object)) continue;
      Givers givers = known(entry.object_id);
      givers[entry.origin] = std::max(givers[entry.origin], entry.added_us);
      changed[entry.object_id] = std::move(givers);
    }
  }
  std::vector<journal::StateChange> states{{std::string(kPlace), "cursor", fmt::to_string(entries.back().seq)}};
  for (const auto& [id, givers] : changed)
    states.push_back({std::string(kObjects), id, givers.empty() ? std::nullopt : std::optional(text_of(givers))});
  if (erased != 0) states.push_back({std::string(kPlace), "erased", fmt::to_string(erased_ + erased)});
  BONGSU_TRY_VOID(journal_.put(std::move(states)));
  const std::lock_guard lock(mutex_);
  cursor_ = entries.back().seq;
  erased_ += erased;
  for (auto& [id, givers] : changed) {
    if (givers.empty())
      objects_.erase(id);
    else
      objects_[id] = std::move(givers);
  }
  return true;
}

std::optional<std::int64_t> Retention::days_of(const std::string& origin) const {
  if (origin == options_.self) return options_.own_days;
  const auto at = agreed_.find(origin);
  if (at == agreed_.end()) return std::nullopt;
  return at->second;
}

std::optional<DueObject> Retention::due_of(const std::string& object_id, const Givers& givers) const {
  std::optional<DueObject> out;
  for (const auto& [origin, at] : givers) {
    const auto days = days_of(origin);
    if (!days) continue;
    const Instant due = Instant::from_micros(at) + std::chrono::hours(24 * *days);
    if (!out || due < out->due) out = DueObject{object_id, origin, due};
  }
  return out;
}

Result<std::size_t> Retention::erase_due(std::size_t most,
                                         const std::function<Result<void>(const std::string&)>& also) {
  const Instant now = clock_.now();
  std::vector<DueObject> due;
  {
    const std::lock_guard lock(mutex_);
    if (cursor_ < must_read_) return 0;
    for (const auto& [id, givers] : objects_) {
      if (due.size() == most) break;
      if (auto one = due_of(id, givers); one && one->due <= now) due.push_back(std::move(*one));
    }
  }
  for (const DueObject& one : due) {
    BONGSU_TRY_VOID(also(one.object_id));
    BONGSU_TRY(const journal::Seq seq, journal_.erase(one.object_id, options_.self));
    const std::lock_guard lock(mutex_);
    must_read_ = std::max(must_read_, seq);
  }
  if (due.empty()) return 0;
  // The notes tell how many, whose and until when; the erasures stand in the journal by id.
  std::map<std::string, std::uint64_t> count;
  for (const DueObject& one : due) ++count[one.origin];
  journal::Batch batch;
  for (const auto& [origin, objects] : count)
    batch.entries.push_back(
        {.kind = journal::EntryKind::kNote,
         .origin = options_.self,
         .payload = to_text(
             JsonObject{{"event", "personal.erased"}, {"from", origin}, {"objects", objects}, {"at", now.text(6)}})});
  BONGSU_TRY([[maybe_unused]] const auto receipt, journal_.append(batch));
  log_.info("personal.erased", {{"objects", fmt::to_string(due.size())}});
  return due.size();
}

Result<RetentionReport> Retention::report() const {
  RetentionReport out;
  out.last = journal_.last_seq();
  const Instant now = clock_.now();
  std::map<std::string, RetentionReport::Line> lines;
  const std::lock_guard lock(mutex_);
  out.read = cursor_;
  out.erased = erased_;
  for (const auto& [partner, days] : agreed_) lines[partner];
  lines[options_.self];
  for (const auto& [id, givers] : objects_) {
    for (const auto& [origin, at] : givers) {
      RetentionReport::Line& line = lines[origin];
      ++line.objects;
      const auto one = due_of(id, {{origin, at}});
      if (!one) continue;
      if (one->due <= now) ++line.due;
      if (!line.next || one->due < *line.next) line.next = one->due;
    }
    if (auto one = due_of(id, givers)) out.next.push_back(std::move(*one));
  }
  for (auto& [origin, line] : lines) {
    line.origin = origin;
    line.days = days_of(origin);
    out.lines.push_back(std::move(line));
  }
  std::ranges::sort(out.next, {}, [](const DueObject& one) { return std::pair(one.due, one.object_id); });
  if (out.next.size() > kMaxDueListed) out.next.resize(kMaxDueListed);
  return out;
}

}  // namespace bongsu::flow
