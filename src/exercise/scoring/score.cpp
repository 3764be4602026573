#include "exercise/scoring/score.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "exercise/drill/deeds.h"
#include "exercise/drill/drill.h"
#include "exercise/scenario/vocabulary.h"

namespace bongsu::exercise::scoring {
namespace {

using drill::Deeds;
using drill::Entry;
using drill::Firing;
using drill::Kind;
using drill::Met;
using drill::Received;
using drill::Roster;
using scenario::Act;
using scenario::Seen;

constexpr std::array<std::string_view, kCategories> kNames = {"detect",  "report", "share",       "contain",
                                                              "restore", "decide", "availability"};
constexpr std::array kRules = {
    Rule{"detect-in-time", "a trace on the team's own node shows that it saw it before the time ran out"},
    Rule{"report-in-time", "a trace shows that it was reported before the time ran out"},
    Rule{"share-in-time", "each recipient got what it had to have, in time, true, and under a right label"},
    Rule{"contain-in-time", "the range carried out what stops it before the time ran out"},
    Rule{"restore-in-time", "what was lost was back before the time ran out"},
    Rule{"decide-in-time", "a trace shows that the team decided before the time ran out"},
    Rule{"playbook-step",
         "the team recorded the step as done before the time ran out, of the playbook that the inject names"},
    Rule{"nothing-to-restore", "what was to be restored never failed after it began: nothing is asked"},
    Rule{"form-graded", "the form was there in time, and people graded it"},
    Rule{"judged", "exercise control judged it"},
    Rule{"availability", "the part of the time that the service answered its probes"},
    Rule{"label-violation", "somebody got what a label keeps from him, or the label lets too much through"},
};
constexpr std::array<std::string_view, 6> kInTime = {"detect-in-time",  "report-in-time",  "share-in-time",
                                                     "contain-in-time", "restore-in-time", "decide-in-time"};

std::string duration(std::int64_t ms) { return scenario::text_of(scenario::Duration(std::max<std::int64_t>(ms, 0))); }

double weight_of(const scenario::Weights& w, Category category) {
  switch (category) {
    case Category::kDetect:
      return w.detect;
    case Category::kReport:
      return w.report;
    case Category::kShare:
      return w.share;
    case Category::kContain:
      return w.contain;
    case Category::kRestore:
      return w.restore;
    case Category::kDecide:
      return w.decide;
    case Category::kAvailability:
      return w.availability;
  }
  return 0;
}

std::vector<std::uint64_t> sorted(std::vector<std::uint64_t> seqs) {
  std::erase(seqs, 0U);
  std::ranges::sort(seqs);
  const auto twice = std::ranges::unique(seqs);
  seqs.erase(twice.begin(), twice.end());
  return seqs;
}

std::optional<std::string> text_in(const Entry& entry, std::string_view name) {
  const Json* value = entry.data.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}
double number_in(const Entry& entry, std::string_view name) {
  const Json* value = entry.data.if_contains(name);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

// Entries that count, in an order that says nothing about those of one moment beyond what has to come first.
std::vector<const Entry*> in_order(std::span<const Entry> log) {
  std::vector<const Entry*> entries = drill::counting(log);
  const auto rank = [](const Entry* e) { return e->kind == Kind::kFired ? 0 : e->kind == Kind::kEvidence ? 2 : 1; };
  const auto key = [&](const Entry* e) {
    return std::tuple(e->at_ms, rank(e), rank(e) == 0 ? std::string_view(e->ref) : std::string_view(), e->seq);
  };
  std::ranges::sort(entries, {}, key);
  return entries;
}

// What people made of a form.
FormGrade graded(const Entry& form, const std::vector<const Entry*>& words) {
  FormGrade out{.form = form.seq,
                .name = text_in(form, "type").value_or(""),
                .inject = text_in(form, "inject").value_or(""),
                .evidence = {form.seq}};
  std::map<std::string, double> by;  // each grader's last
  std::uint64_t appeal = 0, ruling = 0;
  double ruled = 0;
  for (const Entry* word : words) {
    out.evidence.push_back(word->seq);
    if (word->kind == Kind::kGrade) by[text_in(*word, "by").value_or("")] = number_in(*word, "part");
    if (word->kind == Kind::kAppeal) appeal = word->seq;
    if (word->kind == Kind::kRuling) {
      ruling = word->seq;
      ruled = number_in(*word, "part");
    }
  }
  out.evidence = sorted(std::move(out.evidence));
  out.graders.assign(by.begin(), by.end());
  out.appealed = appeal != 0;
  if (appeal > ruling) {
    out.text = "appealed: waits for exercise control";
    return out;
  }
  if (ruling != 0) {
    out.part = ruled;
    out.text = "exercise control ruled";
  } else if (by.size() < 2) {
    out.text = by.empty() ? "not graded yet" : "one grade of two";
  } else {
    std::vector<double> parts;
    for (const auto& [_, part] : by) parts.push_back(part);
    std::ranges::sort(parts, std::greater());
    // Two that agree; of more, the two that are nearest to one another (the higher of equally near ones).
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < parts.size(); ++i)
      if (parts[i] - parts[i + 1] < parts[best] - parts[best + 1] - 1e-12) best = i;
    if (parts.size() == 2 && parts[0] - parts[1] > kGradeBound + 1e-12) {
      out.text = fmt::format("graders are {:.0f} of 100 apart: waits for a third, or for exercise control",
                             (parts[0] - parts[1]) * 100);
      return out;
    }
    out.part = (parts[best] + parts[best + 1]) / 2;
    out.text =
        parts.size() == 2 ? "mean of two graders" : fmt::format("mean of the nearest two of {} graders", parts.size());
  }
  out.open = !out.part.has_value();
  return out;
}

class Scorer {
 public:
  Scorer(const Roster& roster, const std::vector<const Entry*>& entries, std::int64_t ended_ms)
      : roster_(roster), scenario_(roster.scenario()), ended_ms_(ended_ms), deeds_(roster) {
    by_team_.resize(roster.teams().size());
    for (const Entry* entry : entries) {
      deeds_.take(*entry);
      if (entry->kind == Kind::kGrade || entry->kind == Kind::kAppeal || entry->kind == Kind::kRuling)
        words_[entry->ref].push_back(entry);
      if (const auto team = roster.team_of(entry->team)) by_team_[*team].push_back(entry);
    }
    deeds_.finish(ended_ms);
    for (const Entry* entry : entries)
      if (entry->kind == Kind::kCondition && entry->team.empty())
        for (auto& list : by_team_) list.push_back(entry);
    for (auto& [_, list] : words_) std::ranges::sort(list, {}, &Entry::seq);
    for (std::size_t i = 0; i < deeds_.firings().size(); ++i) firings_[deeds_.firings()[i].team].push_back(i);
  }

  TeamScore score(std::size_t team) {
    TeamScore out{.team = roster_.teams()[team]};
    by_metric_.clear();
    forms(team, out);
    for (const auto& [value, seq] : deeds_.false_shared(team)) out.strays.push_back({value, seq});
    const std::size_t true_ones = deeds_.true_shared(team).size(), all = true_ones + out.strays.size();
    if (all != 0) out.precision = static_cast<double>(true_ones) / static_cast<double>(all);
    for (const std::size_t number : firings_[team]) firing(deeds_.firings()[number], out);
    services(team, out);
    violations(team, out);
    total(out);
    metrics(team, out);
    for (const Entry* entry : by_team_[team])
      if (entry->kind == Kind::kSample) out.consequences = entry->data;
    return out;
  }

 private:
  void forms(std::size_t team, TeamScore& out) {
    for (const Entry* entry : by_team_[team]) {
      if (entry->kind != Kind::kEvidence || entry->ref != "form") continue;
      const auto words = words_.find(std::to_string(entry->seq));
      out.forms.push_back(graded(*entry, words == words_.end() ? std::vector<const Entry*>() : words->second));
    }
  }

  void firing(const Firing& f, TeamScore& out) {
    const scenario::Inject& inject = scenario_.injects[f.inject];
    for (std::size_t i = 0; i < inject.expectations.size(); ++i)
      if (roster_.asks(inject.expectations[i].teams, f.team)) expectation(f, inject, i, out);
    for (std::size_t i = 0; i < inject.share.size(); ++i) share(f, inject, i, out);
    times(f, inject, out);
    const auto& truth = deeds_.truth(f.inject);
    if (truth.empty()) return;
    Sharing sharing{.inject = inject.id, .occurrence = f.occurrence};
    for (const std::string& value : truth)
      (f.shared_values.contains(value) ? sharing.right : sharing.missed).push_back(value);
    sharing.recall = static_cast<double>(sharing.right.size()) / static_cast<double>(truth.size());
    const bool asked = std::ranges::any_of(f.shares, [](const auto& recipients) { return !recipients.empty(); });
    sharing.seen_not_shared = asked && !f.alerts.empty() && f.shared_seqs.empty();
    sharing.evidence = f.alerts;
    sharing.evidence.insert(sharing.evidence.end(), f.shared_seqs.begin(), f.shared_seqs.end());
    sharing.evidence.push_back(f.seq);
    sharing.evidence = sorted(std::move(sharing.evidence));
    out.sharing.push_back(std::move(sharing));
  }

  void expectation(const Firing& f, const scenario::Inject& inject, std::size_t number, TeamScore& out) {
    const scenario::Expectation& asked = inject.expectations[number];
    const Met& met = f.met[number];
    const Category category = category_of(asked.act);
    Point point{.rule = kInTime[static_cast<std::size_t>(category)],
                .category = category,
                .inject = inject.id,
                .about = asked.id,
                .most = static_cast<double>(asked.score),
                .evidence = {f.seq, met.seq}};
    if (asked.seen.as == Seen::kForm) point.rule = "form-graded";
    if (asked.seen.as == Seen::kManual) point.rule = "judged";
    if (asked.seen.as == Seen::kPlaybook) point.rule = "playbook-step";
    const std::int64_t limit = asked.expires.count();
    const std::string what = asked.description.empty()
                                 ? fmt::format("{} ({})", asked.id, scenario::to_string(asked.act))
                                 : asked.description;
    if (met.kept) {
      point.rule = "nothing-to-restore";
      point.most = 0;
      point.text = fmt::format("{}: {} held all the time, so there was nothing to restore", what, asked.seen.of);
    } else if (!met.at_ms) {
      if (asked.seen.as == Seen::kManual) {
        point.open = true;
        point.text = what + ": exercise control has not judged it";
      } else if (f.at_ms + limit > ended_ms_) {
        point.most = 0;
        point.text = fmt::format("{}: not there, but the drill ended before its {} were over", what, duration(limit));
      } else {
        point.text = fmt::format("{}: not within {}", what, duration(limit));
      }
      if (met.other_seq != 0) {
        point.text += fmt::format("; {} was done of {}, which is not the inject's playbook {}", asked.seen.of,
                                  met.other.empty() ? "no playbook" : met.other, inject.response);
        point.evidence.push_back(met.other_seq);
      }
    } else if (asked.seen.as == Seen::kManual) {
      point.earned = point.most * met.part;
      point.text = fmt::format("{}: {:.0f} of 100, by exercise control", what, met.part * 100);
    } else if (!met.in_time) {
      point.text = fmt::format("{}: after {}, later than {}", what, duration(*met.at_ms - f.at_ms), duration(limit));
    } else if (asked.seen.as == Seen::kForm) {
      const auto form = std::ranges::find(out.forms, met.seq, &FormGrade::form);
      const bool known = form != out.forms.end();
      point.open = !known || form->open;
      point.earned = known ? point.most * form->part.value_or(0) : 0;
      point.text = fmt::format("{}: there after {}; {}", what, duration(*met.at_ms - f.at_ms),
                               known ? form->text : "not graded yet");
      if (known) point.evidence.insert(point.evidence.end(), form->evidence.begin(), form->evidence.end());
    } else {
      point.earned = point.most;
      point.text = fmt::format("{}: after {}, of {}", what, duration(*met.at_ms - f.at_ms), duration(limit));
    }
    point.evidence = sorted(std::move(point.evidence));
    if (!asked.metric.empty()) {
      MetricResult& sum = by_metric_[asked.metric];
      sum.earned += point.earned;
      sum.most += point.most;
      sum.open = sum.open || point.open;
    }
    out.points.push_back(std::move(point));
  }

  void share(const Firing& f, const scenario::Inject& inject, std::size_t number, TeamScore& out) {
    const scenario::ShareExpectation& asked = inject.share[number];
    const auto& recipients = f.shares[number];
    const std::size_t truth = deeds_.truth(f.inject).size();
    for (const Received& got : recipients) {
      const std::string& to = roster_.teams()[got.team];
      Point point{.rule = "share-in-time",
                  .category = Category::kShare,
                  .inject = inject.id,
                  .about = asked.id,
                  .most = static_cast<double>(asked.score) / static_cast<double>(recipients.size()),
                  .evidence = got.seqs};
      point.evidence.push_back(f.seq);
      const std::string what = fmt::format("{} to {}", scenario::to_string(asked.what), to);
      if (got.at_ms) {
        double part = 1;
        point.text =
            fmt::format("{}: after {}, of {}", what, duration(*got.at_ms - f.at_ms), duration(asked.by.count()));
        if (asked.what == scenario::Shared::kIndicators && truth != 0) {
          const double recall = static_cast<double>(got.values.size()) / static_cast<double>(truth);
          part = recall * out.precision;
          point.text += fmt::format("; {} of {} values, {:.0f} of 100 shared values true", got.values.size(), truth,
                                    out.precision * 100);
        }
        point.earned = point.most * part;
      } else if (got.late_ms) {
        point.text = fmt::format("{}: after {}, later than {}", what, duration(*got.late_ms - f.at_ms),
                                 duration(asked.by.count()));
      } else if (f.at_ms + asked.by.count() > ended_ms_) {
        point.most = 0;
        point.text = fmt::format("{}: {}, but the drill ended before its {} were over", what,
                                 got.wrong_label.empty() ? "not there" : got.wrong_label, duration(asked.by.count()));
      } else if (!got.wrong_label.empty()) {
        point.text = fmt::format("{}: {}", what, got.wrong_label);
      } else {
        point.text = fmt::format("{}: not within {}", what, duration(asked.by.count()));
      }
      point.evidence = sorted(std::move(point.evidence));
      out.points.push_back(std::move(point));
    }
  }

  void times(const Firing& f, const scenario::Inject& inject, TeamScore& out) {
    const auto asks = [&](std::initializer_list<Act> acts) {
      return std::ranges::any_of(inject.expectations, [&](const scenario::Expectation& e) {
        const auto number = static_cast<std::size_t>(&e - inject.expectations.data());
        return roster_.asks(e.teams, f.team) && !f.met[number].kept && std::ranges::find(acts, e.act) != acts.end();
      });
    };
    Times t{.inject = inject.id, .occurrence = f.occurrence, .start_ms = f.at_ms, .start_seq = f.seq};
    const auto put = [](const Met& met, std::optional<std::int64_t>& at, std::uint64_t& seq) {
      at = met.at_ms;
      seq = met.seq;
    };
    put(f.detected, t.detected_ms, t.detected_seq);
    put(f.shared, t.shared_ms, t.shared_seq);
    put(f.contained, t.contained_ms, t.contained_seq);
    put(f.restored, t.restored_ms, t.restored_seq);
    t.can_detect = !inject.telemetry.empty() || !inject.indicators.empty() || asks({Act::kDetect});
    t.can_share = std::ranges::any_of(f.shares, [](const auto& r) { return !r.empty(); }) ||
                  asks({Act::kReport, Act::kForm, Act::kInform});
    t.can_contain = !inject.physics.empty() || asks({Act::kContain});
    t.can_restore = f.down_seq != 0 || asks({Act::kRestore});
    out.times.push_back(std::move(t));
  }

  void services(std::size_t team, TeamScore& out) {
    for (const scenario::Service& service : scenario_.services) {
      if (!roster_.serves(service, team)) continue;
      Availability a{.service = service.id};
      std::optional<std::int64_t> down;
      std::int64_t sum = 0;
      for (const Entry* entry : by_team_[team]) {
        if (entry->kind != Kind::kProbe || entry->ref != service.id) continue;
        const Json* up = entry->data.if_contains("up");
        if (up == nullptr || !up->is_bool()) continue;
        if (!up->get_bool() && !down) {
          down = entry->at_ms;
        } else if (up->get_bool() && down) {
          a.down_ms.emplace_back(*down, entry->at_ms);
          down.reset();
        }
        a.evidence.push_back(entry->seq);
      }
      if (down) a.down_ms.emplace_back(*down, ended_ms_);
      for (const auto& [from, until] : a.down_ms) sum += until - from;
      if (ended_ms_ > 0) a.part = 1 - static_cast<double>(sum) / static_cast<double>(ended_ms_);
      a.evidence = sorted(std::move(a.evidence));
      if (service.score > 0)
        out.points.push_back(
            {.rule = "availability",
             .category = Category::kAvailability,
             .about = service.id,
             .text = fmt::format("{}: up {:.2f} of 100 of the time, down {}", service.id, a.part * 100, duration(sum)),
             .most = static_cast<double>(service.score),
             .earned = static_cast<double>(service.score) * a.part,
             .evidence = a.evidence});
      out.services.push_back(std::move(a));
    }
  }

  // However many got an object, in however many versions: what is wrong with it costs once.
  void violations(std::size_t team, TeamScore& out) {
    std::map<std::pair<std::string, std::string>, std::vector<const Entry*>> found;  // by object and rule
    for (const Entry* entry : by_team_[team])
      if (entry->kind == Kind::kViolation)
        found[{entry->ref, text_in(*entry, "rule").value_or("violation")}].push_back(entry);
    out.violations = found.size();
    for (const auto& [of, entries] : found) {
      std::vector<std::uint64_t> evidence;
      for (const Entry* entry : entries) {
        evidence.push_back(entry->seq);
        evidence.push_back(static_cast<std::uint64_t>(number_in(*entry, "evidence")));
      }
      out.points.push_back({.rule = "label-violation",
                            .category = Category::kShare,
                            .about = of.first,
                            .text = fmt::format("{}: {}", of.second, entries.front()->text),
                            .earned = -scenario_.exercise.weights.label_violation,
                            .evidence = sorted(std::move(evidence))});
    }
  }

  void total(TeamScore& out) {
    std::array<CategoryResult, kCategories> results;
    double cost = 0, weights = 0;
    for (std::size_t i = 0; i < kCategories; ++i) results[i].category = static_cast<Category>(i);
    for (const Point& point : out.points) {
      out.open = out.open || point.open;
      if (point.rule == "label-violation") {
        cost -= point.earned;
        continue;
      }
      results[static_cast<std::size_t>(point.category)].earned += point.earned;
      results[static_cast<std::size_t>(point.category)].most += point.most;
    }
    for (const CategoryResult& r : results)
      if (r.most > 0) weights += weight_of(scenario_.exercise.weights, r.category);
    for (CategoryResult& r : results) {
      if (r.most <= 0) continue;
      r.of = weights > 0 ? kWhole * weight_of(scenario_.exercise.weights, r.category) / weights : 0;
      r.points = r.of * r.earned / r.most;
      out.total += r.points;
      out.categories.push_back(r);
    }
    out.total = std::max(0.0, out.total - cost);
  }

  void metrics(std::size_t team, TeamScore& out) {
    for (const scenario::Metric& metric : scenario_.metrics) {
      MetricResult result{.metric = metric.id, .most = static_cast<double>(metric.max_score)};
      if (metric.type == scenario::Metric::Type::kConditional) {
        result.earned = result.most * held(team, metric.condition);
      } else if (const auto points = by_metric_.find(metric.id); points != by_metric_.end()) {
        const MetricResult& sum = points->second;
        result.earned = sum.most > 0 ? result.most * sum.earned / sum.most : 0;
        result.open = sum.open;
      } else {
        result.open = true;
        for (const Entry* entry : by_team_[team]) {
          if (entry->kind != Kind::kEvidence || entry->ref != "judged" || text_in(*entry, "expectation") != metric.id ||
              text_in(*entry, "inject"))
            continue;
          result.earned = result.most * std::clamp(number_in(*entry, "value"), 0.0, 1.0);
          result.open = false;
        }
      }
      out.metrics.push_back(std::move(result));
    }
    for (const scenario::Evaluation& evaluation : scenario_.evaluations) {
      EvaluationResult result{.evaluation = evaluation.id};
      for (const MetricResult& metric : out.metrics)
        if (std::ranges::find(evaluation.metrics, metric.metric) != evaluation.metrics.end()) {
          result.earned += metric.earned;
          result.most += metric.most;
        }
      const double needed =
          evaluation.min_score.percentage ? result.most * evaluation.min_score.value / 100 : evaluation.min_score.value;
      result.passed = result.earned >= needed - 1e-9;
      for (const scenario::Tlo& tlo : scenario_.tlos)
        if (tlo.evaluation == evaluation.id) result.tlos.push_back(tlo.id);
      out.evaluations.push_back(std::move(result));
    }
  }

  // The part of the drill's time that a condition held.
  double held(std::size_t team, const std::string& condition) const {
    std::optional<std::int64_t> since;
    std::int64_t sum = 0;
    for (const Entry* entry : by_team_[team]) {
      if (entry->kind != Kind::kCondition || entry->ref != condition) continue;
      const Json* holds = entry->data.if_contains("holds");
      const bool now = holds != nullptr && *holds == true;
      if (now && !since) since = entry->at_ms;
      if (!now && since) {
        sum += entry->at_ms - *since;
        since.reset();
      }
    }
    if (since) sum += ended_ms_ - *since;
    return ended_ms_ > 0 ? static_cast<double>(sum) / static_cast<double>(ended_ms_) : 0;
  }

  const Roster& roster_;
  const scenario::Scenario& scenario_;
  std::int64_t ended_ms_;
  Deeds deeds_;
  std::map<std::string, std::vector<const Entry*>> words_;  // by form
  std::vector<std::vector<const Entry*>> by_team_;
  std::map<std::size_t, std::vector<std::size_t>> firings_;
  std::map<std::string, MetricResult> by_metric_;  // what expectations of the team in hand add to each
};

}  // namespace

std::string_view to_string(Category category) { return kNames[static_cast<std::size_t>(category)]; }

Category category_of(Act act) {
  switch (act) {
    case Act::kDetect:
      return Category::kDetect;
    case Act::kShare:
      return Category::kShare;
    case Act::kContain:
      return Category::kContain;
    case Act::kRestore:
      return Category::kRestore;
    case Act::kDecide:
      return Category::kDecide;
    case Act::kReport:
    case Act::kForm:
    case Act::kInform:
    case Act::kAnswer:
      return Category::kReport;
  }
  return Category::kReport;
}

std::span<const Rule> rules() { return kRules; }

Result<Scorecard> score(const scenario::Scenario& scenario, std::span<const Entry> log) {
  if (log.empty() || log.front().kind != Kind::kControl || log.front().ref != "opened")
    return fail(ErrorCode::kInvalid, "the log does not begin with the opening of a drill", {.line = 1});
  Scorecard card{.scenario = scenario.exercise.id,
                 .scenario_sha256 = drill::digest_of(scenario),
                 .label = drill::exercise_banner(scenario)};
  if (text_in(log.front(), "scenario_sha256") != card.scenario_sha256)
    return fail(ErrorCode::kInvalid,
                fmt::format("the log is of another scenario, or of another version of {}", card.scenario),
                {.line = 1, .field = "scenario_sha256"});
  BONGSU_TRY(const drill::Settings settings, drill::settings_of(log.front()));
  card.seed = settings.seed.value_or(0);
  const std::vector<const Entry*> entries = in_order(log);
  for (const Entry* entry : entries) {
    if (!card.ended) card.ended_ms = std::max(card.ended_ms, entry->at_ms);
    card.ended = card.ended || (entry->kind == Kind::kControl && entry->ref == "end");
  }
  const Roster roster(scenario);
  Scorer scorer(roster, entries, card.ended_ms);
  for (std::size_t team = 0; team < roster.teams().size(); ++team) card.teams.push_back(scorer.score(team));
  return card;
}

}  // namespace bongsu::exercise::scoring
