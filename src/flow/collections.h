// The collections of this node (TAXII 2.1 §5): its own, and one mirror for each collection of a partner that it
// follows.
//
//   BONGSU_TRY(auto shared, collections->add({.alias = "shared", .title = "Shared intelligence"}, random));
//   collections->find("shared"), collections->find(shared.id)        // the same
//   BONGSU_TRY(auto mirror, collections->mirror("cert-ua", remote_id, "shared", "Shared", "", random));
//   mirror.alias                                                      // "cert-ua.shared"
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "base/result.h"
#include "journal/journal.h"
#include "policy/agreement.h"
#include "stix/marking.h"

namespace bongsu::flow {

inline constexpr std::size_t kMaxCollections = 1024;
inline constexpr std::size_t kMaxCollectionText = 4096;  // bytes of a title or description

struct Collection {
  std::string id;     // UUID, lower case
  std::string alias;  // "shared"; mirrors: "cert-ua.shared". [a-z0-9][a-z0-9._-]{0,127}, never the form of a UUID
  std::string title, description;
  bool writable = true;                          // TAXII clients with the right may POST; mirrors never
  std::string mirror_of;                         // member whose collection this mirrors; empty = own
  std::string remote_id;                         // id at that member
  // UUID of the exercise that it belongs to; empty: live. It stays what it was made for. All that is admitted into it
  // bears the exercise's marking, and nothing that does gets into another.
  std::string exercise;
  stix::Tlp fallback = stix::Tlp::kAmberStrict;  // label of objects that carry no TLP marking
  Json json() const;
  static Result<Collection> parse(const Json& json);
  bool operator==(const Collection&) const = default;
};

// Safe from any thread. Kept in the journal's state ("collections"), one value each, by id.
class Collections {
 public:
  static Result<std::unique_ptr<Collections>> load(journal::Journal& journal);
  std::vector<Collection> list() const;  // by alias
  std::optional<Collection> find(std::string_view id_or_alias) const;
  // Makes the id if empty, and the title from the alias. Returns when durable. kConflict: alias or id taken. kInvalid
  // names the field.
  Result<Collection> add(Collection collection, Random& random);
  // The mirror of a partner's collection, made if absent. kConflict: it was made for another exercise, or for live
  // information. What a partner calls its collection cannot harm: characters
  // that an alias may not have become "-", and an alias that is taken gets the beginning of the remote id.
  Result<Collection> mirror(std::string_view member, std::string_view remote_id, std::string_view remote_alias,
                            std::string_view title, std::string_view exercise, Random& random);
  // This node's own collection for what it says itself in an exercise; nullopt: it takes no part.
  std::optional<Collection> own_of(std::string_view exercise) const;

 private:
  explicit Collections(journal::Journal& journal) : journal_(journal) {}
  Result<Collection> add_locked(Collection collection, Random& random);
  journal::Journal& journal_;
  std::mutex writing_;  // held while a change becomes durable; readers go on
  mutable std::shared_mutex mutex_;
  std::map<std::string, Collection> by_id_;
};

// An agreement with its collections as ids, as policy::PolicyState wants it. kNotFound names the alias that is none.
Result<policy::Agreement> with_collection_ids(policy::Agreement agreement, const Collections& collections);

}  // namespace bongsu::flow
