// The text form of every part of a scenario, declared once: which key stands for which member. What reads, writes,
// lists or makes up scenarios walks along it. For this folder alone.
//
//   struct Walker { template <class T, class M> void field(std::string_view key, M T::* member, Need need); … };
//   fields(walker, std::type_identity<Inject>());
#pragma once

#include <type_traits>

#include "exercise/scenario/scenario.h"

namespace bongsu::exercise::scenario {

enum class Need : bool { kOptional, kRequired };

// Entries of a map: the key is the entry's id.
template <class T>
inline constexpr bool kNamed =
    std::is_same_v<T, Service> || std::is_same_v<T, Entity> || std::is_same_v<T, Condition> ||
    std::is_same_v<T, Metric> || std::is_same_v<T, Evaluation> || std::is_same_v<T, Tlo> || std::is_same_v<T, Goal> ||
    std::is_same_v<T, Inject> || std::is_same_v<T, Event> || std::is_same_v<T, Script> || std::is_same_v<T, Story>;

template <class V>
void fields(V& v, std::type_identity<Reference>) {
  v.field("title", &Reference::title, Need::kRequired);
  v.field("url", &Reference::url, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<SpeedLimits>) {
  v.field("least", &SpeedLimits::least, Need::kOptional);
  v.field("most", &SpeedLimits::most, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Weights>) {
  v.field("detect", &Weights::detect, Need::kOptional);
  v.field("report", &Weights::report, Need::kOptional);
  v.field("share", &Weights::share, Need::kOptional);
  v.field("contain", &Weights::contain, Need::kOptional);
  v.field("restore", &Weights::restore, Need::kOptional);
  v.field("decide", &Weights::decide, Need::kOptional);
  v.field("availability", &Weights::availability, Need::kOptional);
  v.field("label-violation", &Weights::label_violation, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Exercise>) {
  v.field("id", &Exercise::id, Need::kRequired);
  v.field("start", &Exercise::start, Need::kRequired);
  v.field("time-zone", &Exercise::time_zone, Need::kOptional);
  v.field("duration", &Exercise::duration, Need::kRequired);
  v.field("label", &Exercise::label, Need::kRequired);
  v.field("speed", &Exercise::speed, Need::kOptional);
  v.field("seed", &Exercise::seed, Need::kOptional);
  v.field("weights", &Exercise::weights, Need::kOptional);
  v.field("references", &Exercise::references, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<PowerNetwork>) {
  v.field("countries", &PowerNetwork::countries, Need::kOptional);
  v.field("case", &PowerNetwork::case_file, Need::kOptional);
  v.field("sample", &PowerNetwork::sample, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Range>) {
  v.field("power", &Range::power, Need::kOptional);
  v.field("telecom", &Range::telecom, Need::kOptional);
  v.field("rail", &Range::rail, Need::kOptional);
}

template <class T, class V>
void titles(V& v) {
  v.field("name", &T::name, Need::kOptional);
  v.field("description", &T::description, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Service>) {
  titles<Service>(v);
  v.field("entity", &Service::entity, Need::kOptional);
  v.field("depends-on", &Service::depends_on, Need::kOptional);
  v.field("probe", &Service::probe, Need::kRequired);
  v.field("target", &Service::target, Need::kRequired);
  v.field("interval", &Service::interval, Need::kOptional);
  v.field("timeout", &Service::timeout, Need::kOptional);
  v.field("complain", &Service::complain, Need::kOptional);
  v.field("complaints", &Service::complaints, Need::kOptional);
  v.field("score", &Service::score, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Entity>) {
  titles<Entity>(v);
  v.field("role", &Entity::role, Need::kOptional);
  v.field("member", &Entity::member, Need::kOptional);
  v.field("nation", &Entity::nation, Need::kOptional);
  v.field("mission", &Entity::mission, Need::kOptional);
  v.field("categories", &Entity::categories, Need::kOptional);
  v.field("tlos", &Entity::tlos, Need::kOptional);
  v.field("facts", &Entity::facts, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<RangeTest>) {
  v.field("quantity", &RangeTest::quantity, Need::kRequired);
  v.field("target", &RangeTest::target, Need::kOptional);
  v.field("is", &RangeTest::is, Need::kRequired);
  v.field("value", &RangeTest::value, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<ServiceTest>) {
  v.field("of", &ServiceTest::of, Need::kRequired);
  v.field("up", &ServiceTest::up, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<ActTest>) {
  v.field("team", &ActTest::team, Need::kRequired);
  v.field("did", &ActTest::did, Need::kRequired);
  v.field("inject", &ActTest::inject, Need::kOptional);
  v.field("done", &ActTest::done, Need::kOptional);
  v.field("within", &ActTest::within, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Condition>) {
  titles<Condition>(v);
  v.field("range", &Condition::range, Need::kOptional);
  v.field("service", &Condition::service, Need::kOptional);
  v.field("act", &Condition::act, Need::kOptional);
  v.field("all", &Condition::all, Need::kOptional);
  v.field("any", &Condition::any, Need::kOptional);
  v.field("none", &Condition::none, Need::kOptional);
  v.field("holds", &Condition::holds, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Metric>) {
  titles<Metric>(v);
  v.field("type", &Metric::type, Need::kRequired);
  v.field("artifact", &Metric::artifact, Need::kOptional);
  v.field("condition", &Metric::condition, Need::kOptional);
  v.field("max-score", &Metric::max_score, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<Evaluation>) {
  titles<Evaluation>(v);
  v.field("metrics", &Evaluation::metrics, Need::kRequired);
  v.field("min-score", &Evaluation::min_score, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<Tlo>) {
  titles<Tlo>(v);
  v.field("evaluation", &Tlo::evaluation, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<Goal>) {
  titles<Goal>(v);
  v.field("tlos", &Goal::tlos, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<When>) {
  v.field("delay", &When::delay, Need::kOptional);
  v.field("spread", &When::spread, Need::kOptional);
  v.field("chance", &When::chance, Need::kOptional);
  v.field("conditions", &When::conditions, Need::kOptional);
  v.field("until", &When::until, Need::kOptional);
  v.field("manual", &When::manual, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Delivery>) {
  v.field("via", &Delivery::via, Need::kRequired);
  v.field("roles", &Delivery::roles, Need::kRequired);
  v.field("sender", &Delivery::sender, Need::kOptional);
  v.field("subject", &Delivery::subject, Need::kOptional);
  v.field("text", &Delivery::text, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<Effect>) {
  v.field("kind", &Effect::kind, Need::kRequired);
  v.field("target", &Effect::target, Need::kRequired);
  v.field("value", &Effect::value, Need::kOptional);
  v.field("after", &Effect::after, Need::kOptional);
  v.field("lasts", &Effect::lasts, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Telemetry>) {
  v.field("template", &Telemetry::template_name, Need::kRequired);
  v.field("team", &Telemetry::team, Need::kOptional);
  v.field("parameters", &Telemetry::parameters, Need::kOptional);
  v.field("after", &Telemetry::after, Need::kOptional);
  v.field("count", &Telemetry::count, Need::kOptional);
  v.field("every", &Telemetry::every, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Indicator>) {
  v.field("id", &Indicator::id, Need::kRequired);
  v.field("pattern", &Indicator::pattern, Need::kOptional);
  v.field("type", &Indicator::type, Need::kOptional);
  v.field("value", &Indicator::value, Need::kOptional);
  v.field("description", &Indicator::description, Need::kOptional);
  v.field("ttp", &Indicator::ttp, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Evidence>) {
  v.field("as", &Evidence::as, Need::kRequired);
  v.field("of", &Evidence::of, Need::kOptional);
  v.field("target", &Evidence::target, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Expectation>) {
  v.field("id", &Expectation::id, Need::kRequired);
  v.field("act", &Expectation::act, Need::kRequired);
  v.field("description", &Expectation::description, Need::kOptional);
  v.field("teams", &Expectation::teams, Need::kOptional);
  v.field("score", &Expectation::score, Need::kRequired);
  v.field("starts", &Expectation::starts, Need::kOptional);
  v.field("expires", &Expectation::expires, Need::kRequired);
  v.field("seen", &Expectation::seen, Need::kRequired);
  v.field("metric", &Expectation::metric, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<ShareExpectation>) {
  v.field("id", &ShareExpectation::id, Need::kRequired);
  v.field("what", &ShareExpectation::what, Need::kRequired);
  v.field("description", &ShareExpectation::description, Need::kOptional);
  v.field("from", &ShareExpectation::from, Need::kOptional);
  v.field("to", &ShareExpectation::to, Need::kRequired);
  v.field("label", &ShareExpectation::label, Need::kRequired);
  v.field("by", &ShareExpectation::by, Need::kRequired);
  v.field("score", &ShareExpectation::score, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<Inject>) {
  titles<Inject>(v);
  v.field("from-entity", &Inject::from_entity, Need::kRequired);
  v.field("to-entities", &Inject::to_entities, Need::kRequired);
  v.field("tlos", &Inject::tlos, Need::kOptional);
  v.field("when", &Inject::when, Need::kOptional);
  v.field("ttp", &Inject::ttp, Need::kOptional);
  v.field("deliver", &Inject::deliver, Need::kOptional);
  v.field("physics", &Inject::physics, Need::kOptional);
  v.field("telemetry", &Inject::telemetry, Need::kOptional);
  v.field("indicators", &Inject::indicators, Need::kOptional);
  v.field("expectations", &Inject::expectations, Need::kOptional);
  v.field("share", &Inject::share, Need::kOptional);
  v.field("response", &Inject::response, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Event>) {
  titles<Event>(v);
  v.field("conditions", &Event::conditions, Need::kOptional);
  v.field("injects", &Event::injects, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<Script>) {
  titles<Script>(v);
  v.field("start-time", &Script::start_time, Need::kRequired);
  v.field("end-time", &Script::end_time, Need::kRequired);
  v.field("speed", &Script::speed, Need::kOptional);
  v.field("events", &Script::events, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<Story>) {
  titles<Story>(v);
  v.field("speed", &Story::speed, Need::kOptional);
  v.field("scripts", &Story::scripts, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<Scenario>) {
  v.field("name", &Scenario::name, Need::kRequired);
  v.field("description", &Scenario::description, Need::kOptional);
  v.field("exercise", &Scenario::exercise, Need::kRequired);
  v.field("range", &Scenario::range, Need::kOptional);
  v.field("services", &Scenario::services, Need::kOptional);
  v.field("entities", &Scenario::entities, Need::kRequired);
  v.field("conditions", &Scenario::conditions, Need::kOptional);
  v.field("metrics", &Scenario::metrics, Need::kOptional);
  v.field("evaluations", &Scenario::evaluations, Need::kOptional);
  v.field("tlos", &Scenario::tlos, Need::kOptional);
  v.field("goals", &Scenario::goals, Need::kOptional);
  v.field("injects", &Scenario::injects, Need::kRequired);
  v.field("events", &Scenario::events, Need::kRequired);
  v.field("scripts", &Scenario::scripts, Need::kRequired);
  v.field("stories", &Scenario::stories, Need::kRequired);
}

// What SDL has and this language does not, and why. Empty: nothing of SDL.
struct Foreign {
  std::string_view key, why;
};
inline constexpr Foreign kForeign[] = {
    {"nodes", "virtual machines are not deployed here; what the drill happens in is said by `range` and `services`"},
    {"infrastructure", "virtual machines are not deployed here; what the drill happens in is said by `range`"},
    {"features", "nothing is installed on machines here; what people use is said by `services`"},
    {"vulnerabilities",
     "nothing here has weaknesses to exploit; what red does is said by injects with `ttp` and `telemetry`"},
    {"accounts", "no accounts are made here; who takes part is said by `entities`"},
    {"content", "no files are put on machines here; what participants read is said by an inject's `deliver`"},
    {"capabilities", "SDL itself dropped it; objectives refer to `evaluation`"},
    {"source",
     "no packages are run on machines here; what an inject does is said by `deliver`, `physics` and `telemetry`"},
    {"environment", "no packages are run on machines here, so none has an environment"},
    {"command", "nothing is run on machines here; a condition asks `range`, `service` or `act`"},
    {"interval", "nothing is run on machines here; a condition may say how long it `holds`"},
    {"time", "since SDL 0.20 a script says when its events come"},
    {"clock", "since SDL 0.20 it is called `speed`"},
    {"events", "which entity sees what is said by the `deliver` of each inject"},
    {"start", "a drill's start is said by `exercise`"},
    {"end", "a drill's end is said by the `duration` of `exercise`"},
};

}  // namespace bongsu::exercise::scenario
