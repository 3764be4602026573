// Puts what a gateway made into a collection, so that a second run writes new versions of what changed and of nothing else.
//
//   FeedWriter writer(journal, admission, {.collection = id, .origin = self, .fallback = label}, "infoblox", log);
//   BONGSU_TRY(const WriteCounts counts, writer.write(mapped.objects, {state that belongs to them}));
//
// An object that is here with the same content is left alone; with other content it becomes a new version, dated by the source or at
// least a millisecond after the last one. A revoked object stays revoked (STIX 2.1 §3.6): what comes back gets an id of its own, made of
// the old one. An erased one is not brought back.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "flow/admit.h"
#include "journal/journal.h"
#include "link/prepared.h"

namespace bongsu::link {

struct FeedTarget {
  std::string collection;   // id
  std::string origin;       // member id that the objects count as: own
  stix::Tlp fallback = stix::Tlp::kAmberStrict;
};

struct WriteCounts {
  std::uint64_t added = 0, changed = 0, unchanged = 0, revoked = 0, refused = 0;
  WriteCounts& operator+=(const WriteCounts& other);
};

class FeedWriter {
 public:
  FeedWriter(journal::Journal& journal, flow::Admission& admission, FeedTarget target, std::string feed, Log& log)
      : journal_(journal), admission_(admission), target_(std::move(target)), feed_(std::move(feed)), log_(log) {}

  // `states` are written with the last commit. `stop` is asked between commits: kCancelled, and the states are not written.
  Result<WriteCounts> write(std::vector<PreparedObject> objects, std::vector<journal::StateChange> states,
                            const std::function<bool()>& stop = {});
  // Makes a last, revoked version of each that is here and is not revoked yet.
  Result<WriteCounts> revoke(std::span<const std::string> ids, Instant at, std::vector<journal::StateChange> states,
                             const std::function<bool()>& stop = {});
  // The newest version of an object in the collection; nullopt if there is none.
  Result<std::optional<Json>> newest(std::string_view id);

 private:
  struct Known {
    bool erased = false;
    std::optional<JsonObject> body;
    bool revoked() const;
  };
  Result<Known> known(journal::Snapshot& snapshot, std::string_view id);
  Result<void> rename_revoked(std::vector<PreparedObject>& objects);
  Result<void> admit(std::vector<std::string>& texts, WriteCounts& counts, std::vector<journal::StateChange> states);

  journal::Journal& journal_;
  flow::Admission& admission_;
  const FeedTarget target_;
  const std::string feed_;
  Log& log_;
};

}  // namespace bongsu::link
