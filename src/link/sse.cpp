#include "link/sse.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace bongsu::link {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// The first CR or LF, or the size. Lines here are kilobytes long: two passes of memchr beat one careful loop.
std::size_t find_line_end(std::string_view text) {
  const std::size_t lf = std::min(text.find('\n'), text.size());
  return std::min(text.substr(0, lf).find('\r'), lf);
}

std::unexpected<Error> too_long() {
  return fail(ErrorCode::kTooLarge, fmt::format("a line or event of the stream exceeds {} bytes", kMaxSseEventBytes));
}

}  // namespace

Result<void> SseParser::feed(std::string_view piece, const Callback& callback) {
  while (!piece.empty()) {
    if (after_cr_) {
      after_cr_ = false;
      if (piece.front() == '\n') {
        piece.remove_prefix(1);
        continue;
      }
    }
    const std::size_t end = find_line_end(piece);
    if (line_.size() + end > kMaxSseLineBytes) return too_long();
    if (end == piece.size()) {
      line_.append(piece);
      return {};
    }
    after_cr_ = piece[end] == '\r';
    Result<bool> going = true;
    if (line_.empty()) {
      going = take_line(piece.substr(0, end), callback);
    } else {
      line_.append(piece.substr(0, end));
      going = take_line(line_, callback);
      line_.clear();
    }
    if (!going) return std::unexpected(going.error());
    if (!*going) return fail(ErrorCode::kCancelled, "the reader of the stream stopped");
    piece.remove_prefix(end + 1);
  }
  return {};
}

Result<bool> SseParser::take_line(std::string_view line, const Callback& callback) {
  if (!begun_) {
    begun_ = true;
    if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  }
  if (line.empty()) {  // dispatch
    SseEvent event = std::move(event_);
    event_ = {};
    const bool dispatch = has_data_;
    has_data_ = false;
    if (!dispatch) return true;
    event.data.pop_back();  // the LF after the last line
    if (event.type.empty()) event.type = "message";
    event.id = last_id_;
    return callback(event);
  }
  const std::size_t colon = line.find(':');
  if (colon == 0) return true;  // a comment
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    if (event_.data.size() + value.size() + 1 > kMaxSseEventBytes) return too_long();
    event_.data.append(value).push_back('\n');
    has_data_ = true;
  } else if (field == "event") {
    event_.type = value;
  } else if (field == "id") {
    if (value.find('\0') != std::string_view::npos) return true;
    last_id_ = value;
    event_.own_id = true;
  } else if (field == "retry") {
    const bool digits =
        !value.empty() && value.size() <= 12 && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
    if (digits) {
      std::uint64_t ms = 0;
      for (char c : value) ms = ms * 10 + static_cast<std::uint64_t>(c - '0');
      retry_ms_ = ms;
    }
  }
  return true;  // other fields are ignored
}

void append_sse_data(std::string& out, std::string_view data) {
  while (true) {
    const std::size_t end = data.find('\n');
    out.append("data: ").append(data.substr(0, end)).push_back('\n');
    if (end == std::string_view::npos) return;
    data.remove_prefix(end + 1);
  }
}

}  // namespace bongsu::link
