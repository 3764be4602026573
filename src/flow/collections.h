// The collections of this node (TAXII 2.1 §5): its own, and one mirror for each collection of a partner that it follows.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "base/result.h"
#include "journal/journal.h"
#include "stix/marking.h"

namespace bongsu::flow {

struct Collection {
  std::string id;                 // UUID
  std::string alias;              // "shared"; mirrors: "cert-ua.shared"
  std::string title, description;
  bool writable = true;           // TAXII clients with the right may POST; mirrors never
  std::string mirror_of;          // member whose collection this mirrors; empty = own
  std::string remote_id;          // id at that member
  stix::Tlp fallback = stix::Tlp::kAmberStrict;  // label of objects that carry no TLP marking
  Json json() const;
  static Result<Collection> parse(const Json& json);
};

// Safe from any thread. Kept in the journal's state ("collections").
class Collections {
 public:
  static Result<std::unique_ptr<Collections>> load(journal::Journal& journal);
  std::vector<Collection> list() const;                                    // by alias
  std::optional<Collection> find(std::string_view id_or_alias) const;
  Result<Collection> add(Collection collection, Random& random);           // makes the id if empty; kConflict: alias taken
  // The mirror of a partner's collection, made if absent.
  Result<Collection> mirror(std::string_view member, std::string_view remote_id, std::string_view remote_alias, std::string_view title, Random& random);

 private:
  explicit Collections(journal::Journal& journal) : journal_(journal) {}
  journal::Journal& journal_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, Collection> by_id_;
};

}  // namespace bongsu::flow
