// The consuming side of one live link, (member, collection), as a state machine: it says what to send and when, takes what comes, and hands
// out batches to apply. It knows no socket, no thread and no journal; LinkRunner drives it over net::Client.
//
//   link::Consumer consumer(options, clock, random, stored_cursor);
//   wait(consumer.wait());                                      // before each attempt
//   send(consumer.request());
//   consumer.head(status, headers);                             // an error: close, then ended()
//   consumer.data(piece);                                       // the same
//   while (!(batch = consumer.take()).items.empty())            // what is there now, in order, nothing twice
//     if (apply(batch)) consumer.applied(batch, …); else { consumer.not_applied(error); close; }
//   consumer.ended(error or nothing);
//
// The cursor in a batch belongs into the same transaction as its items. The machine goes on behind what it has handed out; after
// not_applied it goes back to what was applied. Not thread-safe: the runner locks.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "link/backoff.h"
#include "link/sse.h"
#include "link/status.h"
#include "link/tail_event.h"
#include "net/client.h"
#include "net/http.h"

namespace bongsu::link {

// A place in the partner's outbox as it is kept here.
struct Cursor {
  journal::Pos pos = 0;
  std::string text;  // opaque; empty = from the beginning
  std::string state() const;                                  // for the journal's state
  static Result<Cursor> parse(std::string_view state);
};

struct TailBatch {
  std::vector<TailItem> items;
  Cursor cursor;       // of the last one
  std::size_t bytes = 0;
};

struct AppliedCounts {
  std::uint64_t applied = 0;  // new here; duplicates count as neither
  std::uint64_t refused = 0;      // or held in quarantine
};

struct ConsumerOptions {
  std::string member, collection;   // whose, and its remote id
  std::string alias;                // the remote alias, for people
  net::Url link_url;
  std::chrono::milliseconds heartbeat{10'000};        // until the partner names its own
  std::chrono::milliseconds backoff_base{500}, backoff_ceiling{60'000};
  std::size_t max_queued_bytes = 16 * 1024 * 1024;    // beyond it, full() says so and the runner stops reading
  std::size_t max_batch_bytes = 32 * 1024 * 1024;
  std::size_t max_batch_items = 5'000;
};

class Consumer {
 public:
  Consumer(ConsumerOptions options, const Clock& clock, Random& random, Cursor stored);

  std::chrono::milliseconds wait();    // before the next attempt; call once an attempt. 0 at first
  net::ClientRequest request();        // begins the attempt
  Result<void> head(int status, const net::Headers& headers);
  Result<void> data(std::string_view piece);
  Result<void> tick();                 // kTimeout when nothing was heard for three heartbeats
  void ended(const Error* error);      // the stream is over; nullptr = the partner ended it in good order
  void stop();                         // status shows kStopped from now on
  void suspend(const std::string& why);  // nothing is asked of the partner until somebody resumes the link

  bool full() const { return queued_bytes_ >= options_.max_queued_bytes; }
  bool has_items() const { return !queue_.empty(); }
  TailBatch take();
  void applied(const TailBatch& batch, AppliedCounts counts);
  void not_applied(const Error& error);

  std::chrono::milliseconds silence_limit() const { return heartbeat_ * 3; }
  const LinkStatus& status() const { return status_; }

 private:
  Result<void> take_event(SseEvent& event);

  ConsumerOptions options_;
  const Clock& clock_;
  Backoff backoff_;
  SseParser parser_;
  LinkStatus status_;
  Cursor applied_, received_;
  std::deque<TailItem> queue_;
  std::size_t queued_bytes_ = 0;
  std::chrono::milliseconds heartbeat_;
  std::chrono::nanoseconds last_byte_{0};
  bool first_attempt_ = true, refused_ = false, streaming_ = false;
  bool restarted_ = false;  // the partner began anew: position 1 is expected
};

}  // namespace bongsu::link
