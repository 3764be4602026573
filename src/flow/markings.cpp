#include "flow/markings.h"

#include <fmt/format.h>

namespace bongsu::flow {
namespace {

constexpr std::string_view kSpace = "markings";

Sha256 content_hash(const stix::Object& definition, const Json& body) {
  const auto canonical = to_canonical_text(body);
  return canonical ? sha256(*canonical) : definition.hash();  // integers beyond 2^53: the bytes themselves
}

}  // namespace

Result<std::unique_ptr<Markings>> Markings::load(journal::Journal& journal) {
  auto out = std::make_unique<Markings>();
  BONGSU_TRY(const auto stored, journal.states(kSpace));
  for (const auto& [id_text, bytes] : stored) {
    const auto id = stix::Id::parse(id_text);
    const auto object = stix::Object::parse(bytes);
    if (!id || !object || object->id() != *id)
      return fail(ErrorCode::kCorrupt, "a pinned marking definition cannot be read",
                  {.source = "state markings/" + id_text});
    Pinned pinned{.definition = object->json(), .durable = true};
    pinned.hash = content_hash(*object, pinned.definition);
    out->pinned_.emplace(*id, std::move(pinned));
  }
  return out;
}

Result<void> Markings::pin(const stix::Object& definition, std::vector<journal::StateChange>& states) {
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
  auto found = pinned_.find(definition.id());
  if (found == pinned_.end()) {
    if (pinned_.size() >= kMaxPinnedMarkings)
      return fail(ErrorCode::kTooLarge, fmt::format("a node knows at most {} marking definitions", kMaxPinnedMarkings),
                  {.field = "id"});
    found = pinned_.emplace(definition.id(), std::move(fresh)).first;
  } else if (found->second.hash != fresh.hash) {
    return fail(ErrorCode::kConflict, "a marking definition cannot change: another content is known under this id",
                {.field = "id"});
  }
  if (!found->second.durable)
    states.push_back({.space = std::string(kSpace), .key = definition.id_text(), .value = definition.bytes()});
  return {};
}

void Markings::made_durable(std::span<const journal::StateChange> states) {
  const std::unique_lock lock(mutex_);
  for (const auto& state : states) {
    if (state.space != kSpace) continue;
    if (const auto id = stix::Id::parse(state.key))
      if (const auto found = pinned_.find(*id); found != pinned_.end()) found->second.durable = true;
  }
}

policy::Label Markings::label_of(const stix::Object& object, stix::Tlp fallback) const {
  const std::shared_lock lock(mutex_);
  return policy::label_of(
      object,
      [this](const stix::Id& id) -> const Json* {
        const auto found = pinned_.find(id);
        return found == pinned_.end() ? nullptr : &found->second.definition;
      },
      fallback);
}

bool Markings::known(const stix::Id& id) const {
  if (stix::is_well_known_marking(id)) return true;
  const std::shared_lock lock(mutex_);
  return pinned_.contains(id);
}

bool Markings::names_members(const stix::Id& id) const {
  const std::shared_lock lock(mutex_);
  const auto found = pinned_.find(id);
  return found != pinned_.end() && policy::meaning_of(found->second.definition).names_members();
}

}  // namespace bongsu::flow
