#include "detect/rule_trial.h"

#include <algorithm>
#include <utility>

#include "detect/rule_findings.h"

namespace bongsu::detect {

RuleTrial::RuleTrial(std::vector<Rule> rules, telemetry::FieldMapPtr map, WorkSlot* slot)
    : rules_(std::move(rules)), map_(std::move(map)), slot_(slot) {}

std::vector<std::span<const Rule>> RuleTrial::parts(std::span<const Rule> of) const {
  std::vector<std::span<const Rule>> out;
  const std::size_t size = std::max<std::size_t>(1, (of.size() + kTrialParts - 1) / kTrialParts);
  for (std::size_t at = 0; at < of.size(); at += size) out.push_back(of.subspan(at, std::min(size, of.size() - at)));
  return out;
}

RuleSetsPtr RuleTrial::build(std::span<const Rule> part, const EventMark* mark) {
  if (slot_ != nullptr) slot_->begin(Step::kTry, part.front().language, mark, {part.front().ref, part.back().ref});
  RuleBook book(map_);
  (void)book.add(part);
  book.build();  // what is no good is said when they are built together
  return book.sets();
}

void RuleTrial::build() {
  for (const auto& part : parts(rules_)) build(part, nullptr);
  if (slot_ != nullptr) slot_->rest();
}

std::vector<RuleBuild::Refused> RuleTrial::match(const telemetry::EventView& event, const std::string& source,
                                                 const EventMark& mark) {
  std::vector<RuleBuild::Refused> slow;
  std::vector<std::span<const Rule>> waiting = parts(rules_);
  while (!waiting.empty()) {
    const std::span<const Rule> part = waiting.back();
    waiting.pop_back();
    RuleFinder finder;
    if (!finder.use(build(part, &mark))) continue;
    RuleFindings findings;
    finder.match(event, source, findings);
    if (!findings.gave_up) continue;
    if (part.size() == 1)
      slow.push_back({part.front().ref, *findings.gave_up});
    else
      std::ranges::copy(parts(part), std::back_inserter(waiting));
  }
  if (slot_ != nullptr) slot_->rest();
  return slow;
}

}  // namespace bongsu::detect
