// What was said on the wire, made anew: a station or controller of the wire's own state machines (exercise/wire), and
// clients that speak to it at given times. For this folder alone.
//
//   BONGSU_TRY(const std::string pcap, record(recording, values));
//
// As a packet capture, as a sensor's log (wire/sensor_log.h), or as text with a frame a line:
//   2027-01-19T07:00:01.002Z 192.0.2.10:49731 > 10.21.0.4:2404 680407000000
#pragma once

#include <string>

#include "exercise/course/values.h"
#include "exercise/wire/point_list.h"

namespace bongsu::exercise::course {

// kInvalid: patterns that do not fill, points that are none, steps that nobody takes.
Result<std::string> record(const Recording& recording, const Values& values);

// The same ends for a learner's own frames: what is sent, in hexadecimal (blanks, line ends and # comments allowed),
// and what the points are afterwards.
struct Played {
  std::vector<std::string> asked;     // names of types or functions, in order
  std::vector<std::string> refusals;  // what the other end did not do, and why
  std::map<std::string, double> before, after;
};
Result<Played> play(Protocol protocol, const wire::PointList& list, std::uint16_t common_address, std::uint8_t unit,
                    std::string_view frames);

}  // namespace bongsu::exercise::course
