#include "exercise/drill/deeds.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "exercise/scenario/vocabulary.h"

namespace bongsu::exercise::drill {
namespace {

using scenario::Act;
using scenario::Seen;
using scenario::Shared;

std::int64_t ms(scenario::Duration d) { return d.count(); }

std::string key_of(Seen as, std::string_view of) { return fmt::format("{} {}", scenario::to_string(as), of); }
std::string key_of(Shared what) { return fmt::format("share {}", scenario::to_string(what)); }

// Reads 'text' at i, STIX's escapes undone (STIX 2.1 §9.2); nullopt: it has no end.
std::optional<std::string> quoted(std::string_view text, std::size_t& i) {
  std::string out;
  for (++i; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size())
      out += text[++i];
    else if (text[i] == '\'')
      return ++i, out;
    else
      out += text[i];
  }
  return std::nullopt;
}

// The kind of share that an object can be.
std::optional<Shared> shared_as(const Evidence& e) {
  if (e.as == As::kSighting || e.type == "sighting") return Shared::kSighting;
  if (e.type == "report") return Shared::kReport;
  if (e.type == "warning" || e.type == "cap") return Shared::kWarning;
  if (e.type == "playbook" || e.type == "course-of-action") return Shared::kPlaybook;
  return std::nullopt;
}

void note(Met& met, const Entry& entry) {
  if (met.at_ms) return;
  met.at_ms = entry.at_ms;
  met.seq = entry.seq;
}

}  // namespace

std::vector<std::string> comparisons_of(std::string_view pattern) {
  std::vector<std::string> out;
  std::size_t i = 0;
  while (i < pattern.size()) {
    // An object path: letters, digits and -_.:[]*' (a key in quotes belongs to it), then "=" and a text.
    const std::size_t begin = i;
    std::string path;
    while (i < pattern.size()) {
      const char c = pattern[i];
      if (c == '\'' && !path.empty() && path.back() == '.') {
        const auto key = quoted(pattern, i);
        if (!key) return out;
        path += *key;
      } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_' || c == '.' ||
                 c == ':' || c == '*' || (!path.empty() && (c == '[' || c == ']'))) {
        path += c;
        ++i;
      } else {
        break;
      }
    }
    if (i == begin) {
      if (pattern[i] == '\'') {  // a text that is compared in another way
        if (!quoted(pattern, i)) return out;
      } else {
        ++i;
      }
      continue;
    }
    if (path.find(':') == std::string::npos) continue;
    std::size_t at = i;
    while (at < pattern.size() && pattern[at] == ' ') ++at;
    if (at >= pattern.size() || pattern[at] != '=') continue;
    ++at;
    if (at < pattern.size() && pattern[at] == '=') ++at;
    while (at < pattern.size() && pattern[at] == ' ') ++at;
    if (at >= pattern.size() || pattern[at] != '\'') continue;
    i = at;
    const auto value = quoted(pattern, i);
    if (!value) return out;
    // Names and hashes are the same in either case.
    const bool folded =
        path.starts_with("domain-name") || path.starts_with("email-addr") || path.find("hashes") != std::string::npos;
    out.push_back(path + '=' + (folded ? lowered(*value) : *value));
  }
  return out;
}

std::vector<std::string> values_of(std::string_view pattern) {
  std::vector<std::string> values = comparisons_of(pattern);
  if (!values.empty()) return values;
  std::string squeezed;
  for (const char c : trim(pattern))
    if (c != ' ' || (!squeezed.empty() && squeezed.back() != ' ')) squeezed += c;
  return {squeezed};
}

const char* undoing(std::string_view kind, std::optional<double>& value) {
  struct Pair {
    std::string_view kind;
    const char* undo;
    std::optional<double> value;
  };
  static const Pair kPairs[] = {
      {"breaker-open", "breaker-close", {}},
      {"breaker-close", "breaker-open", {}},
      {"branch-fail", "branch-repair", {}},
      {"generator-trip", "generator-start", {}},
      {"load-shed", "load-shed", 0},
      {"load-scale", "load-scale", 100},
      {"site-power-out", "site-power-on", {}},
      {"rtu-lost", "rtu-back", {}},
      {"view-frozen", "rtu-back", {}},
      {"telecom-link-cut", "telecom-link-repair", {}},
      {"telecom-link-degrade", "telecom-link-repair", {}},
      {"telecom-node-down", "telecom-node-up", {}},
      {"satellite-terminals-down", "satellite-terminals-up", {}},
      {"rail-radio-stop", "rail-radio-clear", {}},
      {"rail-line-close", "rail-line-open", {}},
      {"heat-station-stop", "heat-station-start", {}},
      {"service-down", "service-up", {}},
      {"service-slow", "service-up", {}},
      {"wind", "wind", 0},
  };
  for (const Pair& pair : kPairs) {
    if (pair.kind != kind) continue;
    if (pair.value || std::string_view(pair.undo) != "satellite-terminals-up") value = pair.value;
    return pair.undo;
  }
  return nullptr;
}

Deeds::Deeds(const Roster& roster)
    : roster_(&roster),
      latest_(roster.teams().size()),
      records_(roster.teams().size()),
      waiting_(roster.teams().size()),
      down_(roster.teams().size()),
      holding_(roster.teams().size()),
      first_acts_(roster.teams().size()),
      true_shared_(roster.teams().size()),
      false_shared_(roster.teams().size()) {
  const auto& injects = roster.scenario().injects;
  for (std::size_t i = 0; i < injects.size(); ++i) {
    std::vector<std::string> values;
    for (const scenario::Indicator& indicator : injects[i].indicators)
      for (std::string& value : values_of(scenario::pattern_of(indicator)))
        if (std::ranges::find(values, value) == values.end()) values.push_back(std::move(value));
    for (const std::string& value : values) injects_by_value_[value].push_back(i);
    truth_.push_back(std::move(values));
    for (const scenario::Effect& effect : injects[i].physics) {
      std::optional<double> value;
      if (const char* undo = undoing(effect.kind, value))
        undone_by_[fmt::format("{} {}", undo, effect.target)].push_back(i);
    }
  }
}

const Firing* Deeds::latest(std::size_t team, std::size_t inject) const {
  const auto found = latest_[team].find(inject);
  return found == latest_[team].end() ? nullptr : &firings_[found->second];
}

void Deeds::take(const Entry& entry) {
  switch (entry.kind) {
    case Kind::kFired:
      return fired(entry);
    case Kind::kEvidence:
      return evidence(entry);
    case Kind::kOrder:
      return order(entry);
    case Kind::kCondition:
      return condition(entry);
    case Kind::kProbe:
      return probe(entry);
    default:
      return;
  }
}

void Deeds::fired(const Entry& entry) {
  const auto team = roster_->team_of(entry.team);
  const auto inject = roster_->inject_of(entry.ref);
  if (!team || !inject) return;  // to those outside teams: nothing is asked of them
  const scenario::Inject& it = roster_->scenario().injects[*inject];
  const std::size_t number = firings_.size();
  Firing firing{.team = *team,
                .inject = *inject,
                .at_ms = entry.at_ms,
                .seq = entry.seq,
                .met = std::vector<Met>(it.expectations.size())};
  if (const Json* occurrence = entry.data.if_contains("occurrence"); occurrence != nullptr && occurrence->is_int64())
    firing.occurrence = occurrence->get_int64();
  for (std::size_t i = 0; i < it.expectations.size(); ++i) {
    const scenario::Expectation& expectation = it.expectations[i];
    if (!roster_->asks(expectation.teams, *team)) continue;
    const bool tied = expectation.seen.as == Seen::kAlert || expectation.seen.as == Seen::kSighting ||
                      expectation.seen.as == Seen::kReply || expectation.seen.as == Seen::kManual;
    if (!tied)
      waiting_[*team][key_of(expectation.seen.as, expectation.seen.of)].push_back(
          {number, i, entry.at_ms + ms(expectation.expires) + kLate_ms});
  }
  for (std::size_t i = 0; i < it.share.size(); ++i) {
    const scenario::ShareExpectation& share = it.share[i];
    std::vector<Received> received;
    if (roster_->asks(share.from, *team)) {
      for (const std::string& to : share.to)
        if (const auto recipient = roster_->team_of(to); recipient && *recipient != *team)
          received.push_back({.team = *recipient});
      if (share.what != Shared::kIndicators)
        waiting_[*team][key_of(share.what)].push_back({number, i, entry.at_ms + ms(share.by) + kLate_ms});
    }
    firing.shares.push_back(std::move(received));
  }
  for (const scenario::Telemetry& telemetry : it.telemetry) {
    if (!telemetry.team.empty() && roster_->team_of(telemetry.team) != *team) continue;
    for (std::uint32_t n = 0; n < telemetry.count; ++n)
      records_[*team][entry.at_ms + ms(telemetry.after) + n * ms(telemetry.every)].push_back(number);
  }
  firings_.push_back(std::move(firing));
  latest_[*team][*inject] = number;
}

void Deeds::act(std::size_t firing, Act act, const Entry& entry) {
  const auto kind = static_cast<std::size_t>(act);
  note(firings_[firing].acts[kind], entry);
  if (!first_acts_[firings_[firing].team][kind]) first_acts_[firings_[firing].team][kind] = entry.at_ms;
}

void Deeds::meet(std::size_t number, std::size_t expectation, const Entry& entry, double part) {
  Firing& firing = firings_[number];
  const scenario::Expectation& asked = roster_->scenario().injects[firing.inject].expectations[expectation];
  if (!roster_->asks(asked.teams, firing.team)) return;
  const std::int64_t after = entry.at_ms - firing.at_ms;
  if (after < ms(asked.starts)) return;
  Met& met = firing.met[expectation];
  // The first counts; of what people judge, the last.
  if (met.at_ms && asked.seen.as != Seen::kManual) return;
  met = {.at_ms = entry.at_ms, .seq = entry.seq, .in_time = after <= ms(asked.expires), .part = part};
  act(number, asked.act, entry);
  if (asked.act == Act::kDetect) note(firing.detected, entry);
  if (asked.act == Act::kReport || asked.act == Act::kForm || asked.act == Act::kInform) note(firing.shared, entry);
  if (asked.act == Act::kContain) note(firing.contained, entry);
  if (asked.act == Act::kRestore && firing.down_seq == 0) note(firing.restored, entry);
}

template <class Use>
void Deeds::each_waiting(std::size_t team, const Key& key, std::int64_t at_ms, Use use) {
  const auto found = waiting_[team].find(key);
  if (found == waiting_[team].end()) return;
  // What is met or long past is forgotten here, so that no list grows for ever.
  std::erase_if(found->second, [&](const Waits& waits) { return at_ms > waits.until_ms || use(waits); });
}

std::set<std::size_t> Deeds::about(const Evidence& e, std::size_t team, std::int64_t at_ms) const {
  std::set<std::size_t> out;
  for (const std::string& pattern : e.patterns)
    for (const std::string& value : values_of(pattern))
      if (const auto injects = injects_by_value_.find(value); injects != injects_by_value_.end())
        for (const std::size_t inject : injects->second)
          if (const auto firing = latest_[team].find(inject); firing != latest_[team].end()) out.insert(firing->second);
  if (e.telemetry_ms)
    if (const auto records = records_[team].find(*e.telemetry_ms); records != records_[team].end())
      for (const std::size_t firing : records->second)
        if (firings_[firing].at_ms <= at_ms) out.insert(firing);
  return out;
}

void Deeds::evidence(const Entry& entry) {
  const auto read = evidence_of(entry);
  const auto team = roster_->team_of(entry.team);
  if (!read || !team) return;
  const Evidence& e = *read;
  const auto named = [&]() -> std::optional<std::size_t> {
    const auto inject = roster_->inject_of(e.inject);
    if (!inject) return std::nullopt;
    const auto firing = latest_[*team].find(*inject);
    if (firing == latest_[*team].end()) return std::nullopt;
    return firing->second;
  };
  const auto each_tied = [&](std::size_t firing, Seen as) {
    const auto& expectations = roster_->scenario().injects[firings_[firing].inject].expectations;
    for (std::size_t i = 0; i < expectations.size(); ++i)
      if (expectations[i].seen.as == as) meet(firing, i, entry);
  };
  const auto waiting_for = [&](Seen as, const std::set<std::size_t>& of) {
    each_waiting(*team, key_of(as, e.type), entry.at_ms, [&](const Waits& waits) {
      if (!of.empty() && !of.contains(waits.firing)) return false;
      Firing& firing = firings_[waits.firing];
      if (as == Seen::kPlaybook && e.object != roster_->scenario().injects[firing.inject].response) {
        Met& met = firing.met[waits.number];
        if (met.other_seq == 0) met.other = e.object, met.other_seq = entry.seq;
        return false;
      }
      meet(waits.firing, waits.number, entry);
      return firing.met[waits.number].at_ms.has_value();
    });
  };
  std::set<std::size_t> tied = about(e, *team, entry.at_ms);
  if (const auto firing = named()) tied.insert(*firing);
  switch (e.as) {
    case As::kAlert:
      for (const std::size_t firing : tied) {
        note(firings_[firing].detected, entry);
        firings_[firing].alerts.push_back(entry.seq);
        act(firing, Act::kDetect, entry);
        each_tied(firing, Seen::kAlert);
      }
      return;
    case As::kSighting:
      for (const std::size_t firing : tied) {
        note(firings_[firing].detected, entry);
        act(firing, Act::kDetect, entry);
        each_tied(firing, Seen::kSighting);
      }
      if (!e.to.empty()) share(entry, e, *team, tied);
      return;
    case As::kShared:
      waiting_for(Seen::kObject, tied);
      return share(entry, e, *team, tied);
    case As::kObject:
      return waiting_for(Seen::kObject, tied);
    case As::kForm:
      for (const std::size_t firing : tied) {
        act(firing, Act::kForm, entry);
        act(firing, Act::kReport, entry);
      }
      return waiting_for(Seen::kForm, tied);
    case As::kPlaybook:
      return waiting_for(Seen::kPlaybook, tied);
    case As::kReply: {
      // A delivery's id names its inject: run/inject/….
      const auto begin = e.object.find('/');
      const auto end = begin == std::string::npos ? begin : e.object.find('/', begin + 1);
      if (tied.empty() && end != std::string::npos)
        if (const auto inject = roster_->inject_of(std::string_view(e.object).substr(begin + 1, end - begin - 1)))
          if (const auto firing = latest_[*team].find(*inject); firing != latest_[*team].end())
            tied.insert(firing->second);
      for (const std::size_t firing : tied) {
        act(firing, Act::kAnswer, entry);
        each_tied(firing, Seen::kReply);
      }
      return;
    }
    case As::kJudged:
      if (const auto firing = named()) {
        const auto& expectations = roster_->scenario().injects[firings_[*firing].inject].expectations;
        for (std::size_t i = 0; i < expectations.size(); ++i)
          if (expectations[i].id == e.expectation && expectations[i].seen.as == Seen::kManual)
            meet(*firing, i, entry, std::clamp(e.value.value_or(0), 0.0, 1.0));
      }
      return;
    case As::kOrder:  // counts when the range has carried it out
    case As::kAcknowledged:
    case As::kDelivered:
    case As::kViolation:
      return;
  }
}

std::string Deeds::label_trouble(const policy::Label& given, const policy::Label& asked,
                                 const scenario::Entity* recipient) {
  if (!policy::at_most(asked, given))
    return fmt::format("the label {} lets more through than {}", given.text(), asked.text());
  if (recipient == nullptr) return {};
  const auto named = [&](const std::set<policy::MemberId>& members) { return members.contains(recipient->member); };
  if (given.unknown) return fmt::format("the label {} goes to nobody", given.text());
  if (given.releasable_to && !named(*given.releasable_to))
    return fmt::format("the label {} does not name {}", given.text(), recipient->member);
  for (const policy::ReleaseClause& clause : given.clauses)
    if (!named(clause.members) && clause.groups.empty())
      return fmt::format("the label {} does not name {}", given.text(), recipient->member);
  if (given.tlp == stix::Tlp::kRed) {
    const std::string persons = recipient->member + '/';
    const bool somebody = given.persons && std::ranges::any_of(*given.persons, [&](const std::string& person) {
                            return person.starts_with(persons);
                          });
    if (!somebody) return fmt::format("TLP:RED goes to named persons alone, and {} has none here", recipient->member);
  }
  return {};
}

void Deeds::share(const Entry& entry, const Evidence& e, std::size_t team, const std::set<std::size_t>& about) {
  std::vector<std::size_t> recipients;
  for (const std::string& to : e.to)
    if (const auto recipient = roster_->team_of(to); recipient && *recipient != team) recipients.push_back(*recipient);
  if (recipients.empty()) return;
  std::unordered_set<std::string> values;
  for (const std::string& pattern : e.patterns)
    for (std::string& value : values_of(pattern)) {
      (injects_by_value_.contains(value) ? true_shared_ : false_shared_)[team].emplace(value, entry.seq);
      values.insert(std::move(value));
    }
  const auto label = policy::Label::parse(e.label);
  const auto give = [&](std::size_t number, std::size_t index) {
    Firing& firing = firings_[number];
    const scenario::ShareExpectation& asked = roster_->scenario().injects[firing.inject].share[index];
    bool all = !firing.shares[index].empty();
    for (Received& received : firing.shares[index]) {
      if (std::ranges::find(recipients, received.team) != recipients.end()) {
        received.seqs.push_back(entry.seq);
        const std::string trouble =
            label ? label_trouble(*label, asked.label, roster_->entity(roster_->teams()[received.team]))
                  : "it has no label";
        if (!trouble.empty()) {
          if (received.wrong_label.empty()) received.wrong_label = trouble;
        } else if (entry.at_ms - firing.at_ms > ms(asked.by)) {
          if (!received.late_ms) received.late_ms = entry.at_ms;
        } else {
          if (!received.at_ms) received.at_ms = entry.at_ms;
          for (const std::string& value : truth_[firing.inject])
            if (values.contains(value)) received.values.insert(value);
        }
      }
      all = all && received.at_ms.has_value();
    }
    act(number, Act::kShare, entry);
    return all;
  };
  const auto kind = shared_as(e);
  for (const std::size_t number : about) {
    Firing& firing = firings_[number];
    note(firing.shared, entry);
    act(number, Act::kShare, entry);
    firing.shared_seqs.push_back(entry.seq);
    for (const std::string& value : truth_[firing.inject])
      if (values.contains(value)) firing.shared_values.insert(value);
    const auto& asked = roster_->scenario().injects[firing.inject].share;
    for (std::size_t i = 0; i < asked.size(); ++i)
      if (asked[i].what == Shared::kIndicators && !values.empty()) give(number, i);
  }
  if (kind)
    each_waiting(team, key_of(*kind), entry.at_ms, [&](const Waits& waits) {
      if (!about.empty() && !about.contains(waits.firing)) return false;
      note(firings_[waits.firing].shared, entry);
      return give(waits.firing, waits.number);
    });
}

void Deeds::order(const Entry& entry) {
  const auto team = roster_->team_of(entry.team);
  const Json* by = entry.data.if_contains("by");
  const Json* accepted = entry.data.if_contains("accepted");
  const Json* kind = entry.data.if_contains("kind");
  if (!team || by == nullptr || *by != "team" || accepted == nullptr || *accepted != true || kind == nullptr ||
      !kind->is_string())
    return;
  const std::string given(kind->get_string());
  each_waiting(*team, key_of(Seen::kOrder, given), entry.at_ms, [&](const Waits& waits) {
    const scenario::Expectation& asked =
        roster_->scenario().injects[firings_[waits.firing].inject].expectations[waits.number];
    if (!asked.seen.target.empty() && asked.seen.target != entry.ref) return false;
    meet(waits.firing, waits.number, entry);
    return firings_[waits.firing].met[waits.number].at_ms.has_value();
  });
  // An order that undoes an inject's effect contains it, asked or not.
  const auto undone = undone_by_.find(given + ' ' + entry.ref);
  if (undone == undone_by_.end()) return;
  for (const std::size_t inject : undone->second)
    if (const auto firing = latest_[*team].find(inject); firing != latest_[*team].end()) {
      note(firings_[firing->second].contained, entry);
      act(firing->second, Act::kContain, entry);
    }
}

void Deeds::held(std::size_t team, const std::string& condition, std::int64_t until_ms, bool at_the_end) {
  const auto holds = holding_[team].find(condition);
  if (holds == holding_[team].end()) return;
  const auto found = waiting_[team].find(key_of(Seen::kCondition, condition));
  if (found == waiting_[team].end()) return;
  std::erase_if(found->second, [&](const Waits& waits) {
    Firing& firing = firings_[waits.firing];
    const scenario::Expectation& asked = roster_->scenario().injects[firing.inject].expectations[waits.number];
    if (asked.act == Act::kRestore && holds->second.since_ms <= firing.at_ms) {
      if (!at_the_end && until_ms < firing.at_ms + ms(asked.expires)) return false;
      firing.met[waits.number].kept = true;
      firing.met[waits.number].seq = holds->second.seq;
      return true;
    }
    const std::int64_t at_ms = std::max(holds->second.since_ms, firing.at_ms + ms(asked.starts));
    if (at_ms > until_ms) return false;
    meet(waits.firing, waits.number, Entry{.seq = holds->second.seq, .at_ms = at_ms});
    return true;
  });
}

void Deeds::condition(const Entry& entry) {
  const Json* holds = entry.data.if_contains("holds");
  if (holds == nullptr || !holds->is_bool()) return;
  const auto changes = [&](std::size_t team) {
    if (holds->get_bool()) holding_[team].emplace(entry.ref, Holds{entry.at_ms, entry.seq});
    held(team, entry.ref, entry.at_ms, false);
    if (!holds->get_bool()) holding_[team].erase(entry.ref);
  };
  if (const auto team = roster_->team_of(entry.team)) return changes(*team);
  if (entry.team.empty())
    for (std::size_t team = 0; team < roster_->teams().size(); ++team) changes(team);
}

void Deeds::finish(std::int64_t at_ms) {
  for (std::size_t team = 0; team < holding_.size(); ++team) {
    std::vector<std::string> names;
    for (const auto& [condition, _] : holding_[team]) names.push_back(condition);
    std::ranges::sort(names);
    for (const std::string& condition : names) held(team, condition, at_ms, true);
  }
}

void Deeds::probe(const Entry& entry) {
  const auto team = roster_->team_of(entry.team);
  const Json* up = entry.data.if_contains("up");
  if (!team || up == nullptr || !up->is_bool()) return;
  if (!up->get_bool()) {
    const Json* injects = entry.data.if_contains("injects");
    if (injects == nullptr || !injects->is_array()) return;
    std::vector<std::size_t>& firings = down_[*team][entry.ref];
    for (const Json& name : injects->get_array()) {
      const auto inject = name.is_string() ? roster_->inject_of(std::string_view(name.get_string())) : std::nullopt;
      if (!inject) continue;
      const auto firing = latest_[*team].find(*inject);
      if (firing == latest_[*team].end()) continue;
      Firing& it = firings_[firing->second];
      ++it.services_down;
      if (it.down_seq == 0) it.down_seq = entry.seq;
      it.restored = {};  // down again
      firings.push_back(firing->second);
    }
    return;
  }
  const auto firings = down_[*team].find(entry.ref);
  if (firings == down_[*team].end()) return;
  for (const std::size_t number : firings->second) {
    Firing& it = firings_[number];
    if (--it.services_down == 0) {
      note(it.restored, entry);
      act(number, Act::kRestore, entry);
    }
  }
  down_[*team].erase(firings);
}

}  // namespace bongsu::exercise::drill
