// Can observations be given to the [ … ] of a pattern so that AND, OR, FOLLOWEDBY and the qualifiers are satisfied
// (STIX 2.1 §9.5)? Internal to the folder.
//
//   Binder binder(tree);
//   binder.find(candidates, {}, bound)        // Found::kYes: bound holds the observations
//
// Each [ … ] takes an observation of its own. Observations that last (first_observed < last_observed) happened at some
// moment of that time, one moment for the whole pattern. The search goes through the tree from left to right, checks
// every step against bounds that are kept for each node, and steps back. Where that takes long, a second search keeps
// the candidates of every place, takes away what time and the other places rule out, asks whether each place can have a
// candidate of its own (bipartite matching), and goes on with the place that has the fewest. Both give up after a
// number of steps.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "detect/pattern/pattern_parts.h"

namespace bongsu::detect {

struct Candidate {
  Nanos first = 0, last = 0;
  std::uint64_t id = 0;  // of the observation; copies of one differ in `copy`
  std::uint32_t copy = 0;
};

struct Placement {
  std::uint32_t node = 0, choice = 0;  // an expression, and which of its candidates
  Candidate candidate;
};

class Binder {
 public:
  enum class Found { kYes, kNo, kGaveUp };
  static constexpr std::uint64_t kQuickSteps = 1000;  // of the first search, and some more for each node

  explicit Binder(const BindTree& tree, std::uint64_t quick_steps = kQuickSteps)
      : tree_(tree), quick_steps_(quick_steps) {}

  // Candidates by expression of the pattern. With `fixed`, the expression node of that number takes that candidate.
  Found find(std::span<const std::vector<Candidate>> candidates,
             std::optional<std::pair<std::uint32_t, Candidate>> fixed, std::uint64_t max_steps,
             std::vector<Candidate>& bound);

 private:
  struct Bounds {
    Nanos latest_first, earliest_last;  // of what is bound below the node
    bool any = false;
  };
  struct Frame {
    std::uint32_t agenda = 0;  // what is to do from here on
    std::uint32_t choice = 0;  // next candidate or alternative
    std::uint32_t undo = 0;    // sizes to go back to
    std::uint32_t cells = 0;
    bool placed = false;
  };
  struct Cell {
    std::uint32_t node = 0, next = 0;
  };
  struct Undo {
    std::uint32_t node = 0;
    Bounds bounds;
  };

  Found search(std::span<const std::vector<Candidate>> candidates,
               std::optional<std::pair<std::uint32_t, Candidate>> fixed, std::uint64_t max_steps,
               std::vector<Candidate>& bound);
  std::uint32_t unfold(std::uint32_t agenda);
  bool place(std::uint32_t node, Candidate candidate);
  void undo(std::size_t size);

  const BindTree& tree_;
  std::uint64_t quick_steps_;
  std::vector<Bounds> bounds_;
  std::vector<Cell> cells_;
  std::vector<Undo> undo_;
  std::vector<Frame> frames_;
  std::vector<Placement> bound_;
};

// evaluate() of pattern_set.h, with the steps of the first search; 0: the second one alone (tests).
std::vector<Result<std::vector<std::size_t>>> evaluate(const PatternSetPtr& set,
                                                       const std::vector<Observation>& observations,
                                                       std::uint64_t quick_steps);

}  // namespace bongsu::detect
