#include "link/consumer.h"

#include <fmt/format.h>

#include <charconv>

#include "base/json.h"
#include "link/tail_server.h"

namespace bongsu::link {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kMinHeartbeat{200}, kMaxHeartbeat{300'000};

std::optional<std::uint64_t> number_in(const net::Headers& headers, std::string_view name) {
  const auto text = headers.get(name);
  if (!text) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

// What an item takes of the queue's limit and of a batch's; one measure for putting in and taking out.
std::size_t size_of(const TailItem& item) {
  return sizeof(TailItem) + item.bytes.size() + item.label.size() + item.proof.size() + item.sealed.size();
}

}  // namespace

std::string_view to_string(LinkPhase phase) {
  switch (phase) {
    case LinkPhase::kIdle:
      return "idle";
    case LinkPhase::kConnecting:
      return "connecting";
    case LinkPhase::kCatchingUp:
      return "catching_up";
    case LinkPhase::kLive:
      return "live";
    case LinkPhase::kBackingOff:
      return "backing_off";
    case LinkPhase::kRefused:
      return "refused";
    case LinkPhase::kStopped:
      return "stopped";
    case LinkPhase::kSuspended:
      return "suspended";
  }
  return "idle";
}

std::string Cursor::state() const {
  return to_text(JsonObject{{"pos", static_cast<std::int64_t>(pos)}, {"cursor", text}});
}

Result<Cursor> Cursor::parse(std::string_view state) {
  BONGSU_TRY(const Json json, parse_json(state));
  const auto pos = int_at(json, "pos");
  const auto text = string_at(json, "cursor");
  if (!pos || *pos < 0 || !text || text->size() > kMaxCursorBytes)
    return fail(ErrorCode::kCorrupt, "a link's stored cursor cannot be read");
  return Cursor{static_cast<journal::Pos>(*pos), std::string(*text)};
}

Consumer::Consumer(ConsumerOptions options, const Clock& clock, Random& random, Cursor stored)
    : options_(std::move(options)),
      clock_(clock),
      backoff_(options_.backoff_base, options_.backoff_ceiling, random),
      applied_(stored),
      received_(std::move(stored)),
      heartbeat_(options_.heartbeat) {
  status_.member = options_.member;
  status_.collection = options_.alias;
  status_.cursor = applied_.pos;
}

milliseconds Consumer::wait() {
  refused_ = false;
  return std::exchange(first_attempt_, false) ? milliseconds(0) : backoff_.next();
}

net::ClientRequest Consumer::request() {
  net::ClientRequest request{.method = "GET", .url = options_.link_url};
  std::string& target = request.url.target;
  while (target.ends_with('/')) target.pop_back();
  target += fmt::format("{}tail/{}", kLinkPrefix, net::percent_encode(options_.collection));
  request.headers.add("Accept", "text/event-stream");
  request.headers.add("Cache-Control", "no-store");
  if (!received_.text.empty()) request.headers.add("Last-Event-ID", received_.text);
  parser_ = {};
  streaming_ = false;
  last_byte_ = clock_.monotonic();
  if (status_.phase != LinkPhase::kRefused) status_.phase = LinkPhase::kConnecting;
  return request;
}

Result<void> Consumer::head(int status, const net::Headers& headers) {
  last_byte_ = clock_.monotonic();
  if (status == 401 || status == 403 || status == 404) {
    refused_ = true;
    status_.phase = LinkPhase::kRefused;
    return fail(ErrorCode::kDenied,
                fmt::format("the partner does not release this collection to us (HTTP {})", status));
  }
  if (status != 200) return fail(ErrorCode::kUnavailable, fmt::format("the partner answered HTTP {}", status));
  const auto type = headers.get("Content-Type");
  const auto media = net::parse_media_type(type.value_or(""));
  if (!media || media->type != "text" || media->subtype != "event-stream")
    return fail(ErrorCode::kInvalid, "the partner's answer is not an event stream");
  if (const auto ms = number_in(headers, kHeartbeatHeader))
    heartbeat_ = std::clamp(milliseconds(std::min<std::uint64_t>(*ms, 1'000'000)), kMinHeartbeat, kMaxHeartbeat);
  const auto from = number_in(headers, kFromHeader).value_or(received_.pos);
  if (from != received_.pos && from != 0)
    return fail(ErrorCode::kInvalid, "the partner goes on at a place that we did not name");
  restarted_ = from == 0 && received_.pos != 0;
  if (from == 0) {
    status_.withheld = 0;
    status_.sealing.clear();
  }
  streaming_ = true;
  status_.phase = LinkPhase::kCatchingUp;
  status_.last_heard = clock_.now();
  return {};
}

Result<void> Consumer::data(std::string_view piece) {
  BONGSU_CHECK(streaming_);
  last_byte_ = clock_.monotonic();
  status_.last_heard = clock_.now();
  Result<void> outcome;
  const auto fed = parser_.feed(piece, [&](SseEvent& event) {
    outcome = take_event(event);
    return outcome.has_value();
  });
  if (parser_.retry_ms()) backoff_.set_base(milliseconds(std::min<std::uint64_t>(*parser_.retry_ms(), 600'000)));
  if (!outcome) return outcome;
  return fed;
}

Result<void> Consumer::take_event(SseEvent& event) {
  if (event.type == "live") {
    status_.phase = LinkPhase::kLive;
    backoff_.succeeded();
    return {};
  }
  BONGSU_TRY(auto item, parse_tail_event(event));
  if (!item) return {};
  if (item->pos == 0) {  // gone: in order with the rows around it, at no place of its own
    item->pos = received_.pos;
    item->cursor = received_.text;
    queued_bytes_ += size_of(*item);
    queue_.push_back(std::move(*item));
    return {};
  }
  const journal::Pos expected = restarted_ ? 1 : received_.pos + 1;
  if (item->pos != expected)
    return fail(ErrorCode::kInvalid,
                fmt::format("the partner's stream has position {} where {} was due", item->pos, expected));
  restarted_ = false;
  received_ = {item->pos, item->cursor};
  if (!item->withheld.empty()) {
    ++status_.withheld;
    status_.sealing = item->withheld;
  }
  queued_bytes_ += size_of(*item);
  queue_.push_back(std::move(*item));
  backoff_.succeeded();
  return {};
}

Result<void> Consumer::tick() {
  if (clock_.monotonic() - last_byte_ <= silence_limit()) return {};
  return fail(ErrorCode::kTimeout,
              fmt::format("nothing was heard from the partner for {} ms", silence_limit().count()));
}

void Consumer::ended(const Error* error) {
  streaming_ = false;
  if (status_.phase == LinkPhase::kStopped) return;
  if (error) status_.last_error = error->text();
  if (!refused_) status_.phase = LinkPhase::kBackingOff;
}

void Consumer::stop() { status_.phase = LinkPhase::kStopped; }

void Consumer::suspend(const std::string& why) {
  status_.phase = LinkPhase::kSuspended;
  status_.last_error = why;
}

TailBatch Consumer::take() {
  TailBatch batch;
  while (!queue_.empty() && batch.items.size() < options_.max_batch_items) {
    const TailItem& next = queue_.front();
    const std::size_t size = size_of(next);
    if (!batch.items.empty() && batch.bytes + size > options_.max_batch_bytes) break;
    batch.bytes += size;
    queued_bytes_ -= size;
    batch.cursor = {queue_.front().pos, queue_.front().cursor};
    batch.items.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return batch;
}

void Consumer::applied(const TailBatch& batch, AppliedCounts counts) {
  if (batch.items.empty()) return;
  applied_ = batch.cursor;
  status_.cursor = applied_.pos;
  status_.applied += counts.applied;
  status_.refused += counts.refused;
  for (auto item = batch.items.rbegin(); item != batch.items.rend(); ++item)
    if (item->added_us) {
      // Clocks of two members differ; a negative delay says so and is shown as it is.
      status_.delay_us = clock_.now().micros() - *item->added_us;
      break;
    }
  if (status_.phase == LinkPhase::kLive) status_.last_error.clear();
}

void Consumer::not_applied(const Error& error) {
  queue_.clear();
  queued_bytes_ = 0;
  received_ = applied_;
  restarted_ = false;
  status_.last_error = error.text();
}

}  // namespace bongsu::link
