// One connection's side of IEC 60870-5-104 §5: numbers, acknowledges, tests, starts and stops; without a socket.
//
//   Link link(Role::kControlled, {}, clock);
//   BONGSU_TRY_VOID(link.receive(bytes, [&](std::string_view asdu) { return answer(asdu); }));
//   if (link.can_send()) link.send(asdu);
//   out += link.take_output();
//   … at link.wake_at(): BONGSU_TRY_VOID(link.tick());
//
// An error of receive() or tick() means that the connection has to be closed; nothing may be called after it.
//
// Where the standard leaves room: an I frame on a stopped connection closes it (from a controlled station that is
// stopping, the controlling one still takes them); STARTDT while stopping is overlooked; idle is counted from the last
// frame in either direction.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "exercise/wire/iec104/frame.h"

namespace bongsu::exercise::wire::iec104 {

// §9.6: defaults, and what may be chosen.
struct LinkSettings {
  std::uint16_t k = 12;         // I frames that may wait for an acknowledgement: 1 to 32767
  std::uint16_t w = 8;          // I frames after which the receiver acknowledges at the latest: 1 to 32767, at most k
  std::chrono::seconds t0{30};  // until a connection stands; for whoever connects
  std::chrono::seconds t1{15};  // until an I, STARTDT, STOPDT or TESTFR is answered
  std::chrono::seconds t2{10};  // until a received I frame is acknowledged; less than t1
  std::chrono::seconds t3{20};  // of idleness until a test
};
inline constexpr std::chrono::seconds kMaxTimeout{255}, kMaxIdleTimeout{172'800};
Result<void> check(const LinkSettings& settings);  // kInvalid, field names the setting

enum class Role : std::uint8_t { kControlled, kControlling };

class Link {
 public:
  using Receive = std::function<Result<void>(std::string_view asdu)>;

  // `settings` are good (check).
  Link(Role role, const LinkSettings& settings, const Clock& clock);

  // Bytes as they come. `take` is called for each ASDU in order; its error ends the connection.
  Result<void> receive(std::string_view bytes, const Receive& take);
  // Looks at the timers. kTimeout: t1 has passed.
  Result<void> tick();
  std::chrono::nanoseconds wake_at() const;  // monotonic time of the next timer

  bool started() const { return started_; }
  void start();                      // controlling: asks for data
  void stop();                       // controlling: asks for no more
  void halt() { started_ = false; }  // controlled: another connection of the group was started

  // Started, not stopping, and fewer than k frames without acknowledgement.
  bool can_send() const;
  void send(std::string_view asdu);
  // How many I frames were sent, and acknowledged by the other end, since the beginning.
  std::uint64_t sent() const { return sent_; }
  std::uint64_t acknowledged() const { return sent_ - unacknowledged_.size(); }

  std::string take_output();

 private:
  Result<void> take(const Frame& frame, const Receive& deliver);
  Result<void> take_function(Function function);
  Result<void> take_acknowledgement(std::uint16_t receive);
  void acknowledge();
  void put(std::string_view frame);
  void confirm_stop_when_done();

  Role role_;
  LinkSettings settings_;
  const Clock& clock_;
  std::string input_, output_;
  bool started_ = false, stopping_ = false;
  std::uint16_t send_number_ = 0, receive_number_ = 0;
  std::uint64_t sent_ = 0;
  std::deque<std::chrono::nanoseconds> unacknowledged_;  // when each was sent
  std::uint32_t to_acknowledge_ = 0;
  std::chrono::nanoseconds acknowledge_since_{}, last_frame_{};
  std::optional<std::chrono::nanoseconds> start_since_, stop_since_, test_since_;
};

}  // namespace bongsu::exercise::wire::iec104
