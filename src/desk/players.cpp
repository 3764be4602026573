#include "desk/players.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "exercise/drill/deeds.h"
#include "exercise/scenario/vocabulary.h"

namespace bongsu::desk {
namespace {

using exercise::drill::Roster;
using exercise::scenario::Entity;
using exercise::scenario::Role;

std::string member_of(const Entity& entity) {
  if (!entity.member.empty()) return entity.member;
  std::string out = lowered(entity.id);
  std::ranges::replace_if(out, [](char c) { return c == '_' || c == '.'; }, '-');
  return out;
}

// ISO 3166-1, upper case; "eu" and "nato" are no countries.
std::string country_of(const std::string& nation) {
  if (nation.size() != 2 || nation == "eu") return {};
  std::string out = nation;
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

Player player_of(const Entity& entity, bool white) {
  return {.entity = entity.id,
          .member = member_of(entity),
          .title = entity.name.empty() ? entity.id : entity.name,
          .country = country_of(entity.nation),
          .white = white};
}

}  // namespace

bool Seat::reads(const std::string& to, const std::vector<Role>& roles) const {
  return to.empty() ? std::ranges::find(roles, role) != roles.end() : std::ranges::find(entities, to) != entities.end();
}

const Seat* Players::seat(std::string_view name) const {
  const auto at = std::ranges::find(seats_, name, &Seat::name);
  return at == seats_.end() ? nullptr : &*at;
}

Result<Players> Players::of(const exercise::scenario::Scenario& scenario, std::string exercise) {
  Players out;
  out.exercise_ = std::move(exercise);
  out.start_ = scenario.exercise.start;
  const auto white = std::ranges::find_if(scenario.entities, [](const Entity& e) { return e.role == Role::kWhite; });
  out.all_.push_back(white == scenario.entities.end()
                         ? Player{.entity = "", .member = "white", .title = "Exercise control", .white = true}
                         : player_of(*white, true));
  const Roster roster(scenario);
  for (const std::string& team : roster.teams()) out.all_.push_back(player_of(*roster.entity(team), false));
  for (const Entity& entity : scenario.entities) {
    if (!entity.role || *entity.role == Role::kBlue || *entity.role == Role::kWhite || roster.team_of(entity.id))
      continue;
    const std::string name = lowered(exercise::scenario::to_string(*entity.role));
    auto seat = std::ranges::find(out.seats_, name, &Seat::name);
    if (seat == out.seats_.end()) seat = out.seats_.insert(seat, {.name = name, .role = *entity.role, .entities = {}});
    seat->entities.push_back(entity.id);
  }
  if (out.all_.size() < 2) return fail(ErrorCode::kInvalid, "there is no blue team", {.field = "entities"});
  for (std::size_t i = 0; i < out.all_.size(); ++i) {
    const Player& p = out.all_[i];
    if (!policy::is_member_id(p.member))
      return fail(ErrorCode::kInvalid, fmt::format("\"{}\" is no member's name (a-z, 0-9 and -)", p.member),
                  {.field = "entities." + p.entity});
    for (std::size_t j = 0; j < i; ++j)
      if (out.all_[j].member == p.member)
        return fail(ErrorCode::kInvalid, fmt::format("the member \"{}\" plays twice", p.member),
                    {.field = "entities." + p.entity});
  }
  return out;
}

const Player* Players::by_member(std::string_view member) const {
  const auto at = std::ranges::find(all_, member, &Player::member);
  return at == all_.end() ? nullptr : &*at;
}

const Player* Players::by_entity(std::string_view entity) const {
  for (const Player& p : all_)
    if (!p.entity.empty() && (entity == p.entity || entity.starts_with(p.entity + "."))) return &p;
  return nullptr;
}

std::string agreement_toml(const exercise::scenario::Scenario& scenario, const Player& from, const Player& to,
                           const Instant& until) {
  stix::Tlp highest = stix::Tlp::kAmber;
  const auto names = [](const std::vector<std::string>& list, const Player& p) {
    return std::ranges::find(list, p.entity) != list.end();
  };
  for (const auto& inject : scenario.injects)
    for (const auto& share : inject.share)
      if ((share.from.empty() || names(share.from, from)) && names(share.to, to))
        highest = std::max(highest, share.label.tlp);
  // RED flows between no nodes: it goes to named persons.
  highest = std::min(highest, stix::Tlp::kAmberStrict);
  return fmt::format(
      "partner = \"{}\"\ncollections = [\"{}\"]\nhighest_tlp = \"{}\"\ntypes = [\"*\"]\npurposes = [\"operations\", "
      "\"exercise\"]\nvalid_until = {}\n",
      to.member, kDrillCollection, highest == stix::Tlp::kAmber ? "amber" : "amber+strict", until.text(0));
}

}  // namespace bongsu::desk
