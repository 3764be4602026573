// Fields that a line of text holds, as leaves beside the line's own: what the readers of syslog, CEF, LEEF, key=value
// and CSV write to.
//
//   LineFields fields(map, everything, storage);
//   const auto cef = fields.container("cef");
//   fields.add(cef, "src", "198.51.100.7");             // the row "cef.src" of the map says what it is
//
// The line's text is a leaf already, in which indicators are looked for by tokens: a field of role text is therefore
// looked into only when its escapes hide what the line's text shows. Views point into the line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "telemetry/event.h"
#include "telemetry/json_walker.h"

namespace bongsu::telemetry {

inline constexpr std::size_t kMaxLineFields = 1'024;  // of one line; the rest stays text

// Where fields stand; the event itself at first.
struct FieldContainer {
  std::uint64_t path = FieldMap::kRoot;
  std::uint16_t node = 0;
};

class LineFields {
 public:
  using Container = FieldContainer;

  LineFields(const FieldMap& map, bool everything, EventStorage& out) : map_(map), everything_(everything), out_(out) {}

  // `key` must live as long as the line.
  Container container(std::string_view key, Container in = {}) {
    if (out_.nodes.size() >= kMaxEventLeaves) return in;
    const auto node = static_cast<std::uint16_t>(out_.nodes.size());
    out_.nodes.push_back({key.data(), static_cast<std::uint32_t>(key.size()), in.node});
    return {FieldMap::extend(in.path, key), node};
  }

  void add(Container in, std::string_view key, std::string_view value, Leaf::Escape escape = Leaf::Escape::kNone) {
    if (value.empty() || count_ >= kMaxLineFields) return;
    ++count_;
    const FieldMap::Found found = map_.locate(in.path, key).found;
    Role role = found.role == Role::kTransparent ? Role::kShape : found.role;
    if (role == Role::kText && escape == Leaf::Escape::kNone) role = Role::kIgnore;
    if (role == Role::kIgnore && !found.wanted && !everything_) return;
    out_.leaves.push_back({value.data(), key.data(), static_cast<std::uint32_t>(value.size()),
                           static_cast<std::uint32_t>(key.size()), in.node, found.field, role, escape, true});
  }

  // To take back what a wrong guess wrote.
  struct Mark {
    std::size_t leaves, nodes, count;
  };
  Mark mark() const { return {out_.leaves.size(), out_.nodes.size(), count_}; }
  void back_to(const Mark& mark) {
    out_.leaves.resize(mark.leaves);
    out_.nodes.resize(mark.nodes);
    count_ = mark.count;
  }

 private:
  const FieldMap& map_;
  const bool everything_;
  EventStorage& out_;
  std::size_t count_ = 0;
};

}  // namespace bongsu::telemetry
