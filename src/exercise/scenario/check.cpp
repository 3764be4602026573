#include "exercise/scenario/check.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <unordered_map>

#include "base/config.h"
#include "base/text.h"
#include "base/uuid.h"
#include "exercise/scenario/knots.h"
#include "exercise/scenario/vocabulary.h"
#include "stix/pattern.h"

namespace bongsu::exercise::scenario {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }

// "Europe/Vilnius", "UTC": the form; whether it exists is for whoever has the database.
bool is_time_zone(std::string_view text) {
  if (text.empty() || text.size() > kMaxIdBytes || !is_letter(text.front()) || text.back() == '/') return false;
  return std::ranges::all_of(
      text, [](char c) { return is_letter(c) || is_digit(c) || c == '/' || c == '_' || c == '-' || c == '+'; });
}

template <class T>
class Names {
 public:
  explicit Names(const std::vector<T>& things) {
    for (const T& thing : things) {
      by_id_.emplace(thing.id, &thing);
      ids_.push_back(thing.id);
    }
  }
  const T* find(const std::string& id) const {
    const auto at = by_id_.find(id);
    return at == by_id_.end() ? nullptr : at->second;
  }
  const std::vector<std::string>& ids() const { return ids_; }

 private:
  std::unordered_map<std::string, const T*> by_id_;
  std::vector<std::string> ids_;
};

template <class Rows>
std::vector<std::string> names_of(const Rows& rows) {
  std::vector<std::string> out;
  for (const auto& row : rows) out.emplace_back(row.name);
  return out;
}

std::string hint(const std::string& word, const std::vector<std::string>& known) {
  constexpr std::size_t kMostCandidates = 2000;  // beyond, a look at each costs more than it helps
  if (known.size() > kMostCandidates || word.size() > 2 * kMaxIdBytes) return {};
  const std::string near = nearest(word, known);
  return near.empty() ? "" : fmt::format("; the nearest is \"{}\"", near);
}

class Checker {
 public:
  Checker(const Scenario& s, const Techniques* techniques, Problems& problems)
      : s_(s),
        techniques_(techniques),
        problems_(problems),
        entities_(s.entities),
        services_(s.services),
        conditions_(s.conditions),
        metrics_(s.metrics),
        evaluations_(s.evaluations),
        tlos_(s.tlos),
        injects_(s.injects),
        events_(s.events),
        scripts_(s.scripts) {}

  void run() {
    ids();
    exercise();
    range();
    services();
    entities();
    conditions();
    scoring();
    for (const Inject& inject : s_.injects) one_inject(inject);
    plan();
    times();
    for (Knot& knot : knots(s_)) add(std::move(knot.path), std::move(knot.message));
  }

 private:
  void add(std::string path, std::string message) {
    if (!problems_.at(path)) problems_.add(std::move(path), std::move(message));
  }

  template <class T>
  void unique(const std::vector<T>& things, const std::string& path) {
    std::set<std::string_view> seen;
    for (const T& thing : things) {
      if (!is_id(thing.id)) add(fmt::format("{}.{}", path, thing.id), "not a name");
      if (!seen.insert(thing.id).second) add(fmt::format("{}.{}", path, thing.id), "this name comes twice");
    }
  }
  void ids() {
    unique(s_.services, "services");
    unique(s_.conditions, "conditions");
    unique(s_.metrics, "metrics");
    unique(s_.evaluations, "evaluations");
    unique(s_.tlos, "tlos");
    unique(s_.goals, "goals");
    unique(s_.injects, "injects");
    unique(s_.events, "events");
    unique(s_.scripts, "scripts");
    unique(s_.stories, "stories");
  }

  // "entities.lt-blue.entities.soc", as in the text.
  static std::string entity_path(const Entity& entity) {
    std::string out = "entities.";
    for (const char c : entity.id) out += c == '.' ? std::string(".entities.") : std::string(1, c);
    return out;
  }

  template <class T>
  void refer(const std::string& path, std::string_view kind, const std::string& id, const Names<T>& names) {
    if (names.find(id) == nullptr) add(path, fmt::format("no {} is called \"{}\"{}", kind, id, hint(id, names.ids())));
  }
  template <class T>
  void refer_all(const std::string& path, std::string_view kind, const std::vector<std::string>& ids,
                 const Names<T>& names) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::string at = fmt::format("{}[{}]", path, i);
      refer(at, kind, ids[i], names);
      if (!seen.insert(ids[i]).second) add(at, fmt::format("\"{}\" comes twice", ids[i]));
    }
  }
  // A team that can be asked: a blue entity.
  void team(const std::string& path, const std::string& id) {
    const Entity* entity = entities_.find(id);
    if (entity == nullptr)
      add(path, fmt::format("no team is called \"{}\"{}", id, hint(id, entities_.ids())));
    else if (entity->role != Role::kBlue)
      add(path, fmt::format("\"{}\" is no blue team; only those are asked and graded", id));
  }
  void all_teams(const std::string& path, const std::vector<std::string>& ids) {
    for (std::size_t i = 0; i < ids.size(); ++i) team(fmt::format("{}[{}]", path, i), ids[i]);
  }
  template <class Rows>
  void word(const std::string& path, std::string_view kind, const std::string& name, const Rows& rows) {
    add(path, fmt::format("\"{}\" is no {} of the vocabulary{}", name, kind, hint(name, names_of(rows))));
  }
  void span_of(const std::string& path, double value, double least, double most) {
    if (!(value >= least && value <= most)) add(path, fmt::format("{} is not from {} to {}", value, least, most));
  }

  void exercise() {
    const Exercise& e = s_.exercise;
    if (s_.name.empty()) add("name", "a scenario has a name");
    if (!policy::is_member_id(e.id)) add("exercise.id", "a short name: small letters, digits and -, at most 63");
    if (e.duration <= Duration(0)) add("exercise.duration", "a drill lasts longer than nothing");
    if (!e.time_zone.empty() && !is_time_zone(e.time_zone))
      add("exercise.time-zone", fmt::format("\"{}\" is no time zone as Europe/Vilnius", e.time_zone));
    span_of("exercise.speed.least", e.speed.least, 0.01, 1000);
    span_of("exercise.speed.most", e.speed.most, 0.01, 1000);
    if (e.speed.least > e.speed.most) add("exercise.speed", "the least speed is above the most");
    const Weights& w = e.weights;
    double sum = 0;
    for (const double weight : {w.detect, w.report, w.share, w.contain, w.restore, w.decide, w.availability}) {
      if (!(weight >= 0 && weight <= 1e6)) add("exercise.weights", fmt::format("{} is no weight: 0 or more", weight));
      sum += weight;
    }
    if (sum <= 0) add("exercise.weights", "something has to count");
    span_of("exercise.weights.label-violation", w.label_violation, 0, kMostViolationCost);
    for (std::size_t i = 0; i < e.references.size(); ++i)
      if (!e.references[i].url.starts_with("https://") && !e.references[i].url.starts_with("http://"))
        add(fmt::format("exercise.references[{}].url", i), "a reference has an address: https://…");
  }

  void range() {
    if (!s_.range.power) return;
    const PowerNetwork& p = *s_.range.power;
    if (int(!p.countries.empty()) + int(!p.case_file.empty()) + int(!p.sample.empty()) != 1)
      add("range.power", "exactly one of `countries`, `case` and `sample` says which network it is");
    for (std::size_t i = 0; i < p.countries.size(); ++i)
      if (p.countries[i].size() != 2 || !is_upper(p.countries[i][0]) || !is_upper(p.countries[i][1]))
        add(fmt::format("range.power.countries[{}]", i),
            fmt::format("\"{}\" is no country of two capital letters, as LT", p.countries[i]));
  }

  void services() {
    for (const Service& service : s_.services) {
      const std::string path = "services." + service.id;
      if (!service.entity.empty()) refer(path + ".entity", "entity", service.entity, entities_);
      if (probe(service.probe) == nullptr) word(path + ".probe", "probe", service.probe, probes());
      if (service.target.empty()) add(path + ".target", "what is probed?");
      if (service.interval < std::chrono::seconds(1)) add(path + ".interval", "a probe comes once a second at most");
      if (service.timeout <= Duration(0) || service.timeout > service.interval)
        add(path + ".timeout", "longer than nothing, and at most as long as the interval");
      if (service.score > 0 && service.entity.empty())
        add(path + ".score", "points for availability need an `entity` that gets them");
    }
  }

  void entities() {
    std::unordered_map<std::string, std::string> members;
    std::vector<std::string> above;  // those that the present one may be within
    std::set<std::string_view> seen;
    for (const Entity& entity : s_.entities) {
      const std::string path = entity_path(entity);
      const auto dot = entity.id.rfind('.');
      while (!above.empty() && (dot == std::string::npos || above.back() != entity.id.substr(0, dot))) above.pop_back();
      if (!is_id(entity.id.substr(dot == std::string::npos ? 0 : dot + 1)) ||
          (dot != std::string::npos && above.empty()))
        add(path, "not a name, or not right behind the entity that it is within");
      above.push_back(entity.id);
      if (!seen.insert(entity.id).second) add(path, "this name comes twice");
      refer_all(path + ".tlos", "learning objective", entity.tlos, tlos_);
      if (!entity.nation.empty() && !policy::is_nation(entity.nation))
        add(path + ".nation", fmt::format("\"{}\" is no nation as lt, ua or eu", entity.nation));
      if (!entity.member.empty()) {
        if (!policy::is_member_id(entity.member))
          add(path + ".member", fmt::format("\"{}\" is no member as cert-lt", entity.member));
        const auto [at, fresh] = members.emplace(entity.member, entity.id);
        if (!fresh) add(path + ".member", fmt::format("\"{}\" plays \"{}\" already", entity.member, at->second));
      } else if (entity.role == Role::kBlue && entity.id.find('.') == std::string::npos) {
        add(path + ".member", "a blue team is played by a member of the exchange: `member: cert-…` is missing");
      }
    }
  }

  void conditions() {
    for (const Condition& c : s_.conditions) {
      const std::string path = "conditions." + c.id;
      const int tests = int(c.range.has_value()) + int(c.service.has_value()) + int(c.act.has_value()) +
                        int(!c.all.empty()) + int(!c.any.empty()) + int(!c.none.empty());
      if (tests != 1) add(path, "exactly one of `range`, `service`, `act`, `all`, `any` and `none` says what is asked");
      if (c.range) {
        const Quantity* q = quantity(c.range->quantity);
        if (q == nullptr)
          word(path + ".range.quantity", "quantity", c.range->quantity, quantities());
        else if (c.range->target.empty() && !q->of_all)
          add(path + ".range.target", fmt::format("\"{}\" is of a {}: which?", q->name, q->target));
      }
      if (c.service) refer(path + ".service.of", "service", c.service->of, services_);
      if (c.act) {
        team(path + ".act.team", c.act->team);
        if (!c.act->inject.empty()) refer(path + ".act.inject", "inject", c.act->inject, injects_);
        if (!c.act->done && c.act->within <= Duration(0))
          add(path + ".act.within", "a deed is missing only when its time is over: `within` is missing");
      }
      refer_all(path + ".all", "condition", c.all, conditions_);
      refer_all(path + ".any", "condition", c.any, conditions_);
      refer_all(path + ".none", "condition", c.none, conditions_);
    }
  }

  void scoring() {
    for (const Metric& m : s_.metrics) {
      const std::string path = "metrics." + m.id;
      if (m.max_score == 0) add(path + ".max-score", "a metric gives at least one point");
      if (m.type == Metric::Type::kConditional) {
        if (m.condition.empty())
          add(path + ".condition", "a conditional metric has a condition");
        else
          refer(path + ".condition", "condition", m.condition, conditions_);
        if (m.artifact) add(path + ".artifact", "only what is judged by hand has documents handed in");
      } else if (!m.condition.empty()) {
        add(path + ".condition", "a manual metric has no condition");
      }
    }
    for (const Evaluation& e : s_.evaluations) {
      const std::string path = "evaluations." + e.id;
      if (e.metrics.empty()) add(path + ".metrics", "an evaluation has at least one metric");
      refer_all(path + ".metrics", "metric", e.metrics, metrics_);
      std::uint64_t most = 0;
      for (const std::string& id : e.metrics)
        if (const Metric* m = metrics_.find(id)) most += m->max_score;
      if (e.min_score.percentage && e.min_score.value > 100) add(path + ".min-score", "a percentage is at most 100");
      if (!e.min_score.percentage && e.min_score.value > most)
        add(path + ".min-score", fmt::format("its metrics give {} points at most", most));
    }
    for (const Tlo& t : s_.tlos) refer("tlos." + t.id + ".evaluation", "evaluation", t.evaluation, evaluations_);
    for (const Goal& g : s_.goals) {
      if (g.tlos.empty()) add("goals." + g.id + ".tlos", "a goal has at least one learning objective");
      refer_all("goals." + g.id + ".tlos", "learning objective", g.tlos, tlos_);
    }
  }

  void ttp(const std::string& path, const std::vector<std::string>& list) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string& id = list[i];
      const std::string at = fmt::format("{}[{}]", path, i);
      if (!is_technique(id))
        add(at, fmt::format("\"{}\" is no technique of ATT&CK as T0855 or T1059.001", id));
      else if (techniques_ != nullptr && techniques_->withdrawn.contains(id))
        add(at, fmt::format("ATT&CK has withdrawn {}", id));
      else if (techniques_ != nullptr && techniques_->covers(id) && !techniques_->known.contains(id))
        add(at, fmt::format("ATT&CK has no technique {}", id));
    }
  }

  void one_inject(const Inject& inject) {
    const std::string path = "injects." + inject.id;
    refer(path + ".from-entity", "entity", inject.from_entity, entities_);
    if (inject.to_entities.empty()) add(path + ".to-entities", "an inject goes to somebody");
    refer_all(path + ".to-entities", "entity", inject.to_entities, entities_);
    refer_all(path + ".tlos", "learning objective", inject.tlos, tlos_);
    if (!(inject.when.chance >= 0 && inject.when.chance <= 1))
      add(path + ".when.chance", fmt::format("{} is no chance: from 0 to 1", inject.when.chance));
    refer_all(path + ".when.conditions", "condition", inject.when.conditions, conditions_);
    ttp(path + ".ttp", inject.ttp);
    const bool does = !inject.deliver.empty() || !inject.physics.empty() || !inject.telemetry.empty();
    if (!does) add(path, "an inject does something: `deliver`, `physics` or `telemetry`");
    for (std::size_t i = 0; i < inject.deliver.size(); ++i)
      delivery(fmt::format("{}.deliver[{}]", path, i), inject.deliver[i]);
    for (std::size_t i = 0; i < inject.physics.size(); ++i)
      effect(fmt::format("{}.physics[{}]", path, i), inject.physics[i]);
    const bool to_blue = std::ranges::any_of(inject.to_entities, [&](const std::string& id) {
      const Entity* entity = entities_.find(id);
      return entity != nullptr && entity->role == Role::kBlue;
    });
    for (std::size_t i = 0; i < inject.telemetry.size(); ++i)
      telemetry(fmt::format("{}.telemetry[{}]", path, i), inject.telemetry[i], to_blue);
    listed(inject.indicators, path + ".indicators",
           [&](const std::string& at, const Indicator& x) { indicator(at, x); });
    listed(inject.expectations, path + ".expectations",
           [&](const std::string& at, const Expectation& x) { expectation(at, x, inject, to_blue); });
    listed(inject.share, path + ".share",
           [&](const std::string& at, const ShareExpectation& x) { share(at, x, inject, to_blue); });
    if (!inject.response.empty() && !is_playbook(inject.response))
      add(path + ".response", "a playbook is playbook--UUID (CACAO 2.0), or a file that ends in .json");
  }

  static bool is_playbook(std::string_view text) {
    constexpr std::string_view kPrefix = "playbook--";
    if (text.starts_with(kPrefix)) return Uuid::parse(text.substr(kPrefix.size())).has_value();
    return text.size() > 5 && text.ends_with(".json");
  }

  template <class T, class F>
  void listed(const std::vector<T>& things, const std::string& path, F&& each) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < things.size(); ++i) {
      const std::string at = fmt::format("{}[{}]", path, i);
      if (!is_id(things[i].id))
        add(at + ".id", "a name has letters, digits, - and _, a letter or digit first");
      else if (!seen.insert(things[i].id).second)
        add(at + ".id", fmt::format("\"{}\" comes twice", things[i].id));
      each(at, things[i]);
    }
  }

  void delivery(const std::string& path, const Delivery& d) {
    if (d.roles.empty()) add(path + ".roles", "who reads it?");
    if (d.text.empty()) add(path + ".text", "what do they read?");
    if ((d.via == Channel::kMail || d.via == Channel::kCap) && d.subject.empty())
      add(path + ".subject", fmt::format("what goes by {} has a subject", to_string(d.via)));
  }

  void effect(const std::string& path, const Effect& e) {
    const EffectKind* kind = effect_kind(e.kind);
    if (kind == nullptr) return word(path + ".kind", "effect", e.kind, effect_kinds());
    if (e.target.empty()) add(path + ".target", fmt::format("which {}?", kind->target));
    if (kind->unit.empty() && e.value)
      add(path + ".value", fmt::format("\"{}\" has no value", kind->name));
    else if (!kind->unit.empty() && !e.value)
      add(path + ".value", fmt::format("\"{}\" has a value, in {}", kind->name, kind->unit));
    else if (e.value)
      span_of(path + ".value", *e.value, kind->least, kind->most);
    if (e.lasts && *e.lasts <= Duration(0)) add(path + ".lasts", "longer than nothing");
  }

  void telemetry(const std::string& path, const Telemetry& t, bool to_blue) {
    if (!t.team.empty())
      team(path + ".team", t.team);
    else if (!to_blue)
      add(path + ".team", "in whose logs? The inject goes to no blue team");
    if (t.count == 0) add(path + ".count", "at least one record");
    if (t.count > 1 && t.every <= Duration(0)) add(path + ".every", "several records are some time apart");
    const Template* form = template_of(t.template_name);
    if (form == nullptr) return word(path + ".template", "template", t.template_name, templates());
    for (const std::string_view name : form->required)
      if (!t.parameters.contains(std::string(name)))
        add(fmt::format("{}.parameters.{}", path, name), fmt::format("\"{}\" needs `{}`", form->name, name));
    std::vector<std::string> known;
    for (const auto* list : {&form->required, &form->optional}) known.insert(known.end(), list->begin(), list->end());
    for (const auto& [name, value] : t.parameters)
      if (std::ranges::find(known, name) == known.end())
        add(fmt::format("{}.parameters.{}", path, name),
            fmt::format("\"{}\" has no `{}`{}", form->name, name, hint(name, known)));
  }

  void indicator(const std::string& path, const Indicator& i) {
    ttp(path + ".ttp", i.ttp);
    if (!i.pattern.empty() == !(i.type.empty() && i.value.empty()))
      return add(path, "either a `pattern`, or a `type` and a `value`");
    std::string pattern = i.pattern;
    if (pattern.empty()) {
      const auto made = pattern_of(i.type, i.value);
      if (!made) {
        std::vector<std::string> known(indicator_types().begin(), indicator_types().end());
        return add(path + ".type", fmt::format("\"{}\" is no type of indicator{}", i.type, hint(i.type, known)));
      }
      if (i.value.empty()) return add(path + ".value", "an indicator has a value");
      pattern = *made;
    }
    if (const auto parsed = stix::parse_pattern(pattern); !parsed)
      add(path + (i.pattern.empty() ? ".value" : ".pattern"), "no STIX pattern: " + parsed.error().message);
  }

  // Whom a thing asks: the teams it names, or those of the inject.
  void asked(const std::string& path, const std::string& own_path, const std::vector<std::string>& named,
             const Inject& inject, bool to_blue) {
    all_teams(own_path, named);
    for (std::size_t i = 0; i < named.size(); ++i)
      if (entities_.find(named[i]) != nullptr &&
          std::ranges::find(inject.to_entities, named[i]) == inject.to_entities.end())
        add(fmt::format("{}[{}]", own_path, i), fmt::format("the inject does not go to \"{}\"", named[i]));
    if (named.empty() && !to_blue) add(path, "nobody is asked: the inject goes to no blue team");
  }

  void expectation(const std::string& path, const Expectation& e, const Inject& inject, bool to_blue) {
    asked(path, path + ".teams", e.teams, inject, to_blue);
    if (e.expires <= Duration(0))
      add(path + ".expires", "a team needs some time");
    else if (e.expires <= e.starts)
      add(path + ".expires",
          fmt::format("it expires after {}, before it can start after {}", text_of(e.expires), text_of(e.starts)));
    if (!e.metric.empty()) refer(path + ".metric", "metric", e.metric, metrics_);
    const Evidence& seen = e.seen;
    const std::string of = path + ".seen.of";
    switch (seen.as) {
      case Seen::kAlert:
        if (inject.telemetry.empty()) add(path + ".seen.as", "no alert without telemetry: the inject has none");
        break;
      case Seen::kSighting:
        if (inject.indicators.empty()) add(path + ".seen.as", "no sighting without indicators: the inject has none");
        break;
      case Seen::kOrder:
        if (effect_kind(seen.of) == nullptr) word(of, "effect", seen.of, effect_kinds());
        break;
      case Seen::kCondition:
        refer(of, "condition", seen.of, conditions_);
        break;
      case Seen::kPlaybook:
        if (inject.response.empty()) add(path + ".seen.as", "no step without a playbook: the inject has no `response`");
        break;
      case Seen::kReply:
        if (inject.deliver.empty()) add(path + ".seen.as", "no reply to nothing: the inject has no `deliver`");
        break;
      case Seen::kObject:
      case Seen::kForm:
      case Seen::kManual:
        if (seen.of.empty()) add(of, fmt::format("\"{}\" needs `of`: what exactly?", to_string(seen.as)));
    }
  }

  void share(const std::string& path, const ShareExpectation& x, const Inject& inject, bool to_blue) {
    asked(path, path + ".from", x.from, inject, to_blue);
    if (x.to.empty()) add(path + ".to", "with whom?");
    all_teams(path + ".to", x.to);
    const std::vector<std::string>& from = x.from.empty() ? inject.to_entities : x.from;
    for (std::size_t i = 0; i < x.to.size(); ++i)
      if (from.size() == 1 && from[0] == x.to[i])
        add(fmt::format("{}.to[{}]", path, i), "a team shares nothing with itself");
    if (x.by <= Duration(0)) add(path + ".by", "a team needs some time");
    if (x.label.tlp == stix::Tlp::kRed && !x.label.persons)
      add(path + ".label", "TLP:RED goes to named persons only; it cannot be shared with a team");
    if (x.what == Shared::kIndicators && inject.indicators.empty())
      add(path + ".what", "the inject has no indicators that could be shared");
  }

  void plan() {
    std::set<std::string_view> used_injects, used_events, used_scripts;
    for (const Event& e : s_.events) {
      const std::string path = "events." + e.id;
      if (e.injects.empty()) add(path + ".injects", "an event has at least one inject");
      refer_all(path + ".injects", "inject", e.injects, injects_);
      refer_all(path + ".conditions", "condition", e.conditions, conditions_);
      used_injects.insert(e.injects.begin(), e.injects.end());
    }
    for (const Script& x : s_.scripts) {
      const std::string path = "scripts." + x.id;
      if (x.events.empty()) add(path + ".events", "a script has at least one event");
      if (x.start_time >= x.end_time) add(path + ".end-time", "the end comes after the start");
      span_of(path + ".speed", x.speed, 0.01, 1000);
      for (const EventTime& time : x.events) {
        refer(path + ".events." + time.event, "event", time.event, events_);
        if (time.at < x.start_time || time.at > x.end_time)
          add(path + ".events." + time.event,
              fmt::format("{} is not between the script's start and end", text_of(time.at)));
        used_events.insert(time.event);
      }
    }
    for (const Story& x : s_.stories) {
      const std::string path = "stories." + x.id;
      if (x.scripts.empty()) add(path + ".scripts", "a story has at least one script");
      span_of(path + ".speed", x.speed, 1, 1000);  // SDL: at least 1
      refer_all(path + ".scripts", "script", x.scripts, scripts_);
      used_scripts.insert(x.scripts.begin(), x.scripts.end());
    }
    for (const Inject& x : s_.injects)
      if (!used_injects.contains(x.id)) add("injects." + x.id, "it never comes: no event has it");
    for (const Event& x : s_.events)
      if (!used_events.contains(x.id)) add("events." + x.id, "it never comes: no script has it");
    for (const Script& x : s_.scripts)
      if (!used_scripts.contains(x.id)) add("scripts." + x.id, "it never runs: no story has it");
  }

  // Everything is decided before the drill ends.
  void times() {
    const Duration end = s_.exercise.duration;
    if (end <= Duration(0)) return;
    std::uint64_t count = 0;
    for (const Story& story : s_.stories)
      for (const std::string& id : story.scripts)
        if (const Script* script = scripts_.find(id)) count += script->events.size();
    if (count > kMaxOccurrences) {
      problems_.add("stories", fmt::format("events come more than {} times", kMaxOccurrences), ErrorCode::kTooLarge);
      return;
    }
    std::unordered_map<const Inject*, Duration> first;
    for (const Occurrence& o : occurrences(s_)) {
      if (o.at > end)
        add("scripts." + o.script->id + ".events." + o.event->id,
            fmt::format("it comes {} after the drill's end", text_of(o.at - end)));
      for (const std::string& id : o.event->injects)
        if (const Inject* inject = injects_.find(id)) first.emplace(inject, o.at);  // the earliest
    }
    for (const auto& inject : s_.injects) {
      const auto at = first.find(&inject);
      if (at == first.end() || at->second > end) continue;
      const std::string path = "injects." + inject.id;
      const Duration due = at->second + inject.when.delay + inject.when.spread;
      const auto late = [&](const std::string& where, Duration after) {
        if (due + after > end) add(where, fmt::format("that is {} after the drill's end", text_of(due + after - end)));
      };
      late(path + ".when.delay", Duration(0));
      if (due > end) continue;
      for (std::size_t i = 0; i < inject.expectations.size(); ++i)
        late(fmt::format("{}.expectations[{}].expires", path, i), inject.expectations[i].expires);
      for (std::size_t i = 0; i < inject.share.size(); ++i)
        late(fmt::format("{}.share[{}].by", path, i), inject.share[i].by);
      for (std::size_t i = 0; i < inject.physics.size(); ++i)
        late(fmt::format("{}.physics[{}].after", path, i), inject.physics[i].after);
      for (std::size_t i = 0; i < inject.telemetry.size(); ++i) {
        const Telemetry& t = inject.telemetry[i];
        const bool many = t.count > 1 && t.every.count() > kMaxDuration.count() / t.count;
        late(fmt::format("{}.telemetry[{}].after", path, i),
             many ? kMaxDuration : t.after + t.every * (t.count > 0 ? t.count - 1 : 0));
      }
    }
  }

  const Scenario& s_;
  const Techniques* techniques_;
  Problems& problems_;
  Names<Entity> entities_;
  Names<Service> services_;
  Names<Condition> conditions_;
  Names<Metric> metrics_;
  Names<Evaluation> evaluations_;
  Names<Tlo> tlos_;
  Names<Inject> injects_;
  Names<Event> events_;
  Names<Script> scripts_;
};

}  // namespace

bool is_id(std::string_view text) {
  if (text.empty() || text.size() > kMaxIdBytes || (!is_letter(text[0]) && !is_digit(text[0]))) return false;
  return std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; });
}

void check(const Scenario& scenario, const Techniques* techniques, Problems& problems) {
  Checker(scenario, techniques, problems).run();
}

}  // namespace bongsu::exercise::scenario
