#include "exercise/drill/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "exercise/scenario/vocabulary.h"

namespace bongsu::exercise::drill {
namespace {

using scenario::Seen;
using scenario::Shared;

constexpr std::int64_t kMatch_ms = 2'000;                 // from a record to the alert about a value that is known
constexpr std::int64_t kBetweenReports_ms = 30 * 60'000;  // of the baseline

const std::array<Policy, 5>& table() {
  static const std::array<Policy, 5> kTable = {
      Policy{.name = "good",
             .about = "does what it should, soon",
             .sheet = true,
             .does = 0.97,
             .finds = 0.9,
             .quality = 0.85,
             .acknowledge_ms = 40'000,
             .find_ms = 240'000,
             .share_ms = 240'000,
             .report_ms = 600'000,
             .order_ms = 300'000},
      Policy{.name = "slow",
             .about = "does what it should, late",
             .sheet = true,
             .does = 0.9,
             .finds = 0.7,
             .quality = 0.6,
             .acknowledge_ms = 400'000,
             .find_ms = 1'500'000,
             .share_ms = 2'400'000,
             .report_ms = 2'700'000,
             .order_ms = 1'800'000},
      Policy{.name = "leaky",
             .about = "shares everything with everybody under a label that lets it out",
             .sheet = true,
             .does = 0.9,
             .finds = 0.8,
             .quality = 0.6,
             .acknowledge_ms = 60'000,
             .find_ms = 400'000,
             .share_ms = 120'000,
             .report_ms = 900'000,
             .order_ms = 600'000,
             .audience = Policy::Audience::kEverybody,
             .marking = Policy::Marking::kClear},
      Policy{.name = "silent", .about = "does nothing at all", .sheet = true, .does = 0, .finds = 0, .quality = 0},
      Policy{.name = "baseline",
             .about = "an automaton: matches what it was told, passes on what it matched, undoes what it sees",
             .sheet = false,
             .finds = 0,
             .quality = 0.4,
             .acknowledge_ms = 1'000,
             .share_ms = 5'000,
             .report_ms = 60'000,
             .order_ms = 60'000,
             .spread = 0,
             .audience = Policy::Audience::kEverybody,
             .marking = Policy::Marking::kExercise},
  };
  return kTable;
}

std::vector<std::string> patterns_of(const scenario::Inject& inject) {
  std::vector<std::string> out;
  for (const scenario::Indicator& indicator : inject.indicators) out.push_back(scenario::pattern_of(indicator));
  return out;
}

double unit(std::uint64_t hash) { return static_cast<double>(hash >> 11U) * 0x1.0p-53; }

std::vector<Evidence> take_until(std::multimap<std::int64_t, Evidence>& planned, std::int64_t now_ms) {
  std::vector<Evidence> out;
  while (!planned.empty() && planned.begin()->first <= now_ms) {
    out.push_back(std::move(planned.begin()->second));
    planned.erase(planned.begin());
  }
  return out;
}

std::optional<std::int64_t> first_of(const std::multimap<std::int64_t, Evidence>& planned) {
  if (planned.empty()) return std::nullopt;
  return planned.begin()->first;
}

std::string text_in(const Entry& entry, std::string_view name) {
  const Json* value = entry.data.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

std::span<const Policy> policies() { return table(); }

Result<Policy> policy(std::string_view name) {
  std::string names;
  for (const Policy& p : table()) {
    if (p.name == name) return p;
    names += (names.empty() ? "" : ", ") + p.name;
  }
  return fail(ErrorCode::kNotFound, fmt::format("there is no scripted team \"{}\"; there are {}", name, names),
              {.field = std::string(name)});
}

Result<Policy> read_policy(std::string_view text, const std::string& source) {
  const auto wrong = [&](std::string_view field, std::string_view what) {
    return fail(ErrorCode::kInvalid, fmt::format("{} {}", field, what),
                {.source = source, .field = std::string(field)});
  };
  auto json = parse_json(text);
  if (!json) {
    json.error().where.source = source;
    return std::unexpected(json.error());
  }
  if (!json->is_object()) return wrong("policy", "is no object");
  const auto like = string_at(*json, "like").value_or("good");
  BONGSU_TRY(Policy out, policy(like));
  for (const auto& [key, value] : json->get_object()) {
    const std::string_view name = key;
    const auto number = [&](auto& to, double least, double most) -> Result<void> {
      if (!value.is_number()) return wrong(name, "is no number");
      const double v = value.to_number<double>();
      if (!(v >= least && v <= most)) return wrong(name, fmt::format("lies outside {:g} to {:g}", least, most));
      to = static_cast<std::remove_reference_t<decltype(to)>>(v);
      return {};
    };
    constexpr double kDay = 86'400'000;
    if (name == "like") continue;
    if (name == "name" || name == "about" || name == "audience" || name == "marking") {
      if (!value.is_string()) return wrong(name, "is no text");
      const std::string word(value.get_string());
      if (name == "name")
        out.name = word;
      else if (name == "about")
        out.about = word;
      else if (name == "audience" && (word == "asked" || word == "everybody"))
        out.audience = word == "asked" ? Policy::Audience::kAsked : Policy::Audience::kEverybody;
      else if (name == "marking" && word == "asked")
        out.marking = Policy::Marking::kAsked;
      else if (name == "marking" && word == "exercise")
        out.marking = Policy::Marking::kExercise;
      else if (name == "marking" && word == "clear")
        out.marking = Policy::Marking::kClear;
      else
        return wrong(name, fmt::format("is no \"{}\"", word));
    } else if (name == "sheet") {
      if (!value.is_bool()) return wrong(name, "is neither true nor false");
      out.sheet = value.get_bool();
    } else if (name == "does") {
      BONGSU_TRY_VOID(number(out.does, 0, 1));
    } else if (name == "finds") {
      BONGSU_TRY_VOID(number(out.finds, 0, 1));
    } else if (name == "quality") {
      BONGSU_TRY_VOID(number(out.quality, 0, 1));
    } else if (name == "spread") {
      BONGSU_TRY_VOID(number(out.spread, 0, 100));
    } else if (name == "acknowledge_ms") {
      BONGSU_TRY_VOID(number(out.acknowledge_ms, 0, kDay));
    } else if (name == "find_ms") {
      BONGSU_TRY_VOID(number(out.find_ms, 0, kDay));
    } else if (name == "share_ms") {
      BONGSU_TRY_VOID(number(out.share_ms, 0, kDay));
    } else if (name == "report_ms") {
      BONGSU_TRY_VOID(number(out.report_ms, 0, kDay));
    } else if (name == "order_ms") {
      BONGSU_TRY_VOID(number(out.order_ms, 0, kDay));
    } else {
      return wrong(name, "is nothing that a policy says");
    }
  }
  return out;
}

// ——— Player ———

Player::Player(const Roster& roster, std::size_t team, Policy policy, std::uint64_t seed)
    : roster_(&roster), team_(team), policy_(std::move(policy)), seed_(hash64(roster.teams()[team], seed)) {}

double Player::drawn(std::string_view what) const { return unit(hash64(what, seed_)); }

void Player::plan(std::int64_t at_ms, std::int64_t delay_ms, std::string_view what, Evidence evidence) {
  evidence.team = roster_->teams()[team_];
  evidence.by = policy_.name;
  const double longer = 1 + policy_.spread * drawn(fmt::format("delay {}", what));
  planned_.emplace(at_ms + static_cast<std::int64_t>(static_cast<double>(delay_ms) * longer), std::move(evidence));
}

std::vector<std::string> Player::others() const {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < roster_->teams().size(); ++i)
    if (i != team_) out.push_back(roster_->teams()[i]);
  return out;
}

std::optional<std::int64_t> Player::next_ms() const { return first_of(planned_); }
std::vector<Evidence> Player::due(std::int64_t now_ms) { return take_until(planned_, now_ms); }

void Player::see(const Entry& entry) {
  const bool own = roster_->team_of(entry.team) == team_;
  if (entry.kind == Kind::kDelivery) {
    if (roster_->team_of(text_in(entry, "to")) != team_) return;
    if (const std::string inject = text_in(entry, "inject"); !inject.empty()) deliveries_[inject] = entry.ref;
    if (does("read " + entry.ref))
      plan(entry.at_ms, policy_.acknowledge_ms, "read " + entry.ref, {.as = As::kAcknowledged, .object = entry.ref});
    return;
  }
  if (entry.kind == Kind::kFired && own && policy_.sheet) return fired(entry);
  if (entry.kind == Kind::kEvidence) {
    const auto e = evidence_of(entry);
    if (!e) return;
    if (own && e->as == As::kAlert) return alert(entry, *e);
    if (!own && std::ranges::any_of(e->to, [&](const std::string& to) { return roster_->team_of(to) == team_; }))
      for (const std::string& pattern : e->patterns)
        for (std::string& value : values_of(pattern)) told_by_.emplace(std::move(value), e->team);
    return;
  }
  if (policy_.sheet || !own) return;
  // The automaton undoes what it sees on its own range, and reports services that fail.
  if (entry.kind == Kind::kOrder && text_in(entry, "by") == "inject") {
    std::optional<double> value;
    const Json* accepted = entry.data.if_contains("accepted");
    const char* kind = undoing(text_in(entry, "kind"), value);
    if (kind != nullptr && accepted != nullptr && *accepted == true)
      plan(entry.at_ms, policy_.order_ms, "undo",
           {.as = As::kOrder, .type = kind, .target = entry.ref, .value = value});
  }
  if (entry.kind == Kind::kProbe)
    if (const Json* up = entry.data.if_contains("up"); up != nullptr && *up == false)
      plan(entry.at_ms, policy_.report_ms, "report",
           {.as = As::kForm,
            .object = fmt::format("form-{}", ++number_),
            .type = "incident-report",
            .fields = {{"what", entry.text}}});
}

void Player::alert(const Entry& entry, const Evidence& e) {
  const std::string what = fmt::format("alert {}", e.object);
  std::string told;
  for (const std::string& pattern : e.patterns)
    for (const std::string& value : values_of(pattern))
      if (const auto by = told_by_.find(value); by != told_by_.end()) told = by->second;
  // What a neighbour told of comes back to him as a sighting.
  if (!told.empty() && does(what + " sighting"))
    plan(entry.at_ms, policy_.share_ms, what + " sighting",
         {.as = As::kSighting,
          .object = fmt::format("sighting--{}-{}", roster_->teams()[team_], ++number_),
          .type = "sighting",
          .patterns = e.patterns,
          .to = {told},
          .label = roster_->scenario().exercise.label.text()});
  if (policy_.sheet) {
    // What the alert belongs to, as its analysts find out.
    if (const auto number = roster_->inject_of(e.inject)) {
      const scenario::Inject& inject = roster_->scenario().injects[*number];
      for (const scenario::ShareExpectation& asked : inject.share)
        if (asked.what == Shared::kIndicators && roster_->asks(asked.from, team_))
          share(entry.at_ms, fmt::format("{} {}", inject.id, asked.id), patterns_of(inject), asked.to, &asked.label);
    }
    return;
  }
  if (told.empty()) share(entry.at_ms, fmt::format("{}", fmt::join(e.patterns, " ")), e.patterns, others(), nullptr);
  if (!reported_ms_ || entry.at_ms - *reported_ms_ >= kBetweenReports_ms) {
    reported_ms_ = entry.at_ms;
    plan(entry.at_ms, policy_.report_ms, "sitrep",
         {.as = As::kForm,
          .object = fmt::format("form-{}", ++number_),
          .type = "sitrep",
          .inject = e.inject,
          .fields = {{"what", entry.text}}});
  }
}

void Player::share(std::int64_t at_ms, const std::string& what, const std::vector<std::string>& patterns,
                   const std::vector<std::string>& asked_to, const policy::Label* asked) {
  if (patterns.empty() || !shared_.insert(what).second || !does("share " + what)) return;
  std::string label = roster_->scenario().exercise.label.text();
  if (policy_.marking == Policy::Marking::kAsked && asked != nullptr)
    label = policy::join(*asked, roster_->scenario().exercise.label).text();
  if (policy_.marking == Policy::Marking::kClear) label = policy::bottom().text();
  plan(at_ms, policy_.share_ms, "share " + what,
       {.as = As::kShared,
        .object = fmt::format("indicator--{}-{}", roster_->teams()[team_], ++number_),
        .type = "indicator",
        .patterns = patterns,
        .to = policy_.audience == Policy::Audience::kEverybody ? others() : asked_to,
        .label = label});
}

void Player::undo(std::int64_t at_ms, const scenario::Inject& inject, const std::string& what) {
  for (std::size_t i = 0; i < inject.physics.size(); ++i) {
    if (!roster_->concerns(inject.physics[i], team_)) continue;
    std::optional<double> value = inject.physics[i].value;
    const char* kind = undoing(inject.physics[i].kind, value);
    if (kind != nullptr && std::string_view(kind) != "wind" && shared_.insert(what + std::to_string(i)).second)
      plan(at_ms + inject.physics[i].after.count(), policy_.order_ms, what,
           {.as = As::kOrder, .type = kind, .target = inject.physics[i].target, .value = value});
  }
}

void Player::fired(const Entry& entry) {
  const auto number = roster_->inject_of(entry.ref);
  if (!number) return;
  const scenario::Inject& inject = roster_->scenario().injects[*number];
  const std::string firing = fmt::format("{} {}", inject.id, entry.at_ms);
  for (const scenario::Expectation& asked : inject.expectations) {
    const std::string what = fmt::format("{} {}", firing, asked.id);
    if (roster_->asks(asked.teams, team_) && does(what)) expectation(entry, inject, asked, what);
  }
  for (const scenario::ShareExpectation& asked : inject.share) {
    if (asked.what == Shared::kIndicators || !roster_->asks(asked.from, team_)) continue;
    const std::string what = fmt::format("{} {}", firing, asked.id);
    if (!does(what)) continue;
    const std::string type = asked.what == Shared::kWarning ? "warning" : std::string(scenario::to_string(asked.what));
    const policy::Label label = policy_.marking == Policy::Marking::kClear
                                    ? policy::bottom()
                                    : policy::join(asked.label, roster_->scenario().exercise.label);
    plan(entry.at_ms, policy_.share_ms, what,
         {.as = As::kShared,
          .object = fmt::format("{}--{}-{}", type, roster_->teams()[team_], ++number_),
          .type = type,
          .inject = inject.id,
          .to = policy_.audience == Policy::Audience::kEverybody ? others() : asked.to,
          .label = label.text()});
  }
  if (does(firing + " undo")) undo(entry.at_ms, inject, firing + " undo");
}

void Player::expectation(const Entry& entry, const scenario::Inject& inject, const scenario::Expectation& asked,
                         const std::string& what) {
  const std::int64_t from = entry.at_ms + asked.starts.count();
  switch (asked.seen.as) {
    case Seen::kForm:
      return plan(from, policy_.report_ms, what,
                  {.as = As::kForm,
                   .object = fmt::format("form-{}", ++number_),
                   .type = asked.seen.of,
                   .inject = inject.id,
                   .fields = {{"what", inject.name}}});
    case Seen::kObject:
      return plan(from, policy_.report_ms, what,
                  {.as = As::kObject,
                   .object = fmt::format("{}--{}-{}", asked.seen.of, roster_->teams()[team_], ++number_),
                   .type = asked.seen.of,
                   .inject = inject.id,
                   .label = roster_->scenario().exercise.label.text()});
    case Seen::kOrder:
      if (asked.seen.target.empty()) return undo(from, inject, what);
      shared_.insert(fmt::format("{} {} undo", inject.id, entry.at_ms));
      return plan(from, policy_.order_ms, what, {.as = As::kOrder, .type = asked.seen.of, .target = asked.seen.target});
    case Seen::kPlaybook:
      return plan(from, policy_.order_ms, what,
                  {.as = As::kPlaybook, .object = inject.response, .type = asked.seen.of, .inject = inject.id});
    case Seen::kReply:
      // Its delivery is shown after the firing: the id is the first that the inject sends.
      return plan(from, policy_.report_ms, what,
                  {.as = As::kReply,
                   .object = deliveries_.contains(inject.id) ? deliveries_[inject.id] : inject.id,
                   .inject = inject.id,
                   .text = "We have it, and look into it."});
    case Seen::kAlert:      // Watch, or the node
    case Seen::kSighting:   // comes of an alert about what it was told
    case Seen::kCondition:  // undo
    case Seen::kManual:     // exercise control
      return;
  }
}

// ——— Watch ———

Watch::Watch(const Roster& roster, std::size_t team, Policy policy, std::uint64_t seed)
    : roster_(&roster), team_(team), policy_(std::move(policy)), seed_(hash64("watch " + roster.teams()[team], seed)) {}

std::optional<std::int64_t> Watch::next_ms() const { return first_of(planned_); }
std::vector<Evidence> Watch::due(std::int64_t now_ms) { return take_until(planned_, now_ms); }

void Watch::see(const Entry& entry) {
  if (entry.kind == Kind::kEvidence) {
    const auto e = evidence_of(entry);
    if (e && std::ranges::any_of(e->to, [&](const std::string& to) { return roster_->team_of(to) == team_; }))
      for (const std::string& pattern : e->patterns)
        for (std::string& value : values_of(pattern)) known_.insert(std::move(value));
    return;
  }
  if (entry.kind != Kind::kTelemetry || roster_->team_of(entry.team) != team_) return;
  const auto number = roster_->inject_of(text_in(entry, "inject"));
  if (!number) return;
  const scenario::Inject& inject = roster_->scenario().injects[*number];
  // Ids are run/inject/occurrence/…: one alert for each occurrence, one more once it is known.
  const std::string occurrence =
      entry.ref.substr(0, entry.ref.find('/', entry.ref.find('/', entry.ref.find('/') + 1) + 1));
  std::vector<std::string> matched;
  for (std::string& pattern : patterns_of(inject))
    if (const auto values = values_of(pattern);
        std::ranges::any_of(values, [&](const std::string& value) { return known_.contains(value); }))
      matched.push_back(std::move(pattern));
  const Json* first = entry.data.if_contains("first_ms");
  Evidence alert{.as = As::kAlert,
                 .team = roster_->teams()[team_],
                 .by = policy_.name,
                 .inject = inject.id,
                 .telemetry_ms = first != nullptr && first->is_int64() ? first->get_int64() : entry.at_ms};
  if (!matched.empty()) {
    if (!raised_.insert("known " + occurrence).second) return;
    alert.object = "alert--known-" + occurrence;
    alert.patterns = std::move(matched);
    planned_.emplace(entry.at_ms + kMatch_ms, std::move(alert));
    return;
  }
  if (unit(hash64("find " + occurrence, seed_)) >= policy_.finds || !raised_.insert("found " + occurrence).second)
    return;
  alert.object = "alert--found-" + occurrence;
  alert.patterns = patterns_of(inject);
  const double longer = 1 + policy_.spread * unit(hash64("delay " + occurrence, seed_));
  planned_.emplace(entry.at_ms + static_cast<std::int64_t>(static_cast<double>(policy_.find_ms) * longer),
                   std::move(alert));
}

}  // namespace bongsu::exercise::drill
