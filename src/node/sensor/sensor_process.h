// The sensor process: reads telemetry, matches, sends alerts up. It begins with one socket and ends when that does.
//
// One thread reads frames (indicators go straight into the engine, which takes them without stopping the matcher), one follows files and matches.
#pragma once

namespace bongsu::node {

// `fd`: the socket that the keeper gave. Returns the exit code of the process.
int run_sensor_process(int fd);

}  // namespace bongsu::node
