#include "exercise/scoring/slow_scorer_test_support.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "exercise/drill/deeds.h"
#include "exercise/scenario/vocabulary.h"
#include "exercise/scoring/score.h"

namespace bongsu::exercise::scoring {
namespace {

using drill::As;
using drill::Entry;
using drill::Evidence;
using drill::Kind;
using scenario::Act;
using scenario::Seen;
using scenario::Shared;

std::string text(const Entry& e, const char* key) {
  const Json* value = e.data.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}
double number(const Entry& e, const char* key) {
  const Json* value = e.data.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}
bool yes(const Entry& e, const char* key) {
  const Json* value = e.data.if_contains(key);
  return value != nullptr && *value == true;
}

struct Shot {  // an inject that fired for a team
  const scenario::Inject* inject;
  std::int64_t at;
  std::uint64_t seq;
};
struct Deed {
  std::int64_t at;
  std::uint64_t seq;
  Evidence what;
};
struct Met {
  std::int64_t at;
  std::uint64_t seq;
  double part = 1;
};

class Slow {
 public:
  Slow(const scenario::Scenario& scenario, std::span<const Entry> log) : s_(scenario), roster_(scenario) {
    // What a later jump back went behind does not count.
    for (std::size_t i = 0; i < log.size(); ++i) {
      bool undone = false;
      for (std::size_t j = i + 1; j < log.size(); ++j)
        undone = undone || (log[j].kind == Kind::kControl && log[j].ref == "jump_back" &&
                            number(log[j], "to_ms") < static_cast<double>(log[i].at_ms));
      if (!undone) log_.push_back(&log[i]);
    }
    std::ranges::sort(log_, {}, [](const Entry* e) { return std::pair(e->at_ms, e->seq); });
    for (const Entry* e : log_) {
      if (!ended_) end_ = std::max(end_, e->at_ms);
      ended_ = ended_ || (e->kind == Kind::kControl && e->ref == "end");
    }
  }

  SlowTeam team(std::size_t number) {
    team_ = number;
    out_ = {.team = roster_.teams()[number]};
    shots_.clear();
    deeds_.clear();
    for (const Entry* e : log_) {
      if (roster_.team_of(e->team) != team_) continue;
      if (e->kind == Kind::kFired) shots_.push_back({scenario::find(s_.injects, e->ref), e->at_ms, e->seq});
      if (e->kind == Kind::kEvidence) deeds_.push_back({e->at_ms, e->seq, *drill::evidence_of(*e)});
    }
    std::ranges::sort(shots_, [](const Shot& a, const Shot& b) {
      return std::tie(a.at, a.inject->id, a.seq) < std::tie(b.at, b.inject->id, b.seq);
    });
    precision();
    for (const Shot& shot : shots_) {
      for (const scenario::Expectation& e : shot.inject->expectations)
        if (roster_.asks(e.teams, team_)) expectation(shot, e);
      for (const scenario::ShareExpectation& e : shot.inject->share)
        if (roster_.asks(e.from, team_)) share(shot, e);
      times(shot);
    }
    availability();
    violations();
    total();
    metrics();
    return out_;
  }

 private:
  static std::set<std::string> truth(const scenario::Inject& inject) {
    std::set<std::string> out;
    for (const scenario::Indicator& i : inject.indicators)
      for (const std::string& value : drill::values_of(scenario::pattern_of(i))) out.insert(value);
    return out;
  }
  static std::set<std::string> values(const Evidence& e) {
    std::set<std::string> out;
    for (const std::string& pattern : e.patterns)
      for (const std::string& value : drill::values_of(pattern)) out.insert(value);
    return out;
  }

  // The team's latest firing of that inject until then.
  const Shot* latest(const std::string& inject, std::int64_t at) const {
    const Shot* out = nullptr;
    for (const Shot& shot : shots_)
      if (shot.inject->id == inject && shot.at <= at &&
          (out == nullptr || std::tie(out->at, out->seq) < std::tie(shot.at, shot.seq)))
        out = &shot;
    return out;
  }

  // What evidence is about by what it carries: values, a record's time, a name; a reply also by what it answers.
  std::set<const Shot*> about(const Deed& d) const {
    std::set<const Shot*> out;
    const std::set<std::string> carried = values(d.what);
    const auto add = [&](const std::string& inject) {
      if (const Shot* shot = latest(inject, d.at)) out.insert(shot);
    };
    for (const scenario::Inject& inject : s_.injects)
      for (const std::string& value : truth(inject))
        if (carried.contains(value)) add(inject.id);
    if (d.what.telemetry_ms)
      for (const Shot& shot : shots_)
        for (const scenario::Telemetry& t : shot.inject->telemetry)
          if (shot.at <= d.at && (t.team.empty() || roster_.team_of(t.team) == team_))
            for (std::uint32_t n = 0; n < t.count; ++n)
              if (shot.at + t.after.count() + n * t.every.count() == *d.what.telemetry_ms) out.insert(&shot);
    if (!d.what.inject.empty()) add(d.what.inject);
    if (d.what.as == As::kReply && out.empty()) {
      std::string id = d.what.object;  // run/inject/…
      id = id.substr(std::min(id.find('/') + 1, id.size()));
      if (id.find('/') != std::string::npos) add(id.substr(0, id.find('/')));
    }
    return out;
  }

  // The first trace of it from `starts` on; of what people judge, the last.
  std::optional<Met> met(const Shot& shot, const scenario::Expectation& asked) const {
    std::optional<Met> out;
    const auto take = [&](std::int64_t at, std::uint64_t seq, double part = 1) {
      if (at - shot.at < asked.starts.count()) return;
      if (!out || asked.seen.as == Seen::kManual) out = {at, seq, part};
    };
    const std::int64_t noted_until = shot.at + asked.expires.count() + drill::kLate_ms;
    if (asked.seen.as == Seen::kOrder) {
      for (const Entry* e : log_)
        if (e->kind == Kind::kOrder && roster_.team_of(e->team) == team_ && text(*e, "by") == "team" &&
            yes(*e, "accepted") && text(*e, "kind") == asked.seen.of && e->at_ms >= shot.at &&
            e->at_ms <= noted_until && (asked.seen.target.empty() || asked.seen.target == e->ref))
          take(e->at_ms, e->seq);
      return out;
    }
    if (asked.seen.as == Seen::kCondition) {
      if (kept(shot, asked)) return out;
      for (const auto& [since, until, seq, open] : held(asked.seen.of)) {
        if (asked.act == Act::kRestore && since <= shot.at) continue;
        const std::int64_t at = std::max(since, shot.at + asked.starts.count());
        if (at <= until) take(at, seq);
      }
      return out;
    }
    for (const Deed& d : deeds_) {
      if (d.at < shot.at) continue;
      const std::set<const Shot*> tied = about(d);
      const bool by_kind =
          (tied.empty() || tied.contains(&shot)) && d.what.type == asked.seen.of && d.at <= noted_until;
      switch (asked.seen.as) {
        case Seen::kAlert:
          if (d.what.as == As::kAlert && tied.contains(&shot)) take(d.at, d.seq);
          break;
        case Seen::kSighting:
          if (d.what.as == As::kSighting && tied.contains(&shot)) take(d.at, d.seq);
          break;
        case Seen::kReply:
          if (d.what.as == As::kReply && tied.contains(&shot)) take(d.at, d.seq);
          break;
        case Seen::kObject:
          if ((d.what.as == As::kObject || d.what.as == As::kShared) && by_kind) take(d.at, d.seq);
          break;
        case Seen::kForm:
          if (d.what.as == As::kForm && by_kind) take(d.at, d.seq);
          break;
        case Seen::kPlaybook:
          if (d.what.as == As::kPlaybook && by_kind && d.what.object == shot.inject->response) take(d.at, d.seq);
          break;
        case Seen::kManual:
          if (d.what.as == As::kJudged && latest(d.what.inject, d.at) == &shot && d.what.expectation == asked.id)
            take(d.at, d.seq, std::clamp(d.what.value.value_or(0), 0.0, 1.0));
          break;
        case Seen::kOrder:
        case Seen::kCondition:
          break;
      }
    }
    return out;
  }

  struct Held {
    std::int64_t since, until;
    std::uint64_t seq;
    bool open = true;
  };
  // Was there nothing to restore?
  bool kept(const Shot& shot, const scenario::Expectation& asked) const {
    if (asked.act != Act::kRestore || asked.seen.as != Seen::kCondition) return false;
    for (const Held& h : held(asked.seen.of))
      if (h.since <= shot.at && (h.open || h.until >= shot.at + asked.expires.count())) return true;
    return false;
  }
  std::vector<Held> held(const std::string& condition) const {
    std::vector<Held> out;
    bool now = false;
    for (const Entry* e : log_) {
      if (e->kind != Kind::kCondition || e->ref != condition) continue;
      if (!e->team.empty() && roster_.team_of(e->team) != team_) continue;
      if (yes(*e, "holds") && !now) out.push_back({e->at_ms, end_, e->seq});
      if (!yes(*e, "holds") && now) {
        out.back().until = e->at_ms;
        out.back().open = false;
      }
      now = yes(*e, "holds");
    }
    return out;
  }

  // Nothing: it waits for people.
  std::optional<double> grade(std::uint64_t form) const {
    std::map<std::string, double> last;
    std::optional<double> ruled;
    bool appealed = false;
    for (const Entry* e : words()) {
      if (e->ref != std::to_string(form)) continue;
      if (e->kind == Kind::kGrade) last[text(*e, "by")] = number(*e, "part");
      if (e->kind == Kind::kAppeal) appealed = true;
      if (e->kind == Kind::kRuling) {
        ruled = number(*e, "part");
        appealed = false;
      }
    }
    if (appealed) return std::nullopt;
    if (ruled) return ruled;
    if (last.size() < 2) return std::nullopt;
    // Every two of them; of two that are equally near the higher ones.
    double nearest = 2, mean = 0;
    for (const auto& [a, x] : last)
      for (const auto& [b, y] : last) {
        if (a >= b) continue;
        const double apart = std::abs(x - y), of = (x + y) / 2;
        if (apart < nearest - 1e-9 || (apart < nearest + 1e-9 && of > mean)) {
          nearest = apart;
          mean = of;
        }
      }
    if (last.size() == 2 && nearest > kGradeBound + 1e-9) return std::nullopt;
    return mean;
  }
  // In the order in which they were said.
  std::vector<const Entry*> words() const {
    std::vector<const Entry*> out;
    for (const Entry* e : log_)
      if (e->kind == Kind::kGrade || e->kind == Kind::kAppeal || e->kind == Kind::kRuling) out.push_back(e);
    std::ranges::sort(out, {}, &Entry::seq);
    return out;
  }

  void expectation(const Shot& shot, const scenario::Expectation& asked) {
    const std::optional<Met> found = met(shot, asked);
    SlowPoint p{.rule = std::string(to_string(category_of(asked.act))) + "-in-time",
                .inject = shot.inject->id,
                .about = asked.id,
                .most = static_cast<double>(asked.score),
                .asked = &asked};
    const bool in_time = found && found->at - shot.at <= asked.expires.count();
    if (asked.seen.as == Seen::kManual) {
      p.rule = "judged";
      p.open = !found;
      if (found) p.earned = p.most * found->part;
    } else if (asked.seen.as == Seen::kForm) {
      p.rule = "form-graded";
      if (in_time) {
        const std::optional<double> part = grade(found->seq);
        p.open = !part;
        p.earned = p.most * part.value_or(0);
      }
    } else if (in_time) {
      p.earned = p.most;
    }
    if (asked.seen.as == Seen::kPlaybook) p.rule = "playbook-step";
    if (kept(shot, asked)) {
      p.rule = "nothing-to-restore";
      p.most = 0;
    }
    if (!found && asked.seen.as != Seen::kManual && shot.at + asked.expires.count() > end_) p.most = 0;
    out_.points.push_back(std::move(p));
  }

  // Others whom an object reached.
  std::set<std::size_t> reached(const Evidence& e) const {
    std::set<std::size_t> out;
    for (const std::string& to : e.to)
      if (const auto team = roster_.team_of(to); team && *team != team_) out.insert(*team);
    return out;
  }
  static bool is_share(const Evidence& e) { return e.as == As::kShared || e.as == As::kSighting; }
  static bool is(Shared what, const Evidence& e) {
    const bool sighting = e.as == As::kSighting || e.type == "sighting";
    switch (what) {
      case Shared::kSighting:
        return sighting;
      case Shared::kReport:
        return !sighting && e.type == "report";
      case Shared::kWarning:
        return !sighting && (e.type == "warning" || e.type == "cap");
      case Shared::kPlaybook:
        return !sighting && (e.type == "playbook" || e.type == "course-of-action");
      case Shared::kIndicators:
        return false;
    }
    return false;
  }

  void precision() {
    std::set<std::string> all, right, known;
    for (const scenario::Inject& inject : s_.injects) known.merge(truth(inject));
    for (const Deed& d : deeds_)
      if (is_share(d.what) && !reached(d.what).empty()) all.merge(values(d.what));
    std::ranges::set_intersection(all, known, std::inserter(right, right.end()));
    if (!all.empty()) out_.precision = static_cast<double>(right.size()) / static_cast<double>(all.size());
  }

  // Whether what was shared is what is asked of this firing.
  bool answers(const Deed& d, const Shot& shot, const scenario::ShareExpectation& asked) const {
    if (!is_share(d.what) || d.at < shot.at) return false;
    const std::set<const Shot*> tied = about(d);
    if (asked.what == Shared::kIndicators) return tied.contains(&shot) && !values(d.what).empty();
    return is(asked.what, d.what) && (tied.empty() || tied.contains(&shot)) &&
           d.at <= shot.at + asked.by.count() + drill::kLate_ms;
  }

  void share(const Shot& shot, const scenario::ShareExpectation& asked) {
    std::vector<std::size_t> recipients;
    for (const std::string& to : asked.to)
      if (const auto team = roster_.team_of(to); team && *team != team_) recipients.push_back(*team);
    for (const std::size_t recipient : recipients) {
      SlowPoint p{.rule = "share-in-time",
                  .inject = shot.inject->id,
                  .about = asked.id,
                  .most = static_cast<double>(asked.score) / static_cast<double>(recipients.size())};
      bool right = false;
      std::set<std::string> got;
      for (const Deed& d : deeds_) {
        if (!answers(d, shot, asked) || !reached(d.what).contains(recipient)) continue;
        const auto label = policy::Label::parse(d.what.label);
        if (!label ||
            !drill::Deeds::label_trouble(*label, asked.label, roster_.entity(roster_.teams()[recipient])).empty())
          continue;
        if (d.at - shot.at > asked.by.count()) continue;
        right = true;
        const std::set<std::string> of = values(d.what), all = truth(*shot.inject);
        std::ranges::set_intersection(of, all, std::inserter(got, got.end()));
      }
      const std::size_t all = truth(*shot.inject).size();
      if (right) p.earned = p.most;
      if (right && asked.what == Shared::kIndicators && all != 0)
        p.earned = p.most * static_cast<double>(got.size()) / static_cast<double>(all) * out_.precision;
      if (!right && shot.at + asked.by.count() > end_) p.most = 0;  // it still had time
      out_.points.push_back(std::move(p));
    }
  }

  void times(const Shot& shot) {
    SlowTimes t{.inject = shot.inject->id, .start_ms = shot.at};
    const auto first = [](std::optional<std::int64_t>& at, std::int64_t when) {
      if (!at || when < *at) at = when;
    };
    for (const scenario::Expectation& e : shot.inject->expectations) {
      if (!roster_.asks(e.teams, team_)) continue;
      const auto found = met(shot, e);
      if (!found) continue;
      if (e.act == Act::kDetect) first(t.detected_ms, found->at);
      if (e.act == Act::kReport || e.act == Act::kForm || e.act == Act::kInform) first(t.shared_ms, found->at);
      if (e.act == Act::kContain) first(t.contained_ms, found->at);
    }
    for (const Deed& d : deeds_) {
      if (d.at < shot.at) continue;
      const bool tied = about(d).contains(&shot);
      if (tied && (d.what.as == As::kAlert || d.what.as == As::kSighting)) first(t.detected_ms, d.at);
      if (!is_share(d.what) || reached(d.what).empty()) continue;
      if (tied) first(t.shared_ms, d.at);
      for (const scenario::ShareExpectation& e : shot.inject->share)
        if (roster_.asks(e.from, team_) && answers(d, shot, e)) first(t.shared_ms, d.at);
    }
    for (const scenario::Effect& effect : shot.inject->physics) {
      std::optional<double> value;
      const char* undo = drill::undoing(effect.kind, value);
      for (const Entry* e : log_)
        if (undo != nullptr && e->kind == Kind::kOrder && roster_.team_of(e->team) == team_ &&
            text(*e, "by") == "team" && yes(*e, "accepted") && text(*e, "kind") == undo && e->ref == effect.target &&
            latest(shot.inject->id, e->at_ms) == &shot)
          first(t.contained_ms, e->at_ms);
    }
    out_.times.push_back(std::move(t));
  }

  void availability() {
    for (const scenario::Service& service : s_.services) {
      if (!roster_.serves(service, team_) || service.score == 0) continue;
      std::int64_t down = 0, since = -1;
      for (const Entry* e : log_) {
        if (e->kind != Kind::kProbe || e->ref != service.id || roster_.team_of(e->team) != team_) continue;
        if (!yes(*e, "up") && since < 0) since = e->at_ms;
        if (yes(*e, "up") && since >= 0) {
          down += e->at_ms - since;
          since = -1;
        }
      }
      if (since >= 0) down += end_ - since;
      const double part = end_ > 0 ? 1 - static_cast<double>(down) / static_cast<double>(end_) : 1;
      out_.points.push_back({.rule = "availability",
                             .inject = "",
                             .about = service.id,
                             .most = static_cast<double>(service.score),
                             .earned = static_cast<double>(service.score) * part});
    }
  }

  void violations() {
    std::set<std::pair<std::string, std::string>> found;
    for (const Entry* e : log_)
      if (e->kind == Kind::kViolation && roster_.team_of(e->team) == team_) found.insert({e->ref, text(*e, "rule")});
    out_.violations = found.size();
    for (const auto& [object, _] : found)
      out_.points.push_back({.rule = "label-violation",
                             .inject = "",
                             .about = object,
                             .most = 0,
                             .earned = -s_.exercise.weights.label_violation});
  }

  static Category category(const SlowPoint& p) {
    if (p.rule == "availability") return Category::kAvailability;
    return p.asked == nullptr ? Category::kShare : category_of(p.asked->act);
  }

  void total() {
    const scenario::Weights& w = s_.exercise.weights;
    const std::map<Category, double> weights = {{Category::kDetect, w.detect},
                                                {Category::kReport, w.report},
                                                {Category::kShare, w.share},
                                                {Category::kContain, w.contain},
                                                {Category::kRestore, w.restore},
                                                {Category::kDecide, w.decide},
                                                {Category::kAvailability, w.availability}};
    std::map<Category, std::pair<double, double>> sums;
    double cost = 0, all = 0;
    for (const SlowPoint& p : out_.points) {
      out_.open = out_.open || p.open;
      if (p.rule == "label-violation") {
        cost += s_.exercise.weights.label_violation;
        continue;
      }
      sums[category(p)].first += p.earned;
      sums[category(p)].second += p.most;
    }
    for (const auto& [category, sum] : sums)
      if (sum.second > 0) all += weights.at(category);
    for (const auto& [category, sum] : sums)
      if (sum.second > 0 && all > 0) out_.total += kWhole * weights.at(category) / all * sum.first / sum.second;
    out_.total = std::max(0.0, out_.total - cost);
  }

  void metrics() {
    for (const scenario::Metric& metric : s_.metrics) {
      const double most = metric.max_score;
      double earned = 0, of = 0;
      bool open = false, from_points = false;
      for (const SlowPoint& p : out_.points) {
        if (p.asked == nullptr || p.asked->metric != metric.id) continue;
        from_points = true;
        earned += p.earned;
        of += p.most;
        open = open || p.open;
      }
      if (metric.type == scenario::Metric::Type::kConditional) {
        double sum = 0;
        for (const Held& h : held(metric.condition)) sum += static_cast<double>(h.until - h.since);
        out_.metrics.emplace_back(end_ > 0 ? most * sum / static_cast<double>(end_) : 0, false);
      } else if (from_points) {
        out_.metrics.emplace_back(of > 0 ? most * earned / of : 0, open);
      } else {
        std::pair<double, bool> judged{0, true};
        for (const Deed& d : deeds_)
          if (d.what.as == As::kJudged && d.what.inject.empty() && d.what.expectation == metric.id)
            judged = {most * std::clamp(d.what.value.value_or(0), 0.0, 1.0), false};
        out_.metrics.push_back(judged);
      }
    }
    for (const scenario::Evaluation& e : s_.evaluations) {
      double earned = 0, most = 0;
      for (std::size_t i = 0; i < s_.metrics.size(); ++i)
        if (std::ranges::find(e.metrics, s_.metrics[i].id) != e.metrics.end()) {
          earned += out_.metrics[i].first;
          most += s_.metrics[i].max_score;
        }
      const double needed = e.min_score.percentage ? most * e.min_score.value / 100 : e.min_score.value;
      out_.passed.push_back(earned >= needed - 1e-9);
    }
  }

  const scenario::Scenario& s_;
  const drill::Roster roster_;
  std::vector<const Entry*> log_;  // that counts, by time
  std::int64_t end_ = 0;
  bool ended_ = false;
  std::size_t team_ = 0;
  std::vector<Shot> shots_;
  std::vector<Deed> deeds_;
  SlowTeam out_;
};

}  // namespace

std::vector<SlowTeam> score_slowly(const scenario::Scenario& scenario, std::span<const drill::Entry> log) {
  Slow slow(scenario, log);
  const drill::Roster roster(scenario);
  std::vector<SlowTeam> out;
  for (std::size_t team = 0; team < roster.teams().size(); ++team) out.push_back(slow.team(team));
  return out;
}

}  // namespace bongsu::exercise::scoring
