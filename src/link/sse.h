// Server-sent events (WHATWG HTML §9.2.5–9.2.6): a writer and a parser of event streams, by bytes.
//
//   link::SseParser parser;
//   BONGSU_TRY_VOID(parser.feed(piece, [&](const link::SseEvent& event) { … return true; }));
//
// Unlike a browser's, this parser does not decode UTF-8: data comes out byte for byte as append_sse_data put it in, as long as it
// holds no CR (which ends a line in this format; encode such data). Memory is bounded by kMaxSseLineBytes and kMaxSseEventBytes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bongsu::link {

// A STIX object has at most 16 MiB; in base64 that is 22 MiB.
inline constexpr std::size_t kMaxSseLineBytes = 24 * 1024 * 1024;
inline constexpr std::size_t kMaxSseEventBytes = 24 * 1024 * 1024;

struct SseEvent {
  std::string type;  // "message" unless the stream names one
  std::string data;
  std::string id;      // the last id that the stream gave, also by an earlier event
  bool own_id = false;  // whether this event carried an id field
};

class SseParser {
 public:
  // Return false to stop: the rest of the piece is dropped and feed answers kCancelled.
  using Callback = std::function<bool(SseEvent&)>;

  // Calls back for each event that the piece completes. kTooLarge when a line or an event exceeds its limit; the parser is of no
  // use then. A stream that ends inside an event loses that event, as the standard says.
  Result<void> feed(std::string_view piece, const Callback& callback);

  std::optional<std::uint64_t> retry_ms() const { return retry_ms_; }  // the latest "retry" field
  std::size_t pending_bytes() const { return line_.size() + event_.data.size(); }

 private:
  Result<bool> take_line(std::string_view line, const Callback& callback);  // false: the callback stopped

  std::string line_;           // the beginning of a line whose end has not come
  bool after_cr_ = false;      // an LF now belongs to the CR before it
  bool begun_ = false;         // past the place of a byte order mark
  bool has_data_ = false;
  SseEvent event_;
  std::string last_id_;
  std::optional<std::uint64_t> retry_ms_;
};

// Appends "data: …" lines that a parser gives back as exactly `data`. Invariant: no CR in it.
void append_sse_data(std::string& out, std::string_view data);

}  // namespace bongsu::link
