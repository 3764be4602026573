#include "flow/markings.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bongsu::flow {
namespace {

constexpr std::string_view kSpace = "markings", kDrillSpace = "markings.exercise";

Sha256 content_hash(const stix::Object& definition, const Json& body) {
  const auto canonical = to_canonical_text(body);
  return canonical ? sha256(*canonical) : definition.hash();  // integers beyond 2^53: the bytes themselves
}

// Of a drill: "<exercise>/<id>".
std::string key_of(const std::string& exercise, const std::string& id) {
  return exercise.empty() ? id : exercise + '/' + id;
}
std::pair<std::string, std::string> parse_key(std::string_view space, std::string_view key) {
  if (space == kSpace) return {"", std::string(key)};
  const std::size_t end = std::min(key.find('/'), key.size());
  return {std::string(key.substr(0, end)), std::string(key.substr(std::min(end + 1, key.size())))};
}

}  // namespace

Result<std::unique_ptr<Markings>> Markings::load(journal::Journal& journal) {
  auto out = std::make_unique<Markings>();
  for (const std::string_view space : {kSpace, kDrillSpace}) {
    BONGSU_TRY(const auto stored, journal.states(space));
    for (const auto& [key, bytes] : stored) {
      const auto [exercise, id_text] = parse_key(space, key);
      const auto id = stix::Id::parse(id_text);
      const auto object = stix::Object::parse(bytes);
      if (!id || !object || object->id() != *id)
        return fail(ErrorCode::kCorrupt, "a pinned marking definition cannot be read",
                    {.source = fmt::format("state {}/{}", space, key)});
      Pinned pinned{.definition = object->json(), .durable = true};
      pinned.hash = content_hash(*object, pinned.definition);
      out->pinned_[exercise].emplace(*id, std::move(pinned));
    }
  }
  return out;
}

Result<void> Markings::pin(const stix::Object& definition, std::vector<journal::StateChange>& states,
                           const std::string& exercise) {
  if (definition.bytes().size() > kMaxMarkingBytes)
    return fail(ErrorCode::kTooLarge, fmt::format("a marking definition has at most {} bytes", kMaxMarkingBytes),
                {.field = "id"});
  Pinned fresh{.definition = definition.json()};
  if (stix::is_well_known_marking(definition.id())) {
    if (stix::says_its_level(definition.id(), fresh.definition)) return {};
    const auto tlp = stix::tlp_of(definition.id());
    const std::string_view level =
        tlp ? stix::to_string(tlp->level) : stix::to_string(stix::pap_of(definition.id()).value_or(stix::Pap::kRed));
    return fail(ErrorCode::kConflict, fmt::format("its id is the standard's for {}, but it says something else", level),
                {.field = "id"});
  }
  fresh.hash = content_hash(definition, fresh.definition);
  const std::unique_lock lock(mutex_);
  const Pinned* before = pinned(definition.id(), exercise);
  if (before != nullptr && before->hash != fresh.hash)
    return fail(ErrorCode::kConflict, "a marking definition cannot change: another content is known under this id",
                {.field = "id"});
  if (before != nullptr && before->durable) return {};
  Pins& pins = pinned_[exercise];
  if (!pins.contains(definition.id())) {
    std::size_t known = 0;
    for (const auto& [_, some] : pinned_) known += some.size();
    if (known >= kMaxPinnedMarkings)
      return fail(ErrorCode::kTooLarge, fmt::format("a node knows at most {} marking definitions", kMaxPinnedMarkings),
                  {.field = "id"});
    pins.emplace(definition.id(), std::move(fresh));
  }
  states.push_back({.space = std::string(exercise.empty() ? kSpace : kDrillSpace),
                    .key = key_of(exercise, definition.id_text()),
                    .value = definition.bytes()});
  return {};
}

const Markings::Pinned* Markings::pinned(const stix::Id& id, const std::string& exercise) const {
  // What a drill knew first stays what it means there, whatever becomes live under its id.
  for (const std::string_view of : {std::string_view(exercise), std::string_view()}) {
    const auto pins = pinned_.find(std::string(of));
    if (pins == pinned_.end()) continue;
    if (const auto found = pins->second.find(id); found != pins->second.end()) return &found->second;
  }
  return nullptr;
}

const Markings::Pinned* Markings::find(const stix::Id& id, const std::string& exercise) const {
  if (const Pinned* found = pinned(id, exercise)) return found;
  for (const auto& [_, pins] : pinned_)
    if (const auto found = pins.find(id);
        found != pins.end() && !policy::meaning_of(found->second.definition).label.exercises.empty())
      return &found->second;
  return nullptr;
}

void Markings::made_durable(std::span<const journal::StateChange> states) {
  const std::unique_lock lock(mutex_);
  for (const auto& state : states) {
    if (state.space != kSpace && state.space != kDrillSpace) continue;
    const auto [exercise, id_text] = parse_key(state.space, state.key);
    if (const auto id = stix::Id::parse(id_text))
      if (const auto found = pinned_[exercise].find(*id); found != pinned_[exercise].end())
        found->second.durable = true;
  }
}

policy::Label Markings::label_of(const stix::Object& object, stix::Tlp fallback, const std::string& exercise) const {
  const std::shared_lock lock(mutex_);
  return policy::label_of(
      object,
      [&](const stix::Id& id) -> const Json* {
        const Pinned* found = find(id, exercise);
        return found == nullptr ? nullptr : &found->definition;
      },
      fallback);
}

bool Markings::known(const stix::Id& id, const std::string& exercise) const {
  if (stix::is_well_known_marking(id)) return true;
  const std::shared_lock lock(mutex_);
  return find(id, exercise) != nullptr;
}

bool Markings::names_members(const stix::Id& id, const std::string& exercise) const {
  const std::shared_lock lock(mutex_);
  const Pinned* found = find(id, exercise);
  return found != nullptr && policy::meaning_of(found->definition).names_members();
}

}  // namespace bongsu::flow
