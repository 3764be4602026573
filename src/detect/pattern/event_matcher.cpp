#include "detect/pattern/event_matcher.h"

#include <algorithm>
#include <tuple>

#include "detect/pattern/pattern_parts.h"

namespace bongsu::detect {

using telemetry::EventView;
using telemetry::FieldId;
using telemetry::Leaf;

namespace {

// An object of the event: a slot, and which of the objects in it.
struct Place {
  std::uint16_t slot = 0, object = 0;
  auto operator<=>(const Place&) const = default;
};

}  // namespace

struct EventMatcher::Impl {
  explicit Impl(PatternSetPtr patterns) : set(std::move(patterns)), parts(set->parts()) {
    const std::size_t fields = parts.event_paths ? parts.event_paths->fields() : 0;
    triggers.resize(fields);
    first.resize(fields);
    counts.resize(fields);
    for (FieldId f = 0; f < fields; ++f)
      for (const EventTarget& target : parts.event_paths->targets(f))
        if (parts.triggers.wants(target.path)) triggers[f].push_back(target);
    for (FieldId f = 0; f < fields; ++f)
      types = std::ranges::any_of(parts.atoms,
                                  [](const Atom& a) { return a.op == stix::ComparisonOperator::kExists && a.negated; });
  }

  void match(const EventView& event, std::vector<PatternHit>& hits) {
    ++number;
    event_ = &event;
    candidates.clear();
    slots_known = false;
    for (const Leaf& leaf : event.leaves) {
      const FieldId f = leaf.field;
      if (f == telemetry::kNoField || f >= triggers.size()) continue;
      const auto& targets = triggers[f];
      if (targets.empty()) continue;
      probe(leaf, targets, ordinal(f));
    }
    if (candidates.empty() && !types) return;
    gather();
    if (types) probe_types();
    std::ranges::sort(candidates);
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
    std::uint32_t done = 0xffffffff;
    for (const auto& [expression, place] : candidates) {
      if (expression == done) continue;  // true of another object already
      ++evaluated;
      if (!holds(expression, place)) continue;
      done = expression;
      hits.push_back({parts.expressions[expression].pattern, expression});
    }
  }

  // How many values of the field the event had before.
  std::uint16_t ordinal(FieldId f) {
    if (first[f] != number) {
      first[f] = number;
      counts[f] = 0;
    }
    return std::min<std::uint16_t>(counts[f]++, kMaxEventValues - 1);
  }

  bool taken(const EventTarget& target, FieldId f, const CutValue& value) {
    if (target.only != AddressKind::kAny && value.address != target.only) return false;
    if (target.index >= 0 && target.place(value) != target.index) return false;
    return target.option == 0 || choice(f) == target.option;
  }

  // Of several places for a field's value: the first whose object the event has otherwise, else the last.
  std::uint8_t choice(FieldId f) {
    if (!slots_known) {
      slots_known = true;
      slots = 0;
      for (const Leaf& leaf : event_->leaves) slots |= parts.event_paths->slots_of(leaf.field);
    }
    std::uint8_t best = 0;
    for (const EventTarget& target : parts.event_paths->targets(f)) {
      if (target.option == 0) continue;
      const bool there = target.slot < 64 && (slots >> target.slot & 1) != 0;
      if ((there && (best == 0 || target.option < best)) || (best == 0 && target.option == target.options))
        best = target.option;
    }
    return best == 0 ? 1 : best;
  }

  void probe(const Leaf& leaf, const std::vector<EventTarget>& targets, std::uint16_t n) {
    const std::string_view text = event_->text(leaf, decoded);
    const EventTarget* last = nullptr;
    std::size_t size = 0;
    for (const EventTarget& target : targets) {
      if (last == nullptr || last->cut != target.cut) {
        size = 0;
        cut_values(target.cut, text, leaf.quoted, n, cut, size);
        last = &target;
      }
      for (std::size_t i = 0; i < size; ++i) {
        if (!taken(target, leaf.field, cut[i])) continue;
        found.clear();
        parts.triggers.find(target.path, target.view(cut[i]), scratch, found);
        for (const std::uint32_t expression : found)
          candidates.emplace_back(expression, Place{target.slot, target.object(cut[i])});
      }
    }
  }

  // All values of the event that some pattern reads, by object and path.
  void gather() {
    values.clear();
    used = 0;
    ++number;  // ordinals anew
    for (const Leaf& leaf : event_->leaves) {
      const FieldId f = leaf.field;
      if (f == telemetry::kNoField || f >= triggers.size()) continue;
      const auto& targets = parts.event_paths->targets(f);
      if (targets.empty()) continue;
      const std::string_view text = event_->text(leaf, decoded);
      const std::uint16_t n = ordinal(f);
      const EventTarget* last = nullptr;
      std::size_t begin = used;
      for (const EventTarget& target : targets) {
        if (last == nullptr || last->cut != target.cut) {
          begin = used;
          cut_values(target.cut, text, leaf.quoted, n, kept, used);
          last = &target;
        }
        for (std::size_t i = begin; i < used; ++i)
          if (taken(target, f, kept[i]))
            values.push_back(
                {Place{target.slot, target.object(kept[i])}, target.path, static_cast<std::uint32_t>(i), &target});
      }
    }
    std::ranges::sort(values);
    values.erase(std::unique(values.begin(), values.end()), values.end());
  }

  void probe_types() {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0 && values[i].place == values[i - 1].place) continue;
      found.clear();
      parts.triggers.find_type(parts.event_paths->type(values[i].place.slot), found);
      for (const std::uint32_t expression : found) candidates.emplace_back(expression, values[i].place);
    }
  }

  bool holds(std::uint32_t expression, const Place& place) const {
    const std::string& type = parts.event_paths->type(place.slot);
    return parts.holds(
        expression,
        [&](std::uint32_t path, const auto& take) {
          const auto key = [](const Value& v) { return std::tuple(v.place, v.path); };
          for (const Value& v : std::ranges::equal_range(values, std::tuple(place, path), {}, key))
            take(v.target->view(kept[v.value]));
        },
        [&](const std::string& wanted) { return wanted == type; });
  }

  struct Value {
    Place place;
    std::uint32_t path = 0, value = 0;  // index into kept
    const EventTarget* target = nullptr;
    auto operator<=>(const Value&) const = default;
  };

  PatternSetPtr set;
  const PatternParts& parts;
  std::vector<std::vector<EventTarget>> triggers;  // by field
  bool types = false;
  std::uint64_t number = 0;  // of the pass
  std::vector<std::uint64_t> first;
  std::vector<std::uint16_t> counts;
  const EventView* event_ = nullptr;
  std::vector<std::pair<std::uint32_t, Place>> candidates;
  std::vector<std::uint32_t> found;
  Triggers::Scratch scratch;
  std::vector<CutValue> cut, kept;
  std::size_t used = 0;
  std::vector<Value> values;
  std::string decoded;
  bool slots_known = false;
  std::uint64_t slots = 0;
  std::uint64_t evaluated = 0;
};

EventMatcher::EventMatcher(PatternSetPtr set) : impl_(std::make_unique<Impl>(std::move(set))) {}
EventMatcher::~EventMatcher() = default;
void EventMatcher::match(const EventView& event, std::vector<PatternHit>& hits) { impl_->match(event, hits); }
std::uint64_t EventMatcher::evaluated() const { return impl_->evaluated; }

}  // namespace bongsu::detect
