// What a drill does: deliveries, telemetry, orders to ranges, probes and what users say of them.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/hash.h"
#include "exercise/drill/engine.h"
#include "exercise/drill/telemetry.h"
#include "exercise/scenario/vocabulary.h"

namespace bongsu::exercise::drill {
namespace {

// Lines that come this close together go as one.
constexpr std::int64_t kTelemetryBatch_ms = 5'000;
constexpr std::uint32_t kTelemetryBatchLines = 1'000;
constexpr std::size_t kMaxServiceDepth = 32;

Json list_of(const std::vector<scenario::Role>& roles) {
  JsonArray out;
  for (const scenario::Role role : roles) out.push_back(Json(scenario::to_string(role)));
  return out;
}

bool recovers(std::string_view kind) {
  constexpr std::array<std::string_view, 10> kKinds = {"live",        "node-up",      "link-up",      "circuit-up",
                                                       "terminal-up", "control-back", "segment-open", "train-moves",
                                                       "mended",      "done"};
  return std::ranges::find(kKinds, kind) != kKinds.end();
}

}  // namespace

// ——— deliveries ———

void Engine::deliver(std::size_t number) {
  const Instance it = instances_[number];
  const scenario::Inject& inject = plan_->scenario.injects[it.inject];
  for (std::size_t i = 0; i < inject.deliver.size(); ++i) {
    const scenario::Delivery& d = inject.deliver[i];
    const auto reads = [&](const std::set<scenario::Role>& roles) {
      return d.roles.empty() || std::ranges::any_of(d.roles, [&](scenario::Role role) { return roles.contains(role); });
    };
    const auto to = [&](const std::string& entity) {
      send({.id = fmt::format("{}/{}/{}/{}/{}", run_, inject.id, it.occurrence, entity.empty() ? "~all" : entity, i),
            .inject = inject.id,
            .to = entity,
            .via = d.via,
            .roles = d.roles,
            .from = inject.from_entity,
            .sender = d.sender,
            .subject = d.subject,
            .text = d.text},
           {{"inject", inject.id}, {"channel", scenario::to_string(d.via)}, {"number", i}, {"roles", list_of(d.roles)}},
           team_name(it.team));
    };
    if (it.team != kOutside && reads(plan_->roles_within[it.team])) to(team_name(it.team));
    if (!it.first) continue;
    // Those outside teams: the inject's own, then everyone else who plays a role that reads it.
    std::set<scenario::Role> reached;
    for (const std::string& name : inject.to_entities) {
      const scenario::Entity* entity = plan_->roster.entity(name);
      if (entity == nullptr || plan_->roster.team_of(name) || !entity->role || !reads({*entity->role})) continue;
      reached.insert(*entity->role);
      to(name);
    }
    const bool others = std::ranges::any_of(plan_->scenario.entities, [&](const scenario::Entity& entity) {
      return entity.role && !d.roles.empty() && reads({*entity.role}) && !reached.contains(*entity.role) &&
             !plan_->roster.team_of(entity.id);
    });
    if (others) to("");
  }
}

void Engine::send(Delivery delivery, JsonObject data, const std::string& team) {
  delivery.label = plan_->label;
  delivery.due_ms = now_ms_;
  data["to"] = delivery.to;
  std::string text = fmt::format("{} to {}: {}", scenario::to_string(delivery.via),
                                 delivery.to.empty() ? "all who read it outside teams" : delivery.to,
                                 delivery.subject.empty() ? delivery.text : delivery.subject);
  made(Kind::kDelivery, team, delivery.id, std::move(text), std::move(data));
  out_number_[delivery.id] = outs_;
  out_[outs_++].delivery = delivery;
  made_.deliveries.push_back(std::move(delivery));
}

// ——— telemetry ———

void Engine::plan_telemetry(std::size_t instance, std::size_t number, std::size_t first) {
  const scenario::Telemetry& t = plan_->scenario.injects[instances_[instance].inject].telemetry[number];
  if (first >= t.count) return;
  const std::int64_t every = t.every.count();
  std::size_t last = every == 0 ? t.count - 1 : first + static_cast<std::size_t>(kTelemetryBatch_ms / every);
  last = std::min<std::size_t>({last, t.count - 1, first + kTelemetryBatchLines - 1});
  // A batch goes when its last record is there.
  plan_item(instances_[instance].fired_ms + t.after.count() + static_cast<std::int64_t>(last) * every, What::kTelemetry,
            instance, number | (last << 16U), first);
}

void Engine::telemetry(std::size_t number, std::size_t packed, std::size_t first) {
  const Instance& it = instances_[number];
  const std::size_t which = packed & 0xFFFFU, last = packed >> 16U;
  const scenario::Inject& inject = plan_->scenario.injects[it.inject];
  const scenario::Telemetry& t = inject.telemetry[which];
  std::vector<std::size_t> teams;
  const auto named = t.team.empty() ? std::nullopt : plan_->roster.team_of(t.team);
  if (named) {
    // In the logs of one team: with its own firing, or the first of those who have none of their own.
    const auto& to = plan_->roster.teams_of(it.inject);
    if (it.team == *named || (it.first && std::ranges::find(to, *named) == to.end())) teams.push_back(*named);
  } else if (it.team != kOutside) {
    teams.push_back(it.team);
  } else {
    for (std::size_t team = 0; team < teams_.size(); ++team) teams.push_back(team);
  }
  for (const std::size_t team : teams) {
    const std::string id =
        fmt::format("{}/{}/{}/{}/t{}.{}", run_, inject.id, it.occurrence, team_name(team), which, first);
    const std::int64_t begin = it.fired_ms + t.after.count();
    std::string lines, trouble;
    for (std::size_t n = first; n <= last; ++n) {
      const Instant at = plan_->scenario.exercise.start +
                         std::chrono::milliseconds(begin + static_cast<std::int64_t>(n) * t.every.count());
      // The run is left out of the seed: what is lived again leaves the same records.
      const auto line = telemetry_line(
          t.template_name, t.parameters, at,
          hash64(fmt::format("{}/{}/{}/{}/{}", inject.id, it.occurrence, team_name(team), which, n), plan_->seed));
      if (line)
        lines += *line;
      else
        trouble = line.error().message;
    }
    if (!trouble.empty())
      made(Kind::kEvent, team_name(team), inject.id, "telemetry can't be made: " + trouble, {{"kind", "no-telemetry"}});
    put_telemetry(id, team, inject.id, std::move(lines), begin + static_cast<std::int64_t>(first) * t.every.count());
  }
  plan_telemetry(number, which, last + 1);
}

void Engine::background(std::size_t team, std::size_t number) {
  const std::int64_t length = plan_->settings.background.count();
  const auto count =
      static_cast<std::size_t>(plan_->settings.background_per_minute * static_cast<double>(length) / 60'000);
  const std::int64_t begin = now_ms_ - length;
  put_telemetry(fmt::format("{}/~background/{}/{}", run_, team_name(team), number), team, "",
                background_lines(team_name(team), plan_->scenario.exercise.start + std::chrono::milliseconds(begin),
                                 length, count, hash64(std::to_string(number), plan_->seed)),
                begin);
}

void Engine::put_telemetry(const std::string& id, std::size_t team, const std::string& inject, std::string lines,
                           std::int64_t first_ms) {
  if (lines.empty()) return;
  const auto count = static_cast<std::int64_t>(std::ranges::count(lines, '\n'));
  made(Kind::kTelemetry, team_name(team), id,
       fmt::format("{} records of {}", count, inject.empty() ? "ordinary life" : inject),
       {{"inject", inject}, {"lines", count}, {"first_ms", first_ms}, {"sha256", to_hex(sha256(lines))}});
  TelemetryLines out{.id = id, .team = team_name(team), .inject = inject, .lines = std::move(lines)};
  out_number_[id] = outs_;
  out_[outs_++].telemetry = out;
  made_.telemetry.push_back(std::move(out));
}

// ——— the range ———

void Engine::effect(std::size_t number, std::size_t which, bool undo) {
  const Instance it = instances_[number];
  const scenario::Effect& e = plan_->scenario.injects[it.inject].physics[which];
  RangeOrder order{.kind = e.kind, .target = e.target, .value = e.value, .by = Hand::kRed};
  if (undo) {
    const char* kind = undoing(e.kind, order.value);
    if (kind == nullptr) return;
    order.kind = kind;
    order.by = Hand::kFate;
  }
  // One on a service passes those by who have it not, if anybody else that the inject goes to has it.
  const auto& to = plan_->roster.teams_of(it.inject);
  bool concerned = false;
  for (std::size_t team = 0; team < teams_.size(); ++team)
    concerned = concerned || ((it.team == kOutside || std::ranges::find(to, team) != to.end()) &&
                              plan_->roster.concerns(e, team));
  for (std::size_t team = 0; team < teams_.size(); ++team)
    if ((it.team == team || it.team == kOutside) && (!concerned || plan_->roster.concerns(e, team)))
      this->order(team, order, undo ? "undone" : "inject", it.inject);
  if (!undo && e.lasts) plan_item(now_ms_ + e.lasts->count(), What::kUndo, number, which);
}

Result<std::uint64_t> Engine::carry_out(std::size_t team, const RangeOrder& order) {
  if (!order.kind.starts_with("service-")) return teams_[team].range->order(order);
  // Services are the drill's own: nothing in the range knows of a web page.
  const auto service = plan_->services.find(order.target);
  if (service == plan_->services.end() || !plan_->roster.serves(plan_->scenario.services[service->second], team))
    return fail(ErrorCode::kNotFound, fmt::format("{} has no service {}", team_name(team), order.target));
  ServiceRun& run = teams_[team].services[service->second];
  if (order.kind == "service-down")
    run.forced_down = true;
  else if (order.kind == "service-slow")
    run.slow_ms = static_cast<std::int64_t>(order.value.value_or(0));
  else
    run.forced_down = false, run.slow_ms = 0;
  return 0;
}

void Engine::order(std::size_t team, const RangeOrder& order, std::string_view by, std::size_t inject) {
  TeamRun& run = teams_[team];
  run.range->advance_to(now_ms_);
  range_events(team);
  const auto done = carry_out(team, order);
  JsonObject data = {{"kind", order.kind}, {"by", by}, {"accepted", done.has_value()}};
  if (order.value) data["value"] = json_number(*order.value);
  if (order.crew) data["crew"] = true;
  if (by != "team") data["inject"] = plan_->scenario.injects[inject].id;
  std::string text = fmt::format("{} {}", order.kind, order.target);
  if (order.value) text += fmt::format(" {:g}", *order.value);
  if (!done) text += ": " + done.error().message;
  deeds_.take(made(Kind::kOrder, team_name(team), order.target, std::move(text), std::move(data)));
  if (!done) return;
  if (by == "inject") {
    run.touched[order.target].insert(inject);
    if (*done != 0) run.roots[*done] = inject;
  } else {
    run.touched.erase(order.target);
  }
  range_events(team);
}

void Engine::range_events(std::size_t team) {
  TeamRun& run = teams_[team];
  for (const RangeEvent& event : run.range->take_events()) {
    JsonObject data = {{"kind", event.kind}, {"id", event.id}, {"cause", event.cause}};
    if (event.magnitude != 0) data["magnitude"] = json_number(event.magnitude);
    auto root = run.roots.find(event.id);
    if (root == run.roots.end()) {
      const auto cause = run.roots.find(event.cause);
      if (event.cause != 0 && cause != run.roots.end()) root = run.roots.emplace(event.id, cause->second).first;
    }
    if (root != run.roots.end()) {
      data["inject"] = plan_->scenario.injects[root->second].id;
      if (!event.target.empty() && !recovers(event.kind)) run.touched[event.target].insert(root->second);
    }
    if (recovers(event.kind)) run.touched.erase(event.target);
    // A moment between two steps: it happened then, and is told now.
    if (event.at_ms != now_ms_) data["at_ms"] = event.at_ms;
    made(Kind::kEvent, team_name(team), event.target, event.text, std::move(data));
  }
}

// ——— services ———

void Engine::injects_beneath(const TeamRun& run, const scenario::Service& service, std::set<std::size_t>& out,
                             std::size_t depth) const {
  const auto add = [&](const std::string& thing) {
    if (const auto found = run.touched.find(thing); found != run.touched.end())
      out.insert(found->second.begin(), found->second.end());
  };
  add(service.id);
  add(service.target);
  for (const std::string& on : service.depends_on) {
    add(on);
    if (const auto other = plan_->services.find(on); other != plan_->services.end() && depth < kMaxServiceDepth)
      injects_beneath(run, plan_->scenario.services[other->second], out, depth + 1);
  }
}

void Engine::probe(std::size_t team, std::size_t number) {
  TeamRun& run = teams_[team];
  const scenario::Service& service = plan_->scenario.services[number];
  run.range->advance_to(now_ms_);
  range_events(team);
  ServiceRun& it = run.services[number];
  ProbeAnswer answer;
  if (it.forced_down) {
    answer = {false, "it does not answer"};
  } else if (it.slow_ms > service.timeout.count()) {
    answer = {false,
              fmt::format("it answers after {}, later than {}", scenario::text_of(scenario::Duration(it.slow_ms)),
                          scenario::text_of(service.timeout))};
  } else {
    for (const std::string& on : service.depends_on)
      if (const auto other = plan_->services.find(on);
          answer.up && other != plan_->services.end() && !run.services[other->second].up)
        answer = {false, fmt::format("{} is down", on)};
    if (answer.up) answer = run.range->probe(service);
  }
  if (!it.asked || answer.up != it.up) {
    it.asked = true;
    it.up = answer.up;
    it.why = answer.why;
    it.since_ms = now_ms_;
    it.complaints = 0;
    JsonObject data = {{"up", it.up}};
    if (!it.up) {
      std::set<std::size_t> injects;
      injects_beneath(run, service, injects, 0);
      JsonArray names;
      for (const std::size_t inject : injects) names.push_back(Json(plan_->scenario.injects[inject].id));
      data["injects"] = std::move(names);
    }
    deeds_.take(made(Kind::kProbe, team_name(team), service.id,
                     it.up ? service.id + " answers" : fmt::format("{} does not answer: {}", service.id, it.why),
                     std::move(data)));
  }
  const std::int64_t patience = service.complain.count();
  if (it.up || patience <= 0 || now_ms_ - it.since_ms < patience * (it.complaints + 1)) return;
  const std::int64_t down = now_ms_ - it.since_ms;
  const std::string text =
      service.complaints.empty()
          ? fmt::format("{} has not worked for {}.", service.name.empty() ? service.id : service.name,
                        scenario::text_of(scenario::Duration(down)))
          : service.complaints[static_cast<std::size_t>(it.complaints) % service.complaints.size()];
  made(Kind::kComplaint, team_name(team), service.id, text, {{"down_ms", down}, {"number", it.complaints}});
  send({.id = fmt::format("{}/~complaint/{}/{}/{}.{}", run_, service.id, it.since_ms, team_name(team), it.complaints),
        .to = team_name(team),
        .via = scenario::Channel::kMail,
        .sender = "users",
        .subject = service.name.empty() ? service.id : service.name,
        .text = text},
       {{"complaint", service.id}, {"channel", scenario::to_string(scenario::Channel::kMail)}}, team_name(team));
  ++it.complaints;
}

void Engine::sample(std::size_t team) {
  TeamRun& run = teams_[team];
  run.range->advance_to(now_ms_);
  range_events(team);
  JsonObject now = run.range->consequences();
  if (now == run.sampled) return;
  run.sampled = now;
  made(Kind::kSample, team_name(team), "", "consequences so far", std::move(now));
}

}  // namespace bongsu::exercise::drill
