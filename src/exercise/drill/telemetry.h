// Log lines that red's deeds and ordinary life leave on a team's network: records of behaviour made from named
// templates (scenario/vocabulary.h), in the formats that sensors write. Nothing here acts or can be run.
//
//   telemetry_line("zeek-dns", {{"source", "10.1.0.7"}, {"query", "evil.example"}}, instant, seed)
//   //
//   {"_path":"dns","ts":"2027-01-19T07:31:00.250000Z","uid":"C8f…","id.orig_h":"10.1.0.7",…,"query":"evil.example",…}
//
// Zeek's logs as JSON lines, Sysmon and Windows events in the flat form, control protocols as
// exercise/wire/sensor_log.h writes them, syslog (RFC 5424), CEF, the combined log format, flows as Suricata's EVE.
// What a template leaves open (ports, ids, byte counts) comes from the seed, so that a line is the same whenever it is
// made.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace bongsu::exercise::drill {

using Parameters = std::map<std::string, std::string>;

// A line with its end. kUnsupported: no such template; kInvalid names a required parameter that is missing.
Result<std::string> telemetry_line(std::string_view template_name, const Parameters& parameters, const Instant& at,
                                   std::uint64_t seed);

// Ordinary traffic of a team's network within [begin, begin + length): names, web pages, logons, programs, polling of
// stations; `count` lines in order of time. Its values are of documentation's and private ranges and of example
// domains, so that no indicator of a scenario meets them by chance.
std::string background_lines(std::string_view team, const Instant& begin, std::int64_t length_ms, std::size_t count,
                             std::uint64_t seed);

}  // namespace bongsu::exercise::drill
