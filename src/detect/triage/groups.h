// Groups: everything that was found about one entity within one time, as one line with all of it inside.
//
//   hit     one match of one event
//   alert   the hits of one indicator or rule on one entity within the alert window: the first is kept whole, of the
//           first few the position, of all the number
//   group   the alerts of one entity within the group window
//
//   groups.open({.number = 0, .entity = e, .at = t, .risk = 56, .subject = subject});
//   groups.join(0, tally);                          // the alert's numbers, newer
//   groups.list({.limit = 50}, sight);              // highest risk first
//
// ("Case" is a word of tracing's here, "incident" one of response; a group is neither: nobody opened it.)
//
// Who looks sees what it may see: every number of a view, its risk and its times, come from the alerts whose subject
// the Sight holds, and from nothing else. A group of which nothing is visible is not there.
//
// A value: no clock, no journal. Not safe from several threads. What is open can be looked up under the caller's lock.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "detect/alert.h"
#include "detect/triage/windows.h"

namespace bongsu::detect::triage {

inline constexpr std::size_t kMaxGroupedAlerts = 200'000;  // beyond, the oldest groups are forgotten (not the alerts)
inline constexpr std::size_t kMaxAlertsPerGroup = 10'000;  // beyond, a further group is opened
inline constexpr std::size_t kMaxTechniques = 32;          // of one alert
inline constexpr std::size_t kShownSubjects = 20;          // named in a view, by risk; `subjects` counts all
inline constexpr std::size_t kBars = 24;                   // of a view's curve
inline constexpr std::size_t kMaxUnlisted = 10'000;        // subjects whose unlisted hits are counted by name

enum class Verdict : std::uint8_t { kOpen, kTrue, kFalse, kBenign };

// A technique of ATT&CK. What a relation in the journal says is told to who may see that relation.
struct Technique {
  std::string id, name;              // "T1071.004"; "Application Layer Protocol: DNS" where known
  std::vector<std::string> tactics;  // "command-and-control"
  std::string collection;            // empty: by the rule itself
  std::string label;                 // of the relation and what it points to, opaque here
  Json json() const;
  static Result<Technique> parse(const Json& json);
  bool operator==(const Technique&) const = default;
};

// What was found, and by whom it is said: the part of an alert that decides who may see it.
struct Subject {
  std::string indicator_id, source;
  std::uint64_t ref = 0;  // the version that matched
  Value value;
  std::string rule, language, level;  // empty: an indicator
  std::string label;                  // of the version that matched, opaque here; empty: from before it was kept
  static Subject of(const Alert& alert);
  Json json() const;
  static Result<Subject> parse(const Json& json);
  auto operator<=>(const Subject&) const = default;
};
using SubjectPtr = std::shared_ptr<const Subject>;

// The numbers of one alert.
struct Tally {
  std::uint64_t hits = 0;
  std::uint64_t unkept = 0;                                   // of them, those of which only this number is kept
  Instant first, last;                                        // of the events
  std::vector<std::pair<std::int64_t, std::uint64_t>> hours;  // hits by hour since 1970, in order

  void add(Instant at, bool kept);
  Json json() const;
  static Result<Tally> parse(const Json& json);
  bool operator==(const Tally&) const = default;
};

// When the event was; an event without a time, or with one that lies ahead, was when it was found.
Instant time_of(const Alert& alert);
// What the hits of one alert have in common.
Uuid alert_key(const Alert& alert, std::string_view suppressed_by);

struct Opened {
  std::uint64_t number = 0;  // of the alert; larger than all before
  std::uint64_t seq = 0;     // of its entry
  Entity entity;
  Instant at;
  int risk = 0;
  bool warned = false;        // stands in a warning list
  std::string suppressed_by;  // id
  Subject subject;
  std::vector<Technique> techniques;
  Tally tally;
};

// What somebody may see.
struct Sight {
  bool everything = false;
  std::unordered_set<const Subject*> subjects;            // otherwise
  std::function<bool(const Technique& technique)> reads;  // of those that a relation says; empty: all
  bool sees(const Subject* subject) const { return everything || subjects.contains(subject); }
};

enum class GroupOrder : std::uint8_t { kRisk, kNewest };
struct GroupQuery {
  bool open_only = false;   // groups with an alert that nobody has judged
  bool suppressed = false;  // groups with suppressed alerts, instead of the others
  std::string text;         // part of the entity, a value, an indicator's id, a source, a rule or a technique
  GroupOrder order = GroupOrder::kRisk;
  std::string after;  // GroupPage::next of the page before
  std::uint32_t limit = 50;
};

struct GroupView {
  std::string id;  // "group--UUID"
  Entity entity;
  int risk = 0;  // highest of the alerts that are not judged false or benign, and not suppressed
  Instant first, last;
  std::uint64_t newest = 0;                                  // entry of the newest alert
  std::uint64_t alerts = 0, open = 0, hits = 0, unkept = 0;  // without suppressed ones
  std::uint64_t suppressed_alerts = 0, suppressed_hits = 0;
  std::uint64_t warned_alerts = 0;
  struct Line {
    SubjectPtr subject;
    int risk = 0;
    std::uint64_t hits = 0;
    bool warned = false;
  };
  std::vector<Line> lines;     // by risk, then hits
  std::uint64_t subjects = 0;  // distinct (indicator or rule, source)
  std::vector<Technique> techniques;
  std::vector<std::uint64_t> curve;  // hits from first to last in kBars equal parts, by the hours they fell in
  bool operator==(const GroupView&) const;
};

struct GroupPage {
  std::vector<GroupView> groups;
  std::string next;         // empty: that was all
  std::uint64_t total = 0;  // that fit the query
};

// Hits beyond the overall rate: in no alert.
struct Unlisted {
  SubjectPtr subject;
  std::uint64_t hits = 0;
  Instant first, last;
};

class Groups {
 public:
  explicit Groups(std::chrono::seconds window) : window_(window), open_(window, kMaxGroupedAlerts) {}

  void open(Opened alert);
  // What the alert has now. Forgotten alerts are passed over.
  void join(std::uint64_t number, const Tally& tally);
  void judge(std::uint64_t number, Verdict verdict);
  const Tally* tally(std::uint64_t number) const;    // nullptr: not here
  std::string group_of(std::uint64_t number) const;  // its id; empty: not here

  GroupPage list(const GroupQuery& query, const Sight& sight) const;
  std::optional<GroupView> view(std::string_view id, const Sight& sight) const;
  // The group's alerts that are visible, highest risk first, then newest; `suppressed` ones or the others.
  std::vector<std::uint64_t> alerts(std::string_view id, bool suppressed, const Sight& sight) const;
  std::vector<SubjectPtr> subjects() const;  // of all alerts and unlisted hits here
  // Hits of a suppression.
  std::uint64_t suppressed_hits(std::string_view suppression, const Sight& sight) const;

  void set_unlisted(const Uuid& key, Unlisted hits);  // the newest numbers of this subject
  const std::map<Uuid, Unlisted>& unlisted() const { return unlisted_; }
  static Uuid subject_key(const Subject& subject);
  SubjectPtr intern(Subject subject);

  struct Totals {
    std::uint64_t groups = 0, hits = 0, suppressed_alerts = 0, suppressed_hits = 0, unlisted = 0;
    bool operator==(const Totals&) const = default;
  };
  Totals totals(const Sight& sight) const;
  void clear();

 private:
  struct Row {
    std::uint64_t number = 0, seq = 0;
    SubjectPtr subject;
    int risk = 0;
    bool warned = false;
    Verdict verdict = Verdict::kOpen;
    std::shared_ptr<const std::string> suppressed_by;
    std::shared_ptr<const std::vector<Technique>> techniques;
    Tally tally;
  };
  struct Group {
    std::string id;
    Entity entity;
    Uuid key;
    std::vector<Row> rows;
  };
  struct Brief {
    int risk = 0;
    std::uint64_t newest = 0;
    std::size_t at = 0;
  };
  struct Memo;
  Row* row(std::uint64_t number);
  const Row* row(std::uint64_t number) const { return const_cast<Groups*>(this)->row(number); }
  const Group* find(std::string_view id) const;
  std::optional<Brief> brief(std::size_t at, const GroupQuery& query, std::string_view folded,
                             const Sight& sight) const;
  GroupView make_view(const Group& group, const Sight& sight) const;
  void forget_oldest();

  std::chrono::seconds window_;
  Windows open_;
  std::deque<Group> groups_;
  std::uint64_t first_ = 0;  // number of groups_.front()
  std::size_t rows_ = 0;
  std::unordered_map<std::uint64_t, std::pair<std::uint64_t, std::uint32_t>> places_;  // alert → group, row
  std::unordered_map<std::string, std::uint64_t> by_id_;
  std::unordered_map<Uuid, std::weak_ptr<const Subject>, UuidHash> subjects_;
  std::size_t prune_at_ = 1024;
  std::map<Uuid, Unlisted> unlisted_;
};

}  // namespace bongsu::detect::triage
