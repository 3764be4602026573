#include "node/techniques.h"

#include <algorithm>

#include "base/json.h"
#include "flow/facts.h"
#include "policy/label.h"

namespace bongsu::node {
namespace {

using detect::triage::Technique;

constexpr std::string_view kAttack = "mitre-attack";
constexpr std::size_t kMaxTactics = 8;

// What an attack-pattern says of itself; the id is empty when it is none of ATT&CK's.
Technique read_attack_pattern(const Json& object) {
  Technique out;
  if (const Json* references = find(object, "external_references"); references != nullptr && references->is_array())
    for (const Json& reference : references->get_array())
      if (string_at(reference, "source_name") == kAttack && out.id.empty()) out.id = string_at(reference, "external_id").value_or("");
  out.name = string_at(object, "name").value_or("");
  if (const Json* phases = find(object, "kill_chain_phases"); phases != nullptr && phases->is_array())
    for (const Json& phase : phases->get_array())
      if (string_at(phase, "kill_chain_name") == kAttack && out.tactics.size() < kMaxTactics)
        out.tactics.emplace_back(string_at(phase, "phase_name").value_or(""));
  return out;
}

// The newest version in each collection that has the object, and is not revoked.
struct Found {
  std::string collection, label;
  Json object;
};
std::vector<Found> newest_by_collection(journal::Snapshot& snapshot, const std::string& id) {
  std::vector<Found> out;
  const auto versions = snapshot.versions("", id);
  if (!versions) return out;
  std::unordered_map<std::string, const journal::Entry*> newest;
  for (const auto& entry : *versions) {
    const auto& at = newest[entry.collection];
    if (at == nullptr || at->version_key <= entry.version_key) newest[entry.collection] = &entry;
  }
  for (const auto& [collection, entry] : newest) {
    const auto payload = snapshot.payload(entry->seq);
    auto json = payload ? parse_json(*payload) : std::unexpected(payload.error());
    if (json && !bool_at(*json, "revoked").value_or(false)) out.push_back({collection, entry->label, std::move(*json)});
  }
  std::ranges::sort(out, {}, &Found::collection);
  return out;
}

std::string joined(const std::string& a, const std::string& b) {
  if (a == b) return a;
  const auto first = policy::Label::parse(flow::stored_label(a)), second = policy::Label::parse(flow::stored_label(b));
  return policy::join(first.value_or(policy::deny_all()), second.value_or(policy::deny_all())).text();
}

}  // namespace

std::vector<Technique> TechniqueBook::of(const detect::Alert& alert) {
  if (!alert.indicator_id.starts_with("indicator--")) return {};
  const auto now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = known_.find(alert.indicator_id); at != known_.end() && now - at->second.looked < kTechniquesAge)
      return at->second.techniques;
  }
  auto techniques = look_up(alert.indicator_id);
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kRememberedIndicators) known_.clear();
  known_[alert.indicator_id] = {techniques, now};
  return techniques;
}

std::vector<Technique> TechniqueBook::look_up(const std::string& indicator_id) {
  std::vector<Technique> out;
  const auto relations = search_.relations(indicator_id, kMaxTechniqueRelations);
  if (!relations || relations->empty()) return out;
  const auto snapshot = journal_.snapshot();
  for (const auto& relation : *relations) {
    if (relation.from != indicator_id || relation.kind != "indicates" || relation.through.empty() || !relation.to.starts_with("attack-pattern--"))
      continue;
    const auto patterns = newest_by_collection(*snapshot, relation.to);
    for (const auto& [collection, relation_label, relationship] : newest_by_collection(*snapshot, relation.through)) {
      if (string_at(relationship, "target_ref") != relation.to) continue;
      for (const auto& [where, pattern_label, pattern] : patterns) {
        if (where != collection) continue;  // what it says is for that collection's readers
        Technique technique = read_attack_pattern(pattern);
        if (technique.id.empty()) continue;
        technique.collection = collection;
        technique.label = joined(relation_label, pattern_label);
        if (std::ranges::find(out, technique) == out.end()) out.push_back(std::move(technique));
      }
    }
    if (out.size() >= detect::triage::kMaxTechniques) break;
  }
  return out;
}

}  // namespace bongsu::node
