// Leaves of JSON objects, one object a line, without building a tree.
//
//   JsonWalker walker;
//   if (walker.index(run)) walker.walk(begin, end, storage);   // once for each line of the run, in order
//
// simdjson finds the structural characters of a whole run of lines at once (its stage 1); this class walks that list
// flat. Its internals are used in json_walker.cpp and nowhere else. What is checked: UTF-8, quotes and control
// characters (by stage 1), the grammar of RFC 8259 around them, numbers and literals, depth. Escapes are looked at when
// a value is read. Key names may repeat: each is a leaf.
//
// One thread at a time.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/event.h"

namespace bongsu::telemetry {

inline constexpr std::size_t kMaxJsonDepth = 128;
inline constexpr std::size_t kMaxEventLeaves = 65'000;

struct EventStorage {
  std::deque<std::string> keys;  // those that were written with escapes
  std::vector<Leaf> leaves;
  std::vector<Node> nodes;
  Format mark = Format::kText;  // what the keys tell about the format

  void clear() {
    if (!keys.empty()) keys.clear();
    leaves.clear();
    nodes.clear();
    nodes.emplace_back();
    mark = Format::kText;
  }
};

class JsonWalker {
 public:
  // Leaves that the map knows nothing to do with (numbers, literals and ignored fields that nobody wants) are left out
  // unless `everything`.
  explicit JsonWalker(FieldMapPtr map = FieldMap::standard(), bool everything = false);
  ~JsonWalker();

  // False: some line of the run is not well-formed at the level of bytes and quotes; index each line alone.
  bool index(std::string_view run);

  void use(FieldMapPtr map);

  // The line [begin, end) of the indexed run. Lines must come in order. nullptr, or what is wrong with it.
  const char* walk(std::size_t begin, std::size_t end, EventStorage& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::telemetry
