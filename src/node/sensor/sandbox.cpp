#include "node/sensor/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

// Later Landlock rights, for kernels that know more than the headers of Debian 12.
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

namespace bongsu::node {
namespace {

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWrite = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE;
constexpr std::uint64_t kFirstAbi = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;  // every right of ABI 1
constexpr std::uint64_t kNetTcp = 3;   // bind, connect (ABI 4)
constexpr std::uint64_t kScopes = 3;   // abstract Unix sockets, signals (ABI 6)
constexpr rlim_t kMaxOpenFiles = 4096;

// The kernel's structure grew; this is its layout of ABI 6.
struct RulesetAttributes {
  std::uint64_t handled_access_fs = 0;
  std::uint64_t handled_access_net = 0;
  std::uint64_t scoped = 0;
};

std::unexpected<Error> failed(const char* what) {
  const int error = errno;
  return fail(ErrorCode::kIo, fmt::format("the sensor cannot lock itself in: {}: {}", what, std::strerror(error)));
}

Result<void> limit_resources() {
  const rlimit no_core{0, 0};
  const rlimit files{kMaxOpenFiles, kMaxOpenFiles};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0) return failed("core limit");
  if (::setrlimit(RLIMIT_NOFILE, &files) != 0) {
    // A lower hard limit is fine.
    if (errno != EPERM) return failed("file limit");
  }
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return failed("dumpable");
  return {};
}

Result<void> drop_privileges(const std::string& user) {
  if (::geteuid() == 0 && !user.empty()) {
    const passwd* entry = ::getpwnam(user.c_str());
    if (entry == nullptr) return fail(ErrorCode::kNotFound, fmt::format("there is no user \"{}\" to run the sensor as", user), {.field = "sensor.user"});
    if (::prctl(PR_SET_KEEPCAPS, 1) != 0) return failed("keep capabilities");
    if (::setgroups(0, nullptr) != 0) return failed("groups");
    if (::setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0) return failed("group");
    if (::setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0) return failed("user");
    // Logs are often readable by root only. Landlock, below, narrows this to the paths that were named.
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> data{};
    data[0].effective = data[0].permitted = 1u << CAP_DAC_READ_SEARCH;
    if (::syscall(SYS_capset, &header, data.data()) != 0) return failed("capabilities");
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("no new privileges");
  return {};
}

Result<void> restrict_files(const std::vector<std::string>& readable, const std::string& writable) {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1)
    return fail(ErrorCode::kUnsupported,
                "this kernel has no Landlock (Linux 5.13 or later, enabled at boot); set sensor.sandbox = false to run the sensor without it");
  RulesetAttributes attributes;
  attributes.handled_access_fs = kFirstAbi;
  if (abi >= 2) attributes.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
  if (abi >= 3) attributes.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
  if (abi >= 5) attributes.handled_access_fs |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
  if (abi >= 4) attributes.handled_access_net = kNetTcp;
  if (abi >= 6) attributes.scoped = kScopes;
  const std::size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  const int ruleset = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0));
  if (ruleset < 0) return failed("Landlock ruleset");
  std::vector<std::pair<std::string, std::uint64_t>> paths;
  for (const std::string& path : readable) paths.emplace_back(path, kRead);
  if (!writable.empty()) paths.emplace_back(writable, kRead | kWrite | (abi >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0));
  for (const auto& [path, access] : paths) {
    const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
    if (fd < 0) continue;
    struct stat info {};
    ::fstat(fd, &info);
    landlock_path_beneath_attr beneath{};
    beneath.allowed_access = S_ISDIR(info.st_mode) ? access : static_cast<std::uint64_t>(LANDLOCK_ACCESS_FS_READ_FILE);
    beneath.parent_fd = fd;
    const long added = ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    ::close(fd);
    if (added != 0) {
      ::close(ruleset);
      return failed("Landlock rule");
    }
  }
  const long restricted = ::syscall(SYS_landlock_restrict_self, ruleset, 0);
  ::close(ruleset);
  if (restricted != 0) return failed("Landlock");
  return {};
}

// What reading, decompressing, matching on several threads and talking over an inherited socket needs; everything else is refused
// with EPERM, so that a library that asks for more fails instead of dying.
constexpr std::array kAllowed = {
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(fstat),
    SCMP_SYS(newfstatat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(statx), SCMP_SYS(lseek), SCMP_SYS(openat), SCMP_SYS(open),
    SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(getdents64),
    SCMP_SYS(getcwd), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect), SCMP_SYS(madvise), SCMP_SYS(brk),
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list), SCMP_SYS(rseq), SCMP_SYS(clone), SCMP_SYS(clone3),
    SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack), SCMP_SYS(tgkill), SCMP_SYS(gettid), SCMP_SYS(getpid), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(getrandom),
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(shutdown),
    SCMP_SYS(fcntl), SCMP_SYS(ioctl), SCMP_SYS(uname), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
    SCMP_SYS(getrusage), SCMP_SYS(sysinfo), SCMP_SYS(restart_syscall), SCMP_SYS(membarrier), SCMP_SYS(fadvise64),
    SCMP_SYS(inotify_init1), SCMP_SYS(inotify_add_watch), SCMP_SYS(inotify_rm_watch), SCMP_SYS(pipe2), SCMP_SYS(eventfd2),
};

// What storing telemetry needs besides; where, Landlock says.
constexpr std::array kAllowedForStoring = {SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat)};

// The library's macros are C99 compound literals.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc99-extensions"

Result<void> restrict_calls(bool storing) {
  const scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (filter == nullptr) return failed("seccomp");
  int result = 0;
  for (const int call : kAllowed) {
    // Threads yes, processes no: clone only with CLONE_THREAD. clone3's flags lie in memory where seccomp cannot look: answer
    // ENOSYS, and the C library uses clone.
    if (call == SCMP_SYS(clone)) {
      constexpr scmp_datum_t kCloneThread = 0x00010000;
      result |= ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, SCMP_A0(SCMP_CMP_MASKED_EQ, kCloneThread, kCloneThread));
    } else if (call == SCMP_SYS(clone3)) {
      result |= ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), call, 0);
    } else if (call == SCMP_SYS(ioctl)) {
      constexpr scmp_datum_t kTcgets = 0x5401, kFionread = 0x541b;
      result |= ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, SCMP_A1(SCMP_CMP_EQ, kTcgets, 0));
      result |= ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, SCMP_A1(SCMP_CMP_EQ, kFionread, 0));
    } else {
      result |= ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
    }
  }
  if (storing)
    for (const int call : kAllowedForStoring) result |= ::seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
  if (result == 0) result = ::seccomp_load(filter);
  ::seccomp_release(filter);
  if (result != 0) {
    errno = -result;
    return failed("seccomp");
  }
  return {};
}

#pragma clang diagnostic pop

}  // namespace

Result<void> enter_sandbox(const SandboxOptions& options) {
  BONGSU_TRY_VOID(limit_resources());
  BONGSU_TRY_VOID(drop_privileges(options.user));
  if (!options.confine) return {};
  BONGSU_TRY_VOID(restrict_files(options.readable, options.writable));
  BONGSU_TRY_VOID(restrict_calls(!options.writable.empty()));
  return {};
}

}  // namespace bongsu::node
