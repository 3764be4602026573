// The copies of an object that leave without some of it: one serialisation and one proof for each selection, however
// many members share it.
//
//   Copies copies(facts, entry.payload, entry.proof, log);
//   if (const Copy* copy = copies.of(outcome)) entry.releases.push_back({.view = view, .payload = copy->payload, …});
//   else …                                    // it cannot be made: withheld
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "flow/release_plan.h"
#include "policy/decide.h"

namespace bongsu::flow {

struct Copy {
  std::string payload;
  // Derives it from what its originator signed (crypto/origin.h). Empty: the whole has no proof, or the copy is no part
  // of what was signed; then it is signed by this node when it is sent (Origins::proof_of).
  std::string proof;
};

// Borrows what it is given.
class Copies {
 public:
  Copies(const policy::ObjectFacts& facts, std::string_view payload, std::string_view proof, Log& log)
      : facts_(facts), payload_(payload), proof_(proof), log_(log) {}
  // For an outcome that is kRedact. nullptr: nothing can be given.
  const Copy* of(const Outcome& outcome);
  std::optional<Copy> take(const Outcome& outcome);

 private:
  const policy::ObjectFacts& facts_;
  std::string_view payload_, proof_;
  Log& log_;
  std::map<Outcome, std::optional<Copy>> made_;
};

}  // namespace bongsu::flow
