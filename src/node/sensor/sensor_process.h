// The sensor process: reads telemetry, matches, sends alerts up. It begins with one socket and ends when that does.
//
// One thread reads frames (indicators go straight into the engine, which takes them without stopping the matcher), one follows files and matches.
#pragma once

namespace bongsu::node {

// `fd`: the socket that the keeper gave; `work_fd`: the memory in which it is told what rules are at work (work_memory.h), -1: none. Returns the
// exit code of the process.
int run_sensor_process(int fd, int work_fd = -1);

}  // namespace bongsu::node
