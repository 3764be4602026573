// Marking definitions that the node knows: the standard's, and those that were admitted, pinned by the hash of their
// content.
//
// A marking-definition cannot be versioned (STIX 2.1 §7.2.1), so an id means one content for ever: the first that was
// admitted.
#pragma once

#include <map>
#include <memory>
#include <shared_mutex>
#include <span>
#include <string>

#include "base/hash.h"
#include "base/result.h"
#include "journal/journal.h"
#include "policy/label.h"
#include "stix/object.h"

namespace bongsu::flow {

inline constexpr std::size_t kMaxPinnedMarkings = 100'000;
inline constexpr std::size_t kMaxMarkingBytes = 64 * 1024;

// What an exercise's collections bring is pinned for that exercise alone (its UUID; empty: what is live), so that a drill
// takes no id from what is live; in a drill everything that is live is known as well, and
// everywhere that a marking is some drill's.
//
// Safe from any thread.
class Markings {
 public:
  // Loads what was pinned before from the journal's state ("markings", and "markings.exercise" for drills).
  static Result<std::unique_ptr<Markings>> load(journal::Journal& journal);

  // Pins a definition. kConflict if the id is pinned with other content, or is one of the standard's TLP ids and says
  // another level (an attack or a mistake; the first stays). Content is compared as RFC 8785 text:
  // spelling does not matter. kTooLarge beyond kMaxMarkingBytes or kMaxPinnedMarkings. The change to persist is added
  // to `states`, again until made_durable() says that it was written.
  Result<void> pin(const stix::Object& definition, std::vector<journal::StateChange>& states,
                   const std::string& exercise = "");
  // The states of a committed batch: pins among them need not be written again.
  void made_durable(std::span<const journal::StateChange> states);

  // The label of the object by its markings alone. Objects that it refers to are Admission's matter.
  policy::Label label_of(const stix::Object& object, stix::Tlp fallback, const std::string& exercise = "") const;
  bool known(const stix::Id& id, const std::string& exercise = "") const;
  // Whether this pinned definition names members that its objects may go to.
  bool names_members(const stix::Id& id, const std::string& exercise = "") const;

 private:
  struct Pinned {
    Json definition;
    Sha256 hash{};
    bool durable = false;
  };
  using Pins = std::map<stix::Id, Pinned>;
  const Pinned* pinned(const stix::Id& id, const std::string& exercise) const;  // under mutex_
  // The same, or else a definition by which some drill's objects can be told.
  const Pinned* find(const stix::Id& id, const std::string& exercise) const;
  mutable std::shared_mutex mutex_;
  std::map<std::string, Pins> pinned_;  // by exercise
};

}  // namespace bongsu::flow
