#include "detect/pattern/pattern_sequencer.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <tuple>

#include "detect/pattern/binder.h"
#include "detect/pattern/pattern_parts.h"

namespace bongsu::detect {
namespace {

// What may be let go of an expression's events without losing a match, if times rise.
enum class Keep : std::uint8_t {
  kEarliest,   // the first as many as the pattern has [ … ]: any earlier one does as well
  kLatest,     // the last as many
  kUndecided,  // neither is enough
};

struct Plan {
  std::size_t slots = 0;                          // observations that the pattern needs at most
  Nanos within = -1;                              // of the root
  std::vector<Keep> keep;                         // by expression
  std::vector<std::size_t> least;                 // by expression: events without which nothing can match (no OR above)
  std::vector<std::vector<std::uint32_t>> nodes;  // by expression: where a new event may stand, one of each REPEATS
};

Plan plan_of(const BindTree& tree, std::size_t expressions) {
  Plan plan;
  plan.keep.resize(expressions, Keep::kEarliest);
  plan.least.resize(expressions);
  plan.nodes.resize(expressions);
  plan.within = tree[0].within;
  bool inner_within = false, followed = false;
  std::size_t orders = 0, order_parts = 0;
  for (std::size_t i = 0; i < tree.size(); ++i) {
    inner_within = inner_within || (i > 0 && tree[i].within >= 0);
    if (tree[i].op == BindNode::Op::kFollowedBy) {
      followed = true;
      ++orders;
      order_parts = std::max<std::size_t>(order_parts, tree[i].children);
    }
  }
  for (std::uint32_t i = 0; i < tree.size(); ++i) {
    const BindNode& node = tree[i];
    if (node.op != BindNode::Op::kExpression) continue;
    ++plan.slots;
    bool choice = false, first = true, last = true, copy = false;
    for (std::uint32_t n = i; tree[n].parent != BindNode::kNoParent; n = tree[n].parent) {
      const BindNode& parent = tree[tree[n].parent];
      choice = choice || parent.op == BindNode::Op::kOr;
      copy = copy || (parent.alike && tree[n].place > 0);
      if (parent.op != BindNode::Op::kFollowedBy) continue;
      first = first && tree[n].place == 0;
      last = last && tree[n].place + 1 == parent.children;
    }
    if (!choice) ++plan.least[node.expression];
    if (!copy) plan.nodes[node.expression].push_back(i);
    Keep keep = first && plan.within < 0 ? Keep::kEarliest : Keep::kLatest;
    if (inner_within || (!first && !last)) keep = Keep::kUndecided;
    if (plan.within >= 0 && followed && (orders > 1 || order_parts > 2)) keep = Keep::kUndecided;
    auto& known = plan.keep[node.expression];
    // An expression number belongs to one place of the pattern; its copies by REPEATS agree or are undecided.
    if (plan.nodes[node.expression].size() <= 1 && !copy) {
      known = keep;
    } else if (known != keep) {
      known = Keep::kUndecided;
    }
  }
  return plan;
}

struct Held {
  std::vector<std::deque<Candidate>> by_expression;
  const Plan* plan = nullptr;
};

}  // namespace

struct PatternSequencer::Impl {
  PatternSetPtr set;
  std::unordered_map<std::uint32_t, Held> held;  // by pattern, of those that have any
  std::unordered_map<std::uint32_t, Plan> plans;
  std::size_t total = 0;
  std::uint64_t dropped = 0, given_up = 0;

  const Plan& plan(std::uint32_t pattern) {
    const auto [at, fresh] = plans.try_emplace(pattern);
    if (fresh) {
      const CompiledPattern& p = set->parts().patterns[pattern];
      at->second = plan_of(*p.tree, p.expressions);
    }
    return at->second;
  }

  void take(const PatternHit& hit, const Instant& time, std::uint64_t event, std::vector<PatternFound>& found) {
    const CompiledPattern& pattern = set->parts().patterns[hit.pattern];
    if ((pattern.from && time < *pattern.from) || (pattern.until && time >= *pattern.until)) return;
    const auto report = [&](std::vector<std::uint64_t> events) {
      found.push_back({hit.pattern, pattern.ref, std::move(events)});
    };
    if (!pattern.tree) return report({event});
    const std::uint32_t expression = hit.expression - pattern.first_expression;
    const Candidate candidate{nanos(time), nanos(time), event, 0};
    if (outside(*pattern.tree, expression, candidate)) return;
    if (pattern.single) return report({event});

    const Plan& p = plan(hit.pattern);
    Held& mine = held[hit.pattern];
    mine.plan = &p;
    if (mine.by_expression.empty()) mine.by_expression.resize(pattern.expressions);
    std::vector<Candidate> bound;
    if (complete(*pattern.tree, p, mine, expression, candidate, bound)) {
      std::vector<std::uint64_t> events;
      for (const Candidate& c : bound)
        if (c.id != event) events.push_back(c.id);
      std::ranges::sort(events);
      for (auto& list : mine.by_expression)
        total -= std::erase_if(
            list, [&](const Candidate& c) { return std::ranges::binary_search(events, c.id) || c.id == event; });
      events.push_back(event);
      report(std::move(events));
      return;
    }
    hold(mine, p, expression, candidate);
  }

  static bool outside(const BindTree& tree, std::uint32_t expression, const Candidate& c) {
    for (std::uint32_t i = 0; i < tree.size(); ++i) {
      if (tree[i].op != BindNode::Op::kExpression || tree[i].expression != expression) continue;
      bool inside = true;
      for (std::uint32_t n = i; n != BindNode::kNoParent; n = tree[n].parent)
        inside = inside && (!tree[n].has_span || (c.first >= tree[n].start && c.first < tree[n].stop));
      return !inside;  // its copies have the same nodes above
    }
    return true;
  }

  bool complete(const BindTree& tree, const Plan& p, const Held& mine, std::uint32_t expression,
                const Candidate& candidate, std::vector<Candidate>& bound) {
    // What cannot be together with the event is left out at once; then there must be enough of everything.
    std::vector<std::vector<Candidate>> candidates(mine.by_expression.size());
    for (std::size_t e = 0; e < candidates.size(); ++e) {
      const std::size_t least = p.least[e] - (e == expression && p.least[e] > 0 ? 1 : 0);
      if (mine.by_expression[e].size() < least) return false;
    }
    for (std::size_t e = 0; e < candidates.size(); ++e) {
      for (auto c = mine.by_expression[e].rbegin(); c != mine.by_expression[e].rend(); ++c) {  // newest first
        const Nanos apart = c->first < candidate.first ? candidate.first - c->first : c->first - candidate.first;
        if (p.within < 0 || apart < p.within) candidates[e].push_back(*c);
      }
      const std::size_t least = p.least[e] - (e == expression && p.least[e] > 0 ? 1 : 0);
      if (candidates[e].size() < least) return false;
    }
    Binder binder(tree);
    for (const std::uint32_t node : p.nodes[expression]) {
      switch (binder.find(candidates, std::pair(node, candidate), kMaxBindingSteps, bound)) {
        case Binder::Found::kYes:
          return true;
        case Binder::Found::kGaveUp:
          ++given_up;
          break;
        case Binder::Found::kNo:
          break;
      }
    }
    return false;
  }

  void hold(Held& mine, const Plan& p, std::uint32_t expression, const Candidate& candidate) {
    auto& list = mine.by_expression[expression];
    const std::size_t room = std::max(kHeldForExpression, p.slots * 2);
    if (list.size() >= room && p.within >= 0)
      total -= std::erase_if(list, [&](const Candidate& c) { return c.first + p.within <= candidate.first; });
    if (list.size() >= room) {
      if (p.keep[expression] == Keep::kUndecided) ++dropped;
      // The first p.slots stay where the earliest are wanted.
      const std::size_t at = p.keep[expression] == Keep::kLatest ? 0 : p.slots;
      list.erase(list.begin() + static_cast<std::ptrdiff_t>(std::min(at, list.size() - 1)));
      --total;
    }
    if (total >= kHeldAtMost) make_room(candidate);
    list.push_back(candidate);
    ++total;
  }

  // Everything is full: first what time has ruled out, then half of what each expression holds.
  void make_room(const Candidate& now) {
    for (auto& [pattern, mine] : held)
      if (mine.plan->within >= 0)
        for (auto& list : mine.by_expression)
          total -= std::erase_if(list, [&](const Candidate& c) { return c.first + mine.plan->within <= now.first; });
    if (total < kHeldAtMost / 10 * 9) return;
    for (auto& [pattern, mine] : held)
      for (auto& list : mine.by_expression) {
        const std::size_t half = list.size() / 2;
        list.erase(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(half));
        total -= half;
        dropped += half;
      }
  }

  void use(PatternSetPtr newer) {
    // Events stay with their pattern when the newer set has it unchanged under its ref.
    std::unordered_map<std::uint64_t, std::uint32_t> by_ref;
    const PatternParts& parts = newer->parts();
    for (std::uint32_t i = 0; i < parts.patterns.size(); ++i) by_ref.emplace(parts.patterns[i].ref, i);
    std::unordered_map<std::uint32_t, Held> kept;
    total = 0;
    plans.clear();
    const PatternSetPtr older = std::exchange(set, std::move(newer));
    for (auto& [pattern, mine] : held) {
      const CompiledPattern& was = older->parts().patterns[pattern];
      const auto at = by_ref.find(was.ref);
      if (at == by_ref.end() || parts.patterns[at->second].fingerprint != was.fingerprint) continue;
      for (const auto& list : mine.by_expression) total += list.size();
      kept.emplace(at->second, std::move(mine));
    }
    held = std::move(kept);
    for (auto& [pattern, mine] : held) mine.plan = &plan(pattern);
  }
};

PatternSequencer::PatternSequencer(PatternSetPtr set) : impl_(std::make_unique<Impl>()) { impl_->set = std::move(set); }
PatternSequencer::~PatternSequencer() = default;

void PatternSequencer::use(PatternSetPtr set) { impl_->use(std::move(set)); }

void PatternSequencer::take(std::span<const PatternHit> hits, const Instant& time, std::uint64_t event,
                            std::vector<PatternFound>& found) {
  const std::size_t before = found.size();
  for (const PatternHit& hit : hits) {
    // An event completes a pattern once, however many of its expressions are true of it.
    const auto same = [&](const PatternFound& f) { return f.pattern == hit.pattern; };
    if (std::any_of(found.begin() + static_cast<std::ptrdiff_t>(before), found.end(), same)) continue;
    impl_->take(hit, time, event, found);
  }
}

std::uint64_t PatternSequencer::held() const { return impl_->total; }
std::uint64_t PatternSequencer::dropped() const { return impl_->dropped; }
std::uint64_t PatternSequencer::given_up() const { return impl_->given_up; }

std::optional<std::string> PatternSequencer::remark() const {
  if (impl_->dropped == 0 && impl_->given_up == 0) return std::nullopt;
  std::string out;
  if (impl_->dropped > 0)
    out = fmt::format("{} events that patterns of several observations waited with were let go for want of room",
                      impl_->dropped);
  if (impl_->given_up > 0)
    out += fmt::format("{}{} searches for observations that fit together were given up after {} steps",
                       out.empty() ? "" : "; ", impl_->given_up, kMaxBindingSteps);
  return out + ": matches may be missing";
}

namespace {

Result<std::vector<std::size_t>> bind(const BindTree& tree, std::vector<std::vector<Candidate>>& candidates,
                                      std::uint64_t quick_steps) {
  for (auto& list : candidates)
    std::ranges::sort(list, {}, [](const Candidate& c) { return std::tuple(c.last, c.id, c.copy); });
  std::vector<std::size_t> out;
  std::vector<Candidate> bound;
  if (const auto found = Binder(tree, quick_steps).find(candidates, {}, kMaxEvaluationSteps, bound);
      found != Binder::Found::kYes) {
    if (found == Binder::Found::kNo) return out;
    return fail(ErrorCode::kTooLarge,
                fmt::format("given up after {} steps: too many ways to give these observations to the pattern",
                            kMaxEvaluationSteps));
  }
  for (const Candidate& c : bound) out.push_back(static_cast<std::size_t>(c.id));
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace

std::vector<Result<std::vector<std::size_t>>> evaluate(const PatternSetPtr& set,
                                                       const std::vector<Observation>& observations) {
  return evaluate(set, observations, Binder::kQuickSteps);
}

std::vector<Result<std::vector<std::size_t>>> evaluate(const PatternSetPtr& set,
                                                       const std::vector<Observation>& observations,
                                                       std::uint64_t quick_steps) {
  const PatternParts& parts = set->parts();
  ObservationMatcher matcher(set);
  std::vector<std::vector<Candidate>> candidates(parts.expressions.size());
  std::vector<PatternHit> hits;
  for (std::size_t i = 0; i < observations.size(); ++i) {
    hits.clear();
    matcher.match(observations[i], hits);
    const Nanos first = nanos(observations[i].first_observed), last = nanos(observations[i].last_observed);
    for (const PatternHit& hit : hits) {
      const CompiledPattern& pattern = parts.patterns[hit.pattern];
      const std::uint64_t slots = pattern.tree ? pattern.tree->size() : 1;
      const auto copies = std::min(static_cast<std::uint64_t>(observations[i].number_observed), slots);
      for (std::uint32_t copy = 0; copy < copies; ++copy) candidates[hit.expression].push_back({first, last, i, copy});
    }
  }
  std::vector<Result<std::vector<std::size_t>>> out;
  for (const CompiledPattern& pattern : parts.patterns) {
    std::vector<std::vector<Candidate>> mine;
    for (std::uint32_t e = 0; e < pattern.expressions; ++e)
      mine.push_back(std::move(candidates[pattern.first_expression + e]));
    if (pattern.tree) {
      out.push_back(bind(*pattern.tree, mine, quick_steps));
      continue;
    }
    const auto any = std::ranges::find_if(mine, [](const auto& list) { return !list.empty(); });
    out.push_back(any == mine.end() ? std::vector<std::size_t>()
                                    : std::vector<std::size_t>{static_cast<std::size_t>(any->front().id)});
  }
  return out;
}

Result<std::vector<std::size_t>> evaluate(const stix::Pattern& pattern, const std::vector<Observation>& observations) {
  PatternSet::Builder builder;
  BONGSU_TRY_VOID(builder.add(0, pattern));
  BONGSU_TRY(const PatternSetPtr set, builder.build());
  return std::move(evaluate(set, observations).front());
}

}  // namespace bongsu::detect
