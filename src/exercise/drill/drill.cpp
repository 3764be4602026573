// The drill around its engine: wall time, numbers of entries, jumps, and living through a log again.
#include "exercise/drill/drill.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include "base/bytes.h"
#include "base/hash.h"
#include "exercise/drill/engine.h"
#include "exercise/scenario/write.h"

namespace bongsu::exercise::drill {
namespace {

constexpr int kLogFormat = 1;

std::unexpected<Error> conflict(std::string message) { return fail(ErrorCode::kConflict, std::move(message)); }

// Whether two entries say the same, however their numbers are kept.
bool same(const Entry& a, const Entry& b) {
  return a.seq == b.seq && a.run == b.run && a.at_ms == b.at_ms && a.wall == b.wall && a.kind == b.kind &&
         a.team == b.team && a.ref == b.ref && a.text == b.text &&
         *to_canonical_text(a.data) == *to_canonical_text(b.data);
}

std::string words(const Entry& e) {
  return fmt::format("\"{} {} {} {}: {}\" at {} ms", to_string(e.kind), e.ref, e.team, to_text(e.data), e.text,
                     e.at_ms);
}

Instant whole_micros(const Instant& wall) { return Instant::from_micros(wall.micros()); }

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::kReady:
      return "ready";
    case State::kRunning:
      return "running";
    case State::kPaused:
      return "paused";
    case State::kEnded:
      return "ended";
  }
  return {};
}

std::string exercise_banner(const scenario::Scenario& scenario) {
  return "EXERCISE · " + scenario::text_of(scenario.exercise.label);
}

std::string digest_of(const scenario::Scenario& scenario) { return to_hex(sha256(scenario::write_scenario(scenario))); }

struct Drill::Impl {
  std::shared_ptr<const Plan> plan;
  RangeMaker make_range;
  std::unique_ptr<Engine> engine;
  State state = State::kReady;
  Instant last_wall, base_wall;
  std::int64_t base_ms = 0;
  double speed = 1;
  std::uint32_t run = 1;
  std::uint64_t seq = 0;
  // What is played again after a jump, and where in it runs begin.
  struct Past {
    std::int64_t at_ms;
    std::optional<Input> input;  // nothing: run `run` began here
    std::uint32_t run;
    Entry entry;
  };
  std::vector<Past> past;
  std::unordered_map<std::uint64_t, std::string> forms;  // seq → team
  Step held;                                             // what was due by the clock when an input was refused

  std::int64_t ms_at(const Instant& wall) const {
    const double passed = static_cast<double>((wall - base_wall).count()) / 1e6;
    return base_ms + static_cast<std::int64_t>(std::floor(passed * speed));
  }
  // The first microsecond at which the clock shows it.
  Instant wall_at(std::int64_t ms) const {
    if (ms <= base_ms) return base_wall;
    auto micros =
        base_wall.micros() + static_cast<std::int64_t>(std::floor(static_cast<double>(ms - base_ms) * 1e3 / speed));
    while (ms_at(Instant::from_micros(micros)) >= ms) --micros;
    while (ms_at(Instant::from_micros(micros)) < ms) ++micros;
    return Instant::from_micros(micros);
  }

  void number(Entry& entry, const Instant& wall) {
    entry.seq = ++seq;
    entry.run = run;
    entry.wall = wall;
  }

  // What the engine made, with numbers; `wall`: when it was by an input, else by the clock.
  void collect(Step& step, std::optional<Instant> wall) {
    Engine::Made made = engine->take_made();
    std::optional<std::pair<std::int64_t, Instant>> last;  // many entries share a moment
    for (Entry& entry : made.entries) {
      if (!wall && (!last || last->first != entry.at_ms)) last = {entry.at_ms, wall_at(entry.at_ms)};
      number(entry, wall ? *wall : last->second);
    }
    // Mostly there is nothing before it, and then it may be much.
    if (step.entries.empty())
      step.entries = std::move(made.entries);
    else
      std::ranges::move(made.entries, std::back_inserter(step.entries));
    std::ranges::move(made.deliveries, std::back_inserter(step.deliveries));
    std::ranges::move(made.telemetry, std::back_inserter(step.telemetry));
  }

  // By the clock.
  void live_until(std::int64_t at_ms, Step& step, std::size_t most = SIZE_MAX) {
    if (state != State::kRunning) return;
    engine->live_until(at_ms, most);
    collect(step, std::nullopt);
    if (!engine->ended()) return;
    state = State::kEnded;
  }
  void advance(const Instant& wall, Step& step, std::size_t most = SIZE_MAX) {
    last_wall = std::max(last_wall, whole_micros(wall));
    live_until(ms_at(last_wall), step, most);
  }

  Result<void> check(const Input& input) const {
    if (const auto* c = std::get_if<Control>(&input)) {
      const auto& limits = plan->scenario.exercise.speed;
      const bool under_way = state == State::kRunning || state == State::kPaused;
      switch (c->verb) {
        case Verb::kOpened:
          return fail(ErrorCode::kInvalid, "a drill is opened once, by itself", {.field = "verb"});
        case Verb::kStart:
          if (state != State::kReady) return conflict("the drill has begun");
          return {};
        case Verb::kPause:
          if (state != State::kRunning) return conflict("the drill does not run");
          return {};
        case Verb::kResume:
          if (state != State::kPaused) return conflict("the drill does not stand");
          return {};
        case Verb::kSpeed:
          if (state == State::kEnded) return conflict("the drill has ended");
          if (!(c->speed >= limits.least && c->speed <= limits.most))
            return fail(ErrorCode::kInvalid,
                        fmt::format("the scenario allows speeds from {:g} to {:g}", limits.least, limits.most),
                        {.field = "speed"});
          return {};
        case Verb::kJumpBack:
          if (!under_way) return conflict("there is a way back only while the drill is under way");
          if (c->to_ms < 0 || c->to_ms > engine->now_ms())
            return fail(ErrorCode::kInvalid, "that time has not been yet", {.field = "to_ms"});
          return {};
        default:
          if (!under_way) return conflict("the drill is not under way");
          return engine->check(input);
      }
    }
    if (const auto* e = std::get_if<Evidence>(&input)) {
      if (state == State::kReady) return conflict("the drill has not begun");
      const bool afterwards =
          e->as == As::kDelivered || e->as == As::kAcknowledged || e->as == As::kJudged || e->as == As::kViolation;
      if (state == State::kEnded && !afterwards) return conflict("the drill has ended");
      return engine->check(input);
    }
    const auto form = [&](std::uint64_t seq_of_form) -> Result<void> {
      if (!forms.contains(seq_of_form))
        return fail(ErrorCode::kNotFound, fmt::format("entry {} is no form", seq_of_form), {.field = "form"});
      return {};
    };
    if (const auto* g = std::get_if<Grade>(&input)) {
      if (g->by.empty()) return fail(ErrorCode::kInvalid, "a grade has somebody who gave it", {.field = "by"});
      return form(g->form);
    }
    if (const auto* a = std::get_if<Appeal>(&input)) {
      BONGSU_TRY_VOID(form(a->form));
      if (forms.at(a->form) != a->team)
        return fail(ErrorCode::kDenied, "a team appeals the grades of its own forms", {.field = "team"});
      return {};
    }
    return form(std::get<Ruling>(input).form);
  }

  Result<void> jump(const Control& c, Step& step, Entry entry) {
    BONGSU_TRY(auto anew, Engine::make(plan, make_range, 1));
    anew->start();
    std::erase_if(past, [&](const Past& it) { return it.at_ms > c.to_ms; });
    for (const Past& it : past) {
      anew->live_until(it.at_ms);
      if (it.input)
        anew->apply(*it.input, it.entry);
      else
        anew->set_run(it.run);
      anew->take_made();
    }
    anew->live_until(c.to_ms);
    anew->take_made();
    ++run;
    anew->set_run(run);
    engine = std::move(anew);
    base_wall = last_wall;
    base_ms = c.to_ms;
    entry.at_ms = c.to_ms;
    past.push_back({.at_ms = c.to_ms, .run = run});
    std::erase_if(forms, [&](const auto& it) {
      return std::ranges::none_of(past, [&](const Past& p) { return p.entry.seq == it.first; });
    });
    number(entry, last_wall);
    step.own = entry.seq;
    step.entries.push_back(std::move(entry));
    return {};
  }

  Result<void> take(const Input& input, Step& step) {
    // A second report of the same delivery changes nothing and is not kept.
    if (const auto* e = std::get_if<Evidence>(&input);
        e != nullptr && e->as == As::kDelivered && engine->delivered(e->object))
      return {};
    BONGSU_TRY_VOID(check(input));
    BONGSU_TRY(Entry entry, entry_of(input));
    // What is lived is what a reader of the log will live.
    BONGSU_TRY(const auto kept, input_of(entry));
    const auto* c = std::get_if<Control>(&*kept);
    if (c != nullptr && c->verb == Verb::kJumpBack) return jump(*c, step, std::move(entry));
    entry.at_ms = engine->now_ms();
    number(entry, last_wall);
    step.own = entry.seq;
    step.entries.push_back(entry);
    if (c != nullptr) {
      if (c->verb == Verb::kStart) engine->start();
      if (c->verb == Verb::kStart || c->verb == Verb::kResume) state = State::kRunning;
      if (c->verb == Verb::kPause) state = State::kPaused;
      if (c->verb == Verb::kSpeed) speed = c->speed;
      base_wall = last_wall;
      base_ms = engine->now_ms();
    }
    if (const auto* e = std::get_if<Evidence>(&*kept); e != nullptr && e->as == As::kForm)
      forms.emplace(entry.seq, entry.team);
    engine->apply(*kept, entry);
    if (c == nullptr || c->verb == Verb::kInject || c->verb == Verb::kApprove || c->verb == Verb::kRefuse)
      if (!std::holds_alternative<Grade>(*kept) && !std::holds_alternative<Appeal>(*kept) &&
          !std::holds_alternative<Ruling>(*kept))
        past.push_back({.at_ms = entry.at_ms, .input = *kept, .run = run, .entry = entry});
    collect(step, last_wall);
    if (engine->ended()) state = State::kEnded;
    if (c != nullptr && c->verb == Verb::kStart) live_until(base_ms, step);
    return {};
  }
};

Drill::Drill(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Drill::Drill(Drill&&) noexcept = default;
Drill& Drill::operator=(Drill&&) noexcept = default;
Drill::~Drill() = default;

Result<Begun> Drill::open(const scenario::Scenario& scenario, const Settings& settings, RangeMaker make_range,
                          Instant wall) {
  auto impl = std::make_unique<Impl>();
  impl->plan = std::make_shared<const Plan>(scenario, settings);
  impl->make_range = std::move(make_range);
  const Plan& plan = *impl->plan;
  const auto& teams = plan.roster.teams();
  if (teams.empty())
    return fail(ErrorCode::kInvalid, "no entity with role Blue: nobody to exercise", {.field = "entities"});
  if (teams.size() > kMaxTeams)
    return fail(ErrorCode::kTooLarge, fmt::format("more than {} teams", kMaxTeams), {.field = "entities"});
  std::size_t firings = 0;
  for (const auto& injects : plan.event_injects)
    for (const std::size_t inject : injects) firings += std::max<std::size_t>(1, plan.roster.teams_of(inject).size());
  if (firings > kMaxFirings)
    return fail(ErrorCode::kTooLarge, fmt::format("{} injects for teams, more than {}", firings, kMaxFirings),
                {.field = "stories"});
  if (settings.step.count() <= 0 || settings.sample.count() <= 0 || settings.background.count() < 0 ||
      !(settings.background_per_minute >= 0))
    return fail(ErrorCode::kInvalid, "steps and samples take time", {.field = "settings"});
  BONGSU_TRY(impl->engine, Engine::make(impl->plan, impl->make_range, 1));
  impl->last_wall = impl->base_wall = whole_micros(wall);
  impl->speed = std::clamp(1.0, plan.scenario.exercise.speed.least,
                           std::max(plan.scenario.exercise.speed.least, plan.scenario.exercise.speed.most));
  Step step;
  Entry opened{.kind = Kind::kControl,
               .ref = std::string(to_string(Verb::kOpened)),
               .text = fmt::format("{}: {}", exercise_banner(plan.scenario), plan.scenario.name),
               .data = {{"scenario", plan.scenario.exercise.id},
                        {"scenario_sha256", digest_of(plan.scenario)},
                        // As text: a seed has 64 bits, a number in JSON 53.
                        {"seed", std::to_string(plan.seed)},
                        {"teams", JsonArray(teams.begin(), teams.end())},
                        {"label", plan.label},
                        {"format", kLogFormat},
                        {"step_ms", settings.step.count()},
                        {"sample_ms", settings.sample.count()},
                        {"background_ms", settings.background.count()},
                        {"background_per_minute", settings.background_per_minute}}};
  for (auto& [_, value] : opened.data) as_read(value);
  impl->number(opened, impl->last_wall);
  step.entries.push_back(std::move(opened));
  return Begun{Drill(std::move(impl)), std::move(step)};
}

Result<Settings> settings_of(const Entry& opened) {
  const auto number = [&](std::string_view name) -> Result<double> {
    const Json* value = opened.data.if_contains(name);
    if (value == nullptr || !value->is_number())
      return fail(ErrorCode::kCorrupt, fmt::format("entry {} does not open a drill: it has no {}", opened.seq, name),
                  {.field = std::string(name)});
    return value->to_number<double>();
  };
  Settings out;
  for (auto [name, duration] : {std::pair("step_ms", &out.step), std::pair("sample_ms", &out.sample),
                                std::pair("background_ms", &out.background)}) {
    BONGSU_TRY(const double ms, number(name));
    if (!(ms >= 0 && ms < 1e12))
      return fail(ErrorCode::kCorrupt, fmt::format("entry {}: {} is no time", opened.seq, name), {.field = name});
    *duration = scenario::Duration(static_cast<std::int64_t>(ms));
  }
  BONGSU_TRY(out.background_per_minute, number("background_per_minute"));
  const Json* seed = opened.data.if_contains("seed");
  std::uint64_t value = 0;
  const std::string text = seed != nullptr && seed->is_string() ? std::string(seed->get_string()) : "";
  if (const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      error != std::errc() || end != text.data() + text.size() || text.empty())
    return fail(ErrorCode::kCorrupt, fmt::format("entry {}: the seed is no number", opened.seq), {.field = "seed"});
  out.seed = value;
  return out;
}

Result<Begun> Drill::resume(const scenario::Scenario& scenario, RangeMaker make_range, std::span<const Entry> log) {
  if (log.empty()) return fail(ErrorCode::kCorrupt, "the log has no entry that a drill could go on from");
  BONGSU_TRY(const Settings settings, settings_of(log.front()));
  BONGSU_TRY(Begun begun, open(scenario, settings, std::move(make_range), log.front().wall));
  Impl& impl = *begun.drill.impl_;
  std::size_t at = 0;
  std::vector<Entry> missing;
  const auto compare = [&](Step& step) -> Result<void> {
    for (Entry& entry : step.entries) {
      if (at == log.size()) {
        missing.push_back(std::move(entry));
        continue;
      }
      if (!same(entry, log[at]))
        return fail(ErrorCode::kCorrupt,
                    fmt::format("entry {} of the log is {}, and this scenario and program come to {}", log[at].seq,
                                words(log[at]), words(entry)),
                    {.line = log[at].seq});
      ++at;
    }
    step.entries.clear();
    return {};
  };
  BONGSU_TRY_VOID(compare(begun.step));
  while (at < log.size()) {
    Step step;
    const Entry& next = log[at];
    BONGSU_TRY(const auto input, input_of(next));
    const std::size_t before = at;
    if (input) {
      impl.advance(next.wall, step);
      // Entries due by the clock stand before the input's; none is left to come here.
      BONGSU_TRY_VOID(impl.take(*input, step));
    } else {
      if (impl.state == State::kRunning) impl.last_wall = std::max(impl.last_wall, impl.wall_at(next.at_ms));
      impl.live_until(next.at_ms, step);
    }
    BONGSU_TRY_VOID(compare(step));
    if (at == before)
      return fail(ErrorCode::kCorrupt,
                  fmt::format("entry {} of the log is {}, which this scenario and program do not come to", next.seq,
                              words(next)),
                  {.line = next.seq});
  }
  begun.step = {.entries = std::move(missing),
                .deliveries = impl.engine->pending_deliveries(0),
                .telemetry = impl.engine->pending_telemetry(0)};
  return begun;
}

Result<Step> Drill::take(const Input& input, Instant wall) {
  Step step = std::exchange(impl_->held, {});
  impl_->advance(wall, step);
  if (const auto taken = impl_->take(input, step); !taken) {
    impl_->held = std::move(step);
    return std::unexpected(taken.error());
  }
  return step;
}

Step Drill::advance(Instant wall, std::size_t most) {
  Step step = std::exchange(impl_->held, {});
  impl_->advance(wall, step, most);
  return step;
}

bool Drill::is_behind() const {
  const auto next = impl_->engine->next_ms();
  return impl_->state == State::kRunning && next && *next <= impl_->ms_at(impl_->last_wall);
}

State Drill::state() const { return impl_->state; }
std::int64_t Drill::now_ms() const { return impl_->engine->now_ms(); }
Instant Drill::last_wall() const { return impl_->last_wall; }
double Drill::speed() const { return impl_->speed; }
std::uint32_t Drill::run() const { return impl_->run; }
std::uint64_t Drill::next_seq() const { return impl_->seq + 1; }
std::size_t Drill::fired() const { return impl_->engine->fired(); }
std::vector<Waiting> Drill::waiting() const { return impl_->engine->waiting(); }
const std::vector<std::string>& Drill::teams() const { return impl_->plan->roster.teams(); }
std::string Drill::label_text() const { return exercise_banner(impl_->plan->scenario); }
std::vector<Delivery> Drill::pending_deliveries(std::uint64_t from) const {
  return impl_->engine->pending_deliveries(from);
}
std::vector<TelemetryLines> Drill::pending_telemetry(std::uint64_t from) const {
  return impl_->engine->pending_telemetry(from);
}
std::uint64_t Drill::outs() const { return impl_->engine->outs(); }

std::optional<Instant> Drill::next_wake() const {
  if (impl_->state != State::kRunning) return std::nullopt;
  const auto next = impl_->engine->next_ms();
  if (!next) return std::nullopt;
  return std::max(impl_->last_wall, impl_->wall_at(*next));
}

std::vector<ServiceNow> Drill::services(std::string_view team) const {
  const auto number = impl_->plan->roster.team_of(team);
  return number ? impl_->engine->services(*number) : std::vector<ServiceNow>();
}

RangeCopy* Drill::range(std::string_view team) {
  const auto number = impl_->plan->roster.team_of(team);
  return number ? impl_->engine->range(*number) : nullptr;
}

}  // namespace bongsu::exercise::drill
