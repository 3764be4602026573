// MISP core format (draft-dulaunoy-misp-core-format) as values: the manifest of a feed, and events with everything in them.
//
//   formats::MispEvent event; std::vector<formats::MispProblem> problems;
//   BONGSU_TRY(event, formats::parse_misp_event(bytes, problems));
//
// MISP writes numbers and booleans as JSON numbers, booleans or strings, by version; each is read in any form. A part that breaks the
// format (an attribute without a UUID) is left out and named in `problems`; it never costs the rest.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/uuid.h"

namespace bongsu::formats {

inline constexpr std::size_t kMaxMispEventBytes = 512 * 1024 * 1024;
inline constexpr std::size_t kMaxMispProblems = 1000;   // kept; the count goes on

// MISP "distribution"; anything else that is there is kUnknown.
enum class MispDistribution : std::uint8_t { kAbsent, kOrganisation, kCommunity, kConnected, kAll, kSharingGroup, kInherit, kUnknown };

struct MispOrg {
  std::optional<Uuid> uuid;
  std::string name;
};

struct MispCluster {             // of a galaxy
  std::string galaxy_type;       // "mitre-attack-pattern", "threat-actor", …
  std::optional<Uuid> uuid;
  std::string value, description, tag_name;
};

struct MispAttribute {
  Uuid uuid;
  std::string type, category, value, comment;
  std::string object_relation;                 // within an object
  bool to_ids = false, deleted = false;
  MispDistribution distribution = MispDistribution::kAbsent;
  std::string sharing_group;                   // name or id
  Instant timestamp;
  std::string first_seen, last_seen;           // as written; empty = not said
  std::string data;                            // base64 of an attachment
  std::vector<std::string> tags;
  std::vector<MispCluster> clusters;
  std::uint32_t proposals = 0;                 // ShadowAttributes: proposed by others, not accepted
};

struct MispReference {
  std::string referenced_uuid, relationship_type;
};

struct MispObject {
  Uuid uuid;
  std::string name, meta_category, description, comment;
  bool deleted = false;
  MispDistribution distribution = MispDistribution::kAbsent;
  std::string sharing_group;
  Instant timestamp;
  std::string first_seen, last_seen;
  std::vector<MispAttribute> attributes;
  std::vector<MispReference> references;
};

struct MispEventReport {         // a text that belongs to the event
  Uuid uuid;
  std::string name, content;
  Instant timestamp;
  bool deleted = false;
  MispDistribution distribution = MispDistribution::kAbsent;
};

struct MispEvent {
  Uuid uuid;
  std::string info, date, extends_uuid;
  std::optional<std::int64_t> threat_level, analysis;
  bool published = false;
  Instant timestamp;
  std::optional<Instant> publish_timestamp;
  MispOrg orgc;
  MispDistribution distribution = MispDistribution::kAbsent;
  std::string sharing_group;
  std::vector<std::string> tags;
  std::vector<MispCluster> clusters;
  std::vector<MispAttribute> attributes;
  std::vector<MispObject> objects;
  std::vector<MispEventReport> reports;
  std::uint32_t proposals = 0;
};

struct MispProblem {
  std::string path;     // "Attribute[17].uuid"
  std::string message;
};

struct MispProblems {
  std::vector<MispProblem> first;   // at most kMaxMispProblems
  std::uint64_t count = 0;
  void add(std::string path, std::string message);
};

// kInvalid with the offset: not JSON; without an event, its UUID, or its timestamp. kTooLarge.
Result<MispEvent> parse_misp_event(std::string_view json, MispProblems& problems);

struct MispManifestEntry {
  Uuid uuid;
  std::string info;
  Instant timestamp;
};
// By UUID. Entries that cannot be read are named in `problems`.
Result<std::map<Uuid, MispManifestEntry>> parse_misp_manifest(std::string_view json, MispProblems& problems);

}  // namespace bongsu::formats
