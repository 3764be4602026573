// What the range's simulators have in common on the command line: addresses, lists of points, recording, lines from
// standard input, an end by Ctrl-C.
#pragma once

#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "exercise/wire/point_list.h"
#include "exercise/wire/points.h"
#include "exercise/wire/record.h"
#include "exercise/wire/sensor_log.h"
#include "net/session_loop.h"

namespace bongsu::cli {

inline constexpr std::size_t kMaxInputLineBytes = 64 * 1024;

// "127.0.0.1:2404", "[::1]:502", "plc.example:502"; kInvalid.
Result<exercise::wire::Endpoint> parse_endpoint(std::string_view text);
Result<exercise::wire::PointList> load_point_list(const std::string& path);

// SIGINT and SIGTERM stop the loop; they are blocked from now on.
void stop_on_signal(net::SessionLoop& loop);

// Standard input, a line at a time, blanks at both ends taken off; an end without a line is told as nullptr.
void read_lines(net::SessionLoop& loop, std::function<void(const std::string* line)> take);

// Everything that the loop's connections say: into a packet capture, into a log as a sensor in front would write it, or
// both (an empty path: not).
class Recorder {
 public:
  // kIo: a file can't be made.
  static Result<std::unique_ptr<Recorder>> open(const std::string& capture, const std::string& log,
                                                exercise::wire::Protocol protocol, net::SessionLoop& loop,
                                                const Clock& clock);

 private:
  struct Flow {
    exercise::wire::RecordedFlow packets;
    exercise::wire::SensorLog log;
  };
  std::ofstream capture_, log_;
  std::map<std::uint64_t, Flow> flows_;
};

// {"point":"u1","value":112.4,"quality":["invalid"]} sets a point of the process. kInvalid says what is wrong.
Result<void> set_point(std::string_view line, exercise::wire::Points& points, const Clock& clock);

std::string quality_words(const exercise::wire::Quality& quality);  // "invalid not_topical"; "" is good
void put_value(JsonObject& out, double value);                      // "value", whole numbers without a fraction, null for NaN

}  // namespace bongsu::cli
