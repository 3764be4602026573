// The frames of IEC 60870-5-104, and which bytes they are (APCI, IEC 60870-5-104 §5).
//
//   std::size_t begin = 0;
//   while (true) {
//     BONGSU_TRY(const auto frame, take_frame(buffer, begin));
//     if (!frame) break;                       // not whole yet: read more
//     if (frame->kind == FrameKind::kInformation) read_asdu(frame->asdu);
//   }
//
// A frame is 0x68, one octet of length (4 to 253: what follows it), four control octets, and in an I frame the ASDU.
// There are three kinds: I carries data and both sequence numbers, S acknowledges, U starts, stops and tests. An error
// means that the stream can't be followed any further: the connection has to be closed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bongsu::exercise::wire::iec104 {

inline constexpr std::uint8_t kStartOctet = 0x68;
inline constexpr std::size_t kMinLength = 4, kMaxLength = 253;  // of the length octet (§5.1)
inline constexpr std::size_t kMaxFrameBytes = kMaxLength + 2;
inline constexpr std::size_t kMaxAsduBytes = kMaxLength - 4;
inline constexpr std::uint16_t kSequenceModulus = 32768;  // numbers are of 15 bits

enum class FrameKind : std::uint8_t { kInformation, kSupervisory, kUnnumbered };

// The first control octet of U frames; exactly one function a frame.
enum class Function : std::uint8_t {
  kStartAct = 0x07,
  kStartCon = 0x0B,
  kStopAct = 0x13,
  kStopCon = 0x23,
  kTestAct = 0x43,
  kTestCon = 0x83,
};

struct Frame {
  FrameKind kind = FrameKind::kSupervisory;
  std::uint16_t send = 0;     // N(S); I only
  std::uint16_t receive = 0;  // N(R); I and S
  Function function = Function::kTestAct;
  std::string_view asdu;  // of the bytes that were read; I only, never empty
};

// The frame at bytes[begin…], which then moves behind it; nullopt while it is not complete. kInvalid with the offset.
Result<std::optional<Frame>> take_frame(std::string_view bytes, std::size_t& begin);

// `asdu`: 1 to kMaxAsduBytes; numbers below kSequenceModulus.
std::string information_frame(std::uint16_t send, std::uint16_t receive, std::string_view asdu);
std::string supervisory_frame(std::uint16_t receive);
std::string unnumbered_frame(Function function);

std::string_view to_string(Function function);  // "STARTDT act"

}  // namespace bongsu::exercise::wire::iec104
