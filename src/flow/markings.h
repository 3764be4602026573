// Marking definitions that the node knows: the standard's, and those that were admitted, pinned by the hash of their content.
#pragma once

#include <map>
#include <memory>
#include <shared_mutex>
#include <string>

#include "base/hash.h"
#include "base/result.h"
#include "journal/journal.h"
#include "policy/label.h"
#include "stix/object.h"

namespace bongsu::flow {

// Safe from any thread.
class Markings {
 public:
  // Loads what was pinned before from the journal's state ("markings").
  static Result<std::unique_ptr<Markings>> load(journal::Journal& journal);

  // Pins a definition. kConflict if the id is pinned with other content (release rule R1: an attack or a mistake; the first stays).
  // The change to persist is added to `states`.
  Result<void> pin(const stix::Object& definition, std::vector<journal::StateChange>& states);

  policy::Label label_of(const stix::Object& object, stix::Tlp fallback) const;
  bool known(const stix::Id& id) const;

 private:
  mutable std::shared_mutex mutex_;
  struct Pinned { Json definition; Sha256 hash{}; };
  std::map<stix::Id, Pinned> pinned_;
};

}  // namespace bongsu::flow
