#include "exercise/wire/iec104/frame.h"

#include <fmt/format.h>

namespace bongsu::exercise::wire::iec104 {
namespace {

std::uint8_t octet(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }
std::uint16_t sequence(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>((octet(bytes, at) | octet(bytes, at + 1) << 8) >> 1);
}
void put_sequence(std::string& out, std::uint16_t number) {
  BONGSU_CHECK(number < kSequenceModulus);
  out += static_cast<char>(number << 1 & 0xFF);
  out += static_cast<char>(number >> 7);
}

bool is_function(std::uint8_t control) {
  switch (static_cast<Function>(control)) {
    case Function::kStartAct:
    case Function::kStartCon:
    case Function::kStopAct:
    case Function::kStopCon:
    case Function::kTestAct:
    case Function::kTestCon:
      return true;
  }
  return false;
}

std::unexpected<Error> broken(std::size_t offset, std::string message) {
  return fail(ErrorCode::kInvalid, std::move(message), {.source = "IEC 104", .offset = offset, .has_offset = true});
}

}  // namespace

Result<std::optional<Frame>> take_frame(std::string_view bytes, std::size_t& begin) {
  if (begin >= bytes.size()) return std::nullopt;
  if (octet(bytes, begin) != kStartOctet)
    return broken(begin, fmt::format("a frame starts with 0x68, not 0x{:02X}", octet(bytes, begin)));
  if (bytes.size() - begin < 2) return std::nullopt;
  const std::size_t length = octet(bytes, begin + 1);
  if (length < kMinLength || length > kMaxLength)
    return broken(begin + 1, fmt::format("the length of a frame is {} to {}, not {}", kMinLength, kMaxLength, length));
  if (bytes.size() - begin < length + 2) return std::nullopt;

  const std::size_t control = begin + 2;
  const std::uint8_t first = octet(bytes, control);
  Frame frame;
  if ((first & 1) == 0) {
    frame.kind = FrameKind::kInformation;
    if (length == kMinLength) return broken(begin, "an I frame without an ASDU");
    if ((octet(bytes, control + 2) & 1) != 0)
      return broken(control + 2, "the lowest bit of an I frame's third octet is set");
    frame.send = sequence(bytes, control);
    frame.receive = sequence(bytes, control + 2);
    frame.asdu = bytes.substr(control + 4, length - 4);
  } else {
    if (length != kMinLength) return broken(begin + 1, fmt::format("an S or U frame has the length 4, not {}", length));
    if ((first & 2) == 0) {
      frame.kind = FrameKind::kSupervisory;
      if (first != 1 || octet(bytes, control + 1) != 0 || (octet(bytes, control + 2) & 1) != 0)
        return broken(control, "reserved bits of an S frame are set");
      frame.receive = sequence(bytes, control + 2);
    } else {
      frame.kind = FrameKind::kUnnumbered;
      if (!is_function(first)) return broken(control, fmt::format("0x{:02X} is not one function of a U frame", first));
      for (std::size_t i = 1; i < 4; ++i)
        if (octet(bytes, control + i) != 0) return broken(control + i, "reserved octets of a U frame are not zero");
      frame.function = static_cast<Function>(first);
    }
  }
  begin += length + 2;
  return frame;
}

std::string information_frame(std::uint16_t send, std::uint16_t receive, std::string_view asdu) {
  BONGSU_CHECK(!asdu.empty() && asdu.size() <= kMaxAsduBytes);
  std::string out;
  out.reserve(asdu.size() + 6);
  out += static_cast<char>(kStartOctet);
  out += static_cast<char>(asdu.size() + 4);
  put_sequence(out, send);
  put_sequence(out, receive);
  out += asdu;
  return out;
}

std::string supervisory_frame(std::uint16_t receive) {
  std::string out{static_cast<char>(kStartOctet), 4, 1, 0};
  put_sequence(out, receive);
  return out;
}

std::string unnumbered_frame(Function function) {
  return {static_cast<char>(kStartOctet), 4, static_cast<char>(function), 0, 0, 0};
}

std::string_view to_string(Function function) {
  switch (function) {
    case Function::kStartAct:
      return "STARTDT act";
    case Function::kStartCon:
      return "STARTDT con";
    case Function::kStopAct:
      return "STOPDT act";
    case Function::kStopCon:
      return "STOPDT con";
    case Function::kTestAct:
      return "TESTFR act";
    case Function::kTestCon:
      return "TESTFR con";
  }
  return "?";
}

}  // namespace bongsu::exercise::wire::iec104
