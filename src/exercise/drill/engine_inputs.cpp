// What comes in: exercise control's hand, and evidence.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "exercise/drill/engine.h"

namespace bongsu::exercise::drill {

std::vector<std::size_t> Engine::instances_of(std::size_t inject, std::size_t team, std::optional<Stage> stage) const {
  std::vector<std::size_t> out;
  const auto found = by_inject_.find(inject);
  if (found == by_inject_.end()) return out;
  for (const std::size_t number : found->second) {
    const Instance& it = instances_[number];
    const bool open = it.stage != Stage::kFired && it.stage != Stage::kNever;
    if (it.team == team && (stage ? it.stage == *stage : open)) out.push_back(number);
  }
  return out;
}

Result<std::vector<std::size_t>> Engine::teams_meant(const Control& c, std::size_t inject) const {
  std::vector<std::size_t> teams = plan_->roster.teams_of(inject);
  if (teams.empty()) teams.push_back(kOutside);
  if (c.team.empty()) return teams;
  const auto team = plan_->roster.team_of(c.team);
  if (!team || std::ranges::find(teams, *team) == teams.end())
    return fail(ErrorCode::kNotFound, fmt::format("{} goes to no team {}", c.inject, c.team), {.field = "team"});
  return std::vector{*team};
}

Result<void> Engine::check(const Input& input) const {
  if (const auto* c = std::get_if<Control>(&input)) {
    if (c->verb != Verb::kInject && c->verb != Verb::kApprove && c->verb != Verb::kRefuse) return {};
    const auto inject = plan_->roster.inject_of(c->inject);
    if (!inject)
      return fail(ErrorCode::kNotFound, fmt::format("there is no inject {}", c->inject), {.field = "inject"});
    BONGSU_TRY(const auto teams, teams_meant(*c, *inject));
    if (c->verb == Verb::kInject) return {};
    if (std::ranges::none_of(teams,
                             [&](std::size_t team) { return !instances_of(*inject, team, Stage::kHand).empty(); }))
      return fail(ErrorCode::kConflict, fmt::format("{} does not wait for exercise control", c->inject),
                  {.field = "inject"});
    return {};
  }
  const auto* e = std::get_if<Evidence>(&input);
  if (e == nullptr) return {};
  if (e->as == As::kDelivered || e->as == As::kAcknowledged) {
    if (!known(e->object))
      return fail(ErrorCode::kNotFound, fmt::format("nothing with the id {} went out", e->object), {.field = "object"});
    return {};
  }
  // Those outside teams answer what came to them; all other deeds are teams'.
  const bool outside = e->as == As::kReply && plan_->roster.entity(e->team) != nullptr;
  if (!outside && !plan_->roster.team_of(e->team))
    return fail(ErrorCode::kNotFound, fmt::format("there is no team {}", e->team), {.field = "team"});
  if (e->telemetry_ms && *e->telemetry_ms > now_ms_ + kMaxAhead_ms)
    return fail(ErrorCode::kInvalid, "the telemetry's time is in the drill's future", {.field = "telemetry_ms"});
  return {};
}

void Engine::apply(const Input& input, const Entry& entry) {
  if (const auto* control = std::get_if<Control>(&input)) return this->control(*control);
  if (const auto* evidence = std::get_if<Evidence>(&input)) this->evidence(*evidence, entry);
}

void Engine::control(const Control& c) {
  if (c.verb == Verb::kEnd) return end(false);
  if (c.verb != Verb::kInject && c.verb != Verb::kApprove && c.verb != Verb::kRefuse) return;
  const std::size_t inject = *plan_->roster.inject_of(c.inject);
  const std::vector<std::size_t> teams = *teams_meant(c, inject);
  const std::string by = c.by.empty() ? "exercise control" : c.by;
  const std::size_t again = plan_->occurrences.size() + by_hand_;
  bool made_anew = false;
  for (const std::size_t team : teams) {
    if (c.verb == Verb::kInject) {
      const auto open = instances_of(inject, team, std::nullopt);
      made_anew = made_anew || open.empty();
      fire(open.empty() ? add_instance({.occurrence = again, .inject = inject, .team = team}) : open.front(), by);
      continue;
    }
    for (const std::size_t number : instances_of(inject, team, Stage::kHand)) {
      if (c.verb == Verb::kApprove)
        fire(number, by);
      else
        never(number, "refused",
              c.reason.empty() ? "exercise control refused it" : "exercise control refused it: " + c.reason);
    }
  }
  if (made_anew) ++by_hand_;
}

void Engine::evidence(const Evidence& e, const Entry& entry) {
  deeds_.take(entry);
  if (e.as == As::kDelivered || e.as == As::kAcknowledged) {
    const std::uint64_t number = out_number_.at(e.object);
    out_.erase(number);
    if (e.as == As::kDelivered) delivered_.insert(number);
    return;
  }
  const auto team = plan_->roster.team_of(e.team);
  if (!team) return;
  if (e.as == As::kOrder && !ended_)
    order(*team, {.kind = e.type, .target = e.target, .value = e.value, .by = Hand::kTeam, .crew = e.object == "crew"},
          "team", 0);
  if ((e.as == As::kShared || e.as == As::kSighting) && !e.to.empty()) watch_labels(e, entry, *team);
  if (e.as == As::kViolation) {
    JsonObject data = {
        {"rule", e.type}, {"label", e.label}, {"to", JsonArray(e.to.begin(), e.to.end())}, {"evidence", entry.seq}};
    made(Kind::kViolation, team_name(*team), e.object, e.text.empty() ? e.type : e.text, std::move(data));
  }
}

void Engine::watch_labels(const Evidence& e, const Entry& entry, std::size_t team) {
  // Recipients by rule; the sentence is of the first of them.
  std::map<std::string, std::pair<std::string, JsonArray>> found;
  const auto violates = [&](const char* rule, const std::string& to, std::string text) {
    auto& [sentence, recipients] = found.try_emplace(rule, std::move(text), JsonArray()).first->second;
    recipients.push_back(Json(to));
  };
  const auto label = e.label.empty() ? std::unexpected(Error{}) : policy::Label::parse(e.label);
  std::vector<const policy::Label*> asked;
  for (const std::size_t number : deeds_.about(e, team, now_ms_)) {
    const scenario::Inject& inject = plan_->scenario.injects[deeds_.firings()[number].inject];
    for (const scenario::ShareExpectation& share : inject.share)
      if (share.what == scenario::Shared::kIndicators && plan_->roster.asks(share.from, team))
        asked.push_back(&share.label);
  }
  for (const std::string& to : e.to) {
    const scenario::Entity* recipient = plan_->roster.entity(to);
    if (recipient != nullptr && plan_->roster.team_of(to) == team) continue;
    if (recipient == nullptr) {
      violates("outside", to, fmt::format("{} takes no part in the exercise", to));
    } else if (e.label.empty()) {
      violates("no-label", to, "it bears no label");
    } else if (!label) {
      violates("no-label", to, fmt::format("its label can't be read: {}", label.error().message));
    } else {
      if (std::string trouble = Deeds::label_trouble(*label, plan_->scenario.exercise.label, nullptr); !trouble.empty())
        violates("laxer-than-exercise", to, std::move(trouble));
      for (const policy::Label* wanted : asked)
        if (std::string trouble = Deeds::label_trouble(*label, *wanted, nullptr); !trouble.empty()) {
          violates("laxer-than-asked", to, std::move(trouble));
          break;
        }
      if (std::string trouble = Deeds::label_trouble(*label, policy::bottom(), recipient); !trouble.empty())
        violates("recipient-kept-out", to, std::move(trouble));
    }
  }
  for (auto& [rule, it] : found)
    made(Kind::kViolation, team_name(team), e.object, std::move(it.first),
         {{"rule", rule}, {"label", e.label}, {"to", std::move(it.second)}, {"evidence", entry.seq}});
}

}  // namespace bongsu::exercise::drill
