#include "net/frame_channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace bongsu::net {
namespace {

using namespace std::chrono_literals;

std::pair<FrameChannel, FrameChannel> channels() {
  const auto [a, b] = FrameChannel::socket_pair().value();
  return {FrameChannel(a), FrameChannel(b)};
}

TEST(FrameChannel, FramesArriveAsTheyWereSent) {
  auto [a, b] = channels();
  ASSERT_TRUE(a.write(1, "one", 5s));
  ASSERT_TRUE(a.write(255, "", 5s));
  ASSERT_TRUE(a.write(0, std::string("\0\x01\xff", 3), 5s));
  const Frame one = b.read(5s).value();
  EXPECT_EQ(one.type, 1);
  EXPECT_EQ(one.payload, "one");
  const Frame empty = b.read(5s).value();
  EXPECT_EQ(empty.type, 255);
  EXPECT_EQ(empty.payload, "");
  EXPECT_EQ(b.read(5s).value().payload, std::string("\0\x01\xff", 3));
  ASSERT_TRUE(b.write(7, "back", 5s));
  EXPECT_EQ(a.read(5s).value().payload, "back");
}

TEST(FrameChannel, LargestFramesPassWhileTheOtherSideReads) {
  auto [a, b] = channels();
  std::string large(kMaxFrameBytes, 'x');
  for (std::size_t i = 0; i < large.size(); i += 4099) large[i] = static_cast<char>('a' + i % 26);
  std::thread writer([&, &out = a] {
    EXPECT_TRUE(out.write(9, large, 20s));
    EXPECT_TRUE(out.write(10, "after", 20s));
  });
  EXPECT_EQ(b.read(20s).value().payload, large);
  EXPECT_EQ(b.read(20s).value().payload, "after");
  writer.join();
}

TEST(FrameChannel, LengthsBeyondTheLimitAreTooLargeOnBothSides) {
  auto [a, b] = channels();
  EXPECT_EQ(a.write(1, std::string(kMaxFrameBytes + 1, 'x'), 5s).error().code, ErrorCode::kTooLarge);
  const char hostile[5] = {'\x01', '\0', '\0', '\x01', 1};  // 16 MiB and one
  ASSERT_EQ(::send(a.fd(), hostile, sizeof hostile, 0), 5);
  EXPECT_EQ(b.read(5s).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(b.read(5s).error().code, ErrorCode::kTooLarge) << "the stream has no meaning any more";
}

TEST(FrameChannel, ReadThatTimedOutGoesOnWhereItWas) {
  auto [a, b] = channels();
  EXPECT_EQ(b.read(1ms).error().code, ErrorCode::kTimeout);
  ASSERT_EQ(::send(a.fd(), "\x03\0\0", 3, 0), 3);
  EXPECT_EQ(b.read(1ms).error().code, ErrorCode::kTimeout);
  ASSERT_EQ(::send(a.fd(), "\0\x05wh", 4, 0), 4);
  EXPECT_EQ(b.read(1ms).error().code, ErrorCode::kTimeout);
  ASSERT_EQ(::send(a.fd(), "o", 1, 0), 1);
  const Frame frame = b.read(5s).value();
  EXPECT_EQ(frame.type, 5);
  EXPECT_EQ(frame.payload, "who");
}

TEST(FrameChannel, WriteToSomebodyWhoDoesNotReadTimesOutAndEndsTheChannel) {
  auto [a, b] = channels();
  EXPECT_EQ(a.write(1, std::string(kMaxFrameBytes, 'x'), 20ms).error().code, ErrorCode::kTimeout);
  EXPECT_EQ(a.write(2, "next", 20ms).error().code, ErrorCode::kUnavailable) << "half a frame is out";
  EXPECT_EQ(b.read(5s).error().code, ErrorCode::kUnavailable) << "and is never taken for a whole one";
}

TEST(FrameChannel, EndOfOneSideIsUnavailableAtTheOther) {
  auto [a, b] = channels();
  ASSERT_TRUE(a.write(1, "last", 5s));
  {
    const FrameChannel gone = std::move(a);
  }
  EXPECT_EQ(b.read(5s).value().payload, "last") << "what was sent before still arrives";
  EXPECT_EQ(b.read(5s).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(b.write(1, "x", 5s).error().code, ErrorCode::kUnavailable);
}

TEST(FrameChannel, ShutdownWakesAReaderOnAnotherThread) {
  auto [a, b] = channels();
  std::thread reader([&in = b] { EXPECT_EQ(in.read(20s).error().code, ErrorCode::kUnavailable); });
  b.shutdown();
  reader.join();
  EXPECT_EQ(a.read(5s).error().code, ErrorCode::kUnavailable);
}

TEST(FrameChannel, DescriptorsAreNotInherited) {
  const auto [a, b] = FrameChannel::socket_pair().value();
  EXPECT_TRUE(::fcntl(a, F_GETFD) & FD_CLOEXEC);
  EXPECT_TRUE(::fcntl(b, F_GETFD) & FD_CLOEXEC);
  ::close(a);
  ::close(b);
}

}  // namespace
}  // namespace bongsu::net
