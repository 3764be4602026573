// LIKE and MATCHES of one path: which of thousands could match a text? Internal to the folder.
//
// RE2's FilteredRE2 finds for each expression the literals that must occur in any match, joined by AND and OR;
// Vectorscan looks for all literals of all expressions in one pass without case. Both make a superset.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "detect/pattern/triggers.h"

namespace bongsu::detect {

class TextTriggers {
 public:
  TextTriggers();
  ~TextTriggers();

  static double cost(const Atom& atom);

  // False: it has no literal worth looking for.
  bool add(const Atom& atom, std::uint32_t expression);
  Result<void> build();
  void find(std::string_view text, Triggers::Scratch& scratch, std::vector<std::uint32_t>& expressions) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bongsu::detect
