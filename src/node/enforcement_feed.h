// Indicators as files for enforcement points: a projection of the journal on disk, one folder a format, that firewalls
// and sensors fetch (api/enforcement) and `bongsu export enforcement` copies.
//
//   <data>/enforcement/rpz/bongsu.rpz                 what was released and can be said in the format
//   <data>/enforcement/rpz/unexpressed.ndjson         what was released and cannot: id, kind, value, reason
//
// Every value passes flow::EnforcementRules; what is withheld is counted by reason and never written. Files are written
// anew when the journal moved and stood still for a moment, and now and then for what begins or ends to be valid; when
// that failed for long, what is there may have been recalled and is served no more until it is written again. Equal
// indicators give equal bytes, so an entity tag changes only with the content. Nothing is kept that the journal cannot
// give again, but the zone's serial, which must not go back: it is the time of its last change.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "api/enforcement/enforcement_api.h"
#include "base/json.h"
#include "base/result.h"
#include "detect/warning_lists.h"
#include "flow/enforcement.h"
#include "formats/enforcement.h"
#include "node/core.h"

namespace bongsu::node {

// Released values; those beyond are skipped and counted, and what goes on in the files is decided as ever.
inline constexpr std::size_t kMaxEnforcementItems = 5'000'000;
inline constexpr std::size_t kMaxEnforcementItemsOfOrigin = 1'000'000;  // so that one member cannot crowd out all
inline constexpr std::size_t kMaxUnexpressedListed = 100'000;           // in a format's list; all are counted
inline constexpr std::chrono::minutes kEnforcementRefresh{5};           // for validity, if nothing else moves
inline constexpr std::chrono::minutes kEnforcementRetry{1};             // after a build that failed
inline constexpr std::chrono::minutes kEnforcementFailing{10};          // of overdue builds, then files are withdrawn

struct EnforcementLimits {
  std::size_t items = kMaxEnforcementItems, items_of_origin = kMaxEnforcementItemsOfOrigin;
  std::chrono::steady_clock::duration failing = kEnforcementFailing;
};

using WarningListsPtr = std::shared_ptr<const detect::WarningLists>;

// Safe from any thread.
class EnforcementFeed {
 public:
  explicit EnforcementFeed(Core& core, std::function<WarningListsPtr()> warning_lists, EnforcementLimits limits = {});
  ~EnforcementFeed();
  void start();  // folders of formats that are not configured are deleted
  void stop();

  // Reads the journal, decides, and writes the files of these formats. The report: what is in them, what was withheld
  // and what could not be said, with reasons.
  Result<JsonObject> build(const std::vector<formats::EnforcementFormat>& formats);
  // A file to serve. kNotFound: no such format or file, not configured, or not built yet. kUnavailable: withdrawn, as
  // it could not be written anew for too long.
  Result<api::EnforcementBody> open(std::string_view format, std::string_view file) const;
  Json listing() const;  // of what is served; without what is withdrawn
  std::filesystem::path directory() const;

 private:
  struct File {
    std::string content_type, etag;
    std::uint64_t bytes = 0;
    Instant changed;
  };
  struct Served {
    std::map<std::string, File, std::less<>> files;
    std::chrono::steady_clock::time_point written;  // what was collected then is in them
  };
  struct Item;
  struct Collected;
  Result<Collected> collect() const;
  Result<JsonObject> write(formats::EnforcementFormat format, const std::vector<Item>& items,
                           std::chrono::steady_clock::time_point collected);
  void run();
  bool is_configured(std::string_view format) const;
  bool is_overdue(const Served& served) const;

  Core& core_;
  std::function<WarningListsPtr()> warning_lists_;
  EnforcementLimits limits_;
  std::mutex building_;
  mutable std::mutex mutex_;
  std::map<std::string, Served, std::less<>> served_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;
};

// The policy that the configuration says. kInvalid names a value that is none.
Result<flow::EnforcementPolicy> enforcement_policy(const NodeConfig& config);
Result<std::vector<formats::EnforcementFormat>> enforcement_formats(const std::vector<std::string>& names);

}  // namespace bongsu::node
