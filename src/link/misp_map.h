// A MISP event as STIX 2.1 objects, so that nothing is lost and nothing becomes wider than it was.
//
//   const MappedEvent mapped = map_misp_event(event, {.feed_label = stix::Tlp::kGreen, .self = "cert-lt"});
//   mapped.objects        in an order in which each stands behind what it refers to; the report last
//
// Ids are MISP's own UUIDs (or made of them by UUIDv5), so that the same event gives the same objects. README.md has the tables: of types,
// and of distribution and TLP tags to markings (the strictest of all that apply; what is not understood counts as TLP:AMBER+STRICT).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/misp.h"
#include "link/prepared.h"
#include "stix/marking.h"

namespace bongsu::link {

struct MispMapOptions {
  stix::Tlp feed_label = stix::Tlp::kAmberStrict;  // nothing of the feed is wider than this
  std::string self;                                // own member id: whom "not beyond this community" means
};

// What the markings of one object come to.
struct MispLabel {
  stix::Tlp tlp = stix::Tlp::kAmberStrict;
  bool own_only = false;     // not to be released beyond this node
  bool operator==(const MispLabel&) const = default;
};
MispLabel stricter(const MispLabel& a, const MispLabel& b);
// The label that tags and a distribution ask for, on top of `outer` (the event's, or the feed's).
MispLabel misp_label(const MispLabel& outer, const std::vector<std::string>& tags, formats::MispDistribution distribution);

struct MappedEvent {
  std::vector<PreparedObject> objects;
  std::string report_id;
  std::vector<std::string> deleted;      // ids of what the event marks as deleted: to be revoked where they are known
  // Every attribute is in exactly one of these.
  std::uint64_t indicators = 0, observed = 0, vulnerabilities = 0, others = 0, kept_as_they_are = 0, deleted_attributes = 0;
  std::uint64_t attributes = 0;
  std::uint64_t proposals = 0;           // of third parties, not accepted by the author: not taken over
  formats::MispProblems problems;        // values that are not of their type: kept as they are, and named
};

MappedEvent map_misp_event(const formats::MispEvent& event, const MispMapOptions& options);

}  // namespace bongsu::link
