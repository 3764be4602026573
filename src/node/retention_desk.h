// Erases personal data when its time has come (flow/retention.h): a thread behind the journal's change feed.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "node/core.h"

namespace bongsu::node {

inline constexpr std::size_t kErasedAtOnce = 20;        // then it looks at what came meanwhile
inline constexpr std::chrono::seconds kLookForDue{30};  // what time alone makes due is found within it

class RetentionDesk {
 public:
  explicit RetentionDesk(Core& core) : core_(core) {}
  ~RetentionDesk() { stop(); }
  void start();
  void stop();

  // Reads everything that came, erases everything that is due; how many went. For the thread, and for commands on a
  // node that is not running.
  static Result<std::size_t> catch_up(Core& core, const std::atomic<bool>& stopping);
  // What the admin socket tells; `problem`: why the thread stands still.
  static JsonObject json(const flow::RetentionReport& report);

 private:
  void run();
  Core& core_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;
};

// What of an object is kept beside the journal's versions of it: held in quarantine, proposed.
Result<void> erase_beside(Core& core, const std::string& object_id);

}  // namespace bongsu::node
