#include "detect/pattern/binder.h"

#include <map>
#include <set>
#include <unordered_map>

namespace bongsu::detect {

// Brings an expression or a choice to the front: AND and FOLLOWEDBY become their parts, from left to right.
std::uint32_t Binder::unfold(std::uint32_t agenda) {
  while (agenda != 0) {
    const Cell cell = cells_[agenda];
    const BindNode& node = tree_[cell.node];
    if (node.op == BindNode::Op::kExpression || node.op == BindNode::Op::kOr) return agenda;
    agenda = cell.next;
    for (std::uint32_t i = node.children; i-- > 0;) {
      cells_.push_back({node.first_child + i, agenda});
      agenda = static_cast<std::uint32_t>(cells_.size() - 1);
    }
  }
  return 0;
}

// Binds, unless some bound of the nodes above says that it cannot work. For observations that are moments the bounds
// are exact; for others they are necessary, and `consistent` decides.
bool Binder::place(std::uint32_t at, Candidate c) {
  for (std::uint32_t n = at; n != BindNode::kNoParent; n = tree_[n].parent) {
    if (!tree_[n].has_span) continue;
    if (c.last < tree_[n].start || c.first >= tree_[n].stop || tree_[n].start >= tree_[n].stop) return false;
    c.first = std::max(c.first, tree_[n].start);
    c.last = std::min(c.last, tree_[n].stop);
  }
  for (std::uint32_t n = at; n != BindNode::kNoParent; n = tree_[n].parent) {
    const BindNode& node = tree_[n];
    const Bounds& b = bounds_[n];
    if (node.within >= 0 && b.any &&
        std::max(b.latest_first, c.first) - std::min(b.earliest_last, c.last) >= node.within)
      return false;
    if (node.parent == BindNode::kNoParent || tree_[node.parent].op != BindNode::Op::kFollowedBy) continue;
    const std::uint32_t first = tree_[node.parent].first_child;
    for (std::uint32_t before = first; before < n; ++before)
      if (bounds_[before].any && bounds_[before].latest_first > c.last) return false;
  }
  for (std::uint32_t n = at; n != BindNode::kNoParent; n = tree_[n].parent) {
    Bounds& b = bounds_[n];
    undo_.push_back({n, b});
    if (b.any) {
      b.latest_first = std::max(b.latest_first, c.first);
      b.earliest_last = std::min(b.earliest_last, c.last);
    } else {
      b = {c.first, c.last, true};
    }
  }
  return true;
}

void Binder::undo(std::size_t size) {
  while (undo_.size() > size) {
    bounds_[undo_.back().node] = undo_.back().bounds;
    undo_.pop_back();
  }
}

Binder::Found Binder::find(std::span<const std::vector<Candidate>> candidates,
                           std::optional<std::pair<std::uint32_t, Candidate>> fixed, std::uint64_t max_steps,
                           std::vector<Candidate>& bound) {
  bounds_.assign(tree_.size(), {});
  cells_.assign(1, {});
  undo_.clear();
  frames_.clear();
  bound_.clear();
  std::set<std::pair<std::uint64_t, std::uint32_t>> taken;
  // Where each copy of a REPEATS bound its expression: copies take candidates in rising order, so that a set of them is
  // tried once.
  std::unordered_map<std::uint32_t, std::uint32_t> chosen;
  const auto lowest = [&](std::uint32_t node) -> std::uint32_t {
    if (fixed || tree_[node].parent == BindNode::kNoParent || tree_[node].place == 0) return 0;
    if (!tree_[tree_[node].parent].alike) return 0;
    const auto before = chosen.find(node - 1);
    return before == chosen.end() ? 0 : before->second + 1;
  };

  cells_.push_back({0, 0});
  const auto push = [&](std::uint32_t agenda) {
    Frame frame;
    frame.undo = static_cast<std::uint32_t>(undo_.size());
    frame.cells = static_cast<std::uint32_t>(cells_.size());
    frame.agenda = unfold(agenda);
    if (frame.agenda != 0 && tree_[cells_[frame.agenda].node].op == BindNode::Op::kExpression)
      frame.choice = lowest(cells_[frame.agenda].node);
    frames_.push_back(frame);
  };
  push(1);
  std::uint64_t steps = 0;
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    if (frame.placed) {  // back here: what was bound did not lead on
      taken.erase({bound_.back().candidate.id, bound_.back().candidate.copy});
      chosen.erase(bound_.back().node);
      bound_.pop_back();
      frame.placed = false;
    }
    undo(frame.undo);
    if (frame.agenda == 0) {
      if (consistent()) {
        bound.clear();
        for (const Bound& b : bound_) bound.push_back(b.candidate);
        return Found::kYes;
      }
      if (++steps > max_steps) return Found::kGaveUp;
      cells_.resize(frame.cells);
      frames_.pop_back();
      continue;
    }
    const Cell cell = cells_[frame.agenda];
    const BindNode& node = tree_[cell.node];
    bool on = false;
    std::uint32_t next = 0;
    if (node.op == BindNode::Op::kOr) {
      if (frame.choice < node.children) {
        cells_.push_back({node.first_child + frame.choice++, cell.next});
        next = static_cast<std::uint32_t>(cells_.size() - 1);
        on = true;
      }
    } else if (fixed && fixed->first == cell.node) {
      if (frame.choice++ == 0 && taken.insert({fixed->second.id, fixed->second.copy}).second) {
        if (place(cell.node, fixed->second)) {
          bound_.push_back({cell.node, 0, fixed->second});
          frame.placed = true;
          next = cell.next;
          on = true;
        } else {
          taken.erase({fixed->second.id, fixed->second.copy});
        }
      }
    } else {
      const auto& list = candidates[node.expression];
      while (frame.choice < list.size() && !on) {
        if (++steps > max_steps) return Found::kGaveUp;
        const std::uint32_t choice = frame.choice++;
        const Candidate& c = list[choice];
        if (fixed && fixed->second.id == c.id && fixed->second.copy == c.copy) continue;
        if (!taken.insert({c.id, c.copy}).second) continue;
        if (!place(cell.node, c)) {
          taken.erase({c.id, c.copy});
          continue;
        }
        bound_.push_back({cell.node, choice, c});
        chosen[cell.node] = choice;
        frame.placed = true;
        next = cell.next;
        on = true;
      }
    }
    if (on) {
      push(next);
    } else {
      cells_.resize(frame.cells);
      frames_.pop_back();
    }
  }
  return Found::kNo;
}

// Is there a moment for each observation? Shortest paths (Bellman and Ford) over t[a] - t[b] ≤ bound, where each WITHIN
// and each FOLLOWEDBY adds a moment of its own, so that there are few bounds: the beginning of the window, the border
// between what precedes and what follows.
bool Binder::consistent() const {
  bool moments = true;
  for (const Bound& b : bound_) moments = moments && b.candidate.first == b.candidate.last;
  if (moments) return true;
  struct Weight {
    Nanos sum;
    std::int64_t strict;  // < counts as a little below ≤
    bool operator<(const Weight& o) const { return sum != o.sum ? sum < o.sum : strict < o.strict; }
  };
  struct Edge {
    std::uint32_t a, b;  // t[a] - t[b] ≤ weight
    Weight weight;
  };
  std::vector<Edge> edges;
  std::uint32_t variables = 1;                                               // 0: the beginning of time
  std::map<std::uint32_t, std::uint32_t> windows;                            // node → its beginning
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> borders;  // FOLLOWEDBY node, part → border behind it
  for (const Bound& b : bound_) {
    const std::uint32_t t = variables++;
    edges.push_back({t, 0, {b.candidate.last, 0}});
    edges.push_back({0, t, {-b.candidate.first, 0}});
    for (std::uint32_t n = b.node; n != BindNode::kNoParent; n = tree_[n].parent) {
      const BindNode& node = tree_[n];
      if (node.has_span) {
        edges.push_back({t, 0, {node.stop, -1}});
        edges.push_back({0, t, {-node.start, 0}});
      }
      if (node.within >= 0) {
        const auto [window, fresh] = windows.try_emplace(n, variables);
        if (fresh) ++variables;
        edges.push_back({window->second, t, {0, 0}});
        edges.push_back({t, window->second, {node.within, -1}});
      }
      if (node.parent == BindNode::kNoParent || tree_[node.parent].op != BindNode::Op::kFollowedBy) continue;
      const std::uint32_t parts = tree_[node.parent].children;
      for (const bool behind : {false, true}) {
        if (behind ? node.place + 1 >= parts : node.place == 0) continue;
        const std::uint32_t part = behind ? node.place : node.place - 1;
        const auto [border, fresh] = borders.try_emplace({node.parent, part}, variables);
        if (fresh) ++variables;
        if (behind) {
          edges.push_back({t, border->second, {0, 0}});
        } else {
          edges.push_back({border->second, t, {0, 0}});
        }
      }
    }
  }
  // A border lies before the next one: what is first precedes what is third.
  for (const auto& [key, border] : borders)
    if (const auto next = borders.find({key.first, key.second + 1}); next != borders.end())
      edges.push_back({border, next->second, {0, 0}});
  std::vector<Weight> distance(variables, {0, 0});
  for (std::uint32_t round = 0; round <= variables; ++round) {
    bool changed = false;
    for (const Edge& e : edges) {
      const Weight through{distance[e.b].sum + e.weight.sum, distance[e.b].strict + e.weight.strict};
      if (through < distance[e.a]) {
        distance[e.a] = through;
        changed = true;
      }
    }
    if (!changed) return true;
  }
  return false;
}

}  // namespace bongsu::detect
