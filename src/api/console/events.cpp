#include "api/console/events.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/console/shapes.h"

namespace bongsu::api::console {
namespace {

constexpr std::uint32_t kFeedPage = 1'000;
constexpr std::size_t kNewestShown = 10;
constexpr std::size_t kMaxKinds = 256;  // of collection and label in one event; further ones are told to nobody

std::string event_text(std::optional<journal::Seq> seq, std::string_view name, const Json& data) {
  std::string out;
  if (seq) out += fmt::format("id: {}\n", *seq);
  out += fmt::format("event: {}\ndata: ", name);
  out += to_text(data);  // one line: JSON text escapes every control character
  out += "\n\n";
  return out;
}

}  // namespace

class EventStream final : public net::TailSource {
 public:
  EventStream(std::shared_ptr<EventHub> hub, EventHub::Cursor cursor, EventHub::Viewer viewer)
      : hub_(std::move(hub)), cursor_(cursor), viewer_(std::move(viewer)) {}
  ~EventStream() override { hub_->remove_stream(waker_); }

  void on_ready(Wake wake) override {
    wake_ = wake;
    waker_ = hub_->add_waker(std::move(wake));
  }
  Result<bool> pull(std::string& out, bool heartbeat) override {
    bool more = false;
    auto going = hub_->pull(cursor_, viewer_, out, heartbeat, more);
    if (going && *going && more && wake_) wake_();
    return going;
  }

 private:
  std::shared_ptr<EventHub> hub_;
  EventHub::Cursor cursor_;
  EventHub::Viewer viewer_;
  Wake wake_;
  std::uint64_t waker_ = 0;
};

EventHub::EventHub(journal::Journal& journal, flow::Alerts& alerts, std::shared_ptr<AlertScope> scope,
                   const Clock& clock, std::string version, std::size_t max_streams)
    : journal_(&journal),
      alerts_(&alerts),
      scope_(std::move(scope)),
      clock_(&clock),
      version_(std::move(version)),
      max_streams_(max_streams),
      floor_(journal.last_seq()),
      cursor_(floor_) {}

std::unique_ptr<net::TailSource> EventHub::open(std::optional<journal::Seq> after, Viewer viewer) {
  {
    const std::lock_guard lock(wakers_mutex_);
    if (streams_ >= max_streams_) return nullptr;
    ++streams_;
  }
  const std::lock_guard lock(mutex_);
  if (journal_ != nullptr) catch_up();
  Cursor cursor;
  place(cursor, after);
  return std::make_unique<EventStream>(shared_from_this(), cursor, std::move(viewer));
}

void EventHub::place(Cursor& cursor, std::optional<journal::Seq> after) {
  cursor.number = numbers_;
  if (!after) return;
  if (*after < floor_ || *after > cursor_) {
    cursor.reset = true;
    return;
  }
  // From the event with this very number on: a later state of an alert may carry it too, and told twice does no harm.
  const auto first = std::ranges::find_if(ring_, [&](const Event& e) { return e.seq >= *after; });
  if (first != ring_.end()) cursor.number = first->number - 1;
}

std::uint64_t EventHub::add_waker(net::TailSource::Wake wake) {
  const std::lock_guard lock(wakers_mutex_);
  wakers_.emplace(++next_waker_, std::move(wake));
  return next_waker_;
}

void EventHub::remove_stream(std::uint64_t waker) {
  const std::lock_guard lock(wakers_mutex_);
  wakers_.erase(waker);
  --streams_;
}

void EventHub::wake() {
  std::vector<net::TailSource::Wake> all;
  {
    const std::lock_guard lock(wakers_mutex_);
    all.reserve(wakers_.size());
    for (const auto& [_, wake] : wakers_) all.push_back(wake);
  }
  for (const auto& wake : all) wake();
}

std::size_t EventHub::bytes_of(const Event& event) {
  std::size_t out = event.text.size();
  if (event.admitted)
    for (const auto& [kind, admitted] : *event.admitted)
      out += kind.first.size() + kind.second.size() + 64 * (1 + admitted.newest.size());
  return out;
}

// How many of the new objects this account may see, and which were the newest; empty: none, and nothing is told.
std::string EventHub::admitted_text(const Event& event, const identity::Principal& who,
                                    const flow::PersonalView& view) {
  std::uint64_t count = 0;
  std::vector<std::pair<journal::Seq, std::string>> ids;
  for (const auto& [kind, admitted] : *event.admitted) {
    if (!view.sees(who, kind.first, kind.second)) continue;
    count += admitted.count;
    ids.insert(ids.end(), admitted.newest.begin(), admitted.newest.end());
  }
  if (count == 0) return {};
  std::ranges::sort(ids);
  if (ids.size() > kNewestShown) ids.erase(ids.begin(), ids.end() - kNewestShown);
  JsonArray newest;
  for (const auto& [_, id] : ids) newest.push_back(text_json(id));
  return event_text(event.seq, "objects", JsonObject{{"admitted", count}, {"newest", std::move(newest)}});
}

void EventHub::push(Event event) {
  event.number = ++numbers_;
  ring_bytes_ += bytes_of(event);
  ring_.push_back(std::move(event));
  while (ring_.size() > kRingEvents || ring_bytes_ > kRingBytes) {
    floor_ = std::max(floor_, ring_.front().seq);
    ring_bytes_ -= bytes_of(ring_.front());
    ring_.pop_front();
  }
}

// A suppressed alert makes no notification; the counts of the next tick have it.
void EventHub::push_alert(journal::Seq seq, const flow::AlertRecord& record, const Json& json) {
  if (!record.assessment.suppressed_by.empty()) return;
  push({.seq = seq, .text = event_text(seq, "alert", json), .alert = AlertScope::key_of(record.alert)});
}

void EventHub::catch_up() {
  const journal::Seq last = journal_->last_seq();
  if (last <= cursor_) return;
  if (last - cursor_ > kFeedBehind) {
    // A mass import while nobody looked: old pages load their lists again rather than be told a million times.
    cursor_ = floor_ = last - kFeedBehind;
    ring_.clear();
    ring_bytes_ = 0;
  }
  const auto snapshot = journal_->snapshot();
  std::map<std::pair<std::string, std::string>, Event::Admitted> admitted;
  while (cursor_ < last) {
    auto page = snapshot->entries(cursor_, kFeedPage);
    if (!page || page->empty()) break;
    for (const journal::Entry& entry : *page) {
      cursor_ = entry.seq;
      switch (entry.kind) {
        case journal::EntryKind::kAlert: {
          // The projection may be a moment behind the journal; then the entry itself has everything a new alert has.
          std::optional<flow::AlertRecord> record = alerts_->find(entry.object_id);
          if (!record) {
            const auto payload = snapshot->payload(entry.seq);
            const auto json = payload ? parse_json(*payload) : std::unexpected(payload.error());
            auto alert = json ? detect::Alert::parse(*json) : std::unexpected(json.error());
            if (!alert) break;
            if (const Json* triage = find(*json, "triage"); triage != nullptr && find(*triage, "suppressed_by")) break;
            record = flow::AlertRecord{.alert = std::move(*alert), .seq = entry.seq, .added_us = entry.added_us};
          }
          push_alert(entry.seq, *record, alert_json(*record));
          break;
        }
        case journal::EntryKind::kJudgement:
          if (const auto record = alerts_->find(entry.object_id)) {
            const Json json = alert_json(*record);
            unsettled_[entry.object_id] = to_text(json);
            push_alert(entry.seq, *record, json);
          } else if (!entry.object_id.empty()) {
            unsettled_[entry.object_id] = "";
          }
          break;
        case journal::EntryKind::kObject:
          note_admitted(entry, admitted);
          break;
        // These have no label, so nobody can be told of them alone.
        case journal::EntryKind::kDeletion:
        case journal::EntryKind::kErasure:
        case journal::EntryKind::kNote:
        case journal::EntryKind::kHits:
        case journal::EntryKind::kQuarantined:
          break;
      }
    }
  }
  if (!admitted.empty())
    push({.seq = cursor_,
          .text = {},
          .alert = std::nullopt,
          .admitted = std::make_shared<const decltype(admitted)>(std::move(admitted))});
}

void EventHub::note_admitted(const journal::Entry& entry,
                             std::map<std::pair<std::string, std::string>, Event::Admitted>& into) {
  if (admitted_.size() < kRatedLabels || admitted_.contains(entry.label)) ++admitted_[entry.label];
  const std::pair kind{entry.collection, entry.label};
  if (into.size() >= kMaxKinds && !into.contains(kind)) return;
  Event::Admitted& admitted = into[kind];
  ++admitted.count;
  if (admitted.newest.size() >= kNewestShown) admitted.newest.erase(admitted.newest.begin());
  admitted.newest.emplace_back(entry.seq, entry.object_id);
}

std::map<std::string, std::uint64_t> EventHub::admitted() {
  const std::lock_guard lock(mutex_);
  if (journal_ != nullptr) catch_up();
  return admitted_;
}

void EventHub::alert_changed(const flow::AlertRecord& record) {
  {
    const std::lock_guard lock(mutex_);
    if (journal_ == nullptr) return;
    catch_up();
    push_alert(cursor_, record, alert_json(record));
  }
  wake();
}

void EventHub::tick(Rates rates, const Json& members) {
  {
    const std::lock_guard lock(mutex_);
    if (journal_ == nullptr) return;
    catch_up();
    // A judgement is in the journal a moment before it is in the projection: look once more.
    for (auto& [id, told] : std::exchange(unsettled_, {})) {
      const auto record = alerts_->find(id);
      if (!record) continue;
      const Json json = alert_json(*record);
      if (to_text(json) != told) push_alert(cursor_, *record, json);
    }
    rates_ = std::move(rates);
    tick_time_ = clock_->now().text(3);
    ticks_.clear();
    ++tick_version_;
    if (std::string text = event_text(std::nullopt, "members", members); text != members_text_) {
      members_text_ = std::move(text);
      ++members_version_;
    }
  }
  wake();
}

std::shared_ptr<EventHub::Tick> EventHub::tick_for(const identity::Principal& who) {
  auto view = scope_->view_of(who);
  const auto [at, fresh] = ticks_.try_emplace({view.get(), reads_all(who) ? std::set<std::string>{"*"} : who.read});
  if (fresh) {
    at->second = std::make_shared<Tick>();
    at->second->view = std::move(view);  // keeps its address for as long as the tick is the newest
    at->second->rates = rates_;
    at->second->time = tick_time_;
  }
  return at->second;
}

std::string EventHub::tick_text(const identity::Principal& who, Tick& tick) {
  const std::lock_guard lock(tick.mutex);
  if (tick.text.empty())
    tick.text = event_text(std::nullopt, "tick",
                           JsonObject{{"rates", tick.rates ? tick.rates(*tick.view) : Json(nullptr)},
                                      {"server_time", text_json(tick.time)},
                                      {"counts", counts_json(scope_->counts(who))}});
  return tick.text;
}

journal::Seq EventHub::position() {
  const std::lock_guard lock(mutex_);
  if (journal_ != nullptr) catch_up();
  return cursor_;
}

void EventHub::stop() {
  {
    const std::lock_guard lock(mutex_);
    journal_ = nullptr;
    alerts_ = nullptr;
    clock_ = nullptr;
  }
  {
    const std::lock_guard lock(asking_);  // pulls that are on their way still use the scope
  }
  wake();
}

// What happened is taken under the lock; whom it may be told is looked up without it, so that one account's look-ups
// keep nobody else waiting.
Result<bool> EventHub::pull(Cursor& cursor, const Viewer& viewer, std::string& out, bool heartbeat, bool& more) {
  const std::size_t before = out.size();
  std::vector<Event> events;
  std::string members;
  std::shared_ptr<Tick> tick;
  const std::shared_lock asking(asking_);
  std::unique_lock lock(mutex_);
  if (journal_ == nullptr) return false;
  const auto who = viewer();
  if (!who) {
    out += event_text(std::nullopt, "signed_out", JsonObject{});
    return false;
  }
  catch_up();
  if (!cursor.greeted) {
    cursor.greeted = true;
    JsonObject hello;
    hello["seq"] = cursor_;
    hello["version"] = text_json(version_);
    hello["server_time"] = text_json(clock_->now().text(3));
    out += "retry: 2000\n";
    // Its id is that of the newest event only when nothing older is still to come on this stream.
    const bool current = !cursor.reset && cursor.number == numbers_;
    out += event_text(current ? std::optional(cursor_) : std::nullopt, "hello", hello);
  }
  if (!ring_.empty() && cursor.number + 1 < ring_.front().number && cursor.number < numbers_) cursor.reset = true;
  if (cursor.reset) {
    cursor.reset = false;
    cursor.number = numbers_;
    out += event_text(cursor_, "reset", JsonObject{});
  }
  if (cursor.number < numbers_ && !ring_.empty()) {
    std::size_t bytes = out.size() - before;  // hidden ones count, too: they cost look-ups
    std::size_t at = static_cast<std::size_t>(cursor.number + 1 - ring_.front().number);
    for (; at < ring_.size() && bytes <= kPullBytes; ++at) {
      const Event& event = ring_[at];
      cursor.number = event.number;
      bytes += bytes_of(event);
      events.push_back(event);
    }
    more = at < ring_.size();
  }
  if (cursor.members != members_version_) {
    cursor.members = members_version_;
    members = members_text_;
  }
  if (cursor.tick != tick_version_) {
    cursor.tick = tick_version_;
    tick = tick_for(*who);
  }
  lock.unlock();
  const auto view = scope_->view_of(*who);
  AlertScope::Snapshot snapshot;
  for (const Event& event : events) {
    if (event.admitted)
      out += admitted_text(event, *who, *view);
    else if (!event.alert || scope_->may_see(*who, *view, *event.alert, snapshot))
      out += event.text;
  }
  out += members;
  if (tick) out += tick_text(*who, *tick);
  if (heartbeat && out.size() == before) out += ":\n\n";
  return true;
}

}  // namespace bongsu::api::console
