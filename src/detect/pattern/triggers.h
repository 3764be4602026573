// From a value to the few expressions that it could make true. Internal to the folder.
//
// Every [ … ] has triggers: comparisons of which one at least must hold when the expression does. A value that stands
// under a path is looked up once; what comes back is a superset of the expressions whose trigger holds (hashes collide,
// a literal of a regular expression is not the expression), and the caller evaluates each. The cost is that of the
// look-up and of what comes back, not of what is in the table:
//
//   equality, IN        one table over (path, value)
//   order of numbers    sorted by bound, for each path and direction: the prefix that holds
//   ISSUBSET            one look-up for each length of prefix that occurs
//   LIKE, MATCHES       literals that must occur, found by Vectorscan in one pass; RE2's FilteredRE2 says which
//   all other           tried at every value of the path, or object of the type
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "detect/pattern/atom.h"

namespace bongsu::detect {

class TextTriggers;  // LIKE and MATCHES of one path

class Triggers {
 public:
  // What a thread needs to look up; not shared.
  class Scratch {
   public:
    Scratch();
    ~Scratch();
    Scratch(Scratch&&) noexcept;
    Scratch& operator=(Scratch&&) noexcept;

   private:
    friend class Triggers;
    friend class TextTriggers;
    struct Parts;
    std::unique_ptr<Parts> parts_;
  };

  Triggers();
  ~Triggers();

  // How often a comparison will hold, as a guess: small is rare. Known after count() was told all comparisons.
  void count(const Atom& atom);
  double cost(const Atom& atom) const;

  void add(const Atom& atom, std::uint32_t expression);
  void add_type(std::string_view type, std::uint32_t expression);  // at every object of the type
  Result<void> build(std::size_t paths);

  // Some expression waits for a value under this path.
  bool wants(std::uint32_t path) const { return path < wanted_.size() && wanted_[path]; }
  const std::vector<bool>& wanted() const { return wanted_; }
  // Appends the expressions that the value may make true; one may come twice.
  void find(std::uint32_t path, const ValueView& value, Scratch& scratch,
            std::vector<std::uint32_t>& expressions) const;
  void find_type(std::string_view type, std::vector<std::uint32_t>& expressions) const;

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t first = 0, size = 0;  // of postings_; size 0: empty
  };
  // Bounds of one direction, sorted so that those which hold of a value come first.
  struct Bounds {
    std::vector<std::pair<long double, std::uint32_t>> below, below_or_equal;  // value > bound, value >= bound
    std::vector<std::pair<long double, std::uint32_t>> above, above_or_equal;  // value < bound, value <= bound
  };
  struct Path {
    bool equal_text = false, equal_number = false, equal_time = false;
    std::uint64_t v4_prefixes = 0;  // bit n: some block has /n
    std::array<std::uint64_t, 3> v6_prefixes{};
    std::unique_ptr<Bounds> bounds;
    std::unique_ptr<TextTriggers> text;
    std::vector<std::uint32_t> always;
  };

  Path& path(std::uint32_t id);
  void post(std::uint64_t hash, std::uint32_t expression);
  void look_up(std::uint64_t hash, std::vector<std::uint32_t>& expressions) const;

  std::vector<Path> paths_;
  std::vector<bool> wanted_;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> pending_;  // hash, expression; until build
  std::vector<std::uint64_t> filter_;                             // a bit a hash
  std::uint64_t filter_mask_ = 0;
  std::vector<Slot> slots_;
  std::uint64_t slot_mask_ = 0;
  std::vector<std::uint32_t> postings_;
  std::unordered_map<std::uint32_t, std::uint64_t> values_of_path_;  // distinct constants counted
  std::unordered_map<std::string, std::vector<std::uint32_t>> types_;
};

}  // namespace bongsu::detect
