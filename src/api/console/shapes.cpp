#include "api/console/shapes.h"

#include <algorithm>

#include "flow/facts.h"
#include "policy/agreement.h"
#include "policy/label.h"
#include "policy/trace.h"
#include "stix/marking.h"

namespace bongsu::api::console {
namespace {

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json time_or_null(const std::optional<Instant>& at) { return at ? text_json(at->text(3)) : Json(nullptr); }

// Cuts at a character's boundary, so that a list never shows half of one.
std::string_view cut(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

Json judgement_json(const flow::Judgement& j) {
  JsonObject out;
  out["by"] = text_json(j.by);
  out["at"] = text_json(j.at.text(3));
  out["acknowledged"] = or_null(j.acknowledged);
  out["assignee"] = j.assignee ? text_json(*j.assignee) : Json(nullptr);
  out["verdict"] = j.verdict ? text_json(to_string(*j.verdict)) : Json(nullptr);
  out["reason"] = text_json(j.reason);
  return out;
}

}  // namespace

Json text_json(std::string_view text) { return boost::json::string(text.data(), text.size()); }

std::string_view level_of(const detect::Alert& alert) {
  if (!alert.warning_lists.empty()) return "doubtful";
  if (alert.confidence >= 70) return "high";
  if (alert.confidence < 0 || alert.confidence >= 30) return "medium";
  return "low";
}

std::string_view to_string(flow::AlertVerdict verdict) {
  switch (verdict) {
    case flow::AlertVerdict::kOpen:
      return "open";
    case flow::AlertVerdict::kTrue:
      return "true";
    case flow::AlertVerdict::kFalse:
      return "false";
    case flow::AlertVerdict::kBenign:
      return "benign";
  }
  return "open";
}

std::optional<flow::AlertVerdict> parse_verdict(std::string_view text) {
  for (const auto v :
       {flow::AlertVerdict::kOpen, flow::AlertVerdict::kTrue, flow::AlertVerdict::kFalse, flow::AlertVerdict::kBenign})
    if (to_string(v) == text) return v;
  return std::nullopt;
}

Json label_json(const policy::Label& label) {
  JsonObject out;
  out["tlp"] = text_json(stix::to_string(label.tlp));
  out["unknown"] = label.unknown;
  out["marked"] = label.marked;
  out["releasable_to"] = nullptr;
  if (label.releasable_to) {
    JsonArray members;
    for (const auto& member : *label.releasable_to) members.push_back(text_json(member));
    out["releasable_to"] = std::move(members);
  }
  JsonArray exercises;
  for (const auto& exercise : label.exercises) exercises.push_back(text_json(exercise));
  out["exercises"] = std::move(exercises);
  return out;
}

Json label_json(std::string_view text) {
  if (const auto label = policy::Label::parse(flow::stored_label(text))) return label_json(*label);
  JsonObject out;
  out["tlp"] = nullptr;
  out["unknown"] = true;
  out["marked"] = false;
  out["releasable_to"] = nullptr;
  out["exercises"] = JsonArray();
  return out;
}

namespace {

Json entity_json(const detect::Entity& entity) {
  JsonObject out;
  out["kind"] = text_json(to_string(entity.kind));
  out["name"] = text_json(entity.name);
  return out;
}

Json technique_json(const detect::triage::Technique& technique) {
  JsonObject out;
  out["id"] = text_json(technique.id);
  out["name"] = text_json(cut(technique.name, kListTextBytes));
  JsonArray tactics;
  for (const auto& tactic : technique.tactics) tactics.push_back(text_json(tactic));
  out["tactics"] = std::move(tactics);
  return out;
}

Json subject_json(const detect::triage::Subject& subject) {
  JsonObject out;
  out["indicator_id"] = text_json(subject.indicator_id);
  out["source"] = text_json(subject.source);
  out["kind"] = text_json(detect::to_string(subject.value.kind));
  out["value"] = text_json(cut(subject.value.text, kListTextBytes));
  out["rule"] = text_json(cut(subject.rule, kListTextBytes));
  out["language"] = text_json(subject.language);
  out["level"] = text_json(subject.level);
  return out;
}

}  // namespace

Json alert_json(const flow::AlertRecord& record, const ReadsTechnique& reads) {
  const detect::Alert& a = record.alert;
  JsonObject out;
  out["risk"] = record.assessment.risk;
  out["entity"] = entity_json(a.entity);
  out["group"] = text_json(record.group);
  out["hits"] = record.tally.hits;
  out["unkept"] = record.tally.unkept;
  out["first"] = text_json(record.tally.first.text(3));
  out["last"] = text_json(record.tally.last.text(3));
  out["suppressed_by"] = text_json(record.assessment.suppressed_by);
  JsonArray techniques;
  for (const auto& technique : record.assessment.techniques)
    if (technique.collection.empty() || (reads && reads(technique)))
      techniques.push_back(technique_json(technique));
  out["techniques"] = std::move(techniques);
  out["rule"] = nullptr;
  if (a.rule) {
    JsonObject rule;
    rule["language"] = text_json(a.rule->language);
    rule["name"] = text_json(cut(a.rule->name, kListTextBytes));
    rule["level"] = text_json(a.rule->level);
    out["rule"] = std::move(rule);
  }
  out["id"] = text_json(a.id);
  out["seq"] = record.seq;
  out["level"] = text_json(level_of(a));
  out["detected"] = text_json(a.detected.text(3));
  out["event_time"] = time_or_null(a.event_time);
  out["added"] = text_json(Instant::from_micros(record.added_us).text(3));
  JsonObject value;
  value["kind"] = text_json(detect::to_string(a.value.kind));
  value["text"] = text_json(cut(a.value.text, kListTextBytes));
  out["value"] = std::move(value);
  out["field"] = text_json(cut(a.field, kListTextBytes));
  out["matched"] = text_json(cut(a.matched, kListTextBytes));
  out["indicator_id"] = text_json(a.indicator_id);
  out["source"] = text_json(a.source);
  out["label"] = label_json(a.label);
  out["confidence"] = a.confidence < 0 ? Json(nullptr) : Json(a.confidence);
  JsonArray lists;
  for (const auto& hit : a.warning_lists) {
    JsonObject item;
    item["list"] = text_json(hit.list);
    item["type"] = text_json(hit.type);
    lists.push_back(std::move(item));
  }
  out["warning_lists"] = std::move(lists);
  JsonObject where;
  where["source"] = text_json(cut(a.position.source, kListTextBytes));
  where["line"] = a.position.line;
  where["offset"] = a.position.offset;
  out["position"] = std::move(where);
  out["acknowledged"] = record.acknowledged;
  out["assignee"] = text_json(record.assignee);
  out["verdict"] = text_json(to_string(record.verdict));
  out["sighting_id"] = text_json(record.sighting_id);
  out["judgements"] = record.history.size();
  return out;
}

Json counts_json(const flow::Alerts::Counts& counts) {
  JsonObject out;
  out["total"] = counts.total;
  out["open"] = counts.open;
  out["confirmed"] = counts.confirmed;
  out["false_positive"] = counts.false_positive;
  out["suppressed"] = counts.suppressed;
  return out;
}

Json group_json(const detect::triage::GroupView& group) {
  JsonObject out;
  out["id"] = text_json(group.id);
  out["entity"] = entity_json(group.entity);
  out["risk"] = group.risk;
  out["first"] = text_json(group.first.text(3));
  out["last"] = text_json(group.last.text(3));
  out["newest"] = group.newest;
  out["alerts"] = group.alerts;
  out["open"] = group.open;
  out["hits"] = group.hits;
  out["unkept"] = group.unkept;
  out["warned_alerts"] = group.warned_alerts;
  out["suppressed_alerts"] = group.suppressed_alerts;
  out["suppressed_hits"] = group.suppressed_hits;
  out["subjects"] = group.subjects;
  JsonArray lines;
  for (const auto& line : group.lines) {
    Json item = subject_json(*line.subject);
    item.get_object()["risk"] = line.risk;
    item.get_object()["hits"] = line.hits;
    item.get_object()["warned"] = line.warned;
    lines.push_back(std::move(item));
  }
  out["lines"] = std::move(lines);
  JsonArray techniques;
  for (const auto& technique : group.techniques) techniques.push_back(technique_json(technique));
  out["techniques"] = std::move(techniques);
  out["curve"] = JsonArray(group.curve.begin(), group.curve.end());
  return out;
}

Json totals_json(const detect::triage::Groups::Totals& totals) {
  JsonObject out;
  out["groups"] = totals.groups;
  out["hits"] = totals.hits;
  out["suppressed_alerts"] = totals.suppressed_alerts;
  out["suppressed_hits"] = totals.suppressed_hits;
  out["unlisted"] = totals.unlisted;
  return out;
}

Json unlisted_json(const std::vector<detect::triage::Unlisted>& unlisted) {
  JsonArray out;
  for (const auto& one : unlisted) {
    if (out.size() == kShownUnlisted) break;
    Json item = subject_json(*one.subject);
    item.get_object()["hits"] = one.hits;
    item.get_object()["first"] = text_json(one.first.text(3));
    item.get_object()["last"] = text_json(one.last.text(3));
    out.push_back(std::move(item));
  }
  return out;
}

Json kept_hit_json(const flow::KeptHit& hit) {
  JsonObject out;
  out["at"] = text_json(hit.at.text(3));
  out["source"] = text_json(cut(hit.position.source, kListTextBytes));
  out["line"] = hit.position.line;
  out["offset"] = hit.position.offset;
  out["field"] = text_json(cut(hit.field, kListTextBytes));
  out["matched"] = text_json(cut(hit.matched, kListTextBytes));
  return out;
}

Json suppression_json(const detect::triage::Suppression& rule, std::uint64_t hits, Instant now) {
  Json out = rule.json();
  out.get_object()["hits"] = hits;
  out.get_object()["in_force"] = now < rule.until;
  return out;
}

Result<detect::triage::Suppression> read_suppression(const Json& body, std::string author) {
  detect::triage::Suppression out;
  out.author = std::move(author);
  out.reason = string_at(body, "reason").value_or("");
  const auto text = string_at(body, "until").value_or("");
  const auto until = Instant::parse(text);
  if (!until)
    return fail(ErrorCode::kInvalid, text.empty() ? "a suppression needs an end" : "is no timestamp (RFC 3339)",
                {.field = "until"});
  out.until = *until;
  const Json* match = find(body, "match");
  if (match == nullptr) return fail(ErrorCode::kInvalid, "says what it is about", {.field = "match"});
  BONGSU_TRY(out.match, detect::triage::SuppressionMatch::parse(*match));
  return out;
}

Json whole_alert_json(const flow::AlertRecord& record, const ReadsTechnique& reads) {
  Json out = alert_json(record, reads);
  JsonObject& object = out.get_object();
  object["factors"] = record.assessment.factors.json();
  object["matched"] = text_json(record.alert.matched);
  object["value"].get_object()["text"] = text_json(record.alert.value.text);
  object["event"] = text_json(record.alert.event);
  object["event_cut"] = record.alert.event_cut;
  JsonArray history;
  for (const auto& judgement : record.history) history.push_back(judgement_json(judgement));
  object["history"] = std::move(history);
  return out;
}

Json entry_json(const journal::Entry& entry) {
  JsonObject out;
  out["seq"] = entry.seq;
  out["id"] = text_json(entry.object_id);
  out["version"] = text_json(entry.version);
  out["added"] = text_json(Instant::from_micros(entry.added_us).text(6));
  out["collection"] = text_json(entry.collection);
  out["origin"] = text_json(entry.origin);
  out["label"] = label_json(entry.label);
  out["erased"] = entry.erased;
  return out;
}

Json hit_json(const journal::SearchHit& hit) {
  JsonObject out;
  out["seq"] = hit.seq;
  out["id"] = text_json(hit.object_id);
  out["type"] = text_json(hit.type);
  out["collection"] = text_json(hit.collection);
  out["name"] = text_json(cut(hit.name, kListTextBytes));
  out["version"] = text_json(hit.version);
  out["origin"] = text_json(hit.origin);
  out["label"] = label_json(hit.label);
  out["snippet"] = text_json(cut(hit.snippet, kListTextBytes));
  return out;
}

Json decision_json(const policy::Decision& decision) {
  JsonObject out;
  out["verdict"] = text_json(policy::to_string(decision.verdict));
  JsonArray reasons;
  for (const auto reason : decision.reasons) {
    JsonObject item;
    item["code"] = text_json(policy::to_string(reason));
    item["sentence"] = text_json(policy::sentence(reason));
    reasons.push_back(std::move(item));
  }
  out["reasons"] = std::move(reasons);
  JsonArray redact;
  for (const auto& selector : decision.redact) redact.push_back(text_json(selector));
  out["redact"] = std::move(redact);
  JsonArray left_out;
  for (const auto& part : decision.left_out) {
    JsonArray selectors, why;
    for (const auto& selector : part.selectors) selectors.push_back(text_json(selector));
    for (const auto reason : part.reasons) why.push_back(text_json(policy::part_sentence(reason)));
    left_out.push_back(JsonObject{{"selectors", std::move(selectors)}, {"reasons", std::move(why)}});
  }
  out["left_out"] = std::move(left_out);
  return out;
}

Json preview_json(const std::vector<flow::PreviewLine>& lines, const std::vector<ConsoleMember>& members) {
  JsonArray out;
  for (const auto& line : lines) {
    Json item = decision_json(line.decision);
    item.get_object()["member"] = text_json(line.member);
    const auto known = std::ranges::find(members, line.member, &ConsoleMember::id);
    item.get_object()["title"] = text_json(known == members.end() ? line.member : known->title);
    out.push_back(std::move(item));
  }
  return out;
}

Json member_json(const ConsoleMember& member, const policy::PolicyState* state) {
  JsonObject out;
  out["id"] = text_json(member.id);
  out["title"] = text_json(member.title);
  out["country"] = text_json(member.country);
  out["confirmed"] = member.confirmed;
  out["stopped"] = member.stopped;
  out["fingerprint"] = text_json(member.fingerprint);
  JsonArray links;
  for (const auto& link : member.links) {
    JsonObject item;
    item["collection"] = text_json(link.collection);
    item["phase"] = text_json(link.phase);
    item["cursor"] = link.cursor;
    item["applied"] = link.applied;
    item["refused"] = link.refused;
    item["delay_ms"] = link.delay_us ? Json(static_cast<double>(*link.delay_us) / 1000.0) : Json(nullptr);
    item["last_heard"] = time_or_null(link.last_heard);
    item["last_error"] = text_json(link.last_error);
    links.push_back(std::move(item));
  }
  out["links"] = std::move(links);
  out["agreement"] = nullptr;
  if (state != nullptr) {
    if (const auto it = state->agreements.find(member.id); it != state->agreements.end()) {
      JsonObject agreement;
      agreement["text"] = text_json(policy::explain(it->second));
      agreement["highest_tlp"] = text_json(stix::to_string(it->second.highest_tlp));
      agreement["valid_until"] = text_json(it->second.valid_until.text(0));
      out["agreement"] = std::move(agreement);
    }
  }
  return out;
}

}  // namespace bongsu::api::console
