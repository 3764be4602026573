// Syslog messages out of a TCP or TLS stream (RFC 6587 §3.4, RFC 5425 §4.3), as lines.
//
//   SyslogFraming framing;
//   std::string lines;
//   BONGSU_TRY_VOID(framing.feed(bytes, lines));      // appends the messages that are complete, a line each
//
// Octet counting ("34 <13>…") and non-transparent framing (a line feed or NUL behind each message) are told apart
// message by message: a message begins with "<", or with whatever a careless sender writes, but never with digits and a
// blank. Line feeds within a counted message become blanks, since a line is an event.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bongsu::telemetry {

inline constexpr std::size_t kMaxSyslogMessageBytes = 256 * 1024;

// A message as a line: without line feeds and NULs at its end, blanks for those within. Nothing for an empty one.
void append_syslog_line(std::string_view message, std::string& lines);

class SyslogFraming {
 public:
  // kTooLarge: a message beyond kMaxSyslogMessageBytes; the stream cannot be read on.
  Result<void> feed(std::string_view bytes, std::string& lines);
  // The stream has ended: what stands without its end is a message, too.
  void finish(std::string& lines);
  std::size_t held() const { return held_.size(); }

 private:
  std::string held_;
  std::size_t searched_ = 0;  // of held_, without finding a line's end
};

}  // namespace bongsu::telemetry
