#include "flow/label_beside.h"

#include <utility>

namespace bongsu::flow {
namespace {

// What is left of a list without the givers that were let in because it is their information.
void leave_out(std::set<policy::MemberId>& members, const std::set<policy::MemberId>& givers,
               const policy::MemberId& receiver) {
  for (const policy::MemberId& giver : givers) members.erase(giver);
  members.insert(receiver);
}

}  // namespace

std::string label_beside(const policy::Label& label, const policy::MemberId& receiver) {
  policy::Label out = policy::whole(policy::own_part(label));
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

policy::Label read_label_beside(std::string_view text) {
  if (text.size() > kMaxLabelBeside) return policy::deny_all();
  const auto label = policy::Label::parse(text);
  return label ? policy::whole(*label) : policy::deny_all();
}

}  // namespace bongsu::flow
