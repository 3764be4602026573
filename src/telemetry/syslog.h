// The head of a syslog line: RFC 5424 §6, RFC 3164 §4, and the two forms that syslog daemons write to files.
//
//   <34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 [origin ip="192.0.2.1"] 'su root' failed
//   <34>Oct 11 22:14:15 mymachine su[77]: 'su root' failed
//   Oct 11 22:14:15 mymachine su[77]: …           (rsyslog's traditional file)
//   2003-10-11T22:14:15.003+00:00 mymachine su[77]: …
//
// Fields: syslog.priority, .time, .host, .app, .pid, .msgid, .message; structured data as syslog.ELEMENT.NAME. A time
// without a year is no time of the event.
#pragma once

#include <string_view>

#include "telemetry/line_fields.h"

namespace bongsu::telemetry {

inline constexpr std::size_t kMaxSyslogHeaderBytes =
    2'048;  // of a line that is looked at for a head, structured data apart

struct SyslogHead {
  bool found = false;
  std::string_view message;  // what follows the head; the line when there is none
};

SyslogHead read_syslog_head(std::string_view line, LineFields& fields);

}  // namespace bongsu::telemetry
