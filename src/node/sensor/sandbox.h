// What the sensor process locks itself into before it reads a byte of telemetry: no new files but the ones named, no network, no
// new programs, no privileges. A fault in a parser then owns nothing worth having.
//
//   BONGSU_TRY_VOID(enter_sandbox({.readable = {"/var/log/zeek"}, .user = "nobody"}));
//
// Order: resource limits → drop user and capabilities → no_new_privs → Landlock (kernel 5.13+) → seccomp. There is no way back.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace bongsu::node {

struct SandboxOptions {
  std::vector<std::string> readable;  // files and directories that may be read; paths that do not exist are skipped
  std::string writable;               // a directory in which files may be made, written, renamed and removed; empty: none
  std::string user;                   // account to become when started as root; empty: stay
  bool confine = true;                // false: privileges and limits only, without Landlock and seccomp
};

// kUnsupported with the missing kernel feature; kNotFound: no such user; kIo.
Result<void> enter_sandbox(const SandboxOptions& options);

}  // namespace bongsu::node
