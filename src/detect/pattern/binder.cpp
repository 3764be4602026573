#include "detect/pattern/binder.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <unordered_map>

namespace bongsu::detect {
namespace {

// Is there a moment for each observation? Shortest paths (Bellman and Ford) over t[a] - t[b] ≤ bound, where each WITHIN
// and each FOLLOWEDBY adds a moment of its own, so that there are few bounds: the beginning of the window, the border
// between what precedes and what follows. With `moments_fit`, observations that are moments have been compared already.
bool consistent(const BindTree& tree, std::span<const Placement> bound, bool moments_fit) {
  const auto moment = [](const Placement& b) { return b.candidate.first == b.candidate.last; };
  if (moments_fit && std::ranges::all_of(bound, moment)) return true;
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
  for (const Placement& b : bound) {
    const std::uint32_t t = variables++;
    edges.push_back({t, 0, {b.candidate.last, 0}});
    edges.push_back({0, t, {-b.candidate.first, 0}});
    for (std::uint32_t n = b.node; n != BindNode::kNoParent; n = tree[n].parent) {
      const BindNode& node = tree[n];
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
      if (node.parent == BindNode::kNoParent || tree[node.parent].op != BindNode::Op::kFollowedBy) continue;
      const std::uint32_t parts = tree[node.parent].children;
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

// The second search. A place is what takes one observation: an expression, or an OR of expressions.
class Thorough {
 public:
  Thorough(const BindTree& tree, std::span<const std::vector<Candidate>> candidates,
           const std::optional<std::pair<std::uint32_t, Candidate>>& fixed, std::uint64_t max_steps)
      : tree_(tree), candidates_(candidates), fixed_(fixed), max_steps_(max_steps) {}

  Binder::Found find(std::vector<Candidate>& bound) {
    look_at_tree();
    if (!possible_[0]) return Binder::Found::kNo;
    while (true) {  // every way to take sides of the ORs that are more than a place
      if (collect() && solve(bound)) return Binder::Found::kYes;
      if (gave_up_) return Binder::Found::kGaveUp;
      while (!choices_.empty()) {
        auto& [node, side] = choices_.back();
        side = next_possible(node, side + 1);
        if (side < tree_[node].children) break;
        choices_.pop_back();
      }
      if (choices_.empty()) return Binder::Found::kNo;
    }
  }

 private:
  static constexpr Nanos kFar = static_cast<Nanos>(1) << 100;
  static constexpr std::size_t kMaxOptions = 1'000'000;  // of all places together
  static constexpr std::uint32_t kNone = 0xffffffff;

  struct Option {
    Nanos first, last;  // within START and STOP
    std::uint32_t slot, node;
    std::uint32_t side;  // which expression of the place
    Candidate candidate;
  };
  struct Place {
    std::uint32_t root = 0;
    std::vector<Option> options;
    std::vector<std::uint32_t> order, where;  // of options; the first `live` of `order` can still be taken
    std::uint32_t live = 0;
    std::uint32_t alike = 0;  // places of one number may change their observations
    bool taken = false;
    std::uint32_t mate = kNone;  // option
  };

  bool step(std::uint64_t n) {
    steps_ += n;
    gave_up_ = gave_up_ || steps_ > max_steps_;
    return !gave_up_;
  }

  void look_at_tree() {
    possible_.resize(tree_.size());
    single_.resize(tree_.size());
    for (std::size_t i = tree_.size(); i-- > 0;) {  // children follow their parent
      const BindNode& node = tree_[i];
      if (node.op == BindNode::Op::kExpression) {
        possible_[i] = !candidates_[node.expression].empty() || (fixed_ && fixed_->first == i);
        single_[i] = true;
        continue;
      }
      const bool either = node.op == BindNode::Op::kOr;
      bool possible = !either, single = either || node.children == 1;
      for (std::uint32_t c = node.first_child; c < node.first_child + node.children; ++c) {
        possible = either ? possible || possible_[c] : possible && possible_[c];
        single = single && single_[c];
      }
      possible_[i] = possible;
      single_[i] = single;
    }
  }

  std::uint32_t next_possible(std::uint32_t node, std::uint32_t side) const {
    while (side < tree_[node].children && !possible_[tree_[node].first_child + side]) ++side;
    return side;
  }

  // The places that the choices leave; false: too many ways to hold, or too few observations.
  bool collect() {
    active_.assign(tree_.size(), false);
    nodes_.clear();
    places_.clear();
    slots_.clear();
    alike_.clear();
    related_ = false;
    std::size_t choice = 0, options = 0;
    std::vector<std::uint32_t> roots, todo{0};
    while (!todo.empty()) {
      const std::uint32_t n = todo.back();
      todo.pop_back();
      const BindNode& node = tree_[n];
      active_[n] = true;
      nodes_.push_back(n);
      if (single_[n]) {
        roots.push_back(n);
        continue;
      }
      related_ = related_ || node.within >= 0 || node.op == BindNode::Op::kFollowedBy;
      if (node.op == BindNode::Op::kOr) {
        if (choice == choices_.size()) choices_.emplace_back(n, next_possible(n, 0));
        todo.push_back(node.first_child + choices_[choice++].second);
        continue;
      }
      for (std::uint32_t i = node.children; i-- > 0;) todo.push_back(node.first_child + i);
    }
    std::ranges::sort(nodes_);
    if (!step(nodes_.size())) return false;
    // Fewer candidates of an expression than places that only it can fill.
    std::vector<std::size_t> wanted(candidates_.size());
    for (const std::uint32_t root : roots)
      if (tree_[root].op == BindNode::Op::kExpression && !(fixed_ && fixed_->first == root) &&
          ++wanted[tree_[root].expression] > candidates_[tree_[root].expression].size())
        return false;
    for (const std::uint32_t root : roots) {
      add_place(root);
      options += places_.back().options.size();
      if (places_.back().options.empty()) return false;
      if (options > kMaxOptions) gave_up_ = true;
      if (!step(places_.back().options.size())) return false;
    }
    owner_.assign(slots_.size(), kNone);
    seen_.assign(slots_.size(), 0);
    call_ = 0;
    used_.assign(slots_.size(), false);
    trail_.clear();
    return slots_.size() >= places_.size();
  }

  void add_place(std::uint32_t root) {
    Place place;
    place.root = root;
    std::vector<std::uint32_t> todo{root};
    std::uint32_t side = 0;
    bool spans_below = false;
    while (!todo.empty()) {
      const std::uint32_t n = todo.back();
      todo.pop_back();
      const BindNode& node = tree_[n];
      spans_below = spans_below || (n != root && node.has_span);
      if (node.op != BindNode::Op::kExpression) {
        for (std::uint32_t i = node.children; i-- > 0;) todo.push_back(node.first_child + i);
        continue;
      }
      const auto take = [&](const Candidate& c) {
        Option option{c.first, c.last, 0, n, side, c};
        Nanos stop = kFar;  // it has to be before that
        for (std::uint32_t up = n; up != BindNode::kNoParent; up = tree_[up].parent) {
          const BindNode& above = tree_[up];
          if (!above.has_span) continue;
          option.first = std::max(option.first, above.start);
          option.last = std::min(option.last, above.stop);
          stop = std::min(stop, above.stop);
        }
        if (option.first > option.last || option.first >= stop) return;
        option.slot = slots_.try_emplace({c.id, c.copy}, static_cast<std::uint32_t>(slots_.size())).first->second;
        place.options.push_back(option);
      };
      if (fixed_ && fixed_->first == n) {
        take(fixed_->second);
      } else {
        for (const Candidate& c : candidates_[node.expression])
          if (!fixed_ || fixed_->second.id != c.id || fixed_->second.copy != c.copy) take(c);
      }
      ++side;
    }
    place.live = static_cast<std::uint32_t>(place.options.size());
    place.order.resize(place.live);
    std::iota(place.order.begin(), place.order.end(), 0U);
    place.where = place.order;
    // Alike: below the same AND without a qualifier between, with the same candidates.
    std::uint32_t above = tree_[root].parent;
    const auto is_and = [&](std::uint32_t n) { return n != BindNode::kNoParent && tree_[n].op == BindNode::Op::kAnd; };
    const auto fresh = static_cast<std::uint32_t>(places_.size());
    place.alike = fresh;
    if (is_and(above) && !spans_below) {
      while (tree_[above].within < 0 && !tree_[above].has_span && is_and(tree_[above].parent))
        above = tree_[above].parent;
      const BindNode& node = tree_[root];
      const auto [known, added] = alike_.try_emplace(std::tuple(
          above, node.has_span ? node.start : -kFar, node.has_span ? node.stop : kFar, side, place.options.size()));
      const auto same = [](const Option& a, const Option& b) { return a.slot == b.slot && a.side == b.side; };
      for (const std::uint32_t other : known->second)
        if (std::ranges::equal(places_[other].options, place.options, same)) place.alike = other;
      if (place.alike == fresh) known->second.push_back(fresh);
    }
    places_.push_back(std::move(place));
  }

  bool can(const Place& place, std::uint32_t option) const { return place.where[option] < place.live; }

  void remove(std::uint32_t p, std::uint32_t option) {
    Place& place = places_[p];
    trail_.emplace_back(p, place.live);
    swap_to(place, option, --place.live);
  }
  static void swap_to(Place& place, std::uint32_t option, std::uint32_t position) {
    const std::uint32_t from = place.where[option], other = place.order[position];
    std::swap(place.order[from], place.order[position]);
    place.where[other] = from;
    place.where[option] = position;
  }
  void undo(std::size_t size) {
    while (trail_.size() > size) {
      places_[trail_.back().first].live = trail_.back().second;
      trail_.pop_back();
    }
  }

  // Takes away what cannot be together with any choice of the other places, until nothing changes.
  bool propagate() {
    late_.resize(tree_.size());
    early_.resize(tree_.size());
    low_.resize(tree_.size());
    high_.resize(tree_.size());
    for (bool changed = true; changed;) {
      changed = false;
      if (!step(nodes_.size() / 4 + 1)) return false;
      // The latest of the places' earliest beginnings, and the earliest of their latest ends.
      for (const std::uint32_t n : nodes_) {
        late_[n] = -kFar;
        early_[n] = kFar;
      }
      for (const Place& place : places_) {
        if (!step(place.live)) return false;
        Nanos first = kFar, last = -kFar;
        for (std::uint32_t i = 0; i < place.live; ++i) {
          first = std::min(first, place.options[place.order[i]].first);
          last = std::max(last, place.options[place.order[i]].last);
        }
        late_[place.root] = first;
        early_[place.root] = last;
      }
      for (std::size_t i = nodes_.size(); i-- > 1;) {
        const std::uint32_t n = nodes_[i], up = tree_[n].parent;
        late_[up] = std::max(late_[up], late_[n]);
        early_[up] = std::min(early_[up], early_[n]);
      }
      low_[0] = -kFar;
      high_[0] = kFar;
      for (const std::uint32_t n : nodes_) {
        const BindNode& node = tree_[n];
        if (single_[n]) continue;
        if (node.within >= 0) {
          low_[n] = std::max(low_[n], late_[n] - node.within + 1);
          high_[n] = std::min(high_[n], early_[n] + node.within - 1);
        }
        const bool ordered = node.op == BindNode::Op::kFollowedBy;
        Nanos bound = low_[n];
        for (std::uint32_t c = node.first_child; c < node.first_child + node.children; ++c) {
          if (!active_[c]) continue;
          low_[c] = bound;
          if (ordered) bound = std::max(bound, late_[c]);
        }
        bound = high_[n];
        for (std::uint32_t c = node.first_child + node.children; c-- > node.first_child;) {
          if (!active_[c]) continue;
          high_[c] = bound;
          if (ordered) bound = std::min(bound, early_[c]);
        }
      }
      for (std::uint32_t p = 0; p < places_.size(); ++p) {
        Place& place = places_[p];
        for (std::uint32_t i = place.live; i-- > 0;) {
          const std::uint32_t o = place.order[i];
          const Option& option = place.options[o];
          if (option.last >= low_[place.root] && option.first <= high_[place.root] &&
              (place.taken || !used_[option.slot]))
            continue;
          remove(p, o);
          changed = true;
        }
        if (place.live == 0) return false;
      }
    }
    return true;
  }

  // Can each place have an observation of its own? Augmenting paths.
  bool match() {
    for (Place& place : places_)
      if (place.mate != kNone && !can(place, place.mate)) {
        owner_[place.options[place.mate].slot] = kNone;
        place.mate = kNone;
      }
    for (std::uint32_t p = 0; p < places_.size(); ++p) {
      if (places_[p].mate != kNone) continue;
      ++call_;
      if (!augment(p)) return false;
    }
    return true;
  }
  bool augment(std::uint32_t p) {
    Place& place = places_[p];
    if (!step(place.live)) return false;
    for (const bool free : {true, false})
      for (std::uint32_t i = 0; i < place.live; ++i) {
        const std::uint32_t o = place.order[i], slot = place.options[o].slot;
        if (seen_[slot] == call_ || (owner_[slot] == kNone) != free) continue;
        seen_[slot] = call_;
        if (!free && !augment(owner_[slot])) continue;
        owner_[slot] = p;
        place.mate = o;
        return true;
      }
    return false;
  }

  // Every place's mate.
  bool fits(bool moments_fit, std::vector<Candidate>& bound) {
    std::vector<Placement> placed;
    for (const Place& place : places_)
      placed.push_back({place.options[place.mate].node, 0, place.options[place.mate].candidate});
    if (!step(placed.size()) || !consistent(tree_, placed, moments_fit)) return false;
    bound.clear();
    for (const Placement& one : placed) bound.push_back(one.candidate);
    return true;
  }

  bool solve(std::vector<Candidate>& bound) {
    if (!propagate() || !match()) return false;
    if (fits(false, bound)) return true;
    return related_ && descend(bound);
  }

  bool descend(std::vector<Candidate>& bound) {
    if (!step(places_.size())) return false;
    std::uint32_t p = kNone;
    for (std::uint32_t i = 0; i < places_.size(); ++i)
      if (!places_[i].taken && (p == kNone || places_[i].live < places_[p].live)) p = i;
    if (p == kNone) return fits(true, bound);
    Place& place = places_[p];
    std::vector<std::uint32_t> options(place.order.begin(), place.order.begin() + place.live);
    std::ranges::sort(options);
    for (const std::uint32_t o : options) {
      if (!can(place, o)) continue;
      const Option option = place.options[o];
      const std::size_t before = trail_.size();
      trail_.emplace_back(p, place.live);
      swap_to(place, o, 0);
      place.live = 1;
      place.taken = true;
      used_[option.slot] = true;
      if (propagate() && match() && descend(bound)) return true;
      used_[option.slot] = false;
      place.taken = false;
      undo(before);
      if (gave_up_) return false;
      // Nor can any place like this one take it, or a copy of it.
      for (std::uint32_t i = 0; i < places_.size(); ++i) {
        Place& other = places_[i];
        if (other.taken || other.alike != place.alike) continue;
        if (!step(other.live)) return false;
        for (std::uint32_t k = other.live; k-- > 0;) {
          const Option& there = other.options[other.order[k]];
          if (there.candidate.id == option.candidate.id && there.side == option.side) remove(i, other.order[k]);
        }
        if (other.live == 0) return false;
      }
    }
    return false;
  }

  const BindTree& tree_;
  std::span<const std::vector<Candidate>> candidates_;
  const std::optional<std::pair<std::uint32_t, Candidate>>& fixed_;
  std::uint64_t max_steps_, steps_ = 0;
  bool gave_up_ = false;
  std::vector<bool> possible_, single_, active_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> choices_;  // OR, side
  std::vector<std::uint32_t> nodes_;                              // that are active, ascending
  bool related_ = false;                                          // by time
  std::vector<Place> places_;
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint32_t> slots_;
  std::map<std::tuple<std::uint32_t, Nanos, Nanos, std::uint32_t, std::size_t>, std::vector<std::uint32_t>> alike_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> trail_;  // place, how many could be taken
  std::vector<bool> used_;
  std::vector<std::uint32_t> owner_, seen_;  // by slot: the place that it is matched with
  std::uint32_t call_ = 0;
  std::vector<Nanos> late_, early_, low_, high_;  // by node
};

}  // namespace

Binder::Found Binder::find(std::span<const std::vector<Candidate>> candidates,
                           std::optional<std::pair<std::uint32_t, Candidate>> fixed, std::uint64_t max_steps,
                           std::vector<Candidate>& bound) {
  if (quick_steps_ > 0) {
    const std::uint64_t quick = std::min(max_steps, quick_steps_ + 8 * tree_.size());
    if (const Found found = search(candidates, fixed, quick, bound); found != Found::kGaveUp) return found;
  }
  if (const Found found = Thorough(tree_, candidates, fixed, max_steps / 2).find(bound); found != Found::kGaveUp)
    return found;
  return search(candidates, fixed, max_steps / 2, bound);
}

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

Binder::Found Binder::search(std::span<const std::vector<Candidate>> candidates,
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
      if (consistent(tree_, bound_, true)) {
        bound.clear();
        for (const Placement& b : bound_) bound.push_back(b.candidate);
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

}  // namespace bongsu::detect
