// CPU time, user and system together: other work on the machine does not count.
#pragma once

#include <sys/resource.h>

namespace bongsu::bench {

// Seconds since the start, of this process, its ended children (RUSAGE_CHILDREN) or this thread (RUSAGE_THREAD).
inline double cpu_seconds(int who = RUSAGE_SELF) {
  rusage use{};
  getrusage(who, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

}  // namespace bongsu::bench
