#include "flow/sighting.h"

#include <algorithm>

#include "flow/exercise_rules.h"
#include "flow/facts.h"
#include "flow/reference_labels.h"

namespace bongsu::flow {
namespace {

// Of the definitions that this file makes: constant, so that the same members make the same id.
constexpr Instant kMarkingCreated{1'795'219'200, 0};  // 2026-11-21T00:00:00Z

}  // namespace

std::int64_t told_count(std::int64_t hits) {
  if (hits < 10) return std::min<std::int64_t>(hits, 2);
  std::int64_t step = 10;
  while (step <= hits / 10) step *= 10;
  return step;
}

Instant told_time(Instant at) {
  const std::int64_t grain = kSightingGrain.count();
  std::int64_t seconds = at.seconds - at.seconds % grain;
  if (at.seconds % grain < 0) seconds -= grain;
  return {seconds, 0};
}

void SightingWindow::hit(Instant at) {
  first_seen = count == 0 ? at : std::min(first_seen, at);
  last_seen = count == 0 ? at : std::max(last_seen, at);
  count = std::min(count + 1, kMaxSightingCount);
}

std::string SightingWindow::state_text() const {
  return to_text(JsonObject{{"id", sighting_id},
                            {"indicator", indicator_id},
                            {"ref", indicator_ref},
                            {"source", source},
                            {"label", indicator_label.text()},
                            {"created", created.text(9)},
                            {"modified", modified.text(9)},
                            {"first", first_seen.text(9)},
                            {"last", last_seen.text(9)},
                            {"count", count},
                            {"written", written}});
}

Result<SightingWindow> read_sighting_window(std::string_view text) {
  BONGSU_TRY(const Json json, parse_json(text));
  const auto unreadable = [](std::string field) {
    return fail(ErrorCode::kCorrupt, "a stored sighting window cannot be read", {.field = std::move(field)});
  };
  SightingWindow w;
  w.sighting_id = string_at(json, "id").value_or("");
  w.indicator_id = string_at(json, "indicator").value_or("");
  w.source = string_at(json, "source").value_or("");
  if (w.sighting_id.empty() || w.indicator_id.empty() || w.source.empty()) return unreadable("id");
  w.indicator_label = policy::Label::parse(string_at(json, "label").value_or("")).value_or(policy::deny_all());
  const std::pair<std::string_view, Instant*> times[] = {
      {"created", &w.created}, {"modified", &w.modified}, {"first", &w.first_seen}, {"last", &w.last_seen}};
  for (const auto& [key, target] : times) {
    const auto at = Instant::parse(string_at(json, key).value_or(""));
    if (!at) return unreadable(std::string(key));
    *target = *at;
  }
  const auto count = int_at(json, "count"), written = int_at(json, "written"), ref = int_at(json, "ref");
  if (!count || !written || !ref || *written < 0 || *count < *written) return unreadable("count");
  w.count = *count;
  w.written = *written;
  w.indicator_ref = static_cast<std::uint64_t>(*ref);
  return w;
}

std::set<policy::MemberId> sighting_recipients(const std::string& source, const std::string& self) {
  if (source == self) return {};
  return {source};
}

std::string sighting_marking(const std::string& source, const std::string& self) {
  return policy::make_releasable_to_marking(sighting_recipients(source, self), self, kMarkingCreated);
}

std::vector<std::string> carried_markings(const stix::Object& indicator, const Markings& markings,
                                          const std::string& exercise) {
  std::vector<std::string> out;
  for (const auto& marking : indicator.object_markings())
    if (out.size() < kMaxSightingMarkings && !stix::tlp_of(marking) && !markings.names_members(marking, exercise))
      out.push_back(marking.text());
  return out;
}

SightingEntry make_sighting(const SightingWindow& window, const std::string& self, const std::string& identity_id,
                            const std::string& collection) {
  const std::string definition = sighting_marking(window.source, self);
  const auto definition_json = parse_json(definition);
  BONGSU_CHECK(definition_json.has_value());
  JsonArray markings{stix::tlp_marking_id(window.indicator_label.tlp).text(), *string_at(*definition_json, "id")};
  for (const auto& statement : window.statements) markings.emplace_back(statement);
  // Whatever its indicator's bytes say, these say whose drill they are.
  for (const auto& exercise : window.indicator_label.exercises)
    if (const std::string id = exercise_definition_id(exercise, self);
        std::ranges::find(window.statements, id) == window.statements.end())
      markings.emplace_back(id);

  JsonObject body{{"type", "sighting"}, {"spec_version", "2.1"}, {"id", window.sighting_id}};
  if (!identity_id.empty()) body["created_by_ref"] = identity_id;
  body["created"] = window.created.text(3);
  body["modified"] = window.modified.text(3);
  body["first_seen"] = told_time(window.first_seen).text(0);
  body["last_seen"] = told_time(window.last_seen).text(0);
  body["count"] = told_count(window.count);
  body["sighting_of_ref"] = window.indicator_id;
  body["object_marking_refs"] = std::move(markings);

  SightingEntry out;
  out.facts = {.object_id = window.sighting_id, .type = "sighting", .collection = collection, .origin = self};
  const policy::Label own{.tlp = window.indicator_label.tlp,
                          .releasable_to = sighting_recipients(window.source, self),
                          .unknown = window.indicator_label.unknown,
                          .marked = true};
  out.facts.label = policy::join(own, label_of_reference(window.indicator_label, window.source, self));
  const auto version = stix::Timestamp::parse(window.modified.text(3));
  BONGSU_CHECK(version.has_value());
  out.entry = {.collection = collection,
               .object_id = window.sighting_id,
               .version = version->text(),
               .version_key = version->key(),
               .origin = self,
               .label = stored_facts(out.facts),
               .payload = to_text(Json(std::move(body)))};
  return out;
}

}  // namespace bongsu::flow
