// The event stream (server-sent events): one reader of the change feed for all open pages, a bounded ring of what
// happened, and a cursor into it for each page.
//
// Event ids are journal sequence numbers, so that a page that lost its connection asks for what it missed
// (Last-Event-ID, or ?after= on a new connection). What the ring no longer holds is answered by one `reset` event: load
// the lists again.
//
//   hello    {"seq","version","server_time"}           first thing on every stream
//   alert    an alert as in lists; the same id again is its new state
//   objects  {"admitted","deleted","erased","newest":[ids]}  "newest" is empty for who may not read everything
//   tick     {"rates":…,"counts":…,"server_time"}      every second
//   members  [members]                                 when something about them changed
//   reset    {}                                        load everything again
//   signed_out {}                                      the session ended; the stream ends too
//
// Alerts and counts are those that the account may see (alert_scope.h).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>

#include "api/console/alert_scope.h"
#include "api/console/rates.h"
#include "base/clock.h"
#include "flow/alerts.h"
#include "journal/journal.h"
#include "net/http.h"

namespace bongsu::api::console {

inline constexpr std::size_t kRingEvents = 4'096;
inline constexpr std::size_t kRingBytes = 8 * 1024 * 1024;
inline constexpr std::size_t kPullBytes = 256 * 1024;  // appended to a stream at a time
inline constexpr journal::Seq kFeedBehind = 20'000;    // further behind, the reader jumps and pages load again

// Safe from any thread. Lives as long as any of its streams; after stop() it touches nothing of what it was given.
class EventHub : public std::enable_shared_from_this<EventHub> {
 public:
  // Who looks at a page, as of this moment; nobody any more ends its stream.
  using Viewer = std::function<std::optional<identity::Principal>()>;

  EventHub(journal::Journal& journal, flow::Alerts& alerts, std::shared_ptr<AlertScope> scope, const Clock& clock,
           std::string version, std::size_t max_streams);

  // The viewer is asked at each pull. nullptr: too many streams.
  std::unique_ptr<net::TailSource> open(std::optional<journal::Seq> after, Viewer viewer);

  void wake();                                          // something was committed
  void alert_changed(const flow::AlertRecord& record);  // at once, without waiting for the feed
  // `rates` is asked once for each view of what may be seen.
  using Rates = std::function<Json(const flow::PersonalView&)>;
  void tick(Rates rates, const Json& members);
  // Objects that the feed had so far, by label.
  std::map<std::string, std::uint64_t> admitted();
  journal::Seq position();  // up to where the ring is: lists loaded after this call miss nothing from it
  void stop();

 private:
  friend class EventStream;
  struct Event {
    std::uint64_t number = 0;  // 1, 2, 3 … within this process
    journal::Seq seq = 0;
    std::string text;                      // empty: made of `admitted` for each reader
    std::optional<AlertScope::Key> alert;  // told to who may see it only
    // New objects by collection and label.
    struct Admitted {
      std::uint64_t count = 0;
      std::vector<std::pair<journal::Seq, std::string>> newest;  // their ids
    };
    std::shared_ptr<const std::map<std::pair<std::string, std::string>, Admitted>> admitted;
  };
  static std::string admitted_text(const Event& event, const identity::Principal& who, const flow::PersonalView& view);
  struct Cursor {
    std::uint64_t number = 0;  // of the last event taken
    bool reset = false;
    bool greeted = false;
    std::uint64_t tick = 0, members = 0;  // versions last sent
  };
  // The newest tick for those who may read the same: made by the first who asks, while the others of them wait.
  struct Tick {
    std::mutex mutex;
    std::shared_ptr<const flow::PersonalView> view;
    Rates rates;
    std::string time;
    std::string text;  // empty: not made yet
  };
  Result<bool> pull(Cursor& cursor, const Viewer& viewer, std::string& out, bool heartbeat, bool& more);
  void catch_up();  // these with mutex_ held
  void push(Event event);
  static std::size_t bytes_of(const Event& event);
  void note_admitted(const journal::Entry& entry, std::map<std::pair<std::string, std::string>, Event::Admitted>& into);
  void push_alert(journal::Seq seq, const flow::AlertRecord& record, const Json& json);
  void place(Cursor& cursor, std::optional<journal::Seq> after);
  std::shared_ptr<Tick> tick_for(const identity::Principal& who);
  std::string tick_text(const identity::Principal& who, Tick& tick);  // without mutex_: it may look up a lot
  std::uint64_t add_waker(net::TailSource::Wake wake);
  void remove_stream(std::uint64_t waker);

  // Shared while a pull asks the scope without mutex_; stop() waits for it. Before mutex_.
  std::shared_mutex asking_;
  std::mutex mutex_;  // the ring and everything that it is made from
  journal::Journal* journal_;
  flow::Alerts* alerts_;
  const std::shared_ptr<AlertScope> scope_;
  const Clock* clock_;
  const std::string version_;
  const std::size_t max_streams_;
  std::deque<Event> ring_;
  std::size_t ring_bytes_ = 0;
  std::uint64_t numbers_ = 0;                                  // of the newest event
  journal::Seq floor_ = 0;                                     // every event after this is in the ring
  journal::Seq cursor_ = 0;                                    // the feed is read up to here
  std::map<std::string, std::string, std::less<>> unsettled_;  // alert id → what was last told of it
  std::map<std::string, std::uint64_t> admitted_;              // by label
  Rates rates_;
  std::string tick_time_;
  std::map<std::pair<const flow::PersonalView*, std::set<std::string>>, std::shared_ptr<Tick>>
      ticks_;  // the newest, by what an account may see
  std::string members_text_;
  std::uint64_t tick_version_ = 0, members_version_ = 0;

  std::mutex wakers_mutex_;  // apart, so that waking never waits for a pull
  std::map<std::uint64_t, net::TailSource::Wake> wakers_;
  std::uint64_t next_waker_ = 0;
  std::size_t streams_ = 0;
};

}  // namespace bongsu::api::console
