// The text form of every part of a course, declared once (as scenario/fields.h does for scenarios). For this folder.
#pragma once

#include <type_traits>

#include "exercise/course/course.h"
#include "exercise/scenario/fields.h"

namespace bongsu::exercise::scenario {
template <>
inline constexpr bool kNamed<course::Variable> = true;
template <>
inline constexpr bool kNamed<course::Task> = true;
template <>
inline constexpr bool kNamed<course::Day> = true;
}  // namespace bongsu::exercise::scenario

namespace bongsu::exercise::course {

using scenario::Need;

template <class V>
void fields(V& v, std::type_identity<Variable>) {
  v.field("pick", &Variable::pick, Need::kOptional);
  v.field("address", &Variable::address, Need::kOptional);
  v.field("time", &Variable::time, Need::kOptional);
  v.field("within", &Variable::within, Need::kOptional);
  v.field("value", &Variable::value, Need::kOptional);
  v.field("from", &Variable::from, Need::kOptional);
  v.field("to", &Variable::to, Need::kOptional);
  v.field("step", &Variable::step, Need::kOptional);
  v.field("hex", &Variable::hex, Need::kOptional);
  v.field("word", &Variable::word, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Line>) {
  v.field("template", &Line::template_name, Need::kRequired);
  v.field("parameters", &Line::parameters, Need::kRequired);
  v.field("at", &Line::at, Need::kRequired);
  v.field("count", &Line::count, Need::kOptional);
  v.field("every", &Line::every, Need::kOptional);
  v.field("mark", &Line::mark, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Background>) {
  v.field("count", &Background::count, Need::kRequired);
  v.field("begin", &Background::begin, Need::kRequired);
  v.field("length", &Background::length, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Step>) {
  v.field("after", &Step::after, Need::kOptional);
  v.field("command", &Step::command, Need::kOptional);
  v.field("set", &Step::set, Need::kOptional);
  v.field("read", &Step::read, Need::kOptional);
  v.field("interrogate", &Step::interrogate, Need::kOptional);
  v.field("value", &Step::value, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<WireSession>) {
  v.field("client", &WireSession::client, Need::kRequired);
  v.field("at", &WireSession::at, Need::kRequired);
  v.field("lasts", &WireSession::lasts, Need::kOptional);
  v.field("steps", &WireSession::steps, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Recording>) {
  v.field("protocol", &Recording::protocol, Need::kRequired);
  v.field("server", &Recording::server, Need::kRequired);
  v.field("points", &Recording::points, Need::kRequired);
  v.field("common-address", &Recording::common_address, Need::kOptional);
  v.field("unit", &Recording::unit, Need::kOptional);
  v.field("sessions", &Recording::sessions, Need::kRequired);
  v.field("form", &Recording::form, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<File>) {
  v.field("name", &File::name, Need::kRequired);
  v.field("lines", &File::lines, Need::kOptional);
  v.field("background", &File::background, Need::kOptional);
  v.field("text", &File::text, Need::kOptional);
  v.field("recording", &File::recording, Need::kOptional);
  v.field("world", &File::world, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<AnswerField>) {
  v.field("name", &AnswerField::name, Need::kRequired);
  v.field("is", &AnswerField::is, Need::kRequired);
  v.field("as", &AnswerField::as, Need::kOptional);
  v.field("within", &AnswerField::within, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<TableCheck>) {
  v.field("key", &TableCheck::key, Need::kRequired);
  v.field("rows", &TableCheck::rows, Need::kRequired);
  v.field("within", &TableCheck::within, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<DetectCheck>) {
  v.field("file", &DetectCheck::file, Need::kRequired);
  v.field("mark", &DetectCheck::mark, Need::kRequired);
  v.field("any", &DetectCheck::any, Need::kOptional);
  v.field("again", &DetectCheck::again, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<BundleObject>) {
  v.field("type", &BundleObject::type, Need::kRequired);
  v.field("has", &BundleObject::has, Need::kOptional);
  v.field("count", &BundleObject::count, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<BundleCheck>) {
  v.field("objects", &BundleCheck::objects, Need::kRequired);
  v.field("tlp", &BundleCheck::tlp, Need::kOptional);
  v.field("state", &BundleCheck::state, Need::kOptional);
  v.field("collection", &BundleCheck::collection, Need::kOptional);
  v.field("at", &BundleCheck::at, Need::kOptional);
  v.field("released", &BundleCheck::released, Need::kOptional);
  v.field("withheld", &BundleCheck::withheld, Need::kOptional);
  v.field("detects", &BundleCheck::detects, Need::kOptional);
  v.field("complete", &BundleCheck::complete, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<FlowCase>) {
  v.field("type", &FlowCase::type, Need::kRequired);
  v.field("tlp", &FlowCase::tlp, Need::kRequired);
  v.field("origin", &FlowCase::origin, Need::kOptional);
  v.field("at", &FlowCase::at, Need::kRequired);
  v.field("collection", &FlowCase::collection, Need::kRequired);
  v.field("flows", &FlowCase::flows, Need::kRequired);
  v.field("about", &FlowCase::about, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<AgreementCheck>) {
  v.field("self", &AgreementCheck::self, Need::kRequired);
  v.field("partner", &AgreementCheck::partner, Need::kRequired);
  v.field("cases", &AgreementCheck::cases, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<Bound>) {
  v.field("measure", &Bound::measure, Need::kRequired);
  v.field("thing", &Bound::thing, Need::kOptional);
  v.field("least", &Bound::least, Need::kOptional);
  v.field("most", &Bound::most, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<OrdersCheck>) {
  v.field("world", &OrdersCheck::world, Need::kRequired);
  v.field("before", &OrdersCheck::before, Need::kRequired);
  v.field("from", &OrdersCheck::from, Need::kRequired);
  v.field("until", &OrdersCheck::until, Need::kRequired);
  v.field("seed", &OrdersCheck::seed, Need::kOptional);
  v.field("bounds", &OrdersCheck::bounds, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<SessionCheck>) {
  v.field("protocol", &SessionCheck::protocol, Need::kRequired);
  v.field("points", &SessionCheck::points, Need::kRequired);
  v.field("common-address", &SessionCheck::common_address, Need::kOptional);
  v.field("unit", &SessionCheck::unit, Need::kOptional);
  v.field("leaves", &SessionCheck::leaves, Need::kOptional);
  v.field("asks", &SessionCheck::asks, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Check>) {
  v.field("answer", &Check::answer, Need::kOptional);
  v.field("table", &Check::table, Need::kOptional);
  v.field("sigma", &Check::sigma, Need::kOptional);
  v.field("pattern", &Check::pattern, Need::kOptional);
  v.field("bundle", &Check::bundle, Need::kOptional);
  v.field("agreement", &Check::agreement, Need::kOptional);
  v.field("orders", &Check::orders, Need::kOptional);
  v.field("session", &Check::session, Need::kOptional);
}

template <class V>
void fields(V& v, std::type_identity<Hint>) {
  v.field("text", &Hint::text, Need::kRequired);
  v.field("cost", &Hint::cost, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<Task>) {
  v.field("title", &Task::title, Need::kRequired);
  v.field("minutes", &Task::minutes, Need::kRequired);
  v.field("points", &Task::points, Need::kRequired);
  v.field("wrong-cost", &Task::wrong_cost, Need::kOptional);
  v.field("text", &Task::text, Need::kRequired);
  v.field("teaches", &Task::teaches, Need::kRequired);
  v.field("variables", &Task::variables, Need::kOptional);
  v.field("files", &Task::files, Need::kOptional);
  v.field("check", &Task::check, Need::kRequired);
  v.field("hints", &Task::hints, Need::kRequired);
  v.field("explanation", &Task::explanation, Need::kRequired);
  v.field("solution", &Task::solution, Need::kRequired);
  v.field("wrong", &Task::wrong, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<Day>) {
  v.field("title", &Day::title, Need::kRequired);
  v.field("about", &Day::about, Need::kOptional);
  v.field("hours", &Day::hours, Need::kRequired);
  v.field("tasks", &Day::tasks, Need::kRequired);
}

template <class V>
void fields(V& v, std::type_identity<Course>) {
  v.field("id", &Course::id, Need::kRequired);
  v.field("title", &Course::title, Need::kRequired);
  v.field("description", &Course::description, Need::kRequired);
  v.field("audience", &Course::audience, Need::kRequired);
  v.field("pass", &Course::pass, Need::kOptional);
  v.field("references", &Course::references, Need::kOptional);
  v.field("days", &Course::days, Need::kRequired);
}

}  // namespace bongsu::exercise::course
