#include "desk/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "base/clock.h"

namespace bongsu::desk {
namespace {

using namespace std::chrono_literals;
constexpr auto kLook = 5ms;  // between two looks at a child that has to end
constexpr std::size_t kComplaintBytes = 2000;

std::unexpected<Error> refused(const std::string& what) {
  return fail(ErrorCode::kIo, fmt::format("{}: {}", what, std::strerror(errno)));
}

struct Pipe {
  int read = -1, write = -1;
};
Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return refused("no pipe could be made");
  return Pipe{ends[0], ends[1]};
}

// In the child: only what is safe between fork and exec.
[[noreturn]] void become(pid_t parent, char* const* arguments, int out, int err) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);  // it died before we asked to be told
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

Result<pid_t> spawn(const std::vector<std::string>& command, int out, int err) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t self = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(self, arguments.data(), out, err);
  if (pid < 0) return refused("no process could be made");
  return pid;
}

std::string words_of(int status) {
  if (WIFSIGNALED(status)) return fmt::format("signal {}", WTERMSIG(status));
  return fmt::format("exit status {}", WEXITSTATUS(status));
}

// Reads what is there; false: the other end is closed.
bool read_some(int fd, std::string& out, std::size_t most) {
  std::array<char, 4096> piece;
  for (;;) {
    const ssize_t n = ::read(fd, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    out.append(piece.data(), std::min(static_cast<std::size_t>(n), most - std::min(most, out.size())));
  }
}

}  // namespace

Result<std::unique_ptr<Process>> Process::start(const std::vector<std::string>& command,
                                                const std::filesystem::path& log) {
  BONGSU_TRY(const Pipe pipe, make_pipe());
  const int err = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  auto pid = err < 0 ? Result<pid_t>(refused(log.string())) : spawn(command, pipe.write, err);
  ::close(pipe.write);
  if (err >= 0) ::close(err);
  if (!pid) {
    ::close(pipe.read);
    return std::unexpected(pid.error());
  }
  ::fcntl(pipe.read, F_SETFL, O_NONBLOCK);
  return std::unique_ptr<Process>(new Process(*pid, pipe.read));
}

Process::~Process() {
  stop(0ms);
  ::close(out_);
}

std::optional<std::string> Process::ended() {
  if (pid_ < 0) return end_;
  int status = 0;
  const pid_t gone = ::waitpid(pid_, &status, WNOHANG);
  if (gone == 0) return std::nullopt;
  end_ = gone == pid_ ? words_of(status) : "somebody else waited for it";
  pid_ = -1;
  return end_;
}

std::optional<std::string> Process::first_line() {
  read_some(out_, text_, kMaxFirstLine);
  const std::size_t end = text_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  return text_.substr(0, end);
}

void Process::ask_to_stop() {
  if (pid_ > 0) ::kill(pid_, SIGTERM);
}

void Process::stop(std::chrono::milliseconds grace) {
  ask_to_stop();
  const SystemClock clock;
  const auto until = clock.monotonic() + grace;
  bool killed = false;
  while (!ended()) {
    if (!killed && clock.monotonic() >= until) {
      ::kill(pid_, SIGKILL);
      killed = true;
    }
    std::this_thread::sleep_for(kLook);
  }
}

Result<std::string> run_command(const std::vector<std::string>& command, std::chrono::milliseconds deadline) {
  BONGSU_TRY(const Pipe out, make_pipe());
  auto err = make_pipe();
  if (!err) {
    ::close(out.read);
    ::close(out.write);
    return std::unexpected(err.error());
  }
  const auto pid = spawn(command, out.write, err->write);
  ::close(out.write);
  ::close(err->write);
  std::string said, complained;
  const SystemClock clock;
  const auto until = clock.monotonic() + deadline;
  bool late = false;
  if (pid) {
    for (const int fd : {out.read, err->read}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
    bool open = true;
    while (open && !late) {
      std::array<pollfd, 2> wait = {{{out.read, POLLIN, 0}, {err->read, POLLIN, 0}}};
      ::poll(wait.data(), wait.size(), 100);
      const bool more = read_some(out.read, said, kMaxOutput);
      const bool more_complaints = read_some(err->read, complained, kMaxOutput);
      open = more || more_complaints;
      late = clock.monotonic() >= until;
    }
    if (late) ::kill(*pid, SIGKILL);
  }
  ::close(out.read);
  ::close(err->read);
  if (!pid) return std::unexpected(pid.error());
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  const std::string name = command.size() > 1 ? command[0] + " " + command[1] : command[0];
  if (late)
    return fail(ErrorCode::kTimeout, fmt::format("it did not end within {} s", deadline.count() / 1000),
                {.source = name});
  if (status != 0) {
    if (complained.size() > kComplaintBytes) complained.erase(0, complained.size() - kComplaintBytes);
    return fail(ErrorCode::kInternal, fmt::format("{}: {}", words_of(status), complained), {.source = name});
  }
  return said;
}

}  // namespace bongsu::desk
