#include "api/console/events.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/console/shapes.h"

namespace bongsu::api::console {
namespace {

constexpr std::uint32_t kFeedPage = 1'000;
constexpr std::size_t kNewestShown = 10;

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

void EventHub::push(Event event) {
  event.number = ++numbers_;
  ring_bytes_ += event.text.size() + event.text_without_ids.size();
  ring_.push_back(std::move(event));
  while (ring_.size() > kRingEvents || ring_bytes_ > kRingBytes) {
    floor_ = std::max(floor_, ring_.front().seq);
    ring_bytes_ -= ring_.front().text.size() + ring_.front().text_without_ids.size();
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
  std::uint64_t admitted = 0, deleted = 0, erased = 0;
  JsonArray newest;
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
          ++admitted;
          if (newest.size() >= kNewestShown) newest.erase(newest.begin());
          newest.push_back(text_json(entry.object_id));
          break;
        case journal::EntryKind::kDeletion:
          ++deleted;
          break;
        case journal::EntryKind::kErasure:
          ++erased;
          break;
        case journal::EntryKind::kNote:
        case journal::EntryKind::kHits:
        case journal::EntryKind::kQuarantined:
          break;
      }
    }
  }
  if (admitted + deleted + erased > 0) {
    JsonObject data;
    data["admitted"] = admitted;
    data["deleted"] = deleted;
    data["erased"] = erased;
    data["newest"] = JsonArray{};
    std::string text_without_ids = event_text(cursor_, "objects", data);
    data["newest"] = std::move(newest);
    push({.seq = cursor_,
          .text = event_text(cursor_, "objects", data),
          .text_without_ids = std::move(text_without_ids)});
  }
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

void EventHub::tick(const Json& rates, const Json& members) {
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
    tick_ = JsonObject{};
    tick_["rates"] = rates;
    tick_["server_time"] = text_json(clock_->now().text(3));
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
  const auto [at, fresh] = ticks_.try_emplace(reads_all(who) ? std::set<std::string>{"*"} : who.read);
  if (fresh) {
    at->second = std::make_shared<Tick>();
    at->second->data = tick_;
  }
  return at->second;
}

std::string EventHub::tick_text(const identity::Principal& who, Tick& tick) {
  const std::lock_guard lock(tick.mutex);
  if (tick.text.empty()) {
    tick.data["counts"] = counts_json(scope_->counts(who));
    tick.text = event_text(std::nullopt, "tick", tick.data);
  }
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
  struct Taken {
    std::string text;
    std::optional<AlertScope::Key> alert;
  };
  const std::size_t before = out.size();
  std::vector<Taken> events;
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
    const bool all = reads_all(*who);
    std::size_t bytes = out.size() - before;  // hidden ones count, too: they cost look-ups
    std::size_t at = static_cast<std::size_t>(cursor.number + 1 - ring_.front().number);
    for (; at < ring_.size() && bytes <= kPullBytes; ++at) {
      const Event& event = ring_[at];
      cursor.number = event.number;
      const std::string& text = event.text_without_ids.empty() || all ? event.text : event.text_without_ids;
      bytes += text.size();
      events.push_back({.text = text, .alert = all ? std::nullopt : event.alert});
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
  for (const Taken& event : events)
    if (!event.alert || scope_->may_see(*who, *event.alert)) out += event.text;
  out += members;
  if (tick) out += tick_text(*who, *tick);
  if (heartbeat && out.size() == before) out += ":\n\n";
  return true;
}

}  // namespace bongsu::api::console
