#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "formats/misp.h"
#include "link/feeds.h"
#include "link/misp_map.h"

namespace bongsu::link {
namespace {

constexpr std::string_view kSpace = "feed";
constexpr std::size_t kMaxFirstProblems = 20;

// What one event makes and no other one refers to. Clusters, observables and authors are shared, and stay.
constexpr std::string_view kOwnTypes[] = {"indicator", "observed-data",    "vulnerability",
                                          "campaign",  "x-misp-attribute", "x-misp-object"};

class Look {
 public:
  Look(const FeedSettings& feed, FeedSource& source, FeedParts& parts, const std::function<bool()>& stop)
      : feed_(feed),
        source_(source),
        parts_(parts),
        stop_(stop),
        writer_(parts.journal, parts.admission,
                {.collection = feed.collection, .origin = parts.self, .fallback = feed.label}, feed.name, parts.log) {}

  Result<FeedReport> run() {
    BONGSU_TRY(const std::string text, source_.read("manifest.json"));
    formats::MispProblems problems;
    BONGSU_TRY(const auto manifest, formats::parse_misp_manifest(text, problems));
    note(problems, "manifest.json");
    for (const auto& [uuid, entry] : manifest) {
      if (stop_ && stop_()) return fail(ErrorCode::kCancelled, "stopped");
      ++report_.documents;
      const std::string key = fmt::format("{}/{}", feed_.name, uuid.text());
      // A changed label changes every object, whatever the event's timestamp says.
      const std::string state = fmt::format("{} {}", entry.timestamp.seconds, stix::to_string(feed_.label));
      BONGSU_TRY(const auto before, parts_.journal.state(kSpace, key));
      if (before == state) continue;
      const auto done = take(uuid, {std::string(kSpace), key, state});
      if (done) {
        ++report_.changed;
      } else if (is_ours(done.error())) {
        return std::unexpected(done.error());
      } else {
        ++report_.failed;
        add_problem(fmt::format("{}.json: {}", uuid.text(), done.error().text()));
      }
    }
    return std::move(report_);
  }

 private:
  // The journal's trouble ends the look; an event's own trouble costs that event.
  static bool is_ours(const Error& error) {
    switch (error.code) {
      case ErrorCode::kNoSpace:
      case ErrorCode::kCancelled:
      case ErrorCode::kCorrupt:
      case ErrorCode::kInternal:
        return true;
      default:
        return false;
    }
  }

  Result<void> take(const Uuid& uuid, journal::StateChange state) {
    BONGSU_TRY(const std::string text, source_.read(uuid.text() + ".json"));
    formats::MispProblems problems;
    BONGSU_TRY(const auto event, formats::parse_misp_event(text, problems));
    if (event.uuid != uuid) return fail(ErrorCode::kInvalid, "the event in it is another one", {.field = "Event.uuid"});
    MappedEvent mapped = map_misp_event(event, {.feed_label = feed_.label, .self = parts_.self});
    note(problems, uuid.text());
    note(mapped.problems, uuid.text());
    report_.entries += mapped.attributes;
    report_.kept_as_they_are += mapped.kept_as_they_are;

    BONGSU_TRY(const auto gone, gone_from(event, mapped));
    // Revocations first: if this stops half-way, the event counts as not taken, and the rest follows next time.
    BONGSU_TRY(const auto revoked, writer_.revoke(gone, event.timestamp, {}, stop_));
    BONGSU_TRY(const auto written, writer_.write(std::move(mapped.objects), {std::move(state)}, stop_));
    report_.objects += revoked;
    report_.objects += written;
    return {};
  }

  // What the event's last report here named and the event has no more, and what it marks as deleted.
  Result<std::vector<std::string>> gone_from(const formats::MispEvent& event, const MappedEvent& mapped) {
    std::vector<std::string> gone = mapped.deleted;
    std::set<std::string> now;
    for (const auto& object : mapped.objects) now.insert(object.id());
    for (const char* type : {"report", "grouping"}) {
      BONGSU_TRY(const auto before, writer_.newest(fmt::format("{}--{}", type, event.uuid.text())));
      const Json* refs = before ? find(*before, "object_refs") : nullptr;
      if (!refs || !refs->is_array()) continue;
      for (const Json& ref : refs->get_array()) {
        if (!ref.is_string()) continue;
        const std::string id(ref.get_string());
        const std::string_view id_type = std::string_view(id).substr(0, id.find("--"));
        if (std::ranges::find(kOwnTypes, id_type) != std::end(kOwnTypes) && !now.contains(id)) gone.push_back(id);
      }
    }
    std::ranges::sort(gone);  // what is marked as deleted was in the last report, too
    gone.erase(std::ranges::unique(gone).begin(), gone.end());
    return gone;
  }

  void note(const formats::MispProblems& problems, std::string_view where) {
    report_.problems += problems.count;
    for (const auto& problem : problems.first) {
      if (report_.first_problems.size() >= kMaxFirstProblems) return;
      report_.first_problems.push_back(fmt::format("{}: {} {}", where, problem.path, problem.message));
    }
  }
  void add_problem(std::string text) {
    parts_.log.warn("feed.event_failed", {{"feed", feed_.name}, {"error", text}});
    if (report_.first_problems.size() < kMaxFirstProblems) report_.first_problems.push_back(std::move(text));
  }

  const FeedSettings& feed_;
  FeedSource& source_;
  FeedParts& parts_;
  const std::function<bool()>& stop_;
  FeedWriter writer_;
  FeedReport report_;
};

}  // namespace

Result<FeedReport> look_at_misp_feed(const FeedSettings& feed, FeedSource& source, FeedParts& parts,
                                     const std::function<bool()>& stop) {
  return Look(feed, source, parts, stop).run();
}

}  // namespace bongsu::link
