// Lines of key=value: logfmt, firewalls' logs, the Linux audit log.
//
//   level=info msg="GET \"/\"" host=198.51.100.7
//   date=2024-05-10 srcip=10.1.100.11 url="http://evil.example/"
//   type=SYSCALL msg=audit(1364481363.243:24287): arch=c000003e syscall=59 exe="/usr/bin/id"
//
// A value is quoted (a backslash before " and \), or goes on to the next blank. Words between pairs are passed over.
// The audit log's time and number come as audit.time and audit.serial; the pairs within its msg='…' as its others.
#pragma once

#include <string_view>

#include "telemetry/line_fields.h"

namespace bongsu::telemetry {

// False, and nothing added: fewer than two pairs, or fewer than three when other words stand before the first.
bool read_key_values(std::string_view text, LineFields& fields);

}  // namespace bongsu::telemetry
