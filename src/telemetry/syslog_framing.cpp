#include "telemetry/syslog_framing.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"

namespace bongsu::telemetry {
namespace {

constexpr std::size_t kMaxCountDigits = 9;

// How a message that begins at the beginning of `text` is framed.
struct Frame {
  enum class Kind { kWait, kCounted, kLine } kind = Kind::kWait;
  std::size_t begin = 0, size = 0;
};

Frame look(std::string_view text) {
  std::size_t digits = 0, count = 0;
  while (digits < text.size() && digits < kMaxCountDigits && is_digit(text[digits])) {
    count = count * 10 + static_cast<std::size_t>(text[digits] - '0');
    ++digits;
  }
  if (digits > 0 && text[0] != '0') {
    if (digits == text.size() && digits < kMaxCountDigits) return {};
    if (digits < text.size() && text[digits] == ' ') return {Frame::Kind::kCounted, digits + 1, count};
  }
  return {text.empty() ? Frame::Kind::kWait : Frame::Kind::kLine, 0, 0};
}

}  // namespace

void append_syslog_line(std::string_view message, std::string& lines) {
  while (!message.empty() && (message.back() == '\n' || message.back() == '\r' || message.back() == '\0'))
    message.remove_suffix(1);
  if (message.empty()) return;
  const std::size_t begin = lines.size();
  lines += message;
  for (std::size_t i = begin; i < lines.size(); ++i)
    if (lines[i] == '\n') lines[i] = ' ';
  lines += '\n';
}

Result<void> SyslogFraming::feed(std::string_view bytes, std::string& lines) {
  held_ += bytes;
  std::size_t at = 0, searched = std::exchange(searched_, 0);
  const auto too_large = [&] {
    return fail(ErrorCode::kTooLarge, fmt::format("a syslog message of more than {} bytes", kMaxSyslogMessageBytes));
  };
  while (at < held_.size()) {
    const std::string_view rest = std::string_view(held_).substr(at);
    const std::size_t from = std::exchange(searched, 0);
    const Frame frame = look(rest);
    if (frame.kind == Frame::Kind::kWait) break;
    if (frame.kind == Frame::Kind::kCounted) {
      if (frame.size > kMaxSyslogMessageBytes) return too_large();
      if (rest.size() - frame.begin < frame.size) break;
      append_syslog_line(rest.substr(frame.begin, frame.size), lines);
      at += frame.begin + frame.size;
      continue;
    }
    const std::size_t end = rest.find_first_of(std::string_view("\n\0", 2), from);
    if (end == rest.npos) {
      if (rest.size() > kMaxSyslogMessageBytes) return too_large();
      searched_ = rest.size();
      break;
    }
    if (end > kMaxSyslogMessageBytes) return too_large();
    append_syslog_line(rest.substr(0, end), lines);
    at += end + 1;
  }
  held_.erase(0, at);
  return {};
}

void SyslogFraming::finish(std::string& lines) {
  const Frame frame = look(held_);
  append_syslog_line(std::string_view(held_).substr(frame.kind == Frame::Kind::kCounted ? frame.begin : 0), lines);
  held_.clear();
  searched_ = 0;
}

}  // namespace bongsu::telemetry
