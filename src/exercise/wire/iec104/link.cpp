#include "exercise/wire/iec104/link.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bongsu::exercise::wire::iec104 {
namespace {

std::uint16_t next(std::uint16_t number) { return static_cast<std::uint16_t>((number + 1) % kSequenceModulus); }

std::unexpected<Error> broken(std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message), {.source = "IEC 104"});
}

}  // namespace

Result<void> check(const LinkSettings& s) {
  const auto wrong = [](std::string_view field, std::string message) {
    return fail(ErrorCode::kInvalid, std::move(message), {.field = std::string(field)});
  };
  if (s.k < 1 || s.k >= kSequenceModulus) return wrong("k", "k is 1 to 32767");
  if (s.w < 1 || s.w > s.k) return wrong("w", "w is 1 to k");
  using std::chrono::seconds;
  for (const auto& [field, value] : {std::pair{"t0", s.t0}, {"t1", s.t1}, {"t2", s.t2}})
    if (value < seconds(1) || value > kMaxTimeout)
      return wrong(field, fmt::format("{} is 1 to {} s", field, kMaxTimeout.count()));
  if (s.t2 >= s.t1) return wrong("t2", "t2 is less than t1");
  if (s.t3 < seconds(1) || s.t3 > kMaxIdleTimeout)
    return wrong("t3", fmt::format("t3 is 1 to {} s", kMaxIdleTimeout.count()));
  return {};
}

Link::Link(Role role, const LinkSettings& settings, const Clock& clock)
    : role_(role), settings_(settings), clock_(clock), last_frame_(clock.monotonic()) {
  BONGSU_CHECK(check(settings).has_value());
}

Result<void> Link::receive(std::string_view bytes, const Receive& deliver) {
  input_ += bytes;
  std::size_t begin = 0;
  while (true) {
    BONGSU_TRY(const auto frame, take_frame(input_, begin));
    if (!frame) break;
    BONGSU_TRY_VOID(take(*frame, deliver));
  }
  input_.erase(0, begin);
  return {};
}

Result<void> Link::take(const Frame& frame, const Receive& deliver) {
  last_frame_ = clock_.monotonic();
  if (frame.kind == FrameKind::kUnnumbered) return take_function(frame.function);
  if (frame.kind == FrameKind::kSupervisory) return take_acknowledgement(frame.receive);

  if (!started_ && !(role_ == Role::kControlling && stopping_))
    return broken("an I frame on a connection that isn't started");
  if (frame.send != receive_number_)
    return broken(fmt::format("the I frame has the number {}, {} was to come", frame.send, receive_number_));
  BONGSU_TRY_VOID(take_acknowledgement(frame.receive));
  receive_number_ = next(receive_number_);
  if (to_acknowledge_++ == 0) acknowledge_since_ = last_frame_;
  BONGSU_TRY_VOID(deliver(frame.asdu));
  if (to_acknowledge_ >= settings_.w || (stopping_ && to_acknowledge_ > 0)) acknowledge();
  return {};
}

Result<void> Link::take_function(Function function) {
  switch (function) {
    case Function::kTestAct:
      put(unnumbered_frame(Function::kTestCon));
      return {};
    case Function::kTestCon:
      if (!test_since_) return broken("TESTFR con without a test");
      test_since_.reset();
      return {};
    case Function::kStartAct:
      if (role_ == Role::kControlling) return broken("STARTDT act from a controlled station");
      if (stopping_) return {};
      started_ = true;
      put(unnumbered_frame(Function::kStartCon));
      return {};
    case Function::kStopAct:
      if (role_ == Role::kControlling) return broken("STOPDT act from a controlled station");
      stopping_ = true;
      if (to_acknowledge_ > 0) acknowledge();
      confirm_stop_when_done();
      return {};
    case Function::kStartCon:
      if (!start_since_) return broken("STARTDT con that nobody asked for");
      start_since_.reset();
      started_ = true;
      return {};
    case Function::kStopCon:
      if (!stop_since_) return broken("STOPDT con that nobody asked for");
      stop_since_.reset();
      started_ = stopping_ = false;
      return {};
  }
  return broken("an unknown function");
}

void Link::confirm_stop_when_done() {
  if (role_ != Role::kControlled || !stopping_ || !unacknowledged_.empty()) return;
  started_ = stopping_ = false;
  put(unnumbered_frame(Function::kStopCon));
}

Result<void> Link::take_acknowledgement(std::uint16_t receive) {
  const std::size_t open = unacknowledged_.size();
  const auto first =
      static_cast<std::uint16_t>((send_number_ + kSequenceModulus - open % kSequenceModulus) % kSequenceModulus);
  const std::size_t count = (receive + kSequenceModulus - first) % kSequenceModulus;
  if (count > open)
    return broken(fmt::format("{} is acknowledged, but {} to {} wait for it", receive, first, send_number_));
  unacknowledged_.erase(unacknowledged_.begin(), unacknowledged_.begin() + static_cast<std::ptrdiff_t>(count));
  confirm_stop_when_done();
  return {};
}

void Link::acknowledge() {
  put(supervisory_frame(receive_number_));
  to_acknowledge_ = 0;
}

void Link::put(std::string_view frame) {
  output_ += frame;
  last_frame_ = clock_.monotonic();
}

Result<void> Link::tick() {
  const auto now = clock_.monotonic();
  const auto late = [&](const auto& since) { return since && now - *since >= settings_.t1; };
  if (!unacknowledged_.empty() && now - unacknowledged_.front() >= settings_.t1)
    return fail(ErrorCode::kTimeout,
                fmt::format("an I frame was not acknowledged within t1 ({} s)", settings_.t1.count()));
  for (const auto& [since, what] :
       {std::pair{start_since_, "STARTDT"}, {stop_since_, "STOPDT"}, {test_since_, "TESTFR"}})
    if (late(since))
      return fail(ErrorCode::kTimeout,
                  fmt::format("{} was not confirmed within t1 ({} s)", what, settings_.t1.count()));
  if (to_acknowledge_ > 0 && now - acknowledge_since_ >= settings_.t2) acknowledge();
  if (!test_since_ && now - last_frame_ >= settings_.t3) {
    put(unnumbered_frame(Function::kTestAct));
    test_since_ = now;
  }
  return {};
}

std::chrono::nanoseconds Link::wake_at() const {
  auto at = test_since_ ? *test_since_ + settings_.t1 : last_frame_ + settings_.t3;
  if (!unacknowledged_.empty()) at = std::min(at, unacknowledged_.front() + settings_.t1);
  for (const auto& since : {start_since_, stop_since_})
    if (since) at = std::min(at, *since + settings_.t1);
  if (to_acknowledge_ > 0) at = std::min(at, acknowledge_since_ + settings_.t2);
  return at;
}

void Link::start() {
  BONGSU_CHECK(role_ == Role::kControlling && !started_ && !start_since_);
  start_since_ = clock_.monotonic();
  put(unnumbered_frame(Function::kStartAct));
}

void Link::stop() {
  BONGSU_CHECK(role_ == Role::kControlling && started_ && !stopping_);
  if (to_acknowledge_ > 0) acknowledge();
  stopping_ = true;
  stop_since_ = clock_.monotonic();
  put(unnumbered_frame(Function::kStopAct));
}

bool Link::can_send() const { return started_ && !stopping_ && unacknowledged_.size() < settings_.k; }

void Link::send(std::string_view asdu) {
  BONGSU_CHECK(can_send());
  put(information_frame(send_number_, receive_number_, asdu));
  send_number_ = next(send_number_);
  ++sent_;
  unacknowledged_.push_back(clock_.monotonic());
  to_acknowledge_ = 0;
}

std::string Link::take_output() { return std::exchange(output_, {}); }

}  // namespace bongsu::exercise::wire::iec104
