#include "flow/release_plan.h"

#include <algorithm>
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

policy::PolicyState content_of(policy::PolicyState state) {
  for (auto& [_, standing] : state.members) standing.stopped = false;
  for (auto& [_, agreement] : state.agreements) {
    agreement.valid_from.reset();
    agreement.valid_until = {std::numeric_limits<std::int64_t>::max(), 0};
  }
  // An outbox holds what one agreement permits, whose end closes it; what several permit at different times would need
  // an outbox each. What any of them denies holds all the same.
  for (const auto& [member, further] : state.further)
    if (const auto first = state.agreements.find(member); first != state.agreements.end())
      for (const policy::Agreement& agreement : further)
        first->second.denies.insert(first->second.denies.end(), agreement.denies.begin(), agreement.denies.end());
  state.further.clear();
  return state;
}

std::string class_terms(const policy::PolicyState& content, std::string_view member, std::string_view collection) {
  if (member == content.self) return std::string(kSelfTerms);
  const policy::MemberId id(member);
  const auto agreement = content.agreements.find(id);
  if (!content.members.contains(id) || agreement == content.agreements.end()) return {};
  if (std::ranges::find(agreement->second.collections, collection) == agreement->second.collections.end()) return {};
  return to_hex(sha256(policy::terms_of(content, member, collection))).substr(0, 32);
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
    return giver != content.self && agreement != content.agreements.end() && agreement->second.passes_on;
  };
  return among(facts.origin) || std::ranges::any_of(facts.label.reveals, among);
}

bool permits(const policy::ObjectFacts& facts, std::string_view member, const policy::PolicyState& content) {
  // Nothing takes it out of an outbox when its time comes, so it is not put into one.
  if (facts.label.expires && member != content.self && member != facts.origin) return false;
  return decide_for_member(facts, member, content, Instant{}).verdict == policy::Verdict::kRelease;
}

policy::Decision decide_for_member(const policy::ObjectFacts& facts, std::string_view member,
                                   const policy::PolicyState& state, Instant now) {
  if (member != facts.origin || member == state.self)
    return policy::decide(facts, member, policy::Purpose::kOperations, state, now);
  policy::ObjectFacts given = facts;
  given.label = {.tlp = stix::Tlp::kClear, .marked = true};
  return policy::decide(given, member, policy::Purpose::kOperations, state, now);
}

policy::ObjectFacts facts_or_deny(const journal::Entry& entry) {
  policy::ObjectFacts facts;
  facts.object_id = entry.object_id;
  facts.type = entry.object_id.substr(0, entry.object_id.find("--"));
  facts.collection = entry.collection;
  facts.origin = entry.origin;
  auto label = policy::Label::parse(entry.label);
  facts.label = label ? std::move(*label) : policy::deny_all();
  return facts;
}

Partition::Partition(std::vector<policy::MemberId> members) : members_(std::move(members)), part_(members_.size(), 0) {
  std::ranges::sort(members_);
}

void Partition::refine(const policy::ObjectFacts& facts, const policy::PolicyState& content) {
  if (!tells_members_apart(facts, members_, content)) return;
  std::map<std::pair<std::size_t, bool>, std::size_t> renamed;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const bool yes = permits(facts, members_[i], content);
    part_[i] = renamed.emplace(std::pair{part_[i], yes}, renamed.size()).first->second;
  }
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
