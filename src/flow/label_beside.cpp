#include "flow/label_beside.h"

#include <algorithm>
#include <utility>

#include "stix/object.h"

namespace bongsu::flow {
namespace {

// What is left of a list without the givers that were let in because it is their information.
void leave_out(std::set<policy::MemberId>& members, const std::set<policy::MemberId>& givers,
               const policy::MemberId& receiver) {
  for (const policy::MemberId& giver : givers) members.erase(giver);
  members.insert(receiver);
}

}  // namespace

std::string label_beside(const policy::Label& label, const policy::Label& shown, const policy::MemberId& receiver) {
  policy::Label out = policy::whole(policy::own_part(label));
  const policy::Label& known = policy::own_part(shown);
  const bool unknown_clause =
      std::ranges::any_of(out.clauses, [&](const auto& clause) { return !known.clauses.contains(clause); });
  if (unknown_clause || (out.releasable_to && out.releasable_to != known.releasable_to)) {
    out.clauses.clear();
    out.releasable_to = {receiver};
  }
  if (out.persons && out.persons != known.persons) {
    std::erase_if(*out.persons, [&](const std::string& one) { return !one.starts_with(receiver + "/"); });
    if (out.persons->empty() && out.tlp == stix::Tlp::kRed) out.persons.reset();  // RED without persons: nobody
  }
  out.marked = false;
  out.exercises.clear();  // those of the collection that it comes in
  const std::set<policy::MemberId> givers = std::exchange(out.reveals, {});
  // Who of several marked it with TLP 1's AMBER is not told, so it is what it may have meant.
  if (!givers.empty()) out.tlp1_amber = false;
  if (out.releasable_to) leave_out(*out.releasable_to, givers, receiver);
  // Joined one by one: what one of them implies is not said again.
  for (policy::ReleaseClause clause : std::exchange(out.clauses, {})) {
    leave_out(clause.members, givers, receiver);
    policy::Label one = policy::bottom();
    one.clauses = {std::move(clause)};
    out = policy::join(out, one);
  }
  std::string text = out.text();
  if (text.size() <= kMaxLabelBeside) return text;
  out.clauses.clear();
  out.releasable_to = {receiver};
  text = out.text();
  return text.size() <= kMaxLabelBeside ? text : policy::deny_all().text();
}

std::string label_beside(const policy::Label& label, const Markings& markings, std::string_view bytes,
                         const policy::MemberId& receiver) {
  const policy::Label& own = policy::own_part(label);
  policy::Label shown = policy::bottom();
  if (own.releasable_to || !own.clauses.empty() || own.persons)
    if (const auto object = stix::Object::parse(bytes))
      shown = markings.label_of(*object, stix::Tlp::kClear, own.exercises.empty() ? "" : *own.exercises.begin());
  return label_beside(label, shown, receiver);
}

policy::Label read_label_beside(std::string_view text) {
  if (text.size() > kMaxLabelBeside) return policy::deny_all();
  const auto label = policy::Label::parse(text);
  return label ? policy::whole(*label) : policy::deny_all();
}

}  // namespace bongsu::flow
