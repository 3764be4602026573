#include "exercise/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "exercise/report/figures.h"

namespace bongsu::exercise::report {
namespace {

using drill::Entry;
using drill::Kind;
using scoring::Point;
using scoring::TeamScore;

std::string figure(double value) { return fmt::format("{:.1f}", value); }

std::string text_in(const Entry& entry, std::string_view name) {
  const Json* value = entry.data.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

const TeamScore* team_in(const scoring::Scorecard* card, const std::string& team) {
  if (card == nullptr) return nullptr;
  const auto found = std::ranges::find(card->teams, team, &TeamScore::team);
  return found == card->teams.end() ? nullptr : &*found;
}

// Of a technique: how often a team was attacked with it, and saw it.
struct Coverage {
  std::size_t used = 0;                // it came to the team
  std::size_t attacked = 0, seen = 0;  // and left something to see
};

class Maker {
 public:
  explicit Maker(const ReportInput& in) : in_(in), counting_(drill::counting(in.log)) {
    for (const Entry& entry : in.log) by_seq_.emplace(entry.seq, &entry);
    for (const scenario::Inject& inject : in.scenario.injects)
      for (const std::string& technique : inject.ttp) techniques_[technique];
    for (const TeamScore& team : in.card.teams)
      for (const scoring::Times& t : team.times)
        if (const scenario::Inject* inject = scenario::find(in.scenario.injects, t.inject))
          for (const std::string& technique : inject->ttp) {
            Coverage& c = techniques_[technique][team.team];
            ++c.used;
            c.attacked += t.can_detect;
            c.seen += t.can_detect && t.detected_ms;
          }
    findings();
  }

  Report make() {
    Report out;
    out.when = in_.log.empty() ? Instant() : in_.log.back().wall;
    const std::string run =
        in_.log.empty() ? in_.card.scenario : fmt::format("{} {}", in_.card.scenario, in_.log.front().wall.text(0));
    out.items = merge(in_.items, found_, run);
    Document& d = document_;
    d.title = "After action: " + (in_.scenario.name.empty() ? in_.card.scenario : in_.scenario.name);
    d.label = in_.card.label;
    overview();
    for (const TeamScore& team : in_.card.teams) one_team(team);
    coverage();
    not_shared();
    violations();
    course();
    comparison();
    items(out.items);
    rules();
    out.document = std::move(document_);
    out.json = json(out.items, run);
    return out;
  }

 private:
  std::string inject(const std::string& id) const { return name_in(in_.scenario.injects, id); }
  std::string team_name(const std::string& id) const { return name_in(in_.scenario.entities, id); }
  // "A mail with a link · ", or nothing.
  std::string about(const Point& p) const { return p.inject.empty() ? "" : inject(p.inject) + " · "; }

  void add(Block block) { document_.blocks.push_back(std::move(block)); }

  std::string told(std::uint64_t seq) const {
    const auto found = by_seq_.find(seq);
    if (found == by_seq_.end()) return fmt::format("{}: not in this log", seq);
    const Entry& e = *found->second;
    return fmt::format("{} · {} · {}{} · {}", seq, clock(e.at_ms), to_string(e.kind),
                       e.team.empty() ? "" : " " + e.team, e.text.empty() ? e.ref : e.text);
  }
  std::vector<std::string> told(const std::vector<std::uint64_t>& seqs) const {
    std::vector<std::string> out;
    for (const std::uint64_t seq : seqs) {
      if (out.size() == kMaxEntriesShown) {
        out.push_back(fmt::format("… {} more", seqs.size() - out.size()));
        break;
      }
      out.push_back(told(seq));
    }
    return out;
  }
  static std::string brief(const std::vector<std::uint64_t>& seqs) {
    std::string out = seqs.size() == 1 ? "entry" : "entries";
    for (std::size_t i = 0; i < seqs.size() && i < 6; ++i) out += fmt::format("{}{}", i == 0 ? " " : ", ", seqs[i]);
    if (seqs.size() > 6) out += fmt::format(" and {} more", seqs.size() - 6);
    return out;
  }

  void findings() {
    for (const TeamScore& team : in_.card.teams) {
      std::set<std::string> ids;
      const auto found = [&](std::string_view kind, const std::string& about, std::string text) {
        const std::string id = fmt::format("{}.{}.{}", team.team, kind, about);
        if (ids.insert(id).second) found_.push_back({.id = id, .team = team.team, .text = std::move(text)});
      };
      for (const scoring::Times& t : team.times)
        if (t.can_detect && !t.detected_ms)
          found("not-seen", t.inject, fmt::format("{} was not seen", inject(t.inject)));
      for (const scoring::Sharing& s : team.sharing)
        if (s.seen_not_shared)
          found("not-shared", s.inject, fmt::format("{} was seen and not shared", inject(s.inject)));
      for (const Point& p : team.points) {
        if (p.rule == "label-violation")
          found("label", p.text.substr(0, p.text.find(':')), fmt::format("label violation: {}", p.text));
        else if (!p.open && p.most > 0 && p.earned == 0 && p.category != scoring::Category::kDetect)
          found(p.rule, fmt::format("{}.{}", p.inject, p.about), about(p) + p.text);
      }
    }
  }

  void overview() {
    const scenario::Exercise& e = in_.scenario.exercise;
    add(Paragraph{fmt::format("{} · drill time from {} ({}) · {} of {} · seed {} · scenario {}", in_.card.scenario,
                              e.start.text(0), e.time_zone, clock(in_.card.ended_ms), clock(e.duration.count()),
                              in_.card.seed, in_.card.scenario_sha256.substr(0, 16)),
                  Tone::kFaint});
    if (!in_.scenario.description.empty()) add(Paragraph{in_.scenario.description});
    if (!in_.card.ended) add(Paragraph{"The drill had not ended when this was made.", Tone::kBad});
    summary();
    add(Heading{1, "Teams"});
    Table table{.columns = {"Team", "Of 100"}};
    for (std::size_t c = 0; c < scoring::kCategories; ++c)
      table.columns.emplace_back(to_string(static_cast<scoring::Category>(c)));
    table.columns.insert(table.columns.end(), {"Violations", "Open"});
    for (const TeamScore& team : in_.card.teams) {
      std::vector<Cell> row = {{team_name(team.team)}, {figure(team.total)}};
      for (std::size_t c = 0; c < scoring::kCategories; ++c) {
        const auto result =
            std::ranges::find(team.categories, static_cast<scoring::Category>(c), &scoring::CategoryResult::category);
        row.push_back(result == team.categories.end()
                          ? Cell{"–", Tone::kFaint}
                          : Cell{fmt::format("{:.1f} / {:.1f}", result->points, result->of)});
      }
      row.push_back({std::to_string(team.violations), team.violations > 0 ? Tone::kBad : Tone::kText});
      row.push_back({team.open ? "yes" : "no", team.open ? Tone::kBad : Tone::kFaint});
      table.rows.push_back(std::move(row));
    }
    add(std::move(table));
  }

  // What everybody should know who reads no further: of each team how much it saw, told, stopped and brought back, and
  // where it lost most.
  void summary() {
    add(Heading{1, "Summary"});
    for (const TeamScore& team : in_.card.teams) {
      std::string text = fmt::format("{}: {} of 100 points", team_name(team.team), figure(team.total));
      const auto part = [&](const char* word, auto asked, auto at) {
        std::size_t of = 0, done = 0;
        std::int64_t sum = 0;
        for (const scoring::Times& t : team.times) {
          if (!asked(t)) continue;
          ++of;
          if (const std::optional<std::int64_t> ms = at(t)) {
            ++done;
            sum += *ms - t.start_ms;
          }
        }
        if (of == 0) return;
        text += fmt::format("; {} {} of {}", word, done, of);
        if (done > 0) text += fmt::format(", after {} on average", clock(sum / static_cast<std::int64_t>(done)));
      };
      using scoring::Times;
      part("saw", [](const Times& t) { return t.can_detect; }, [](const Times& t) { return t.detected_ms; });
      part("shared", [](const Times& t) { return t.can_share; }, [](const Times& t) { return t.shared_ms; });
      part("contained", [](const Times& t) { return t.can_contain; }, [](const Times& t) { return t.contained_ms; });
      part("restored", [](const Times& t) { return t.can_restore; }, [](const Times& t) { return t.restored_ms; });
      text += fmt::format("; {} label violation{}.", team.violations, team.violations == 1 ? "" : "s");
      const auto open = std::ranges::count_if(team.points, &Point::open);
      if (open > 0)
        text += fmt::format(" {} point{} still wait{} for people.", open, open == 1 ? "" : "s", open == 1 ? "s" : "");
      add(Paragraph{text});
      std::vector<const Point*> lost;
      for (const Point& p : team.points)
        if (!p.open && p.most - p.earned > 0) lost.push_back(&p);
      // The greatest first; of equal ones, as the points stand.
      std::ranges::sort(lost, {}, [](const Point* p) { return std::pair(p->earned - p->most, p); });
      lost.resize(std::min(lost.size(), kMostLostShown));
      std::string most;
      for (const Point* p : lost) most += (most.empty() ? "Lost most by: " : "; ") + about(*p) + p->text;
      if (!most.empty()) add(Paragraph{most + ".", Tone::kFaint});
    }
  }

  void one_team(const TeamScore& team) {
    const scenario::Entity* entity = scenario::find(in_.scenario.entities, team.team);
    add(Heading{
        1, entity == nullptr || entity->name.empty() ? team.team : fmt::format("{} ({})", entity->name, team.team)});
    if (!team.times.empty()) {
      std::size_t left = 0;
      add(time_lines(in_.scenario, team, in_.card.ended_ms, left));
      if (left > 0) add(Paragraph{fmt::format("{} more injects are in the JSON form.", left), Tone::kFaint});
    }
    std::vector<const Entry*> samples;
    for (const Entry* entry : counting_)
      if (entry->kind == Kind::kSample && entry->team == team.team) samples.push_back(entry);
    for (Figure& curve : consequence_curves(samples, in_.card.ended_ms)) add(std::move(curve));
    if (!team.services.empty()) {
      add(Heading{2, "Services"});
      Table table{.columns = {"Service", "Up, % of the time", "Down"}, .widths = {2, 1, 4}};
      for (const scoring::Availability& a : team.services) {
        std::string down;
        for (std::size_t i = 0; i < a.down_ms.size() && i < 8; ++i)
          down += fmt::format("{}{} to {}", i == 0 ? "" : "; ", clock(a.down_ms[i].first), clock(a.down_ms[i].second));
        if (a.down_ms.size() > 8) down += fmt::format("; and {} more", a.down_ms.size() - 8);
        table.rows.push_back({{name_in(in_.scenario.services, a.service)},
                              {fmt::format("{:.2f}", a.part * 100), a.part < 1 ? Tone::kBad : Tone::kGood},
                              {down.empty() ? "–" : down, down.empty() ? Tone::kFaint : Tone::kText}});
      }
      add(std::move(table));
    }
    if (!team.forms.empty()) {
      add(Heading{2, "Forms"});
      Table table{.columns = {"Form", "Entry", "Graders", "Counts", "How"}};
      for (const scoring::FormGrade& f : team.forms) {
        std::string graders;
        for (const auto& [by, part] : f.graders)
          graders += fmt::format("{}{} {:.0f} of 100", graders.empty() ? "" : ", ", by, part * 100);
        table.rows.push_back(
            {{f.name + (f.inject.empty() ? "" : " (" + inject(f.inject) + ")")},
             {std::to_string(f.form)},
             {graders.empty() ? "–" : graders},
             {f.part ? fmt::format("{:.0f} of 100", *f.part * 100) : "open", f.part ? Tone::kText : Tone::kBad},
             {f.text}});
      }
      add(std::move(table));
    }
    if (!team.evaluations.empty()) {
      add(Heading{2, "Evaluations"});
      Table table{.columns = {"Evaluation", "Points reached", "Of", "Passed", "Objectives"}};
      for (const scoring::EvaluationResult& e : team.evaluations) {
        std::vector<std::string> tlos;
        for (const std::string& tlo : e.tlos) tlos.push_back(name_in(in_.scenario.tlos, tlo));
        table.rows.push_back({{name_in(in_.scenario.evaluations, e.evaluation)},
                              {figure(e.earned)},
                              {figure(e.most)},
                              {e.passed ? "yes" : "no", e.passed ? Tone::kGood : Tone::kBad},
                              {fmt::format("{}", fmt::join(tlos, ", "))}});
      }
      add(std::move(table));
    }
    add(Heading{2, "Points and their evidence"});
    for (std::size_t i = 0; i < team.points.size(); ++i) {
      if (i == kMaxPointsShown) {
        add(Paragraph{fmt::format("{} more points are in the JSON form.", team.points.size() - i), Tone::kFaint});
        break;
      }
      const Point& p = team.points[i];
      const std::string worth = p.rule == "label-violation"
                                    ? fmt::format("{:.1f} of the hundred", p.earned)
                                    : fmt::format("{} of {} points", figure(p.earned), figure(p.most));
      const Tone tone = p.earned < 0 || (p.most > 0 && p.earned == 0 && !p.open) ? Tone::kBad
                        : p.open                                                 ? Tone::kContained
                                                                                 : Tone::kText;
      std::vector<std::string> lines = told(p.evidence);
      if (const auto rule = std::ranges::find(scoring::rules(), p.rule, &scoring::Rule::name);
          rule != scoring::rules().end())
        lines.insert(lines.begin(), fmt::format("rule: {}", rule->sentence));
      add(Fold{fmt::format("{} · {} · {}{}{}", worth, p.rule, about(p), p.text, p.open ? " · open" : ""),
               brief(p.evidence), tone, std::move(lines)});
    }
    if (!team.strays.empty()) {
      std::vector<std::string> lines;
      for (const scoring::Stray& s : team.strays) {
        if (lines.size() == kMaxEntriesShown) break;
        lines.push_back(fmt::format("{} · {}", s.value, told(s.seq)));
      }
      add(Fold{fmt::format("{} shared values belong to no attack", team.strays.size()), "", Tone::kBad,
               std::move(lines)});
    }
  }

  void coverage() {
    if (techniques_.empty()) return;
    add(Heading{1, "ATT&CK: what was seen of what was done"});
    Table table{.columns = {"Technique"}};
    for (const TeamScore& team : in_.card.teams) table.columns.push_back(team_name(team.team));
    for (const auto& [technique, teams] : techniques_) {
      std::vector<Cell> row = {{technique}};
      for (const TeamScore& team : in_.card.teams) {
        const auto c = teams.find(team.team);
        if (c == teams.end())
          row.push_back({"did not come", Tone::kFaint});
        else if (c->second.attacked == 0)
          row.push_back({"came, with no trace to see", Tone::kFaint});
        else
          row.push_back({fmt::format("{} of {}", c->second.seen, c->second.attacked),
                         c->second.seen == 0                    ? Tone::kBad
                         : c->second.seen == c->second.attacked ? Tone::kGood
                                                                : Tone::kContained});
      }
      table.rows.push_back(std::move(row));
    }
    add(std::move(table));
  }

  void not_shared() {
    add(Heading{1, "Seen and not shared"});
    bool any = false;
    for (const TeamScore& team : in_.card.teams)
      for (const scoring::Sharing& s : team.sharing)
        if (s.seen_not_shared) {
          any = true;
          add(Fold{
              fmt::format("{}: {} ({} values stayed at home)", team_name(team.team), inject(s.inject), s.missed.size()),
              brief(s.evidence), Tone::kBad, told(s.evidence)});
        }
    if (!any) add(Paragraph{"Nothing that a partner should have had was seen and kept.", Tone::kGood});
  }

  void violations() {
    add(Heading{1, "Label violations"});
    bool any = false;
    for (const TeamScore& team : in_.card.teams)
      for (const Point& p : team.points)
        if (p.rule == "label-violation") {
          any = true;
          add(Fold{fmt::format("{}: {} · {:.1f} of the hundred", team_name(team.team), p.text, p.earned),
                   brief(p.evidence), Tone::kBad, told(p.evidence)});
        }
    if (!any) add(Paragraph{"None was found.", Tone::kGood});
  }

  // What did not happen, and what happened and was undone.
  void course() {
    std::map<std::string, std::set<std::string>> why;
    for (const Entry* entry : counting_)
      if (entry->kind == Kind::kNotFired)
        why[inject(entry->ref) + '\n' + entry->text].insert(entry->team.empty() ? "outside teams"
                                                                                : team_name(entry->team));
    if (!why.empty()) {
      add(Heading{1, "Injects that did not fire"});
      Table table{.columns = {"Inject", "For", "Why"}, .widths = {2, 2, 4}};
      for (const auto& [key, teams] : why) {
        const auto at = key.find('\n');
        table.rows.push_back({{key.substr(0, at)}, {fmt::format("{}", fmt::join(teams, ", "))}, {key.substr(at + 1)}});
      }
      add(std::move(table));
    }
    std::vector<std::string> hand;
    for (const Entry& entry : in_.log)
      if (entry.kind == Kind::kControl) hand.push_back(told(entry.seq));
    add(Heading{1, "Exercise control"});
    add(Fold{fmt::format("{} entries of exercise control; {} of {} entries were undone by jumps back", hand.size(),
                         in_.log.size() - counting_.size(), in_.log.size()),
             "", Tone::kText, std::move(hand)});
  }

  void comparison() {
    if (in_.before == nullptr && in_.baseline == nullptr) return;
    add(Heading{1, "Compared"});
    Table table{.columns = {"Team", "", "Now"}};
    if (in_.before != nullptr) table.columns.emplace_back("Last run");
    if (in_.baseline != nullptr) table.columns.emplace_back("Automatic baseline");
    const auto mean = [](const TeamScore& team, auto at) {
      double sum = 0;
      int n = 0;
      for (const scoring::Times& t : team.times)
        if (const std::optional<std::int64_t> ms = at(t)) {
          sum += static_cast<double>(*ms - t.start_ms);
          ++n;
        }
      return n == 0 ? std::string("–") : clock(static_cast<std::int64_t>(sum / n));
    };
    for (const TeamScore& team : in_.card.teams) {
      const auto line = [&](const std::string& name, auto value) {
        std::vector<Cell> row = {{team_name(team.team)}, {name, Tone::kFaint}, {value(team)}};
        for (const scoring::Scorecard* card : {in_.before, in_.baseline}) {
          if (card == nullptr) continue;
          const TeamScore* other = team_in(card, team.team);
          row.push_back(other == nullptr ? Cell{"did not take part", Tone::kFaint} : Cell{value(*other)});
        }
        table.rows.push_back(std::move(row));
      };
      line("of 100", [](const TeamScore& t) { return figure(t.total); });
      line("until seen, mean",
           [&](const TeamScore& t) { return mean(t, [](const scoring::Times& it) { return it.detected_ms; }); });
      line("until shared, mean",
           [&](const TeamScore& t) { return mean(t, [](const scoring::Times& it) { return it.shared_ms; }); });
      line("until contained, mean",
           [&](const TeamScore& t) { return mean(t, [](const scoring::Times& it) { return it.contained_ms; }); });
      line("until restored, mean",
           [&](const TeamScore& t) { return mean(t, [](const scoring::Times& it) { return it.restored_ms; }); });
      line("label violations", [](const TeamScore& t) { return std::to_string(t.violations); });
    }
    add(std::move(table));
  }

  void items(const std::vector<Item>& all) {
    add(Heading{1, "To get better"});
    if (all.empty()) return add(Paragraph{"No item is open.", Tone::kGood});
    Table table{.columns = {"Team", "What", "Owner", "Until", "State", "Drills"}, .widths = {2, 6, 2, 2, 1.2, 1}};
    for (const Item& i : all)
      table.rows.push_back({{team_name(i.team)},
                            {i.text},
                            {i.owner.empty() ? "nobody yet" : i.owner, i.owner.empty() ? Tone::kBad : Tone::kText},
                            {i.due.empty() ? "–" : i.due},
                            {i.state, i.state == "done"    ? Tone::kGood
                                      : i.state == "again" ? Tone::kBad
                                                           : Tone::kText},
                            {std::to_string(i.drills)}});
    add(std::move(table));
  }

  void rules() {
    add(Heading{1, "Rules"});
    Table table{.columns = {"Rule", "What it asks"}, .widths = {1, 4}};
    for (const scoring::Rule& rule : scoring::rules())
      table.rows.push_back({{std::string(rule.name)}, {std::string(rule.sentence)}});
    add(std::move(table));
  }

  Json json(const std::vector<Item>& all, const std::string& run) const {
    JsonObject out = {
        {"label", in_.card.label}, {"title", in_.scenario.name}, {"run", run}, {"card", to_json(in_.card)}};
    JsonObject attack;
    for (const auto& [technique, teams] : techniques_) {
      JsonObject row;
      for (const auto& [team, c] : teams)
        row[team] = JsonObject{{"used", c.used}, {"attacked", c.attacked}, {"seen", c.seen}};
      attack[technique] = std::move(row);
    }
    out["attack"] = std::move(attack);
    JsonArray never;
    for (const Entry* entry : counting_)
      if (entry->kind == Kind::kNotFired)
        never.push_back(JsonObject{
            {"inject", entry->ref}, {"team", entry->team}, {"why", text_in(*entry, "why")}, {"entry", entry->seq}});
    out["not_fired"] = std::move(never);
    out["undone_entries"] = in_.log.size() - counting_.size();
    // What points open to.
    std::set<std::uint64_t> seqs;
    for (const TeamScore& team : in_.card.teams) {
      for (const Point& p : team.points) seqs.insert(p.evidence.begin(), p.evidence.end());
      for (const scoring::Sharing& s : team.sharing) seqs.insert(s.evidence.begin(), s.evidence.end());
    }
    JsonObject entries;
    for (const std::uint64_t seq : seqs)
      if (const auto e = by_seq_.find(seq); e != by_seq_.end())
        entries[std::to_string(seq)] = JsonObject{{"at_ms", e->second->at_ms},
                                                  {"kind", to_string(e->second->kind)},
                                                  {"team", e->second->team},
                                                  {"ref", e->second->ref},
                                                  {"text", e->second->text}};
    out["entries"] = std::move(entries);
    const auto totals = [](const scoring::Scorecard* card) -> Json {
      if (card == nullptr) return nullptr;
      JsonObject by_team;
      for (const TeamScore& team : card->teams)
        by_team[team.team] = JsonObject{{"total_of_100", figure(team.total)}, {"violations", team.violations}};
      return by_team;
    };
    out["before"] = totals(in_.before);
    out["baseline"] = totals(in_.baseline);
    out["items"] = parse_json(write_items(all, in_.card.label))->at("items");
    return out;
  }

  const ReportInput& in_;
  std::vector<const Entry*> counting_;
  std::map<std::uint64_t, const Entry*> by_seq_;
  std::map<std::string, std::map<std::string, Coverage>> techniques_;
  std::vector<Item> found_;
  Document document_;
};

}  // namespace

Report make_report(const ReportInput& input) { return Maker(input).make(); }

}  // namespace bongsu::exercise::report
