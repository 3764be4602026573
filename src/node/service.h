// How the program lives as a service: signals, and systemd's readiness protocol (sd_notify; nothing when systemd did not start us).
#pragma once

#include <string>

namespace bongsu::node {

// Blocks SIGINT and SIGTERM in every thread made afterwards; call first in main. SIGPIPE is ignored.
void block_stop_signals();
// Waits for one of them.
void wait_for_stop_signal();

void notify_ready(const std::string& status);
void notify_stopping();

std::string own_program_path();  // /proc/self/exe resolved

}  // namespace bongsu::node
