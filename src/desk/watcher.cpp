#include "desk/watcher.h"

#include <fmt/format.h>

#include <algorithm>

#include "desk/desk_json.h"
#include "exercise/scenario/vocabulary.h"
#include "policy/label.h"

namespace bongsu::desk {
namespace {

using exercise::drill::As;
using exercise::drill::Evidence;

constexpr std::uint32_t kFewAlerts = 10, kMoreAlerts = 10;

bool is_marking(const NodeObject& object) { return object.type == "marking-definition"; }

// STIX has no warning: it is a note or report that says so in its labels.
std::string type_of(const NodeObject& object) {
  if (const Json* labels = find(object.body, "labels"); labels != nullptr && labels->is_array())
    for (const Json& label : labels->get_array())
      if (label.is_string() && label.get_string() == "warning") return "warning";
  return object.type;
}

}  // namespace

Watcher::Watcher(const exercise::scenario::Scenario& scenario, const Players& players)
    : scenario_(scenario), players_(players) {
  for (const auto& inject : scenario.injects)
    for (const auto& indicator : inject.indicators)
      for (std::string& value : exercise::drill::comparisons_of(exercise::scenario::pattern_of(indicator)))
        truth_.insert(std::move(value));
}

std::string Watcher::key_of(const Evidence& e) {
  return fmt::format("{} {} {} {} {} {}", to_string(e.as), e.team, e.object, text_in(e.fields, "version"),
                     e.to.empty() ? "" : e.to.front(), e.as == As::kViolation ? e.type : "");
}

void Watcher::know(const exercise::drill::Entry& entry) {
  if (entry.kind != exercise::drill::Kind::kEvidence) return;
  if (const auto evidence = exercise::drill::evidence_of(entry)) known_.insert(key_of(*evidence));
}

void Watcher::add(Evidence evidence, Seen& seen) {
  if (known_.insert(key_of(evidence)).second) seen.evidence.push_back(std::move(evidence));
}

Result<Seen> Watcher::look(const Player& player, MemberNode& node) {
  Seen seen;
  BONGSU_TRY(const auto collections, node.collections());
  // The member's own first: a sighting that came home is of something that it gave. Objects before alerts: an alert's
  // pattern is its indicator's.
  for (const bool own : {true, false})
    for (const NodeCollection& it : collections)
      if (it.mirror_of.empty() == own) BONGSU_TRY_VOID(collection(player, it, node, seen));
  if (!player.white) {
    // Mostly there is little that is new, and a page of all would be long.
    const std::string& newest = newest_alert_[player.member];
    for (std::uint32_t limit = kFewAlerts;; limit = std::min(limit * kMoreAlerts, kAlertsALook)) {
      BONGSU_TRY(auto list, node.alerts(limit));
      if (limit < kAlertsALook && list.size() >= limit && std::ranges::find(list, newest, &NodeAlert::id) == list.end())
        continue;
      alerts(player, std::move(list), seen);
      break;
    }
  }
  return seen;
}

void Watcher::alerts(const Player& player, std::vector<NodeAlert>&& list, Seen& seen) {
  std::string& newest = newest_alert_[player.member];
  const auto last = std::ranges::find(list, newest, &NodeAlert::id);
  if (!newest.empty() && last == list.end() && list.size() == kAlertsALook)
    seen.troubles.push_back(fmt::format("{} raised more than {} alerts between two looks: older ones are not evidence",
                                        player.member, kAlertsALook));
  if (!list.empty()) newest = list.front().id;
  std::ranges::reverse(list);  // the oldest first, as they came
  for (const NodeAlert& alert : list) {
    Evidence e{.as = As::kAlert, .team = player.entity, .by = player.member, .object = alert.id};
    if (const auto pattern = patterns_.find(alert.indicator); pattern != patterns_.end())
      e.patterns.push_back(pattern->second);
    if (alert.event_time) e.telemetry_ms = players_.drill_ms(*alert.event_time);
    e.fields = {{"indicator", alert.indicator}, {"matched", alert.matched}};
    add(std::move(e), seen);
  }
}

std::vector<std::string> Watcher::patterns_of(const NodeObject& object) const {
  if (const auto pattern = string_at(object.body, "pattern")) return {std::string(*pattern)};
  if (const auto of = string_at(object.body, "sighting_of_ref"))
    if (const auto pattern = patterns_.find(std::string(*of)); pattern != patterns_.end()) return {pattern->second};
  return {};
}

bool Watcher::about_the_drill(const NodeObject& object) const {
  for (const std::string& pattern : patterns_of(object))
    for (const std::string& value : exercise::drill::comparisons_of(pattern))
      if (truth_.contains(value)) return true;
  return false;
}

Result<std::string> Watcher::label_of(const NodeObject& object, const NodeCollection& where, MemberNode& node) {
  BONGSU_TRY(const std::string text, node.label_of(object.id, where.alias));
  BONGSU_TRY(const policy::Label label, policy::Label::parse(text));
  return label.marked ? text : std::string();
}

Result<void> Watcher::collection(const Player& player, const NodeCollection& where, MemberNode& node, Seen& seen) {
  std::uint64_t& position = read_[{player.member, where.alias}];
  const Player* from = where.mirror_of.empty() ? &player : players_.by_member(where.mirror_of);
  for (bool more = true; more;) {
    BONGSU_TRY(const ObjectPage page, node.objects(where.alias, position));
    for (const NodeObject& object : page.objects) {
      if (is_marking(object)) continue;
      if (const auto pattern = string_at(object.body, "pattern"))
        patterns_.insert_or_assign(object.id, std::string(*pattern));
      if (from == &player) owner_.insert_or_assign(object.id, player.member);
    }
    for (const NodeObject& object : page.objects) {
      if (is_marking(object) || from == nullptr) continue;
      if (from == &player) {
        BONGSU_TRY_VOID(own_object(player, where, object, node, seen));
      } else {
        BONGSU_TRY_VOID(arrived(*from, player, where, object, node, seen));
      }
    }
    position = page.next;
    more = page.more;
  }
  return {};
}

Result<void> Watcher::own_object(const Player& player, const NodeCollection& where, const NodeObject& object,
                                 MemberNode& node, Seen& seen) {
  if (player.white) return {};
  const bool here = where.exercise == players_.exercise();
  if (!here && !about_the_drill(object)) return {};
  Evidence e{.as = here ? As::kObject : As::kViolation,
             .team = player.entity,
             .by = player.member,
             .object = object.id,
             .type = here ? type_of(object) : "outside-exercise",
             .patterns = patterns_of(object)};
  BONGSU_TRY(e.label, label_of(object, where, node));
  e.fields = {{"version", object.version}, {"collection", where.alias}};
  if (!here)
    e.text = fmt::format("{} put {} of the drill into its collection \"{}\", which is not the drill's", player.member,
                         object.type, where.alias);
  add(std::move(e), seen);
  return {};
}

Result<void> Watcher::arrived(const Player& from, const Player& at, const NodeCollection& where,
                              const NodeObject& object, MemberNode& node, Seen& seen) {
  if (from.white) return {};  // injects of exercise control
  const bool drill = where.exercise == players_.exercise();
  if (!drill && !about_the_drill(object)) return {};
  Evidence e{.as = object.type == "sighting" ? As::kSighting : As::kShared,
             .team = from.entity,
             .by = from.member,
             .object = object.id,
             .type = type_of(object),
             .patterns = patterns_of(object),
             .to = {at.entity.empty() ? at.member : at.entity}};
  BONGSU_TRY(e.label, label_of(object, where, node));
  e.fields = {{"version", object.version}, {"collection", where.alias}, {"at", at.member}};
  // A node tells the one who gave an indicator, and nobody else, that it was seen, under that one's own label: if that
  // is too wide, it is not the fault of who saw it.
  const auto of = string_at(object.body, "sighting_of_ref");
  const auto owner = of ? owner_.find(std::string(*of)) : owner_.end();
  if (e.as == As::kSighting && owner != owner_.end() && owner->second == at.member && !e.label.empty()) {
    BONGSU_TRY(const policy::Label given, policy::Label::parse(e.label));
    e.fields["label"] = e.label;
    e.label = policy::join(given, scenario_.exercise.label).text();
  }
  if (!drill) {
    e.as = As::kViolation;
    e.type = "outside-exercise";
    e.text =
        fmt::format("{} got {} of the drill in \"{}\", which is not the drill's", at.member, object.type, where.alias);
  }
  add(std::move(e), seen);
  return {};
}

}  // namespace bongsu::desk
