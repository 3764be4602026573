// Keeps the search projection behind the journal: a thread that follows the change feed. Also the way back when the projection was thrown away.
#pragma once

#include <atomic>
#include <thread>

#include "base/log.h"
#include "journal/journal.h"
#include "journal/search.h"

namespace bongsu::node {

class SearchFeed {
 public:
  SearchFeed(journal::Journal& journal, journal::Search& search, Log& log) : journal_(journal), search_(search), log_(log) {}
  ~SearchFeed() { stop(); }
  void start();
  void stop();
  // Applies everything up to the journal's newest entry. Used by the thread, and by commands on a node that is not running.
  static Result<void> catch_up(journal::Journal& journal, journal::Search& search, const std::atomic<bool>& stopping);

 private:
  void run();
  journal::Journal& journal_;
  journal::Search& search_;
  Log& log_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace bongsu::node
