// The warning lists of the configuration in the keeper, for the analyst who is about to publish a value that stands in
// one. The sensor has its own copy, for alerts.
//
// They are read by a thread of their own, so that a node serves before they are there, and read again when a file of
// them changes. What cannot be read is logged and costs itself only; lists that were read before stay when nothing can
// be read any more.
//
//   Warnings warnings(config.warning_lists, log);
//   warnings.start();
//   for (const auto& hit : warnings.find(value)) …
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "detect/warning_lists.h"

namespace bongsu::node {

inline constexpr std::chrono::seconds kWarningsLook{30};     // between looks for files that changed
inline constexpr std::chrono::seconds kWarningsPatience{5};  // of who asks before they were read the first time

// current and find are safe from any thread.
class Warnings {
 public:
  Warnings(std::vector<std::string> paths, Log& log, std::chrono::milliseconds patience = kWarningsPatience);
  ~Warnings();
  void start();
  void stop();
  // Reads the lists if their files are not those of the last look; true if it did. For the thread, and for tests.
  bool look();
  // The newest lists; nullptr: none were read yet. Waits with patience for the first reading to end, but only until
  // somebody did so in vain: a request asks for up to a thousand values, one after the other, and is to wait once.
  std::shared_ptr<const detect::WarningLists> current() const;
  std::vector<detect::WarningListHit> find(const detect::Value& value) const;  // in current()
  std::size_t lists() const;

 private:
  struct File {
    std::string path;
    std::uintmax_t bytes = 0;
    std::int64_t changed = 0;
    auto operator<=>(const File&) const = default;
  };
  std::vector<File> files() const;
  void run();

  const std::vector<std::string> paths_;
  Log& log_;
  const std::chrono::milliseconds patience_;
  std::vector<File> seen_;  // the looking thread's
  std::thread thread_;
  mutable std::mutex mutex_;
  mutable std::condition_variable wake_;
  bool stopping_ = false, looked_ = false;
  mutable bool waited_in_vain_ = false;
  std::shared_ptr<const detect::WarningLists> lists_;
};

}  // namespace bongsu::node
