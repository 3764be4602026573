// The search projection: objects by text, by value of an observable, by relation. Thrown away and rebuilt at will.
//
// A follower reads the journal's change feed and applies it here; the cursor is stored with the rows. Its file (search.db) holds
// text of objects, so an erasure rebuilds what held it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "journal/journal.h"

namespace bongsu::journal {

struct SearchHit {
  Seq seq = 0;
  std::string object_id, type, collection, name, version, origin, label;  // name: the best short text for a person
  std::string snippet;                                                    // with the match, plain text
};

struct Relation {          // an edge that touches the object, either by a reference property or through a relationship/sighting object
  std::string from, to;    // object ids
  std::string kind;        // relationship_type, or the property: "created_by_ref", "object_refs"
  std::string through;     // id of the relationship or sighting object; empty for embedded references
};

class Search {
 public:
  virtual ~Search() = default;
  virtual Seq cursor() const = 0;
  // Applies entries (with their payloads; empty payload = erased) in order; idempotent below the cursor.
  struct Item { Entry entry; std::string payload; };
  virtual Result<void> apply(std::span<const Item> items) = 0;
  // Words of `query` all present, in any order; last word as a prefix. Newest first. Only the newest version of an object per collection.
  virtual Result<std::vector<SearchHit>> text(std::string_view query, std::uint32_t limit) = 0;
  // Objects that hold this value, exactly, as an observable (kind as detect's names: "ipv4-addr", "domain-name", …; empty = any).
  virtual Result<std::vector<SearchHit>> value(std::string_view kind, std::string_view value, std::uint32_t limit) = 0;
  virtual Result<std::vector<Relation>> relations(std::string_view object_id, std::uint32_t limit) = 0;
  // Ids of all objects that name this one, in any version that is here and whatever else was asked: in order, each once.
  virtual Result<std::vector<std::string>> referrers(std::string_view object_id) = 0;
  virtual Result<void> reset() = 0;              // throw away; the follower rebuilds from 0
  virtual Result<std::string> digest() = 0;      // SHA-256 over all rows in key order: rebuilt equal or not
};

Result<std::unique_ptr<Search>> open_search(const std::filesystem::path& directory);  // empty path = in memory

}  // namespace bongsu::journal
