#include "link/suspension.h"

#include <fmt/format.h>

#include <algorithm>

namespace bongsu::link {
namespace {

constexpr std::string_view kSpace = "suspended";
constexpr std::string_view kSpaceBefore = "link.suspended";  // of builds that kept links alone: member → reason

Suspension read(const std::string& member, const std::string& text) {
  // What cannot be read suspends as well, and both ways.
  Suspension out{.member = member, .reason = text, .stops_giving = true};
  const auto json = parse_json(text);
  if (!json || !json->is_object()) return out;
  out.reason = string_at(*json, "reason").value_or("");
  if (const auto since = Instant::parse(string_at(*json, "at").value_or(""))) out.since = *since;
  if (const Json* evidence = bongsu::find(*json, "evidence"); evidence != nullptr && evidence->is_object())
    out.evidence = evidence->get_object();
  out.stops_giving = bool_at(*json, "stops_giving").value_or(out.stops_giving);
  return out;
}

}  // namespace

Json Suspension::json() const {
  return JsonObject{{"member", member},
                    {"reason", reason},
                    {"at", since.text()},
                    {"evidence", evidence},
                    {"stops_giving", stops_giving}};
}

Result<std::unique_ptr<Suspensions>> Suspensions::load(journal::Journal& journal, const Clock& clock) {
  std::unique_ptr<Suspensions> out(new Suspensions(journal, clock));
  BONGSU_TRY(const auto stored, journal.states(kSpace));
  for (const auto& [member, text] : stored) out->suspended_.emplace(member, read(member, text));
  // What an earlier build wrote moves here, once.
  BONGSU_TRY(const auto before, journal.states(kSpaceBefore));
  std::vector<journal::StateChange> moved;
  for (const auto& [member, reason] : before) {
    moved.push_back({std::string(kSpaceBefore), member, std::nullopt});
    const auto [at, fresh] =
        out->suspended_.try_emplace(member, Suspension{.member = member, .reason = reason, .since = clock.now()});
    if (fresh) moved.push_back({std::string(kSpace), member, to_text(at->second.json())});
  }
  BONGSU_TRY_VOID(journal.put(std::move(moved)));
  return out;
}

Result<void> Suspensions::suspend(Suspension made) {
  made.reason.resize(std::min(made.reason.size(), kMaxSuspensionReasonBytes));
  made.since = clock_.now();
  OnChange tell;
  {
    const std::lock_guard lock(mutex_);
    const auto [at, fresh] = suspended_.emplace(made.member, made);
    if (!fresh && (at->second.stops_giving || !made.stops_giving)) return {};
    if (!fresh) at->second = made;
    tell = on_change_;
  }
  // The rest stops, too, whatever the disk says.
  const Result<void> told = tell ? tell(made, true) : Result<void>();
  BONGSU_TRY_VOID(journal_.put({{std::string(kSpace), made.member, to_text(made.json())}}));
  return told;
}

Result<void> Suspensions::resume(std::string_view member) {
  const auto was = find(member);
  if (!was) return fail(ErrorCode::kNotFound, fmt::format("the links from {} are not suspended", member));
  BONGSU_TRY_VOID(journal_.put({{std::string(kSpace), std::string(member), std::nullopt}}));
  OnChange tell;
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = suspended_.find(member); at != suspended_.end()) suspended_.erase(at);
    tell = on_change_;
  }
  return tell ? tell(*was, false) : Result<void>();
}

std::optional<std::string> Suspensions::reason_of(std::string_view member) const {
  const std::lock_guard lock(mutex_);
  const auto at = suspended_.find(member);
  if (at == suspended_.end()) return std::nullopt;
  return at->second.reason;
}

std::optional<Suspension> Suspensions::find(std::string_view member) const {
  const std::lock_guard lock(mutex_);
  const auto at = suspended_.find(member);
  if (at == suspended_.end()) return std::nullopt;
  return at->second;
}

std::vector<Suspension> Suspensions::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<Suspension> out;
  for (const auto& [member, suspension] : suspended_) out.push_back(suspension);
  return out;
}

void Suspensions::on_change(OnChange callback) {
  const std::lock_guard lock(mutex_);
  on_change_ = std::move(callback);
}

}  // namespace bongsu::link
