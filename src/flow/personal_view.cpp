#include "flow/personal_view.h"

#include "flow/facts.h"

namespace bongsu::flow {

policy::Person person_of(const identity::Principal& who) {
  return {.member = who.member,
          .name = who.person,
          .clearance = {.rank = policy::parse_class_rank(who.clearance.rank).value_or(policy::ClassRank::kUnclassified),
                        .categories = who.clearance.categories,
                        .nationalities = who.clearance.nationalities,
                        .custodian = who.clearance.custodian}};
}

PersonalView::PersonalView(policy::Person person, std::shared_ptr<const policy::PolicyState> state)
    : person_(std::move(person)), state_(std::move(state)) {}

bool PersonalView::sees_label(const policy::Label& label) const {
  return state_ != nullptr && policy::person_may_see(label, person_, *state_);
}

bool PersonalView::sees_label(const std::string& label) const {
  if (label.empty()) return true;
  {
    const std::shared_lock lock(mutex_);
    if (const auto at = judged_.find(label); at != judged_.end()) return at->second;
  }
  const auto parsed = policy::Label::parse(label_for(label, person_.member));
  const bool sees = parsed && sees_label(*parsed);
  const std::unique_lock lock(mutex_);
  if (judged_.size() >= kMaxJudgedLabels) judged_.clear();
  judged_[label] = sees;
  return sees;
}

std::shared_ptr<const PersonalView> PersonalViews::of(const identity::Principal& who) {
  auto person = person_of(who);
  const std::string name = person.text() + ' ' + to_text(identity::to_json(who.clearance));
  const auto state = release_.state();
  const std::uint64_t epoch = state == nullptr ? 0 : state->epoch;
  const std::lock_guard lock(mutex_);
  if (epoch != epoch_ || views_.size() >= kMaxPersonalViews) {
    views_.clear();
    epoch_ = epoch;
  }
  auto& view = views_[name];
  if (view == nullptr) view = std::make_shared<const PersonalView>(std::move(person), state);
  return view;
}

}  // namespace bongsu::flow
