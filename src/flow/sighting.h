// Sightings (STIX 2.1 §5.2): what goes back to the member whose indicator matched here.
//
// The originator learns that its indicator was seen, about when and how often; not where, not by whom of our
// constituents, not the event: where_sighted_refs and observed_data_refs stay out, times are cut to kSightingGrain
// (created and modified, too: the first hit makes the sighting), and counts are told in steps.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "flow/markings.h"
#include "journal/journal.h"
#include "policy/decide.h"

namespace bongsu::flow {

inline constexpr std::chrono::seconds kSightingGrain{60};
inline constexpr std::int64_t kMaxSightingCount = 999'999'999;  // STIX 2.1 §5.2.1
inline constexpr std::size_t kMaxSightingMarkings = 16;         // of the indicator that are kept

// What is told of a number of hits: 1, and from there on at least so many: 2, 10, 100, 1,000, …
std::int64_t told_count(std::int64_t hits);
// The beginning of its kSightingGrain.
Instant told_time(Instant at);

// Hits of one indicator within one window.
struct SightingWindow {
  std::string sighting_id;
  std::string indicator_id;
  journal::Seq indicator_ref = 0;  // the version that matched first
  std::string source;              // member who gave the indicator; own id for an own one
  std::string collection;          // (id) for its sighting: a drill's go to the drill's; worked out anew at a start
  policy::Label indicator_label;
  std::vector<std::string> statements;  // markings of the indicator that are neither TLP nor a list of members
  Instant created, modified;
  Instant first_seen, last_seen;
  std::int64_t count = 0, written = 0;  // hits; hits that the newest written version tells of
  std::chrono::nanoseconds opened{0};   // monotonic

  void hit(Instant at);

  // What is kept of a window while it has hits that no version tells of yet. The indicator's markings are read anew.
  std::string state_text() const;
};
Result<SightingWindow> read_sighting_window(std::string_view text);

// The members that a sighting of this source's indicator goes to: the source, or nobody when it is our own.
std::set<policy::MemberId> sighting_recipients(const std::string& source, const std::string& self);
// The marking definition for them. One text for each (source, self), so it is admitted once.
std::string sighting_marking(const std::string& source, const std::string& self);

// Markings of the indicator that its sightings carry on: all but TLP (the effective level is written instead) and lists
// of members (the sighting has its own, which is never wider: it names the originator alone). `exercise`: whose
// collections the indicator is in; empty: live.
std::vector<std::string> carried_markings(const stix::Object& indicator, const Markings& markings,
                                          const std::string& exercise);

// The next version of the window's sighting, with what to decide it on.
struct SightingEntry {
  journal::NewEntry entry;
  policy::ObjectFacts facts;
};
SightingEntry make_sighting(const SightingWindow& window, const std::string& self, const std::string& identity_id,
                            const std::string& collection);

}  // namespace bongsu::flow
