#include "detect/pattern/event_matcher.h"

#include <algorithm>

#include "detect/pattern/pattern_parts.h"

namespace bongsu::detect {

using telemetry::EventView;
using telemetry::FieldId;
using telemetry::Leaf;
using telemetry::Role;

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
    sources.resize(parts.paths.size());
    chain.resize(fields);
    for (FieldId f = 0; f < fields; ++f)
      for (const EventTarget& target : parts.event_paths->targets(f)) {
        if (parts.triggers.wants(target.path)) triggers[f].push_back(target);
        sources[target.path].emplace_back(f, &target);
      }
    asks_for_urls = parts.event_paths && (parts.event_paths->request_url() != PathTable::kNone ||
                                          parts.event_paths->request_type() != PathTable::kNone);
    types = std::ranges::any_of(parts.atoms,
                                [](const Atom& a) { return a.op == stix::ComparisonOperator::kExists && a.negated; });
  }

  void match(const EventView& event, std::vector<PatternHit>& hits) {
    ++number;
    event_ = &event;
    candidates.clear();
    slots_known = false;
    urls_size = 0;
    const Leaf* request[3] = {};  // host, target, port
    for (const Leaf& leaf : event.leaves) {
      if (leaf.role == Role::kHttpHost) request[0] = &leaf;
      if (leaf.role == Role::kHttpUri) request[1] = &leaf;
      if (leaf.role == Role::kHttpPort) request[2] = &leaf;
      const FieldId f = leaf.field;
      if (f == telemetry::kNoField || f >= triggers.size()) continue;
      const auto& targets = triggers[f];
      if (targets.empty()) continue;
      const std::uint16_t n = ordinal(f);
      if (n >= kMaxEventValues) {
        ++left_out;
        continue;
      }
      probe(leaf, targets, n);
    }
    if (request[1] != nullptr && asks_for_urls) probe_request(request);
    if (types) {
      gather();
      probe_types();
    }
    if (candidates.empty()) return;
    link();
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

  // How many places of the field the event had before.
  std::uint16_t ordinal(FieldId f) {
    if (first[f] != number) {
      first[f] = number;
      counts[f] = 0;
    }
    return counts[f]++;  // an event has fewer leaves than 65,536
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

  void probe_request(const Leaf* const request[3]) {
    const auto text = [&](const Leaf* leaf, std::string& storage) {
      return leaf == nullptr ? std::string_view() : event_->text(*leaf, storage);
    };
    request_urls(text(request[0], decoded), text(request[1], decoded_target), text(request[2], decoded_port), urls,
                 urls_size);
    const EventPaths& paths = *parts.event_paths;
    for (std::size_t i = 0; i < urls_size; ++i) {
      found.clear();
      if (parts.triggers.wants(paths.request_url()))
        parts.triggers.find(paths.request_url(), urls[i].view(), scratch, found);
      if (parts.triggers.wants(paths.request_type()))
        parts.triggers.find(paths.request_type(), kUrlType, scratch, found);
      for (const std::uint32_t expression : found)
        candidates.emplace_back(expression, Place{paths.request_slot(), urls[i].ordinal});
    }
  }

  // The objects of the event that some pattern reads of.
  void gather() {
    places.clear();
    used = 0;
    ++number;  // ordinals anew
    for (const Leaf& leaf : event_->leaves) {
      const FieldId f = leaf.field;
      if (f == telemetry::kNoField || f >= triggers.size()) continue;
      const auto& targets = parts.event_paths->targets(f);
      if (targets.empty()) continue;
      const std::uint16_t n = ordinal(f);
      if (n >= kMaxEventValues) continue;
      const std::string_view text = event_->text(leaf, decoded);
      const EventTarget* last = nullptr;
      std::size_t begin = used;
      for (const EventTarget& target : targets) {
        if (last == nullptr || last->cut != target.cut) {
          begin = used;
          cut_values(target.cut, text, leaf.quoted, n, kept, used);
          last = &target;
        }
        for (std::size_t i = begin; i < used; ++i)
          if (taken(target, f, kept[i])) places.push_back({target.slot, target.object(kept[i])});
      }
    }
    for (std::size_t i = 0; i < urls_size; ++i) places.push_back({parts.event_paths->request_slot(), urls[i].ordinal});
    std::ranges::sort(places);
    places.erase(std::unique(places.begin(), places.end()), places.end());
  }

  void probe_types() {
    for (const Place& place : places) {
      found.clear();
      parts.triggers.find_type(parts.event_paths->type(place.slot), found);
      for (const std::uint32_t expression : found) candidates.emplace_back(expression, place);
    }
  }

  // The leaves of each field, one after the other.
  void link() {
    ++number;
    next.resize(event_->leaves.size());
    for (std::uint32_t i = static_cast<std::uint32_t>(event_->leaves.size()); i-- > 0;) {
      const FieldId f = event_->leaves[i].field;
      if (f == telemetry::kNoField || f >= chain.size()) continue;
      next[i] = first[f] == number ? chain[f] : kNoLeaf;
      first[f] = number;
      chain[f] = i;
    }
  }

  bool holds(std::uint32_t expression, const Place& place) {
    const std::string& type = parts.event_paths->type(place.slot);
    return parts.holds(
        expression, [&](std::uint32_t path, const auto& take) { each_value(path, place, take); },
        [&](const std::string& wanted) { return wanted == type; });
  }

  template <class Take>
  void each_value(std::uint32_t path, const Place& place, const Take& take) {
    if (place.slot == parts.event_paths->request_slot() && urls_size > 0) {
      for (std::size_t i = 0; i < urls_size; ++i) {
        if (urls[i].ordinal != place.object) continue;
        if (path == parts.event_paths->request_url()) take(urls[i].view());
        if (path == parts.event_paths->request_type()) take(kUrlType);
      }
    }
    for (const auto& [f, target] : sources[path]) {
      if (target->slot != place.slot || first[f] != number) continue;
      std::uint16_t n = 0;
      for (std::uint32_t i = chain[f]; i != kNoLeaf && n < kMaxEventValues; i = next[i], ++n) {
        const Leaf& leaf = event_->leaves[i];
        std::size_t size = 0;
        cut_values(target->cut, event_->text(leaf, decoded), leaf.quoted, n, cut, size);
        for (std::size_t v = 0; v < size; ++v)
          if (target->object(cut[v]) == place.object && taken(*target, f, cut[v])) take(target->view(cut[v]));
      }
    }
  }

  PatternSetPtr set;
  const PatternParts& parts;
  static constexpr std::uint32_t kNoLeaf = 0xffffffff;
  std::vector<std::vector<EventTarget>> triggers;                            // by field
  std::vector<std::vector<std::pair<FieldId, const EventTarget*>>> sources;  // by path
  std::vector<std::uint32_t> chain, next;                                    // first leaf of a field, next of the same
  bool types = false, asks_for_urls = false;
  static constexpr ValueView kUrlType{.kind = ObservedValue::Kind::kString, .text = "url"};
  std::uint64_t number = 0;  // of the pass
  std::vector<std::uint64_t> first;
  std::vector<std::uint16_t> counts;
  const EventView* event_ = nullptr;
  std::vector<std::pair<std::uint32_t, Place>> candidates;
  std::vector<std::uint32_t> found;
  Triggers::Scratch scratch;
  std::vector<CutValue> cut, kept;
  std::size_t used = 0;
  std::vector<Place> places;
  std::string decoded, decoded_target, decoded_port;
  std::vector<CutValue> urls;  // of the event's request
  std::size_t urls_size = 0;
  bool slots_known = false;
  std::uint64_t slots = 0;
  std::uint64_t evaluated = 0, left_out = 0;
};

EventMatcher::EventMatcher(PatternSetPtr set) : impl_(std::make_unique<Impl>(std::move(set))) {}
EventMatcher::~EventMatcher() = default;
void EventMatcher::match(const EventView& event, std::vector<PatternHit>& hits) { impl_->match(event, hits); }
std::uint64_t EventMatcher::evaluated() const { return impl_->evaluated; }
std::uint64_t EventMatcher::left_out() const { return impl_->left_out; }

}  // namespace bongsu::detect
