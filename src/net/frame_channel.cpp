#include "net/frame_channel.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace bongsu::net {
namespace {

using SteadyNow = std::chrono::steady_clock;
constexpr std::size_t kHeadBytes = 5;
constexpr std::size_t kReadBytes = 64 * 1024;

std::unexpected<Error> gone() { return fail(ErrorCode::kUnavailable, "the other end of the channel is gone"); }

std::unexpected<Error> system_error(std::string_view what, int number) {
  if (number == EPIPE || number == ECONNRESET || number == ENOTCONN) return gone();
  return fail(ErrorCode::kIo, fmt::format("{}: {}", what, std::generic_category().message(number)));
}

Result<void> wait(int fd, short events, SteadyNow::time_point until) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - SteadyNow::now());
    if (left.count() <= 0) return fail(ErrorCode::kTimeout, "the deadline has passed");
    pollfd poller{fd, events, 0};
    const int ready = ::poll(&poller, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 3'600'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return system_error("waiting", errno);
  }
}

}  // namespace

FrameChannel::FrameChannel(int fd) : fd_(fd) {
  // Deadlines need it; a descriptor that was inherited may be blocking.
  const int flags = ::fcntl(fd_, F_GETFL);
  if (flags >= 0) ::fcntl(fd_, F_SETFL, flags | O_NONBLOCK);
}

FrameChannel::~FrameChannel() {
  if (fd_ >= 0) ::close(fd_);
}

FrameChannel::FrameChannel(FrameChannel&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)), begin_(std::exchange(other.begin_, 0)) {}

FrameChannel& FrameChannel::operator=(FrameChannel&& other) noexcept {
  if (this == &other) return *this;
  if (fd_ >= 0) ::close(fd_);
  fd_ = std::exchange(other.fd_, -1);
  buffer_ = std::move(other.buffer_);
  begin_ = std::exchange(other.begin_, 0);
  return *this;
}

Result<Frame> FrameChannel::read(std::chrono::milliseconds deadline) {
  const auto until = SteadyNow::now() + deadline;
  while (true) {
    BONGSU_TRY(auto frame, take_frame(buffer_, begin_));
    if (frame) return std::move(*frame);
    if (begin_ > 0) {
      buffer_.erase(0, begin_);
      begin_ = 0;
    }
    // The buffer grows with what has come, not with the length that a frame claims.
    const std::size_t old_size = buffer_.size();
    buffer_.resize(old_size + kReadBytes);
    const ssize_t got = ::recv(fd_, buffer_.data() + old_size, kReadBytes, 0);
    const int number = errno;
    buffer_.resize(old_size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return gone();
    if (got > 0) continue;
    if (number != EAGAIN && number != EINTR) return system_error("reading", number);
    BONGSU_TRY_VOID(wait(fd_, POLLIN, until));
  }
}

Result<void> FrameChannel::write(std::uint8_t type, std::string_view payload, std::chrono::milliseconds deadline) {
  if (payload.size() > kMaxFrameBytes)
    return fail(ErrorCode::kTooLarge,
                fmt::format("a frame has at most {} bytes, this has {}", kMaxFrameBytes, payload.size()));
  const auto until = SteadyNow::now() + deadline;
  const auto size = static_cast<std::uint32_t>(payload.size());
  char head[kHeadBytes] = {static_cast<char>(size), static_cast<char>(size >> 8), static_cast<char>(size >> 16),
                           static_cast<char>(size >> 24), static_cast<char>(type)};
  std::string_view rest_of_head(head, kHeadBytes);
  bool begun = false;
  while (!rest_of_head.empty() || !payload.empty()) {
    iovec parts[2] = {{const_cast<char*>(rest_of_head.data()), rest_of_head.size()},
                      {const_cast<char*>(payload.data()), payload.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    const ssize_t written = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (written < 0) {
      if (errno != EAGAIN && errno != EINTR) return system_error("writing", errno);
      auto waited = wait(fd_, POLLOUT, until);
      // Half a frame cannot be taken back: what followed would be read as its rest.
      if (!waited && begun) shutdown();
      if (!waited) return waited;
      continue;
    }
    begun = true;
    const auto count = static_cast<std::size_t>(written);
    const std::size_t from_head = std::min(count, rest_of_head.size());
    rest_of_head.remove_prefix(from_head);
    payload.remove_prefix(count - from_head);
  }
  return {};
}

void FrameChannel::shutdown() { ::shutdown(fd_, SHUT_RDWR); }

Result<std::pair<int, int>> FrameChannel::socket_pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) return system_error("a socket pair", errno);
  return std::pair(fds[0], fds[1]);
}

Result<std::optional<Frame>> take_frame(std::string_view bytes, std::size_t& begin) {
  const std::string_view in = bytes.substr(std::min(begin, bytes.size()));
  if (in.size() < kHeadBytes) return std::nullopt;
  std::uint32_t size = 0;
  for (int i = 3; i >= 0; --i) size = size << 8 | static_cast<std::uint8_t>(in[static_cast<std::size_t>(i)]);
  if (size > kMaxFrameBytes)
    return fail(ErrorCode::kTooLarge,
                fmt::format("a frame has at most {} bytes, this claims {}", kMaxFrameBytes, size));
  if (in.size() - kHeadBytes < size) return std::nullopt;
  begin += kHeadBytes + size;
  return Frame{static_cast<std::uint8_t>(in[4]), std::string(in.substr(kHeadBytes, size))};
}

}  // namespace bongsu::net
