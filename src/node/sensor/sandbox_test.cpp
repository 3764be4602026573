// A hostile "parser" in the sensor's sandbox: everything that it tries must fail, and what the sensor needs must work.
#include "node/sensor/sandbox.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pwd.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

namespace bongsu::node {
namespace {

namespace fs = std::filesystem;

// A directory laid out as a node's, with a log that may be read beside it.
struct House {
  fs::path root;
  std::string writable;
  House() {
    std::string pattern = (fs::temp_directory_path() / "bongsu-sandbox-XXXXXX").string();
    root = ::mkdtemp(pattern.data());
    fs::create_directories(root / "keys");
    fs::create_directories(root / "logs");
    std::ofstream(root / "keys" / "ca.key") << "secret";
    std::ofstream(root / "journal.db") << "secret";
    std::ofstream(root / "logs" / "conn.log") << "line\n";
    std::ofstream(root / "single.log") << "line\n";
  }
  ~House() { fs::remove_all(root); }
  SandboxOptions options() const {
    return {.readable = {(root / "logs").string(), (root / "single.log").string(), "/no/such/path"}, .writable = writable, .user = "nobody"};
  }
  // As the keeper gives it to the sensor.
  void add_archive() {
    writable = (root / "telemetry").string();
    fs::create_directories(writable);
    const passwd* nobody = ::getpwnam("nobody");
    if (::geteuid() == 0 && nobody != nullptr) (void)!::chown(writable.c_str(), nobody->pw_uid, nobody->pw_gid);
  }
};

// Runs `attack` in a child inside the sandbox. Its exit code is what the attack returns: 0 = refused or worked as it must.
int in_sandbox(const House& house, const std::function<int()>& attack) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (auto entered = enter_sandbox(house.options()); !entered) {
      const std::string text = entered.error().text() + "\n";
      (void)!::write(2, text.data(), text.size());
      ::_exit(entered.error().code == ErrorCode::kUnsupported ? 77 : 99);
    }
    ::_exit(attack());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int refused(long result) { return result < 0 ? 0 : 1; }

class Sandbox : public ::testing::Test {
 protected:
  House house;
  void SetUp() override {
#ifdef BONGSU_SANITIZED
    GTEST_SKIP() << "skipped: sanitizers need system calls that the sandbox refuses";
#endif
    if (in_sandbox(house, [] { return 0; }) == 77) GTEST_SKIP() << "skipped: this kernel has no Landlock";
  }
  void expect(const char* what, const std::function<int()>& attack) { EXPECT_EQ(in_sandbox(house, attack), 0) << what; }
};

TEST_F(Sandbox, ReadsTheLogsThatWereNamed) {
  expect("a file in a named directory", [&] { return ::open((house.root / "logs" / "conn.log").c_str(), O_RDONLY) >= 0 ? 0 : 1; });
  expect("a named file", [&] { return ::open((house.root / "single.log").c_str(), O_RDONLY) >= 0 ? 0 : 1; });
  expect("threads", [] {
    int done = 0;
    std::thread([&] { done = 1; }).join();
    return done == 1 ? 0 : 1;
  });
  expect("memory", [] { return ::mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 1 : 0; });
}

TEST_F(Sandbox, ReachesNeitherKeyNorJournal) {
  expect("a key", [&] { return refused(::open((house.root / "keys" / "ca.key").c_str(), O_RDONLY)); });
  expect("the journal", [&] { return refused(::open((house.root / "journal.db").c_str(), O_RDONLY)); });
  expect("the journal, by way of the logs", [&] { return refused(::open((house.root / "logs" / ".." / "journal.db").c_str(), O_RDONLY)); });
  expect("the password file", [] { return refused(::open("/etc/shadow", O_RDONLY)); });
  expect("a hard link out of the house", [&] { return refused(::link((house.root / "journal.db").c_str(), (house.root / "logs" / "x").c_str())); });
  expect("another process's memory", [] { return refused(::open("/proc/1/mem", O_RDWR)); });
}

TEST_F(Sandbox, WritesNothing) {
  expect("a new file among the logs", [&] { return refused(::open((house.root / "logs" / "new").c_str(), O_WRONLY | O_CREAT, 0600)); });
  expect("a log", [&] { return refused(::open((house.root / "logs" / "conn.log").c_str(), O_WRONLY)); });
  expect("truncation", [&] { return refused(::truncate((house.root / "logs" / "conn.log").c_str(), 0)); });
  expect("removal", [&] { return refused(::unlink((house.root / "logs" / "conn.log").c_str())); });
  expect("a directory", [&] { return refused(::mkdir((house.root / "logs" / "d").c_str(), 0700)); });
}

TEST_F(Sandbox, WritesInItsArchiveAndNowhereElse) {
  house.add_archive();
  const auto in = [&](const char* name) { return (fs::path(house.writable) / name).string(); };
  expect("a file, made durable, renamed, removed", [&] {
    const int fd = ::open(in("a.tmp").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ::write(fd, "x", 1) != 1 || ::fdatasync(fd) != 0) return 1;
    if (::rename(in("a.tmp").c_str(), in("a").c_str()) != 0) return 2;
    const int directory = ::open(house.writable.c_str(), O_RDONLY | O_DIRECTORY);
    if (directory < 0 || ::fsync(directory) != 0) return 3;
    return ::unlink(in("a").c_str()) == 0 ? 0 : 4;
  });
  expect("a new file among the logs", [&] { return refused(::open((house.root / "logs" / "new").c_str(), O_WRONLY | O_CREAT, 0600)); });
  expect("removal of a log", [&] { return refused(::unlink((house.root / "logs" / "conn.log").c_str())); });
  expect("a log into the archive", [&] { return refused(::rename((house.root / "logs" / "conn.log").c_str(), in("b").c_str())); });
  expect("a key over the archive", [&] { return refused(::rename((house.root / "keys" / "ca.key").c_str(), in("b").c_str())); });
  expect("a link in the archive to a key", [&] { return refused(::symlink((house.root / "keys" / "ca.key").c_str(), in("c").c_str())); });
  expect("a directory", [&] { return refused(::mkdir(in("d").c_str(), 0700)); });
}

TEST_F(Sandbox, ReachesNoNetwork) {
  expect("TCP", [] { return refused(::socket(AF_INET, SOCK_STREAM, 0)); });
  expect("TCP over IPv6", [] { return refused(::socket(AF_INET6, SOCK_STREAM, 0)); });
  expect("UDP", [] { return refused(::socket(AF_INET, SOCK_DGRAM, 0)); });
  expect("Unix sockets", [] { return refused(::socket(AF_UNIX, SOCK_STREAM, 0)); });
  expect("raw frames", [] { return refused(::socket(AF_PACKET, SOCK_RAW, 0)); });
}

TEST_F(Sandbox, StartsNoProgramAndTouchesNoProcess) {
  expect("exec", [] {
    char* const arguments[] = {const_cast<char*>("/bin/true"), nullptr};
    ::execv("/bin/true", arguments);
    return 0;  // still here: refused
  });
  expect("fork", [] {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(1);
    return child < 0 ? 0 : 1;
  });
  const pid_t parent = ::getpid();
  expect("signals", [&] { return refused(::kill(parent, 0)); });
  expect("ptrace", [&] { return refused(::ptrace(PTRACE_ATTACH, parent, nullptr, nullptr)); });
  expect("becoming root again", [] { return ::geteuid() == 0 ? 0 : refused(::setuid(0)); });
}

TEST_F(Sandbox, RunsAsTheUnprivilegedUserWhenStartedByRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "skipped: not started by root";
  expect("user", [] { return ::geteuid() != 0 && ::getuid() != 0 ? 0 : 1; });
}

}  // namespace
}  // namespace bongsu::node
