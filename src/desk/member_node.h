// A member's node as the desk sees it: what it raised, what it holds, and a way to put something into it. AdminNode
// asks a real one over its admin socket; tests have one of their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace bongsu::desk {

struct NodeAlert {
  std::uint64_t seq = 0;  // of the node's own count: a later alert has a higher one
  std::string id;         // "alert--…"
  std::string indicator;  // STIX id, or a rule's name
  std::string matched;    // the value in the log
  std::optional<Instant> event_time;
};

struct NodeCollection {
  std::string alias;      // "exercise", "cert-ua.exercise"
  std::string mirror_of;  // member; empty: the node's own
  std::string exercise;   // UUID; empty: live
};

struct NodeObject {
  std::string id, type;
  std::string version;  // modified, or created
  Json body;
};

struct ObjectPage {
  std::vector<NodeObject> objects;
  std::uint64_t next = 0;
  bool more = false;
};

struct Published {
  std::uint64_t admitted = 0, duplicates = 0;
  std::vector<std::string> problems;  // "indicator--…: the reason"
};

// Calls wait for the node; errors: kUnavailable (it does not run), kTimeout, whatever it answers.
class MemberNode {
 public:
  virtual ~MemberNode() = default;
  // Those with a lower seq than `before` (0: all), newest first, at most `limit`.
  virtual Result<std::vector<NodeAlert>> alerts(std::uint32_t limit, std::uint64_t before) = 0;
  virtual Result<std::vector<NodeCollection>> collections() = 0;
  // What came into a collection after a position (0: all), as the node's own member sees it.
  virtual Result<ObjectPage> objects(const std::string& collection, std::uint64_t after) = 0;
  // The label by which this node treats a version of an object there: policy::Label::text(). An object without a
  // version of its own ("") has one label. kNotFound: it is not there (any more).
  virtual Result<std::string> label_of(const NodeObject& object, const std::string& collection) = 0;
  virtual Result<Published> publish(const std::string& collection, const JsonArray& objects) = 0;
};

}  // namespace bongsu::desk
