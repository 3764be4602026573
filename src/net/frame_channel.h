// Length-prefixed frames over a connected stream socket, for keeper and sensor: [u32 length LE][u8 type][payload].
// Blocking calls with deadlines; one reader thread and one writer thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace bongsu::net {

inline constexpr std::uint32_t kMaxFrameBytes = 16 * 1024 * 1024;

struct Frame {
  std::uint8_t type = 0;
  std::string payload;
};

class FrameChannel {
 public:
  explicit FrameChannel(int fd);  // takes the descriptor
  ~FrameChannel();
  FrameChannel(FrameChannel&&) noexcept;
  FrameChannel& operator=(FrameChannel&&) noexcept;

  // kUnavailable when the other end is gone, kTimeout, kTooLarge (also for a hostile length), kIo. A read that timed
  // out may be called again and loses nothing; a write that timed out within a frame shuts the channel down.
  Result<Frame> read(std::chrono::milliseconds deadline);
  Result<void> write(std::uint8_t type, std::string_view payload, std::chrono::milliseconds deadline);
  void shutdown();  // from any thread: both ends see the end
  int fd() const { return fd_; }

  static Result<std::pair<int, int>> socket_pair();  // close-on-exec

 private:
  int fd_ = -1;
  std::string buffer_;
  std::size_t begin_ = 0;
};

// The decoding alone: the frame at bytes[begin…], which then moves behind it; nullopt while it is not complete.
Result<std::optional<Frame>> take_frame(std::string_view bytes, std::size_t& begin);

}  // namespace bongsu::net
