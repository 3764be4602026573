#include "flow/release_plan.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/json.h"

namespace bongsu::flow {

std::string Place::text() const {
  return to_text(JsonObject{{"view", view}, {"terms", terms}, {"pending", pending}, {"cursor", cursor}});
}

Result<Place> Place::parse(std::string_view text) {
  BONGSU_TRY(const Json json, parse_json(text));
  const auto view = int_at(json, "view"), cursor = int_at(json, "cursor");
  const auto terms = string_at(json, "terms");
  const auto pending = bool_at(json, "pending");
  if (!view || *view <= 0 || *view > std::numeric_limits<journal::ViewId>::max() || !cursor || *cursor < 0 || !terms ||
      !pending)
    return fail(ErrorCode::kCorrupt, "a member's place in the views cannot be read");
  return Place{.view = static_cast<journal::ViewId>(*view),
               .terms = std::string(*terms),
               .pending = *pending,
               .cursor = static_cast<journal::Seq>(*cursor)};
}

void Plan::find_classes() {
  classes.clear();
  for (const auto& [collection, members] : places) {
    std::map<journal::ViewId, std::vector<policy::MemberId>> by_view;
    for (const auto& [member, place] : members)
      if (!place.terms.empty()) by_view[place.view].push_back(member);
    auto& out = classes[collection];
    for (auto& [view, users] : by_view) out.push_back({view, std::move(users)});
  }
}

const Place* Plan::place(std::string_view collection, std::string_view member) const {
  const auto members = places.find(std::string(collection));
  if (members == places.end()) return nullptr;
  const auto found = members->second.find(std::string(member));
  return found == members->second.end() ? nullptr : &found->second;
}

std::set<policy::MemberId> Plan::users(const std::string& collection, journal::ViewId view) const {
  std::set<policy::MemberId> out;
  if (const auto members = places.find(collection); members != places.end())
    for (const auto& [member, place] : members->second)
      if (place.view == view) out.insert(member);
  return out;
}

namespace {

bool permits_something(const policy::Agreement& agreement) {
  return !agreement.collections.empty() && agreement.direction != policy::Direction::kFromPartner;
}

// All agreements with a member, the one on this node first.
std::vector<policy::Agreement> all_with(const policy::PolicyState& state, const policy::MemberId& member) {
  std::vector<policy::Agreement> out;
  if (const auto first = state.agreements.find(member); first != state.agreements.end()) out.push_back(first->second);
  if (const auto more = state.further.find(member); more != state.further.end())
    out.insert(out.end(), more->second.begin(), more->second.end());
  return out;
}

// Those that outboxes follow at this time: what is valid; else what ended last; else the first.
std::vector<policy::Agreement> followed(std::vector<policy::Agreement> all, Instant now) {
  std::vector<policy::Agreement> out;
  std::ranges::copy_if(all, std::back_inserter(out), [&](const policy::Agreement& agreement) {
    return permits_something(agreement) && agreement.in_force(now);
  });
  if (!out.empty()) return out;
  std::optional<Instant> last;
  for (const policy::Agreement& agreement : all)
    if (permits_something(agreement) && agreement.valid_until <= now && (!last || agreement.valid_until > *last))
      last = agreement.valid_until;
  if (last)
    std::ranges::copy_if(all, std::back_inserter(out), [&](const policy::Agreement& agreement) {
      return permits_something(agreement) && agreement.valid_until == *last;
    });
  if (out.empty()) out.push_back(all.front());
  return out;
}

}  // namespace

policy::PolicyState content_of(policy::PolicyState state, Instant now) {
  for (auto& [_, standing] : state.members) standing.stopped = false;
  std::map<policy::MemberId, policy::Agreement> firsts;
  std::map<policy::MemberId, std::vector<policy::Agreement>> further;
  std::set<policy::MemberId> members;
  for (const auto& [member, _] : state.agreements) members.insert(member);
  for (const auto& [member, _] : state.further) members.insert(member);
  for (const policy::MemberId& member : members) {
    const std::vector<policy::Agreement> all = all_with(state, member);
    std::vector<policy::Agreement> now_followed = all.size() == 1 ? all : followed(all, now);
    // What an agreement denies holds over all others; what the partner lets this node do with what it gave stands in
    // the first.
    std::vector<policy::Denial> denies;
    for (const policy::Agreement& agreement : all)
      denies.insert(denies.end(), agreement.denies.begin(), agreement.denies.end());
    for (policy::Agreement& agreement : now_followed) {
      agreement.valid_from.reset();
      agreement.valid_until = {std::numeric_limits<std::int64_t>::max(), 0};
      agreement.denies.clear();
    }
    policy::Agreement& first = now_followed.front();
    first.denies = std::move(denies);
    first.passes_on = all.front().passes_on;
    first.tlp1_amber_is_amber = all.front().tlp1_amber_is_amber;
    first.widens = all.front().widens;
    first.personal_data_days = all.front().personal_data_days;
    firsts.emplace(member, first);
    if (now_followed.size() > 1) further[member].assign(now_followed.begin() + 1, now_followed.end());
  }
  state.agreements = std::move(firsts);
  state.further = std::move(further);
  return state;
}

std::optional<Instant> next_turn(const policy::PolicyState& state, Instant now) {
  std::optional<Instant> out;
  const auto turn = [&](Instant at) {
    if (at > now && (!out || at < *out)) out = at;
  };
  for (const auto& [member, more] : state.further) {
    if (more.empty()) continue;
    for (const policy::Agreement& agreement : all_with(state, member)) {
      if (!permits_something(agreement)) continue;
      if (agreement.valid_from) turn(*agreement.valid_from);
      turn(agreement.valid_until);
    }
  }
  return out;
}

std::string class_terms(const policy::PolicyState& content, std::string_view member, std::string_view collection,
                        const Reaches& reaches) {
  if (member == content.self) return std::string(kSelfTerms);
  const policy::MemberId id(member);
  if (!content.members.contains(id)) return {};
  const auto agreements = all_with(content, id);
  if (std::ranges::none_of(agreements, [&](const policy::Agreement& agreement) {
        return std::ranges::find(agreement.collections, collection) != agreement.collections.end();
      }))
    return {};
  std::string terms = policy::terms_of(content, member, collection);
  if (const auto others = reaches.find(std::string(collection)); others != reaches.end())
    for (const std::string& other : others->second)
      terms += "reaches " + other + '\n' + policy::terms_of(content, member, other);
  return to_hex(sha256(terms)).substr(0, 32);
}

std::set<std::string> new_reaches(const policy::ObjectFacts& facts, const Reaches& reaches) {
  std::set<std::string> out;
  for (const policy::Target& target : facts.targets) out.insert(target.collections.begin(), target.collections.end());
  out.erase(facts.collection);
  if (const auto known = reaches.find(facts.collection); known != reaches.end())
    for (const std::string& collection : known->second) out.erase(collection);
  return out;
}

bool tells_members_apart(const policy::ObjectFacts& facts, const std::vector<policy::MemberId>& members,
                         const policy::PolicyState& content) {
  if (members.size() < 2) return false;
  if (facts.label.releasable_to || !facts.label.clauses.empty() || facts.label.persons || facts.sighting_of)
    return true;
  for (const policy::LabelPart& part : facts.label.parts)
    if (part.label.releasable_to || !part.label.clauses.empty() || part.label.persons) return true;
  // Whose information it is may go to some of them only.
  const auto among = [&](const policy::MemberId& giver) {
    if (std::ranges::binary_search(members, giver)) return true;
    const auto agreement = content.agreements.find(giver);
    return giver != content.self && agreement != content.agreements.end() && !agreement->second.passes_on.empty();
  };
  const auto given_by_one = [&](const policy::Target& target) {
    return std::ranges::any_of(target.givers,
                               [&](const auto& giver) { return std::ranges::binary_search(members, giver); });
  };
  if (facts.sighted_by && std::ranges::binary_search(members, *facts.sighted_by)) return true;
  return among(facts.origin) || std::ranges::any_of(facts.label.reveals, among) ||
         std::ranges::any_of(facts.targets, given_by_one);
}

policy::ObjectFacts as_given(const policy::ObjectFacts& facts) {
  policy::ObjectFacts given = facts;
  given.label = {.tlp = stix::Tlp::kClear, .marked = true};
  given.sighting_of.reset();
  given.names_sighters = false;
  given.sighted_by.reset();
  given.targets.clear();
  return given;
}

policy::Decision decide_for_member(const policy::ObjectFacts& facts, std::string_view member,
                                   const policy::PolicyState& state, Instant now, policy::Purpose purpose) {
  const bool giver = member == facts.origin && member != state.self;
  return policy::decide(giver ? as_given(facts) : facts, member, purpose, state, now);
}

policy::Decision decide_by_both(const policy::ObjectFacts& facts, std::string_view member,
                                const policy::PolicyState& state, const policy::CompiledPolicy& compiled, Instant now,
                                policy::Purpose purpose) {
  policy::Decision decision = decide_for_member(facts, member, state, now, purpose);
  const auto& members = compiled.members();
  const auto at = std::ranges::lower_bound(members, member);
  if (at == members.end() || *at != member) return decision;  // this node, or nobody that anything flows to
  const policy::ObjectFacts& asked = member == facts.origin ? as_given(facts) : facts;
  const auto number = static_cast<std::uint32_t>(at - members.begin());
  return policy::if_both_say_so(std::move(decision), compiled.decide(compiled.compile(asked), number, purpose, now), asked);
}

std::set<std::string> selectors_of(const Outcome& outcome, const policy::ObjectFacts& facts) {
  return policy::selectors_of(outcome.parts, outcome.without_sighters, facts);
}

Decider::Decider(const policy::PolicyState& content) : self_(content.self), policy_(content) {}

Outcome Decider::Question::of(std::string_view member) {
  if (barred_ && member != facts_.origin && member != decider_.self_) return {};
  return unbarred(member);
}

Share Decider::Question::share_of(std::string_view member) {
  return {.outcome = unbarred(member), .kept = barred_ && member == facts_.origin};
}

Outcome Decider::Question::unbarred(std::string_view member) {
  if (member == decider_.self_) return {.verdict = policy::Verdict::kRelease};
  const auto& members = decider_.policy_.members();
  const auto at = std::ranges::lower_bound(members, member);
  if (at == members.end() || *at != member) return {};
  auto& object = member == facts_.origin ? given_ : object_;
  if (!object) {
    if (member == facts_.origin)
      object = decider_.policy_.compile(as_given(facts_));
    else
      object = decider_.policy_.compile(facts_);
  }
  const auto decision = decider_.policy_.decide(*object, static_cast<std::uint32_t>(at - members.begin()),
                                                policy::Purpose::kOperations, now_);
  return {.verdict = decision.verdict, .parts = decision.parts, .without_sighters = decision.without_sighters};
}

Partition::Partition(std::vector<policy::MemberId> members) : members_(std::move(members)), part_(members_.size(), 0) {
  std::ranges::sort(members_);
}

void Partition::refine(const policy::ObjectFacts& facts, const policy::PolicyState& content, const Decider& decider,
                       Instant now, bool barred) {
  if (!tells_members_apart(facts, members_, content)) return;
  Decider::Question question = decider.ask(facts, now, barred);
  std::map<std::pair<std::size_t, Share>, std::size_t> renamed;
  for (std::size_t i = 0; i < members_.size(); ++i)
    part_[i] = renamed.emplace(std::pair{part_[i], question.share_of(members_[i])}, renamed.size()).first->second;
}

bool Partition::together(std::string_view a, std::string_view b) const {
  const auto at = [this](std::string_view member) {
    return static_cast<std::size_t>(std::ranges::find(members_, member) - members_.begin());
  };
  return part_[at(a)] == part_[at(b)];
}

std::vector<std::vector<policy::MemberId>> Partition::parts() const {
  std::map<std::size_t, std::vector<policy::MemberId>> by_part;
  for (std::size_t i = 0; i < members_.size(); ++i) by_part[part_[i]].push_back(members_[i]);
  std::vector<std::vector<policy::MemberId>> out;
  for (auto& [_, part] : by_part) out.push_back(std::move(part));
  std::ranges::sort(out, {}, [](const auto& part) { return part.front(); });
  return out;
}

}  // namespace bongsu::flow
