#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "exercise/scoring/score.h"

namespace bongsu::exercise::scoring {
namespace {

// Figures for people and for comparison: six digits behind the point, whole numbers as such.
Json number(double value) {
  const double rounded = std::round(value * 1e6) / 1e6;
  if (rounded == std::floor(rounded) && std::abs(rounded) < 9e15) return static_cast<std::int64_t>(rounded);
  return rounded;
}
Json seqs(const std::vector<std::uint64_t>& list) { return JsonArray(list.begin(), list.end()); }
Json texts(const std::vector<std::string>& list) { return JsonArray(list.begin(), list.end()); }
Json maybe(const std::optional<std::int64_t>& ms) { return ms ? Json(*ms) : Json(nullptr); }

template <class T, class Make>
JsonArray list(const std::vector<T>& things, Make make) {
  JsonArray out;
  for (const T& thing : things) out.push_back(make(thing));
  return out;
}

JsonObject json_of(const Point& p) {
  return {{"rule", p.rule},
          {"category", to_string(p.category)},
          {"inject", p.inject},
          {"about", p.about},
          {"text", p.text},
          {"most", number(p.most)},
          {"earned", number(p.earned)},
          {"open", p.open},
          {"evidence", seqs(p.evidence)}};
}
JsonObject json_of(const Times& t) {
  const auto time = [](const std::optional<std::int64_t>& at, std::uint64_t seq, bool can) {
    return JsonObject{{"at_ms", maybe(at)}, {"entry", seq}, {"asked", can}};
  };
  return {{"inject", t.inject},
          {"occurrence", t.occurrence},
          {"start", JsonObject{{"at_ms", t.start_ms}, {"entry", t.start_seq}, {"asked", true}}},
          {"detected", time(t.detected_ms, t.detected_seq, t.can_detect)},
          {"shared", time(t.shared_ms, t.shared_seq, t.can_share)},
          {"contained", time(t.contained_ms, t.contained_seq, t.can_contain)},
          {"restored", time(t.restored_ms, t.restored_seq, t.can_restore)}};
}
JsonObject json_of(const TeamScore& t) {
  JsonObject out = {{"team", t.team},
                    {"total", number(t.total)},
                    {"open", t.open},
                    {"violations", t.violations},
                    {"precision", number(t.precision)},
                    {"consequences", t.consequences}};
  out["categories"] = list(t.categories, [](const CategoryResult& c) {
    return JsonObject{{"category", to_string(c.category)},
                      {"earned", number(c.earned)},
                      {"most", number(c.most)},
                      {"points", number(c.points)},
                      {"of", number(c.of)}};
  });
  out["points"] = list(t.points, [](const Point& p) { return json_of(p); });
  out["times"] = list(t.times, [](const Times& it) { return json_of(it); });
  out["services"] = list(t.services, [](const Availability& a) {
    return JsonObject{{"service", a.service},
                      {"part", number(a.part)},
                      {"down_ms", list(a.down_ms, [](const auto& d) { return JsonArray{d.first, d.second}; })},
                      {"evidence", seqs(a.evidence)}};
  });
  out["sharing"] = list(t.sharing, [](const Sharing& s) {
    return JsonObject{{"inject", s.inject},          {"occurrence", s.occurrence},
                      {"right", texts(s.right)},     {"missed", texts(s.missed)},
                      {"recall", number(s.recall)},  {"seen_not_shared", s.seen_not_shared},
                      {"evidence", seqs(s.evidence)}};
  });
  out["strays"] = list(t.strays, [](const Stray& s) { return JsonObject{{"value", s.value}, {"entry", s.seq}}; });
  out["forms"] = list(t.forms, [](const FormGrade& f) {
    return JsonObject{
        {"entry", f.form},
        {"name", f.name},
        {"inject", f.inject},
        {"graders",
         list(f.graders, [](const auto& g) { return JsonObject{{"by", g.first}, {"part", number(g.second)}}; })},
        {"part", f.part ? number(*f.part) : Json(nullptr)},
        {"appealed", f.appealed},
        {"open", f.open},
        {"text", f.text},
        {"evidence", seqs(f.evidence)}};
  });
  out["metrics"] = list(t.metrics, [](const MetricResult& m) {
    return JsonObject{{"metric", m.metric}, {"earned", number(m.earned)}, {"most", number(m.most)}, {"open", m.open}};
  });
  out["evaluations"] = list(t.evaluations, [](const EvaluationResult& e) {
    return JsonObject{{"evaluation", e.evaluation},
                      {"earned", number(e.earned)},
                      {"most", number(e.most)},
                      {"passed", e.passed},
                      {"tlos", texts(e.tlos)}};
  });
  return out;
}

// Reads with the path of what is wrong.
struct Reader {
  std::optional<Error> wrong;
  void miss(const std::string& path, std::string_view what) {
    if (!wrong) wrong = Error{ErrorCode::kInvalid, fmt::format("{} is no {}", path, what), {.field = path}};
  }
  std::string text(const Json& at, std::string_view name, const std::string& path) {
    const auto value = string_at(at, name);
    if (!value) miss(fmt::format("{}.{}", path, name), "text");
    return std::string(value.value_or(""));
  }
  double number(const Json& at, std::string_view name, const std::string& path) {
    const Json* value = find(at, name);
    if (value != nullptr && value->is_number()) return value->to_number<double>();
    miss(fmt::format("{}.{}", path, name), "number");
    return 0;
  }
  bool boolean(const Json& at, std::string_view name, const std::string& path) {
    const auto value = bool_at(at, name);
    if (!value) miss(fmt::format("{}.{}", path, name), "true or false");
    return value.value_or(false);
  }
  JsonArray array(const Json& at, std::string_view name, const std::string& path) {
    const Json* value = find(at, name);
    if (value != nullptr && value->is_array()) return value->get_array();
    miss(fmt::format("{}.{}", path, name), "list");
    return {};
  }
};

}  // namespace

Json to_json(const Scorecard& card) {
  JsonObject out = {{"label", card.label},
                    {"scenario", card.scenario},
                    {"scenario_sha256", card.scenario_sha256},
                    {"seed", std::to_string(card.seed)},
                    {"ended", card.ended},
                    {"ended_ms", card.ended_ms}};
  out["rules"] = list(std::vector<Rule>(rules().begin(), rules().end()),
                      [](const Rule& r) { return JsonObject{{"name", r.name}, {"sentence", r.sentence}}; });
  out["teams"] = list(card.teams, [](const TeamScore& t) { return json_of(t); });
  return out;
}

Result<Scorecard> scorecard_of(const Json& json) {
  Reader in;
  Scorecard card{.scenario = in.text(json, "scenario", "card"),
                 .scenario_sha256 = in.text(json, "scenario_sha256", "card"),
                 .label = in.text(json, "label", "card")};
  const std::string seed = in.text(json, "seed", "card");
  if (const auto [end, error] = std::from_chars(seed.data(), seed.data() + seed.size(), card.seed);
      error != std::errc() || end != seed.data() + seed.size())
    in.miss("card.seed", "number");
  card.ended = in.boolean(json, "ended", "card");
  card.ended_ms = int_at(json, "ended_ms").value_or(0);
  const JsonArray teams = in.array(json, "teams", "card");
  for (std::size_t i = 0; i < teams.size(); ++i) {
    const std::string path = fmt::format("teams[{}]", i);
    const Json& team = teams[i];
    TeamScore t{.team = in.text(team, "team", path),
                .total = in.number(team, "total", path),
                .open = in.boolean(team, "open", path)};
    t.violations = static_cast<std::size_t>(std::clamp(in.number(team, "violations", path), 0.0, 1e9));
    for (const Json& category : in.array(team, "categories", path)) {
      const std::string name = in.text(category, "category", path + ".categories");
      for (std::size_t c = 0; c < kCategories; ++c)
        if (to_string(static_cast<Category>(c)) == name)
          t.categories.push_back({static_cast<Category>(c), in.number(category, "earned", path),
                                  in.number(category, "most", path), in.number(category, "points", path),
                                  in.number(category, "of", path)});
    }
    for (const Json& time : in.array(team, "times", path)) {
      Times it{.inject = in.text(time, "inject", path + ".times"),
               .occurrence = int_at(time, "occurrence").value_or(0)};
      const auto read = [&](const char* name, std::optional<std::int64_t>& at, bool& can) {
        const Json* value = find(time, name);
        if (value == nullptr || !value->is_object()) return in.miss(fmt::format("{}.times.{}", path, name), "time");
        at = int_at(*value, "at_ms");
        can = bool_at(*value, "asked").value_or(false);
      };
      std::optional<std::int64_t> start;
      bool always = true;
      read("start", start, always);
      it.start_ms = start.value_or(0);
      read("detected", it.detected_ms, it.can_detect);
      read("shared", it.shared_ms, it.can_share);
      read("contained", it.contained_ms, it.can_contain);
      read("restored", it.restored_ms, it.can_restore);
      t.times.push_back(std::move(it));
    }
    card.teams.push_back(std::move(t));
  }
  if (in.wrong) return std::unexpected(*in.wrong);
  return card;
}

}  // namespace bongsu::exercise::scoring
